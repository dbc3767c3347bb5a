package receipts

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"
	"strings"

	"github.com/jung-kurt/gofpdf"
	qrcode "github.com/skip2/go-qrcode"
)

// rgb is a colour, 0–255 each.
type rgb struct{ r, g, b int }

// The colours of our documents: those of the pages, on white paper.
var (
	ink      = rgb{0x1a, 0x1a, 0x1f}
	ink2     = rgb{0x55, 0x55, 0x5f}
	ink3     = rgb{0x68, 0x68, 0x72}
	hairline = rgb{0xd9, 0xd9, 0xd4}
	tint     = rgb{0xf1, 0xf1, 0xee}
	track    = rgb{0xe2, 0xe2, 0xdd}
	good     = rgb{0x15, 0x70, 0x3f}
	goodFill = rgb{0x1f, 0x92, 0x54}
	way      = rgb{0x0a, 0x62, 0x85}
	bad      = rgb{0xb3, 0x26, 0x1e}
	iris     = rgb{0x4f, 0x46, 0xc8}
	white    = rgb{255, 255, 255}
	black    = rgb{0, 0, 0}
)

// Lines between parts, and the heavier ones around figures, in millimetres.
const (
	thin  = 0.25
	thick = 0.35
)

// head draws who sends the document and the line under it. It returns how far everything below has
// to move down for a name or an address of many lines.
func (s *sheet) head(f Firm) (down float64) {
	top := 18 - s.paper.lift
	addressLeft := s.paper.right - 65
	x := left + s.logo(f, left, top) + 4
	name := wrap(addressLeft-4-x, 2, span{f.Name, style{size: 13, bold: true, color: ink}})
	y := top + 4.7
	for _, l := range name {
		s.text(x, y, l)
		y += 5.6
	}
	if f.Tagline != "" {
		s.text(x, y-0.15, oneLine(addressLeft-4-x, span{f.Tagline, style{size: 9, color: ink2}}))
	}
	y = top + 3.3
	for _, part := range append(f.Address[:len(f.Address):len(f.Address)], f.TaxID) {
		for _, l := range wrap(65, 2, span{part, style{size: 8.5, color: ink2}}) {
			if y < top+3.3+maxAddress*4.5 {
				s.textRight(s.paper.right, y, l)
				y += 4.5
			}
		}
	}
	rule := max(top+24, y-4.5+3.2)
	s.rule(left, s.paper.right, rule, thin, hairline)
	return rule - (top + 24)
}

// maxAddress is how many lines of an address are drawn.
const maxAddress = 12

// logo draws the firm's picture in at most 40 × 12 mm, or the first letter of its name on a square
// of its colour, and returns the width.
func (s *sheet) logo(f Firm, x, y float64) float64 {
	const height, most = 12.0, 40.0
	if picture, err := flatten(f.LogoPNG); err == nil {
		size := picture.Bounds().Size()
		scale := min(height/float64(size.Y), most/float64(size.X))
		w, h := float64(size.X)*scale, float64(size.Y)*scale
		var file bytes.Buffer
		if err := png.Encode(&file, picture); err == nil {
			options := gofpdf.ImageOptions{ImageType: "PNG"}
			s.pdf.RegisterImageOptionsReader("logo", options, &file)
			s.pdf.ImageOptions("logo", x, y+(height-h)/2, w, h, false, options, 0, "")
			return w
		}
	}
	ground := parseColor(f.Accent)
	s.box(x, y, height, height, ground)
	letter := glyphs(span{firstLetter(f.Name), style{size: 20, bold: true, color: on(ground)}})
	s.text(x+(height-letter.width())/2, y+height/2+0.357*20*25.4/72, letter) // half a capital's height
	return height
}

func firstLetter(name string) string {
	for _, g := range glyphs(span{strings.ToUpper(name), style{}}) {
		if g.char != ' ' {
			return string(g.char)
		}
	}
	return ""
}

// Limits on a logo. A larger one makes every receipt heavy and looks no better at 40 × 12 mm.
const (
	maxLogoBytes = 512 << 10
	maxLogoSide  = 2000 // pixels
)

// CheckLogo says whether a file can stand on documents: a PNG of at most 512 KB and 2,000 pixels a
// side. A receipt whose logo cannot be read is drawn with the firm's first letter in its place, so
// check when the firm chooses the logo.
func CheckLogo(file []byte) error {
	if len(file) == 0 {
		return errors.New("check logo: empty file")
	}
	_, err := flatten(file)
	return err
}

// flatten reads a PNG and lays it on white, for gofpdf reads only some kinds of PNG.
func flatten(file []byte) (*image.RGBA, error) {
	if len(file) > maxLogoBytes {
		return nil, fmt.Errorf("read logo: more than %d bytes", maxLogoBytes)
	}
	config, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read logo: %w", err)
	}
	if min(config.Width, config.Height) < 1 || max(config.Width, config.Height) > maxLogoSide {
		return nil, fmt.Errorf("read logo: %d × %d pixels", config.Width, config.Height)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read logo: %w", err)
	}
	flat := image.NewRGBA(image.Rect(0, 0, config.Width, config.Height))
	draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), picture, picture.Bounds().Min, draw.Over)
	return flat, nil
}

// stamp draws the status in a box that ends at the right margin and grows to the left. It returns
// where the box begins.
func (s *sheet) stamp(y float64, word string, c rgb) float64 {
	text := oneLine(90, span{word, style{size: 11, bold: true, color: c, spacing: 60}})
	width := max(30, text.width()+10)
	x := s.paper.right - width
	s.frame(x, y+0.5, width, 10, 0.3, c)
	s.text(x+(width-text.width())/2, y+6.85, text)
	return x
}

// shares are the parts of an invoice's total, none negative: what has arrived, what is on its way
// and what is left.
type shares [3]int64

// widths divides width among the shares. One that is not zero is at least 1 mm, so that it can be
// seen; the widest gives that up.
func (of shares) widths(width float64) (widths [3]float64) {
	sum := 0.0
	for _, n := range of {
		sum += float64(n)
	}
	if sum == 0 {
		return [3]float64{2: width}
	}
	widest, raised := 0, 0.0
	for i, n := range of {
		widths[i] = width * float64(n) / sum
		if n > of[widest] {
			widest = i
		}
		if n > 0 && widths[i] < 1 {
			raised += 1 - widths[i]
			widths[i] = 1
		}
	}
	widths[widest] -= raised
	return widths
}

// bar draws what has arrived solid, what is on its way striped and what is left empty, so that it
// reads without colour too.
func (s *sheet) bar(y float64, of shares) {
	const height = 3.0
	parts := of.widths(s.paper.right - left)
	paid, coming := parts[0], parts[1]
	s.box(left, y, s.paper.right-left, height, track)
	if paid > 0 {
		s.box(left, y, paid, height, goodFill)
	}
	if coming == 0 {
		return
	}
	s.box(left+paid, y, coming, height, white)
	s.pdf.ClipRect(left+paid, y, coming, height, false)
	s.pdf.SetLineWidth(0.4)
	s.pdf.SetDrawColor(way.r, way.g, way.b)
	for x := left + paid - height; x < left+paid+coming; x += 1.4 * math.Sqrt2 {
		s.pdf.Line(x, y+height, x+height, y)
	}
	s.pdf.ClipEnd()
}

// qr draws a QR code of the text, without quiet zone: the paper around it is white. Text too long
// to be scanned from that size is left out; what the code says stands beside it in letters.
func (s *sheet) qr(x, y, size float64, text string) error {
	if len(text) > 300 {
		return nil
	}
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return fmt.Errorf("make QR code: %w", err)
	}
	code.DisableBorder = true
	rows := code.Bitmap()
	module := size / float64(len(rows))
	// One path for all: boxes painted one by one leave hairlines between them on screens.
	for i, row := range rows {
		for from := 0; from < len(row); from++ {
			to := from
			for to < len(row) && row[to] {
				to++
			}
			if to > from {
				x1, x2 := x+float64(from)*module, x+float64(to)*module
				y1, y2 := y+float64(i)*module, y+float64(i+1)*module
				s.pdf.MoveTo(x1, y1)
				s.pdf.LineTo(x2, y1)
				s.pdf.LineTo(x2, y2)
				s.pdf.LineTo(x1, y2)
				s.pdf.ClosePath()
				from = to
			}
		}
	}
	s.pdf.SetFillColor(black.r, black.g, black.b)
	s.pdf.DrawPath("F")
	return nil
}

// bottomLine draws the last line of a page.
func (s *sheet) bottomLine(text string, page, pages int, w *words) {
	st := style{size: 7.5, color: ink3}
	right := glyphs(span{say(w.page, "page", strconv.Itoa(page), "pages", strconv.Itoa(pages)), st})
	s.textRight(s.paper.right, s.paper.bottom, right)
	s.text(left, s.paper.bottom, oneLine(s.paper.right-left-right.width()-6, span{text, st}))
}

// parseColor reads "#4f46c8"; anything else is our own colour.
func parseColor(hex string) rgb {
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 24)
	if err != nil || len(hex) != 7 {
		return iris
	}
	return rgb{int(n >> 16), int(n >> 8 & 0xff), int(n & 0xff)}
}

// on is the colour of text on a ground: white where that has a contrast of 4.5, else near black,
// else black.
func on(ground rgb) rgb {
	for _, text := range []rgb{white, {0x16, 0x16, 0x1a}} {
		if contrast(text, ground) >= 4.5 {
			return text
		}
	}
	return black
}

// contrast is WCAG's: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func contrast(a, b rgb) float64 {
	lighter, darker := luminance(a), luminance(b)
	if lighter < darker {
		lighter, darker = darker, lighter
	}
	return (lighter + 0.05) / (darker + 0.05)
}

func luminance(c rgb) float64 {
	linear := func(v int) float64 {
		if x := float64(v) / 255; x > 0.04045 {
			return math.Pow((x+0.055)/1.055, 2.4)
		} else {
			return x / 12.92
		}
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}
