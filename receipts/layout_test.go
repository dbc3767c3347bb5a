package receipts

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func asText(lines []line) string {
	var parts []string
	for _, l := range lines {
		var b strings.Builder
		for _, g := range l {
			b.WriteRune(g.char)
		}
		parts = append(parts, b.String())
	}
	return strings.Join(parts, "|")
}

func TestWrappedLinesFitAndLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aW . -漢é"))).Draw(t, "text")
		width := rapid.Float64Range(5, 80).Draw(t, "width")
		lines := wrap(width, math.MaxInt, span{text, style{size: 10}})
		for _, l := range lines {
			if l.width() > width+rounding {
				t.Fatalf("%q is %.2f wide, not %.2f", asText([]line{l}), l.width(), width)
			}
		}
		spaceless := func(s string) string { return strings.NewReplacer(" ", "", "|", "").Replace(s) }
		if got := spaceless(asText(lines)); got != spaceless(text) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestCutTextSaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aW .漢"))).Draw(t, "text")
		width, most := rapid.Float64Range(8, 60).Draw(t, "width"), rapid.IntRange(1, 3).Draw(t, "most")
		whole := wrap(width, math.MaxInt, span{text, style{size: 10}})
		lines := wrap(width, most, span{text, style{size: 10}})
		if len(lines) > most {
			t.Fatalf("%d lines, not %d", len(lines), most)
		}
		if cut := strings.HasSuffix(asText(lines), "…"); cut != (len(whole) > most) {
			t.Fatalf("%q became %q", text, asText(lines))
		}
		for _, l := range lines {
			if l.width() > width+rounding {
				t.Fatalf("%q is %.2f wide, not %.2f", asText([]line{l}), l.width(), width)
			}
		}
	})
}

func TestLinesBreakAtSpaces(t *testing.T) {
	st := style{size: 10}
	width := glyphs(span{"Maria Keller", st}).width() + 0.1
	for text, want := range map[string]string{
		"Maria Keller Studio":         "Maria Keller|Studio",
		"Maria\u00a0Keller Studio":    "Maria Keller|Studio",
		"Am Maria\u00a0Keller":        "Am|Maria Keller",
		"  Maria   ":                  "Maria",
		"Maria KellerStudioGesellsch": "Maria|KellerStudi|oGesellsch",
		"":                            "",
		"\u200bMa\u00adria\u202e":     "Maria",
		"Maria\nKeller":               "Maria Keller",
	} {
		if got := asText(wrap(width, 9, span{text, st})); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestLargestAmountNeverLeavesItsPlace(t *testing.T) {
	for _, width := range []float64{170, 60, 20} {
		if got := hero("$92,233,720,368,547,758.07", width).width(); got > width+rounding {
			t.Errorf("the amount is %.1f wide, not %.1f", got, width)
		}
	}
}

func TestOurWidthsAreTheLibrarysToo(t *testing.T) {
	s := newSheet(A4, about{})
	s.pdf.AddPage()
	for _, c := range []struct {
		text string
		bold bool
	}{{"Receipt 1,000.00 − Łódź Ελληνικά Кириллица", false}, {"$231.53 This payment", true}, {"株式会社キーオン", false}, {"김민준", true}} {
		l := glyphs(span{c.text, style{size: 10, bold: c.bold}})
		s.run(20, 20, l)
		if got := s.pdf.GetStringWidth(c.text); math.Abs(got-l.width()) > 0.001 {
			t.Errorf("%q: the library draws %.3f mm, we measure %.3f", c.text, got, l.width())
		}
	}
}

func TestPagesHoldTheirRowsAndTheTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heights := rapid.SliceOf(rapid.Float64Range(4, 30)).Draw(t, "heights")
		tail := rapid.Float64Range(10, 50).Draw(t, "tail")
		in := room{rapid.Float64Range(100, 260).Draw(t, "first"), 43, 276, 248}
		var rows []row
		for _, h := range heights {
			rows = append(rows, row{height: h})
		}
		plan := paginate(rows, in, tail)
		next := 0
		for page, count := range plan {
			y, bottom := in.later, in.full
			if page == 0 {
				y = in.first
			}
			used := heightOf(rows[next : next+count])
			if page == len(plan)-1 {
				used, bottom = used+tail, in.last
			}
			if y+used > bottom+rounding {
				t.Fatalf("page %d of %v ends at %.1f, below %.1f", page+1, plan, y+used, bottom)
			}
			if count == 0 && page > 0 && next < len(rows) {
				t.Fatalf("page %d of %v is empty", page+1, plan)
			}
			next += count
		}
		if next != len(rows) {
			t.Fatalf("%d of %d rows are on pages", next, len(rows))
		}
	})
}

func TestBarIsAsWideAsItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.Int64Range(0, math.MaxInt64)
		of := shares{part.Draw(t, "paid"), part.Draw(t, "on its way"), part.Draw(t, "left")}
		widths := of.widths(170)
		sum := 0.0
		for i, w := range widths {
			sum += w
			if of[i] > 0 && w < 1-rounding {
				t.Fatalf("%v: part %d cannot be seen: %v", of, i, widths)
			}
			if of != (shares{}) && of[i] == 0 && w != 0 {
				t.Fatalf("%v: part %d is nothing: %v", of, i, widths)
			}
		}
		if math.Abs(sum-170) > rounding {
			t.Fatalf("%v: %v", of, widths)
		}
	})
	if got := (shares{42500, 5000, 52500}).widths(170); math.Abs(got[0]-72.25) > 0.01 || math.Abs(got[1]-8.5) > 0.01 {
		t.Errorf("425 and 50 of 1000 are %v of 170 mm", got)
	}
}

func TestTextOnTheFirmsColourCanBeRead(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				ground := rgb{r, g, b}
				if got := contrast(on(ground), ground); got < 4.5 {
					t.Fatalf("%v on %v has %.2f", on(ground), ground, got)
				}
			}
		}
	}
	for hex, want := range map[string]rgb{
		"#4f46c8": iris, "#000000": {}, "#ffd400": {255, 212, 0}, "": iris, "red": iris, "#fff": iris, "4f46c8f": iris, "#-1-1-1": iris,
	} {
		if got := parseColor(hex); got != want {
			t.Errorf("%q is %v", hex, got)
		}
	}
}

func encode(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLogoOfAnyKindOfPNG(t *testing.T) {
	at := image.Rect(0, 0, 120, 30)
	half := image.NewNRGBA(at)
	for n := range half.Pix {
		half.Pix[n] = byte(n)
	}
	for name, img := range map[string]image.Image{
		"transparent": half, "16 bits": image.NewNRGBA64(at), "grey": image.NewGray(at),
		"palette": image.NewPaletted(at, color.Palette{color.Black, color.Transparent}), "one pixel": image.NewRGBA(image.Rect(0, 0, 1, 1)),
	} {
		file := encode(t, img)
		if err := CheckLogo(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r := exampleReceipt()
		r.Firm.LogoPNG = file
		if list := poppler(t, "pdfimages", "-list", save(t, mustRender(t, r))); strings.Count(list, "\n") != 3 {
			t.Errorf("%s: there is not one image:\n%s", name, list)
		}
	}
}

func TestLogoThatCannotBeReadIsTheFirstLetter(t *testing.T) {
	whole := encode(t, image.NewRGBA(image.Rect(0, 0, 64, 64)))
	for name, file := range map[string][]byte{
		"no picture": []byte("GIF89a"), "cut": whole[:len(whole)/2], "empty": {},
		"too many pixels": encode(t, image.NewGray(image.Rect(0, 0, maxLogoSide+1, 2))), "too large": append(whole[:len(whole):len(whole)], make([]byte, maxLogoBytes)...),
	} {
		if CheckLogo(file) == nil {
			t.Errorf("%s: allowed", name)
		}
		r := exampleReceipt()
		r.Firm.LogoPNG = file
		if got := text(t, mustRender(t, r)); !strings.Contains(got, "N  ") {
			t.Errorf("%s: no letter:\n%.100s", name, got)
		}
	}
}
