package store_test

import (
	"testing"

	"paylink/store"
	"paylink/store/storetest"
)

func TestADiskThatIsNearlyFullIsTold(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for name, disk := range map[string]struct {
		free, size uint64
		full       bool
	}{
		"large, enough":  {300 * mb, 1000 * gb, false},
		"large, little":  {200 * mb, 1000 * gb, true},
		"small, enough":  {10 * mb, 16 * mb, false},
		"small, little":  {mb / 2, 16 * mb, true},
		"nothing at all": {0, 16 * mb, true},
	} {
		if err := store.RoomOf(disk.free, disk.size); (err != nil) != disk.full {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.Room(storetest.SQLiteURL(t)); err != nil {
		t.Error(err)
	}
	if err := store.Room("sqlite:/nowhere/at/all/paylink.db"); err == nil {
		t.Error("a disk that is not there has room")
	}
	if err := store.Room("postgres://x"); err != nil {
		t.Error(err)
	}
}
