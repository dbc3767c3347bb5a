package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema of a database to this program's, making the SQLite file if there is
// none, and says from which version to which. Several may call it at once: one does it. A schema
// that is newer than the program is refused, and so is to migrate a SQLite file under a server.
func Migrate(ctx context.Context, url string, log *slog.Logger) (from, to int64, err error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		from, to, err = migrateSQLite(ctx, path, log)
	} else if isPostgres(url) {
		from, to, err = migratePostgres(ctx, url, log)
	} else {
		return 0, 0, errURL
	}
	if err != nil {
		return from, to, fmt.Errorf("migrate database: %w", err)
	}
	return from, to, nil
}

func migrateSQLite(ctx context.Context, path string, log *slog.Logger) (from, to int64, err error) {
	if _, err := os.Stat(path); err == nil {
		db := sqlitePool(path, "rw", 1) // not "ro": who was killed here may have left a journal to roll back
		from, to, err := versions(ctx, sqlite, db)
		if err := errors.Join(err, db.Close()); err != nil {
			return 0, 0, err
		}
		if from >= to { // nothing to do, also beside a running server
			return from, to, newer(from, to)
		}
	}
	unlock, err := waitForLock(ctx, path, 30*time.Second)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	// Readable by us alone, and SQLite gives its other files the same mode.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return 0, 0, err
	}
	if err := f.Close(); err != nil {
		return 0, 0, err
	}
	db := sqlitePool(path, "rw", 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "pragma journal_mode = wal"); err != nil {
		return 0, 0, err
	}
	return up(ctx, sqlite, db, log)
}

// waitForLock waits a little for others who migrate, or were killed a moment ago; a server holds the lock for longer.
func waitForLock(ctx context.Context, path string, limit time.Duration) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		if unlock, err = lockFile(path); !errors.Is(err, errLocked) {
			return unlock, err
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return nil, err
		}
	}
}

func migratePostgres(ctx context.Context, url string, log *slog.Logger) (from, to int64, err error) {
	db, err := postgresPool(url, 2, false)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60)) // once a second for a minute
	if err != nil {
		return 0, 0, err
	}
	return up(ctx, postgres, db, log, goose.WithSessionLocker(locker))
}

func up(ctx context.Context, d *dialect, db *sql.DB, log *slog.Logger, options ...goose.ProviderOption) (from, to int64, err error) {
	from, to, err = versions(ctx, d, db)
	if err != nil {
		return 0, 0, err
	}
	if from >= to { // so that who starts beside others need not wait for their lock
		return from, to, newer(from, to)
	}
	files, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		return from, to, err
	}
	p, err := goose.NewProvider(d.goose, db, files,
		append(options, goose.WithSlog(log), goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return from, to, err
	}
	_, err = p.Up(ctx)
	return from, to, err
}

// versions gives the schema's version, 0 where there is none yet, and the program's.
func versions(ctx context.Context, d *dialect, db *sql.DB) (has, wants int64, err error) {
	files, err := fs.ReadDir(migrations, "migrations/"+d.name)
	if err != nil {
		return 0, 0, err
	}
	if wants, err = goose.NumericComponent(files[len(files)-1].Name()); err != nil {
		return 0, 0, err
	}
	var tables int
	if err := db.QueryRowContext(ctx, d.hasVersions).Scan(&tables); err != nil {
		return 0, 0, fmt.Errorf("look for a schema: %w", err)
	}
	if tables == 0 {
		return 0, wants, nil
	}
	err = db.QueryRowContext(ctx, "select coalesce(max(version_id), 0) from goose_db_version where is_applied").Scan(&has)
	if err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return has, wants, nil
}

func newer(has, wants int64) error {
	if has > wants {
		return fmt.Errorf("its schema has version %d and this program knows %d: use the newer program", has, wants)
	}
	return nil
}

// checkSchema refuses a schema that is not this program's.
func checkSchema(ctx context.Context, d *dialect, db *sql.DB) error {
	has, wants, err := versions(ctx, d, db)
	if err == nil {
		err = newer(has, wants)
	}
	if err == nil && has < wants {
		err = fmt.Errorf("its schema has version %d and this program needs %d: run `paylink migrate`", has, wants)
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}
