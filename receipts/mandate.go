package receipts

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"paylink"
	"paylink/money"
)

// Mandate is a payer's permission to debit an account, as it was given.
type Mandate struct {
	Locale    money.Locale `json:"locale"`
	Firm      Firm         `json:"firm"`
	Payer     string       `json:"payer"`
	Amount    money.Amount `json:"amount"`
	Account   string       `json:"account"` // "Chase ••6789"
	Invoice   string       `json:"invoice"` // its number
	Reference string       `json:"reference,omitempty"`
	GivenAt   time.Time    `json:"given_at"`
	TimeZone  string       `json:"time_zone"`
	From      string       `json:"from,omitempty"` // the network address it was given from
	Version   string       `json:"version"`        // of the text
	Text      string       `json:"text"`           // as it was shown, paragraphs parted by empty lines
	Paper     Paper        `json:"paper"`
}

// OfMandate is the document of a permission as it was given for a payment.
func OfMandate(firm paylink.Firm, customer paylink.Customer, i paylink.Invoice, p paylink.Payment, m paylink.Mandate) Mandate {
	return Mandate{
		Locale: p.Locale, Firm: firmOf(firm, ""), Payer: customer.Name, Amount: m.Amount,
		Account: strings.TrimSpace(m.Bank + " ••" + m.Last4), Invoice: i.Number, Reference: p.PaymentIntent,
		GivenAt: m.Consent.At, TimeZone: firm.TimeZone, From: m.Consent.IP, Version: m.Consent.Version, Text: m.Consent.Text,
		Paper: Paper(firm.Paper),
	}
}

// RenderMandate draws m on one page. The same value gives the same bytes.
func RenderMandate(m Mandate) (pdf []byte, err error) {
	defer guard(&err)
	if m.Text == "" || m.GivenAt.IsZero() {
		return nil, errors.New("render permission: it has no text or no time")
	}
	zone, err := time.LoadLocation(m.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("render permission: show times: %w", err)
	}
	w := wordsOf(m.Locale)
	p := &mandatePage{m: m, w: w, zone: zone, s: newSheet(m.Paper, about{
		title: w.permission + " " + m.Invoice + ", " + m.Firm.Name, author: m.Firm.Name, at: m.GivenAt,
		language: string(money.ParseLocale(string(m.Locale))),
	})}
	if pdf, err = p.draw(); err != nil {
		return nil, fmt.Errorf("render permission: %w", err)
	}
	return pdf, nil
}

// mandatePage draws one permission. Positions are those of an A4 page on which nothing is longer than
// usual; at turns them into those of this page.
type mandatePage struct {
	m    Mandate
	w    *words
	s    *sheet
	zone *time.Location
	down float64
}

func (p *mandatePage) at(y float64) float64 { return y + p.down - p.s.paper.lift }

func (p *mandatePage) draw() ([]byte, error) {
	p.s.pdf.AddPage()
	p.down = p.s.head(p.m.Firm)
	width := p.s.paper.right - left
	invoice := say(p.w.invoiceNumber, "number", p.m.Invoice)
	p.s.text(left, p.at(56.1), oneLine(width, span{p.w.permission, style{size: 20, bold: true, color: ink}}))
	p.s.text(left, p.at(62.85), oneLine(width, span{invoice, style{size: 10, color: ink2}}))
	p.s.text(left, p.at(82.55), hero(p.m.Amount.Format(p.m.Locale), width))
	p.s.text(left, p.at(90.05), oneLine(width, span{say(p.w.permissionFrom, "account", p.m.Account), style{size: 10.5, color: ink}}))

	p.s.rule(left, p.s.paper.right, p.at(100), thin, hairline)
	y := p.at(109.5)
	for part := range strings.SplitSeq(p.m.Text, "\n\n") {
		for _, l := range wrap(width, maxClause, span{part, style{size: 10.5, color: ink}}) {
			p.s.text(left, y, l)
			y += 5.6
		}
		y += 3.4
	}
	y += 1.5
	p.s.rule(left, p.s.paper.right, y, thin, hairline)
	p.s.facts(y+8.2, p.s.paper.right, []fact{
		{p.w.permissionBy, p.m.Payer},
		{p.w.permissionGiven, p.w.moment(p.m.GivenAt.In(p.zone))},
		{p.w.permissionAt, p.m.From},
		{p.w.permissionVersion, p.m.Version},
		{p.w.reference, p.m.Reference},
	})
	p.s.bottomLine(say(p.w.permissionKept, "firm", p.m.Firm.Name), 1, 1, p.w)
	return p.s.finish()
}

// maxClause is how many lines of one paragraph are drawn; two of them fit the page.
const maxClause = 12
