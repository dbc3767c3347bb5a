package payments_test

import (
	"net/url"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

// keeping is a press with a new card that is to be kept.
func (d *desk) keeping(nonce string, minor int64, card string) payments.Press {
	d.t.Helper()
	var token struct{ ID string }
	d.stripe("POST", "/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {card}, "setup_future_usage": {"off_session"}}, &token)
	press := d.press(nonce, minor, token.ID)
	press.Save = consent("Keep this card.")
	return press
}

// kept are the methods that a customer has.
func (d *desk) kept() []paylink.Method {
	d.t.Helper()
	list, err := d.payments.Methods(d.t.Context(), d.invoice.CustomerID, "", true)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// unanswered is a press whose money moved, or is on its way, and nobody heard of it.
func (d *desk) unanswered(press payments.Press) paylink.Payment {
	d.t.Helper()
	d.fault(confirmCall, "drop_after", 0)
	d.fault("GET /v1/payment_intents/*", "500_before", 0)
	patience := d.options.Budget
	d.options.Budget = 200 * time.Millisecond
	d.payments = d.restart("boot1")
	p := d.begin(press, paylink.Unknown)
	d.control("DELETE", "/faults", nil, nil)
	d.options.Budget = patience
	d.payments = d.restart("boot1")
	return p
}

func TestCardIsKeptOnceItsMoneyIsHeldAndNotWhenItIsDeclined(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if p, err := d.payments.Begin(t.Context(), d.keeping("n1", 10000, "pm_card_chargeDeclined")); err != nil || p.Status != paylink.Failed {
			t.Fatalf("%s %v", p.Status, err)
		}
		if list := d.kept(); len(list) != 0 {
			t.Errorf("a declined card is kept: %+v", list)
		}
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		held := d.begin(d.keeping("n2", 20000, "pm_card_visa"), paylink.Authorized)
		first := d.kept()
		if len(first) != 1 {
			t.Fatalf("held, and kept are %+v", first)
		}
		// The same card is kept again by another payment; that the first is captured then changes nothing of it.
		d.begin(d.keeping("n3", 20000, "pm_card_visa"), paylink.Authorized)
		second := d.kept()
		if len(second) != 1 || second[0].ID == first[0].ID {
			t.Fatalf("kept are %+v", second)
		}
		if _, err := d.payments.Capture(t.Context(), "staff:1", held.ID, money.New(20000, "USD")); err != nil {
			t.Fatal(err)
		}
		if now := d.kept(); len(now) != 1 || now[0] != second[0] {
			t.Errorf("kept are %+v", now)
		}
		d.wantAudit("method.saved", 2)
	})
}

// What gave way once is not touched again.
func TestCardThatGaveWayStaysAsItWas(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first := d.savedCard("n1", "pm_card_visa")
		d.savedCard("n2", "pm_card_visa")
		gone := d.method(first.ID)
		d.clock.advance(time.Minute)
		d.savedCard("n3", "pm_card_visa")
		if got := d.method(first.ID); gone.RemovedAt.IsZero() || got != gone {
			t.Errorf("it was %+v, and is %+v", gone, got)
		}
	})
}

// Stripe did not say which card it kept, or how to recognise it: nothing is offered next time.
func TestCardThatStripeDoesNotNameIsNotKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for nonce, hide := range map[string]func(*stripe.Intent){
			"no id":     func(in *stripe.Intent) { in.Method = "" },
			"no digits": func(in *stripe.Intent) { in.Card = paylink.Card{} },
		} {
			p := d.unanswered(d.keeping(nonce, 10000, "pm_card_visa"))
			if p = d.says(p, hide); p.Status != paylink.Succeeded {
				t.Fatal(p.Status)
			}
			if list := d.kept(); len(list) != 0 {
				t.Errorf("%s: %+v", nonce, list)
			}
		}
	})
}

// A payment that was thought to have failed, and moved its money after all, finds its card kept already.
func TestCardOfAPaymentThatDidNotFailAfterAllIsKeptOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.unanswered(d.keeping("n1", 10000, "pm_card_visa"))
		d.says(p, func(in *stripe.Intent) { in.Status, in.Received = stripe.StatusMoving, 0 })
		list := d.kept()
		if len(list) != 1 {
			t.Fatalf("on its way, and kept are %+v", list)
		}
		if p = d.says(p, func(in *stripe.Intent) { in.Status, in.Received = stripe.StatusCanceled, 0 }); p.Status != paylink.Canceled {
			t.Fatal(p.Status)
		}
		if p = d.says(p, func(*stripe.Intent) {}); p.Status != paylink.Succeeded {
			t.Fatal(p.Status)
		}
		if now := d.kept(); len(now) != 1 || now[0] != list[0] {
			t.Errorf("kept are %+v", now)
		}
		d.wantAudit("method.saved", 1)
	})
}

// Two payments agreed to keep one account; what the first agreed to is the proof. One that was taken away meanwhile is
// not saved any more.
func TestAccountIsSavedOnceByTheFirstConsent(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		save := func(nonce, text string) payments.Press {
			press := d.debitPress(nonce, 10000, m)
			press.Save = consent(text)
			return press
		}
		late := d.unanswered(save("n1", "Heard of late."))
		d.begin(save("n2", "Heard of first."), paylink.Processing)
		kept := d.method(m.ID)
		d.clock.advance(time.Minute)
		if late = d.says(late, func(*stripe.Intent) {}); late.Status != paylink.Processing {
			t.Fatal(late.Status)
		}
		if got := d.method(m.ID); got != kept || got.Consent.Text != "Heard of first." {
			t.Errorf("saved by %q at %s, and then by %q at %s", kept.Consent.Text, kept.SavedAt, got.Consent.Text, got.SavedAt)
		}
		d.wantAudit("method.saved", 1)

		m = d.linked(savingsAccount)
		late = d.unanswered(save("n3", "Keep it."))
		gone := d.change(d.method(m.ID), func(m *paylink.Method) { m.RemovedAt = m.CreatedAt })
		d.says(late, func(*stripe.Intent) {})
		if got := d.method(m.ID); got != gone {
			t.Errorf("saved after it was removed: %+v", got)
		}
	})
}

// A held amount can be captured without the card that was saved with it.
func TestSavedCardIsRemovedWhileItsAmountIsHeld(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_visa")
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		held := d.begin(d.pressSaved("n2", m), paylink.Authorized)
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		d.runJob("method.detach", m.ID)
		if p, err := d.payments.Capture(t.Context(), "staff:1", held.ID, held.Amount); err != nil || p.Status != paylink.Succeeded {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantReceipts(2)
	})
}

// A job that is there by mistake lets go of nothing that is offered.
func TestMethodThatIsOfferedIsNotLetGo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		if err := d.payments.DetachJob(t.Context(), store.Job{Kind: "method.detach", Payload: []byte(`{"method_id":"` + m.ID + `"}`)}); err != nil {
			t.Fatal(err)
		}
		if d.sources() != 1 || d.method(m.ID).PlaidSealed == "" {
			t.Error("Stripe or Plaid let go of it")
		}
		d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
	})
}

// What the sweep cannot let go of is an error of its job, which the next one tries again.
func TestSweepSaysWhatItCouldNotLetGo(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		m := d.linked(goodAccount)
		d.clock.advance(76 * 24 * time.Hour)
		room := d.noRoom(at, "update on method", "true")
		if err := d.payments.SweepMethods(t.Context()); err == nil {
			t.Error("nobody is told")
		}
		room()
		d.sweep(time.Hour)
		if d.method(m.ID).RemovedAt.IsZero() {
			t.Error("it is not tried again")
		}
	})
}
