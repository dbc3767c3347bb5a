package payments_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

// behind gives payments a Stripe that is the sandbox behind a door: f sees every call before it is made, and may answer it.
func (d *desk) behind(f func(w http.ResponseWriter, call string) (answered bool)) {
	d.t.Helper()
	d.payments = d.fronted(func(w http.ResponseWriter, r *http.Request) bool { return f(w, r.Method+" "+r.URL.Path) })
}

// counted is how often each call was made, since it was emptied.
func (d *desk) counted() map[string]int {
	d.t.Helper()
	calls := map[string]int{}
	d.behind(func(_ http.ResponseWriter, call string) bool {
		for _, word := range []string{"confirm", "cancel"} {
			if path.Base(call) == word {
				call = word
			}
		}
		calls[call]++
		return false
	})
	return calls
}

func (d *desk) allPayments() []paylink.Payment {
	d.t.Helper()
	list, _, err := d.store.Payments(d.t.Context(), store.PaymentFilter{Page: store.Page{Limit: 100}})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func (d *desk) intents() (ids []string) {
	d.t.Helper()
	var list struct{ Data []struct{ ID string } }
	d.stripe("GET", "/v1/payment_intents?limit=100", nil, &list)
	for _, in := range list.Data {
		ids = append(ids, in.ID)
	}
	return ids
}

// A press that has no means, or comes by the link of another invoice, is refused before anything is reserved or asked.
func TestPressIsRefusedBeforeAnythingIsReserved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.wantRefused(d.press("n1", 20000, ""), "card", "card.missing")
		other, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
		if err != nil {
			t.Fatal(err)
		}
		_, link := d.newInvoice(other.ID, 50000, paylink.CaptureAutomatic)
		press := d.press("n2", 20000, d.card("pm_card_visa"))
		press.LinkID = link.ID
		_, err = d.payments.Begin(t.Context(), press)
		wantCode(t, err, paylink.NotFound, "link.unknown")
		if len(d.allPayments()) != 0 || len(d.intents()) != 0 {
			t.Error("a payment was made")
		}
	})
}

func TestFirstPressOpensItsLink(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		opened := func() time.Time {
			t.Helper()
			link, err := d.store.Link(t.Context(), d.link.ID)
			if err != nil {
				t.Fatal(err)
			}
			return link.OpenedAt
		}
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		first := opened()
		d.clock.advance(time.Hour)
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if first.IsZero() || !opened().Equal(first) {
			t.Errorf("opened %s, then %s", first, opened())
		}
	})
}

// The same form is sent for two invoices in the same moment: the second is told so, and never shown the first's payment.
func TestFault_P24_OneFormForTwoInvoicesAtOnce(t *testing.T) {
	t.Parallel()
	storetest.OnPostgres(t, func(t *testing.T, at string) {
		d := newDesk(t, storetest.Open(t, at))
		press := d.press("same", 20000, d.card("pm_card_visa"))
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 50000, paylink.CaptureAutomatic)
		raw, err := sql.Open("pgx", at)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = raw.Close() }()
		type result struct {
			p   paylink.Payment
			err error
		}
		second := make(chan result, 1)
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			now := d.clock.Now()
			if _, err := tx.InsertPayment(t.Context(), paylink.Payment{
				ID: paylink.NewID("pay", now), InvoiceID: d.invoice.ID, LinkID: d.link.ID, CustomerID: d.invoice.CustomerID, Nonce: "same",
				InvoiceVersion: 1, Method: paylink.MethodCard, Amount: press.Amount, Capture: paylink.CaptureAutomatic, Status: paylink.Created,
				Boot: "boot1", LeaseUntil: now, Locale: "en", CreatedAt: now, UpdatedAt: now,
			}); err != nil {
				return err
			}
			go func() {
				p, err := d.payments.Begin(context.WithoutCancel(t.Context()), press)
				second <- result{p, err}
			}()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for waits := 0; waits == 0; <-tick.C {
				if err := raw.QueryRowContext(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into payment %'").Scan(&waits); err != nil {
					return err
				}
				select {
				case r := <-second:
					return fmt.Errorf("it did not wait: %q %w", r.p.ID, r.err)
				default:
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		r := <-second
		wantCode(t, r.err, paylink.Conflict, "form.used")
		if r.p.ID != "" || len(d.allPayments()) != 1 {
			t.Errorf("shown %q of %d payments", r.p.ID, len(d.allPayments()))
		}
	})
}

// Recovery lets go of a payment whose PaymentIntent takes too long to make. When the answer comes after all, nothing is
// confirmed, and the PaymentIntent is canceled.
func TestFault_P03_MadeAfterItWasGivenUpIsNotConfirmed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		confirmed, closed := 0, false
		d.behind(func(_ http.ResponseWriter, call string) bool {
			if call == createCall && !closed {
				closed = true
				d.clock.advance(4 * time.Minute)
				if err := d.restart("boot2").Recover(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			}
			if strings.HasSuffix(call, "/confirm") {
				confirmed++
			}
			return false
		})
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Canceled)
		if confirmed != 0 || p.PaymentIntent == "" {
			t.Errorf("%q was confirmed %d times", p.PaymentIntent, confirmed)
		}
		d.wantBalance(0, 0, 100000)
		d.runJobs()
		d.wantNothingConfirmable()
		d.wantCharges(0, 0)
	})
}

// An event tells of the money while the answer to our own call is waited for: what is then noted of the lost answer does
// not undo it.
func TestFault_W01_MoneyThatIsToldWhileTheAnswerIsLost(t *testing.T) {
	for name, lost := range map[string]string{"of the making": createCall, "of the confirmation": confirmCall} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.options.Budget = 500 * time.Millisecond
				var heard paylink.Payment
				calls := 0
				d.behind(func(_ http.ResponseWriter, call string) bool {
					if call == createCall && lost == createCall || strings.HasSuffix(call, "/confirm") {
						if calls++; calls == 2 {
							p := d.allPayments()[0]
							p.PaymentIntent = d.intents()[0]
							heard = d.apply(d.done(p))
						}
					}
					return false
				})
				d.fault(lost, "500_after", 0)
				d.fault("GET /v1/payment_intents/*", "500_before", 0)
				p, err := d.payments.Begin(t.Context(), d.press("n1", 20000, d.card("pm_card_visa")))
				if lost == confirmCall && (err != nil || p.Status != paylink.Succeeded) {
					t.Errorf("%s %v", p.Status, err)
				}
				if after := d.allPayments()[0]; after.Status != paylink.Succeeded || after.UpdatedAt.Sub(heard.UpdatedAt).Abs() > time.Microsecond {
					t.Errorf("%s of %s, told %s", after.Status, after.UpdatedAt, heard.UpdatedAt)
				}
				d.wantBalance(20000, 0, 80000)
				d.wantReceipts(1)
			})
		})
	}
}

// A confirm call that is refused because the money moved already is no refusal.
func TestFault_W01_RefusalOfWhatHasHappenedIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.behind(func(_ http.ResponseWriter, call string) bool {
			if strings.HasSuffix(call, "/confirm") {
				if _, err := d.adapter().Confirm(context.WithoutCancel(t.Context()), path.Base(path.Dir(call)), "another", stripe.ConfirmRequest{
					ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/",
				}); err != nil {
					t.Error(err)
				}
			}
			return false
		})
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

// Stripe refuses to make the PaymentIntent: it is asked once, staff are told, and the customer there is let go for no other
// reason than that it is gone.
func TestRefusedPaymentIntentIsStaffsToLookAt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n0", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		customer, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		for nonce, refusal := range map[string]string{
			"another trouble with it":     `{"error":{"type":"invalid_request_error","code":"parameter_invalid_string","param":"customer"}}`,
			"something else is not there": `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"on_behalf_of"}}`,
		} {
			asked := 0
			d.behind(func(w http.ResponseWriter, call string) bool {
				if call != createCall {
					return false
				}
				asked++
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, refusal)
				return true
			})
			_, err := d.payments.Begin(t.Context(), d.press(nonce, 20000, d.card("pm_card_visa")))
			wantCode(t, err, paylink.Unavailable, "stripe.unreachable")
			if p := d.allPayments()[0]; asked != 1 || p.Nonce != nonce || p.Status != paylink.Canceled || !d.hasTask("payment.refused", p.ID) {
				t.Errorf("%s: asked %d times, %s is %s", nonce, asked, p.Nonce, p.Status)
			}
			if after, err := d.store.Customer(t.Context(), customer.ID); err != nil || after.StripeCustomer != customer.StripeCustomer {
				t.Errorf("%s: customer %q, was %q: %v", nonce, after.StripeCustomer, customer.StripeCustomer, err)
			}
		}
		d.wantBalance(20000, 0, 80000)
	})
}

// What our own database could not keep is no trouble of Stripe's.
func TestFault_D01_CustomerThatCannotBeKeptIsNotStripesFault(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		room := d.noRoom(at, "update on customer", "true")
		if _, err := d.payments.Begin(t.Context(), d.press("n1", 20000, d.card("pm_card_visa"))); err == nil || code(err) == "stripe.unreachable" {
			t.Errorf("got %v", err)
		}
		d.wantBalance(0, 0, 100000)
		if len(d.intents()) != 0 || len(d.tasks("payment.refused")) != 0 {
			t.Error("a payment intent was made, or staff are told that Stripe refused")
		}
		room()
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
	})
}

// Stripe's lists are behind its writes at times: a customer that is known is not looked for again.
func TestCustomerAtStripeIsLookedForOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		calls := d.counted()
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if calls["GET /v1/customers"] != 1 || calls["POST /v1/customers"] != 1 {
			t.Errorf("%v", calls)
		}
	})
}

func TestFault_P11_StoredErrorIsAskedForNoMore(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		calls := d.counted()
		d.fault(confirmCall, "500_after", 0)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if calls["confirm"] != 2 { // the second is told that the answer is a stored one
			t.Errorf("%d confirm calls", calls["confirm"])
		}
	})
}

// Nobody is kept waiting for a moment that comes after the end of the waiting.
func TestFault_P16_WaitLongerThanTheBudgetIsNotBegun(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.options.Budget = 30 * time.Second
		d.behind(func(w http.ResponseWriter, call string) bool {
			if call != createCall {
				return false
			}
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`)
			return true
		})
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		_, err := d.payments.Begin(ctx, d.press("n1", 20000, d.card("pm_card_visa")))
		if paylink.KindOf(err) != paylink.Unavailable || ctx.Err() != nil {
			t.Errorf("%v, %v", err, ctx.Err())
		}
		d.wantBalance(0, 0, 100000)
	})
}
