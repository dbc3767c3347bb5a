// Package storetest opens real databases for tests: SQLite in a file of the test's own.
//
// It is for tests alone and keeps nothing of its own: what a test needs in the database, it writes
// through package store.
package storetest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"paylink/store"
)

// SQLite opens a new SQLite database for one test.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "paylink.db"))
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if _, _, err := store.Migrate(t.Context(), url, log); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, store.Server, log)
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

// Each runs a test on every database.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
}
