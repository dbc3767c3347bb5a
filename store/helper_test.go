package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

var quiet = slog.New(slog.DiscardHandler)

// start is when the tests play; the clock of the machine is not asked.
var start = time.Date(2026, 11, 22, 9, 30, 0, 123456000, time.UTC)

// opened is a database that a test may also meddle with by hand.
type opened struct {
	*store.Store
	url string
	raw *sql.DB
}

// each runs a test on both databases.
func each(t *testing.T, f func(t *testing.T, s opened)) {
	t.Helper()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		f(t, opened{s, url, rawDB(t, url)})
	})
}

// rawDB opens the database past the store.
func rawDB(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite3", path+"?_busy_timeout=5000"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// exec runs a statement past the store.
func (s opened) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := s.raw.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// update is Update for a test that expects no error.
func (s opened) update(t *testing.T, f func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// code is the code of a domain error, "" for none.
func code(err error) string {
	if e, ok := errors.AsType[*paylink.Error](err); ok {
		return e.Code
	}
	return ""
}

func wantCode(t *testing.T, err error, kind paylink.Kind, want string) {
	t.Helper()
	if paylink.KindOf(err) != kind || code(err) != want {
		t.Errorf("got %v (kind %d), want %s (kind %d)", err, paylink.KindOf(err), want, kind)
	}
}

// filled is a T whose every field has a value of its own, so that a column that is left out, or two
// that are swapped, show.
func filled[T any](salt int) T {
	var v T
	n := salt * 1000
	fill(reflect.ValueOf(&v).Elem(), "", &n)
	return v
}

func fill(v reflect.Value, name string, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(start.Add(time.Duration(*n) * time.Microsecond)))
		return
	case money.Currency:
		v.SetString("USD")
		return
	case money.Locale:
		v.SetString("fr")
		return
	case paylink.Date:
		v.SetString(start.AddDate(0, 0, *n%1000).Format(time.DateOnly))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s %d ä%%_'", name, *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name, n)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(fmt.Appendf(nil, `{"%s": %d}`, name, *n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), fmt.Sprint(name, i), n)
		}
	default:
		panic("cannot fill " + v.Type().String())
	}
}

// books is a customer with an invoice over a total, issued in the ledger.
func (s opened) books(t *testing.T, invoiceID string, total int64) paylink.Invoice {
	t.Helper()
	usd := money.New(total, "USD")
	invoice := paylink.Invoice{
		ID: invoiceID, Number: "N-" + invoiceID, CustomerID: "cus_" + invoiceID, Title: "Design", Currency: "USD", Total: usd,
		Lines: []paylink.Line{{Description: "Work", Quantity: 10000, UnitAmount: usd, Amount: usd}},
		State: paylink.StateOpen, Version: 1, CreatedAt: start, UpdatedAt: start,
	}
	s.update(t, func(tx *store.Tx) error {
		customer := paylink.Customer{ID: invoice.CustomerID, Name: "Ada Keller", Email: "ada@keller.example", CreatedAt: start}
		if err := tx.InsertCustomer(t.Context(), customer); err != nil {
			return err
		}
		if err := tx.InsertInvoice(t.Context(), invoice); err != nil {
			return err
		}
		issue, err := ledger.Issue(header("invoice", invoiceID), invoiceID, usd)
		return post(t.Context(), tx, issue, err)
	})
	return invoice
}

func header(sourceType, sourceID string) ledger.Header {
	return ledger.Header{ID: paylink.NewID("ltx", start), SourceType: sourceType, SourceID: sourceID, At: start}
}

func post(ctx context.Context, tx *store.Tx, booking ledger.Transaction, err error) error {
	if err != nil {
		return err
	}
	fresh, err := tx.Post(ctx, booking)
	if err == nil && !fresh {
		err = errors.New("booked before")
	}
	return err
}

// payment is a payment of an invoice in the status "created".
func payment(id string, i paylink.Invoice, minor int64) paylink.Payment {
	return paylink.Payment{
		ID: id, InvoiceID: i.ID, CustomerID: i.CustomerID, Nonce: "nonce-" + id, InvoiceVersion: i.Version,
		Method: paylink.MethodCard, Amount: money.New(minor, i.Currency), Fee: money.Zero(i.Currency),
		Status: paylink.Created, CreatedAt: start, UpdatedAt: start,
	}
}

// settle does to a payment what its success does to the books.
func (s opened) settle(t *testing.T, p paylink.Payment) paylink.Payment {
	t.Helper()
	s.update(t, func(tx *store.Tx) error {
		n, err := tx.NextReceipt(t.Context(), "R-2026")
		if err != nil {
			return err
		}
		p.Status, p.SettledAt = paylink.Succeeded, start
		p.ReceiptID, p.ReceiptNumber = "rcp_"+p.ID, paylink.ReceiptNumber(2026, "", n)
		if err := tx.UpdatePayment(t.Context(), p); err != nil {
			return err
		}
		if err := tx.InsertReceipt(t.Context(), receipt(p)); err != nil {
			return err
		}
		booking, err := ledger.Settle(header("payment", p.ID), ledger.Split{
			Held: ledger.Stripe("USD"), Invoice: p.InvoiceID, Customer: p.CustomerID, Applied: p.Amount, Fee: p.Fee,
		})
		return post(t.Context(), tx, booking, err)
	})
	return p
}

// receipt is the first revision of a payment's receipt.
func receipt(p paylink.Payment) paylink.Receipt {
	r := filled[paylink.Receipt](7)
	r.ID, r.Number, r.PaymentID, r.Code = p.ReceiptID, p.ReceiptNumber, p.ID, "CODE-"+p.ID
	r.Revision, r.Status, r.ThisPayment = 1, paylink.ReceiptPaid, p.Amount
	return r
}
