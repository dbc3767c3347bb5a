package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
	"paylink/web/page"
)

// sendFresh mails a new link to the address the old one was made for. The answer is the same whether
// the link exists and whether the address is the right one.
func (h *Handlers) sendFresh(c echo.Context) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	id, typed := c.Param("link"), form.Text("email")
	if _, err := paylink.ParseEmail(typed); err != nil {
		v := h.closedPage(c, id)
		v.Title = v.Words.T("word.error", "title", v.Title)
		v.Fresh.Email = typed
		v.Fresh.Problems = templates.ProblemsOf(v.Words, paylink.FailField("email", "email"))
		return h.pages.Show(c, http.StatusUnprocessableEntity, v)
	}
	if err := h.mayMail(c); err != nil {
		return err
	}
	if err := h.invoicing.FreshLink(c.Request().Context(), id, typed); err != nil {
		return err
	}
	return seeOther(c, "/pay/"+id+"/fresh")
}

// showFreshSent says where to look. It knows nothing of any link.
func (h *Handlers) showFreshSent(c echo.Context) error {
	v := templates.PayClosed{Frame: h.pages.Frame(c, h.pages.Locale(c), "pay.fresh.sent")}
	v.Answer = templates.Answer{Colour: "accent", Icon: "envelope", Heading: v.T("pay.fresh.sent"), Lead: v.T("pay.fresh.sent.lead")}
	v.Second = &templates.Press{Link: "/pay/" + c.Param("link"), Label: v.T("pay.fresh.another")}
	return h.pages.Show(c, http.StatusOK, v)
}
