package pay

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/receipts"
	"paylink/templates"
)

// showReceipt is the receipt of any settled payment of the invoice, as it was first rendered: the last
// revision, or the one that ?revision= names.
func (h *Handlers) showReceipt(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	p, err := h.store.Payment(ctx, c.Param("payment"))
	if err != nil {
		return err
	}
	if p.InvoiceID != v.invoice.ID {
		return paylink.Fail(paylink.NotFound, "payment.unknown")
	}
	receipt, err := h.store.ReceiptByPayment(ctx, p.ID)
	if revision, wrong := strconv.Atoi(c.QueryParam("revision")); err == nil && wrong == nil && revision != receipt.Revision {
		receipt, err = h.store.Receipt(ctx, receipt.ID, revision)
	}
	if err != nil {
		return err
	}
	pdf, err := h.store.PDF(ctx, receipt.ID, receipt.Revision, func() ([]byte, error) {
		return receipts.Render(receipts.Of(receipt))
	})
	if err != nil {
		return err
	}
	return h.pages.PDF(c, receipt.Number+".pdf", pdf)
}

// figures are what the receipt says, in its order; what is zero is left out, but for what is still to pay.
func figures(p templates.Page, r paylink.Receipt) []templates.Fact {
	all := []templates.Fact{{Label: p.T("pay.slip.with"), Value: cmp.Or(r.Card.Label(), r.Bank.Label())}}
	if all[0].Value == "" {
		all = nil
	}
	add := func(a money.Amount, key string, pairs ...any) {
		if !a.IsZero() {
			all = append(all, templates.Fact{Label: p.T(key, pairs...), Value: p.Words.Amount(a)})
		}
	}
	add(r.Total, "mail.receipt.row.total", "invoice", r.InvoiceNumber)
	add(r.Credited, "mail.receipt.row.credited")
	add(r.PaidBefore, "mail.receipt.row.before")
	all = append(all, templates.Fact{Label: p.T("mail.receipt.row.this"), Value: p.Words.Amount(r.ThisPayment), Strong: true})
	add(r.Fee, "mail.receipt.row.fee")
	if r.Revision > 1 {
		add(r.Refunded, "mail.receipt.row.refunded")
		add(r.Returned, "mail.receipt.row.returned")
	}
	add(r.OnItsWay, "mail.receipt.row.way")
	add(r.BeingPaid, "pay.slip.being_paid")
	return append(all, templates.Fact{Label: p.T("mail.receipt.row.due"), Value: p.Words.Amount(r.StillToPay), Strong: true})
}

// showInvoicePDF is the invoice as a document, with the link it was opened by.
func (h *Handlers) showInvoicePDF(c echo.Context, v visit) error {
	if v.invoice.State == paylink.StateDraft {
		return paylink.Fail(paylink.NotFound, "invoice.unknown")
	}
	url, err := h.invoicing.URL(v.link)
	if err != nil {
		return err
	}
	pdf, err := receipts.RenderInvoice(receipts.OfInvoice(v.firm, v.customer, v.invoice, v.balance, url))
	if err != nil {
		return err
	}
	return h.pages.PDF(c, v.invoice.Number+".pdf", pdf)
}

// verifyReceipt says whether there is a receipt with the code that is printed on it: its number,
// amount, date and status, and nothing else.
func (h *Handlers) verifyReceipt(c echo.Context) error {
	if err := h.guessing(c); err != nil {
		return err
	}
	receipt, err := h.store.ReceiptByCode(c.Request().Context(), strings.ToUpper(c.Param("code")))
	if e, ok := errors.AsType[*paylink.Error](err); ok && e.Kind == paylink.NotFound {
		return h.unknown(c, paylink.Fail(paylink.NotFound, "receipt.code_unknown"))
	}
	if err != nil {
		return err
	}
	p := templates.PayReceipt{Frame: h.pages.Frame(c, h.pages.Locale(c), "pay.verify.title"), Pill: templates.ReceiptPill(receipt.Status)}
	p.Answer = templates.Answer{Colour: "good", Icon: "done", Heading: p.T("pay.verify.title"), Lead: p.T("pay.verify.lead", "firm", receipt.Firm.Name)}
	p.Facts = []templates.Fact{
		{Label: p.T("pay.verify.number"), Value: receipt.Number},
		{Label: p.T("pay.verify.amount"), Value: p.Words.Amount(receipt.Charged()), Strong: true},
		{Label: p.T("pay.verify.date"), Value: p.Words.Date(receipt.PaidAt)},
	}
	return h.pages.Show(c, http.StatusOK, p)
}
