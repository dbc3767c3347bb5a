package money

import (
	"errors"
	"strings"
	"testing"
)

func TestParseReadsWhatPeopleType(t *testing.T) {
	for _, c := range []struct {
		text string
		code Currency
		l    Locale
		want int64
	}{
		{"5", "USD", English, 500},
		{"5.5", "USD", English, 550},
		{"5.05", "USD", English, 505},
		{"0", "USD", English, 0},
		{"0.00", "USD", English, 0},
		{"007", "USD", English, 700},
		{" 5 ", "USD", English, 500},
		{"\t5.00\t", "USD", English, 500},
		{"1,000.00", "USD", English, 100000},
		{"1,000", "USD", English, 100000},
		{"12,345,678.9", "USD", English, 1234567890},
		{"1234567.89", "USD", English, 123456789},
		{"$5", "USD", English, 500},
		{"$ 1,234.50", "USD", English, 123450},
		{"5$", "USD", English, 500},
		{"US$5", "USD", English, 500},
		{"usd 5", "USD", English, 500},
		{"5.00 USD", "USD", English, 500},
		{"$5.00 USD", "USD", English, 500},
		{"$5", "CAD", English, 500},
		{"CA$5", "CAD", French, 500},
		{"Cg. 5", "XCG", English, 500},
		{"5,00 Cg.", "XCG", German, 500},
		{"5 F CFA", "XOF", French, 5},
		{"775", "JPY", English, 775},
		{"¥1,050", "JPY", English, 1050},
		{"1.234", "KWD", English, 1234},
		{"1,234", "KWD", English, 1234000},
		{"1,234", "KWD", German, 1234},

		{"1.234,50", "EUR", German, 123450},
		{"1234,5", "EUR", German, 123450},
		{"1.234", "EUR", German, 123400},
		{"1'234,50", "EUR", German, 123450},
		{"1’234,50", "EUR", German, 123450},
		{"1 234,50 €", "EUR", German, 123450},
		{"€ 5", "EUR", German, 500},
		{"1.234,50 US$", "USD", Spanish, 123450},
		{"1234,50 $", "USD", Spanish, 123450},
		{"1 234 567,5", "EUR", Spanish, 123456750},
		{"1\u202f234,50\u00a0$US", "USD", French, 123450},
		{"1\u00a0234,50", "EUR", French, 123450},
		{"1 234\u202f567 €", "EUR", French, 123456700},
	} {
		if got, err := Parse(c.text, c.code, c.l); err != nil || got != New(c.want, c.code) {
			t.Errorf("%q in %s reads as %v, %v; want %v", c.text, c.l, got, err, New(c.want, c.code))
		}
	}
}

func TestParseRefusesWhatIsNotClear(t *testing.T) {
	for _, c := range []struct {
		text string
		code Currency
		l    Locale
		want error
	}{
		{"", "USD", English, ErrEmpty},
		{"  ", "USD", English, ErrEmpty},
		{"\u00a0\u202f\t", "USD", French, ErrEmpty},

		{"-5", "USD", English, ErrSyntax},
		{"−5", "USD", English, ErrSyntax},
		{"+5", "USD", English, ErrSyntax},
		{"$-5", "USD", English, ErrSyntax},
		{"(5)", "USD", English, ErrSyntax},
		{"1e3", "USD", English, ErrSyntax},
		{"0x10", "USD", English, ErrSyntax},
		{"NaN", "USD", English, ErrSyntax},
		{"Inf", "USD", English, ErrSyntax},
		{"five", "USD", English, ErrSyntax},
		{"1_000", "USD", English, ErrSyntax},
		{"5k", "MMK", English, ErrSyntax},
		{"٣٥", "USD", English, ErrSyntax},
		{"１２", "USD", English, ErrSyntax},
		{"5\x00", "USD", English, ErrSyntax},
		{"5\n", "USD", English, ErrSyntax},
		{"5\xff", "USD", English, ErrSyntax},
		{"\u200b5", "USD", English, ErrSyntax},
		{".5", "USD", English, ErrSyntax},
		{"5.", "USD", English, ErrSyntax},
		{".", "USD", English, ErrSyntax},
		{"1.2.3", "USD", English, ErrSyntax},
		{"1..2", "USD", English, ErrSyntax},
		{"5 5", "USD", English, ErrSyntax},
		{"5%", "USD", English, ErrSyntax},
		{"$", "USD", English, ErrSyntax},
		{"USD", "USD", English, ErrSyntax},
		{"$$5", "USD", English, ErrSyntax},
		{"€5", "USD", English, ErrSyntax},
		{"5 EUR", "USD", English, ErrSyntax},

		{"1.234,50", "USD", English, ErrSyntax},
		{"1.000,00", "USD", English, ErrSyntax},
		{"1,50", "USD", English, ErrSyntax},
		{"1,5000", "USD", English, ErrSyntax},
		{"1,,000", "USD", English, ErrSyntax},
		{",000", "USD", English, ErrSyntax},
		{"1,000,", "USD", English, ErrSyntax},
		{"0,123", "USD", English, ErrSyntax},
		{"1234,567", "USD", English, ErrSyntax},
		{"1,234567", "USD", English, ErrSyntax},
		{"10,00,000", "INR", English, ErrSyntax},
		{"1 000", "USD", English, ErrSyntax},
		{"1'000", "USD", English, ErrSyntax},
		{"5.0,0", "USD", English, ErrSyntax},
		{"1,234.50", "EUR", German, ErrSyntax},
		{"1.50", "EUR", German, ErrSyntax},
		{"1.234'567", "EUR", German, ErrSyntax},
		{"1.234.50", "EUR", German, ErrSyntax},
		{"1.50", "EUR", French, ErrSyntax},
		{"1.234,50", "EUR", French, ErrSyntax},
		{"1'234,50", "EUR", Spanish, ErrSyntax},

		{"0.001", "USD", English, ErrDecimals},
		{"5.000", "USD", English, ErrDecimals},
		{"1,000", "EUR", German, ErrDecimals},
		{"5.0", "JPY", English, ErrDecimals},
		{"1.2345", "KWD", English, ErrDecimals},

		{"92233720368547758.08", "USD", English, ErrOverflow},
		{"92233720368547759", "USD", English, ErrOverflow},
		{"9223372036854775808", "JPY", English, ErrOverflow},
		{"9999999999999999999", "JPY", English, ErrOverflow},
		{"99999999999999999999999999999999", "USD", English, ErrOverflow},

		{strings.Repeat("1", 33), "USD", English, ErrTooLong},
		{strings.Repeat(" ", 33), "USD", English, ErrTooLong},
		{strings.Repeat("€", 33), "EUR", English, ErrTooLong},
		{strings.Repeat("5", 1<<20), "USD", English, ErrTooLong},

		{"5", "usd", English, ErrCurrency},
		{"5", "XXX", English, ErrCurrency},
		{"5", "", English, ErrCurrency},
	} {
		got, err := Parse(c.text, c.code, c.l)
		if !errors.Is(err, c.want) || got != (Amount{}) {
			t.Errorf("%.40q %s in %s reads as %v, %v; want %v", c.text, c.code, c.l, got, err, c.want)
		}
	}
}

func TestParseErrorsDoNotRepeatWhatWasTyped(t *testing.T) {
	for _, number := range []string{"4242 4242 4242 4242", "4242-4242-4242-4242", "4242424242424242.42424", "42424242424242424242424242424242", strings.Repeat("4242", 9)} {
		_, amountErr := Parse(number, "USD", English)
		_, quantityErr := ParseQuantity(number)
		_, currencyErr := ParseCurrency(number)
		for _, err := range []error{amountErr, quantityErr, currencyErr} {
			if err == nil || strings.Contains(err.Error(), "42") {
				t.Errorf("%q: %v", number, err)
			}
		}
	}
}

// isOneOf says whether err is one of the errors that Parse promises, and of no two at once.
func isOneOf(err error, promised ...error) bool {
	matches := 0
	for _, one := range promised {
		if errors.Is(err, one) {
			matches++
		}
	}
	return matches == 1
}

func FuzzParse(f *testing.F) {
	for i, text := range []string{
		"", "0", "-1", "+5", "1e3", "1,000.00", "1.000,00", "0.001", "9999999999999999999", "٣٥", "１２", "NaN", "0x10", " 5 ",
		"5\x00", "$1,234.50", "1\u202f234,50\u00a0$US", "1'234,50", "1.234,50 €", "F\u202fCFA\u00a01,000", "Cg. 5", "0,123", "5 USD", "$$5", "\xff",
	} {
		f.Add(text, uint8(i*11), uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, code, locale uint8) {
		c, l := codes[int(code)%len(codes)], locales[int(locale)%len(locales)]
		a, err := Parse(text, c, l)
		if err != nil {
			if a != (Amount{}) || !isOneOf(err, ErrEmpty, ErrSyntax, ErrDecimals, ErrOverflow, ErrTooLong) {
				t.Fatalf("%q reads as %v, %v", text, a, err)
			}
			return
		}
		if a.IsNegative() || a.Currency != c {
			t.Fatalf("%q reads as %v", text, a)
		}
		// Nothing but the locale's own marks may have been passed over, so that the digits typed,
		// filled up to the exponent, are the amount.
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, text)
		_, decimals, _ := strings.Cut(withoutSymbol(strings.Trim(plainSpaces.Replace(text), " \t"), c), string(l.style().decimal))
		digits = strings.TrimLeft(digits+strings.Repeat("0", c.Exponent()-len(decimals)), "0")
		if want := strings.TrimLeft(strings.ReplaceAll(a.Plain(), ".", ""), "0"); digits != want {
			t.Fatalf("%q in %s reads as %v: digits %s, want %s", text, l, a, digits, want)
		}
		if back, err := Parse(a.Format(l), c, l); err != nil || back != a {
			t.Fatalf("%q in %s reads as %v, and that back as %v, %v", text, l, a, back, err)
		}
	})
}
