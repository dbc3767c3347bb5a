package payments_test

import (
	"errors"
	"net/url"
	"slices"
	"sync"
	"testing"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

// differences are the kinds that stand, by subject.
func (d *desk) differences() map[string]store.Difference {
	d.t.Helper()
	list, err := d.payments.Differences(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	found := map[string]store.Difference{}
	for _, one := range list {
		found[one.Subject] = one
	}
	return found
}

func TestForeignPaymentIsAppliedToAnInvoice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		customer, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Somebody Else", Email: "else@keller.example"})
		if err != nil {
			t.Fatal(err)
		}
		stranger, _ := d.newInvoice(customer.ID, 10000, paylink.CaptureAutomatic)
		if _, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, stranger.ID); paylink.KindOf(err) != paylink.Invalid {
			t.Errorf("applied to a stranger's invoice: %v", err)
		}
		p, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, d.invoice.ID)
		if err != nil || p.Status != paylink.Succeeded || p.ReceiptNumber == "" {
			t.Fatalf("%+v %v", p, err)
		}
		if _, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, d.invoice.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("applied twice: %v", err)
		}
		d.reconcile()
		d.wantInvoice(0, 27000, 0, 0, 73000)
		if list, err := d.store.ForeignPayments(t.Context(), 10); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
		d.refund("k1", p, 0, paylink.RefundSucceeded, owedAgain) // and is a payment like any other
		d.wantInvoice(0, 20000, 0, 7000, 80000)
	})
}

// The server dies after it marked the PaymentIntent: the next reconciliation finishes.
func TestForeignPaymentHalfAppliedIsFinished(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.ClaimForeignPayment(t.Context(), intent, "pay_claimed", d.invoice.ID, "staff:1")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.adapter().Adopt(t.Context(), intent, "k", "install1", "pay_claimed", d.invoice.ID); err != nil {
			t.Fatal(err)
		}
		d.reconcile()
		d.wantInvoice(0, 27000, 0, 0, 73000)
		if list, err := d.store.ForeignPayments(t.Context(), 10); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// The server dies after it wrote the payment down: it is a payment of ours from there on, and nobody is asked about it again.
func TestForeignPaymentIsOursOnceItIsWritten(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		room := d.noRoom(at, "insert on ledger_posting", "true")
		if _, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, d.invoice.ID); err == nil {
			t.Fatal("booked where nothing can be written")
		}
		room()
		if list, err := d.store.ForeignPayments(t.Context(), 10); err != nil || len(list) != 0 {
			t.Errorf("still asked about: %+v %v", list, err)
		}
		d.reconcile()
		d.wantInvoice(0, 27000, 0, 0, 73000)
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

// Two people say different invoices in the same moment: the first decides, at Stripe too, and the other reads who it was.
func TestForeignPaymentGoesToTheInvoiceThatWasSaidFirst(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		other, _ := d.newInvoice(d.invoice.CustomerID, 10000, paylink.CaptureAutomatic)
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			now := d.clock.Now()
			return errors.Join(
				tx.InsertStaff(t.Context(), paylink.Staff{ID: "stf_1", Email: "ada@firm.example", Name: "Ada", Role: paylink.Manager, CreatedAt: now}),
				tx.InsertStaff(t.Context(), paylink.Staff{ID: "stf_2", Email: "bob@firm.example", Name: "Bob", Role: paylink.Manager, CreatedAt: now}),
			)
		}); err != nil {
			t.Fatal(err)
		}
		// Stripe marks it, and the answer is lost.
		d.fault("POST /v1/payment_intents/*", "500_after", 0)
		if _, err := d.payments.ApplyForeign(t.Context(), "staff:stf_1", intent, other.ID); paylink.KindOf(err) != paylink.Unavailable {
			t.Fatalf("applied without an answer: %v", err)
		}
		d.control("DELETE", "/faults", nil, nil)
		_, err := d.payments.ApplyForeign(t.Context(), "staff:stf_2", intent, d.invoice.ID)
		if e, ok := errors.AsType[*paylink.Error](err); !ok || e.Kind != paylink.Conflict || e.Code != "foreign.taken" || !slices.Contains(e.Args, any("Ada")) || !slices.Contains(e.Args, any(other.Number)) {
			t.Errorf("the second was told %v", err)
		}
		if p, err := d.payments.ApplyForeign(t.Context(), "staff:stf_2", intent, other.ID); err != nil || p.InvoiceID != other.ID || p.Status != paylink.Succeeded {
			t.Errorf("not finished: %+v %v", p, err)
		}
		d.reconcile()
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
	})
}

func TestForeignPaymentIsBookedOnceWhoeverPresses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		other, _ := d.newInvoice(d.invoice.CustomerID, 10000, paylink.CaptureAutomatic)
		var group sync.WaitGroup
		outcomes := make([]error, 8)
		for n := range outcomes {
			to := []string{d.invoice.ID, other.ID}[n%2]
			group.Go(func() { _, outcomes[n] = d.payments.ApplyForeign(t.Context(), "staff:1", intent, to) })
		}
		group.Wait()
		done := 0
		for _, err := range outcomes {
			if err == nil {
				done++
			} else if paylink.KindOf(err) != paylink.Conflict {
				t.Error(err)
			}
		}
		d.reconcile()
		if left := d.differences(); done == 0 || len(left) != 0 {
			t.Errorf("%d done, %+v", done, left)
		}
		d.wantCharges(2, 27000)
		d.wantReceipts(2)
	})
}

// What Stripe refuses to mark is nobody's: another invoice may be said.
func TestForeignPaymentThatStripeRefusesToMarkIsFreeAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.InsertForeignPayment(t.Context(), store.ForeignPayment{
				Intent: "pi_gone", CustomerID: d.invoice.CustomerID, Amount: money.New(7000, "USD"), MadeAt: d.clock.Now(), CreatedAt: d.clock.Now(),
			})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.ApplyForeign(t.Context(), "staff:1", "pi_gone", d.invoice.ID); paylink.KindOf(err) != paylink.Unavailable {
			t.Error(err)
		}
		if f, err := d.store.ForeignPayment(t.Context(), "pi_gone"); err != nil || f.InvoiceID != "" {
			t.Errorf("%+v %v", f, err)
		}
	})
}

func TestStripesWordIsTakenWhereNothingSettled(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		// Our row says another amount than the PaymentIntent.
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			ours, err := tx.LockPayment(t.Context(), p.ID)
			if err != nil {
				return err
			}
			ours.Amount = money.New(30000, "USD")
			return tx.UpdatePayment(t.Context(), ours)
		}); err != nil {
			t.Fatal(err)
		}
		d.reconcile()
		one := d.differences()[p.PaymentIntent]
		if one.Kind != "payment" || one.PaymentID != p.ID || one.Ours == one.Theirs {
			t.Fatalf("%+v", one)
		}
		d.wantBalance(0, 30000, 70000)
		if err := d.payments.CheckAgain(t.Context(), "staff:1", one.ID); err != nil {
			t.Fatal(err)
		}
		if len(d.differences()) != 1 {
			t.Error("asking again made them agree")
		}
		after, err := d.payments.TakeStripesWord(t.Context(), "staff:1", p.ID)
		if err != nil || after.Status != paylink.Succeeded || after.Amount.Minor != 20000 {
			t.Fatalf("%+v %v", after, err)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

func TestStripesWordIsNotTakenOverTheBooks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		forged := stripe.Intent{
			ID: p.PaymentIntent, Status: stripe.StatusDone, Amount: money.New(1, "USD"), Received: 1, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
		}
		if after, err := d.payments.Apply(t.Context(), forged); err != nil || after.Problem == "" {
			t.Fatalf("%+v %v", after, err)
		}
		one := d.differences()[p.PaymentIntent]
		// Stripe itself says what we have, so that asking again settles it.
		if err := d.payments.CheckAgain(t.Context(), "staff:1", one.ID); err != nil {
			t.Fatal(err)
		}
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
		// A row that was spoiled after it was booked is not made to fit by overwriting it.
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			spoiled, err := tx.LockPayment(t.Context(), p.ID)
			if err != nil {
				return err
			}
			spoiled.Amount.Minor = 30000
			return tx.UpdatePayment(t.Context(), spoiled)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.TakeStripesWord(t.Context(), "staff:1", p.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("what is booked was changed: %v", err)
		}
	})
}

func TestRefundOfAnotherAmountIsBookedOnlyByStaff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, false)
		var made struct{ ID string }
		d.stripe("POST", "/v1/refunds", url.Values{
			"payment_intent": {p.PaymentIntent}, "amount": {"4000"}, "metadata[paylink_install]": {"install1"},
			"metadata[paylink_payment]": {p.ID}, "metadata[paylink_refund]": {f.ID},
		}, &made)
		d.reconcile()
		if one := d.differences()[made.ID]; one.Kind != "refund_amount" {
			t.Fatalf("%+v", one)
		}
		d.wantBalance(20000, 0, 80000)
		booked, err := d.payments.BookRefund(t.Context(), "staff:1", made.ID)
		if err != nil || booked.Status != paylink.RefundSucceeded || booked.Amount.Minor != 4000 {
			t.Fatalf("%+v %v", booked, err)
		}
		if dropped, err := d.store.Refund(t.Context(), f.ID); err != nil || dropped.Status != paylink.RefundCanceled {
			t.Errorf("%+v %v", dropped, err)
		}
		d.wantInvoice(4000, 16000, 0, 4000, 80000)
		if left := d.differences(); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

// spoil changes the row of a payment behind everybody's back.
func (d *desk) spoil(p paylink.Payment, f func(*paylink.Payment)) {
	d.t.Helper()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		ours, err := tx.LockPayment(d.t.Context(), p.ID)
		if err != nil {
			return err
		}
		f(&ours)
		return tx.UpdatePayment(d.t.Context(), ours)
	}); err != nil {
		d.t.Fatal(err)
	}
}

func TestRefundOfMoneyThatNeverArrivedHereIsNotBookedByStaff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		elsewhere := d.foreignCharge(7000, true)
		unsettled := d.lapse()
		d.spoil(unsettled, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		for _, intent := range []string{elsewhere, unsettled.PaymentIntent} {
			_, err := d.payments.BookRefund(t.Context(), "staff:1", d.byHand(paylink.Payment{PaymentIntent: intent}, 2000))
			wantCode(t, err, paylink.Conflict, "difference.unsettled")
		}
		d.wantBalance(20000, 30000, 50000)
	})
}

func TestRefundOfTheAmountThatWasAskedIsBookedAsThatOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, true)
		list, err := d.adapter().RefundsOf(t.Context(), p.PaymentIntent)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		if booked, err := d.payments.BookRefund(t.Context(), "staff:1", list[0].ID); err != nil || booked.ID != f.ID || booked.Status != paylink.RefundSucceeded {
			t.Errorf("%+v %v", booked, err)
		}
		d.wantInvoice(5000, 15000, 0, 5000, 80000)
	})
}

// Two refunds at Stripe carry the id of one of ours: the one that Stripe is known to have is not let go for the other.
func TestRefundThatStripeHasIsNotGivenUpForAnother(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, false)
		f.StripeID = "re_known"
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateRefund(t.Context(), f) }); err != nil {
			t.Fatal(err)
		}
		var made struct{ ID string }
		d.stripe("POST", "/v1/refunds", url.Values{
			"payment_intent": {p.PaymentIntent}, "amount": {"4000"}, "metadata[paylink_install]": {"install1"},
			"metadata[paylink_payment]": {p.ID}, "metadata[paylink_refund]": {f.ID},
		}, &made)
		booked, err := d.payments.BookRefund(t.Context(), "staff:1", made.ID)
		if err != nil || booked.ID == f.ID || booked.Status != paylink.RefundSucceeded {
			t.Errorf("%+v %v", booked, err)
		}
		if kept, err := d.store.Refund(t.Context(), f.ID); err != nil || kept.Status != paylink.RefundAsked {
			t.Errorf("%+v %v", kept, err)
		}
	})
}

func TestForeignPaymentGoesOnlyToAnInvoiceThatCanTakeIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		one, _ := money.ParseQuantity("1")
		invoice := func(change func(*paylink.Invoice)) string {
			i := paylink.Invoice{CustomerID: d.invoice.CustomerID, Currency: "USD", Title: "Other"}
			change(&i)
			i.Lines = []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(7000, i.Currency)}}
			made, err := d.invoicing.CreateInvoice(t.Context(), "system", i)
			if err != nil {
				t.Fatal(err)
			}
			return made.ID
		}
		draft := invoice(func(i *paylink.Invoice) { i.State = paylink.StateDraft })
		euros := invoice(func(i *paylink.Invoice) { i.Currency = "EUR" })
		for id, code := range map[string]string{draft: "foreign.invoice", euros: "currency"} {
			_, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, id)
			wantCode(t, err, paylink.Invalid, code)
		}
		// A charge without a PaymentIntent cannot be marked as ours.
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			now := d.clock.Now()
			_, err := tx.InsertForeignPayment(t.Context(), store.ForeignPayment{
				Intent: "ch_1", CustomerID: d.invoice.CustomerID, Amount: money.New(7000, "USD"), MadeAt: now, CreatedAt: now,
			})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_, err := d.payments.ApplyForeign(t.Context(), "staff:1", "ch_1", d.invoice.ID)
		wantCode(t, err, paylink.Conflict, "foreign.charge")
		for _, id := range []string{intent, "ch_1"} {
			if f, err := d.store.ForeignPayment(t.Context(), id); err != nil || f.InvoiceID != "" {
				t.Errorf("claimed: %+v %v", f, err)
			}
		}
		if in, err := d.adapter().Intent(t.Context(), intent); err != nil || in.Install != "" {
			t.Errorf("marked at Stripe: %+v %v", in, err)
		}
		d.wantBalance(20000, 0, 80000)
	})
}

// It was marked at Stripe by books that were lost since: nobody here said which invoice it pays.
func TestForeignPaymentThatBecameOursByItselfIsClosed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		if _, err := d.adapter().Adopt(t.Context(), intent, "k", "install1", "pay_before", d.invoice.ID); err != nil {
			t.Fatal(err)
		}
		d.reconcile()
		_, err := d.payments.Foreign(t.Context(), intent)
		wantCode(t, err, paylink.Conflict, "foreign.closed")
		d.wantInvoice(0, 27000, 0, 0, 73000)
	})
}

// Both press for the same invoice, and the second is through while the first waits for Stripe.
func TestForeignPaymentIsWrittenDownOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		intent := d.foreignCharge(7000, true)
		d.reconcile()
		other := d.payments
		d.heard("POST /v1/payment_intents/*", func(body string) string {
			if _, err := other.ApplyForeign(t.Context(), "staff:2", intent, d.invoice.ID); err != nil {
				t.Error(err)
			}
			return body
		})
		p, err := d.payments.ApplyForeign(t.Context(), "staff:1", intent, d.invoice.ID)
		if err != nil || p.Status != paylink.Succeeded {
			t.Fatalf("%+v %v", p, err)
		}
		if n := d.audited(p.ID, "payment.adopted"); n != 1 {
			t.Errorf("written down %d times", n)
		}
		d.wantInvoice(0, 27000, 0, 0, 73000)
		d.wantReceipts(2)
	})
}

func TestStripesWordIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		for range 2 {
			if after, err := d.payments.TakeStripesWord(t.Context(), "staff:1", p.ID); err != nil || after.Amount.Minor != 20000 || after.Status != paylink.Succeeded {
				t.Fatalf("%+v %v", after, err)
			}
		}
		if n := d.audited(p.ID, "drift.word_taken"); n != 1 {
			t.Errorf("taken %d times", n)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
	})
}

func TestStripesWordIsTakenForTheAmountAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent, url.Values{"metadata[paylink_invoice]": {"inv_other"}}, nil)
		_, err := d.payments.TakeStripesWord(t.Context(), "staff:1", p.ID)
		wantCode(t, err, paylink.Conflict, "difference.not_amount")
		d.wantBalance(0, 30000, 70000)
	})
}

// lost is money at Stripe for an invoice that is not here, a part of what was held, and the difference about it.
func (d *desk) lost() store.Difference {
	d.t.Helper()
	in, err := d.adapter().CreateIntent(d.t.Context(), "plk:lost", stripe.IntentRequest{
		Amount: money.New(5000, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureManual, Install: "install1", Payment: "pay_lost", Invoice: "inv_lost",
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.adapter().Confirm(d.t.Context(), in.ID, "k1", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.adapter().Capture(d.t.Context(), in.ID, "k2", money.New(3000, "USD")); err != nil {
		d.t.Fatal(err)
	}
	d.reconcile()
	return d.differences()[in.ID]
}

func TestDifferenceSaysWhatCameAndNotWhatWasHeld(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if one := d.lost(); one.Kind != "payment_lost" || one.Theirs != money.New(3000, "USD").String()+" succeeded" {
			t.Errorf("%+v", one)
		}
	})
}

func TestAskingAgainIsWrittenDownAndSaysThatStripeIsAway(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		one := d.lost()
		if err := d.payments.CheckAgain(t.Context(), "staff:1", one.ID); err != nil {
			t.Fatal(err)
		}
		if n := d.audited(one.Subject, "drift.checked"); n != 1 {
			t.Errorf("written down %d times", n)
		}
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		wantCode(t, d.payments.CheckAgain(t.Context(), "staff:1", one.ID), paylink.Unavailable, "stripe.unreachable")
		if len(d.differences()) != 1 {
			t.Error("nobody is told any more")
		}
	})
}
