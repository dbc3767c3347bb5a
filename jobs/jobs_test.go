package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paylink/jobs"
	"paylink/store"
	"paylink/store/storetest"
)

var quiet = slog.New(slog.DiscardHandler)

// clock is a time that tests move.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.us.Store(time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time { return time.UnixMicro(c.us.Load()).UTC() }

func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

// newWorker looks often, so that tests need not wait for what no commit of this process says.
func newWorker(s *store.Store, c *clock) *jobs.Worker {
	w := jobs.New(s, quiet, c.now)
	jobs.SetPoll(w, 5*time.Millisecond)
	return w
}

func enqueue(t *testing.T, s *store.Store, kind, key string, at time.Time) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Enqueue(t.Context(), store.Job{Kind: kind, Key: key, RunAt: at})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// run runs a worker for the length of a test; what it returns stops it and gives Run's error.
func run(t *testing.T, w *jobs.Worker) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

// until waits for what the database says.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("waited in vain for " + what)
		}
	}
}

func job(t *testing.T, s *store.Store, kind, key string) store.Job {
	t.Helper()
	j, err := s.Job(t.Context(), kind, key)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func done(t *testing.T, s *store.Store, kind, key string) func() bool {
	return func() bool { return !job(t, s, kind, key).DoneAt.IsZero() }
}

func TestJobOfACommitNeedNotWaitForTheNextLook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		jobs.SetPoll(w, time.Hour)
		ran := make(chan store.Job, 1)
		w.Register("greet", func(_ context.Context, j store.Job) error { ran <- j; return nil }, jobs.Schedule{Workers: 1})
		run(t, w)
		for n := range 3 {
			enqueue(t, s, "greet", fmt.Sprint(n), c.now())
			if got := <-ran; got.Key != fmt.Sprint(n) || got.Attempts != 1 {
				t.Errorf("ran %+v", got)
			}
		}
		until(t, "the note", done(t, s, "greet", "2"))
	})
}

func TestJobWaitsForItsTime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		var ran atomic.Int32
		w.Register("later", func(context.Context, store.Job) error { ran.Add(1); return nil }, jobs.Brisk())
		w.Register("now", func(context.Context, store.Job) error { return nil }, jobs.Brisk())
		enqueue(t, s, "later", "a", c.now().Add(time.Hour))
		enqueue(t, s, "now", "a", c.now())
		run(t, w)
		until(t, "the other job", done(t, s, "now", "a"))
		if ran.Load() != 0 {
			t.Error("it ran before its time")
		}
		c.advance(time.Hour)
		until(t, "the job", done(t, s, "later", "a"))
	})
}

func TestFailedJobFollowsItsScheduleAndThenIsDeadWithATask(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		delays := []time.Duration{time.Minute, 5 * time.Minute}
		w.Register("mail", func(context.Context, store.Job) error { return errors.New("relay is away") },
			jobs.Schedule{Delays: delays})
		enqueue(t, s, "mail", "a", c.now())
		run(t, w)
		for n, delay := range delays {
			want := c.now().Add(delay)
			until(t, "a retry", func() bool { return job(t, s, "mail", "a").LastError != "" && job(t, s, "mail", "a").RunAt.Equal(want) })
			if got := job(t, s, "mail", "a"); got.Attempts != n+1 || !got.DeadAt.IsZero() {
				t.Fatalf("after try %d: %+v", n+1, got)
			}
			c.advance(delay)
		}
		until(t, "the end", func() bool { return !job(t, s, "mail", "a").DeadAt.IsZero() })
		if got := job(t, s, "mail", "a"); got.Attempts != 3 || got.LastError != "relay is away" {
			t.Errorf("dead: %+v", got)
		}
		tasks, err := s.Tasks(t.Context(), true)
		if err != nil || len(tasks) != 1 || tasks[0].Subject != "mail/a" || tasks[0].Code != "task.job_dead" {
			t.Errorf("tasks %+v, %v", tasks, err)
		}
	})
}

func TestPermanentErrorIsNotTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		cause := errors.New("no such mailbox")
		w.Register("mail", func(context.Context, store.Job) error {
			return fmt.Errorf("deliver: %w", jobs.Permanent(cause))
		}, jobs.Patient())
		enqueue(t, s, "mail", "a", c.now())
		run(t, w)
		until(t, "the end", func() bool { return !job(t, s, "mail", "a").DeadAt.IsZero() })
		if got := job(t, s, "mail", "a"); got.Attempts != 1 || got.LastError != "deliver: no such mailbox" {
			t.Errorf("dead: %+v", got)
		}
		if !errors.Is(jobs.Permanent(cause), cause) {
			t.Error("the cause is lost")
		}
	})
}

func TestPanicIsAFailedTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		w.Register("k", func(_ context.Context, j store.Job) error {
			if j.Attempts == 1 {
				panic("boom")
			}
			return nil
		}, jobs.Brisk())
		enqueue(t, s, "k", "a", c.now())
		run(t, w)
		until(t, "the first try", func() bool { return job(t, s, "k", "a").LastError == "panic: boom" })
		c.advance(2 * time.Second)
		until(t, "the second", done(t, s, "k", "a"))
	})
}

func TestTimeoutEndsATry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		w.Register("k", func(ctx context.Context, _ store.Job) error { <-ctx.Done(); return ctx.Err() },
			jobs.Schedule{Delays: []time.Duration{time.Hour}, Timeout: 10 * time.Millisecond})
		enqueue(t, s, "k", "a", c.now())
		run(t, w)
		until(t, "the end of the try", func() bool { return job(t, s, "k", "a").LastError == context.DeadlineExceeded.Error() })
	})
}

func TestNoMoreRunAtOnceThanAKindAllows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		var running, most, other atomic.Int32
		gate := make(chan struct{})
		w.Register("slow", func(context.Context, store.Job) error {
			now := running.Add(1)
			defer running.Add(-1)
			for {
				seen := most.Load()
				if now <= seen || most.CompareAndSwap(seen, now) {
					break
				}
			}
			<-gate
			return nil
		}, jobs.Schedule{Workers: 3})
		w.Register("other", func(context.Context, store.Job) error { other.Add(1); return nil }, jobs.Brisk())
		const count = 10
		for n := range count {
			enqueue(t, s, "slow", fmt.Sprint(n), c.now())
		}
		run(t, w)
		until(t, "three", func() bool { return running.Load() == 3 })
		enqueue(t, s, "other", "a", c.now())
		until(t, "another kind, which does not wait for these", func() bool { return other.Load() == 1 })
		close(gate)
		for n := range count {
			until(t, "all", done(t, s, "slow", fmt.Sprint(n)))
		}
		if most.Load() != 3 {
			t.Errorf("%d ran at once", most.Load())
		}
	})
}

// Every process offers the periodic job; one offer of each interval is taken.
func TestPeriodicJobRunsOnceAnIntervalInAllProcesses(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		c := newClock()
		var mu sync.Mutex
		var ran []string
		count := func() int { mu.Lock(); defer mu.Unlock(); return len(ran) }
		for range 3 {
			other, err := store.Open(t.Context(), url, store.Command, quiet)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { other.Close() })
			w := newWorker(other, c)
			w.Register("reconcile", func(_ context.Context, j store.Job) error {
				mu.Lock()
				defer mu.Unlock()
				ran = append(ran, j.Key)
				return nil
			}, jobs.Brisk())
			w.Every("reconcile", 15*time.Minute)
			run(t, w)
		}
		for n, key := range []string{"2026-11-22T09:30:00Z", "2026-11-22T09:45:00Z", "2026-11-22T10:00:00Z"} {
			if n > 0 {
				c.advance(15 * time.Minute)
			}
			until(t, key, func() bool { return count() == n+1 })
			until(t, "the note of "+key, done(t, s, "reconcile", key))
		}
		// Each process has looked again by the time that another job of its kind, on the same clock, is through.
		c.advance(7 * time.Minute)
		enqueue(t, s, "reconcile", "by hand", c.now())
		until(t, "the last", done(t, s, "reconcile", "by hand"))
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(ran)
		if want := []string{"2026-11-22T09:30:00Z", "2026-11-22T09:45:00Z", "2026-11-22T10:00:00Z", "by hand"}; !slices.Equal(ran, want) {
			t.Errorf("ran %v", ran)
		}
	})
}

func TestPeriodicKindNeedsAHandler(t *testing.T) {
	w := jobs.New(storetest.SQLite(t), quiet, newClock().now)
	w.Every("reconcile", time.Minute)
	if err := w.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "reconcile") {
		t.Errorf("got %v", err)
	}
}

func TestDoneJobsArePurgedAfterAMonth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := newClock()
		w := newWorker(s, c)
		w.Register("k", func(context.Context, store.Job) error { return nil }, jobs.Brisk())
		enqueue(t, s, "k", "a", c.now())
		run(t, w)
		until(t, "the job", done(t, s, "k", "a"))
		c.advance(31 * 24 * time.Hour)
		until(t, "the purge", func() bool { _, err := s.Job(t.Context(), "k", "a"); return err != nil })
	})
}

func TestSchedules(t *testing.T) {
	minutes := func(s jobs.Schedule) (list []int, span time.Duration) {
		for _, d := range s.Delays {
			list = append(list, int(d.Minutes()))
			span += d
		}
		return list, span
	}
	patient, span := minutes(jobs.Patient())
	if !slices.Equal(patient[:8], []int{1, 5, 15, 30, 60, 120, 240, 240}) || span > 72*time.Hour || span < 68*time.Hour {
		t.Errorf("mail is tried after %v, for %v", patient, span)
	}
	if _, span := minutes(jobs.Brisk()); span > 24*time.Hour || span < 23*time.Hour {
		t.Errorf("machines are tried for %v", span)
	}
}
