package store_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/store"
	"paylink/store/storetest"
)

var key = []byte("0123456789abcdef0123456789abcdef")

// What is spoilt past the store, as by a hand in the database or a bug, is named.
func TestVerifyNames(t *testing.T) {
	open := func(t *testing.T, s opened) { // it is append-only
		if s.Dialect() == "postgres" {
			s.exec(t, "alter table ledger_posting disable trigger user")
			return
		}
		s.exec(t, "drop trigger ledger_posting_no_update")
		s.exec(t, "drop trigger ledger_posting_no_delete")
	}
	tests := map[string]struct{ tamper, subject string }{
		"ledger.unbalanced":       {"update ledger_posting set amount = amount + 1 where account = 'sales'", "ltx_"},
		"ledger.one_sided":        {"delete from ledger_posting where account = 'sales'", "ltx_"},
		"ledger.unknown_invoice":  {"update ledger_posting set account = 'invoice:inv_x' where account = 'invoice:inv_1'", "ltx_"},
		"ledger.unknown_customer": {"update ledger_posting set account = 'credit:cus_x' where account = 'sales'", "ltx_"},
		"ledger.currency":         {"update ledger_posting set currency = 'EUR'", "ltx_"},
		"payment.not_booked":      {"update payment set status = 'succeeded' where id = 'pay_open'", "pay_open"},
		"payment.not_settled":     {"update payment set status = 'failed' where id = 'pay_1'", "pay_1"},
		"payment.amount":          {"update payment set fee = fee + 1 where id = 'pay_1'", "pay_1"},
		"payment.currency":        {"update payment set currency = 'EUR' where id = 'pay_open'", "pay_open"},
		"payment.unknown_link":    {"update payment set link_id = 'lnk_x' where id = 'pay_1'", "pay_1"},
		"payment.no_receipt":      {"update receipt set payment_id = 'pay_open'", "pay_1"},
		"payment.other_receipt":   {"update payment set receipt_number = 'R-2026-000009' where id = 'pay_1'", "pay_1"},
		"receipt.not_settled":     {"update receipt set payment_id = 'pay_open'", "rcp_pay_1"},
		"receipt.gap":             {"update receipt_series set next = 9", "R-2026"},
		"receipt.number":          {"update receipt set number = 'R-2027-000001'", "rcp_pay_1"},
		"receipt.revisions":       {"update receipt_revision set revision = 2", "rcp_pay_1"},
		"invoice.lines":           {"update invoice_line set amount = amount - 1", "inv_1"},
		"invoice.not_booked":      {"update invoice set total = total + 1", "inv_1"},
		"invoice.reserved":        {"update payment set amount = 5000 where id = 'pay_open'", "inv_1"},
		"invoice.standing":        {"update invoice set owed_amount = 1", "inv_1"},
		"link.unknown_link":       {"update link set forwarded_by = 'lnk_x'", "lnk_1"},
	}
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p, reserved := payment("pay_1", i, 400), payment("pay_open", i, 100)
		s.update(t, func(tx *store.Tx) error {
			for _, p := range []paylink.Payment{p, reserved} {
				if _, err := tx.InsertPayment(ctx, p); err != nil {
					return err
				}
			}
			return tx.InsertLink(ctx, paylink.Link{ID: "lnk_1", InvoiceID: i.ID, TokenHash: "h", CreatedAt: start})
		})
		s.settle(t, p)
		s.verified(t)
		open(t, s)
		for code, tt := range tests {
			t.Run(code, func(t *testing.T) {
				before := dump(t, s)
				s.exec(t, tt.tamper)
				violations, err := s.Verify(ctx, nil, start)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(violations, func(v store.Violation) bool {
					return v.Code == code && strings.HasPrefix(v.Subject, tt.subject) && v.Detail != ""
				}) {
					t.Errorf("%s: got %+v", tt.tamper, violations)
				}
				before.restore(t)
				s.verified(t)
			})
		}
	})
}

// SQLite and PostgreSQL both let nobody see what is not committed, so what a test spoils is put
// back from a copy.
type copyOf struct {
	s      opened
	tables []string
}

var tamperable = []string{"invoice", "link", "payment", "receipt_series", "receipt", "receipt_revision", "invoice_line", "ledger_posting"}

func dump(t *testing.T, s opened) copyOf {
	t.Helper()
	for _, table := range tamperable {
		s.exec(t, "create table copy_"+table+" as select * from "+table)
	}
	return copyOf{s, tamperable}
}

func (c copyOf) restore(t *testing.T) {
	t.Helper()
	for n := range c.tables {
		c.s.exec(t, "delete from "+c.tables[len(c.tables)-1-n])
	}
	for _, table := range c.tables {
		c.s.exec(t, "insert into "+table+" select * from copy_"+table)
		c.s.exec(t, "drop table copy_"+table)
	}
}

func TestVerifySeesOneMoment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		put := func(value string) {
			s.update(t, func(tx *store.Tx) error { return tx.PutSetting(ctx, "name", value) })
		}
		put("before")
		err := store.LongRead(ctx, s.Store, "select value from setting where name = 'name'", func(answer func() (string, error)) error {
			for range 2 {
				got, err := answer()
				if err != nil {
					return err
				}
				same(t, got, nil, "before")
				put("meanwhile")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyOfLargeBooksIsNotCutShort(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, url string) {
		err := store.LongRead(t.Context(), storetest.Open(t, url), "select current_setting('statement_timeout')",
			func(answer func() (string, error)) error {
				got, err := answer()
				same(t, got, err, "0")
				return err
			})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestFault_X05_AuditChainNamesTheRowThatWasChanged(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		log := func(n int) {
			s.update(t, func(tx *store.Tx) error {
				return tx.Audit(ctx, "system", "counted", "thing", map[string]int{"n": n}, start.Add(time.Duration(n)*time.Second))
			})
		}
		for n := range 5 {
			log(n)
		}
		verify := func(now time.Time) (codes []string) {
			t.Helper()
			violations, err := s.Verify(ctx, key, now)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range violations {
				codes = append(codes, v.Code+" "+v.Subject)
			}
			return codes
		}
		same(t, verify(start.Add(time.Minute)), nil, []string(nil)) // not late yet
		same(t, verify(start.Add(time.Minute+2*time.Second)), nil, []string{"audit.unsealed 2 rows"})

		// Several seal at once, and more is logged meanwhile.
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := s.SealAudit(ctx, key, start); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Go(func() { log(5) })
		wait.Wait()
		if n, err := s.SealAudit(ctx, key, start); err != nil || n > 1 {
			t.Fatal(n, err)
		}
		same(t, verify(start.Add(time.Hour)), nil, []string(nil))
		if _, err := s.Verify(ctx, []byte("another key that is 32 bytes long"), start); err != nil {
			t.Fatal(err)
		}

		if s.Dialect() == "postgres" {
			s.exec(t, "alter table audit disable trigger user")
		} else {
			s.exec(t, "drop trigger audit_no_update")
		}
		s.exec(t, `update audit set data = '{"n":7}' where data = '{"n":3}'`)
		same(t, verify(start.Add(time.Hour)), nil, []string{"audit.broken 4"})
	})
}
