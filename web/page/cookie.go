package page

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// CookieName is the name a cookie goes by: with the __Host- prefix where the site is https, so that
// no neighbour under the same domain can set it.
// https://www.rfc-editor.org/rfc/rfc6265bis §4.1.3.2
func (r *Renderer) CookieName(name string) string {
	if r.secure {
		return "__Host-" + name
	}
	return name
}

// SetCookie gives the browser a signed value that ends after life, whatever the browser does. The
// value is readable: it is no place for a secret.
func (r *Renderer) SetCookie(c echo.Context, name, value string, life time.Duration) {
	ends := strconv.FormatInt(r.o.Now().Add(life).Unix(), 10)
	text := base64.RawURLEncoding.EncodeToString([]byte(value)) + "." + ends
	r.cookie(c, name, text+"."+r.o.Ring.Sign("cookie/"+name, text), int(life/time.Second))
}

// Cookie is the value that SetCookie gave; false when there is none, when it ended or when it is not
// ours.
func (r *Renderer) Cookie(c echo.Context, name string) (string, bool) {
	cookie, err := c.Cookie(r.CookieName(name))
	if err != nil {
		return "", false
	}
	encoded, rest, _ := strings.Cut(cookie.Value, ".")
	ends, signature, _ := strings.Cut(rest, ".")
	if !r.o.Ring.Signed("cookie/"+name, encoded+"."+ends, signature) {
		return "", false
	}
	end, err := strconv.ParseInt(ends, 10, 64)
	if err != nil || r.o.Now().Unix() >= end {
		return "", false
	}
	value, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(value), err == nil
}

// ClearCookie takes it back.
func (r *Renderer) ClearCookie(c echo.Context, name string) { r.cookie(c, name, "", -1) }

func (r *Renderer) cookie(c echo.Context, name, value string, maxAge int) {
	c.SetCookie(&http.Cookie{
		Name: r.CookieName(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: r.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Flash leaves one sentence for the next page that this browser is shown.
func (r *Renderer) Flash(c echo.Context, sentence string) { r.Leave(c, "flash", sentence) }

// TakeFlash is the sentence that was left, once.
func (r *Renderer) TakeFlash(c echo.Context) string { return r.Take(c, "flash") }

// Leave leaves a word under a name of its own for the page that takes it, for a minute.
func (r *Renderer) Leave(c echo.Context, name, word string) { r.SetCookie(c, name, word, time.Minute) }

// Take is the word that was left, once.
func (r *Renderer) Take(c echo.Context, name string) string {
	word, ok := r.Cookie(c, name)
	if ok {
		r.ClearCookie(c, name)
	}
	return word
}
