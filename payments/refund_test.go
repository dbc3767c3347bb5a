package payments_test

import (
	"bytes"
	"context"
	"fmt"
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

const refundCall = "POST /v1/refunds"

func (d *desk) adapter() *stripe.Client {
	return stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
}

func (d *desk) ask(key string, p paylink.Payment, minor int64, change func(*payments.RefundRequest)) (paylink.Refund, error) {
	r := payments.RefundRequest{Key: key, PaymentID: p.ID, Reason: "Wrong size", Actor: "staff:1"}
	if minor != 0 {
		r.Amount = money.New(minor, "USD")
	}
	if change != nil {
		change(&r)
	}
	return d.payments.Refund(context.Background(), r)
}

// refund asks and wants a status.
func (d *desk) refund(key string, p paylink.Payment, minor int64, want paylink.RefundStatus, change func(*payments.RefundRequest)) paylink.Refund {
	d.t.Helper()
	f, err := d.ask(key, p, minor, change)
	if err != nil || f.Status != want {
		d.t.Fatalf("refund is %s, want %s: %v\n%s", f.Status, want, err, d.log)
	}
	return f
}

func owedAgain(r *payments.RefundRequest) { r.OwedAgain = true }

// wantInvoice checks every number of the invoice, and that the ledger holds what Stripe's own balance
// says, which shares nothing with our books.
func (d *desk) wantInvoice(credited, paid, pending, refunded, due int64) {
	d.t.Helper()
	b, err := d.store.Balance(d.t.Context(), d.invoice.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	if b.Credited != credited || b.Paid != paid || b.Pending != pending || b.Refunded != refunded || b.Due() != due {
		d.t.Errorf("credited %d paid %d pending %d refunded %d due %d, want %d %d %d %d %d",
			b.Credited, b.Paid, b.Pending, b.Refunded, b.Due(), credited, paid, pending, refunded, due)
	}
	d.wantBooks()
}

func (d *desk) wantBooks() {
	d.t.Helper()
	d.wantMoney(d.atStripe())
	d.wantVerified()
}

func (d *desk) wantVerified() {
	d.t.Helper()
	key := bytes.Repeat([]byte("k"), 32)
	if _, err := d.store.SealAudit(d.t.Context(), key, d.clock.Now()); err != nil {
		d.t.Fatal(err)
	}
	violations, err := d.store.Verify(d.t.Context(), key, d.clock.Now())
	if err != nil || len(violations) > 0 {
		d.t.Errorf("the books do not hold: %v %v", violations, err)
	}
}

func (d *desk) wantMoney(minor int64) {
	d.t.Helper()
	held, err := d.store.AccountBalance(d.t.Context(), ledger.Stripe("USD"), "USD")
	if err != nil || held.Minor != minor {
		d.t.Errorf("the books hold %s %v, Stripe %d", held, err, minor)
	}
}

// atStripe is what the account's balance gained, before Stripe's own charges.
func (d *desk) atStripe() (sum int64) {
	d.t.Helper()
	after := ""
	for {
		var list struct {
			Data []struct {
				ID     string
				Amount int64
			}
			HasMore bool `json:"has_more"`
		}
		d.stripe("GET", "/v1/balance_transactions?limit=100"+after, nil, &list)
		for _, b := range list.Data {
			sum += b.Amount
			after = "&starting_after=" + b.ID
		}
		if !list.HasMore {
			return sum
		}
	}
}

func (d *desk) truthRefunds() (n int, sum int64) {
	d.t.Helper()
	var truth []struct {
		Kind, ID, Status string
		Amount           int64
	}
	d.control("GET", "/truth", nil, &truth)
	last := map[string]int{}
	for n, entry := range truth {
		if entry.Kind == "refund" {
			last[entry.ID] = n
		}
	}
	for _, at := range last {
		if truth[at].Status != "failed" && truth[at].Status != "canceled" {
			n++
			sum += truth[at].Amount
		}
	}
	return n, sum
}

func (d *desk) wantRefunds(n int, sum int64) {
	d.t.Helper()
	if got, amount := d.truthRefunds(); got != n || amount != sum {
		d.t.Errorf("%d refunds of %d at Stripe, want %d of %d", got, amount, n, sum)
	}
}

func (d *desk) wantReceipt(p paylink.Payment, revision int, status paylink.ReceiptStatus, refunded, due int64) paylink.Receipt {
	d.t.Helper()
	r, err := d.store.ReceiptByPayment(d.t.Context(), p.ID)
	if err != nil || r.Revision != revision || r.Status != status || r.Refunded.Minor != refunded || r.StillToPay.Minor != due {
		d.t.Errorf("receipt is revision %d, %s, refunded %s, still to pay %s, want %d %s %d %d (%v)",
			r.Revision, r.Status, r.Refunded, r.StillToPay, revision, status, refunded, due, err)
	}
	return r
}

// queued says whether a job is there.
func (d *desk) queued(kind, key string) bool {
	d.t.Helper()
	_, err := d.store.Job(d.t.Context(), kind, key)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		d.t.Fatal(err)
	}
	return err == nil
}

func (d *desk) hasTask(kind, subject string) bool {
	d.t.Helper()
	list, err := d.store.Tasks(d.t.Context(), true)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, task := range list {
		if task.Kind == kind && task.Subject == subject {
			return true
		}
	}
	return false
}

// later moves both clocks on.
func (d *desk) later(by time.Duration) {
	d.t.Helper()
	d.control("POST", "/clock", map[string]string{"advance": by.String()}, nil)
	d.clock.advance(by)
}

// hear applies every event that the sandbox made, as if all webhooks came now.
func (d *desk) hear() {
	d.t.Helper()
	if _, err := d.payments.Reconcile(d.t.Context(), nil); err != nil {
		d.t.Fatal(err)
	}
	d.runJobs()
}

func TestRefundOfAPartIsCreditedAndTheInvoiceStaysPaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.refund("k1", p, 25000, paylink.RefundSucceeded, nil)
		if f.StripeID == "" || f.Amount.Minor != 25000 || f.OwedAgain {
			t.Errorf("%+v", f)
		}
		d.wantInvoice(25000, 75000, 0, 25000, 0)
		r := d.wantReceipt(p, 2, paylink.ReceiptPartlyRefunded, 25000, 0)
		if r.Credited.Minor != 25000 || r.PaidBefore.Minor != 0 || r.Number != p.ReceiptNumber {
			t.Errorf("%+v", r)
		}
		if !d.queued("mail.receipt", r.ID+"/2") {
			t.Error("the payer is not told")
		}
		if first, err := d.store.Receipt(t.Context(), r.ID, 1); err != nil || first.Status != paylink.ReceiptPaid || !first.Refunded.IsZero() {
			t.Errorf("the first revision changed: %+v %v", first, err)
		}
		if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || link.PaidAt.IsZero() {
			t.Errorf("the link asks for money: %+v %v", link, err)
		}
		if again := d.refund("k1", p, 25000, paylink.RefundSucceeded, nil); again.ID != f.ID {
			t.Error("the same form made a second refund")
		}
		d.refund("k2", p, 0, paylink.RefundSucceeded, nil)
		d.wantInvoice(100000, 0, 0, 100000, 0)
		d.wantReceipt(p, 3, paylink.ReceiptRefunded, 100000, 0)
		d.wantRefunds(2, 100000)
		if _, err := d.ask("k3", p, 0, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("nothing is left to refund: %v", err)
		}
	})
}

func TestRefundThatIsOwedAgainOpensTheInvoice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_visa"), paylink.Succeeded)
		d.refund("k1", p, 40000, paylink.RefundSucceeded, owedAgain)
		d.wantInvoice(0, 60000, 0, 40000, 40000)
		d.wantReceipt(p, 2, paylink.ReceiptPartlyRefunded, 40000, 40000)
		link, err := d.store.Link(t.Context(), d.link.ID)
		if err != nil || !link.PaidAt.IsZero() || link.Usable(d.clock.Now()) != nil {
			t.Errorf("the link does not ask again: %+v %v", link, err)
		}
		second := d.pay("n2", 40000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantInvoice(0, 100000, 0, 40000, 0)
		d.refund("k2", p, 10000, paylink.RefundSucceeded, nil)
		r := d.wantReceipt(p, 3, paylink.ReceiptPartlyRefunded, 50000, 0)
		if r.PaidBefore.Minor != 40000 || r.Credited.Minor != 10000 {
			t.Errorf("others paid %s, credited %s", r.PaidBefore, r.Credited)
		}
		d.wantReceipt(second, 1, paylink.ReceiptPaid, 0, 0)
	})
}

func TestRefundsThatMayNotBe(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		open := d.pay("n0", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		if _, err := d.ask("k0", open, 0, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("refunded what never came: %v", err)
		}
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		for _, bad := range []money.Amount{money.New(20001, "USD"), money.New(-1, "USD"), money.New(0, "USD"), money.New(100, "EUR")} {
			_, err := d.ask("k"+bad.String(), p, 0, func(r *payments.RefundRequest) { r.Amount = bad })
			if paylink.KindOf(err) != paylink.Invalid {
				t.Errorf("refunded %s: %v", bad, err)
			}
		}
		d.refund("k1", p, 1000, paylink.RefundSucceeded, nil)
		other := d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if _, err := d.ask("k1", other, 1000, nil); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("a form for another payment: %v", err)
		}
		d.wantRefunds(1, 1000)
	})
}

func TestFault_F01_RefundWithoutAClearAnswerIsMadeOnce(t *testing.T) {
	for _, mode := range []string{"500_before", "500_after", "drop_before", "drop_after", "slow:2s", "bad_json", "429"} {
		t.Run(mode, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
				d.fault(refundCall, mode, 1)
				if f, err := d.ask("k1", p, 0, nil); err != nil || f.Status == paylink.RefundCanceled {
					t.Fatalf("%+v %v", f, err)
				}
				d.control("DELETE", "/faults", nil, nil)
				d.clock.advance(5 * time.Minute)
				if err := d.restart("boot2").RecoverRefunds(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.wantRefunds(1, 20000)
				d.wantInvoice(20000, 0, 0, 20000, 80000)
			})
		})
	}
}

// unheard leaves a refund as a server does that dies after its row was written.
func (d *desk) unheard(p paylink.Payment, atStripe bool) paylink.Refund {
	d.t.Helper()
	mode := "500_before"
	if atStripe {
		mode = "500_after"
	}
	d.fault(refundCall, mode, 0)
	d.fault("GET /v1/refunds", "500_before", 0)
	f := d.refund("k1", p, 5000, paylink.RefundAsked, nil)
	d.control("DELETE", "/faults", nil, nil)
	return f
}

func TestFault_F01_KilledAroundTheRefundCall(t *testing.T) {
	for _, atStripe := range []bool{false, true} {
		for _, down := range []time.Duration{5 * time.Minute, 30 * time.Hour} {
			t.Run(fmt.Sprint(atStripe, down), func(t *testing.T) {
				each(t, func(t *testing.T, d *desk) {
					p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
					f := d.unheard(p, atStripe)
					if _, err := d.ask("k2", p, 15001, nil); paylink.KindOf(err) != paylink.Invalid {
						t.Errorf("the amount of an unheard refund is not held: %v", err)
					}
					d.wantBalance(20000, 0, 80000)
					d.later(down)
					for range 2 {
						if err := d.restart("boot2").RecoverRefunds(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					f, err := d.store.Refund(t.Context(), f.ID)
					if err != nil {
						t.Fatal(err)
					}
					if !atStripe && down > 24*time.Hour { // the key is spent: staff decide
						if f.Status != paylink.RefundCanceled || !d.hasTask("refund.not_made", p.ID) {
							t.Errorf("%+v", f)
						}
						d.wantRefunds(0, 0)
						d.wantInvoice(0, 20000, 0, 0, 80000)
						return
					}
					if f.Status != paylink.RefundSucceeded {
						t.Errorf("%+v\n%s", f, d.log)
					}
					d.wantRefunds(1, 5000)
					d.wantInvoice(5000, 15000, 0, 5000, 80000)
				})
			})
		}
	}
}

func TestFault_F02_TwoStaffRefundAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		var group sync.WaitGroup
		made := make(chan paylink.Refund, 8)
		for n := range 8 {
			group.Go(func() {
				f, err := d.ask(fmt.Sprint("k", n), p, 12000, nil)
				if err == nil {
					made <- f
				} else if kind := paylink.KindOf(err); kind != paylink.Invalid && kind != paylink.Conflict {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(made) != 1 {
			t.Errorf("%d refunds were made", len(made))
		}
		d.wantRefunds(1, 12000)
		d.wantInvoice(12000, 8000, 0, 12000, 80000)
	})
}

func TestFault_F02_OnePressedEightTimesIsOneRefund(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := d.ask("same", p, 2000, nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		d.wantRefunds(1, 2000)
	})
}

func TestFault_F03_RefundThatFailsIsReversed(t *testing.T) {
	for name, change := range map[string]func(*payments.RefundRequest){"credited": nil, "owed again": owedAgain} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				p := d.pay("n1", 100000, d.card("pm_card_refundFail"), paylink.Succeeded)
				f := d.refund("k1", p, 30000, paylink.RefundSucceeded, change)
				if name == "credited" {
					d.wantInvoice(30000, 70000, 0, 30000, 0)
				} else {
					d.wantInvoice(0, 70000, 0, 30000, 30000)
				}
				d.wantReceipt(p, 2, paylink.ReceiptPartlyRefunded, 30000, map[string]int64{"owed again": 30000}[name])
				d.later(5 * 24 * time.Hour)
				d.hear()
				if f, err := d.store.Refund(t.Context(), f.ID); err != nil || f.Status != paylink.RefundFailed || f.Failure == "" {
					t.Fatalf("%+v %v", f, err)
				}
				d.wantInvoice(0, 100000, 0, 0, 0)
				r := d.wantReceipt(p, 3, paylink.ReceiptPaid, 0, 0)
				if !d.hasTask("refund.failed", p.ID) || !d.queued("mail.receipt", r.ID+"/3") {
					t.Error("staff or the payer are not told")
				}
				if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || link.PaidAt.IsZero() {
					t.Errorf("the link of a paid invoice asks for money: %v", err)
				}
				// What Stripe said before comes late.
				late := stripe.Refund{ID: f.StripeID, Intent: p.PaymentIntent, Amount: f.Amount, Status: paylink.RefundSucceeded, Install: "install1", Payment: p.ID, Refund: f.ID}
				if again, err := d.payments.ApplyRefund(t.Context(), late); err != nil || again.Status != paylink.RefundFailed {
					t.Errorf("%+v %v", again, err)
				}
				d.refund("k2", p, 0, paylink.RefundSucceeded, nil) // and can be tried again
				d.wantInvoice(100000, 0, 0, 100000, 0)
			})
		})
	}
}

func TestFault_F03_PendingRefundIsGoneUntilItFails(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_pendingRefund"), paylink.Succeeded)
		f := d.refund("k1", p, 30000, paylink.RefundPending, nil)
		d.wantInvoice(30000, 70000, 0, 30000, 0)
		d.later(5 * 24 * time.Hour)
		if err := d.payments.RecoverRefunds(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f, err := d.store.Refund(t.Context(), f.ID); err != nil || f.Status != paylink.RefundSucceeded {
			t.Errorf("%+v %v", f, err)
		}
		d.wantReceipt(p, 2, paylink.ReceiptPartlyRefunded, 30000, 0)
		d.wantInvoice(30000, 70000, 0, 30000, 0)
	})
}

func TestReleaseOfHeldMoneyIsNoRefund(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		if _, err := d.payments.Capture(t.Context(), "staff:1", p.ID, money.New(40000, "USD")); err != nil {
			t.Fatal(err)
		}
		d.hear()
		d.wantInvoice(0, 40000, 0, 0, 24000)
		void := d.pay("n2", 24000, d.card("pm_card_visa"), paylink.Authorized)
		if _, err := d.payments.Void(t.Context(), "staff:1", void.ID); err != nil {
			t.Fatal(err)
		}
		d.hear()
		d.wantInvoice(0, 40000, 0, 0, 24000)
		if list, err := d.store.RefundsOf(t.Context(), p.ID); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
		// What was captured can go back, and no more.
		if _, err := d.ask("k0", p, 40001, nil); paylink.KindOf(err) != paylink.Invalid {
			t.Errorf("refunded more than was captured: %v", err)
		}
		d.refund("k1", p, 0, paylink.RefundSucceeded, owedAgain)
		d.wantInvoice(0, 0, 0, 40000, 64000)
	})
}

func TestRefundGivesTheFeeAndWhatWasPaidTooMuch(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		// A payment of 200.00 with a fee of 5.80 arrives for an invoice on which 50.00 is left.
		d.pay("n1", 95000, d.card("pm_card_visa"), paylink.Succeeded)
		p := d.withFee(20000, 580)
		d.wantInvoice(0, 100000, 0, 0, 0)
		owner := ledger.Overpayment(d.invoice.CustomerID)
		if over, err := d.store.AccountBalance(t.Context(), owner, "USD"); err != nil || over.Minor != -15000 {
			t.Fatalf("%s %v", over, err)
		}
		d.refund("k1", p, 16000, paylink.RefundSucceeded, nil) // what was too much first
		d.wantInvoice(1000, 99000, 0, 1000, 0)
		if over, err := d.store.AccountBalance(t.Context(), owner, "USD"); err != nil || !over.IsZero() {
			t.Errorf("%s %v", over, err)
		}
		f := d.refund("k2", p, 0, paylink.RefundSucceeded, func(r *payments.RefundRequest) { r.Fee = true })
		if f.Amount.Minor != 4580 || f.Fee.Minor != 580 {
			t.Errorf("%+v", f)
		}
		d.wantInvoice(5000, 95000, 0, 5000, 0)
		d.wantReceipt(p, 3, paylink.ReceiptRefunded, 20580, 0)
		if fees, err := d.store.AccountBalance(t.Context(), ledger.Fees, "USD"); err != nil || !fees.IsZero() {
			t.Errorf("%s %v", fees, err)
		}
	})
}

// Once the rest went back, the fee may follow alone.
func TestFeeMayGoBackAfterTheRest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.withFee(20000, 580)
		d.refund("k1", p, 0, paylink.RefundSucceeded, nil)
		if _, err := d.payments.Refund(t.Context(), payments.RefundRequest{Key: "k2", PaymentID: p.ID, Amount: money.New(0, "USD"), Actor: "staff:1"}); err == nil {
			t.Error("nothing was refunded")
		}
		f, err := d.payments.Refund(t.Context(), payments.RefundRequest{Key: "k3", PaymentID: p.ID, Amount: money.New(0, "USD"), Fee: true, Actor: "staff:1"})
		if err != nil || f.Amount.Minor != 580 || f.Fee.Minor != 580 {
			t.Errorf("%+v %v", f, err)
		}
	})
}

// withFee settles a payment with a fee on top, whatever is still to pay.
func (d *desk) withFee(minor, fee int64) paylink.Payment {
	d.t.Helper()
	p := d.cutOff(paylink.Confirming, false)
	p.Fee = money.New(fee, "USD")
	p.Amount.Minor = minor
	sc := d.adapter()
	in, err := sc.CreateIntent(d.t.Context(), "plk:fee:"+p.ID, stripe.IntentRequest{
		Amount: p.Charged(), MethodTypes: []string{"card"}, Capture: p.Capture, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	p.PaymentIntent = in.ID
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error { return tx.UpdatePayment(d.t.Context(), p) }); err != nil {
		d.t.Fatal(err)
	}
	if in, err = sc.Confirm(d.t.Context(), in.ID, "plk:fee2:"+p.ID, stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
		d.t.Fatal(err)
	}
	if p, err = d.payments.Apply(d.t.Context(), in); err != nil || p.Status != paylink.Succeeded {
		d.t.Fatalf("%s %q %v", p.Status, p.Problem, err)
	}
	return p
}

// wantRefusedRefund asks for a refund that is refused by a code, before anything of it is written.
func (d *desk) wantRefusedRefund(p paylink.Payment, minor int64, kind paylink.Kind, want string, change func(*payments.RefundRequest)) {
	d.t.Helper()
	before, err := d.store.RefundsOf(d.t.Context(), p.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = d.ask(paylink.NewID("k", d.clock.Now()), p, minor, change)
	wantCode(d.t, err, kind, want)
	if after, err := d.store.RefundsOf(d.t.Context(), p.ID); err != nil || len(after) != len(before) {
		d.t.Errorf("%d refunds became %d, %v", len(before), len(after), err)
	}
}

func TestRefundsAreRefusedInTheirWords(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		exactly := func(minor int64, fee bool) func(*payments.RefundRequest) {
			return func(r *payments.RefundRequest) { r.Amount, r.Fee = money.New(minor, "USD"), fee }
		}
		open := d.pay("n0", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		d.wantRefusedRefund(open, 0, paylink.Conflict, "refund.not_paid", nil)
		p := d.withFee(20000, 580)
		d.wantRefusedRefund(p, 0, paylink.Invalid, "one_line", func(r *payments.RefundRequest) { r.Reason = "a\tb" })
		d.wantRefusedRefund(p, 0, paylink.Invalid, "refund.zero", exactly(0, true)) // the fee goes last, or with the rest
		d.refund("k1", p, 20000, paylink.RefundSucceeded, func(r *payments.RefundRequest) { r.Reason = "Wrong size.\nThey send it back." })
		d.wantRefusedRefund(p, 0, paylink.Invalid, "refund.zero", exactly(0, false))
		d.wantRefusedRefund(p, 0, paylink.Conflict, "refund.nothing_left", nil) // but the fee, which was not asked for
		d.refund("k2", p, 0, paylink.RefundSucceeded, exactly(0, true))
		d.wantRefusedRefund(p, 100, paylink.Conflict, "refund.nothing_left", nil)
		d.wantRefunds(2, 20580)
	})
}

// A program that gives no key asks for another refund each time.
func TestRefundsWithoutAKeyAreEachTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.refund("", p, 5000, paylink.RefundSucceeded, nil)
		d.refund("", p, 5000, paylink.RefundSucceeded, nil)
		d.wantRefunds(2, 10000)
		d.wantInvoice(10000, 10000, 0, 10000, 80000)
	})
}

// Stripe takes no third decimal of a dinar. https://docs.stripe.com/currencies#special-cases
func TestRefundIsOfWhatStripeCanMove(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		one, _ := money.ParseQuantity("1")
		var err error
		if d.invoice, err = d.invoicing.CreateInvoice(t.Context(), "system", paylink.Invoice{
			CustomerID: d.invoice.CustomerID, Currency: "KWD", Title: "Brand refresh",
			Lines: []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(5000, "KWD")}},
		}); err != nil {
			t.Fatal(err)
		}
		p := d.applies(d.begun(func(p *paylink.Payment) { p.LinkID = "" }), nil)
		d.wantRefusedRefund(p, 0, paylink.Invalid, "amount.step", func(r *payments.RefundRequest) { r.Amount = money.New(1005, "KWD") })
	})
}

// What a bank took or may take back is not refunded, even where Stripe would.
func TestRefundIsNotAskedForBesideADispute(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for n, say := range []struct {
			status    stripe.DisputeStatus
			withdrawn int64
			moves     int
		}{{stripe.DisputeLost, 5000, 1}, {stripe.DisputeOpen, 0, 0}, {"tomorrows_word", 0, 0}} {
			p := d.pay(fmt.Sprint("n", n), 20000, d.card("pm_card_visa"), paylink.Succeeded)
			d.applySaid(d.saysOfDispute(fmt.Sprint("dp_", n), p, say.status, say.withdrawn, say.moves))
			d.wantRefusedRefund(p, 1000, paylink.Conflict, "refund.disputed", nil)
		}
		d.wantRefunds(0, 0)
	})
}

// Once Stripe forgot the key, the form sent again is still the refund that it was.
func TestFault_F01_FormSentAgainAfterStripeForgotItsKey(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.refund("k1", p, 5000, paylink.RefundSucceeded, nil)
		d.later(30 * time.Hour)
		if again := d.refund("k1", p, 5000, paylink.RefundSucceeded, nil); again.ID != f.ID {
			t.Errorf("%s became %s", f.ID, again.ID)
		}
		d.wantRefunds(1, 5000)
	})
}

// A program that gives one key to many payments in one moment is told so, and never of a refund that is another's.
func TestFault_F02_OneKeyForManyPaymentsIsOneRefund(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var paid []paylink.Payment
		for n := range 6 {
			d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 20000, paylink.CaptureAutomatic)
			paid = append(paid, d.pay(fmt.Sprint("n", n), 20000, d.card("pm_card_visa"), paylink.Succeeded))
		}
		const rounds = 8 // two presses do not meet in each
		for round := range rounds {
			var group sync.WaitGroup
			made := make(chan paylink.Refund, len(paid))
			for _, p := range paid {
				group.Go(func() {
					f, err := d.ask(fmt.Sprint("same", round), p, 1000, nil)
					if err == nil && f.PaymentID == p.ID {
						made <- f
					} else if code(err) != "form.used" {
						t.Errorf("refund of %s: %+v %v", p.ID, f, err)
					}
				})
			}
			group.Wait()
			if len(made) != 1 {
				t.Errorf("%d refunds were made", len(made))
			}
		}
		d.wantRefunds(rounds, rounds*1000)
	})
}

// madeFor makes a refund at Stripe that says whose it is.
func (d *desk) madeFor(p paylink.Payment, minor int64, install, payment, refund string) stripe.Refund {
	d.t.Helper()
	made, err := d.adapter().CreateRefund(d.t.Context(), paylink.NewID("k", d.clock.Now()), stripe.RefundRequest{
		Intent: p.PaymentIntent, Amount: money.New(minor, "USD"), Install: install, Payment: payment, Refund: refund,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return made
}

func (d *desk) recoverRefunds() {
	d.t.Helper()
	if err := d.payments.RecoverRefunds(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) wantRefund(id string, want paylink.RefundStatus) paylink.Refund {
	d.t.Helper()
	f, err := d.store.Refund(d.t.Context(), id)
	if err != nil || f.Status != want {
		d.t.Errorf("refund is %s, want %s: %v\n%s", f.Status, want, err, d.log)
	}
	return f
}

// A refund that nobody heard of is not taken for another one of its payment, nor for that of a copy of this installation.
func TestFault_F01_UnheardRefundIsNotAnother(t *testing.T) {
	for name, install := range map[string]string{"of this installation": "install1", "of its copy": "install2"} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
				f := d.unheard(p, false)
				of := f.ID
				if install == "install1" {
					of = "rfd_other"
				}
				d.madeFor(p, 5000, install, p.ID, of)
				d.recoverRefunds() // Stripe may still be at it
				d.wantRefund(f.ID, paylink.RefundAsked)
				d.wantRefunds(1, 5000)
				d.later(3 * time.Minute)
				d.recoverRefunds()
				d.wantRefund(f.ID, paylink.RefundSucceeded)
				d.reconcile()
				d.wantRefunds(2, 10000)
				d.wantInvoice(10000, 10000, 0, 10000, 80000)
			})
		})
	}
}

// What is not known yet is no error, and no refund.
func TestFault_F01_RefundThatIsNotFoundStaysAsked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.fault(refundCall, "500_before", 0)
		f := d.refund("k1", p, 5000, paylink.RefundAsked, nil)
		if f.StripeID != "" || bytes.Contains(d.log.Bytes(), []byte("apply refund")) {
			t.Errorf("%+v\n%s", f, d.log)
		}
		d.wantInvoice(0, 20000, 0, 0, 80000)
	})
}

// A refund that was made by hand and takes the banks' time is asked about by its own id: nothing says that it is ours, and
// it is never made again.
func TestFault_F01_PendingRefundByHandIsNotMadeAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_pendingRefund"), paylink.Succeeded)
		d.byHand(p, 5000)
		d.reconcile()
		list, err := d.store.RefundsOf(t.Context(), p.ID)
		if err != nil || len(list) != 1 || list[0].Status != paylink.RefundPending {
			t.Fatalf("%+v %v", list, err)
		}
		d.later(3 * time.Minute)
		d.recoverRefunds()
		d.wantRefunds(1, 5000)
		d.later(5 * 24 * time.Hour)
		d.recoverRefunds()
		d.wantRefund(list[0].ID, paylink.RefundSucceeded)
		d.wantRefunds(1, 5000)
		d.wantInvoice(5000, 15000, 0, 5000, 80000)
	})
}

// Whoever asked has gone when the refund is asked for again and refused: staff are told.
func TestFault_F05_RefundRefusedWhenItIsAskedForAgainIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, false)
		d.disputed(p, 0, false)
		d.later(3 * time.Minute)
		d.recoverRefunds()
		if f := d.wantRefund(f.ID, paylink.RefundCanceled); f.Failure == "" {
			t.Errorf("%+v", f)
		}
		if task := d.task("refund.not_made", p); task.Code != "task.refund_not_made" {
			t.Errorf("%+v", task)
		}
		d.wantRefunds(0, 0)
	})
}

// A repair pressed twice gives the refund up once.
func TestRefundIsGivenUpOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		f := d.unheard(p, false)
		made := d.madeFor(p, 4000, "install1", p.ID, f.ID)
		for range 2 {
			if booked, err := d.payments.BookRefund(t.Context(), "staff:1", made.ID); err != nil || booked.Status != paylink.RefundSucceeded {
				t.Errorf("%+v %v", booked, err)
			}
		}
		if n := d.audited(p.ID, "refund.canceled"); n != 1 {
			t.Errorf("given up %d times", n)
		}
		d.wantInvoice(4000, 16000, 0, 4000, 80000)
	})
}
