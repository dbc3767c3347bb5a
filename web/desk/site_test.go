package desk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/mailer"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/sandbox"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/desk"
	"paylink/web/page"
)

const (
	base     = "http://desk.test"
	password = "a long enough phrase"
)

// pages are parsed once for all tests.
var pages = sync.OnceValue(templates.Load)

// site is the desk on a real store, with one customer and one open invoice of $1,000.00.
type site struct {
	*echo.Echo
	t         *testing.T
	store     *store.Store
	invoicing *invoicing.Service
	payments  *payments.Service
	box       *sandbox.Server
	access    *access.Service
	ring      paylink.KeyRing
	customer  paylink.Customer
	invoice   paylink.Invoice
	held      string // the payment that hold made
	log       bytes.Buffer

	mu      sync.Mutex
	clock   time.Time
	cookies map[string]*http.Cookie // the browser's
	people  map[paylink.Role]*http.Cookie
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		Echo: echo.New(), t: t, store: storetest.SQLite(t), clock: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC),
		cookies: map[string]*http.Cookie{}, people: map[paylink.Role]*http.Cookie{},
	}
	s.ring, _ = paylink.NewKeyRing("t1")
	s.invoicing = invoicing.New(s.store, s.ring, invoicing.Options{BaseURL: base, Now: s.now})
	s.access = access.New(s.store, s.ring, s.now)
	var err error
	s.box, err = sandbox.Start(t.Context(), sandbox.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { _ = s.box.Close() })
	s.payments = payments.New(s.store, stripe.New(stripe.Config{Key: s.box.Env()["STRIPE_SECRET_KEY"], BaseURL: s.box.URL()}), payments.Options{
		Install: "install1", Boot: "boot1", Host: "pay.test", Now: s.now, Log: slog.New(slog.DiscardHandler), Budget: time.Second,
	})
	r := page.New(page.Options{
		Pages: pages(), Files: static.Load(), Ring: s.ring, BaseURL: base, StripeJS: "https://js.stripe.com/v3/", Test: true,
		Firm: s.store.Firm, Now: s.now, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	r.Use(s.Echo)
	post, err := mailer.New(s.store, s.ring, pages(), mailer.Options{
		SMTPURL: "smtp://127.0.0.1:1", From: "billing@northwind.example", BaseURL: base, Bank: true, Now: s.now, Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	desk.New(r, s.store, s.invoicing, s.payments, s.access, post).Register(s.Echo)

	firm := paylink.NewFirm()
	firm.Name, firm.TimeZone = "Northwind Studio", "America/Los_Angeles"
	firm.Partial = paylink.PartialRules{Allowed: true, Minimum: 5000}
	must(t, s.invoicing.SaveFirm(t.Context(), "system", firm))
	s.customer, err = s.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Maria Keller", Email: "maria@keller.example"})
	must(t, err)
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-1042", Title: "Brand refresh", Partial: firm.Partial, Due: "2026-11-27"}, 100000)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) newInvoice(i paylink.Invoice, minor int64) paylink.Invoice {
	s.t.Helper()
	one, err := money.ParseQuantity("1")
	must(s.t, err)
	i.CustomerID, i.Currency = s.customer.ID, "USD"
	i.Lines = []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(minor, "USD")}}
	i, err = s.invoicing.CreateInvoice(s.t.Context(), "system", i)
	must(s.t, err)
	return i
}

func (s *site) newLink() paylink.Link {
	s.t.Helper()
	links, err := s.invoicing.SendLinks(s.t.Context(), "system", s.invoice.ID, invoicing.Send{Mail: true})
	must(s.t, err)
	return links[0]
}

// as makes the browser that of somebody with a role. Each person is added, and signs in, once.
func (s *site) as(role paylink.Role) *site {
	s.t.Helper()
	clear(s.cookies)
	if cookie := s.people[role]; cookie != nil {
		s.cookies[cookie.Name] = cookie
		return s
	}
	email := string(role) + "@northwind.example"
	_, err := s.access.AddStaff(s.t.Context(), "system", email, strings.ToUpper(string(role[:1]))+string(role[1:]), password, role)
	must(s.t, err)
	w := s.post("/desk/sign-in", url.Values{"email": {email}, "password": {password}})
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("sign in: %d %s", w.Code, w.Body)
	}
	s.people[role] = s.cookies["desk"]
	return s
}

// ask sends a request as a browser does and keeps the cookies of its answer.
func (s *site) ask(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, base+path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept", "text/html,*/*")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if s.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(s.cookies, c.Name)
		}
	}
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder { return s.ask("GET", path, nil) }
func (s *site) post(path string, form url.Values) *httptest.ResponseRecorder {
	return s.ask("POST", path, form)
}

// says fails unless the answer has the status and every text.
func says(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	body := w.Body.String()
	plain := strings.NewReplacer(`<span class="nb">`, "", "</span>", "", "<strong>", "", "</strong>", "").Replace(body)
	for _, text := range texts {
		if !strings.Contains(body, text) && !strings.Contains(plain, text) {
			_, main, _ := strings.Cut(body, `<main id="main">`)
			t.Errorf("the page does not say %q:\n%s", text, main)
			return
		}
	}
}

// leads fails unless the answer sends the browser there, and gives the page.
func (s *site) leads(w *httptest.ResponseRecorder, to string) *httptest.ResponseRecorder {
	s.t.Helper()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != to {
		s.t.Fatalf("leads with %d to %q, want %q:\n%s", w.Code, w.Header().Get("Location"), to, w.Body)
	}
	return s.get(to)
}

// pay pays a part of the invoice with a test card.
func (s *site) pay(minor int64) paylink.Payment {
	s.t.Helper()
	p := s.press(s.invoice, minor)
	if p.Status != paylink.Succeeded {
		s.t.Fatalf("the payment is %s", p.Status)
	}
	return p
}

// press sends a payment of a test card to the sandbox.
func (s *site) press(i paylink.Invoice, minor int64) paylink.Payment {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.box.URL()+"/v1/test_helpers/confirmation_tokens",
		strings.NewReader(url.Values{"payment_method": {"pm_card_visa"}}.Encode()))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.box.Env()["STRIPE_SECRET_KEY"], "")
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	must(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	var token struct{ ID string }
	must(s.t, json.NewDecoder(answer.Body).Decode(&token))
	links, err := s.invoicing.SendLinks(s.t.Context(), "system", i.ID, invoicing.Send{Mail: true})
	must(s.t, err)
	p, err := s.payments.Begin(s.t.Context(), payments.Press{
		LinkID: links[0].ID, InvoiceID: i.ID, Nonce: fmt.Sprintf("nonce-%d", minor), Version: i.Version,
		Amount: money.New(minor, "USD"), ConfirmationToken: token.ID, Locale: "en", Actor: paylink.Actor("payer:" + links[0].ID),
		ReturnURL: func(string) string { return base },
	})
	must(s.t, err)
	return p
}
