package payments_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// report is what Stripe could say of a payment.
func (d *desk) report(p paylink.Payment, status stripe.Status) stripe.Intent {
	return stripe.Intent{ID: p.PaymentIntent, Status: status, Amount: p.Charged(), Install: "install1", Payment: p.ID, Invoice: p.InvoiceID}
}

// done is what Stripe says of a payment that moved.
func (d *desk) done(p paylink.Payment) stripe.Intent {
	in := d.report(p, stripe.StatusDone)
	in.Received = in.Amount.Minor
	return in
}

func (d *desk) apply(in stripe.Intent) paylink.Payment {
	d.t.Helper()
	p, err := d.payments.Apply(d.t.Context(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// rewrite writes a payment's row as a test wants it.
func (d *desk) rewrite(p paylink.Payment, f func(*paylink.Payment)) paylink.Payment {
	d.t.Helper()
	f(&p)
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error { return tx.UpdatePayment(d.t.Context(), p) }); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// now is the payment as it is stored.
func (d *desk) now(p paylink.Payment) paylink.Payment {
	d.t.Helper()
	p, err := d.store.Payment(d.t.Context(), p.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// audited counts the rows of the audit log about a subject.
func (d *desk) audited(subject, action string) (n int) {
	d.t.Helper()
	rows, err := d.store.AuditOf(d.t.Context(), subject, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, row := range rows {
		if row.Action == action {
			n++
		}
	}
	return n
}

// Metadata that names this installation and no payment, or one that is not here, books nothing.
func TestFault_W13_PaymentIntentsThatNameNoPaymentOfOurs(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for id, c := range map[string]struct {
			payment, note string
			told          bool
		}{
			"evt_nameless": {"", "another program's", false},
			"evt_gone":     {"pay_gone", "no such payment here", true},
		} {
			in, err := d.adapter().CreateIntent(t.Context(), id, stripe.IntentRequest{
				Amount: d.invoice.Total, MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Install: "install1", Payment: c.payment, Invoice: d.invoice.ID,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.told(eventOf(id, "payment_intent.created", in.ID, false)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if e, err := d.store.Event(t.Context(), "stripe", id); err != nil || e.ProcessedAt.IsZero() || e.LastError != c.note {
				t.Errorf("%s: %+v %v", id, e, err)
			}
			if d.hasTask("payment.unmatched", in.ID) != c.told {
				t.Errorf("%s: staff are told otherwise", id)
			}
		}
		if _, err := d.payments.Apply(t.Context(), stripe.Intent{ID: "pi_1", Install: "install1"}); !errors.Is(err, payments.ErrForeign) {
			t.Errorf("a payment intent without a payment: %v", err)
		}
		d.wantBalance(0, 0, 100000)
	})
}

func TestFault_P31_WhatIsSaidOfSettledMoneyIsJudgedToo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		paid := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		held := d.pay("hold", 64000, d.card("pm_card_visa"), paylink.Authorized)
		early := d.report(held, stripe.StatusHeld)
		captured, err := d.payments.Capture(t.Context(), clerk, held.ID, money.New(40000, "USD"))
		if err != nil || captured.Amount.Minor != 40000 {
			t.Fatalf("%+v %v", captured, err)
		}
		if p := d.apply(early); p.Problem != "" || p.Amount.Minor != 40000 {
			t.Errorf("told late of the hold: %q, %s", p.Problem, p.Amount)
		}
		for name, in := range map[string]stripe.Intent{
			"another amount":              func() stripe.Intent { in := d.done(paid); in.Amount.Minor = 2000; return in }(),
			"another invoice":             func() stripe.Intent { in := d.done(paid); in.Invoice = "inv_other"; return in }(),
			"another part of the hold":    func() stripe.Intent { in := d.done(held); in.Received = 39999; return in }(),
			"all of the hold, not a part": d.done(held),
		} {
			before := d.audited(in.Payment, "payment.disbelieved")
			for range 2 { // and the same again is no news
				if p := d.apply(in); p.Problem == "" || p.Status != paylink.Succeeded {
					t.Errorf("%s: believed, %s", name, p.Status)
				}
			}
			if n := d.audited(in.Payment, "payment.disbelieved") - before; n != 1 {
				t.Errorf("%s: written down %d times", name, n)
			}
			if !d.hasTask("payment.disbelieved", in.Payment) {
				t.Errorf("%s: nobody is told", name)
			}
		}
		if d.now(paid).Amount.Minor != 20000 || d.now(held).Amount.Minor != 40000 {
			t.Error("what was booked changed")
		}
	})
}

// A payment whose object at Stripe is not believed is left as it is there too: staff look before anybody acts.
func TestFault_P31_WhatIsNotBelievedIsNotCanceled(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.rewrite(d.cutOff(paylink.Unknown, true), func(p *paylink.Payment) { p.Amount.Minor = 10000 })
		if p, err := d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Unknown || p.Problem == "" {
			t.Fatalf("%s %q %v", p.Status, p.Problem, err)
		}
		d.wantAtStripe(p.PaymentIntent, stripe.NeedsMethod)
		d.clock.advance(10 * time.Minute)
		if err := d.restart("boot2").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.wantAtStripe(p.PaymentIntent, stripe.NeedsMethod)
		d.wantBalance(0, 10000, 90000)
	})
}

// Nobody knows, and a page that asks does not let go of what the server may be about to confirm.
func TestPageThatAsksLetsGoOfNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Unknown, true)
		if p, err := d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Unknown {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantAtStripe(p.PaymentIntent, stripe.NeedsMethod)
	})
}

// The reason of a decline is that of the try that ended the payment, and of no other.
func TestReasonIsThatOfTheTryThatEndedThePayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for name, c := range map[string]struct {
			from paylink.PaymentStatus
			say  stripe.Status
			no   paylink.DeclineReason // of the try that is told now
			want paylink.PaymentStatus
			why  paylink.DeclineReason
		}{
			"on its way after a decline":      {paylink.Unknown, stripe.StatusMoving, "", paylink.Processing, ""},
			"held after a decline":            {paylink.Unknown, stripe.StatusHeld, "", paylink.Authorized, ""},
			"paid after a decline":            {paylink.Unknown, stripe.StatusDone, "", paylink.Succeeded, ""},
			"declined again":                  {paylink.Unknown, stripe.NeedsMethod, paylink.DeclinedLimit, paylink.Unknown, paylink.DeclinedLimit},
			"canceled after a decline":        {paylink.Unknown, stripe.StatusCanceled, "", paylink.Failed, paylink.DeclinedFunds},
			"asked after a decline":           {paylink.Unknown, stripe.NeedsAction, "", paylink.RequiresAction, paylink.DeclinedFunds},
			"failed, and told late of before": {paylink.Failed, stripe.StatusMoving, "", paylink.Failed, paylink.DeclinedFunds},
			"failed, and paid all the same":   {paylink.Failed, stripe.StatusDone, "", paylink.Succeeded, ""},
		} {
			p := d.rewrite(d.cutOff(c.from, true), func(p *paylink.Payment) { p.SecretShown, p.Reason = true, paylink.DeclinedFunds })
			in := d.report(p, c.say)
			in.Declined, in.Reason = c.no != "", c.no
			if c.say == stripe.StatusDone {
				in.Received = in.Amount.Minor
			}
			if p = d.apply(in); p.Status != c.want || p.Reason != c.why {
				t.Errorf("%s: %s %q, want %s %q", name, p.Status, p.Reason, c.want, c.why)
			}
		}
	})
}

// The bank asks about a later try: nothing is let go for the decline of an earlier one.
func TestLaterTryThatTheBankAsksAboutIsNotFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "fail")
		d.fault(cancelCall, "500_before", 0)
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Unknown || p.Reason == "" {
			t.Fatalf("%s %q %v", p.Status, p.Reason, err)
		}
		d.control("DELETE", "/faults", nil, nil)
		if _, err := d.adapter().Confirm(t.Context(), p.PaymentIntent, "again", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_threeDSecure2Required"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Minute)
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.RequiresAction {
			t.Fatalf("%s %v", p.Status, err)
		}
		d.wantAtStripe(p.PaymentIntent, stripe.NeedsAction)
	})
}

// What Stripe canceled is not canceled again, and what has no PaymentIntent cannot be.
func TestNothingIsCanceledThatNeedNotBe(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		if p, err := d.payments.Fence(t.Context(), p.ID); err != nil || p.Status != paylink.Canceled {
			t.Fatalf("%s %v", p.Status, err)
		}
		d.wantJob("payment.fence", p.ID+"/orphan", false)
		d.fault(createCall, "500_before", 0)
		if _, err := d.payments.Begin(t.Context(), d.press("n2", 20000, d.card("pm_card_visa"))); paylink.KindOf(err) != paylink.Unavailable {
			t.Fatal(err)
		}
		list, _, err := d.store.Payments(t.Context(), store.PaymentFilter{Status: paylink.Canceled, Page: store.Page{Limit: 10}})
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v %v", list, err)
		}
		for _, p := range list {
			d.wantJob("payment.fence", p.ID+"/orphan", false)
		}
	})
}

// A change of detail is written, and is no change of status in the audit log.
func TestDetailsThatStripeTellsLaterAreTakenOver(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if !strings.HasPrefix(p.Charge, "ch_") {
			t.Errorf("charge %q", p.Charge)
		}
		in := d.done(p)
		in.Statement = "NORTHWIND NEW"
		if after := d.apply(in); after.Statement != in.Statement || after.Charge != p.Charge || after.Card != p.Card {
			t.Errorf("%+v", after)
		}
		if n := d.audited(p.ID, "payment.succeeded"); n != 1 {
			t.Errorf("it succeeded %d times", n)
		}
	})
}

// Stripe names the bank's authorization code on the charge: a bank finds the payment by it.
func TestReceiptHasTheBanksAuthorizationCode(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		to, err := url.Parse(d.box.URL())
		if err != nil {
			t.Fatal(err)
		}
		charge := regexp.MustCompile(`"object":\s*"charge",`)
		proxy := httputil.NewSingleHostReverseProxy(to)
		proxy.ModifyResponse = func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			body = charge.ReplaceAll(body, []byte(`$0"authorization_code":"048213",`))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Del("Content-Length")
			return nil
		}
		server := httptest.NewServer(proxy)
		defer server.Close()
		d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: server.URL}), d.options)
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if r, err := d.store.ReceiptByPayment(t.Context(), p.ID); err != nil || p.AuthCode != "048213" || r.AuthCode != "048213" {
			t.Errorf("payment %q, receipt %q, %v", p.AuthCode, r.AuthCode, err)
		}
		if after := d.apply(d.done(p)); after.AuthCode != "048213" { // a report without it takes nothing away
			t.Errorf("then %q", after.AuthCode)
		}
	})
}

// The account of a debit is named by whoever knows it: its holder by the linking, all else by Stripe, also once the payment
// is rebuilt.
func TestDebitNamesItsAccountAndHolder(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		p := d.begin(d.debitPress("n1", 20000, m), paylink.Processing)
		if m.Bank.Holder == "" || p.Bank.Holder != m.Bank.Holder {
			t.Errorf("holder %q, linked %q", p.Bank.Holder, m.Bank.Holder)
		}
		restored := d.elsewhere()
		if report := restored.reconcile(); report.Rebuilt != 1 {
			t.Fatalf("%+v", report)
		}
		if got := restored.now(p).Bank.Label(); got != m.Label() {
			t.Errorf("rebuilt with %q, want %q", got, m.Label())
		}
	})
}
