package desk

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
)

// link reads the link in the address, and its invoice.
func (h *Handlers) link(c echo.Context) (paylink.Link, asked, error) {
	ctx := c.Request().Context()
	l, err := h.store.Link(ctx, c.Param("link"))
	if err != nil {
		return l, asked{}, err
	}
	var a asked
	if a.invoice, err = h.store.Invoice(ctx, l.InvoiceID); err != nil {
		return l, a, err
	}
	if a.customer, err = h.store.Customer(ctx, a.invoice.CustomerID); err != nil {
		return l, a, err
	}
	a.balance, err = h.store.Balance(ctx, a.invoice.ID)
	return l, a, err
}

// showLink shows a link's address, to be copied.
func (h *Handlers) showLink(c echo.Context, v visit) error {
	l, a, err := h.link(c)
	if err != nil {
		return err
	}
	if l.Usable(v.words.Now()) != nil {
		return paylink.Fail(paylink.Conflict, "link.ended")
	}
	p := templates.DeskLink{Desk: h.frame(c, v, "desk.copy.title"), Back: a.base()}
	p.Crumbs = a.crumbs(p.Desk, p.T("desk.copy.title"))
	p.Lead = p.T("desk.copy.lead", "number", a.invoice.Number, "to", l.Recipient, "until", l.LastDay())
	if p.URL, err = h.invoicing.URL(l); err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) resendLink(c echo.Context, v visit) error {
	l, a, err := h.link(c)
	if err != nil {
		return err
	}
	if err := h.invoicing.ResendLink(c.Request().Context(), v.actor(), l.ID); err != nil {
		return err
	}
	return h.done(c, v, a.base(), "desk.resend.done", "to", l.Recipient)
}

func (h *Handlers) askReplaceLink(c echo.Context, v visit) error {
	return h.askLink(c, v, "replace", false)
}

func (h *Handlers) askWithdrawLink(c echo.Context, v visit) error {
	return h.askLink(c, v, "withdraw", true)
}

// askLink asks once more before a link ends.
func (h *Handlers) askLink(c echo.Context, v visit, act string, danger bool) error {
	l, a, err := h.link(c)
	if err != nil {
		return err
	}
	name := "desk." + act
	p := templates.DeskConfirm{Desk: h.frame(c, v, name+".title"), Action: "/desk/links/" + l.ID + "/" + act, Back: a.base(), Danger: danger}
	p.Heading, p.Lead = p.T(name+".title"), p.T(name+".lead", "to", l.Recipient, "number", a.invoice.Number)
	p.What = []templates.HTML{p.T(name + ".what.1"), p.T(name + ".what.2")}
	p.Button, p.Keep = p.T(name+".button"), p.T(name+".keep")
	p.Crumbs = a.crumbs(p.Desk, p.Heading)
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) replaceLink(c echo.Context, v visit) error {
	l, a, err := h.link(c)
	if err != nil {
		return err
	}
	if _, err := h.invoicing.ReplaceLink(c.Request().Context(), v.actor(), l.ID); err != nil {
		return err
	}
	return h.done(c, v, a.base(), "desk.replace.done", "to", l.Recipient)
}

func (h *Handlers) withdrawLink(c echo.Context, v visit) error {
	l, a, err := h.link(c)
	if err != nil {
		return err
	}
	if err := h.invoicing.RevokeLink(c.Request().Context(), v.actor(), l.ID); err != nil {
		return err
	}
	return h.done(c, v, a.base(), "desk.withdraw.done", "to", l.Recipient)
}
