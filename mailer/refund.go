package mailer

import (
	"strings"

	"paylink"
	"paylink/money"
	"paylink/templates"
)

// revise has a receipt's letter tell what changed since the revision before: money that goes back, or a
// refund that did not go through. The figures stay the receipt's.
func revise(l *templates.Letter, r, before paylink.Receipt, to string, attached bool) {
	w := l.Words
	if before.Revision == 1 { // that one tells what of the invoice was refunded, and nothing of this payment
		before.Refunded.Minor = 0
	}
	moved := money.New(r.Refunded.Minor-before.Refunded.Minor, r.ThisPayment.Currency)
	l.Greeting = w.Parts("mail.greeting.nobody")
	if first := (paylink.Customer{Name: r.Payer}).FirstName(); first != "" && strings.EqualFold(to, r.Email) {
		l.Greeting = w.Parts("mail.greeting", "name", first)
	}
	l.Body = nil
	about := func(a money.Amount) []any {
		return []any{"firm", r.Firm.Name, "amount", a, "invoice", r.InvoiceNumber, "number", r.Number}
	}
	switch {
	case moved.Minor > 0:
		l.Subject, l.Lead = w.T("mail.refund.subject", about(moved)...), w.Parts("mail.refund.lead", about(moved)...)
		l.Amount = w.Amount(moved)
		switch {
		case r.Card.Last4 != "":
			l.Says = w.Parts("mail.refund.says.card", "brand", r.Card.Brand, "last4", r.Card.Last4)
		case r.Bank.Label() != "":
			l.Says = w.Parts("mail.refund.says.bank", "account", r.Bank.Label())
		default:
			l.Says = w.Parts("mail.refund.says")
		}
		l.Body = append(l.Body, w.Parts("mail.refund.days"))
	case moved.Minor < 0:
		moved.Minor = -moved.Minor
		l.Subject, l.Lead = w.T("mail.refund.subject.back", about(moved)...), w.Parts("mail.refund.lead.back", about(moved)...)
		l.Amount, l.Says = w.Amount(moved), w.Parts("mail.refund.says.back")
	case r.Status == paylink.ReceiptReturned:
		back := r.Charged()
		if r.Returned.IsPositive() {
			back = r.Returned
		}
		l.Subject, l.Lead = w.T("mail.returned.subject", about(back)...), w.Parts("mail.refund.lead.returned", about(back)...)
		l.Amount, l.Says = w.Amount(back), w.Parts("mail.returned.says.paid")
	default: // as when the money's way is told anew: the same sum, other words
		l.Lead = w.Parts("mail.refund.lead.changed", about(r.Charged())...)
	}
	if attached {
		l.Body = append(l.Body, w.Parts("mail.refund.attached", "number", r.Number, "revision", r.Revision))
	}
}
