package payments_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
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

// A public token is the browser's that it was given to: who else sends it learns nothing of its account, and does not
// stand in the way of whose it is.
func TestFault_A02_TokenOfAnotherIsNotTakenUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		send := func(change func(*payments.BankLink)) {
			t.Helper()
			other := r
			change(&other)
			m, err := d.payments.LinkBank(t.Context(), other)
			wantCode(t, err, paylink.Conflict, "bank.link_again")
			if m.ID != "" {
				t.Errorf("told of %+v", m)
			}
		}
		jon := d.stranger().ID
		others := map[string]func(*payments.BankLink){
			"another visitor":  func(r *payments.BankLink) { r.Visitor = "visitor-2" },
			"another customer": func(r *payments.BankLink) { r.LinkID, r.CustomerID = "", jon },
		}
		d.fault(accountsCall, "500_before", 1)
		if _, err := d.payments.LinkBank(t.Context(), r); err == nil {
			t.Fatal("linked")
		}
		for _, change := range others {
			send(change)
		}
		m, err := d.payments.LinkBank(t.Context(), r)
		if err != nil || m.CustomerID != r.CustomerID || m.Owner != visitor {
			t.Fatalf("%+v %v", m, err)
		}
		for _, change := range others { // the token is spent, and its account a method
			send(change)
		}
	})
}

// Plaid refuses for what is our doing, as with keys that it does not know: the exchange stays open, and staff are told.
func TestFault_A01_RefusalThatIsNotThePayersIsATaskForStaff(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.chosen(goodAccount, "ins_56")
		d.plaidThrough(func(w http.ResponseWriter, path string, _ []byte) bool {
			if path != "/item/public_token/exchange" {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error_type":"INVALID_INPUT","error_code":"INVALID_API_KEYS","error_message":"invalid client_id or secret provided","display_message":null,"request_id":"r1"}`)
			return true
		})
		if _, err := d.payments.LinkBank(t.Context(), r); err == nil || paylink.KindOf(err) != 0 {
			t.Errorf("it is told as the payer's: %v", err)
		}
		d.sweep(time.Hour)
		if n := len(d.tasks("bank.orphan")); n != 1 {
			t.Errorf("%d tasks", n)
		}
	})
}
