package store_test

import (
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

func TestReversalsTellWhatBecameOfAPaymentsMoney(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx, now := t.Context(), time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
		invoice := s.books(t, "inv_1", 100_000)
		payments := map[string]paylink.Payment{}
		for _, name := range []string{"plain", "refunded", "asked", "disputed", "won", "returned"} {
			payments[name] = payment("pay_"+name, invoice, 500)
			s.update(t, func(tx *store.Tx) error {
				_, err := tx.InsertPayment(ctx, payments[name])
				return err
			})
		}
		refund := func(name string, status paylink.RefundStatus, minor int64) paylink.Refund {
			id := paylink.NewID("rfd", now)
			return paylink.Refund{
				ID: id, Key: id, PaymentID: payments[name].ID, Amount: money.New(minor, "USD"), Fee: money.New(0, "USD"), Status: status, Actor: "system", CreatedAt: now, UpdatedAt: now,
			}
		}
		dispute := func(name string, kind paylink.DisputeKind, status string) paylink.Dispute {
			return paylink.Dispute{
				ID: paylink.NewID("dsp", now), PaymentID: payments[name].ID, StripeID: "dp_" + name, Kind: kind, Amount: money.New(500, "USD"), Status: status,
				OpenedAt: now, AnswerBy: now.Add(time.Hour), CreatedAt: now, UpdatedAt: now,
			}
		}
		s.update(t, func(tx *store.Tx) error {
			for _, f := range []paylink.Refund{
				refund("refunded", paylink.RefundSucceeded, 100), refund("refunded", paylink.RefundPending, 20), refund("refunded", paylink.RefundFailed, 3), refund("asked", paylink.RefundAsked, 50),
			} {
				if _, err := tx.InsertRefund(ctx, f); err != nil {
					return err
				}
			}
			for _, d := range []paylink.Dispute{
				dispute("disputed", paylink.KindDispute, "needs_response"), dispute("won", paylink.KindDispute, "won"), dispute("returned", paylink.KindReturn, "lost"),
			} {
				if err := tx.PutDispute(ctx, d); err != nil {
					return err
				}
			}
			return nil
		})
		var ids []string
		for _, p := range payments {
			ids = append(ids, p.ID)
		}
		found, err := s.Reversals(ctx, ids)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]store.Reversal{
			"plain": {}, "refunded": {Refunded: 120}, "asked": {}, "disputed": {Disputed: true}, "won": {}, "returned": {Returned: true},
		} {
			if got := found[payments[name].ID]; got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		if none, err := s.Reversals(ctx, nil); err != nil || len(none) != 0 {
			t.Errorf("of none: %v %v", none, err)
		}
		of, err := s.ReversalsOfInvoices(ctx, []string{invoice.ID, "inv_x"})
		if err != nil {
			t.Fatal(err)
		}
		if want := (store.Reversal{Disputed: true, Returned: true}); len(of) != 1 || of[invoice.ID] != want {
			t.Errorf("of the invoice: %+v", of)
		}
		disputes, err := s.DisputesOf(ctx, payments["disputed"].ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(disputes) != 1 || !disputes[0].AnswerBy.Equal(now.Add(time.Hour)) {
			t.Errorf("disputes: %+v", disputes)
		}
	})
}

func TestDriftIsCountedAndItsRepairsListed(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx, now := t.Context(), time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
		invoice := s.books(t, "inv_1", 100_000)
		count := func(want int) {
			t.Helper()
			if n, err := s.DriftCount(ctx); err != nil || n != want {
				t.Errorf("%d differences, want %d: %v", n, want, err)
			}
		}
		count(0)
		s.update(t, func(tx *store.Tx) error {
			if err := tx.PutDifference(ctx, store.Difference{Kind: "mode", Subject: "pi_1", SeenAt: now}); err != nil {
				return err
			}
			if _, err := tx.InsertForeignPayment(ctx, store.ForeignPayment{Intent: "pi_2", CustomerID: invoice.CustomerID, Amount: money.New(5, "USD"), CreatedAt: now}); err != nil {
				return err
			}
			for n, action := range []string{"drift.word_taken", "payment.adopted", "payment.succeeded"} {
				if err := tx.Audit(ctx, "staff:stf_1", action, "pay_1", nil, now.Add(time.Duration(n)*time.Second)); err != nil {
					return err
				}
			}
			_, err := tx.Enqueue(ctx, store.Job{Kind: "payment.reconcile", Key: "1", RunAt: now})
			return err
		})
		count(2)
		rows, err := s.RepairsSince(ctx, now.Add(-time.Hour), 10, "drift.word_taken", "payment.adopted")
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 2 || rows[0].Action != "payment.adopted" {
			t.Errorf("repairs: %+v", rows)
		}
		if rows, err = s.RepairsSince(ctx, now.Add(time.Hour), 10, "drift.word_taken"); err != nil || len(rows) != 0 {
			t.Errorf("later repairs: %+v %v", rows, err)
		}
		if job, err := s.UnfinishedJob(ctx, "payment.reconcile"); err != nil || job.Key != "1" {
			t.Errorf("job: %+v %v", job, err)
		}
		if _, err := s.UnfinishedJob(ctx, "payment.sweep"); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("job of another kind: %v", err)
		}
		s.update(t, func(tx *store.Tx) error {
			_, err := tx.CloseDifference(ctx, "mode", "pi_1", now)
			return err
		})
		count(1)
	})
}
