package page_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// jar is a site whose /set gives a cookie and whose /get reads it.
func jar(t *testing.T, base string) (s *site, set *http.Cookie) {
	t.Helper()
	s = newSite(t, base)
	s.GET("/set", func(c echo.Context) error {
		s.r.SetCookie(c, "link_1", "värde;\n", time.Hour)
		return c.NoContent(http.StatusOK)
	})
	s.GET("/get/:name", func(c echo.Context) error {
		value, ok := s.r.Cookie(c, c.Param("name"))
		if !ok {
			return echo.ErrForbidden
		}
		return c.String(http.StatusOK, value)
	})
	return s, s.ask("GET", "/set", "").Result().Cookies()[0]
}

func TestACookieIsBelievedOnlyAsItWasGiven(t *testing.T) {
	s, set := jar(t, "http://127.0.0.1:8080")
	get := func(name, value string) int { return s.ask("GET", "/get/"+name, "", "Cookie", name+"="+value).Code }
	if w := s.ask("GET", "/get/link_1", "", "Cookie", "link_1="+set.Value); w.Code != 200 || w.Body.String() != "värde;\n" {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
	parts := strings.SplitN(set.Value, ".", 3)
	forged := map[string]string{
		"another value":     "eA." + parts[1] + "." + parts[2],
		"a longer life":     parts[0] + ".9999999999." + parts[2],
		"no signature":      parts[0] + "." + parts[1],
		"another signature": parts[0] + "." + parts[1] + "." + strings.Replace(parts[2], ".", ".A", 1),
		"nothing":           "",
	}
	for name, value := range forged {
		if got := get("link_1", value); got != 403 {
			t.Errorf("%s: %d", name, got)
		}
	}
	// A cookie of one link is none of another's.
	if got := get("link_2", set.Value); got != 403 {
		t.Errorf("under another name: %d", got)
	}
	s.now = s.now.Add(time.Hour)
	if got := get("link_1", set.Value); got != 403 {
		t.Errorf("after its end: %d", got)
	}
}

func TestCookiesAreKeptFromScriptsAndOtherSites(t *testing.T) {
	_, plain := jar(t, "http://127.0.0.1:8080")
	if plain.Name != "link_1" || plain.Secure || !plain.HttpOnly || plain.SameSite != http.SameSiteLaxMode || plain.Path != "/" || plain.Domain != "" {
		t.Errorf("%+v", plain)
	}
	_, secure := jar(t, "https://pay.northwind.example")
	if secure.Name != "__Host-link_1" || !secure.Secure || !secure.HttpOnly || secure.Path != "/" || secure.Domain != "" {
		t.Errorf("%+v", secure)
	}
}

func TestAFlashIsShownOnce(t *testing.T) {
	s := newSite(t, "http://127.0.0.1:8080")
	s.GET("/leave", func(c echo.Context) error {
		s.r.Flash(c, "Link sent")
		return c.NoContent(http.StatusOK)
	})
	s.GET("/take", func(c echo.Context) error { return c.String(http.StatusOK, s.r.TakeFlash(c)) })
	left := s.ask("GET", "/leave", "").Result().Cookies()[0]
	w := s.ask("GET", "/take", "", "Cookie", left.Name+"="+left.Value)
	if w.Body.String() != "Link sent" || len(w.Result().Cookies()) != 1 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("%q, then %v", w.Body, w.Result().Cookies())
	}
}
