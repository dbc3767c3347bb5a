package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/payments"
	"paylink/web/page"
)

// mayLogin says whether this browser may renew the login that an account came by. A colleague whom the
// link was sent on to may do so for what they linked themselves alone.
func (h *Handlers) mayLogin(v visit, m paylink.Method) bool {
	return h.Bank == BankLink && m.PlaidItem != "" && !m.LoginAt.IsZero() && v.mayRemove(m)
}

// showLogin is the page that opens Plaid Link once more for an account whose bank asks for the login again.
func (h *Handlers) showLogin(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	m, ok := h.method(v, c.Param("method"))
	if !ok {
		return h.showForeign(c, v)
	}
	if !h.mayLogin(v, m) { // it was renewed meanwhile
		return seeOther(c, v.base())
	}
	return h.showConnect(c, v, v.kept(query.Text("amount")), m, false)
}

// renewLogin takes note that the payer logged in again.
func (h *Handlers) renewLogin(c echo.Context, v visit) error {
	if err := readJSON(c, &struct{}{}); err != nil {
		return err
	}
	m, ok := h.method(v, c.Param("method"))
	if !ok || h.Bank != BankLink || !v.mayRemove(m) {
		return h.showForeign(c, v)
	}
	m, err := h.payments.RenewLogin(c.Request().Context(), v.actor(), payments.BankSessionRequest{
		CustomerID: v.customer.ID, Visitor: v.visitor, Proven: v.proven, MethodID: m.ID,
	})
	if about(err, "method.unknown") {
		return h.showForeign(c, v)
	}
	if err != nil {
		return err
	}
	h.pages.ClearCookie(c, sessionCookie)
	h.pages.Flash(c, v.words.T("pay.bank.login.done", "account", m.Label()))
	return c.JSON(http.StatusOK, linkedBank{Method: shownMethod(m)})
}
