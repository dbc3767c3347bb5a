package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
	"paylink/web/page"
)

// forwardedCookie is the name of the cookie that tells the next page whom a link was mailed to.
const forwardedCookie = "forwarded"

// showForward asks whom to send the invoice to; after that it says that it is sent.
func (h *Handlers) showForward(c echo.Context, v visit) error {
	if email := h.pages.Take(c, forwardedCookie); email != "" {
		p := templates.PayClosed{Frame: h.frame(c, v, "pay.forward.sent")}
		p.Answer = templates.Answer{Colour: "accent", Icon: "envelope", Heading: p.T("pay.forward.sent"), Lead: p.T("pay.forward.sent.lead", "email", email)}
		p.Second = &templates.Press{Link: v.base(), Label: p.T("pay.forward.back")}
		return h.pages.Show(c, http.StatusOK, p)
	}
	return h.pages.Show(c, http.StatusOK, templates.PayForward{Frame: h.frame(c, v, "pay.forward.title"), Base: v.base()})
}

// forwardLink has a colleague mailed a link of their own.
func (h *Handlers) forwardLink(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	email, note := form.Text("email"), form.Text("note")
	if _, wrong := paylink.ParseEmail(email); wrong == nil { // a form that is refused sends nothing
		if err := h.mayMail(c); err != nil {
			return err
		}
	}
	err = h.invoicing.Forward(c.Request().Context(), v.link.ID, email, note)
	if e, ok := told(err); ok {
		p := templates.PayForward{Frame: h.frame(c, v, "pay.forward.title"), Base: v.base(), Email: email, Note: note}
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems.Problems = templates.ProblemsOf(v.words, e, "firm", v.firm.Name)
		return h.pages.Show(c, page.Status(err), p)
	}
	if err != nil {
		return err
	}
	h.pages.Leave(c, forwardedCookie, paylink.MaskEmail(email))
	return seeOther(c, v.base()+"/forward")
}
