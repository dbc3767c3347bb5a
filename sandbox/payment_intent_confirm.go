package sandbox

import (
	"fmt"
	"net/url"
	"slices"
)

// confirmation is what a confirm call says besides the PaymentIntent's own fields.
type confirmation struct {
	method        string // an id, or the name of a test card or test account
	made          *paymentMethod
	token         string
	returnURL     *string
	mandate       *mandateData
	mandateID     string
	useSDK        bool
	offSession    bool
	errorOnAction bool
}

func (c *call) readConfirmation() {
	p := c.params
	f := &c.confirm
	f.method = p.text("payment_method")
	f.token = p.text("confirmation_token")
	if data := p.hash("payment_method_data"); data != nil {
		f.made = readMethod(c, data)
	}
	if given := btoi(f.method != "") + btoi(f.made != nil) + btoi(f.token != ""); given > 1 && f.token != "" {
		p.fail(invalid("", "confirmation_token", "You may only specify one of these parameters: confirmation_token, payment_method, payment_method_data."))
	}
	p.set("return_url", &f.returnURL)
	if f.returnURL != nil {
		if u, err := url.Parse(*f.returnURL); err != nil || u.Scheme == "" || u.Host == "" {
			p.fail(invalid("url_invalid", "return_url", "Not a valid URL"))
		}
	}
	f.mandate = readMandateData(c, p)
	f.useSDK = p.flag("use_stripe_sdk") || c.publishable
	f.errorOnAction = p.flag("error_on_requires_action")
	switch v, _ := p.scalar("off_session"); v {
	case "", "false":
	case "true", "one_off", "recurring":
		f.offSession = true
	default:
		p.fail(invalid("", "off_session", "Invalid off_session: must be one of true, false, one_off, or recurring"))
	}
	if f.offSession && f.errorOnAction {
		p.fail(invalid("", "off_session", "You may only specify one of these parameters: off_session, error_on_requires_action."))
	}
	f.mandateID = p.text("mandate")
	p.ignore("radar_options")
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// chooseMethod finds or makes the PaymentMethod the call names, and checks that pi may use it; false when it names none.
func (c *call) chooseMethod(pi *paymentIntent) (*paymentMethod, bool, error) {
	m, given, err := c.givenMethod()
	if err != nil || !given {
		return nil, false, err
	}
	return m, true, checkMethod(pi, m)
}

// givenMethod finds or makes the PaymentMethod the call names; false when it names none.
func (c *call) givenMethod() (*paymentMethod, bool, error) {
	if m := c.confirm.made; m != nil {
		c.put(m)
		return m, true, nil
	}
	if c.confirm.method == "" {
		return nil, false, nil
	}
	if m, named := namedMethod(c.tx, c.confirm.method); named {
		return m, true, nil
	}
	m, ok := get[paymentMethod](c.tx, c.confirm.method)
	if !ok {
		return nil, false, missingParam("PaymentMethod", c.confirm.method, "payment_method")
	}
	return m, true, nil
}

func checkMethod(pi *paymentIntent, m *paymentMethod) error {
	return mayUse("PaymentIntent", "payment_intent_invalid_parameter", pi.Customer, pi.PaymentMethodTypes, m)
}

// mayUse tells whether an intent of that customer and those types may use m; noun is what Stripe calls the intent.
func mayUse(noun, code string, customerID *string, types []string, m *paymentMethod) error {
	switch {
	case m.Customer != nil && customerID == nil:
		return refused("", "payment_method", "The PaymentMethod %s belongs to the Customer %s. Please include the Customer in the `customer` parameter on the %s.", m.ID, *m.Customer, noun)
	case m.Customer != nil && *m.Customer != *customerID:
		return refused("resource_missing", "payment_method", "The customer does not have a payment method with the ID %s. The payment method must be attached to the customer.", m.ID)
	case m.Customer == nil && m.Hidden.Used:
		return refused("", "payment_method", methodSpent)
	case !slices.Contains(types, m.Type):
		return refused(code, "payment_method", "The PaymentMethod provided (%s) is not allowed for this %s. Please attach a PaymentMethod of one of the following types: %s. Alternatively update the allowed payment_method_types for this %[2]s to include \"%[1]s\".", m.Type, noun, orList(types))
	}
	return nil
}

func confirmIntent(c *call) (any, error) {
	c.confirming = true
	if _, err := c.intent(); err != nil {
		return nil, err
	}
	pi, _ := edit[paymentIntent](c.tx, c.id)
	before := pi.SetupFutureUsage
	readIntent(c, pi)
	c.readConfirmation()
	if c.publishable && before != nil && *before == "off_session" && (pi.SetupFutureUsage == nil || *pi.SetupFutureUsage != "off_session") {
		c.params.fail(invalid("", "setup_future_usage", "When using a publishable key, you may only update setup_future_usage from on_session to off_session."))
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return c.confirmIntent(pi)
}

// confirmIntent carries out a confirmation of pi, which is part of the transaction already.
func (c *call) confirmIntent(pi *paymentIntent) (any, error) {
	switch pi.Status {
	case statusRequiresMethod, statusRequiresConfirmation, statusRequiresAction:
	case statusSucceeded, statusRequiresCapture:
		return nil, c.refuseState(pi, "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.")
	default:
		return nil, c.refuseState(pi, fmt.Sprintf("You cannot confirm this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action.", pi.Status))
	}
	if c.confirm.offSession && pi.SetupFutureUsage != nil && c.params.has("setup_future_usage") {
		return nil, refused("", "off_session", "You cannot set `off_session` to true together with `setup_future_usage`: the customer has to be present to save a payment method.")
	}
	var token *confirmationToken
	if id := c.confirm.token; id != "" {
		var ok bool
		if token, ok = get[confirmationToken](c.tx, id); !ok {
			return nil, missingParam("confirmation_token", id, "confirmation_token")
		}
		if c.confirm.returnURL == nil {
			c.confirm.returnURL = token.ReturnURL
		}
		if token.Shipping != nil {
			pi.Shipping = token.Shipping
		}
		if token.SetupFutureUsage != nil && token.Hidden.Context == nil {
			pi.SetupFutureUsage = token.SetupFutureUsage
		}
		if err := token.spendable(c, pi); err != nil {
			return nil, err
		}
		c.confirm.useSDK = c.confirm.useSDK || token.UseStripeSDK
	}
	if auto := pi.AutomaticPaymentMethods; auto != nil && auto.AllowRedirects == "always" && c.confirm.returnURL == nil && !c.confirm.errorOnAction {
		return nil, refused("", "return_url", "A return_url must be specified because this Payment Intent is configured to automatically accept the payment methods enabled in the Dashboard, some of which may require a full page redirect to succeed. If you do not want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
	}
	m, err := c.confirmedMethod(pi, token)
	if err != nil {
		return nil, err
	}
	pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = &m.ID, nil, nil
	if m.Type == bankMethod {
		return c.tryDebit(pi, m)
	}
	return c.tryCard(pi, m)
}

// refuseState answers that pi's status does not allow the call, and shows pi as it was before the call.
func (c *call) refuseState(pi *paymentIntent, message string) error {
	if before, ok := c.state.table(pi.kind()).byKey[pi.ID]; ok {
		pi = before.(*paymentIntent)
	}
	return unexpectedState(pi, "%s", message)
}

// confirmedMethod is the PaymentMethod of the call, of its token, or the one pi has already.
func (c *call) confirmedMethod(pi *paymentIntent, token *confirmationToken) (*paymentMethod, error) {
	if token != nil {
		if !slices.Contains(pi.PaymentMethodTypes, token.PaymentMethodPreview.Type) {
			return nil, checkMethod(pi, &paymentMethod{Type: token.PaymentMethodPreview.Type})
		}
		m := token.spend(c.tx, pi)
		return m, checkMethod(pi, m)
	}
	m, given, err := c.chooseMethod(pi)
	if err != nil || given {
		return m, err
	}
	if pi.PaymentMethod == nil {
		return nil, c.refuseState(pi, "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
	}
	m, ok := get[paymentMethod](c.tx, *pi.PaymentMethod)
	if !ok {
		return nil, missingParam("PaymentMethod", *pi.PaymentMethod, "payment_method")
	}
	return m, checkMethod(pi, m)
}

// tryCard asks the card's bank: authentication first where it wants it, then the charge.
func (c *call) tryCard(pi *paymentIntent, m *paymentMethod) (any, error) {
	if expired(m.Card.ExpMonth, m.Card.ExpYear, c.now) {
		return nil, c.decline(pi, m, declinedExpired, false)
	}
	known := cardByBehaviour(m.Hidden.TestCard)
	wanted := pi.PaymentMethodOptions.Card != nil && pi.PaymentMethodOptions.Card.RequestThreeDSecure != "automatic"
	needed := known.auth == authAlways || known.auth == authUnlessSetUp && !m.Hidden.SetUp || known.auth == authOptional && wanted
	if pi.Hidden.MOTO || pi.Hidden.Authenticated || !needed {
		return c.chargeIntent(pi, m, pi.Hidden.Authenticated)
	}
	if c.confirm.offSession {
		return nil, c.decline(pi, m, declinedAuth, false)
	}
	if c.confirm.errorOnAction {
		return nil, c.decline(pi, m, &refusal{code: "authentication_required", decline: "authentication_not_handled", message: "This payment required an authentication action to complete, but `error_on_requires_action` was set. When you're ready, you can upgrade your integration to handle actions at https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions."}, false)
	}
	pi.Status = statusRequiresAction
	page := c.url + "/js/3ds?payment_intent=" + url.QueryEscape(pi.ID) + "&client_secret=" + url.QueryEscape(pi.ClientSecret)
	if c.confirm.useSDK || c.confirm.returnURL == nil {
		pi.NextAction = &nextAction{Type: "use_stripe_sdk", UseStripeSDK: map[string]string{"type": "three_d_secure_redirect", "stripe_js": page}}
	} else {
		page += "&return_url=" + url.QueryEscape(*c.confirm.returnURL)
		pi.NextAction = &nextAction{Type: "redirect_to_url", RedirectToURL: &redirectToURL{ReturnURL: c.confirm.returnURL, URL: &page}}
	}
	c.emit("payment_intent.requires_action", pi)
	c.truth(pi)
	return pi, nil
}

// chargeIntent makes the charge and settles pi by its outcome.
func (c *call) chargeIntent(pi *paymentIntent, m *paymentMethod, authenticated bool) (any, error) {
	known := cardByBehaviour(m.Hidden.TestCard)
	if known.refusal != nil {
		return nil, c.decline(pi, m, known.refusal, authenticated)
	}
	saved, _ := edit[paymentMethod](c.tx, m.ID)
	if pi.SetupFutureUsage != nil && pi.Customer != nil {
		saved.Hidden.SetUp = saved.Hidden.SetUp || *pi.SetupFutureUsage == "off_session"
		if saved.Customer == nil {
			attach(c.tx, saved, *pi.Customer)
		}
	} else if saved.Customer == nil {
		saved.Hidden.Used = true
	}
	ch := newCharge(c.tx, pi, saved, authenticated)
	pi.LatestCharge, pi.NextAction, pi.Hidden.Authenticated = &ch.ID, nil, false
	ch.Status, ch.Paid = "succeeded", true
	ch.Outcome = approved(known)
	if pi.CaptureMethod == "manual" {
		ch.holdUntil(c.tx)
		pi.Status, pi.AmountCapturable = statusRequiresCapture, pi.Amount
		c.emit("charge.succeeded", ch)
		c.emit("payment_intent.amount_capturable_updated", pi)
	} else {
		pi.Status, pi.AmountReceived = statusSucceeded, pi.Amount
		ch.Captured, ch.AmountCaptured = true, ch.Amount
		if pi.CaptureMethod == "automatic_async" {
			c.schedule(c.now.Add(asyncCaptureTakes), taskBook, ch.ID)
		} else {
			bookCharge(c.tx, ch)
		}
		c.emit("charge.succeeded", ch)
		c.emit("payment_intent.succeeded", pi)
		afterCapture(c.tx, ch)
	}
	c.truth(ch)
	c.truth(pi)
	return pi, nil
}

// decline records a refused charge and is the 402 that says so. The PaymentIntent waits for another method.
func (c *call) decline(pi *paymentIntent, m *paymentMethod, why *refusal, authenticated bool) error {
	ch := newCharge(c.tx, pi, m, authenticated)
	ch.Status = "failed"
	ch.FailureCode, ch.FailureMessage = &why.code, &why.message
	ch.Outcome = refusedOutcome(why)
	e := cardError(why.code, "", why.message)
	e.invalid, e.keep = false, true
	e.DeclineCode, e.Charge, e.PaymentMethod = why.decline, ch.ID, render(m)
	if why == declinedCVC {
		e.Param = "cvc"
	}
	shown := *e
	pi.LastPaymentError = &shown
	pi.LatestCharge = &ch.ID
	pi.Status, pi.PaymentMethod, pi.NextAction, pi.Hidden.Authenticated = statusRequiresMethod, nil, nil, false
	c.emit("charge.failed", ch)
	c.emit("payment_intent.payment_failed", pi)
	c.truth(ch)
	c.truth(pi)
	e.PaymentIntent = render(pi)
	return e
}

// cancelIntent ends a PaymentIntent that has not moved money; a held authorization is released.
func cancelIntent(c *call) (any, error) {
	if _, err := c.intent(); err != nil {
		return nil, err
	}
	reason := c.params.choice("cancellation_reason", "duplicate", "fraudulent", "requested_by_customer", "abandoned")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	pi, _ := edit[paymentIntent](c.tx, c.id)
	switch pi.Status {
	case statusRequiresMethod, statusRequiresCapture, statusRequiresConfirmation, statusRequiresAction:
	case statusProcessing:
		if !c.cancellableDebit(pi) {
			return nil, unexpectedState(pi, "You cannot cancel this PaymentIntent because it has a status of processing and its debit is already on its way to the bank.")
		}
	default:
		return nil, unexpectedState(pi, "You cannot cancel this PaymentIntent because it has a status of %s. Only a PaymentIntent with one of the following statuses may be canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing.", pi.Status)
	}
	cancelNow(c.tx, pi, reason)
	return pi, nil
}

func cancelNow(t *tx, pi *paymentIntent, reason string) {
	if pi.Status == statusRequiresCapture {
		ch, _ := edit[charge](t, *pi.LatestCharge)
		why := ""
		if reason == "automatic" {
			why = "expired_uncaptured_charge"
			t.emit("charge.expired", ch)
		}
		release(t, ch, ch.Amount, why)
		t.truth(ch)
	}
	if pi.Status == statusProcessing {
		cancelDebit(t, pi)
	}
	at := t.unix()
	pi.Status, pi.CanceledAt, pi.NextAction, pi.AmountCapturable = statusCanceled, &at, nil, 0
	if reason != "" {
		pi.CancellationReason = &reason
	}
	t.emit("payment_intent.canceled", pi)
	t.truth(pi)
}
