package payments_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

const clerk paylink.Actor = "staff:stf_1"

// change writes a method as a test wants it.
func (d *desk) change(m paylink.Method, f func(*paylink.Method)) paylink.Method {
	d.t.Helper()
	f(&m)
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error { return tx.UpdateMethod(d.t.Context(), m) }); err != nil {
		d.t.Fatal(err)
	}
	return m
}

func phoned(m *paylink.Method) { m.Consent.Version = paylink.SaveVersion }

// phoneCard is a card that its owner saved for the telephone too, and an invoice on which nothing was paid.
func (d *desk) phoneCard(card string) paylink.Method {
	d.t.Helper()
	m := d.change(d.savedCard("saves "+card, card), phoned)
	d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 100000, paylink.CaptureAutomatic)
	return m
}

// phoneAccount is such a bank account. Its first debit is on its way.
func (d *desk) phoneAccount() paylink.Method {
	d.t.Helper()
	m := d.linked(goodAccount)
	press := d.debitPress("saves the account", 10000, m)
	press.Save = consent("Keep it.")
	press.Save.Version = paylink.SaveVersion
	d.begin(press, paylink.Processing)
	d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 100000, paylink.CaptureAutomatic)
	return d.method(m.ID)
}

func (d *desk) takePress(nonce string, minor int64, m paylink.Method) payments.Press {
	return payments.Press{
		Staff: true, InvoiceID: d.invoice.ID, Nonce: nonce, Version: d.invoice.Version, Amount: money.New(minor, "USD"),
		MethodID: m.ID, Locale: "en", Actor: clerk,
	}
}

// spoken is what a payer said on the phone: nobody's address and browser are kept with it.
func spoken() *paylink.Consent {
	return &paylink.Consent{Text: "Maria said: I allow one debit.", Version: paylink.PhoneVersion, At: time.Unix(1_790_000_000, 0).UTC()}
}

// between gives payments a Stripe that is the sandbox, with f between: it sees, and may change, the form
// of every call to a path with an end.
func (d *desk) between(end string, f func(url.Values)) {
	d.t.Helper()
	to, err := url.Parse(d.box.URL())
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, end) {
			if err := r.ParseForm(); err != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			f(r.PostForm)
			body := r.PostForm.Encode()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	d.t.Cleanup(server.Close)
	d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: server.URL, Timeout: time.Second}), d.options)
}

func TestStaffChargeASavedCardOnceHoweverOftenTheyPress(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_visa")
		var mu sync.Mutex
		var sent []url.Values
		d.between("/confirm", func(form url.Values) { mu.Lock(); defer mu.Unlock(); sent = append(sent, maps.Clone(form)) })
		press := d.takePress("same", 22500, m)
		first := d.pressedEightTimes(press)
		p, err := d.store.Payment(t.Context(), first)
		if err != nil || p.Status != paylink.Succeeded || p.LinkID != "" || p.MethodID != m.ID || p.Amount.Minor != 22500 {
			t.Fatalf("payment: %+v %v", p, err)
		}
		if len(sent) != 1 || sent[0].Get("off_session") != "true" || sent[0].Has("return_url") || sent[0].Has("use_stripe_sdk") {
			t.Errorf("asked of Stripe: %v", sent)
		}
		d.wantCharges(2, 32500)
		d.wantBalance(22500, 0, 77500)
		d.wantReceipts(2)
		r, err := d.store.ReceiptByPayment(t.Context(), p.ID)
		if err != nil || r.Email != "maria@keller.example" || r.Card.Label() != "Visa ••4242" {
			t.Errorf("receipt: %+v %v", r, err)
		}
		d.wantJob("mail.receipt", r.ID+"/1", true)
		log, err := d.store.AuditOf(t.Context(), p.ID, 20)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]paylink.Actor{}
		for _, row := range log {
			by[row.Action] = row.Actor
		}
		if by["payment.created"] != clerk || by["payment.succeeded"] != "stripe" {
			t.Errorf("who did what: %v", by)
		}
		// What staff take closes the customer's links as what the customer pays does.
		d.begin(d.takePress("rest", 77500, m), paylink.Succeeded)
		if link, err := d.store.Link(t.Context(), d.link.ID); err != nil || link.PaidAt.IsZero() || !link.OpenedAt.IsZero() {
			t.Errorf("link: %+v %v", link, err)
		}
	})
}

func TestStaffChargeOnlyWhatTheCustomerSavedForThat(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		linked := d.linked(savingsAccount)
		m := d.phoneCard("pm_card_visa")
		now := d.clock.Now()
		for name, c := range map[string]struct {
			change func(*paylink.Method)
			code   string
		}{
			"removed":              {func(m *paylink.Method) { m.RemovedAt = now }, "method.unknown"},
			"not saved":            {func(m *paylink.Method) { m.SavedAt = time.Time{} }, "method.unknown"},
			"blocked":              {func(m *paylink.Method) { m.BlockedAt, m.Blocked = now, "returned" }, "method.blocked"},
			"detached":             {func(m *paylink.Method) { m.BlockedAt, m.Blocked = now, "detached" }, "method.detached"},
			"waiting for its code": {func(m *paylink.Method) { m.AwaitsCode.Kind = paylink.CodeText }, "method.waits"},
			"expired":              {func(m *paylink.Method) { m.Card.ExpYear = 2020 }, "method.expired"},
			"for the page alone":   {func(m *paylink.Method) { m.Consent.Version = "save-1" }, "method.page_only"},
			"without consent":      {func(m *paylink.Method) { m.Consent = paylink.Consent{} }, "method.page_only"},
		} {
			d.change(m, c.change)
			d.wantRefused(d.takePress("n "+name, 22500, m), "method", c.code)
			d.change(m, func(*paylink.Method) {})
		}
		d.wantRefused(d.takePress("n linked", 22500, linked), "method", "method.unknown")
		d.wantRefused(d.takePress("n nothing", 22500, paylink.Method{}), "method", "method")
		d.wantRefused(d.takePress("n no such", 22500, paylink.Method{ID: "mth_other"}), "method", "method.unknown")
		d.wantRefused(d.takePress("n Stripe's own id", 22500, paylink.Method{ID: m.StripeID}), "method", "method.unknown")
		token := d.takePress("n a card read out", 22500, paylink.Method{})
		token.ConfirmationToken = d.card("pm_card_visa")
		d.wantRefused(token, "method", "method")
		other, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
		if err != nil {
			t.Fatal(err)
		}
		d.invoice, d.link = d.newInvoice(other.ID, 100000, paylink.CaptureAutomatic)
		d.wantRefused(d.takePress("n foreign", 22500, m), "method", "method.unknown")
		// A payer is no staff: what staff may use is not for who says no link.
		press := d.takePress("n no link", 22500, m)
		press.Staff = false
		if p, err := d.payments.Begin(t.Context(), press); paylink.KindOf(err) != paylink.NotFound || p.ID != "" {
			t.Errorf("a press without a link: %q %v", p.ID, err)
		}
		d.wantBalance(0, 0, 100000)
		d.wantCharges(1, 10000)
		d.wantNothingConfirmable()
	})
}

func TestStaffTakeByTheRulesOfTheInvoice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_visa")
		for minor, want := range map[int64]string{0: "amount.zero", -5: "amount.zero", 100001: "amount.over", 4999: "amount.under", 96000: "amount.dust"} {
			d.wantRefused(d.takePress(fmt.Sprint("n", minor), minor, m), "amount", want)
		}
		stale := d.takePress("stale", 22500, m)
		stale.Version++
		_, err := d.payments.Begin(t.Context(), stale)
		wantCode(t, err, paylink.Conflict, "invoice.changed")
		// The same nonce is the payment that it made, of this invoice alone.
		p := d.begin(d.takePress("once", 22500, m), paylink.Succeeded)
		if again := d.begin(d.takePress("once", 30000, m), paylink.Succeeded); again.ID != p.ID {
			t.Errorf("a second payment: %s", again.ID)
		}
		payer := d.press("once", 22500, d.card("pm_card_visa")) // on the page of the same invoice
		_, err = d.payments.Begin(t.Context(), payer)
		wantCode(t, err, paylink.Conflict, "form.used")
		first := d.invoice
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 100000, paylink.CaptureAutomatic)
		_, err = d.payments.Begin(t.Context(), d.takePress("once", 22500, m))
		wantCode(t, err, paylink.Conflict, "form.used")
		if err := d.invoicing.VoidInvoice(t.Context(), "system", d.invoice.ID); err != nil {
			t.Fatal(err)
		}
		_, err = d.payments.Begin(t.Context(), d.takePress("void", 22500, m))
		wantCode(t, err, paylink.Conflict, "payable.void")
		d.invoice = first
		d.begin(d.takePress("the rest", 77500, m), paylink.Succeeded)
		_, err = d.payments.Begin(t.Context(), d.takePress("more", 5000, m))
		wantCode(t, err, paylink.Conflict, "payable.paid")
		d.wantCharges(3, 110000)
	})
}

func TestStaffAndThePayerAtTheSameMomentNeverTakeMoreThanIsOwed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_visa")
		presses := []payments.Press{d.press("payer", 100000, d.card("pm_card_mastercard")), d.takePress("staff", 100000, m), d.takePress("colleague", 100000, m)}
		var group sync.WaitGroup
		for _, press := range presses {
			group.Go(func() {
				p, err := d.payments.Begin(context.Background(), press)
				switch {
				case err == nil && p.Status == paylink.Succeeded:
				case paylink.KindOf(err) == paylink.Conflict:
				default:
					t.Errorf("%s: %s %v", press.Nonce, p.Status, err)
				}
			})
		}
		group.Wait()
		d.wantCharges(2, 110000)
		d.wantBalance(100000, 0, 0)
	})
}

// Two payments at once are all that the desk makes of an invoice, and five all that anybody does.
func TestStaffMakeFewPaymentsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_visa")
		d.fault(confirmCall, "500_after", 0)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		for n := range 2 {
			d.begin(d.takePress(fmt.Sprint("n", n), 5000, m), paylink.Unknown)
		}
		_, err := d.payments.Begin(t.Context(), d.takePress("third", 5000, m))
		wantCode(t, err, paylink.Conflict, "payment.many_open")
		d.wantBalance(0, 10000, 90000)
	})
}

// The payer is not there to be asked, so that the bank's question is its no, at once, and nothing is left
// that anybody could confirm.
func TestABankThatWantsTheAbsentPayerSaysNo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_authenticationRequired")
		p := d.begin(d.takePress("n1", 22500, m), paylink.Failed)
		if p.Reason != paylink.DeclinedNeedsPayer || p.ReceiptNumber != "" || p.SecretShown {
			t.Errorf("payment: %+v", p)
		}
		d.wantCharges(1, 10000)
		d.wantBalance(0, 0, 100000)
		d.runJobs()
		d.wantNothingConfirmable()
		if lock, err := d.store.PayLock(t.Context(), store.AllCards); err != nil || lock.Declines != 0 {
			t.Errorf("the payer's limits count what staff did: %+v %v", lock, err)
		}
		if m = d.method(m.ID); !m.BlockedAt.IsZero() {
			t.Error("the card is good, for its owner on the page")
		}
		d.begin(d.pressSaved("n2", m), paylink.RequiresAction)
	})
}

// If Stripe asks all the same, nobody can answer here: it is fenced after a quarter of an hour.
func TestAQuestionForTheAbsentPayerIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_authenticationRequired")
		d.between("/confirm", func(form url.Values) { // as if Stripe had not heard that nobody is there
			form.Del("off_session")
			form.Set("return_url", "http://127.0.0.1/")
		})
		p := d.begin(d.takePress("n1", 22500, m), paylink.RequiresAction)
		d.wantBalance(0, 22500, 77500)
		d.clock.advance(16 * time.Minute)
		d.runJobs()
		if p, err := d.store.Payment(t.Context(), p.ID); err != nil || !p.Status.Final() || p.Status == paylink.Succeeded {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantBalance(0, 0, 100000)
		d.wantCharges(1, 10000)
		d.wantNothingConfirmable()
	})
}

func TestADebitToldByTelephoneRunsOnTheStandingPermission(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneAccount()
		standing := d.standing(m)
		var sent url.Values
		d.between("/confirm", func(form url.Values) { sent = maps.Clone(form) })
		press := d.takePress("n1", 22500, m)
		d.wantRefused(press, "mandate", "mandate.missing")
		press.Mandate = &paylink.Consent{Version: paylink.PhoneVersion}
		d.wantRefused(press, "mandate", "mandate.missing")
		d.wantBalance(0, 0, 100000)
		press.Mandate = spoken()
		p := d.begin(press, paylink.Processing)
		if sent.Get("off_session") != "true" || sent.Get("payment_method") != m.StripeID || strings.Contains(sent.Encode(), "mandate_data") {
			t.Errorf("asked of Stripe: %v", sent)
		}
		kept, err := d.store.MandateByPayment(t.Context(), p.ID)
		if err != nil || kept.Consent != *spoken() || kept.Amount != p.Charged() || kept.MethodID != m.ID || kept.Stripe != standing {
			t.Errorf("permission: %+v %v, want Stripe's %s", kept, err, standing)
		}
		d.wantJob("mail.onway", p.ID, true)
		log, err := d.store.AuditOf(t.Context(), p.ID, 20)
		if err != nil {
			t.Fatal(err)
		}
		named := false
		for _, row := range log {
			named = named || row.Action == "mandate.given" && row.Actor == clerk
		}
		if !named {
			t.Errorf("nobody heard it: %+v", log)
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded || p.LinkID != "" {
			t.Errorf("after four days: %+v", p)
		}
		d.wantBalance(22500, 0, 77500)
	})
}

// standing is the mandate at Stripe that an account was saved with.
func (d *desk) standing(m paylink.Method) string {
	d.t.Helper()
	given, err := d.store.MandatesOf(d.t.Context(), m.ID)
	if err != nil || len(given) != 1 || given[0].Stripe == "" {
		d.t.Fatalf("mandates: %+v %v", given, err)
	}
	return given[0].Stripe
}

func TestADebitWithoutAStandingPermissionIsNotMade(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneAccount()
		d.payments = d.answering("/confirm", http.StatusBadRequest,
			`{"error":{"type":"invalid_request_error","message":"This PaymentIntent requires a mandate, but no existing mandate was found."}}`)
		press := d.takePress("n1", 22500, m)
		press.Mandate = spoken()
		d.wantRefused(press, "method", "mandate.inactive")
		d.wantBalance(0, 0, 100000)
		d.wantCharges(0, 0)
	})
}

func TestWhatIsTakenOfAnInvoiceThatHoldsIsHeld(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneCard("pm_card_visa")
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 100000, paylink.CaptureManual)
		p := d.begin(d.takePress("n1", 64000, m), paylink.Authorized)
		d.wantBalance(0, 64000, 36000)
		if p, err := d.payments.Capture(t.Context(), clerk, p.ID, money.New(40000, "USD")); err != nil || p.Status != paylink.Succeeded {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantBalance(40000, 0, 60000)
	})
}

// Whatever happens on the way, the press of staff ends as a payer's does: in one charge that is booked, or
// in none that anybody could still make.
func TestFault_P34_WhatHappensToAPressOfStaffEndsAsForAPayer(t *testing.T) {
	for name, c := range map[string]struct {
		match, mode string
		want        paylink.PaymentStatus // at once; "" is an error
		after       paylink.PaymentStatus // of recovery, when nothing was known
		charged     int64
	}{
		"never made":                  {createCall, "500_before", "", "", 0},
		"confirmed, and not answered": {confirmCall, "drop_after", paylink.Succeeded, "", 22500},
		"cut off before it confirmed": {confirmCall, "drop_before", paylink.Canceled, "", 0},
		"a stored 500":                {confirmCall, "500_after", paylink.Succeeded, "", 22500},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				m := d.phoneCard("pm_card_visa")
				d.fault(c.match, c.mode, 0)
				p, err := d.payments.Begin(t.Context(), d.takePress("n1", 22500, m))
				switch {
				case c.want == "" && paylink.KindOf(err) != paylink.Unavailable:
					t.Errorf("%s %v", p.Status, err)
				case c.want != "" && (err != nil || p.Status != c.want):
					t.Errorf("%s %v, want %s\n%s", p.Status, err, c.want, d.log)
				}
				d.control("DELETE", "/faults", nil, nil)
				d.clock.advance(10 * time.Minute)
				if err := d.restart("boot2").Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				d.wantBalance(c.charged, 0, 100000-c.charged)
				_, sum := d.charges()
				if sum != 10000+c.charged {
					t.Errorf("charged %d", sum-10000)
				}
			})
		})
	}
}

// A server that dies while nobody knows what Stripe did leaves the reservation, and the next one finds it.
func TestFault_P34_TakenWithoutAnAnswerIsFoundByRecovery(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.phoneAccount()
		d.fault(confirmCall, "500_after", 0)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		press := d.takePress("n1", 22500, m)
		press.Mandate = spoken()
		p := d.begin(press, paylink.Unknown)
		d.wantBalance(0, 22500, 77500)
		d.control("DELETE", "/faults", nil, nil)
		d.clock.advance(10 * time.Minute)
		if err := d.restart("boot2").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, err := d.store.Payment(t.Context(), p.ID); err != nil || p.Status != paylink.Processing {
			t.Errorf("%s %v", p.Status, err)
		}
		if kept, err := d.store.MandateByPayment(t.Context(), p.ID); err != nil || kept.Consent.Version != paylink.PhoneVersion {
			t.Errorf("the permission was not durable: %+v %v", kept, err)
		}
		d.wantJob("mail.onway", p.ID, true)
	})
}
