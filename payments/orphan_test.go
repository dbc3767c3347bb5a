package payments_test

import (
	"net/url"
	"testing"
	"time"

	"paylink"
	"paylink/provider/stripe"
)

// The answer to the making of a PaymentIntent was lost and the payment let go. When Stripe's event names it after all, it
// is canceled, so that nobody can confirm what no reservation stands for.
func TestFault_P03_LateNewsOfAPaymentIntentCancelsIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Canceled, false)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		in, err := sc.CreateIntent(t.Context(), "plk:"+p.ID, stripe.IntentRequest{
			Amount: p.Amount, MethodTypes: []string{"card"}, Capture: p.Capture, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
		})
		if err != nil {
			t.Fatal(err)
		}
		after, err := d.payments.Apply(t.Context(), in)
		if err != nil || after.Status != paylink.Canceled || after.PaymentIntent != in.ID {
			t.Fatalf("%s %s %v", after.Status, after.PaymentIntent, err)
		}
		d.runJobs()
		d.wantNothingConfirmable()
		d.wantBalance(0, 0, 100000)
	})
}

// The event comes while the answer to the making is still waited for: what is then given up is canceled too.
func TestFault_P03_NewsOfAPaymentIntentThatIsBeingGivenUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(createCall, "drop_after", 0)
		given := make(chan error, 1)
		go func() {
			_, err := d.payments.Begin(t.Context(), d.press("n1", 20000, d.card("pm_card_visa")))
			given <- err
		}()
		var list struct{ Data []struct{ ID string } }
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ; len(list.Data) == 0; <-tick.C {
			d.stripe("GET", "/v1/payment_intents", url.Values{}, &list)
		}
		in, err := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()}).Intent(t.Context(), list.Data[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := d.payments.Apply(t.Context(), in); err != nil || p.Status != paylink.Created {
			t.Fatalf("%s %v", p.Status, err)
		}
		if err := <-given; paylink.KindOf(err) != paylink.Unavailable {
			t.Fatalf("got %v", err)
		}
		d.runJobs()
		d.wantNothingConfirmable()
		d.wantBalance(0, 0, 100000)
	})
}
