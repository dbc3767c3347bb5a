package templates

// PayReceipt answers whether a receipt is real: its number, amount, date and status, and nothing else.
type PayReceipt struct {
	Frame
	Answer Answer
	Facts  []Fact
	Pill   Pill
}

// Template names the file.
func (PayReceipt) Template() string { return "pay_receipt" }
