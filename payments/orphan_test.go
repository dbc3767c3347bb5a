package payments_test

import (
	"testing"

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
