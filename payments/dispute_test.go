package payments_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// onItsWay is a bank payment that is on its way, by an account of the customer's.
func (d *desk) onItsWay(minor int64, account string) paylink.Payment {
	d.t.Helper()
	now := d.clock.Now()
	m := paylink.Method{
		ID: paylink.NewID("mth", now), CustomerID: d.invoice.CustomerID, Kind: paylink.MethodBank, StripeID: paylink.NewID("ba", now),
		Bank: paylink.Bank{Name: "Chase", Last4: "6789", Type: "checking"}, SavedAt: now, CreatedAt: now, UpdatedAt: now,
	}
	p := d.cutOff(paylink.Confirming, false)
	p.Method, p.MethodID, p.Bank, p.Amount.Minor = paylink.MethodBank, m.ID, m.Bank, minor
	in, err := d.adapter().CreateIntent(d.t.Context(), "plk:bank:"+p.ID, stripe.IntentRequest{
		Amount: p.Amount, MethodTypes: []string{"us_bank_account"}, Capture: p.Capture, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	p.PaymentIntent = in.ID
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertMethod(d.t.Context(), m); err != nil {
			return err
		}
		return tx.UpdatePayment(d.t.Context(), p)
	}); err != nil {
		d.t.Fatal(err)
	}
	if status := d.stripe("POST", "/v1/payment_intents/"+in.ID+"/confirm", url.Values{
		"payment_method": {account}, "mandate_data[customer_acceptance][type]": {"online"},
		"mandate_data[customer_acceptance][online][ip_address]": {"198.51.100.7"}, "mandate_data[customer_acceptance][online][user_agent]": {"Firefox"},
	}, nil); status != 200 {
		d.t.Fatalf("confirm the debit: %d", status)
	}
	return d.applied(p)
}

func (d *desk) applied(p paylink.Payment) paylink.Payment {
	d.t.Helper()
	in, err := d.adapter().Intent(d.t.Context(), p.PaymentIntent)
	if err != nil {
		d.t.Fatal(err)
	}
	if p, err = d.payments.Apply(d.t.Context(), in); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// settledDebit is one that arrived four days ago.
func (d *desk) settledDebit(minor int64) paylink.Payment {
	d.t.Helper()
	p := d.onItsWay(minor, "pm_usBankAccount_success")
	if p.Status != paylink.Processing {
		d.t.Fatalf("the debit is %s", p.Status)
	}
	d.later(96 * time.Hour)
	if p = d.applied(p); p.Status != paylink.Succeeded {
		d.t.Fatalf("the debit is %s", p.Status)
	}
	return p
}

func (d *desk) returned(p paylink.Payment, reason string) string {
	d.t.Helper()
	var dispute struct{ ID string }
	d.control("POST", "/bank/returns", map[string]string{"payment_intent": p.PaymentIntent, "reason": reason}, &dispute)
	return dispute.ID
}

// disputed opens a dispute at the sandbox.
func (d *desk) disputed(p paylink.Payment, minor int64, inquiry bool) string {
	d.t.Helper()
	var dispute struct{ ID string }
	d.control("POST", "/disputes", map[string]any{"payment_intent": p.PaymentIntent, "amount": minor, "reason": "fraudulent", "inquiry": inquiry}, &dispute)
	return dispute.ID
}

// seen is the dispute as Stripe shows it now.
func (d *desk) seen(id string) stripe.Dispute {
	d.t.Helper()
	found, err := d.adapter().Dispute(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

func (d *desk) applyDispute(id string) paylink.Dispute {
	d.t.Helper()
	after, err := d.payments.ApplyDispute(d.t.Context(), d.seen(id))
	if err != nil {
		d.t.Fatal(err)
	}
	return after
}

func TestFault_A04_ReturnTwentyDaysAfterSuccessOpensTheInvoice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.settledDebit(100000)
		d.wantInvoice(0, 100000, 0, 0, 0)
		first := d.wantReceipt(p, 1, paylink.ReceiptPaid, 0, 0)
		d.later(20 * 24 * time.Hour)
		id := d.returned(p, "debit_not_authorized")
		for range 3 {
			d.hear()
		}
		d.wantInvoice(0, 0, 0, 0, 100000)
		r := d.wantReceipt(p, 2, paylink.ReceiptReturned, 0, 100000)
		if r.Returned.Minor != 100000 || r.Number != first.Number {
			t.Errorf("%+v", r)
		}
		dispute, err := d.store.DisputeByStripe(t.Context(), id)
		if err != nil || dispute.Kind != paylink.KindReturn || dispute.Withdrawn != 100000 {
			t.Fatalf("%+v %v", dispute, err)
		}
		if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Status != paylink.Succeeded {
			t.Errorf("what happened after a payment changed it: %s %v", after.Status, err)
		}
		if m, err := d.store.Method(t.Context(), p.MethodID); err != nil || m.BlockedAt.IsZero() {
			t.Errorf("the account is not blocked: %+v %v", m, err)
		}
		if !d.hasTask("dispute.lost", p.ID) || !d.queued("link.reopen", fmt.Sprintf("%s/2", dispute.ID)) || d.queued("mail.receipt", r.ID+"/2") {
			t.Error("who has to know is not told, or in the wrong words")
		}
		d.wantCharges(1, 100000) // and nothing was tried again
		if _, err := d.ask("k1", p, 0, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("refunded what the bank took: %v", err)
		}
		// It is paid again, by card.
		if err := d.invoicing.ReopenJob(t.Context(), d.reopening("link.reopen", fmt.Sprintf("%s/2", dispute.ID))); err != nil {
			t.Fatal(err)
		}
		if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || !link.PaidAt.IsZero() {
			t.Errorf("%+v %v", link, err)
		}
		d.pay("again", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantInvoice(0, 100000, 0, 0, 0)
	})
}

// An account whose money went back is not offered again, whatever the reason. Its owner may connect it once
// more, and after a second time no more.
func TestFault_A04_ReturnedAccountIsNotOfferedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		comesBack := func(nonce string, m paylink.Method) paylink.Method {
			t.Helper()
			p := d.pass(5*24*time.Hour, d.begin(d.debitPress(nonce, 20000, m), paylink.Processing))
			if p.Status != paylink.Succeeded {
				t.Fatalf("%s %s", p.Status, p.Reason)
			}
			if p.Statement != d.firm().DebitStatement() || p.Statement == "" {
				t.Errorf("the statement says %q, the permission %q", p.Statement, d.firm().DebitStatement())
			}
			d.later(20 * 24 * time.Hour)
			d.returned(p, "insufficient_funds")
			d.hear()
			return d.method(m.ID)
		}
		m := d.linked(goodAccount)
		if got := comesBack("n1", m); got.Blocked != "came_back" {
			t.Fatalf("blocked %q", got.Blocked)
		}
		d.wantRefused(d.debitPress("n2", 20000, m), "method", "method.blocked")
		again := d.linked(goodAccount)
		if again.ID == m.ID || again.StripeID == m.StripeID {
			t.Fatalf("%+v", again)
		}
		if got := comesBack("n3", again); got.Blocked != "funds" {
			t.Fatalf("the second time it is blocked %q", got.Blocked)
		}
		chosen := d.chosen(goodAccount, "ins_56")
		chosen.LinkID = "" // which ended meanwhile
		_, err := d.payments.LinkBank(t.Context(), chosen)
		wantCode(t, err, paylink.Invalid, "bank.blocked")
	})
}

func (d *desk) firm() paylink.Firm {
	d.t.Helper()
	firm, err := d.store.Firm(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return firm
}

func (d *desk) reopening(kind, key string) store.Job {
	d.t.Helper()
	job, err := d.store.Job(d.t.Context(), kind, key)
	if err != nil {
		d.t.Fatal(err)
	}
	return job
}

func TestFault_A05_ReturnAfterTheWholeWasRefunded(t *testing.T) {
	for name, change := range map[string]func(*payments.RefundRequest){"credited": nil, "owed again": owedAgain} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				p := d.settledDebit(100000)
				d.refund("k1", p, 0, paylink.RefundPending, change)
				d.returned(p, "insufficient_funds")
				d.hear()
				// Both are in the books; the invoice is not asked for twice, and what went back twice is a claim.
				credited, due := int64(100000), int64(0)
				if name == "owed again" {
					credited, due = 0, 100000
				}
				d.wantInvoice(credited, 0, 0, 100000, due)
				claim, err := d.store.AccountBalance(t.Context(), ledger.Overpayment(p.CustomerID), "USD")
				if err != nil || claim.Minor != 100000 || !d.hasTask("dispute.loss", p.ID) {
					t.Errorf("%s is claimed, %v", claim, err)
				}
				r := d.wantReceipt(p, 3, paylink.ReceiptReturned, 100000, due)
				if r.Returned.Minor != 100000 {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

func TestFault_F04_DisputeWonOrLostAndInquiries(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		id := d.disputed(p, 60000, false)
		first := d.seen(id)
		d.hear()
		d.wantInvoice(0, 40000, 0, 0, 60000)
		d.wantReceipt(p, 1, paylink.ReceiptPaid, 0, 0)
		if !d.hasTask("dispute.open", p.ID) {
			t.Error("staff do not know that an answer is due")
		}
		d.control("POST", "/disputes/"+id, map[string]string{"status": "won"}, nil)
		d.hear()
		d.wantInvoice(0, 100000, 0, 0, 0)
		if d.hasTask("dispute.open", p.ID) {
			t.Error("staff are still asked for an answer")
		}
		if after, err := d.payments.ApplyDispute(t.Context(), first); err != nil || after.Status != "won" || after.Withdrawn != 0 {
			t.Errorf("an old report took the money again: %+v %v", after, err)
		}
		d.wantInvoice(0, 100000, 0, 0, 0)
		if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || link.PaidAt.IsZero() {
			t.Errorf("the link of a paid invoice asks for money: %v", err)
		}
	})
	t.Run("lost", func(t *testing.T) {
		each(t, func(t *testing.T, d *desk) {
			p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
			id := d.disputed(p, 0, false)
			d.control("POST", "/disputes/"+id, map[string]string{"status": "lost"}, nil)
			dispute := d.applyDispute(id)
			d.wantInvoice(0, 0, 0, 0, 100000)
			d.wantReceipt(p, 2, paylink.ReceiptReturned, 0, 100000)
			if !d.hasTask("dispute.lost", p.ID) || d.hasTask("dispute.open", p.ID) || !d.queued("link.reopen", dispute.ID+"/2") {
				t.Error("the way to pay again is not open")
			}
		})
	})
	t.Run("inquiry", func(t *testing.T) {
		each(t, func(t *testing.T, d *desk) {
			p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
			id := d.disputed(p, 0, true)
			d.hear()
			d.wantInvoice(0, 100000, 0, 0, 0)
			if !d.hasTask("dispute.open", p.ID) {
				t.Error("staff do not know of the inquiry")
			}
			d.refund("k1", p, 10000, paylink.RefundSucceeded, nil) // a refund answers it
			d.stripe("POST", "/v1/disputes/"+id, url.Values{"evidence[uncategorized_text]": {"escalate_inquiry_evidence"}}, nil)
			d.hear()
			if after := d.applyDispute(id); after.Withdrawn == 0 || after.Status != "needs_response" {
				t.Fatalf("%+v", after)
			}
			d.wantBooks()
		})
	})
}

// A bank changes its mind after it had decided: the link that had come to ask again shows receipts.
func TestFault_F04_LostAndWonAfterAll(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		say := stripe.Dispute{
			ID: "dp_1", Intent: p.PaymentIntent, Amount: money.New(100000, "USD"), Reason: "fraudulent", Status: stripe.DisputeLost,
			OpenedAt: d.clock.Now(), MovedAt: d.clock.Now(), Withdrawn: 100000, Moves: 1,
		}
		lost, err := d.payments.ApplyDispute(t.Context(), say)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.invoicing.ReopenJob(t.Context(), d.reopening("link.reopen", lost.ID+"/2")); err != nil {
			t.Fatal(err)
		}
		d.wantBalance(0, 0, 100000)
		say.Status, say.Withdrawn, say.Moves = stripe.DisputeWon, 0, 2
		if _, err := d.payments.ApplyDispute(t.Context(), say); err != nil {
			t.Fatal(err)
		}
		d.wantBalance(100000, 0, 0)
		d.wantReceipt(p, 3, paylink.ReceiptPaid, 0, 0)
		if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || link.PaidAt.IsZero() {
			t.Errorf("the link of a paid invoice asks for money: %v", err)
		}
		if d.hasTask("dispute.lost", p.ID) {
			t.Error("staff are still told that it is lost")
		}
	})
}

func TestFault_F04_ReportsOfADisputeInAnyOrder(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		at := d.clock.Now()
		say := func(status stripe.DisputeStatus, withdrawn int64, moves int) stripe.Dispute {
			return stripe.Dispute{
				ID: "dp_1", Intent: p.PaymentIntent, Charge: p.Charge, Amount: money.New(30000, "USD"), Reason: "fraudulent",
				Status: status, OpenedAt: at, Withdrawn: withdrawn, Moves: moves, MovedAt: at,
			}
		}
		reports := []stripe.Dispute{
			say(stripe.DisputeWarning, 0, 0), say(stripe.DisputeWarningReview, 0, 0), say(stripe.DisputeOpen, 0, 0),
			say(stripe.DisputeOpen, 30000, 1), say(stripe.DisputeReview, 30000, 1), say(stripe.DisputeLost, 30000, 1), say(stripe.DisputeWon, 0, 2),
		}
		order := rand.New(rand.NewPCG(4, 2))
		for round := range 4 {
			for _, n := range order.Perm(len(reports)) {
				if _, err := d.payments.ApplyDispute(t.Context(), reports[n]); err != nil {
					t.Fatal(round, err)
				}
			}
			after, err := d.store.DisputeByStripe(t.Context(), "dp_1")
			if err != nil || after.Status != "won" || after.Withdrawn != 0 {
				t.Errorf("%+v %v", after, err)
			}
			d.wantBalance(100000, 0, 0)
		}
		r, err := d.store.ReceiptByPayment(t.Context(), p.ID)
		if err != nil || r.Status != paylink.ReceiptPaid {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestFault_F05_RefundAndDisputeCross(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		d.refund("k1", p, 30000, paylink.RefundSucceeded, nil)
		id := d.disputed(p, 0, false) // what was not refunded
		// Stripe knows of it and we do not yet: its refusal is told, and nothing stays reserved.
		if f, err := d.ask("k2", p, 10000, nil); paylink.KindOf(err) != paylink.Conflict || f.Status != paylink.RefundCanceled {
			t.Errorf("%+v %v", f, err)
		}
		d.hear()
		d.wantInvoice(30000, 0, 0, 30000, 70000)
		if _, err := d.ask("k3", p, 10000, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("refunded what is disputed: %v", err)
		}
		d.control("POST", "/disputes/"+id, map[string]string{"status": "won"}, nil)
		d.hear()
		d.wantInvoice(30000, 70000, 0, 30000, 0)
		d.refund("k4", p, 0, paylink.RefundSucceeded, nil)
		d.wantInvoice(100000, 0, 0, 100000, 0)
		d.wantRefunds(2, 100000)
	})
}

func TestRefundIsNotEvenAskedForWhileADisputeStands(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		d.applyDispute(d.disputed(p, 20000, false)) // 800.00 are not disputed
		if _, err := d.ask("k1", p, 10000, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("refunded a disputed payment: %v", err)
		}
		if list, err := d.store.RefundsOf(t.Context(), p.ID); err != nil || len(list) != 0 {
			t.Errorf("Stripe was asked: %+v %v", list, err)
		}
	})
}

// Stripe tells of a refund or a dispute before anybody here heard that its payment had succeeded.
func TestReversalsToldBeforeTheirPayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		refunded, disputed := d.lapse(), d.lapse()
		made, err := d.adapter().Refund(t.Context(), d.byHand(refunded, 5000))
		if err != nil {
			t.Fatal(err)
		}
		if f, err := d.payments.ApplyRefund(t.Context(), made); err != nil || f.Status != paylink.RefundSucceeded {
			t.Errorf("%+v %v", f, err)
		}
		d.applyDispute(d.disputed(disputed, 6000, false))
		d.wantInvoice(5000, 29000, 0, 5000, 66000)
		d.wantReceipts(2)
	})
}

func TestDisputeIsAppliedOnceByManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		seen := d.seen(d.disputed(p, 60000, false))
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				if _, err := d.payments.ApplyDispute(context.Background(), seen); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		d.wantInvoice(0, 40000, 0, 0, 60000)
	})
}

// Every order of the events of one payment's life, each told twice, ends the same.
func TestFault_W04_AnyOrderOfEventsEndsTheSame(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		sc := d.adapter()
		if _, err := sc.Confirm(t.Context(), p.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		if _, err := sc.CreateRefund(t.Context(), "k2", stripe.RefundRequest{Intent: p.PaymentIntent, Amount: money.New(5000, "USD"), Install: "install1"}); err != nil {
			t.Fatal(err)
		}
		d.disputed(p, 0, false)
		var list struct {
			Data []struct{ ID, Type string }
		}
		d.stripe("GET", "/v1/events?limit=100", nil, &list)
		bodies := d.events()
		if len(bodies) < 6 {
			t.Fatalf("only %d events", len(bodies))
		}
		order := rand.New(rand.NewPCG(7, 7))
		for round := range 3 {
			for n, at := range order.Perm(2 * len(bodies)) {
				d.event(fmt.Sprintf("evt_%d_%d", round, n), bodies[at%len(bodies)])
			}
			d.runJobs()
			d.wantInvoice(5000, 0, 0, 5000, 95000)
			d.wantReceipts(1)
			d.wantReceipt(p, 2, paylink.ReceiptPartlyRefunded, 5000, d.dueWhenRevised(p))
		}
	})
}

// dueWhenRevised is what the receipt says: whether the dispute was told before the refund decides it.
func (d *desk) dueWhenRevised(p paylink.Payment) int64 {
	d.t.Helper()
	r, err := d.store.ReceiptByPayment(d.t.Context(), p.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return r.StillToPay.Minor
}

// saysOfDispute is what Stripe would say of a dispute over 100.00 of a payment.
func (d *desk) saysOfDispute(id string, p paylink.Payment, status stripe.DisputeStatus, withdrawn int64, moves int) stripe.Dispute {
	return stripe.Dispute{
		ID: id, Intent: p.PaymentIntent, Charge: p.Charge, Amount: money.New(10000, "USD"), Reason: "insufficient_funds",
		Status: status, OpenedAt: d.clock.Now(), Withdrawn: withdrawn, Moves: moves, MovedAt: d.clock.Now(),
	}
}

func (d *desk) applySaid(say stripe.Dispute) paylink.Dispute {
	d.t.Helper()
	after, err := d.payments.ApplyDispute(d.t.Context(), say)
	if err != nil {
		d.t.Fatal(err)
	}
	return after
}

// task is the open task of a kind about a payment; the zero Task when there is none.
func (d *desk) task(kind string, p paylink.Payment) store.Task {
	d.t.Helper()
	for _, task := range d.tasks(kind) {
		if task.Subject == p.ID {
			return task
		}
	}
	return store.Task{}
}

func (d *desk) doTask(kind string, p paylink.Payment) {
	d.t.Helper()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error { return tx.DoneTask(d.t.Context(), kind, p.ID, d.clock.Now()) }); err != nil {
		d.t.Fatal(err)
	}
}

// A dispute in the other mode, in another currency, or of another payment than before is shown to staff and moves nothing.
// Once Stripe says what can be, it is booked and nothing differs any more.
func TestDisputeThatCannotBeAsItIsToldBooksNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 50000, d.card("pm_card_visa"), paylink.Succeeded)
		other := d.pay("n2", 50000, d.card("pm_card_visa"), paylink.Succeeded)
		held := int64(100000)
		for kind, c := range map[string]struct {
			ours, theirs string
			wrong        func(*stripe.Dispute)
		}{
			"mode":            {"test", "live", func(say *stripe.Dispute) { say.Live = true }},
			"dispute_amount":  {p.Charged().String(), money.New(10000, "EUR").String(), func(say *stripe.Dispute) { say.Amount.Currency = "EUR" }},
			"dispute_payment": {p.ID, other.ID, func(say *stripe.Dispute) { say.Intent = other.PaymentIntent }},
		} {
			id := "dp_" + kind
			d.applySaid(d.saysOfDispute(id, p, stripe.DisputeWarning, 0, 0))
			wrong := d.saysOfDispute(id, p, stripe.DisputeOpen, 10000, 1)
			c.wrong(&wrong)
			if after := d.applySaid(wrong); after.Status != string(stripe.DisputeWarning) {
				t.Errorf("%s: %+v", kind, after)
			}
			if one := d.differences()[id]; one.Kind != kind || one.Ours != c.ours || one.Theirs != c.theirs {
				t.Errorf("%s: %+v", kind, one)
			}
			d.wantMoney(held)
			d.applySaid(d.saysOfDispute(id, p, stripe.DisputeOpen, 10000, 1))
			held -= 10000
			d.wantMoney(held)
			if left := d.differences(); len(left) != 0 {
				t.Errorf("%s: %+v", kind, left)
			}
		}
		d.wantVerified()
	})
}

// Stripe may say a word that it has not said before: the dispute is kept, staff are asked, and nothing is refunded over it.
func TestDisputeInAWordNotSaidBeforeIsKeptAndTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 50000, d.card("pm_card_visa"), paylink.Succeeded)
		d.applySaid(d.saysOfDispute("dp_1", p, "tomorrows_word", 0, 0))
		if kept, err := d.store.DisputeByStripe(t.Context(), "dp_1"); err != nil || kept.Status != "tomorrows_word" {
			t.Errorf("%+v %v", kept, err)
		}
		if task := d.task("dispute.open", p); task.Code != "task.dispute_open" {
			t.Errorf("%+v", task)
		}
		d.wantBalance(50000, 0, 50000)
	})
}

// A bank's return took the money for good as it is told, whatever status it has; what Stripe says of it later tells nobody again.
func TestReturnIsForGoodWhateverItsStatus(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.settledDebit(10000)
		d.wantBalance(10000, 0, 90000)
		first := d.applySaid(d.saysOfDispute("dp_1", p, stripe.DisputeOpen, 10000, 1))
		d.wantBalance(0, 0, 100000)
		r := d.wantReceipt(p, 2, paylink.ReceiptReturned, 0, 100000)
		if m := d.method(p.MethodID); r.Returned.Minor != 10000 || m.BlockedAt.IsZero() || !d.queued("link.reopen", first.ID+"/2") {
			t.Errorf("%+v %+v", r, m)
		}
		if _, err := d.store.Transaction(t.Context(), ledger.KindReturn, "dispute", first.ID); err != nil {
			t.Errorf("it is not booked as a return: %v", err)
		}
		if task := d.task("dispute.lost", p); task.Code != "task.payment_returned" || d.hasTask("dispute.loss", p.ID) {
			t.Errorf("%+v", task)
		}
		d.doTask("dispute.lost", p)
		d.applySaid(d.saysOfDispute("dp_1", p, stripe.DisputeLost, 10000, 1))
		if d.hasTask("dispute.lost", p.ID) || d.queued("link.reopen", first.ID+"/0") {
			t.Error("it is told twice")
		}
		d.wantReceipt(p, 2, paylink.ReceiptReturned, 0, 100000)
		d.wantBalance(0, 0, 100000)
		d.wantVerified()
	})
}

// Staff are asked for an answer once when the bank only asks, and in other words once it disputes; never when it is over.
func TestStaffAreAskedForAnAnswerInItsWords(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 50000, d.card("pm_card_visa"), paylink.Succeeded)
		for _, step := range []struct {
			status    stripe.DisputeStatus
			withdrawn int64
			moves     int
			want      string
		}{
			{stripe.DisputeWarning, 0, 0, "task.dispute_inquiry"},
			{stripe.DisputeWarningReview, 0, 0, ""}, // they answered
			{stripe.DisputeOpen, 8000, 1, "task.dispute_open"},
			{stripe.DisputeReview, 8000, 1, ""},
		} {
			d.applySaid(d.saysOfDispute("dp_1", p, step.status, step.withdrawn, step.moves))
			task := d.task("dispute.open", p)
			var args struct{ Amount money.Amount }
			if step.want != "" {
				if err := json.Unmarshal(task.Args, &args); err != nil {
					t.Fatalf("%s: %v", step.status, err)
				}
			}
			amount := map[string]int64{"task.dispute_inquiry": 10000, "task.dispute_open": 8000}[step.want]
			if task.Code != step.want || args.Amount.Minor != amount {
				t.Errorf("%s: %s about %s, want %s about %d", step.status, task.Code, args.Amount, step.want, amount)
			}
			d.doTask("dispute.open", p)
		}
		// Nobody did the task of the inquiry before the bank disputed: it says no longer that the bank only asks.
		d.applySaid(d.saysOfDispute("dp_2", p, stripe.DisputeWarning, 0, 0))
		d.applySaid(d.saysOfDispute("dp_2", p, stripe.DisputeOpen, 10000, 1))
		if task := d.task("dispute.open", p); task.Code != "task.dispute_open" {
			t.Errorf("%+v", task)
		}
		d.doTask("dispute.open", p)
		for n, over := range []stripe.DisputeStatus{stripe.DisputeWarningClosed, stripe.DisputeWon} { // all that was heard of it
			d.applySaid(d.saysOfDispute(fmt.Sprint("dp_over", n), p, over, 0, 0))
		}
		if task := d.task("dispute.open", p); task.Code != "" {
			t.Errorf("asked about what is over: %+v", task)
		}
	})
}

// A row that forgot what was booked for it books nothing over it: somebody has to look.
func TestBrokenRowOfADisputeBooksNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 50000, d.card("pm_card_visa"), paylink.Succeeded)
		broken := d.applySaid(d.saysOfDispute("dp_1", p, stripe.DisputeOpen, 8000, 1))
		broken.Withdrawn, broken.Moves = 0, 0
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutDispute(t.Context(), broken) }); err != nil {
			t.Fatal(err)
		}
		if after, err := d.payments.ApplyDispute(t.Context(), d.saysOfDispute("dp_1", p, stripe.DisputeOpen, 10000, 1)); err == nil {
			t.Errorf("booked: %+v", after)
		}
		d.wantMoney(42000)
	})
}
