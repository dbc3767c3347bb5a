package sandbox

import (
	"slices"
	"strings"
)

type billingDetails struct {
	Address *address `json:"address"`
	Email   *string  `json:"email"`
	Name    *string  `json:"name"`
	Phone   *string  `json:"phone"`
}

type cardChecks struct {
	AddressLine1Check      *string `json:"address_line1_check"`
	AddressPostalCodeCheck *string `json:"address_postal_code_check"`
	CVCCheck               *string `json:"cvc_check"`
}

type cardNetworks struct {
	Available []string `json:"available"`
	Preferred *string  `json:"preferred"`
}

type card struct {
	Brand             string          `json:"brand"`
	Checks            cardChecks      `json:"checks"`
	Country           string          `json:"country"`
	DisplayBrand      string          `json:"display_brand"`
	ExpMonth          int64           `json:"exp_month"`
	ExpYear           int64           `json:"exp_year"`
	Fingerprint       string          `json:"fingerprint"`
	Funding           string          `json:"funding"`
	GeneratedFrom     *string         `json:"generated_from"`
	Last4             string          `json:"last4"`
	Networks          cardNetworks    `json:"networks"`
	ThreeDSecureUsage map[string]bool `json:"three_d_secure_usage"`
	Wallet            *string         `json:"wallet"`
}

// cardHidden is what the issuer, or Stripe, knows of a PaymentMethod and the API does not show.
type cardHidden struct {
	TestCard string `json:"test_card"` // Stripe's published number; "" for any other
	CVC      bool   `json:"cvc"`
	SetUp    bool   `json:"set_up"` // saved for off-session use with the customer's authentication
	Used     bool   `json:"used"`   // charged while it belonged to nobody: it may not be used again

	Bank *bankHidden `json:"bank,omitempty"`
}

func newCard(c testCard, number string, month, year int64) *card {
	funding, country := c.funding, c.country
	if funding == "" {
		funding = "credit"
	}
	if country == "" {
		country = "US"
	}
	return &card{Brand: c.brand, Country: country, DisplayBrand: c.brand, ExpMonth: month, ExpYear: year,
		Fingerprint: fingerprint(number), Funding: funding, Last4: number[len(number)-4:],
		Networks:          cardNetworks{Available: []string{c.brand}},
		ThreeDSecureUsage: map[string]bool{"supported": true}}
}

// paymentMethod is a PaymentMethod (https://docs.stripe.com/api/payment_methods/object).
type paymentMethod struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	BillingDetails billingDetails    `json:"billing_details"`
	Card           *card             `json:"card,omitempty"`
	Created        int64             `json:"created"`
	Customer       *string           `json:"customer"`
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	Type           string            `json:"type"`
	USBankAccount  *usBankAccount    `json:"us_bank_account,omitempty"`

	Hidden cardHidden `json:"sandbox"`
}

func (*paymentMethod) kind() string  { return "payment_method" }
func (m *paymentMethod) key() string { return m.ID }

const namedCardPrefix = "pm_card_"

// testCardNamed finds what pm_card_visa and its kind stand for.
func testCardNamed(id string) (testCard, bool) {
	c, ok := testCardsByName[strings.TrimPrefix(id, namedCardPrefix)]
	return c, ok && strings.HasPrefix(id, namedCardPrefix)
}

// namedMethod makes a PaymentMethod of a test card's or test account's name; false when it is none.
func namedMethod(t *tx, id string) (*paymentMethod, bool) {
	var m *paymentMethod
	if known, ok := testCardNamed(id); ok {
		m = newNamedMethod(t, known)
	} else if name, bank := strings.CutPrefix(id, namedBankPrefix); bank {
		i := slices.IndexFunc(testBankAccounts, func(b testBankAccount) bool { return b.name == name })
		if i < 0 {
			return nil, false
		}
		m = newNamedBank(t, testBankAccounts[i])
	} else {
		return nil, false
	}
	t.put(m)
	return m, true
}

// newNamedMethod makes a PaymentMethod from one of Stripe's named test cards.
func newNamedMethod(t *tx, c testCard) *paymentMethod {
	m := newMethod(t)
	m.Type, m.Card = "card", newCard(c, c.number, 8, int64(t.now.Year())+2)
	m.Hidden = cardHidden{TestCard: c.number, CVC: true}
	m.checkCVC(c)
	return m
}

func newMethod(t *tx) *paymentMethod {
	return &paymentMethod{ID: newID("pm"), Object: "payment_method", Created: t.unix(), Metadata: map[string]string{},
		BillingDetails: billingDetails{Address: &address{}}}
}

func (m *paymentMethod) checkCVC(c testCard) {
	if !m.Hidden.CVC {
		return
	}
	result := "pass"
	if c.cvcFails {
		result = "fail"
	}
	m.Card.Checks.CVCCheck = &result
}

// readMethod makes a PaymentMethod from type, card[…] and billing_details. Card numbers come from Stripe.js only.
func readMethod(c *call, p *params) *paymentMethod {
	m := newMethod(c.tx)
	m.Type = p.must("type")
	m.Metadata = p.metadata(nil)
	m.BillingDetails = readBilling(p, m.BillingDetails)
	p.ignore("radar_options", "allow_redisplay", "guid", "muid", "sid", "payment_user_agent", "time_on_page", "referrer", "client_attribution_metadata")
	if *p.first != nil {
		return m
	}
	switch m.Type {
	case "card":
		h := p.hash("card")
		if h == nil {
			p.fail(p.absent("card"))
			return m
		}
		if token := h.text("token"); token != "" {
			known, ok := testCardsByName[strings.TrimPrefix(token, "tok_")]
			if !ok {
				p.fail(missingParam("token", token, h.name+"[token]"))
				return m
			}
			named := newNamedMethod(c.tx, known)
			m.Card, m.Hidden = named.Card, named.Hidden
			return m
		}
		if h.has("number") && !c.publishable {
			p.fail(withStatus(402, invalid("", "", "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens that map to the test card you are using, see https://stripe.com/docs/testing. To enable testing raw card data APIs, see https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis.")))
			h.useAll()
			return m
		}
		m.Card, m.Hidden = readCard(h, c.now)
		if m.Card != nil {
			m.checkCVC(cardByBehaviour(m.Hidden.TestCard))
		}
	case bankMethod:
		readBankMethod(m, p)
	default:
		p.fail(invalid("", p.name+"[type]", "The payment method type provided: %s is invalid. Please ensure the provided type is activated in your dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any preview features that you are trying to use.", m.Type))
	}
	return m
}

func withStatus(status int, e *apiError) *apiError {
	e.status = status
	return e
}

func readBilling(p *params, old billingDetails) billingDetails {
	h := p.hash("billing_details")
	if h == nil {
		return old
	}
	if a := h.address("address"); a != nil {
		old.Address = a
	}
	h.set("email", &old.Email)
	h.set("name", &old.Name)
	h.set("phone", &old.Phone)
	return old
}

func createMethod(c *call) (any, error) {
	if c.params.has("payment_method") {
		c.params.ignore("payment_method", "customer")
		return nil, invalid("", "payment_method", "You may only clone a PaymentMethod to a connected account.")
	}
	m := readMethod(c, c.params)
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	c.put(m)
	return m, nil
}

func retrieveMethod(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return c.method(c.id)
}

// method reads a PaymentMethod named in the path.
func (c *call) method(id string) (*paymentMethod, error) {
	m, ok := get[paymentMethod](c.tx, id)
	if !ok {
		return nil, missing("PaymentMethod", id, "payment_method")
	}
	return m, nil
}

func updateMethod(c *call) (any, error) {
	if _, err := c.method(c.id); err != nil {
		return nil, err
	}
	m, _ := edit[paymentMethod](c.tx, c.id)
	m.Metadata = c.params.metadata(m.Metadata)
	m.BillingDetails = readBilling(c.params, m.BillingDetails)
	if h := c.params.hash("card"); h != nil && m.Card != nil {
		if month := h.number("exp_month"); month != nil {
			m.Card.ExpMonth = *month
		}
		if year := h.number("exp_year"); year != nil {
			m.Card.ExpYear = *year
		}
	}
	if h := c.params.hash(bankMethod); h != nil && m.USBankAccount != nil {
		if kind := h.choice("account_holder_type", "individual", "company"); kind != "" {
			m.USBankAccount.AccountHolderType = &kind
		}
		if kind := h.choice("account_type", "checking", "savings"); kind != "" {
			m.USBankAccount.AccountType = &kind
		}
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if m.Customer == nil {
		return nil, refused("", "", "You must save this PaymentMethod to a customer before you can update it.")
	}
	c.emit("payment_method.updated", m)
	return m, nil
}

func attachMethod(c *call) (any, error) {
	customerID := c.params.must("customer")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return c.attachTo(c.id, customerID)
}

// attachTo saves a PaymentMethod, or a named test card, to a customer; the card is verified as it is saved.
func (c *call) attachTo(id, customerID string) (*paymentMethod, error) {
	if m, named := namedMethod(c.tx, id); named {
		id = m.ID
	}
	if _, err := c.method(id); err != nil {
		return nil, err
	}
	if err := c.liveCustomer(customerID, "customer"); err != nil {
		return nil, err
	}
	m, _ := edit[paymentMethod](c.tx, id)
	switch {
	case m.Customer != nil && *m.Customer != customerID:
		return nil, refused("", "", "The payment method you provided has already been attached to a customer.")
	case m.Hidden.Used:
		return nil, refused("", "", methodSpent)
	case m.Hidden.Bank != nil && !m.Hidden.Bank.Verified:
		return nil, refused("", "", "PaymentMethods of type 'us_bank_account' must be verified before they can be attached to a customer.")
	}
	if known := cardByBehaviour(m.Hidden.TestCard); m.Card != nil && known.refusal != nil && !known.attaches {
		e := cardError(known.refusal.code, "", known.refusal.message)
		e.DeclineCode, e.invalid = known.refusal.decline, false
		return nil, e
	}
	if m.Customer == nil {
		attach(c.tx, m, customerID)
	}
	return m, nil
}

const methodSpent = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first."

// attach gives an edited PaymentMethod to a customer.
func attach(t *tx, m *paymentMethod, customerID string) {
	m.Customer = &customerID
	t.emit("payment_method.attached", m)
}

func detachMethod(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if _, err := c.method(c.id); err != nil {
		return nil, err
	}
	m, _ := edit[paymentMethod](c.tx, c.id)
	if m.Customer == nil {
		return nil, refused("", "", "The payment method you provided is not attached to a customer so detachment is impossible.")
	}
	if s, isSource := get[bankSource](c.tx, m.ID); isSource {
		removeSource(c.tx, s)
		return m, nil
	}
	was := *m.Customer
	m.Customer, m.Hidden.Used = nil, true
	revokeMandates(c.tx, m.ID)
	c.emitChange("payment_method.detached", m, map[string]any{"customer": was})
	return m, nil
}

// listMethods answers GET /v1/payment_methods and GET /v1/customers/{id}/payment_methods.
func listMethods(c *call) (any, error) {
	customerID := c.id
	if customerID == "" {
		customerID = c.params.text("customer")
	}
	methodType := c.params.text("type")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if customerID == "" {
		return nil, invalid("parameter_missing", "customer", "Missing required param: customer.")
	}
	if err := c.liveCustomer(customerID, "customer"); err != nil {
		return nil, err
	}
	return list(c, page, func(m *paymentMethod) bool {
		return m.Customer != nil && *m.Customer == customerID && (methodType == "" || m.Type == methodType)
	})
}

func retrieveCustomerMethod(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	m, err := c.method(c.r.PathValue("method"))
	if err != nil {
		return nil, err
	}
	if m.Customer == nil || *m.Customer != c.id {
		return nil, missing("PaymentMethod", m.ID, "payment_method")
	}
	return m, nil
}
