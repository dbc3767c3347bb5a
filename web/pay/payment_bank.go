package pay

import (
	"cmp"
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/payments"
	"paylink/receipts"
	"paylink/templates"
)

// showBankWay is the page of a debit that is on its way: what was done, what the bank does, and by when
// the money usually arrives.
func (h *Handlers) showBankWay(c echo.Context, v visit, p paylink.Payment) error {
	f := h.frame(c, v, "pay.way.title", "amount", p.Charged())
	page := templates.PayWay{Frame: f, Note: f.T("pay.way.note"), Rest: v.rest(f, "secondary")}
	page.Answer = templates.Answer{
		Colour: "way", Icon: "clock", Heading: f.T("pay.way.title", "amount", p.Charged()), Lead: f.T("pay.way.lead", "firm", v.firm.Name),
	}
	given := p.CreatedAt
	if mandate, err := h.store.MandateByPayment(c.Request().Context(), p.ID); err == nil {
		given, page.Permission = mandate.Consent.At, v.paymentURL(p)+"/permission.pdf"
	} else if paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	expected := cmp.Or(p.ExpectedOn, payments.ExpectedBy(p.CreatedAt, v.words.Zone()))
	page.Steps = []templates.Step{
		{State: "done", Icon: "done", Text: f.T("pay.way.given"), Detail: f.T("word.date.stamp", "date", v.words.Date(given), "time", v.words.Clock(given))},
		{State: "now", Icon: "clock", Text: f.T("pay.way.working"), Detail: f.T("pay.way.account", "account", account(v, p.Bank))},
		{State: "ahead", Text: f.T("pay.way.arrives", "day", expected), Detail: f.T("pay.way.then", "email", paylink.MaskEmail(v.link.Recipient))},
	}
	return h.pages.Show(c, http.StatusOK, page)
}

// showFailed is the page of a debit that the payer's bank refused.
func (h *Handlers) showFailed(c echo.Context, v visit, p paylink.Payment) error {
	f := h.frame(c, v, "pay.failed.title", "amount", p.Charged())
	key := "pay.failed." + string(p.Reason)
	if !v.words.Has(key) {
		key = "pay.failed.bank_other"
	}
	page := templates.PayDeclined{Frame: f}
	page.Answer = templates.Answer{
		Colour: "bad", Icon: "circled", Heading: f.T("pay.failed.title", "amount", p.Charged()),
		Lead: f.T(key, "account", cmp.Or(p.Bank.Label(), v.words.T("pay.failed.account")), "amount", p.Charged()),
	}
	if v.payable().Why == "" {
		h.offerWays(v, p, &page)
	}
	return h.pages.Show(c, http.StatusOK, page)
}

// showReturned is the page of a debit that had arrived and was sent back by the payer's bank.
func (h *Handlers) showReturned(c echo.Context, v visit, p paylink.Payment, receipt paylink.Receipt) error {
	disputes, err := h.store.DisputesOf(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	returned, reason := p.Charged(), ""
	for _, d := range disputes {
		if d.Kind == paylink.KindReturn {
			returned, reason = d.Amount, "pay.returned.reason."+d.Reason
			break
		}
	}
	f := h.frame(c, v, "pay.returned.title", "amount", returned)
	page := templates.PayReturned{Frame: f, Rest: v.rest(f, "primary")}
	args := []any{"day", p.CreatedAt, "account", cmp.Or(p.Bank.Label(), v.words.T("pay.failed.account")), "firm", v.firm.Name}
	page.Answer = templates.Answer{
		Colour: "bad", Icon: "back", Heading: f.T("pay.returned.title", "amount", returned), Lead: f.T("pay.returned.lead_plain", args...),
	}
	if v.words.Has(reason) {
		page.Answer.Lead = f.T("pay.returned.lead", append(args, "reason", v.words.T(reason))...)
	}
	if page.Rest.Pay != "" {
		page.Rest.Label = f.T("pay.returned.button")
	}
	page.Receipt = f.T("pay.returned.receipt", "receipt", receipt.Number, "revision", receipt.Revision, "pdf", v.receiptURL(p))
	return h.pages.Show(c, http.StatusOK, page)
}

// showPermission is what the payer agreed to, as a document.
func (h *Handlers) showPermission(c echo.Context, v visit) error {
	p, err := h.ownPayment(c, v)
	if err != nil {
		return err
	}
	mandate, err := h.store.MandateByPayment(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	pdf, err := receipts.RenderMandate(receipts.OfMandate(v.firm, v.customer, v.invoice, p, mandate))
	if err != nil {
		return err
	}
	return h.pages.PDF(c, v.invoice.Number+"-permission.pdf", pdf)
}
