package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// plaidCall is one request to Plaid's API (version 2020-09-14) while its transaction is open.
type plaidCall struct {
	*tx
	body []byte
}

// plaidEndpoint is one row of Plaid's API; every call is a POST with a JSON body.
type plaidEndpoint struct {
	path string
	run  func(*plaidCall) (any, error)
}

func plaidEndpoints() []plaidEndpoint {
	return []plaidEndpoint{
		{"/link/token/create", plaidRead(createLinkToken)},
		{"/item/public_token/exchange", plaidRead(exchangePublicToken)},
		{"/item/get", plaidRead(getItem)},
		{"/item/remove", plaidRead(removeItem)},
		{"/item/webhook/update", plaidRead(updateItemWebhook)},
		{"/accounts/get", plaidRead(getAccounts)},
		{"/auth/get", plaidRead(getAuth)},
		{"/processor/stripe/bank_account_token/create", plaidRead(createBankToken)},
		{"/institutions/get_by_id", plaidRead(getInstitution)},
		{"/webhook_verification_key/get", plaidRead(getPlaidKey)},
		{"/sandbox/public_token/create", plaidRead(createSandboxPublicToken)},
		{"/sandbox/item/fire_webhook", plaidRead(fireItemWebhook)},
		{"/sandbox/item/reset_login", plaidRead(resetItemLogin)},
	}
}

// plaidRoutes mounts Plaid's API at the root, where its clients expect it.
func (s *Server) plaidRoutes(mux *http.ServeMux) {
	for _, e := range plaidEndpoints() {
		mux.HandleFunc("POST "+e.path, func(w http.ResponseWriter, r *http.Request) { s.servePlaid(w, r, e) })
	}
	for _, product := range []string{"link", "item", "accounts", "auth", "processor", "institutions", "webhook_verification_key", "sandbox"} {
		mux.HandleFunc("POST /"+product+"/", func(w http.ResponseWriter, _ *http.Request) {
			answerPlaid(w, newPlaidRequestID(), nil, plaidFault(http.StatusNotFound, "INVALID_REQUEST", "NOT_FOUND", "the requested endpoint was not found"))
		})
	}
}

// plaidCredentials come as headers or in the body (https://plaid.com/docs/api/#api-access); each request embeds them.
type plaidCredentials struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"secret"`
}

// plaidRead decodes the body into the endpoint's request. Plaid refuses fields it does not know.
func plaidRead[T any](run func(*plaidCall, T) (any, error)) func(*plaidCall) (any, error) {
	return func(c *plaidCall) (any, error) {
		var in T
		dec := json.NewDecoder(bytes.NewReader(c.body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			return nil, plaidBodyError(err)
		}
		return run(c, in)
	}
}

// plaidBodyError says in Plaid's words what encoding/json found.
func plaidBodyError(err error) *plaidError {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return plaidInvalidField("%s must be a %s", wrongType.Field, wrongType.Type)
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "UNKNOWN_FIELDS", "the following fields are not recognized by this endpoint: %s", strings.Trim(field, `"`))
	}
	return plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_BODY", "body could not be parsed as JSON")
}

// plaidNeeds refuses a request that lacks fields, given as name and value in turns.
func plaidNeeds(pairs ...string) error {
	var absent []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			absent = append(absent, pairs[i])
		}
	}
	if absent == nil {
		return nil
	}
	return plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "MISSING_FIELDS", "the following required fields are missing: %s", strings.Join(absent, ", "))
}

// readPlaid reads the body and checks who asks.
func (s *Server) readPlaid(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_BODY", "body could not be read")
	}
	var who plaidCredentials
	if err := json.Unmarshal(body, &who); err != nil {
		return nil, plaidBodyError(err)
	}
	id, secret := orDefault(r.Header.Get("PLAID-CLIENT-ID"), who.ClientID), orDefault(r.Header.Get("PLAID-SECRET"), who.Secret)
	if err := plaidNeeds("client_id", id, "secret", secret); err != nil {
		return nil, err
	}
	if id != s.keys.PlaidClientID || secret != s.keys.PlaidSecret {
		return nil, plaidInput("INVALID_API_KEYS", "invalid client_id or secret provided")
	}
	return body, nil
}

// servePlaid is the way of every request to Plaid's API: keys, fault, transaction, answer. Plaid knows no idempotency
// keys: the same request twice happens twice.
func (s *Server) servePlaid(w http.ResponseWriter, r *http.Request, e plaidEndpoint) {
	id := newPlaidRequestID()
	body, err := s.readPlaid(r)
	if err != nil {
		answerPlaid(w, id, nil, err)
		return
	}
	f := s.faults.take(r.Method + " " + r.URL.Path)
	if f != nil {
		s.log.Info("sandbox fault", "mode", f.Mode, "request", r.Method+" "+r.URL.Path)
	}
	switch f.verb() {
	case "500_before":
		answerPlaid(w, id, nil, plaidInternal())
		return
	case "429":
		answerPlaid(w, id, nil, plaidFault(http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED", "RATE_LIMIT", "rate limit exceeded for attempts to access this resource. please try again later"))
		return
	case "drop_before":
		cut(w)
		return
	}
	result, err := s.transact(r, func(t *tx) (any, error) { return e.run(&plaidCall{tx: t, body: body}) })
	f.wait(s.stopping)
	switch f.verb() {
	case "500_after":
		result, err = nil, plaidInternal()
	case "drop_after":
		cut(w)
		return
	case "bad_json":
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"request_id": "` + id))
		return
	}
	s.log.Debug("sandbox call", "method", r.Method, "path", r.URL.Path, "failed", err != nil, "request_id", id)
	answerPlaid(w, id, result, err)
}

// transact runs one change of the account and keeps it, unless it was refused.
func (s *Server) transact(r *http.Request, run func(*tx) (any, error)) (result any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if bug := recover(); bug != nil { // the mutex is released and the account unchanged: nothing was committed
			s.log.Error("sandbox bug", "request", r.Method+" "+r.URL.Path, "panic", bug)
			result, err = nil, plaidInternal()
		}
	}()
	t := s.begin(nil)
	if result, err = run(t); err != nil {
		return nil, err
	}
	if err := s.commit(t); err != nil {
		s.log.Error("sandbox could not keep its state", "error", err)
		return nil, plaidInternal()
	}
	return result, nil
}

// newPlaidRequestID is 15 characters, as Plaid's are.
func newPlaidRequestID() string { return randomText(15) }

// answerPlaid sends a result or an error; both carry the request's id.
func answerPlaid(w http.ResponseWriter, requestID string, result any, err error) {
	status, body := http.StatusOK, map[string]any{}
	if err != nil {
		var refusal *plaidError
		if !errors.As(err, &refusal) {
			refusal = plaidInternal()
		}
		result, status = refusal, refusal.status
	}
	raw, err := json.Marshal(result)
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	if err != nil {
		panic(fmt.Sprintf("sandbox: writing an answer: %v", err)) // every answer is a plain object
	}
	body["request_id"] = requestID
	answerJSON(w, status, body)
}
