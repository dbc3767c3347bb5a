package pay

import (
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/templates"
	"paylink/web/page"
)

// What the form's field method says beside the id of a saved or linked one.
const (
	newCard = string(paylink.MethodCard)
	newBank = string(paylink.MethodBank)
)

// offersBank says whether the invoice may be paid from a bank account: ACH moves US dollars alone.
func (h *Handlers) offersBank(v visit) bool { return h.Bank != NoBank && v.invoice.Currency == "USD" }

// offersSave says whether a payer may keep a card or an account. What is kept is the customer's, so
// that a colleague whom the link was sent on to is not asked.
func (v visit) offersSave() bool { return v.link.ForwardedBy == "" }

// mayRemove says whether this browser may take a method away. What is saved is the customer's, and not a
// colleague's who linked the same account.
func (v visit) mayRemove(m paylink.Method) bool {
	return v.link.ForwardedBy == "" || m.SavedAt.IsZero()
}

// method finds a saved or linked method that this browser may use on this page.
func (h *Handlers) method(v visit, id string) (paylink.Method, bool) {
	for _, m := range v.methods {
		if m.ID == id && (m.Kind != paylink.MethodBank || h.offersBank(v)) {
			return m, true
		}
	}
	return paylink.Method{}, false
}

// linked is the account that this browser linked last and that was not saved.
func (v visit) linked() (paylink.Method, bool) {
	for _, m := range v.methods {
		if m.Kind == paylink.MethodBank && m.SavedAt.IsZero() && m.BlockedAt.IsZero() {
			return m, true
		}
	}
	return paylink.Method{}, false
}

// chosen reads the form's field: the method by its id, or which new one is meant. Known is false for an
// id that this browser may not know of, whether there is such a method or not.
func (h *Handlers) chosen(v visit, value string) (m paylink.Method, value2 string, known bool) {
	switch {
	case value == newBank && h.offersBank(v):
		if m, ok := v.linked(); ok {
			return m, m.ID, true
		}
		return paylink.Method{}, newBank, true
	case strings.HasPrefix(value, "mth_"):
		m, ok := h.method(v, value)
		return m, value, ok
	}
	return paylink.Method{}, newCard, true
}

// methods are the ways to pay, in the order of the page: new ones, then what is saved.
func (h *Handlers) methods(v visit, what choice, price money.Amount) []templates.Method {
	words := v.words
	one := templates.Method{
		Value: newCard, Icon: "card", Name: words.T("pay.card"), Detail: cardDetail(v), Price: price, Chosen: what.method == newCard,
	}
	if v.offersSave() {
		one.Save = &templates.SaveBox{
			Label: words.T("pay.card.save"), Detail: words.T("pay.card.save.detail", "firm", v.firm.Name), Ticked: what.save, Off: !one.Chosen,
		}
	}
	all := []templates.Method{one}
	if h.offersBank(v) {
		all = append(all, h.bankMethod(v, what, price))
	}
	for _, m := range v.methods {
		if !m.SavedAt.IsZero() && (m.Kind == paylink.MethodCard || h.offersBank(v)) || m.Kind == paylink.MethodBank && !m.BlockedAt.IsZero() {
			all = append(all, h.savedMethod(v, m, what, price))
		}
	}
	if !what.review {
		return all
	}
	for _, m := range all {
		if m.Chosen {
			if m.Account != nil {
				m.Account.Change = ""
			}
			m.Login, m.Remove, m.Save = nil, "", nil
			return []templates.Method{m}
		}
	}
	return all
}

// bankMethod is the row of a new bank account, or of the one that this browser linked.
func (h *Handlers) bankMethod(v visit, what choice, price money.Amount) templates.Method {
	words := v.words
	one := templates.Method{Value: newBank, Icon: "bank", Name: words.T("pay.bank"), Detail: words.T("pay.bank.detail"), Price: price}
	m, ok := v.linked()
	if ok {
		one.Value = m.ID
		one.Account = &templates.Account{Label: m.Label(), Detail: bankDetail(v, m.Bank), Change: v.base() + "/bank"}
		if m.Waits() {
			one.Account.Detail, one.Account.Next = words.T("pay.bank.code.wait"), v.base()+"/bank/"+m.ID
		} else if v.offersSave() {
			one.Save = &templates.SaveBox{Label: words.T("pay.bank.save"), Detail: words.T("pay.bank.save.detail", "firm", v.firm.Name), Ticked: what.save}
		}
	} else {
		key := h.connectKey()
		one.Connect = &templates.Connect{Link: v.base() + "/bank", Detail: words.T(key + ".detail"), Label: words.T(key)}
	}
	one.Chosen = what.method == one.Value
	h.offerLogin(v, m, &one)
	if one.Save != nil {
		one.Save.Off = !one.Chosen
	}
	return one
}

// connectKey is the sentence that leads to a new account: by a login at the bank, or by its number.
func (h *Handlers) connectKey() string {
	if h.Bank == BankDeposits {
		return "pay.bank.number"
	}
	return "pay.bank.connect"
}

// savedMethod is the row of a saved card or account. One that cannot be used stays, with the reason.
func (h *Handlers) savedMethod(v visit, m paylink.Method, what choice, price money.Amount) templates.Method {
	one := templates.Method{Value: m.ID, Icon: "card", Name: m.Label(), Price: price, Detail: v.words.T("pay.saved.card")}
	switch {
	case m.Kind == paylink.MethodBank:
		one.Icon, one.Detail = "bank", v.words.T("pay.saved.bank")
	case v.invoice.Capture == paylink.CaptureManual:
		one.Detail = v.words.T("pay.saved.card_held")
	}
	switch {
	case !m.BlockedAt.IsZero():
		one.Why = v.words.T("pay.method." + m.Blocked)
	case m.Expired(h.pages.Now()):
		one.Why = v.words.T("pay.saved.expired", "expiry", expiry(m.Card))
	}
	one.Chosen = what.method == m.ID && one.Why == ""
	if one.Why == "" {
		h.offerLogin(v, m, &one)
	}
	if v.mayRemove(m) {
		one.Remove = v.base() + "/methods/" + m.ID + "/remove"
	}
	return one
}

// offerLogin tells that an account's bank asks for the login again. Payments still go through.
func (h *Handlers) offerLogin(v visit, m paylink.Method, one *templates.Method) {
	if h.mayLogin(v, m) {
		one.Login = &templates.Connect{
			Link: v.base() + "/methods/" + m.ID + "/login", Detail: v.words.T("pay.bank.login.asked", "bank", m.Bank.Name), Label: v.words.T("pay.bank.login"),
		}
	}
}

func expiry(c paylink.Card) string { return fmt.Sprintf("%02d/%02d", c.ExpMonth, c.ExpYear%100) }

// bankDetail is "Checking, Maria Keller".
func bankDetail(v visit, b paylink.Bank) string {
	kind := page.BankType(v.words, b)
	if b.Holder == "" {
		return kind
	}
	return v.words.T("pay.bank.account", "type", kind, "holder", b.Holder)
}

// account names an account in full: "Chase Checking ••6789".
func account(v visit, b paylink.Bank) string { return page.Account(v.words, b) }

// button says what pressing it does. Where what was typed is no amount, it names none.
func (h *Handlers) button(v visit, value string, a money.Amount) string {
	m, value, _ := h.chosen(v, value)
	hold := v.invoice.Capture == paylink.CaptureManual
	switch {
	case value == newBank:
		return v.words.T(h.connectKey())
	case m.ID != "" && m.Waits():
		return v.words.T("pay.button.await")
	case !a.IsPositive():
		return v.words.T("pay.button.none")
	case m.Kind == paylink.MethodBank:
		return v.words.T("pay.button.bank", "amount", a, "account", m.Label())
	case m.ID != "" && hold:
		return v.words.T("pay.button.saved_hold", "amount", a, "card", m.Label())
	case m.ID != "":
		return v.words.T("pay.button.saved", "amount", a, "card", m.Label())
	case hold:
		return v.words.T("pay.button.hold", "amount", a)
	}
	return v.words.T("pay.button", "amount", a)
}

// keep is the method that an address has to name; a card needs no naming.
func keep(value string) string {
	if value == newCard {
		return ""
	}
	return value
}

// useSaved offers to prove the mailbox. It is offered whether anything is saved or not, so that it
// tells nobody; not to a colleague whom the link was sent on to, and not to a browser that did.
func (h *Handlers) useSaved(v visit) *templates.UseSaved {
	if v.link.ForwardedBy != "" || v.proven {
		return nil
	}
	return &templates.UseSaved{Action: v.base() + "/code", Email: paylink.MaskEmail(v.customer.Email)}
}

// showForeign answers whoever names a method that is not shown to this browser. It is the same
// whether there is such a method or not.
func (h *Handlers) showForeign(c echo.Context, v visit) error {
	if forScript(c) {
		return echo.ErrForbidden
	}
	p := templates.PayClosed{Frame: h.frame(c, v, "pay.foreign.title")}
	p.Answer = templates.Answer{Colour: "mute", Icon: "key", Heading: p.T("pay.foreign.title"), Lead: p.T("pay.foreign.lead")}
	p.Main = &templates.Press{Link: v.base(), Label: p.T("pay.foreign.back")}
	if h.useSaved(v) != nil {
		p.Second = &templates.Press{Link: v.base() + "/code", Label: p.T("pay.saved.use"), Icon: "key"}
	}
	return h.pages.Show(c, echo.ErrForbidden.Code, p)
}
