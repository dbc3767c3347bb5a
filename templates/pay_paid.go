package templates

// PayPaid is the page after a payment that settled.
type PayPaid struct {
	Frame
	Answer  Answer
	Receipt string // its number
	PDF     string // its address
	Figures []Fact // of the receipt, where its PDF is not shown in the page
	Pill    *Pill  // when it is no longer simply paid
	Rest    Rest
}

// Template names the file.
func (PayPaid) Template() string { return "pay_paid" }
