package ledger

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"paylink/money"

	"pgregory.net/rapid"
)

// books are the balances of every account, as a store would add them up, and the standing of
// every invoice.
type books struct {
	balance  map[Account]money.Amount
	standing map[string]*Standing
}

// drawn is a transaction of any sort on one of three invoices of two customers, all in yen or
// all in dinars.
func drawn(t *rapid.T, c money.Currency) Transaction {
	invoice := rapid.SampledFrom([]string{"inv_1", "inv_2", "inv_3"}).Draw(t, "invoice")
	customer := rapid.SampledFrom([]string{"cus_1", "cus_2"}).Draw(t, "customer")
	amount := money.New(rapid.Int64Range(1, 1_000_000_000).Draw(t, "amount"), c)
	part := func(label string) money.Amount {
		return money.New(rapid.Int64Range(0, 1_000_000).Draw(t, label), c)
	}
	split := Split{Held: rapid.SampledFrom([]Account{Stripe(c), ByHand("cash")}).Draw(t, "held"),
		Invoice: invoice, Customer: customer, Applied: amount, Fee: part("fee"), Excess: part("excess")}
	h := header()
	made, err := rapid.SampledFrom([]func() (Transaction, error){
		func() (Transaction, error) { return Issue(h, invoice, amount) },
		func() (Transaction, error) { return Adjust(h, invoice, amount) },
		func() (Transaction, error) { return Adjust(h, invoice, money.New(-amount.Minor, c)) },
		func() (Transaction, error) { return Void(h, invoice, amount) },
		func() (Transaction, error) { return CreditNote(h, invoice, amount) },
		func() (Transaction, error) { return Settle(h, split) },
		func() (Transaction, error) { return Refund(h, split) },
		func() (Transaction, error) { return Return(h, split) },
		func() (Transaction, error) { return Dispute(h, split) },
		func() (Transaction, error) { return UseOverpayment(h, customer, invoice, amount) },
		func() (Transaction, error) { return KeepOverpayment(h, customer, amount) },
		func() (Transaction, error) { return UseCredit(h, customer, invoice, amount) },
	}).Draw(t, "kind")()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (b *books) post(t *rapid.T, tx Transaction) {
	for _, p := range tx.Postings {
		balance, ok := b.balance[p.Account]
		if !ok {
			balance = money.Zero(p.Amount.Currency)
		}
		balance, err := balance.Add(p.Amount)
		if err != nil {
			t.Fatal(err)
		}
		b.balance[p.Account] = balance
		for _, invoice := range []string{"inv_1", "inv_2", "inv_3"} {
			if p.Account != Invoice(invoice) {
				continue
			}
			if b.standing[invoice] == nil {
				fresh := NewStanding(p.Amount.Currency)
				b.standing[invoice] = &fresh
			}
			if err := b.standing[invoice].Book(tx.Kind, p.Amount); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBooksBalanceAfterAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]money.Currency{"JPY", "KWD"}).Draw(t, "currency")
		b := books{map[Account]money.Amount{}, map[string]*Standing{}}
		var booked []Transaction
		for range rapid.IntRange(1, 30).Draw(t, "transactions") {
			booked = append(booked, drawn(t, c))
			b.post(t, booked[len(booked)-1])
		}
		sum := money.Zero(c)
		for _, balance := range b.balance {
			var err error
			if sum, err = sum.Add(balance); err != nil {
				t.Fatal(err)
			}
		}
		if !sum.IsZero() {
			t.Fatalf("the books are off by %v", sum)
		}
		for invoice, standing := range b.standing {
			if owed, err := standing.Owed(); err != nil || owed != b.balance[Invoice(invoice)] {
				t.Fatalf("%s: owed %v, %v, but its account holds %v", invoice, owed, err, b.balance[Invoice(invoice)])
			}
		}

		// Taken back in any order, nothing is left anywhere, in any part of any standing.
		for _, tx := range rapid.Permutation(booked).Draw(t, "reversed") {
			reversal, err := tx.Reverse("ltx_2", tx.Kind, "reversal", tx.ID, noon)
			if err != nil {
				t.Fatal(err)
			}
			b.post(t, reversal)
		}
		for account, balance := range b.balance {
			if !balance.IsZero() {
				t.Fatalf("%v is left on %s", balance, account)
			}
		}
		for invoice, standing := range b.standing {
			if *standing != NewStanding(c) {
				t.Fatalf("%s stands at %v", invoice, *standing)
			}
		}
	})
}

func TestStandingFollowsTheWayOfAnInvoice(t *testing.T) {
	split := func(applied, fee, excess int64) Split {
		return Split{Held: Stripe("USD"), Invoice: "inv_1", Customer: "cus_1", Applied: usd(applied), Fee: usd(fee), Excess: usd(excess)}
	}
	standing := NewStanding("USD")
	var last Transaction
	for _, step := range []struct {
		what                  string
		tx                    func(Header) (Transaction, error)
		total, credited, paid int64
	}{
		{"issued", func(h Header) (Transaction, error) { return Issue(h, "inv_1", usd(1000_00)) }, 1000_00, 0, 0},
		{"edited", func(h Header) (Transaction, error) { return Adjust(h, "inv_1", usd(-100_00)) }, 900_00, 0, 0},
		{"paid in part, with a fee", func(h Header) (Transaction, error) { return Settle(h, split(225_00, 6_53, 0)) }, 900_00, 0, 225_00},
		{"refunded", func(h Header) (Transaction, error) { return Refund(h, split(25_00, 0, 0)) }, 900_00, 0, 200_00},
		{"not owed again", func(h Header) (Transaction, error) { return CreditNote(h, "inv_1", usd(25_00)) }, 900_00, 25_00, 200_00},
		{"paid, and too much", func(h Header) (Transaction, error) { return Settle(h, split(675_00, 0, 30_00)) }, 900_00, 25_00, 875_00},
		{"disputed", func(h Header) (Transaction, error) { return Dispute(h, split(675_00, 0, 30_00)) }, 900_00, 25_00, 200_00},
		{"won", func(h Header) (Transaction, error) {
			return last.Reverse(h.ID, KindDisputeWon, h.SourceType, h.SourceID, h.At)
		}, 900_00, 25_00, 875_00},
		{"refunded again", func(h Header) (Transaction, error) { return Refund(h, split(75_00, 0, 0)) }, 900_00, 25_00, 800_00},
		{"the refund failed", func(h Header) (Transaction, error) {
			return last.Reverse(h.ID, KindRefundFailed, h.SourceType, h.SourceID, h.At)
		}, 900_00, 25_00, 875_00},
		{"returned by the bank", func(h Header) (Transaction, error) { return Return(h, split(675_00, 0, 0)) }, 900_00, 25_00, 200_00},
		{"settled by an overpayment", func(h Header) (Transaction, error) { return UseOverpayment(h, "cus_1", "inv_1", usd(30_00)) }, 900_00, 25_00, 230_00},
		{"void", func(h Header) (Transaction, error) { return Void(h, "inv_1", usd(645_00)) }, 900_00, 670_00, 230_00},
	} {
		var err error
		if last, err = step.tx(header()); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		for _, p := range last.Postings {
			if p.Account != Invoice("inv_1") {
				continue
			}
			if err := standing.Book(last.Kind, p.Amount); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
		}
		if want := (Standing{usd(step.total), usd(step.credited), usd(step.paid)}); standing != want {
			t.Fatalf("%s: stands at %v, want %v", step.what, standing, want)
		}
	}
	if owed, err := standing.Owed(); err != nil || !owed.IsZero() {
		t.Errorf("a void invoice owes %v, %v", owed, err)
	}
}

func TestStandingRefusesWhatItCannotAdd(t *testing.T) {
	standing := NewStanding("USD")
	if err := standing.Book("gift", usd(1)); err == nil {
		t.Error("an unknown kind was booked")
	}
	if err := standing.Book(KindIssue, money.New(1, "EUR")); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("another currency: %v, want ErrCurrency", err)
	}
	for _, full := range []Standing{
		{usd(math.MinInt64), usd(1), usd(0)}, {usd(math.MinInt64), usd(0), usd(1)}, {usd(0), usd(math.MinInt64), usd(0)},
	} {
		if owed, err := full.Owed(); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("owed is %v, %v, want ErrOverflow", owed, err)
		}
	}
}

// FuzzCheck holds that whatever postings pass are balanced, by arithmetic of its own, and can be
// reversed.
func FuzzCheck(f *testing.F) {
	f.Add(int64(23153), int64(-22500), int64(-653), uint8(0))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(2), uint8(0))
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(1), uint8(0))
	f.Add(int64(5), int64(-5), int64(5), uint8(1))
	f.Fuzz(func(t *testing.T, a, b, c int64, mix uint8) {
		code := func(n int) money.Currency {
			if mix>>n&1 == 1 {
				return "EUR"
			}
			return "USD"
		}
		tx := sound()
		tx.Postings = []Posting{
			{ByHand("cash"), money.New(a, code(0))}, {Invoice("inv_1"), money.New(b, code(1))}, {Fees, money.New(c, code(2))},
		}
		if tx.Check() != nil {
			return
		}
		for _, currency := range []money.Currency{"USD", "EUR"} {
			sum := new(big.Int)
			for _, p := range tx.Postings {
				if p.Amount.Currency == currency {
					sum.Add(sum, big.NewInt(p.Amount.Minor))
				}
			}
			if sum.Sign() != 0 {
				t.Fatalf("%v passed, off by %s %s", tx.Postings, sum, currency)
			}
		}
		reversal, err := tx.Reverse("ltx_2", KindRefund, "refund", "ref_1", noon)
		if err != nil {
			t.Fatalf("%v cannot be reversed: %v", tx.Postings, err)
		}
		for i := range reversal.Postings {
			if reversal.Postings[i].Amount.Minor != -tx.Postings[i].Amount.Minor {
				t.Fatalf("%v reversed is %v", tx.Postings, reversal.Postings)
			}
		}
	})
}
