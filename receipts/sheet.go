package receipts

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// Paper is the size of a document's pages.
type Paper string

// The papers; any other value is A4.
const (
	A4     Paper = "a4"
	Letter Paper = "letter"
)

// sheet is a document being drawn. All lengths are millimetres from the top left corner of the
// paper; text stands on the baseline y.
type sheet struct {
	pdf    *gofpdf.Fpdf
	about  about
	paper  paper
	opened map[*face]bool
}

// paper holds what differs between A4 and Letter.
type paper struct {
	size   string
	right  float64 // right margin line; the left one is at 20
	lift   float64 // everything stands that much higher than on A4
	row    float64 // height of a row of the table
	last   float64 // height of the row "still to pay"
	gap    float64 // from the line above that row to the bar
	foot   float64 // line above the block at the foot
	bottom float64 // baseline of the last line of the page
}

const left = 20.0

func paperOf(p Paper) paper {
	if p == Letter {
		return paper{"Letter", 195.9, 4, 8, 10, 14.5, 232.4, 266.5}
	}
	return paper{"A4", 190, 0, 9, 11, 15.5, 250, 284.1}
}

// about is what a PDF reader shows of the document itself.
type about struct {
	title, author, language string
	at                      time.Time
}

func newSheet(p Paper, a about) *sheet {
	s := &sheet{about: a, paper: paperOf(p), opened: map[*face]bool{}}
	s.pdf = gofpdf.New("P", "mm", s.paper.size, "")
	s.pdf.SetAutoPageBreak(false, 0)
	s.pdf.SetCatalogSort(true)
	s.pdf.SetCreationDate(a.at.UTC())
	s.pdf.SetModificationDate(a.at.UTC())
	s.pdf.SetProducer("Paylink", true)
	s.pdf.SetTitle(metaText(a.title), true)
	s.pdf.SetAuthor(metaText(a.author), true)
	return s
}

// text draws a line of signs from x on.
func (s *sheet) text(x, y float64, l line) {
	for len(l) > 0 {
		n := 1
		for n < len(l) && l[n].face == l[0].face && l[n].style == l[0].style {
			n++
		}
		s.run(x, y, l[:n])
		x += l[:n].width()
		l = l[n:]
	}
}

// textRight draws a line of signs that ends at x.
func (s *sheet) textRight(x, y float64, l line) { s.text(x-l.width(), y, l) }

// run draws signs of one face and style.
func (s *sheet) run(x, y float64, l line) {
	f, st := l[0].face, l[0].style
	if !s.opened[f] {
		s.opened[f] = true
		// A copy: cutting a face, gofpdf writes into the bytes that it was given.
		s.pdf.AddUTF8FontFromBytes(f.family, f.style, bytes.Clone(f.file))
	}
	s.pdf.SetFont(f.family, f.style, st.size)
	s.pdf.SetTextColor(st.color.r, st.color.g, st.color.b)
	chars := make([]rune, len(l))
	for i, g := range l {
		chars[i] = g.char
	}
	if st.spacing != 0 {
		s.pdf.RawWriteStr(fmt.Sprintf("%.3f Tc", st.spacing/1000*st.size))
	}
	thicken := st.bold && f.style != "B" // the East Asian faces have no bold: draw the outline too
	if thicken {
		s.pdf.SetDrawColor(st.color.r, st.color.g, st.color.b)
		s.pdf.SetLineWidth(st.mm() * 0.03)
		s.pdf.SetTextRenderingMode(2)
	}
	s.pdf.Text(x, y, string(chars))
	if thicken {
		s.pdf.SetTextRenderingMode(0)
	}
	if st.spacing != 0 {
		s.pdf.RawWriteStr("0 Tc")
	}
}

// rule draws a horizontal line.
func (s *sheet) rule(x1, x2, y, thickness float64, c rgb) {
	s.pdf.SetLineWidth(thickness)
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.Line(x1, y, x2, y)
}

func (s *sheet) box(x, y, width, height float64, c rgb) {
	s.pdf.SetFillColor(c.r, c.g, c.b)
	s.pdf.Rect(x, y, width, height, "F")
}

func (s *sheet) frame(x, y, width, height, thickness float64, c rgb) {
	s.pdf.SetLineWidth(thickness)
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.Rect(x, y, width, height, "D")
}

// finish writes the document.
func (s *sheet) finish() ([]byte, error) {
	var out bytes.Buffer
	if err := s.pdf.Output(&out); err != nil {
		return nil, err
	}
	return withLanguage(out.Bytes(), s.about.language)
}

// withLanguage adds to the catalogue what gofpdf has no call for: the language, for those who have
// the page read to them, and the title in place of the file name (ISO 32000-1, 7.7.2 and 12.2). The
// catalogue is the last object, so of all positions in the file only that of the table moves.
func withLanguage(pdf []byte, language string) ([]byte, error) {
	const catalogue, start = "/Type /Catalog\n", "startxref\n"
	entry := "/Lang (" + language + ")\n/ViewerPreferences <</DisplayDocTitle true>>\n"
	at, end := bytes.LastIndex(pdf, []byte(catalogue)), bytes.LastIndex(pdf, []byte(start))
	if at < 0 || end < at {
		return nil, errors.New("document without catalogue")
	}
	at += len(catalogue)
	end += len(start)
	digits := bytes.IndexByte(pdf[end:], '\n')
	if digits < 0 {
		return nil, errors.New("document without position of its table")
	}
	table, err := strconv.Atoi(string(pdf[end : end+digits]))
	if err != nil {
		return nil, fmt.Errorf("position of the document's table: %w", err)
	}
	out := make([]byte, 0, len(pdf)+len(entry)+1)
	out = append(out, pdf[:at]...)
	out = append(out, entry...)
	out = append(out, pdf[at:end]...)
	out = strconv.AppendInt(out, int64(table+len(entry)), 10)
	return append(out, pdf[end+digits:]...), nil
}

// guard turns a panic of gofpdf into an error: a receipt that cannot be drawn must not take the
// payment's job down with it.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("draw document: %v", p)
	}
}
