package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink/store"
	"paylink/store/storetest"
)

// migrateEnv makes the test binary a program that says it is there, waits for the end of its input,
// migrates the database of this URL and ends.
const migrateEnv = "PAYLINK_TEST_MIGRATE"

func TestMain(m *testing.M) {
	if url := os.Getenv(migrateEnv); url != "" {
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		if _, _, err := store.Migrate(context.Background(), url, quiet); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if url := os.Getenv(writeEnv); url != "" {
		fmt.Fprintln(os.Stderr, writeForEver(url))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func migrator(t *testing.T, url string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), migrateEnv+"="+url)
	var said bytes.Buffer
	cmd.Stderr = &said
	return cmd, &said
}

func TestEightProcessesMigrateTogether(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		hold, release, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer hold.Close()
		defer release.Close()
		var wait, ready sync.WaitGroup
		for range 8 {
			ready.Add(1)
			cmd, said := migrator(t, url)
			cmd.Stdin = hold
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			wait.Go(func() {
				_, _ = out.Read(make([]byte, 10))
				ready.Done()
				if err := cmd.Wait(); err != nil {
					t.Errorf("%v: %s", err, said)
				}
			})
		}
		ready.Wait()
		if err := release.Close(); err != nil {
			t.Fatal(err)
		}
		wait.Wait()
		s, err := store.Open(t.Context(), url, store.Server, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestFault_D13 kills whoever migrates, at several moments.
func TestFault_D13_KilledMigrationIsDoneByTheNext(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		for n := range 6 {
			cmd, _ := migrator(t, url)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Duration(5+10*n) * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed, or done before
		}
		storetest.Open(t, url)
	})
}

// newest is the version that the migrations lead to.
func newest(t *testing.T) int64 {
	t.Helper()
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	number, _, _ := strings.Cut(filepath.Base(slices.Max(files)), "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func TestMigrateSaysFromWhereToWhere(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		for _, want := range [][2]int64{{0, newest(t)}, {newest(t), newest(t)}} {
			from, to, err := store.Migrate(t.Context(), url, quiet)
			if err != nil || from != want[0] || to != want[1] {
				t.Errorf("from %d to %d, %v; want %v", from, to, err, want)
			}
		}
		raw := rawDB(t, url)
		execRaw(t, raw, "insert into goose_db_version (version_id, is_applied) values (99, true)")
		if _, _, err := store.Migrate(t.Context(), url, quiet); err == nil || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("a newer schema: %v", err)
		}
	})
}

func TestMigrateWorksBesideAServerWhenThereIsNothingToDo(t *testing.T) {
	url := storetest.SQLiteURL(t)
	storetest.Open(t, url)
	if _, _, err := store.Migrate(t.Context(), url, quiet); err != nil {
		t.Error(err)
	}
}

func TestMigrateIsRefusedUnderAServer(t *testing.T) {
	url := storetest.SQLiteURL(t)
	storetest.Open(t, url)
	execRaw(t, rawDB(t, url), "update goose_db_version set version_id = 0")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := store.Migrate(ctx, url, quiet); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v", err)
	}
}

func TestSQLiteFileIsItsOwnersAlone(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := opened{storetest.Open(t, url), url, rawDB(t, url)}
	s.books(t, "inv_1", 1000)
	path := strings.TrimPrefix(url, "sqlite:")
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// column is what both databases must agree on.
type column struct {
	kind     string
	nullable bool
}

func TestBothSchemasAreOne(t *testing.T) {
	storetest.OnPostgres(t, bothSchemasAreOne)
}

func bothSchemasAreOne(t *testing.T, post string) {
	lite := storetest.SQLiteURL(t)
	for _, url := range []string{lite, post} {
		if _, _, err := store.Migrate(t.Context(), url, quiet); err != nil {
			t.Fatal(err)
		}
	}
	kinds := map[string]string{"TEXT": "text", "INTEGER": "number", "BLOB": "bytes", "text": "text", "bigint": "number",
		"boolean": "number", "bytea": "bytes"}
	columns := func(url, query string) map[string]column {
		rows, err := rawDB(t, url).QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		found := map[string]column{}
		for rows.Next() {
			var table, name, kind string
			var nullable bool
			if err := rows.Scan(&table, &name, &kind, &nullable); err != nil {
				t.Fatal(err)
			}
			if kinds[kind] == "" {
				t.Errorf("%s.%s is %s", table, name, kind)
			}
			found[table+"."+name] = column{kinds[kind], nullable}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return found
	}
	onLite := columns(lite, `select m.name, c.name, c.type, not c."notnull" from sqlite_master m join pragma_table_info(m.name) c
		where m.type = 'table' and m.name not like 'sqlite%' and m.name <> 'goose_db_version'`)
	onPost := columns(post, `select table_name, column_name, data_type, is_nullable = 'YES' from information_schema.columns
		where table_schema = current_schema and table_name <> 'goose_db_version'`)
	if len(onLite) < 150 {
		t.Errorf("only %d columns were compared", len(onLite))
	}
	if !maps.Equal(onLite, onPost) {
		for name, c := range onLite {
			if onPost[name] != c {
				t.Errorf("%s: %+v on SQLite, %+v on PostgreSQL", name, c, onPost[name])
			}
		}
		for name := range onPost {
			if _, ok := onLite[name]; !ok {
				t.Errorf("%s is on PostgreSQL alone", name)
			}
		}
	}
	indexes := func(url, query string) string {
		var names sql.NullString
		if err := rawDB(t, url).QueryRowContext(t.Context(), query).Scan(&names); err != nil {
			t.Fatal(err)
		}
		return names.String
	}
	a := indexes(lite, `select group_concat(name, ' ') from (select name from sqlite_master where type = 'index' and sql <> '' order by name)`)
	b := indexes(post, `select string_agg(indexname, ' ' order by indexname collate "C") from pg_indexes
		where schemaname = current_schema and indexname !~ '_(pkey|key)$'`)
	if a != b {
		t.Errorf("indexes differ:\n%s\n%s", a, b)
	}
}

// A bug that writes text where a number belongs is stopped by SQLite too.
func TestColumnsHoldTheirTypes(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		s.books(t, "inv_1", 1000)
		for _, statement := range []string{
			"update invoice set total = 'much'", "update invoice set total = null", "update invoice set total = -1",
			"update invoice set customer_id = 'cus_none'", "update invoice set state = 'sent'", "update payment set status = 'lost'",
			"update invoice set pending_amount = -1",
		} {
			if strings.Contains(statement, "payment") {
				s.update(t, func(tx *store.Tx) error {
					i, err := tx.Invoice(t.Context(), "inv_1")
					if err != nil {
						return err
					}
					_, err = tx.InsertPayment(t.Context(), payment("pay_1", i, 1))
					return err
				})
			}
			if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.Raw(t.Context(), statement) }); err == nil {
				t.Errorf("%s: not refused", statement)
			}
		}
	})
}
