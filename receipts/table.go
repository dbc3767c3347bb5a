package receipts

import (
	"paylink"
	"paylink/money"
)

// row is one row of a table, measured before anything is drawn, so that the pages are counted when
// the first one says how many there are.
type row struct {
	height float64
	draw   func(y float64)
	under  float64 // where the hairline under it begins; 0 for none
}

// room is where rows may stand, in millimetres from the top of the paper.
type room struct {
	first float64 // top of the rows on the first page
	later float64 // on the others
	full  float64 // bottom on a page that is not the last
	last  float64 // bottom on the last page, whose foot is taller
}

// paginate says how many rows stand on each page when tail millimetres must follow the last row. The
// last page has a row too, so that sums never stand alone, unless one row is all that fits.
func paginate(rows []row, in room, tail float64) []int {
	var pages []int
	count, y := 0, in.first
	for _, r := range rows {
		if y+r.height > in.full && (count > 0 || len(pages) == 0) {
			pages = append(pages, count)
			count, y = 0, in.later
		}
		count++
		y += r.height
	}
	if y+tail > in.last {
		carried := 0
		if count > 1 {
			carried = 1
		}
		if count > 0 || len(pages) == 0 {
			pages = append(pages, count-carried)
			count = carried
		}
	}
	return append(pages, count)
}

func heightOf(rows []row) float64 {
	var sum float64
	for _, r := range rows {
		sum += r.height
	}
	return sum
}

// rows draws rows from y on and the hairlines under them, the last one's only if more follow
// overleaf, and returns where they end.
func (s *sheet) rows(y float64, rows []row, more bool) float64 {
	for i, r := range rows {
		r.draw(y)
		y += r.height
		if r.under > 0 && (more || i < len(rows)-1) {
			s.rule(r.under, s.paper.right, y, thin, hairline)
		}
	}
	return y
}

// figureRow is a label from x on that wraps once, and a figure that never does.
func (s *sheet) figureRow(height, x float64, label, figure string, st style) row {
	right := s.paper.right - inset
	amount := glyphs(span{figure, st})
	lines := wrap(max(40, right-amount.width()-6-x), 2, span{label, st})
	extra := leading * float64(max(0, len(lines)-1))
	return row{height + extra, func(y float64) {
		y += height/2 + st.mm()*0.425
		s.textRight(right, y, amount)
		for i, l := range lines {
			s.text(x, y+leading*float64(i), l)
		}
	}, x - inset}
}

// taxRows say what is within the total. Their sum stands under them when there is more than one.
func (s *sheet) taxRows(x float64, w *words, l money.Locale, currency money.Currency, taxes []TaxLine) []row {
	var rows []row
	small := style{size: 9, color: ink2}
	sum := money.Zero(currency)
	for _, tax := range taxes {
		rows = append(rows, s.figureRow(6.5, x, w.taxLabel(tax), tax.Amount.Number(l), small))
		var err error
		if sum, err = sum.Add(tax.Amount); err != nil {
			return rows // no sum of these can be written
		}
	}
	if len(rows) > 1 {
		rows = append(rows, s.figureRow(6.5, x, w.taxSum, sum.Number(l), small))
	}
	return rows
}

func (w *words) taxLabel(t TaxLine) string {
	if t.Included {
		return say(w.taxIncluded, "tax", t.Label)
	}
	return say(w.taxAdded, "tax", t.Label)
}

func (p *receiptPage) row(label string, amount money.Amount, st style) row {
	return p.s.figureRow(p.s.paper.row, left+inset, label, amount.Number(p.r.Locale), st)
}

const (
	inset   = 4.0 // of what stands in a table
	leading = 4.6 // between the lines of one row
)

// sum is the last row of a document, "still to pay", the bar and its words.
func (s *sheet) sum(y float64, w *words, l money.Locale, b balance) {
	s.rule(left, s.paper.right, y, thick, ink)
	label := w.stillToPay
	if b.stillToPay.IsPositive() && b.by != "" {
		label = say(w.stillToPayBy, "date", w.day(b.by))
	}
	s.figureRow(s.paper.last, left+inset, label, b.stillToPay.Format(l),
		style{size: 11.5, bold: true, color: ink}).draw(y + 0.5)
	y += s.paper.gap
	paid, way := b.paid(), money.New(b.onItsWay.Minor+b.beingPaid.Minor, b.total.Currency)
	s.bar(y, shares{paid.Minor, max(0, way.Minor), max(0, b.stillToPay.Minor)})
	text := say(w.barPaid, "paid", paid.Number(l))
	if way.IsPositive() {
		text = say(w.barPaidAndOnItsWay, "paid", paid.Number(l), "way", way.Number(l))
	}
	s.text(left, y+belowBar, oneLine(s.paper.right-left, span{text, style{size: 8.5, color: ink2}}))
}

// belowBar is from the bar's top to the baseline of its words.
const belowBar = 7.8

// balance is where an invoice stands.
type balance struct {
	total, credited, onItsWay, beingPaid, stillToPay money.Amount
	by                                               paylink.Date
}

// paid is what is neither credited, on its way nor still to pay: the one sum that holds after
// refunds and returns too.
func (b balance) paid() money.Amount {
	minor := b.total.Minor - b.credited.Minor - b.onItsWay.Minor - b.beingPaid.Minor - b.stillToPay.Minor
	return money.New(max(0, minor), b.total.Currency)
}

// headAgain is the head of every page but the first.
func (s *sheet) headAgain(firm, document, heading string) {
	strong := style{size: 10, bold: true, color: ink}
	s.textRight(s.paper.right, 24, oneLine(80, span{document, style{size: 9, color: ink2}}))
	s.text(left, 24, oneLine(80, span{firm, strong}))
	s.rule(left, s.paper.right, 28, thin, hairline)
	strong.size = 12
	s.text(left, 37.5, oneLine(s.paper.right-left, span{heading, strong}))
}

// laterTop is where rows begin under headAgain.
const laterTop = 43.0
