package hooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stripe/stripe-go/v76/webhook"

	"paylink"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/hooks"
	"paylink/web/page"
)

const (
	secret = "whsec_first"
	second = "whsec_second"
)

type endpoint struct {
	t      *testing.T
	store  *store.Store
	hooks  *hooks.Handlers
	render *page.Renderer
	site   http.Handler
	log    *bytes.Buffer
}

func each(t *testing.T, f func(t *testing.T, e *endpoint)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newEndpoint(t, s)) })
}

func newEndpoint(t *testing.T, s *store.Store) *endpoint {
	e := &endpoint{t: t, store: s, log: &bytes.Buffer{}}
	log := slog.New(slog.NewJSONHandler(e.log, nil))
	ring, _ := paylink.NewKeyRing("t")
	site := echo.New()
	e.render = page.New(page.Options{
		Pages: templates.Load(), Files: static.Load(), Ring: ring, BaseURL: "http://127.0.0.1", Firm: s.Firm, Now: time.Now, Log: log,
	})
	e.render.Use(site)
	e.hooks = &hooks.Handlers{Store: s, Secrets: []string{secret, second}, Now: time.Now, Log: log}
	e.hooks.Register(site)
	e.site = site
	return e
}

func event(id, kind string) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","api_version":"2023-10-16","type":%q,"livemode":false,"data":{"object":{"id":"pi_1","object":"payment_intent"}}}`, id, kind)
}

func sign(body, with string, at time.Time) string {
	mac := webhook.ComputeSignature(at, []byte(body), with)
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), mac)
}

func (e *endpoint) post(body, header string) int {
	e.t.Helper()
	r := httptest.NewRequestWithContext(e.t.Context(), http.MethodPost, "/webhooks/stripe", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if header != "" {
		r.Header.Set("Stripe-Signature", header)
	}
	w := httptest.NewRecorder()
	e.site.ServeHTTP(w, r)
	return w.Code
}

// jobs is how many jobs the endpoint queued.
func (e *endpoint) jobs() int {
	e.t.Helper()
	var claimed []store.Job
	if err := e.store.Update(e.t.Context(), func(tx *store.Tx) error {
		var err error
		claimed, err = tx.ClaimJobs(e.t.Context(), "stripe.event", time.Now().Add(time.Minute), time.Nanosecond, 100)
		return err
	}); err != nil {
		e.t.Fatal(err)
	}
	return len(claimed)
}

func TestFault_W02_SameEventFiveTimesAtOnceIsOneRowAndOneJob(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		body := event("evt_1", "payment_intent.succeeded")
		header := sign(body, secret, time.Now())
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if status := e.post(body, header); status != http.StatusOK {
					t.Errorf("answered %d", status)
				}
			})
		}
		group.Wait()
		if n := e.jobs(); n != 1 {
			t.Errorf("%d jobs", n)
		}
		stored, err := e.store.Event(t.Context(), "stripe", "evt_1")
		if err != nil || string(stored.Body) != body || stored.ObjectID != "pi_1" {
			t.Errorf("%+v %v", stored, err)
		}
	})
}

func TestFault_W09_OnlySignedAndFreshEventsAreTakenWithEitherSecret(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		body := event("evt_1", "payment_intent.succeeded")
		for name, header := range map[string]string{
			"no header":        "",
			"another secret":   sign(body, "whsec_stolen", time.Now()),
			"old":              sign(body, secret, time.Now().Add(-10*time.Minute)),
			"of another body":  sign(body+" ", secret, time.Now()),
			"without a time":   "v1=" + strings.Repeat("0", 64),
			"of another shape": "hello",
		} {
			if status := e.post(body, header); status != http.StatusBadRequest {
				t.Errorf("%s: %d", name, status)
			}
		}
		if n := e.jobs(); n != 0 {
			t.Errorf("%d jobs of refused events", n)
		}
		other := event("evt_2", "charge.refunded")
		if e.post(body, sign(body, secret, time.Now())) != 200 || e.post(other, sign(other, second, time.Now())) != 200 || e.jobs() != 2 {
			t.Error("one of the two secrets of a rotation was refused")
		}
	})
}

func TestFault_W11_W13_OtherVersionsAndUnknownTypesAreTaken(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		for _, body := range []string{
			strings.Replace(event("evt_1", "payment_intent.succeeded"), "2023-10-16", "2026-08-26.dahlia", 1),
			event("evt_2", "something.new"),
		} {
			if status := e.post(body, sign(body, secret, time.Now())); status != http.StatusOK {
				t.Errorf("%d for %s", status, body)
			}
		}
	})
}

func TestFault_W14_TooLargeABodyIsRefused(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		body := event("evt_1", strings.Repeat("x", 1<<20))
		if status := e.post(body, sign(body, secret, time.Now())); status != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", status)
		}
	})
}

func TestFault_W15_AnsweredEventIsDurableAndComesAgainInVain(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		body := event("evt_1", "payment_intent.succeeded")
		header := sign(body, secret, time.Now())
		if e.post(body, header) != 200 {
			t.Fatal("refused")
		}
		if err := e.store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.MarkEvent(t.Context(), "stripe", "evt_1", time.Now(), "")
		}); err != nil {
			t.Fatal(err)
		}
		if e.post(body, header) != 200 || e.jobs() != 1 {
			t.Errorf("%d jobs after the event came again", e.jobs())
		}
	})
}

func TestFault_D03_EventThatCannotBeStoredIsNotAnswered200(t *testing.T) {
	s := storetest.SQLite(t)
	e := newEndpoint(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	body := event("evt_1", "payment_intent.succeeded")
	if status := e.post(body, sign(body, secret, time.Now())); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d: Stripe would not send it again", status)
	}
}

func TestRefusalsTellTheLogAndNotTheSender(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		e.post(event("evt_1", "x"), sign(event("evt_1", "x"), "whsec_stolen", time.Now()))
		var line struct{ Msg string }
		if err := json.Unmarshal(bytes.SplitN(e.log.Bytes(), []byte("\n"), 2)[0], &line); err != nil || line.Msg != "webhook refused" {
			t.Errorf("%v: %s", err, e.log)
		}
		if strings.Contains(e.log.String(), "whsec_") {
			t.Error("the log has a secret")
		}
	})
}
