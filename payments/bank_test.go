package payments_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/store"
)

// The accounts that every bank of the sandbox has, by what becomes of their debits.
const (
	goodAccount    = "Checking, debits succeed"
	savingsAccount = "Savings, debits succeed"
	closedAccount  = "Checking, account closed"
	poorAccount    = "Checking, insufficient funds"
	hostileAccount = "Checking, debit not authorized"
)

const visitor = "visitor-1"

// plaidCall calls the sandbox's Plaid.
func (d *desk) plaidCall(path string, body map[string]any) map[string]any {
	d.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), "POST", d.box.URL()+path, bytes.NewReader(text))
	if err != nil {
		d.t.Fatal(err)
	}
	env := d.box.Env()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("PLAID-CLIENT-ID", env["PLAID_CLIENT_ID"])
	r.Header.Set("PLAID-SECRET", env["PLAID_SECRET"])
	var out map[string]any
	if status := d.do(r, &out); status != http.StatusOK {
		d.t.Fatalf("%s: %d %v", path, status, out)
	}
	return out
}

// chosen is what Plaid Link gives a browser whose user chose the account of that name.
func (d *desk) chosen(account, institution string) payments.BankLink {
	d.t.Helper()
	out := d.plaidCall("/sandbox/public_token/create", map[string]any{"institution_id": institution, "initial_products": []string{"auth"}})
	r := payments.BankLink{
		LinkID: d.link.ID, CustomerID: d.invoice.CustomerID, Visitor: visitor, PublicToken: out["public_token"].(string), Actor: "payer:test",
	}
	for _, a := range out["accounts"].([]any) {
		if a := a.(map[string]any); a["name"] == account {
			r.AccountID = a["id"].(string)
		}
	}
	if r.AccountID == "" {
		d.t.Fatalf("no account %q in %v", account, out)
	}
	return r
}

// linked is a method of the visitor, linked through Plaid.
func (d *desk) linked(account string) paylink.Method {
	d.t.Helper()
	m, err := d.payments.LinkBank(d.t.Context(), d.chosen(account, "ins_56"))
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

func consent(text string) *paylink.Consent {
	return &paylink.Consent{Text: text, Version: "v1", At: time.Unix(1_790_000_000, 0).UTC(), IP: "198.51.100.7", Agent: "Firefox"}
}

// debitPress is a press of Pay with a bank account and its permission.
func (d *desk) debitPress(nonce string, minor int64, m paylink.Method) payments.Press {
	press := d.press(nonce, minor, "")
	press.MethodID, press.Visitor, press.Mandate = m.ID, visitor, consent("I allow one debit.")
	return press
}

func (d *desk) begin(press payments.Press, want paylink.PaymentStatus) paylink.Payment {
	d.t.Helper()
	p, err := d.payments.Begin(d.t.Context(), press)
	if err != nil || p.Status != want {
		d.t.Fatalf("payment is %q, want %s: %v\n%s", p.Status, want, err, d.log)
	}
	return p
}

// wantRefused wants Begin to refuse a press by one field and code, with nothing reserved.
func (d *desk) wantRefused(press payments.Press, field, code string) {
	d.t.Helper()
	p, err := d.payments.Begin(d.t.Context(), press)
	e, ok := errors.AsType[*paylink.Error](err)
	if !ok || p.ID != "" || len(e.Fields) != 1 || e.Fields[0].Field != field || e.Fields[0].Code != code {
		d.t.Errorf("payment %q, error %v; want %s: %s", p.Status, err, field, code)
	}
}

// pass lets time go by at the banks and here, and hears what Stripe tells of a payment then.
func (d *desk) pass(duration time.Duration, p paylink.Payment) paylink.Payment {
	d.t.Helper()
	d.control("POST", "/clock", map[string]string{"advance": duration.String()}, nil)
	d.clock.advance(duration)
	p, err := d.payments.Check(d.t.Context(), p.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *desk) method(id string) paylink.Method {
	d.t.Helper()
	m, err := d.store.Method(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return m
}

// wantJobs wants so many jobs of a kind, done or not, with a payload that holds the text.
func (d *desk) wantJob(kind, key string, want bool) {
	d.t.Helper()
	_, err := d.store.Job(d.t.Context(), kind, key)
	if (err == nil) != want {
		d.t.Errorf("job %s %s: %v, want %v", kind, key, err, want)
	}
}

func (d *desk) tasks(kind string) (found []store.Task) {
	d.t.Helper()
	list, err := d.store.Tasks(d.t.Context(), true)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, task := range list {
		if task.Kind == kind {
			found = append(found, task)
		}
	}
	return found
}

// runJob runs a handler on the job of a kind and key.
func (d *desk) runJob(kind, key string) {
	d.t.Helper()
	job, err := d.store.Job(d.t.Context(), kind, key)
	if err != nil {
		d.t.Fatal(err)
	}
	handler := map[string]func(*desk, store.Job) error{
		"method.detach": func(d *desk, j store.Job) error { return d.payments.DetachJob(d.t.Context(), j) },
		"plaid.event":   func(d *desk, j store.Job) error { return d.payments.PlaidEventJob(d.t.Context(), j) },
		"stripe.event":  func(d *desk, j store.Job) error { return d.payments.EventJob(d.t.Context(), j) },
	}[kind]
	if err := handler(d, job); err != nil {
		d.t.Fatalf("job %s %s: %v", kind, key, err)
	}
}

func (d *desk) sources() (n int) {
	d.t.Helper()
	customer, err := d.store.Customer(d.t.Context(), d.invoice.CustomerID)
	if err != nil {
		d.t.Fatal(err)
	}
	var list struct{ Data []struct{ ID string } }
	d.stripe("GET", "/v1/customers/"+customer.StripeCustomer+"/sources?object=bank_account", nil, &list)
	return len(list.Data)
}

func TestBankPaymentIsOnItsWayAndThenPaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		if m.Label() != "Chase ••6789" || m.Owner != visitor || !m.SavedAt.IsZero() || m.Bank.Type != "checking" || m.Bank.Holder == "" || m.Fingerprint == "" {
			t.Errorf("method: %+v", m)
		}
		p := d.begin(d.debitPress("n1", 22500, m), paylink.Processing)
		if p.Method != paylink.MethodBank || p.Bank.Label() != "Chase ••6789" || p.ReceiptNumber != "" {
			t.Errorf("payment: %+v", p)
		}
		firm, err := d.store.Firm(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := payments.ExpectedBy(d.clock.Now(), firm.Location()); p.ExpectedOn != want {
			t.Errorf("expected on %s, want %s", p.ExpectedOn, want)
		}
		d.wantBalance(0, 22500, 77500)
		d.wantJob("mail.onway", p.ID, true)
		mandate, err := d.store.MandateByPayment(t.Context(), p.ID)
		if err != nil || mandate.Amount != p.Charged() || mandate.Consent != *consent("I allow one debit.") || !strings.HasPrefix(mandate.Stripe, "mandate_") || mandate.Last4 != "6789" {
			t.Errorf("mandate: %+v %v", mandate, err)
		}
		d.wantMandateAtStripe(mandate.Stripe)

		p = d.pass(4*24*time.Hour, p)
		if p.Status != paylink.Succeeded || p.ReceiptNumber == "" {
			t.Fatalf("after four days: %+v", p)
		}
		r, err := d.store.ReceiptByPayment(t.Context(), p.ID)
		if err != nil || r.Bank.Label() != "Chase ••6789" || r.Trace == "" || r.Method != paylink.MethodBank || r.Card.Last4 != "" {
			t.Errorf("receipt: %+v %v", r, err)
		}
		d.wantJob("mail.failed", p.ID, false)
		d.wantBalance(22500, 0, 77500)
		d.wantCharges(1, 22500)
		d.wantReceipts(1)
	})
}

// wantMandateAtStripe wants the payer's address and browser in Stripe's record of the permission.
func (d *desk) wantMandateAtStripe(id string) {
	d.t.Helper()
	var got struct {
		Acceptance struct {
			AcceptedAt int64 `json:"accepted_at"`
			Online     struct {
				IP    string `json:"ip_address"`
				Agent string `json:"user_agent"`
			} `json:"online"`
		} `json:"customer_acceptance"`
	}
	d.stripe("GET", "/v1/mandates/"+id, nil, &got)
	if a := got.Acceptance; a.AcceptedAt != 1_790_000_000 || a.Online.IP != "198.51.100.7" || a.Online.Agent != "Firefox" {
		d.t.Errorf("mandate at Stripe: %+v", got)
	}
}

func TestMethodOfAnotherIsUnknown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		for name, change := range map[string]func(*payments.Press){
			"no such method":        func(p *payments.Press) { p.MethodID = "mth_other" },
			"another visitor":       func(p *payments.Press) { p.Visitor = "visitor-2" },
			"no visitor":            func(p *payments.Press) { p.Visitor = "" },
			"proven, but not saved": func(p *payments.Press) { p.Visitor, p.Proven = "", true },
			"Stripe's own id":       func(p *payments.Press) { p.MethodID = m.StripeID },
		} {
			press := d.debitPress("n "+name, 22500, m)
			change(&press)
			d.wantRefused(press, "method", "method.unknown")
		}
		other, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
		if err != nil {
			t.Fatal(err)
		}
		d.invoice, d.link = d.newInvoice(other.ID, 100000, paylink.CaptureAutomatic)
		d.wantRefused(d.debitPress("n foreign", 22500, m), "method", "method.unknown")
		d.wantBalance(0, 0, 100000)
		d.wantCharges(0, 0)
	})
}

func TestBankDebitNeedsItsPermissionAndDollars(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		press := d.debitPress("n1", 22500, m)
		press.Mandate = nil
		d.wantRefused(press, "mandate", "mandate.missing")
		press.Mandate = consent("")
		d.wantRefused(press, "mandate", "mandate.missing")
		if _, err := d.store.MandateByPayment(t.Context(), "pay_x"); err == nil {
			t.Error("a mandate of nothing")
		}
		d.wantBalance(0, 0, 100000)
	})
}

func TestAccountIsKeptOnlyWithConsentAndShownOnlyToWhoProved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
		if !d.method(m.ID).SavedAt.IsZero() {
			t.Error("kept without consent")
		}
		press := d.debitPress("n2", 10000, m)
		press.Save = consent("Keep it.")
		d.begin(press, paylink.Processing)
		kept := d.method(m.ID)
		if kept.SavedAt.IsZero() || kept.Consent != *consent("Keep it.") {
			t.Errorf("not kept: %+v", kept)
		}
		for name, see := range map[string]struct {
			visitor string
			proven  bool
			want    int
		}{"its visitor": {visitor, false, 1}, "another": {"v2", false, 0}, "another who proved": {"v2", true, 1}, "nobody": {"", false, 0}} {
			list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, see.visitor, see.proven)
			if err != nil || len(list) != see.want {
				t.Errorf("%s sees %d methods: %v", name, len(list), err)
			}
		}
		saved := d.debitPress("n3", 10000, m)
		saved.Visitor, saved.Proven = "v2", true
		d.begin(saved, paylink.Processing)
		// A forwarded link is a colleague's: what the customer saved is not for it.
		d.forward()
		saved = d.debitPress("n4", 10000, m)
		saved.Visitor, saved.Proven = "v2", true
		d.wantRefused(saved, "method", "method.unknown")
	})
}

// forward makes the link of the desk one that the customer forwarded to a colleague.
func (d *desk) forward() {
	d.t.Helper()
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		link, err := tx.LockLink(d.t.Context(), d.link.ID)
		if err != nil {
			return err
		}
		link.ID, link.ForwardedBy = paylink.NewID("lnk", d.clock.Now()), d.link.ID
		token := paylink.NewToken()
		link.TokenHash = token.Hash()
		d.link = link
		return tx.InsertLink(d.t.Context(), link)
	}); err != nil {
		d.t.Fatal(err)
	}
}

// stranger is another customer.
func (d *desk) stranger() paylink.Customer {
	d.t.Helper()
	other, err := d.invoicing.CreateCustomer(d.t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
	if err != nil {
		d.t.Fatal(err)
	}
	return other
}

// plaidThrough puts f between payments and Plaid: it sees the body of every call, and says whether it
// answered it.
func (d *desk) plaidThrough(f func(w http.ResponseWriter, path string, body []byte) bool) {
	d.t.Helper()
	to, err := url.Parse(d.box.URL())
	if err != nil {
		d.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || f(w, r.URL.Path, body) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	d.t.Cleanup(server.Close)
	env := d.box.Env()
	d.options.Plaid = plaid.New(plaid.Config{ClientID: env["PLAID_CLIENT_ID"], Secret: env["PLAID_SECRET"], BaseURL: server.URL, Timeout: time.Second})
	d.payments = d.restart("boot1")
}

// savedCard pays by a new card that is kept.
func (d *desk) savedCard(nonce, card string) paylink.Method {
	d.t.Helper()
	var token struct{ ID string }
	d.stripe("POST", "/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {card}, "setup_future_usage": {"off_session"}}, &token)
	press := d.press(nonce, 10000, token.ID)
	press.Save = consent("Keep this card.")
	p, err := d.payments.Begin(d.t.Context(), press)
	if err != nil {
		d.t.Fatal(err)
	}
	if p.Status == paylink.RequiresAction {
		secret, err := d.payments.ClientSecret(d.t.Context(), p.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		d.answerBank(p, secret, "succeed")
		p = d.pass(time.Minute, p)
	}
	if p.Status != paylink.Succeeded {
		d.t.Fatalf("payment is %s\n%s", p.Status, d.log)
	}
	list, err := d.payments.Methods(d.t.Context(), d.invoice.CustomerID, "", true)
	if err != nil || len(list) == 0 {
		d.t.Fatalf("nothing was kept: %v", err)
	}
	return list[0]
}

func (d *desk) pressSaved(nonce string, m paylink.Method) payments.Press {
	press := d.press(nonce, 10000, "")
	press.MethodID, press.Proven = m.ID, true
	return press
}

func TestSavedCardPaysAgainAndIsOneMethodHoweverOftenItIsSaved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_visa")
		if m.Label() != "Visa ••4242" || m.Consent.Text != "Keep this card." || m.Owner != "" {
			t.Errorf("method: %+v", m)
		}
		p := d.begin(d.pressSaved("n2", m), paylink.Succeeded)
		if p.Card.Label() != "Visa ••4242" || p.MethodID != m.ID || p.Means != m.StripeID {
			t.Errorf("payment: %+v", p)
		}
		again := d.savedCard("n3", "pm_card_visa")
		list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, "", true)
		if err != nil || len(list) != 1 || again.ID == m.ID || d.method(m.ID).RemovedAt.IsZero() {
			t.Errorf("the same card is there %d times: %v", len(list), err)
		}
		d.runJob("method.detach", m.ID)
		d.wantRefused(d.pressSaved("n4", m), "method", "method.unknown")
		d.begin(d.pressSaved("n5", again), paylink.Succeeded)
		var customers struct{ Data []struct{ ID string } }
		d.stripe("GET", "/v1/customers?limit=10", nil, &customers)
		if len(customers.Data) != 1 {
			t.Errorf("%d customers at Stripe", len(customers.Data))
		}
		d.pay("n6", 10000, d.card("pm_card_mastercard"), paylink.Succeeded)
		if list, err := d.payments.Methods(t.Context(), d.invoice.CustomerID, "", true); err != nil || len(list) != 1 {
			t.Errorf("a card was kept without consent: %v %v", list, err)
		}
		d.wantReceipts(5)
	})
}

func TestSavedCardAsksItsBankWhereTheBankWants(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_authenticationRequired")
		p := d.begin(d.pressSaved("n2", m), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "succeed")
		if p = d.pass(time.Minute, p); p.Status != paylink.Succeeded {
			t.Errorf("after the bank's question: %s", p.Status)
		}
		d.wantCharges(2, 20000)
	})
}

func TestExpiredCardIsRefusedBeforeAnythingIsMade(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_visa")
		d.clock.advance(4 * 365 * 24 * time.Hour)
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 100000, paylink.CaptureAutomatic)
		d.wantRefused(d.pressSaved("n2", m), "method", "method.expired")
		d.wantBalance(0, 0, 100000)
	})
}

func TestDetachedMethodIsBlockedAndNothingStaysReserved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		card, account := d.savedCard("n1", "pm_card_visa"), d.linked(goodAccount)
		customer, err := d.store.Customer(t.Context(), d.invoice.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []paylink.Method{card, account} {
			if err := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()}).Detach(t.Context(), "k"+m.ID, customer.StripeCustomer, m.StripeID); err != nil {
				t.Fatal(err)
			}
		}
		d.wantRefused(d.pressSaved("n2", card), "method", "method.detached")
		d.wantRefused(d.debitPress("n3", 10000, account), "method", "method.detached")
		for _, m := range []paylink.Method{card, account} {
			if m = d.method(m.ID); m.Blocked != "detached" {
				t.Errorf("%s is blocked %q", m.Label(), m.Blocked)
			}
		}
		d.wantRefused(d.pressSaved("n4", card), "method", "method.detached")
		d.wantBalance(10000, 0, 90000)
		d.wantCharges(1, 10000)
		d.wantNothingConfirmable()
		// Linked again, the account is another at Stripe, and good.
		again := d.linked(goodAccount)
		if again.ID == account.ID || again.StripeID == account.StripeID {
			t.Errorf("linked again: %+v", again)
		}
		d.begin(d.debitPress("n5", 10000, again), paylink.Processing)
	})
}

func TestRemovedMethodIsGoneHereAtStripeAndAtPlaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		p := d.begin(d.debitPress("n1", 10000, m), paylink.Processing)
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("a debit is on its way: %v", err)
		}
		other, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon", Email: "jon@other.example"})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", other.ID, m.ID); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("another customer's: %v", err)
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded {
			t.Fatal(p.Status)
		}
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("removed twice: %v", err)
		}
		d.wantRefused(d.debitPress("n2", 10000, m), "method", "method.unknown")
		access, err := d.options.Ring.Open("method/"+m.ID, m.PlaidSealed)
		if err != nil {
			t.Fatal(err)
		}
		if d.sources() != 1 {
			t.Error("it is gone before its job ran")
		}
		d.runJob("method.detach", m.ID)
		d.runJob("method.detach", m.ID) // twice is once
		if d.sources() != 0 || d.method(m.ID).PlaidSealed != "" {
			t.Error("Stripe has it, or its token is here")
		}
		if _, err := d.plaid.Account(t.Context(), string(access), m.PlaidAccount); err == nil {
			t.Error("Plaid has it")
		}
		mandates, err := d.store.MandatesOf(t.Context(), m.ID)
		if err != nil || len(mandates) != 1 || mandates[0].RevokedAt.IsZero() {
			t.Errorf("the proof of the permission: %+v %v", mandates, err)
		}
	})
}

func TestAccountThatNobodySavedIsLetGoOnceItsDebitCannotComeBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m, saved := d.linked(goodAccount), d.linked(savingsAccount)
		press := d.debitPress("n1", 10000, saved)
		press.Save = consent("Keep it.")
		first := d.begin(press, paylink.Processing)
		p := d.begin(d.debitPress("n2", 10000, m), paylink.Processing)
		d.pass(4*24*time.Hour, p)
		d.pass(time.Minute, first)
		sweep := func() {
			t.Helper()
			if err := d.payments.SweepMethods(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		d.clock.advance(74 * 24 * time.Hour) // 78 since it was linked
		sweep()
		if !d.method(m.ID).RemovedAt.IsZero() {
			t.Error("its debit may still come back")
		}
		d.clock.advance(2 * 24 * time.Hour)
		sweep()
		if d.method(m.ID).RemovedAt.IsZero() || !d.method(saved.ID).RemovedAt.IsZero() {
			t.Error("what nobody saved stays, or what was saved is gone")
		}
		d.runJob("method.detach", m.ID)
		if d.sources() != 1 {
			t.Errorf("%d accounts at Stripe", d.sources())
		}
	})
}

func TestSameAccountLinkedAgainIsTheSameMethodWithItsFirstLogin(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first := d.linked(goodAccount)
		second := d.linked(goodAccount)
		if second.ID != first.ID || second.PlaidItem != first.PlaidItem || d.sources() != 1 {
			t.Fatalf("%+v\n%+v", first, second)
		}
		open, err := d.store.OpenExchanges(t.Context(), d.clock.Now().Add(time.Hour), "", 10)
		if err != nil || len(open) != 1 {
			t.Fatalf("the second login: %+v %v", open, err)
		}
		access, err := d.options.Ring.Open("exchange/"+open[0].ID, open[0].Sealed)
		if err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Hour)
		if err := d.payments.SweepMethods(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := d.plaid.Account(t.Context(), string(access), open[0].Account); err == nil {
			t.Error("a login that nothing needs is there")
		}
		// The account's own login is not touched: its debits go through.
		d.begin(d.debitPress("n1", 10000, second), paylink.Processing)
		if n := len(d.tasks("bank.orphan")); n != 0 {
			t.Errorf("%d tasks", n)
		}
	})
}

// A receipt bears the day on which the bank sent the money, and not that of the permission.
func TestDebitIsPaidOnTheDayItArrives(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked("Checking, debits succeed")), paylink.Processing)
		p = d.pass(5*24*time.Hour, p)
		if p.Status != paylink.Succeeded || p.SettledAt.Sub(p.CreatedAt) < 3*24*time.Hour {
			t.Errorf("%s, made %s, paid %s", p.Status, p.CreatedAt, p.SettledAt)
		}
	})
}

// A login is renewed by whose account it is, and where there is a login: all others learn the same.
func TestLoginOfAnotherOrOfATypedAccountIsNotRenewed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		d.change(m, func(m *paylink.Method) { m.SavedAt = d.clock.Now() })
		typed := d.checked("000123456789")
		for name, r := range map[string]payments.BankSessionRequest{
			"another customer's": {CustomerID: d.stranger().ID, Visitor: visitor, Proven: true, MethodID: m.ID},
			"without a login":    {CustomerID: m.CustomerID, Visitor: visitor, MethodID: typed.ID},
			"nobody's":           {CustomerID: m.CustomerID, Visitor: visitor, MethodID: "mth_never_was"},
		} {
			t.Log(name)
			_, err := d.payments.BankSession(t.Context(), r)
			wantCode(t, err, paylink.Invalid, "method.unknown")
			_, err = d.payments.RenewLogin(t.Context(), "payer:lnk", r)
			wantCode(t, err, paylink.Invalid, "method.unknown")
		}
	})
}

func TestPlaidLinkOpensInALanguageThatItSpeaks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var language atomic.Value
		d.plaidThrough(func(_ http.ResponseWriter, _ string, body []byte) bool {
			var asked struct {
				Language string `json:"language"`
			}
			if err := json.Unmarshal(body, &asked); err != nil {
				t.Error(err)
			}
			language.Store(asked.Language)
			return false
		})
		for locale, want := range map[string]string{"de-AT": "de", "en": "en", "ja-JP": "en", "": "en"} {
			if _, err := d.payments.BankSession(t.Context(), payments.BankSessionRequest{CustomerID: d.invoice.CustomerID, Visitor: visitor, Locale: locale}); err != nil || language.Load() != want {
				t.Errorf("%q is asked for in %q, want %q: %v", locale, language.Load(), want, err)
			}
		}
	})
}

func TestWithoutPlaidNothingIsLinkedAndNoLoginIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m, r := d.linked(goodAccount), d.chosen(savingsAccount, "ins_56")
		d.options.Plaid = nil
		d.payments = d.restart("boot1")
		_, err := d.payments.LinkBank(t.Context(), r)
		wantCode(t, err, paylink.Unavailable, "bank.unreachable")
		_, err = d.payments.RenewLogin(t.Context(), "payer:lnk", payments.BankSessionRequest{CustomerID: m.CustomerID, Visitor: visitor, MethodID: m.ID})
		wantCode(t, err, paylink.Unavailable, "bank.unreachable")
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		job, err := d.store.Job(t.Context(), "method.detach", m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.payments.DetachJob(t.Context(), job); err == nil || d.method(m.ID).PlaidSealed == "" {
			t.Errorf("its login is forgotten, and not ended: %v", err)
		}
	})
}

func TestLinkingBeginsNothingWithoutTokenAccountAndVisitor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for name, change := range map[string]func(*payments.BankLink){
			"no token":   func(r *payments.BankLink) { r.PublicToken = "" },
			"no account": func(r *payments.BankLink) { r.AccountID = "" },
			"no visitor": func(r *payments.BankLink) { r.Visitor = "" },
		} {
			r := d.chosen(goodAccount, "ins_56")
			change(&r)
			t.Log(name)
			_, err := d.payments.LinkBank(t.Context(), r)
			wantCode(t, err, paylink.Conflict, "bank.link_again")
		}
		d.wantAudit("bank.exchange_begun", 0)
		d.linked(goodAccount)
		d.wantAudit("bank.exchange_begun", 1)
	})
}

// wantAudit wants so many lines of the log with an action.
func (d *desk) wantAudit(action string, n int) {
	d.t.Helper()
	rows, err := d.store.AuditNewest(d.t.Context(), 500)
	if err != nil {
		d.t.Fatal(err)
	}
	found := 0
	for _, row := range rows {
		if row.Action == action {
			found++
		}
	}
	if found != n {
		d.t.Errorf("%q is %d times in the log, want %d", action, found, n)
	}
}
