package payments_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// gaveBack is what Stripe would say of a refund that was made by hand.
func (d *desk) gaveBack(id string, p paylink.Payment, minor int64) stripe.Refund {
	return stripe.Refund{ID: id, Intent: p.PaymentIntent, Amount: money.New(minor, "USD"), Status: paylink.RefundSucceeded, MovedAt: d.clock.Now()}
}

func (d *desk) applyRefund(r stripe.Refund) paylink.Refund {
	d.t.Helper()
	f, err := d.payments.ApplyRefund(d.t.Context(), r)
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

// A charge that belongs to no PaymentIntent was made by another program, and so is what became of it.
func TestReversalOfAChargeWithoutAnIntentIsAnothers(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if f, err := d.payments.ApplyRefund(t.Context(), d.gaveBack("re_1", paylink.Payment{}, 5000)); !errors.Is(err, payments.ErrForeign) {
			t.Errorf("%+v %v", f, err)
		}
		if f, err := d.payments.ApplyDispute(t.Context(), d.saysOfDispute("dp_1", paylink.Payment{}, stripe.DisputeOpen, 10000, 1)); !errors.Is(err, payments.ErrForeign) {
			t.Errorf("%+v %v", f, err)
		}
	})
}

// Money that went back of a payment that we do not believe is shown to staff, and booked once the payment is.
func TestReversalsOfWhatHasNotSettledWait(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			ours, err := tx.LockPayment(t.Context(), p.ID)
			if err != nil {
				return err
			}
			ours.Amount = money.New(30000, "USD") // which Stripe does not say
			return tx.UpdatePayment(t.Context(), ours)
		}); err != nil {
			t.Fatal(err)
		}
		refund := d.byHand(p, 4000)
		dispute := d.disputed(p, 6000, false)
		for n, body := range d.events() {
			d.event(fmt.Sprint("evt_", n), body)
		}
		d.runJobs()
		d.reconcile()
		found := d.differences()
		if found[refund].Kind != "refund_lost" || found[dispute].Kind != "dispute_lost" || found[p.PaymentIntent].Kind != "payment" {
			t.Errorf("%+v", found)
		}
		d.wantBalance(0, 30000, 70000)
		d.wantMoney(0)
		if tasks := d.tasks("payment.unmatched"); len(tasks) != 0 {
			t.Errorf("staff are told that the payment is not here: %+v", tasks)
		}
		_, err := d.payments.BookRefund(t.Context(), "staff:1", refund)
		wantCode(t, err, paylink.Conflict, "difference.unsettled")
		if _, err := d.payments.TakeStripesWord(t.Context(), "staff:1", p.ID); err != nil {
			t.Fatal(err)
		}
		d.reconcile()
		d.wantInvoice(4000, 10000, 0, 4000, 86000)
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

// Each kind of event that tells of money that went back is enough, where the others are lost.
func TestOneEventOfAReversalIsEnough(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		gone := int64(0)
		for _, kind := range []string{"refund.created", "charge.refunded", "charge.dispute.created"} {
			p := d.pay(kind, 20000, d.card("pm_card_visa"), paylink.Succeeded)
			var object, id string
			switch kind {
			case "charge.dispute.created":
				object, id = "dispute", d.disputed(p, 5000, false)
			case "charge.refunded":
				object, id = "charge", p.Charge
				d.byHand(p, 5000)
			default:
				object, id = "refund", d.byHand(p, 5000)
			}
			body := fmt.Sprintf(`{"id":"evt_%s","object":"event","type":%q,"livemode":false,"created":1,"data":{"object":{"id":%q,"object":%q,"payment_intent":%q}}}`,
				kind, kind, id, object, p.PaymentIntent)
			for range 2 {
				if err := d.told(body); err != nil {
					t.Errorf("%s: %v", kind, err)
				}
			}
			gone += 5000
			if held, err := d.store.AccountBalance(t.Context(), ledger.Stripe("USD"), "USD"); err != nil || held.Minor != d.atStripe() {
				t.Errorf("%s: the books hold %s, Stripe %d, %v", kind, held, d.atStripe(), err)
			}
		}
		if sum := d.atStripe(); sum != 60000-gone {
			t.Errorf("Stripe holds %d", sum)
		}
	})
}

// Told many times, a refund is written once.
func TestRefundToldManyTimesIsWrittenOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		first := d.applyRefund(d.gaveBack("re_1", p, 5000))
		d.clock.advance(time.Minute)
		for range 2 {
			if again := d.applyRefund(d.gaveBack("re_1", p, 5000)); again.ID != first.ID || !again.UpdatedAt.Equal(first.UpdatedAt.Truncate(time.Microsecond)) {
				t.Errorf("%+v became %+v", first, again)
			}
		}
		if n := d.audited(p.ID, "refund.succeeded"); n != 1 {
			t.Errorf("written %d times", n)
		}
	})
}

// A status that Stripe has not said before is shown to staff and books nothing; a word that we know settles it.
func TestRefundInAWordNotSaidBeforeIsShown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		odd := d.gaveBack("re_1", p, 5000)
		odd.Status = "tomorrows_word"
		d.applyRefund(odd)
		if one := d.differences()["re_1"]; one.Kind != "refund_status" || one.Theirs != "tomorrows_word" {
			t.Errorf("%+v", one)
		}
		d.wantMoney(20000)
		d.applyRefund(d.gaveBack("re_1", p, 5000))
		d.wantMoney(15000)
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

// What Stripe gave back that a bank had taken already is booked, and staff are told that the customer has it twice.
func TestFault_F05_RefundOfWhatABankTookIsALoss(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 10000, d.card("pm_card_visa"), paylink.Succeeded)
		d.applySaid(d.saysOfDispute("dp_1", p, stripe.DisputeOpen, 10000, 1))
		d.applyRefund(d.gaveBack("re_1", p, 4000))
		if task := d.task("refund.loss", p); task.Code != "task.loss" {
			t.Errorf("%+v", task)
		}
		d.wantMoney(-4000)
		other := d.pay("n2", 10000, d.card("pm_card_visa"), paylink.Succeeded)
		d.applyRefund(d.gaveBack("re_2", other, 4000))
		if d.hasTask("refund.loss", other.ID) {
			t.Error("a refund like any other is called a loss")
		}
		d.wantVerified()
	})
}

// Whatever a refund at Stripe says that it is, what it moved is booked: also when it carries the id of one that is booked
// already, that is another payment's, or that we gave up.
func TestRefundThatCarriesTheIDOfAnotherIsBookedAsOneOfItsOwn(t *testing.T) {
	for name, other := range map[string]func(d *desk, p paylink.Payment) paylink.Refund{
		"booked": func(d *desk, p paylink.Payment) paylink.Refund {
			return d.refund("k1", p, 5000, paylink.RefundSucceeded, nil)
		},
		"of another payment": func(d *desk, p paylink.Payment) paylink.Refund {
			return d.unheard(d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded), false)
		},
		"given up": func(d *desk, p paylink.Payment) paylink.Refund {
			f := d.unheard(p, false)
			d.later(30 * time.Hour)
			d.recoverRefunds()
			return d.wantRefund(f.ID, paylink.RefundCanceled)
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
				f := other(d, p)
				made := d.madeFor(p, 5000, "install1", p.ID, f.ID)
				for range 2 {
					if own := d.applyRefund(made); own.ID == f.ID || own.PaymentID != p.ID || own.Status != paylink.RefundSucceeded {
						t.Errorf("%+v", own)
					}
				}
				if after := d.wantRefund(f.ID, f.Status); after.StripeID != f.StripeID {
					t.Errorf("%+v became %+v", f, after)
				}
				if task := d.task("refund.foreign", p); task.Code != "task.refund_foreign" {
					t.Errorf("%+v", task)
				}
				d.wantBooks()
			})
		})
	}
}
