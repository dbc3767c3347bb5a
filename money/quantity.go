package money

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Quantity is how many of a thing an invoice line bills, in ten-thousandths: 1.5 is 15000.
type Quantity int64

const quantityOne = 10_000

// ParseQuantity reads "1", "1.5" or "0.3333": ASCII digits, and after a point at most four more.
// Signs, exponents, grouping and zero are refused.
func ParseQuantity(s string) (Quantity, error) {
	if len(s) > maxTyped {
		return 0, fmt.Errorf("read quantity: %w", ErrTooLong)
	}
	if s == "" {
		return 0, fmt.Errorf("read quantity: %w", ErrEmpty)
	}
	whole, decimals, point := strings.Cut(s, ".")
	if point && decimals == "" {
		return 0, fmt.Errorf("read quantity: %w", ErrSyntax)
	}
	n, err := minorUnits(whole, decimals, 4)
	if err != nil {
		return 0, fmt.Errorf("read quantity: %w", err)
	}
	if n == 0 {
		return 0, fmt.Errorf("read quantity: zero: %w", ErrSyntax)
	}
	return Quantity(n), nil
}

// String returns q with a point and without trailing zeros: "1.5".
func (q Quantity) String() string { return q.text('.', "") }

// Format returns q as people of the locale write it: "1,234.5".
func (q Quantity) Format(l Locale) string {
	style := l.style()
	return q.text(style.decimal, style.group)
}

func (q Quantity) text(decimal byte, group string) string {
	text := string(appendNumber(nil, int64(q), 4, decimal, group))
	return strings.TrimRight(strings.TrimRight(text, "0"), string(decimal))
}

// MarshalJSON writes q as a string, "1.5", so that no reader makes a float of it.
func (q Quantity) MarshalJSON() ([]byte, error) { return json.Marshal(q.String()) }

// UnmarshalJSON reads a string or a number, digit by digit: 0.1 is exactly a tenth.
func (q *Quantity) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("read quantity: %w", err)
		}
	}
	parsed, err := ParseQuantity(text)
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}

// minorUnits joins whole and decimals into one number of 10^-exponent parts. whole must not be
// empty, and both hold nothing but ASCII digits.
func minorUnits(whole, decimals string, exponent int) (int64, error) {
	if whole == "" {
		return 0, ErrSyntax
	}
	for _, part := range [...]string{whole, decimals} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, ErrSyntax
			}
		}
	}
	if len(decimals) > exponent {
		return 0, ErrDecimals
	}
	var n int64
	shift := func(digit byte) bool {
		d := int64(digit - '0')
		if n > (math.MaxInt64-d)/10 {
			return false
		}
		n = n*10 + d
		return true
	}
	for i := range len(whole) {
		if !shift(whole[i]) {
			return 0, ErrOverflow
		}
	}
	for i := range exponent {
		digit := byte('0')
		if i < len(decimals) {
			digit = decimals[i]
		}
		if !shift(digit) {
			return 0, ErrOverflow
		}
	}
	return n, nil
}
