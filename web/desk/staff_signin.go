package desk

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/templates"
	"paylink/web/page"
)

const (
	signInPath    = "/desk/sign-in"
	sessionCookie = "desk"
)

// askSignIn sends a browser without a session to the sign-in page, and back to where it was after it.
func (h *Handlers) askSignIn(c echo.Context) error {
	r := c.Request()
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		h.pages.Flash(c, h.pages.Words(c, h.pages.Locale(c)).T("desk.signin.lost"))
		next = "/desk"
		if u, err := url.Parse(r.Referer()); err == nil && u.Host == r.Host && local(u.RequestURI()) {
			next = u.RequestURI()
		}
	}
	to := signInPath
	if next != "/desk" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	return seeOther(c, to)
}

func (h *Handlers) showSignIn(c echo.Context) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	p := h.signInPage(c, "", query.Get("next"))
	p.Toast = h.pages.TakeFlash(c)
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) signInPage(c echo.Context, email, next string) templates.DeskSignIn {
	v := visit{firm: h.pages.Firm(c), words: h.pages.Words(c, h.pages.Locale(c))}
	p := templates.DeskSignIn{Next: next}
	p.Page = h.pages.Page(c, v.words.Locale(), "desk.signin.window", "firm", v.firm.Name)
	p.Firm = templates.FootOf(v.firm)
	p.Fields = []templates.Field{
		{Name: "email", Kind: "email", Label: v.words.T("desk.signin.email"), Value: email, Auto: "username", Most: paylink.MaxEmail},
		{Name: "password", Kind: "password", Label: v.words.T("desk.signin.password"), Auto: "current-password", Most: 500},
	}
	return p
}

func (h *Handlers) signIn(c echo.Context) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	email, next := form.Text("email"), form.Get("next")
	cookie, _, err := h.access.SignIn(c.Request().Context(), email, form.Get("password"), h.place(c))
	if kind := paylink.KindOf(err); kind == paylink.Invalid || kind == paylink.Unavailable {
		e, _ := errors.AsType[*paylink.Error](err)
		p := h.signInPage(c, email, next)
		p.Problems.Problems = visit{words: p.Words}.problems(e, nil)
		if kind == paylink.Unavailable {
			c.Response().Header().Set("Retry-After", "60")
		}
		return h.pages.Show(c, page.Status(err), p)
	}
	if err != nil {
		return err
	}
	h.pages.SetCookie(c, sessionCookie, cookie, access.SessionLife)
	if !local(next) {
		next = "/desk"
	}
	return seeOther(c, next)
}

func (h *Handlers) signOut(c echo.Context) error {
	if err := h.access.SignOut(c.Request().Context(), cookieValue(c, h)); err != nil {
		return err
	}
	h.pages.ClearCookie(c, sessionCookie)
	h.pages.Flash(c, h.pages.Words(c, h.pages.Locale(c)).T("desk.signin.out"))
	return seeOther(c, signInPath)
}

// place is where a request comes from, as tries are counted: an address, or the /64 of an IPv6 one,
// for whoever has one of those has all of it.
func (h *Handlers) place(c echo.Context) string {
	at := h.pages.Client(c)
	if !at.IsValid() {
		return c.Request().RemoteAddr
	}
	if at.Is6() {
		return netip.PrefixFrom(at, 64).Masked().String()
	}
	return at.String()
}
