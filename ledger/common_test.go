package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"paylink/money"
)

func TestCommonTransactionsBookWhatTheySay(t *testing.T) {
	h := header()
	split := Split{Held: Stripe("USD"), Invoice: "inv_1", Customer: "cus_1", Applied: usd(200), Fee: usd(7), Excess: usd(50)}
	for _, c := range []struct {
		kind Kind
		make func() (Transaction, error)
		want []Posting
	}{
		{KindIssue, func() (Transaction, error) { return Issue(h, "inv_1", usd(1000)) },
			[]Posting{{"invoice:inv_1", usd(1000)}, {"sales", usd(-1000)}}},
		{KindAdjust, func() (Transaction, error) { return Adjust(h, "inv_1", usd(30)) },
			[]Posting{{"invoice:inv_1", usd(30)}, {"sales", usd(-30)}}},
		{KindAdjust, func() (Transaction, error) { return Adjust(h, "inv_1", usd(-30)) },
			[]Posting{{"sales", usd(30)}, {"invoice:inv_1", usd(-30)}}},
		{KindVoid, func() (Transaction, error) { return Void(h, "inv_1", usd(1000)) },
			[]Posting{{"sales", usd(1000)}, {"invoice:inv_1", usd(-1000)}}},
		{KindCredit, func() (Transaction, error) { return CreditNote(h, "inv_1", usd(25)) },
			[]Posting{{"sales", usd(25)}, {"invoice:inv_1", usd(-25)}}},
		{KindPayment, func() (Transaction, error) { return Settle(h, split) },
			[]Posting{{"stripe:USD", usd(257)}, {"invoice:inv_1", usd(-200)}, {"fees", usd(-7)}, {"overpayment:cus_1", usd(-50)}}},
		{KindRefund, func() (Transaction, error) { return Refund(h, split) },
			[]Posting{{"stripe:USD", usd(-257)}, {"invoice:inv_1", usd(200)}, {"fees", usd(7)}, {"overpayment:cus_1", usd(50)}}},
		{KindReturn, func() (Transaction, error) { return Return(h, split) },
			[]Posting{{"stripe:USD", usd(-257)}, {"invoice:inv_1", usd(200)}, {"fees", usd(7)}, {"overpayment:cus_1", usd(50)}}},
		{KindDispute, func() (Transaction, error) { return Dispute(h, split) },
			[]Posting{{"stripe:USD", usd(-257)}, {"invoice:inv_1", usd(200)}, {"fees", usd(7)}, {"overpayment:cus_1", usd(50)}}},
		{KindPayment, func() (Transaction, error) {
			return Settle(h, Split{Held: ByHand("cheque"), Invoice: "inv_1", Applied: usd(200)})
		}, []Posting{{"hand:cheque", usd(200)}, {"invoice:inv_1", usd(-200)}}},
		{KindPayment, func() (Transaction, error) {
			return Settle(h, Split{Held: Stripe("USD"), Customer: "cus_1", Applied: usd(0), Fee: usd(0), Excess: usd(50)})
		}, []Posting{{"stripe:USD", usd(50)}, {"overpayment:cus_1", usd(-50)}}},
		{KindOverpayment, func() (Transaction, error) { return UseOverpayment(h, "cus_1", "inv_2", usd(50)) },
			[]Posting{{"overpayment:cus_1", usd(50)}, {"invoice:inv_2", usd(-50)}}},
		{KindOverpayment, func() (Transaction, error) { return KeepOverpayment(h, "cus_1", usd(50)) },
			[]Posting{{"overpayment:cus_1", usd(50)}, {"credit:cus_1", usd(-50)}}},
		{KindOverpayment, func() (Transaction, error) { return UseCredit(h, "cus_1", "inv_2", usd(50)) },
			[]Posting{{"credit:cus_1", usd(50)}, {"invoice:inv_2", usd(-50)}}},
	} {
		got, err := c.make()
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		if got.Kind != c.kind || !slices.Equal(got.Postings, c.want) {
			t.Errorf("%s: booked %s %v, want %v", c.kind, got.Kind, got.Postings, c.want)
		}
		if got.ID != h.ID || got.SourceType != h.SourceType || got.SourceID != h.SourceID || !got.At.Equal(h.At) || got.Memo != h.Memo {
			t.Errorf("%s: header is lost: %+v", c.kind, got)
		}
	}
}

func TestNothingIsBookedThatDoesNotMoveMoneyForwards(t *testing.T) {
	h := header()
	for name, c := range map[string]func() (Transaction, error){
		"issue of nothing":     func() (Transaction, error) { return Issue(h, "inv_1", usd(0)) },
		"issue of less":        func() (Transaction, error) { return Issue(h, "inv_1", usd(-1)) },
		"issue of no currency": func() (Transaction, error) { return Issue(h, "inv_1", money.Amount{Minor: 5}) },
		"issue to nobody":      func() (Transaction, error) { return Issue(h, "", usd(5)) },
		"issue without header": func() (Transaction, error) { return Issue(Header{}, "inv_1", usd(5)) },
		"adjust by nothing":    func() (Transaction, error) { return Adjust(h, "inv_1", usd(0)) },
		"void of nothing":      func() (Transaction, error) { return Void(h, "inv_1", usd(0)) },
		"negative credit note": func() (Transaction, error) { return CreditNote(h, "inv_1", usd(-5)) },
		"payment of nothing":   func() (Transaction, error) { return Settle(h, Split{Held: Stripe("USD"), Invoice: "inv_1"}) },
		"payment of zeros": func() (Transaction, error) {
			return Settle(h, Split{Held: Stripe("USD"), Applied: usd(0), Fee: usd(0)})
		},
		"negative payment": func() (Transaction, error) {
			return Settle(h, Split{Held: Stripe("USD"), Invoice: "inv_1", Applied: usd(-5)})
		},
		"negative fee": func() (Transaction, error) {
			return Settle(h, Split{Held: Stripe("USD"), Invoice: "inv_1", Applied: usd(9), Fee: usd(-5)})
		},
		"payment to no invoice": func() (Transaction, error) { return Settle(h, Split{Held: Stripe("USD"), Applied: usd(5)}) },
		"excess of no customer": func() (Transaction, error) { return Settle(h, Split{Held: Stripe("USD"), Excess: usd(5)}) },
		"payment to nowhere":    func() (Transaction, error) { return Settle(h, Split{Invoice: "inv_1", Applied: usd(5)}) },
		"payment into sales":    func() (Transaction, error) { return Settle(h, Split{Held: Sales, Invoice: "inv_1", Applied: usd(5)}) },
		"payment into invoice": func() (Transaction, error) {
			return Settle(h, Split{Held: Invoice("inv_2"), Invoice: "inv_1", Applied: usd(5)})
		},
		"refund out of a credit": func() (Transaction, error) {
			return Refund(h, Split{Held: Credit("cus_1"), Invoice: "inv_1", Applied: usd(5)})
		},
		"dollars at Stripe's €": func() (Transaction, error) {
			return Settle(h, Split{Held: Stripe("EUR"), Invoice: "inv_1", Applied: usd(5)})
		},
	} {
		if got, err := c(); err == nil {
			t.Errorf("%s was booked: %v", name, got.Postings)
		}
	}
	if _, err := Refund(h, Split{Held: Stripe("USD")}); err == nil || !strings.Contains(err.Error(), "nothing moved") {
		t.Errorf("refund of nothing: %v, want it said", err)
	}
	mixed := Split{Held: Stripe("USD"), Invoice: "inv_1", Applied: usd(5), Fee: money.New(1, "EUR")}
	if _, err := Settle(h, mixed); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("two currencies in one payment: %v, want ErrCurrency", err)
	}
	huge := Split{Held: Stripe("USD"), Invoice: "inv_1", Customer: "cus_1", Applied: usd(1 << 62), Excess: usd(1 << 62)}
	if _, err := Settle(h, huge); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("more than fits: %v, want ErrOverflow", err)
	}
	if _, err := Adjust(h, "inv_1", usd(-1<<63)); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("less than can be turned round: %v, want ErrOverflow", err)
	}
}

func ExampleSettle() {
	paid, err := Settle(header(), Split{
		Held: Stripe("USD"), Invoice: "inv_1", Customer: "cus_1",
		Applied: money.New(22_500, "USD"), Fee: money.New(653, "USD"),
	})
	for _, p := range paid.Postings {
		fmt.Println(p.Account, p.Amount)
	}
	fmt.Println(err)
	// Output:
	// stripe:USD 231.53 USD
	// invoice:inv_1 -225.00 USD
	// fees -6.53 USD
	// <nil>
}
