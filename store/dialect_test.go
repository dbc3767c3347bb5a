package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// SQLite numbers $n by first appearance: without the rewriting, this binds the wrong way round and
// no error tells.
func TestArgumentsAreBoundByNumber(t *testing.T) {
	db := sqlitePool(filepath.Join(t.TempDir(), "a.db"), "rwc", 1)
	defer db.Close()
	var first, second string
	if err := db.QueryRowContext(t.Context(), sqlite.bind("select $2, $1"), "one", "two").Scan(&second, &first); err != nil {
		t.Fatal(err)
	}
	if first != "one" || second != "two" {
		t.Errorf("$1 is %q, $2 is %q", first, second)
	}
	if got, want := sqlite.bind("$1 $12 $2 '$' $x"), "+?1 +?12 +?2 '$' $x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// SQLite looks at the value of a bare ?n to plan, and then prepares the statement anew for each value.
func TestAStatementIsPreparedOnceForAllItsValues(t *testing.T) {
	db := sqlitePool(filepath.Join(t.TempDir(), "a.db"), "rwc", 1)
	defer db.Close()
	ctx := t.Context()
	if _, err := db.ExecContext(ctx, "create table line (invoice text not null, position integer not null, primary key (invoice, position)) strict, without rowid"); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	prepared := 0
	err = conn.Raw(func(c any) error {
		c.(*sqlite3.SQLiteConn).RegisterAuthorizer(func(int, string, string, string) int {
			prepared++ // it is asked for each table and column, whenever a statement is prepared
			return sqlite3.SQLITE_OK
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	query := sqlite.bind("select position from line where invoice = $1 order by position limit $2")
	first := 0
	for n, invoice := range []string{"a", "b", "c"} {
		rows, err := conn.QueryContext(ctx, query, invoice, n+1)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() { // the table is empty
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			first = prepared
		}
	}
	if first == 0 || prepared != first {
		t.Errorf("asked %d times for the first value and %d times for the next two", first, prepared-first)
	}
}

func TestSettingsThatLoseCommitsAreRefused(t *testing.T) {
	for _, setting := range []string{"_synchronous=NORMAL&_foreign_keys=1", "_synchronous=FULL&_foreign_keys=0"} {
		path := filepath.Join(t.TempDir(), "a.db")
		db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&"+setting)
		if err != nil {
			t.Fatal(err)
		}
		if err := assertSQLite(t.Context(), db); err == nil {
			t.Errorf("%s is not refused", setting)
		}
		db.Close()
	}
}

func TestOldSQLiteIsRefused(t *testing.T) {
	for number, good := range map[int]bool{3_051_002: false, 3_051_003: true, 3_054_001: true} {
		if err := checkSQLite(number); (err == nil) != good {
			t.Errorf("%d: %v", number, err)
		}
	}
	if _, number, _ := sqlite3.Version(); checkSQLite(number) != nil {
		t.Errorf("this one, %d, is refused", number)
	}
}

// A path is a path, whatever is in it.
func TestPathIsNotReadAsAURL(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=memory.db", "a#b.db", "a%20b.db", "ä&_synchronous=OFF.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := sqlitePool(path, "rwc", 1)
		var file string
		var sync int
		if err := db.QueryRowContext(t.Context(), "select file from pragma_database_list").Scan(&file); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRowContext(t.Context(), "pragma synchronous").Scan(&sync); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) != name || sync != 2 {
			t.Errorf("%s opens %s, synchronous %d", name, file, sync)
		}
		db.Close()
	}
}

// The statements of lists and pages of a grown database walk indexes.
func TestReadsWalkIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, _, err := Migrate(t.Context(), "sqlite:"+path, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	db := sqlitePool(path, "ro", 1)
	defer db.Close()
	queries := map[string]int{
		"select " + linkColumns + " from link where token_hash = $1":                                                                1,
		"select " + paymentColumns + " from payment where invoice_id = $1 order by created_at desc, id desc":                        1,
		"select id from job where kind = $1 and done_at = 0 and dead_at = 0 and run_at <= $2 limit 1":                               2,
		"select " + customerColumns + " from customer where (created_at, id) < ($1, $2) order by created_at desc, id desc limit $3": 3,
		`select kind, sum(amount) from ledger_posting p join ledger_transaction t on t.id = p.transaction_id
			where p.account = $1 group by kind`: 1,
		"select " + eventColumns + " from inbox where processed_at = 0 order by received_at limit $1": 1,
	}
	for _, show := range shows {
		queries[`select i.id from invoice i join customer c on c.id = i.customer_id where `+strings.ReplaceAll(show, "$", "$4")+`
			and (i.created_at, i.id) < ($1, $2) order by i.created_at desc, i.id desc limit $3`] = 4
		queries["select coalesce(sum(case when "+strings.ReplaceAll(show, "$", "$1")+" then 1 else 0 end), 0) from invoice i"] = 1
	}
	for query, args := range queries {
		list := make([]any, args)
		for n := range list {
			list[n] = 1
		}
		rows, err := db.QueryContext(context.Background(), "explain query plan "+sqlite.bind(query), list...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&plan, detail)
			if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "INDEX") || strings.Contains(detail, "ORDER BY") {
				t.Errorf("%s\n%s", query, plan.String())
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
}
