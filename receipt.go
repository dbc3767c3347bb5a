package paylink

import (
	"fmt"
	"time"

	"paylink/money"
)

// ReceiptStatus is the word on the receipt.
type ReceiptStatus string

// A receipt is paid at first; refunds and returns make the next revision.
const (
	ReceiptPaid           ReceiptStatus = "paid"
	ReceiptPartlyRefunded ReceiptStatus = "partly_refunded"
	ReceiptRefunded       ReceiptStatus = "refunded"
	ReceiptReturned       ReceiptStatus = "returned"
)

// Receipt is one revision of the proof of a settled payment: every value it shows, frozen when the
// payment settled, so that a receipt never changes when an invoice or the firm does.
type Receipt struct {
	ID        string        `json:"id"`
	Number    string        `json:"number"`
	Revision  int           `json:"revision"`
	Status    ReceiptStatus `json:"status"`
	Code      string        `json:"code"` // "7KQM-2D9F": what /v/ checks it by
	PaymentID string        `json:"payment_id"`
	Locale    money.Locale  `json:"locale"`
	Firm      Firm          `json:"firm"`
	Host      string        `json:"host"` // where it is checked: "pay.northwind.studio"

	Payer   string `json:"payer"`
	Company string `json:"company"`
	Email   string `json:"email"` // where it was mailed first

	PaidAt   time.Time `json:"paid_at"`
	IssuedAt time.Time `json:"issued_at"`

	Method    MethodKind `json:"method"`
	Card      Card       `json:"card"`
	Bank      Bank       `json:"bank,omitzero"`
	Trace     string     `json:"trace,omitempty"` // the number by which the payer's bank finds a debit
	AuthCode  string     `json:"auth_code"`
	Statement string     `json:"statement"`
	Reference string     `json:"reference"` // the PaymentIntent

	InvoiceID     string `json:"invoice_id"`
	InvoiceNumber string `json:"invoice_number"`
	InvoiceTitle  string `json:"invoice_title"`
	InvoiceDate   Date   `json:"invoice_date"`
	Due           Date   `json:"due"`

	Total       money.Amount `json:"total"`
	Credited    money.Amount `json:"credited,omitzero"`
	PaidBefore  money.Amount `json:"paid_before"`
	ThisPayment money.Amount `json:"this_payment"`
	Fee         money.Amount `json:"fee"`
	OnItsWay    money.Amount `json:"on_its_way"`          // from a bank
	BeingPaid   money.Amount `json:"being_paid,omitzero"` // reserved otherwise: being made, or held on a card
	Refunded    money.Amount `json:"refunded"`            // of Charged, by our act
	Returned    money.Amount `json:"returned,omitzero"`   // of Charged, by the payer's bank
	StillToPay  money.Amount `json:"still_to_pay"`
	Taxes       []Line       `json:"taxes"`
}

// Charged is what the payer's statement will say.
func (r Receipt) Charged() money.Amount {
	return money.New(r.ThisPayment.Minor+r.Fee.Minor, r.ThisPayment.Currency)
}

// Pending is what was reserved of the invoice when the receipt was issued.
func (r Receipt) Pending() money.Amount {
	return money.New(r.OnItsWay.Minor+r.BeingPaid.Minor, r.ThisPayment.Currency)
}

// ReceiptNumber writes the number of a receipt. The series is the year; the epoch is "" until a
// backup is restored, then B, C…: a number once given is never given again.
func ReceiptNumber(year int, epoch string, n int64) string {
	return fmt.Sprintf("R-%d%s-%06d", year, epoch, n)
}

// Refund is money of a payment that goes back, asked for here or at Stripe. The row is written before
// Stripe is asked and holds its amount of the payment, so that no more goes back than came.
type Refund struct {
	ID        string
	PaymentID string
	Key       string       // of the form or the call that asked; the same key is the same refund
	StripeID  string       // re_… or pyr_…; "" until Stripe answered
	Amount    money.Amount // all that goes back, the fee included
	Fee       money.Amount // the part of Amount that was the fee
	OwedAgain bool         // the invoice asks for it again; else it is credited
	Status    RefundStatus
	Failure   string // why it failed or was refused, in Stripe's word
	Reason    string // why it was made, in the words of staff
	Actor     Actor  // who asked; "stripe" when it was made there
	MovedAt   time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// RefundStatus is where a refund stands: asked, and then Stripe's word.
// https://docs.stripe.com/refunds#refund-status
type RefundStatus string

// The statuses. From pending on the money is gone from us, unless it failed or was canceled.
const (
	RefundAsked     RefundStatus = "asked" // nobody knows yet whether Stripe made it
	RefundPending   RefundStatus = "pending"
	RefundAction    RefundStatus = "requires_action" // the payer has to say where to
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"   // the money is back with us
	RefundCanceled  RefundStatus = "canceled" // refused, or taken back before it left
)

// Moved says whether the money is gone from us.
func (s RefundStatus) Moved() bool {
	return s == RefundPending || s == RefundAction || s == RefundSucceeded
}

// Final says whether nothing more is expected. A refund that succeeded may still fail.
func (s RefundStatus) Final() bool {
	return s == RefundSucceeded || s == RefundFailed || s == RefundCanceled
}

// CanBecome says whether a report of Stripe may move a refund from one status to the next: an older
// report never replaces a newer one.
func (s RefundStatus) CanBecome(next RefundStatus) bool {
	order := map[RefundStatus]int{RefundAsked: 1, RefundAction: 2, RefundPending: 3, RefundSucceeded: 4, RefundFailed: 5, RefundCanceled: 5}
	return order[next] > order[s]
}
