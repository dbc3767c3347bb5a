package templates

import "html/template"

// PayWay is the page of a bank payment that is on its way.
type PayWay struct {
	Frame
	Answer     Answer
	Steps      []Step
	Note       template.HTML
	Rest       Rest
	Permission string // the address of what the payer agreed to, as a document
}

// Step is one step of a way: done, now or ahead.
type Step struct {
	State  string
	Icon   string // none for what lies ahead
	Text   template.HTML
	Detail template.HTML
}

// Template names the file.
func (PayWay) Template() string { return "pay_way" }
