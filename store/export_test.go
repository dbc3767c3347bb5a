package store

import (
	"context"
	"database/sql"
)

// Pools gives tests the pools that a Store reads and writes through.
func Pools(s *Store) (reader, writer *sql.DB) { return s.pool, s.writer }

// LongReadSetting gives a setting of the database as it is in a transaction that may read for long.
func LongReadSetting(ctx context.Context, s *Store, name string) (setting string, err error) {
	err = s.snapshot(ctx, func(r reads) error {
		setting, err = one(ctx, r, value[string], "select current_setting($1)", name)
		return err
	})
	return setting, err
}

// Raw runs a statement that the package itself has no use for.
func (t *Tx) Raw(ctx context.Context, query string, args ...any) error {
	_, err := t.exec(ctx, query, args...)
	return err
}
