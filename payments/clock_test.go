package payments_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// A wrong clock has every webhook refused: staff read that it is the clock, and no longer once it is set.
func TestFault_W10_StaffAreToldThatTheClocksDiffer(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		at, err := url.Parse(d.box.URL())
		if err != nil {
			t.Fatal(err)
		}
		var behind atomic.Int64
		proxy := httputil.NewSingleHostReverseProxy(at)
		proxy.ModifyResponse = func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(time.Duration(behind.Load())).UTC().Format(http.TimeFormat))
			return nil
		}
		front := httptest.NewServer(proxy)
		defer front.Close()
		service := payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: front.URL}), d.options)
		compare := func(by time.Duration) (told bool) {
			t.Helper()
			behind.Store(int64(by))
			d.clock.advance(time.Minute)
			if err := service.ReconcileJob(t.Context(), store.Job{Kind: "payment.reconcile", Payload: json.RawMessage("{}")}); err != nil {
				t.Fatal(err)
			}
			return d.hasTask("clock.differs", "stripe")
		}
		if compare(30 * time.Second) {
			t.Error("told of half a minute")
		}
		for _, by := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
			if !compare(by) || !strings.Contains(d.log.String(), "clock") {
				t.Errorf("by %s: nobody is told\n%s", by, d.log)
			}
			if compare(0) {
				t.Errorf("by %s: told after it was set", by)
			}
		}
	})
}

// A server that just started and has not heard from Stripe knows of no clock, and takes back nothing.
func TestFault_W10_ClockIsNotTakenForSetWithoutAnAnswer(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertTask(t.Context(), "clock.differs", "stripe", "task.clock_differs", nil, d.clock.Now())
		}); err != nil {
			t.Fatal(err)
		}
		d.options.Budget = 100 * time.Millisecond
		reconcile := func() error {
			return d.restart("boot2").ReconcileJob(t.Context(), store.Job{Kind: "payment.reconcile", Payload: json.RawMessage("{}")})
		}
		d.fault("GET /v1/*", "drop_before", 0)
		if err := reconcile(); err == nil || !d.hasTask("clock.differs", "stripe") {
			t.Errorf("taken back without an answer: %v", err)
		}
		d.control("DELETE", "/faults", nil, nil)
		if err := reconcile(); err != nil || d.hasTask("clock.differs", "stripe") {
			t.Errorf("not taken back with one: %v", err)
		}
	})
}
