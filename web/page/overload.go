package page

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"paylink"
	"paylink/static"
)

// How many requests of a kind are worked on at once. Each kind has its own, so that a crowd at one
// door closes no other; whoever comes above it hears at once to come again.
const (
	mostPresses  = 50  // of Pay; each may wait for Stripe
	mostWebhooks = 128 // at 50 a second, a disk that stalls for two seconds turns none away
	mostArriving = 512 // webhooks that are still being read, of 256 KiB at most
	mostStaff    = 48  // the desk and the API
	mostStatic   = 256
	mostPages    = 256 // everything else: customers' pages
)

// retryBusy is when a request that was turned away may come again.
const retryBusy = 10 * time.Second

// pool bounds the requests of one kind.
type pool struct {
	slots    chan struct{} // one element for each request
	stopping atomic.Bool
	shed     prometheus.Counter
}

func (p *pool) enter() error {
	if p.stopping.Load() {
		return p.turnAway(paylink.Fail(paylink.Unavailable, "server.stopping"))
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
		return p.turnAway(paylink.Fail(paylink.Unavailable, "server.busy"))
	}
}

func (p *pool) turnAway(why *paylink.Error) error {
	p.shed.Inc()
	why.After = retryBusy
	return why
}

func (p *pool) leave() { <-p.slots }

// load is what the site has to do, and what it is counted by.
type load struct {
	presses, webhooks, arriving, staff, static, pages *pool

	limited *prometheus.CounterVec
}

// newLoad makes the pools and, where there is a registry, lets it see them.
func newLoad(registry prometheus.Registerer) *load {
	l := &load{limited: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "paylink_limited_total", Help: "Requests that a limit against abuse turned away, by the limit.",
	}, []string{"limit"})}
	shed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "paylink_requests_shed_total", Help: "Requests that were turned away because too many were under way, by their kind.",
	}, []string{"kind"})
	collectors := []prometheus.Collector{l.limited, shed}
	for _, kind := range []struct {
		name string
		pool **pool
		most int
	}{
		{"press", &l.presses, mostPresses},
		{"webhook", &l.webhooks, mostWebhooks},
		{"webhook_arriving", &l.arriving, mostArriving},
		{"staff", &l.staff, mostStaff},
		{"static", &l.static, mostStatic},
		{"page", &l.pages, mostPages},
	} {
		p := &pool{slots: make(chan struct{}, kind.most), shed: shed.WithLabelValues(kind.name)}
		*kind.pool = p
		collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "paylink_requests_in_flight", Help: "Requests under way, by their kind.",
			ConstLabels: prometheus.Labels{"kind": kind.name},
		}, func() float64 { return float64(len(p.slots)) }))
	}
	if registry != nil {
		registry.MustRegister(collectors...)
	}
	return l
}

// presses says whether a route is one at which a payment begins: a payer's, or that of staff for a caller.
func presses(route string) bool {
	return route == "/pay/:link/payments" || route == "/desk/invoices/:invoice/take"
}

// of is the pool of a request; nil for those that must always be answered.
func (l *load) of(c echo.Context) *pool {
	path := c.Request().URL.Path
	switch {
	case path == "/healthz" || path == "/readyz":
		return nil
	case presses(c.Path()) && c.Request().Method == http.MethodPost:
		return l.presses
	case strings.HasPrefix(path, static.Prefix):
		return l.static
	case strings.HasPrefix(path, "/webhooks/"):
		return l.webhooks
	case strings.HasPrefix(path, "/desk") || strings.HasPrefix(path, "/api/"):
		return l.staff
	}
	return l.pages
}

// admit lets as many requests in as their kind may have under way, and answers 503 to the others before
// anything was done for them.
func (r *Renderer) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p := r.load.of(c)
		if p == nil {
			return next(c)
		}
		if err := r.arrive(c, p); err != nil {
			return err
		}
		if err := p.enter(); err != nil {
			c.Set("firm", paylink.Firm{}) // the answer costs no look into the database
			return err
		}
		defer p.leave()
		return next(c)
	}
}

// arrive reads what is sent before its request takes a place: a form of a few kilobytes, or a webhook,
// of which so many are read at once that they fit into memory.
func (r *Renderer) arrive(c echo.Context, p *pool) error {
	switch p {
	case r.load.presses:
		return readWhole(c.Request())
	case r.load.webhooks:
		if err := r.load.arriving.enter(); err != nil {
			c.Set("firm", paylink.Firm{})
			return err
		}
		defer r.load.arriving.leave()
		return readWhole(c.Request())
	}
	return nil
}

// readWhole reads the body before the request takes a place: who sends slowly keeps nobody else from
// paying, and no provider from telling. limitBody bounds what is read, the server's ReadTimeout how long.
func readWhole(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return err
	}
	if err != nil { // cut off, or too slow
		return &echo.HTTPError{Code: http.StatusBadRequest, Internal: err}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// Limited counts a request that a limit against abuse turned away.
func (r *Renderer) Limited(limit string) { r.load.limited.WithLabelValues(limit).Inc() }

// Drain turns away new presses of Pay and waits until those under way are done, or ctx ends.
func (r *Renderer) Drain(ctx context.Context) error {
	p := r.load.presses
	p.stopping.Store(true)
	for range cap(p.slots) { // whoever holds every place is alone
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
