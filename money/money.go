// Package money holds amounts of money as whole minor units (cents, yen, fils) of an ISO 4217
// currency, reads what people type and writes what people read, in English, Spanish, French and
// German.
//
// Nothing here is a floating-point number, nothing wraps around, and amounts of two currencies
// never meet: each of these is an error. The package does not convert between currencies, does
// not know the smallest or largest charge a provider takes, and does not pick a person's locale.
package money

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

var (
	// ErrOverflow says that a result, or what was typed, does not fit into an int64 of minor units.
	ErrOverflow = errors.New("amount too large")
	// ErrCurrency says that a currency is unknown, or that two amounts are of different ones.
	ErrCurrency = errors.New("unknown or different currency")
)

// Amount is a number of minor units of one currency. Amounts are comparable with ==. The zero
// Amount has no currency: it is no money at all, and adding to it is an error; see Zero.
type Amount struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// New returns minor units of c: New(1050, "USD") is $10.50, New(1050, "JPY") is ¥1,050.
func New(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// Zero returns no money of c, the start of a sum.
func Zero(c Currency) Amount { return Amount{Currency: c} }

// Sum adds amounts of currency c; the sum of none is zero.
func Sum(c Currency, amounts ...Amount) (Amount, error) {
	sum := Zero(c)
	for _, a := range amounts {
		var err error
		if sum, err = sum.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return sum, nil
}

// Add returns a + b.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := same(a, b); err != nil {
		return Amount{}, err
	}
	sum := a.Minor + b.Minor
	if (sum > a.Minor) != (b.Minor > 0) {
		return Amount{}, fmt.Errorf("add %s and %s: %w", a, b, ErrOverflow)
	}
	return Amount{sum, a.Currency}, nil
}

// Sub returns a − b.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := same(a, b); err != nil {
		return Amount{}, err
	}
	diff := a.Minor - b.Minor
	if (diff < a.Minor) != (b.Minor > 0) {
		return Amount{}, fmt.Errorf("subtract %s from %s: %w", b, a, ErrOverflow)
	}
	return Amount{diff, a.Currency}, nil
}

// Neg returns −a.
func (a Amount) Neg() (Amount, error) {
	if a.Minor == math.MinInt64 {
		return Amount{}, fmt.Errorf("negate %s: %w", a, ErrOverflow)
	}
	return Amount{-a.Minor, a.Currency}, nil
}

// Cmp returns −1, 0 or +1 as a is less than, equal to or more than b. There is no order between
// currencies, and no bool or int could say so: it is an error.
func (a Amount) Cmp(b Amount) (int, error) {
	if err := same(a, b); err != nil {
		return 0, err
	}
	switch {
	case a.Minor < b.Minor:
		return -1, nil
	case a.Minor > b.Minor:
		return 1, nil
	}
	return 0, nil
}

// Min returns the lesser of a and b.
func Min(a, b Amount) (Amount, error) {
	order, err := a.Cmp(b)
	if err != nil {
		return Amount{}, err
	}
	if order > 0 {
		return b, nil
	}
	return a, nil
}

// IsZero says whether a is no money, of any currency or of none.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// IsPositive says whether a is more than nothing.
func (a Amount) IsPositive() bool { return a.Minor > 0 }

// IsNegative says whether a is less than nothing.
func (a Amount) IsNegative() bool { return a.Minor < 0 }

// Percent returns basisPoints hundredths of a percent of a (290 is 2.9 %), rounded once to the
// minor unit, half away from zero.
func (a Amount) Percent(basisPoints int64) (Amount, error) {
	minor, ok := mulDiv(a.Minor, basisPoints, 10_000)
	if !ok {
		return Amount{}, fmt.Errorf("take %d basis points of %s: %w", basisPoints, a, ErrOverflow)
	}
	return Amount{minor, a.Currency}, nil
}

// Times returns a × q, rounded once to the minor unit, half away from zero.
func (a Amount) Times(q Quantity) (Amount, error) {
	minor, ok := mulDiv(a.Minor, int64(q), quantityOne)
	if !ok {
		return Amount{}, fmt.Errorf("multiply %s by %s: %w", a, q, ErrOverflow)
	}
	return Amount{minor, a.Currency}, nil
}

// Round returns the multiple of the currency's Step nearest to a, half away from zero: a surcharge
// of 1.234 KWD is charged as 1.230 KWD.
func (a Amount) Round() (Amount, error) {
	step := a.Currency.Step()
	steps, _ := mulDiv(a.Minor, 1, step)
	minor, ok := mulDiv(steps, step, 1)
	if !ok {
		return Amount{}, fmt.Errorf("round %s: %w", a, ErrOverflow)
	}
	return Amount{minor, a.Currency}, nil
}

// UnmarshalJSON reads {"minor":1050,"currency":"USD"}. Both members are required, minor is a
// whole number, and the currency is a known one in capitals.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var in struct {
		Minor    *int64    `json:"minor"`
		Currency *Currency `json:"currency"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("read amount: %w", err)
	}
	if in.Minor == nil || in.Currency == nil {
		return errors.New("read amount: minor and currency are required")
	}
	*a = Amount{*in.Minor, *in.Currency}
	return nil
}

func same(a, b Amount) error {
	if a.Currency != b.Currency || a.Currency == "" {
		return fmt.Errorf("%w: %q and %q", ErrCurrency, a.Currency, b.Currency)
	}
	return nil
}

// mulDiv returns x × y ÷ div, rounded half away from zero, by way of 128 bits; ok is false when
// the result is no int64. div is positive.
func mulDiv(x, y, div int64) (result int64, ok bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	lo, carry := bits.Add64(lo, uint64(div)/2, 0)
	hi += carry
	if hi >= uint64(div) {
		return 0, false
	}
	quotient, _ := bits.Div64(hi, lo, uint64(div))
	if (x < 0) != (y < 0) {
		if quotient > 1<<63 {
			return 0, false
		}
		return int64(-quotient), true
	}
	return int64(quotient), quotient <= math.MaxInt64
}

// magnitude returns |n|, which for the least int64 only fits into a uint64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}
