package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"paylink/e2e/browser"
	"paylink/e2e/process"
	"paylink/store/storetest"
)

// What a person does in Stripe's Dashboard, and no webhook tells, is in the books after `paylink reconcile`, whether a
// server runs or not.
func TestReconcileBooksWhatNoWebhookTold(t *testing.T) {
	b := browser.Start(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := process.StartSite(t, database)
		id, link := newInvoice(t, s, 40000)
		tab := b.Tab(t, browser.Options{Width: 1280})
		tab.Open(link)
		fillCard(tab, visa)
		tab.Click("#press")
		var i invoice
		await(t, "the payment to be booked", func() bool {
			i = invoice{}
			return s.Call(http.MethodGet, "/api/v1/invoices/"+id, nil, &i) == http.StatusOK && i.Paid == 40000
		})
		fault(t, s.SandboxURL, "event *", "lose")
		refundInDashboard(t, s, id, 10000)
		if out, code := process.Run(t, s.Env, "reconcile"); code != 0 || !strings.Contains(out, "agree") {
			t.Fatalf("reconcile beside a server: %d %s", code, out)
		}
		i = invoice{}
		s.Call(http.MethodGet, "/api/v1/invoices/"+id, nil, &i)
		if i.Refunded != 10000 {
			t.Errorf("after a refund in the Dashboard the invoice says %+v", i)
		}
		refundInDashboard(t, s, id, 5000)
		s.Stop()
		if out, code := process.Run(t, s.Env, "reconcile", "--balance"); code != 0 || !strings.Contains(out, "No server runs") {
			t.Fatalf("reconcile alone: %d %s", code, out)
		}
		s.Restart()
		i = invoice{}
		s.Call(http.MethodGet, "/api/v1/invoices/"+id, nil, &i)
		if i.Refunded != 15000 {
			t.Errorf("after another refund the invoice says %+v", i)
		}
		s.Stop()
		if out, code := process.Run(t, s.Env, "verify", "--json"); code != 0 {
			t.Errorf("the books do not hold: %s", out)
		}
	})
}

// refundInDashboard gives money back as a person at Stripe does: by a call that is not ours.
func refundInDashboard(t *testing.T, s *process.Site, invoice string, cents int64) {
	t.Helper()
	var list struct {
		Data []struct {
			PaymentIntent string `json:"payment_intent"`
		} `json:"data"`
	}
	s.Call(http.MethodGet, "/api/v1/payments?invoice_id="+invoice, nil, &list)
	if len(list.Data) != 1 {
		t.Fatalf("payments of %s: %+v", invoice, list)
	}
	form := url.Values{"payment_intent": {list.Data[0].PaymentIntent}, "amount": {strconv.FormatInt(cents, 10)}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.SandboxURL+"/v1/refunds", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, setting := range s.Env {
		if key, ok := strings.CutPrefix(setting, "STRIPE_SECRET_KEY="); ok {
			req.Header.Set("Authorization", "Bearer "+key)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the sandbox refuses the refund: %s", resp.Status)
	}
}
