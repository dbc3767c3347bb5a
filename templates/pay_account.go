package templates

// PayAccount takes a bank account by its numbers, which go from the browser to Stripe: its fields
// have no names, so no form sends them here.
type PayAccount struct {
	Frame
	Base       string
	Answer     Answer
	Key        string // Stripe's publishable key
	Permission []Clause
	Back       string
}

// Template names the file.
func (PayAccount) Template() string { return "pay_account" }
