package payments_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

// events are the bodies of all events that Stripe has, newest first.
func (d *desk) events() [][]byte {
	d.t.Helper()
	var list struct{ Data []json.RawMessage }
	d.stripe("GET", "/v1/events?limit=100", nil, &list)
	bodies := make([][]byte, len(list.Data))
	for n, body := range list.Data {
		bodies[n] = body
	}
	return bodies
}

// event takes an event in under an id, as the webhook does.
func (d *desk) event(id string, body []byte) {
	d.t.Helper()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		now := d.clock.Now()
		if _, err := tx.InsertEvent(d.t.Context(), store.Event{Provider: "stripe", ID: id, Body: body, ReceivedAt: now}); err != nil {
			return err
		}
		payload, err := json.Marshal(map[string]string{"event": id})
		if err != nil {
			return err
		}
		_, err = tx.Enqueue(d.t.Context(), store.Job{Kind: "stripe.event", Key: id, Payload: payload, RunAt: now})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) reconcile() payments.Report {
	d.t.Helper()
	report, err := d.payments.Reconcile(d.t.Context(), nil)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, d.log)
	}
	return report
}

// lapse is a payment whose server died after Stripe had charged, with what a person then did to it.
func (d *desk) lapse() paylink.Payment {
	d.t.Helper()
	p := d.cutOff(paylink.Confirming, true)
	if _, err := d.adapter().Confirm(d.t.Context(), p.PaymentIntent, "k:"+p.ID, stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func TestFault_W05_AllWebhooksLost(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.reconcile()
		d.wantInvoice(0, 20000, 0, 0, 80000)
		d.byHand(p, 4000)
		d.disputed(p, 6000, false)
		d.reconcile()
		d.wantInvoice(4000, 10000, 0, 4000, 86000)
		d.wantReceipts(1)
	})
}

// byHand refunds in Stripe's Dashboard.
func (d *desk) byHand(p paylink.Payment, minor int64) string {
	d.t.Helper()
	var made struct{ ID string }
	if status := d.stripe("POST", "/v1/refunds", url.Values{"payment_intent": {p.PaymentIntent}, "amount": {fmt.Sprint(minor)}}, &made); status != 200 {
		d.t.Fatalf("refund by hand: %d", status)
	}
	return made.ID
}

func TestFault_W07_DownForThirtyOneDays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.reconcile() // as it did until it went down
		p := d.lapse()
		d.byHand(p, 4000)
		d.later(31 * 24 * time.Hour)
		if len(d.events()) != 0 {
			t.Fatal("Stripe still lists the events")
		}
		d.reconcile()
		d.wantInvoice(4000, 16000, 0, 4000, 80000)
		d.wantReceipts(1)
	})
}

// W06: the endpoint was down, and then everything comes at once, many times and mixed with strangers'.
func TestFault_W06_FloodOfOldEvents(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.byHand(p, 4000)
		bodies := d.events()
		for n := range 400 {
			d.event(fmt.Sprintf("evt_%d", n), bodies[n%len(bodies)])
		}
		for range 5 { // 100 at a time, as many as the workers take
			d.runJobs()
		}
		if open, err := d.store.OpenEvents(t.Context(), 1); err != nil || len(open) != 0 {
			t.Errorf("%d events are left, %v", len(open), err)
		}
		d.wantInvoice(4000, 16000, 0, 4000, 80000)
		d.wantReceipts(1)
	})
}

func TestFault_W08_EventThatWasNeverMade(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.settledDebit(50000)
		d.reconcile()
		d.later(30 * 24 * time.Hour)
		d.reconcile()
		d.returned(p, "bank_cannot_process")
		d.fault("GET /v1/events", "500_before", 0) // Stripe knows of no event
		d.fault("GET /v1/disputes", "500_before", 0)
		if _, err := d.payments.SweepBalance(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		d.wantInvoice(0, 0, 0, 0, 100000)
		d.wantReceipt(p, 2, paylink.ReceiptReturned, 0, 100000)
	})
}

func TestBalanceTellsOfARefundThatFailedLongAfter(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_refundFail"), paylink.Succeeded)
		d.refund("k1", p, 30000, paylink.RefundSucceeded, nil)
		d.later(5 * 24 * time.Hour)
		for range 2 {
			if _, err := d.payments.SweepBalance(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		d.wantInvoice(0, 100000, 0, 0, 0)
		if list, err := d.payments.Differences(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestFault_P03_OrphanIsCanceledBySweep(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		given := d.cutOff(paylink.Canceled, false)
		for _, id := range []string{given.ID, "pay_never_written"} {
			if _, err := d.adapter().CreateIntent(t.Context(), "plk:"+id, stripe.IntentRequest{
				Amount: given.Amount, MethodTypes: []string{"card"}, Capture: given.Capture, Install: "install1", Payment: id, Invoice: given.InvoiceID,
			}); err != nil {
				t.Fatal(err)
			}
		}
		if report := d.reconcile(); report.Canceled != 2 {
			t.Errorf("%+v", report)
		}
		d.wantNothingConfirmable()
		d.wantInvoice(0, 0, 0, 0, 100000)
	})
}

func TestReconcileLeavesAPaymentUnderWayAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		asked := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		begun := d.cutOff(paylink.Created, true)
		if report := d.reconcile(); report.Canceled != 0 {
			t.Errorf("%+v", report)
		}
		for _, id := range []string{asked.PaymentIntent, begun.PaymentIntent} {
			if in, err := d.adapter().Intent(t.Context(), id); err != nil || in.Status == stripe.StatusCanceled {
				t.Errorf("%s is %s, %v", id, in.Status, err)
			}
		}
		d.wantBalance(0, 40000, 60000)
	})
}

func TestFault_R04_WhatWasDoneByHandAtStripe(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		id := d.byHand(p, 5000)
		var stranger struct{ ID string }
		foreign := d.foreignCharge(7000, true)
		d.foreignCharge(9000, false) // of nobody
		d.stripe("POST", "/v1/customers", url.Values{"email": {"stranger@keller.example"}}, &stranger)
		d.foreignChargeOf(9000, stranger.ID) // of somebody we do not know
		for range 2 {
			d.reconcile()
		}
		f, err := d.store.RefundByStripe(t.Context(), id)
		if err != nil || f.Actor != "stripe" || !d.hasTask("refund.foreign", p.ID) {
			t.Errorf("%+v %v", f, err)
		}
		b, err := d.store.Balance(t.Context(), d.invoice.ID)
		if err != nil || b.Paid != 15000 || b.Refunded != 5000 || b.Credited != 5000 {
			t.Errorf("%+v %v", b, err)
		}
		list, err := d.store.ForeignPayments(t.Context(), 10)
		if err != nil || len(list) != 1 || list[0].Intent != foreign || list[0].Amount.Minor != 7000 || list[0].CustomerID != d.invoice.CustomerID {
			t.Errorf("%+v %v", list, err)
		}
		d.wantMoney(15000) // a foreign charge is not posted
	})
}

// foreignCharge is a payment that another program made, of our customer or of nobody it names.
func (d *desk) foreignCharge(minor int64, ours bool) string {
	d.t.Helper()
	cus := ""
	if ours {
		customer, err := d.store.Customer(d.t.Context(), d.invoice.CustomerID)
		if err != nil || customer.StripeCustomer == "" {
			d.t.Fatal(err)
		}
		cus = customer.StripeCustomer
	}
	return d.foreignChargeOf(minor, cus)
}

func (d *desk) foreignChargeOf(minor int64, cus string) string {
	d.t.Helper()
	form := url.Values{
		"amount": {fmt.Sprint(minor)}, "currency": {"usd"}, "payment_method_types[]": {"card"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"},
	}
	if cus != "" {
		form.Set("customer", cus)
	}
	var made struct{ ID, Status string }
	if status := d.stripe("POST", "/v1/payment_intents", form, &made); status != 200 || made.Status != "succeeded" {
		d.t.Fatalf("foreign charge: %d %s", status, made.Status)
	}
	return made.ID
}

// strangers makes PaymentIntents of another program.
func (d *desk) strangers(n int) {
	d.t.Helper()
	var group sync.WaitGroup
	work := make(chan int)
	for range 4 {
		group.Go(func() {
			sc := d.adapter() // one connection for all
			for n := range work {
				if _, err := sc.CreateIntent(context.Background(), fmt.Sprint("x", n), stripe.IntentRequest{
					Amount: money.New(100, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "another", Payment: "p", Invoice: "i",
				}); err != nil {
					d.t.Error(err)
				}
			}
		})
	}
	for n := range n {
		work <- n
	}
	close(work)
	group.Wait()
}

// 2,000 objects are read 100 at a time, while some of them change.
func TestReconcileReadsManyPagesInBoundedMemory(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.SQLite(t))
	const strangers = 1950
	lost := d.lapse()
	d.strangers(strangers)
	d.later(31 * 24 * time.Hour) // Stripe has no event of them any more, and the second pass does not read them again
	d.link = d.links(1)[0]
	asked := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
	pages := 0
	report, err := d.payments.Reconcile(t.Context(), func(list string, seen int) {
		if list != "payment_intents" {
			return
		}
		pages++
		if pages == 2 { // what was seen as asking the bank pays meanwhile, and something new is made
			secret, err := d.payments.ClientSecret(t.Context(), asked.ID)
			if err != nil {
				t.Fatal(err)
			}
			d.answerBank(asked, secret, "succeed")
			d.lapse()
		}
	})
	if err != nil || report.Seen["payment_intents"] != strangers+2 || pages != 20 {
		t.Fatalf("%+v in %d pages: %v", report, pages, err)
	}
	if after, err := d.store.Payment(t.Context(), lost.ID); err != nil || after.Status != paylink.Succeeded {
		t.Errorf("%s %v", after.Status, err)
	}
	if report := d.reconcile(); report.Seen["payment_intents"] != 2 { // the overlap has what changed and what was made
		t.Errorf("%+v", report)
	}
	d.wantInvoice(0, 60000, 0, 0, 40000)
}

func TestFault_R01_ListFailsOnPageThree(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		lost := d.lapse() // oldest, so on the last page
		d.strangers(210)
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		id := d.byHand(p, 5000)
		fail := func(list string, seen int) {
			if list == "payment_intents" && seen == 200 {
				d.fault("GET /v1/payment_intents", "500_before", 0)
			}
		}
		if _, err := d.payments.Reconcile(t.Context(), fail); err == nil {
			t.Fatal("the list did not fail")
		}
		cursor, err := d.store.ListCursor(t.Context(), "payment_intents")
		if err != nil || !cursor.Since.IsZero() || cursor.Begun.IsZero() {
			t.Errorf("the pass is said to be whole: %+v %v", cursor, err)
		}
		if _, err := d.store.RefundByStripe(t.Context(), id); err != nil {
			t.Errorf("one list that fails keeps the others from being read: %v", err)
		}
		d.control("DELETE", "/faults", nil, nil)
		d.reconcile()
		if after, err := d.store.Payment(t.Context(), lost.ID); err != nil || after.Status != paylink.Succeeded {
			t.Errorf("%s %v", after.Status, err)
		}
		d.reconcile()
		d.wantInvoice(5000, 35000, 0, 5000, 60000)
		d.wantReceipts(2)
	})
}

// The process dies between a page's effect and its place in the list: what the next one does again
// changes nothing.
func TestFault_R02_KilledBeforeThePlaceIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.byHand(p, 5000)
		d.disputed(p, 2000, false)
		for range 3 {
			d.reconcile()
			if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
				for _, list := range []string{"payment_intents", "charges", "refunds", "disputes", "events", "balance"} {
					if err := tx.PutListCursor(t.Context(), list, store.ListCursor{}); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		d.wantInvoice(5000, 13000, 0, 5000, 82000)
		d.wantReceipts(1)
	})
}

func TestFault_R03_TwoInstancesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for range 3 {
			d.byHand(d.lapse(), 5000)
		}
		var group sync.WaitGroup
		for n := range 4 {
			other := d.restart(fmt.Sprint("boot", n))
			group.Go(func() {
				if _, err := other.Reconcile(context.Background(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		d.reconcile()
		d.wantInvoice(15000, 45000, 0, 15000, 40000)
		d.wantReceipts(3)
		d.wantRefunds(3, 15000)
	})
}

// R03: a shift ends before its lease, and what is left is a job that any server may take, which does not
// read again what this one read.
func TestFault_R03_ShiftLeavesTheRestToAnother(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.options.Shift = 2 * time.Second
		d.fault("GET /v1/refunds", "slow:30s", 0)
		d.byHand(p, 5000)
		job := store.Job{ID: "job_1", Kind: "payment.reconcile", Key: "k", Payload: json.RawMessage("{}")}
		if err := d.restart("boot1").ReconcileJob(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		d.wantBalance(20000, 0, 80000)
		d.control("DELETE", "/faults", nil, nil)
		first, err := d.store.ListCursor(t.Context(), "payment_intents")
		if err != nil || first.Since.IsZero() {
			t.Fatalf("%+v %v", first, err)
		}
		d.clock.advance(time.Second)
		var left []store.Job
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			left, err = tx.ClaimJobs(t.Context(), "payment.reconcile", d.clock.Now(), time.Minute, 10)
			return err
		}); err != nil || len(left) != 1 {
			t.Fatalf("%d jobs are left, %v", len(left), err)
		}
		if err := d.restart("boot2").ReconcileJob(t.Context(), left[0]); err != nil {
			t.Fatal(err)
		}
		d.wantInvoice(5000, 15000, 0, 5000, 80000)
		if again, err := d.store.ListCursor(t.Context(), "payment_intents"); err != nil || !again.Since.Equal(first.Since) {
			t.Errorf("the list was read again: %+v %v", again, err)
		}
	})
}

// A page that takes longer than a shift is gone through all the same, piece by piece, and nothing of it twice.
func TestFault_R03_PageSlowerThanAShiftIsReadToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		for range 3 {
			d.byHand(p, 1000)
		}
		d.disputed(p, 3000, false)
		d.options.Shift = time.Nanosecond
		hurried := d.restart("boot1")
		job := store.Job{ID: "job_1", Kind: "payment.sweep", Key: "k", Payload: json.RawMessage("{}")}
		seen, shifts := 0, 0
		for ; ; shifts++ {
			if err := hurried.SweepJob(t.Context(), job); err != nil || shifts > 20 {
				t.Fatalf("after %d shifts: %v", shifts, err)
			}
			cursor, err := d.store.ListCursor(t.Context(), "balance")
			if err != nil || cursor.Seen != seen+1 {
				t.Errorf("shift %d saw %d, %v", shifts, cursor.Seen-seen, err)
			}
			if seen = cursor.Seen; !cursor.Since.IsZero() {
				break
			}
			d.clock.advance(time.Second)
			if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
				left, err := tx.ClaimJobs(t.Context(), "payment.sweep", d.clock.Now(), time.Hour, 10)
				if err != nil || len(left) != 1 {
					return fmt.Errorf("%d jobs are left, %w", len(left), err)
				}
				job = left[0]
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if seen < 5 {
			t.Errorf("saw %d movements", seen)
		}
		d.wantInvoice(3000, 14000, 0, 3000, 83000)
	})
}

// R05: the database is as it was before, while Stripe is not.
func TestFault_R05_RestoredBackupIsRebuiltFromMetadata(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.refund("k1", p, 5000, paylink.RefundSucceeded, owedAgain)
		d.disputed(p, 3000, false)
		d.reconcile()
		d.wantInvoice(0, 12000, 0, 5000, 88000)

		restored := d.elsewhere()
		// A payment that was begun and never confirmed, in what was lost.
		if _, err := d.adapter().CreateIntent(t.Context(), "plk:lost", stripe.IntentRequest{
			Amount: money.New(5000, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "install1", Payment: "pay_lost", Invoice: d.invoice.ID,
		}); err != nil {
			t.Fatal(err)
		}
		report := restored.reconcile()
		if report.Rebuilt != 1 || report.Canceled != 1 || report.Different != 0 {
			t.Errorf("%+v", report)
		}
		restored.reconcile()
		restored.wantInvoice(0, 12000, 0, 5000, 88000)
		again, err := restored.store.Refund(t.Context(), f.ID)
		if err != nil || again.StripeID != f.StripeID || !again.OwedAgain || again.Status != paylink.RefundSucceeded {
			t.Errorf("%+v %v", again, err)
		}
		rebuilt, err := restored.store.Payment(t.Context(), p.ID)
		if err != nil || rebuilt.ReceiptNumber != paylink.ReceiptNumber(d.clock.Now().Year(), "B", 1) {
			t.Errorf("%+v %v", rebuilt, err)
		}
		restored.wantNothingConfirmable()
	})
}

// elsewhere is the installation on a database that has its invoice and nothing that came after.
func (d *desk) elsewhere() *desk {
	d.t.Helper()
	other := *d
	if d.store.OneServer() {
		other.store = storetest.SQLite(d.t)
	} else {
		other.store = storetest.Open(d.t, storetest.Postgres(d.t))
	}
	other.payments = other.restart("boot2")
	customer, err := d.store.Customer(d.t.Context(), d.invoice.CustomerID)
	if err != nil {
		d.t.Fatal(err)
	}
	links, err := d.store.LinksOf(d.t.Context(), d.invoice.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := other.store.Update(d.t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertCustomer(d.t.Context(), customer); err != nil {
			return err
		}
		if err := tx.InsertInvoice(d.t.Context(), d.invoice); err != nil {
			return err
		}
		if err := d.issue(tx); err != nil {
			return err
		}
		for _, link := range links {
			if err := tx.InsertLink(d.t.Context(), link); err != nil {
				return err
			}
		}
		return tx.PutSetting(d.t.Context(), "receipt_epoch", "B")
	}); err != nil {
		d.t.Fatal(err)
	}
	return &other
}

// A payment whose invoice the backup does not have is shown, and nothing is made up for it.
func TestFault_R05_PaymentOfAnInvoiceThatIsNotHere(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in, err := d.adapter().CreateIntent(t.Context(), "plk:lost", stripe.IntentRequest{
			Amount: money.New(5000, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "install1", Payment: "pay_lost", Invoice: "inv_lost",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.adapter().Confirm(t.Context(), in.ID, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.reconcile()
		if report := d.reconcile(); report.Different != 1 {
			t.Errorf("%+v", report)
		}
	})
}

// A server that answers lists with nonsense changes nothing.
func TestReconcileOfNonsenseChangesNothing(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"bad_json", "429", "drop_before", "500_after"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, storetest.SQLite(t))
			d.options.Budget = 300 * time.Millisecond // each list is asked for twice
			d.payments = d.restart("boot1")
			d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
			d.fault("GET /v1/*", mode, 0)
			if _, err := d.payments.Reconcile(t.Context(), nil); err == nil || errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			d.control("DELETE", "/faults", nil, nil)
			d.wantInvoice(0, 20000, 0, 0, 80000)
		})
	}
}

// issue books the invoice, as invoicing does when it makes one.
func (d *desk) issue(tx *store.Tx) error {
	now := d.clock.Now()
	booked, err := ledger.Issue(ledger.Header{ID: paylink.NewID("ltx", now), SourceType: "invoice", SourceID: d.invoice.ID, At: now}, d.invoice.ID, d.invoice.Total)
	if err != nil {
		return err
	}
	_, err = tx.Post(d.t.Context(), booked)
	return err
}

// heard gives payments a Stripe that is the sandbox, with f between: it sees, and may change, the body of every answer
// to a call ("GET /v1/charges"), and may do something before payments has it.
func (d *desk) heard(call string, f func(body string) string) {
	d.t.Helper()
	to, err := url.Parse(d.box.URL())
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		if ok, err := path.Match(call, r.Request.Method+" "+r.Request.URL.Path); err != nil || !ok {
			return err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		changed := f(string(body))
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
		r.Header.Set("Content-Length", strconv.Itoa(len(changed)))
		return nil
	}
	server := httptest.NewServer(proxy)
	d.t.Cleanup(server.Close)
	d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: server.URL, Timeout: 5 * time.Second}), d.options)
}

// made is a PaymentIntent of ours, and nothing else of it.
func (d *desk) made(payment string, change func(*stripe.IntentRequest)) stripe.Intent {
	d.t.Helper()
	r := stripe.IntentRequest{
		Amount: money.New(5000, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "install1", Payment: payment, Invoice: d.invoice.ID,
	}
	if change != nil {
		change(&r)
	}
	in, err := d.adapter().CreateIntent(d.t.Context(), paylink.NewID("plk", d.clock.Now()), r)
	if err != nil {
		d.t.Fatal(err)
	}
	return in
}

// paid confirms a PaymentIntent by card.
func (d *desk) paid(in stripe.Intent) {
	d.t.Helper()
	if _, err := d.adapter().Confirm(d.t.Context(), in.ID, "k:"+in.ID, stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
		d.t.Error(err)
	}
}

func (d *desk) wantAtStripe(id string, want stripe.Status) {
	d.t.Helper()
	if in, err := d.adapter().Intent(d.t.Context(), id); err != nil || in.Status != want {
		d.t.Errorf("%s is %s at Stripe, want %s (%v)", id, in.Status, want, err)
	}
}

// A shift has its end; refunds are sent again by a job of their own.
func TestShiftSendsNoRefundAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, false)
		d.clock.advance(5 * time.Minute)
		job := store.Job{ID: "job_1", Kind: "payment.reconcile", Key: "k", Payload: json.RawMessage("{}")}
		if err := d.payments.ReconcileJob(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if f, err := d.store.Refund(t.Context(), f.ID); err != nil || f.Status != paylink.RefundAsked {
			t.Errorf("%+v %v", f, err)
		}
		d.reconcile()
		d.wantInvoice(5000, 15000, 0, 5000, 80000)
	})
}

func TestFirstPassLooksBackThirtyFiveDays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.foreignCharge(7000, false)
		d.later(2 * 24 * time.Hour)
		d.foreignCharge(7000, false)
		d.later(34 * 24 * time.Hour)
		if report := d.reconcile(); report.Seen["payment_intents"] != 1 || report.Seen["charges"] != 1 {
			t.Errorf("%+v", report)
		}
	})
}

// Where each list is one short page, a shift that is over reads one of them, and the next shift the next.
func TestFault_R03_ShiftThatIsOverBeginsNoOtherList(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.lapse()
		d.options.Shift = time.Nanosecond
		d.fault("GET /v1/charges", "500_before", 0) // it is not even asked for
		job := store.Job{ID: "job_1", Kind: "payment.reconcile", Key: "k", Payload: json.RawMessage("{}")}
		if err := d.restart("boot1").ReconcileJob(t.Context(), job); err != nil {
			t.Error(err)
		}
		for list, want := range map[string]bool{"payment_intents": true, "charges": false, "refunds": false, "disputes": false, "events": false} {
			if c, err := d.store.ListCursor(t.Context(), list); err != nil || c.Since.IsZero() == want {
				t.Errorf("%s: %+v %v", list, c, err)
			}
		}
	})
}

// at puts a list's place where a pass was cut off.
func (d *desk) at(list, after string) {
	d.t.Helper()
	now := d.clock.Now()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		return tx.PutListCursor(d.t.Context(), list, store.ListCursor{Begun: now, From: now.Add(-time.Hour), After: after})
	}); err != nil {
		d.t.Fatal(err)
	}
}

func TestFault_R01_ListBeginsAgainWhenItsPlaceIsGone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.lapse()
		d.at("payment_intents", "pi_gone")
		d.reconcile()
		if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Status != paylink.Succeeded {
			t.Errorf("%s %v", after.Status, err)
		}
	})
}

func TestReconcileEndsWhereStripeRefuses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.at("payment_intents", "pi_gone")
		d.at("charges", "")
		d.key = "sk_test_withdrawn"
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := d.restart("boot1").Reconcile(ctx, nil)
		if _, refused := errors.AsType[*stripe.Refusal](err); !refused || ctx.Err() != nil {
			t.Errorf("%v %v", err, ctx.Err())
		}
	})
}

// What other programs do on the same account is theirs: nothing of it is canceled, and only money of our customers is shown.
func TestReconcileLeavesOtherProgramsAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		ours, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		// A customer whom Stripe does not know, as nobody is named on the money of strangers.
		if _, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "New", Email: "new@keller.example"}); err != nil {
			t.Fatal(err)
		}
		d.foreignCharge(9000, false)
		theirs := d.made("pay_theirs", func(r *stripe.IntentRequest) { r.Install, r.Customer = "another", ours.StripeCustomer })
		paid := d.made("pay_paid", func(r *stripe.IntentRequest) { r.Install, r.Customer = "another", ours.StripeCustomer })
		d.paid(paid)
		unnamed := d.made("", func(r *stripe.IntentRequest) { r.Customer = ours.StripeCustomer })
		d.paid(unnamed)
		// Somebody took our words off a payment of ours: it is in the books all the same.
		d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent, url.Values{"metadata[paylink_install]": {""}, "metadata[paylink_payment]": {""}}, nil)

		if report := d.reconcile(); report.Foreign != 2 || report.Canceled != 0 || report.Rebuilt != 0 || report.Different != 0 {
			t.Errorf("%+v %+v", report, d.differences())
		}
		d.wantAtStripe(theirs.ID, stripe.NeedsMethod)
		list, err := d.store.ForeignPayments(t.Context(), 10)
		if err != nil || len(list) != 2 {
			t.Errorf("%+v %v", list, err)
		}
		for _, f := range list {
			if f.Intent != paid.ID && f.Intent != unnamed.ID || f.CustomerID != ours.ID || f.Amount.Minor != 5000 {
				t.Errorf("%+v", f)
			}
		}
		// Staff have seen it; they are not told again.
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.DoneTask(t.Context(), "payment.foreign", ours.ID, d.clock.Now())
		}); err != nil {
			t.Fatal(err)
		}
		if report := d.reconcile(); report.Foreign != 0 || d.hasTask("payment.foreign", ours.ID) {
			t.Errorf("told again: %+v", report)
		}
	})
}

// A charge without a PaymentIntent is money once it was taken, and not while a bank still works on it.
func TestForeignChargeIsShownOnceItsMoneyCame(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		for want, status := range []string{"pending", "succeeded"} {
			d.heard("GET /v1/charges", func(body string) string {
				body = strings.ReplaceAll(body, `"payment_intent": "`+p.PaymentIntent+`"`, `"payment_intent": null`)
				return strings.ReplaceAll(body, `"status": "succeeded"`, `"status": "`+status+`"`)
			})
			if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
				return tx.PutListCursor(t.Context(), "charges", store.ListCursor{})
			}); err != nil {
				t.Fatal(err)
			}
			if report := d.reconcile(); report.Foreign != want {
				t.Errorf("%s: %+v", status, report)
			}
		}
	})
}

// A payment has one PaymentIntent. If there is a second, it is canceled while that is possible, and is a matter for
// staff when it moved money.
func TestSecondPaymentIntentOfAPaymentIsCanceledOrTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		same := func(r *stripe.IntentRequest) { r.Amount = p.Amount }
		second := d.made(p.ID, same)
		for n := range 3 {
			if report := d.reconcile(); report.Canceled != map[int]int{0: 1}[n] || report.Different != 0 {
				t.Errorf("%+v %+v", report, d.differences())
			}
		}
		d.wantAtStripe(second.ID, stripe.StatusCanceled)
		if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Problem != "" || after.Status != paylink.Succeeded {
			t.Errorf("%+v %v", after, err)
		}
		third := d.made(p.ID, same)
		d.paid(third)
		d.reconcile()
		if one := d.differences()[third.ID]; one.Kind != "payment" || one.PaymentID != p.ID {
			t.Errorf("%+v", one)
		}
		d.wantBalance(20000, 0, 80000)
	})
}

// The PaymentIntent is made, and its answer on the way to the server that asked for it.
func TestReconcileLeavesAPaymentIntentWhoseAnswerIsAwaited(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Created, false)
		in := d.made(p.ID, func(r *stripe.IntentRequest) { r.Amount = p.Amount })
		if report := d.reconcile(); report.Canceled != 0 {
			t.Errorf("%+v", report)
		}
		d.wantAtStripe(in.ID, stripe.NeedsMethod)
		d.wantBalance(0, 20000, 80000)
	})
}

// What ended is not canceled again and again, each fifteen minutes.
func TestReconcileCancelsNothingThatEnded(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		given := d.cutOff(paylink.Canceled, true)
		if report := d.reconcile(); report.Canceled != 1 {
			t.Errorf("%+v", report)
		}
		d.wantAtStripe(given.PaymentIntent, stripe.StatusCanceled)
		d.fault("POST /v1/payment_intents/*/cancel", "500_before", 0)
		if report := d.reconcile(); report.Canceled != 0 {
			t.Errorf("%+v", report)
		}
	})
}

// Between the list and the cancel, a payer confirms: the next pass books what came.
func TestPaymentIntentThatIsPaidBeforeItsCancelIsBooked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.made("pay_lost", nil)
		d.heard("GET /v1/payment_intents", func(body string) string {
			if strings.Contains(body, `"status": "requires_payment_method"`) {
				d.paid(in)
			}
			return body
		})
		if report := d.reconcile(); report.Canceled != 0 || report.Rebuilt != 0 {
			t.Errorf("%+v", report)
		}
		if report := d.reconcile(); report.Rebuilt != 1 {
			t.Errorf("%+v", report)
		}
		d.wantInvoice(0, 5000, 0, 0, 95000)
		d.wantReceipts(1)
	})
}

func TestReconcileMakesNoPaymentOfTheOtherMode(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.made("pay_lost", nil)
		d.paid(in)
		honest := d.payments
		d.heard("GET /v1/payment_intents", func(body string) string {
			return strings.ReplaceAll(body, `"livemode": false`, `"livemode": true`)
		})
		d.reconcile()
		if one := d.differences()[in.ID]; one.Kind != "mode" || one.Ours != "test" || one.Theirs != "live" {
			t.Errorf("%+v", one)
		}
		if p, err := d.store.Payment(t.Context(), "pay_lost"); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("%+v %v", p, err)
		}
		d.payments = honest
		if report := d.reconcile(); report.Rebuilt != 1 || report.Different != 0 {
			t.Errorf("%+v", report)
		}
	})
}

func TestFault_R05_CanceledPaymentIntentIsNotRebuilt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.made("pay_lost", nil)
		if _, err := d.adapter().Cancel(t.Context(), in.ID, "k"); err != nil {
			t.Fatal(err)
		}
		if report := d.reconcile(); report.Rebuilt != 0 || report.Different != 0 {
			t.Errorf("%+v", report)
		}
		if p, err := d.store.Payment(t.Context(), "pay_lost"); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("%+v %v", p, err)
		}
	})
}

func TestFault_R05_RebuiltPaymentIsWhatItWas(t *testing.T) {
	for name, want := range map[string]struct {
		types   []string
		capture paylink.CaptureMethod
		method  paylink.MethodKind
		kept    paylink.CaptureMethod
	}{
		"card":            {[]string{"card"}, paylink.CaptureAutomatic, paylink.MethodCard, paylink.CaptureAutomatic},
		"card, later":     {[]string{"card"}, "automatic_async", paylink.MethodCard, paylink.CaptureAutomatic},
		"card, held":      {[]string{"card"}, paylink.CaptureManual, paylink.MethodCard, paylink.CaptureManual},
		"card or account": {[]string{"card", "us_bank_account"}, paylink.CaptureAutomatic, paylink.MethodCard, paylink.CaptureAutomatic},
		"account":         {[]string{"us_bank_account"}, paylink.CaptureAutomatic, paylink.MethodBank, paylink.CaptureAutomatic},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				in := d.made("pay_lost", func(r *stripe.IntentRequest) { r.MethodTypes, r.Capture = want.types, want.capture })
				if want.method == paylink.MethodBank {
					d.stripe("POST", "/v1/payment_intents/"+in.ID+"/confirm", url.Values{
						"payment_method": {"pm_usBankAccount_success"}, "mandate_data[customer_acceptance][type]": {"offline"},
					}, nil)
				} else {
					d.paid(in)
				}
				if report := d.reconcile(); report.Rebuilt != 1 {
					t.Errorf("%+v", report)
				}
				if p, err := d.store.Payment(t.Context(), "pay_lost"); err != nil || p.Method != want.method || p.Capture != want.kept {
					t.Errorf("%+v %v", p, err)
				}
			})
		})
	}
}

// Somebody wrote another payment's id on a PaymentIntent at Stripe: staff are told, and the rest of the list is read.
func TestPaymentIntentThatWasMadeToNameAnotherPaymentIsADifference(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		older := d.lapse()
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		name := func(id string) {
			d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent, url.Values{"metadata[paylink_payment]": {id}}, nil)
		}
		name("pay_other")
		d.reconcile()
		if one := d.differences()[p.PaymentIntent]; one.Kind != "payment" || one.PaymentID != p.ID {
			t.Errorf("%+v", one)
		}
		if after, err := d.store.Payment(t.Context(), older.ID); err != nil || after.Status != paylink.Succeeded {
			t.Errorf("%s %v", after.Status, err)
		}
		name(p.ID)
		if report := d.reconcile(); report.Different != 0 {
			t.Errorf("%+v", report)
		}
		d.wantInvoice(0, 40000, 0, 0, 60000)
	})
}

// An event was applied after the difference was noted: nobody is asked about it for ever.
func TestDifferenceThatWasSettledByAnEventIsClosed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		if report := d.reconcile(); report.Different != 1 {
			t.Fatalf("%+v", report)
		}
		d.spoil(p, func(p *paylink.Payment) { p.Amount.Minor = 20000 })
		if after := d.applied(p); after.Problem != "" {
			t.Fatalf("%+v", after)
		}
		if report := d.reconcile(); report.Different != 0 {
			t.Errorf("%+v", report)
		}
	})
}

// Refunds and disputes of other programs' money are nothing to us; of our money that is not in the books, staff are told.
func TestReversalsOfMoneyThatIsNotInTheBooks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		reverse := func(intent string) (refund, dispute string) {
			p := paylink.Payment{PaymentIntent: intent}
			return d.byHand(p, 1000), d.disputed(p, 1000, false)
		}
		reverse(d.foreignCharge(7000, true))
		lost := d.made("pay_lost", func(r *stripe.IntentRequest) { r.Invoice = "inv_lost" })
		d.paid(lost)
		lostRefund, lostDispute := reverse(lost.ID)
		unsettled := d.lapse()
		d.spoil(unsettled, func(p *paylink.Payment) { p.Amount.Minor = 30000 })
		unsettledRefund, unsettledDispute := reverse(unsettled.PaymentIntent)
		d.reconcile()
		want := map[string]string{
			lost.ID: "payment_lost", lostRefund: "refund_lost", lostDispute: "dispute_lost",
			unsettled.PaymentIntent: "payment", unsettledRefund: "refund_lost", unsettledDispute: "dispute_lost",
		}
		found := d.differences()
		if len(found) != len(want) {
			t.Errorf("%+v", found)
		}
		for subject, kind := range want {
			if found[subject].Kind != kind {
				t.Errorf("%s: %+v, want %s", subject, found[subject], kind)
			}
		}
		d.wantBalance(20000, 30000, 50000)
	})
}

func TestEventThatAWebhookBroughtIsNotTakenInAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		queued := map[string]bool{}
		for _, body := range d.events() {
			e, err := stripe.ParseEvent(body)
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind != "payment_intent" {
				continue
			}
			queued[e.ID] = len(queued) > 0
			if queued[e.ID] {
				continue
			}
			if err := d.told(string(body)); err != nil { // and its job was cleared away since
				t.Fatal(err)
			}
		}
		d.reconcile()
		for id, want := range queued {
			if d.queued("stripe.event", id) != want {
				t.Errorf("taken in: %t, of %d", !want, len(queued))
			}
		}
	})
}
