package money

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Format returns a with its symbol, as people of the locale write it: "$1,234.50",
// "1.234,50 $". Spaces inside are no-break ones, so that an amount never splits over two lines.
func (a Amount) Format(l Locale) string {
	style := l.style()
	symbol, prefix := Symbol(a.Currency, l)
	text := make([]byte, 0, 48)
	if !prefix {
		text = appendNumber(text, a.Minor, a.Currency.Exponent(), style.decimal, style.group)
		return string(append(append(text, nbsp...), symbol...))
	}
	if a.Minor < 0 {
		text = append(text, '-')
	}
	text = append(text, symbol...)
	if last, _ := utf8.DecodeLastRuneInString(symbol); !unicode.IsSymbol(last) {
		text = append(text, nbsp...) // CHF 5.00, but CA$5.00: CLDR's currencySpacing
	}
	return string(appendMagnitude(text, a.Minor, a.Currency.Exponent(), style.decimal, style.group))
}

// Number returns a without symbol, grouped: "1,234.50".
func (a Amount) Number(l Locale) string {
	style := l.style()
	return string(appendNumber(nil, a.Minor, a.Currency.Exponent(), style.decimal, style.group))
}

// FieldText returns what a form field is filled with: the locale's decimal sign, no grouping.
// Parse reads it back.
func (a Amount) FieldText(l Locale) string {
	return string(appendNumber(nil, a.Minor, a.Currency.Exponent(), l.style().decimal, ""))
}

// Plain returns a with a decimal point and nothing else, "1234.50", for machines.
func (a Amount) Plain() string {
	return string(appendNumber(nil, a.Minor, a.Currency.Exponent(), '.', ""))
}

// String returns a for logs and errors: "1234.50 USD".
func (a Amount) String() string {
	if a.Currency == "" {
		return a.Plain()
	}
	return a.Plain() + " " + string(a.Currency)
}

func appendNumber(text []byte, n int64, exponent int, decimal byte, group string) []byte {
	if n < 0 {
		text = append(text, '-')
	}
	return appendMagnitude(text, n, exponent, decimal, group)
}

func appendMagnitude(text []byte, n int64, exponent int, decimal byte, group string) []byte {
	var buf [24]byte
	digits := strconv.AppendUint(buf[:0], magnitude(n), 10)
	whole := len(digits) - exponent // digits before the decimal sign, if positive
	if whole <= 0 {
		text = append(text, '0')
	}
	for i := range max(whole, 0) {
		if i > 0 && (whole-i)%3 == 0 {
			text = append(text, group...)
		}
		text = append(text, digits[i])
	}
	if exponent == 0 {
		return text
	}
	text = append(text, decimal)
	for range max(-whole, 0) {
		text = append(text, '0')
	}
	return append(text, digits[max(whole, 0):]...)
}
