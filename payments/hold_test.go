package payments_test

import (
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
)

func (d *desk) hold() paylink.Payment {
	d.t.Helper()
	d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
	return d.pay("hold", 64000, d.card("pm_card_visa"), paylink.Authorized)
}

func TestCaptureOfAPartBooksThatPartAndLetsTheRestGo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		for _, bad := range []money.Amount{money.New(0, "USD"), money.New(-1, "USD"), money.New(64001, "USD"), money.New(100, "EUR")} {
			if _, err := d.payments.Capture(t.Context(), "staff:1", p.ID, bad); paylink.KindOf(err) != paylink.Invalid {
				t.Errorf("captured %s: %v", bad, err)
			}
		}
		d.wantBalance(0, 64000, 0)
		p, err := d.payments.Capture(t.Context(), "staff:1", p.ID, money.New(40000, "USD"))
		if err != nil || p.Status != paylink.Succeeded || p.Amount.Minor != 40000 {
			t.Fatalf("%+v %v", p, err)
		}
		d.wantBalance(40000, 0, 24000)
		d.wantReceipts(1)
		// What Stripe goes on saying of it changes nothing and is believed.
		in, err := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()}).Intent(t.Context(), p.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if again, err := d.payments.Apply(t.Context(), in); err != nil || again.Problem != "" || again.Amount.Minor != 40000 {
				t.Errorf("applied again: %+v %v", again, err)
			}
		}
		d.wantBalance(40000, 0, 24000)
		if _, err := d.payments.Capture(t.Context(), "staff:1", p.ID, money.Amount{}); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("captured twice: %v", err)
		}
		if _, err := d.payments.Void(t.Context(), "staff:1", p.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("voided what was charged: %v", err)
		}
	})
}

func TestVoidLetsTheHoldGo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		if p, err := d.payments.Void(t.Context(), "staff:1", p.ID); err != nil || p.Status != paylink.Canceled {
			t.Fatalf("%s %v", p.Status, err)
		}
		d.wantBalance(0, 0, 64000)
		d.wantNothingConfirmable()
	})
}

func TestCaptureWithoutAClearAnswerIsAskedAbout(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		d.fault("POST /v1/payment_intents/*/capture", "500_after", 1)
		p, err := d.payments.Capture(t.Context(), "staff:1", p.ID, money.Amount{})
		if err != nil || p.Status != paylink.Succeeded {
			t.Fatalf("%s %v", p.Status, err)
		}
		d.wantReceipts(1)
	})
}

func TestLostAnswerDoesNotVoidAHold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		d.fault(confirmCall, "500_after", 1)
		d.pay("n1", 64000, d.card("pm_card_visa"), paylink.Authorized)
	})
}

func TestLostAnswerDoesNotCancelTheBanksQuestion(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "500_after", 1)
		d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
	})
}

func TestDeclineAfterProcessingIsHeldUntilItIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		report := stripe.Intent{ID: p.PaymentIntent, Status: stripe.StatusMoving, Amount: p.Charged(), Install: "install1", Payment: p.ID, Invoice: p.InvoiceID}
		if p, err := d.payments.Apply(t.Context(), report); err != nil || p.Status != paylink.Processing {
			t.Fatalf("%s %v", p.Status, err)
		}
		report.Status, report.Declined, report.Reason = stripe.NeedsMethod, true, paylink.DeclinedFunds
		if p, err := d.payments.Apply(t.Context(), report); err != nil || p.Status != paylink.Unknown {
			t.Fatalf("%s %v", p.Status, err)
		}
		d.wantBalance(0, 20000, 80000)
		d.runJobs()
		if p, err := d.store.Payment(t.Context(), p.ID); err != nil || p.Status != paylink.Failed {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
	})
}

func TestCustomerDeletedAtStripeIsMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		customer, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		d.stripe("DELETE", "/v1/customers/"+customer.StripeCustomer, nil, nil)
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(2, 40000)
	})
}

// The first try was declined and the next one passed: an amount that is let go later was not declined.
func TestVoidedHoldIsNotDeclinedForAnEarlierTry(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		p := d.pay("hold", 64000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "fail")
		declined, err := d.adapter().Intent(t.Context(), p.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		d.fault(cancelCall, "500_before", 0)
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Unknown || p.Reason == "" {
			t.Fatalf("%s %q %v", p.Status, p.Reason, err)
		}
		d.control("DELETE", "/faults", nil, nil)
		if _, err := d.adapter().Confirm(t.Context(), p.PaymentIntent, "again", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Minute)
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Authorized || p.Reason != "" {
			t.Fatalf("%s %q %v", p.Status, p.Reason, err)
		}
		if p, err = d.payments.Apply(t.Context(), declined); err != nil || p.Reason != "" { // told late of the first try
			t.Errorf("%s %q %v", p.Status, p.Reason, err)
		}
		if p, err = d.payments.Void(t.Context(), "staff:1", p.ID); err != nil || p.Status != paylink.Canceled || p.Reason != "" {
			t.Errorf("%s %q %v", p.Status, p.Reason, err)
		}
	})
}

// What waits for a card's bank, or is held on a card, is not on its way from a bank.
func TestReceiptTellsADebitOnItsWayFromACardThatIsNotSureYet(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.begin(d.debitPress("n1", 10000, d.linked(goodAccount)), paylink.Processing)
		d.pay("n2", 6000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		p := d.pay("n3", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		r, err := d.store.ReceiptByPayment(t.Context(), p.ID)
		if err != nil || r.OnItsWay.Minor != 10000 || r.BeingPaid.Minor != 6000 || r.StillToPay.Minor != 64000 {
			t.Errorf("on its way %v, being paid %v, still to pay %v: %v", r.OnItsWay, r.BeingPaid, r.StillToPay, err)
		}
		invoice, err := d.store.Invoice(t.Context(), p.InvoiceID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := d.store.Balance(t.Context(), p.InvoiceID)
		if again, _, other := d.store.InvoicePayments(t.Context(), invoice); err != nil || other != nil || again != b || b.FromBank != 10000 || b.Pending != 16000 {
			t.Errorf("%+v, %+v: %v %v", b, again, err, other)
		}
	})
}
