package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// tokenPreview is the PaymentMethod that confirming with the token will make.
type tokenPreview struct {
	BillingDetails billingDetails `json:"billing_details"`
	Card           *card          `json:"card,omitempty"`
	Customer       *string        `json:"customer"`
	Type           string         `json:"type"`
	USBankAccount  *usBankAccount `json:"us_bank_account,omitempty"`
}

// confirmationToken is a ConfirmationToken (https://docs.stripe.com/api/confirmation_tokens/object).
type confirmationToken struct {
	ID                   string        `json:"id"`
	Object               string        `json:"object"`
	Created              int64         `json:"created"`
	ExpiresAt            *int64        `json:"expires_at"`
	Livemode             bool          `json:"livemode"`
	MandateData          *mandateData  `json:"mandate_data"`
	PaymentIntent        *string       `json:"payment_intent"`
	PaymentMethodOptions *string       `json:"payment_method_options"`
	PaymentMethodPreview *tokenPreview `json:"payment_method_preview"`
	ReturnURL            *string       `json:"return_url"`
	SetupFutureUsage     *string       `json:"setup_future_usage"`
	SetupIntent          *string       `json:"setup_intent"`
	Shipping             *shipping     `json:"shipping"`
	UseStripeSDK         bool          `json:"use_stripe_sdk"`

	Hidden struct {
		Card    cardHidden       `json:"card"`
		Method  string           `json:"method"`  // an existing PaymentMethod that the token stands for
		Context *elementsContext `json:"context"` // nil for tokens made without Elements
	} `json:"sandbox"`
}

func (*confirmationToken) kind() string  { return "confirmation_token" }
func (k *confirmationToken) key() string { return k.ID }

// elementsContext is what Stripe.js was told when the Payment Element was made, and what the PaymentIntent that is
// confirmed with the token has to agree with (https://docs.stripe.com/payments/finalize-payments-on-the-server).
type elementsContext struct {
	Mode             string   `json:"mode"`
	Amount           int64    `json:"amount"`
	Currency         string   `json:"currency"`
	CaptureMethod    string   `json:"capture_method"`
	SetupFutureUsage string   `json:"setup_future_usage"`
	MethodTypes      []string `json:"payment_method_types"`
}

// tokenLife is how long a ConfirmationToken can be used (https://docs.stripe.com/api/confirmation_tokens/object).
const tokenLife = 12 * time.Hour

func newToken(c *call) *confirmationToken {
	expires := c.now.Add(tokenLife).Unix()
	return &confirmationToken{ID: newID("ctoken"), Object: "confirmation_token", Created: c.unix(), ExpiresAt: &expires}
}

func (k *confirmationToken) show(m *paymentMethod) {
	k.PaymentMethodPreview = &tokenPreview{BillingDetails: m.BillingDetails, Card: m.Card, Customer: m.Customer, Type: m.Type, USBankAccount: m.USBankAccount}
	k.Hidden.Card = m.Hidden
}

// createToken is what Stripe.js does in the browser, with the publishable key.
func createToken(c *call) (any, error) {
	p := c.params
	if !c.publishable {
		p.useAll()
		return nil, invalid("", "", "Creating a ConfirmationToken requires a publishable key; in test mode use POST /v1/test_helpers/confirmation_tokens.")
	}
	k := newToken(c)
	k.UseStripeSDK = true
	data := p.hash("payment_method_data")
	if data == nil {
		p.fail(p.absent("payment_method_data"))
	} else {
		k.show(readMethod(c, data))
	}
	p.set("return_url", &k.ReturnURL)
	k.Shipping = p.shipping()
	k.MandateData = readMandateData(c, p)
	if future := p.choice("setup_future_usage", "", "off_session", "on_session"); future != "" {
		k.SetupFutureUsage = &future
	}
	if ctx := p.hash("client_context"); ctx != nil {
		e := &elementsContext{Mode: "payment", CaptureMethod: "automatic"}
		k.Hidden.Context = e
		if mode := ctx.choice("mode", "payment", "setup", "subscription"); mode != "" {
			e.Mode = mode
		}
		if amount := ctx.number("amount"); amount != nil {
			e.Amount = *amount
		}
		e.Currency = strings.ToLower(ctx.text("currency"))
		if m := ctx.choice("capture_method", "automatic", "automatic_async", "manual"); m != "" {
			e.CaptureMethod = m
		}
		e.SetupFutureUsage = ctx.choice("setup_future_usage", "", "off_session", "on_session")
		e.MethodTypes = ctx.words("payment_method_types")
		if e.SetupFutureUsage != "" {
			k.SetupFutureUsage = &e.SetupFutureUsage
		}
	}
	if err := p.problem(); err != nil {
		return nil, err
	}
	c.put(k)
	return k, nil
}

// createTestToken is POST /v1/test_helpers/confirmation_tokens, for servers that test without a browser.
func createTestToken(c *call) (any, error) {
	p := c.params
	k := newToken(c)
	k.UseStripeSDK = true
	methodID := p.text("payment_method")
	var made *paymentMethod
	if data := p.hash("payment_method_data"); data != nil {
		helper := *c
		helper.publishable = true // the helper stands in for the browser
		made = readMethod(&helper, data)
	}
	p.set("return_url", &k.ReturnURL)
	k.Shipping = p.shipping()
	if future := p.choice("setup_future_usage", "off_session", "on_session"); future != "" {
		k.SetupFutureUsage = &future
	}
	p.ignore("payment_method_options")
	if err := p.problem(); err != nil {
		return nil, err
	}
	switch known, named := testCardNamed(methodID); {
	case made != nil:
	case named:
		made = newNamedMethod(c.tx, known)
	case methodID != "":
		m, ok := get[paymentMethod](c.tx, methodID)
		if !ok {
			return nil, missingParam("PaymentMethod", methodID, "payment_method")
		}
		made, k.Hidden.Method = m, m.ID
	default:
		return nil, p.absent("payment_method")
	}
	k.show(made)
	c.put(k)
	return k, nil
}

func retrieveToken(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	k, ok := get[confirmationToken](c.tx, c.id)
	if !ok {
		return nil, missing("confirmation_token", c.id, "confirmation_token")
	}
	return k, nil
}

// spendable tells whether the token may confirm pi.
func (k *confirmationToken) spendable(c *call, pi *paymentIntent) *apiError {
	switch {
	case k.PaymentIntent != nil || k.SetupIntent != nil:
		return refused("", "confirmation_token", "The provided ConfirmationToken (%s) has already been used. Please provide an unused ConfirmationToken.", k.ID)
	case k.ExpiresAt != nil && c.unix() >= *k.ExpiresAt:
		return refused("", "confirmation_token", "The provided ConfirmationToken (%s) has expired. Please provide a new ConfirmationToken.", k.ID)
	}
	e := k.Hidden.Context
	if e == nil {
		return nil
	}
	orNull := func(s string) string {
		if s == "" {
			return "null"
		}
		return s
	}
	differs := func(what, provided, expected string) *apiError {
		return refused("", "", "The provided %[1]s (%[2]s) does not match the expected %[1]s (%[3]s). Try confirming with a Payment Intent that is configured to use the same parameters as Stripe Elements.", what, provided, expected)
	}
	future := ""
	if pi.SetupFutureUsage != nil {
		future = *pi.SetupFutureUsage
	}
	switch {
	case e.Mode == "setup":
		return refused("", "", "The provided mode (payment) does not match the expected mode (setup). Try confirming with a Payment Intent that is configured to use the same parameters as Stripe Elements.")
	case e.Amount != 0 && e.Amount != pi.Amount:
		return differs("amount", strconv.FormatInt(pi.Amount, 10), strconv.FormatInt(e.Amount, 10))
	case e.Currency != "" && e.Currency != pi.Currency:
		return differs("currency", pi.Currency, e.Currency)
	case future != e.SetupFutureUsage:
		return differs("setup_future_usage", orNull(future), orNull(e.SetupFutureUsage))
	case pi.CaptureMethod != e.CaptureMethod:
		return differs("capture_method", pi.CaptureMethod, e.CaptureMethod)
	case e.MethodTypes != nil && (pi.AutomaticPaymentMethods != nil || !sameWords(pi.PaymentMethodTypes, e.MethodTypes)):
		return differs("payment_method_types", strings.Join(pi.PaymentMethodTypes, ", "), strings.Join(e.MethodTypes, ", "))
	case e.MethodTypes == nil && pi.AutomaticPaymentMethods == nil:
		return differs("payment_method_types", strings.Join(pi.PaymentMethodTypes, ", "), "null")
	}
	return nil
}

func sameWords(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// spend makes the PaymentMethod the token stands for and ties the token to pi.
func (k *confirmationToken) spend(t *tx, pi *paymentIntent) *paymentMethod {
	used, _ := edit[confirmationToken](t, k.ID)
	used.PaymentIntent, used.ExpiresAt = &pi.ID, nil
	if k.Hidden.Method != "" {
		m, _ := get[paymentMethod](t, k.Hidden.Method)
		return m
	}
	m := newMethod(t)
	m.Type, m.Card, m.BillingDetails, m.Hidden = k.PaymentMethodPreview.Type, k.PaymentMethodPreview.Card, k.PaymentMethodPreview.BillingDetails, k.Hidden.Card
	m.USBankAccount = k.PaymentMethodPreview.USBankAccount
	t.put(m)
	return m
}
