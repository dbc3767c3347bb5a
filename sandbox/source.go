package sandbox

import "strings"

// bankSource is a BankAccount of a Customer (https://docs.stripe.com/api/customer_bank_accounts/object). Its twin of the
// same id among the PaymentMethods is what PaymentIntents take
// (https://docs.stripe.com/payments/ach-direct-debit/migrating-from-charges).
type bankSource struct {
	ID                string            `json:"id"`
	Object            string            `json:"object"`
	AccountHolderName *string           `json:"account_holder_name"`
	AccountHolderType *string           `json:"account_holder_type"`
	AccountType       *string           `json:"account_type"`
	BankName          string            `json:"bank_name"`
	Country           string            `json:"country"`
	Currency          string            `json:"currency"`
	Customer          *string           `json:"customer"`
	Fingerprint       string            `json:"fingerprint"`
	Last4             string            `json:"last4"`
	Metadata          map[string]string `json:"metadata"`
	RoutingNumber     string            `json:"routing_number"`
	Status            string            `json:"status"`
}

func (*bankSource) kind() string  { return "bank_account" }
func (b *bankSource) key() string { return b.ID }

const (
	sourceNew      = "new"
	sourceVerified = "verified"
	sourceFailed   = "verification_failed"
)

func (b *bankToken) details() bankDetails {
	return bankDetails{Routing: b.RoutingNumber, Number: b.AccountNumber, Bank: b.BankName, HolderName: b.HolderName, HolderType: b.HolderType, AccountType: b.AccountType}
}

// verified tells whether Plaid vouches for the account; a number typed in is only a number.
func (b *bankToken) verified() bool { return b.ItemID != "" }

func newBankSource(d bankDetails, verified bool) *bankSource {
	part := newBankPart(d)
	s := &bankSource{ID: newID("ba"), Object: "bank_account", AccountHolderType: part.AccountHolderType, AccountType: part.AccountType, BankName: part.BankName,
		Country: "US", Currency: "usd", Fingerprint: part.Fingerprint, Last4: part.Last4, Metadata: map[string]string{}, RoutingNumber: part.RoutingNumber, Status: sourceNew}
	if d.HolderName != "" {
		s.AccountHolderName = &d.HolderName
	}
	if verified {
		s.Status = sourceVerified
	}
	return s
}

// readBankToken makes a token of bank_account[…].
func readBankToken(c *call, h *params) *bankToken {
	if country := h.must("country"); country != "" && country != "US" {
		h.fail(invalid("", h.name+"[country]", "Country '%s' is unknown or not supported for ACH Direct Debit. Try US.", country))
	}
	if currency := h.text("currency"); currency != "" && !strings.EqualFold(currency, "usd") {
		h.fail(invalid("", h.name+"[currency]", "Invalid currency: %s. ACH Direct Debit takes usd.", currency))
	}
	holder := h.text("account_holder_name")
	h.ignore("object", "payment_method")
	d, ok := readBank(h)
	if !ok {
		return nil
	}
	return &bankToken{ID: newID("btok"), RoutingNumber: d.Routing, AccountNumber: d.Number, Last4: d.Number[len(d.Number)-4:], BankName: testBankName,
		HolderName: holder, HolderType: d.HolderType, AccountType: orDefault(d.AccountType, "checking"), CreatedAt: c.now.UTC()}
}

func (c *call) showToken(b *bankToken) map[string]any {
	account := newBankSource(b.details(), b.verified())
	account.ID = "ba_" + strings.TrimPrefix(b.ID, "btok_")
	shown := render(account)
	delete(shown, "customer")
	delete(shown, "metadata")
	return map[string]any{"id": b.ID, "object": "token", "bank_account": shown, "client_ip": nil, "created": b.CreatedAt.Unix(), "livemode": false, "type": "bank_account", "used": b.Used}
}

// createBankAccountToken is POST /v1/tokens, for bank accounts alone: cards come from Stripe.js.
func createBankAccountToken(c *call) (any, error) {
	h := c.params.hash("bank_account")
	if h == nil {
		c.params.fail(c.params.absent("bank_account"))
	}
	var b *bankToken
	if h != nil {
		b = readBankToken(c, h)
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	c.put(b)
	return c.showToken(b), nil
}

func retrieveBankAccountToken(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	b, ok := get[bankToken](c.tx, c.id)
	if !ok {
		return nil, missing("token", c.id, "token")
	}
	return c.showToken(b), nil
}

// createSource attaches a bank account to a customer, by a token or by its numbers.
func createSource(c *call) (any, error) {
	p := c.params
	tokenID, param := p.text("source"), "source"
	var b *bankToken
	if given := p.take("bank_account"); given != nil && len(given.keys) == 0 {
		tokenID, param = given.value, "bank_account"
	} else if given != nil {
		b = readBankToken(c, given)
	}
	metadata := p.metadata(nil)
	if err := p.problem(); err != nil {
		return nil, err
	}
	if tokenID == "" && b == nil {
		return nil, p.absent("source")
	}
	if err := c.liveCustomer(c.id, "customer"); err != nil {
		return nil, err
	}
	if b == nil {
		var ok bool
		if b, ok = edit[bankToken](c.tx, tokenID); !ok || b.Revoked {
			return nil, missingParam("token", tokenID, param)
		}
		if b.Used {
			return nil, refused("token_already_used", param, "You cannot use a Stripe token more than once: %s.", tokenID)
		}
		b.Used = true
	}
	s := newBankSource(b.details(), b.verified())
	for other := range all[bankSource](c.tx) {
		if text(other.Customer) == c.id && other.Fingerprint == s.Fingerprint {
			return nil, refused("bank_account_exists", "", "A bank account with that routing number and account number already exists for this customer.")
		}
	}
	s.Customer, s.Metadata = &c.id, metadata
	c.put(s)
	c.put(s.method(c.tx, b))
	cus, _ := edit[customer](c.tx, c.id)
	if cus.DefaultSource == nil {
		cus.DefaultSource = &s.ID
	}
	c.emit("customer.source.created", s)
	c.emit("customer.updated", cus)
	return s, nil
}

// method is the twin of a bank account among the PaymentMethods.
func (s *bankSource) method(t *tx, b *bankToken) *paymentMethod {
	m := newMethod(t)
	m.ID, m.Type, m.Customer = s.ID, bankMethod, s.Customer
	m.BillingDetails.Name = s.AccountHolderName
	m.USBankAccount = newBankPart(b.details())
	m.Hidden.Bank = &bankHidden{Number: b.AccountNumber, Verified: b.verified(), Token: b.ID}
	return m
}

// source reads a bank account named in the path, to be changed.
func (c *call) source() (*bankSource, error) {
	id := c.r.PathValue("source")
	if err := c.liveCustomer(c.id, "customer"); err != nil {
		return nil, err
	}
	s, ok := get[bankSource](c.tx, id)
	if !ok || text(s.Customer) != c.id {
		return nil, missing("source", id, "id")
	}
	s, _ = edit[bankSource](c.tx, id)
	return s, nil
}

func retrieveSource(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return c.source()
}

func listSources(c *call) (any, error) {
	kind := c.params.text("object")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if err := c.liveCustomer(c.id, "customer"); err != nil {
		return nil, err
	}
	return list(c, page, func(s *bankSource) bool { return text(s.Customer) == c.id && (kind == "" || kind == s.Object) })
}

func updateSource(c *call) (any, error) {
	s, err := c.source()
	if err != nil {
		return nil, err
	}
	s.Metadata = c.params.metadata(s.Metadata)
	c.params.set("account_holder_name", &s.AccountHolderName)
	if kind := c.params.choice("account_holder_type", "individual", "company"); kind != "" {
		s.AccountHolderType = &kind
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	m, _ := edit[paymentMethod](c.tx, s.ID)
	m.BillingDetails.Name, m.USBankAccount.AccountHolderType = s.AccountHolderName, s.AccountHolderType
	c.emit("customer.source.updated", s)
	return s, nil
}

// removeSource takes a bank account from its customer; nobody may use it again.
func removeSource(t *tx, s *bankSource) {
	if cus, ok := get[customer](t, text(s.Customer)); ok && text(cus.DefaultSource) == s.ID {
		cus, _ = edit[customer](t, cus.ID)
		cus.DefaultSource = nil
	}
	m, _ := edit[paymentMethod](t, s.ID)
	m.Customer, m.Hidden.Used = nil, true
	revokeMandates(t, s.ID)
	t.emit("customer.source.deleted", s)
	t.remove(s)
}

func deleteSource(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	s, err := c.source()
	if err != nil {
		return nil, err
	}
	removeSource(c.tx, s)
	return map[string]any{"id": s.ID, "object": "bank_account", "deleted": true, "currency": s.Currency}, nil
}

// verifySource takes the amounts of the micro-deposits that went to an account given by its numbers
// (https://docs.stripe.com/ach-deprecated#manually-collecting-and-verifying-bank-accounts).
func verifySource(c *call) (any, error) {
	s, err := c.source()
	if err != nil {
		return nil, err
	}
	guess := readDeposits(c.params, "")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	m, _ := edit[paymentMethod](c.tx, s.ID)
	switch {
	case s.Status == sourceVerified:
		return nil, refused("", "", "This bank account has already been verified.")
	case s.Status == sourceFailed:
		return nil, refused("bank_account_verification_failed", "", "This bank account has failed verification in the past and can not be verified again.")
	case guess.verdict() != depositsRight:
		return nil, refused("", "", "The amounts provided do not match the amounts that were sent to the bank account.")
	}
	s.Status, m.Hidden.Bank.Verified = sourceVerified, true
	c.emit("customer.source.updated", s)
	return s, nil
}
