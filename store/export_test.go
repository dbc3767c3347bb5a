package store

import (
	"context"
	"database/sql"
	"time"
)

// Pools gives tests the pools that a Store reads and writes through.
func Pools(s *Store) (reader, writer *sql.DB) { return s.pool, s.writer }

// LongRead runs a question again and again in a transaction that may read for long.
func LongRead(ctx context.Context, s *Store, query string, f func(answer func() (string, error)) error) error {
	return s.snapshot(ctx, s.dialect.unhurried, func(r reads) error {
		return f(func() (string, error) { return one(ctx, r, value[string], query) })
	})
}

// Raw runs a statement that the package itself has no use for.
func (t *Tx) Raw(ctx context.Context, query string, args ...any) error {
	_, err := t.exec(ctx, query, args...)
	return err
}

// SetPatience shortens how long an Update waits for its turn.
func SetPatience(s *Store, d time.Duration) { s.patience = d }

// RoomOf judges a disk of a size.
func RoomOf(free, size uint64) error { return room(free, size) }
