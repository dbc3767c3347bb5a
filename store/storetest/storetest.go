// Package storetest opens real databases for tests: SQLite in a file of the test's own, and
// PostgreSQL in a schema of the test's own in a server that this process starts at its first use.
//
// It is for tests alone and puts nothing into the database: what a test needs there, it writes
// through package store.
package storetest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"paylink/store"
)

// Each runs a test on SQLite and on PostgreSQL. PAYLINK_TEST_DATABASES=sqlite leaves PostgreSQL
// out, for quick runs.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { f(t, Open(t, url)) })
}

// EachURL is Each for tests that migrate and open the database themselves, or let another process
// do it.
func EachURL(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	for _, name := range wanted(t) {
		t.Run(name, func(t *testing.T) {
			if name == "sqlite" {
				f(t, SQLiteURL(t))
			} else {
				f(t, Postgres(t))
			}
		})
	}
}

// OnPostgres is EachURL for what only PostgreSQL does.
func OnPostgres(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	if slices.Contains(wanted(t), "postgres") {
		f(t, Postgres(t))
	}
}

func wanted(t *testing.T) []string {
	t.Helper()
	all := []string{"sqlite", "postgres"}
	text := os.Getenv("PAYLINK_TEST_DATABASES")
	if text == "" {
		return all
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if !slices.Contains(all, name) {
			t.Fatalf("PAYLINK_TEST_DATABASES=%q: databases are %v", text, all)
		}
	}
	return names
}

// SQLite opens a new SQLite database for one test.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, SQLiteURL(t))
}

// SQLiteURL is the URL of a SQLite database that is not there yet.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "paylink.db")
}

// migrating keeps the tests of this process from waiting for one another's migration in turns of a
// second, as servers that share a database do.
var migrating sync.Mutex

// Open migrates and opens a database for the length of a test.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	migrating.Lock()
	_, _, err := store.Migrate(context.Background(), url, log)
	migrating.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(context.Background(), url, store.Server, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
