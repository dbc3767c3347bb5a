package contract

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

func TestStripesNodeClient_RunsUnmodified(t *testing.T) {
	if _, err := os.Stat("node_modules/stripe"); err != nil {
		t.Fatal("the Node client is not installed: run tools/setup")
	}
	s := startSandbox(t)
	received := make(chan map[string]string, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		select {
		case received <- map[string]string{"body": string(body), "signature": r.Header.Get("Stripe-Signature")}:
		default: // one is enough
		}
	}))
	t.Cleanup(endpoint.Close)
	s.SetWebhookURL(endpoint.URL)
	other := startSandbox(t) // whose list of customers stays as the script expects
	if _, err := clientOf(s.URL(), s.Env()["STRIPE_SECRET_KEY"], &stripe.BackendConfig{}).Customers.New(&stripe.CustomerParams{}); err != nil {
		t.Fatal(err)
	}
	hook, err := json.Marshal(<-received)
	if err != nil {
		t.Fatal(err)
	}
	env := other.Env()
	cmd := exec.CommandContext(t.Context(), "node", "stripe_client.js")
	cmd.Env = append(os.Environ(), "STRIPE_API_BASE="+env["STRIPE_API_BASE"], "STRIPE_SECRET_KEY="+env["STRIPE_SECRET_KEY"],
		"STRIPE_WEBHOOK_SECRET="+s.Env()["STRIPE_WEBHOOK_SECRET"], "WEBHOOK="+string(hook))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "checked with stripe-node 14.25.0") {
		t.Fatalf("%v\n%s", err, out)
	}
}
