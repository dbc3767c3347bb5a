package paylink

import (
	"cmp"
	"strings"
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

// NewFirm is a firm that nobody has set up: its first choices are what most begin with.
func NewFirm() Firm {
	return Firm{
		Name: "Your firm", Locale: "en", TimeZone: "UTC", Currency: "USD", Paper: "letter",
		Capture: CaptureAutomatic, Partial: PartialRules{Allowed: true, Minimum: 500},
	}
}

// Location is the firm's time zone; UTC when the name is not known here.
func (f Firm) Location() *time.Location {
	if zone, err := time.LoadLocation(f.TimeZone); err == nil {
		return zone
	}
	return time.UTC
}

// DebitStatement is the firm's name as a bank's statement shows it beside a debit: up to 16 letters,
// digits and blanks. It is "" when too little is left of the name; the statement then says what Stripe
// knows the firm by. https://docs.stripe.com/payments/ach-direct-debit#statement-descriptors
func (f Firm) DebitStatement() string {
	var b strings.Builder
	letters := 0
	for _, r := range strings.ToUpper(cmp.Or(f.Descriptor, f.Name)) {
		letter := r >= 'A' && r <= 'Z'
		if b.Len() == 16 || !letter && r != ' ' && (r < '0' || r > '9') {
			continue
		}
		if letter {
			letters++
		}
		b.WriteRune(r)
	}
	said := strings.Join(strings.Fields(b.String()), " ")
	if letters == 0 || len(said) < 5 {
		return ""
	}
	return said
}

// Check says everything that is wrong with the settings at once.
func (f Firm) Check() error {
	var wrong Fields
	checkLine(&wrong, "name", f.Name, true, 100)
	checkLine(&wrong, "tagline", f.Tagline, false, 100)
	checkLine(&wrong, "tax_id", f.TaxID, false, 40)
	checkLine(&wrong, "phone", f.Phone, false, 40)
	checkLine(&wrong, "hours", f.Hours, false, 100)
	checkLine(&wrong, "descriptor", f.Descriptor, false, 22)
	if len(f.Address) > 6 {
		wrong.Add("address", "too_many", "most", 6)
	}
	for _, line := range f.Address {
		checkLine(&wrong, "address", line, false, 100)
	}
	if f.Email != "" {
		if _, err := ParseEmail(f.Email); err != nil {
			wrong.Add("email", "email")
		}
	}
	if _, err := time.LoadLocation(f.TimeZone); err != nil || f.TimeZone == "" {
		wrong.Add("time_zone", "time_zone")
	}
	if !f.Currency.Valid() {
		wrong.Add("currency", "currency")
	}
	if f.Paper != "a4" && f.Paper != "letter" {
		wrong.Add("paper", "choice")
	}
	if f.Capture != CaptureAutomatic && f.Capture != CaptureManual {
		wrong.Add("capture", "choice")
	}
	if f.Partial.Minimum < 0 {
		wrong.Add("partial.minimum", "negative")
	}
	for field, address := range map[string]string{"legal_url": f.LegalURL, "privacy_url": f.PrivacyURL} {
		if address != "" && !strings.HasPrefix(address, "https://") {
			wrong.Add(field, "https")
		}
	}
	return wrong.Err()
}

// CaptureMethod says when a card is charged.
type CaptureMethod string

// Charge at once, or hold and let staff capture or void.
const (
	CaptureAutomatic CaptureMethod = "automatic"
	CaptureManual    CaptureMethod = "manual"
)
