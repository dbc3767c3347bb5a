package payments_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store/storetest"
)

// told is one payment as Stripe would tell it, and what happened to it since.
type told struct {
	payment  paylink.Payment
	intent   stripe.Intent
	refunds  []stripe.Refund
	disputes []stripe.Dispute
}

// gone is what of it is not with us.
func (p told) gone() (sum int64) {
	for _, f := range p.refunds {
		if f.Status.Moved() {
			sum += f.Amount.Minor
		}
	}
	for _, d := range p.disputes {
		sum += d.Withdrawn
	}
	return sum
}

// Whatever is paid, refunded, failed, disputed and won, in any order and told any number of times: the
// money in the books is the money at Stripe, no number of the invoice leaves its bounds, and when all
// of it comes back, the invoice stands as if nothing had happened.
func TestBalancesHoldAfterAnyReversals(t *testing.T) {
	d := newDesk(t, storetest.SQLite(t))
	owner := ledger.Overpayment(d.invoice.CustomerID)
	account := func(rt *rapid.T, a ledger.Account) int64 {
		sum, err := d.store.AccountBalance(t.Context(), a, "USD")
		if err != nil {
			rt.Fatal(err)
		}
		return sum.Minor
	}
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		const total = 100000
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, total, paylink.CaptureAutomatic)
		atStripe, over := account(rt, ledger.Stripe("USD")), account(rt, owner)
		var all []*told
		charged := int64(0)
		apply := func(err error) {
			rt.Helper()
			if err != nil {
				rt.Fatal(err)
			}
		}
		step := 0
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			step++
			id := func(kind string) string { return fmt.Sprintf("%s_%d_%d", kind, run, step) }
			act := rapid.SampledFrom([]string{"pay", "refund", "refund", "settle", "fail", "dispute", "decide", "again"}).Draw(rt, "act")
			if len(all) == 0 {
				act = "pay"
			}
			var p *told
			if act != "pay" {
				p = rapid.SampledFrom(all).Draw(rt, "payment")
			}
			switch act {
			case "pay": // also more than is still to pay
				p = &told{payment: d.cutOff(paylink.Confirming, false)}
				p.intent = stripe.Intent{
					ID: id("pi"), Status: stripe.StatusDone, Amount: money.New(20000, "USD"), Received: 20000,
					Install: "install1", Payment: p.payment.ID, Invoice: d.invoice.ID, MovedAt: d.clock.Now(),
				}
				_, err := d.payments.Apply(t.Context(), p.intent)
				apply(err)
				charged += 20000
				all = append(all, p)
			case "refund": // by hand at Stripe, or lost here, so that it is never judged
				amount := rapid.Int64Range(1, 20000).Draw(rt, "amount")
				if p.gone()+amount > 20000 {
					continue
				}
				f := stripe.Refund{
					ID: id("re"), Intent: p.intent.ID, Amount: money.New(amount, "USD"), MovedAt: d.clock.Now(),
					Status: rapid.SampledFrom([]paylink.RefundStatus{paylink.RefundPending, paylink.RefundSucceeded}).Draw(rt, "status"),
				}
				if rapid.Bool().Draw(rt, "owed again") {
					f.Install, f.Payment, f.Refund, f.OwedAgain = "install1", p.payment.ID, id("rfd"), true
				}
				p.refunds = append(p.refunds, f)
				_, err := d.payments.ApplyRefund(t.Context(), f)
				apply(err)
			case "settle", "fail":
				if len(p.refunds) == 0 {
					continue
				}
				f := &p.refunds[rapid.IntRange(0, len(p.refunds)-1).Draw(rt, "refund")]
				if next := map[string]paylink.RefundStatus{"settle": paylink.RefundSucceeded, "fail": paylink.RefundFailed}[act]; f.Status.CanBecome(next) {
					f.Status = next
				}
				_, err := d.payments.ApplyRefund(t.Context(), *f)
				apply(err)
			case "dispute": // a bank takes all of it, whatever went back before
				one := stripe.Dispute{
					ID: id("dp"), Intent: p.intent.ID, Amount: money.New(20000, "USD"), Reason: "fraudulent", Status: stripe.DisputeOpen,
					Withdrawn: 20000, Moves: 1, OpenedAt: d.clock.Now(), MovedAt: d.clock.Now(),
				}
				if rapid.Bool().Draw(rt, "inquiry") {
					one.Status, one.Withdrawn, one.Moves = stripe.DisputeWarning, 0, 0
				}
				p.disputes = append(p.disputes, one)
				_, err := d.payments.ApplyDispute(t.Context(), one)
				apply(err)
			case "decide":
				if len(p.disputes) == 0 {
					continue
				}
				one := &p.disputes[rapid.IntRange(0, len(p.disputes)-1).Draw(rt, "dispute")]
				decide(one, rapid.Bool().Draw(rt, "won"))
				_, err := d.payments.ApplyDispute(t.Context(), *one)
				apply(err)
			case "again":
				_, err := d.payments.Apply(t.Context(), p.intent)
				apply(err)
				for _, f := range p.refunds {
					_, err := d.payments.ApplyRefund(t.Context(), f)
					apply(err)
				}
				for _, one := range p.disputes {
					_, err := d.payments.ApplyDispute(t.Context(), one)
					apply(err)
				}
			}
			gone := int64(0)
			for _, p := range all {
				gone += p.gone()
			}
			b, err := d.store.Balance(t.Context(), d.invoice.ID)
			apply(err)
			held := account(rt, ledger.Stripe("USD")) - atStripe
			excess := over - account(rt, owner)
			switch {
			case held != charged-gone:
				rt.Fatalf("the books hold %d, Stripe %d", held, charged-gone)
			case b.Paid+excess != held:
				rt.Fatalf("paid %d and too much %d are not %d", b.Paid, excess, held)
			case b.Paid < 0 || b.Credited < 0 || b.Refunded < 0 || b.Paid+b.Credited > total || b.Due() != total-b.Credited-b.Paid:
				rt.Fatalf("%+v, due %d", b, b.Due())
			}
		}
		// Everything comes back.
		for _, p := range all {
			for n := range p.refunds {
				if p.refunds[n].Status.CanBecome(paylink.RefundFailed) {
					p.refunds[n].Status = paylink.RefundFailed
				}
				_, err := d.payments.ApplyRefund(t.Context(), p.refunds[n])
				apply(err)
			}
			for n := range p.disputes {
				if one := &p.disputes[n]; one.Withdrawn > 0 {
					one.Withdrawn, one.Status = 0, stripe.DisputeWon
					one.Moves++
					_, err := d.payments.ApplyDispute(t.Context(), *one)
					apply(err)
				}
			}
			r, err := d.store.ReceiptByPayment(t.Context(), p.payment.ID)
			apply(err)
			if r.Status != paylink.ReceiptPaid || !r.Refunded.IsZero() {
				rt.Fatalf("the receipt says %s %s", r.Status, r.Refunded)
			}
		}
		b, err := d.store.Balance(t.Context(), d.invoice.ID)
		apply(err)
		if b.Paid != min(charged, total) || b.Credited != 0 || b.Refunded != 0 || over-account(rt, owner) != max(0, charged-total) {
			rt.Fatalf("after all came back: %+v, too much %d", b, over-account(rt, owner))
		}
	})
	d.wantVerified()
}

// decide ends a dispute, or escalates an inquiry.
func decide(one *stripe.Dispute, won bool) {
	switch {
	case one.Status.Over():
	case one.Status.Inquiry() && won:
		one.Status = stripe.DisputeWarningClosed
	case one.Status.Inquiry():
		one.Status, one.Withdrawn, one.Moves = stripe.DisputeOpen, one.Amount.Minor, one.Moves+1
	case won:
		one.Status, one.Withdrawn, one.Moves = stripe.DisputeWon, 0, one.Moves+1
	default:
		one.Status = stripe.DisputeLost
	}
}
