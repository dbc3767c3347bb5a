package receipts

import (
	"errors"
	"fmt"
	"time"

	"paylink"
	"paylink/money"
)

// Firm is the seller as frozen on a document.
type Firm struct {
	Name      string   `json:"name"`
	Tagline   string   `json:"tagline,omitempty"`
	Address   []string `json:"address,omitempty"` // lines, the legal name first
	TaxID     string   `json:"tax_id,omitempty"`  // as printed: "EIN 84-1234567"
	Email     string   `json:"email,omitempty"`
	Phone     string   `json:"phone,omitempty"`
	Statement string   `json:"statement,omitempty"`  // the name on card statements
	Accent    string   `json:"accent,omitempty"`     // "#4f46c8"; that one by default
	LogoPNG   []byte   `json:"logo_png,omitempty"`   // see CheckLogo; the name's first letter by default
	CheckHost string   `json:"check_host,omitempty"` // where a receipt is checked: "pay.northwind.studio"
}

// Receipt is one revision of a receipt, frozen. It is stored as JSON and drawn again from it, so
// everything that the page shows is here, and nothing here is looked up.
type Receipt struct {
	Number    string                `json:"number"`
	Revision  int                   `json:"revision"`  // 1 is the first
	Revisions int                   `json:"revisions"` // how many there were when this one was issued
	Status    paylink.ReceiptStatus `json:"status"`
	Locale    money.Locale          `json:"locale"`
	Firm      Firm                  `json:"firm"`

	Payer    string    `json:"payer"`
	Company  string    `json:"company,omitempty"`
	PaidAt   time.Time `json:"paid_at"`
	IssuedAt time.Time `json:"issued_at"`
	TimeZone string    `json:"time_zone"` // IANA name of the zone in which the times are shown

	Charged           money.Amount `json:"charged"` // this payment and its fee: what the statement says
	Method            string       `json:"method"`  // "Visa ending in 4242"
	AuthorizationCode string       `json:"authorization_code,omitempty"`
	Trace             string       `json:"trace,omitempty"` // of a bank payment
	Statement         string       `json:"statement,omitempty"`
	Reference         string       `json:"reference,omitempty"`

	InvoiceNumber string       `json:"invoice_number"`
	InvoiceTitle  string       `json:"invoice_title,omitempty"`
	InvoiceDate   paylink.Date `json:"invoice_date,omitempty"`
	DueDate       paylink.Date `json:"due_date,omitempty"`

	// Total − Credited − what was paid and kept − OnItsWay − BeingPaid is StillToPay. An amount that the firm
	// never uses is left the zero Amount, without currency, and has no row; a Fee and an OnItsWay of
	// zero have one. ThisPayment is the invoice's part of Charged. PaidBefore is what other payments
	// brought: before this one on the first revision, and since too on a later one, which says where
	// the invoice stands when it is issued.
	Total        money.Amount `json:"total"`
	PaidBefore   money.Amount `json:"paid_before"`
	ThisPayment  money.Amount `json:"this_payment"`
	Fee          money.Amount `json:"fee,omitzero"`
	FeeLabel     string       `json:"fee_label,omitempty"` // "Card fee, 2.9%"
	OnItsWay     money.Amount `json:"on_its_way,omitzero"` // from a bank
	BeingPaid    money.Amount `json:"being_paid,omitzero"` // reserved otherwise: being made, or held on a card
	OnItsWayBy   paylink.Date `json:"on_its_way_by,omitempty"`
	Refunded     money.Amount `json:"refunded,omitzero"` // of Charged, by the firm
	Returned     money.Amount `json:"returned,omitzero"` // of Charged, by the payer's bank
	Credited     money.Amount `json:"credited,omitzero"` // of Total, no longer owed
	StillToPay   money.Amount `json:"still_to_pay"`
	StillToPayBy paylink.Date `json:"still_to_pay_by,omitempty"`
	Taxes        []TaxLine    `json:"taxes,omitempty"`

	VerifyCode string `json:"verify_code,omitempty"` // "7KQM-2D9F"
	Paper      Paper  `json:"paper"`
}

// TaxLine is one tax within a total.
type TaxLine struct {
	Label    string       `json:"label"`    // with its rate: "VAT, 20%"
	Included bool         `json:"included"` // in the prices of the lines; else added to them
	Amount   money.Amount `json:"amount"`
}

// Render draws r. The same value gives the same bytes.
func Render(r Receipt) (pdf []byte, err error) {
	defer guard(&err)
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("render receipt %q: %w", metaText(r.Number), err)
	}
	page, err := newReceiptPage(r)
	if err != nil {
		return nil, fmt.Errorf("render receipt %q: %w", metaText(r.Number), err)
	}
	pdf, err = page.draw()
	if err != nil {
		return nil, fmt.Errorf("render receipt %q: %w", metaText(r.Number), err)
	}
	return pdf, nil
}

func (r Receipt) check() error {
	if r.Number == "" {
		return errors.New("it has no number")
	}
	if r.PaidAt.IsZero() || r.IssuedAt.IsZero() {
		return errors.New("it has no time")
	}
	if _, known := wordsOf(r.Locale).status[r.Status]; !known {
		return fmt.Errorf("status %q is not known", r.Status)
	}
	if err := goodDates(r.InvoiceDate, r.DueDate, r.OnItsWayBy, r.StillToPayBy); err != nil {
		return err
	}
	optional := []money.Amount{r.Fee, r.OnItsWay, r.BeingPaid, r.Refunded, r.Returned, r.Credited}
	for _, tax := range r.Taxes {
		optional = append(optional, tax.Amount)
	}
	return oneCurrency([]money.Amount{r.Charged, r.Total, r.PaidBefore, r.ThisPayment, r.StillToPay}, optional)
}

// oneCurrency refuses documents whose figures cannot stand in one column. An optional amount may be
// the zero Amount.
func oneCurrency(required, optional []money.Amount) error {
	currency := required[0].Currency
	if !currency.Valid() {
		return fmt.Errorf("currency %q is not known", currency)
	}
	for _, a := range required {
		if a.Currency != currency {
			return fmt.Errorf("an amount is in %q, others in %q", a.Currency, currency)
		}
	}
	for _, a := range optional {
		if a != (money.Amount{}) && a.Currency != currency {
			return fmt.Errorf("an amount is in %q, others in %q", a.Currency, currency)
		}
	}
	return nil
}

// goodDates refuses what would be written as a day that nobody meant.
func goodDates(dates ...paylink.Date) error {
	for _, d := range dates {
		if _, err := paylink.ParseDate(string(d)); err != nil {
			return fmt.Errorf("%q is not a day", d)
		}
	}
	return nil
}
