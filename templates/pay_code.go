package templates

// PayCode asks for the code that proves the customer's mailbox.
type PayCode struct {
	Frame
	Answer   Answer
	Action   string
	Back     string
	Amount   string // that was chosen, as typed
	Sent     bool   // there is a code to type
	Problems Problems
}

// Template names the file.
func (PayCode) Template() string { return "pay_code" }
