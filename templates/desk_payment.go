package templates

import "paylink"

// DeskPayments is the list of payments.
type DeskPayments struct {
	Desk
	Chips    []Chip
	Search   SearchBox
	Payments PaymentTable
	Paging   Paging
	None     bool
}

// Template names the file.
func (DeskPayments) Template() string { return "desk_payments" }

// DeskPayment is a payment as staff see it.
type DeskPayment struct {
	Desk
	Heading    string
	Pill       Pill
	Base       string
	Note       HTML // what there is to know now
	NoteKind   string
	Disputes   []Record
	Refunds    []Record
	Events     []Event
	Day        string
	Money      []Fact
	Means      HTML // over what it was paid with
	Card       []Fact
	Permission *Permission
	Receipt    *ReceiptCard
	CanResend  bool
	CanRefund  bool
	Again      string // of its invoice, where staff may take it another way; "" where they may not
	Capture    HTML   // what the button says that takes a held amount; "" where none may be taken
}

// Template names the file.
func (DeskPayment) Template() string { return "desk_payment" }

// ReceiptCard is a receipt with its revisions and every mail of it.
type ReceiptCard struct {
	Number    string
	Link      string
	Pill      Pill
	Revisions []Press
	Sends     []HTML
}

// Record is something that became of a payment's money later: a refund, a dispute, a return.
type Record struct {
	Text  HTML
	Lines []HTML
	Pill  Pill
}

// Permission is what a payer agreed to, and the proof of it.
type Permission struct {
	Text  []string // its paragraphs
	Facts []Fact
	PDF   string
}

// Since is what became of a payment's money after it had arrived.
type Since struct {
	Refunded int64 // minor units that went back by our act
	Disputed bool  // the payer objects or an answer is awaited
	Returned bool  // the payer's bank took it back
}

var (
	pillDisputed = Pill{"bad", "flag", "desk.status.disputed"}
	pillReturned = Pill{"bad", "back", "word.status.returned"}
)

// DeskPaymentPill is the status of a payment with what became of its money since; the first that fits.
func DeskPaymentPill(p paylink.Payment, since Since) Pill {
	switch {
	case p.Status != paylink.Succeeded:
		return PaymentPill(p.Status)
	case since.Disputed:
		return pillDisputed
	case since.Returned:
		return pillReturned
	case since.Refunded >= p.Charged().Minor:
		return ReceiptPill(paylink.ReceiptRefunded)
	case since.Refunded > 0:
		return ReceiptPill(paylink.ReceiptPartlyRefunded)
	}
	return pillPaid
}

// DeskInvoicePill is the status of an invoice of which money was taken back: that comes before all but
// the ends of an invoice.
func DeskInvoicePill(pill Pill, since Since) Pill {
	switch pill {
	case pillVoid, pillDraft, pillPaid:
		return pill
	}
	switch {
	case since.Disputed:
		return pillDisputed
	case since.Returned:
		return pillReturned
	}
	return pill
}
