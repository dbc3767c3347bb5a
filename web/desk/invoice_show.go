package desk

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/receipts"
	"paylink/templates"
)

// asked is an invoice with all that is known of it.
type asked struct {
	invoice  paylink.Invoice
	customer paylink.Customer
	balance  paylink.Balance
}

func (a asked) base() string                    { return invoicesPath + "/" + a.invoice.ID }
func (a asked) amount(minor int64) money.Amount { return money.New(minor, a.invoice.Currency) }

// invoice reads the invoice in the address.
func (h *Handlers) invoice(c echo.Context) (a asked, err error) {
	ctx := c.Request().Context()
	if a.invoice, err = h.store.Invoice(ctx, c.Param("invoice")); err != nil {
		return a, err
	}
	if a.customer, err = h.store.Customer(ctx, a.invoice.CustomerID); err != nil {
		return a, err
	}
	a.balance, err = h.store.Balance(ctx, a.invoice.ID)
	return a, err
}

func (a asked) crumbs(f templates.Desk, here ...templates.HTML) []templates.Press {
	crumbs := []templates.Press{{Link: invoicesPath, Label: f.T("desk.invoices")}, {Link: a.base(), Label: f.T("desk.plain", "text", a.invoice.Number)}}
	if len(here) == 0 {
		crumbs[1].Link = ""
	}
	for _, label := range here {
		crumbs = append(crumbs, templates.Press{Label: label})
	}
	return crumbs
}

// touched says whether money moved or is moving, which ends changes to what is asked.
func (a asked) touched() bool {
	return a.balance.Payments > 0 || a.balance.Pending > 0 || a.balance.Credited > 0
}

func (h *Handlers) showInvoice(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	a, err := h.invoice(c)
	if err != nil {
		return err
	}
	payments, err := h.store.PaymentsOf(ctx, a.invoice.ID)
	if err != nil {
		return err
	}
	links, err := h.store.LinksOf(ctx, a.invoice.ID)
	if err != nil {
		return err
	}
	who, err := h.names(ctx, v, links, a.customer)
	if err != nil {
		return err
	}
	i := a.invoice
	p := templates.DeskInvoice{Desk: h.frame(c, v, "desk.invoice.window", "number", i.Number, "name", a.customer.Name)}
	p.Crumbs = a.crumbs(p.Desk)
	p.Heading = v.words.T("desk.invoice.window", "number", i.Number, "name", a.customer.Name)
	since, err := h.reversals(ctx, payments)
	if err != nil {
		return err
	}
	p.Pill = templates.InvoicePill(i, a.balance, payments, v.words.Now(), v.firm.Location())
	for _, one := range since {
		p.Pill = templates.DeskInvoicePill(p.Pill, one)
	}
	p.Base, p.Balance, p.Total, p.Subject = a.base(), templates.BalanceOf(a.balance, i.Currency), i.Total, i.Title
	p.Text = dueText(v, a)
	for _, l := range i.Lines {
		p.Lines = append(p.Lines, templates.InvoiceLine{
			Text: l.Description, Quantity: l.Quantity, Unit: l.UnitAmount, Amount: l.Amount, One: l.UnitAmount == l.Amount,
		})
	}
	if p.Links, err = h.linkRows(ctx, v, i, links, who); err != nil {
		return err
	}
	p.Payments = paymentRows(v, payments, since)
	p.Customer = card(a.customer)
	p.Rules = rules(v, a)
	if p.History, err = h.invoiceHistory(ctx, v, i, payments, links, who); err != nil {
		return err
	}
	p.CanSend = v.can(paylink.Agent) && i.State != paylink.StateVoid && (i.State == paylink.StateDraft || a.balance.Due() > 0)
	p.CanTake = v.can(paylink.Agent) && paylink.PayableOf(i, a.balance).Why == ""
	p.CanEdit = v.can(paylink.Agent) && i.State != paylink.StateVoid && !a.touched()
	p.CanVoid = v.can(paylink.Manager) && i.State != paylink.StateVoid && !a.touched()
	return h.pages.Show(c, http.StatusOK, p)
}

// dueText says by when the money is expected.
func dueText(v visit, a asked) templates.HTML {
	i := a.invoice
	switch {
	case i.State == paylink.StateDraft:
		return v.html("desk.invoice.draft")
	case i.State == paylink.StateVoid:
		return v.html("desk.invoice.voided", "at", v.stamp(i.VoidedAt))
	case a.balance.Due() == 0 && a.balance.Pending == 0:
		return v.html("desk.invoice.nothing")
	case i.Due == "":
		return v.html("desk.invoice.nodue")
	}
	page := templates.Page{Words: v.words}
	switch days := v.words.Days(i.Due.Time(v.firm.Location())); {
	case days > 0:
		return page.Count("desk.due.in", days, "due", i.Due)
	case days < 0:
		return page.Count("desk.due.late", -days, "due", i.Due)
	}
	return page.T("desk.due.today", "due", i.Due)
}

func card(c paylink.Customer) templates.CustomerCard {
	return templates.CustomerCard{Link: "/desk/customers/" + c.ID, Name: c.Name, Company: c.Company, Email: c.Email, Phone: c.Phone}
}

// rules are what may be paid of the invoice, in words.
func rules(v visit, a asked) []templates.Fact {
	i := a.invoice
	fact := func(label, value string, pairs ...any) templates.Fact {
		return templates.Fact{Label: v.html(label), Value: v.words.T(value, pairs...)}
	}
	var all []templates.Fact
	if !i.Partial.Allowed {
		all = append(all, fact("desk.rule.part", "desk.rule.whole"))
	} else {
		least := a.amount(max(i.Partial.Minimum, paylink.MinCharge(i.Currency)))
		all = append(all, fact("desk.rule.part", "desk.rule.from", "least", least),
			fact("desk.rule.rest", "desk.rule.rest_from", "least", least, "none", a.amount(0)))
		if i.Partial.FirstMinimum > 0 {
			all = append(all, fact("desk.rule.first", "desk.rule.from", "least", a.amount(i.Partial.FirstMinimum)))
		}
		for _, part := range i.Partial.Instalments {
			if part.Due == "" {
				all = append(all, fact("desk.rule.instalment", "desk.rule.amount", "amount", a.amount(part.Amount)))
				continue
			}
			all = append(all, fact("desk.rule.instalment", "desk.rule.by", "amount", a.amount(part.Amount), "due", part.Due))
		}
	}
	all = append(all, fact("desk.rule.capture", "desk.rule."+string(i.Capture)))
	if i.IssuedOn != "" {
		all = append(all, fact("desk.rule.issued", "desk.rule.date", "date", i.IssuedOn))
	}
	return all
}

// showInvoicePDF is the invoice as a document. It carries no link: each recipient has their own, and
// it is in their mail.
func (h *Handlers) showInvoicePDF(c echo.Context, v visit) error {
	a, err := h.invoice(c)
	if err != nil {
		return err
	}
	pdf, err := receipts.RenderInvoice(receipts.OfInvoice(v.firm, a.customer, a.invoice, a.balance, ""))
	if err != nil {
		return err
	}
	return h.pages.PDF(c, a.invoice.Number+".pdf", pdf)
}

// paymentRows tells payments, in their order, with what became of their money since.
func paymentRows(v visit, payments []paylink.Payment, since map[string]templates.Since) []templates.PaymentRow {
	rows := make([]templates.PaymentRow, 0, len(payments))
	for _, p := range payments {
		r := templates.PaymentRow{
			Link: paymentsPath + "/" + p.ID, When: v.words.Stamp(p.CreatedAt), Means: means(v, p), Pill: templates.DeskPaymentPill(p, since[p.ID]),
			Receipt: p.ReceiptNumber, ReceiptLink: paymentsPath + "/" + p.ID + "/receipt.pdf", Amount: p.Amount,
			Quiet: p.Status == paylink.Failed || p.Status == paylink.Canceled,
		}
		if r.Instead = v.html("desk.receipt.later"); r.Quiet {
			r.Instead = v.html("desk.receipt.never")
		}
		rows = append(rows, r)
	}
	return rows
}

// means is what somebody pays with, as far as it is known.
func means(v visit, p paylink.Payment) string {
	if label := p.MeansLabel(); label != "" {
		return label
	}
	if p.Method == paylink.MethodBank {
		return v.words.T("desk.method.bank")
	}
	return v.words.T("desk.method.card")
}
