package payments_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// wantOverpaid wants the customer to have paid so much too much, and staff to know of it by a payment.
func (d *desk) wantOverpaid(p paylink.Payment, minor int64) {
	d.t.Helper()
	sum, err := d.store.AccountBalance(d.t.Context(), ledger.Overpayment(d.invoice.CustomerID), "USD")
	if err != nil || sum.Minor != -minor {
		d.t.Errorf("too much is %d %v, want %d", -sum.Minor, err, minor)
	}
	if d.hasTask("payment.excess", p.ID) != (minor > 0) {
		d.t.Error("staff are told otherwise")
	}
}

// The money of a refund comes back when the invoice was paid again: it is the customer's, and not the invoice's twice.
func TestFault_F03_RefundThatFailsAfterTheInvoiceWasPaidAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_refundFail"), paylink.Succeeded)
		d.refund("k1", p, 30000, paylink.RefundSucceeded, owedAgain)
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.later(5 * 24 * time.Hour)
		d.hear()
		d.wantInvoice(0, 100000, 0, 0, 0)
		d.wantOverpaid(p, 20000)
		d.refund("k2", p, 20000, paylink.RefundSucceeded, nil) // goes back out of what was too much
		d.wantInvoice(0, 100000, 0, 0, 0)
	})
}

// A dispute is decided for us when the payer has paid again, and lost after all.
func TestFault_F04_WonAfterTheInvoiceWasPaidAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		say := stripe.Dispute{
			ID: "dp_1", Intent: p.PaymentIntent, Amount: money.New(100000, "USD"), Reason: "fraudulent", Status: stripe.DisputeLost,
			OpenedAt: d.clock.Now(), MovedAt: d.clock.Now(), Withdrawn: 100000, Moves: 1,
		}
		tell := func(withdrawn, paid, due, over int64) paylink.Dispute {
			t.Helper()
			say.Withdrawn = withdrawn
			dispute, err := d.payments.ApplyDispute(t.Context(), say)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := d.store.Balance(t.Context(), d.invoice.ID); err != nil || b.Paid != paid || b.Due() != due {
				t.Errorf("%s: %+v %v, want paid %d due %d", dispute.Status, b, err, paid, due)
			}
			sum, err := d.store.AccountBalance(t.Context(), ledger.Overpayment(d.invoice.CustomerID), "USD")
			if err != nil || sum.Minor != -over {
				t.Errorf("%s: too much is %d %v, want %d", dispute.Status, -sum.Minor, err, over)
			}
			return dispute
		}
		lost := tell(100000, 0, 100000, 0)
		if err := d.invoicing.ReopenJob(t.Context(), d.reopening("link.reopen", lost.ID+"/2")); err != nil {
			t.Fatal(err)
		}
		d.pay("n2", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		say.Status, say.Moves = stripe.DisputeWon, 2
		tell(0, 100000, 0, 100000)
		d.wantOverpaid(p, 100000)
		d.wantReceipt(p, 3, paylink.ReceiptPaid, 0, 0)
		say.Status, say.Moves = stripe.DisputeLost, 3
		tell(100000, 100000, 0, 0)
		d.wantVerified()
	})
}

// A payment that is rebuilt while its debit is on its way knows the account: it is not taken away meanwhile.
func TestFault_R05_RebuiltDebitKeepsItsAccount(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		p := d.begin(d.debitPress("n1", 20000, m), paylink.Processing)
		restored := d.elsewhere()
		if err := restored.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.InsertMethod(t.Context(), d.method(m.ID))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if report := restored.reconcile(); report.Rebuilt != 1 {
			t.Fatalf("%+v", report)
		}
		if rebuilt, err := restored.store.Payment(t.Context(), p.ID); err != nil || rebuilt.Status != paylink.Processing || rebuilt.MethodID != m.ID {
			t.Errorf("%s by %q, %v", rebuilt.Status, rebuilt.MethodID, err)
		}
		if err := restored.payments.RemoveMethod(t.Context(), "staff:1", m.CustomerID, m.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("taken away under a debit: %v", err)
		}
	})
}

// The backup has the invoice as it was before its currency was changed: that is told, and what comes after it in the list
// is read all the same.
func TestFault_R05_PaymentInAnotherCurrencyThanTheInvoiceHasAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		in, err := d.adapter().CreateIntent(t.Context(), "plk:lost", stripe.IntentRequest{
			Amount: money.New(5000, "EUR"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "install1", Payment: "pay_lost", Invoice: d.invoice.ID,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.adapter().Confirm(t.Context(), in.ID, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		restored := d.elsewhere()
		if report := restored.reconcile(); report.Different != 1 || report.Rebuilt != 1 {
			t.Errorf("%+v", report)
		}
		if rebuilt, err := restored.store.Payment(t.Context(), p.ID); err != nil || rebuilt.Status != paylink.Succeeded {
			t.Errorf("%s %v", rebuilt.Status, err)
		}
	})
}

// A debit that was said to have failed arrives after all: it is booked, and staff no longer read that it failed.
func TestDebitThatArrivesAfterItFailed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(poorAccount)), paylink.Processing)
		in, err := d.adapter().Intent(t.Context(), p.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Failed || !d.hasTask("payment.bank_failed", p.ID) {
			t.Fatalf("it is %s", p.Status)
		}
		in.Status, in.Received = stripe.StatusDone, 20000
		if p, err = d.payments.Apply(t.Context(), in); err != nil || p.Status != paylink.Succeeded {
			t.Fatalf("it is %s: %v", p.Status, err)
		}
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
		if d.hasTask("payment.bank_failed", p.ID) {
			t.Error("staff still read that it failed")
		}
	})
}

// What breaks over one payment breaks neither the server nor the recovery of the others.
func TestRecoveryOutlivesAPanic(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		one, other := d.cutOff(paylink.Unknown, true), d.cutOff(paylink.Unknown, true)
		var armed atomic.Bool
		o := d.options
		o.Boot, o.Now = "boot2", func() time.Time {
			if armed.CompareAndSwap(true, false) {
				panic("no time")
			}
			return d.clock.Now()
		}
		service := payments.New(d.store, d.adapter(), o)
		armed.Store(true)
		if err := service.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		canceled := 0
		for _, p := range []paylink.Payment{one, other} {
			if after, err := d.store.Payment(t.Context(), p.ID); err == nil && after.Status == paylink.Canceled {
				canceled++
			}
		}
		if canceled != 1 || !strings.Contains(d.log.String(), "no time") {
			t.Errorf("%d are looked after; logged %s", canceled, d.log)
		}
	})
}

// A card that is saved anew while its bank asks about a payment by the old one is left at Stripe until that is over.
func TestSavedCardGivesWayOnlyAfterItsPayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_authenticationRequired")
		asked := d.begin(d.pressSaved("n2", m), paylink.RequiresAction)
		d.savedCard("n3", "pm_card_authenticationRequired")
		d.detach()
		d.clock.advance(2 * time.Hour)
		d.detach()
		if held, err := d.adapter().Method(t.Context(), m.StripeID); err != nil || held.Customer == "" {
			t.Errorf("taken from Stripe while the bank asks: %+v %v", held, err)
		}
		if _, err := d.payments.Fence(t.Context(), asked.ID); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(2 * time.Hour)
		d.detach()
		if held, err := d.adapter().Method(t.Context(), m.StripeID); err != nil || held.Customer != "" {
			t.Errorf("left at Stripe: %+v %v", held, err)
		}
	})
}

// detach runs the jobs that let go of removed methods and are due.
func (d *desk) detach() {
	d.t.Helper()
	var due []store.Job
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		var err error
		due, err = tx.ClaimJobs(d.t.Context(), "method.detach", d.clock.Now(), time.Minute, 10)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	for _, job := range due {
		if err := d.payments.DetachJob(d.t.Context(), job); err != nil {
			d.t.Fatal(err)
		}
		if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
			_, err := tx.FinishJob(d.t.Context(), job.ID, job.Attempts, d.clock.Now())
			return err
		}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// An account that Stripe lost is linked again while a debit by it is on its way: that debit's permission, and the login it
// was made by, stay until it ended.
func TestDebitOnItsWayKeepsItsPermissionWhenItsAccountIsLinkedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		first := d.pass(5*24*time.Hour, d.begin(d.debitPress("n0", 10000, m), paylink.Processing))
		p := d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
		customer, err := d.store.Customer(t.Context(), m.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.adapter().Detach(t.Context(), "k"+m.ID, customer.StripeCustomer, m.StripeID); err != nil {
			t.Fatal(err)
		}
		if again := d.linked(goodAccount); again.ID == m.ID || d.method(m.ID).RemovedAt.IsZero() {
			t.Fatalf("the same account: %+v", again)
		}
		revoked := func(of paylink.Payment) bool {
			t.Helper()
			mandate, err := d.store.MandateByPayment(t.Context(), of.ID)
			if err != nil {
				t.Fatal(err)
			}
			return !mandate.RevokedAt.IsZero()
		}
		d.clock.advance(80 * 24 * time.Hour) // and Stripe has not said yet what became of it
		d.detach()
		if !revoked(first) || revoked(p) || d.method(m.ID).PlaidSealed == "" {
			t.Errorf("revoked %t and %t, login %t", revoked(first), revoked(p), d.method(m.ID).PlaidSealed != "")
		}
		if p = d.pass(5*24*time.Hour, p); p.Status != paylink.Succeeded {
			t.Fatal(p.Status)
		}
		d.detach()
		if !revoked(p) || d.method(m.ID).PlaidSealed != "" {
			t.Errorf("revoked %t, login %t", revoked(p), d.method(m.ID).PlaidSealed != "")
		}
	})
}
