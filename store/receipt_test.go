package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"paylink"
	"paylink/money"
	"paylink/store"
)

func TestReceiptKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		p = s.settle(t, p)
		first := receipt(p)
		for _, read := range []func() (paylink.Receipt, error){
			func() (paylink.Receipt, error) { return s.Receipt(ctx, first.ID, 0) },
			func() (paylink.Receipt, error) { return s.Receipt(ctx, first.ID, 1) },
			func() (paylink.Receipt, error) { return s.ReceiptByPayment(ctx, p.ID) },
			func() (paylink.Receipt, error) { return s.ReceiptByCode(ctx, first.Code) },
		} {
			got, err := read()
			same(t, got, err, first)
		}
		second := first
		second.Revision, second.Status, second.Refunded = 2, paylink.ReceiptPartlyRefunded, usd(100)
		s.update(t, func(tx *store.Tx) error { return tx.InsertReceiptRevision(ctx, second) })
		got, err := s.Receipt(ctx, first.ID, 0)
		same(t, got, err, second)
		got, err = s.Receipt(ctx, first.ID, 1)
		same(t, got, err, first)
		got, err = s.ReceiptByCode(ctx, first.Code)
		same(t, got, err, second)
		list, err := s.ReceiptRevisions(ctx, first.ID)
		same(t, list, err, []paylink.Receipt{first, second})

		if err := s.Update(ctx, func(tx *store.Tx) error { return tx.InsertReceiptRevision(ctx, second) }); err == nil {
			t.Error("a revision was replaced")
		}
		_, err = s.Receipt(ctx, first.ID, 3)
		unknown(t, err, "receipt")
		_, err = s.Receipt(ctx, "rcp_none", 0)
		unknown(t, err, "receipt")
		_, err = s.ReceiptByCode(ctx, "none")
		unknown(t, err, "receipt")
	})
}

// A number that was given in a transaction that was undone is given again: the series has no gaps.
func TestInvariant_I10_ReceiptNumbersHaveNoGaps(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 10_000)
		undone := errors.New("undone")
		for n := range 10 {
			p := payment(fmt.Sprintf("pay_%d", n), i, 100)
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			err := s.Update(ctx, func(tx *store.Tx) error {
				if _, err := tx.NextReceipt(ctx, "R-2026"); err != nil {
					return err
				}
				return undone
			})
			if !errors.Is(err, undone) {
				t.Fatal(err)
			}
			p = s.settle(t, p)
			same(t, p.ReceiptNumber, nil, fmt.Sprintf("R-2026-%06d", n+1))
		}
		s.update(t, func(tx *store.Tx) error {
			n, err := tx.NextReceipt(ctx, "R-2026B") // its own series
			same(t, n, err, int64(1))
			return errors.Join(err, tx.Raw(ctx, "delete from receipt_series where series = 'R-2026B'"))
		})
		s.verified(t)
	})
}

// Numbers come in order of commit, however many settle at once.
func TestInvariant_I10_ReceiptNumbersAreGivenOnceInARace(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		var wait sync.WaitGroup
		numbers := make([]int64, 40)
		for n := range numbers {
			wait.Go(func() {
				if err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
					numbers[n], err = tx.NextReceipt(t.Context(), "R-2026")
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		seen := map[int64]bool{}
		for _, n := range numbers {
			if n < 1 || n > int64(len(numbers)) || seen[n] {
				t.Fatalf("numbers %v", numbers)
			}
			seen[n] = true
		}
	})
}

func TestReceiptThatCouldNotBeReadBackIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		p.ReceiptID, p.ReceiptNumber = "rcp_1", "R-2026-000001"
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		r := receipt(p)
		r.Fee = money.Amount{} // no currency
		for name, spoil := range map[string]func(*paylink.Receipt){
			"an amount without currency": func(r *paylink.Receipt) { r.Fee = money.Amount{} },
			"a number without place":     func(r *paylink.Receipt) { r.Number = "R2026" },
			"a series that gave none":    func(r *paylink.Receipt) { r.Number = "R-1999-000001" },
		} {
			r := receipt(p)
			spoil(&r)
			err := s.Update(ctx, func(tx *store.Tx) error {
				if _, err := tx.NextReceipt(ctx, "R-2026"); err != nil {
					return err
				}
				return tx.InsertReceipt(ctx, r)
			})
			if err == nil {
				t.Errorf("%s was kept", name)
			}
		}
	})
}

func TestFirstRenderingOfAReceiptStands(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
		id := s.settle(t, p).ReceiptID
		_, err := s.ReceiptPDF(ctx, id, 1)
		unknown(t, err, "receipt_pdf")
		if _, err := s.PDF(ctx, id, 1, func() ([]byte, error) { return nil, errors.New("no font") }); err == nil {
			t.Error("an error of rendering is lost")
		}

		var wait sync.WaitGroup
		got := make([][]byte, 8)
		for n := range got {
			wait.Go(func() {
				pdf, err := s.PDF(context.WithoutCancel(ctx), id, 1, func() ([]byte, error) { return fmt.Appendf(nil, "%%PDF %d", n), nil })
				if err != nil {
					t.Error(err)
				}
				got[n] = pdf
			})
		}
		wait.Wait()
		for _, pdf := range got {
			if !bytes.Equal(pdf, got[0]) || len(pdf) == 0 {
				t.Fatalf("different people got different receipts: %q", got)
			}
		}
		again, err := s.PDF(ctx, id, 1, func() ([]byte, error) { t.Error("rendered again"); return nil, nil })
		same(t, again, err, got[0])

		s.exec(t, "update receipt_revision set pdf = $1", []byte("%PDF forged"))
		if _, err := s.PDF(ctx, id, 1, func() ([]byte, error) { t.Error("rendered again"); return nil, nil }); err == nil {
			t.Error("forged bytes were served")
		}
		_, err = s.PDF(ctx, "rcp_none", 1, func() ([]byte, error) { return []byte("%PDF"), nil })
		unknown(t, err, "receipt_pdf")
	})
}
