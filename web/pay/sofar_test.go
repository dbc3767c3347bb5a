package pay_test

import (
	"net/http"
	"testing"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/store"
	"paylink/web/pay"
)

// What went back of a payment is told with its word, and what is left of all payments is what is paid; a credit is
// named wherever the total is, so that the figures add up to it.
func TestWhatWentBackIsToldAndTheFiguresAddUp(t *testing.T) {
	s := newSite(t, pay.Options{})
	i, l := s.newInvoice(paylink.Invoice{Number: "INV-7", Partial: paylink.PartialRules{Allowed: true, Minimum: 5000}}, 40000)
	s.pay(l, "190.00", "pm_card_visa")
	made, err := s.store.PaymentsOf(t.Context(), i.ID)
	if err != nil || len(made) != 1 {
		t.Fatal(err, made)
	}
	s.see(s.ask("GET", s.open(l), nil), http.StatusOK, "still to pay of $400.00 ", "$190.00Receipt")
	if _, err := s.payments.Refund(t.Context(), payments.RefundRequest{Key: "k1", PaymentID: made[0].ID, Amount: money.New(2500, "USD"), Actor: "staff:1"}); err != nil {
		t.Fatal(err)
	}
	w := s.ask("GET", s.open(l), nil)
	s.see(w, http.StatusOK, "$210.00 still to pay of $400.00, less $25.00 credited", "Paid$165.00", "On its way$0.00", "Still to pay$210.00", "Credited$25.00",
		"Partly refunded: $25.00 of $190.00 went back$165.00Receipt")
	if bar := "44 percent paid, 0 percent on its way, $210.00 still to pay of $400.00 less $25.00 credited"; !contains(w, bar) {
		t.Errorf("the bar does not say %q", bar)
	}
	s.hide(w, "$375.00")
}

func TestAReturnedPaymentIsNotListedAsPaid(t *testing.T) {
	s := newSite(t, pay.Options{})
	p := s.put(s.link, paylink.Succeeded, 22500, func(p *paylink.Payment) {
		p.Method, p.SettledAt = paylink.MethodBank, s.now()
	})
	s.must(func(tx *store.Tx) error {
		return tx.PutDispute(t.Context(), paylink.Dispute{
			ID: "dsp_1", PaymentID: p.ID, StripeID: "du_1", Kind: paylink.KindReturn, Amount: p.Amount, Withdrawn: 22500, Status: "lost",
			OpenedAt: s.now(), CreatedAt: s.now(), UpdatedAt: s.now(),
		})
	})
	w := s.ask("GET", s.open(s.link), nil)
	s.see(w, http.StatusOK, "Paid$0.00", "Returned: $225.00 of $225.00 went back$0.00Returned")
}
