package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// call is one request to the API while its transaction is open.
type call struct {
	*tx
	params      *params
	id          string // {id} of the path
	r           *http.Request
	publishable bool // made with the publishable key
	confirming  bool
	confirm     confirmation
}

// endpoint is one row of the API. run answers an object, a list or an error.
type endpoint struct {
	pattern string
	browser bool // Stripe lets the publishable key call it
	run     func(*call) (any, error)
}

func endpoints() []endpoint {
	return []endpoint{
		{"POST /v1/customers", false, createCustomer},
		{"GET /v1/customers", false, listCustomers},
		{"GET /v1/customers/{id}", false, retrieveCustomer},
		{"POST /v1/customers/{id}", false, updateCustomer},
		{"DELETE /v1/customers/{id}", false, deleteCustomer},
		{"GET /v1/customers/{id}/payment_methods", false, listMethods},
		{"GET /v1/customers/{id}/payment_methods/{method}", false, retrieveCustomerMethod},

		{"POST /v1/customers/{id}/sources", false, createSource},
		{"GET /v1/customers/{id}/sources", false, listSources},
		{"GET /v1/customers/{id}/sources/{source}", false, retrieveSource},
		{"POST /v1/customers/{id}/sources/{source}", false, updateSource},
		{"DELETE /v1/customers/{id}/sources/{source}", false, deleteSource},
		{"POST /v1/customers/{id}/sources/{source}/verify", false, verifySource},
		{"POST /v1/tokens", true, createBankAccountToken},
		{"GET /v1/tokens/{id}", false, retrieveBankAccountToken},
		{"GET /v1/mandates/{id}", false, retrieveMandate},

		{"POST /v1/payment_methods", true, createMethod},
		{"GET /v1/payment_methods", false, listMethods},
		{"GET /v1/payment_methods/{id}", false, retrieveMethod},
		{"POST /v1/payment_methods/{id}", false, updateMethod},
		{"POST /v1/payment_methods/{id}/attach", false, attachMethod},
		{"POST /v1/payment_methods/{id}/detach", false, detachMethod},

		{"POST /v1/confirmation_tokens", true, createToken},
		{"POST /v1/test_helpers/confirmation_tokens", false, createTestToken},
		{"GET /v1/confirmation_tokens/{id}", true, retrieveToken},

		{"POST /v1/payment_intents", false, createIntent},
		{"GET /v1/payment_intents", false, listIntents},
		{"GET /v1/payment_intents/{id}", true, retrieveIntent},
		{"POST /v1/payment_intents/{id}", false, updateIntent},
		{"POST /v1/payment_intents/{id}/confirm", true, confirmIntent},
		{"POST /v1/payment_intents/{id}/capture", false, captureIntent},
		{"POST /v1/payment_intents/{id}/cancel", false, cancelIntent},
		{"POST /v1/payment_intents/{id}/verify_microdeposits", true, verifyIntentDeposits},
		{"POST /v1/payment_intents/{id}/sandbox_3ds", true, authenticateIntent},

		{"POST /v1/setup_intents", false, createSetup},
		{"GET /v1/setup_intents", false, listSetups},
		{"GET /v1/setup_intents/{id}", true, retrieveSetup},
		{"POST /v1/setup_intents/{id}", false, updateSetup},
		{"POST /v1/setup_intents/{id}/confirm", true, confirmSetup},
		{"POST /v1/setup_intents/{id}/cancel", false, cancelSetup},
		{"POST /v1/setup_intents/{id}/verify_microdeposits", true, verifySetupDeposits},
		{"POST /v1/setup_intents/{id}/sandbox_3ds", true, authenticateSetup},

		{"GET /v1/charges", false, listCharges},
		{"GET /v1/charges/{id}", false, retrieveCharge},
		{"POST /v1/charges/{id}", false, updateCharge},
		{"GET /v1/charges/{id}/refunds", false, listRefunds},

		{"POST /v1/refunds", false, createRefund},
		{"GET /v1/refunds", false, listRefunds},
		{"GET /v1/refunds/{id}", false, retrieveRefund},
		{"POST /v1/refunds/{id}", false, updateRefund},

		{"GET /v1/disputes", false, listDisputes},
		{"GET /v1/disputes/{id}", false, retrieveDispute},
		{"POST /v1/disputes/{id}", false, updateDispute},
		{"POST /v1/disputes/{id}/close", false, closeDispute},

		{"GET /v1/balance_transactions", false, listBalanceTransactions},
		{"GET /v1/balance_transactions/{id}", false, retrieveBalanceTransaction},

		{"GET /v1/events", false, listEvents},
		{"GET /v1/events/{id}", false, retrieveEvent},
	}
}

// apiRoutes mounts the API. Anything else below /v1/ is a 404 in Stripe's words.
func (s *Server) apiRoutes(mux *http.ServeMux) {
	for _, e := range endpoints() {
		mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) { s.serveAPI(w, r, e) })
	}
	mux.HandleFunc("OPTIONS /v1/", func(w http.ResponseWriter, _ *http.Request) {
		allowBrowsers(w)
		w.WriteHeader(http.StatusNoContent)
	})
	unknown := func(w http.ResponseWriter, r *http.Request) {
		e := invalid("", "", "Unrecognized request URL (%s: %s). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", r.Method, r.URL.Path)
		s.answer(w, &answer{Status: http.StatusNotFound, Body: errorBody(e), RequestID: newRequestID()}, "", false)
	}
	for _, method := range []string{"GET", "POST", "DELETE", "PUT", "PATCH"} {
		mux.HandleFunc(method+" /v1/", unknown)
	}
}

func allowBrowsers(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, HEAD, OPTIONS, DELETE")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Stripe-Version")
	w.Header().Set("Access-Control-Expose-Headers", "Request-Id")
	w.Header().Set("Access-Control-Max-Age", "300")
}

// answer is a status and body ready to be sent, or kept for an idempotency key.
type answer struct {
	Status    int    `json:"status"`
	Body      string `json:"body"`
	RequestID string `json:"request_id"`
	retry     string // Stripe-Should-Retry
}

func newRequestID() string { return "req_" + randomText(14) }

func (s *Server) answer(w http.ResponseWriter, a *answer, idempotencyKey string, replayed bool) {
	h := w.Header()
	allowBrowsers(w)
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store")
	h.Set("Request-Id", a.RequestID)
	h.Set("Stripe-Version", APIVersion)
	if idempotencyKey != "" {
		h.Set("Idempotency-Key", idempotencyKey)
		h.Set("Original-Request", a.RequestID)
	}
	if replayed {
		h.Set("Idempotent-Replayed", "true")
		h.Set("Request-Id", newRequestID())
	}
	if a.retry != "" {
		h.Set("Stripe-Should-Retry", a.retry)
	}
	w.WriteHeader(a.Status)
	w.Write([]byte(a.Body))
}

func errorBody(e *apiError) string {
	raw, err := json.MarshalIndent(map[string]any{"error": e}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("sandbox: writing an error: %v", err)) // plain data
	}
	return string(raw)
}

func internalError() *apiError {
	return &apiError{Type: "api_error", Message: "An unknown error occurred", status: http.StatusInternalServerError}
}

const maxBody = 1 << 20

// readRequest decodes the parameters and tells which key the request was made with.
func (s *Server) readRequest(r *http.Request, e endpoint) (*params, bool, *apiError) {
	encoded := r.URL.RawQuery
	if r.Method == http.MethodPost {
		if kind := r.Header.Get("Content-Type"); kind != "" && !strings.HasPrefix(kind, "application/x-www-form-urlencoded") {
			return nil, false, invalid("", "", "Invalid request: the content type %s is not supported. Send application/x-www-form-urlencoded.", kind)
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil {
			return nil, false, invalid("", "", "Invalid request: the body could not be read.")
		}
		if len(body) > maxBody {
			return nil, false, withStatus(http.StatusRequestEntityTooLarge, invalid("", "", "Invalid request: the body is too large."))
		}
		if encoded != "" && len(body) > 0 {
			encoded += "&"
		}
		encoded += string(body)
	}
	p, apiErr := parseForm(encoded)
	if apiErr != nil {
		return nil, false, apiErr
	}
	key := authorization(r)
	if sent := p.take("key"); sent != nil && key == "" {
		key = sent.value
	}
	p.ignore("_stripe_version", "_stripe_account", "payment_user_agent")
	switch {
	case key == "":
		return nil, false, withStatus(http.StatusUnauthorized, invalid("", "", "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."))
	case key == s.keys.Secret:
		return p, false, nil
	case key != s.keys.Publishable:
		return nil, false, withStatus(http.StatusUnauthorized, invalid("", "", "Invalid API Key provided: %s", masked(key)))
	case !e.browser:
		return nil, false, withStatus(http.StatusUnauthorized, invalid("secret_key_required", "", "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys."))
	}
	return p, true, nil
}

// authorization is the key of a Bearer or Basic header.
func authorization(r *http.Request) string {
	h := r.Header.Get("Authorization")
	if key, ok := strings.CutPrefix(h, "Bearer "); ok {
		return strings.TrimSpace(key)
	}
	if encoded, ok := strings.CutPrefix(h, "Basic "); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			user, _, _ := strings.Cut(string(raw), ":")
			return user
		}
	}
	return ""
}

// masked shows the ends of a wrong key, as Stripe does, and never a whole one.
func masked(key string) string {
	if len(key) < 16 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// serveAPI is the way of every API request: key, fault, idempotency, transaction, answer.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, e endpoint) {
	id := newRequestID()
	p, publishable, apiErr := s.readRequest(r, e)
	if apiErr != nil {
		s.answer(w, &answer{Status: apiErr.status, Body: errorBody(apiErr), RequestID: id}, "", false)
		return
	}
	f := s.faults.take(r.Method + " " + r.URL.Path)
	if a := f.before(id); a != nil {
		s.log.Info("sandbox fault", "mode", f.Mode, "request", r.Method+" "+r.URL.Path)
		if a.Status == 0 {
			cut(w)
			return
		}
		s.answer(w, a, "", false)
		return
	}
	key := ""
	if r.Method == http.MethodPost {
		key = r.Header.Get("Idempotency-Key")
	}
	if len(key) > maxIdempotencyKey {
		bad := withType("idempotency_error", invalid("", "", "Keys for idempotent requests can be at most %d characters long.", maxIdempotencyKey))
		s.answer(w, &answer{Status: bad.status, Body: errorBody(bad), RequestID: id}, "", false)
		return
	}
	a, replayed := s.perform(r, e, p, publishable, key, id, f)
	if f != nil {
		s.log.Info("sandbox fault", "mode", f.Mode, "request", r.Method+" "+r.URL.Path)
		switch f.verb() {
		case "drop_after":
			cut(w)
			return
		case "bad_json":
			a = &answer{Status: a.Status, Body: a.Body[:len(a.Body)/2], RequestID: a.RequestID}
		}
	}
	s.log.Debug("sandbox call", "method", r.Method, "path", r.URL.Path, "status", a.Status, "request_id", a.RequestID, "replayed", replayed)
	s.answer(w, a, key, replayed)
}

// perform runs the request under its idempotency key, once.
func (s *Server) perform(r *http.Request, e endpoint, p *params, publishable bool, key, requestID string, f *fault) (*answer, bool) {
	if key == "" {
		a := s.execute(r, e, p, publishable, nil, requestID, f)
		f.wait(s.stopping)
		return a, false
	}
	record := newIdempotent(key, r, p)
	known, conflict := s.claim(record)
	switch {
	case conflict != nil:
		conflict.RequestID = requestID
		return conflict, false
	case known != nil:
		return &known.Answer, true
	}
	defer s.unclaim(key)
	a := s.execute(r, e, p, publishable, record, requestID, f)
	f.wait(s.stopping) // a slow request keeps its key busy until it has answered
	return a, false
}

// execute runs the endpoint in one transaction and keeps it, with the answer of its idempotency key.
func (s *Server) execute(r *http.Request, e endpoint, p *params, publishable bool, record *idempotent, requestID string, f *fault) (a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if bug := recover(); bug != nil { // the mutex is released and the account unchanged: nothing was committed
			s.log.Error("sandbox bug", "request", r.Method+" "+r.URL.Path, "panic", bug)
			a = &answer{Status: http.StatusInternalServerError, Body: errorBody(internalError()), RequestID: requestID}
		}
	}()
	t := s.begin(&eventRequest{ID: &requestID})
	if record != nil {
		t.request.IdempotencyKey = &record.Key
	}
	expand := p.words("expand")
	c := &call{tx: t, params: p, id: r.PathValue("id"), r: r, publishable: publishable}
	result, err := e.run(c)
	status, body, begun := http.StatusOK, "", true
	if err == nil {
		body, err = c.encode(result, expand)
	}
	if err != nil {
		var refusal *apiError
		if !errors.As(err, &refusal) {
			s.log.Error("sandbox call failed", "request", r.Method+" "+r.URL.Path, "error", err)
			refusal = internalError()
		}
		shown := *refusal
		shown.RequestLogURL = "https://dashboard.stripe.com/test/logs/" + requestID + "?t=" + fmt.Sprint(t.unix())
		status, body, begun = refusal.status, errorBody(&shown), !refusal.invalid
		if !refusal.keep {
			t.reset()
		}
	}
	if f.verb() == "500_after" {
		status, body = http.StatusInternalServerError, errorBody(internalError())
	}
	a = &answer{Status: status, Body: body, RequestID: requestID}
	if record != nil && begun {
		record.Answer, record.At = *a, t.now
		t.put(record)
	}
	if err := s.commit(t); err != nil {
		s.log.Error("sandbox could not keep its state", "error", err)
		return &answer{Status: http.StatusInternalServerError, Body: errorBody(internalError()), RequestID: requestID}
	}
	return a
}

// encode renders what an endpoint answered, with its expansions. The browser sees less of a PaymentIntent.
func (c *call) encode(result any, expand []string) (string, error) {
	var m map[string]any
	switch v := result.(type) {
	case map[string]any:
		m = v
	case *listing:
		data := make([]any, len(v.Data))
		for i := range v.Data {
			data[i] = v.Data[i]
		}
		m = map[string]any{"object": v.Object, "data": data, "has_more": v.HasMore, "url": v.URL}
	default:
		m = render(v)
	}
	switch result.(type) {
	case *paymentIntent:
		if c.publishable {
			m = browserView(m)
		}
	case *setupIntent:
		if c.publishable {
			for _, k := range []string{"application", "customer", "latest_attempt", "mandate", "metadata", "on_behalf_of", "single_use_mandate", "payment_method_options"} {
				delete(m, k)
			}
		}
	}
	for _, path := range expand {
		if err := c.expand(m, path); err != nil {
			return "", err
		}
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", fmt.Errorf("sandbox: writing an answer: %w", err)
	}
	return string(raw), nil
}

// browserView is what the publishable key may see of a PaymentIntent.
func browserView(m map[string]any) map[string]any {
	out := map[string]any{}
	for _, k := range strings.Fields("id object amount amount_details automatic_payment_methods canceled_at cancellation_reason capture_method client_secret confirmation_method created currency description last_payment_error livemode next_action payment_method payment_method_configuration_details payment_method_types processing receipt_email setup_future_usage shipping status") {
		out[k] = m[k]
	}
	return out
}

// cut ends the connection in the middle of the status line. Some bytes go out first: a client's transport may
// otherwise repeat the request by itself, and the caller would never see the fault.
func cut(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return
	}
	if _, err := buf.WriteString("HTTP/1.1 2"); err == nil {
		_ = buf.Flush() // cut short is what it shall be
	}
}
