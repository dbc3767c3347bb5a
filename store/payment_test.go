package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

func TestLinkKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		l, later := filled[paylink.Link](1), filled[paylink.Link](2)
		l.InvoiceID, later.InvoiceID = "inv_1", "inv_1"
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertLink(ctx, l), tx.InsertLink(ctx, later)) })
		got, err := s.Link(ctx, l.ID)
		same(t, got, err, l)
		got, err = s.LinkByTokenHash(ctx, l.TokenHash)
		same(t, got, err, l)
		list, err := s.LinksOf(ctx, "inv_1")
		same(t, list, err, []paylink.Link{later, l})

		changed := filled[paylink.Link](3)
		changed.ID, changed.InvoiceID, changed.CreatedAt = l.ID, l.InvoiceID, l.CreatedAt
		changed.CreatedBy, changed.ForwardedBy = l.CreatedBy, l.ForwardedBy
		s.update(t, func(tx *store.Tx) error { return tx.UpdateLink(ctx, changed) })
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockLink(ctx, l.ID)
			same(t, got, err, changed)
			return err
		})
		_, err = s.Link(ctx, "lnk_none")
		unknown(t, err, "link")
		_, err = s.LinkByTokenHash(ctx, "none")
		unknown(t, err, "link")
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateLink(ctx, filled[paylink.Link](9)) }), "link")
	})
}

func filledPayment(salt int, i paylink.Invoice, status paylink.PaymentStatus) paylink.Payment {
	p := filled[paylink.Payment](salt)
	p.InvoiceID, p.CustomerID, p.Status = i.ID, i.CustomerID, status
	return p
}

func TestPaymentKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1_000_000)
		p, later := filledPayment(1, i, paylink.Created), filledPayment(2, i, paylink.Failed)
		s.update(t, func(tx *store.Tx) error {
			for _, p := range []paylink.Payment{p, later} {
				fresh, err := tx.InsertPayment(ctx, p)
				same(t, fresh, err, true)
			}
			return nil
		})
		for _, read := range []func() (paylink.Payment, error){
			func() (paylink.Payment, error) { return s.Payment(ctx, p.ID) },
			func() (paylink.Payment, error) { return s.PaymentByNonce(ctx, p.Nonce) },
			func() (paylink.Payment, error) { return s.PaymentByIntent(ctx, p.PaymentIntent) },
		} {
			got, err := read()
			same(t, got, err, p)
		}
		list, err := s.PaymentsOf(ctx, i.ID)
		same(t, list, err, []paylink.Payment{later, p})

		changed := filledPayment(3, i, paylink.Unknown)
		changed.ID, changed.LinkID, changed.Nonce = p.ID, p.LinkID, p.Nonce
		changed.InvoiceVersion, changed.CreatedAt, changed.CheckedAt = p.InvoiceVersion, p.CreatedAt, p.CheckedAt
		s.update(t, func(tx *store.Tx) error { return tx.UpdatePayment(ctx, changed) })
		changed.CheckedAt = start.Add(time.Minute)
		s.update(t, func(tx *store.Tx) error { return tx.TouchPayment(ctx, p.ID, changed.CheckedAt) })
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockPayment(ctx, p.ID)
			same(t, got, err, changed)
			return err
		})
		_, err = s.Payment(ctx, "pay_none")
		unknown(t, err, "payment")
		_, err = s.PaymentByIntent(ctx, "")
		unknown(t, err, "payment")
		_, err = s.PaymentByNonce(ctx, "none")
		unknown(t, err, "payment")
	})
}

func TestInvariant_I2_TwoPressesOfOneFormAreOnePayment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		first, second := payment("pay_1", i, 400), payment("pay_2", i, 400)
		second.Nonce = first.Nonce
		s.update(t, func(tx *store.Tx) error {
			fresh, err := tx.InsertPayment(ctx, first)
			same(t, fresh, err, true)
			fresh, err = tx.InsertPayment(ctx, second)
			same(t, fresh, err, false)
			return nil
		})
		list, err := s.PaymentsOf(ctx, i.ID)
		same(t, len(list), err, 1)
	})
}

func TestInvariant_I1_PaymentIntentServesOnePayment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		one, two := payment("pay_1", i, 400), payment("pay_2", i, 400)
		one.PaymentIntent, two.PaymentIntent = "pi_1", "pi_1"
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, one); return err })
		if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, two); return err }); err == nil {
			t.Error("two payments share a PaymentIntent")
		}
	})
}

func TestPaymentOfTwoCurrenciesIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		p.Fee = money.New(10, "EUR")
		if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err }); err == nil {
			t.Error("a fee in euros on dollars was kept")
		}
	})
}

func TestUnfinishedPayments(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 100_000)
		var want []string
		for _, status := range []paylink.PaymentStatus{
			paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Processing,
			paylink.Authorized, paylink.Failed, paylink.Canceled, paylink.Succeeded,
		} {
			p := payment("pay_"+string(status), i, 10)
			p.Status = status
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			if status.Reserving() {
				want = append(want, p.ID)
			}
		}
		ids := func(list []paylink.Payment) (ids []string) {
			for _, p := range list {
				ids = append(ids, p.ID)
			}
			return ids
		}
		slices.Sort(want)
		list, err := s.UnfinishedPayments(ctx, "", 100)
		same(t, ids(list), err, want)
		list, err = s.UnfinishedPayments(ctx, want[1], 3)
		same(t, ids(list), err, want[2:5])
	})
}
