package desk

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink/templates"
)

// askVoidInvoice asks once more before an invoice is withdrawn.
func (h *Handlers) askVoidInvoice(c echo.Context, v visit) error {
	a, err := h.editable(c)
	if err != nil {
		return err
	}
	p := templates.DeskConfirm{Desk: h.frame(c, v, "desk.void.title", "number", a.invoice.Number), Action: a.base() + "/void", Back: a.base(), Danger: true}
	p.Heading, p.Lead = p.T("desk.void.title", "number", a.invoice.Number), p.T("desk.void.lead", "total", a.invoice.Total, "name", a.customer.Name)
	p.What = []templates.HTML{p.T("desk.void.what.1"), p.T("desk.void.what.2")}
	p.Button, p.Keep = p.T("desk.void.button"), p.T("desk.void.keep")
	p.Crumbs = a.crumbs(p.Desk, p.T("desk.invoice.void"))
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) voidInvoice(c echo.Context, v visit) error {
	a, err := h.invoice(c)
	if err != nil {
		return err
	}
	if err := h.invoicing.VoidInvoice(c.Request().Context(), v.actor(), a.invoice.ID); err != nil {
		return err
	}
	return h.done(c, v, a.base(), "desk.void.done", "number", a.invoice.Number)
}
