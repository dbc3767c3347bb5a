package desk

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/templates"
	"paylink/web/page"
)

// held reads the payment in the address, which must be held.
func (h *Handlers) held(c echo.Context) (made, error) {
	m, err := h.payment(c)
	if err == nil && m.payment.Status != paylink.Authorized {
		err = paylink.Fail(paylink.Conflict, "payment.not_held")
	}
	return m, err
}

// askCapture asks how much of a held amount is taken.
func (h *Handlers) askCapture(c echo.Context, v visit) error {
	m, err := h.held(c)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	typed := m.payment.Charged().FieldText(v.words.Locale())
	if query.Has("amount") { // what would happen is told while somebody types
		typed = query.Text("amount")
	}
	return h.capturePage(c, v, m, typed, nil, false)
}

// capturePage asks how much is taken. look says that the button of the form said another amount than was
// typed, as it does without a script.
func (h *Handlers) capturePage(c echo.Context, v visit, m made, typed string, wrong *paylink.Error, look bool) error {
	p := holdPage(h.frame(c, v, "desk.hold.capture", "amount", m.payment.Charged()), v, m, "/capture", wrong)
	p.Heading, p.Button, p.Live = p.T("desk.hold.capture.title", "means", means(v, m.payment)), p.T("desk.hold.capture.button"), "amount"
	p.Crumbs = m.crumbs(p.Desk, p.Button)
	said := ""
	if amount, err := v.parse(typed, m.payment.Amount.Currency); err == nil && amount.IsPositive() && amount.Minor <= m.payment.Charged().Minor {
		p.Button, said = p.T("desk.hold.capture", "amount", amount), amount.FieldText(money.English)
	}
	p.Hidden = []templates.Hidden{{Name: "said", Value: said}}
	if look {
		p.Note = p.T("desk.hold.capture.look")
	}
	p.What = []templates.HTML{p.T("desk.hold.capture.what.1", "number", m.invoice.Number), p.T("desk.hold.capture.what.2")}
	p.Fields = v.fields(p.Problems.Problems, templates.Field{
		Name: "amount", Kind: "money", Label: v.words.T("desk.col.amount"), Hint: p.T("desk.hold.capture.hint"),
		Value: typed, Symbol: v.symbol(string(m.payment.Amount.Currency)),
	})
	return h.holdAnswer(c, p, wrong)
}

// capture takes what was typed of a held amount.
func (h *Handlers) capture(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	m, err := h.held(c)
	if err != nil {
		return err
	}
	typed, all := form.Text("amount"), m.payment.Charged()
	amount, err := v.parse(typed, all.Currency)
	switch {
	case errors.Is(err, money.ErrOverflow):
		return h.capturePage(c, v, m, typed, paylink.FailField("amount", "amount.over_held", "most", all), false)
	case err != nil:
		return h.capturePage(c, v, m, typed, paylink.FailField("amount", "amount.syntax", "example", all.FieldText(v.words.Locale())), false)
	}
	if form.Has("said") && amount.IsPositive() && amount.Minor <= all.Minor && form.Get("said") != amount.FieldText(money.English) {
		return h.capturePage(c, v, m, typed, nil, true)
	}
	after, err := h.payments.Capture(c.Request().Context(), v.actor(), m.payment.ID, amount)
	if wrong, ok := holdStays(err); ok {
		return h.capturePage(c, v, m, typed, wrong, false)
	}
	if err != nil {
		return err
	}
	return h.holdEnded(c, v, m, after)
}

// askVoid asks once more before a held amount is let go.
func (h *Handlers) askVoid(c echo.Context, v visit) error {
	m, err := h.held(c)
	if err != nil {
		return err
	}
	return h.voidPage(c, v, m, nil)
}

func (h *Handlers) voidPage(c echo.Context, v visit, m made, wrong *paylink.Error) error {
	p := holdPage(h.frame(c, v, "desk.hold.void.title", "amount", m.payment.Charged()), v, m, "/void", wrong)
	p.Heading, p.Button, p.Danger = p.T("desk.hold.void.title", "amount", m.payment.Charged()), p.T("desk.hold.void.button"), true
	p.Crumbs = m.crumbs(p.Desk, p.T("desk.hold.void"))
	p.What = []templates.HTML{p.T("desk.hold.void.what.1"), p.T("desk.hold.void.what.2", "number", m.invoice.Number)}
	return h.holdAnswer(c, p, wrong)
}

func (h *Handlers) void(c echo.Context, v visit) error {
	m, err := h.held(c)
	if err != nil {
		return err
	}
	after, err := h.payments.Void(c.Request().Context(), v.actor(), m.payment.ID)
	if wrong, ok := holdStays(err); ok {
		return h.voidPage(c, v, m, wrong)
	}
	if err != nil {
		return err
	}
	return h.holdEnded(c, v, m, after)
}

// holdPage is what both acts on a held amount ask alike.
func holdPage(d templates.Desk, v visit, m made, act string, wrong *paylink.Error) templates.DeskConfirm {
	p := templates.DeskConfirm{Desk: d, Action: m.base() + act, Back: m.base()}
	lead := "desk.hold.lead"
	if !m.payment.CaptureBefore.IsZero() {
		lead = "desk.hold.lead.until"
	}
	p.Lead = p.T(lead, "amount", m.payment.Charged(), "name", m.customer.Name, "until", m.payment.CaptureBefore)
	p.Keep = p.T("desk.hold.keep")
	if wrong == nil {
		return p
	}
	p.Problems = templates.Summary{Problems: v.problems(wrong, nil)}
	switch {
	case wrong.Kind == paylink.Invalid:
		p.Problems.Note = v.words.T("desk.hold.nothing")
	case wrong.Code == "payment.hold_unknown":
		p.Problems.Heading = v.words.T("desk.hold.unknown")
	default:
		p.Problems.Heading = v.words.T("desk.error.title")
	}
	return p
}

// holdAnswer shows the page. What Stripe did not do is handed on for the log's line.
func (h *Handlers) holdAnswer(c echo.Context, p templates.DeskConfirm, wrong *paylink.Error) error {
	if wrong == nil {
		return h.pages.Show(c, http.StatusOK, p)
	}
	if err := h.pages.Show(c, page.Status(wrong), p); err != nil || wrong.Kind == paylink.Invalid {
		return err
	}
	return wrong
}

// holdStays says whether an error leaves the form to be sent again.
func holdStays(err error) (*paylink.Error, bool) {
	e, ok := errors.AsType[*paylink.Error](err)
	return e, ok && (e.Kind == paylink.Invalid || strings.HasPrefix(e.Code, "payment.hold_"))
}

// holdEnded tells what became of the held amount, which is Stripe's to say and may be another thing
// than was asked for.
func (h *Handlers) holdEnded(c echo.Context, v visit, m made, after paylink.Payment) error {
	switch rest := m.payment.Charged().Minor - after.Charged().Minor; {
	case after.Status == paylink.Canceled:
		return h.done(c, v, m.base(), "desk.hold.void.done", "amount", m.payment.Charged())
	case after.Status == paylink.Succeeded && rest > 0:
		return h.done(c, v, m.base(), "desk.hold.capture.part", "amount", after.Charged(), "rest", money.New(rest, after.Amount.Currency))
	case after.Status == paylink.Succeeded:
		return h.done(c, v, m.base(), "desk.hold.capture.done", "amount", after.Charged())
	}
	return seeOther(c, m.base())
}
