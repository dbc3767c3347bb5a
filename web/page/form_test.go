package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/web/page"
)

const formType = "application/x-www-form-urlencoded"

func TestAFormCanMeanOneThingOnly(t *testing.T) {
	tests := map[string]struct {
		body, kind string
		status     int
	}{
		"as it should be":        {"amount=225.00&note=a%0D%0Ab", formType, 200},
		"with a charset":         {"amount=1", formType + "; charset=utf-8", 200},
		"a field twice":          {"amount=1&amount=2", formType, 422},
		"a field twice, encoded": {"amount=1&%61mount=2", formType, 422},
		"no UTF-8":               {"amount=%ff", formType, 422},
		"a name without UTF-8":   {"%ff=1", formType, 422},
		"NUL":                    {"amount=5%00", formType, 422},
		"escape":                 {"amount=%1b[2J", formType, 422},
		"half an escape":         {"amount=%4", formType, 422},
		"a semicolon":            {"a=1;b=2", formType, 422},
		"many parts":             {"--x\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x", 422},
		"JSON":                   {`{"amount":1}`, "text/plain", 422},
		"no type":                {"amount=1", "", 422},
		"too long":               {"amount=" + strings.Repeat("5", 64<<10), formType, 413},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "http://127.0.0.1:8080")
			s.POST("/x", func(c echo.Context) error {
				form, err := page.ReadForm(c)
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, form.Text("note"))
			})
			w := s.ask("POST", "/x", tt.body, "Content-Type", tt.kind)
			if w.Code != tt.status {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
			if name == "as it should be" && w.Body.String() != "a\nb" {
				t.Errorf("got %q", w.Body)
			}
			// Without a length that can be asked first, too.
			if tt.status == 413 {
				r := httptest.NewRequest("POST", "/x", strings.NewReader(tt.body))
				r.ContentLength = -1
				r.Header.Set("Content-Type", tt.kind)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != 413 {
					t.Errorf("%d without a length", w.Code)
				}
			}
		})
	}
}

func TestAQueryCanMeanOneThingOnly(t *testing.T) {
	s := newSite(t, "http://127.0.0.1:8080")
	s.GET("/x", func(c echo.Context) error {
		_, err := page.ReadQuery(c)
		return err
	})
	for query, status := range map[string]int{"a=1": 200, "": 200, "a=1&a=2": 422, "a=%ff": 422, "a=%zz": 422, "a=%00": 422} {
		if w := s.ask("GET", "/x?"+query, ""); w.Code != status {
			t.Errorf("%q: %d", query, w.Code)
		}
	}
}

// An address has one spelling.
func TestOddPathsAreNotFound(t *testing.T) {
	s := newSite(t, "http://127.0.0.1:8080")
	s.GET("/pay/:link", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("link")) })
	for path, status := range map[string]int{"/pay/x": 200, "/pay/%2e%2e%2f": 404, "/pay/a%2fb": 404, "/pay/%ff": 404, "/pay/a%00": 404, "/pay/%41": 404} {
		if w := s.ask("GET", path, ""); w.Code != status {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func FuzzFormDecode(f *testing.F) {
	for _, seed := range []string{"amount=1&nonce=x", "amount=1&amount=2", "a=%ff", "a=%00", "a;b", "&&&=", "%", "a=\xff"} {
		f.Add(seed)
	}
	e := echo.New()
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", formType)
		form, err := page.ReadForm(e.NewContext(r, httptest.NewRecorder()))
		if err != nil {
			if paylink.KindOf(err) != paylink.Invalid {
				t.Errorf("refused as %v", err)
			}
			return
		}
		// What was taken has one value for each name, and nothing in it that hides.
		values, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("taken: %q", body)
		}
		for name, all := range values {
			if len(all) != 1 || form.Get(name) != all[0] || strings.ContainsAny(all[0], "\x00\x1b\x7f") {
				t.Errorf("taken: %q", body)
			}
		}
	})
}
