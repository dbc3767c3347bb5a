package templates

import (
	"html/template"

	"paylink/money"
)

// PayShow is the page a payer decides and pays on.
type PayShow struct {
	Frame
	Base    string // "/pay/lnk_…"
	Number  string
	Payer   string
	Subject string        // what the invoice is for
	Issued  template.HTML // "3 lines · from October 28"
	Total   money.Amount
	Balance Balance
	Due     *DueLine
	Lines   []InvoiceLine

	Chosen  money.Amount  // what the form asks to pay; the whole when nothing else is
	Presets []Preset      // none: only the whole may be paid, and nothing is asked
	Other   *Money        // the field of another amount
	Open    bool          // that field is the choice
	Rule    template.HTML // "From $50.00"
	Uses    []Preset      // legal amounts near one that was not

	Methods    []Method
	UseSaved   *UseSaved // how saved cards and accounts are shown; nil where they may not be
	Permits    bool      // some method here is paid by a permission
	Permission []Clause  // to debit the chosen account; none for a card
	Key        string    // Stripe's publishable key
	Elements   string    // the options of Stripe's card form, as JSON
	Button     string    // "Pay $750.00 by card"
	Keep       string    // the method that an address keeps; "" for a card
	Keeps      bool      // what the payer saved may be used here
	Review     bool      // amount and method stand; only the press is missing
	Saved      bool      // in a review: the method is to be kept
	Notice     string    // what happened before: "Visa ••4242 is removed."

	Nonce, Version, Signature string

	Problems Summary
	SoFar    []SoFar
}

// Template names the file.
func (PayShow) Template() string { return "pay_show" }

// DueLine says when the invoice is due.
type DueLine struct {
	Key  string // of the sentence, counted in days
	Days int
	Date any // the day
	Late bool
}

// InvoiceLine is a line of the invoice.
type InvoiceLine struct {
	Text     string
	Quantity money.Quantity
	Unit     money.Amount
	Amount   money.Amount
	One      bool // of one the unit's price is not worth telling
}

// Preset is an amount that can be chosen by a press.
type Preset struct {
	Label  string
	Detail template.HTML
	Amount money.Amount
	Value  string // what it fills into the field
	Chosen bool
}

// Method is a way to pay, with its true price.
type Method struct {
	Value   string // of the form's field: "card", "bank" or the id of a saved or linked one
	Icon    string
	Name    string
	Detail  string
	Price   money.Amount
	Chosen  bool
	Why     string   // why it cannot be used now; it stays visible
	Account *Account // the bank account that is linked
	Connect *Connect // how a bank account is linked; nil when one is, or for another kind
	Login   *Connect // how its bank's login is renewed; nil when it need not be
	Remove  string   // where a saved one is removed
	Save    *SaveBox
}

// Card says whether the method opens Stripe's card form.
func (m Method) Card() bool { return m.Value == "card" }

// Account is a bank account as its owner recognises it.
type Account struct {
	Label  string // "Chase ••6789"
	Detail string // "Checking, Maria Keller"
	Change string // where another is linked
	Next   string // where its code is typed in, while it is awaited
}

// Clause is a paragraph of what somebody agrees to: a sentence of the catalogue and what fills it.
type Clause struct {
	Key  string
	Args []any
}

// Clause is the paragraph as HTML.
func (p Page) Clause(c Clause) template.HTML { return p.T(c.Key, c.Args...) }

// Connect leads to where a bank account is linked.
type Connect struct{ Link, Detail, Label string }

// UseSaved offers to prove the mailbox.
type UseSaved struct {
	Action string
	Email  string // masked
}

// SaveBox asks whether the method may be kept. It is never ticked for the payer.
type SaveBox struct {
	Label, Detail string
	Ticked        bool
	Off           bool // of a method that is not chosen: two boxes of one name are never sent
}
