package templates

// DeskCustomers is the list of customers.
type DeskCustomers struct {
	Desk
	Search   SearchBox
	Rows     []CustomerRow
	Paging   Paging
	CanWrite bool
}

// Template names the file.
func (DeskCustomers) Template() string { return "desk_customers" }

// CustomerRow is a customer in a list.
type CustomerRow struct{ Link, Name, Company, Email, Since string }

// DeskCustomer is a customer with what they were asked for and what they paid.
type DeskCustomer struct {
	Desk
	Heading  string
	Base     string
	ID       string
	Facts    []Fact
	Methods  []MethodRow
	Invoices InvoiceTable
	Paging   Paging
	Payments PaymentTable
	More     string // all of the payments, where not all are shown
	History  []Event
	CanWrite bool
	Take     string // where a payment is taken; "" where nothing can be paid
}

// Template names the file.
func (DeskCustomer) Template() string { return "desk_customer" }

// MethodRow is a saved or linked card or account.
type MethodRow struct {
	Icon, Label string
	Pill        *Pill // why it is not offered
	Lines       []HTML
	Consent     []string // what was agreed to, by its paragraphs
	Proof       HTML     // when and from where
	Remove      string
}

// DeskForm is a form of one or more sections.
type DeskForm struct {
	Desk
	Heading  HTML
	Problems Summary
	Action   string
	Tabs     []Chip
	Sections []Section
	Button   HTML
	Back     string // "" where there is no way back but the navigation
}

// Template names the file.
func (DeskForm) Template() string { return "desk_form" }
