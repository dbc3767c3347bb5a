package desk

import (
	"context"
	"encoding/json"
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

// showHome is the first page: how the firm stands, what somebody must do, and what happened last.
func (h *Handlers) showHome(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	p := templates.DeskHome{Desk: h.frame(c, v, "desk.home"), CanWrite: v.can(paylink.Agent)}
	p.Heading = v.words.Date(v.words.Now())
	var err error
	if p.Figures, err = h.figures(ctx, v); err != nil {
		return err
	}
	if err := h.charts(ctx, v, &p); err != nil {
		return err
	}
	tasks, err := h.store.Tasks(ctx, true)
	if err != nil {
		return err
	}
	if v.drift > 0 {
		p.Tasks = append(p.Tasks, driftTask(v))
	}
	for _, t := range tasks[:min(len(tasks), 20)] {
		if v.drift > 0 && t.Code == foreignTask {
			continue // it is among the differences
		}
		p.Tasks = append(p.Tasks, taskRow(v, t))
	}
	if p.Events, err = h.justNow(ctx, v); err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// figures are the three numbers, in the firm's currency; what there is in others is said below.
func (h *Handlers) figures(ctx context.Context, v visit) ([]templates.Figure, error) {
	now := v.words.Now().In(v.firm.Location())
	since := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, v.firm.Location())
	sums, err := h.store.Figures(ctx, since, v.today())
	if err != nil {
		return nil, err
	}
	own := store.Figures{Currency: v.firm.Currency}
	var others []store.Figures
	for _, f := range sums {
		if f.Currency == v.firm.Currency {
			own = f
		} else {
			others = append(others, f)
		}
	}
	says := templates.Page{Words: v.words}
	amount := func(minor int64) string { return v.words.Amount(money.New(minor, own.Currency)) }
	other := func(of func(store.Figures) int64) (all []templates.HTML) {
		for _, f := range others {
			if minor := of(f); minor != 0 {
				all = append(all, says.T("desk.figure.and", "amount", money.New(minor, f.Currency)))
			}
		}
		return all
	}
	toPay := says.Count("desk.figure.open", own.ToPayInvoices)
	if own.OverdueInvoices > 0 {
		toPay = says.Count("desk.figure.overdue", own.OverdueInvoices, "overdue", money.New(own.Overdue, own.Currency))
	}
	collected := says.Count("desk.figure.payments", own.Payments)
	if own.WentBack > 0 {
		collected = says.Count("desk.figure.back", own.Payments, "back", money.New(own.WentBack, own.Currency))
	}
	return []templates.Figure{
		{
			Dot: "paid", Label: says.T("desk.figure.collected", "month", since), Amount: amount(own.Collected), Link: paymentsPath + "?show=succeeded",
			Text: collected, Other: other(func(f store.Figures) int64 { return f.Collected }),
		},
		{
			Dot: "way", Label: says.T("word.balance.way"), Amount: amount(own.OnItsWay), Link: invoicesPath + "?show=onway",
			Text: says.Count("desk.figure.payments", own.OnItsWayCount), Other: other(func(f store.Figures) int64 { return f.OnItsWay }),
		},
		{
			Dot: "due", Label: says.T("word.balance.due"), Amount: amount(own.ToPay), Link: invoicesPath + "?show=topay",
			Text: toPay, Warn: own.OverdueInvoices > 0, Other: other(func(f store.Figures) int64 { return f.ToPay }),
		},
	}, nil
}

// closeTask notes that somebody looked after a task.
func (h *Handlers) closeTask(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	ctx, kind, subject := c.Request().Context(), form.Get("kind"), form.Get("subject")
	open, err := h.store.Tasks(ctx, true)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(open, func(t store.Task) bool { return t.Kind == kind && t.Subject == subject }) {
		return echo.ErrNotFound
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DoneTask(ctx, kind, subject, v.words.Now()); err != nil {
			return err
		}
		return tx.Audit(ctx, v.actor(), "task.done", subject, map[string]any{"kind": kind}, v.words.Now())
	})
	if err != nil {
		return err
	}
	return h.done(c, v, "/desk", "desk.task.closed")
}

// lately are the events that the first page tells.
var lately = map[string]bool{
	"link.made": true, "link.opened": true, "link.bounced": true, "payment.succeeded": true, "payment.processing": true,
	"payment.authorized": true, "payment.failed": true, "invoice.voided": true, "invoice.created": true,
	"refund.succeeded": true, "refund.pending": true, "refund.failed": true,
	"dispute.needs_response": true, "dispute.warning_needs_response": true, "dispute.won": true, "dispute.lost": true,
}

// justNow is what happened last, with the invoice that it happened to.
func (h *Handlers) justNow(ctx context.Context, v visit) ([]templates.Event, error) {
	const shown, looked = 6, 100
	rows, err := h.store.AuditNewest(ctx, looked)
	if err != nil {
		return nil, err
	}
	var all []templates.Event
	for _, row := range rows {
		if !lately[row.Action] || len(all) == shown {
			continue
		}
		id := row.Subject
		var data logged
		if _ = json.Unmarshal(row.Data, &data); data.Invoice != "" {
			id = data.Invoice
		}
		i, err := h.store.Invoice(ctx, id)
		if paylink.KindOf(err) == paylink.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		customer, err := h.store.Customer(ctx, i.CustomerID)
		if err != nil {
			return nil, err
		}
		links, err := h.store.LinksOf(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		for _, e := range events(v, []store.AuditRow{row}, names{v, nil}, links) {
			e.Link = invoicesPath + "/" + i.ID
			e.When = v.words.T("desk.now.by", "number", i.Number, "name", customer.Name, "at", v.stamp(row.At))
			all = append(all, e)
		}
	}
	return all, nil
}
