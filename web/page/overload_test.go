package page_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"paylink"
	"paylink/static"
	"paylink/web/page"
)

// crowd is a site whose handlers work until they are let go.
type crowd struct {
	*echo.Echo
	render  *page.Renderer
	metrics *prometheus.Registry
	entered chan string
	release chan struct{}
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	ring, _ := paylink.NewKeyRing("t1")
	c := &crowd{Echo: echo.New(), metrics: prometheus.NewRegistry(), entered: make(chan string, 1000), release: make(chan struct{})}
	c.render = page.New(page.Options{
		Pages: pages(), Files: static.Load(), Ring: ring, BaseURL: "http://pay.test", Now: time.Now, Log: slog.New(slog.DiscardHandler), Metrics: c.metrics,
		Firm: func(context.Context) (paylink.Firm, error) {
			return paylink.Firm{}, errors.New("the database was asked")
		},
	})
	c.render.Use(c.Echo)
	work := func(e echo.Context) error {
		c.entered <- e.Path()
		<-c.release
		return e.NoContent(http.StatusNoContent)
	}
	for _, path := range []string{"/pay/:link", "/desk/x", "/api/v1/x", "/webhooks/x", "/healthz", "/readyz"} {
		c.Any(path, work)
	}
	c.POST("/pay/:link/payments", work)
	c.Any("/desk/invoices/:invoice/take", work)
	c.POST("/pay/:link/payments/:payment/check", work)
	return c
}

func (c *crowd) ask(method, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, "http://pay.test"+path, strings.NewReader("amount=1"))
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

// fill keeps so many requests under way.
func (c *crowd) fill(wait *sync.WaitGroup, method, path string, n int) {
	for range n {
		wait.Go(func() { c.ask(method, path) })
	}
	for range n {
		<-c.entered
	}
}

func (c *crowd) metric(t *testing.T, name, kind string) float64 {
	t.Helper()
	families, err := c.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == kind {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// Each kind of request has places of its own: when they are taken, the next one hears 503 at once and when
// to come again, before anything was done for it; and nobody at another door notices.
func TestOverloadTurnsAwayBeforeAnythingIsDone(t *testing.T) {
	for name, kind := range map[string]struct {
		method, path string
		most         int
	}{
		"press": {"POST", "/pay/lnk_1/payments", 50}, "webhook": {"POST", "/webhooks/x", 128},
		"staff": {"GET", "/desk/x", 48}, "page": {"GET", "/pay/lnk_1", 256},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t)
			var wait sync.WaitGroup
			c.fill(&wait, kind.method, kind.path, kind.most)
			if n := c.metric(t, "paylink_requests_in_flight", name); n != float64(kind.most) {
				t.Errorf("%v under way, want %d", n, kind.most)
			}
			w := c.ask(kind.method, kind.path)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), "Nothing was charged") {
				t.Errorf("one more: %d %v %s", w.Code, w.Header(), w.Body)
			}
			if n := c.metric(t, "paylink_requests_shed_total", name); n != 1 {
				t.Errorf("%v turned away, want 1", n)
			}
			for _, other := range [][2]string{{"POST", "/pay/lnk_1/payments"}, {"POST", "/webhooks/x"}, {"GET", "/desk/x"}, {"GET", "/api/v1/x"}, {"GET", "/pay/lnk_1"}, {"POST", "/pay/lnk_1/payments/pay_1/check"}, {"GET", "/healthz"}, {"GET", "/readyz"}} {
				if same := other[1] == kind.path || name == "staff" && other[1] == "/api/v1/x" || name == "page" && strings.HasPrefix(other[1], "/pay/") && !strings.HasSuffix(other[1], "/payments"); same {
					continue
				}
				wait.Go(func() {
					if w := c.ask(other[0], other[1]); w.Code != http.StatusNoContent {
						t.Errorf("%s: %d", other[1], w.Code)
					}
				})
			}
			close(c.release)
			wait.Wait()
			if w := c.ask(kind.method, kind.path); w.Code != http.StatusNoContent {
				t.Errorf("after the crowd: %d", w.Code)
			}
		})
	}
}

// Static files have places of their own too, and are not shed by a crowd of pages.
func TestStaticFilesAreServedBesideACrowd(t *testing.T) {
	c := newCrowd(t)
	var wait sync.WaitGroup
	c.fill(&wait, "GET", "/pay/lnk_1", 256)
	if w := c.ask("GET", static.Load().URL("pay.css")); w.Code != http.StatusOK {
		t.Errorf("%d", w.Code)
	}
	close(c.release)
	wait.Wait()
}

// Who sends a form or a webhook slowly takes no place from those who want to pay, or to tell.
func TestSlowSendersKeepNobodyOut(t *testing.T) {
	for path, places := range map[string]int{"/pay/lnk_1/payments": 50, "/webhooks/x": 128} {
		t.Run(path, func(t *testing.T) {
			c := newCrowd(t)
			var wait sync.WaitGroup
			var slow []*io.PipeWriter
			for range places + 10 {
				body, send := io.Pipe()
				slow = append(slow, send)
				r := httptest.NewRequestWithContext(t.Context(), "POST", "http://pay.test"+path, body)
				wait.Go(func() { c.ServeHTTP(httptest.NewRecorder(), r) })
				if _, err := send.Write([]byte("amount=")); err != nil {
					t.Fatal(err)
				}
			}
			c.fill(&wait, "POST", path, places)
			close(c.release)
			for _, send := range slow {
				_ = send.Close()
			}
			wait.Wait()
		})
	}
}

// What is still being sent by webhooks fits into memory: above that the next one hears to come again.
func TestOnlySoManyWebhooksAreReadAtOnce(t *testing.T) {
	c := newCrowd(t)
	var wait sync.WaitGroup
	var slow []*io.PipeWriter
	for range 512 {
		body, send := io.Pipe()
		slow = append(slow, send)
		r := httptest.NewRequestWithContext(t.Context(), "POST", "http://pay.test/webhooks/x", body)
		wait.Go(func() { c.ServeHTTP(httptest.NewRecorder(), r) })
		if _, err := send.Write([]byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	if w := c.ask("POST", "/webhooks/x"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d", w.Code)
	}
	close(c.release)
	for _, send := range slow {
		_ = send.Close()
	}
	wait.Wait()
	if w := c.ask("POST", "/webhooks/x"); w.Code != http.StatusNoContent {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// A stop turns new presses away, and waits for those under way; other requests are answered meanwhile.
func TestAStopWaitsForPressesAndTakesNone(t *testing.T) {
	c := newCrowd(t)
	var wait sync.WaitGroup
	c.fill(&wait, "POST", "/pay/lnk_1/payments", 3)
	done := make(chan error, 1)
	go func() { done <- c.render.Drain(t.Context()) }()
	for c.metric(t, "paylink_requests_in_flight", "press") < 50 { // until the stop holds every other place
		runtime.Gosched()
	}
	if w := c.ask("POST", "/desk/invoices/inv_1/take"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("staff begin a payment while the server stops: %d", w.Code)
	}
	if w := c.ask("POST", "/pay/lnk_1/payments"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "about to restart") {
		t.Errorf("a press: %d %v %s", w.Code, w.Header(), w.Body)
	}
	wait.Go(func() {
		if w := c.ask("GET", "/pay/lnk_1"); w.Code != http.StatusNoContent {
			t.Errorf("a page: %d", w.Code)
		}
	})
	select {
	case err := <-done:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	close(c.release)
	wait.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAStopWaitsNoLongerThanItIsGiven(t *testing.T) {
	c := newCrowd(t)
	var wait sync.WaitGroup
	c.fill(&wait, "POST", "/pay/lnk_1/payments", 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.render.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(c.release)
	wait.Wait()
}
