package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/templates"
	"paylink/web/page"
)

// showCode asks for the code that proves the customer's mailbox, or offers to send one: a GET sends
// nothing.
func (h *Handlers) showCode(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	amount := v.kept(query.Text("amount"))
	switch {
	case v.link.ForwardedBy != "":
		return h.showForeign(c, v)
	case v.proven:
		return seeOther(c, v.back(amount, ""))
	}
	return h.showCodePage(c, v, amount, query.Get("sent") == "1", http.StatusOK, nil)
}

func (h *Handlers) showCodePage(c echo.Context, v visit, amount string, sent bool, status int, wrong *paylink.Error) error {
	title, lead := "pay.code.ask", "pay.code.ask.lead"
	if sent {
		title, lead = "pay.code.title", "pay.code.lead"
	}
	p := templates.PayCode{Frame: h.frame(c, v, title), Action: v.base() + "/code", Back: v.back(amount, ""), Amount: amount, Sent: sent}
	p.Script = true
	p.Answer = templates.Answer{Colour: "accent", Icon: "envelope", Heading: p.T(title), Lead: p.T(lead, "email", paylink.MaskEmail(v.customer.Email))}
	if wrong != nil {
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems = templates.ProblemsOf(v.words, wrong, "firm", v.firm.Name)
		for i := range p.Problems {
			if sent {
				p.Problems[i].Field = "code"
			}
		}
	}
	return h.pages.Show(c, status, p)
}

// takeCode sends a code, or takes the one that was typed.
func (h *Handlers) takeCode(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	if v.link.ForwardedBy != "" {
		return h.showForeign(c, v)
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	ctx, amount, ip := c.Request().Context(), v.kept(form.Text("amount")), ""
	if at := h.pages.Client(c); at.IsValid() {
		ip = at.String()
	}
	if form.On("send") {
		_, err := h.access.SendCode(ctx, v.customer.ID, v.link.ID, ip)
		if e, ok := told(err); ok {
			// The code that went out before may still be typed.
			return h.showCodePage(c, v, amount, true, page.Status(err), e)
		}
		if err != nil {
			return err
		}
		next := v.base() + "/code?sent=1"
		if amount != "" {
			next += "&amount=" + amount
		}
		return seeOther(c, next)
	}
	device, err := h.access.UseCode(ctx, v.customer.ID, plain(form.Text("code")), ip)
	if e, ok := told(err); ok {
		return h.showCodePage(c, v, amount, true, page.Status(err), e)
	}
	if err != nil {
		return err
	}
	h.pages.SetCookie(c, deviceCookie(v.customer.ID), device, access.DeviceLife)
	saved, err := h.payments.Methods(ctx, v.customer.ID, "", true)
	if err != nil {
		return err
	}
	said, first := "pay.saved.none", ""
	for _, m := range saved {
		said = "pay.saved.shown"
		if first == "" && m.Usable(h.pages.Now()) && (m.Kind == paylink.MethodCard || h.offersBank(v)) {
			first = m.ID
		}
	}
	h.pages.Flash(c, v.words.T(said))
	return seeOther(c, v.back(amount, first))
}
