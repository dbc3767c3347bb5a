package page

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"paylink"
)

// Form is what a browser sent: each field once, in valid UTF-8, without control characters but line
// breaks and tabs.
type Form struct{ values url.Values }

// ReadForm reads a posted form, strictly: what could mean two things is refused, because a proxy, a
// log or we might each take another meaning.
func ReadForm(c echo.Context) (Form, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return Form{}, paylink.Fail(paylink.Invalid, "form.unreadable")
	}
	if err := r.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return Form{}, fmt.Errorf("read form: %w", err)
		}
		return Form{}, paylink.Fail(paylink.Invalid, "form.unreadable").Because(err)
	}
	if err := check(r.PostForm); err != nil {
		return Form{}, err
	}
	return Form{r.PostForm}, nil
}

// ReadQuery reads the address's query as strictly as a form.
func ReadQuery(c echo.Context) (Form, error) {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return Form{}, paylink.Fail(paylink.Invalid, "form.unreadable").Because(err)
	}
	if err := check(values); err != nil {
		return Form{}, err
	}
	return Form{values}, nil
}

func check(values url.Values) error {
	for name, all := range values {
		if len(all) > 1 {
			return paylink.Fail(paylink.Invalid, "form.repeated")
		}
		if !clean(name) || !clean(all[0]) {
			return paylink.Fail(paylink.Invalid, "form.unreadable")
		}
	}
	return nil
}

func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	})
}

// Get is a field as sent; "" when it was not.
func (f Form) Get(name string) string { return f.values.Get(name) }

// Text is a field without the white space around it, with \n line breaks.
func (f Form) Text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(f.values.Get(name), "\r\n", "\n"))
}

// Has says whether the field was sent at all.
func (f Form) Has(name string) bool { return f.values.Has(name) }

// On says whether a box was ticked.
func (f Form) On(name string) bool { return f.values.Get(name) == "on" }
