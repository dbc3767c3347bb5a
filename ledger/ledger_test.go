package ledger

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/money"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func header() Header {
	return Header{ID: "ltx_1", SourceType: "payment", SourceID: "pay_1", At: noon, Memo: "by card"}
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// sound is a transaction that Check accepts.
func sound() Transaction {
	return Transaction{ID: "ltx_1", Kind: KindPayment, SourceType: "payment", SourceID: "pay_1", At: noon, Postings: []Posting{
		{Stripe("USD"), usd(231_53)}, {Invoice("inv_1"), usd(-225_00)}, {Fees, usd(-6_53)},
	}}
}

func TestCheckRefusesEachWayToBeUnsound(t *testing.T) {
	if err := sound().Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*Transaction)
		want  error // nil is any
	}{
		"no id":               {func(t *Transaction) { t.ID = "" }, nil},
		"no source type":      {func(t *Transaction) { t.SourceType = "" }, nil},
		"no source id":        {func(t *Transaction) { t.SourceID = "" }, nil},
		"no time":             {func(t *Transaction) { t.At = time.Time{} }, nil},
		"no kind":             {func(t *Transaction) { t.Kind = "" }, nil},
		"unknown kind":        {func(t *Transaction) { t.Kind = "gift" }, nil},
		"no postings":         {func(t *Transaction) { t.Postings = nil }, nil},
		"a penny short":       {func(t *Transaction) { t.Postings[2].Amount.Minor++ }, ErrUnbalanced},
		"one side alone":      {func(t *Transaction) { t.Postings = t.Postings[:2] }, ErrUnbalanced},
		"two currencies":      {func(t *Transaction) { t.Postings[2].Amount.Currency = "EUR" }, ErrUnbalanced},
		"unknown currency":    {func(t *Transaction) { t.Postings[2].Amount.Currency = "XXX" }, money.ErrCurrency},
		"no currency":         {func(t *Transaction) { t.Postings[2].Amount.Currency = "" }, money.ErrCurrency},
		"wrong Stripe":        {func(t *Transaction) { t.Postings[0].Account = Stripe("EUR") }, money.ErrCurrency},
		"a zero posting":      {func(t *Transaction) { t.Postings = append(t.Postings, Posting{Sales, usd(0)}) }, nil},
		"one posting":         {func(t *Transaction) { t.Postings = []Posting{{Sales, usd(0)}} }, nil},
		"no account":          {func(t *Transaction) { t.Postings[1].Account = "" }, nil},
		"unknown account":     {func(t *Transaction) { t.Postings[1].Account = "petty" }, nil},
		"nobody's invoice":    {func(t *Transaction) { t.Postings[1].Account = Invoice("") }, nil},
		"an invoice's colon":  {func(t *Transaction) { t.Postings[1].Account = Invoice("inv_1:x") }, nil},
		"an invoice's blank":  {func(t *Transaction) { t.Postings[1].Account = Invoice("inv_1 ") }, nil},
		"an invoice's umlaut": {func(t *Transaction) { t.Postings[1].Account = Invoice("ïnv_1") }, nil},
		"no bare invoice":     {func(t *Transaction) { t.Postings[1].Account = "invoice" }, nil},
		"sales of somebody":   {func(t *Transaction) { t.Postings[1].Account = Sales + ":inv_1" }, nil},
		"Stripe in no money":  {func(t *Transaction) { t.Postings[0].Account = Stripe("usd") }, nil},
		"too much": {func(t *Transaction) {
			t.Postings = []Posting{{Sales, usd(math.MaxInt64)}, {Sales, usd(math.MaxInt64)}, {Sales, usd(2)}}
		}, money.ErrOverflow},
		"irreversible": {func(t *Transaction) {
			t.Postings = []Posting{{Sales, usd(math.MinInt64)}, {Sales, usd(math.MaxInt64)}, {Sales, usd(1)}}
		}, money.ErrOverflow},
	} {
		bad := sound()
		c.spoil(&bad)
		err := bad.Check()
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := bad.Reverse("ltx_2", KindRefund, "refund", "ref_1", noon); err == nil {
			t.Errorf("%s: was reversed", name)
		}
	}
}

func TestTransactionMayHoldTwoBalancedCurrencies(t *testing.T) {
	both := sound()
	both.Postings = append(both.Postings, Posting{Stripe("EUR"), money.New(5, "EUR")}, Posting{Fees, money.New(-5, "EUR")})
	if err := both.Check(); err != nil {
		t.Error(err)
	}
}

func TestReversalIsATransactionOfItsOwn(t *testing.T) {
	first := sound()
	reversal, err := first.Reverse("ltx_2", KindReturn, "dispute", "dp_1", noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []Posting{{Stripe("USD"), usd(-231_53)}, {Invoice("inv_1"), usd(225_00)}, {Fees, usd(6_53)}}
	if !slices.Equal(reversal.Postings, want) {
		t.Errorf("postings are %v, want %v", reversal.Postings, want)
	}
	if reversal.ID != "ltx_2" || reversal.Kind != KindReturn || reversal.SourceType != "dispute" ||
		reversal.SourceID != "dp_1" || !reversal.At.Equal(noon.Add(time.Hour)) || !strings.Contains(reversal.Memo, "ltx_1") {
		t.Errorf("reversal is %+v", reversal)
	}
	if !slices.Equal(first.Postings, sound().Postings) {
		t.Errorf("the reversed transaction changed: %v", first.Postings)
	}
	if _, err := first.Reverse("", KindReturn, "dispute", "dp_1", noon); err == nil {
		t.Error("a reversal without an id was made")
	}
}
