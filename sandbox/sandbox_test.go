package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"
)

// childDir makes the test binary a sandbox on that directory, so that a test can kill it.
const childDir = "SANDBOX_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), Options{DataDir: dir, WebhookURL: os.Getenv("SANDBOX_TEST_CHILD_WEBHOOK")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(s.Env())
	io.Copy(io.Discard, os.Stdin) // until the parent is gone
	os.Exit(1)
}

// start runs a sandbox for one test.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stripeClient is Stripe's own client with nothing changed but its base URL and its retries.
func stripeClient(s *Server) *client.API { return stripeClientOf(s.Env()) }

func stripeClientOf(env map[string]string) *client.API {
	backend := func(kind stripe.SupportedBackend) stripe.Backend {
		return stripe.GetBackendWithConfig(kind, &stripe.BackendConfig{URL: stripe.String(env["STRIPE_API_BASE"]), MaxNetworkRetries: stripe.Int64(0),
			EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}})
	}
	return client.New(env["STRIPE_SECRET_KEY"], &stripe.Backends{API: backend(stripe.APIBackend),
		Connect: backend(stripe.ConnectBackend), Uploads: backend(stripe.UploadsBackend)})
}

func setup(t *testing.T) (*Server, *client.API) {
	t.Helper()
	s := start(t, Options{})
	return s, stripeClient(s)
}

// intentParams are those of a card payment of $10.99.
func intentParams() *stripe.PaymentIntentParams {
	return &stripe.PaymentIntentParams{Amount: stripe.Int64(1099), Currency: stripe.String("usd"),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"})}
}

// pay makes and confirms a PaymentIntent with a named card.
func pay(t *testing.T, sc *client.API, method string, change func(*stripe.PaymentIntentParams)) (*stripe.PaymentIntent, error) {
	t.Helper()
	p := intentParams()
	p.PaymentMethod, p.Confirm = stripe.String(method), stripe.Bool(true)
	if change != nil {
		change(p)
	}
	return sc.PaymentIntents.New(p)
}

func mustPay(t *testing.T, sc *client.API, method string, change func(*stripe.PaymentIntentParams)) *stripe.PaymentIntent {
	t.Helper()
	pi, err := pay(t, sc, method, change)
	if err != nil {
		t.Fatal(err)
	}
	return pi
}

// stripeError is the error as Stripe's client sees it.
func stripeError(t *testing.T, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of Stripe's", err)
	}
	return e
}

// post sends a form as a browser or a bare client would, and decodes the answer.
func post(t *testing.T, s *Server, key, path string, form url.Values, header ...string) (int, map[string]any, http.Header) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var m map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, m, resp.Header
}

func control(t *testing.T, s *Server, method, path, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	var m map[string]any
	if len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func fails(t *testing.T, s *Server, match, mode string) {
	t.Helper()
	control(t, s, "POST", "/faults", fmt.Sprintf(`{"match":%q,"mode":%q}`, match, mode))
}

func truthOf(t *testing.T, s *Server) []*truthEntry {
	t.Helper()
	resp, err := http.Get(s.URL() + "/truth")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out []*truthEntry
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// endpointOf listens for webhooks, verifies them with Stripe's own code, and counts what came.
type webhookEndpoint struct {
	*httptest.Server
	mu     sync.Mutex
	cond   *sync.Cond
	events []stripe.Event
	bad    int
	refuse int // answer 500 to that many first
	secret string
}

func newWebhookEndpoint(t *testing.T, s *Server) *webhookEndpoint {
	e := listenForWebhooks(t, s.Env()["STRIPE_WEBHOOK_SECRET"])
	s.SetWebhookURL(e.URL)
	return e
}

func listenForWebhooks(t *testing.T, secret string) *webhookEndpoint {
	e := &webhookEndpoint{secret: secret}
	e.cond = sync.NewCond(&e.mu)
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		ev, err := webhook.ConstructEvent(raw, r.Header.Get("Stripe-Signature"), e.secret)
		e.mu.Lock()
		defer e.mu.Unlock()
		defer e.cond.Broadcast()
		switch {
		case err != nil:
			e.bad++
			w.WriteHeader(http.StatusBadRequest)
		case e.refuse > 0:
			e.refuse--
			w.WriteHeader(http.StatusInternalServerError)
		default:
			e.events = append(e.events, ev)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

// wait blocks until enough holds of what has arrived.
func (e *webhookEndpoint) wait(t *testing.T, what string, enough func() bool) {
	t.Helper()
	timeout := time.AfterFunc(20*time.Second, func() { e.mu.Lock(); e.cond.Broadcast(); e.mu.Unlock() })
	defer timeout.Stop()
	deadline := time.Now().Add(20 * time.Second)
	e.mu.Lock()
	defer e.mu.Unlock()
	for !enough() {
		if time.Now().After(deadline) {
			var got []string
			for _, ev := range e.events {
				got = append(got, string(ev.Type))
			}
			t.Fatalf("waiting for %s: got %v and %d bad ones", what, got, e.bad)
		}
		e.cond.Wait()
	}
}

func (e *webhookEndpoint) has(kind string) bool {
	for _, ev := range e.events {
		if string(ev.Type) == kind {
			return true
		}
	}
	return false
}

func TestPaymentIntent_SucceedsStepByStep(t *testing.T) {
	s, sc := setup(t)
	hooks := newWebhookEndpoint(t, s)
	cus, err := sc.Customers.New(&stripe.CustomerParams{Email: stripe.String("ada@example.com"), Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	p := intentParams()
	p.Customer = &cus.ID
	p.Metadata = map[string]string{"paylink_payment": "pay_1"}
	pi, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || pi.ClientSecret == "" {
		t.Fatalf("created: %+v", pi)
	}
	token, err := sc.TestHelpersConfirmationTokens.New(&stripe.TestHelpersConfirmationTokenParams{PaymentMethod: stripe.String("pm_card_visa")})
	if err != nil {
		t.Fatal(err)
	}
	confirm := &stripe.PaymentIntentConfirmParams{ConfirmationToken: &token.ID, ReturnURL: stripe.String("https://example.com/back")}
	confirm.AddExpand("latest_charge.balance_transaction")
	pi, err = sc.PaymentIntents.Confirm(pi.ID, confirm)
	if err != nil {
		t.Fatal(err)
	}
	ch := pi.LatestCharge
	if pi.Status != stripe.PaymentIntentStatusSucceeded || pi.AmountReceived != 1099 || ch == nil || !ch.Paid || !ch.Captured {
		t.Fatalf("confirmed: %+v", pi)
	}
	if bt := ch.BalanceTransaction; bt == nil || bt.Fee != 62 || bt.Net != 1037 {
		t.Fatalf("balance transaction: %+v", ch.BalanceTransaction)
	}
	if ch.Metadata["paylink_payment"] != "pay_1" || ch.PaymentMethodDetails.Card.Last4 != "4242" || ch.Outcome.Type != "authorized" {
		t.Fatalf("charge: %+v", ch)
	}
	hooks.wait(t, "payment_intent.succeeded", func() bool {
		return hooks.has("payment_intent.succeeded") && hooks.has("charge.succeeded") && hooks.has("payment_intent.created") && hooks.has("customer.created")
	})
	truth := truthOf(t, s)
	last := truth[len(truth)-1]
	if last.Kind != "payment_intent" || last.Status != "succeeded" || last.Amount != 1099 || last.PaymentIntent != pi.ID || last.Metadata["paylink_payment"] != "pay_1" {
		t.Fatalf("truth: %+v", last)
	}
}

func TestConfirm_DeclinesInStripesWords(t *testing.T) {
	_, sc := setup(t)
	for method, want := range map[string]struct{ code, decline, message string }{
		"pm_card_chargeDeclined":                  {"card_declined", "generic_decline", "Your card was declined."},
		"pm_card_chargeDeclinedInsufficientFunds": {"card_declined", "insufficient_funds", "Your card has insufficient funds."},
		"pm_card_chargeDeclinedExpiredCard":       {"expired_card", "expired_card", "Your card has expired."},
		"pm_card_chargeDeclinedIncorrectCvc":      {"incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."},
		"pm_card_chargeDeclinedLostCard":          {"card_declined", "lost_card", "Your card was declined."},
		"pm_card_chargeDeclinedStolenCard":        {"card_declined", "stolen_card", "Your card was declined."},
		"pm_card_chargeDeclinedProcessingError":   {"processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."},
		"pm_card_radarBlock":                      {"card_declined", "fraudulent", "Your card was declined."},
	} {
		_, err := pay(t, sc, method, nil)
		e := stripeError(t, err)
		if e.HTTPStatusCode != 402 || e.Type != stripe.ErrorTypeCard || string(e.Code) != want.code || string(e.DeclineCode) != want.decline || e.Msg != want.message {
			t.Errorf("%s: %+v", method, e)
		}
		if e.PaymentIntent == nil || e.PaymentIntent.Status != stripe.PaymentIntentStatusRequiresPaymentMethod || e.ChargeID == "" {
			t.Errorf("%s: the error has no PaymentIntent to try again: %+v", method, e)
			continue
		}
		pi, err := sc.PaymentIntents.Get(e.PaymentIntent.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if pi.LastPaymentError == nil || string(pi.LastPaymentError.Code) != want.code || pi.PaymentMethod != nil || pi.AmountReceived != 0 {
			t.Errorf("%s: kept as %+v", method, pi)
		}
	}
}

func TestParameters_AreChecked(t *testing.T) {
	s, sc := setup(t)
	sk := s.Env()["STRIPE_SECRET_KEY"]
	base := url.Values{"amount": {"1099"}, "currency": {"usd"}, "payment_method_types[]": {"card"}}
	for name, c := range map[string]struct {
		set         map[string]string
		code, param string
	}{
		"unknown":          {map[string]string{"colour": "red"}, "parameter_unknown", "colour"},
		"unknown nested":   {map[string]string{"shipping[planet]": "mars", "shipping[name]": "A", "shipping[address][line1]": "x"}, "parameter_unknown", "shipping[planet]"},
		"no amount":        {map[string]string{"amount": "-"}, "parameter_missing", "amount"},
		"bad amount":       {map[string]string{"amount": "10.5"}, "parameter_invalid_integer", "amount"},
		"empty currency":   {map[string]string{"currency": ""}, "parameter_invalid_empty", "currency"},
		"unknown currency": {map[string]string{"currency": "xxx"}, "", "currency"},
		"too small":        {map[string]string{"amount": "49"}, "amount_too_small", "amount"},
		"too large":        {map[string]string{"amount": "100000000"}, "amount_too_large", "amount"},
		"no such customer": {map[string]string{"customer": "cus_none"}, "resource_missing", "customer"},
		"bad choice":       {map[string]string{"capture_method": "later"}, "", "capture_method"},
		"long suffix":      {map[string]string{"statement_descriptor_suffix": "12345678901234567890ABC"}, "", "statement_descriptor_suffix"},
		"card descriptor":  {map[string]string{"statement_descriptor": "NORTHWIND"}, "", "statement_descriptor"},
		"long metadata":    {map[string]string{"metadata[a]": strings.Repeat("x", 501)}, "", "metadata[a]"},
		"confirm only":     {map[string]string{"off_session": "true"}, "", "off_session"},
		"three decimals":   {map[string]string{"currency": "kwd", "amount": "1001"}, "", "amount"},
	} {
		form := url.Values{}
		for k, v := range base {
			form[k] = v
		}
		for k, v := range c.set {
			form.Set(k, v)
			if v == "-" {
				form.Del(k)
			}
		}
		status, body, _ := post(t, s, sk, "/v1/payment_intents", form)
		e, _ := body["error"].(map[string]any)
		code, _ := e["code"].(string)
		if status != 400 || code != c.code || e["param"] != c.param || e["type"] != "invalid_request_error" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if it := sc.PaymentIntents.List(&stripe.PaymentIntentListParams{}); it.Next() {
		t.Errorf("a refused request made %s", it.PaymentIntent().ID)
	}
}

func TestAutomaticPaymentMethods_AreTheDefaultAndWantAReturnURL(t *testing.T) {
	_, sc := setup(t)
	p := &stripe.PaymentIntentParams{Amount: stripe.Int64(1099), Currency: stripe.String("usd")}
	pi, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if pi.AutomaticPaymentMethods == nil || !pi.AutomaticPaymentMethods.Enabled {
		t.Fatalf("automatic payment methods: %+v", pi.AutomaticPaymentMethods)
	}
	_, err = sc.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	if e := stripeError(t, err); !strings.HasPrefix(e.Msg, "A return_url must be specified") {
		t.Fatal(e)
	}
}

func TestKeys_AreDemandedAndToldApart(t *testing.T) {
	s, sc := setup(t)
	pk := s.Env()["STRIPE_PUBLISHABLE_KEY"]
	for name, c := range map[string]struct {
		key  string
		path string
		code any
	}{
		"none":        {"", "/v1/customers", nil},
		"wrong":       {"sk_test_wrong_wrong_wrong", "/v1/customers", nil},
		"publishable": {pk, "/v1/customers", "secret_key_required"},
	} {
		status, body, _ := post(t, s, c.key, c.path, url.Values{})
		e, _ := body["error"].(map[string]any)
		if status != 401 || e["code"] != c.code {
			t.Errorf("%s: %d %v", name, status, body)
		}
		if c.key == "sk_test_wrong_wrong_wrong" && strings.Contains(fmt.Sprint(body), c.key) {
			t.Errorf("%s: the answer repeats the key", name)
		}
	}
	pi, err := sc.PaymentIntents.New(intentParams())
	if err != nil {
		t.Fatal(err)
	}
	get := func(secret string) (int, map[string]any) {
		resp, err := http.Get(s.URL() + "/v1/payment_intents/" + pi.ID + "?key=" + pk + "&client_secret=" + secret)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var m map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Error("a browser of another origin may not read the answer")
		}
		return resp.StatusCode, m
	}
	if status, m := get(pi.ClientSecret); status != 200 || m["id"] != pi.ID {
		t.Errorf("with its client secret: %d %v", status, m)
	} else if _, shown := m["metadata"]; shown {
		t.Error("the publishable key sees the metadata")
	}
	for _, wrong := range []string{pi.ID + "_secret_guess", ""} {
		if status, _ := get(wrong); status < 400 || status >= 500 {
			t.Errorf("the publishable key reads with the client secret %q", wrong)
		}
	}
}

func TestIdempotency_ReplaysTheFirstAnswer(t *testing.T) {
	s, sc := setup(t)
	p := intentParams()
	p.SetIdempotencyKey("k1")
	first, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != again.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" || first.LastResponse.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%s then %s, replayed %q", first.ID, again.ID, again.LastResponse.Header.Get("Idempotent-Replayed"))
	}
	p.Amount = stripe.Int64(2000)
	_, err = sc.PaymentIntents.New(p)
	if e := stripeError(t, err); e.Type != stripe.ErrorTypeIdempotency || e.HTTPStatusCode != 400 {
		t.Errorf("same key, other amount: %+v", e)
	}
	confirm := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_chargeDeclined")}
	confirm.SetIdempotencyKey("k2")
	_, one := sc.PaymentIntents.Confirm(first.ID, confirm)
	_, two := sc.PaymentIntents.Confirm(first.ID, confirm)
	if a, b := stripeError(t, one), stripeError(t, two); a.ChargeID != b.ChargeID {
		t.Errorf("the declined confirm was tried twice: %s and %s", a.ChargeID, b.ChargeID)
	}
	// A refusal of the parameters is not kept: the corrected request may use the key.
	sk := s.Env()["STRIPE_SECRET_KEY"]
	if status, _, _ := post(t, s, sk, "/v1/customers", url.Values{"nmae": {"x"}}, "Idempotency-Key", "k3"); status != 400 {
		t.Fatal(status)
	}
	if status, _, _ := post(t, s, sk, "/v1/customers", url.Values{"name": {"x"}}, "Idempotency-Key", "k3"); status != 200 {
		t.Errorf("after a validation error the key is spent: %d", status)
	}
	if status, _, _ := post(t, s, "", "/v1/customers", url.Values{"name": {"x"}}, "Idempotency-Key", "k4"); status != 401 {
		t.Fatal(status)
	}
	if status, _, _ := post(t, s, sk, "/v1/customers", url.Values{"name": {"x"}}, "Idempotency-Key", "k4"); status != 200 {
		t.Errorf("after a 401 the key is spent: %d", status)
	}
	control(t, s, "POST", "/clock", `{"advance":"24h"}`)
	p.Amount = stripe.Int64(1099)
	fresh, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.ID == first.ID {
		t.Error("the key is still known after 24 hours")
	}
}

func TestIdempotency_BusyKeyIsAConflict(t *testing.T) {
	s, _ := setup(t)
	sk := s.Env()["STRIPE_SECRET_KEY"]
	hooks := newWebhookEndpoint(t, s)
	fails(t, s, "POST /v1/customers", "slow:1h")
	done := make(chan int)
	go func() {
		req, _ := http.NewRequest(http.MethodPost, s.URL()+"/v1/customers", strings.NewReader("name=x"))
		req.Header.Set("Authorization", "Bearer "+sk)
		req.Header.Set("Idempotency-Key", "busy")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			done <- 0
			return
		}
		resp.Body.Close()
		done <- resp.StatusCode
	}()
	hooks.wait(t, "the effect of the slow request", func() bool { return hooks.has("customer.created") })
	// The record exists already; a busy key means its answer is not out yet.
	status, body, header := post(t, s, sk, "/v1/customers", url.Values{"name": {"x"}}, "Idempotency-Key", "busy")
	if e, _ := body["error"].(map[string]any); status != 409 || e["code"] != "idempotency_key_in_use" || header.Get("Stripe-Should-Retry") != "true" {
		t.Errorf("%d %v", status, body)
	}
	s.Close() // ends the wait
	if status := <-done; status != 200 {
		t.Errorf("the slow request ended with %d", status)
	}
}

func TestFaults_HappenOnceAndAsSaid(t *testing.T) {
	s, sc := setup(t)
	try := func(key string) error {
		p := &stripe.CustomerParams{Name: stripe.String("x")}
		p.SetIdempotencyKey(key)
		_, err := sc.Customers.New(p)
		return err
	}
	made := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.state.table("customer").order)
	}
	for _, c := range []struct {
		mode         string
		effect       int
		second       bool // the same key succeeds the second time
		stripesError bool
	}{
		{"500_before", 0, true, true},
		{"500_after", 1, false, true},
		{"drop_before", 0, true, false},
		{"drop_after", 1, true, false},
		{"429", 0, true, true},
		{"bad_json", 1, true, false},
	} {
		before := made()
		fails(t, s, "POST /v1/*", c.mode)
		err := try(c.mode)
		if err == nil {
			t.Errorf("%s: no error", c.mode)
		}
		if answered := (*stripe.Error)(nil); errors.As(err, &answered) != c.stripesError {
			t.Errorf("%s: %v", c.mode, err)
		}
		if got := made() - before; got != c.effect {
			t.Errorf("%s made %d customers, want %d", c.mode, got, c.effect)
		}
		if err := try(c.mode); (err == nil) != c.second {
			t.Errorf("%s, the second time: %v", c.mode, err)
		}
		if got := made() - before; got != 1 {
			t.Errorf("%s and its repetition made %d customers", c.mode, got)
		}
	}
	control(t, s, "POST", "/faults", `{"match":"GET /v1/customers/*","mode":"500_before","times":0}`)
	for range 3 {
		if _, err := sc.Customers.Get("cus_x", nil); stripeError(t, err).HTTPStatusCode != 500 {
			t.Error(err)
		}
	}
	control(t, s, "DELETE", "/faults", "")
	if _, err := sc.Customers.Get("cus_x", nil); stripeError(t, err).HTTPStatusCode != 404 {
		t.Error(err)
	}
}

func TestFaults_RefuseWhatTheyCannotDo(t *testing.T) {
	s, _ := setup(t)
	for _, body := range []string{`{"match":"POST /v1/x","mode":"explode"}`, `{"match":"nowhere","mode":"429"}`, `{"match":"POST /v1/x","mode":"slow"}`,
		`{"match":"event *","mode":"dup:0"}`, `{"match":"event *","mode":"429"}`, `{"match":"POST /v1/[","mode":"429"}`, `{"mode":"429","when":"now"}`, `{`} {
		resp, err := http.Post(s.URL()+"/faults", "application/json", bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
}

func TestWebhooks_AreRetriedAndBentByFaults(t *testing.T) {
	s, sc := setup(t)
	hooks := newWebhookEndpoint(t, s)
	hooks.mu.Lock()
	hooks.refuse = 1
	hooks.mu.Unlock()
	fails(t, s, "event payment_intent.created", "bad_sig")
	fails(t, s, "event charge.succeeded", "lose")
	fails(t, s, "event payment_intent.succeeded", "dup:3")
	mustPay(t, sc, "pm_card_visa", nil)
	count := func(kind string) (n int) {
		for _, e := range hooks.events {
			if string(e.Type) == kind {
				n++
			}
		}
		return n
	}
	hooks.wait(t, "the retry of a bad signature, and three copies", func() bool {
		return hooks.bad == 1 && count("payment_intent.created") == 1 && count("payment_intent.succeeded") >= 3
	})
	hooks.mu.Lock()
	defer hooks.mu.Unlock()
	if hooks.has("charge.succeeded") {
		t.Error("the lost event came")
	}
}

func TestConfirmationToken_RemembersElements(t *testing.T) {
	s, sc := setup(t)
	pk := s.Env()["STRIPE_PUBLISHABLE_KEY"]
	card := url.Values{"payment_method_data[type]": {"card"}, "payment_method_data[card][number]": {"4242 4242 4242 4242"},
		"payment_method_data[card][exp_month]": {"12"}, "payment_method_data[card][exp_year]": {"34"}, "payment_method_data[card][cvc]": {"123"},
		"client_context[mode]": {"payment"}, "client_context[amount]": {"1099"}, "client_context[currency]": {"usd"},
		"client_context[payment_method_types][]": {"card"}}
	for name, c := range map[string]struct {
		elements map[string]string
		intent   func(*stripe.PaymentIntentParams)
		want     string
	}{
		"agreeing":       {},
		"amount":         {intent: func(p *stripe.PaymentIntentParams) { p.Amount = stripe.Int64(2000) }, want: "The provided amount (2000) does not match the expected amount (1099)."},
		"currency":       {intent: func(p *stripe.PaymentIntentParams) { p.Currency = stripe.String("eur") }, want: "The provided currency (eur)"},
		"save at server": {intent: func(p *stripe.PaymentIntentParams) { p.SetupFutureUsage = stripe.String("off_session") }, want: "The provided setup_future_usage (off_session) does not match the expected setup_future_usage (null). Try confirming with a Payment Intent that is configured to use the same parameters as Stripe Elements."},
		"save in page":   {elements: map[string]string{"client_context[setup_future_usage]": "off_session"}, want: "The provided setup_future_usage (null) does not match the expected setup_future_usage (off_session)."},
		"save in both": {elements: map[string]string{"client_context[setup_future_usage]": "off_session"},
			intent: func(p *stripe.PaymentIntentParams) { p.SetupFutureUsage = stripe.String("off_session") }},
		"manual at server": {intent: func(p *stripe.PaymentIntentParams) { p.CaptureMethod = stripe.String("manual") }, want: "The provided capture_method (manual)"},
		"manual in both": {elements: map[string]string{"client_context[capture_method]": "manual"},
			intent: func(p *stripe.PaymentIntentParams) { p.CaptureMethod = stripe.String("manual") }},
		"types": {elements: map[string]string{"client_context[payment_method_types][]": "us_bank_account"}, want: "The provided payment_method_types (card)"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{}
			for k, v := range card {
				form[k] = v
			}
			for k, v := range c.elements {
				form.Set(k, v)
			}
			status, token, _ := post(t, s, "", "/v1/confirmation_tokens?key="+pk, form)
			if status != 200 {
				t.Fatalf("%d %v", status, token)
			}
			p := intentParams()
			if c.intent != nil {
				c.intent(p)
			}
			pi, err := sc.PaymentIntents.New(p)
			if err != nil {
				t.Fatal(err)
			}
			id := token["id"].(string)
			_, err = sc.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{ConfirmationToken: &id})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				other, err := sc.PaymentIntents.New(p)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := sc.PaymentIntents.Confirm(other.ID, &stripe.PaymentIntentConfirmParams{ConfirmationToken: &id}); err == nil {
					t.Error("the token was used twice")
				}
				return
			}
			if e := stripeError(t, err); !strings.HasPrefix(e.Msg, c.want) {
				t.Error(e.Msg)
			}
		})
	}
}

func TestConfirmationToken_Expires(t *testing.T) {
	s, sc := setup(t)
	token, err := sc.TestHelpersConfirmationTokens.New(&stripe.TestHelpersConfirmationTokenParams{PaymentMethod: stripe.String("pm_card_visa")})
	if err != nil {
		t.Fatal(err)
	}
	control(t, s, "POST", "/clock", `{"advance":"12h"}`)
	pi, err := sc.PaymentIntents.New(intentParams())
	if err != nil {
		t.Fatal(err)
	}
	_, err = sc.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{ConfirmationToken: &token.ID})
	if e := stripeError(t, err); !strings.Contains(e.Msg, "expired") {
		t.Error(e)
	}
}

func TestCardNumbers_AreCheckedAsTheTokenizerDoes(t *testing.T) {
	s, _ := setup(t)
	pk, sk := s.Env()["STRIPE_PUBLISHABLE_KEY"], s.Env()["STRIPE_SECRET_KEY"]
	try := func(key, number, month, year, cvc string) (int, string) {
		status, body, _ := post(t, s, key, "/v1/payment_methods", url.Values{"type": {"card"}, "card[number]": {number}, "card[exp_month]": {month}, "card[exp_year]": {year}, "card[cvc]": {cvc}})
		e, _ := body["error"].(map[string]any)
		code, _ := e["code"].(string)
		if strings.Contains(fmt.Sprint(body), number) {
			t.Errorf("the answer repeats the number: %v", body)
		}
		return status, code
	}
	for _, c := range []struct {
		number, month, year, cvc string
		status                   int
		code                     string
	}{
		{"4242424242424242", "12", "2034", "123", 200, ""},
		{"378282246310005", "12", "34", "1234", 200, ""},
		{"4242424242424241", "12", "2034", "123", 402, "incorrect_number"},
		{"42424242", "12", "2034", "123", 402, "incorrect_number"},
		{"4242424242424242", "13", "2034", "123", 402, "invalid_expiry_month"},
		{"4242424242424242", "12", "2019", "123", 402, "invalid_expiry_year"},
		{"4242424242424242", "12", "2034", "99", 402, "invalid_cvc"},
	} {
		if status, code := try(pk, c.number, c.month, c.year, c.cvc); status != c.status || code != c.code {
			t.Errorf("%s %s/%s %s: %d %s", c.number, c.month, c.year, c.cvc, status, code)
		}
	}
	if status, _ := try(sk, "4242424242424242", "12", "2034", "123"); status != 402 {
		t.Errorf("the secret key sent a card number: %d", status)
	}
}

func TestCancel_IsAFence(t *testing.T) {
	_, sc := setup(t)
	pi, err := sc.PaymentIntents.New(intentParams())
	if err != nil {
		t.Fatal(err)
	}
	gone, err := sc.PaymentIntents.Cancel(pi.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")})
	if err != nil {
		t.Fatal(err)
	}
	if gone.Status != stripe.PaymentIntentStatusCanceled || gone.CancellationReason != "abandoned" || gone.CanceledAt == 0 {
		t.Errorf("%+v", gone)
	}
	_, err = sc.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	if e := stripeError(t, err); e.Code != "payment_intent_unexpected_state" {
		t.Error(e)
	}
	paid := mustPay(t, sc, "pm_card_visa", nil)
	_, err = sc.PaymentIntents.Confirm(paid.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	if e := stripeError(t, err); e.Msg != "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed." {
		t.Error(e)
	}
	_, err = sc.PaymentIntents.Cancel(paid.ID, &stripe.PaymentIntentCancelParams{})
	if e := stripeError(t, err); e.Code != "payment_intent_unexpected_state" || e.PaymentIntent == nil || e.PaymentIntent.Status != "succeeded" {
		t.Error(e)
	}
}

func TestUnknownURL_IsA404InStripesShape(t *testing.T) {
	s, _ := setup(t)
	status, body, _ := post(t, s, s.Env()["STRIPE_SECRET_KEY"], "/v1/nonsense", url.Values{})
	if e, _ := body["error"].(map[string]any); status != 404 || e["type"] != "invalid_request_error" {
		t.Errorf("%d %v", status, body)
	}
}
