package page_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/labstack/echo/v4"

	"paylink/web/page"
)

func TestTheClientIsWhoATrustedProxySaw(t *testing.T) {
	r := page.New(page.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	e := echo.New()
	for name, test := range map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"no proxy":            {"203.0.113.9:4000", nil, "203.0.113.9"},
		"a claim of anybody":  {"203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":           {"10.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1"},
		"a claim before it":   {"10.0.0.1:4000", []string{"192.0.2.1, 198.51.100.1"}, "198.51.100.1"},
		"a claimed proxy":     {"10.0.0.1:4000", []string{"192.0.2.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		"a header of its own": {"10.0.0.1:4000", []string{"192.0.2.1", "198.51.100.1"}, "198.51.100.1"},
		"two proxies":         {"10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"nothing said":        {"10.0.0.1:4000", nil, "10.0.0.1"},
		"only proxies":        {"10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.1"},
		"rubbish last":        {"10.0.0.1:4000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		"with a port":         {"10.0.0.1:4000", []string{"198.51.100.1:5050"}, "198.51.100.1"},
		"IPv6":                {"[fd00::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 as IPv6":        {"[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			request.RemoteAddr = test.peer
			for _, h := range test.headers {
				request.Header.Add("X-Forwarded-For", h)
			}
			if got := r.Client(e.NewContext(request, httptest.NewRecorder())); got.String() != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// One customer has a network of 64 bits, and would otherwise count as many.
func TestAPlaceIsAnAddressOrANetwork(t *testing.T) {
	r := page.New(page.Options{})
	for peer, want := range map[string]string{
		"203.0.113.9:4000":            "203.0.113.9",
		"[2001:db8:1:2:3:4:5:6]:4000": "2001:db8:1:2::/64",
		"[2001:db8:1:2::ffff]:4000":   "2001:db8:1:2::/64",
		"[::ffff:203.0.113.9]:4000":   "203.0.113.9",
		"@":                           "unknown",
	} {
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		request.RemoteAddr = peer
		if got := r.Place(echo.New().NewContext(request, httptest.NewRecorder())); got != want {
			t.Errorf("%s: %s, want %s", peer, got, want)
		}
	}
}
