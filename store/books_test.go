package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func TestInvariant_I7_BalanceFollowsTheLedgerAndTheReservations(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 100_000)
		other := s.books(t, "inv_2", 500) // stays out of it
		split := func(applied int64) ledger.Split {
			return ledger.Split{Held: ledger.Stripe("USD"), Invoice: i.ID, Customer: i.CustomerID, Applied: usd(applied)}
		}
		want := paylink.Balance{Total: 100_000}
		check := func(step string) {
			t.Helper()
			got, err := s.Balance(ctx, i.ID)
			if err != nil || got != want {
				t.Fatalf("after %s: got %+v, %v, want %+v", step, got, err, want)
			}
			rows, _, err := s.Invoices(ctx, store.InvoiceFilter{Search: i.Number})
			if err != nil || len(rows) != 1 || rows[0].Balance != want {
				t.Fatalf("after %s: the list says %+v, %v", step, rows, err)
			}
			if got, _, err := s.InvoicePayments(ctx, i); err != nil || got != want {
				t.Fatalf("after %s: the payments' page says %+v, %v", step, got, err)
			}
		}
		check("issue")

		p := payment("pay_1", i, 40_000)
		p.Fee = usd(1_160)
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		want.Pending = 40_000 // the fee is not part of the invoice
		check("reservation")

		p.Status = paylink.Processing
		s.update(t, func(tx *store.Tx) error { return tx.UpdatePayment(ctx, p) })
		check("processing")

		p = s.settle(t, p)
		want.Pending, want.Paid, want.Payments = 0, 40_000, 1
		check("settlement")

		for n, status := range []paylink.PaymentStatus{paylink.Failed, paylink.Canceled} {
			q := payment(fmt.Sprintf("pay_no_%d", n), i, 20_000)
			q.Status = status
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, q); return err })
		}
		check("payments that came to nothing")

		book := func(booking ledger.Transaction, err error) {
			t.Helper()
			s.update(t, func(tx *store.Tx) error { return post(ctx, tx, booking, err) })
		}
		book(ledger.Refund(header("refund", "re_1"), split(10_000)))
		book(ledger.CreditNote(header("refund", "re_1"), i.ID, usd(10_000)))
		want.Paid, want.Refunded, want.Credited = 30_000, 10_000, 10_000
		check("refund that is not owed again")

		book(ledger.Dispute(header("dispute", "dp_1"), split(5_000)))
		want.Paid = 25_000
		check("dispute")

		if due := want.Due(); due != 65_000 {
			t.Errorf("due is %d", due)
		}
		got, err := s.Balance(ctx, other.ID)
		same(t, got, err, paylink.Balance{Total: 500})
		held, err := s.AccountBalance(ctx, ledger.Stripe("USD"), "USD")
		same(t, held, err, usd(41_160-10_000-5_000))
		fees, err := s.AccountBalance(ctx, ledger.Fees, "USD")
		same(t, fees, err, usd(-1_160))
		none, err := s.AccountBalance(ctx, ledger.Stripe("EUR"), "EUR")
		same(t, none, err, money.Zero("EUR"))
		_, err = s.Balance(ctx, "inv_none")
		unknown(t, err, "invoice")
		s.verified(t)
	})
}

// What lists are filtered by follows each change of an invoice and its payments.
func TestListsFollowEveryChange(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		pending := func(step string, want int) {
			t.Helper()
			counts, err := s.InvoiceCounts(ctx, "2026-11-22")
			if err != nil || counts["onway"] != want {
				t.Errorf("after %s: %v, %v", step, counts, err)
			}
			s.verified(t)
		}
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		pending("a payment begun", 1)
		p.Status = paylink.Canceled
		s.update(t, func(tx *store.Tx) error { return tx.UpdatePayment(ctx, p) })
		pending("it came to nothing", 0)

		draft := paylink.Invoice{ID: "inv_2", Number: "N-2", CustomerID: i.CustomerID, Currency: "USD", Total: usd(0),
			State: paylink.StateDraft, Version: 1, CreatedAt: start}
		s.update(t, func(tx *store.Tx) error { return tx.InsertInvoice(ctx, draft) })
		draft.Total = usd(700)
		draft.Lines = []paylink.Line{{Description: "Work", Quantity: 10000, UnitAmount: usd(700), Amount: usd(700)}}
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, draft) })
		pending("an edit", 0)
	})
}

// verified wants the books to hold.
func (s opened) verified(t *testing.T) {
	t.Helper()
	violations, err := s.Verify(t.Context(), nil, start)
	if err != nil || len(violations) > 0 {
		t.Errorf("the books do not hold: %v, %v", violations, err)
	}
}

func TestInvariant_I1_LedgerBooksASourceOnce(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		for n, want := range []bool{true, false} {
			s.update(t, func(tx *store.Tx) error {
				credit, err := ledger.CreditNote(header("credit_note", "cn_1"), "inv_1", usd(100))
				if err != nil {
					return err
				}
				fresh, err := tx.Post(ctx, credit)
				if fresh != want {
					t.Errorf("time %d: fresh is %v", n+1, fresh)
				}
				return err
			})
		}
		s.update(t, func(tx *store.Tx) error { // another kind of the same source is another booking
			void, err := ledger.Void(header("credit_note", "cn_1"), "inv_1", usd(900))
			return post(ctx, tx, void, err)
		})
		got, err := s.Balance(ctx, "inv_1")
		same(t, got, err, paylink.Balance{Total: 1000, Credited: 1000})
	})
}

func TestInvariant_I6_LedgerRefusesWhatDoesNotSumToZero(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		s.books(t, "inv_1", 1000)
		credit, err := ledger.CreditNote(header("credit_note", "cn_1"), "inv_1", usd(100))
		if err != nil {
			t.Fatal(err)
		}
		credit.Postings[0].Amount.Minor++
		err = s.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Post(t.Context(), credit); return err })
		if !errors.Is(err, ledger.ErrUnbalanced) {
			t.Errorf("got %v", err)
		}
		unknown(t, s.Update(t.Context(), func(tx *store.Tx) error {
			lost, err := ledger.CreditNote(header("credit_note", "cn_2"), "inv_none", usd(100))
			return post(t.Context(), tx, lost, err)
		}), "invoice")
	})
}

func TestInvariant_I6_LedgerAndAuditAreAppendOnly(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		s.update(t, func(tx *store.Tx) error { return tx.Audit(ctx, "system", "test", "inv_1", nil, start) })
		if n, err := s.SealAudit(ctx, key, start); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		for table, column := range map[string]string{
			"ledger_transaction": "memo", "ledger_posting": "account", "audit": "data", "audit_seal": "mac",
		} {
			statements := []string{"update " + table + " set " + column + " = " + column, "delete from " + table}
			if s.Dialect() == "postgres" {
				statements = append(statements, "truncate "+table+" cascade")
			}
			for _, statement := range statements {
				if _, err := s.raw.ExecContext(ctx, statement); err == nil {
					t.Errorf("%s: not refused", statement)
				}
			}
		}
	})
}

// TestInvariant_I8: of two who pay at once, what both together would pay too much is refused.
func TestInvariant_I8_RaceForAnInvoiceNeverReservesTooMuch(t *testing.T) {
	const rounds, payers, part, total = 200, 2, 700, 1000
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		beside, err := store.Open(ctx, s.url, store.Command, quiet) // as another process does
		if err != nil {
			t.Fatal(err)
		}
		defer beside.Close()
		for round := range rounds {
			i := s.books(t, fmt.Sprintf("inv_%d", round), total)
			var begun atomic.Int32
			var wait sync.WaitGroup
			for n := range payers {
				wait.Go(func() {
					p := payment(fmt.Sprintf("pay_%d_%d", round, n), i, part)
					err := []*store.Store{s.Store, beside}[n].Update(ctx, func(tx *store.Tx) error {
						if _, err := tx.LockInvoice(ctx, i.ID); err != nil {
							return err
						}
						balance, err := tx.Balance(ctx, i.ID)
						if err != nil || balance.Due() < part {
							return err
						}
						fresh, err := tx.InsertPayment(ctx, p)
						if fresh {
							begun.Add(1)
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			balance, err := s.Balance(ctx, i.ID)
			if err != nil || begun.Load() != 1 || balance.Pending != part {
				t.Fatalf("round %d: %d payments begun, %+v, %v", round, begun.Load(), balance, err)
			}
		}
		s.verified(t)
	})
}

// TestFault_D07 lets each write of a settlement fail in turn: nothing of it may stay.
func TestFault_D07_FailingWriteUndoesTheWholeSettlement(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		counted := []string{"receipt", "receipt_revision", "receipt_series", "ledger_transaction", "ledger_posting", "job", "audit"}
		count := func() (rows []int) {
			for _, table := range counted {
				var n int
				if err := s.raw.QueryRowContext(ctx, "select count(*) from "+table).Scan(&n); err != nil {
					t.Fatal(err)
				}
				rows = append(rows, n)
			}
			return rows
		}
		settle := func() error {
			return s.Update(ctx, func(tx *store.Tx) error {
				settled := p
				n, err := tx.NextReceipt(ctx, "R-2026")
				if err != nil {
					return err
				}
				settled.Status, settled.ReceiptID, settled.ReceiptNumber = paylink.Succeeded, "rcp_1", paylink.ReceiptNumber(2026, "", n)
				if err := tx.UpdatePayment(ctx, settled); err != nil {
					return err
				}
				booking, err := ledger.Settle(header("payment", p.ID), ledger.Split{
					Held: ledger.Stripe("USD"), Invoice: p.InvoiceID, Customer: p.CustomerID, Applied: p.Amount, Fee: p.Fee,
				})
				if err := post(ctx, tx, booking, err); err != nil {
					return err
				}
				if err := tx.InsertReceipt(ctx, receipt(settled)); err != nil {
					return err
				}
				if _, err := tx.Enqueue(ctx, store.Job{Kind: "mail.receipt", Key: "rcp_1", RunAt: start}); err != nil {
					return err
				}
				return tx.Audit(ctx, "stripe", "payment.succeeded", p.ID, nil, start)
			})
		}
		before := count()
		for _, table := range append(counted, "payment", "invoice") {
			action := "insert"
			if table == "payment" || table == "invoice" {
				action = "update"
			}
			if s.Dialect() == "postgres" {
				s.exec(t, "create trigger fails before "+action+" on "+table+" for each row execute function append_only()")
			} else {
				s.exec(t, "create trigger fails before "+action+" on "+table+" begin select raise(abort, 'fails'); end")
			}
			if err := settle(); err == nil {
				t.Errorf("settled without %s", table)
			}
			if s.Dialect() == "postgres" {
				s.exec(t, "drop trigger fails on "+table)
			} else {
				s.exec(t, "drop trigger fails")
			}
			got, err := s.Payment(ctx, p.ID)
			same(t, got, err, p)
			same(t, count(), nil, before)
		}
		if err := settle(); err != nil {
			t.Error(err)
		}
		s.verified(t)
	})
}
