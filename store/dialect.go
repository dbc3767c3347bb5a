package store

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
)

// dialect is all that differs between the two databases once they are open.
type dialect struct {
	name        string
	goose       goose.Dialect
	bind        func(string) string // from $n to what the driver counts right
	beginRead   string              // begins a transaction that sees one moment
	forUpdate   string              // keeps a row for the transaction; SQLite has one writer anyway
	skipLocked  string              // the same, passing by rows that others keep
	isUnique    func(error) bool
	isRetry     func(error) bool // the database undid the transaction and asks for it again
	isBusy      func(error) bool // nothing was written: locked, full or away
	unhurried   string           // first statement of a transaction that may read for long
	oneServer   bool             // a lock file keeps every other server out
	hasVersions string           // counts the table that migrations are noted in
}

var dollar = regexp.MustCompile(`\$(\d+)`)

var sqlite = &dialect{
	name:  "sqlite",
	goose: goose.DialectSQLite3,
	// SQLite numbers $n by first appearance and would bind $2 before $1 wrongly, without an error. And of a
	// bare ?n its planner looks at the value, to prepare the statement anew for each one that is bound;
	// the + does nothing but hide it. https://www.sqlite.org/queryplanner-ng.html#qpstab
	bind: func(q string) string { return dollar.ReplaceAllString(q, "+?$1") },
	isUnique: func(err error) bool {
		e, ok := errors.AsType[sqlite3.Error](err)
		return ok && (e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey)
	},
	isRetry:     func(error) bool { return false },
	beginRead:   "begin",
	oneServer:   true,
	hasVersions: "select count(*) from sqlite_master where name = 'goose_db_version'",
	isBusy: func(err error) bool {
		e, ok := errors.AsType[sqlite3.Error](err)
		return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked || e.Code == sqlite3.ErrFull)
	},
}

var postgres = &dialect{
	name:        "postgres",
	goose:       goose.DialectPostgres,
	bind:        func(q string) string { return q },
	beginRead:   "begin isolation level repeatable read read only",
	forUpdate:   " for update",
	unhurried:   "set local statement_timeout = 0",
	skipLocked:  " for update skip locked",
	isUnique:    func(err error) bool { return pgCode(err) == "23505" },
	hasVersions: "select count(*) from pg_class where oid = to_regclass('goose_db_version')",
	// https://www.postgresql.org/docs/15/mvcc-serialization-failure-handling.html
	isRetry: func(err error) bool { return pgCode(err) == "40001" || pgCode(err) == "40P01" },
	isBusy: func(err error) bool {
		if _, ok := errors.AsType[commitError](err); ok {
			return false // it may have been done all the same
		}
		if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
			return true
		}
		if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) {
			return true
		}
		// Class 53 is insufficient resources (disk full, too many connections), 55P03 a lock not
		// had in time, 57014 a statement that took too long, 57P the server stopping.
		// https://www.postgresql.org/docs/15/errcodes-appendix.html
		code := pgCode(err)
		return strings.HasPrefix(code, "53") || strings.HasPrefix(code, "57P") || code == "55P03" || code == "57014"
	},
}

func pgCode(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
