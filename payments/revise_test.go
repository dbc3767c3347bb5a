package payments_test

import (
	"testing"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
)

// The receipt follows each return by its amount, and what is told again is no revision.
func TestFault_F04_ReceiptTellsASecondReturnToo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		returned := int64(0)
		for n, id := range []string{"dp_1", "dp_2"} {
			returned += 30000
			for range 2 {
				if _, err := d.payments.ApplyDispute(t.Context(), stripe.Dispute{
					ID: id, Intent: p.PaymentIntent, Amount: money.New(30000, "USD"), Reason: "fraudulent", Status: stripe.DisputeLost,
					OpenedAt: d.clock.Now(), MovedAt: d.clock.Now(), Withdrawn: 30000, Moves: 1,
				}); err != nil {
					t.Fatal(err)
				}
				if r := d.wantReceipt(p, 2+n, paylink.ReceiptReturned, 0, returned); r.Returned.Minor != returned {
					t.Errorf("%s: returned %s, want %d", id, r.Returned, returned)
				}
			}
		}
	})
}
