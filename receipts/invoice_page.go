package receipts

import (
	"slices"
	"strings"

	"paylink/money"
)

// invoicePage draws one invoice. Positions are those of an A4 page on which nothing is longer than
// usual; at turns them into those of this page.
type invoicePage struct {
	i    Invoice
	w    *words
	s    *sheet
	down float64
	cols columns
}

func newInvoicePage(i Invoice) *invoicePage {
	w := wordsOf(i.Locale)
	p := &invoicePage{i: i, w: w, s: newSheet(i.Paper, about{
		title: w.invoice + " " + i.Number + ", " + i.Firm.Name, author: i.Firm.Name, at: i.IssuedAt,
		language: string(money.ParseLocale(string(i.Locale))),
	})}
	p.cols = p.measure()
	return p
}

func (p *invoicePage) at(y float64) float64 { return y + p.down - p.s.paper.lift }

func (p *invoicePage) draw() ([]byte, error) {
	p.s.pdf.AddPage()
	p.down = p.s.head(p.i.Firm)
	p.title()
	if err := p.amount(); err != nil {
		return nil, err
	}
	p.parties()
	p.subject()

	lines, sums := p.lineRows(), p.sumRows()
	rows := append(lines[:len(lines):len(lines)], sums...)
	top := p.at(150)
	foot := p.s.paper.bottom - 17
	in := room{top + headingHeight, laterTop + headingHeight, p.s.paper.bottom - 8, foot - 3}
	plan := paginate(rows, in, p.s.paper.gap+belowBar)
	first := 0
	for page, count := range plan {
		if page > 0 {
			p.s.pdf.AddPage()
			heading := say(p.w.invoiceNumber, "number", p.i.Number)
			p.s.headAgain(p.i.Firm.Name, heading, say(p.w.continued, "heading", heading))
			top = laterTop
		}
		y := p.heading(top, first < len(lines))
		end := p.s.rows(y, rows[first:first+count], page < len(plan)-1)
		if first < len(lines) && len(lines) < first+count {
			p.s.rule(left, p.s.paper.right, y+heightOf(rows[first:len(lines)]), thick, ink)
		}
		first += count
		if page == len(plan)-1 {
			p.s.sum(end, p.w, p.i.Locale, balance{p.i.Total, p.i.Credited, p.i.OnItsWay, p.i.BeingPaid, p.i.StillToPay, p.i.DueDate})
			p.foot(foot)
		}
		p.s.bottomLine(p.issued(), page+1, len(plan), p.w)
	}
	return p.s.finish()
}

// title is the kind of document and its number, and the stamp when nothing is left to pay.
func (p *invoicePage) title() {
	room := p.s.paper.right - left
	if p.isPaid() {
		room = p.s.stamp(p.at(49), p.w.paidStamp, good) - 4 - left
	}
	p.s.text(left, p.at(56.1), oneLine(room, span{p.w.invoice, style{size: 20, bold: true, color: ink}}))
	p.s.text(left, p.at(62.85), oneLine(room, span{p.i.Number, style{size: 10, color: ink2}}))
}

func (p *invoicePage) isPaid() bool {
	return !p.i.StillToPay.IsPositive() && !p.i.OnItsWay.IsPositive() && !p.i.BeingPaid.IsPositive() && p.i.Paid.IsPositive()
}

// amount is what is still to pay, until when, and how: by the code or by the address.
func (p *invoicePage) amount() error {
	const code = 26.0
	width := p.s.paper.right - left
	payable := p.i.StillToPay.IsPositive() && p.i.PayURL != ""
	if payable {
		x, small := p.s.paper.right-code, style{size: 8.5, color: ink2}
		if err := p.s.qr(x, p.at(70), code, p.i.PayURL); err != nil {
			return err
		}
		caption := oneLine(width/2, span{p.w.payByPhone, small})
		p.s.textRight(p.s.paper.right, p.at(100.6), caption)
		width -= max(code, caption.width()) + 8
	}
	figure, first, second := p.i.StillToPay, p.w.toPay, ""
	switch {
	case p.isPaid():
		figure, first = p.i.Total, p.w.fullyPaid
	case !figure.IsPositive() && p.i.BeingPaid.IsPositive():
		figure, first = p.i.Total, p.w.allBeingPaid
	case !figure.IsPositive() && p.i.OnItsWay.IsPositive():
		figure, first = p.i.Total, p.w.allOnItsWay
	case figure != p.i.Total:
		first = say(p.w.stillToPayOf, "total", p.i.Total.Format(p.i.Locale))
	}
	if p.i.StillToPay.IsPositive() && p.i.DueDate != "" {
		second = say(p.w.dueOn, "day", p.w.weekdayAnd(p.i.DueDate))
	}
	st := style{size: 10.5, color: ink}
	p.s.text(left, p.at(82.55), hero(figure.Format(p.i.Locale), width))
	p.s.text(left, p.at(90.05), oneLine(width, span{first, st}))
	p.s.text(left, p.at(96.2), oneLine(width, span{second, st.in(ink2)}))
	if !payable {
		p.down -= 14
		return nil
	}
	p.s.text(left, p.at(105.2), oneLine(width, span{p.w.orOpen, style{size: 8.5, color: ink2}}))
	address := wrap(p.s.paper.right-left, MaxPayURL, span{p.i.PayURL, style{size: 8.5, color: ink}})
	for n, l := range address {
		p.s.text(left, p.at(110+4.5*float64(n)), l)
	}
	p.down += 4.5 * float64(max(0, len(address)-1))
	return nil
}

// parties is for whom the invoice is, and its days.
func (p *invoicePage) parties() {
	const top, middle = 116.0, 130.0
	label, value := style{size: 9, color: ink2}, style{size: 9.5, color: ink}
	x := left + 18
	var whom []line
	for n, part := range p.customer() {
		st := value
		st.bold = n == 0
		whom = append(whom, wrap(middle-6-x, 2, span{part, st})...)
	}
	whom = whom[:min(len(whom), maxAddress)]
	var days []fact
	for _, f := range []fact{{p.w.invoiceDate, p.w.dayOrNone(p.i.Date)}, {p.w.due, p.w.dayOrNone(p.i.DueDate)}} {
		if f.value != "" {
			days = append(days, f)
		}
	}
	most := max(len(whom), len(days))
	if most == 0 {
		p.down -= 18
		return
	}
	p.s.rule(left, p.s.paper.right, p.at(top), thin, hairline)
	y := p.at(top + 8.2)
	if len(whom) > 0 {
		p.s.text(left, y, oneLine(16, span{p.w.billedTo, label}))
	}
	for n, l := range whom {
		p.s.text(x, y+5*float64(n), l)
	}
	for n, f := range days {
		p.s.text(middle, y+5*float64(n), oneLine(20, span{f.label, label}))
		p.s.textRight(p.s.paper.right, y+5*float64(n), oneLine(40, span{f.value, value}))
	}
	p.down += 5 * float64(most-2)
}

// customer is whom the invoice is for, line by line, the name first.
func (p *invoicePage) customer() []string {
	lines := append([]string{p.i.Customer, p.i.Company}, p.i.Address...)
	if p.i.TaxID != "" {
		lines = append(lines, p.w.taxID+" "+p.i.TaxID)
	}
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// subject is what the invoice is for and in which currency its figures are.
func (p *invoicePage) subject() {
	p.s.rule(left, p.s.paper.right, p.at(134), thin, hairline)
	st := style{size: 9.5, color: ink2}
	currency := oneLine(60, span{p.i.Total.Currency.Name(p.i.Locale), st})
	p.s.textRight(p.s.paper.right, p.at(145.5), currency)
	if p.i.Title == "" {
		return
	}
	title := wrap(p.s.paper.right-left-currency.width()-6, 2, span{p.i.Title, style{size: 12, bold: true, color: ink}})
	for n, l := range title {
		p.s.text(left, p.at(145.5+5.6*float64(n)), l)
	}
	p.down += 5.6 * float64(max(0, len(title)-1))
}

// columns is where the figures of the lines end, and how large they are.
type columns struct {
	size                         float64 // points
	quantity, price, tax, amount float64 // right ends
	description, taxWidth        float64 // widths
	taxes                        bool
}

// measure gives every column of figures the width of its widest figure, so that none can run into
// its neighbour, and the description what is left.
func (p *invoicePage) measure() columns {
	const gap = 7.0
	c := columns{size: 9.5}
	var quantity, price, tax, amount float64
	wider := func(w *float64, text string, st style) { *w = max(*w, glyphs(span{text, st}).width()) }
	st, head := style{size: c.size}, style{size: 8.5}
	wider(&quantity, p.w.quantity, head)
	wider(&price, p.w.unitPrice, head)
	wider(&amount, p.w.amount, head)
	for _, line := range p.i.Lines {
		c.taxes = c.taxes || line.TaxLabel != ""
		wider(&quantity, line.Quantity.Format(p.i.Locale), st)
		wider(&price, line.UnitAmount.Number(p.i.Locale), st)
		wider(&amount, line.Amount.Number(p.i.Locale), st)
		wider(&tax, line.TaxLabel, st)
	}
	if c.taxes {
		wider(&tax, p.w.taxRate, head)
		tax = min(tax, 24)
		c.taxWidth, tax = tax, tax+gap
	}
	inner := p.s.paper.right - left - 2*inset
	if figures := quantity + price + tax + amount + 3*gap; figures > inner-50 {
		scale := (inner - 50) / figures
		c.size *= scale
		quantity, price, tax, amount = quantity*scale, price*scale, tax*scale, amount*scale
		c.taxWidth *= scale
	}
	c.amount = p.s.paper.right - inset
	c.tax = c.amount - amount - gap
	c.price = c.tax - tax
	c.quantity = c.price - price - gap
	c.description = c.quantity - quantity - gap - left - inset
	return c
}

// headingHeight is the height of the line above the lines that names their columns.
const headingHeight = 8.0

// heading draws the line above a table and, over lines, the names of the columns. It returns where
// the rows begin.
func (p *invoicePage) heading(y float64, named bool) float64 {
	p.s.rule(left, p.s.paper.right, y, thick, ink)
	if !named {
		return y + 0.5
	}
	st := style{size: min(8.5, p.cols.size), color: ink2}
	base := y + 5.3
	p.s.text(left+inset, base, oneLine(p.cols.description, span{p.w.description, st}))
	p.s.textRight(p.cols.quantity, base, glyphs(span{p.w.quantity, st}))
	p.s.textRight(p.cols.price, base, glyphs(span{p.w.unitPrice, st}))
	if p.cols.taxes {
		p.s.textRight(p.cols.tax, base, oneLine(p.cols.taxWidth, span{p.w.taxRate, st}))
	}
	p.s.textRight(p.cols.amount, base, glyphs(span{p.w.amount, st}))
	p.s.rule(left, p.s.paper.right, y+headingHeight, thin, hairline)
	return y + headingHeight
}

// lineRows are the lines. A description of many lines is many rows, so that it can go on overleaf.
func (p *invoicePage) lineRows() []row {
	const height, most = 8.0, 200
	var rows []row
	for _, item := range p.i.Lines {
		st := style{size: 9.5, color: ink}
		var texts []line
		for part := range strings.Lines(item.Description) {
			texts = append(texts, wrap(p.cols.description, most, span{part, st})...)
		}
		if len(texts) == 0 {
			texts = []line{nil}
		}
		for n, text := range texts[:min(most, len(texts))] {
			r := row{height: leading, draw: func(y float64) { p.s.text(left+inset, y+3.2, text) }}
			if n == 0 {
				r = row{height: 1.9 + leading, draw: func(y float64) {
					p.s.text(left+inset, y+5.3, text)
					p.figures(y+5.3, item)
				}}
			}
			if n == min(most, len(texts))-1 {
				r.height += height - 1.9 - leading
				r.under = left
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func (p *invoicePage) figures(base float64, item Line) {
	st := style{size: p.cols.size, color: ink}
	p.s.textRight(p.cols.quantity, base, glyphs(span{item.Quantity.Format(p.i.Locale), st}))
	p.s.textRight(p.cols.price, base, glyphs(span{item.UnitAmount.Number(p.i.Locale), st}))
	p.s.textRight(p.cols.tax, base, oneLine(p.cols.taxWidth, span{item.TaxLabel, st.in(ink2)}))
	p.s.textRight(p.cols.amount, base, glyphs(span{item.Amount.Number(p.i.Locale), st}))
}

// sumRows are from the lines' sum to what is on its way; what is still to pay follows them.
func (p *invoicePage) sumRows() []row {
	i, w := p.i, p.w
	plain := style{size: 10, color: ink}
	figure := func(label string, amount money.Amount, st style) row {
		return p.s.figureRow(p.s.paper.row-1, left+inset, label, amount.Number(i.Locale), st)
	}
	var rows []row
	if i.Subtotal.Currency != "" && i.Subtotal != i.Total {
		rows = append(rows, figure(w.subtotal, i.Subtotal, plain))
	}
	rows = append(rows, p.s.taxRows(left+inset, w, i.Locale, i.Total.Currency, i.Taxes)...)
	rows = append(rows, figure(w.total, i.Total, style{size: 10, bold: true, color: ink}))
	if !i.Credited.IsZero() {
		rows = append(rows, figure(w.credited, i.Credited, plain))
	}
	rows = append(rows, figure(w.paid, i.Paid, plain))
	if i.OnItsWay.Currency != "" {
		label := w.onItsWay
		if i.OnItsWay.IsPositive() && i.OnItsWayBy != "" {
			label = say(w.onItsWayBy, "date", w.day(i.OnItsWayBy))
		}
		rows = append(rows, figure(label, i.OnItsWay, plain))
	}
	if i.BeingPaid.IsPositive() {
		rows = append(rows, figure(w.beingPaid, i.BeingPaid, plain))
	}
	return rows
}

func (p *invoicePage) foot(y float64) {
	p.s.rule(left, p.s.paper.right, y, thin, hairline)
	contact := joinPresent(", ", p.i.Firm.Email, p.i.Firm.Phone)
	if contact == "" {
		return
	}
	text := say(p.w.questions, "contact", contact)
	p.s.text(left, y+7.3, oneLine(p.s.paper.right-left, span{text, style{size: 8.5, color: ink2}}))
}

func (p *invoicePage) issued() string {
	if p.i.Date == "" {
		return p.i.Number
	}
	return say(p.w.invoiceIssued, "number", p.i.Number, "date", p.w.day(p.i.Date))
}
