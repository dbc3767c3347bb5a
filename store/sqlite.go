package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
)

// leastSQLite is the first release whose WAL does not lose a reset race; see
// https://www.sqlite.org/wal.html#walresetbug
const leastSQLite = 3_051_003

// busy is how long a writer waits for another process's transaction.
const busy = 5 * time.Second

func openSQLite(ctx context.Context, path string, mode Mode, log *slog.Logger) (_ *Store, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open database: %w; `paylink migrate` makes it", err)
	}
	var s *Store
	var opened []func() error
	defer func() {
		if err != nil {
			for _, f := range opened {
				err = errors.Join(err, f())
			}
		}
	}()
	if mode == Server {
		unlock, err := waitForLock(ctx, path, handover)
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		opened = append(opened, unlock)
	}
	var writer *sql.DB
	if mode != ReadOnly {
		writer = sqlitePool(path, "rw", 1)
		opened = append([]func() error{writer.Close}, opened...)
		if err := assertSQLite(ctx, writer); err != nil {
			return nil, err
		}
	}
	reader := sqlitePool(path, "ro", 4)
	opened = append([]func() error{reader.Close}, opened...)
	if err := assertSQLite(ctx, reader); err != nil {
		return nil, err
	}
	s = newStore(sqlite, reader, writer)
	s.close = opened
	if mode == Server {
		stop, err := checkpoint(ctx, path, log)
		if err != nil {
			return nil, err
		}
		s.close = append([]func() error{stop}, s.close...)
	}
	return s, nil
}

// handover is how long a server that was just killed may keep the lock: the kernel closes the files of a dead process when
// it comes to it, which on a busy machine was seen to be after its parent had heard of the end.
const handover = 2 * time.Second

// lockFile keeps a second server from the file. The lock is the kernel's: it ends with the process,
// however that ends.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

var errLocked = errors.New("another server uses this database; stop it first")

// sqliteConnector opens connections the way we want each of them.
type sqliteConnector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

// Connect opens one.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

// Driver is SQLite's.
func (c sqliteConnector) Driver() driver.Driver { return c.driver }

// sqlitePool opens conns connections; access is rwc (create), rw or ro.
func sqlitePool(path, access string, conns int) *sql.DB {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	q := url.Values{
		"mode":             {access},
		"_txlock":          {"immediate"}, // a reader that becomes a writer would be refused, not wait
		"_synchronous":     {"FULL"},
		"_foreign_keys":    {"1"},
		"_busy_timeout":    {strconv.FormatInt(busy.Milliseconds(), 10)},
		"_stmt_cache_size": {"200"},
	}
	pragma := "pragma wal_autocheckpoint = 0" // checkpoint does it, so that no commit waits for one
	if access == "ro" {
		q.Set("_query_only", "1")
		q.Set("_txlock", "deferred")
		q.Set("_mutex", "no") // database/sql gives a connection to one at a time
		pragma = "pragma mmap_size = 268435456"
	}
	db := sql.OpenDB(sqliteConnector{
		dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode(),
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			_, err := c.Exec(pragma, nil)
			return err
		}},
	})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// assertSQLite refuses a library or settings under which a commit could be lost.
func assertSQLite(ctx context.Context, db *sql.DB) error {
	if _, number, _ := sqlite3.Version(); checkSQLite(number) != nil {
		return fmt.Errorf("open database: %w", checkSQLite(number))
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.QueryRowContext(ctx, "pragma "+pragma).Scan(&got); err != nil {
			if e, ok := errors.AsType[sqlite3.Error](err); ok && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt) {
				return fmt.Errorf("open database: the file is damaged; put a backup in its place: %w", err)
			}
			return fmt.Errorf("open database: read %s: %w", pragma, err)
		}
		if got != want {
			return fmt.Errorf("open database: %s is %s, not %s", pragma, got, want)
		}
	}
	return nil
}

func checkSQLite(version int) error {
	if version < leastSQLite {
		return fmt.Errorf("SQLite %d is older than %d", version, leastSQLite)
	}
	return nil
}

// checkpoint moves the WAL into the database file from a connection of its own, as far as readers
// allow, whenever the WAL changed; the stop empties it.
func checkpoint(ctx context.Context, path string, log *slog.Logger) (stop func() error, err error) {
	db := sqlitePool(path, "rw", 1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database for checkpoints: %w", err), db.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		var seen time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			wal, err := os.Stat(path + "-wal")
			if err != nil || wal.Size() == 0 || wal.ModTime().Equal(seen) {
				continue
			}
			seen = wal.ModTime()
			if err := runCheckpoint(db, "passive"); err != nil {
				log.Warn("database checkpoint", "error", err)
			}
		}
	}()
	return func() error {
		cancel()
		<-done
		return errors.Join(runCheckpoint(db, "truncate"), db.Close())
	}, nil
}

func runCheckpoint(db *sql.DB, mode string) error {
	var busy, log, moved int
	return db.QueryRowContext(context.Background(), "pragma wal_checkpoint("+mode+")").Scan(&busy, &log, &moved)
}
