package desk

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// Where the lists are.
const (
	invoicesPath = "/desk/invoices"
	paymentsPath = "/desk/payments"
)

// listInvoices shows a page of the invoices, those to pay first.
func (h *Handlers) listInvoices(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	l := readList(invoicesPath, query, "q", "show")
	show, search := query.Get("show"), query.Text("q")
	counts, err := h.store.InvoiceCounts(ctx, v.today())
	if err != nil {
		return err
	}
	if show == "" {
		show = "topay"
		if counts["topay"] == 0 { // nothing to do is no reason to look empty
			show = "all"
		}
	}
	rows, next, err := h.invoices(ctx, v, &l, store.InvoiceFilter{Search: search, Show: show})
	if err != nil {
		return err
	}
	p := templates.DeskInvoices{Desk: h.frame(c, v, "desk.invoices"), CanWrite: v.can(paylink.Agent), None: counts["all"] == 0}
	p.Search = templates.SearchBox{Label: p.T("desk.search.invoices"), Value: search, Show: "all", Clear: invoicesPath + "?show=" + show}
	for _, name := range []string{"topay", "overdue", "onway", "paid", "draft", "void", "all"} {
		p.Chips = append(p.Chips, templates.Chip{
			Link: invoicesPath + "?show=" + name, Label: p.T("desk.show." + name), Count: v.words.Int(int64(counts[name])), Current: show == name,
		})
	}
	if p.Invoices.Rows, err = h.invoiceRows(ctx, v, rows); err != nil {
		return err
	}
	p.Paging = l.paging(next, len(rows), func(n int) (time.Time, string) { return rows[n].Invoice.CreatedAt, rows[n].Invoice.ID })
	return h.pages.Show(c, http.StatusOK, p)
}

// invoices reads a page of a list.
func (h *Handlers) invoices(ctx context.Context, v visit, l *listed, f store.InvoiceFilter) ([]store.InvoiceRow, string, error) {
	f.Today, f.Page = v.today(), l.Page
	rows, next, err := h.store.Invoices(ctx, f)
	if err != nil || !l.short(next) {
		return rows, next, err
	}
	*l = l.first()
	f.Page = l.Page
	return h.store.Invoices(ctx, f)
}

func (h *Handlers) invoiceRows(ctx context.Context, v visit, rows []store.InvoiceRow) ([]templates.InvoiceRow, error) {
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = r.Invoice.ID
	}
	taken, err := h.store.ReversalsOfInvoices(ctx, ids)
	if err != nil {
		return nil, err
	}
	since := sinceAll(taken)
	all := make([]templates.InvoiceRow, len(rows))
	for n, r := range rows {
		balance := templates.BalanceOf(r.Balance, r.Invoice.Currency)
		balance.ID = "b" + itoa(n)
		row := templates.InvoiceRow{
			Link: invoicesPath + "/" + r.Invoice.ID, Name: r.Customer.Name, Number: r.Invoice.Number, Title: r.Invoice.Title,
			Pill:    templates.DeskInvoicePill(templates.InvoicePill(r.Invoice, r.Balance, nil, v.words.Now(), v.firm.Location()), since[r.Invoice.ID]),
			Balance: balance, Nothing: balance.Paid.IsZero() && balance.Way.IsZero(), Total: r.Invoice.Total,
			Draft: r.Invoice.State != paylink.StateOpen,
		}
		if r.Invoice.Due != "" {
			row.Due = v.words.Short(r.Invoice.Due.Time(v.firm.Location()))
		}
		row.News = v.html("desk.news.none")
		if r.Link != nil {
			row.News, row.NewsBad = linkNews(v, *r.Link)
		}
		all[n] = row
	}
	return all, nil
}
