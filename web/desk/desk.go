// Package desk is what staff see: invoices and their links, customers, payments and the settings.
//
// Each route names the role that it needs and is closed to everybody else. A GET changes nothing;
// what changes something is done by packages invoicing, payments and access. What staff charge here is
// what a customer saved, as they allowed it; what is held is captured or let go, what came is given back.
package desk

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/catalogue"
	"paylink/invoicing"
	"paylink/mailer"
	"paylink/payments"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// Handlers answer staff.
type Handlers struct {
	pages     *page.Renderer
	store     *store.Store
	invoicing *invoicing.Service
	payments  *payments.Service
	access    *access.Service
	mailer    *mailer.Mailer // shows mails; it sends none from here
}

// New makes the handlers.
func New(r *page.Renderer, s *store.Store, i *invoicing.Service, p *payments.Service, a *access.Service, m *mailer.Mailer) *Handlers {
	return &Handlers{r, s, i, p, a, m}
}

// route is an address of the desk and the least role it is open to.
type route struct {
	method, path string
	role         paylink.Role
	handle       func(echo.Context, visit) error
}

func (h *Handlers) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/desk", paylink.Viewer, h.showHome},
		{post, "/desk/tasks/done", paylink.Agent, h.closeTask},

		{get, "/desk/invoices", paylink.Viewer, h.listInvoices},
		{get, "/desk/invoices/new", paylink.Agent, h.showNewInvoice},
		{post, "/desk/invoices", paylink.Agent, h.createInvoice},
		{post, "/desk/invoices/total", paylink.Agent, h.sumInvoice},
		{get, "/desk/invoices/:invoice", paylink.Viewer, h.showInvoice},
		{get, "/desk/invoices/:invoice/edit", paylink.Agent, h.showEditInvoice},
		{post, "/desk/invoices/:invoice/edit", paylink.Agent, h.editInvoice},
		{get, "/desk/invoices/:invoice/void", paylink.Manager, h.askVoidInvoice},
		{post, "/desk/invoices/:invoice/void", paylink.Manager, h.voidInvoice},
		{get, "/desk/invoices/:invoice/invoice.pdf", paylink.Viewer, h.showInvoicePDF},
		{get, "/desk/invoices/:invoice/send", paylink.Agent, h.showSend},
		{post, "/desk/invoices/:invoice/send", paylink.Agent, h.sendLinks},
		{get, "/desk/invoices/:invoice/preview", paylink.Agent, h.showPreview},
		{get, "/desk/invoices/:invoice/preview/mail", paylink.Agent, h.showPreviewMail},

		{get, "/desk/invoices/:invoice/take", paylink.Agent, h.askTake},
		{post, "/desk/invoices/:invoice/take", paylink.Agent, h.take},

		{get, "/desk/links/:link", paylink.Agent, h.showLink},
		{post, "/desk/links/:link/resend", paylink.Agent, h.resendLink},
		{get, "/desk/links/:link/replace", paylink.Agent, h.askReplaceLink},
		{post, "/desk/links/:link/replace", paylink.Agent, h.replaceLink},
		{get, "/desk/links/:link/withdraw", paylink.Agent, h.askWithdrawLink},
		{post, "/desk/links/:link/withdraw", paylink.Agent, h.withdrawLink},

		{get, "/desk/customers", paylink.Viewer, h.listCustomers},
		{get, "/desk/customers/new", paylink.Agent, h.showNewCustomer},
		{post, "/desk/customers", paylink.Agent, h.createCustomer},
		{get, "/desk/customers/:customer", paylink.Viewer, h.showCustomer},
		{get, "/desk/customers/:customer/edit", paylink.Agent, h.showEditCustomer},
		{post, "/desk/customers/:customer/edit", paylink.Agent, h.editCustomer},
		{get, "/desk/customers/:customer/take", paylink.Agent, h.askTakeWhich},
		{get, "/desk/customers/:customer/methods/:method/remove", paylink.Agent, h.askRemoveMethod},
		{post, "/desk/customers/:customer/methods/:method/remove", paylink.Agent, h.removeMethod},
		{get, "/desk/customers/:customer/forget", paylink.Agent, h.askForget},
		{post, "/desk/customers/:customer/forget", paylink.Agent, h.forget},

		{get, "/desk/payments", paylink.Viewer, h.listPayments},
		{get, "/desk/payments/:payment", paylink.Viewer, h.showPayment},
		{get, "/desk/payments/:payment/receipt.pdf", paylink.Viewer, h.showReceipt},
		{get, "/desk/payments/:payment/receipt", paylink.Agent, h.askSendReceipt},
		{post, "/desk/payments/:payment/receipt", paylink.Agent, h.sendReceipt},
		{get, "/desk/payments/:payment/permission.pdf", paylink.Viewer, h.showPermission},
		{get, "/desk/payments/:payment/refund", paylink.Manager, h.askRefund},
		{post, "/desk/payments/:payment/refund", paylink.Manager, h.refund},
		{get, "/desk/payments/:payment/capture", paylink.Manager, h.askCapture},
		{post, "/desk/payments/:payment/capture", paylink.Manager, h.capture},
		{get, "/desk/payments/:payment/void", paylink.Manager, h.askVoid},
		{post, "/desk/payments/:payment/void", paylink.Manager, h.void},

		{get, limitsPath, paylink.Viewer, h.showLimits},
		{post, limitsPath + "/links", paylink.Agent, h.unlockLink},
		{post, limitsPath + "/places", paylink.Agent, h.letPlace},
		{post, limitsPath + "/cards", paylink.Manager, h.takeCards},
		{get, limitsPath + "/pause", paylink.Manager, h.askPauseCards},
		{post, limitsPath + "/pause", paylink.Manager, h.pauseCards},

		{get, driftPath, paylink.Viewer, h.showDrift},
		{post, driftPath + "/check", paylink.Manager, h.startCheck},
		{post, driftPath + "/:difference/repair", paylink.Manager, h.repair},
		{get, driftPath + "/foreign/:intent", paylink.Manager, h.askApply},
		{post, driftPath + "/foreign/:intent", paylink.Manager, h.apply},

		{get, "/desk/settings", paylink.Admin, h.showFirm},
		{post, "/desk/settings", paylink.Admin, h.saveFirm},
		{get, "/desk/settings/staff", paylink.Admin, h.listStaff},
		{get, "/desk/settings/staff/new", paylink.Admin, h.showNewStaff},
		{post, "/desk/settings/staff", paylink.Admin, h.addStaff},
		{get, "/desk/settings/keys", paylink.Admin, h.listKeys},
		{post, "/desk/settings/keys", paylink.Admin, h.addKey},
		{get, "/desk/settings/keys/:key/revoke", paylink.Admin, h.askRevokeKey},
		{post, "/desk/settings/keys/:key/revoke", paylink.Admin, h.revokeKey},
	}
}

// Register adds the routes.
func (h *Handlers) Register(e *echo.Echo) {
	e.GET(signInPath, h.showSignIn)
	e.POST(signInPath, h.signIn)
	e.POST("/desk/sign-out", h.signOut)
	for _, r := range h.routes() {
		if !r.role.Can(paylink.Viewer) {
			panic("desk: " + r.path + " is open to no role")
		}
		e.Add(r.method, r.path, h.signedIn(r.role, r.handle))
	}
	e.RouteNotFound("/desk/*", h.signedIn(paylink.Viewer, func(echo.Context, visit) error { return echo.ErrNotFound }))
}

// visit is one request of a member of staff.
type visit struct {
	staff paylink.Staff
	firm  paylink.Firm
	words catalogue.Words
	drift int // what waits on the page of differences
}

func (v visit) actor() paylink.Actor       { return paylink.Actor("staff:" + v.staff.ID) }
func (v visit) can(role paylink.Role) bool { return v.staff.Role.Can(role) }
func (v visit) today() paylink.Date        { return paylink.DateOf(v.words.Now(), v.firm.Location()) }
func (v visit) html(key string, pairs ...any) templates.HTML {
	return templates.Page{Words: v.words}.T(key, pairs...)
}

func cookieValue(c echo.Context, h *Handlers) string {
	value, _ := h.pages.Cookie(c, sessionCookie)
	return value
}

// signedIn lets a handler be reached only by staff with the role, and tells them on a page of the desk
// what went wrong. Who is nobody is asked to sign in.
func (h *Handlers) signedIn(role paylink.Role, next func(echo.Context, visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		person, err := h.access.Staff(c.Request().Context(), cookieValue(c, h))
		if paylink.KindOf(err) == paylink.NotFound {
			return h.askSignIn(c)
		}
		if err != nil {
			return err
		}
		v := visit{staff: person, firm: h.pages.Firm(c), words: h.pages.Words(c, h.pages.Locale(c))}
		if !v.can(role) {
			return h.fail(c, v, echo.ErrForbidden)
		}
		if v.drift, err = h.store.DriftCount(c.Request().Context()); err != nil {
			return err
		}
		if err := next(c, v); err != nil {
			return h.fail(c, v, err)
		}
		return nil
	}
}

// fail tells an error that has no page of its own. It is handed on for the log's line.
func (h *Handlers) fail(c echo.Context, v visit, err error) error {
	status := page.Status(err)
	if c.Response().Committed || status >= http.StatusInternalServerError && !ownWords(v, err) || !strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
		return err
	}
	p := templates.DeskError{Desk: h.frame(c, v, "desk.error.title"), Back: invoicesPath, BackLabel: "desk.error.back"}
	if payment := c.Param("payment"); payment != "" && status != http.StatusNotFound {
		p.Back, p.BackLabel = paymentsPath+"/"+payment, "desk.error.back.payment"
	} else if strings.HasSuffix(c.Path(), "/:invoice/take") && status != http.StatusNotFound {
		p.Back, p.BackLabel = invoicesPath+"/"+c.Param("invoice"), "desk.error.back.invoice"
	} else if strings.HasPrefix(c.Path(), driftPath) {
		p.Back, p.BackLabel = driftPath, "desk.error.back.drift"
	}
	p.Heading, p.Text = p.T("error.title.other"), p.T("error.status.400")
	switch e, ok := errors.AsType[*paylink.Error](err); {
	case ok && len(e.Fields) > 0:
		p.Text = p.T(key(v.words, e.Fields[0].Code), e.Fields[0].Args...)
	case ok:
		p.Text = p.T(key(v.words, e.Code), args(v, e.Args)...)
	case status == http.StatusForbidden:
		p.Text = p.T("desk.error.role")
	case status == http.StatusNotFound:
		p.Text = p.T("error.status.404")
	}
	for _, heading := range []string{"403", "404", "409", "422"} {
		if http.StatusText(status) != "" && heading == itoa(status) {
			p.Heading = p.T("error.title." + heading)
		}
	}
	if shown := h.pages.Show(c, status, p); shown != nil {
		return shown
	}
	return err
}

// ownWords says whether the desk has words of its own for an error of somebody whom we need.
func ownWords(v visit, err error) bool {
	e, ok := errors.AsType[*paylink.Error](err)
	return ok && e.Kind == paylink.Unavailable && v.words.Has("desk.error."+e.Code)
}

// frame is what every page of the desk has around its content.
func (h *Handlers) frame(c echo.Context, v visit, title string, pairs ...any) templates.Desk {
	d := templates.Desk{
		Page: h.pages.Page(c, v.words.Locale(), title, pairs...), Firm: templates.FootOf(v.firm), Person: v.staff.Name,
	}
	d.Title = v.words.T("desk.window", "page", d.Title, "firm", v.firm.Name)
	at := c.Request().URL.Path
	if strings.HasPrefix(at, "/desk/links/") {
		at = invoicesPath
	}
	if strings.HasPrefix(at, limitsPath) {
		at = paymentsPath
	}
	for _, place := range []templates.NavItem{
		{Link: "/desk", Key: "desk.home", Icon: "home"},
		{Link: invoicesPath, Key: "desk.invoices", Icon: "paper"},
		{Link: customersPath, Key: "desk.customers", Icon: "people"},
		{Link: paymentsPath, Key: "desk.payments", Icon: "card"},
		{Link: driftPath, Key: "desk.drift", Icon: "drift", Count: v.drift},
		{Link: settingsPath, Key: "desk.settings", Icon: "gear"},
	} {
		if place.Link == settingsPath && !v.can(paylink.Admin) {
			continue
		}
		place.Current = at == place.Link || place.Link != "/desk" && strings.HasPrefix(at, place.Link+"/")
		d.Nav = append(d.Nav, place)
	}
	if c.Request().Method == http.MethodGet {
		d.Toast = h.pages.TakeFlash(c)
	}
	return d
}

// seeOther answers a POST that did what it was asked to.
func seeOther(c echo.Context, to string) error { return c.Redirect(http.StatusSeeOther, to) }

// done leaves a sentence for the next page and goes there.
func (h *Handlers) done(c echo.Context, v visit, to, sentence string, pairs ...any) error {
	h.pages.Flash(c, v.words.T(sentence, pairs...))
	return seeOther(c, to)
}

// told is an error that a form can say something about.
func told(err error) (*paylink.Error, bool) {
	e, ok := errors.AsType[*paylink.Error](err)
	return e, ok && (e.Kind == paylink.Invalid || e.Kind == paylink.Conflict)
}

// key is the sentence of an error's code: the desk's own where the general one speaks to a payer.
func key(w catalogue.Words, code string) string {
	if own := "desk.error." + code; w.Has(own) {
		return own
	}
	return "error." + code
}

func args(v visit, pairs []any) []any {
	return append(pairs[:len(pairs):len(pairs)], "firm", v.firm.Name)
}

// problems words what is wrong with a form. A field of the domain goes by another name in some forms.
func (v visit) problems(e *paylink.Error, rename map[string]string) templates.Problems {
	fields := e.Fields
	if len(fields) == 0 {
		fields = []paylink.FieldError{{Code: e.Code, Args: e.Args}}
	}
	all := make(templates.Problems, 0, len(fields))
	for _, f := range fields {
		name := f.Field
		if other, ok := rename[name]; ok {
			name = other
		}
		text := v.words.T(key(v.words, f.Code), args(v, f.Args)...)
		all = append(all, templates.Problem{Field: name, Text: text, Brief: text, Args: f.Args})
	}
	return all
}

// local says whether an address leads to a page of the desk and nowhere else.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && path.Clean(u.Path) == u.Path &&
		(u.Path == "/desk" || strings.HasPrefix(u.Path, "/desk/")) && !strings.ContainsAny(address, "\\\r\n")
}
