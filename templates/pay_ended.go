package templates

// PayEnded is the page of a link that ended, or was opened without coming from the mail. It says
// nothing of the invoice.
type PayEnded struct {
	Frame
	Answer Answer
	Fresh  Fresh
}

// Template names the file.
func (PayEnded) Template() string { return "pay_ended" }
