package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

const customersPath = "/desk/customers"

func (h *Handlers) listCustomers(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	l := readList(customersPath, query, "q")
	f := store.CustomerFilter{Search: query.Text("q"), Page: l.Page}
	found, next, err := h.store.Customers(ctx, f)
	if err == nil && l.short(next) {
		l = l.first()
		f.Page = l.Page
		found, next, err = h.store.Customers(ctx, f)
	}
	if err != nil {
		return err
	}
	p := templates.DeskCustomers{Desk: h.frame(c, v, "desk.customers"), CanWrite: v.can(paylink.Agent)}
	p.Search = templates.SearchBox{Label: p.T("desk.search.customers"), Value: f.Search, Clear: customersPath}
	for _, one := range found {
		p.Rows = append(p.Rows, templates.CustomerRow{
			Link: customersPath + "/" + one.ID, Name: one.Name, Company: one.Company, Email: one.Email, Since: v.words.Short(one.CreatedAt),
		})
	}
	p.Paging = l.paging(next, len(found), func(n int) (time.Time, string) { return found[n].CreatedAt, found[n].ID })
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) showCustomer(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	one, err := h.store.Customer(ctx, c.Param("customer"))
	if err != nil {
		return err
	}
	p := templates.DeskCustomer{Desk: h.frame(c, v, "desk.plain", "text", one.Name), Heading: one.Name, Base: customersPath + "/" + one.ID, ID: one.ID, CanWrite: v.can(paylink.Agent)}
	p.Crumbs = []templates.Press{{Link: customersPath, Label: p.T("desk.customers")}, {Label: p.T("desk.plain", "text", one.Name)}}
	p.Facts = customerFacts(v, one)
	l := readList(p.Base, query)
	rows, next, err := h.invoices(ctx, v, &l, store.InvoiceFilter{CustomerID: one.ID})
	if err != nil {
		return err
	}
	p.Invoices = templates.InvoiceTable{Own: true}
	if p.Invoices.Rows, err = h.invoiceRows(ctx, v, rows); err != nil {
		return err
	}
	p.Paging = l.paging(next, len(rows), func(n int) (time.Time, string) { return rows[n].Invoice.CreatedAt, rows[n].Invoice.ID })
	p.Take = takeFrom(one.ID, rows, p.Paging == templates.Paging{})
	payments, more, err := h.store.Payments(ctx, store.PaymentFilter{CustomerID: one.ID, Page: store.Page{Limit: 20}})
	if err != nil {
		return err
	}
	since, err := h.reversals(ctx, payments)
	if err != nil {
		return err
	}
	p.Payments.Rows = paymentRows(v, payments, since)
	if more != "" {
		p.More = paymentsPath + "?customer=" + one.ID
	}
	if p.Methods, err = h.methods(ctx, v, one.ID); err != nil {
		return err
	}
	if p.History, err = h.customerHistory(ctx, v, one); err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) customerHistory(ctx context.Context, v visit, one paylink.Customer) ([]templates.Event, error) {
	const most = 10
	rows, err := h.store.AuditOf(ctx, one.ID, most)
	if err != nil {
		return nil, err
	}
	known, err := h.store.MethodsEver(ctx, one.ID, most)
	if err != nil {
		return nil, err
	}
	for _, m := range known {
		more, err := h.store.AuditOf(ctx, m.ID, most)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	slices.SortStableFunc(rows, func(a, b store.AuditRow) int { return b.At.Compare(a.At) })
	who, err := h.names(ctx, v, nil, one)
	return events(v, rows[:min(len(rows), most)], who, nil), err
}

func customerFacts(v visit, one paylink.Customer) []templates.Fact {
	var facts []templates.Fact
	for _, f := range []struct{ key, value string }{
		{"desk.customer.fact.company", one.Company}, {"desk.customer.fact.email", one.Email},
		{"desk.customer.fact.phone", one.Phone}, {"desk.customer.fact.external", one.ExternalID},
	} {
		if f.value != "" {
			facts = append(facts, templates.Fact{Label: v.html(f.key), Value: f.value})
		}
	}
	return append(facts, templates.Fact{Label: v.html("desk.col.since"), Value: v.words.Short(one.CreatedAt)})
}

// customerNames are the fields of the customer form: those of the domain.
var customerNames = map[string]string{"name": "name", "company": "company", "email": "email", "phone": "phone"}

func (h *Handlers) showNewCustomer(c echo.Context, v visit) error {
	return h.customerPage(c, v, http.StatusOK, paylink.Customer{Locale: v.firm.Locale}, nil)
}

func (h *Handlers) showEditCustomer(c echo.Context, v visit) error {
	one, err := h.store.Customer(c.Request().Context(), c.Param("customer"))
	if err != nil {
		return err
	}
	return h.customerPage(c, v, http.StatusOK, one, nil)
}

// customerPage is the form of a customer, with what was typed.
func (h *Handlers) customerPage(c echo.Context, v visit, status int, one paylink.Customer, wrong *paylink.Error) error {
	p := templates.DeskForm{Desk: h.frame(c, v, "desk.customer.new"), Action: customersPath, Back: customersPath}
	p.Heading, p.Button = p.T("desk.customer.new"), p.T("desk.form.save")
	p.Crumbs = []templates.Press{{Link: customersPath, Label: p.T("desk.customers")}, {Label: p.Heading}}
	if one.ID != "" {
		p.Action, p.Back, p.Heading = customersPath+"/"+one.ID+"/edit", customersPath+"/"+one.ID, p.T("desk.customer.edit")
		p.Crumbs[1].Label = p.Heading
	}
	if wrong != nil {
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.form.nothing")}
	}
	fields := v.customerForm(one, customerNames, p.Problems.Problems)
	if languages := v.languages(one.Locale); len(languages) > 1 {
		fields = append(fields, templates.Field{Name: "locale", Kind: "choice", Label: v.words.T("desk.customer.language"), Options: languages, Half: true})
	}
	fields = append(fields, v.fields(p.Problems.Problems, templates.Field{
		Name: "external_id", Kind: "text", Label: v.words.T("desk.customer.external"), Value: one.ExternalID, Hint: p.T("desk.customer.external.hint"), Most: paylink.MaxName,
	})...)
	p.Sections = []templates.Section{{Heading: p.T("desk.customer"), Lead: p.T("desk.customer.lead"), Fields: fields}}
	return h.pages.Show(c, status, p)
}

func (h *Handlers) createCustomer(c echo.Context, v visit) error {
	return h.saveCustomer(c, v, paylink.Customer{}, func(ctx context.Context, one paylink.Customer) (string, error) {
		made, err := h.invoicing.CreateCustomer(ctx, v.actor(), one)
		return made.ID, err
	})
}

func (h *Handlers) editCustomer(c echo.Context, v visit) error {
	one, err := h.store.Customer(c.Request().Context(), c.Param("customer"))
	if err != nil {
		return err
	}
	return h.saveCustomer(c, v, one, func(ctx context.Context, one paylink.Customer) (string, error) {
		return one.ID, h.invoicing.UpdateCustomer(ctx, v.actor(), one)
	})
}

func (h *Handlers) saveCustomer(c echo.Context, v visit, one paylink.Customer, save func(context.Context, paylink.Customer) (string, error)) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	one.Name, one.Company, one.Email = form.Text("name"), form.Text("company"), form.Text("email")
	one.Phone, one.ExternalID = form.Text("phone"), form.Text("external_id")
	if form.Has("locale") {
		one.Locale = money.ParseLocale(form.Get("locale"))
	}
	id, err := save(c.Request().Context(), one)
	if e, ok := told(err); ok {
		if e.Code == "customer.external_id_taken" {
			e = &paylink.Error{Kind: e.Kind, Code: e.Code, Fields: []paylink.FieldError{{Field: "external_id", Code: e.Code}}}
		}
		return h.customerPage(c, v, page.Status(err), one, e)
	}
	if err != nil {
		return err
	}
	return h.done(c, v, customersPath+"/"+id, "desk.customer.saved", "name", one.Name)
}
