package pay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/sandbox"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/page"
	"paylink/web/pay"
)

// pages are parsed once for all tests.
var pages = sync.OnceValue(templates.Load)

// site is the customers' pages on a real store and the sandbox, with one open invoice of $1,000.00
// and one link to it.
type site struct {
	*echo.Echo
	t         *testing.T
	store     *store.Store
	box       *sandbox.Server
	invoicing *invoicing.Service
	payments  *payments.Service
	ring      paylink.KeyRing
	customer  paylink.Customer
	invoice   paylink.Invoice
	link      paylink.Link
	log       *bytes.Buffer
	base      string // the site's own address, where it answers

	mu      *sync.Mutex
	ahead   time.Duration
	cookies map[string]*http.Cookie // the browser's
}

func (s *site) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead).UTC()
}

func (s *site) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func newSite(t *testing.T, o pay.Options) *site {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	s := &site{Echo: echo.New(), t: t, store: storetest.SQLite(t), box: box, log: &bytes.Buffer{}, mu: &sync.Mutex{}, cookies: map[string]*http.Cookie{}}
	server := httptest.NewServer(s.Echo)
	t.Cleanup(server.Close)
	s.base = server.URL
	s.ring, _ = paylink.NewKeyRing("t1")
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.invoicing = invoicing.New(s.store, s.ring, invoicing.Options{BaseURL: s.base, Now: s.now})
	s.payments = payments.New(s.store, stripe.New(stripe.Config{Key: box.Env()["STRIPE_SECRET_KEY"], BaseURL: box.URL(), Timeout: time.Second}), payments.Options{
		Install: "install1", Boot: "boot1", Host: "pay.test", Budget: 3 * time.Second, Now: s.now, Log: log,
		Plaid: plaid.New(plaid.Config{ClientID: box.Env()["PLAID_CLIENT_ID"], Secret: box.Env()["PLAID_SECRET"], BaseURL: box.URL()}), Ring: s.ring,
		NoLimits: o.NoLimits,
	})
	o.BaseURL, o.StripeJS, o.PublishableKey = s.base, box.URL()+"/js/stripe.js", box.Env()["STRIPE_PUBLISHABLE_KEY"]
	o.PlaidJS = box.Env()["PLAID_JS_URL"]
	r := page.New(page.Options{
		Pages: pages(), Files: static.Load(), Ring: s.ring, BaseURL: s.base, StripeJS: o.StripeJS, PlaidJS: o.PlaidJS,
		Firm: s.store.Firm, Now: s.now, Log: log,
	})
	r.Use(s.Echo)
	pay.New(r, s.store, s.invoicing, s.payments, access.New(s.store, s.ring, s.now), s.ring, o).Register(s.Echo)

	firm := paylink.NewFirm()
	firm.Name, firm.Email, firm.Phone, firm.Hours = "Northwind Studio", "billing@northwind.example", "(503) 555-0142", "Monday to Friday, 9 to 5 Pacific"
	firm.TimeZone = "America/Los_Angeles"
	if err := s.invoicing.SaveFirm(t.Context(), "system", firm); err != nil {
		t.Fatal(err)
	}
	if s.customer, err = s.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Maria Keller", Email: "maria@keller.example"}); err != nil {
		t.Fatal(err)
	}
	s.invoice, s.link = s.newInvoice(paylink.Invoice{
		Number: "INV-1042", Title: "Brand refresh, phase 2", Partial: paylink.PartialRules{Allowed: true, Minimum: 5000},
		Due: paylink.DateOf(s.now().AddDate(0, 0, 4), firm.Location()),
	}, 100000)
	return s
}

func (s *site) newInvoice(i paylink.Invoice, minor int64) (paylink.Invoice, paylink.Link) {
	s.t.Helper()
	one, err := money.ParseQuantity("1")
	if err != nil {
		s.t.Fatal(err)
	}
	i.CustomerID = s.customer.ID
	if i.Currency == "" {
		i.Currency = "USD"
	}
	if i.Lines == nil {
		i.Lines = []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(minor, i.Currency)}}
	}
	if i, err = s.invoicing.CreateInvoice(s.t.Context(), "system", i); err != nil {
		s.t.Fatal(err)
	}
	links, err := s.invoicing.SendLinks(s.t.Context(), "system", i.ID, invoicing.Send{})
	if err != nil {
		s.t.Fatal(err)
	}
	if i, err = s.store.Invoice(s.t.Context(), i.ID); err != nil {
		s.t.Fatal(err)
	}
	return i, links[0]
}

// request is one of the browser: it has the cookies, and names its own site as the origin of a POST.
func (s *site) request(method, path string, form url.Values, header ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, s.base+path, strings.NewReader(form.Encode()))
	r.Header.Set("User-Agent", "Firefox")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", s.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
	return r
}

func (s *site) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// ask sends a request and keeps the cookies of its answer.
func (s *site) ask(method, path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	w := s.answer(s.request(method, path, form, header...))
	for _, c := range w.Result().Cookies() {
		s.cookies[c.Name] = c
	}
	return w
}

// open opens a link as its recipient does and gives the address it leads to.
func (s *site) open(l paylink.Link) string {
	s.t.Helper()
	address, err := s.invoicing.URL(l)
	if err != nil {
		s.t.Fatal(err)
	}
	w := s.ask("GET", strings.TrimPrefix(address, s.base), nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/pay/"+l.ID {
		s.t.Fatalf("open the link: %d to %q", w.Code, w.Header().Get("Location"))
	}
	return w.Header().Get("Location")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// form is the pay form of a page, as a browser would send it.
func (s *site) form(w *httptest.ResponseRecorder) url.Values {
	s.t.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
		form.Set(m[1], m[2])
	}
	if form.Get("nonce") == "" {
		s.t.Fatalf("no form in the page: %d %s", w.Code, w.Body)
	}
	return form
}

// card makes a ConfirmationToken as the browser's card form would, of one of Stripe's test cards.
func (s *site) card(method string) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.box.URL()+"/v1/test_helpers/confirmation_tokens",
		strings.NewReader(url.Values{"payment_method": {method}}.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.box.Env()["STRIPE_SECRET_KEY"], "")
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var token struct{ ID string }
	if err := json.NewDecoder(response.Body).Decode(&token); err != nil || token.ID == "" {
		s.t.Fatalf("no confirmation token: %v", err)
	}
	return token.ID
}

// pay fills the form in and presses Pay.
func (s *site) pay(l paylink.Link, amount, card string) *httptest.ResponseRecorder {
	s.t.Helper()
	address := s.open(l)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", amount)
	form.Set("confirmation_token", s.card(card))
	return s.ask("POST", address+"/payments", form)
}

// put writes a payment as it stands after things that a test cannot wait for.
func (s *site) put(l paylink.Link, status paylink.PaymentStatus, minor int64, change func(*paylink.Payment)) paylink.Payment {
	s.t.Helper()
	p := paylink.Payment{
		ID: paylink.NewID("pay", s.now()), InvoiceID: l.InvoiceID, LinkID: l.ID, CustomerID: s.customer.ID,
		Nonce: paylink.NewID("n", s.now()), InvoiceVersion: 1, Method: paylink.MethodCard, Amount: money.New(minor, "USD"),
		Fee: money.New(0, "USD"), Capture: paylink.CaptureAutomatic, Status: status, Card: paylink.Card{Brand: "Visa", Last4: "4242", ExpMonth: 8, ExpYear: 2026},
		CreatedAt: s.now(), UpdatedAt: s.now(),
	}
	if change != nil {
		change(&p)
	}
	err := s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertPayment(s.t.Context(), p)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// see wants words in a page, read as a person reads: tags and repeated white space left out.
func (s *site) see(w *httptest.ResponseRecorder, status int, words ...string) {
	s.t.Helper()
	if w.Code != status {
		s.t.Errorf("status %d, want %d", w.Code, status)
	}
	text := readable(w)
	for _, want := range words {
		if !strings.Contains(text, want) {
			s.t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

// hide wants words not to be in an answer at all.
func (s *site) hide(w *httptest.ResponseRecorder, words ...string) {
	s.t.Helper()
	for _, secret := range words {
		if strings.Contains(w.Body.String(), secret) || strings.Contains(readable(w), secret) {
			s.t.Errorf("the page says %q:\n%s", secret, readable(w))
		}
	}
}

// contains says whether the text is in the source of a page.
func contains(w *httptest.ResponseRecorder, text string) bool {
	return strings.Contains(html.UnescapeString(w.Body.String()), text)
}

var tag = regexp.MustCompile(`<[^>]*>`)

func readable(w *httptest.ResponseRecorder) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(w.Body.String(), ""))), " ")
}

func (s *site) paymentsMade() []paylink.Payment {
	s.t.Helper()
	all, err := s.store.PaymentsOf(s.t.Context(), s.invoice.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// fault makes the sandbox misbehave.
func (s *site) fault(match, mode string, times int) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"match": match, "mode": mode, "times": times})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.box.URL()+"/faults", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil || response.StatusCode >= 300 {
		s.t.Fatal(err, response)
	}
	_ = response.Body.Close()
}

// charges is how many charges the sandbox made, by its own log.
func (s *site) charges() int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.box.URL()+"/truth", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var truth []struct{ Kind, ID, Status string }
	if err := json.NewDecoder(response.Body).Decode(&truth); err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, entry := range truth {
		if entry.Kind == "charge" && entry.Status == "succeeded" && !slices.Contains(ids, entry.ID) {
			ids = append(ids, entry.ID)
		}
	}
	return len(ids)
}
