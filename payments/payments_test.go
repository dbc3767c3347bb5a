package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/sandbox"
	"paylink/store"
	"paylink/store/storetest"
)

// desk is one installation with one open invoice of $1,000.00 and one link to it.
type desk struct {
	t         *testing.T
	store     *store.Store
	box       *sandbox.Server
	payments  *payments.Service
	invoicing *invoicing.Service
	invoice   paylink.Invoice
	link      paylink.Link
	log       *bytes.Buffer
	clock     *clock
	options   payments.Options
	key       string
	plaid     *plaid.Client
}

// clock is the app's clock: the real one, moved on by what a test says.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).UTC()
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func each(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Parallel()
		f(t, newDesk(t, s))
	})
}

func newDesk(t *testing.T, s *store.Store) *desk {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	d := &desk{t: t, store: s, box: box, log: &bytes.Buffer{}, clock: &clock{}}
	ring, _ := paylink.NewKeyRing("t1")
	d.invoicing = invoicing.New(s, ring, invoicing.Options{BaseURL: "http://127.0.0.1", Now: d.clock.Now})
	d.key = box.Env()["STRIPE_SECRET_KEY"]
	d.plaid = plaid.New(plaid.Config{
		ClientID: box.Env()["PLAID_CLIENT_ID"], Secret: box.Env()["PLAID_SECRET"], BaseURL: box.Env()["PLAID_API_BASE"], Timeout: time.Second,
	})
	d.options = payments.Options{
		Install: "install1", Boot: "boot1", Host: "pay.test", Budget: 3 * time.Second, Now: d.clock.Now, Plaid: d.plaid, Ring: ring,
		Log: slog.New(slog.NewTextHandler(d.log, nil)),
	}
	d.payments = d.restart("boot1")
	customer, err := d.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Maria Keller", Email: "maria@keller.example"})
	if err != nil {
		t.Fatal(err)
	}
	d.invoice, d.link = d.newInvoice(customer.ID, 100000, paylink.CaptureAutomatic)
	return d
}

// restart gives the payments of another run of the server on the same database and account.
func (d *desk) restart(boot string) *payments.Service {
	o := d.options
	o.Boot = boot
	return payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL(), Timeout: time.Second}), o)
}

func (d *desk) newInvoice(customer string, minor int64, capture paylink.CaptureMethod) (paylink.Invoice, paylink.Link) {
	d.t.Helper()
	one, _ := money.ParseQuantity("1")
	invoice, err := d.invoicing.CreateInvoice(d.t.Context(), "system", paylink.Invoice{
		CustomerID: customer, Currency: "USD", Title: "Brand refresh", Capture: capture,
		Lines:   []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(minor, "USD")}},
		Partial: paylink.PartialRules{Allowed: true, Minimum: 5000},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	links, err := d.invoicing.SendLinks(d.t.Context(), "system", invoice.ID, invoicing.Send{})
	if err != nil {
		d.t.Fatal(err)
	}
	return invoice, links[0]
}

// card makes a ConfirmationToken as a browser would, from one of Stripe's test payment methods.
func (d *desk) card(method string) string {
	d.t.Helper()
	var token struct{ ID string }
	d.stripe("POST", "/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {method}}, &token)
	if token.ID == "" {
		d.t.Fatal("no confirmation token")
	}
	return token.ID
}

// stripe calls the sandbox's API or control.
func (d *desk) stripe(method, path string, form url.Values, into any) int {
	d.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, d.box.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(d.key, "")
	return d.do(r, into)
}

func (d *desk) control(method, path string, body any, into any) {
	d.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, d.box.URL()+path, bytes.NewReader(text))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if status := d.do(r, into); status >= 300 {
		d.t.Fatalf("%s %s: %d", method, path, status)
	}
}

func (d *desk) do(r *http.Request, into any) int {
	d.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			d.t.Fatalf("%s %s: %v in %s", r.Method, r.URL.Path, err, body)
		}
	}
	return res.StatusCode
}

func (d *desk) fault(match, mode string, times int) {
	d.t.Helper()
	d.control("POST", "/faults", map[string]any{"match": match, "mode": mode, "times": times}, nil)
}

func (d *desk) press(nonce string, minor int64, token string) payments.Press {
	return payments.Press{
		LinkID: d.link.ID, InvoiceID: d.invoice.ID, Nonce: nonce, Version: d.invoice.Version,
		Amount: money.New(minor, "USD"), ConfirmationToken: token, Locale: "en", Actor: "payer:test",
		ReturnURL: func(id string) string { return "http://127.0.0.1/pay/x/payments/" + id },
	}
}

// pay presses once and wants a status.
func (d *desk) pay(nonce string, minor int64, token string, want paylink.PaymentStatus) paylink.Payment {
	d.t.Helper()
	p, err := d.payments.Begin(d.t.Context(), d.press(nonce, minor, token))
	if err != nil {
		d.t.Fatal(err)
	}
	if p.Status != want {
		d.t.Fatalf("payment is %s, want %s\n%s", p.Status, want, d.log)
	}
	return p
}

func (d *desk) wantBalance(paid, pending, due int64) {
	d.t.Helper()
	b, err := d.store.Balance(d.t.Context(), d.invoice.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	if b.Paid != paid || b.Pending != pending || b.Due() != due {
		d.t.Errorf("paid %d pending %d due %d, want %d %d %d", b.Paid, b.Pending, b.Due(), paid, pending, due)
	}
}

// charges is what moved by the sandbox's own log, which shares nothing with the books.
func (d *desk) charges() (succeeded int, amount int64) {
	d.t.Helper()
	var truth []struct {
		Kind, ID, Status string
		Amount           int64
	}
	d.control("GET", "/truth", nil, &truth)
	last := map[string]int{}
	for n, entry := range truth {
		if entry.Kind == "charge" {
			last[entry.ID] = n
		}
	}
	for _, n := range last {
		if truth[n].Status == "succeeded" {
			succeeded++
			amount += truth[n].Amount
		}
	}
	return succeeded, amount
}

func (d *desk) wantCharges(n int, amount int64) {
	d.t.Helper()
	if got, sum := d.charges(); got != n || sum != amount {
		d.t.Errorf("%d charges of %d in all, want %d of %d", got, sum, n, amount)
	}
}

// wantIntents checks that no PaymentIntent of ours can still move money, but for those that did.
func (d *desk) wantNothingConfirmable() {
	d.t.Helper()
	var list struct {
		Data []struct{ ID, Status string }
	}
	d.stripe("GET", "/v1/payment_intents?limit=100", nil, &list)
	for _, pi := range list.Data {
		if pi.Status != "succeeded" && pi.Status != "canceled" {
			d.t.Errorf("%s is %s: it could still move money", pi.ID, pi.Status)
		}
	}
}

// runJobs runs what the payments queued, of the kinds that payments handles.
func (d *desk) runJobs() {
	d.t.Helper()
	for _, kind := range []string{"payment.fence", "stripe.event"} {
		var claimed []store.Job
		if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
			var err error
			claimed, err = tx.ClaimJobs(d.t.Context(), kind, d.clock.Now(), time.Minute, 100)
			return err
		}); err != nil {
			d.t.Fatal(err)
		}
		for _, job := range claimed {
			handler := d.payments.FenceJob
			if kind == "stripe.event" {
				handler = d.payments.EventJob
			}
			if err := handler(d.t.Context(), job); err != nil {
				d.t.Errorf("job %s %s: %v", job.Kind, job.Key, err)
			}
		}
	}
}

// wantReceipts checks that receipts are as many as settled payments, numbered without a gap.
func (d *desk) wantReceipts(n int) {
	d.t.Helper()
	list, _, err := d.store.Payments(d.t.Context(), store.PaymentFilter{Status: paylink.Succeeded, Page: store.Page{Limit: 100}})
	if err != nil {
		d.t.Fatal(err)
	}
	numbers := map[string]bool{}
	for _, p := range list {
		numbers[p.ReceiptNumber] = true
	}
	if len(list) != n || len(numbers) != n {
		d.t.Fatalf("%d settled payments with %d receipt numbers, want %d", len(list), len(numbers), n)
	}
	year := d.clock.Now().Year()
	for i := range n {
		if number := paylink.ReceiptNumber(year, "", int64(i+1)); !numbers[number] {
			d.t.Errorf("no receipt %s among %v", number, numbers)
		}
	}
	key := bytes.Repeat([]byte("k"), 32)
	if _, err := d.store.SealAudit(d.t.Context(), key, d.clock.Now()); err != nil {
		d.t.Fatal(err)
	}
	violations, err := d.store.Verify(d.t.Context(), key, d.clock.Now())
	if err != nil || len(violations) > 0 {
		d.t.Errorf("the books do not hold: %v %v", violations, err)
	}
}

func TestCardPaysAPartAndThenTheRest(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 22500, d.card("pm_card_visa"), paylink.Succeeded)
		if p.ReceiptNumber == "" || p.Card.Label() != "Visa ••4242" || p.SettledAt.IsZero() || p.Statement == "" {
			t.Errorf("payment: %+v", p)
		}
		d.wantBalance(22500, 0, 77500)
		r, err := d.store.ReceiptByPayment(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if r.ThisPayment.Minor != 22500 || r.PaidBefore.Minor != 0 || r.StillToPay.Minor != 77500 || r.Total.Minor != 100000 || r.Email != "maria@keller.example" {
			t.Errorf("receipt: %+v", r)
		}
		d.pay("n2", 77500, d.card("pm_card_mastercard"), paylink.Succeeded)
		d.wantBalance(100000, 0, 0)
		d.wantCharges(2, 100000)
		d.wantReceipts(2)
		link, err := d.store.Link(t.Context(), d.link.ID)
		if err != nil || link.PaidAt.IsZero() {
			t.Errorf("the link is not marked paid: %+v %v", link, err)
		}
		if _, err := d.payments.Begin(t.Context(), d.press("n3", 5000, d.card("pm_card_visa"))); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("a paid invoice took a payment: %v", err)
		}
	})
}

func TestOneCustomerAtStripeHoweverManyPayments(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for n := range 3 {
			d.pay(fmt.Sprint("n", n), 10000, d.card("pm_card_visa"), paylink.Succeeded)
		}
		var list struct{ Data []struct{ ID string } }
		d.stripe("GET", "/v1/customers?limit=10", nil, &list)
		if len(list.Data) != 1 {
			t.Errorf("%d customers at Stripe", len(list.Data))
		}
	})
}

func TestManualCaptureHoldsTheAmount(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.invoice, d.link = d.newInvoice(d.invoice.CustomerID, 64000, paylink.CaptureManual)
		p := d.pay("n1", 64000, d.card("pm_card_visa"), paylink.Authorized)
		if p.CaptureBefore.IsZero() || p.ReceiptNumber != "" {
			t.Errorf("held payment: %+v", p)
		}
		d.wantBalance(0, 64000, 0)
	})
}

func TestBudgetThatIsNotSetIsLongEnough(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.options.Budget = 0
		d.payments = d.restart("boot1")
		d.fault(createCall, "500_before", 1)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
	})
}
