package pay

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/payments"
	"paylink/web/page"
)

// beginPayment is a press of the Pay button. It answers 303 to the payment's page, or the same page
// again with what to change; then nothing was charged.
func (h *Handlers) beginPayment(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	ctx := c.Request().Context()
	what := choice{typed: form.Text("amount"), open: true, save: form.On("save") && h.OfferSave}
	signed, err := h.readSigned(form, v)
	if err != nil {
		return h.again(c, v, what, err)
	}
	// The second press of one form, or the back button: the payment it made is shown.
	if p, err := h.store.PaymentByNonce(ctx, signed.nonce); err == nil && v.own(p) {
		return seeOther(c, v.paymentURL(p))
	} else if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	if h.paused(v) {
		return h.showPaused(c, v, http.StatusTooManyRequests)
	}
	press, err := h.press(form, v, signed, what)
	if err != nil {
		return h.again(c, v, what, err)
	}
	p, err := h.payments.Begin(ctx, press)
	if err != nil {
		// Others may have paid meanwhile: the page shows how things stand now.
		if v, err2 := h.visit(c, v.link); err2 == nil {
			return h.again(c, v, what, err)
		}
		return err
	}
	return seeOther(c, v.paymentURL(p))
}

// press reads the rest of the form. Begin asks everything again under lock; asked here first, the
// payer hears of an amount before a card.
func (h *Handlers) press(form page.Form, v visit, s signed, what choice) (payments.Press, error) {
	if s.version != v.invoice.Version && v.invoice.State == paylink.StateOpen {
		return payments.Press{}, paylink.Fail(paylink.Conflict, "invoice.changed")
	}
	amount, err := v.readAmount(what.typed)
	if err != nil {
		return payments.Press{}, err
	}
	if form.Get("method") != string(paylink.MethodCard) {
		return payments.Press{}, paylink.FailField("method", "method")
	}
	token := form.Get("confirmation_token")
	if !strings.HasPrefix(token, "ctoken_") || len(token) > 255 {
		return payments.Press{}, paylink.FailField("card", "card.missing")
	}
	var save *paylink.Consent
	if what.save {
		save = &paylink.Consent{Text: v.words.T("pay.card.save") + " " + v.words.T("pay.card.save.detail"), At: h.pages.Now()}
	}
	return payments.Press{
		LinkID: v.link.ID, InvoiceID: v.invoice.ID, Nonce: s.nonce, Version: s.version, Amount: amount,
		ConfirmationToken: token, Save: save, Locale: v.words.Locale(), Actor: v.actor(),
		ReturnURL: func(id string) string { return strings.TrimSuffix(h.BaseURL, "/") + v.base() + "/payments/" + id },
	}, nil
}

// again shows the page with what was wrong, or the page that says why nothing can be paid.
func (h *Handlers) again(c echo.Context, v visit, what choice, err error) error {
	e, ok := told(err)
	if !ok {
		return err
	}
	if why := v.payable().Why; why != "" {
		return h.showClosed(c, v, why, true)
	}
	what.err = e
	if !what.amountWrong() {
		what.open = false
	}
	return h.show(c, v, page.Status(err), what)
}
