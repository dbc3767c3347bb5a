package pay

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// oauthPath is the one address that banks send payers back to: it is registered with Plaid, so it
// cannot name a link. https://plaid.com/docs/link/oauth/#create-and-register-a-redirect-uri
const oauthPath = "/pay/oauth"

// session is one opening of Plaid Link, carried by the browser sealed: the way back from a bank's own
// page needs the same token again, and no address may hold it.
type session struct {
	Link    string `json:"link"`
	Visitor string `json:"visitor"`
	Token   string `json:"token"`
	Amount  string `json:"amount"`           // that was chosen, as typed
	Method  string `json:"method,omitempty"` // the account whose login is renewed; "" for another account
}

const (
	sessionCookie = "bank"
	sessionLife   = 4 * time.Hour // as long as the token lives
)

// showBank is the page that connects a bank account. It loads the script of Plaid, which no other page
// does, and not before somebody chose to come here.
func (h *Handlers) showBank(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	amount := v.kept(query.Text("amount"))
	if !h.offersBank(v) || v.payable().Why != "" {
		return seeOther(c, v.base())
	}
	if h.Bank == BankDeposits {
		return h.showAccount(c, v, amount)
	}
	return h.showConnect(c, v, amount, paylink.Method{}, false)
}

// showConnect shows the page that opens Plaid Link: for another account, or for the login of one that is linked.
func (h *Handlers) showConnect(c echo.Context, v visit, amount string, again paylink.Method, resume bool) error {
	title, lead := "pay.bank.title", "pay.bank.lead"
	switch {
	case resume:
		title, lead = "pay.bank.back", "pay.bank.back.lead"
	case again.ID != "":
		title, lead = "pay.bank.login.title", "pay.bank.login.lead"
	}
	args := []any{"bank", again.Bank.Name, "account", again.Label()}
	p := templates.PayBank{Frame: h.frame(c, v, title, args...), Base: v.base(), PlaidJS: h.PlaidJS, Resume: resume, Back: v.back(amount, ""), Keep: v.base() + "/bank"}
	p.Answer = templates.Answer{Colour: "accent", Icon: "bank", Heading: p.T(title, args...), Lead: p.T(lead, args...)}
	p.Left, p.Failed = p.Words.T("pay.bank.left"), p.Words.T("pay.bank.failed")
	if again.ID != "" {
		p.Method, p.Keep = again.ID, v.base()+"/methods/"+again.ID+"/login"
		p.Left, p.Failed = p.Words.T("pay.bank.login.left"), p.Words.T("pay.bank.login.failed")
	}
	h.pages.AllowPlaid(c)
	return h.pages.Show(c, http.StatusOK, p)
}

// resumeBank is where a bank's own page sends the payer back to. Which link it was says the sealed
// cookie, and only to the browser that left.
func (h *Handlers) resumeBank(c echo.Context) error {
	s, ok := h.session(c)
	if !ok {
		return paylink.Fail(paylink.NotFound, "link.unknown")
	}
	return h.visitedBy(c, s.Link, func(c echo.Context, v visit) error {
		if v.visitor != s.Visitor || !h.offersBank(v) {
			return paylink.Fail(paylink.NotFound, "link.unknown")
		}
		var again paylink.Method
		if s.Method != "" {
			m, ok := h.method(v, s.Method)
			if !ok {
				return h.showForeign(c, v)
			}
			again = m
		}
		return h.showConnect(c, v, s.Amount, again, true)
	})
}

// beginSession gives our script the token that opens Plaid Link: a fresh one, or after a bank's own page
// the one that it left with.
func (h *Handlers) beginSession(c echo.Context, v visit) error {
	var asked struct {
		Resume bool   `json:"resume"`
		Amount string `json:"amount"`
		Method string `json:"method"` // whose login is renewed; "" links another account
	}
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if h.Bank != BankLink || !h.offersBank(v) {
		return echo.ErrNotFound
	}
	answer := func(token string) error {
		return c.JSON(http.StatusOK, struct {
			LinkToken string `json:"link_token"`
		}{token})
	}
	if s, ok := h.session(c); asked.Resume && ok && s.Link == v.link.ID && s.Visitor == v.visitor {
		return answer(s.Token)
	}
	if err := h.limits.Session(c.Request().Context(), v.customer.ID); err != nil {
		return err
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	if asked.Method != "" {
		if m, ok := h.method(v, asked.Method); !ok || !v.mayRemove(m) {
			return h.showForeign(c, v)
		}
	}
	h.remember(c, &v)
	token, err := h.payments.BankSession(c.Request().Context(), payments.BankSessionRequest{
		CustomerID: v.customer.ID, Visitor: v.visitor, Proven: v.proven, MethodID: asked.Method, Locale: string(v.words.Locale()),
		RedirectURI: h.returnAddress(), WebhookURL: strings.TrimSuffix(h.BaseURL, "/") + "/webhooks/plaid",
	})
	if about(err, "method.unknown") {
		return h.showForeign(c, v)
	}
	if err != nil {
		return err
	}
	body, err := json.Marshal(session{v.link.ID, v.visitor, token, v.kept(asked.Amount), asked.Method})
	if err != nil {
		return err
	}
	sealed, err := h.ring.Seal("cookie/"+sessionCookie, body)
	if err != nil {
		return err
	}
	h.pages.SetCookie(c, sessionCookie, sealed, sessionLife)
	return answer(token)
}

func (h *Handlers) session(c echo.Context) (s session, ok bool) {
	sealed, ok := h.pages.Cookie(c, sessionCookie)
	if !ok {
		return s, false
	}
	body, err := h.ring.Open("cookie/"+sessionCookie, sealed)
	return s, err == nil && json.Unmarshal(body, &s) == nil && s.Visitor != ""
}

// returnAddress is where banks send payers back to. Plaid takes https, and plain http on this machine;
// elsewhere the banks that need it are left out.
func (h *Handlers) returnAddress() string {
	base, err := url.Parse(h.BaseURL)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(base.Hostname())
	if base.Scheme != "https" && base.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return ""
	}
	return strings.TrimSuffix(h.BaseURL, "/") + oauthPath
}

// linkBank keeps the account that the payer chose in Plaid Link. It is this browser's until the payer
// saves it.
func (h *Handlers) linkBank(c echo.Context, v visit) error {
	var chosen struct {
		PublicToken string `json:"public_token"`
		AccountID   string `json:"account_id"`
	}
	if err := readJSON(c, &chosen); err != nil {
		return err
	}
	if h.Bank != BankLink || !h.offersBank(v) {
		return echo.ErrNotFound
	}
	if chosen.PublicToken == "" || len(chosen.PublicToken) > 300 {
		return paylink.FailField("public_token", "required")
	}
	if chosen.AccountID == "" || len(chosen.AccountID) > 300 {
		return paylink.FailField("account_id", "required")
	}
	if err := h.opened(c, v); err != nil {
		return err
	}
	h.remember(c, &v)
	m, err := h.payments.LinkBank(c.Request().Context(), payments.BankLink{
		LinkID: v.link.ID, CustomerID: v.customer.ID, Visitor: v.visitor,
		PublicToken: chosen.PublicToken, AccountID: chosen.AccountID, Actor: v.actor(),
	})
	if err != nil {
		return err
	}
	h.pages.ClearCookie(c, sessionCookie)
	return c.JSON(http.StatusOK, linkedBank{Method: shownMethod(m)})
}

// linkedBank is what our script learns of an account: enough to recognise it.
type linkedBank struct {
	Method methodJSON `json:"method"`
	Next   string     `json:"next,omitempty"` // where the account's code is typed in
}

type methodJSON struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	BankName string `json:"bank_name"`
	Last4    string `json:"last4"`
}

func shownMethod(m paylink.Method) methodJSON {
	return methodJSON{ID: m.ID, Label: m.Label(), BankName: m.Bank.Name, Last4: m.Bank.Last4}
}

// readJSON reads what a script sent. A browser sends this type from another site only after asking, and
// nobody answers that question.
func readJSON(c echo.Context, into any) error {
	kind, _, _ := strings.Cut(c.Request().Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "application/json" {
		return echo.ErrUnsupportedMediaType
	}
	if err := json.NewDecoder(c.Request().Body).Decode(into); err != nil {
		return paylink.Fail(paylink.Invalid, "form.unreadable").Because(err)
	}
	return nil
}

// kept is an amount that was typed, to be typed again by the next page; "" where it is none.
func (v visit) kept(typed string) string {
	a, err := money.Parse(strings.TrimSpace(typed), v.invoice.Currency, v.words.Locale())
	if err != nil || !a.IsPositive() {
		return ""
	}
	return a.FieldText(v.words.Locale())
}

// back leads to the invoice's page with an amount and a method chosen.
func (v visit) back(amount, method string) string {
	query := url.Values{}
	if amount != "" {
		query.Set("amount", amount)
	}
	if method != "" {
		query.Set("method", method)
	}
	if len(query) == 0 {
		return v.base()
	}
	return v.base() + "?" + query.Encode()
}
