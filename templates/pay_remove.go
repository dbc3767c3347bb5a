package templates

import "html/template"

// PayRemove asks once more before a saved card or account is removed.
type PayRemove struct {
	Frame
	Answer Answer
	Action string
	Back   string
	Label  template.HTML // "Remove Visa ••4242"

	Problems Summary
}

// Template names the file.
func (PayRemove) Template() string { return "pay_remove" }
