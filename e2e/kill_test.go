package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"paylink/e2e/browser"
	"paylink/e2e/process"
	"paylink/store/storetest"
)

// The server is killed while Stripe charges the card and before it heard of it. Whatever it knew is in the database:
// after the restart the payment is booked once, by itself, and the books hold.
func TestServerKilledWhileStripeCharges(t *testing.T) {
	b := browser.Start(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := process.StartSite(t, database)
		id, link := newInvoice(t, s, 12345)
		tab := b.Tab(t, browser.Options{Width: 1280})
		tab.Expect("ERR_") // the server goes away under the page
		tab.Open(link)
		fillCard(tab, visa)
		// Neither the answer nor the webhook comes before the kill. (Had a worker just taken the webhook up, another
		// server would have to wait until its lease is over.)
		fault(t, s.SandboxURL, "event *", "delay:5s")
		fault(t, s.SandboxURL, "POST /v1/payment_intents/*/confirm", "slow:30s")
		tab.Click("#press")
		await(t, "the charge", func() bool { return moved(t, s.SandboxURL, id) > 0 })
		s.Kill()
		s.Restart()

		var i invoice
		await(t, "the payment to be booked", func() bool {
			i = invoice{}
			return s.Call(http.MethodGet, "/api/v1/invoices/"+id, nil, &i) == http.StatusOK && i.Status == "paid"
		})
		if got := moved(t, s.SandboxURL, id); got != 12345 || i.Paid != 12345 || i.Due != 0 || i.Pending != 0 {
			t.Errorf("Stripe moved %d, the invoice says %+v", got, i)
		}
		tab.Open(link)
		tab.See("paid")
		s.Stop()
		if out, code := process.Run(t, s.Env, "verify", "--json"); code != 0 {
			t.Errorf("the books do not hold: %s", out)
		}
	})
}

// newInvoice makes an invoice of this many cents and a link to it, by the API.
func newInvoice(t *testing.T, s *process.Site, cents int64) (id, link string) {
	t.Helper()
	type fields = map[string]any
	var customer, made struct{ ID string }
	var sent struct{ URL string }
	if code := s.Call(http.MethodPost, "/api/v1/customers", fields{"name": "Łukasz Größe", "email": "payer@example.com"}, &customer); code >= 300 {
		t.Fatalf("making a customer: %d", code)
	}
	if code := s.Call(http.MethodPost, "/api/v1/invoices", fields{
		"customer_id": customer.ID, "currency": "USD", "lines": []fields{{"description": "Design", "quantity": 1, "unit_amount": cents}},
	}, &made); code >= 300 {
		t.Fatalf("making an invoice: %d", code)
	}
	if code := s.Call(http.MethodPost, "/api/v1/invoices/"+made.ID+"/links", fields{"send": false}, &sent); code >= 300 {
		t.Fatalf("making a link: %d", code)
	}
	return made.ID, sent.URL
}

// fault makes the sandbox misbehave until the test is over.
func fault(t *testing.T, sandbox, match, mode string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"match": match, "mode": mode, "times": -1})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, sandbox+"/faults", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("the sandbox refuses the fault: %s", resp.Status)
	}
}

// await waits until something is so, for as long as a webhook may need to be sent again.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	limit := time.NewTimer(90 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
