package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/sandbox"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/api"
	"paylink/web/page"
)

// paidClient is a client of an installation that has one payment of 1,000.00.
func paidClient(t *testing.T, s *store.Store) (*client, paylink.Payment) {
	t.Helper()
	c := newClient(t, s)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	box, err := sandbox.Start(t.Context(), sandbox.Options{Addr: "127.0.0.1:0", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	ring, _ := paylink.NewKeyRing("t")
	secret := box.Env()["STRIPE_SECRET_KEY"]
	paying := payments.New(s, stripe.New(stripe.Config{Key: secret, BaseURL: box.URL()}), payments.Options{
		Install: "i", Boot: "b", Host: "pay.test", Now: time.Now, Log: quiet, Budget: 3 * time.Second,
	})
	in := invoicing.New(s, ring, invoicing.Options{BaseURL: "http://127.0.0.1", Now: time.Now})
	render := page.New(page.Options{
		Pages: templates.Load(), Files: static.Load(), Ring: ring, BaseURL: "http://127.0.0.1", Firm: s.Firm, Now: time.Now, Log: quiet,
	})
	e := echo.New()
	render.Use(e)
	api.New(render, s, in, paying, access.New(s, ring, time.Now)).Register(e)
	c.site = e

	id, _ := c.make("/api/v1/invoices", `{"customer_id":"`+c.customer()+`","currency":"USD","lines":[{"description":"x","quantity":1,"unit_amount":100000}]}`)["id"].(string)
	links, err := in.SendLinks(t.Context(), "system", id, invoicing.Send{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", box.URL()+"/v1/test_helpers/confirmation_tokens", strings.NewReader(url.Values{"payment_method": {"pm_card_visa"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(secret, "")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var token struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	p, err := paying.Begin(t.Context(), payments.Press{
		LinkID: links[0].ID, InvoiceID: id, Nonce: "n1", Version: 1, Amount: money.New(100000, "USD"), ConfirmationToken: token.ID,
		Locale: "en", Actor: "payer:test", ReturnURL: func(string) string { return "http://127.0.0.1/" },
	})
	if err != nil || p.Status != paylink.Succeeded {
		t.Fatalf("%s %v", p.Status, err)
	}
	return c, p
}

func TestRefundOverTheAPI(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c, p := paidClient(t, s)
		path := "/api/v1/payments/" + p.ID + "/refunds"
		made := c.make(path, `{"amount":25000,"reason":"Wrong size"}`, "Idempotency-Key", "r1")
		for name, want := range map[string]any{"status": "succeeded", "amount": 25000.0, "fee": 0.0, "currency": "USD", "owed_again": false, "reason": "Wrong size", "failure": nil, "payment_id": p.ID} {
			if made[name] != want {
				t.Errorf("%s is %v, want %v", name, made[name], want)
			}
		}
		if again := c.make(path, `{"amount":25000,"reason":"Wrong size"}`, "Idempotency-Key", "r1"); again["id"] != made["id"] {
			t.Error("one key made two refunds")
		}
		if status, answer := c.send("POST", path, `{"amount":100}`, "Idempotency-Key", "r1"); status != http.StatusConflict || answer["code"] != "idempotency.other_request" {
			t.Errorf("another request: %d %v", status, answer)
		}
		c.make(path, `{"amount":15000,"owed_again":true}`)
		for body, want := range map[string]int{
			`{"amount":60001}`: 422, `{"amount":0}`: 422, `{"amount":-1}`: 422, `{"amount":"1"}`: 422, `{"sum":1}`: 422,
			`{"reason":"` + strings.Repeat("x", 501) + `"}`: 422,
		} {
			status, answer := c.send("POST", path, body)
			problems, _ := answer["errors"].([]any)
			if status != want || len(problems) != 1 || strings.Contains(problems[0].(map[string]any)["detail"].(string), "error.") {
				t.Errorf("%s: %d %v", body, status, answer)
			}
		}
		_, invoice := c.send("GET", "/api/v1/invoices/"+p.InvoiceID, "")
		for name, want := range map[string]any{"status": "partially_paid", "total": 100000.0, "credited": 25000.0, "paid": 60000.0, "refunded": 40000.0, "due": 15000.0} {
			if invoice[name] != want {
				t.Errorf("%s is %v, want %v", name, invoice[name], want)
			}
		}
		_, shown := c.send("GET", "/api/v1/payments/"+p.ID, "")
		if refunds, _ := shown["refunds"].([]any); len(refunds) != 2 || shown["status"] != "succeeded" || len(shown["disputes"].([]any)) != 0 {
			t.Errorf("%v", shown)
		}
		c.make(path, "") // all that is left, asked for without a body
		if status, answer := c.send("POST", path, ""); status != http.StatusConflict || answer["code"] != "refund.nothing_left" {
			t.Errorf("nothing is left: %d %v", status, answer)
		}
		if status, _ := c.send("POST", "/api/v1/payments/pay_x/refunds", ""); status != http.StatusNotFound {
			t.Errorf("no such payment: %d", status)
		}
	})
}
