package paylink_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"paylink"
	"paylink/money"
)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func open(total int64, rules paylink.PartialRules) paylink.Invoice {
	return paylink.Invoice{ID: "inv_1", State: paylink.StateOpen, Currency: "USD", Total: usd(total), Partial: rules}
}

func TestWhatMayBePaid(t *testing.T) {
	parts := paylink.PartialRules{Allowed: true, Minimum: 5000}
	for name, test := range map[string]struct {
		invoice paylink.Invoice
		balance paylink.Balance
		amount  int64
		code    string // "" is payable
		lower   int64
		upper   int64
	}{
		"all of it":                        {open(100000, parts), paylink.Balance{Total: 100000}, 100000, "", 0, 0},
		"a part":                           {open(100000, parts), paylink.Balance{Total: 100000}, 22500, "", 0, 0},
		"the smallest part":                {open(100000, parts), paylink.Balance{Total: 100000}, 5000, "", 0, 0},
		"less than that":                   {open(100000, parts), paylink.Balance{Total: 100000}, 4999, "amount.under", 0, 5000},
		"nothing":                          {open(100000, parts), paylink.Balance{Total: 100000}, 0, "amount.zero", 0, 5000},
		"below nothing":                    {open(100000, parts), paylink.Balance{Total: 100000}, -1, "amount.zero", 0, 5000},
		"a cent too much":                  {open(77500, parts), paylink.Balance{Total: 77500}, 77501, "amount.over", 77500, 0},
		"what is on its way":               {open(100000, parts), paylink.Balance{Total: 100000, Paid: 20000, Pending: 5000}, 80000, "amount.over_pending", 75000, 0},
		"dust left":                        {open(75000, parts), paylink.Balance{Total: 75000}, 72000, "amount.dust", 70000, 75000},
		"the rest smaller than it":         {open(100000, parts), paylink.Balance{Total: 100000, Paid: 97000}, 3000, "", 0, 0},
		"only the whole":                   {open(100000, paylink.PartialRules{}), paylink.Balance{Total: 100000}, 50000, "amount.whole", 0, 100000},
		"a deposit first":                  {open(100000, paylink.PartialRules{Allowed: true, Minimum: 5000, FirstMinimum: 30000}), paylink.Balance{Total: 100000}, 29999, "amount.under", 0, 30000},
		"while the deposit is on its way":  {open(100000, paylink.PartialRules{Allowed: true, Minimum: 5000, FirstMinimum: 30000}), paylink.Balance{Total: 100000, Pending: 30000}, 5000, "", 0, 0},
		"more than the whole":              {open(100000, paylink.PartialRules{}), paylink.Balance{Total: 100000}, 100001, "amount.over", 100000, 0},
		"too large, its smallest part too": {open(150_000_000, paylink.PartialRules{Allowed: true, Minimum: 120_000_000}), paylink.Balance{Total: 150_000_000}, 99_999_999, "", 0, 0},
		"after the deposit":                {open(100000, paylink.PartialRules{Allowed: true, Minimum: 5000, FirstMinimum: 30000}), paylink.Balance{Total: 100000, Paid: 30000, Payments: 1}, 5000, "", 0, 0},
		"more than one charge":             {open(200_000_000, paylink.PartialRules{Allowed: true}), paylink.Balance{Total: 200_000_000}, 100_000_000, "amount.over_charge", 99_999_999, 0},
		"void":                             {paylink.Invoice{State: paylink.StateVoid, Currency: "USD"}, paylink.Balance{Total: 100}, 100, "payable.void", 0, 0},
		"draft":                            {paylink.Invoice{State: paylink.StateDraft, Currency: "USD"}, paylink.Balance{Total: 100}, 100, "payable.draft", 0, 0},
		"paid":                             {open(1000, parts), paylink.Balance{Total: 1000, Paid: 1000}, 1000, "payable.paid", 0, 0},
		"reserved":                         {open(1000, parts), paylink.Balance{Total: 1000, Pending: 1000}, 1000, "payable.reserved", 0, 0},
		"less than a card takes":           {open(1000, parts), paylink.Balance{Total: 1000, Paid: 951}, 49, "payable.too_small", 0, 0},
		"whole and too large":              {open(200_000_000, paylink.PartialRules{}), paylink.Balance{Total: 200_000_000}, 200_000_000, "payable.too_large", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := paylink.PayableOf(test.invoice, test.balance).Check(usd(test.amount))
			code, lower, upper := said(err)
			if code != test.code || lower != test.lower || upper != test.upper {
				t.Errorf("%q lower %d upper %d, want %q %d %d", code, lower, upper, test.code, test.lower, test.upper)
			}
		})
	}
	if code, _, _ := said(paylink.PayableOf(open(1000, parts), paylink.Balance{Total: 1000}).Check(money.New(1000, "EUR"))); code != "currency" {
		t.Errorf("another currency: %q", code)
	}
}

// said takes an error apart: its code and the amounts it proposes.
func said(err error) (code string, lower, upper int64) {
	e, ok := errors.AsType[*paylink.Error](err)
	if !ok {
		return "", 0, 0
	}
	code, args := e.Code, e.Args
	if len(e.Fields) > 0 {
		code, args = e.Fields[0].Code, e.Fields[0].Args
	}
	for n := 0; n+1 < len(args); n += 2 {
		amount, _ := args[n+1].(money.Amount)
		switch args[n] {
		case "lower":
			lower = cmp.Or(amount.Minor, -1) // to propose nothing is to say nothing
		case "upper":
			upper = cmp.Or(amount.Minor, -1)
		}
	}
	return code, lower, upper
}

// Where Stripe charges no fractions, nothing else is asked for, allowed or proposed.
// https://docs.stripe.com/currencies#special-cases
func TestWhatMayBePaidWhereNoFractionsAreCharged(t *testing.T) {
	isk := func(minor int64) money.Amount { return money.New(minor, "ISK") }
	i := paylink.Invoice{State: paylink.StateOpen, Currency: "ISK", Total: isk(100000), Partial: paylink.PartialRules{Allowed: true, Minimum: 1050, FirstMinimum: 2950}}
	for _, test := range []struct {
		balance             paylink.Balance
		amount              int64
		code                string
		lower, upper, least int64
	}{
		{paylink.Balance{Total: 100000}, 5050, "amount.step", 5000, 5100, 3000},
		{paylink.Balance{Total: 100000}, 2950, "amount.step", 0, 3000, 3000},
		{paylink.Balance{Total: 100000, Paid: 50000, Payments: 1}, 1100, "", 0, 0, 1100},
		{paylink.Balance{Total: 100000, Paid: 50000, Payments: 1}, 49500, "amount.dust", 48900, 50000, 1100},
	} {
		p := paylink.PayableOf(i, test.balance)
		code, lower, upper := said(p.Check(isk(test.amount)))
		if code != test.code || lower != test.lower || upper != test.upper || p.Min != test.least {
			t.Errorf("%d of %+v: %q lower %d upper %d, at least %d, want %+v", test.amount, test.balance, code, lower, upper, p.Min, test)
		}
	}
}

func TestMostLeavesNothingThatCannotBePaid(t *testing.T) {
	if most := paylink.PayableOf(open(100_000_020, paylink.PartialRules{Allowed: true}), paylink.Balance{Total: 100_000_020}).Most(); most != usd(99_999_970) {
		t.Errorf("%v", most)
	}
	for currency, least := range map[money.Currency]int64{"USD": 50, "GBP": 30, "JPY": 50, "KWD": 500} {
		if got := paylink.MinCharge(currency); got != least {
			t.Errorf("%s: at least %d, want %d", currency, got, least)
		}
	}
}

func TestWhatCannotBePaidHasNoAmounts(t *testing.T) {
	i := open(100000, paylink.PartialRules{Allowed: true, Instalments: []paylink.Instalment{{Amount: 25000}, {Amount: 75000}}})
	i.State = paylink.StateVoid
	if p := paylink.PayableOf(i, paylink.Balance{Total: 100000}); p.Next != nil || p.Min != 0 || p.Max != 0 {
		t.Errorf("%+v", p)
	}
	i.State, i.Partial.Minimum = paylink.StateOpen, 30000
	if p := paylink.PayableOf(i, paylink.Balance{Total: 100000}); p.Next != nil {
		t.Errorf("%+v is proposed and may not be paid", p.Next)
	}
}

// Whatever the rules and wherever the invoice stands: what may be paid never overpays, never leaves
// what could not be paid later, and a proposal may be paid.
func TestPayableNeverOverpaysAndItsProposalsMayBePaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]money.Currency{"USD", "USD", "ISK", "KWD", "JPY"}).Draw(t, "currency")
		step := currency.Step()
		total := rapid.Int64Range(1, 300_000_000/step).Draw(t, "total") * step
		rules := paylink.PartialRules{
			Allowed: rapid.Bool().Draw(t, "allowed"), Minimum: rapid.Int64Range(0, total).Draw(t, "minimum"),
			FirstMinimum: rapid.Int64Range(0, total).Draw(t, "first"),
		}
		paid := rapid.Int64Range(0, total/step).Draw(t, "paid") * step
		balance := paylink.Balance{Total: total, Paid: paid, Pending: rapid.Int64Range(0, (total-paid)/step).Draw(t, "pending") * step}
		if paid > 0 {
			balance.Payments = 1
		}
		i := open(total, rules)
		i.Currency, i.Total = currency, money.New(total, currency)
		p := paylink.PayableOf(i, balance)
		of := func(minor int64) money.Amount { return money.New(minor, currency) }
		if p.Why == "" && p.Check(p.Most()) != nil {
			t.Fatalf("%v is the most that may be paid of %+v by %+v, and may not", p.Most(), balance, rules)
		}
		amount := rapid.OneOf(rapid.Int64Range(-10, total+10), rapid.SampledFrom([]int64{p.Min, p.Max, p.Due, p.Due - p.Keep, p.Min - 1, p.Max + 1})).Draw(t, "amount")
		err := p.Check(of(amount))
		if err == nil {
			left := balance.Due() - amount
			if amount <= 0 || amount > balance.Due() || amount > paylink.MaxCharge || amount%step != 0 || left != 0 && left < paylink.MinCharge(currency) {
				t.Fatalf("%d may be paid of %+v by %+v", amount, balance, rules)
			}
			return
		}
		_, lower, upper := said(err)
		for _, proposal := range []int64{lower, upper} {
			if proposal != 0 && p.Check(of(proposal)) != nil {
				t.Fatalf("%d is proposed for %d and may not be paid: %v; %+v", proposal, amount, p.Check(of(proposal)), p)
			}
		}
	})
}

func TestNextInstalmentIsWhatIsNotCovered(t *testing.T) {
	rules := paylink.PartialRules{Allowed: true, Minimum: 1000, Instalments: []paylink.Instalment{{Amount: 25000, Due: "2026-12-01"}, {Amount: 75000, Due: "2027-01-01"}}}
	for paid, want := range map[int64]int64{0: 25000, 10000: 15000, 25000: 75000, 60000: 40000} {
		p := paylink.PayableOf(open(100000, rules), paylink.Balance{Total: 100000, Paid: paid, Payments: 1})
		if p.Next == nil || p.Next.Amount != want {
			t.Errorf("after %d the next is %+v, want %d", paid, p.Next, want)
		}
	}
	if p := paylink.PayableOf(open(100000, rules), paylink.Balance{Total: 100000, Paid: 100000}); p.Next != nil {
		t.Errorf("paid, and %+v is next", p.Next)
	}
}

func TestStatusOfAnInvoice(t *testing.T) {
	i := open(1000, paylink.PartialRules{})
	for want, b := range map[paylink.InvoiceStatus]paylink.Balance{
		paylink.InvoiceOpen:          {Total: 1000, Pending: 1000},
		paylink.InvoicePartiallyPaid: {Total: 1000, Paid: 1},
		paylink.InvoicePaid:          {Total: 1000, Paid: 600, Credited: 400},
	} {
		if got := i.Status(b); got != want {
			t.Errorf("%+v is %s, want %s", b, got, want)
		}
	}
	zone := time.FixedZone("west", -8*3600)
	i.Due = "2026-11-27"
	before, after := time.Date(2026, 11, 28, 7, 59, 59, 0, time.UTC), time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	b := paylink.Balance{Total: 1000}
	if i.Overdue(b, before, zone) || !i.Overdue(b, after, zone) || i.Overdue(paylink.Balance{Total: 1000, Paid: 1000}, after, zone) {
		t.Error("a due date ends at midnight where the firm is")
	}
	if never := open(1000, paylink.PartialRules{}); never.Overdue(b, after, zone) {
		t.Error("what has no due day is overdue")
	}
	if i.State = paylink.StateVoid; i.Overdue(b, after, zone) {
		t.Error("nobody owes a void invoice")
	}
}

func TestPaymentsMoveForwardAndSuccessBeatsAll(t *testing.T) {
	all := []paylink.PaymentStatus{
		paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Processing, paylink.Authorized,
		paylink.Failed, paylink.Canceled, paylink.Succeeded,
	}
	allowed := map[paylink.PaymentStatus]string{
		paylink.Created:        "confirming requires_action unknown processing authorized failed canceled succeeded",
		paylink.Confirming:     "requires_action unknown processing authorized failed canceled succeeded",
		paylink.RequiresAction: "unknown processing authorized failed canceled succeeded",
		paylink.Unknown:        "requires_action processing authorized failed canceled succeeded",
		paylink.Processing:     "unknown authorized failed canceled succeeded",
		paylink.Authorized:     "failed canceled succeeded",
		paylink.Failed:         "succeeded", paylink.Canceled: "succeeded", paylink.Succeeded: "",
	}
	for _, from := range all {
		got := ""
		for _, to := range all {
			if from.CanBecome(to) {
				if got != "" {
					got += " "
				}
				got += string(to)
			}
		}
		if got != allowed[from] {
			t.Errorf("%s may become %q, want %q", from, got, allowed[from])
		}
		ended := from == paylink.Failed || from == paylink.Canceled || from == paylink.Succeeded
		if from.Final() != ended || from.Reserving() == ended || !from.Known() {
			t.Errorf("%s reserves %v and is final %v", from, from.Reserving(), from.Final())
		}
	}
	if paylink.PaymentStatus("paid").Known() {
		t.Error("paid is no payment status")
	}
}
