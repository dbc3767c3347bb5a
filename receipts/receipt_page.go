package receipts

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"paylink"
	"paylink/money"
)

// receiptPage draws one receipt. Positions are those of an A4 page on which nothing is longer than
// usual; at turns them into those of this page.
type receiptPage struct {
	r    Receipt
	w    *words
	s    *sheet
	zone *time.Location
	down float64 // how far everything from here on has moved down
}

func newReceiptPage(r Receipt) (*receiptPage, error) {
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("show times: %w", err)
	}
	w := wordsOf(r.Locale)
	return &receiptPage{r: r, w: w, zone: zone, s: newSheet(r.Paper, about{
		title: w.receipt + " " + r.Number + ", " + r.Firm.Name, author: r.Firm.Name, at: r.IssuedAt,
		language: string(money.ParseLocale(string(r.Locale))),
	})}, nil
}

func (p *receiptPage) at(y float64) float64 { return y + p.down - p.s.paper.lift }

func (p *receiptPage) draw() ([]byte, error) {
	p.s.pdf.AddPage()
	p.down = p.s.head(p.r.Firm)
	p.title()
	p.payment()
	p.facts()
	p.invoice()

	rows, top := p.rows(), p.at(159)
	tail := p.s.paper.gap + belowBar
	in := room{top + 0.5, laterTop, p.s.paper.bottom - 8, p.s.paper.foot - 3}
	if in.first+heightOf(rows)+tail > in.last-3 { // rather closer rows than a second page
		p.s.paper.row = 7.5
		rows = p.rows()
	}
	plan := paginate(rows, in, tail)
	for page, count := range plan {
		if page > 0 {
			p.s.pdf.AddPage()
			heading := say(p.w.continued, "heading", say(p.w.invoiceNumber, "number", p.r.InvoiceNumber))
			p.s.headAgain(p.r.Firm.Name, p.w.receipt+" "+p.r.Number, heading)
			top = laterTop - 0.5
		}
		y := p.s.rows(top+0.5, rows[:count], page < len(plan)-1)
		p.s.rule(left, p.s.paper.right, top, thick, ink)
		rows = rows[count:]
		if page == len(plan)-1 {
			p.s.sum(y, p.w, p.r.Locale, balance{p.r.Total, p.r.Credited, p.r.OnItsWay, p.r.BeingPaid, p.r.StillToPay, p.r.StillToPayBy})
			if err := p.foot(); err != nil {
				return nil, err
			}
		}
		p.s.bottomLine(p.issued(), page+1, len(plan), p.w)
	}
	return p.s.finish()
}

// title is the kind of document, its number and its status.
func (p *receiptPage) title() {
	colors := map[paylink.ReceiptStatus]rgb{paylink.ReceiptPaid: good, paylink.ReceiptReturned: bad}
	color, ok := colors[p.r.Status]
	if !ok {
		color = ink2
	}
	room := p.s.stamp(p.at(49), p.w.status[p.r.Status], color) - 4 - left
	p.s.text(left, p.at(56.1), oneLine(room, span{p.w.receipt, style{size: 20, bold: true, color: ink}}))
	p.s.text(left, p.at(62.85), oneLine(room, span{p.r.Number, style{size: 10, color: ink2}}))
}

// payment is how much came, from whom and when. The amount is what the payer's statement says.
func (p *receiptPage) payment() {
	p.s.text(left, p.at(82.55), hero(p.r.Charged.Format(p.r.Locale), p.s.paper.right-left))
	name, rest := p.r.Payer, p.r.Company
	if name == "" {
		name, rest = rest, ""
	}
	if rest != "" {
		rest = ", " + rest
	}
	plain := style{size: 10.5, color: ink}
	strong := style{size: 10.5, bold: true, color: ink}
	before, after, _ := strings.Cut(p.w.receivedFrom, "{payer}")
	var lines []line
	if name != "" {
		lines = wrap(100, 2, span{before, plain}, span{name, strong}, span{rest + after, plain})
	}
	for i, l := range lines {
		p.s.text(left, p.at(90.05+5.6*float64(i)), l)
	}
	p.down += 5.6 * float64(len(lines)-1)
	on := say(p.w.receivedOn, "moment", p.w.moment(p.r.PaidAt.In(p.zone)))
	p.s.text(left, p.at(96.2), oneLine(p.s.paper.right-left, span{on, plain.in(ink2)}))
}

// hero is the one large amount, smaller if it would not fit.
func hero(amount string, width float64) line {
	st := style{size: 30, bold: true, color: ink, spacing: -25}
	l := glyphs(span{amount, st})
	if l.width() > width {
		st.size *= width / l.width()
		l = glyphs(span{amount, st})
	}
	return l
}

type fact struct{ label, value string }

// facts says by which means the money came. What is not known has no line.
func (p *receiptPage) facts() {
	p.s.rule(left, p.s.paper.right, p.at(104), thin, hairline)
	statement := p.r.Statement
	if statement == "" {
		statement = p.r.Firm.Statement
	}
	drawn := p.s.facts(p.at(112.2), p.s.paper.right, []fact{
		{p.w.paidWith, p.r.Method}, {p.w.authorizationCode, p.r.AuthorizationCode},
		{p.w.trace, p.r.Trace}, {p.w.onStatement, statement}, {p.w.reference, p.r.Reference},
	})
	if drawn == 0 {
		p.down -= 32
		return
	}
	p.down += 6 * float64(drawn-4)
	p.s.rule(left, p.s.paper.right, p.at(136), thin, hairline)
}

// facts draws labels and values from baseline y on, every 6 mm, and returns how many there are.
func (s *sheet) facts(y, right float64, facts []fact) (drawn int) {
	label, value := style{size: 9, color: ink2}, style{size: 9.5, color: ink}
	x := left + 38.0
	for _, f := range facts {
		if f.value != "" {
			x = max(x, left+glyphs(span{f.label, label}).width()+4)
		}
	}
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		s.text(left, y, glyphs(span{f.label, label}))
		s.text(x, y, oneLine(right-x, span{f.value, value}))
		y += 6
		drawn++
	}
	return drawn
}

// invoice names what was paid for.
func (p *receiptPage) invoice() {
	heading := say(p.w.invoiceNumber, "number", p.r.InvoiceNumber)
	p.s.text(left, p.at(148.55), oneLine(p.s.paper.right-left, span{heading, style{size: 12, bold: true, color: ink}}))
	st := style{size: 9.5, color: ink2}
	currency := oneLine(60, span{p.r.Total.Currency.Name(p.r.Locale), st})
	p.s.textRight(p.s.paper.right, p.at(154.4), currency)
	lines := wrap(100, 2, span{p.w.titleAndDate(p.r.InvoiceTitle, p.r.InvoiceDate), st})
	for i, l := range lines {
		p.s.text(left, p.at(154.4+4.8*float64(i)), l)
	}
	if len(lines) > 1 {
		p.down += 4.8
	}
}

func (w *words) titleAndDate(title string, date paylink.Date) string {
	switch {
	case date == "":
		return title
	case title == "":
		return say(w.of, "date", w.day(date))
	}
	return say(w.titleOf, "title", title, "date", w.day(date))
}

// rows are the figures of the invoice, in the order of a statement.
func (p *receiptPage) rows() []row {
	r, w := p.r, p.w
	plain := style{size: 10, color: ink}
	rows := []row{p.row(w.invoiceTotal, r.Total, plain)}
	rows = append(rows, p.s.taxRows(left+2*inset, w, r.Locale, r.Total.Currency, r.Taxes)...)
	if !r.Credited.IsZero() {
		rows = append(rows, p.row(w.credited, r.Credited, plain))
	}
	before := w.paidBefore
	if r.Revision > 1 {
		before = w.paidOther
	}
	rows = append(rows, p.row(before, r.PaidBefore, plain))
	this := p.row(w.thisPayment, r.ThisPayment, style{size: 10, bold: true, color: ink})
	rows = append(rows, row{this.height, func(y float64) {
		p.s.box(left, y, p.s.paper.right-left, this.height, tint)
		this.draw(y)
	}, this.under})
	if r.Fee.Currency != "" {
		label := r.FeeLabel
		if label == "" {
			label = w.fee
		}
		rows = append(rows, p.row(say(w.feeOnTop, "fee", label), r.Fee, plain.in(ink2)))
	}
	if r.OnItsWay.Currency != "" {
		label := w.onItsWay
		if !r.OnItsWay.IsZero() && r.OnItsWayBy != "" {
			label = say(w.onItsWayBy, "date", w.near(r.OnItsWayBy, r.IssuedAt.In(p.zone)))
		}
		rows = append(rows, p.row(label, r.OnItsWay, plain))
	}
	if r.BeingPaid.IsPositive() {
		rows = append(rows, p.row(w.beingPaid, r.BeingPaid, plain))
	}
	if r.Refunded.Currency != "" {
		rows = append(rows, p.row(w.refunded, r.Refunded, plain))
	}
	if r.Returned.Currency != "" {
		rows = append(rows, p.row(w.returned, r.Returned, plain))
	}
	return rows
}

// foot is what to do about this receipt: refunds, questions, how to check that it is genuine.
func (p *receiptPage) foot() error {
	s, f := p.s, p.r.Firm
	const code = 22.0
	top := s.paper.foot
	s.rule(left, s.paper.right, top, thin, hairline)
	small := style{size: 8.5, color: ink2}
	width := s.paper.right - code - 8 - left
	s.text(left, top+7.3, oneLine(width, span{p.w.refundRule, small}))
	if contact := joinPresent(", ", f.Email, f.Phone); contact != "" {
		s.text(left, top+12.1, oneLine(width, span{say(p.w.questions, "contact", contact), small}))
	}
	if p.r.VerifyCode == "" || f.CheckHost == "" {
		return nil
	}
	address, shown := checkAddress(f.CheckHost, p.r.VerifyCode)
	before, after, _ := strings.Cut(p.w.check, "{address}")
	s.text(left, top+18.4, oneLine(width, span{before, small},
		span{shown, style{size: 8.5, bold: true, color: ink}}, span{after, small}))
	return s.qr(s.paper.right-code, top+4, code, address)
}

// checkAddress is where a receipt is checked, for a phone and for a reader. A host without scheme
// is served by https, unless it is this machine itself, which only a demo shows.
func checkAddress(host, code string) (address, shown string) {
	scheme, rest, found := strings.Cut(host, "://")
	if !found {
		scheme, rest = "https", host
		name := strings.Split(host, ":")[0]
		if name == "localhost" || name == "127.0.0.1" {
			scheme = "http"
		}
	}
	shown = strings.TrimRight(rest, "/") + "/v/" + code
	return scheme + "://" + shown, shown
}

func (p *receiptPage) issued() string {
	sentence := p.w.issued
	if p.r.Revision > 1 {
		sentence = p.w.reissued
	}
	return say(sentence, "number", p.r.Number, "revision", strconv.Itoa(p.r.Revision),
		"revisions", strconv.Itoa(max(p.r.Revision, p.r.Revisions)), "before", strconv.Itoa(p.r.Revision-1),
		"moment", p.w.shortMoment(p.r.IssuedAt.In(p.zone)))
}

func joinPresent(sep string, parts ...string) string {
	var present []string
	for _, part := range parts {
		if part != "" {
			present = append(present, part)
		}
	}
	return strings.Join(present, sep)
}
