package store_test

import (
	"context"
	"errors"
	"testing"

	"paylink/store"
)

// What is written while a page is read is not on it, and is on the next.
func TestASnapshotSeesOneMoment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		put := func(value string) {
			s.update(t, func(tx *store.Tx) error { return tx.PutSetting(ctx, "name", value) })
		}
		read := func(r store.Reads) string {
			value, err := r.Setting(ctx, "name")
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
		put("before")
		for _, want := range []string{"before", "meanwhile"} {
			if err := s.Snapshot(ctx, func(r store.Reads) error {
				first := read(r)
				put("meanwhile")
				if second := read(r); first != want || second != want {
					t.Errorf("it read %q, then %q, not %q", first, second, want)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// However a snapshot ends, the connection that it had goes back without its moment.
func TestASnapshotIsOverWhenItEnds(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		failed := errors.New("failed")
		for n := range 20 { // more than there are connections
			func() {
				defer func() { _ = recover() }()
				if err := s.Snapshot(ctx, func(r store.Reads) error {
					if _, err := r.Setting(ctx, "name"); err != nil {
						return err
					}
					if n%2 == 0 {
						panic(failed)
					}
					return failed
				}); !errors.Is(err, failed) {
					t.Error(err)
				}
			}()
		}
		s.update(t, func(tx *store.Tx) error { return tx.PutSetting(ctx, "name", "after") })
		for range 20 {
			if value, err := s.Setting(ctx, "name"); err != nil || value != "after" {
				t.Fatalf("%q, %v", value, err)
			}
		}
	})
}

// Who left before the page was read is no reason to throw a connection away.
func TestASnapshotIsReadToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx, leave := context.WithCancel(t.Context())
		leave()
		if err := s.Snapshot(ctx, func(r store.Reads) error {
			_, err := r.Setting(ctx, "name")
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}
