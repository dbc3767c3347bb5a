package templates

import "html/template"

// PayWait is the page of a payment that is not at its end: being checked, asked about by the bank,
// on its way, held.
type PayWait struct {
	Frame
	Answer Answer
	Status string // the payment's, so that the script sees it change
	Facts  []Fact
	Text   template.HTML // what happens next
	Note   template.HTML
	Check  string // where the payment is looked at again; "" when only time helps
	Action string // where the bank's question is answered; "" when it asks nothing
	Key    string // Stripe's publishable key, for that
	Rest   *Rest
}

// Template names the file.
func (PayWait) Template() string { return "pay_wait" }
