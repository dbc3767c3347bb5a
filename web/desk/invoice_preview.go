package desk

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/mailer"
	"paylink/templates"
	"paylink/web/page"
)

// previewPolicy is for a mail shown as a document of its own: its styles are inline, as mail programs
// want them, and there is nothing else in it. It is shown in a frame of the desk alone and runs nothing.
const previewPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"

// preview writes the mail that the send form would send, to the first of its addresses. No link is
// made and nothing is sent: the address in the mail is not a way to pay.
func (h *Handlers) preview(ctx context.Context, v visit, a asked, query page.Form) (paylink.Link, mailer.Preview, error) {
	link := paylink.Link{
		InvoiceID: a.invoice.ID, Recipient: a.customer.Email, Note: strings.TrimSpace(query.Text("note")), Locale: a.customer.Locale,
		ExpiresAt: paylink.LinkExpiry(v.words.Now(), a.invoice.Due.End(v.firm.Location())),
	}
	for _, text := range mailboxes(query.Get("to")) {
		if mailbox, err := paylink.ParseEmail(text); err == nil {
			link.Recipient = mailbox
			break
		}
	}
	mail, err := h.mailer.Preview(ctx, link)
	return link, mail, err
}

// showPreview shows the mail as it would be sent, with what was typed so far.
func (h *Handlers) showPreview(c echo.Context, v visit) error {
	query, a, err := h.previewed(c)
	if err != nil {
		return err
	}
	link, mail, err := h.preview(c.Request().Context(), v, a, query)
	if err != nil {
		return err
	}
	typed := "?" + url.Values{"to": {query.Get("to")}, "note": {query.Text("note")}}.Encode()
	p := templates.DeskPreview{
		Desk: h.frame(c, v, "desk.preview.title"), Send: a.base() + "/send", Back: a.base() + "/send" + typed, Mail: a.base() + "/preview/mail" + typed,
		Subject: mail.Subject, Text: mail.Text, To: query.Get("to"), Note: query.Text("note"),
	}
	p.Crumbs = a.crumbs(p.Desk, p.T("desk.preview.title"))
	p.Facts = []templates.Fact{
		{Label: p.T("desk.preview.to"), Value: link.Recipient},
		{Label: p.T("desk.preview.from"), Value: v.firm.Name},
		{Label: p.T("desk.preview.subject"), Value: mail.Subject, Strong: true},
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// showPreviewMail is the mail itself, for the frame of the preview.
func (h *Handlers) showPreviewMail(c echo.Context, v visit) error {
	query, a, err := h.previewed(c)
	if err != nil {
		return err
	}
	_, mail, err := h.preview(c.Request().Context(), v, a, query)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", previewPolicy)
	return c.HTML(http.StatusOK, mail.HTML)
}

func (h *Handlers) previewed(c echo.Context) (page.Form, asked, error) {
	query, err := page.ReadQuery(c)
	if err != nil {
		return query, asked{}, err
	}
	a, err := h.invoice(c)
	return query, a, err
}
