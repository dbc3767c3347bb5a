package payments_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"paylink"
	"paylink/provider/stripe"
)

// A page may ask as often as it likes: Stripe is asked of what can still change, and every five seconds at most.
func TestPageThatAsksOftenAsksStripeSeldom(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		paid := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		unmade := d.cutOff(paylink.Created, false)
		open := d.pay("n2", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		check := func(p paylink.Payment) time.Time {
			t.Helper()
			after, err := d.payments.Check(t.Context(), p.ID)
			if err != nil || after.Status != p.Status {
				t.Errorf("%s became %s: %v", p.Status, after.Status, err)
			}
			return d.now(p).CheckedAt
		}
		for _, p := range []paylink.Payment{paid, unmade} {
			if at := check(p); !at.IsZero() {
				t.Errorf("%s was asked about", p.Status)
			}
		}
		first := check(open)
		d.clock.advance(4 * time.Second)
		if first.IsZero() || !check(open).Equal(first) {
			t.Errorf("asked about at %s and %s", first, d.now(open).CheckedAt)
		}
		d.clock.advance(time.Second)
		if !check(open).After(first) {
			t.Error("not asked about after five seconds")
		}
	})
}

func TestFault_P14_CancelIsRefusedAndThePaymentSettles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "succeed")
		if p, err := d.payments.Fence(t.Context(), p.ID); err != nil || p.Status != paylink.Succeeded {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
	})
}

// The payer answered the bank in time: the fence of its quarter of an hour voids no hold, whether we heard of it or not.
func TestFault_P22_FenceVoidsNoHoldThatThePayerWasGranted(t *testing.T) {
	for name, heard := range map[string]bool{"heard": true, "unheard": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
				p := d.pay("n1", 64000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
				secret, err := d.payments.ClientSecret(t.Context(), p.ID)
				if err != nil {
					t.Fatal(err)
				}
				d.answerBank(p, secret, "succeed")
				if heard {
					if p, err := d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Authorized {
						t.Fatalf("%s %v", p.Status, err)
					}
				}
				d.clock.advance(16 * time.Minute)
				d.runJobs()
				if p := d.now(p); p.Status != paylink.Authorized {
					t.Errorf("it is %s", p.Status)
				}
				d.wantAtStripe(p.PaymentIntent, stripe.StatusHeld)
				d.wantBalance(0, 64000, 0)
			})
		})
	}
}

// The answer that said no was lost. It is found and told at once; that nobody confirms again is for the queue to see to.
func TestFault_P21_DeclineThatIsFoundDoesNotWaitForItsFence(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		calls := d.counted()
		d.fault(confirmCall, "500_after", 0)
		p := d.pay("n1", 20000, d.card("pm_card_visa_chargeDeclinedInsufficientFunds"), paylink.Failed)
		if p.Reason != paylink.DeclinedFunds || calls["cancel"] != 0 {
			t.Errorf("reason %q, canceled %d times", p.Reason, calls["cancel"])
		}
		d.runJobs()
		d.wantNothingConfirmable()
	})
}

// A PaymentIntent that has its card and was not confirmed is as unconfirmed as one without.
func TestFault_P05_PaymentIntentThatOnlyNeedsItsConfirmationIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		if status := d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent, url.Values{"payment_method": {"pm_card_visa"}}, nil); status != 200 {
			t.Fatal(status)
		}
		d.wantAtStripe(p.PaymentIntent, stripe.NeedsConfirm)
		d.recoverLater(p, paylink.Canceled)
		d.wantBalance(0, 0, 100000)
	})
}

// Money went back of a payment that is not believed here: its event is done, and says so.
func TestEventOfARefundOfWhatHasNotSettledIsNoted(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.rewrite(p, func(p *paylink.Payment) { p.Amount.Minor = 10000 })
		refund := d.byHand(p, 4000)
		if err := d.told(fmt.Sprintf(`{"id":"evt_1","object":"event","type":"refund.created","livemode":false,"data":{"object":{"id":%q,"object":"refund","payment_intent":%q}}}`,
			refund, p.PaymentIntent)); err != nil {
			t.Fatal(err)
		}
		if e, err := d.store.Event(t.Context(), "stripe", "evt_1"); err != nil || e.ProcessedAt.IsZero() || e.LastError != "its payment has not settled" {
			t.Errorf("%+v %v", e, err)
		}
		d.wantBalance(0, 10000, 90000)
	})
}
