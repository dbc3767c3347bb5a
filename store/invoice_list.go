package store

import (
	"context"
	"fmt"
	"time"

	"paylink"
)

// InvoiceFilter narrows a list of invoices.
type InvoiceFilter struct {
	Search     string // a part of number, title, external id, or of the customer's name, company or address
	Show       string // topay, overdue, onway, paid, draft, void or all; "" is all
	CustomerID string
	Today      paylink.Date // in the firm's zone; what was due before it is overdue
	Page
}

// InvoiceRow is an invoice in a list: without lines, and with what is said beside it.
type InvoiceRow struct {
	Invoice  paylink.Invoice
	Customer paylink.Customer
	Balance  paylink.Balance
	Link     *paylink.Link // the newest, or nil
}

// shows are the conditions behind InvoiceFilter.Show; $ is today.
var shows = map[string]string{
	"all":     "true",
	"topay":   "i.state = 'open' and i.owed_amount > i.pending_amount",
	"overdue": "i.state = 'open' and i.owed_amount > i.pending_amount and i.due <> '' and i.due < $",
	"onway":   "i.pending_amount > 0",
	"paid":    "i.state = 'open' and i.owed_amount <= 0",
	"draft":   "i.state = 'draft'",
	"void":    "i.state = 'void'",
}

// Invoices lists invoices, newest first; next is the cursor of the next page, "" on the last.
func (r reads) Invoices(ctx context.Context, f InvoiceFilter) (list []InvoiceRow, next string, err error) {
	var w where
	switch condition := shows[f.Show]; {
	case f.Show == "" || f.Show == "all":
	case condition == "":
		return nil, "", paylink.Fail(paylink.Invalid, "show")
	case f.Show == "overdue":
		w.add(condition, f.Today)
	default:
		w.text = append(w.text, condition)
	}
	if f.CustomerID != "" {
		w.add("i.customer_id = $", f.CustomerID)
	}
	if f.Search != "" {
		w.add(`(i.search like $ escape '\' or c.search like $ escape '\')`, containing(f.Search))
	}
	tail, err := w.page(f.Page, "i.")
	if err != nil {
		return nil, "", err
	}
	invoices, err := all(ctx, r, scanInvoice, `select i.id, i.number, i.customer_id, i.title, i.currency, i.total, i.due,
		i.issued_on, i.partial, i.capture, i.external_id, i.state, i.version, i.created_at, i.updated_at, i.voided_at
		from invoice i join customer c on c.id = i.customer_id`+tail, w.args...)
	if err != nil {
		return nil, "", found("invoice", err)
	}
	invoices, next = cut(f.Page, invoices, func(i paylink.Invoice) (time.Time, string) { return i.CreatedAt, i.ID })
	list, err = r.beside(ctx, invoices)
	return list, next, err
}

// beside reads what stands beside invoices in a list, with one statement a kind.
func (r reads) beside(ctx context.Context, invoices []paylink.Invoice) ([]InvoiceRow, error) {
	if len(invoices) == 0 {
		return nil, nil
	}
	balances, err := r.balances(ctx, invoices)
	if err != nil {
		return nil, err
	}
	var ids, customerIDs []string
	customers := map[string]paylink.Customer{}
	for _, i := range invoices {
		ids = append(ids, i.ID)
		if _, ok := customers[i.CustomerID]; !ok {
			customers[i.CustomerID] = paylink.Customer{}
			customerIDs = append(customerIDs, i.CustomerID)
		}
	}
	list, args := in(1, customerIDs)
	people, err := all(ctx, r, scanCustomer, "select "+customerColumns+" from customer where id in ("+list+")", args...)
	if err != nil {
		return nil, found("customer", err)
	}
	for _, c := range people {
		customers[c.ID] = c
	}
	list, args = in(1, ids)
	newest, err := all(ctx, r, scanLink, "select "+linkColumns+` from link l where invoice_id in (`+list+`)
		and not exists (select 1 from link n where n.invoice_id = l.invoice_id and (n.created_at, n.id) > (l.created_at, l.id))`, args...)
	if err != nil {
		return nil, found("link", err)
	}
	links := make(map[string]*paylink.Link, len(newest))
	for n := range newest {
		links[newest[n].InvoiceID] = &newest[n]
	}
	rows := make([]InvoiceRow, len(invoices))
	for n, i := range invoices {
		rows[n] = InvoiceRow{Invoice: i, Customer: customers[i.CustomerID], Balance: balances[i.ID], Link: links[i.ID]}
	}
	return rows, nil
}

// InvoiceCounts counts the invoices behind each value of InvoiceFilter.Show.
func (r reads) InvoiceCounts(ctx context.Context, today paylink.Date) (map[string]int, error) {
	names := []string{"all", "topay", "overdue", "onway", "paid", "draft", "void"}
	counts := make([]int, len(names))
	var w where
	query := "select "
	for n, name := range names {
		if n > 0 {
			query += ", "
		}
		w.text = nil
		if name == "overdue" {
			w.add(shows[name], today)
		} else {
			w.text = []string{shows[name]}
		}
		query += fmt.Sprintf("coalesce(sum(case when %s then 1 else 0 end), 0)", w.String())
	}
	_, err := one(ctx, r, func(r row) (struct{}, error) {
		into := make([]any, len(counts))
		for n := range counts {
			into[n] = &counts[n]
		}
		return struct{}{}, r.Scan(into...)
	}, query+" from invoice i", w.args...)
	if err != nil {
		return nil, found("invoice", err)
	}
	byName := make(map[string]int, len(names))
	for n, name := range names {
		byName[name] = counts[n]
	}
	return byName, nil
}
