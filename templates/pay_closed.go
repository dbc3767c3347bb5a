package templates

import "html/template"

// PayClosed is a page on which nothing can be paid now: the invoice is paid, reserved, withdrawn or
// taking a pause, or a payment ended before any money moved.
type PayClosed struct {
	Frame
	Answer  Answer
	Balance *Balance
	Main    *Press // the next step, when there is one
	Second  *Press
	SoFar   []SoFar
}

// Press is a link that looks like a button.
type Press struct {
	Link  string
	Label template.HTML
	Icon  string
}

// Template names the file.
func (PayClosed) Template() string { return "pay_closed" }
