package receipts

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the faces
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

//go:embed fonts/regular.ttf
var regularFile []byte

//go:embed fonts/bold.ttf
var boldFile []byte

//go:embed fonts/han.ttf.gz
var hanFile []byte

//go:embed fonts/hangul.ttf.gz
var hangulFile []byte

//go:embed fonts/OFL-1.1.txt
var openFontLicence string

//go:embed fonts/Apache-2.0.txt
var apacheLicence string

// FontLicences returns the notices and licences of the faces inside the program, which must go
// wherever the program goes.
func FontLicences() string { return openFontLicence + "\n\n" + apacheLicence }

// missing is drawn for what no face has a sign for. The Latin faces have it.
const missing = '\uFFFD'

// face is one TrueType file and how wide its signs are.
type face struct {
	family, style string // gofpdf's names
	file          []byte
	advance       map[rune]int // in thousandths of the type size; also the list of what it can draw
}

var (
	regular = sync.OnceValue(func() *face { return openFace("sans", "", regularFile) })
	bold    = sync.OnceValue(func() *face { return openFace("sans", "B", boldFile) })
	// The East Asian faces are large, rarely needed and of one weight: they open at the first text
	// that needs them.
	han    = sync.OnceValue(func() *face { return openFace("han", "", unzip(hanFile)) })
	hangul = sync.OnceValue(func() *face { return openFace("hangul", "", unzip(hangulFile)) })
)

// faceFor returns the face that draws r, and what is drawn: r itself, or the sign for missing ones.
func faceFor(r rune, isBold bool) (*face, rune) {
	latin := regular
	if isBold {
		latin = bold
	}
	if _, ok := latin().advance[r]; ok {
		return latin(), r
	}
	for _, eastern := range []struct {
		first, last rune
		open        func() *face
	}{
		{0x2E80, 0x312F, han}, {0x3131, 0x318E, hangul}, {0x3190, 0x9FFF, han},
		{0xAC00, 0xD7A3, hangul}, {0xF900, 0xFAFF, han}, {0xFF01, 0xFFE6, han},
	} {
		if r < eastern.first || r > eastern.last {
			continue
		}
		if _, ok := eastern.open().advance[r]; ok {
			return eastern.open(), r
		}
	}
	return latin(), missing
}

func unzip(file []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		panic(fmt.Sprintf("receipts: open embedded face: %v", err))
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		panic(fmt.Sprintf("receipts: unpack embedded face: %v", err))
	}
	return plain
}

// openFace reads the tables cmap (format 4), head, hhea and hmtx of a TrueType file, because
// gofpdf does not tell which characters a font has:
// https://learn.microsoft.com/en-us/typography/opentype/spec/cmap
// The faces are ours and embedded, so a malformed one is a broken build.
func openFace(family, style string, file []byte) *face {
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(file[at:])) }
	u32 := func(at int) int { return int(binary.BigEndian.Uint32(file[at:])) }
	tables := map[string]int{}
	for i := range u16(4) {
		record := 12 + 16*i
		tables[string(file[record:record+4])] = u32(record + 8)
	}
	unitsPerEm := u16(tables["head"] + 18)
	metrics := u16(tables["hhea"] + 34)
	advance := func(glyph int) int {
		units := u16(tables["hmtx"] + 4*min(glyph, metrics-1))
		return (units*1000 + unitsPerEm/2) / unitsPerEm
	}
	cmap := 0
	for i := range u16(tables["cmap"] + 2) {
		if at := tables["cmap"] + u32(tables["cmap"]+8+8*i); u16(at) == 4 {
			cmap = at
		}
	}
	if cmap == 0 {
		panic("receipts: embedded face " + family + " has no cmap of format 4")
	}
	f := &face{family, style, file, map[rune]int{}}
	segments := u16(cmap+6) / 2
	for s := range segments {
		end, start := u16(cmap+14+2*s), u16(cmap+16+2*(segments+s))
		delta, offsetAt := u16(cmap+16+2*(2*segments+s)), cmap+16+2*(3*segments+s)
		for code := start; code <= end && code < 0xFFFF; code++ {
			glyph := code
			if offset := u16(offsetAt); offset != 0 {
				glyph = u16(offsetAt + offset + 2*(code-start))
			}
			if glyph = (glyph + delta) & 0xFFFF; glyph != 0 {
				f.advance[rune(code)] = advance(glyph)
			}
		}
	}
	return f
}
