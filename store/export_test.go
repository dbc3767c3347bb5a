package store

import (
	"context"
	"database/sql"
)

// Pools gives tests the pools that a Store reads and writes through.
func Pools(s *Store) (reader, writer *sql.DB) { return s.pool, s.writer }

// Raw runs a statement that the package itself has no use for.
func (t *Tx) Raw(ctx context.Context, query string, args ...any) error {
	_, err := t.exec(ctx, query, args...)
	return err
}
