package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"paylink"
)

// source is what a statement runs on: the pool of a Store, or a transaction.
type source interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reads are the questions that a Store and a Tx answer alike.
type reads struct {
	from    source
	dialect *dialect
	texts   *sync.Map // statement as written → as the driver takes it
	firm    *atomic.Pointer[keptFirm]
}

func (r reads) on(from source) reads {
	r.from = from
	return r
}

func (r reads) text(query string) string {
	if text, ok := r.texts.Load(query); ok {
		return text.(string)
	}
	text := r.dialect.bind(query)
	r.texts.Store(query, text)
	return text
}

// query takes no cancel from ctx: statements are short, and one that is interrupted costs more
// than it saves (go-sqlite3 starts a goroutine for each, pgx closes its connection).
func (r reads) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.from.QueryContext(context.WithoutCancel(ctx), r.text(query), args...)
}

// exec runs a statement and says how many rows it changed.
func (t *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(context.WithoutCancel(ctx), t.text(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// row is one line of an answer.
type row interface{ Scan(into ...any) error }

// one reads the first row; sql.ErrNoRows when there is none.
func one[T any](ctx context.Context, r reads, scan func(row) (T, error), query string, args ...any) (T, error) {
	found, err := all(ctx, r, scan, query, args...)
	if err != nil {
		var none T
		return none, err
	}
	if len(found) == 0 {
		var none T
		return none, sql.ErrNoRows
	}
	return found[0], nil
}

// all reads every row.
func all[T any](ctx context.Context, r reads, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, item)
	}
	return found, rows.Err()
}

// value scans a row of one column.
func value[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// found says what it was that could not be read; "no rows" becomes NotFound "<noun>.unknown".
func found(noun string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return paylink.Fail(paylink.NotFound, noun+".unknown")
	}
	return fmt.Errorf("read %s: %w", noun, err)
}

// micros is a time as it is kept.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// moment scans a kept time.
type moment struct{ t *time.Time }

// Scan reads microseconds.
func (m moment) Scan(src any) error {
	us, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is %T", src)
	}
	*m.t = fromMicros(us)
	return nil
}

// Page asks for one page of a list, newest first.
type Page struct {
	Limit  int    // 50 when not positive, 500 at most
	Cursor string // "" for the first; else what the page before gave as next, or Cursor
	Newer  bool   // the page that ends before the cursor, and next goes on towards the newest
}

// Cursor is the place in a list of what was made then and has this id.
func Cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(micros(at), 10) + "/" + id))
}

func (p Page) newer() bool { return p.Newer && p.Cursor != "" }

func (p Page) limit() int {
	if p.Limit <= 0 {
		return 50
	}
	return min(p.Limit, 500)
}

// before is where the page begins: strictly before this time and id.
func (p Page) before() (us int64, id string, err error) {
	if p.Cursor == "" {
		return 1<<63 - 1, "", nil
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	number, id, ok := strings.Cut(string(text), "/")
	us, numberErr := strconv.ParseInt(number, 10, 64)
	if err != nil || numberErr != nil || !ok || id == "" || len(id) > 64 || strings.ContainsFunc(id, foreign) {
		return 0, "", paylink.Fail(paylink.Invalid, "cursor")
	}
	return us, id, nil
}

// foreign says that a character is in no id. PostgreSQL refuses some of them as no text at all.
func foreign(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// cut takes one row more than the page has as the sign that there is a next page.
func cut[T any](p Page, items []T, key func(T) (time.Time, string)) ([]T, string) {
	next := ""
	if len(items) > p.limit() {
		items = items[:p.limit()]
		next = Cursor(key(items[len(items)-1]))
	}
	if p.newer() {
		slices.Reverse(items)
	}
	return items, next
}

// where collects conditions and their arguments.
type where struct {
	text []string
	args []any
}

// add takes a condition with $ where its one argument goes.
func (w *where) add(condition string, arg any) {
	w.args = append(w.args, arg)
	w.text = append(w.text, strings.ReplaceAll(condition, "$", "$"+strconv.Itoa(len(w.args))))
}

func (w *where) String() string { return strings.Join(w.text, " and ") }

// page is the end of a statement that lists a page: the conditions, then newest first (or oldest, when
// it goes towards the newest) and one row more than the page has. prefix is the table's, "i." or "".
func (w *where) page(p Page, prefix string) (string, error) {
	us, id, err := p.before()
	if err != nil {
		return "", err
	}
	w.args = append(w.args, us, id, p.limit()+1)
	n := len(w.args)
	side, order := "<", "desc"
	if p.newer() {
		side, order = ">", "asc"
	}
	w.text = append(w.text, fmt.Sprintf("(%screated_at, %sid) %s ($%d, $%d)", prefix, prefix, side, n-2, n-1))
	return fmt.Sprintf(" where %s order by %screated_at %s, %sid %s limit $%d", w, prefix, order, prefix, order, n), nil
}

// in gives "$2, $3, …" for ids, the first argument having number from.
func in(from int, ids []string) (list string, args []any) {
	var b strings.Builder
	for n, id := range ids {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(from+n))
		args = append(args, id)
	}
	return b.String(), args
}

// folded is text as lists are searched: lower case, by Go, so that both databases agree on Ä.
func folded(parts ...string) string { return strings.ToLower(strings.Join(parts, "\n")) }

// containing is the pattern that finds a part of folded text; % and _ are themselves.
func containing(search string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(search))) + "%"
}
