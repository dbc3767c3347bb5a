package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	osexec "os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"paylink/jobs"
	"paylink/store"
	"paylink/store/storetest"
)

func TestStopWaitsForWhatRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		begun, release := make(chan struct{}), make(chan struct{})
		w.Register("k", func(ctx context.Context, _ store.Job) error {
			close(begun)
			<-release
			return ctx.Err() // still whole
		}, jobs.Brisk())
		enqueue(t, s, "k", "a", c.now())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		stopped := make(chan error, 1)
		go func() { stopped <- w.Run(ctx) }()
		<-begun
		stop()
		enqueue(t, s, "k", "b", c.now()) // too late for this worker
		select {
		case err := <-stopped:
			t.Fatalf("it stopped over a running job: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if got := job(t, s, "k", "a"); got.DoneAt.IsZero() {
			t.Errorf("its outcome was not noted: %+v", got)
		}
		if got := job(t, s, "k", "b"); got.Attempts != 0 {
			t.Errorf("claimed while stopping: %+v", got)
		}
	})
}

// After the wait a handler's context ends; one that does not care is left to its lease.
func TestStopDoesNotWaitForEver(t *testing.T) {
	for name, heeds := range map[string]bool{"a handler that heeds its context": true, "one that does not": false} {
		t.Run(name, func(t *testing.T) {
			s := storetest.SQLite(t)
			c := newClock()
			w := newWorker(s, c)
			jobs.SetDrain(w, 20*time.Millisecond)
			begun, release := make(chan struct{}), make(chan struct{})
			returned := make(chan struct{})
			w.Register("k", func(ctx context.Context, _ store.Job) error {
				defer close(returned)
				close(begun)
				if heeds {
					<-ctx.Done()
					return ctx.Err()
				}
				<-release
				return nil
			}, jobs.Brisk())
			enqueue(t, s, "k", "a", c.now())
			stop := run(t, w)
			<-begun
			if err := stop(); (err == nil) != heeds {
				t.Errorf("got %v", err)
			}
			if noted := job(t, s, "k", "a").LastError; heeds && noted != context.Canceled.Error() {
				t.Errorf("noted %q", noted)
			}
			close(release)
			<-returned
		})
	}
}

// A worker that comes back after its lease finds its job in other hands, and its outcome is nobody's.
func TestOutcomeOfALostLeaseIsIgnored(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		other, err := store.Open(t.Context(), url, store.Command, quiet)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		c := newClock()
		var logged bytes.Buffer
		slow := jobs.New(s, slog.New(slog.NewTextHandler(&logged, nil)), c.now)
		begun, release := make(chan struct{}), make(chan struct{})
		schedule := jobs.Schedule{Timeout: time.Minute, Workers: 1} // so that the slow one cannot take it itself
		slow.Register("k", func(context.Context, store.Job) error {
			close(begun)
			<-release
			return errors.New("the slow one's error")
		}, schedule)
		enqueue(t, s, "k", "a", c.now())
		stopSlow := run(t, slow)
		<-begun
		c.advance(time.Minute + time.Second)
		early := newWorker(other, c)
		var ran atomic.Int32
		early.Register("k", func(context.Context, store.Job) error { ran.Add(1); return nil }, schedule)
		early.Register("probe", func(context.Context, store.Job) error { return nil }, schedule)
		enqueue(t, s, "probe", "a", c.now())
		stopEarly := run(t, early)
		until(t, "a look", done(t, s, "probe", "a"))
		if ran.Load() != 0 {
			t.Error("the job was taken at its timeout: the lease must last longer")
		}
		c.advance(time.Minute)
		until(t, "the other worker", done(t, s, "k", "a"))
		close(release)
		if err := errors.Join(stopSlow(), stopEarly()); err != nil {
			t.Fatal(err)
		}
		if got := job(t, s, "k", "a"); got.DoneAt.IsZero() || got.Attempts != 2 || got.LastError != "" || ran.Load() != 1 {
			t.Errorf("got %+v, ran %d", got, ran.Load())
		}
		if !strings.Contains(logged.String(), "outlived its lease") {
			t.Errorf("logged %s", &logged)
		}
	})
}

// childEnv makes the test binary a worker on the database of this URL, which says when it has a job
// and never ends it.
const childEnv = "PAYLINK_TEST_WORKER"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		s, err := store.Open(context.Background(), url, store.Command, quiet)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		w := jobs.New(s, quiet, newClock().now)
		w.Register("k", func(context.Context, store.Job) error {
			fmt.Println("working")
			select {}
		}, jobs.Schedule{Timeout: time.Minute})
		fmt.Println(w.Run(context.Background()))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestJobOfAKilledProcessComesBack(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		c := newClock()
		enqueue(t, s, "k", "a", c.now())
		child := osexec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childEnv+"="+url)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 100)
		n, err := out.Read(said)
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = child.Wait()
		if string(said[:n]) != "working\n" {
			t.Fatalf("the child said %q, %v", said[:n], err)
		}

		w := newWorker(s, c)
		w.Register("k", func(context.Context, store.Job) error { return nil }, jobs.Schedule{Timeout: time.Minute})
		w.Register("probe", func(context.Context, store.Job) error { return nil }, jobs.Schedule{})
		enqueue(t, s, "probe", "a", c.now())
		run(t, w)
		until(t, "a look", done(t, s, "probe", "a"))
		if got := job(t, s, "k", "a"); got.Attempts != 1 || !got.DoneAt.IsZero() {
			t.Fatalf("under the lease: %+v", got)
		}
		c.advance(2 * time.Minute)
		until(t, "the job", done(t, s, "k", "a"))
		if got := job(t, s, "k", "a"); got.Attempts != 2 {
			t.Errorf("got %+v", got)
		}
	})
}
