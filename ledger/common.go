package ledger

import (
	"fmt"
	"time"

	"paylink/money"
)

// Header is what every transaction carries whatever it books.
type Header struct {
	ID         string
	SourceType string // with SourceID the record that caused it, booked once
	SourceID   string
	At         time.Time
	Memo       string
}

// Split is what a sum of money is made of, on its way in or back.
type Split struct {
	Held     Account // where the money is: Stripe(c) or ByHand(way)
	Invoice  string  // needed if Applied is positive
	Customer string  // needed if Excess is positive
	// A part that is the zero Amount counts as nothing.
	Applied money.Amount // settles the invoice
	Fee     money.Amount // surcharge
	Excess  money.Amount // more than was owed
}

// Total returns what the parts of s add up to: the sum that is charged or given back.
func (s Split) Total() (money.Amount, error) {
	total := money.Amount{}
	for _, part := range [...]money.Amount{s.Applied, s.Fee, s.Excess} {
		switch {
		case part == money.Amount{}:
			continue
		case part.IsNegative():
			return money.Amount{}, fmt.Errorf("part is negative: %s", part)
		case total == money.Amount{}:
			total = part
			continue
		}
		var err error
		if total, err = total.Add(part); err != nil {
			return money.Amount{}, err
		}
	}
	return total, nil
}

// Issue books an invoice: the customer owes its total. An invoice of nothing is not booked.
func Issue(h Header, invoice string, total money.Amount) (Transaction, error) {
	return h.move(KindIssue, Invoice(invoice), Sales, total)
}

// Adjust books an edit of an issued invoice by the difference of its totals, up or down.
func Adjust(h Header, invoice string, difference money.Amount) (Transaction, error) {
	if !difference.IsNegative() {
		return h.move(KindAdjust, Invoice(invoice), Sales, difference)
	}
	less, err := difference.Neg()
	if err != nil {
		return Transaction{}, fmt.Errorf("adjust: %w", err)
	}
	return h.move(KindAdjust, Sales, Invoice(invoice), less)
}

// Void books that what is still owed on an invoice is not owed any more.
func Void(h Header, invoice string, owed money.Amount) (Transaction, error) {
	return h.move(KindVoid, Sales, Invoice(invoice), owed)
}

// CreditNote books that a part of an invoice is not owed any more, for example beside a refund
// after which the invoice stays paid.
func CreditNote(h Header, invoice string, amount money.Amount) (Transaction, error) {
	return h.move(KindCredit, Sales, Invoice(invoice), amount)
}

// Settle books money that arrived: to its invoice, the surcharge to Fees, and what was not owed
// to the customer's overpayment, so that none of it is ever dropped.
func Settle(h Header, s Split) (Transaction, error) { return h.split(KindPayment, s, 1) }

// Refund books money that we gave back, part by part. The invoice is owed again by what had been
// applied to it; CreditNote, for a source of its own, makes it not owed.
func Refund(h Header, s Split) (Transaction, error) { return h.split(KindRefund, s, -1) }

// Return books a bank debit that had succeeded and was taken back by the customer's bank.
func Return(h Header, s Split) (Transaction, error) { return h.split(KindReturn, s, -1) }

// Dispute books a sum that was withdrawn from us because the customer disputed it. Reversed as
// KindDisputeWon if we win.
func Dispute(h Header, s Split) (Transaction, error) { return h.split(KindDispute, s, -1) }

// UseOverpayment books a customer's overpayment as payment of an invoice.
func UseOverpayment(h Header, customer, invoice string, amount money.Amount) (Transaction, error) {
	return h.move(KindOverpayment, Overpayment(customer), Invoice(invoice), amount)
}

// Overpaid books as a customer's overpayment what had been applied to an invoice that asks for less by now.
func Overpaid(h Header, customer, invoice string, amount money.Amount) (Transaction, error) {
	return h.move(KindOverpayment, Invoice(invoice), Overpayment(customer), amount)
}

// KeepOverpayment books a customer's overpayment as credit towards invoices to come.
func KeepOverpayment(h Header, customer string, amount money.Amount) (Transaction, error) {
	return h.move(KindOverpayment, Overpayment(customer), Credit(customer), amount)
}

// UseCredit books credit kept for a customer as payment of an invoice.
func UseCredit(h Header, customer, invoice string, amount money.Amount) (Transaction, error) {
	return h.move(KindOverpayment, Credit(customer), Invoice(invoice), amount)
}

// move books a positive amount from the credited account to the debited one.
func (h Header) move(kind Kind, debit, credit Account, amount money.Amount) (Transaction, error) {
	if !amount.IsPositive() {
		return Transaction{}, fmt.Errorf("book %s: amount is not positive: %s", kind, amount)
	}
	negative, err := amount.Neg()
	if err != nil {
		return Transaction{}, fmt.Errorf("book %s: %w", kind, err)
	}
	return h.transaction(kind, []Posting{{debit, amount}, {credit, negative}})
}

// split books money into s.Held (direction 1) or out of it (−1).
func (h Header) split(kind Kind, s Split, direction int64) (Transaction, error) {
	total, err := s.Total()
	if err != nil {
		return Transaction{}, fmt.Errorf("book %s: %w", kind, err)
	}
	if !total.IsPositive() {
		return Transaction{}, fmt.Errorf("book %s: nothing moved", kind)
	}
	if !s.Held.holds() {
		return Transaction{}, fmt.Errorf("book %s: %q holds no money", kind, s.Held)
	}
	postings := []Posting{{s.Held, money.New(direction*total.Minor, total.Currency)}}
	for _, part := range [...]Posting{
		{Invoice(s.Invoice), s.Applied}, {Fees, s.Fee}, {Overpayment(s.Customer), s.Excess},
	} {
		if part.Amount.IsZero() {
			continue
		}
		part.Amount.Minor *= -direction
		postings = append(postings, part)
	}
	return h.transaction(kind, postings)
}

func (h Header) transaction(kind Kind, postings []Posting) (Transaction, error) {
	t := Transaction{
		ID: h.ID, Kind: kind, SourceType: h.SourceType, SourceID: h.SourceID,
		At: h.At, Memo: h.Memo, Postings: postings,
	}
	if err := t.Check(); err != nil {
		return Transaction{}, fmt.Errorf("book %s: %w", kind, err)
	}
	return t, nil
}
