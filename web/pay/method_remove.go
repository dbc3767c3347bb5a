package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
	"paylink/web/page"
)

// showRemove asks once more before a card or account is taken away.
func (h *Handlers) showRemove(c echo.Context, v visit) error {
	m, ok := h.method(v, c.Param("method"))
	if !ok || !v.mayRemove(m) {
		return h.showForeign(c, v)
	}
	return h.showRemovePage(c, v, m, http.StatusOK, nil)
}

func (h *Handlers) showRemovePage(c echo.Context, v visit, m paylink.Method, status int, wrong *paylink.Error) error {
	p := templates.PayRemove{Frame: h.frame(c, v, "pay.remove.title", "method", m.Label()), Action: v.base() + "/methods/" + m.ID + "/remove", Back: v.base()}
	p.Answer = templates.Answer{Colour: "mute", Icon: "cross", Heading: p.T("pay.remove.title", "method", m.Label()), Lead: p.T("pay.remove.lead")}
	p.Label = p.T("pay.remove.button", "method", m.Label())
	if wrong != nil {
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems.Problems = templates.ProblemsOf(v.words, wrong)
	}
	return h.pages.Show(c, status, p)
}

// removeMethod takes it away.
func (h *Handlers) removeMethod(c echo.Context, v visit) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	m, ok := h.method(v, c.Param("method"))
	if !ok || !v.mayRemove(m) {
		return h.showForeign(c, v)
	}
	err := h.payments.RemoveMethod(c.Request().Context(), v.actor(), v.customer.ID, m.ID)
	if about(err, "method.unknown") {
		return h.showForeign(c, v)
	}
	if e, ok := told(err); ok {
		return h.showRemovePage(c, v, m, page.Status(err), e)
	}
	if err != nil {
		return err
	}
	h.pages.Flash(c, v.words.T("pay.remove.done", "method", m.Label()))
	return seeOther(c, v.base())
}
