package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Connections of one process: PostgreSQL allows 100 in all by default, and several instances share them.
const (
	postgresWriters = 8
	postgresReaders = 8
)

func openPostgres(ctx context.Context, url string, mode Mode) (*Store, error) {
	reader, err := postgresPool(url, postgresReaders, true)
	if err != nil {
		return nil, err
	}
	var writer *sql.DB
	if mode != ReadOnly {
		if writer, err = postgresPool(url, postgresWriters, false); err != nil {
			return nil, errors.Join(err, reader.Close())
		}
	}
	s := newStore(postgres, reader, writer)
	s.close = append(s.close, reader.Close)
	if writer != nil {
		s.close = append(s.close, writer.Close)
	}
	if err := assertPostgres(ctx, reader); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func postgresPool(url string, conns int, readOnly bool) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // pgx leaves the password out
	}
	// What waits for a lock, or runs, longer than this belongs to a caller who left: statements take
	// no caller's context.
	config.RuntimeParams["lock_timeout"] = "5s"
	config.RuntimeParams["statement_timeout"] = "30s"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	config.RuntimeParams["application_name"] = "paylink"
	if readOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// assertPostgres refuses a server that answers a commit before it is on disk.
func assertPostgres(ctx context.Context, db *sql.DB) error {
	for name, good := range map[string][]string{"fsync": {"on"}, "synchronous_commit": {"on", "remote_apply", "remote_write"}} {
		var got string
		if err := db.QueryRowContext(ctx, "select current_setting($1)", name).Scan(&got); err != nil {
			return fmt.Errorf("open database: read %s: %w", name, err)
		}
		if !slices.Contains(good, got) {
			return fmt.Errorf("open database: %s is %s, not %s", name, got, good[0])
		}
	}
	return nil
}
