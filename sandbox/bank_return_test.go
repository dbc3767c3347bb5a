package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

func onlyDispute(t *testing.T, sc *client.API, intentID string) *stripe.Dispute {
	t.Helper()
	it := sc.Disputes.List(&stripe.DisputeListParams{PaymentIntent: &intentID})
	if !it.Next() {
		t.Fatal("no dispute", it.Err())
	}
	d := it.Dispute()
	if it.Next() {
		t.Fatal("more than one dispute")
	}
	return d
}

func TestReturn_AfterSuccessIsADisputeLostAtOnce(t *testing.T) {
	s, sc := setup(t)
	pi := mustDebit(t, sc, "pm_usBankAccount_dispute", "", nil)
	advance(t, s, "96h")
	if now := intentNow(t, sc, pi.ID); now.Status != "succeeded" {
		t.Fatal(now.Status)
	}
	advance(t, s, "24h")
	d := onlyDispute(t, sc, pi.ID)
	if d.Status != "lost" || d.Reason != "insufficient_funds" || d.Amount != 100000 || d.IsChargeRefundable || len(d.BalanceTransactions) != 1 {
		t.Fatalf("%+v", d)
	}
	if b := d.BalanceTransactions[0]; b.Amount != -100000 || b.Fee != 400 || b.Net != -100400 {
		t.Errorf("%+v", b)
	}
	now := intentNow(t, sc, pi.ID)
	if now.Status != "succeeded" || !now.LatestCharge.Disputed {
		t.Errorf("%s, disputed %v", now.Status, now.LatestCharge.Disputed)
	}
	kinds := eventTypes(t, sc)
	for _, want := range []string{"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %s", want)
		}
	}
	_, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
	if e := stripeError(t, err); e.Code != "charge_disputed" {
		t.Error(e)
	}
	if last := truthOf(t, s); last[len(last)-1].Kind != "dispute" || last[len(last)-1].Status != "lost" || last[len(last)-1].PaymentIntent != pi.ID {
		t.Errorf("%+v", last[len(last)-1])
	}
	if net, fees := balance(t, sc); net != -900 || fees != 900 {
		t.Errorf("net %d, fees %d", net, fees)
	}
}

func TestReturn_OnDemand(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	settled, under := mustDebit(t, sc, ba.ID, cus, nil), mustDebit(t, sc, "pm_usBankAccount_success", "", nil)
	if got := control(t, s, "POST", "/bank/returns", `{"payment_intent":"`+under.ID+`","reason":"account_closed"}`); got["status"] != "requires_payment_method" {
		t.Errorf("a debit under way: %v", got)
	}
	advance(t, s, "96h")
	if now := intentNow(t, sc, under.ID); now.Status != "requires_payment_method" {
		t.Errorf("what was returned settles all the same: %s", now.Status)
	}
	refund, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &settled.ID, Amount: stripe.Int64(40000)})
	if err != nil || refund.Status != "pending" || refund.DestinationDetails.USBankTransfer == nil {
		t.Fatal(refund, err)
	}
	advance(t, s, "120h")
	if refund, err = sc.Refunds.Get(refund.ID, nil); err != nil || refund.Status != "succeeded" {
		t.Error(refund.Status, err)
	}
	mandate := intentNow(t, sc, settled.ID).LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID
	got := control(t, s, "POST", "/bank/returns", `{"payment_intent":"`+settled.ID+`","reason":"debit_not_authorized"}`)
	if got["object"] != "dispute" || got["amount"] != float64(100000) || got["status"] != "lost" {
		t.Errorf("the bank takes all of it, whatever was refunded: %v", got)
	}
	if d, err := sc.Mandates.Get(mandate, nil); err != nil || d.Status != "inactive" {
		t.Error(d.Status, err)
	}
	if !slices.Contains(eventTypes(t, sc), "mandate.updated") {
		t.Error("no mandate.updated")
	}
	_, err = debit(sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData = nil })
	if e := stripeError(t, err); !strings.HasPrefix(e.Msg, "This PaymentIntent requires a mandate") {
		t.Error(e)
	}
	_, err = debit(sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.Mandate = nil, &mandate })
	if e := stripeError(t, err); e.Code != "payment_intent_mandate_invalid" {
		t.Error(e)
	}
	for name, body := range map[string]string{
		"twice":      `{"payment_intent":"` + settled.ID + `"}`,
		"unknown":    `{"payment_intent":"pi_none"}`,
		"no debit":   `{"payment_intent":"` + mustPay(t, sc, "pm_card_visa", nil).ID + `"}`,
		"failed":     `{"payment_intent":"` + under.ID + `"}`,
		"odd reason": `{"payment_intent":"` + mustDebit(t, sc, "pm_usBankAccount_success", "", nil).ID + `","reason":"mood"}`,
		"odd field":  `{"payment":"x"}`,
	} {
		resp, err := http.Post(s.URL()+"/bank/returns", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

func TestDispute_OfADebitIsFinal(t *testing.T) {
	s, sc := setup(t)
	pi := mustDebit(t, sc, "pm_usBankAccount_success", "", nil)
	resp, err := http.Post(s.URL()+"/disputes", "application/json", strings.NewReader(`{"payment_intent":"`+pi.ID+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Error("a debit under way can be disputed")
	}
	advance(t, s, "96h")
	if got := control(t, s, "POST", "/disputes", `{"payment_intent":"`+pi.ID+`","reason":"customer_initiated"}`); got["status"] != "lost" || got["reason"] != "customer_initiated" {
		t.Error(got)
	}
}
