package desk

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
)

// methods tells the cards and accounts of a customer, newest first.
func (h *Handlers) methods(ctx context.Context, v visit, customerID string) ([]templates.MethodRow, error) {
	list, err := h.store.MethodsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	base := customersPath + "/" + customerID
	rows := make([]templates.MethodRow, 0, len(list))
	for _, m := range list {
		r := templates.MethodRow{Icon: "card", Label: methodLabel(v, m), Remove: base + "/methods/" + m.ID + "/remove"}
		if m.Kind == paylink.MethodBank {
			r.Icon = "bank"
		}
		switch {
		case !m.SavedAt.IsZero():
			r.Lines = append(r.Lines, v.html("desk.method.saved", "at", v.stamp(m.SavedAt)))
		default:
			r.Lines = append(r.Lines, v.html("desk.method.linked", "at", v.stamp(m.CreatedAt)))
		}
		if !m.LoginAt.IsZero() {
			r.Lines = append(r.Lines, v.html("desk.method.login", "at", v.stamp(m.LoginAt)))
		}
		switch why := "desk.method.why." + m.Blocked; {
		case !m.BlockedAt.IsZero() && m.Blocked != "" && v.words.Has(why):
			r.Pill = &templates.Pill{Colour: "bad", Icon: "circled", Key: "desk.method.blocked"}
			r.Lines = append(r.Lines, v.html(why))
		case !m.BlockedAt.IsZero():
			r.Pill = &templates.Pill{Colour: "bad", Icon: "circled", Key: "desk.method.blocked"}
		case m.Waits():
			r.Pill = &templates.Pill{Colour: "warn", Icon: "key", Key: "desk.method.waits"}
		case m.Expired(v.words.Now()):
			r.Pill = &templates.Pill{Colour: "mute", Icon: "clock", Key: "desk.method.expired"}
		}
		if m.Consent.Text != "" {
			r.Consent = strings.Split(m.Consent.Text, "\n\n")
			r.Proof = v.html("desk.method.proof", "at", m.Consent.At, "ip", m.Consent.IP)
			if m.Consent.IP == "" {
				r.Proof = v.html("desk.method.proof.at", "at", m.Consent.At)
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// methodLabel is how people recognise a card or account.
func methodLabel(v visit, m paylink.Method) string {
	if label := m.Label(); label != "" {
		return label
	}
	return v.words.T("desk.method." + string(m.Kind))
}

// method reads the customer and their card or account in the address.
func (h *Handlers) method(c echo.Context) (customer paylink.Customer, m paylink.Method, err error) {
	ctx := c.Request().Context()
	if customer, err = h.store.Customer(ctx, c.Param("customer")); err != nil {
		return customer, m, err
	}
	if m, err = h.store.Method(ctx, c.Param("method")); err == nil && (m.CustomerID != customer.ID || !m.RemovedAt.IsZero()) {
		err = paylink.Fail(paylink.NotFound, "method.unknown")
	}
	return customer, m, err
}

// askRemoveMethod asks once more before a card or account is let go of.
func (h *Handlers) askRemoveMethod(c echo.Context, v visit) error {
	customer, m, err := h.method(c)
	if err != nil {
		return err
	}
	base, label := customersPath+"/"+customer.ID, methodLabel(v, m)
	p := customerAct(h.frame(c, v, "desk.method.remove.title", "method", label), v, customer)
	p.Action = base + "/methods/" + m.ID + "/remove"
	p.Heading, p.Lead = p.T("desk.method.remove.title", "method", label), p.T("desk.method.remove.lead", "name", customer.Name)
	p.What = []templates.HTML{p.T("desk.method.remove.what.1"), p.T("desk.method.remove.what.2")}
	p.Button, p.Keep = p.T("desk.method.remove.button", "method", label), p.T("desk.method.remove.keep")
	p.Crumbs = append(p.Crumbs, templates.Press{Label: p.T("desk.method.remove")})
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) removeMethod(c echo.Context, v visit) error {
	customer, m, err := h.method(c)
	if err != nil {
		return err
	}
	if err := h.payments.RemoveMethod(c.Request().Context(), v.actor(), customer.ID, m.ID); err != nil {
		return err
	}
	return h.done(c, v, customersPath+"/"+customer.ID, "desk.method.remove.done", "method", methodLabel(v, m))
}

// askForget asks once more before every browser has to prove the customer's mailbox again.
func (h *Handlers) askForget(c echo.Context, v visit) error {
	customer, err := h.store.Customer(c.Request().Context(), c.Param("customer"))
	if err != nil {
		return err
	}
	p := customerAct(h.frame(c, v, "desk.forget.title"), v, customer)
	p.Action = customersPath + "/" + customer.ID + "/forget"
	p.Heading, p.Lead = p.T("desk.forget.title"), p.T("desk.forget.lead", "name", customer.Name, "email", customer.Email)
	p.What = []templates.HTML{p.T("desk.forget.what.1"), p.T("desk.forget.what.2")}
	p.Button, p.Keep = p.T("desk.forget"), p.T("desk.forget.keep")
	p.Crumbs = append(p.Crumbs, templates.Press{Label: p.T("desk.forget")})
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) forget(c echo.Context, v visit) error {
	customer, err := h.store.Customer(c.Request().Context(), c.Param("customer"))
	if err != nil {
		return err
	}
	if err := h.access.ForgetDevices(c.Request().Context(), v.actor(), customer.ID); err != nil {
		return err
	}
	return h.done(c, v, customersPath+"/"+customer.ID, "desk.forget.done", "name", customer.Name)
}

// customerAct is a page that asks once more about something of a customer.
func customerAct(d templates.Desk, v visit, customer paylink.Customer) templates.DeskConfirm {
	p := templates.DeskConfirm{Desk: d, Back: customersPath + "/" + customer.ID, Danger: true}
	p.Crumbs = []templates.Press{{Link: customersPath, Label: v.html("desk.customers")}, {Link: p.Back, Label: v.html("desk.plain", "text", customer.Name)}}
	return p
}
