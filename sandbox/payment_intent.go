package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

type automaticMethods struct {
	AllowRedirects string `json:"allow_redirects"`
	Enabled        bool   `json:"enabled"`
}

type amountDetails struct {
	Tip struct{} `json:"tip"`
}

type redirectToURL struct {
	ReturnURL *string `json:"return_url"`
	URL       *string `json:"url"`
}

type nextAction struct {
	RedirectToURL           *redirectToURL    `json:"redirect_to_url,omitempty"`
	Type                    string            `json:"type"`
	UseStripeSDK            map[string]string `json:"use_stripe_sdk,omitempty"`
	VerifyWithMicrodeposits *verifyDeposits   `json:"verify_with_microdeposits,omitempty"`
}

type cardOptions struct {
	Installments        *string `json:"installments"`
	MandateOptions      *string `json:"mandate_options"`
	Network             *string `json:"network"`
	RequestThreeDSecure string  `json:"request_three_d_secure"`
	SetupFutureUsage    *string `json:"setup_future_usage,omitempty"`
	CaptureMethod       string  `json:"capture_method,omitempty"`
}

type methodOptions struct {
	Card          *cardOptions `json:"card,omitempty"`
	USBankAccount *bankOptions `json:"us_bank_account,omitempty"`
}

// paymentIntent is a PaymentIntent (https://docs.stripe.com/api/payment_intents/object, version 2023-10-16).
type paymentIntent struct {
	ID                        string            `json:"id"`
	Object                    string            `json:"object"`
	Amount                    int64             `json:"amount"`
	AmountCapturable          int64             `json:"amount_capturable"`
	AmountDetails             amountDetails     `json:"amount_details"`
	AmountReceived            int64             `json:"amount_received"`
	Application               *string           `json:"application"`
	ApplicationFeeAmount      *int64            `json:"application_fee_amount"`
	AutomaticPaymentMethods   *automaticMethods `json:"automatic_payment_methods"`
	CanceledAt                *int64            `json:"canceled_at"`
	CancellationReason        *string           `json:"cancellation_reason"`
	CaptureMethod             string            `json:"capture_method"`
	ClientSecret              string            `json:"client_secret"`
	ConfirmationMethod        string            `json:"confirmation_method"`
	Created                   int64             `json:"created"`
	Currency                  string            `json:"currency"`
	Customer                  *string           `json:"customer"`
	Description               *string           `json:"description"`
	Invoice                   *string           `json:"invoice"`
	LastPaymentError          *apiError         `json:"last_payment_error"`
	LatestCharge              *string           `json:"latest_charge"`
	Livemode                  bool              `json:"livemode"`
	Metadata                  map[string]string `json:"metadata"`
	NextAction                *nextAction       `json:"next_action"`
	OnBehalfOf                *string           `json:"on_behalf_of"`
	PaymentMethod             *string           `json:"payment_method"`
	MethodConfiguration       *string           `json:"payment_method_configuration_details"`
	PaymentMethodOptions      methodOptions     `json:"payment_method_options"`
	PaymentMethodTypes        []string          `json:"payment_method_types"`
	Processing                *string           `json:"processing"`
	ReceiptEmail              *string           `json:"receipt_email"`
	Review                    *string           `json:"review"`
	SetupFutureUsage          *string           `json:"setup_future_usage"`
	Shipping                  *shipping         `json:"shipping"`
	StatementDescriptor       *string           `json:"statement_descriptor"`
	StatementDescriptorSuffix *string           `json:"statement_descriptor_suffix"`
	Status                    string            `json:"status"`
	TransferData              *string           `json:"transfer_data"`
	TransferGroup             *string           `json:"transfer_group"`

	Hidden struct {
		Context       *elementsContext `json:"context"` // of the token that authentication was asked for
		MOTO          bool             `json:"moto"`
		Authenticated bool             `json:"authenticated"` // 3-D Secure passed, the charge waits for a second confirmation
		Deposits      *depositState    `json:"deposits"`      // while a bank account is verified
	} `json:"sandbox"`
}

func (*paymentIntent) kind() string   { return "payment_intent" }
func (pi *paymentIntent) key() string { return pi.ID }

const (
	statusRequiresMethod       = "requires_payment_method"
	statusRequiresConfirmation = "requires_confirmation"
	statusRequiresAction       = "requires_action"
	statusRequiresCapture      = "requires_capture"
	statusProcessing           = "processing"
	statusSucceeded            = "succeeded"
	statusCanceled             = "canceled"
)

// methodTypes are the payment method types the account can take; the first is what automatic methods offer.
var methodTypes = []string{"card", bankMethod}

// readIntent applies the parameters that create, update and confirm share; keys names those the call takes.
func readIntent(c *call, pi *paymentIntent) {
	p := c.params
	p.set("receipt_email", &pi.ReceiptEmail)
	if p.has("shipping") {
		pi.Shipping = p.shipping()
	}
	if p.has("setup_future_usage") {
		pi.SetupFutureUsage = nil
		if future := p.choice("setup_future_usage", "", "off_session", "on_session"); future != "" {
			pi.SetupFutureUsage = &future
		}
	}
	if m := p.choice("capture_method", "automatic", "automatic_async", "manual"); m != "" {
		pi.CaptureMethod = m
	}
	if p.has("payment_method_types") {
		pi.PaymentMethodTypes = p.words("payment_method_types")
		pi.AutomaticPaymentMethods = nil
		if len(pi.PaymentMethodTypes) == 0 {
			p.fail(invalid("", "payment_method_types", "Invalid payment_method_types: must contain at least one payment method type."))
		}
		for i, kind := range pi.PaymentMethodTypes {
			if !slices.Contains(methodTypes, kind) {
				p.fail(invalid("payment_intent_invalid_parameter", "payment_method_types", "The payment method type provided: %s is invalid. Please ensure the provided type is activated in your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features that you are trying to use. See https://stripe.com/docs/payments/payment-methods/integration-options for supported payment method, currency, and country combinations.", kind))
			}
			if slices.Contains(pi.PaymentMethodTypes[:i], kind) {
				p.fail(invalid("", "payment_method_types", "Invalid payment_method_types: %s is given twice.", kind))
			}
		}
	}
	readMethodOptions(c, p, pi)
}

func readMethodOptions(c *call, p *params, pi *paymentIntent) {
	if pi.PaymentMethodOptions.Card == nil && slices.Contains(pi.PaymentMethodTypes, "card") {
		pi.PaymentMethodOptions.Card = &cardOptions{RequestThreeDSecure: "automatic"}
	}
	if pi.PaymentMethodOptions.USBankAccount == nil && slices.Contains(pi.PaymentMethodTypes, bankMethod) {
		pi.PaymentMethodOptions.USBankAccount = &bankOptions{VerificationMethod: "automatic"}
	}
	h := p.hash("payment_method_options")
	if h == nil {
		return
	}
	pi.PaymentMethodOptions.USBankAccount = readBankOptions(p, pi.PaymentMethodOptions.USBankAccount)
	o := h.hash("card")
	if o == nil {
		return
	}
	if pi.PaymentMethodOptions.Card == nil {
		pi.PaymentMethodOptions.Card = &cardOptions{RequestThreeDSecure: "automatic"}
	}
	if v := o.choice("request_three_d_secure", "any", "automatic", "challenge"); v != "" {
		pi.PaymentMethodOptions.Card.RequestThreeDSecure = v
	}
	o.set("setup_future_usage", &pi.PaymentMethodOptions.Card.SetupFutureUsage)
	if v := o.choice("capture_method", "", "manual"); v != "" {
		pi.PaymentMethodOptions.Card.CaptureMethod = v
	}
	pi.Hidden.MOTO = o.flag("moto")
	if pi.Hidden.MOTO && !c.confirming {
		p.fail(invalid("", o.name+"[moto]", "`payment_method_options[card][moto]` can only be set when confirming the PaymentIntent."))
	}
	o.ignore("request_extended_authorization", "request_incremental_authorization", "request_multicapture", "request_overcapture", "require_cvc_recollection", "network", "installments", "mandate_options")
}

var (
	descriptorForbidden = regexp.MustCompile(`[<>\\'"*]`)
	latinLetter         = regexp.MustCompile(`[A-Za-z]`)
)

// readDescriptors checks the statement descriptor rules of https://docs.stripe.com/get-started/account/statement-descriptors.
func readDescriptors(p *params, pi *paymentIntent) {
	p.set("statement_descriptor", &pi.StatementDescriptor)
	p.set("statement_descriptor_suffix", &pi.StatementDescriptorSuffix)
	if d := pi.StatementDescriptor; d != nil {
		switch {
		case len(*d) > 22:
			p.fail(invalid("", "statement_descriptor", "The statement descriptor must be at most 22 characters."))
		case len(*d) < 5:
			p.fail(invalid("", "statement_descriptor", "The statement descriptor must be at least 5 characters."))
		case descriptorForbidden.MatchString(*d):
			p.fail(invalid("", "statement_descriptor", "The statement descriptor can not contain the characters `<`, `>`, `\\`, `'`, `\"`, or `*`."))
		case !latinLetter.MatchString(*d):
			p.fail(invalid("", "statement_descriptor", "The statement descriptor must contain at least one alphabetic character."))
		case slices.Contains(pi.PaymentMethodTypes, "card"):
			p.fail(invalid("", "statement_descriptor", "The `statement_descriptor` parameter is not supported for the card payment method type. Use `statement_descriptor_suffix` instead."))
		}
	}
	if s := pi.StatementDescriptorSuffix; s != nil {
		switch {
		case len(*s) > 22:
			p.fail(invalid("", "statement_descriptor_suffix", "The statement descriptor suffix must be at most 22 characters."))
		case descriptorForbidden.MatchString(*s):
			p.fail(invalid("", "statement_descriptor_suffix", "The statement descriptor suffix can not contain the characters `<`, `>`, `\\`, `'`, `\"`, or `*`."))
		case !latinLetter.MatchString(*s):
			p.fail(invalid("", "statement_descriptor_suffix", "The statement descriptor suffix must contain at least one alphabetic character."))
		}
	}
}

func createIntent(c *call) (any, error) {
	p := c.params
	c.confirming = p.flag("confirm")
	pi := &paymentIntent{ID: newID("pi"), Object: "payment_intent", CaptureMethod: "automatic", ConfirmationMethod: "automatic",
		Created: c.unix(), Metadata: p.metadata(nil), Status: statusRequiresMethod}
	pi.ClientSecret = pi.ID + "_secret_" + randomText(25)
	pi.Currency = strings.ToLower(p.must("currency"))
	if amount := p.number("amount"); amount != nil {
		pi.Amount = *amount
	} else if !p.has("amount") {
		p.fail(p.absent("amount"))
	}
	p.set("customer", &pi.Customer)
	p.set("description", &pi.Description)
	p.set("transfer_group", &pi.TransferGroup)
	if m := p.choice("confirmation_method", "automatic", "manual"); m != "" {
		pi.ConfirmationMethod = m
	}
	// Since 2023-08-16 a PaymentIntent without payment_method_types offers what the Dashboard offers
	// (https://docs.stripe.com/upgrades#2023-08-16).
	pi.AutomaticPaymentMethods = &automaticMethods{AllowRedirects: "always", Enabled: true}
	pi.PaymentMethodTypes = methodTypes[:1]
	if auto := p.hash("automatic_payment_methods"); auto != nil {
		if p.has("payment_method_types") {
			p.fail(invalid("", "payment_method_types", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."))
		}
		if !auto.flag("enabled") {
			pi.AutomaticPaymentMethods = nil
		}
		if r := auto.choice("allow_redirects", "always", "never"); r != "" && pi.AutomaticPaymentMethods != nil {
			pi.AutomaticPaymentMethods.AllowRedirects = r
		}
	}
	readIntent(c, pi)
	readDescriptors(p, pi)
	p.ignore("payment_method_configuration", "radar_options")
	if c.confirming {
		c.readConfirmation()
	} else {
		c.confirm.method = p.text("payment_method")
		if data := p.hash("payment_method_data"); data != nil {
			c.confirm.made = readMethod(c, data)
		}
		for _, k := range []string{"off_session", "return_url", "mandate_data", "mandate", "use_stripe_sdk", "error_on_requires_action", "confirmation_token"} {
			if p.has(k) {
				p.ignore(k)
				p.fail(invalid("", k, "You cannot use the `%s` parameter unless you set `confirm` to true.", k))
			}
		}
	}
	if err := p.problem(); err != nil {
		return nil, err
	}
	if err := checkAmount(pi.Amount, pi.Currency); err != nil {
		return nil, err
	}
	if err := checkBank(pi); err != nil {
		return nil, err
	}
	if pi.Customer != nil {
		if err := c.liveCustomer(*pi.Customer, "customer"); err != nil {
			return nil, err
		}
	}
	if !c.confirming {
		m, given, err := c.chooseMethod(pi)
		if err != nil {
			return nil, err
		}
		if given {
			pi.PaymentMethod, pi.Status = &m.ID, statusRequiresConfirmation
		}
	}
	c.put(pi)
	c.emit("payment_intent.created", pi)
	c.truth(pi)
	if !c.confirming {
		return pi, nil
	}
	return c.confirmIntent(pi)
}

// intent reads a PaymentIntent named in the path. The publishable key has to show its client secret.
func (c *call) intent() (*paymentIntent, error) {
	secret := ""
	if c.params.has("client_secret") {
		secret = c.params.text("client_secret")
	}
	pi, ok := get[paymentIntent](c.tx, c.id)
	switch {
	case !ok:
		return nil, missing("payment_intent", c.id, "intent")
	case c.publishable && secret == "":
		return nil, withStatus(401, invalid("", "client_secret", "Missing required param: client_secret."))
	case secret != "" && secret != pi.ClientSecret:
		return nil, invalid("payment_intent_invalid_parameter", "client_secret", "The client_secret provided does not match any associated PaymentIntent on this account. Ensure the provided client_secret and PaymentIntent ID are correct.")
	}
	return pi, nil
}

func retrieveIntent(c *call) (any, error) {
	pi, err := c.intent()
	if err != nil {
		return nil, err
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return pi, nil
}

func updateIntent(c *call) (any, error) {
	old, err := c.intent()
	if err != nil {
		return nil, err
	}
	p := c.params
	pi, _ := edit[paymentIntent](c.tx, c.id)
	if amount := p.number("amount"); amount != nil {
		pi.Amount = *amount
	}
	if p.has("currency") {
		pi.Currency = strings.ToLower(p.text("currency"))
	}
	p.set("customer", &pi.Customer)
	p.set("description", &pi.Description)
	p.set("transfer_group", &pi.TransferGroup)
	pi.Metadata = p.metadata(pi.Metadata)
	readIntent(c, pi)
	readDescriptors(p, pi)
	c.confirm.method = p.text("payment_method")
	if data := p.hash("payment_method_data"); data != nil {
		c.confirm.made = readMethod(c, data)
	}
	money := p.has("amount") || p.has("currency") || p.has("payment_method") || p.has("payment_method_data") || p.has("customer") || p.has("capture_method") || p.has("payment_method_types") || p.has("setup_future_usage")
	p.ignore("payment_method_configuration")
	if err := p.problem(); err != nil {
		return nil, err
	}
	if money && !slices.Contains([]string{statusRequiresMethod, statusRequiresConfirmation, statusRequiresAction}, old.Status) {
		return nil, unexpectedState(old, "This PaymentIntent's %s could not be updated because it has a status of %s. You may only update the %[1]s of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation, requires_action.", firstGiven(p, "amount", "currency", "payment_method", "payment_method_data", "customer", "capture_method", "payment_method_types", "setup_future_usage"), old.Status)
	}
	if err := checkAmount(pi.Amount, pi.Currency); err != nil {
		return nil, err
	}
	if err := checkBank(pi); err != nil {
		return nil, err
	}
	if pi.Customer != nil {
		if err := c.liveCustomer(*pi.Customer, "customer"); err != nil {
			return nil, err
		}
	}
	if p.has("payment_method") || p.has("payment_method_data") {
		m, given, err := c.chooseMethod(pi)
		if err != nil {
			return nil, err
		}
		if given {
			pi.PaymentMethod, pi.Status, pi.NextAction = &m.ID, statusRequiresConfirmation, nil
		}
	} else if money && pi.Status == statusRequiresAction {
		pi.Status, pi.NextAction = statusRequiresConfirmation, nil
	}
	return pi, nil
}

func firstGiven(p *params, keys ...string) string {
	for _, k := range keys {
		if p.has(k) {
			return k
		}
	}
	return ""
}

func listIntents(c *call) (any, error) {
	customerID := c.params.text("customer")
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(pi *paymentIntent) bool {
		return created(pi.Created) && (customerID == "" || pi.Customer != nil && *pi.Customer == customerID)
	})
}
