package paylink

import (
	"time"

	"paylink/money"
)

// Payment is one try to pay an invoice: one PaymentIntent at Stripe, made for it alone, so that the
// PaymentIntent itself cannot move money twice. The row is written before Stripe is asked for
// anything and is the reservation of its amount.
type Payment struct {
	ID             string
	InvoiceID      string
	LinkID         string // the link it was paid through; "" for staff
	CustomerID     string
	Nonce          string // of the form that was pressed; unique, so that two presses are one payment
	InvoiceVersion int    // the invoice that the payer saw
	Method         MethodKind
	Amount         money.Amount // applied to the invoice
	Fee            money.Amount // on top of it
	Capture        CaptureMethod
	Status         PaymentStatus
	PaymentIntent  string        // pi_…; stored before anything can move money
	Means          string        // what it is paid with at Stripe: ctoken_…, pm_… or ba_…
	RequestHash    string        // of the body of the confirm call, which is never sent otherwise
	SecretShown    bool          // the browser held the client secret: only a cancel fences it
	Reason         DeclineReason // why the bank said no
	MethodID       string        // of the saved or linked method; "" for a new card
	SaveConsent    Consent       // to keep the card or account for next time; done once the money is on its way
	Card           Card
	Bank           Bank
	ExpectedOn     Date // when money on its way from a bank usually arrives
	AuthCode       string
	Statement      string // what the payer's statement says
	Charge         string // ch_…
	CaptureBefore  time.Time
	Problem        string // why Stripe's object was not believed; "" as a rule
	Boot           string // the run of the server that makes it; another run may finish it
	LeaseUntil     time.Time
	Locale         money.Locale
	CreatedAt      time.Time
	UpdatedAt      time.Time
	CheckedAt      time.Time // when Stripe was last asked about it
	SettledAt      time.Time // when the money moved, by Stripe's clock
	ReceiptID      string
	ReceiptNumber  string
}

// Charged is what Stripe moves: the part of the invoice and the fee on top.
func (p Payment) Charged() money.Amount {
	return money.New(p.Amount.Minor+p.Fee.Minor, p.Amount.Currency)
}

// Card is what may be known of a card: enough to recognise it, nothing to use it.
type Card struct {
	Brand    string `json:"brand"` // "Visa"
	Last4    string `json:"last4"`
	ExpMonth int    `json:"exp_month"`
	ExpYear  int    `json:"exp_year"`
	Funding  string `json:"funding"` // credit, debit, prepaid, unknown
}

// Label is "Visa ••4242", or "" when nothing is known.
func (c Card) Label() string {
	if c.Last4 == "" {
		return ""
	}
	return c.Brand + " ••" + c.Last4
}

// MeansLabel is what it was paid with, as people recognise it; "" when nothing is known.
func (p Payment) MeansLabel() string {
	if p.Method == MethodBank {
		return p.Bank.Label()
	}
	return p.Card.Label()
}

// MethodKind is how money comes.
type MethodKind string

// The kinds of methods.
const (
	MethodCard MethodKind = "card"
	MethodBank MethodKind = "bank"
)

// PaymentStatus is where a payment stands. See docs/architecture.md for the picture.
type PaymentStatus string

// The statuses. Reserving ones hold their amount of the invoice.
const (
	Created        PaymentStatus = "created"         // reserved; at most an unconfirmed PaymentIntent exists
	Confirming     PaymentStatus = "confirming"      // the confirm call is, or may be, under way
	RequiresAction PaymentStatus = "requires_action" // the bank asks the payer (3-D Secure)
	Unknown        PaymentStatus = "unknown"         // nobody knows until Stripe is asked, or a fence is not up yet
	Processing     PaymentStatus = "processing"      // on its way from a bank
	Authorized     PaymentStatus = "authorized"      // held, not charged
	Failed         PaymentStatus = "failed"          // the bank said no
	Canceled       PaymentStatus = "canceled"        // proof that no money moved, nor can
	Succeeded      PaymentStatus = "succeeded"       // the money moved
)

// rank orders statuses for a monotonic Apply: an older report never replaces a newer one. Success
// beats everything: money that arrived is never dropped.
var rank = map[PaymentStatus]int{
	Created: 1, Confirming: 2, Unknown: 3, RequiresAction: 3, Processing: 4, Authorized: 5,
	Failed: 6, Canceled: 6, Succeeded: 7,
}

// Reserving says whether the payment holds its amount of the invoice.
func (s PaymentStatus) Reserving() bool { return !s.Final() }

// Final says whether nothing more happens, but for refunds and disputes, which are records of
// their own, and for a success that arrives all the same.
func (s PaymentStatus) Final() bool { return s == Failed || s == Canceled || s == Succeeded }

// CanBecome says whether a report of Stripe may move a payment from one status to the next.
func (s PaymentStatus) CanBecome(next PaymentStatus) bool {
	switch {
	case s == next:
		return false
	case s == Unknown || s == RequiresAction:
		return rank[next] >= rank[Unknown]
	case s == Processing && next == Unknown:
		return true // declined, and a browser could still confirm: held until it is fenced
	}
	return rank[next] > rank[s]
}

// DeclineReason is why the bank said no, in the few words a payer can act on.
type DeclineReason string

// The reasons. Everything that a payer should not read, lost, stolen and fraud among it, is
// DeclinedNoReason.
const (
	DeclinedFunds        DeclineReason = "insufficient_funds"
	DeclinedExpired      DeclineReason = "expired_card"
	DeclinedCode         DeclineReason = "security_code"
	DeclinedNotConfirmed DeclineReason = "not_confirmed" // 3-D Secure failed or was left
	DeclinedNeedsPayer   DeclineReason = "needs_payer"   // the bank wants to ask the payer, who was not there
	DeclinedLimit        DeclineReason = "limit"
	DeclinedNoReason     DeclineReason = "no_reason"

	// Of a bank debit, DeclinedFunds and these.
	DeclinedClosed       DeclineReason = "account_closed"
	DeclinedNoAccount    DeclineReason = "no_account"
	DeclinedUnauthorized DeclineReason = "not_authorized" // the account's owner objected, or may
	DeclinedBankLimit    DeclineReason = "bank_limit"
	DeclinedBankOther    DeclineReason = "bank_other"
)

// Known says whether a text is one of the statuses.
func (s PaymentStatus) Known() bool { return rank[s] > 0 }
