// Package ledger is double entry: every movement of money is a transaction whose postings, debits
// positive and credits negative, sum to exactly zero in each currency. What is wrong is put right
// by a reversal; nothing is edited.
//
// The package is pure. It does not store anything, does not decide whether a payment is due or
// allowed, and knows no provider.
package ledger

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"paylink/money"
)

// ErrUnbalanced says that the postings of a transaction do not sum to zero.
var ErrUnbalanced = errors.New("postings do not sum to zero")

// Posting is one line of a transaction: a positive amount debits the account, a negative one
// credits it.
type Posting struct {
	Account Account
	Amount  money.Amount
}

// Transaction is one movement of money. It is made by a constructor of this package, or checked
// by Check, before it is stored.
type Transaction struct {
	ID   string
	Kind Kind
	// SourceType and SourceID name the record that caused the transaction, "payment" and "pay_…".
	// A source is booked once: the store holds a unique key on the two.
	SourceType string
	SourceID   string
	At         time.Time // when the money moved
	Memo       string    // for staff; may be empty
	Postings   []Posting
}

// Check says what is wrong with t: no id, source, time or known kind; fewer than two postings; an
// account of no known form; a posting that is zero, of no known or not the account's currency, or
// could not be reversed; or a currency that does not sum to zero, which is ErrUnbalanced.
func (t Transaction) Check() error {
	if err := t.check(); err != nil {
		return fmt.Errorf("transaction %s of %s %s: %w", t.ID, t.SourceType, t.SourceID, err)
	}
	return nil
}

func (t Transaction) check() error {
	switch {
	case t.ID == "":
		return errors.New("no id")
	case t.SourceType == "" || t.SourceID == "":
		return errors.New("no source")
	case t.At.IsZero():
		return errors.New("no time")
	case !t.Kind.known():
		return fmt.Errorf("unknown kind %q", t.Kind)
	case len(t.Postings) < 2:
		return errors.New("fewer than two postings")
	}
	sums := make(map[money.Currency]money.Amount, 1)
	for _, p := range t.Postings {
		switch {
		case !p.Account.valid():
			return fmt.Errorf("unknown account %q", p.Account)
		case !p.Amount.Currency.Valid() || !p.Account.takes(p.Amount.Currency):
			return fmt.Errorf("posting to %s: %w", p.Account, money.ErrCurrency)
		case p.Amount.IsZero():
			return fmt.Errorf("posting to %s: zero", p.Account)
		case p.Amount.Minor == math.MinInt64:
			return fmt.Errorf("posting to %s: %w", p.Account, money.ErrOverflow)
		}
		sum, started := sums[p.Amount.Currency]
		if !started {
			sum = money.Zero(p.Amount.Currency)
		}
		sum, err := sum.Add(p.Amount)
		if err != nil {
			return err
		}
		sums[p.Amount.Currency] = sum
	}
	for _, sum := range sums {
		if !sum.IsZero() {
			return fmt.Errorf("%w: %s left", ErrUnbalanced, sum)
		}
	}
	return nil
}

// Reverse returns the transaction that takes t back, for a cause of its own: every account of t
// returns to where it was.
func (t Transaction) Reverse(id string, kind Kind, sourceType, sourceID string, at time.Time) (Transaction, error) {
	if err := t.Check(); err != nil {
		return Transaction{}, fmt.Errorf("reverse: %w", err)
	}
	reversal := Transaction{
		ID: id, Kind: kind, SourceType: sourceType, SourceID: sourceID, At: at,
		Memo: "reverses " + t.ID, Postings: slices.Clone(t.Postings),
	}
	for i, p := range reversal.Postings {
		negative, err := p.Amount.Neg()
		if err != nil {
			return Transaction{}, fmt.Errorf("reverse %s: %w", t.ID, err)
		}
		reversal.Postings[i].Amount = negative
	}
	if err := reversal.Check(); err != nil {
		return Transaction{}, fmt.Errorf("reverse %s: %w", t.ID, err)
	}
	return reversal, nil
}

// Kind says what a transaction records.
type Kind string

// The kinds. Each counts towards one part of an invoice's standing.
const (
	KindIssue        Kind = "issue"         // an invoice was issued
	KindAdjust       Kind = "adjust"        // an issued invoice's total was edited
	KindVoid         Kind = "void"          // an invoice was withdrawn; the rest is not owed
	KindCredit       Kind = "credit"        // a credit note: part of an invoice is not owed
	KindPayment      Kind = "payment"       // money arrived
	KindRefund       Kind = "refund"        // money went back by our act
	KindRefundFailed Kind = "refund_failed" // a refund did not arrive; the money is back with us
	KindReturn       Kind = "return"        // a bank returned a debit that had succeeded
	KindDispute      Kind = "dispute"       // a disputed sum was withdrawn
	KindDisputeWon   Kind = "dispute_won"   // a disputed sum was given back to us
	KindOverpayment  Kind = "overpayment"   // an overpayment was used or kept
)

// Part is what a transaction on an invoice's account changes: see Standing.
type Part string

// The parts of an invoice's standing.
const (
	PartTotal    Part = "total"
	PartCredited Part = "credited"
	PartPaid     Part = "paid"
)

// Part returns the part of an invoice's standing that transactions of kind k change, and "" for
// an unknown kind.
func (k Kind) Part() Part {
	switch k {
	case KindIssue, KindAdjust:
		return PartTotal
	case KindVoid, KindCredit:
		return PartCredited
	case KindPayment, KindRefund, KindRefundFailed, KindReturn, KindDispute, KindDisputeWon, KindOverpayment:
		return PartPaid
	}
	return ""
}

func (k Kind) known() bool { return k.Part() != "" }

// Account is a path: a name, and for most a colon and whose it is, "invoice:inv_…".
type Account string

const (
	// Sales is income from invoices. Its balance is a credit, that is negative.
	Sales Account = "sales"
	// Fees is income from surcharges. It is booked when a payment succeeds and never before.
	Fees Account = "fees"
)

// Invoice is what a customer owes on one invoice.
func Invoice(id string) Account { return Account(invoices + ":" + id) }

// Stripe is the money of one currency that Stripe took for us, before its own charges and payouts.
func Stripe(c money.Currency) Account { return Account(stripe + ":" + string(c)) }

// ByHand is money that came another way and was recorded by staff: "cash", "cheque" or "wire".
func ByHand(way string) Account { return Account(hand + ":" + way) }

// Overpayment is what a customer paid beyond what was owed and staff have not yet dealt with. It
// is owed to the customer: its balance is a credit, that is negative.
func Overpayment(customer string) Account { return Account(overpayments + ":" + customer) }

// Credit is what we keep for a customer towards other invoices. Its balance is a credit.
func Credit(customer string) Account { return Account(credits + ":" + customer) }

const (
	invoices     = "invoice"
	stripe       = "stripe"
	hand         = "hand"
	overpayments = "overpayment"
	credits      = "credit"
)

func (a Account) valid() bool {
	name, of, owned := strings.Cut(string(a), ":")
	switch name {
	case string(Sales), string(Fees):
		return !owned
	case stripe:
		return money.Currency(of).Valid()
	case invoices, hand, overpayments, credits:
		return of != "" && !strings.ContainsFunc(of, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' })
	}
	return false
}

// takes says whether a posting in c may stand on a.
func (a Account) takes(c money.Currency) bool {
	of, ofCurrency := strings.CutPrefix(string(a), stripe+":")
	return !ofCurrency || of == string(c)
}

// holds says whether a is where money is, rather than whose it is.
func (a Account) holds() bool {
	name, _, _ := strings.Cut(string(a), ":")
	return name == stripe || name == hand
}
