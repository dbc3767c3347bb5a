package desk

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// showNewInvoice is an empty form, with the firm's first choices.
func (h *Handlers) showNewInvoice(c echo.Context, v visit) error {
	t := typedOf(v, paylink.Invoice{
		CustomerID: c.QueryParam("customer"), Currency: v.firm.Currency, Capture: v.firm.Capture, Partial: v.firm.Partial,
	})
	return h.invoiceForm(c, v, http.StatusOK, t, nil, nil)
}

// showEditInvoice is the form with what the invoice says now.
func (h *Handlers) showEditInvoice(c echo.Context, v visit) error {
	a, err := h.editable(c)
	if err != nil {
		return err
	}
	return h.invoiceForm(c, v, http.StatusOK, typedOf(v, a.invoice), &a, nil)
}

// editable is the invoice in the address, as long as it may be changed.
func (h *Handlers) editable(c echo.Context) (asked, error) {
	a, err := h.invoice(c)
	switch {
	case err != nil:
		return a, err
	case a.invoice.State == paylink.StateVoid:
		return a, paylink.Fail(paylink.Conflict, "payable.void")
	case a.touched():
		return a, paylink.Fail(paylink.Conflict, "invoice.money_moved")
	}
	return a, nil
}

// again answers the buttons that only change the form: another line, one less, other customers.
func (h *Handlers) again(c echo.Context, v visit, t typedInvoice, a *asked, act string) (bool, error) {
	switch {
	case act == "find":
	case act == "add":
		t.lines = append(t.lines, typedLine{})
	case strings.HasPrefix(act, "remove-lines["):
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(act, "remove-lines["), "]"))
		if err == nil {
			t = t.without(n)
		}
	default:
		return false, nil
	}
	return true, h.invoiceForm(c, v, http.StatusOK, t, a, nil)
}

// createInvoice makes a draft; a new customer is made with it.
func (h *Handlers) createInvoice(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	t, act := readInvoice(form), form.Get("do")
	if shown, err := h.again(c, v, t, nil, act); shown {
		return err
	}
	i, err := h.create(c.Request().Context(), v, &t)
	if e, ok := told(err); ok {
		return h.invoiceForm(c, v, page.Status(err), t, nil, e)
	}
	if err != nil {
		return err
	}
	if act == "send" {
		return seeOther(c, invoicesPath+"/"+i.ID+"/send")
	}
	return h.done(c, v, invoicesPath+"/"+i.ID, "desk.form.saved_draft", "number", i.Number)
}

// create makes the customer, if it is a new one, only once all else is right.
func (h *Handlers) create(ctx context.Context, v visit, t *typedInvoice) (paylink.Invoice, error) {
	i, err := t.check(v)
	var wrong paylink.Fields
	if t.whoNew {
		if e, ok := told(t.newCustomer().Check()); ok {
			for _, f := range e.Fields {
				wrong.Add(freshNames[f.Field], f.Code, f.Args...)
			}
		}
	} else if t.customerID == "" {
		wrong.Add("customer_id", "customer.choose")
	}
	if e, ok := told(err); ok {
		wrong = append(wrong, e.Fields...)
	} else if err != nil {
		return i, err
	}
	if err := wrong.Err(); err != nil {
		return i, err
	}
	if t.whoNew {
		made, err := h.invoicing.CreateCustomer(ctx, v.actor(), t.newCustomer())
		if err != nil {
			return i, err
		}
		t.whoNew, t.customerID = false, made.ID // should the number be taken, the customer is there
	}
	i.CustomerID, i.State = t.customerID, paylink.StateDraft
	return h.invoicing.CreateInvoice(ctx, v.actor(), i)
}

// editInvoice changes what is asked for.
func (h *Handlers) editInvoice(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	a, err := h.editable(c)
	if err != nil {
		return err
	}
	t, act := readInvoice(form), form.Get("do")
	if shown, err := h.again(c, v, t, &a, act); shown {
		return err
	}
	i, err := t.check(v)
	if err == nil && t.number == "" {
		err = paylink.FailField("number", "required")
	}
	if err == nil {
		i.ID, i.CustomerID, i.ExternalID = a.invoice.ID, a.invoice.CustomerID, a.invoice.ExternalID
		if i.Version, err = strconv.Atoi(form.Get("version")); err != nil {
			return paylink.Fail(paylink.Invalid, "form.unreadable")
		}
		_, err = h.invoicing.EditInvoice(c.Request().Context(), v.actor(), i)
	}
	if e, ok := told(err); ok {
		return h.invoiceForm(c, v, page.Status(err), t, &a, e)
	}
	if err != nil {
		return err
	}
	if act == "send" {
		return seeOther(c, a.base()+"/send")
	}
	return h.done(c, v, a.base(), "desk.form.saved", "number", i.Number)
}

// conflicts are about one field of the form, though they are no field's error.
var conflicts = map[string]string{"invoice.number_taken": "number"}

// invoiceForm shows the form with what was typed; a is nil for an invoice that is not there yet.
func (h *Handlers) invoiceForm(c echo.Context, v visit, status int, t typedInvoice, a *asked, wrong *paylink.Error) error {
	p := templates.DeskInvoiceForm{Desk: h.frame(c, v, "desk.invoice.new"), Action: invoicesPath, New: true, Back: invoicesPath}
	p.Heading = p.T("desk.invoice.new")
	p.Crumbs = []templates.Press{{Link: invoicesPath, Label: p.T("desk.invoices")}, {Label: p.Heading}}
	if a != nil {
		p.Desk = h.frame(c, v, "desk.edit.title", "number", a.invoice.Number)
		p.Heading, p.Crumbs = p.T("desk.edit.title", "number", a.invoice.Number), a.crumbs(p.Desk, p.T("desk.invoice.edit"))
		p.New, p.Open, p.Version = false, a.invoice.State == paylink.StateOpen, a.invoice.Version
		p.Action, p.Back = a.base()+"/edit", a.base()
	}
	if wrong != nil {
		if field, ok := conflicts[wrong.Code]; ok && len(wrong.Fields) == 0 {
			wrong = &paylink.Error{Kind: wrong.Kind, Code: wrong.Code, Fields: []paylink.FieldError{{Field: field, Code: wrong.Code, Args: wrong.Args}}}
		}
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.form.nothing")}
	}
	if a != nil && wrong != nil && c.Request().Method == http.MethodPost {
		// The version stays the one that the form was opened with: a change of somebody else's is not undone by pressing again.
		if version, err := strconv.Atoi(c.Request().PostFormValue("version")); err == nil {
			p.Version = version
		}
	}
	if err := h.customerFields(c.Request().Context(), v, t, &p); err != nil {
		return err
	}
	v.detailFields(t, &p)
	v.lineFields(t, &p)
	v.ruleFields(t, &p)
	return h.pages.Show(c, status, p)
}

// customerFields offers the newest customers, or those that were searched for.
func (h *Handlers) customerFields(ctx context.Context, v visit, t typedInvoice, p *templates.DeskInvoiceForm) error {
	if !p.New {
		return nil
	}
	found, _, err := h.store.Customers(ctx, store.CustomerFilter{Search: t.find, Page: store.Page{Limit: 100}})
	if err != nil {
		return err
	}
	p.WhoNew = t.whoNew
	if len(found) == 0 && t.find == "" && t.customerID == "" && t.blank() {
		p.WhoNew = true // there is nobody to choose
	}
	choice := v.fields(p.Problems.Problems, templates.Field{Name: "customer_id", Kind: "choice", Label: v.words.T("desk.form.customer")})[0]
	if t.find == "" {
		choice.Options = append(choice.Options, templates.Option{Label: v.words.T("desk.form.choose")})
	} else if len(found) == 0 {
		choice.Options = append(choice.Options, templates.Option{Label: v.words.T("desk.nothing")})
	}
	listed := false
	for _, one := range found {
		chosen := one.ID == t.customerID
		listed = listed || chosen
		choice.Options = append(choice.Options, customerOption(one, chosen))
	}
	if !listed && t.customerID != "" {
		one, err := h.store.Customer(ctx, t.customerID)
		if err == nil {
			choice.Options = append(choice.Options, customerOption(one, true))
		} else if paylink.KindOf(err) != paylink.NotFound {
			return err
		}
	}
	p.Customer = choice
	p.Find = templates.Field{Name: "find", Kind: "text", Label: v.words.T("desk.form.find"), Value: t.find, Most: 100}
	p.Fresh = v.customerForm(t.newCustomer(), freshNames, p.Problems.Problems)
	return nil
}

func customerOption(c paylink.Customer, chosen bool) templates.Option {
	label := c.Name
	if c.Company != "" {
		label += ", " + c.Company
	}
	return templates.Option{Value: c.ID, Label: label + " · " + c.Email, Chosen: chosen}
}

func (v visit) detailFields(t typedInvoice, p *templates.DeskInvoiceForm) {
	number := v.html("desk.form.number.hint")
	if !p.New {
		number = ""
	}
	p.Details = v.fields(p.Problems.Problems,
		templates.Field{Name: "title", Kind: "text", Label: v.words.T("desk.form.title"), Value: t.title, Most: paylink.MaxName},
		templates.Field{Name: "number", Kind: "text", Label: v.words.T("desk.form.number"), Value: t.number, Hint: number, Most: paylink.MaxNumber, Half: true},
		templates.Field{Name: "due", Kind: "date", Label: v.words.T("desk.form.due"), Value: t.due, Half: true},
		templates.Field{Name: "currency", Kind: "choice", Label: v.words.T("desk.form.currency"), Options: v.currencies(t.currency), Half: true},
		templates.Field{Name: "capture", Kind: "choice", Label: v.words.T("desk.form.capture"), Options: v.captures(t.capture), Half: true},
	)
}

func (v visit) lineFields(t typedInvoice, p *templates.DeskInvoiceForm) {
	lines := t.lines
	if len(lines) == 0 {
		lines = []typedLine{{quantity: "1"}}
	}
	sum, each := v.sum(t)
	p.Total = sum
	for n, l := range lines {
		f := templates.LineField{
			Name: fmt.Sprintf("lines[%d]", n), Place: n + 1, Description: l.description, Quantity: l.quantity, Unit: l.unit, Tax: l.tax,
		}
		if n < len(each) {
			f.Amount = each[n]
		}
		for n := range p.Problems.Problems {
			if problem := &p.Problems.Problems[n]; strings.HasPrefix(problem.Field, f.Name+".") {
				problem.Brief = v.words.T("desk.brief.line", "nth", f.Place, "text", problem.Text)
				f.Problems = append(f.Problems, *problem)
			}
		}
		p.Lines = append(p.Lines, f)
	}
	if p.LinesWrong = p.Problems.Problems.For("lines"); p.LinesWrong != nil {
		p.LinesWrong.Brief = v.words.T("desk.brief", "label", v.words.T("desk.lines"), "text", p.LinesWrong.Text)
	}
}

// sum is what the lines come to, as far as they can be read; "" where they cannot.
func (v visit) sum(t typedInvoice) (total string, each []string) {
	i, _ := t.invoice(v)
	if !i.Currency.Valid() {
		return "", nil
	}
	sum := money.Zero(i.Currency)
	for n, l := range i.Lines {
		amount, err := l.UnitAmount.Times(l.Quantity)
		if err == nil {
			sum, err = sum.Add(amount)
		}
		if err != nil {
			return "", nil
		}
		text := ""
		if _, err := v.parse(t.lines[n].unit, i.Currency); err == nil && l.Quantity > 0 {
			text = v.words.Amount(amount)
		}
		each = append(each, text)
	}
	return v.words.Amount(sum), each
}

// sumInvoice tells the form what its lines come to while they are typed.
func (h *Handlers) sumInvoice(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	var answer struct {
		Total string            `json:"total"`
		Lines map[string]string `json:"lines"`
	}
	answer.Lines = map[string]string{}
	t := readInvoice(form)
	for n := range paylink.MaxLines + 1 { // every line by the name it has in the form, blank ones too
		name := fmt.Sprintf("lines[%d]", n)
		one := t
		one.lines = []typedLine{{quantity: form.Text(name + ".quantity"), unit: form.Text(name + ".unit_amount")}}
		if one.lines[0].unit == "" {
			continue
		}
		if _, each := v.sum(one); len(each) == 1 {
			answer.Lines[name] = each[0]
		}
	}
	answer.Total, _ = v.sum(t)
	return c.JSON(http.StatusOK, answer)
}

func (v visit) ruleFields(t typedInvoice, p *templates.DeskInvoiceForm) {
	p.Offered = []templates.Hidden{
		{Name: "offered.currency", Value: t.offered.currency}, {Name: "offered.minimum", Value: t.offered.minimum}, {Name: "offered.first_minimum", Value: t.offered.first},
	}
	symbol := v.symbol(t.currency)
	allowed := ""
	if t.partial {
		allowed = "on"
	}
	p.Rules = v.fields(p.Problems.Problems,
		templates.Field{Name: "partial.allowed", Kind: "box", Label: v.words.T("desk.form.partial"), Value: allowed, Hint: v.html("desk.form.partial.hint")},
		templates.Field{Name: "partial.minimum", Kind: "money", Symbol: symbol, Label: v.words.T("desk.form.minimum"), Value: t.minimum, Hint: v.html("desk.form.minimum.hint"), Half: true},
		templates.Field{Name: "partial.first_minimum", Kind: "money", Symbol: symbol, Label: v.words.T("desk.form.first"), Value: t.first, Hint: v.html("desk.form.first.hint"), Half: true},
	)
	parts := t.parts
	if len(parts) < mostParts {
		parts = append(parts[:len(parts):len(parts)], typedPart{})
	}
	for n, part := range parts {
		name := fmt.Sprintf("partial.instalments[%d].", n)
		pair := v.fields(p.Problems.Problems,
			templates.Field{Name: name + "amount", Kind: "money", Symbol: symbol, Label: v.words.T("desk.form.part.amount", "nth", n+1), Value: part.amount},
			templates.Field{Name: name + "due_date", Kind: "date", Label: v.words.T("desk.form.part.due"), Value: part.due},
		)
		p.Parts = append(p.Parts, templates.PartField{Amount: pair[0], Due: pair[1]})
	}
}
