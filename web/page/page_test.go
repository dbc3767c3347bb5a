package page_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/static"
	"paylink/templates"
	"paylink/web/page"
)

// pages are parsed once for all tests.
var pages = sync.OnceValue(templates.Load)

var today = time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)

type site struct {
	*echo.Echo
	log bytes.Buffer
	r   *page.Renderer
	now time.Time
}

func newSite(t *testing.T, base string) *site {
	t.Helper()
	ring, _ := paylink.NewKeyRing("k")
	s := &site{Echo: echo.New(), now: today}
	s.r = page.New(page.Options{
		Pages: pages(), Files: static.Load(), Ring: ring, BaseURL: base, StripeJS: "https://js.stripe.com/v3/",
		Firm: func(context.Context) (paylink.Firm, error) { return paylink.Firm{Name: "Northwind Studio"}, nil },
		Now:  func() time.Time { return s.now }, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	s.r.Use(s.Echo)
	return s
}

func (s *site) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestEveryKindOfErrorHasOneAnswerAndNoCauseLeaks(t *testing.T) {
	const cause = "SELECT secret"
	tests := map[string]struct {
		err    error
		status int
	}{
		"not found":   {paylink.Fail(paylink.NotFound, "link.unknown").Because(errors.New(cause)), 404},
		"invalid":     {paylink.FailField("email", "email").Because(errors.New(cause)), 422},
		"conflict":    {paylink.Fail(paylink.Conflict, "invoice.changed").Because(errors.New(cause)), 409},
		"declined":    {paylink.Fail(paylink.Declined, "payable.paid").Because(errors.New(cause)), 402},
		"unavailable": {paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(errors.New(cause)), 503},
		"wrapped":     {fmt.Errorf("show: %w", paylink.Fail(paylink.NotFound, "link.unknown")), 404},
		"our fault":   {errors.New(cause), 500},
		"echo's own":  {echo.NewHTTPError(415, cause), 415},
		"too long":    {fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 1}), 413},
		"panic":       {nil, 500},
	}
	for name, tt := range tests {
		for _, accept := range []string{"text/html", "application/json"} {
			t.Run(name+" "+accept, func(t *testing.T) {
				s := newSite(t, "http://127.0.0.1:8080")
				s.GET("/x", func(echo.Context) error {
					if tt.err == nil {
						panic(cause)
					}
					return tt.err
				})
				w := s.ask("GET", "/x", "", "Accept", accept)
				if w.Code != tt.status {
					t.Errorf("status %d, want %d", w.Code, tt.status)
				}
				want := "text/html"
				if accept != want {
					want = "application/problem+json"
				}
				if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
					t.Errorf("type %q", got)
				}
				if strings.Contains(w.Body.String(), cause) {
					t.Errorf("the cause is shown: %s", w.Body)
				}
				if strings.Contains(w.Body.String(), "error.") {
					t.Errorf("a sentence is missing: %s", w.Body)
				}
				if tt.status == 500 && (!strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) || !strings.Contains(s.log.String(), cause)) {
					t.Errorf("a fault of ours must be told with its reference and logged with its cause: %s", &s.log)
				}
				if got := strings.Count(s.log.String(), "msg=request"); got != 1 {
					t.Errorf("%d log lines", got)
				}
			})
		}
	}
}
