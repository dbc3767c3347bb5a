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
