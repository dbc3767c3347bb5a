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
// It is Stripe's, which is not ISO's for the króna and the Ugandan shilling. An unknown currency
// has 0; Valid tells.
func (c Currency) Exponent() int { return int(currencies[c].exponent) }

// Step returns what a charge in c must be a multiple of, in minor units: 100 where Stripe keeps
// two decimals but charges no fractions, 10 where it charges no third decimal, else 1.
// See Amount.Round and https://docs.stripe.com/currencies#special-cases
func (c Currency) Step() int64 { return max(currencies[c].step, 1) }

// Symbol returns how c is written in the locale, "$" or "US$", or its code where readers would
// not know a sign, and whether that stands before the number.
func Symbol(c Currency, l Locale) (symbol string, prefix bool) {
	style := l.style()
	symbol = currencies[c].symbols[style.language]
	if symbol == "" {
		symbol = string(c)
	}
	return symbol, style.prefix
}

// Name returns the plural name of c in the locale, "US dollars". Currencies that few people use
// are named by their code.
func (c Currency) Name(l Locale) string {
	if name := names[c][l.style().language]; name != "" {
		return name
	}
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
