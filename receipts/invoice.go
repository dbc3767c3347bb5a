package receipts

import (
	"errors"
	"fmt"
	"time"

	"paylink"
	"paylink/money"
)

// Invoice is an invoice as it is sent: what is asked for, and where it stood at that moment.
type Invoice struct {
	Number   string       `json:"number"`
	Title    string       `json:"title,omitempty"` // what it is for, in a few words
	Locale   money.Locale `json:"locale"`
	Firm     Firm         `json:"firm"`
	Date     paylink.Date `json:"date,omitempty"`
	DueDate  paylink.Date `json:"due_date,omitempty"`
	IssuedAt time.Time    `json:"issued_at"` // when it was frozen: the document's own date

	Customer string   `json:"customer"`
	Company  string   `json:"company,omitempty"`
	Address  []string `json:"address,omitempty"`
	TaxID    string   `json:"tax_id,omitempty"` // the customer's

	// The lines' amounts come to Subtotal. Taxes that are added to them make the rest of Total;
	// included ones are named only. Subtotal may be the zero Amount: then it is not shown.
	Lines    []Line       `json:"lines"`
	Subtotal money.Amount `json:"subtotal,omitzero"`
	Taxes    []TaxLine    `json:"taxes,omitempty"`
	Total    money.Amount `json:"total"`

	// Total − Credited − Paid − OnItsWay − BeingPaid is StillToPay. All but Total, Paid and StillToPay
	// may be the zero Amount.
	Paid       money.Amount `json:"paid"`
	Credited   money.Amount `json:"credited,omitzero"`
	OnItsWay   money.Amount `json:"on_its_way,omitzero"` // from a bank
	BeingPaid  money.Amount `json:"being_paid,omitzero"` // reserved otherwise: being made, or held on a card
	OnItsWayBy paylink.Date `json:"on_its_way_by,omitempty"`
	StillToPay money.Amount `json:"still_to_pay"`

	// PayURL is the payment link, a secret: whoever holds the document can open the invoice's page.
	// It is printed, and in the QR code, and nowhere else in the file.
	PayURL string `json:"pay_url,omitempty"`
	Paper  Paper  `json:"paper"`
}

// Line is one thing that is billed.
type Line struct {
	Description string         `json:"description"`
	Quantity    money.Quantity `json:"quantity"`
	UnitAmount  money.Amount   `json:"unit_amount"`
	TaxLabel    string         `json:"tax_label,omitempty"` // "20%"
	Amount      money.Amount   `json:"amount"`
}

// MaxPayURL is how long, in bytes, a pay URL may be: it is never cut, and a QR code of more cannot
// be scanned from 26 mm.
const MaxPayURL = 300

// RenderInvoice draws i. The same value gives the same bytes.
func RenderInvoice(i Invoice) (pdf []byte, err error) {
	defer guard(&err)
	if err := i.check(); err != nil {
		return nil, fmt.Errorf("render invoice %q: %w", metaText(i.Number), err)
	}
	pdf, err = newInvoicePage(i).draw()
	if err != nil {
		return nil, fmt.Errorf("render invoice %q: %w", metaText(i.Number), err)
	}
	return pdf, nil
}

func (i Invoice) check() error {
	if i.Number == "" {
		return errors.New("it has no number")
	}
	if i.IssuedAt.IsZero() {
		return errors.New("it has no time")
	}
	if len(i.PayURL) > MaxPayURL {
		return fmt.Errorf("its pay URL is longer than %d bytes", MaxPayURL)
	}
	if err := goodDates(i.Date, i.DueDate, i.OnItsWayBy); err != nil {
		return err
	}
	required := []money.Amount{i.Total, i.Paid, i.StillToPay}
	for _, line := range i.Lines {
		required = append(required, line.UnitAmount, line.Amount)
	}
	optional := []money.Amount{i.Subtotal, i.Credited, i.OnItsWay, i.BeingPaid}
	for _, tax := range i.Taxes {
		optional = append(optional, tax.Amount)
	}
	return oneCurrency(required, optional)
}
