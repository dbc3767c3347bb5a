package hooks_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/provider/plaid"
	"paylink/sandbox"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/hooks"
	"paylink/web/page"
)

// plaidHook is a webhook as Plaid sent it.
type plaidHook struct {
	body, signature string
}

// sentByPlaid has the sandbox's Plaid send a webhook about an item, and gives it with what answers it.
func sentByPlaid(t *testing.T, s *store.Store) (http.Handler, plaidHook) {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Options{Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	sent := make(chan plaidHook, 8)
	listener := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the signature tells if it is not whole
		sent <- plaidHook{string(body), r.Header.Get("Plaid-Verification")}
	}))
	t.Cleanup(listener.Close)
	env := box.Env()
	call := func(path string, body map[string]any) (out map[string]any) {
		body["client_id"], body["secret"] = env["PLAID_CLIENT_ID"], env["PLAID_SECRET"]
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, box.URL()+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v %v", path, answer.StatusCode, out, err)
		}
		return out
	}
	public := call("/sandbox/public_token/create", map[string]any{
		"institution_id": "ins_56", "initial_products": []string{"auth"}, "options": map[string]any{"webhook": listener.URL},
	})
	access := call("/item/public_token/exchange", map[string]any{"public_token": public["public_token"]})["access_token"]
	call("/sandbox/item/fire_webhook", map[string]any{"access_token": access, "webhook_type": "ITEM", "webhook_code": "USER_PERMISSION_REVOKED"})
	var hook plaidHook
	for !strings.Contains(hook.body, "USER_PERMISSION_REVOKED") {
		select {
		case hook = <-sent:
		case <-time.After(10 * time.Second):
			t.Fatal("no webhook came")
		}
	}

	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ring, _ := paylink.NewKeyRing("t")
	site := echo.New()
	page.New(page.Options{
		Pages: templates.Load(), Files: static.Load(), Ring: ring, BaseURL: "http://127.0.0.1", Firm: s.Firm, Now: time.Now, Log: log,
	}).Use(site)
	client := plaid.New(plaid.Config{ClientID: env["PLAID_CLIENT_ID"], Secret: env["PLAID_SECRET"], BaseURL: box.URL()})
	(&hooks.Handlers{Store: s, Plaid: client.Verifier(time.Now), Now: time.Now, Log: log}).Register(site)
	return site, hook
}

// What Plaid signed is kept as it came and looked at once; anything else is refused and leaves nothing.
func TestPlaidIsBelievedByItsSignatureAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		site, hook := sentByPlaid(t, s)
		post := func(body, signature string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/plaid", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Plaid-Verification", signature)
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			return w.Code
		}
		var jobs []store.Job
		claim := func() {
			if err := s.Update(t.Context(), func(tx *store.Tx) error {
				var err error
				jobs, err = tx.ClaimJobs(t.Context(), "plaid.event", time.Now().Add(time.Minute), time.Minute, 10)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		head, rest, _ := strings.Cut(hook.signature, ".")
		for name, forged := range map[string]plaidHook{
			"no signature":      {hook.body, ""},
			"another body":      {strings.Replace(hook.body, "REVOKED", "GRANTED", 1), hook.signature},
			"another signature": {hook.body, hook.signature[:len(hook.signature)-8] + "AAAAAAAA"},
			"another head":      {hook.body, strings.ToUpper(head) + "." + rest},
		} {
			if status := post(forged.body, forged.signature); status != http.StatusBadRequest {
				t.Errorf("%s: answered %d", name, status)
			}
		}
		if claim(); len(jobs) != 0 {
			t.Errorf("%d jobs of refused webhooks", len(jobs))
		}
		for range 3 {
			if status := post(hook.body, hook.signature); status != http.StatusOK {
				t.Fatalf("answered %d", status)
			}
		}
		if claim(); len(jobs) != 1 {
			t.Fatalf("%d jobs of one webhook", len(jobs))
		}
		var what struct{ Event string }
		if err := json.Unmarshal(jobs[0].Payload, &what); err != nil {
			t.Fatal(err)
		}
		kept, err := s.Event(t.Context(), "plaid", what.Event)
		if err != nil || string(kept.Body) != hook.body || kept.Type != "ITEM.USER_PERMISSION_REVOKED" || kept.ObjectID == "" {
			t.Errorf("kept: %+v %v", kept, err)
		}
	})
}
