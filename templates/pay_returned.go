package templates

import "html/template"

// PayReturned is the page of money that had arrived and was sent back.
type PayReturned struct {
	Frame
	Answer  Answer
	Rest    Rest
	Receipt template.HTML // what became of its receipt
}

// Template names the file.
func (PayReturned) Template() string { return "pay_returned" }
