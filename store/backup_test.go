package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paylink/store"
	"paylink/store/storetest"
)

// count is how many customers there are.
func count(t *testing.T, url string) (n int) {
	t.Helper()
	if err := rawDB(t, url).QueryRowContext(t.Context(), "select count(*) from customer").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// files are the names in a folder, but for those of the database itself.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func nothing(*store.Store) error { return nil }

func TestFault_D14_BackupWhileWritingIsWhole(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := storetest.Open(t, url)
	written, stop := make(chan int, 1), make(chan struct{})
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				written <- n
				return
			default:
			}
			if err := s.Update(context.Background(), insertCustomer(context.Background(), fmt.Sprintf("cus_%d", n))); err != nil {
				t.Error(err)
			}
		}
	}()
	dir := t.TempDir()
	for n := range 5 {
		file := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		before := count(t, url)
		var in int
		err := store.Backup(t.Context(), url, file, func(copied *store.Store) error {
			violations, err := copied.Verify(t.Context(), nil, start)
			if len(violations) > 0 {
				t.Errorf("in the copy: %v", violations)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if in = count(t, "sqlite:"+file); in < before || in > count(t, url) {
			t.Errorf("%d customers in the copy, made between %d and %d", in, before, count(t, url))
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
	}
	close(stop)
	<-written
	for _, name := range files(t, dir) {
		if strings.Contains(name, "partial") {
			t.Errorf("%s is left", name)
		}
	}
}

func TestBackupThatIsNotGoodHasNoName(t *testing.T) {
	url, dir := storetest.SQLiteURL(t), t.TempDir()
	storetest.Open(t, url)
	file := filepath.Join(dir, "a.db")
	no := errors.New("no")
	if err := store.Backup(t.Context(), url, file, func(*store.Store) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	if got := files(t, dir); len(got) > 0 {
		t.Errorf("left %v", got)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Backup(t.Context(), url, file, nothing); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("over a file: %v", err)
	}
	if body, _ := os.ReadFile(file); string(body) != "mine" {
		t.Error("a file was overwritten")
	}
	if err := store.Backup(t.Context(), "postgres://x", filepath.Join(dir, "b"), nothing); !errors.Is(err, store.ErrPostgres) {
		t.Errorf("PostgreSQL: %v", err)
	}
	if err := store.Backup(t.Context(), url+".not", filepath.Join(dir, "c"), nothing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
}

// restored makes a database with one customer, backs it up, and adds a second one.
func restored(t *testing.T) (s *store.Store, url, file string) {
	t.Helper()
	url = storetest.SQLiteURL(t)
	s = storetest.Open(t, url)
	if err := s.Update(t.Context(), insertCustomer(t.Context(), "cus_1")); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "backup.db")
	if err := store.Backup(t.Context(), url, file, nothing); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), insertCustomer(t.Context(), "cus_2")); err != nil {
		t.Fatal(err)
	}
	return s, url, file
}

func TestRestoreIsRefusedUnderAServer(t *testing.T) {
	_, url, file := restored(t)
	if _, err := store.Restore(t.Context(), url, file, "", start, nothing); err == nil || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v", err)
	}
	if n := count(t, url); n != 2 {
		t.Errorf("%d customers", n)
	}
}

// A number that a lost row had is not given again, however often and from whatever backup one restores.
func TestRestoreTakesTheNextLetterAndIsMarked(t *testing.T) {
	s, url, file := restored(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"B", "C", "D"} {
		r, err := store.Restore(t.Context(), url, file, "", start.Add(time.Duration(n)*time.Minute), nothing)
		if err != nil || r.Epoch != want {
			t.Fatalf("%+v %v, want %s", r, err, want)
		}
		if got := count(t, url); got != 1 {
			t.Errorf("%d customers", got)
		}
		if n == 0 && count(t, "sqlite:"+r.Kept) != 2 {
			t.Error("the database that was there is not kept")
		}
		again, err := store.Open(t.Context(), url, store.Server, quiet)
		if err != nil {
			t.Fatal(err)
		}
		at, err := again.RestoredAt(t.Context())
		if err != nil || at == "" {
			t.Errorf("not marked: %q %v", at, err)
		}
		if err := again.Update(t.Context(), func(tx *store.Tx) error { return tx.Compared(t.Context()) }); err != nil {
			t.Fatal(err)
		}
		if at, err := again.RestoredAt(t.Context()); err != nil || at != "" {
			t.Errorf("still marked: %q %v", at, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The letter after those that nobody here knows of.
	if epoch, err := store.Mark(t.Context(), url, "H", start); err != nil || epoch != "H" {
		t.Errorf("%q %v", epoch, err)
	}
	if epoch, err := store.Mark(t.Context(), url, "C", start); err != nil || epoch != "I" {
		t.Errorf("a letter that was used: %q %v", epoch, err)
	}
}

// A server that was killed leaves a WAL. It is of the database that goes, not of the one that comes.
func TestRestoreDoesNotReadTheOldWALIntoTheBackup(t *testing.T) {
	s, url, file := restored(t)
	path := strings.TrimPrefix(url, "sqlite:")
	wal, err := os.ReadFile(path + "-wal")
	if err != nil || len(wal) == 0 {
		t.Fatalf("no WAL to leave: %v", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{path: before, path + "-wal": wal} { // as a kill leaves them
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := store.Restore(t.Context(), url, file, "", start, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if count(t, url) != 1 || count(t, "sqlite:"+r.Kept) != 2 {
		t.Errorf("%d customers restored, %d kept", count(t, url), count(t, "sqlite:"+r.Kept))
	}
}

func TestDamagedBackupIsRefused(t *testing.T) {
	s, url, file := restored(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut off": body[:len(body)/2], "empty": nil, "no database": []byte(strings.Repeat("not one ", 4096)),
	} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(t.Context(), url, file, "", start, nothing); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if n := count(t, url); n != 2 {
			t.Errorf("%s: %d customers", name, n)
		}
	}
	dir := filepath.Dir(strings.TrimPrefix(url, "sqlite:"))
	for _, name := range files(t, dir) {
		if strings.Contains(name, "partial") || strings.Contains(name, "before") {
			t.Errorf("%s is left", name)
		}
	}
}
