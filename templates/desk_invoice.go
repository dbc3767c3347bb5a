package templates

import (
	"html/template"

	"paylink/money"
)

// DeskInvoices is the list of invoices.
type DeskInvoices struct {
	Desk
	Chips    []Chip
	Search   SearchBox
	Invoices InvoiceTable
	Paging   Paging
	CanWrite bool
	None     bool // there is no invoice at all
}

// Template names the file.
func (DeskInvoices) Template() string { return "desk_invoices" }

// Chip is a filter with how many it finds.
type Chip struct {
	Link    string
	Label   template.HTML
	Count   string
	Current bool
}

// InvoiceTable is a list of invoices.
type InvoiceTable struct {
	Rows []InvoiceRow
	Own  bool // all of one customer, who needs no saying
}

// InvoiceRow is an invoice in a list.
type InvoiceRow struct {
	Link, Name, Number string
	Title              string
	Pill               Pill
	News               template.HTML // of its newest link
	NewsBad            bool
	Due                string
	Balance            Balance
	Nothing            bool // neither paid nor on its way
	Total              money.Amount
	Draft              bool // asks for nothing yet
}

// DeskInvoice is an invoice as staff see it.
type DeskInvoice struct {
	Desk
	Heading  string
	Pill     Pill
	Base     string // "/desk/invoices/inv_…"
	Balance  Balance
	Asks     bool // it asks for money: neither draft nor void
	Text     template.HTML
	Subject  string
	Lines    []InvoiceLine
	Total    money.Amount
	Links    []LinkRow
	Payments []PaymentRow
	Customer CustomerCard
	Rules    []Fact
	History  []Event
	CanSend  bool
	CanTake  bool
	CanEdit  bool
	CanVoid  bool
}

// Template names the file.
func (DeskInvoice) Template() string { return "desk_invoice" }

// PaymentTable is its payments; their customer needs no saying.
func (v DeskInvoice) PaymentTable() PaymentTable { return PaymentTable{Rows: v.Payments} }

// PaymentTable is a list of payments.
type PaymentTable struct {
	Rows  []PaymentRow
	Named bool // each row says whose it is
}

// LinkRow is a payment link with its life.
type LinkRow struct {
	Base    string // "/desk/links/lnk_…"
	To      string
	By      template.HTML
	Dots    [4]string // queued, sent, opened, paid: done, failed or nothing
	State   template.HTML
	Failed  bool
	News    template.HTML
	Usable  bool // it opens the invoice
	Resend  bool
	Ended   bool // it may be replaced by a fresh one
	CanSend bool
}

// PaymentRow is a payment in a list.
type PaymentRow struct {
	Link, When, Means string
	Name, Number      string // of the customer and the invoice; "" on the invoice's own page
	Pill              Pill
	Receipt           string // its number
	ReceiptLink       string
	Instead           template.HTML // said where a receipt would be
	Amount            money.Amount
	Quiet             bool // the amount did not move
}

// CustomerCard is who owes, in a few lines.
type CustomerCard struct{ Link, Name, Company, Email, Phone string }

// Event is a line of history.
type Event struct {
	Colour, Icon string
	Text         template.HTML
	Detail       template.HTML
	When         string
	Link         string
}

// DeskSend asks whom a payment link goes to.
type DeskSend struct {
	Desk
	Base     string
	Lead     template.HTML
	Problems Summary
	Fields   []Field
	Until    template.HTML
	One      bool // one address is filled in: the button says so
}

// Template names the file.
func (DeskSend) Template() string { return "desk_send" }

// DeskPreview shows the mail of a link as it would be sent, and sends it.
type DeskPreview struct {
	Desk
	Facts         []Fact // to whom, from whom, about what
	Mail          string // the address of the mail itself, for a frame
	Subject, Text string
	Send, Back    string // where the form goes, and where what was typed is changed
	To, Note      string // as they were typed
}

// Template names the file.
func (DeskPreview) Template() string { return "desk_preview" }

// DeskLink shows the address of a link, to be copied.
type DeskLink struct {
	Desk
	URL  string
	Lead template.HTML
	Back string
}

// Template names the file.
func (DeskLink) Template() string { return "desk_link" }
