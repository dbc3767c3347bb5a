// Package store keeps everything Paylink knows in SQLite or PostgreSQL. All SQL is here, each
// statement written once for both: a Store reads, and a Tx, which only Store.Update hands out,
// reads and writes.
//
// It holds what must hold whoever asks: transactions that sum to zero, numbers that are given
// once, keys that are unique. It does not decide what may be paid or sent, and calls nobody.
//
// Times are kept as microseconds UTC, 0 for the zero time; money as minor units.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"paylink"
)

// Mode says what a Store is opened for.
type Mode int

// The modes.
const (
	Server   Mode = iota // reads and writes; one server for a SQLite file
	Command              // reads and writes beside a server
	ReadOnly             // reads
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	reads
	dialect *dialect
	pool    *sql.DB // for reading
	writer  *sql.DB // nil in mode ReadOnly

	patience time.Duration // how long an Update waits for its turn

	woken chan struct{}
	close []func() error // in order
	once  sync.Once
}

// Tx is one transaction, good inside the function that Update calls and on its goroutine only.
type Tx struct {
	reads
	tx       *sql.Tx
	enqueued bool
	moved    []string // invoices whose standing is to be told anew before the commit
}

// Open opens the database at "sqlite:path" or "postgres://…". It refuses one whose schema is not
// of this program, and settings under which a commit could be lost. Nothing of the URL's password
// is in its errors.
func Open(ctx context.Context, url string, mode Mode, log *slog.Logger) (*Store, error) {
	var s *Store
	var err error
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		s, err = openSQLite(ctx, path, mode, log)
	} else if isPostgres(url) {
		s, err = openPostgres(ctx, url, mode)
	} else {
		return nil, errURL
	}
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, s.dialect, s.pool); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

var errURL = errors.New(`open database: the URL is neither "sqlite:path" nor "postgres://…"`)

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// newStore puts a Store around two pools; writer is nil to only read.
func newStore(d *dialect, reader, writer *sql.DB) *Store {
	return &Store{
		reads:   reads{from: reader, dialect: d, texts: new(sync.Map), firm: new(atomic.Pointer[keptFirm])},
		dialect: d,
		pool:    reader,
		writer:  writer,

		patience: 10 * time.Second, // longer than busy, shorter than anybody waits at a page
		woken:    make(chan struct{}, 1),
	}
}

// Close ends the use of the database. A Store that is closed twice is closed once.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		for _, f := range s.close {
			err = errors.Join(err, f())
		}
	})
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.Setting(ctx, "ping"); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Dialect is "sqlite" or "postgres".
func (s *Store) Dialect() string { return s.dialect.name }

// Woken receives after commits that enqueued a job, so that a worker in this process need not
// wait for its next look. Several commits may wake once.
func (s *Store) Woken() <-chan struct{} { return s.woken }

// Reads are the questions that a Store, a Tx and a Snapshot answer alike.
type Reads = reads

// Snapshot answers questions as of one moment: f sees nothing of what is written meanwhile. Between two
// questions to the Store itself a payment may leave what is reserved and not yet be in what is paid.
func (s *Store) Snapshot(ctx context.Context, f func(Reads) error) error {
	return s.snapshot(ctx, "", f)
}

// snapshot runs a first statement, where there is one, and then f. It begins by a statement of its own: of a
// sql.Tx every query would start a goroutine that watches over it.
func (s *Store) snapshot(ctx context.Context, first string, f func(reads) error) error {
	ctx = context.WithoutCancel(ctx)
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, s.dialect.beginRead); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	defer func() { // also when f panics
		if _, err := conn.ExecContext(ctx, "rollback"); err != nil {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // nobody else is given it
		}
	}()
	if first != "" {
		if _, err := conn.ExecContext(ctx, first); err != nil {
			return fmt.Errorf("begin to read: %w", err)
		}
	}
	return f(s.on(conn))
}

// retries is how often Update begins again when the database chose our transaction to fail.
const retries = 5

// Update runs f in one transaction and commits it, or undoes all of it when f returns an error or
// panics. It is the only way to write.
//
// f may run again, so it touches nothing but tx and its own variables, and neither sends nor
// mails. Once begun the transaction does not end with ctx: a caller who leaves must not undo a
// write half done. An error of kind Unavailable means that nothing was written; after another
// error of the commit itself, whoever must know reads again.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	if s.writer == nil {
		return errors.New("update: the database is open for reading only")
	}
	for again := 0; ; again++ {
		err := s.update(ctx, f)
		if err == nil || !s.dialect.isRetry(err) {
			return s.explain(err)
		}
		if again == retries {
			return paylink.Fail(paylink.Unavailable, "database.busy").Because(err)
		}
		if err := pause(ctx, time.Duration(again+1)*10*time.Millisecond); err != nil {
			return fmt.Errorf("update: %w", err)
		}
	}
}

func (s *Store) update(ctx context.Context, f func(*Tx) error) (err error) {
	turn, cancel := context.WithTimeout(ctx, s.patience)
	conn, err := s.writer.Conn(turn) // waits its turn, and not for a caller who left
	cancel()
	if err != nil && ctx.Err() == nil && turn.Err() != nil {
		return paylink.Fail(paylink.Unavailable, "database.busy").Because(err)
	}
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // also when f panics; after Commit it does nothing
	t := &Tx{reads: s.on(tx), tx: tx}
	if err := f(t); err != nil {
		return err
	}
	for _, id := range t.moved {
		if err := t.refreshStanding(ctx, id); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return commitError{err}
	}
	if t.enqueued {
		select {
		case s.woken <- struct{}{}:
		default:
		}
	}
	return nil
}

// commitError is an error of the commit itself. Where the connection broke, nobody knows whether
// it was done.
type commitError struct{ error }

func (e commitError) Error() string { return "commit: " + e.error.Error() }
func (e commitError) Unwrap() error { return e.error }

// explain gives an error of the database a kind when nothing was written and later may be better.
func (s *Store) explain(err error) error {
	if err != nil && paylink.KindOf(err) == 0 && s.dialect.isBusy(err) {
		return paylink.Fail(paylink.Unavailable, "database.busy").Because(err)
	}
	return err
}

// pause waits between half of d and all of it, so that those who collided do not meet again.
func pause(ctx context.Context, d time.Duration) error {
	var b [8]byte
	_, _ = rand.Read(b[:])
	half := uint64(d / 2)
	timer := time.NewTimer(time.Duration(half + binary.BigEndian.Uint64(b[:])%(half+1)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
