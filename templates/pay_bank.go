package templates

// PayBank is the one page that opens Plaid Link.
type PayBank struct {
	Frame
	Base    string
	Answer  Answer
	PlaidJS string // the address of Plaid's script
	Back    string // the invoice's page, with the amount that was chosen
	Resume  bool   // the payer comes back from the bank's own page
	Keep    string // where what Link gave is sent
	Method  string // the account whose login is renewed; "" connects another

	Left, Failed string // what is told when Link was left, or something went wrong
}

// Template names the file.
func (PayBank) Template() string { return "pay_bank" }
