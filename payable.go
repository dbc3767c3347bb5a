package paylink

import (
	"time"

	"paylink/money"
)

// MaxCharge is the largest amount of one payment in minor units.
// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const MaxCharge = 99_999_999

// minCharge is Stripe's smallest charge by settlement in US dollars; other currencies have their
// own. https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
var minCharge = map[money.Currency]int64{
	"USD": 50, "AED": 200, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500,
	"DKK": 250, "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000,
	"MYR": 200, "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}

// MinCharge is the smallest amount of one payment in minor units. Where Stripe names none, it is
// half of a whole unit.
func MinCharge(c money.Currency) int64 {
	if least, ok := minCharge[c]; ok {
		return least
	}
	switch c.Exponent() {
	case 0:
		return 50
	case 3:
		return 500
	}
	return 50
}

// Payable is what may be paid of an invoice now: the one answer that page, mail, API and the
// payment itself go by.
type Payable struct {
	Currency money.Currency
	Balance  Balance
	Due      int64
	Why      string // "" when something can be paid; else why not: void, draft, paid, reserved, too_small, too_large
	Whole    bool   // only the whole due amount
	Min, Max int64  // of one payment
	Keep     int64  // what remains must be nothing or at least this
	Next     *Instalment
}

// PayableOf says what may be paid of an invoice where it stands.
func PayableOf(i Invoice, b Balance) Payable {
	p := Payable{Currency: i.Currency, Balance: b, Due: b.Due()}
	step := i.Currency.Step()
	up := func(minor int64) int64 { return (minor + step - 1) / step * step } // what can be charged, and is no less
	least := up(MinCharge(i.Currency))
	switch {
	case i.State == StateVoid:
		p.Why = "void"
	case i.State == StateDraft:
		p.Why = "draft"
	case p.Due == 0 && b.Pending > 0:
		p.Why = "reserved"
	case p.Due == 0:
		p.Why = "paid"
	case p.Due < least:
		p.Why = "too_small"
	case p.Due > MaxCharge && !i.Partial.Allowed:
		p.Why = "too_large"
	}
	if p.Why != "" {
		return p
	}
	p.Max = min(p.Due, MaxCharge/step*step)
	p.Keep = max(up(i.Partial.Minimum), least)
	p.Min = p.Keep
	if b.Payments == 0 && b.Pending == 0 {
		p.Min = max(p.Min, up(i.Partial.FirstMinimum))
	}
	switch noPart := min(p.Max, p.Due-p.Keep) < p.Min; {
	case p.Due <= MaxCharge && (noPart || !i.Partial.Allowed):
		p.Whole, p.Min = true, p.Due
		return p
	case noPart: // the whole is too much for one charge, so a part it must be
		p.Keep, p.Min = least, least
	}
	p.Next = i.nextInstalment(b)
	if p.Next != nil && p.Check(money.New(p.Next.Amount, p.Currency)) != nil {
		p.Next = nil
	}
	return p
}

// nextInstalment is the first part that what was paid or reserved does not cover, less what it
// does cover of it.
func (i Invoice) nextInstalment(b Balance) *Instalment {
	covered := b.Credited + b.Paid + b.Pending
	for _, part := range i.Partial.Instalments {
		if covered < part.Amount {
			return &Instalment{Amount: part.Amount - covered, Due: part.Due}
		}
		covered -= part.Amount
	}
	return nil
}

// Check says whether an amount may be paid now; the error says the rule and the nearest amounts
// that may ("lower" and "upper", either may be missing).
func (p Payable) Check(a money.Amount) error {
	amount := func(minor int64) money.Amount { return money.New(minor, p.Currency) }
	refuse := func(code string, args ...any) error {
		lower, upper := p.nearest(a.Minor)
		if lower > 0 {
			args = append(args, "lower", amount(lower))
		}
		if upper > 0 {
			args = append(args, "upper", amount(upper))
		}
		return &Error{Kind: Invalid, Code: "invalid", Fields: []FieldError{{Field: "amount", Code: code, Args: args}}}
	}
	switch {
	case p.Why != "":
		return Fail(Conflict, "payable."+p.Why)
	case a.Currency != p.Currency:
		return FailField("amount", "currency")
	case a.Minor <= 0:
		return refuse("amount.zero")
	case a.Minor%p.Currency.Step() != 0:
		return refuse("amount.step", "step", amount(p.Currency.Step()))
	case a.Minor > p.Max && p.Max < p.Due:
		return refuse("amount.over_charge", "most", amount(p.Max))
	case a.Minor > p.Max && p.Balance.Pending > 0:
		return refuse("amount.over_pending", "most", amount(p.Max), "pending", amount(p.Balance.Pending))
	case a.Minor > p.Max:
		return refuse("amount.over", "most", amount(p.Max))
	case p.Whole && a.Minor != p.Due:
		return refuse("amount.whole", "due", amount(p.Due))
	case a.Minor < p.Min:
		return refuse("amount.under", "least", amount(p.Min))
	case a.Minor != p.Due && p.Due-a.Minor < p.Keep:
		return refuse("amount.dust", "rest", amount(p.Due-a.Minor), "keep", amount(p.Keep))
	}
	return nil
}

// nearest gives the legal amounts on either side of one that is not; 0 where there is none.
func (p Payable) nearest(minor int64) (lower, upper int64) {
	most, step := p.Most().Minor, p.Currency.Step()
	beforeDust := min(most, p.Due-p.Keep)
	switch {
	case minor < p.Min:
		return 0, p.Min
	case minor >= most:
		return most, 0
	case minor > beforeDust:
		return beforeDust, most
	}
	return minor / step * step, minor/step*step + step // between two steps
}

// Most is the largest amount that may be paid now; the whole, but where that is more than one payment
// can be.
func (p Payable) Most() money.Amount {
	if p.Max < p.Due && p.Due-p.Max < p.Keep { // the largest charge would leave dust
		return money.New(p.Due-p.Keep, p.Currency)
	}
	return money.New(p.Max, p.Currency)
}

// Overdue says whether the due day has passed and something is still to pay.
func (i Invoice) Overdue(b Balance, now time.Time, zone *time.Location) bool {
	return i.State == StateOpen && i.Due != "" && b.Due() > 0 && !now.Before(i.Due.End(zone))
}
