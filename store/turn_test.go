package store_test

import (
	"database/sql"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

// Who writes waits for its turn, and not for ever: then nothing was written, and later may be better.
func TestAnUpdateDoesNotWaitForEver(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		_, writer := store.Pools(s.Store)
		writer.SetMaxOpenConns(1)
		var held *sql.Conn
		held, err := writer.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		store.SetPatience(s.Store, 20*time.Millisecond)
		err = s.Update(t.Context(), func(*store.Tx) error {
			t.Error("it wrote")
			return nil
		})
		wantCode(t, err, paylink.Unavailable, "database.busy")
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		s.update(t, func(*store.Tx) error { return nil })
	})
}
