package templates

import (
	"html/template"

	"paylink/money"
)

// PayDeclined is the page after the bank said no.
type PayDeclined struct {
	Frame
	Answer  Answer
	Heading template.HTML // "Pay $225.00 another way"
	Base    string        // where it is paid again
	Amount  string        // that was tried
	Choices []Choice      // none when nothing can be paid
	Change  string        // where another amount is chosen
}

// Choice is a way to go on, with its true price.
type Choice struct {
	Value        string // of the field method
	Name, Detail string
	Label        string // of the button: "Continue with bank account"
	Price        money.Amount
	Chosen       bool
}

// Template names the file.
func (PayDeclined) Template() string { return "pay_declined" }
