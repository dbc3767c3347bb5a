package sandbox

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fault is one thing that shall go wrong, as POST /faults describes it.
type fault struct {
	Match       string   `json:"match"` // "POST /v1/payment_intents/*/confirm" or "event payment_intent.*"
	Mode        string   `json:"mode"`
	Times       *int     `json:"times"` // 1 unless told; 0 or less = until cleared
	Probability *float64 `json:"probability,omitempty"`
	Seed        uint64   `json:"seed,omitempty"`
	Hits        int      `json:"hits"`

	dice *rand.Rand
}

// verb is the mode without its argument.
func (f *fault) verb() string {
	if f == nil {
		return ""
	}
	verb, _, _ := strings.Cut(f.Mode, ":")
	return verb
}

func (f *fault) duration() time.Duration {
	_, arg, _ := strings.Cut(f.Mode, ":")
	d, _ := time.ParseDuration(arg) // checked when the fault was made
	return d
}

func (f *fault) count() int {
	_, arg, _ := strings.Cut(f.Mode, ":")
	n, _ := strconv.Atoi(arg) // checked when the fault was made
	return n
}

// check refuses what take could not carry out.
func (f *fault) check() error {
	target, _, ok := strings.Cut(f.Match, " ")
	if !ok {
		return fmt.Errorf("match must be \"METHOD /path\" or \"event type\", not %q", f.Match)
	}
	if _, err := path.Match(f.Match, ""); err != nil {
		return fmt.Errorf("match %q: %w", f.Match, err)
	}
	if f.Probability != nil && (*f.Probability < 0 || *f.Probability > 1) {
		return fmt.Errorf("probability must be between 0 and 1")
	}
	verb, arg, hasArg := strings.Cut(f.Mode, ":")
	known := map[string]string{"500_before": "", "500_after": "", "drop_before": "", "drop_after": "", "429": "", "bad_json": "", "slow": "duration"}
	if target == "event" {
		known = map[string]string{"lose": "", "dup": "count", "delay": "duration", "reorder": "", "bad_sig": ""}
	}
	kind, ok := known[verb]
	if !ok {
		return fmt.Errorf("mode %q is not one of those for %q", f.Mode, target)
	}
	switch kind {
	case "duration":
		if d, err := time.ParseDuration(arg); err != nil || d < 0 {
			return fmt.Errorf("mode %q needs a duration, as in %s:5s", f.Mode, verb)
		}
	case "count":
		if n, err := strconv.Atoi(arg); err != nil || n < 1 || n > 100 {
			return fmt.Errorf("mode %q needs a number from 1 to 100, as in %s:3", f.Mode, verb)
		}
	default:
		if hasArg {
			return fmt.Errorf("mode %q takes no argument", f.Mode)
		}
	}
	return nil
}

// faults are the faults in force, in the order they were made; the first that matches is taken.
type faults struct {
	mu   sync.Mutex
	list []*fault
}

// take finds the fault for "METHOD /path" or "event type" and uses it up once; nil when nothing shall go wrong.
func (fs *faults) take(subject string) *fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.list {
		if ok, err := path.Match(f.Match, subject); !ok || err != nil {
			continue
		}
		if f.Probability != nil && f.dice.Float64() >= *f.Probability {
			continue
		}
		f.Hits++
		taken := *f
		if f.Times != nil && *f.Times > 0 {
			left := *f.Times - 1
			f.Times = &left
			if left == 0 {
				fs.list = append(fs.list[:i:i], fs.list[i+1:]...)
			}
		}
		return &taken
	}
	return nil
}

// before answers a request that is not carried out; a Status of 0 means the connection is cut.
func (f *fault) before(requestID string) *answer {
	switch f.verb() {
	case "500_before":
		return &answer{Status: http.StatusInternalServerError, Body: errorBody(internalError()), RequestID: requestID}
	case "drop_before":
		return &answer{}
	case "429":
		e := withStatus(http.StatusTooManyRequests, invalid("rate_limit", "", "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."))
		return &answer{Status: e.status, Body: errorBody(e), RequestID: requestID}
	}
	return nil
}

// wait holds the answer of a slow request back, unless the sandbox is stopping.
func (f *fault) wait(stopping <-chan struct{}) {
	if f.verb() != "slow" {
		return
	}
	select {
	case <-time.After(f.duration()):
	case <-stopping:
	}
}

// serveFaults is POST, GET and DELETE /faults.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	fs := &s.faults
	switch r.Method {
	case http.MethodPost:
		var f fault
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		dec.DisallowUnknownFields()
		err := dec.Decode(&f)
		if err == nil {
			err = f.check()
		}
		if err != nil {
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		if f.Times == nil {
			once := 1
			f.Times = &once
		}
		f.Hits, f.dice = 0, rand.New(rand.NewPCG(f.Seed, f.Seed))
		fs.mu.Lock()
		fs.list = append(fs.list, &f)
		fs.mu.Unlock()
	case http.MethodDelete:
		fs.mu.Lock()
		fs.list = nil
		fs.mu.Unlock()
	}
	fs.mu.Lock()
	shown := []fault{}
	for _, f := range fs.list {
		shown = append(shown, *f)
	}
	fs.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"faults": shown})
}
