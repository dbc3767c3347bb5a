package pay

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// showAccount is the page that takes an account by its numbers, where no Plaid is. They go from the
// browser to Stripe: the fields have no names and belong to no form that is sent here.
func (h *Handlers) showAccount(c echo.Context, v visit, amount string) error {
	p := templates.PayAccount{Frame: h.frame(c, v, "pay.account.title"), Base: v.base(), Key: h.PublishableKey, Back: v.back(amount, "")}
	p.Answer = templates.Answer{Colour: "accent", Icon: "bank", Heading: p.T("pay.account.title"), Lead: p.T("pay.account.lead")}
	p.Permission = h.check(v)
	p.StripeJS = h.StripeJS
	h.pages.AllowStripe(c)
	return h.pages.Show(c, http.StatusOK, p)
}

// checkBank has a small deposit sent to an account that the browser handed to Stripe.
func (h *Handlers) checkBank(c echo.Context, v visit) error {
	var asked struct {
		PaymentMethod string `json:"payment_method"`
		Mandate       string `json:"mandate"`
	}
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if h.Bank != BankDeposits || !h.offersBank(v) {
		return echo.ErrNotFound
	}
	if !strings.HasPrefix(asked.PaymentMethod, "pm_") || len(asked.PaymentMethod) > 255 {
		return paylink.FailField("payment_method", "required")
	}
	if asked.Mandate != "on" {
		return paylink.FailField("mandate", "mandate.missing")
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	if err := h.mayDeposit(c, v); err != nil {
		return err
	}
	h.remember(c, &v)
	m, err := h.payments.StartBankCheck(c.Request().Context(), payments.BankCheck{
		LinkID: v.link.ID, CustomerID: v.customer.ID, Visitor: v.visitor, PaymentMethod: asked.PaymentMethod,
		Consent: *h.consent(c, v, h.check(v), checkVersion), Actor: v.actor(),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, linkedBank{Method: shownMethod(m), Next: v.base() + "/bank/" + m.ID})
}

// showDeposit waits for what the payer reads at the bank.
func (h *Handlers) showDeposit(c echo.Context, v visit) error {
	m, ok := h.method(v, c.Param("method"))
	if !ok || m.Kind != paylink.MethodBank {
		return h.showForeign(c, v)
	}
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	amount := v.kept(query.Text("amount"))
	if !m.Waits() && m.BlockedAt.IsZero() {
		return seeOther(c, v.back(amount, m.ID))
	}
	return h.showWaiting(c, v, m, amount, http.StatusOK, nil)
}

func (h *Handlers) showWaiting(c echo.Context, v visit, m paylink.Method, amount string, status int, wrong *paylink.Error) error {
	title := "pay.deposit.title"
	if !m.BlockedAt.IsZero() {
		title = "pay.deposit.ended"
	}
	p := templates.PayDeposit{Frame: h.frame(c, v, title, "account", m.Label()), Keep: amount, Back: v.back(amount, "")}
	p.Answer = templates.Answer{Colour: "warn", Icon: "key", Heading: p.T(title, "account", m.Label())}
	if !m.BlockedAt.IsZero() {
		p.Answer.Lead = p.T("pay.deposit.ended.lead")
		return h.pages.Show(c, status, p)
	}
	p.Action, p.Amounts = v.base()+"/bank/"+m.ID, m.AwaitsCode.Kind == paylink.CodeAmounts
	lead := "pay.deposit.lead"
	if p.Amounts {
		lead = "pay.deposit.lead_amounts"
	}
	p.Answer.Lead = p.T(lead)
	if m.AwaitsCode.ArrivesOn != "" {
		p.Answer.Lead += " " + p.T("pay.deposit.arrives", "day", m.AwaitsCode.ArrivesOn)
	}
	p.Script = true
	if m.AwaitsCode.Tries > 0 {
		p.Tries = p.Count("pay.deposit.tries", m.AwaitsCode.Tries)
	}
	if wrong != nil {
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems.Problems = templates.ProblemsOf(v.words, wrong, "firm", v.firm.Name)
		for i := range p.Problems.Problems {
			p.Problems.Problems[i].Field = "code"
		}
		p.Problems.Note = v.words.T("pay.nothing")
	}
	return h.pages.Show(c, status, p)
}

// proveDeposit takes the code, or the two amounts.
func (h *Handlers) proveDeposit(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	m, ok := h.method(v, c.Param("method"))
	if !ok || m.Kind != paylink.MethodBank {
		return h.showForeign(c, v)
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	amount := v.kept(form.Text("amount"))
	if !m.BlockedAt.IsZero() { // its page says that it ended
		return h.showWaiting(c, v, m, amount, http.StatusConflict, nil)
	}
	if m.Waits() {
		code := strings.ToUpper(plain(form.Text("code")))
		amounts := [2]int64{v.cents(form.Text("first")), v.cents(form.Text("second"))}
		err = h.payments.VerifyBankCheck(c.Request().Context(), v.customer.ID, m.ID, code, amounts)
	}
	if e, ok := told(err); ok {
		if again, err := h.visit(c, v.link.ID); err == nil { // with the tries that are left
			if now, ok := h.method(again, m.ID); ok {
				m = now
			}
		}
		return h.showWaiting(c, v, m, amount, page.Status(err), e)
	}
	if err != nil {
		return err
	}
	h.pages.Flash(c, v.words.T("pay.deposit.done", "account", m.Label()))
	return seeOther(c, v.back(amount, m.ID))
}

// cents reads a small deposit: "0.32", or "32" as some banks' pages have it.
func (v visit) cents(typed string) int64 {
	a, err := money.Parse(typed, "USD", v.words.Locale())
	if err != nil {
		return 0
	}
	if a.Minor >= 100 && a.Minor%100 == 0 {
		return a.Minor / 100
	}
	return a.Minor
}
