package paylink

import (
	"time"

	"paylink/money"
)

// Firm is the business that is paid, as it appears on pages, mails and documents.
type Firm struct {
	Name       string         `json:"name"`
	Tagline    string         `json:"tagline"`
	Address    []string       `json:"address"` // lines, the legal name first
	TaxID      string         `json:"tax_id"`
	Email      string         `json:"email"`
	Phone      string         `json:"phone"`
	Hours      string         `json:"hours"`      // "Monday to Friday, 9 to 5 Pacific"
	Descriptor string         `json:"descriptor"` // the card statement prefix at Stripe, for example NORTHWIND STUDIO
	Locale     money.Locale   `json:"locale"`
	TimeZone   string         `json:"time_zone"` // IANA name; a due date ends at its midnight
	Currency   money.Currency `json:"currency"`  // the first choice for a new invoice
	Paper      string         `json:"paper"`     // a4 or letter
	Capture    CaptureMethod  `json:"capture"`
	Partial    PartialRules   `json:"partial"` // the first choice for a new invoice
	LegalURL   string         `json:"legal_url"`
	PrivacyURL string         `json:"privacy_url"`
}

// Location is the firm's time zone; UTC when the name is not known here.
func (f Firm) Location() *time.Location {
	if zone, err := time.LoadLocation(f.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}

// CaptureMethod says when a card is charged.
type CaptureMethod string

// Charge at once, or hold and let staff capture or void.
const (
	CaptureAutomatic CaptureMethod = "automatic"
	CaptureManual    CaptureMethod = "manual"
)
