package money

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

var (
	// ErrEmpty says that nothing was typed.
	ErrEmpty = errors.New("nothing was entered")
	// ErrSyntax says that what was typed is not a number as the locale writes it.
	ErrSyntax = errors.New("not a number")
	// ErrDecimals says that what was typed has more decimals than the currency.
	ErrDecimals = errors.New("too many decimals")
	// ErrTooLong says that what was typed is longer than any amount.
	ErrTooLong = errors.New("too long")
)

// maxTyped is the most characters that are read: the largest amount, grouped, and its symbol.
const maxTyped = 32

// Parse reads what a person typed into a money field: digits, the locale's decimal sign and at
// most as many decimals as c has, in groups of three or not, with or without a symbol or code of c
// on either side. What another locale would read as another amount is refused, never guessed:
// "1,50" is an error in English, "1.50" in German. So is any sign; an amount is never negative,
// but it may be zero.
//
// The error is ErrEmpty, ErrSyntax, ErrDecimals, ErrOverflow, ErrTooLong or, if c is unknown,
// ErrCurrency. It never repeats what was typed, which may be a card number in the wrong field.
func Parse(text string, c Currency, l Locale) (Amount, error) {
	minor, err := parse(text, c, l.style())
	if err != nil {
		return Amount{}, fmt.Errorf("read amount: %w", err)
	}
	return Amount{minor, c}, nil
}

func parse(text string, c Currency, style *style) (int64, error) {
	if !c.Valid() {
		return 0, ErrCurrency
	}
	if len(text) > maxTyped*utf8.UTFMax || utf8.RuneCountInString(text) > maxTyped {
		return 0, ErrTooLong
	}
	text = strings.Trim(plainSpaces.Replace(text), " \t")
	if text == "" {
		return 0, ErrEmpty
	}
	whole, decimals, point := strings.Cut(withoutSymbol(text, c), string(style.decimal))
	if point && decimals == "" {
		return 0, ErrSyntax
	}
	return minorUnits(ungroup(whole, style.groups), decimals, c.Exponent())
}

var plainSpaces = strings.NewReplacer(nbsp, " ", nnbsp, " ")

// withoutSymbol takes a symbol, the sign or the code of c off either end of text, with the spaces
// between it and the number.
func withoutSymbol(text string, c Currency) string {
	known := currencies[c]
	before, after := 0, 0
	for _, symbol := range append(known.symbols[:], known.sign, string(c)) {
		symbol = plainSpaces.Replace(symbol)
		n := len(symbol)
		if n <= len(text) && strings.EqualFold(text[:n], symbol) {
			before = max(before, n)
		}
		if n <= len(text) && strings.EqualFold(text[len(text)-n:], symbol) {
			after = max(after, n)
		}
	}
	if before+after > len(text) {
		return "" // nothing but a symbol
	}
	return strings.Trim(text[before:len(text)-after], " ")
}

// ungroup joins groups of three digits that one of the separators parts. Text that is not grouped
// right is returned as it is, separators and all, which is not a number. A leading zero is no
// group: "0,123" is how others write a fraction.
func ungroup(text string, separators []string) string {
	for _, separator := range separators {
		groups := strings.Split(text, separator)
		if len(groups) == 1 {
			continue
		}
		if first := groups[0]; len(first) < 1 || len(first) > 3 || first[0] == '0' {
			return text
		}
		for _, group := range groups[1:] {
			if len(group) != 3 {
				return text
			}
		}
		return strings.Join(groups, "")
	}
	return text
}
