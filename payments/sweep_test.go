package payments_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/store"
)

func (d *desk) sweepBalance() payments.Report {
	d.t.Helper()
	report, err := d.payments.SweepBalance(d.t.Context(), nil)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, d.log)
	}
	return report
}

func TestBalanceOfAnotherAmountIsADifferenceUntilTheyAgree(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		for range 2 {
			if report := d.sweepBalance(); report.Different != 1 {
				t.Errorf("%+v", report)
			}
		}
		for _, one := range d.differences() {
			if one.Kind != "balance" || one.PaymentID != p.ID || one.Ours == one.Theirs {
				t.Errorf("%+v", one)
			}
		}
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 20000 })
		if report := d.sweepBalance(); report.Different != 0 {
			t.Errorf("%+v", report)
		}
	})
}

// 35 days of movements are read every night: what is booked, and what other programs took, is not asked for one by one.
func TestSweepAsksStripeAboutNothingThatIsKnown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.refund("k1", p, 4000, paylink.RefundSucceeded, nil)
		late := d.pay("n2", 20000, d.card("pm_card_refundFail"), paylink.Succeeded)
		d.refund("k2", late, 3000, paylink.RefundSucceeded, nil)
		d.foreignCharge(7000, false)
		d.later(5 * 24 * time.Hour) // and the second refund has failed
		d.sweepBalance()
		d.fault("GET /v1/refunds/*", "500_before", 0)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		if report := d.sweepBalance(); report.Different != 0 || report.Seen["balance"] < 6 {
			t.Errorf("%+v", report)
		}
		d.wantBalance(36000, 0, 60000)
	})
}

// Held money was captured in Stripe's Dashboard, and nobody told.
func TestBalanceTellsOfAHoldThatWasCapturedByHand(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		if status := d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent+"/capture", url.Values{"amount_to_capture": {"40000"}}, nil); status != 200 {
			t.Fatalf("capture by hand: %d", status)
		}
		for range 2 { // Stripe books all of it, and what was not captured back: that is no difference
			if report := d.sweepBalance(); report.Different != 0 {
				t.Errorf("%+v %+v", report, d.differences())
			}
		}
		d.wantBalance(40000, 0, 24000)
		d.wantReceipts(1)
	})
}

func TestBalanceInAnotherCurrencyIsNotCompared(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.heard("GET /v1/balance_transactions", func(body string) string {
			return strings.ReplaceAll(strings.ReplaceAll(body, `"currency": "usd"`, `"currency": "eur"`), `"amount": 20000`, `"amount": 17300`)
		})
		if report := d.sweepBalance(); report.Different != 0 || report.Seen["balance"] != 1 {
			t.Errorf("%+v %+v", report, d.differences())
		}
	})
}

func TestBalanceOfAPaymentThatCannotBeFoundIsADifferenceOnlyOnceStripeWasAsked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		if report, err := d.payments.SweepBalance(t.Context(), nil); err == nil {
			t.Errorf("%+v, though Stripe did not answer", report)
		}
		if c, err := d.store.ListCursor(t.Context(), "balance"); err != nil || !c.Since.IsZero() {
			t.Errorf("the pass is said to be whole: %+v %v", c, err)
		}
		d.control("DELETE", "/faults", nil, nil)
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		d.sweepBalance()
		kinds := map[string]store.Difference{}
		for _, one := range d.differences() {
			kinds[one.Kind] = one
		}
		if len(kinds) != 2 || kinds["payment"].PaymentID != p.ID || kinds["balance"].Theirs == "" {
			t.Errorf("%+v", kinds)
		}
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 20000 })
		d.sweepBalance()
		d.reconcile()
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
	})
}
