package payments_test

import (
	"fmt"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

// However many exchanges cannot be closed, because their tokens do not open, those behind them are.
func TestSweepGetsPastExchangesThatCannotBeClosed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const stuck = 250
		now := d.clock.Now()
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			for n := range stuck + 1 {
				x := paylink.Exchange{
					ID: paylink.NewID("exc", now.Add(time.Duration(n)*time.Millisecond)), CustomerID: d.invoice.CustomerID, Visitor: visitor,
					TokenHash: fmt.Sprint(n), Account: "acc", CreatedAt: now,
				}
				if n < stuck {
					x.Item, x.Sealed = "item", "unreadable"
				}
				if fresh, err := tx.InsertExchange(t.Context(), x); err != nil || !fresh {
					return fmt.Errorf("exchange %d: %t %w", n, fresh, err)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Hour)
		if err := d.payments.SweepMethods(t.Context()); err == nil {
			t.Error("tokens that do not open are no error")
		}
		if tasks := d.tasks("bank.orphan"); len(tasks) != 1 {
			t.Errorf("%d tasks about the one that nobody holds the token of", len(tasks))
		}
	})
}
