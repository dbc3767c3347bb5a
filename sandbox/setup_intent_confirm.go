package sandbox

import (
	"net/url"
)

func readSetupConfirmation(c *call) {
	p, f := c.params, &c.confirm
	p.set("return_url", &f.returnURL)
	if f.returnURL != nil {
		if u, err := url.Parse(*f.returnURL); err != nil || u.Scheme == "" || u.Host == "" {
			p.fail(invalid("url_invalid", "return_url", "Not a valid URL"))
		}
	}
	f.mandate = readMandateData(c, p)
	f.useSDK = p.flag("use_stripe_sdk") || c.publishable
}

func confirmSetup(c *call) (any, error) {
	c.confirming = true
	if _, err := c.setup(); err != nil {
		return nil, err
	}
	si, _ := edit[setupIntent](c.tx, c.id)
	readSetup(c, si)
	readSetupConfirmation(c)
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return c.confirmSetup(si)
}

// confirmSetup carries out a confirmation of si, which is part of the transaction already.
func (c *call) confirmSetup(si *setupIntent) (any, error) {
	switch si.Status {
	case statusRequiresMethod, statusRequiresConfirmation, statusRequiresAction:
	case statusSucceeded:
		return nil, unexpectedSetupState(si, "You cannot confirm this SetupIntent because it has already succeeded.")
	default:
		return nil, unexpectedSetupState(si, "You cannot confirm this SetupIntent because it has a status of %s. Only a SetupIntent with one of the following statuses may be confirmed: requires_payment_method, requires_confirmation, requires_action.", si.Status)
	}
	if auto := si.AutomaticPaymentMethods; auto != nil && auto.AllowRedirects == "always" && c.confirm.returnURL == nil {
		return nil, refused("", "return_url", "A return_url must be specified because this Setup Intent is configured to automatically accept the payment methods enabled in the Dashboard, some of which may require a full page redirect to succeed. If you do not want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.")
	}
	if err := c.takeSetupMethod(si); err != nil {
		return nil, err
	}
	if si.PaymentMethod == nil {
		return nil, unexpectedSetupState(si, "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again.")
	}
	m, ok := get[paymentMethod](c.tx, *si.PaymentMethod)
	if !ok {
		return nil, missingParam("PaymentMethod", *si.PaymentMethod, "payment_method")
	}
	if err := mayUse("SetupIntent", "setup_intent_invalid_parameter", si.Customer, si.PaymentMethodTypes, m); err != nil {
		return nil, err
	}
	c.dropSetupMandate(si)
	si.NextAction, si.LastSetupError, si.Hidden.Deposits = nil, nil, nil
	if m.Type == bankMethod {
		return c.setUpBank(si, m)
	}
	return c.setUpCard(si, m)
}

// setUpCard asks the card's bank for authentication where it wants it.
func (c *call) setUpCard(si *setupIntent, m *paymentMethod) (any, error) {
	known := cardByBehaviour(m.Hidden.TestCard)
	if expired(m.Card.ExpMonth, m.Card.ExpYear, c.now) {
		return nil, c.declineSetup(si, declinedExpired)
	}
	if known.refusal != nil && !known.attaches {
		return nil, c.declineSetup(si, known.refusal)
	}
	wanted := si.PaymentMethodOptions.Card != nil && si.PaymentMethodOptions.Card.RequestThreeDSecure != "automatic"
	needed := known.auth == authAlways || known.auth == authUnlessSetUp && !m.Hidden.SetUp || known.auth == authOptional && wanted
	if !needed || si.Hidden.MOTO {
		c.succeedSetup(si)
		return si, nil
	}
	si.Status = statusRequiresAction
	page := c.url + "/js/3ds?setup_intent=" + url.QueryEscape(si.ID) + "&client_secret=" + url.QueryEscape(si.ClientSecret)
	if c.confirm.useSDK || c.confirm.returnURL == nil {
		si.NextAction = &nextAction{Type: "use_stripe_sdk", UseStripeSDK: map[string]string{"type": "three_d_secure_redirect", "stripe_js": page}}
	} else {
		page += "&return_url=" + url.QueryEscape(*c.confirm.returnURL)
		si.NextAction = &nextAction{Type: "redirect_to_url", RedirectToURL: &redirectToURL{ReturnURL: c.confirm.returnURL, URL: &page}}
	}
	c.emit("setup_intent.requires_action", si)
	return si, nil
}

// setUpBank takes the customer's permission, and verifies the account unless it is.
func (c *call) setUpBank(si *setupIntent, m *paymentMethod) (any, error) {
	if err := c.debitable(m); err != nil {
		return nil, err
	}
	d, err := c.permission("SetupIntent", m, "", c.confirm.mandate, nil)
	if err != nil {
		err.keep, err.SetupIntent = true, render(si)
		return nil, err
	}
	si.Mandate = &d.ID
	if m.Hidden.Bank.Verified {
		c.succeedSetup(si)
		return si, nil
	}
	if known, _ := bankAccountNumbered(m.Hidden.Bank.Number); known.noDeposits {
		return nil, c.failSetup(si, errDepositsFailed)
	}
	si.Status, si.Hidden.Deposits = statusRequiresAction, &depositState{Mandate: d.ID}
	si.NextAction = &nextAction{Type: "verify_with_microdeposits", VerifyWithMicrodeposits: sendDeposits(c.tx, si.ID, si.ClientSecret)}
	c.emit("setup_intent.requires_action", si)
	return si, nil
}

// succeedSetup makes the PaymentMethod of the edited si ready, and gives it to the customer.
func (t *tx) succeedSetup(si *setupIntent) {
	m, _ := edit[paymentMethod](t, *si.PaymentMethod)
	m.Hidden.SetUp = m.Hidden.SetUp || si.Usage == "off_session"
	if m.Customer == nil && si.Customer != nil {
		attach(t, m, *si.Customer)
	}
	si.Status, si.NextAction, si.LastSetupError, si.Hidden.Deposits = statusSucceeded, nil, nil, nil
	t.emit("setup_intent.succeeded", si)
}

// failSetup sends the edited si back for another method, and is the answer that says so.
func (t *tx) failSetup(si *setupIntent, why *apiError) *apiError {
	shown := *why
	if m, ok := get[paymentMethod](t, text(si.PaymentMethod)); ok {
		shown.PaymentMethod = render(m)
	}
	t.dropSetupMandate(si)
	si.LastSetupError = &shown
	si.Status, si.PaymentMethod, si.Mandate, si.NextAction, si.Hidden.Deposits = statusRequiresMethod, nil, nil, nil, nil
	t.emit("setup_intent.setup_failed", si)
	answer := shown
	answer.keep, answer.invalid, answer.SetupIntent = true, false, render(si)
	if answer.status == 0 {
		answer.status = 400
	}
	return &answer
}

func (c *call) declineSetup(si *setupIntent, why *refusal) *apiError {
	e := cardError(why.code, "", why.message)
	e.DeclineCode = why.decline
	return c.failSetup(si, e)
}

// authenticateSetup is what the bank's page of 3-D Secure calls when the customer has answered it.
func authenticateSetup(c *call) (any, error) {
	if _, err := c.setup(); err != nil {
		return nil, err
	}
	result := c.params.choice("outcome", "succeed", "fail")
	if !c.params.has("outcome") {
		c.params.fail(c.params.absent("outcome"))
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	si, _ := edit[setupIntent](c.tx, c.id)
	if si.Status != statusRequiresAction || si.Hidden.Deposits != nil {
		return nil, unexpectedSetupState(si, "This SetupIntent does not await authentication: it has a status of %s.", si.Status)
	}
	if result == "fail" {
		_ = c.failSetup(si, withDoc(&apiError{Type: "invalid_request_error", Code: "setup_intent_authentication_failure",
			Message: "The latest attempt to set up the payment method has failed because authentication failed."}))
		return si, nil
	}
	c.succeedSetup(si)
	return si, nil
}

// verifySetupDeposits is POST /v1/setup_intents/{id}/verify_microdeposits.
func verifySetupDeposits(c *call) (any, error) {
	if _, err := c.setup(); err != nil {
		return nil, err
	}
	guess := readDeposits(c.params, "descriptor_code")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	si, _ := edit[setupIntent](c.tx, c.id)
	if err := c.verifySetup(si, guess); err != nil {
		return nil, err
	}
	return si, nil
}

// verifySetup takes what the customer read on the statement.
func (t *tx) verifySetup(si *setupIntent, guess depositGuess) *apiError {
	if si.Status != statusRequiresAction || si.Hidden.Deposits == nil {
		return unexpectedSetupState(si, "This SetupIntent cannot be verified with microdeposits because it has a status of %s.", si.Status)
	}
	e, over := si.Hidden.Deposits.judge(guess)
	switch {
	case over:
		return t.failSetup(si, e)
	case e != nil:
		return e
	}
	si.Hidden.Deposits.verified(t, *si.PaymentMethod)
	t.succeedSetup(si)
	return nil
}
