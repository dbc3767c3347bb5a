package payments_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

const (
	exchangeCall = "POST /item/public_token/exchange"
	accountsCall = "POST /accounts/get"
	tokenCall    = "POST /processor/stripe/bank_account_token/create"
	sourceCall   = "POST /v1/customers/*/sources"
)

// sweep runs the hourly look after methods, so much later.
func (d *desk) sweep(after time.Duration) {
	d.t.Helper()
	d.clock.advance(after)
	if err := d.payments.SweepMethods(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, kind paylink.Kind, code string) {
	t.Helper()
	e, ok := errors.AsType[*paylink.Error](err)
	if ok && len(e.Fields) == 1 {
		e = &paylink.Error{Kind: e.Kind, Code: e.Fields[0].Code}
	}
	if !ok || e.Kind != kind || e.Code != code {
		t.Errorf("error %v, want %s of kind %d", err, code, kind)
	}
}

// Plaid made an item and its answer was never written down: the row that was written before says so.
func TestFault_A01_ExchangeThatWasNeverKeptIsATaskForStaff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		d.fault(exchangeCall, "drop_after", 1)
		_, err := d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Unavailable, "bank.unreachable")
		// The token is spent: the browser that comes again links again, and that works.
		_, err = d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		m := d.linked(goodAccount)
		d.sweep(30 * time.Minute)
		if n := len(d.tasks("bank.orphan")); n != 0 {
			t.Fatalf("%d tasks while it may be under way", n)
		}
		d.sweep(30 * time.Minute)
		d.sweep(time.Hour)
		tasks := d.tasks("bank.orphan")
		if len(tasks) != 1 || !strings.Contains(string(tasks[0].Args), "Maria Keller") {
			t.Errorf("tasks: %+v", tasks)
		}
		if !d.method(m.ID).RemovedAt.IsZero() {
			t.Error("the account that was kept is gone")
		}
		d.wantNothingOfPlaidTold(r.PublicToken)
	})
}

// The item is known and the server died before it became a method: nobody will ask for it.
func TestFault_A01_ItemWithoutAMethodIsRemovedAtPlaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		d.fault(tokenCall, "500_before", 1)
		_, err := d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Unavailable, "bank.unreachable")
		open, err := d.store.OpenExchanges(t.Context(), d.clock.Now().Add(time.Second), "", 10)
		if err != nil || len(open) != 1 || open[0].Item == "" {
			t.Fatalf("%+v %v", open, err)
		}
		access, err := d.options.Ring.Open("exchange/"+open[0].ID, open[0].Sealed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.options.Ring.Open("exchange/exc_other", open[0].Sealed); err == nil {
			t.Error("its token opens in another row")
		}
		d.sweep(time.Hour)
		if _, err := d.plaid.Account(t.Context(), string(access), r.AccountID); err == nil {
			t.Error("Plaid has it")
		}
		if n := len(d.tasks("bank.orphan")); n != 0 {
			t.Errorf("%d tasks for what was cleared away", n)
		}
		_, err = d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		d.wantNothingOfPlaidTold(r.PublicToken, string(access))
	})
}

// wantNothingOfPlaidTold looks for secrets in the log, the audit and the tasks.
func (d *desk) wantNothingOfPlaidTold(secrets ...string) {
	d.t.Helper()
	rows, err := d.store.AuditNewest(d.t.Context(), 100)
	if err != nil {
		d.t.Fatal(err)
	}
	tasks, err := d.store.Tasks(d.t.Context(), true)
	if err != nil {
		d.t.Fatal(err)
	}
	told := d.log.String() + fmt.Sprintf("%s %s", rows, tasks)
	for _, secret := range append(secrets, "access-sandbox", "public-sandbox", "btok_") {
		if strings.Contains(told, secret) {
			d.t.Errorf("%q is told", secret)
		}
	}
}

func TestFault_A02_PressThatComesAgainGoesOnWhereItWasCutOff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for name, fault := range map[string]struct{ call, mode string }{
			"accounts, before":  {accountsCall, "500_before"},
			"accounts, no time": {accountsCall, "slow:2s"},
			"token, after":      {tokenCall, "500_after"},
			"token, limit":      {tokenCall, "429"},
			"source, for good":  {sourceCall, "bad_json"},
		} {
			r := d.chosen(goodAccount, "ins_56")
			times := 1
			if fault.call == sourceCall {
				times = 0 // for ever: until cleared
			}
			d.fault(fault.call, fault.mode, times)
			_, err := d.payments.LinkBank(t.Context(), r)
			if paylink.KindOf(err) != paylink.Unavailable {
				t.Errorf("%s: %v", name, err)
			}
			d.control("DELETE", "/faults", nil, nil)
			m, err := d.payments.LinkBank(t.Context(), r)
			if err != nil {
				t.Errorf("%s: not taken up again: %v", name, err)
			}
			again, err := d.payments.LinkBank(t.Context(), r)
			if err != nil || again.ID != m.ID {
				t.Errorf("%s: pressed twice: %+v %v", name, again, err)
			}
		}
		if list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, visitor, false); err != nil || len(list) != 1 || d.sources() != 1 {
			t.Errorf("%d methods, %d at Stripe: %v", len(list), d.sources(), err)
		}
	})
}

func TestFault_A02_WhatPlaidRefusesHasWordsAndLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		spent := r
		spent.PublicToken = "public-sandbox-never-was"
		_, err := d.payments.LinkBank(t.Context(), spent)
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		other := r
		other.AccountID = "of another item"
		_, err = d.payments.LinkBank(t.Context(), other)
		wantCode(t, err, paylink.Invalid, "bank.account_unknown")
		// The same token for another account, visitor or customer is another's.
		_, err = d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		_, err = d.payments.LinkBank(t.Context(), d.chosen(goodAccount, "ins_109512"))
		wantCode(t, err, paylink.Conflict, "bank.not_ready")
		foreign := d.chosen(goodAccount, "ins_56")
		stranger, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
		if err != nil {
			t.Fatal(err)
		}
		foreign.CustomerID = stranger.ID
		_, err = d.payments.LinkBank(t.Context(), foreign)
		wantCode(t, err, paylink.NotFound, "link.unknown")
		if err := d.invoicing.RevokeLink(t.Context(), "system", d.link.ID); err != nil {
			t.Fatal(err)
		}
		if _, err = d.payments.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56")); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("by a revoked link: %v", err)
		}
		d.sweep(2 * time.Hour)
		if n := len(d.tasks("bank.orphan")); n != 0 {
			t.Errorf("%d tasks", n)
		}
		if open, err := d.store.OpenExchanges(t.Context(), d.clock.Now(), "", 10); err != nil || len(open) != 0 {
			t.Errorf("left open: %+v %v", open, err)
		}
	})
}

func TestFault_A03_DebitThatComesBackBeforeSuccessIsFailedAndTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(poorAccount)
		p := d.begin(d.debitPress("n1", 22500, m), paylink.Processing)
		d.wantBalance(0, 22500, 77500)
		p = d.pass(4*24*time.Hour, p)
		if p.Status != paylink.Failed || p.Reason != paylink.DeclinedFunds || p.ReceiptNumber != "" {
			t.Fatalf("%s %q %q", p.Status, p.Reason, p.ReceiptNumber)
		}
		d.wantBalance(0, 0, 100000)
		d.wantJob("mail.failed", p.ID, true)
		tasks := d.tasks("payment.bank_failed")
		if len(tasks) != 1 || tasks[0].Code != "task.bank_failed" || tasks[0].Subject != p.ID {
			t.Errorf("tasks: %+v", tasks)
		}
		d.runJobs()
		d.wantNothingConfirmable()
		// It was once: money may be there next time. Twice is enough.
		if !d.method(m.ID).BlockedAt.IsZero() {
			t.Error("blocked after one")
		}
		p = d.begin(d.debitPress("n2", 22500, m), paylink.Processing)
		p = d.pass(4*24*time.Hour, p)
		if got := d.method(m.ID); p.Status != paylink.Failed || got.Blocked != "funds" {
			t.Errorf("%s, blocked %q", p.Status, got.Blocked)
		}
		d.wantRefused(d.debitPress("n3", 22500, m), "method", "method.blocked")
		d.wantCharges(0, 0)
		d.wantReceipts(0)
	})
}

// A report that comes late or twice changes nothing more.
func TestFault_A03_FailureIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 22500, d.linked(poorAccount)), paylink.Processing)
		d.control("POST", "/clock", map[string]string{"advance": "96h"}, nil)
		in, err := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()}).Intent(t.Context(), p.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if p, err = d.payments.Apply(t.Context(), in); err != nil || p.Status != paylink.Failed {
				t.Fatal(p.Status, err)
			}
		}
		if n := len(d.tasks("payment.bank_failed")); n != 1 {
			t.Errorf("%d tasks", n)
		}
		moving := in
		moving.Status, moving.Declined = stripe.StatusMoving, false
		if p, err = d.payments.Apply(t.Context(), moving); err != nil || p.Status != paylink.Failed {
			t.Errorf("an older report: %s %v", p.Status, err)
		}
		d.wantBalance(0, 0, 100000)
	})
}

// typed is an account whose numbers went from the browser to Stripe.
func (d *desk) typed(number string) string {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), "POST", d.box.URL()+"/v1/payment_methods", strings.NewReader(url.Values{
		"type": {"us_bank_account"}, "us_bank_account[routing_number]": {"110000000"}, "us_bank_account[account_number]": {number},
		"us_bank_account[account_holder_type]": {"individual"}, "billing_details[name]": {"Maria Keller"},
	}.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(d.box.Env()["STRIPE_PUBLISHABLE_KEY"], "")
	var m struct{ ID string }
	if status := d.do(r, &m); status != http.StatusOK {
		d.t.Fatal(status)
	}
	return m.ID
}

func (d *desk) check(number string) payments.BankCheck {
	return payments.BankCheck{
		LinkID: d.link.ID, CustomerID: d.invoice.CustomerID, Visitor: visitor, PaymentMethod: d.typed(number),
		Consent: *consent("I allow small deposits."), Actor: "payer:test",
	}
}

func (d *desk) checked(number string) paylink.Method {
	d.t.Helper()
	m, err := d.payments.StartBankCheck(d.t.Context(), d.check(number))
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func TestAccountIsProvenByACodeBeforeItPays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.check("000123456789")
		m, err := d.payments.StartBankCheck(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if w := m.AwaitsCode; w.Kind != paylink.CodeText || w.Tries != 10 || w.ArrivesOn == "" || w.SetupIntent == "" || m.Label() == "" || m.Bank.Holder != "Maria Keller" {
			t.Errorf("waiting: %+v", m)
		}
		if again, err := d.payments.StartBankCheck(t.Context(), r); err != nil || again.ID != m.ID {
			t.Errorf("sent twice: %+v %v", again, err)
		}
		d.wantRefused(d.debitPress("n1", 10000, m), "method", "method.waits")
		d.wantBalance(0, 0, 100000)
		verify := func(code string) error {
			return d.payments.VerifyBankCheck(t.Context(), d.invoice.CustomerID, m.ID, code, [2]int64{})
		}
		wantCode(t, verify("SM11"), paylink.Invalid, "bank.code_form")
		if d.method(m.ID).AwaitsCode.Tries != 10 {
			t.Error("what cannot be right cost a try")
		}
		err = verify("SM22BB")
		wantCode(t, err, paylink.Invalid, "bank.code_wrong")
		if e, _ := errors.AsType[*paylink.Error](err); len(e.Fields) != 1 || e.Fields[0].Args[1] != 9 || d.method(m.ID).AwaitsCode.Tries != 9 {
			t.Errorf("tries: %+v", e)
		}
		wantCode(t, d.payments.VerifyBankCheck(t.Context(), "cus_other", m.ID, "SM11AA", [2]int64{}), paylink.NotFound, "method.unknown")
		if err := verify(" sm11aa "); err != nil {
			t.Fatal(err)
		}
		if got := d.method(m.ID); got.Waits() || !got.SavedAt.IsZero() {
			t.Errorf("proven: %+v", got)
		}
		if err := verify("SM11AA"); err != nil {
			t.Errorf("proven already: %v", err)
		}
		p := d.begin(d.debitPress("n2", 10000, m), paylink.Processing)
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded {
			t.Error(p.Status)
		}
	})
}

func TestProofThatFailsEndsTheAccount(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.checked("000123456789")
		err := d.payments.VerifyBankCheck(t.Context(), d.invoice.CustomerID, m.ID, "SM33CC", [2]int64{}) // the sandbox's "too many"
		wantCode(t, err, paylink.Conflict, "bank.code_spent")
		err = d.payments.VerifyBankCheck(t.Context(), d.invoice.CustomerID, m.ID, "SM11AA", [2]int64{})
		wantCode(t, err, paylink.Conflict, "bank.code_spent")
		d.wantRefused(d.debitPress("n1", 10000, m), "method", "method.blocked")
		// Typed in again, it may be proven again.
		again := d.checked("000123456789")
		if again.ID == m.ID || d.method(m.ID).RemovedAt.IsZero() {
			t.Error("the first try is still shown")
		}
		_, err = d.payments.StartBankCheck(t.Context(), d.check("000666666661"))
		wantCode(t, err, paylink.Invalid, "bank.deposits_failed")
		if list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, visitor, false); err != nil || len(list) != 1 {
			t.Errorf("%d methods: %v", len(list), err)
		}
	})
}

func TestProofIsHeardOfByAnEventAndKeptWithConsent(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.check("000123456789")
		r.Save = consent("Keep it.")
		m, err := d.payments.StartBankCheck(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		late := d.checked("000222222227")
		d.stripe("POST", "/v1/setup_intents/"+m.AwaitsCode.SetupIntent+"/verify_microdeposits", url.Values{"descriptor_code": {"SM11AA"}}, nil)
		d.control("POST", "/clock", map[string]string{"advance": "240h"}, nil)
		for n, about := range []string{m.AwaitsCode.SetupIntent, late.AwaitsCode.SetupIntent, m.AwaitsCode.SetupIntent} {
			id := fmt.Sprint("evt_", n)
			d.hook("stripe", id, `{"id":"`+id+`","type":"setup_intent.succeeded","livemode":false,"data":{"object":{"id":"`+about+`","object":"setup_intent"}}}`)
		}
		if got := d.method(m.ID); got.Waits() || got.SavedAt.IsZero() || got.Consent.Text != "Keep it." {
			t.Errorf("proven: %+v", got)
		}
		if got := d.method(late.ID); got.Waits() || got.Blocked != "code_spent" {
			t.Errorf("too late: %+v", got)
		}
	})
}

// hook stores a webhook as the hooks do and runs its job.
func (d *desk) hook(provider, id, body string) {
	d.t.Helper()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertEvent(d.t.Context(), store.Event{Provider: provider, ID: id, Body: []byte(body), ReceivedAt: d.clock.Now()}); err != nil {
			return err
		}
		_, err := tx.Enqueue(d.t.Context(), store.Job{Kind: provider + ".event", Key: id, Payload: []byte(`{"event":"` + id + `"}`), RunAt: d.clock.Now()})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	d.runJob(provider+".event", id)
	stored, err := d.store.Event(d.t.Context(), provider, id)
	if err != nil || stored.ProcessedAt.IsZero() {
		d.t.Errorf("event %s: %+v %v", id, stored, err)
	}
}

func TestAccountToProveIsTypedInAndNobodys(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		card, linked := d.savedCard("n1", "pm_card_visa"), d.linked(goodAccount)
		other := d.check("000123456789")
		if _, err := d.payments.StartBankCheck(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		customer, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		var loose, attached struct{ ID string }
		d.stripe("POST", "/v1/payment_methods", url.Values{"type": {"card"}, "card[token]": {"tok_visa"}}, &loose)
		d.stripe("POST", "/v1/payment_methods/pm_usBankAccount_success/attach", url.Values{"customer": {customer.StripeCustomer}}, &attached)
		if loose.ID == "" || attached.ID == "" {
			t.Fatal(loose, attached)
		}
		for name, pm := range map[string]string{
			"a card": loose.ID, "one that is somebody's": attached.ID,
			"a card of the customer": card.StripeID, "an account by Plaid": linked.StripeID, "nothing": "pm_never_was", "no id": "x",
			"another visitor's": other.PaymentMethod,
		} {
			r := d.check("000123456789")
			r.PaymentMethod = pm
			if name == "another visitor's" {
				r.Visitor = "visitor-2"
			}
			_, err = d.payments.StartBankCheck(t.Context(), r)
			wantCode(t, err, paylink.Invalid, "bank.account_unknown")
		}
		r := d.check("000123456789")
		r.Consent = paylink.Consent{}
		_, err = d.payments.StartBankCheck(t.Context(), r)
		wantCode(t, err, paylink.Invalid, "mandate.missing")
	})
}

// An account that Stripe has not seen proven makes the debit wait for a deposit, which no payer of ours
// can wait for: it ends by the fence.
func TestFault_A06_DebitOfAnUnprovenAccountTimesOutAndIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		now := d.clock.Now()
		m := paylink.Method{
			ID: paylink.NewID("mth", now), CustomerID: d.invoice.CustomerID, Kind: paylink.MethodBank, StripeID: d.typed("000123456789"),
			Fingerprint: "f", Bank: paylink.Bank{Name: "Bank", Last4: "6789"}, Owner: visitor, CreatedAt: now, UpdatedAt: now,
		}
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.InsertMethod(t.Context(), m)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		p := d.begin(d.debitPress("n1", 20000, m), paylink.RequiresAction)
		d.wantBalance(0, 20000, 80000)
		d.wantJob("mail.onway", p.ID, false)
		d.clock.advance(16 * time.Minute)
		d.runJobs()
		if p, err := d.store.Payment(t.Context(), p.ID); err != nil || p.Status != paylink.Canceled {
			t.Errorf("%s %v", p.Status, err)
		}
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
	})
}

// fronted gives payments a Stripe whose every call is first shown to f: true when f answered it, else the
// sandbox does.
func (d *desk) fronted(f func(w http.ResponseWriter, r *http.Request) bool) *payments.Service {
	d.t.Helper()
	to, err := url.Parse(d.box.URL())
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	d.t.Cleanup(server.Close)
	return payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: server.URL, Timeout: 5 * time.Second}), d.options)
}

// answering gives payments a Stripe that answers the calls to paths with an end as told, and all others
// as the sandbox does.
func (d *desk) answering(end string, status int, body string) *payments.Service {
	d.t.Helper()
	return d.fronted(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, end) {
			return false
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	})
}

func TestAccountThatStripeDoesNotVouchForIsNoMethod(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		bank := d.answering("/sources", http.StatusOK, `{"id":"ba_1","object":"bank_account","status":"new","fingerprint":"f","last4":"6789"}`)
		_, err := bank.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56"))
		wantCode(t, err, paylink.Conflict, "bank.not_ready")
		refused := d.answering("/sources", http.StatusBadRequest, `{"error":{"type":"invalid_request_error","code":"bank_account_declined"}}`)
		_, err = refused.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56"))
		wantCode(t, err, paylink.Conflict, "bank.refused")
		if list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, visitor, false); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}

func TestAccountOfACustomerWhomStripeForgotIsLinkedToAnother(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.linked(savingsAccount)
		before, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		d.stripe("DELETE", "/v1/customers/"+before.StripeCustomer, nil, nil)
		m := d.linked(goodAccount)
		after, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil || after.StripeCustomer == before.StripeCustomer || d.sources() != 1 {
			t.Errorf("%s, then %s: %v", before.StripeCustomer, after.StripeCustomer, err)
		}
		d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
	})
}

func TestFault_A06_PermissionThatStripeDoesNotHaveIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		d.payments = d.answering("/confirm", http.StatusBadRequest,
			`{"error":{"type":"invalid_request_error","message":"This PaymentIntent requires a mandate, but no existing mandate was found."}}`)
		d.wantRefused(d.debitPress("n1", 20000, m), "method", "mandate.inactive")
		if got := d.method(m.ID); !got.BlockedAt.IsZero() {
			t.Errorf("the account itself is good: %q", got.Blocked)
		}
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
		d.payments = d.restart("boot1")
		d.begin(d.debitPress("n2", 20000, m), paylink.Processing)
	})
}

func TestFault_A07_AccountWhoseOwnerObjectedIsNotDebitedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(hostileAccount)
		p := d.pass(4*24*time.Hour, d.begin(d.debitPress("n1", 20000, m), paylink.Processing))
		if p.Status != paylink.Failed || p.Reason != paylink.DeclinedUnauthorized {
			t.Fatalf("%s %q", p.Status, p.Reason)
		}
		if got := d.method(m.ID); got.Blocked != "unauthorized" {
			t.Errorf("blocked %q", got.Blocked)
		}
		mandate, err := d.store.MandateByPayment(t.Context(), p.ID)
		if err != nil || mandate.RevokedAt.IsZero() {
			t.Errorf("its permission: %+v %v", mandate, err)
		}
		d.wantRefused(d.debitPress("n2", 20000, m), "method", "method.blocked")
		// Neither linking it again, nor removing it before, nor typing it in makes it good.
		_, err = d.payments.LinkBank(t.Context(), d.chosen(hostileAccount, "ins_56"))
		wantCode(t, err, paylink.Invalid, "bank.blocked")
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		d.runJob("method.detach", m.ID)
		_, err = d.payments.LinkBank(t.Context(), d.chosen(hostileAccount, "ins_56"))
		wantCode(t, err, paylink.Invalid, "bank.blocked")
		if d.sources() != 0 {
			t.Error("Stripe keeps what was refused")
		}
		_, err = d.payments.StartBankCheck(t.Context(), d.check("000333333335"))
		wantCode(t, err, paylink.Invalid, "bank.blocked")
		if n := len(d.tasks("payment.bank_failed")); n != 1 {
			t.Errorf("%d tasks", n)
		}
		closed := d.linked(closedAccount)
		d.pass(4*24*time.Hour, d.begin(d.debitPress("n3", 20000, closed), paylink.Processing))
		if got := d.method(closed.ID); got.Blocked != "closed" {
			t.Errorf("blocked %q", got.Blocked)
		}
		d.wantBalance(0, 0, 100000)
	})
}

func TestFault_A08_WhatIsOnItsWayCannotBePaidAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.pay("n1", 30000, d.card("pm_card_visa"), paylink.Succeeded)
		p := d.begin(d.debitPress("n2", 50000, d.linked(goodAccount)), paylink.Processing)
		d.wantBalance(30000, 50000, 20000)
		if _, err := d.payments.Begin(t.Context(), d.press("n3", 30000, d.card("pm_card_visa"))); paylink.KindOf(err) != paylink.Invalid {
			t.Errorf("more than is left was taken: %v", err)
		}
		d.pay("n4", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if _, err := d.payments.Begin(t.Context(), d.press("n5", 5000, d.card("pm_card_visa"))); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("nothing is left, and was taken: %v", err)
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded {
			t.Fatal(p.Status)
		}
		d.wantBalance(100000, 0, 0)
		d.wantCharges(3, 100000)
		d.wantReceipts(3)
	})
}

func TestFault_A08_RecoveryFollowsADebitToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(goodAccount)), paylink.Processing)
		d.control("POST", "/clock", map[string]string{"advance": "96h"}, nil)
		d.clock.advance(96 * time.Hour)
		if err := d.restart("boot2").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, err := d.store.Payment(t.Context(), p.ID); err != nil || p.Status != paylink.Succeeded {
			t.Errorf("%s %v\n%s", p.Status, err, d.log)
		}
		d.wantReceipts(1)
	})
}

// The permission is written before the debit can be made, even if the server dies between.
func TestFault_P05_PermissionIsDurableBeforeTheDebit(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		d.fault(confirmCall, "drop_before", 0)
		p := d.begin(d.debitPress("n1", 20000, m), paylink.Canceled)
		if mandate, err := d.store.MandateByPayment(t.Context(), p.ID); err != nil || mandate.Consent.Text == "" {
			t.Errorf("%+v %v", mandate, err)
		}
		d.control("DELETE", "/faults", nil, nil)
		d.fault(confirmCall, "500_after", 1)
		p = d.begin(d.debitPress("n2", 20000, m), paylink.Processing)
		d.wantJob("mail.onway", p.ID, true)
		d.wantBalance(0, 20000, 80000)
	})
}

func TestAccessTakenBackAtTheBankBlocksItsAccountAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		tell := func(id, body string) { t.Helper(); d.hook("plaid", id, body) }
		item := `"item_id":"` + m.PlaidItem + `"`
		tell("1", `{"webhook_type":"ITEM","webhook_code":"ERROR","error":{"error_code":"ITEM_LOGIN_REQUIRED"},`+item+`}`)
		tell("2", `{"webhook_type":"ITEM","webhook_code":"USER_ACCOUNT_REVOKED","account_id":"another",`+item+`}`)
		tell("3", `{"webhook_type":"ITEM","webhook_code":"USER_PERMISSION_REVOKED","item_id":"another"}`)
		tell("4", `{"webhook_type":"AUTH","webhook_code":"USER_PERMISSION_REVOKED",`+item+`}`)
		tell("5", `not JSON`)
		if got := d.method(m.ID); !got.BlockedAt.IsZero() {
			t.Fatalf("blocked %q by what is not about it", got.Blocked)
		}
		tell("6", `{"webhook_type":"ITEM","webhook_code":"USER_ACCOUNT_REVOKED","account_id":"`+m.PlaidAccount+`",`+item+`}`)
		tell("7", `{"webhook_type":"ITEM","webhook_code":"USER_PERMISSION_REVOKED",`+item+`}`)
		blocked := d.method(m.ID)
		if blocked.Blocked != "revoked" {
			t.Errorf("blocked %q", blocked.Blocked)
		}
		d.wantRefused(d.debitPress("n1", 20000, m), "method", "method.blocked")
		// Linked anew it is good again, as another account at Stripe; its old login goes once no debit can come back.
		again := d.linked(goodAccount)
		if again.ID == m.ID || again.StripeID == m.StripeID || d.sources() != 1 {
			t.Errorf("%+v", again)
		}
		d.begin(d.debitPress("n2", 20000, again), paylink.Processing)
		job, err := d.store.Job(t.Context(), "method.detach", m.ID)
		if err != nil || job.RunAt.Sub(d.clock.Now()) < 74*24*time.Hour {
			t.Errorf("its old login is removed at %s: %v", job.RunAt, err)
		}
		d.runJob("method.detach", m.ID)
		d.begin(d.debitPress("n3", 20000, again), paylink.Processing)
		if rows, err := d.store.AuditOf(t.Context(), m.ID, 20); err != nil || !strings.Contains(fmt.Sprintf("%s", rows), "method.login_required") {
			t.Errorf("the login is not noted: %v", err)
		}
	})
}

func TestLinkOpensForTheCustomerAndRepairsTheirOwnLoginAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		r := payments.BankSessionRequest{CustomerID: d.invoice.CustomerID, Visitor: visitor, Locale: "de-DE", WebhookURL: "https://pay.test/webhooks/plaid"}
		for _, locale := range []string{"de-DE", "en", "ja", ""} {
			r.Locale = locale
			if token, err := d.payments.BankSession(t.Context(), r); err != nil || !strings.HasPrefix(token, "link-sandbox-") {
				t.Errorf("%s: %q %v", locale, token, err)
			}
		}
		r.MethodID = m.ID
		if _, err := d.payments.BankSession(t.Context(), r); err != nil {
			t.Errorf("repair: %v", err)
		}
		r.Visitor = "visitor-2"
		_, err := d.payments.BankSession(t.Context(), r)
		wantCode(t, err, paylink.Invalid, "method.unknown")
		// Saved, it is the customer's: whoever proved the mailbox renews it, and nobody else.
		saved := d.method(m.ID)
		saved.SavedAt = d.clock.Now()
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateMethod(t.Context(), saved) }); err != nil {
			t.Fatal(err)
		}
		_, err = d.payments.BankSession(t.Context(), r)
		wantCode(t, err, paylink.Invalid, "method.unknown")
		_, err = d.payments.RenewLogin(t.Context(), "payer:lnk", r)
		wantCode(t, err, paylink.Invalid, "method.unknown")
		r.Proven = true
		if _, err := d.payments.BankSession(t.Context(), r); err != nil {
			t.Errorf("repair by the customer: %v", err)
		}
		d.options.Plaid = nil
		_, err = d.restart("boot1").BankSession(t.Context(), r)
		wantCode(t, err, paylink.Unavailable, "bank.unreachable")
	})
}

// A bank that asks for the login again does not keep its account from paying. The note of it goes once
// Plaid says that the login is good, and not because a browser says so.
func TestLoginThatIsAskedForAgainIsRenewed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		access, err := d.options.Ring.Open("method/"+m.ID, m.PlaidSealed)
		if err != nil {
			t.Fatal(err)
		}
		item := `"item_id":"` + m.PlaidItem + `"`
		n := 0
		tell := func(code string) {
			t.Helper()
			n++
			d.hook("plaid", fmt.Sprint(n), `{"webhook_type":"ITEM","webhook_code":"`+code+`",`+item+`}`)
		}
		wanted := func(want bool) {
			t.Helper()
			if got := d.method(m.ID); !got.LoginAt.IsZero() != want || !got.BlockedAt.IsZero() {
				t.Fatalf("login asked for at %s, blocked %q", got.LoginAt, got.Blocked)
			}
		}
		renew := func() error {
			_, err := d.payments.RenewLogin(t.Context(), "payer:lnk", payments.BankSessionRequest{CustomerID: m.CustomerID, Visitor: visitor, MethodID: m.ID})
			return err
		}
		for _, code := range []string{"PENDING_EXPIRATION", "PENDING_DISCONNECT"} {
			tell(code)
			wanted(true)
			tell("LOGIN_REPAIRED")
			wanted(false)
		}
		d.plaidCall("/sandbox/item/reset_login", map[string]any{"access_token": string(access)})
		d.hook("plaid", "error", `{"webhook_type":"ITEM","webhook_code":"ERROR","error":{"error_code":"ITEM_LOGIN_REQUIRED"},`+item+`}`)
		wanted(true)
		d.begin(d.debitPress("n1", 20000, d.method(m.ID)), paylink.Processing)
		wantCode(t, renew(), paylink.Conflict, "bank.login_again")
		wanted(true)
		d.plaidCall("/item/webhook/update", map[string]any{"access_token": string(access), "webhook": "http://127.0.0.1:1/nobody"})
		d.plaidCall("/sandbox/item/fire_webhook", map[string]any{"access_token": string(access), "webhook_code": "LOGIN_REPAIRED"})
		for range 2 { // pressed twice
			if err := renew(); err != nil {
				t.Fatal(err)
			}
			wanted(false)
		}
		rows, err := d.store.AuditOf(t.Context(), m.ID, 20)
		if err != nil || strings.Count(fmt.Sprintf("%s", rows), "method.login_renewed") != 3 {
			t.Errorf("the log: %s %v", rows, err)
		}
	})
}

// Where several servers share a database, a method may be taken away on one while another begins to pay
// by it: the payment waits for that and is refused, and never reserves what it cannot have.
func TestMethodIsNotTakenAwayUnderAPaymentThatBegins(t *testing.T) {
	t.Parallel()
	d := newDesk(t, storetest.Open(t, storetest.Postgres(t)))
	m := d.linked(goodAccount)
	press := d.debitPress("n1", 10000, m)
	begun := make(chan error, 1)
	err := d.store.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.LockMethods(t.Context(), m.CustomerID); err != nil {
			return err
		}
		m.RemovedAt = d.clock.Now()
		if err := tx.UpdateMethod(t.Context(), m); err != nil {
			return err
		}
		go func() {
			_, err := d.payments.Begin(context.Background(), press)
			begun <- err
		}()
		select {
		case err := <-begun:
			begun <- err
			t.Error("it did not wait")
		case <-time.After(300 * time.Millisecond): // it waits
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, <-begun, paylink.Invalid, "method.unknown")
	d.wantBalance(0, 0, 100000)
}

// What the customer saved stays saved when its account is linked again by another way.
func TestSavedAccountStaysSavedWhenItIsLinkedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		saved := d.checked("000123456789")
		if err := d.payments.VerifyBankCheck(t.Context(), d.invoice.CustomerID, saved.ID, "SM11AA", [2]int64{}); err != nil {
			t.Fatal(err)
		}
		press := d.debitPress("n1", 10000, saved)
		press.Save = consent("Keep it.")
		d.begin(press, paylink.Processing)
		if saved = d.method(saved.ID); saved.SavedAt.IsZero() {
			t.Fatal("it was not saved")
		}
		m := d.linked("Checking, debits succeed")
		if m.Fingerprint != saved.Fingerprint || m.ID == saved.ID {
			t.Fatalf("not the same account by another way: %+v %+v", saved, m)
		}
		if !m.SavedAt.Equal(saved.SavedAt) || m.Consent.Text != "Keep it." {
			t.Errorf("linked again: %+v", m)
		}
	})
}

// sourceAnswer is what Stripe says when it took an account.
func sourceAnswer(id string) string {
	return `{"id":"` + id + `","object":"bank_account","status":"verified","fingerprint":"f","bank_name":"Chase","last4":"6789"}`
}

// Only a customer whom Stripe does not know is let go, since saved cards hang on theirs; and only an account
// that Stripe says is there already is taken for linked.
func TestRefusalOfAnAccountChangesNothingOfItsCustomer(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.method(d.linked(goodAccount).ID)
		before, err := d.store.Customer(t.Context(), m.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		for name, refusal := range map[string]string{
			"the token is missing":     `"code":"resource_missing","param":"source"`,
			"the customer is too much": `"code":"customer_max_payment_methods","param":"customer"`,
			"declined":                 `"code":"bank_account_declined"`,
		} {
			t.Log(name)
			d.payments = d.answering("/sources", http.StatusBadRequest, `{"error":{"type":"invalid_request_error",`+refusal+`}}`)
			_, err := d.payments.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56"))
			wantCode(t, err, paylink.Conflict, "bank.refused")
		}
		after, err := d.store.Customer(t.Context(), m.CustomerID)
		if err != nil || after.StripeCustomer != before.StripeCustomer || d.method(m.ID) != m {
			t.Errorf("%s, then %s: %v", before.StripeCustomer, after.StripeCustomer, err)
		}
	})
}

// Stripe took the account and nobody heard of it: the press that comes again finds it there.
func TestFault_A02_AccountThatStripeTookBeforeTheCutIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		d.fault(sourceCall, "drop_after", 0)
		if _, err := d.payments.LinkBank(t.Context(), r); paylink.KindOf(err) != paylink.Unavailable || d.sources() != 1 {
			t.Fatalf("%d accounts at Stripe: %v", d.sources(), err)
		}
		d.control("DELETE", "/faults", nil, nil)
		m, err := d.payments.LinkBank(t.Context(), r)
		if err != nil || d.sources() != 1 {
			t.Fatalf("%d accounts at Stripe: %v", d.sources(), err)
		}
		d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
	})
}

// The account is at Stripe and its row cannot be written: it stays there for the press that comes again.
func TestFault_A02_AccountThatCannotBeWrittenStaysForTheNextPress(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		r := d.chosen(goodAccount, "ins_56")
		room := d.noRoom(at, "insert on method", "true")
		if _, err := d.payments.LinkBank(t.Context(), r); err == nil || d.sources() != 1 {
			t.Errorf("%d accounts at Stripe: %v", d.sources(), err)
		}
		room()
		if _, err := d.payments.LinkBank(t.Context(), r); err != nil || d.sources() != 1 {
			t.Errorf("%d accounts at Stripe: %v", d.sources(), err)
		}
	})
}

// An account that its bank blocked is not taken from Stripe by whoever links it again: its debits, and what may come back
// of them, hang on it.
func TestFault_A07_LinkingABlockedAccountAgainTakesNothingAway(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(hostileAccount)
		d.pass(4*24*time.Hour, d.begin(d.debitPress("n1", 20000, m), paylink.Processing))
		_, err := d.payments.LinkBank(t.Context(), d.chosen(hostileAccount, "ins_56"))
		wantCode(t, err, paylink.Invalid, "bank.blocked")
		var source struct{ ID string }
		customer, err := d.store.Customer(t.Context(), m.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		if d.stripe("GET", "/v1/customers/"+customer.StripeCustomer+"/sources/"+m.StripeID, nil, &source); source.ID != m.StripeID {
			t.Errorf("it is gone at Stripe: %+v", source)
		}
	})
}

func TestRemovedAccountIsLinkedAnewBeforeStripeLetItGo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		d.change(m, func(m *paylink.Method) { m.SavedAt, m.Consent = d.clock.Now(), *consent("Keep it.") })
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		again := d.linked(goodAccount)
		if again.ID == m.ID || again.StripeID == m.StripeID || !again.SavedAt.IsZero() {
			t.Errorf("what was removed is back, or is saved: %+v", again)
		}
		d.runJob("method.detach", m.ID)
		d.begin(d.debitPress("n1", 10000, again), paylink.Processing)
	})
}

// Linking an account anew takes the old one away at Stripe, so not while its debit is on its way.
func TestAccountWhoseDebitIsOnItsWayIsNotTakenAwayByLinkingItAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		p := d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
		d.hook("plaid", "1", `{"webhook_type":"ITEM","webhook_code":"USER_PERMISSION_REVOKED","item_id":"`+m.PlaidItem+`"}`)
		_, err := d.payments.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56"))
		wantCode(t, err, paylink.Conflict, "method.busy")
		if d.sources() != 1 {
			t.Error("Stripe let it go")
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded {
			t.Error(p.Status)
		}
	})
}

// What Stripe answers for an account of another customer, or for one that was taken away meanwhile, is not believed.
func TestAccountOfAnotherOrTakenAwayIsNotKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.method(d.linked(goodAccount).ID)
		stand := d.answering("/sources", http.StatusOK, sourceAnswer(m.StripeID))
		theirs := d.chosen(goodAccount, "ins_56")
		theirs.LinkID, theirs.CustomerID = "", d.stranger().ID
		_, err := stand.LinkBank(t.Context(), theirs)
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		if got := d.method(m.ID); got != m {
			t.Errorf("it was %+v, and is %+v", m, got)
		}
		removed := d.change(m, func(m *paylink.Method) { m.RemovedAt = m.UpdatedAt })
		_, err = stand.LinkBank(t.Context(), d.chosen(goodAccount, "ins_56"))
		wantCode(t, err, paylink.Conflict, "bank.link_again")
		if got := d.method(m.ID); got != removed {
			t.Errorf("it was %+v, and is %+v", removed, got)
		}
	})
}

func TestKindOfAnAccountIsPlaidsWordWhereStripeHasNone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m, err := d.answering("/sources", http.StatusOK, sourceAnswer("ba_new")).LinkBank(t.Context(), d.chosen(savingsAccount, "ins_56"))
		if err != nil || m.Bank.Type != "savings" {
			t.Errorf("%+v %v", m.Bank, err)
		}
	})
}

// Linked again, an account is saved when one that stands was saved with consent: not one that is blocked or gone, and
// whatever else there is.
func TestAccountLinkedAgainIsSavedByConsentThatStands(t *testing.T) {
	saved := func(m *paylink.Method) { m.SavedAt, m.Consent = m.CreatedAt, *consent("Keep it.") }
	for name, scene := range map[string]struct {
		older, newer func(*paylink.Method)
		want         bool
	}{
		"saved, and an older one not": {func(*paylink.Method) {}, saved, true},
		"blocked":                     {func(*paylink.Method) {}, func(m *paylink.Method) { saved(m); m.BlockedAt, m.Blocked = m.CreatedAt, "revoked" }, false},
		"removed":                     {func(*paylink.Method) {}, func(m *paylink.Method) { saved(m); m.RemovedAt = m.CreatedAt }, false},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.change(d.checked("000123456789"), scene.older)
				d.change(d.checked("000123456789"), scene.newer)
				m := d.linked(goodAccount)
				if got := !m.SavedAt.IsZero() && m.Consent.Text == "Keep it."; got != scene.want || !got && !m.SavedAt.IsZero() {
					t.Errorf("linked again: saved %s with %q", m.SavedAt, m.Consent.Text)
				}
			})
		})
	}
}
