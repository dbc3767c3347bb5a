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

	Methods  []Method
	Save     *SaveBox
	Key      string // Stripe's publishable key
	Elements string // the options of Stripe's card form, as JSON
	Button   string // "Pay $750.00 by card"

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
	Value  string // of the form's field: "card", "bank" or the id of a saved one
	Name   string
	Detail string
	Price  money.Amount
	Chosen bool
}

// Card says whether the method opens Stripe's card form.
func (m Method) Card() bool { return m.Value == "card" }

// SaveBox asks whether the method may be kept. It is never ticked for the payer.
type SaveBox struct {
	Label, Detail string
	Ticked        bool
}
