package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/store"
	"paylink/store/storetest"
)

func insertCustomer(ctx context.Context, id string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		return tx.InsertCustomer(ctx, paylink.Customer{ID: id, CreatedAt: start})
	}
}

func customers(t *testing.T, s opened) int {
	t.Helper()
	list, _, err := s.Customers(t.Context(), store.CustomerFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestUpdateUndoesAllWhenItsFunctionFails(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		wrong := errors.New("wrong")
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(insertCustomer(t.Context(), "cus_1")(tx), wrong)
		})
		if !errors.Is(err, wrong) || customers(t, s) != 0 {
			t.Errorf("got %v and %d customers", err, customers(t, s))
		}
	})
}

func TestUpdateUndoesAllAndPanicsOn(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		raised := func() (raised any) {
			defer func() { raised = recover() }()
			_ = s.Update(t.Context(), func(tx *store.Tx) error {
				if err := insertCustomer(t.Context(), "cus_1")(tx); err != nil {
					return err
				}
				panic("boom")
			})
			return nil
		}()
		if raised != "boom" || customers(t, s) != 0 {
			t.Errorf("raised %v, %d customers", raised, customers(t, s))
		}
		s.update(t, insertCustomer(t.Context(), "cus_2")) // the connection came back
	})
}

func TestUpdateDoesNotBeginForACallerWhoLeft(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		called := false
		err := s.Update(ctx, func(*store.Tx) error { called = true; return nil })
		if !errors.Is(err, context.Canceled) || called {
			t.Errorf("got %v, called %v", err, called)
		}
	})
}

func TestUpdateOnceBegunOutlivesItsCaller(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.Update(ctx, func(tx *store.Tx) error {
			if err := insertCustomer(ctx, "cus_1")(tx); err != nil {
				return err
			}
			cancel()
			return insertCustomer(ctx, "cus_2")(tx)
		}); err != nil || customers(t, s) != 2 {
			t.Errorf("got %v and %d customers", err, customers(t, s))
		}
	})
}

func TestUpdateStopsWaitingForItsTurnWithItsCaller(t *testing.T) {
	s := storetest.SQLite(t) // PostgreSQL has more than one writer
	begun, release := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	defer wait.Wait()
	defer close(release)
	wait.Go(func() {
		if err := s.Update(t.Context(), func(*store.Tx) error { close(begun); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Update(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Two transactions that lock each other's invoices out are told apart by PostgreSQL, and the one
// that it chose begins again.
func TestFault_D06_UpdateRunsAgainAfterADeadlock(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, url string) {
		s := opened{storetest.Open(t, url), url, rawDB(t, url)}
		s.books(t, "inv_1", 1000)
		s.books(t, "inv_2", 1000)
		var met, done sync.WaitGroup
		met.Add(2)
		var runs [2]int
		for n, order := range [][2]string{{"inv_1", "inv_2"}, {"inv_2", "inv_1"}} {
			done.Go(func() {
				if err := s.Update(t.Context(), func(tx *store.Tx) error {
					runs[n]++
					if _, err := tx.LockInvoice(t.Context(), order[0]); err != nil {
						return err
					}
					if runs[n] == 1 {
						met.Done()
						met.Wait()
					}
					_, err := tx.LockInvoice(t.Context(), order[1])
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if runs[0]+runs[1] != 3 {
			t.Errorf("ran %v times", runs)
		}
	})
}

func TestFault_D06_UpdateGivesUpAfterFiveRepeats(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		runs := 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			runs++
			return tx.Raw(t.Context(), "do $$ begin raise exception 'no' using errcode = '40001'; end $$")
		})
		wantCode(t, err, paylink.Unavailable, "database.busy")
		if runs != 6 {
			t.Errorf("ran %d times", runs)
		}
	})
}

// TestFault_D04 keeps the database locked from another connection for longer than a writer waits.
func TestFault_D04_LockedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s opened) {
		t.Parallel()
		s.books(t, "inv_1", 1000)
		lock := "begin immediate"
		if s.Dialect() == "postgres" {
			lock = "begin; lock table customer"
		}
		conn, err := s.raw.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for part := range strings.SplitSeq(lock, "; ") {
			if _, err := conn.ExecContext(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, s.Update(t.Context(), insertCustomer(t.Context(), "cus_9")), paylink.Unavailable, "database.busy")
		if _, err := conn.ExecContext(t.Context(), "rollback"); err != nil {
			t.Fatal(err)
		}
		s.update(t, insertCustomer(t.Context(), "cus_9"))
	})
}

// TestFault_D01 lets the file grow no more.
func TestFault_D01_FullDiskIsUnavailableAndHeals(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := opened{storetest.Open(t, url), url, rawDB(t, url)}
	_, writer := store.Pools(s.Store)
	var pages int
	if err := writer.QueryRowContext(t.Context(), "pragma page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := writer.ExecContext(t.Context(), fmt.Sprintf("pragma max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for n := range 10_000 {
			if err := insertCustomer(t.Context(), fmt.Sprintf("cus_%d", n))(tx); err != nil {
				return err
			}
		}
		return nil
	})
	wantCode(t, err, paylink.Unavailable, "database.busy")
	if n := customers(t, s); n != 0 {
		t.Errorf("%d customers are left of what was undone", n)
	}
	limit(1 << 30)
	s.update(t, insertCustomer(t.Context(), "cus_1"))
}

// TestFault_D05 ends every connection of the store, as a restart of the server does.
func TestFault_D05_LostConnectionIsUnavailableAndHeals(t *testing.T) {
	storetest.OnPostgres(t, func(t *testing.T, url string) {
		s := opened{storetest.Open(t, url), url, rawDB(t, url)}
		s.exec(t, "select 1")
		kill := func() {
			s.exec(t, `select pg_terminate_backend(l.pid) from pg_stat_activity l
				where l.application_name = 'paylink' and l.query like '%' || current_schema || '%' and l.pid <> pg_backend_pid()`)
		}
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.Raw(t.Context(), "select current_schema /* "+schemaOf(url)+" */"); err != nil {
				return err
			}
			kill()
			return insertCustomer(t.Context(), "cus_1")(tx)
		})
		wantCode(t, err, paylink.Unavailable, "database.busy")
		if customers(t, s) != 0 {
			t.Error("something of a lost transaction is there")
		}

		err = s.Update(t.Context(), func(tx *store.Tx) error {
			if err := insertCustomer(t.Context(), "cus_1")(tx); err != nil {
				return err
			}
			if err := tx.Raw(t.Context(), "select current_schema /* "+schemaOf(url)+" */"); err != nil {
				return err
			}
			kill()
			return nil
		})
		if err == nil || paylink.KindOf(err) != 0 {
			t.Errorf("a commit that nobody answered is %v: its outcome is not known", err)
		}
		s.update(t, insertCustomer(t.Context(), "cus_2"))
	})
}

func schemaOf(url string) string {
	_, schema, _ := strings.Cut(url, "search_path=")
	schema, _, _ = strings.Cut(schema, "&")
	return schema
}

// What is committed reaches the database file without anybody closing it, so that the WAL stays
// small under a server that runs for months.
func TestCheckpointsEmptyTheLog(t *testing.T) {
	url := storetest.SQLiteURL(t)
	s := opened{storetest.Open(t, url), url, rawDB(t, url)}
	path := strings.TrimPrefix(url, "sqlite:")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		s.update(t, insertCustomer(t.Context(), fmt.Sprintf("cus_%d", n)))
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for {
		now, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if now.Size() > before.Size() {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("nothing reached the database file")
		}
	}
}

func TestCommitThatEnqueuedWakes(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		woken := func() bool {
			select {
			case <-s.Woken():
				return true
			default:
				return false
			}
		}
		enqueue := func(tx *store.Tx) error {
			_, err := tx.Enqueue(t.Context(), store.Job{Kind: "k", Key: "1", RunAt: start})
			return err
		}
		_ = s.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(enqueue(tx), errors.New("undone")) })
		if woken() {
			t.Error("woken by what was undone")
		}
		s.update(t, enqueue)
		if !woken() {
			t.Error("not woken")
		}
		s.update(t, enqueue) // exists
		if woken() {
			t.Error("woken by nothing new")
		}
	})
}
