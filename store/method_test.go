package store_test

import (
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

func TestMethodMandateAndDisputeKeepEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1_000_000)
		m, other := filled[paylink.Method](1), filled[paylink.Method](2)
		for _, method := range []*paylink.Method{&m, &other} {
			method.CustomerID, method.Kind, method.RemovedAt = i.CustomerID, paylink.MethodBank, time.Time{}
		}
		p := filledPayment(3, i, paylink.Processing)
		s.update(t, func(tx *store.Tx) error {
			for _, method := range []paylink.Method{m, other} {
				fresh, err := tx.InsertMethod(ctx, method)
				same(t, fresh, err, true)
			}
			twin := filled[paylink.Method](4)
			twin.CustomerID, twin.Kind, twin.StripeID = i.CustomerID, paylink.MethodBank, m.StripeID
			fresh, err := tx.InsertMethod(ctx, twin)
			same(t, fresh, err, false)
			_, err = tx.InsertPayment(ctx, p)
			return err
		})
		got, err := s.MethodByStripe(ctx, m.StripeID)
		same(t, got, err, m)
		list, err := s.MethodsOf(ctx, i.CustomerID)
		same(t, list, err, []paylink.Method{other, m})

		changed := filled[paylink.Method](5)
		changed.ID, changed.CustomerID, changed.Kind, changed.StripeID = m.ID, m.CustomerID, m.Kind, m.StripeID
		s.update(t, func(tx *store.Tx) error { return tx.UpdateMethod(ctx, changed) })
		got, err = s.Method(ctx, m.ID)
		same(t, got, err, changed)
		list, err = s.MethodsOf(ctx, i.CustomerID)
		same(t, list, err, []paylink.Method{other})
		elsewhere := changed
		elsewhere.CustomerID = "cus_other"
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateMethod(ctx, elsewhere) }), "method")

		mandate := filled[paylink.Mandate](6)
		mandate.MethodID, mandate.PaymentID, mandate.RevokedAt = m.ID, p.ID, time.Time{}
		s.update(t, func(tx *store.Tx) error { return tx.InsertMandate(ctx, mandate) })
		s.update(t, func(tx *store.Tx) error { return tx.RevokeMandates(ctx, m.ID, start) })
		mandate.RevokedAt = start
		kept, err := s.MandateByPayment(ctx, p.ID)
		same(t, kept, err, mandate)
		all, err := s.MandatesOf(ctx, m.ID)
		same(t, all, err, []paylink.Mandate{mandate})

		dispute := filled[paylink.Dispute](7)
		dispute.PaymentID, dispute.Kind = p.ID, paylink.KindReturn
		s.update(t, func(tx *store.Tx) error { return tx.PutDispute(ctx, dispute) })
		dispute.Status, dispute.Withdrawn, dispute.UpdatedAt = "lost", 5, start.Add(time.Hour)
		s.update(t, func(tx *store.Tx) error { return tx.PutDispute(ctx, dispute) })
		found, err := s.DisputeByStripe(ctx, dispute.StripeID)
		same(t, found, err, dispute)
		disputes, err := s.DisputesOf(ctx, p.ID)
		same(t, disputes, err, []paylink.Dispute{dispute})
	})
}

func TestExchangeKeepsEveryFieldAndIsBegunOnce(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1_000_000)
		x, done := filled[paylink.Exchange](1), filled[paylink.Exchange](2)
		x.CustomerID, done.CustomerID, x.EndedAt = i.CustomerID, i.CustomerID, time.Time{}
		s.update(t, func(tx *store.Tx) error {
			for _, one := range []paylink.Exchange{x, done} {
				fresh, err := tx.InsertExchange(ctx, one)
				same(t, fresh, err, true)
			}
			twin := filled[paylink.Exchange](3)
			twin.CustomerID, twin.TokenHash = i.CustomerID, x.TokenHash
			fresh, err := tx.InsertExchange(ctx, twin)
			same(t, fresh, err, false)
			return nil
		})
		got, err := s.ExchangeByToken(ctx, x.TokenHash)
		same(t, got, err, x)
		open, err := s.OpenExchanges(ctx, x.CreatedAt.Add(time.Hour), "", 10)
		same(t, open, err, []paylink.Exchange{x})
		open, err = s.OpenExchanges(ctx, x.CreatedAt, "", 10)
		same(t, open, err, []paylink.Exchange(nil))
		x.Item, x.Sealed, x.MethodID, x.Note, x.EndedAt = "item", "sealed", "mth_1", "kept", start
		s.update(t, func(tx *store.Tx) error { return tx.UpdateExchange(ctx, x) })
		got, err = s.ExchangeByToken(ctx, x.TokenHash)
		same(t, got, err, x)
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateExchange(ctx, paylink.Exchange{ID: "exc_other"}) }), "exchange")
	})
}

func TestMethodsAreFoundByItemLikenessAndIdleness(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1_000_000)
		method := func(n int, change func(*paylink.Method)) paylink.Method {
			m := filled[paylink.Method](n)
			m.CustomerID, m.Kind, m.RemovedAt, m.SavedAt = i.CustomerID, paylink.MethodBank, time.Time{}, time.Time{}
			m.PlaidItem, m.Fingerprint = "item", "print"
			change(&m)
			s.update(t, func(tx *store.Tx) error {
				_, err := tx.InsertMethod(ctx, m)
				return err
			})
			return m
		}
		idle := method(1, func(*paylink.Method) {})
		removed := method(2, func(m *paylink.Method) { m.RemovedAt = start })
		saved := method(3, func(m *paylink.Method) { m.SavedAt, m.PlaidItem, m.Fingerprint = start, "", "" })
		used := method(4, func(m *paylink.Method) { m.PlaidItem, m.Fingerprint = "another", "another" })
		moving := method(5, func(m *paylink.Method) { m.PlaidItem, m.Fingerprint = "another", "another" })
		later := start.Add(100 * 24 * time.Hour)
		for n, p := range []paylink.Payment{filledPayment(6, i, paylink.Succeeded), filledPayment(7, i, paylink.Processing), filledPayment(8, i, paylink.Succeeded)} {
			p.MethodID = []string{used.ID, moving.ID, idle.ID}[n]
			p.SettledAt, p.UpdatedAt = []time.Time{later, start, start}[n], start
			s.update(t, func(tx *store.Tx) error {
				_, err := tx.InsertPayment(ctx, p)
				return err
			})
		}
		list, err := s.MethodsByItem(ctx, "item")
		same(t, list, err, []paylink.Method{idle})
		list, err = s.MethodsByItem(ctx, "")
		same(t, list, err, []paylink.Method(nil))
		list, err = s.MethodsAlike(ctx, i.CustomerID, "print")
		same(t, list, err, []paylink.Method{removed, idle})
		list, err = s.MethodsAlike(ctx, i.CustomerID, saved.Fingerprint)
		same(t, list, err, []paylink.Method(nil))
		list, err = s.IdleMethods(ctx, later, 10)
		same(t, list, err, []paylink.Method{idle})
		list, err = s.IdleMethods(ctx, start, 10)
		same(t, list, err, []paylink.Method(nil))
		made, err := s.PaymentsBy(ctx, used.ID)
		if err != nil || len(made) != 1 || made[0].MethodID != used.ID {
			t.Errorf("%+v %v", made, err)
		}
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.LockMethods(ctx, "cus_other") }), "customer")
	})
}
