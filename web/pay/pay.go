// Package pay is what customers see: the link from the mail, the invoice's page, the page of each
// payment, receipts, and the forms around a link.
//
// A GET writes nothing, because mail scanners open links. What may be paid is the domain's to say and
// paying is the work of package payments; here it is asked, shown and answered.
package pay

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/catalogue"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// Options are what the pages need to know of their surroundings.
type Options struct {
	BaseURL        string
	StripeJS       string // the address of Stripe.js
	PublishableKey string // pk_…, for the browser
	PlaidJS        string // the address of Plaid Link's script
	Bank           Bank   // how bank accounts are linked
	NoLimits       bool   // nobody waits, however much is tried from one place; with test keys only
}

// Bank is how a payer's bank account becomes known.
type Bank string

// The ways. Without Plaid, the account's numbers go to Stripe and a small deposit proves them.
const (
	NoBank       Bank = ""
	BankLink     Bank = "plaid"
	BankDeposits Bank = "deposits"
)

// Handlers answer customers.
type Handlers struct {
	pages     *page.Renderer
	store     *store.Store
	invoicing *invoicing.Service
	payments  *payments.Service
	access    *access.Service
	ring      paylink.KeyRing
	limits    *access.Limits // nil when they are off
	Options
}

// New makes the handlers.
func New(r *page.Renderer, s *store.Store, i *invoicing.Service, p *payments.Service, a *access.Service, ring paylink.KeyRing, o Options) *Handlers {
	h := &Handlers{r, s, i, p, a, ring, nil, o}
	if !o.NoLimits {
		h.limits = access.NewLimits(s, r.Now)
	}
	return h
}

// Register adds the routes. Only POSTs change anything.
func (h *Handlers) Register(e *echo.Echo) {
	get := func(path string, f echo.HandlerFunc) { e.Match([]string{http.MethodGet, http.MethodHead}, path, f) }
	get("/l/:token", h.openLink)
	get("/v/:code", h.verifyReceipt)

	get("/pay/:link", h.visited(h.showInvoice))
	get("/pay/:link/quote", h.visited(h.quoteAmount))
	get("/pay/:link/invoice.pdf", h.visited(h.showInvoicePDF))
	get("/pay/:link/link.svg", h.visited(h.showLink))
	e.POST("/pay/:link/payments", h.visited(h.beginPayment))
	get("/pay/:link/payments/:payment", h.visited(h.showPayment))
	e.POST("/pay/:link/payments/:payment/action", h.visited(h.answerBank))
	e.POST("/pay/:link/payments/:payment/check", h.visited(h.checkPayment))
	get("/pay/:link/payments/:payment/receipt.pdf", h.visited(h.showReceipt))
	get("/pay/:link/payments/:payment/permission.pdf", h.visited(h.showPermission))
	get("/pay/:link/bank", h.visited(h.showBank))
	e.POST("/pay/:link/bank", h.visited(h.linkBank))
	e.POST("/pay/:link/bank/session", h.visited(h.beginSession))
	e.POST("/pay/:link/bank/check", h.visited(h.checkBank))
	get("/pay/:link/bank/:method", h.visited(h.showDeposit))
	e.POST("/pay/:link/bank/:method", h.visited(h.proveDeposit))
	get(oauthPath, h.resumeBank)
	get("/pay/:link/code", h.visited(h.showCode))
	e.POST("/pay/:link/code", h.visited(h.takeCode))
	get("/pay/:link/methods/:method/login", h.visited(h.showLogin))
	e.POST("/pay/:link/methods/:method/login", h.visited(h.renewLogin))
	get("/pay/:link/methods/:method/remove", h.visited(h.showRemove))
	e.POST("/pay/:link/methods/:method/remove", h.visited(h.removeMethod))
	get("/pay/:link/forward", h.visited(h.showForward))
	e.POST("/pay/:link/forward", h.visited(h.forwardLink))
	get("/pay/:link/fresh", h.showFreshSent)
	e.POST("/pay/:link/fresh", h.sendFresh)
}

// visit is one request of somebody who holds a link: all that a page is made of.
type visit struct {
	link     paylink.Link
	invoice  paylink.Invoice
	customer paylink.Customer
	firm     paylink.Firm
	balance  paylink.Balance
	payments []paylink.Payment // newest first
	words    catalogue.Words

	visitor string           // this browser, once it linked an account; "" before
	proven  bool             // it proved the customer's mailbox
	methods []paylink.Method // what it may see of the customer's, newest first
}

func (v visit) base() string                        { return "/pay/" + v.link.ID }
func (v visit) payable() paylink.Payable            { return paylink.PayableOf(v.invoice, v.balance) }
func (v visit) amount(minor int64) money.Amount     { return money.New(minor, v.invoice.Currency) }
func (v visit) paymentURL(p paylink.Payment) string { return v.base() + "/payments/" + p.ID }
func (v visit) receiptURL(p paylink.Payment) string { return v.paymentURL(p) + "/receipt.pdf" }
func (v visit) actor() paylink.Actor                { return paylink.Actor("payer:" + v.link.ID) }
func (v visit) own(p paylink.Payment) bool          { return p.LinkID == v.link.ID }
func (v visit) standing() templates.Balance {
	return templates.BalanceOf(v.balance, v.invoice.Currency)
}
func cookieName(linkID string) string      { return "link_" + linkID }
func cookieValue(link paylink.Link) string { return link.TokenHash[:min(32, len(link.TokenHash))] }

// visited lets a handler be reached only by a browser that opened the link, while the link works.
func (h *Handlers) visited(next func(echo.Context, visit) error) echo.HandlerFunc {
	return func(c echo.Context) error { return h.visitedBy(c, c.Param("link"), next) }
}

func (h *Handlers) visitedBy(c echo.Context, id string, next func(echo.Context, visit) error) error {
	proof, ok := h.pages.Cookie(c, cookieName(id))
	if !ok {
		return h.closed(c, id)
	}
	v, err := h.visit(c, id)
	if paylink.KindOf(err) == paylink.NotFound || err == nil && proof != cookieValue(v.link) {
		return h.closed(c, id)
	}
	if err != nil {
		return err
	}
	if err := v.link.Usable(h.pages.Now()); err != nil {
		return h.ended(c, v.link, err)
	}
	return next(c, v)
}

// visit reads all that a page is made of as of one moment.
func (h *Handlers) visit(c echo.Context, linkID string) (v visit, err error) {
	ctx := c.Request().Context()
	err = h.store.Snapshot(ctx, func(r store.Reads) error {
		if v.link, err = r.Link(ctx, linkID); err != nil {
			return err
		}
		if firm, err := r.Firm(ctx); err == nil {
			h.pages.KnowFirm(c, firm)
		}
		if v.invoice, err = r.Invoice(ctx, v.link.InvoiceID); err != nil {
			return err
		}
		if v.customer, err = r.Customer(ctx, v.invoice.CustomerID); err != nil {
			return err
		}
		v.balance, v.payments, err = r.InvoicePayments(ctx, v.invoice)
		return err
	})
	if err != nil {
		return v, err
	}
	v.firm, v.words = h.pages.Firm(c), h.pages.Words(c, v.link.Locale)
	return v, h.recognise(c, &v)
}

// frame is what the pages of a visit have around them.
func (h *Handlers) frame(c echo.Context, v visit, title string, pairs ...any) templates.Frame {
	f := h.pages.Frame(c, v.link.Locale, title, append(pairs, "invoice", v.invoice.Number, "firm", v.firm.Name)...)
	f.Reference, f.Until = v.invoice.Number, v.link.LastDay()
	if !v.link.PaidAt.IsZero() {
		f.Until = v.link.PaidAt.Add(paylink.ReceiptLife)
	}
	return f
}

// opened notes that a person did something with the link.
func (h *Handlers) opened(c echo.Context, v visit) error {
	if !v.link.OpenedAt.IsZero() {
		return nil
	}
	return h.invoicing.Opened(c.Request().Context(), v.link.ID)
}

// forScript says whether our script asks, and not a browser that shows a page.
func forScript(c echo.Context) bool {
	return strings.HasPrefix(c.Request().Header.Get("Accept"), "application/json")
}

// told is the domain's error that a page can say itself; false when it is for the one error map.
func told(err error) (*paylink.Error, bool) {
	e, ok := errors.AsType[*paylink.Error](err)
	return e, ok && e.Kind != paylink.NotFound
}

func seeOther(c echo.Context, url string) error { return c.Redirect(http.StatusSeeOther, url) }
