package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

const strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	s := newSite(t, "https://pay.northwind.example")
	s.GET("/page", func(c echo.Context) error { return c.String(http.StatusOK, "page") })
	s.GET("/l/:token", func(c echo.Context) error { return c.NoContent(http.StatusSeeOther) })
	s.GET("/panic", func(echo.Context) error { panic("x") })
	for path, referrer := range map[string]string{"/page": "same-origin", "/l/x": "no-referrer", "/panic": "same-origin", "/nothing": "same-origin", "/l/x/y": "no-referrer"} {
		h := s.ask("GET", path, "").Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      strict,
			"X-Content-Type-Options":       "nosniff",
			"Cache-Control":                "no-store",
			"Referrer-Policy":              referrer,
			"Cross-Origin-Opener-Policy":   "same-origin-allow-popups",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "max-age=31536000",
			"Permissions-Policy":           "camera=(), microphone=(), geolocation=()",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if !strings.HasPrefix(h.Get("X-Request-Id"), "req_") {
			t.Errorf("%s has no request id", path)
		}
	}
	plain := newSite(t, "http://127.0.0.1:8080")
	if got := plain.ask("GET", "/nothing", "").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("a site without https asks for it: %q", got)
	}
}

// The page with the card form opens to Stripe's hosts, or to those of its stand-in, and to nobody else.
func TestOnlyThePayPageOpensToStripe(t *testing.T) {
	s := newSite(t, "https://pay.northwind.example")
	s.GET("/pay", func(c echo.Context) error {
		s.r.AllowStripe(c)
		return c.String(http.StatusOK, "")
	})
	want := "default-src 'none'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; style-src 'self'; img-src 'self' data: https://*.stripe.com; " +
		"connect-src 'self' https://api.stripe.com; frame-src 'self' https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if got := s.ask("GET", "/pay", "").Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheSiteMayFrameItsDocuments(t *testing.T) {
	s := newSite(t, "https://pay.northwind.example")
	s.GET("/r.pdf", func(c echo.Context) error { return s.r.PDF(c, "R-2026\r\n\"é.pdf", []byte("%PDF-")) })
	h := s.ask("GET", "/r.pdf", "").Header()
	if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'self'") || h.Get("Content-Disposition") != `inline; filename="R-2026----.pdf"` || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	if got := s.ask("GET", "/r.pdf?download=1", "").Header().Get("Content-Disposition"); got != `attachment; filename="R-2026----.pdf"` {
		t.Errorf("%q", got)
	}
}

// What another site makes a browser send is refused; programs, which send no Origin, pass.
func TestAnotherSiteCannotPost(t *testing.T) {
	tests := map[string]struct {
		header []string
		status int
	}{
		"the site itself":            {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://pay.northwind.example"}, 200},
		"behind a proxy":             {[]string{"Origin", "https://pay.northwind.example"}, 200},
		"a program":                  {nil, 200},
		"another site":               {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		"another site, old browser":  {[]string{"Origin", "https://evil.example"}, 403},
		"a page without an origin":   {[]string{"Origin", "null"}, 403},
		"a neighbour of the site":    {[]string{"Sec-Fetch-Site", "same-site", "Origin", "https://evil.northwind.example"}, 403},
		"the site on another scheme": {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://pay.northwind.example"}, 403},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "https://pay.northwind.example")
			done := false
			s.POST("/x", func(c echo.Context) error {
				done = true
				return c.String(http.StatusOK, "")
			})
			if w := s.ask("POST", "/x", "", tt.header...); w.Code != tt.status || done != (tt.status == 200) {
				t.Errorf("%d, done: %v", w.Code, done)
			}
		})
	}
}
