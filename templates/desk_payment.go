package templates

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
	Heading   string
	Pill      Pill
	Base      string
	Note      HTML // what there is to know now
	NoteKind  string
	Events    []Event
	Day       string
	Money     []Fact
	Card      []Fact
	Receipt   *ReceiptCard
	CanResend bool
	Capture   HTML // what the button says that takes a held amount; "" where none may be taken
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
