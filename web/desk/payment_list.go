package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// filters are the statuses that the list of payments can be narrowed to.
var filters = []paylink.PaymentStatus{
	"", paylink.Succeeded, paylink.Processing, paylink.Authorized, paylink.RequiresAction, paylink.Unknown, paylink.Failed, paylink.Canceled,
}

func (h *Handlers) listPayments(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	l := readList(paymentsPath, query, "q", "show", "customer")
	f := store.PaymentFilter{Search: query.Text("q"), Status: paylink.PaymentStatus(query.Get("show")), CustomerID: query.Get("customer"), Page: l.Page}
	if !slices.Contains(filters, f.Status) {
		return echo.ErrNotFound
	}
	found, next, err := h.store.Payments(ctx, f)
	if err == nil && l.short(next) {
		l = l.first()
		f.Page = l.Page
		found, next, err = h.store.Payments(ctx, f)
	}
	if err != nil {
		return err
	}
	p := templates.DeskPayments{Desk: h.frame(c, v, "desk.payments"), None: len(found) == 0 && l.at("", "") == paymentsPath}
	clear := paymentsPath
	if f.Status != "" {
		clear += "?show=" + string(f.Status)
	}
	p.Search = templates.SearchBox{Label: p.T("desk.search.payments"), Value: f.Search, Show: string(f.Status), Clear: clear}
	for _, status := range filters {
		chip := templates.Chip{Link: paymentsPath, Label: p.T("desk.show.all"), Current: status == f.Status}
		if status != "" {
			chip.Link, chip.Label = paymentsPath+"?show="+string(status), p.T(templates.PaymentPill(status).Key)
		}
		p.Chips = append(p.Chips, chip)
	}
	since, err := h.reversals(ctx, found)
	if err != nil {
		return err
	}
	p.Payments = templates.PaymentTable{Rows: paymentRows(v, found, since), Named: true}
	if err := h.nameRows(ctx, found, p.Payments.Rows); err != nil {
		return err
	}
	p.Paging = l.paging(next, len(found), func(n int) (time.Time, string) { return found[n].CreatedAt, found[n].ID })
	return h.pages.Show(c, http.StatusOK, p)
}

// nameRows says of each payment whose it is and for which invoice.
func (h *Handlers) nameRows(ctx context.Context, payments []paylink.Payment, rows []templates.PaymentRow) error {
	customers, invoices := map[string]string{}, map[string]string{}
	for n, p := range payments {
		if _, ok := customers[p.CustomerID]; !ok {
			one, err := h.store.Customer(ctx, p.CustomerID)
			if err != nil {
				return err
			}
			customers[p.CustomerID] = one.Name
		}
		if _, ok := invoices[p.InvoiceID]; !ok {
			i, err := h.store.Invoice(ctx, p.InvoiceID)
			if err != nil {
				return err
			}
			invoices[p.InvoiceID] = i.Number
		}
		rows[n].Name, rows[n].Number = customers[p.CustomerID], invoices[p.InvoiceID]
	}
	return nil
}
