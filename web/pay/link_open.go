package pay

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
)

// visitLife is how long a browser may see the invoice after it opened the link.
const visitLife = 12 * time.Hour

// openLink trades the token in the address for a cookie and leads to an address without it, before
// anything of others is loaded: to the invoice, or to the receipt of a payment made through this link,
// which ?receipt= names. It writes nothing: a mail scanner may be asking.
func (h *Handlers) openLink(c echo.Context) error {
	token, err := paylink.ParseToken(c.Param("token"))
	if err != nil {
		return h.unknown(c, err)
	}
	link, err := h.store.LinkByTokenHash(c.Request().Context(), token.Hash())
	if err != nil {
		return h.unknown(c, err)
	}
	if err := link.Usable(h.pages.Now()); err != nil {
		return h.ended(c, link, err)
	}
	next := "/pay/" + link.ID
	if id := c.QueryParam("receipt"); id != "" {
		p, err := h.store.Payment(c.Request().Context(), id)
		if err != nil && paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		if err == nil && p.LinkID == link.ID && p.ReceiptID != "" {
			next += "/payments/" + p.ID + "#receipt"
		}
	}
	h.pages.SetCookie(c, cookieName(link.ID), cookieValue(link), visitLife)
	return seeOther(c, next)
}

// ended answers for a link that works no more, without a word about the invoice.
func (h *Handlers) ended(c echo.Context, link paylink.Link, why error) error {
	e, ok := errors.AsType[*paylink.Error](why)
	if !ok || forScript(c) {
		return why
	}
	key := "pay.ended.expired"
	if e.Code == "link.revoked" {
		key = "pay.ended.revoked"
	}
	v := templates.PayEnded{Frame: h.pages.Frame(c, link.Locale, key)}
	v.Answer = templates.Answer{Colour: "mute", Icon: "link", Heading: v.T(key), Lead: v.T(key+".lead", e.Args...)}
	v.Fresh.Action = "/pay/" + link.ID + "/fresh"
	return h.pages.Show(c, http.StatusNotFound, v)
}

// closed answers a browser that did not come by the link. It is the same whether there is such a
// link or not.
func (h *Handlers) closed(c echo.Context, id string) error {
	if forScript(c) {
		return echo.ErrForbidden
	}
	v := h.closedPage(c, id)
	return h.pages.Show(c, http.StatusForbidden, v)
}

func (h *Handlers) closedPage(c echo.Context, id string) templates.PayEnded {
	const key = "pay.ended.closed"
	v := templates.PayEnded{Frame: h.pages.Frame(c, h.pages.Locale(c), key)}
	v.Answer = templates.Answer{Colour: "mute", Icon: "link", Heading: v.T(key), Lead: v.T(key + ".lead")}
	v.Fresh.Action = "/pay/" + id + "/fresh"
	return v
}
