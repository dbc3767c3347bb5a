package auditor

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
	_ "github.com/mattn/go-sqlite3"    // the driver sqlite3
)

// books are the tables, as far as promises are about them.
type books struct {
	install  string
	payments []payment
	invoices []invoice
	postings []posting
	receipts []receipt
	refused  map[string]bool // receipts whose mail bounced, or was given up, with a task for staff
	// revisions are what each receipt has said, oldest first.
	revisions map[string][]string
	refunds   []refund
	disputes  []dispute
	methods   []method
	exchanges []exchange
	tasks     map[string]bool // "kind subject", open or done
	customers map[string]string
}

type payment struct {
	id, invoice, status, method, currency, intent, receipt, problem string
	amount, fee                                                     int64
}

type invoice struct {
	id                   string
	total, owed, pending int64
}

type posting struct {
	transaction, kind, source, account, currency string
	amount                                       int64
}

type refund struct {
	id, payment, stripe, status string
	amount                      int64
	owedAgain                   bool
}

type dispute struct {
	id, payment, stripe, status string
	withdrawn                   int64
}

// method is a bank account.
type method struct {
	id, customer, stripe, fingerprint, item string
	held, alive                             bool // its login at the bank; itself
}

// exchange is the linking of an account, from before Plaid is asked.
type exchange struct {
	id, account, item, note string
	open                    bool
}

type receipt struct {
	id, number, series, payment string
	seq                         int64
}

// Open opens a database of Paylink's to read and, where a test lets time pass, to write it.
func Open(database string) (*sql.DB, error) {
	driver, dsn := "pgx", database
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, dsn = "sqlite3", "file:"+path+"?_busy_timeout=5000"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func readBooks(ctx context.Context, database string) (b books, err error) {
	db, err := Open(database)
	if err != nil {
		return b, err
	}
	defer db.Close()
	b.refused, b.revisions, b.tasks, b.customers = map[string]bool{}, map[string][]string{}, map[string]bool{}, map[string]string{}
	for _, read := range []struct {
		query string
		row   func(scan func(...any) error) error
	}{
		{"select value from setting where name = 'install'", func(scan func(...any) error) error {
			return scan(&b.install)
		}},
		{`select id, invoice_id, status, method, currency, payment_intent, receipt_number, problem, amount, fee from payment order by id`, func(scan func(...any) error) error {
			var p payment
			err := scan(&p.id, &p.invoice, &p.status, &p.method, &p.currency, &p.intent, &p.receipt, &p.problem, &p.amount, &p.fee)
			b.payments = append(b.payments, p)
			return err
		}},
		{"select id, total, owed_amount, pending_amount from invoice order by id", func(scan func(...any) error) error {
			var i invoice
			err := scan(&i.id, &i.total, &i.owed, &i.pending)
			b.invoices = append(b.invoices, i)
			return err
		}},
		{`select t.id, t.kind, t.source_id, p.account, p.currency, p.amount
			from ledger_transaction t join ledger_posting p on p.transaction_id = t.id`, func(scan func(...any) error) error {
			var p posting
			err := scan(&p.transaction, &p.kind, &p.source, &p.account, &p.currency, &p.amount)
			b.postings = append(b.postings, p)
			return err
		}},
		{"select id, number, series, payment_id, seq from receipt order by id", func(scan func(...any) error) error {
			var r receipt
			err := scan(&r.id, &r.number, &r.series, &r.payment, &r.seq)
			b.receipts = append(b.receipts, r)
			return err
		}},
		{`select m.subject_id from mail m join task t on t.subject = m.subject_id
			where m.kind = 'receipt' and m.state in ('bounced', 'deferred')`, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			b.refused[id] = true
			return err
		}},
		{"select receipt_id, status from receipt_revision order by receipt_id, revision", func(scan func(...any) error) error {
			var id, status string
			err := scan(&id, &status)
			b.revisions[id] = append(b.revisions[id], status)
			return err
		}},
		{"select id, payment_id, stripe_id, status, amount, owed_again from refund order by id", func(scan func(...any) error) error {
			var f refund
			err := scan(&f.id, &f.payment, &f.stripe, &f.status, &f.amount, &f.owedAgain)
			b.refunds = append(b.refunds, f)
			return err
		}},
		{"select id, payment_id, stripe_id, status, withdrawn from dispute order by id", func(scan func(...any) error) error {
			var d dispute
			err := scan(&d.id, &d.payment, &d.stripe, &d.status, &d.withdrawn)
			b.disputes = append(b.disputes, d)
			return err
		}},
		{"select id, customer_id, stripe_id, fingerprint, plaid_item, plaid_sealed <> '', removed_at = 0 from method where kind = 'bank' order by id", func(scan func(...any) error) error {
			var m method
			err := scan(&m.id, &m.customer, &m.stripe, &m.fingerprint, &m.item, &m.held, &m.alive)
			b.methods = append(b.methods, m)
			return err
		}},
		{"select id, account, item, note, ended_at = 0 from bank_exchange order by id", func(scan func(...any) error) error {
			var x exchange
			err := scan(&x.id, &x.account, &x.item, &x.note, &x.open)
			b.exchanges = append(b.exchanges, x)
			return err
		}},
		{"select kind, subject from task", func(scan func(...any) error) error {
			var kind, subject string
			err := scan(&kind, &subject)
			b.tasks[kind+" "+subject] = true
			return err
		}},
		{"select id, stripe_customer from customer where stripe_customer <> '' and id in (select customer_id from bank_exchange)", func(scan func(...any) error) error {
			var id, stripe string
			err := scan(&id, &stripe)
			b.customers[id] = stripe
			return err
		}},
	} {
		if err := each(ctx, db, read.query, read.row); err != nil {
			return b, fmt.Errorf("read the books: %w", err)
		}
	}
	return b, nil
}

func each(ctx context.Context, db *sql.DB, query string, row func(func(...any) error) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
