package money

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// What browsers write (Intl.NumberFormat, CLDR 48), but for Spanish numbers of four digits.
func TestFormatIsWhatReadersOfTheLocaleExpect(t *testing.T) {
	for _, c := range []struct {
		amount         Amount
		en, es, fr, de string
	}{
		{New(123450, "USD"), "$1,234.50", "1.234,50\u00a0US$", "1\u202f234,50\u00a0$US", "1.234,50\u00a0$"},
		{New(123450, "EUR"), "€1,234.50", "1.234,50\u00a0€", "1\u202f234,50\u00a0€", "1.234,50\u00a0€"},
		{New(775, "JPY"), "¥775", "775\u00a0JPY", "775\u00a0JPY", "775\u00a0¥"},
		{New(1234567, "KWD"), "KWD\u00a01,234.567", "1.234,567\u00a0KWD", "1\u202f234,567\u00a0KWD", "1.234,567\u00a0KWD"},
		{New(99999999, "CHF"), "CHF\u00a0999,999.99", "999.999,99\u00a0CHF", "999\u202f999,99\u00a0CHF", "999.999,99\u00a0CHF"},
		{New(5, "CAD"), "CA$0.05", "0,05\u00a0CAD", "0,05\u00a0$CA", "0,05\u00a0CA$"},
		{New(0, "BHD"), "BHD\u00a00.000", "0,000\u00a0BHD", "0,000\u00a0BHD", "0,000\u00a0BHD"},
		{New(1, "OMR"), "OMR\u00a00.001", "0,001\u00a0OMR", "0,001\u00a0OMR", "0,001\u00a0OMR"},
		{New(1000, "XOF"), "F\u202fCFA\u00a01,000", "1.000\u00a0XOF", "1\u202f000\u00a0F\u202fCFA", "1.000\u00a0F\u202fCFA"},
		{New(100, "XCG"), "Cg.\u00a01.00", "1,00\u00a0Cg.", "1,00\u00a0Cg.", "1,00\u00a0Cg."},
		{New(-500, "USD"), "-$5.00", "-5,00\u00a0US$", "-5,00\u00a0$US", "-5,00\u00a0$"},
		{New(-500, "CHF"), "-CHF\u00a05.00", "-5,00\u00a0CHF", "-5,00\u00a0CHF", "-5,00\u00a0CHF"},
		{New(-7, "GBP"), "-£0.07", "-0,07\u00a0GBP", "-0,07\u00a0£GB", "-0,07\u00a0£"},
		{New(math.MaxInt64, "USD"), "$92,233,720,368,547,758.07", "92.233.720.368.547.758,07\u00a0US$", "92\u202f233\u202f720\u202f368\u202f547\u202f758,07\u00a0$US", "92.233.720.368.547.758,07\u00a0$"},
		{New(math.MinInt64, "JPY"), "-¥9,223,372,036,854,775,808", "-9.223.372.036.854.775.808\u00a0JPY", "-9\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808\u00a0JPY", "-9.223.372.036.854.775.808\u00a0¥"},
	} {
		for l, want := range map[Locale]string{English: c.en, Spanish: c.es, French: c.fr, German: c.de, "xx": c.en} {
			if got := c.amount.Format(l); got != want {
				t.Errorf("%s in %s is %q, want %q", c.amount, l, got, want)
			}
		}
	}
}

func TestFormatWithoutSymbol(t *testing.T) {
	a := New(-123450, "USD")
	for _, c := range []struct{ got, want string }{
		{a.Number(English), "-1,234.50"},
		{a.Number(German), "-1.234,50"},
		{a.FieldText(English), "-1234.50"},
		{a.FieldText(French), "-1234,50"},
		{a.Plain(), "-1234.50"},
		{a.String(), "-1234.50 USD"},
		{New(5, "JPY").Plain(), "5"},
		{Amount{}.String(), "0"},
		{Amount{}.Format(English), "0"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestParseReadsEverythingThatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := New(rapid.OneOf(rapid.Int64Range(0, math.MaxInt64), rapid.Int64Range(0, 10_000_000)).Draw(t, "minor"), anyCurrency.Draw(t, "currency"))
		l := anyLocale.Draw(t, "locale")
		for _, text := range []string{a.Format(l), a.Number(l), a.FieldText(l)} {
			if back, err := Parse(text, a.Currency, l); err != nil || back != a {
				t.Fatalf("%q in %s reads as %v, %v; want %v", text, l, back, err, a)
			}
		}
		if back, err := Parse(a.String(), a.Currency, English); err != nil || back != a {
			t.Fatalf("%q reads as %v, %v", a.String(), back, err)
		}
	})
}

// The largest amount, with the longest symbols, is not "too long" anywhere.
func TestLargestAmountOfEachCurrencyIsRead(t *testing.T) {
	for _, c := range codes {
		for _, l := range locales {
			a := New(math.MaxInt64, c)
			if back, err := Parse(a.Format(l), c, l); err != nil || back != a {
				t.Errorf("%q in %s reads as %v, %v", a.Format(l), l, back, err)
			}
		}
	}
}

func FuzzMoneyRoundTrip(f *testing.F) {
	for i, minor := range []int64{0, 1, 99, 123450, -500, 99_999_999, math.MaxInt64, math.MinInt64} {
		f.Add(minor, uint8(i*37), uint8(i))
	}
	f.Fuzz(func(t *testing.T, minor int64, code, locale uint8) {
		a, l := New(minor, codes[int(code)%len(codes)]), locales[int(locale)%len(locales)]
		back, err := Parse(a.Format(l), a.Currency, l)
		switch {
		case minor < 0 && err == nil:
			t.Fatalf("%q, which is negative, reads as %v", a.Format(l), back)
		case minor >= 0 && (err != nil || back != a):
			t.Fatalf("%q in %s reads as %v, %v", a.Format(l), l, back, err)
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	a := New(123450, "USD")
	b.ReportAllocs()
	for b.Loop() {
		_ = a.Format(French)
	}
}
