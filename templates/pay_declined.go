package templates

import "html/template"

// PayDeclined is the page after the bank said no.
type PayDeclined struct {
	Frame
	Answer  Answer
	Heading template.HTML // "Pay $225.00 another way"
	Again   template.HTML // what to do with the same card
	Pay     string        // where the amount is paid again
	Label   template.HTML // "Continue with a card"
	Second  *Press        // another way there
	Change  string        // where another amount is chosen
}

// Template names the file.
func (PayDeclined) Template() string { return "pay_declined" }
