package templates

import "html/template"

// PayDeposit waits for what the payer reads beside a small deposit at the bank.
type PayDeposit struct {
	Frame
	Answer   Answer
	Action   string // where it is sent; "" when there is nothing to send any more
	Amounts  bool   // two amounts are read, not a code
	Tries    template.HTML
	Keep     string // the amount that was chosen
	Back     string
	Problems Summary
}

// Template names the file.
func (PayDeposit) Template() string { return "pay_deposit" }
