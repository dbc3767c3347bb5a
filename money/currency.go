package money

import (
	"fmt"
	"strings"
)

// Currency is an ISO 4217 code in capitals, "USD". Only those that Stripe takes payments in are
// known; ParseCurrency is the way in.
type Currency string

// ParseCurrency returns the currency of a three-letter code in any case, and ErrCurrency for a
// code that is not known.
func ParseCurrency(s string) (Currency, error) {
	if len(s) != 3 {
		return "", fmt.Errorf("read currency: %w", ErrCurrency)
	}
	c := Currency(strings.ToUpper(s))
	if !c.Valid() {
		return "", fmt.Errorf("read currency: %w", ErrCurrency)
	}
	return c, nil
}

// Valid says whether c is a known currency in capitals.
func (c Currency) Valid() bool {
	_, known := currencies[c]
	return known
}

// Exponent returns how many decimals c has: 0, 2 or 3. One unit of c is 10^Exponent minor units.
// It is Stripe's, which for some currencies is not ISO's. A currency that is not known has 0.
func (c Currency) Exponent() int { return int(currencies[c].exponent) }

// Symbol returns how c is written in the locale, "$", "US$", or its code where it has no sign of
// its own, and whether that stands before the number.
func Symbol(c Currency, l Locale) (symbol string, prefix bool) {
	symbol = string(c)
	return symbol, l.style().prefix
}

// Name returns the plural name of c in the locale: "US dollars". Currencies that few people use
// are named by their code.
func (c Currency) Name(l Locale) string {
	return string(c)
}

// UnmarshalText accepts a known currency in capitals, as in JSON.
func (c *Currency) UnmarshalText(text []byte) error {
	if !Currency(text).Valid() {
		return fmt.Errorf("read currency: %w", ErrCurrency)
	}
	*c = Currency(text)
	return nil
}
