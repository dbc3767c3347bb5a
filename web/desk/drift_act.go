package desk

import (
	"cmp"
	"context"
	"fmt"
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

// reconcileJob is the kind of the job that compares our books with Stripe.
const reconcileJob = "payment.reconcile"

// startCheck queues a comparison. One that waits or runs already is not joined by another.
func (h *Handlers) startCheck(c echo.Context, v visit) error {
	ctx, now := c.Request().Context(), v.words.Now()
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.UnfinishedJob(ctx, reconcileJob)
		if paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		fresh, err := tx.Enqueue(ctx, store.Job{Kind: reconcileJob, Key: fmt.Sprintf("desk/%d", now.Truncate(time.Second).Unix()), RunAt: now})
		if err != nil || !fresh {
			return err
		}
		return tx.Audit(ctx, v.actor(), "drift.asked", "stripe", nil, now)
	})
	if err != nil {
		return err
	}
	return seeOther(c, driftPath)
}

// repair does what a difference asks for.
func (h *Handlers) repair(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	d, err := h.store.Difference(ctx, c.Param("difference"))
	if err != nil {
		return err
	}
	if !d.ClosedAt.IsZero() {
		return h.done(c, v, driftPath, "desk.drift.gone")
	}
	repair := repairOf(d)
	switch repair {
	case "take":
		_, err = h.payments.TakeStripesWord(ctx, v.actor(), d.PaymentID)
	case "book":
		_, err = h.payments.BookRefund(ctx, v.actor(), d.Subject)
	default:
		err = h.payments.CheckAgain(ctx, v.actor(), d.ID)
	}
	if err != nil {
		return err
	}
	after, err := h.store.Difference(ctx, d.ID)
	if err != nil {
		return err
	}
	if after.ClosedAt.IsZero() {
		return h.done(c, v, driftPath, "desk.drift.stands")
	}
	return h.done(c, v, driftPath, "desk.drift."+repair+".done")
}

// openInvoices are the invoices that a payment made elsewhere may be for: those of its customer that
// still ask for money in its currency, the one that asks for just that amount first.
//
// Once somebody said which one, it is that one, however it stands by now.
func (h *Handlers) openInvoices(ctx context.Context, v visit, f store.ForeignPayment) ([]store.InvoiceRow, error) {
	if f.InvoiceID != "" {
		i, err := h.store.Invoice(ctx, f.InvoiceID)
		if err != nil {
			return nil, err
		}
		balance, err := h.store.Balance(ctx, i.ID)
		return []store.InvoiceRow{{Invoice: i, Balance: balance}}, err
	}
	rows, _, err := h.store.Invoices(ctx, store.InvoiceFilter{CustomerID: f.CustomerID, Show: "topay", Today: v.today(), Page: store.Page{Limit: 100}})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r store.InvoiceRow) bool { return r.Invoice.Currency != f.Amount.Currency })
	fits := func(r store.InvoiceRow) int {
		switch due := r.Balance.Due(); {
		case due == f.Amount.Minor:
			return 0
		case due > f.Amount.Minor:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(rows, func(a, b store.InvoiceRow) int {
		return cmp.Or(cmp.Compare(fits(a), fits(b)), cmp.Compare(a.Invoice.Due, b.Invoice.Due))
	})
	return rows, nil
}

// foreign reads the payment in the address, which nobody has dealt with.
func (h *Handlers) foreign(c echo.Context) (f store.ForeignPayment, customer paylink.Customer, err error) {
	ctx := c.Request().Context()
	if f, err = h.payments.Foreign(ctx, c.Param("intent")); err != nil {
		return f, customer, err
	}
	customer, err = h.store.Customer(ctx, f.CustomerID)
	return f, customer, err
}

// askApply asks which invoice a payment made elsewhere is for.
func (h *Handlers) askApply(c echo.Context, v visit) error {
	return h.applyPage(c, v, nil)
}

func (h *Handlers) applyPage(c echo.Context, v visit, wrong *paylink.Error) error {
	f, customer, err := h.foreign(c)
	if err != nil {
		return err
	}
	open, err := h.openInvoices(c.Request().Context(), v, f)
	if err != nil {
		return err
	}
	p := templates.DeskConfirm{Desk: h.frame(c, v, "desk.drift.apply.title", "amount", f.Amount), Action: driftPath + "/foreign/" + f.Intent, Back: driftPath}
	p.Heading, p.Keep = p.T("desk.drift.apply.title", "amount", f.Amount), p.T("desk.drift.apply.keep")
	p.Crumbs = []templates.Press{{Link: driftPath, Label: p.T("desk.drift")}, {Label: p.Heading}}
	p.Lead = p.T("desk.drift.apply.lead", "name", customer.Name, "amount", f.Amount, "at", v.stamp(f.MadeAt))
	p.Button = p.T("desk.drift.apply.button", "amount", f.Amount)
	status := http.StatusOK
	if wrong != nil {
		status = page.Status(wrong)
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.drift.apply.nothing")}
	}
	field := templates.Field{Name: "invoice", Kind: "choice", Label: v.words.T("desk.col.invoice")}
	for n, r := range open {
		field.Options = append(field.Options, templates.Option{Value: r.Invoice.ID, Chosen: n == 0, Label: v.words.T(
			"desk.drift.apply.option", "number", r.Invoice.Number, "title", cmp.Or(r.Invoice.Title, customer.Name), "due", money.New(r.Balance.Due(), r.Invoice.Currency),
		)})
	}
	p.What = []templates.HTML{p.T("desk.drift.apply.what.1", "amount", f.Amount), p.T("desk.drift.apply.what.2"), p.T("desk.drift.apply.what.3")}
	if len(open) == 0 {
		p.What = []templates.HTML{p.T("desk.drift.apply.none")}
		p.Button = ""
		return h.pages.Show(c, status, p)
	}
	p.Fields = v.fields(p.Problems.Problems, field)
	return h.pages.Show(c, status, p)
}

// apply books a payment made elsewhere to the invoice that was chosen.
func (h *Handlers) apply(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	f, _, err := h.foreign(c)
	if err != nil {
		return err
	}
	invoice, err := h.store.Invoice(c.Request().Context(), form.Get("invoice"))
	if paylink.KindOf(err) == paylink.NotFound {
		return h.applyPage(c, v, paylink.FailField("invoice", "foreign.invoice"))
	}
	if err != nil {
		return err
	}
	p, err := h.payments.ApplyForeign(c.Request().Context(), v.actor(), f.Intent, invoice.ID)
	if wrong, ok := told(err); ok && wrong.Kind == paylink.Invalid {
		return h.applyPage(c, v, wrong)
	}
	if err != nil {
		return err
	}
	if err := h.closeForeignTask(c.Request().Context(), v, f.CustomerID); err != nil {
		return err
	}
	return h.done(c, v, paymentsPath+"/"+p.ID, "desk.drift.apply.done", "amount", f.Amount, "number", invoice.Number)
}

// closeForeignTask notes that somebody looked after what a customer paid elsewhere, once nothing of it
// is left.
func (h *Handlers) closeForeignTask(ctx context.Context, v visit, customerID string) error {
	const most = 100
	return h.store.Update(ctx, func(tx *store.Tx) error {
		open, err := tx.ForeignPayments(ctx, most)
		if err != nil || len(open) == most || slices.ContainsFunc(open, func(f store.ForeignPayment) bool { return f.CustomerID == customerID }) {
			return err
		}
		return tx.DoneTask(ctx, "payment.foreign", customerID, v.words.Now())
	})
}
