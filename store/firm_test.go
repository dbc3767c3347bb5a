package store_test

import (
	"testing"

	"paylink"
	"paylink/store"
)

// Settings that another process changed count for the next who asks, and what a caller does with its
// firm is its own affair.
func TestTheFirmIsAsItsSettingsSayNow(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		other, err := store.Open(t.Context(), s.url, store.Command, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for _, name := range []string{"Northwind", "Northwind Studio"} {
			want := paylink.NewFirm()
			want.Name, want.Address = name, []string{"1 Main Street"}
			if err := other.Update(t.Context(), func(tx *store.Tx) error { return tx.PutFirm(t.Context(), want) }); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := s.Firm(t.Context())
				if err != nil || got.Name != name || got.Address[0] != "1 Main Street" {
					t.Fatalf("got %+v, %v", got, err)
				}
				got.Address[0] = "nowhere"
			}
		}
	})
}
