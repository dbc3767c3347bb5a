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
	OnItsWay    money.Amount `json:"on_its_way"`
	Refunded    money.Amount `json:"refunded"`
	StillToPay  money.Amount `json:"still_to_pay"`
	Taxes       []Line       `json:"taxes"`
}

// Charged is what the payer's statement will say.
func (r Receipt) Charged() money.Amount {
	return money.New(r.ThisPayment.Minor+r.Fee.Minor, r.ThisPayment.Currency)
}

// ReceiptNumber writes the number of a receipt. The series is the year; the epoch is "" until a
// backup is restored, then B, C…: a number once given is never given again.
func ReceiptNumber(year int, epoch string, n int64) string {
	return fmt.Sprintf("R-%d%s-%06d", year, epoch, n)
}
