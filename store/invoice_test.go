package store_test

import (
	"errors"
	"testing"

	"paylink"
	"paylink/money"
	"paylink/store"
)

func filledInvoice(salt int, customerID string) paylink.Invoice {
	i := filled[paylink.Invoice](salt)
	i.CustomerID, i.State = customerID, paylink.StateOpen
	return i
}

func TestInvoiceKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i, other := filledInvoice(1, "cus_1"), filledInvoice(2, "cus_1")
		s.update(t, func(tx *store.Tx) error {
			return errors.Join(tx.InsertCustomer(ctx, paylink.Customer{ID: "cus_1", CreatedAt: start}),
				tx.InsertInvoice(ctx, i), tx.InsertInvoice(ctx, other))
		})
		for _, read := range []func() (paylink.Invoice, error){
			func() (paylink.Invoice, error) { return s.Invoice(ctx, i.ID) },
			func() (paylink.Invoice, error) { return s.InvoiceByNumber(ctx, i.Number) },
			func() (paylink.Invoice, error) { return s.InvoiceByExternalID(ctx, i.ExternalID) },
		} {
			got, err := read()
			same(t, got, err, i)
		}

		changed := filledInvoice(3, "cus_1")
		changed.ID, changed.CreatedAt, changed.Version = i.ID, i.CreatedAt, i.Version
		changed.Lines = append(changed.Lines, paylink.Line{
			Description: "More", Quantity: 5000, UnitAmount: money.New(-3, "USD"), Amount: money.New(-2, "USD"),
		})
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, changed) })
		changed.Version++
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockInvoice(ctx, i.ID)
			same(t, got, err, changed)
			return err
		})

		for want, twin := range map[string]func(*paylink.Invoice){
			"invoice.number_taken":      func(i *paylink.Invoice) { i.Number = other.Number },
			"invoice.external_id_taken": func(i *paylink.Invoice) { i.ExternalID = other.ExternalID },
		} {
			fresh, old := filledInvoice(4, "cus_1"), changed
			twin(&fresh)
			twin(&old)
			wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.InsertInvoice(ctx, fresh) }), paylink.Conflict, want)
			wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, old) }), paylink.Conflict, want)
		}
		_, err := s.Invoice(ctx, "inv_none")
		unknown(t, err, "invoice")
		_, err = s.InvoiceByExternalID(ctx, "")
		unknown(t, err, "invoice")
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { _, err := tx.LockInvoice(ctx, "inv_none"); return err }), "invoice")
	})
}

func TestInvoiceThatChangedSinceIsNotOverwritten(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		i := s.books(t, "inv_1", 1000)
		i.Title = "First"
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(t.Context(), i) })
		i.Title = "Second, from the page of before"
		wantCode(t, s.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateInvoice(t.Context(), i) }),
			paylink.Conflict, "invoice.changed")
		got, err := s.Invoice(t.Context(), i.ID)
		same(t, got.Title, err, "First")
	})
}

func TestInvoiceNumbersSkipThoseTaken(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		s.exec(t, "update invoice set number = 'INV-1002'")
		var got []string
		for range 3 {
			s.update(t, func(tx *store.Tx) error {
				n, err := tx.NextInvoiceNumber(ctx)
				got = append(got, n)
				return err
			})
		}
		same(t, got, nil, []string{"INV-1001", "INV-1003", "INV-1004"})
	})
}
