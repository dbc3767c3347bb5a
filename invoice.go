package paylink

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"paylink/money"
)

// Invoice is what is asked for. What was paid of it is never kept here: it is read from the ledger.
type Invoice struct {
	ID         string
	Number     string // unique, for people: INV-1042
	CustomerID string
	Title      string // what it is for, in a few words
	Currency   money.Currency
	Lines      []Line
	Total      money.Amount // the sum of the rounded lines
	Due        Date         // the zero Date when there is none; it ends at midnight in the firm's zone
	IssuedOn   Date
	Partial    PartialRules
	Capture    CaptureMethod
	ExternalID string
	State      InvoiceState
	Version    int // counts every change of what is asked; a form carries the one it showed
	CreatedAt  time.Time
	UpdatedAt  time.Time
	VoidedAt   time.Time
}

// InvoiceState is what staff made of the invoice; how far it is paid is InvoiceStatus.
type InvoiceState string

// A draft asks for nothing yet; a void invoice asks no more.
const (
	StateDraft InvoiceState = "draft"
	StateOpen  InvoiceState = "open"
	StateVoid  InvoiceState = "void"
)

// InvoiceStatus is what others are told.
type InvoiceStatus string

// The statuses of an invoice.
const (
	InvoiceDraft         InvoiceStatus = "draft"
	InvoiceOpen          InvoiceStatus = "open"
	InvoicePartiallyPaid InvoiceStatus = "partially_paid"
	InvoicePaid          InvoiceStatus = "paid"
	InvoiceVoid          InvoiceStatus = "void"
)

// Status derives the status from the state and the balance. Money on its way is not paid.
func (i Invoice) Status(b Balance) InvoiceStatus {
	switch {
	case i.State == StateVoid:
		return InvoiceVoid
	case i.State == StateDraft:
		return InvoiceDraft
	case b.Paid+b.Credited >= b.Total:
		return InvoicePaid
	case b.Paid > 0:
		return InvoicePartiallyPaid
	}
	return InvoiceOpen
}

// Line is one row of an invoice. Its amount is quantity × unit, rounded half up once.
type Line struct {
	Description string
	Quantity    money.Quantity
	UnitAmount  money.Amount // may be negative, for a discount
	Tax         bool         // this line is a tax on the others
	Amount      money.Amount
}

// PartialRules say which parts of an invoice may be paid. Amounts are minor units of the invoice's
// currency.
type PartialRules struct {
	Allowed      bool         `json:"allowed"`
	Minimum      int64        `json:"minimum,omitempty"`       // of any part; also of what remains
	FirstMinimum int64        `json:"first_minimum,omitempty"` // of the first part, a deposit
	Instalments  []Instalment `json:"instalments,omitempty"`
}

// Instalment is a part the firm expects by a day.
type Instalment struct {
	Amount int64 `json:"amount"`
	Due    Date  `json:"due_date"`
}

// MaxLines is how many lines an invoice may have; MaxNumber how long its number may be.
const (
	MaxLines  = 200
	MaxNumber = 40
)

// Compute fills the amounts of the lines and the total, and says everything that is wrong at once.
// The total must be positive and no more than MaxCharge of one payment would ever need parts for.
func (i *Invoice) Compute() error {
	var wrong Fields
	checkLine(&wrong, "number", i.Number, true, MaxNumber)
	checkLine(&wrong, "title", i.Title, false, MaxName)
	checkLine(&wrong, "external_id", i.ExternalID, false, MaxName)
	if !i.Currency.Valid() {
		wrong.Add("currency", "currency")
		return wrong.Err()
	}
	if len(i.Lines) == 0 {
		wrong.Add("lines", "required")
	}
	if len(i.Lines) > MaxLines {
		wrong.Add("lines", "too_many", "most", MaxLines)
		return wrong.Err()
	}
	total, known := money.New(0, i.Currency), true
	for n := range i.Lines {
		line := &i.Lines[n]
		field := fmt.Sprintf("lines[%d]", n)
		checkText(&wrong, field+".description", line.Description)
		if line.Quantity <= 0 {
			wrong.Add(field+".quantity", "quantity")
			known = false
		}
		if line.UnitAmount.Currency != i.Currency {
			wrong.Add(field+".unit_amount", "currency")
			known = false
			continue
		}
		var err error
		if line.Amount, err = line.UnitAmount.Times(line.Quantity); err != nil {
			wrong.Add(field+".unit_amount", "too_large")
			known = false
			continue
		}
		sum, err := total.Add(line.Amount)
		if err != nil {
			wrong.Add("lines", "too_large")
			return wrong.Err()
		}
		total = sum
	}
	if len(wrong) == 0 && !total.IsPositive() {
		wrong.Add("lines", "total_positive")
	}
	if total.Minor%i.Currency.Step() != 0 {
		wrong.Add("lines", "total_step", "step", money.New(i.Currency.Step(), i.Currency))
	}
	if total.Minor > MaxTotal {
		wrong.Add("lines", "too_large")
	}
	i.Total = total
	i.Partial.check(&wrong)
	if known && total.IsPositive() { // else a line is to be changed first
		i.Partial.checkTotal(&wrong, total)
	}
	return wrong.Err()
}

// MaxTotal keeps every sum that a page or a report makes far from overflow: ten trillion minor
// units.
const MaxTotal = 10_000_000_000_000

// Within gives the rules as they make sense for a total: a firm's usual minimum does not refuse a
// small invoice.
func (p PartialRules) Within(total money.Amount) PartialRules {
	p.Minimum = min(p.Minimum, max(0, total.Minor))
	p.FirstMinimum = min(p.FirstMinimum, max(0, total.Minor))
	return p
}

func (p PartialRules) check(wrong *Fields) {
	if p.Minimum < 0 {
		wrong.Add("partial.minimum", "negative")
	}
	if p.FirstMinimum < 0 {
		wrong.Add("partial.first_minimum", "negative")
	}
}

// checkTotal refuses rules that ask for more than there is to pay.
func (p PartialRules) checkTotal(wrong *Fields, total money.Amount) {
	if p.Minimum > total.Minor {
		wrong.Add("partial.minimum", "over_total")
	}
	if p.FirstMinimum > total.Minor {
		wrong.Add("partial.first_minimum", "over_total")
	}
	left := total.Minor
	for n, part := range p.Instalments {
		if part.Amount <= 0 || part.Amount > left {
			wrong.Add(fmt.Sprintf("partial.instalments[%d].amount", n), "over_total")
			return
		}
		left -= part.Amount
	}
}

func checkText(wrong *Fields, field, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		wrong.Add(field, "required")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		wrong.Add(field, "one_line")
	case utf8.RuneCountInString(s) > MaxText:
		wrong.Add(field, "too_long", "most", MaxText)
	}
}

// Date is a calendar day as "2026-11-27"; "" is no day. It has no zone: a due date ends at midnight
// wherever the firm is.
type Date string

// ParseDate reads "2026-11-27".
func ParseDate(s string) (Date, error) {
	if s == "" {
		return "", nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 2000 || t.Year() > 2199 {
		return "", Fail(Invalid, "date")
	}
	return Date(s), nil
}

// DateOf is the day of a moment in a zone.
func DateOf(t time.Time, zone *time.Location) Date { return Date(t.In(zone).Format(time.DateOnly)) }

// Time is the first moment of the day in a zone.
func (d Date) Time(zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// End is the first moment after the day in a zone; the zero time for no day.
func (d Date) End(zone *time.Location) time.Time {
	if d == "" {
		return time.Time{}
	}
	return d.Time(zone).AddDate(0, 0, 1)
}

// Balance is where an invoice stands, in minor units of its currency. Total − Credited − Paid −
// Pending is what is due.
type Balance struct {
	Total    int64
	Credited int64
	Paid     int64 // arrived, less refunds that are owed again, returns and lost disputes
	Pending  int64 // reserved: being made, on its way or held
	FromBank int64 // of Pending: debits that a bank is moving
	Refunded int64 // sent back by our act; told beside the others, not part of the sum
	Payments int   // payments that arrived, for "first minimum"
}

// Due is what nobody has paid or reserved yet; never below zero.
func (b Balance) Due() int64 { return max(0, b.Total-b.Credited-b.Paid-b.Pending) }
