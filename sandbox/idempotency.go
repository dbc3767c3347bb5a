package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

const (
	maxIdempotencyKey = 255
	// idempotencyKept is when Stripe may forget a key (https://docs.stripe.com/api/idempotent_requests).
	idempotencyKept = 24 * time.Hour
)

// idempotent is the first answer under a key. It is committed together with what the request did.
type idempotent struct {
	Key    string    `json:"key"`
	Hash   string    `json:"hash"` // of the endpoint and its parameters
	At     time.Time `json:"at"`   // sandbox clock
	Answer answer    `json:"answer"`
}

func (*idempotent) kind() string  { return "idempotency" }
func (i *idempotent) key() string { return i.Key }

func newIdempotent(key string, r *http.Request, p *params) *idempotent {
	sum := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + p.canonical()))
	return &idempotent{Key: key, Hash: hex.EncodeToString(sum[:])}
}

func withType(kind string, e *apiError) *apiError {
	e.Type = kind
	return e
}

// claim takes the key for one request. It answers the record of an earlier one, or the refusal of a key that is
// busy or was used for something else.
func (s *Server) claim(want *idempotent) (*idempotent, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, busy := s.inFlight[want.Key]; busy {
		e := withType("idempotency_error", invalid("idempotency_key_in_use", "", "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): %s. Please try again later.", want.Key))
		return nil, &answer{Status: http.StatusConflict, Body: errorBody(e), retry: "true"}
	}
	t := s.begin(nil)
	known, ok := get[idempotent](t, want.Key)
	if ok {
		if known.Hash == want.Hash {
			return known, nil
		}
		e := withType("idempotency_error", invalid("", "", "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", want.Key))
		return nil, &answer{Status: e.status, Body: errorBody(e), retry: "false"}
	}
	s.inFlight[want.Key] = struct{}{}
	return nil, nil
}

func (s *Server) unclaim(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inFlight, key)
}

// forget removes the keys that are past their day and the events past their month.
func forget(t *tx) {
	var old []object
	for i := range all[idempotent](t) {
		if t.now.Sub(i.At) < idempotencyKept {
			break
		}
		old = append(old, i)
	}
	for e := range all[event](t) {
		if t.now.Sub(time.Unix(e.Created, 0)) < eventsKept {
			break
		}
		old = append(old, e)
	}
	for _, o := range old {
		t.remove(o)
	}
	forgetLinks(t)
}
