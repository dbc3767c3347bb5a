package sandbox

import "slices"

type setupCardOptions struct {
	MandateOptions      *string `json:"mandate_options"`
	Network             *string `json:"network"`
	RequestThreeDSecure string  `json:"request_three_d_secure"`
}

type setupOptions struct {
	Card          *setupCardOptions `json:"card,omitempty"`
	USBankAccount *bankOptions      `json:"us_bank_account,omitempty"`
}

// setupIntent is a SetupIntent (https://docs.stripe.com/api/setup_intents/object, version 2023-10-16): a PaymentMethod is
// made ready for later payments, and no money moves.
type setupIntent struct {
	ID                      string            `json:"id"`
	Object                  string            `json:"object"`
	Application             *string           `json:"application"`
	AutomaticPaymentMethods *automaticMethods `json:"automatic_payment_methods"`
	CancellationReason      *string           `json:"cancellation_reason"`
	ClientSecret            string            `json:"client_secret"`
	Created                 int64             `json:"created"`
	Customer                *string           `json:"customer"`
	Description             *string           `json:"description"`
	FlowDirections          []string          `json:"flow_directions"`
	LastSetupError          *apiError         `json:"last_setup_error"`
	LatestAttempt           *string           `json:"latest_attempt"`
	Livemode                bool              `json:"livemode"`
	Mandate                 *string           `json:"mandate"`
	Metadata                map[string]string `json:"metadata"`
	NextAction              *nextAction       `json:"next_action"`
	OnBehalfOf              *string           `json:"on_behalf_of"`
	PaymentMethod           *string           `json:"payment_method"`
	MethodConfiguration     *string           `json:"payment_method_configuration_details"`
	PaymentMethodOptions    setupOptions      `json:"payment_method_options"`
	PaymentMethodTypes      []string          `json:"payment_method_types"`
	SingleUseMandate        *string           `json:"single_use_mandate"`
	Status                  string            `json:"status"`
	Usage                   string            `json:"usage"`

	Hidden struct {
		Deposits *depositState `json:"deposits"` // while a bank account is verified
		MOTO     bool          `json:"moto"`
	} `json:"sandbox"`
}

func (*setupIntent) kind() string   { return "setup_intent" }
func (si *setupIntent) key() string { return si.ID }

// readSetup applies the parameters that create, update and confirm share.
func readSetup(c *call, si *setupIntent) {
	p := c.params
	c.confirm.method = p.text("payment_method")
	if data := p.hash("payment_method_data"); data != nil {
		c.confirm.made = readMethod(c, data)
	}
	if slices.Contains(si.PaymentMethodTypes, "card") && si.PaymentMethodOptions.Card == nil {
		si.PaymentMethodOptions.Card = &setupCardOptions{RequestThreeDSecure: "automatic"}
	}
	if slices.Contains(si.PaymentMethodTypes, bankMethod) && si.PaymentMethodOptions.USBankAccount == nil {
		si.PaymentMethodOptions.USBankAccount = &bankOptions{VerificationMethod: "automatic"}
	}
	si.PaymentMethodOptions.USBankAccount = readBankOptions(p, si.PaymentMethodOptions.USBankAccount)
	o := p.hash("payment_method_options").hash("card")
	if o == nil {
		return
	}
	if v := o.choice("request_three_d_secure", "any", "automatic", "challenge"); v != "" && si.PaymentMethodOptions.Card != nil {
		si.PaymentMethodOptions.Card.RequestThreeDSecure = v
	}
	si.Hidden.MOTO = o.flag("moto")
	if si.Hidden.MOTO && !c.confirming {
		p.fail(invalid("", o.name+"[moto]", "`payment_method_options[card][moto]` can only be set when confirming the SetupIntent."))
	}
	o.ignore("network", "mandate_options")
}

func readSetupTypes(p *params, si *setupIntent) {
	if !p.has("payment_method_types") {
		return
	}
	si.PaymentMethodTypes, si.AutomaticPaymentMethods = p.words("payment_method_types"), nil
	for _, kind := range si.PaymentMethodTypes {
		if !slices.Contains(methodTypes, kind) {
			p.fail(invalid("setup_intent_invalid_parameter", "payment_method_types", "The payment method type provided: %s is invalid. Please ensure the provided type is activated in your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features that you are trying to use.", kind))
		}
	}
	if len(si.PaymentMethodTypes) == 0 {
		p.fail(invalid("", "payment_method_types", "Invalid payment_method_types: must contain at least one payment method type."))
	}
}

func createSetup(c *call) (any, error) {
	p := c.params
	c.confirming = p.flag("confirm")
	si := &setupIntent{ID: newID("seti"), Object: "setup_intent", Created: c.unix(), Metadata: p.metadata(nil), Status: statusRequiresMethod, Usage: "off_session",
		AutomaticPaymentMethods: &automaticMethods{AllowRedirects: "always", Enabled: true}, PaymentMethodTypes: methodTypes[:1]}
	si.ClientSecret = si.ID + "_secret_" + randomText(25)
	p.set("customer", &si.Customer)
	p.set("description", &si.Description)
	if usage := p.choice("usage", "off_session", "on_session"); usage != "" {
		si.Usage = usage
	}
	if auto := p.hash("automatic_payment_methods"); auto != nil {
		if p.has("payment_method_types") {
			p.fail(invalid("", "payment_method_types", "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."))
		}
		if !auto.flag("enabled") {
			si.AutomaticPaymentMethods = nil
		}
		if r := auto.choice("allow_redirects", "always", "never"); r != "" && si.AutomaticPaymentMethods != nil {
			si.AutomaticPaymentMethods.AllowRedirects = r
		}
	}
	readSetupTypes(p, si)
	readSetup(c, si)
	p.ignore("payment_method_configuration")
	if c.confirming {
		readSetupConfirmation(c)
	}
	for _, k := range []string{"return_url", "mandate_data", "use_stripe_sdk"} {
		if !c.confirming && p.has(k) {
			p.ignore(k)
			p.fail(invalid("", k, "You cannot use the `%s` parameter unless you set `confirm` to true.", k))
		}
	}
	if err := p.problem(); err != nil {
		return nil, err
	}
	if si.Customer != nil {
		if err := c.liveCustomer(*si.Customer, "customer"); err != nil {
			return nil, err
		}
	}
	if !c.confirming {
		if err := c.takeSetupMethod(si); err != nil {
			return nil, err
		}
	}
	c.put(si)
	c.emit("setup_intent.created", si)
	if !c.confirming {
		return si, nil
	}
	return c.confirmSetup(si)
}

// takeSetupMethod gives si the PaymentMethod the call names, if any.
func (c *call) takeSetupMethod(si *setupIntent) error {
	m, given, err := c.givenMethod()
	if err != nil || !given {
		return err
	}
	if err := mayUse("SetupIntent", "setup_intent_invalid_parameter", si.Customer, si.PaymentMethodTypes, m); err != nil {
		return err
	}
	si.PaymentMethod, si.Status, si.NextAction, si.Hidden.Deposits = &m.ID, statusRequiresConfirmation, nil, nil
	return nil
}

// setup reads a SetupIntent named in the path. The publishable key has to show its client secret.
func (c *call) setup() (*setupIntent, error) {
	secret := ""
	if c.params.has("client_secret") {
		secret = c.params.text("client_secret")
	}
	si, ok := get[setupIntent](c.tx, c.id)
	switch {
	case !ok:
		return nil, missing("setupintent", c.id, "intent")
	case c.publishable && secret == "":
		return nil, withStatus(401, invalid("", "client_secret", "Missing required param: client_secret."))
	case secret != "" && secret != si.ClientSecret:
		return nil, invalid("setup_intent_invalid_parameter", "client_secret", "The client_secret provided does not match any associated SetupIntent on this account. Ensure the provided client_secret and SetupIntent ID are correct.")
	}
	return si, nil
}

func retrieveSetup(c *call) (any, error) {
	si, err := c.setup()
	if err != nil {
		return nil, err
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return si, nil
}

func updateSetup(c *call) (any, error) {
	old, ok := get[setupIntent](c.tx, c.id)
	if !ok {
		return nil, missing("setupintent", c.id, "intent")
	}
	p := c.params
	si, _ := edit[setupIntent](c.tx, c.id)
	si.Metadata = p.metadata(si.Metadata)
	p.set("customer", &si.Customer)
	p.set("description", &si.Description)
	readSetupTypes(p, si)
	readSetup(c, si)
	p.ignore("payment_method_configuration")
	if err := p.problem(); err != nil {
		return nil, err
	}
	changes := p.has("customer") || p.has("payment_method") || p.has("payment_method_data") || p.has("payment_method_types")
	if changes && !slices.Contains([]string{statusRequiresMethod, statusRequiresConfirmation, statusRequiresAction}, old.Status) {
		return nil, unexpectedSetupState(old, "You cannot update this SetupIntent because it has a status of %s.", old.Status)
	}
	if si.Customer != nil {
		if err := c.liveCustomer(*si.Customer, "customer"); err != nil {
			return nil, err
		}
	}
	if err := c.takeSetupMethod(si); err != nil {
		return nil, err
	}
	return si, nil
}

func listSetups(c *call) (any, error) {
	customerID, methodID := c.params.text("customer"), c.params.text("payment_method")
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(si *setupIntent) bool {
		return created(si.Created) && (customerID == "" || text(si.Customer) == customerID) && (methodID == "" || text(si.PaymentMethod) == methodID)
	})
}

func cancelSetup(c *call) (any, error) {
	if _, ok := get[setupIntent](c.tx, c.id); !ok {
		return nil, missing("setupintent", c.id, "intent")
	}
	reason := c.params.choice("cancellation_reason", "abandoned", "duplicate", "requested_by_customer")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	si, _ := edit[setupIntent](c.tx, c.id)
	if !slices.Contains([]string{statusRequiresMethod, statusRequiresConfirmation, statusRequiresAction}, si.Status) {
		return nil, unexpectedSetupState(si, "You cannot cancel this SetupIntent because it has a status of %s. Only a SetupIntent with one of the following statuses may be canceled: requires_payment_method, requires_confirmation, requires_action.", si.Status)
	}
	c.dropSetupMandate(si)
	si.Status, si.NextAction, si.Hidden.Deposits = statusCanceled, nil, nil
	if reason != "" {
		si.CancellationReason = &reason
	}
	c.emit("setup_intent.canceled", si)
	return si, nil
}

// dropSetupMandate ends the mandate that waited for the account's verification.
func (t *tx) dropSetupMandate(si *setupIntent) {
	if si.Hidden.Deposits != nil {
		setMandate(t, si.Hidden.Deposits.Mandate, mandateInactive)
		si.Mandate = nil
	}
}
