package desk

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/invoicing"
	"paylink/templates"
	"paylink/web/page"
)

// showSend asks whom a payment link goes to. The address may carry what was typed before the preview.
func (h *Handlers) showSend(c echo.Context, v visit) error {
	a, err := h.invoice(c)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	to := a.customer.Email
	if query.Has("to") {
		to = query.Get("to")
	}
	p, err := h.sendPage(c, v, a, to, query.Text("note"))
	if err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) sendPage(c echo.Context, v visit, a asked, to, note string) (templates.DeskSend, error) {
	p := templates.DeskSend{Desk: h.frame(c, v, "desk.send.title"), Base: a.base()}
	p.Crumbs = a.crumbs(p.Desk, p.T("desk.send.title"))
	p.Lead = p.T("desk.send.lead", "number", a.invoice.Number, "due", a.amount(a.balance.Due()))
	if a.invoice.Due != "" {
		p.Lead = p.T("desk.send.lead_due", "number", a.invoice.Number, "due", a.amount(a.balance.Due()), "by", v.words.Short(a.invoice.Due.Time(v.firm.Location())))
	}
	p.Until = p.T("desk.send.until", "until", lastDay(paylink.LinkExpiry(v.words.Now(), a.invoice.Due.End(v.firm.Location()))))
	links, err := h.store.LinksOf(c.Request().Context(), a.invoice.ID)
	if err != nil {
		return p, err
	}
	hint := p.T("desk.send.to.hint")
	for _, l := range links {
		if !l.BouncedAt.IsZero() && l.OpenedAt.IsZero() {
			hint = p.T("desk.send.to.bounced", "to", l.Recipient, "at", v.words.Short(l.BouncedAt))
			break
		}
	}
	p.Fields = []templates.Field{
		{Name: "to", Kind: "text", Label: v.words.T("desk.send.to"), Value: to, Hint: hint, Most: 2000},
		{Name: "note", Kind: "area", Label: v.words.T("desk.send.note"), Value: note, Hint: p.T("desk.send.note.hint"), Most: paylink.MaxText},
	}
	return p, nil
}

// sendLinks makes a link for each address and mails it, or makes one to copy.
func (h *Handlers) sendLinks(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	a, err := h.invoice(c)
	if err != nil {
		return err
	}
	send := invoicing.Send{To: mailboxes(form.Get("to")), Note: form.Text("note"), Mail: !form.On("copy")}
	var links []paylink.Link
	switch {
	case len(send.To) == 0:
		err = paylink.FailField("to", "email")
	case form.On("copy") && len(send.To) > 1:
		err = paylink.FailField("to", "link.copy_one")
	default:
		links, err = h.invoicing.SendLinks(c.Request().Context(), v.actor(), a.invoice.ID, send)
	}
	if e, ok := told(err); ok {
		p, failed := h.sendPage(c, v, a, form.Get("to"), send.Note)
		if failed != nil {
			return failed
		}
		p.Problems = templates.Summary{Problems: v.problems(e, nil), Note: v.words.T("desk.send.nothing")}
		p.Fields = v.fields(p.Problems.Problems, p.Fields...)
		return h.pages.Show(c, page.Status(err), p)
	}
	if err != nil {
		return err
	}
	if !send.Mail {
		return seeOther(c, "/desk/links/"+links[0].ID)
	}
	if len(links) == 1 {
		return h.done(c, v, a.base(), "desk.send.done", "to", links[0].Recipient)
	}
	h.pages.Flash(c, v.words.Count("desk.send.done_many", len(links)))
	return seeOther(c, a.base())
}

// mailboxes reads addresses with commas, semicolons, spaces or line breaks between.
func mailboxes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
}
