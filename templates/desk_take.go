package templates

import "html/template"

// DeskTake asks how much staff take for a caller, and by what.
type DeskTake struct {
	Desk
	Base     string // of the invoice
	Due      template.HTML
	Note     template.HTML // what there is to know before the press
	Problems Summary
	Hidden   []Hidden

	Presets []Preset
	Other   *Money // another amount; nil where only the whole may be paid
	Open    bool   // it is the choice
	Rule    template.HTML
	Uses    []Preset // legal amounts near one that was not

	Methods    []TakeMethod
	None       template.HTML // said where nothing can be charged
	Permission []Clause      // to debit the chosen account; none for a card
	Told       template.HTML // beside the box that the payer said so
	Button     template.HTML
	Receipt    template.HTML

	Link TakeLink
}

// Template names the file.
func (DeskTake) Template() string { return "desk_take" }

// Chargeable says whether something saved can be charged.
func (t DeskTake) Chargeable() bool { return t.None == "" }

// Far is where a legal amount is asked for.
func (t DeskTake) Far() string { return t.Base + "/take?much=other&amount=" }

// TakeMethod is a saved card or account.
type TakeMethod struct {
	Value, Icon, Name string
	Detail            template.HTML
	Off               bool // it cannot be charged; Detail says why
	Chosen            bool
}

// TakeLink is how the invoice's newest link stands, beside the form: the caller may pay by it.
type TakeLink struct {
	Heading template.HTML
	Lead    template.HTML
	News    template.HTML // where it did not arrive
	Steps   []Event       // empty where there is none yet
	Copy    string        // where its address is
	Resend  string        // where its mail is sent again
	Waits   template.HTML // what happens when both press
}

// DeskTakeWhich asks which invoice of a customer a payment is for.
type DeskTakeWhich struct {
	Desk
	Heading, Lead template.HTML
	Invoices      InvoiceTable
}

// Template names the file.
func (DeskTakeWhich) Template() string { return "desk_take_which" }
