package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"paylink"
	"paylink/ledger"
	"paylink/money"
)

const invoiceColumns = `id, number, customer_id, title, currency, total, due, issued_on, partial, capture, external_id,
	state, version, created_at, updated_at, voided_at`

func scanInvoice(r row) (i paylink.Invoice, err error) {
	var partial string
	err = r.Scan(&i.ID, &i.Number, &i.CustomerID, &i.Title, &i.Currency, &i.Total.Minor, &i.Due, &i.IssuedOn, &partial,
		&i.Capture, &i.ExternalID, &i.State, &i.Version, moment{&i.CreatedAt}, moment{&i.UpdatedAt}, moment{&i.VoidedAt})
	if err != nil {
		return i, err
	}
	i.Total.Currency = i.Currency
	if err := json.Unmarshal([]byte(partial), &i.Partial); err != nil {
		return i, fmt.Errorf("partial rules of %s: %w", i.ID, err)
	}
	return i, nil
}

// Invoice finds an invoice, with its lines.
func (r reads) Invoice(ctx context.Context, id string) (paylink.Invoice, error) {
	return r.invoice(ctx, "where id = $1", id)
}

// InvoiceByNumber finds an invoice by what people call it, with its lines.
func (r reads) InvoiceByNumber(ctx context.Context, number string) (paylink.Invoice, error) {
	return r.invoice(ctx, "where number = $1", number)
}

// InvoiceByExternalID finds an invoice by the id in the system it came from, with its lines.
func (r reads) InvoiceByExternalID(ctx context.Context, externalID string) (paylink.Invoice, error) {
	return r.invoice(ctx, "where external_id = $1 and external_id <> ''", externalID)
}

func (r reads) invoice(ctx context.Context, tail string, arg string) (paylink.Invoice, error) {
	i, err := one(ctx, r, scanInvoice, "select "+invoiceColumns+" from invoice "+tail, arg)
	if err != nil {
		return i, found("invoice", err)
	}
	i.Lines, err = all(ctx, r, func(r row) (l paylink.Line, err error) {
		err = r.Scan(&l.Description, &l.Quantity, &l.UnitAmount.Minor, &l.Tax, &l.Amount.Minor)
		l.UnitAmount.Currency, l.Amount.Currency = i.Currency, i.Currency
		return l, err
	}, `select description, quantity, unit_amount, tax, amount from invoice_line where invoice_id = $1 order by position`, i.ID)
	return i, found("invoice", err)
}

// LockInvoice reads an invoice and keeps every other transaction from locking it until this one
// ends. What is reserved or paid of it is decided under this lock.
func (t *Tx) LockInvoice(ctx context.Context, id string) (paylink.Invoice, error) {
	return t.invoice(ctx, "where id = $1"+t.dialect.forUpdate, id)
}

// InsertInvoice adds an invoice with its lines; Conflict "invoice.number_taken" or
// "invoice.external_id_taken" when another has one of them.
func (t *Tx) InsertInvoice(ctx context.Context, i paylink.Invoice) error {
	partial, err := json.Marshal(i.Partial)
	if err != nil {
		return wrote("invoice", err)
	}
	n, err := t.exec(ctx, "insert into invoice ("+invoiceColumns+`, owed_amount, pending_amount, search)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $6, 0, $17)
		on conflict do nothing`,
		i.ID, i.Number, i.CustomerID, i.Title, i.Currency, i.Total.Minor, i.Due, i.IssuedOn, string(partial), i.Capture,
		i.ExternalID, i.State, i.Version, micros(i.CreatedAt), micros(i.UpdatedAt), micros(i.VoidedAt), invoiceSearch(i))
	if err != nil {
		return wrote("invoice", err)
	}
	if n == 0 {
		if err := t.invoiceTaken(ctx, i); err != nil {
			return err
		}
		return fmt.Errorf("write invoice: %s is there already", i.ID)
	}
	return t.insertLines(ctx, i)
}

// UpdateInvoice changes an invoice whose version is still i.Version, and counts the version up;
// Conflict "invoice.changed" when it is another.
func (t *Tx) UpdateInvoice(ctx context.Context, i paylink.Invoice) error {
	partial, err := json.Marshal(i.Partial)
	if err != nil {
		return wrote("invoice", err)
	}
	if err := t.invoiceTaken(ctx, i); err != nil {
		return err
	}
	n, err := t.exec(ctx, `update invoice set number = $3, customer_id = $4, title = $5, currency = $6, total = $7, due = $8,
		issued_on = $9, partial = $10, capture = $11, external_id = $12, state = $13, updated_at = $14, voided_at = $15,
		search = $16, version = version + 1 where id = $1 and version = $2`,
		i.ID, i.Version, i.Number, i.CustomerID, i.Title, i.Currency, i.Total.Minor, i.Due, i.IssuedOn, string(partial),
		i.Capture, i.ExternalID, i.State, micros(i.UpdatedAt), micros(i.VoidedAt), invoiceSearch(i))
	if t.dialect.isUnique(err) || err == nil && n == 0 {
		return paylink.Fail(paylink.Conflict, "invoice.changed").Because(err)
	}
	if err != nil {
		return wrote("invoice", err)
	}
	if _, err := t.exec(ctx, "delete from invoice_line where invoice_id = $1", i.ID); err != nil {
		return wrote("invoice", err)
	}
	if err := t.insertLines(ctx, i); err != nil {
		return err
	}
	t.moves(i.ID)
	return nil
}

func invoiceSearch(i paylink.Invoice) string { return folded(i.Number, i.Title, i.ExternalID) }

func (t *Tx) insertLines(ctx context.Context, i paylink.Invoice) error {
	for n, l := range i.Lines {
		if _, err := t.exec(ctx, `insert into invoice_line
			(invoice_id, position, description, quantity, unit_amount, tax, amount) values ($1, $2, $3, $4, $5, $6, $7)`,
			i.ID, n, l.Description, int64(l.Quantity), l.UnitAmount.Minor, l.Tax, l.Amount.Minor); err != nil {
			return wrote("invoice line", err)
		}
	}
	return nil
}

// invoiceTaken says which of an invoice's names another one has.
func (t *Tx) invoiceTaken(ctx context.Context, i paylink.Invoice) error {
	for _, try := range []struct{ query, arg, code string }{
		{"select id from invoice where number = $1 and id <> $2", i.Number, "invoice.number_taken"},
		{"select id from invoice where external_id = $1 and external_id <> '' and id <> $2", i.ExternalID, "invoice.external_id_taken"},
	} {
		_, err := one(ctx, t.reads, value[string], try.query, try.arg, i.ID)
		if err == nil {
			return paylink.Fail(paylink.Conflict, try.code)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return found("invoice", err)
		}
	}
	return nil
}

// NextInvoiceNumber takes the next number that no invoice has: INV-1001, INV-1002…
func (t *Tx) NextInvoiceNumber(ctx context.Context) (string, error) {
	for {
		n, err := t.count(ctx, "invoice.number", 1001)
		if err != nil {
			return "", wrote("invoice number", err)
		}
		number := "INV-" + strconv.FormatInt(n, 10)
		_, err = one(ctx, t.reads, value[string], "select id from invoice where number = $1", number)
		if errors.Is(err, sql.ErrNoRows) {
			return number, nil
		}
		if err != nil {
			return "", found("invoice", err)
		}
	}
}

// moves notes that what lists are filtered by must be told anew. Every write that changes what an invoice
// owes or reserves calls it; the telling is done once, before the commit, however many they are.
func (t *Tx) moves(invoiceID string) {
	if !slices.Contains(t.moved, invoiceID) {
		t.moved = append(t.moved, invoiceID)
	}
}

// refreshStanding makes the columns that lists are filtered by say again what the ledger and the
// payments say. There is no booking on an invoice that is not there.
func (t *Tx) refreshStanding(ctx context.Context, id string) error {
	n, err := t.exec(ctx, `update invoice set
		owed_amount = total + coalesce((
			select cast(sum(p.amount) as bigint) from ledger_posting p join ledger_transaction t on t.id = p.transaction_id
			where p.account = $2 and p.currency = invoice.currency and t.kind not in ('issue', 'adjust')), 0),
		pending_amount = coalesce((
			select cast(sum(amount) as bigint) from payment
			where invoice_id = $1 and status not in ('failed', 'canceled', 'succeeded')), 0)
		where id = $1`, id, ledger.Invoice(id))
	return changed("invoice", n, err)
}

// Balance adds up where an invoice stands: the total from the invoice, what was credited, paid and
// refunded from the ledger, what is reserved from its payments.
func (r reads) Balance(ctx context.Context, invoiceID string) (paylink.Balance, error) {
	total, err := one(ctx, r, func(r row) (a money.Amount, err error) {
		err = r.Scan(&a.Minor, &a.Currency)
		return a, err
	}, "select total, currency from invoice where id = $1", invoiceID)
	if err != nil {
		return paylink.Balance{}, found("invoice", err)
	}
	return r.BalanceOf(ctx, paylink.Invoice{ID: invoiceID, Currency: total.Currency, Total: total})
}

// BalanceOf is Balance for who has the invoice read already.
func (r reads) BalanceOf(ctx context.Context, i paylink.Invoice) (paylink.Balance, error) {
	balances, err := r.balances(ctx, []paylink.Invoice{i})
	return balances[i.ID], err
}

// InvoicePayments lists the payments of an invoice, newest first, and adds up where it stands with what they
// reserve: one question less than BalanceOf and PaymentsOf.
func (r reads) InvoicePayments(ctx context.Context, i paylink.Invoice) (b paylink.Balance, payments []paylink.Payment, err error) {
	balances, err := r.booked(ctx, []paylink.Invoice{i})
	if err != nil {
		return b, nil, err
	}
	if payments, err = r.PaymentsOf(ctx, i.ID); err != nil {
		return b, nil, err
	}
	b = balances[i.ID]
	for _, p := range payments {
		if p.Status.Reserving() {
			b.Pending += p.Amount.Minor
		}
		if p.Status == paylink.Processing && p.Method == paylink.MethodBank {
			b.FromBank += p.Amount.Minor
		}
	}
	return b, payments, nil
}

// Balance reads as reads.Balance does, but all of it as of one moment.
func (s *Store) Balance(ctx context.Context, invoiceID string) (b paylink.Balance, err error) {
	err = s.Snapshot(ctx, func(r Reads) error {
		b, err = r.Balance(ctx, invoiceID)
		return err
	})
	return b, err
}

// balances adds up several invoices with two statements.
func (r reads) balances(ctx context.Context, invoices []paylink.Invoice) (map[string]paylink.Balance, error) {
	balances, err := r.booked(ctx, invoices)
	if err != nil || len(invoices) == 0 {
		return balances, err
	}
	ids := make([]string, len(invoices))
	for n, i := range invoices {
		ids[n] = i.ID
	}
	type reserved struct {
		invoice   string
		sum, bank int64
	}
	list, args := in(1, ids)
	pending, err := all(ctx, r, func(r row) (p reserved, err error) {
		err = r.Scan(&p.invoice, &p.sum, &p.bank)
		return p, err
	}, `select invoice_id, cast(sum(amount) as bigint),
		cast(sum(case when status = 'processing' and method = 'bank' then amount else 0 end) as bigint) from payment
		where status not in ('failed', 'canceled', 'succeeded') and invoice_id in (`+list+") group by invoice_id", args...)
	if err != nil {
		return nil, found("balance", err)
	}
	for _, p := range pending {
		balance := balances[p.invoice]
		balance.Pending, balance.FromBank = p.sum, p.bank
		balances[p.invoice] = balance
	}
	return balances, nil
}

// booked is what the ledger says of several invoices, without what is reserved of them.
func (r reads) booked(ctx context.Context, invoices []paylink.Invoice) (map[string]paylink.Balance, error) {
	balances := make(map[string]paylink.Balance, len(invoices))
	if len(invoices) == 0 {
		return balances, nil
	}
	accounts := make([]string, len(invoices))
	byAccount := make(map[ledger.Account]paylink.Invoice, len(invoices))
	for n, i := range invoices {
		balances[i.ID] = paylink.Balance{Total: i.Total.Minor}
		accounts[n] = string(ledger.Invoice(i.ID))
		byAccount[ledger.Invoice(i.ID)] = i
	}
	type booked struct {
		account ledger.Account
		kind    ledger.Kind
		sum     money.Amount
		count   int
	}
	list, args := in(1, accounts)
	bookings, err := all(ctx, r, func(r row) (b booked, err error) {
		err = r.Scan(&b.account, &b.kind, &b.sum.Currency, &b.sum.Minor, &b.count)
		return b, err
	}, `select p.account, t.kind, p.currency, cast(sum(p.amount) as bigint), count(*)
		from ledger_posting p join ledger_transaction t on t.id = p.transaction_id
		where p.account in (`+list+") group by p.account, t.kind, p.currency", args...)
	if err != nil {
		return nil, found("balance", err)
	}
	for _, b := range bookings {
		i := byAccount[b.account]
		if b.sum.Currency != i.Currency {
			return nil, fmt.Errorf("read balance: %s has a posting in %s", b.account, b.sum.Currency)
		}
		balance := balances[i.ID]
		if b.kind.Part() == ledger.PartCredited {
			balance.Credited -= b.sum.Minor
		}
		if b.kind.Part() == ledger.PartPaid {
			balance.Paid -= b.sum.Minor
		}
		if b.kind == ledger.KindPayment {
			balance.Payments += b.count
		}
		if b.kind == ledger.KindRefund || b.kind == ledger.KindRefundFailed {
			balance.Refunded += b.sum.Minor
		}
		balances[i.ID] = balance
	}
	return balances, nil
}
