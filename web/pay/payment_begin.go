package pay

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
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
	method, value, known := h.chosen(v, form.Get("method"))
	what := choice{typed: form.Text("amount"), open: true, method: value, save: form.On("save") && v.offersSave()}
	signed, err := h.readSigned(form, v)
	if err != nil && known {
		return h.again(c, v, what, err)
	}
	// The second press of one form, or the back button: the payment it made is shown.
	if p, err := h.store.PaymentByNonce(ctx, signed.nonce); err == nil && v.own(p) {
		return seeOther(c, v.paymentURL(p))
	} else if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	if !known {
		return h.showForeign(c, v)
	}
	if shown, err := h.stoppedPress(c, v, value == newCard); shown || err != nil {
		return err
	}
	press, err := h.press(form, v, signed, what)
	if err == nil && form.On("review") {
		what.review = true
		return h.show(c, v, http.StatusOK, what)
	}
	if err == nil {
		err = h.pressWith(c, form, v, method, what, &press)
	}
	if err != nil {
		return h.again(c, v, what, err)
	}
	press.Place = h.pages.Place(c)
	p, err := h.payments.Begin(ctx, press)
	if about(err, "method.unknown") {
		return h.showForeign(c, v)
	}
	if err != nil {
		// Others may have paid meanwhile: the page shows how things stand now.
		if v, err2 := h.visit(c, v.link.ID); err2 == nil {
			return h.again(c, v, what, err)
		}
		return err
	}
	return seeOther(c, v.paymentURL(p))
}

// press reads what is to be paid. Begin asks everything again under lock; asked here first, the
// payer hears of an amount before a card.
func (h *Handlers) press(form page.Form, v visit, s signed, what choice) (payments.Press, error) {
	if s.version != v.invoice.Version && v.invoice.State == paylink.StateOpen {
		return payments.Press{}, paylink.Fail(paylink.Conflict, "invoice.changed")
	}
	amount, err := v.readAmount(what.typed)
	if err != nil {
		return payments.Press{}, err
	}
	// Our script tells what its button said. Other forms need not.
	if said := form.Text("said"); said != "" {
		if named, err := v.readAmount(said); err != nil || named != amount {
			return payments.Press{}, paylink.FailField("amount", "amount.said")
		}
	}
	switch asked := form.Get("method"); {
	case asked == newCard, asked == newBank && h.offersBank(v), what.method == asked && strings.HasPrefix(asked, "mth_"):
	default:
		return payments.Press{}, paylink.FailField("method", "method")
	}
	if what.method == newBank {
		return payments.Press{}, paylink.FailField("method", "bank.connect_first")
	}
	return payments.Press{
		LinkID: v.link.ID, InvoiceID: v.invoice.ID, Nonce: s.nonce, Version: s.version, Amount: amount,
		Visitor: v.visitor, Proven: v.proven, Locale: v.words.Locale(), Actor: v.actor(),
		ReturnURL: func(id string) string { return strings.TrimSuffix(h.BaseURL, "/") + v.base() + "/payments/" + id },
	}, nil
}

// pressWith reads what it is paid with, and what the payer agreed to.
func (h *Handlers) pressWith(c echo.Context, form page.Form, v visit, m paylink.Method, what choice, press *payments.Press) error {
	press.MethodID = m.ID
	save := what.save && m.SavedAt.IsZero()
	switch {
	case m.ID == "":
		press.ConfirmationToken = form.Get("confirmation_token")
		if !strings.HasPrefix(press.ConfirmationToken, "ctoken_") || len(press.ConfirmationToken) > 255 {
			return paylink.FailField("card", "card.missing")
		}
	case m.Waits():
		return paylink.FailField("method", "method.waits")
	case m.Kind == paylink.MethodBank && !form.On("mandate"):
		return paylink.FailField("mandate", "mandate.missing")
	case m.Kind == paylink.MethodBank:
		press.Mandate = h.consent(c, v, h.debit(v, m, press.Amount, save), paylink.DebitVersion)
	default:
		save = false // a card that is there was saved
	}
	if save {
		kind := cmp.Or(m.Kind, paylink.MethodCard)
		press.Save = h.consent(c, v, h.saving(v, kind), paylink.SaveVersion)
	}
	return nil
}

// about says whether an error tells of one thing: by its code, or by that of a field.
func about(err error, code string) bool {
	e, ok := errors.AsType[*paylink.Error](err)
	return ok && (e.Code == code || slices.ContainsFunc(e.Fields, func(f paylink.FieldError) bool { return f.Code == code }))
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
