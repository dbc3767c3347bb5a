package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"paylink/store"
	"paylink/store/storetest"
)

func TestFault_D10_OnlyOneServerOpensASQLiteFile(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := storetest.Open(t, url)
	_, err := store.Open(t.Context(), url, store.Server, quiet)
	if err == nil || !strings.Contains(err.Error(), "another server") {
		t.Fatalf("a second server got %v", err)
	}
	beside, err := store.Open(t.Context(), url, store.Command, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(beside.Update(t.Context(), insertCustomer(t.Context(), "cus_1")), beside.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), url, store.Server, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeEnv makes the test binary a server that commits one customer after the other and says so.
const writeEnv = "PAYLINK_TEST_WRITE"

func writeForEver(url string) error {
	s, err := store.Open(context.Background(), url, store.Server, quiet)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if err := s.Update(context.Background(), insertCustomer(context.Background(), fmt.Sprintf("cus_%d", n))); err != nil {
			return err
		}
		fmt.Printf("cus_%d\n", n)
	}
}

// What was answered is there after a kill, for who only reads too, and the lock is not.
func TestCommitsOutliveAKilledServer(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		if _, _, err := store.Migrate(t.Context(), url, quiet); err != nil {
			t.Fatal(err)
		}
		server := exec.CommandContext(t.Context(), os.Args[0])
		server.Env = append(os.Environ(), writeEnv+"="+url)
		out, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		var last string
		for said := bufio.NewScanner(out); said.Scan(); {
			if last = said.Text(); last == "cus_100" {
				if err := server.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = server.Wait()
		for _, mode := range []store.Mode{store.ReadOnly, store.Server} {
			s, err := store.Open(t.Context(), url, mode, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Customer(t.Context(), last); err != nil || last == "" {
				t.Errorf("%q is lost: %v", last, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestReadOnlyStoreReadsBesideAServerAndWritesNothing(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		if err := s.Update(t.Context(), insertCustomer(t.Context(), "cus_1")); err != nil {
			t.Fatal(err)
		}
		reader, err := store.Open(t.Context(), url, store.ReadOnly, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		if _, err := reader.Customer(t.Context(), "cus_1"); err != nil {
			t.Error(err)
		}
		if err := reader.Update(t.Context(), insertCustomer(t.Context(), "cus_2")); err == nil {
			t.Error("a store for reading wrote")
		}
	})
}

func TestPoolForReadingCannotWrite(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		reader, _ := store.Pools(s.Store)
		if _, err := reader.ExecContext(t.Context(), "insert into setting (name, value) values ('a', 'b')"); err == nil {
			t.Error("the pool for reading wrote")
		}
	})
}

func TestSQLiteConnectionsAreDurable(t *testing.T) {
	reader, writer := store.Pools(storetest.SQLite(t))
	for name, db := range map[string]*sql.DB{"reader": reader, "writer": writer} {
		want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"}
		if db == writer {
			want["wal_autocheckpoint"] = "0"
		}
		for pragma, value := range want {
			var got string
			if err := db.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil || got != value {
				t.Errorf("%s: %s is %q, %v; want %s", name, pragma, got, err, value)
			}
		}
	}
}

// TestFault_D08 and D13, a downgrade: what a server cannot trust it does not serve.
func TestFault_D08_OpenRefusesWhatItCannotTrust(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, path string, raw *sql.DB)
		want  string
	}{
		"a file that is not there": {func(t *testing.T, path string, _ *sql.DB) {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
		}, "paylink migrate"},
		"an older schema": {func(t *testing.T, _ string, raw *sql.DB) {
			execRaw(t, raw, "update goose_db_version set version_id = 0")
		}, "paylink migrate"},
		"no schema": {func(t *testing.T, path string, raw *sql.DB) {
			execRaw(t, raw, "drop table goose_db_version")
		}, "paylink migrate"},
		"a newer schema": {func(t *testing.T, _ string, raw *sql.DB) {
			execRaw(t, raw, "insert into goose_db_version (version_id, is_applied) values (99, true)")
		}, "newer program"},
		"a journal that may lose commits": {func(t *testing.T, _ string, raw *sql.DB) {
			execRaw(t, raw, "pragma journal_mode = delete")
		}, "journal_mode is delete"},
		"what is no database": {func(t *testing.T, path string, raw *sql.DB) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "put a backup in its place"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "paylink.db")
			if _, _, err := store.Migrate(t.Context(), "sqlite:"+path, quiet); err != nil {
				t.Fatal(err)
			}
			raw := rawDB(t, "sqlite:"+path)
			tt.spoil(t, path, raw)
			raw.Close()
			for _, mode := range []store.Mode{store.Server, store.Command, store.ReadOnly} {
				s, err := store.Open(t.Context(), "sqlite:"+path, mode, quiet)
				if err == nil {
					s.Close()
				}
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("mode %d: got %v, want …%s…", mode, err, tt.want)
				}
			}
		})
	}
}

func TestOpenRefusesAnUnknownURLWithoutRepeatingIt(t *testing.T) {
	for _, url := range []string{"", "mysql://u:secret@h/db", "paylink.db"} {
		_, err := store.Open(t.Context(), url, store.Server, quiet)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", url, err)
		}
	}
}

func TestPasswordOfTheURLIsNotInErrors(t *testing.T) {
	for _, url := range []string{
		"postgres://paylink:hunter2@127.0.0.1:1/db?connect_timeout=1", "postgres://paylink:hunter2@127.0.0.1:x/db",
	} {
		_, err := store.Open(t.Context(), url, store.Server, quiet)
		_, _, migrateErr := store.Migrate(t.Context(), url, quiet)
		for _, err := range []error{err, migrateErr} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
		}
	}
}

func TestOpenRefusesAPostgresThatAnswersBeforeItIsOnDisk(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, url string) {
		if _, _, err := store.Migrate(t.Context(), url, quiet); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), url+"&synchronous_commit=off", store.Server, quiet)
		if err == nil || !strings.Contains(err.Error(), "synchronous_commit is off") {
			t.Errorf("got %v", err)
		}
	})
}

func execRaw(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
