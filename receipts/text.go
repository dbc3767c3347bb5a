package receipts

import (
	"strings"
	"unicode"
)

// style is how a piece of text is drawn.
type style struct {
	size    float64 // points
	bold    bool
	color   rgb
	spacing float64 // added after every sign, in thousandths of the size
}

func (s style) in(c rgb) style { s.color = c; return s }

// mm is the type size in millimetres.
func (s style) mm() float64 { return s.size * 25.4 / 72 }

// span is text of one style.
type span struct {
	text  string
	style style
}

// glyph is one sign with the face that draws it and its width in millimetres.
type glyph struct {
	char  rune
	face  *face
	style style
	width float64
	binds bool // a space that no line breaks at
}

// line is signs to be drawn side by side.
type line []glyph

func (l line) width() float64 {
	var sum float64
	for _, g := range l {
		sum += g.width
	}
	return sum
}

// glyphs turns text into signs, one for each character that can be seen. This is the only way from
// a string to the page, so nothing else has to fear what is in the string: what breaks a line is a
// space, what directs or joins text (bidirectional marks, zero-width signs, soft hyphens) is left
// out, because we do not shape and a hidden mark on a receipt can only mislead.
func glyphs(spans ...span) line {
	var out line
	for _, s := range spans {
		for _, r := range s.text { // broken UTF-8 comes as U+FFFD
			switch {
			case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
				continue
			case unicode.IsControl(r), r == '\u2028', r == '\u2029':
				r = ' '
			}
			binds := r == '\u00a0'
			if binds { // drawn as a plain space, so that what is copied or searched for is one
				r = ' '
			}
			f, char := faceFor(r, s.style.bold)
			width := (float64(f.advance[char]) + s.style.spacing) / 1000 * s.style.mm()
			out = append(out, glyph{char, f, s.style, width, binds})
		}
	}
	return out
}

// wrap breaks text into at most most lines of the given width: at spaces, and inside a word (or a
// text without spaces, as in Chinese) that is wider than a line. What does not fit ends in "…".
func wrap(width float64, most int, spans ...span) []line {
	rest := trim(glyphs(spans...))
	var lines []line
	for len(rest) > 0 {
		if len(lines) == most {
			lines[most-1] = ellipsis(append(lines[most-1], rest[0]), width, true)
			break
		}
		fit := fitting(rest, width)
		if fit < len(rest) && !rest[fit].breaks() {
			if space := lastSpace(rest[:fit]); space > 0 {
				fit = space
			}
		}
		lines = append(lines, trim(rest[:fit:fit]))
		rest = trim(rest[fit:])
	}
	return lines
}

// oneLine is text cut to a width, with "…" where it had to be cut.
func oneLine(width float64, spans ...span) line {
	return ellipsis(trim(glyphs(spans...)), width, false)
}

// fitting is how many signs stand in the width, at least one.
func fitting(l line, width float64) int {
	var sum float64
	for i, g := range l {
		if sum += g.width; sum > width+rounding && i > 0 {
			return i
		}
	}
	return len(l)
}

// rounding is less than can be seen, and more than adding widths may be off.
const rounding = 1e-6

func ellipsis(l line, width float64, always bool) line {
	if len(l) == 0 || !always && l.width() <= width+rounding {
		return l
	}
	dots := glyphs(span{"…", l[0].style})
	keep := 0
	if room := width - dots.width(); l[0].width <= room {
		keep = fitting(l, room)
	}
	if always && keep == len(l) {
		keep-- // the last sign is the first one of what is left out
	}
	return append(trim(l[:keep:keep]), dots...)
}

// breaks says whether a line may end before g, which then is not drawn.
func (g glyph) breaks() bool { return g.char == ' ' && !g.binds }

func trim(l line) line {
	for len(l) > 0 && l[0].breaks() {
		l = l[1:]
	}
	for len(l) > 0 && l[len(l)-1].breaks() {
		l = l[:len(l)-1]
	}
	return l
}

func lastSpace(l line) int {
	for i := len(l) - 1; i > 0; i-- {
		if l[i].breaks() {
			return i
		}
	}
	return -1
}

// metaText is text for the document's properties, where gofpdf takes only characters of the Basic
// Multilingual Plane.
func metaText(s string) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		switch {
		case i == 200:
			return b.String()
		case unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsControl(r):
			r = ' '
		case r > 0xFFFF:
			r = missing
		}
		b.WriteRune(r)
	}
	return b.String()
}
