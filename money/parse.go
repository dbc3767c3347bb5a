package money

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrEmpty says that nothing was typed.
	ErrEmpty = errors.New("nothing entered")
	// ErrSyntax says that what was typed is no number as the locale writes it.
	ErrSyntax = errors.New("not a number")
	// ErrDecimals says that what was typed has more decimals than the currency.
	ErrDecimals = errors.New("too many decimals")
	// ErrTooLong says that what was typed is longer than any amount.
	ErrTooLong = errors.New("too long")
)

const maxTyped = 32

// Parse reads what a person typed.
func Parse(text string, c Currency, l Locale) (Amount, error) {
	if !c.Valid() {
		return Amount{}, fmt.Errorf("read amount: %w", ErrCurrency)
	}
	whole, decimals, _ := strings.Cut(text, ".")
	minor, err := minorUnits(whole, decimals, c.Exponent())
	if err != nil {
		return Amount{}, fmt.Errorf("read amount: %w", err)
	}
	return Amount{minor, c}, nil
}
