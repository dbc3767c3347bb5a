// Package jobs runs what a commit left to do: it claims rows of the job table, calls the handler
// of their kind, and has what failed run again by that kind's schedule.
//
// A job runs at least once. It may run twice (a process dies after the work and before the note of
// it), so handlers find out what is done already. The package knows no kinds, and a job's order
// among others is not kept.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"paylink/crash"
	"paylink/store"
)

// Handler does the work of one job. nil is done, an error means again later, and one made by
// Permanent never. Its context ends at the schedule's timeout and when the process must stop.
type Handler func(ctx context.Context, job store.Job) error

// Schedule says how a kind of job is run.
type Schedule struct {
	Delays  []time.Duration // before the second try, the third…; after the last the job is dead
	Timeout time.Duration   // of one try; a minute when zero
	Workers int             // how many run at once in this process; 2 when zero
}

// Brisk is for work between machines: a few seconds, then minutes, then hours, for a day.
func Brisk() Schedule {
	s := Schedule{Delays: []time.Duration{
		2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	}, Workers: 4}
	return s.every(time.Hour, 24*time.Hour)
}

// Patient is for mail: 1, 5, 15, 30 minutes, 1, 2, then every 4 hours, for three days.
func Patient() Schedule {
	s := Schedule{Delays: []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	}, Workers: 4}
	return s.every(4*time.Hour, 72*time.Hour)
}

// every adds one delay after the other until the tries span a time.
func (s Schedule) every(delay, span time.Duration) Schedule {
	var sum time.Duration
	for _, d := range s.Delays {
		sum += d
	}
	for ; sum+delay <= span; sum += delay {
		s.Delays = append(s.Delays, delay)
	}
	return s
}

// Permanent marks an error after which trying again is of no use: the job is dead at once.
func Permanent(err error) error { return permanent{err} }

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

const (
	grace      = time.Second      // how long Run waits for handlers whose context it ended
	leaseExtra = 30 * time.Second // a claim outlives its handler's timeout by this
	keepDone   = 30 * 24 * time.Hour
)

// purge is the worker's own kind: it deletes jobs that were done long ago.
const purge = "jobs.purge"

// Worker runs jobs. Register and Every come before Run.
type Worker struct {
	store    *store.Store
	log      *slog.Logger
	now      func() time.Time
	kinds    map[string]*kind
	periodic map[string]time.Duration
	slots    map[string]time.Time // the last slot of each periodic kind that was enqueued
	free     chan struct{}        // a handler returned
	poll     time.Duration        // how soon jobs of other processes, and due ones, are seen
	drain    time.Duration        // how long Run waits for handlers when it stops
	running  sync.WaitGroup
}

type kind struct {
	name     string
	handler  Handler
	schedule Schedule
	slots    chan struct{} // one element for each handler that runs
}

// New makes a worker; now is the clock that jobs are due by.
func New(s *store.Store, log *slog.Logger, now func() time.Time) *Worker {
	w := &Worker{
		store: s, log: log, now: now,
		kinds: map[string]*kind{}, periodic: map[string]time.Duration{}, slots: map[string]time.Time{},
		free: make(chan struct{}, 1), poll: time.Second, drain: 25 * time.Second,
	}
	w.Register(purge, w.purge, Brisk())
	w.Every(purge, time.Hour)
	return w
}

// Register says what does the work of a kind.
func (w *Worker) Register(name string, h Handler, s Schedule) {
	if s.Timeout <= 0 {
		s.Timeout = time.Minute
	}
	if s.Workers <= 0 {
		s.Workers = 2
	}
	w.kinds[name] = &kind{name: name, handler: h, schedule: s, slots: make(chan struct{}, s.Workers)}
}

// Every enqueues a job of a kind once an interval, in however many processes call it: the key of
// the job is the interval's beginning. Intervals in which no process ran are left out.
func (w *Worker) Every(kind string, interval time.Duration) { w.periodic[kind] = interval }

// Run works until ctx ends. Then it claims nothing more and waits up to 25 s for what runs; what is
// not done by then runs again when its lease is over, here or elsewhere.
func (w *Worker) Run(ctx context.Context) error {
	for name := range w.periodic {
		if w.kinds[name] == nil {
			return fmt.Errorf("run jobs: nothing is registered for %s", name)
		}
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := w.turn(ctx, working); err != nil && ctx.Err() == nil {
			w.log.Error("look for jobs", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-w.store.Woken():
		case <-w.free:
		}
	}
	return w.stop(stop)
}

// stop waits for the handlers.
func (w *Worker) stop(cancel func()) error {
	done := make(chan struct{})
	go func() {
		w.running.Wait()
		close(done)
	}()
	for _, wait := range []time.Duration{w.drain, grace} {
		timer := time.NewTimer(wait)
		select {
		case <-done:
			timer.Stop()
			return nil
		case <-timer.C:
		}
		cancel()
	}
	return errors.New("run jobs: handlers did not stop in time; their jobs run again")
}

// turn enqueues what is periodic and starts what is ready, as far as there are workers.
func (w *Worker) turn(ctx, working context.Context) error {
	now := w.now()
	for name, interval := range w.periodic {
		slot := now.Truncate(interval)
		if w.slots[name].Equal(slot) {
			continue
		}
		err := w.store.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Enqueue(ctx, store.Job{Kind: name, Key: slot.UTC().Format(time.RFC3339), RunAt: now})
			return err
		})
		if err != nil {
			return err
		}
		w.slots[name] = slot
	}
	for _, k := range w.kinds {
		if err := w.start(ctx, working, k, now); err != nil {
			return err
		}
	}
	return nil
}

// start claims jobs of a kind for the workers that are free and runs them.
func (w *Worker) start(ctx, working context.Context, k *kind, now time.Time) error {
	idle := cap(k.slots) - len(k.slots)
	if idle == 0 {
		return nil
	}
	// A look costs no write, and most looks find nothing.
	if ready, err := w.store.JobReady(ctx, k.name, now); err != nil || !ready {
		return err
	}
	var claimed []store.Job
	err := w.store.Update(ctx, func(tx *store.Tx) (err error) {
		claimed, err = tx.ClaimJobs(ctx, k.name, now, k.schedule.Timeout+leaseExtra, idle)
		return err
	})
	if err != nil {
		return err
	}
	for _, job := range claimed {
		k.slots <- struct{}{}
		w.running.Go(func() {
			defer func() {
				<-k.slots
				select {
				case w.free <- struct{}{}:
				default:
				}
			}()
			w.work(working, k, job)
		})
	}
	return nil
}

// work runs one job and notes the outcome.
func (w *Worker) work(ctx context.Context, k *kind, job store.Job) {
	crash.At("job.claimed")
	failed := w.call(ctx, k, job)
	crash.At("job.worked")
	ctx = context.WithoutCancel(ctx) // the outcome is noted also when the process stops
	now := w.now()
	about := []any{"kind", job.Kind, "key", job.Key, "attempt", job.Attempts}
	var mine bool
	err := w.store.Update(ctx, func(tx *store.Tx) (err error) {
		if failed == nil {
			mine, err = tx.FinishJob(ctx, job.ID, job.Attempts, now)
			return err
		}
		_, never := errors.AsType[permanent](failed)
		if !never && job.Attempts <= len(k.schedule.Delays) {
			mine, err = tx.RetryJob(ctx, job.ID, job.Attempts, now.Add(k.schedule.Delays[job.Attempts-1]), failed.Error())
			return err
		}
		if mine, err = tx.KillJob(ctx, job.ID, job.Attempts, now, failed.Error()); err != nil || !mine {
			return err
		}
		return tx.InsertTask(ctx, "job.dead", job.Kind+"/"+job.Key, "task.job_dead",
			map[string]string{"kind": job.Kind, "key": job.Key}, now)
	})
	switch {
	case err != nil:
		w.log.Error("note a job's outcome; it runs again", append(about, "error", err, "outcome", failed)...)
	case !mine:
		w.log.Warn("job outlived its lease; its outcome is not noted", append(about, "outcome", failed)...)
	case failed != nil:
		w.log.Warn("job failed", append(about, "error", failed)...)
	}
}

// call runs the handler; a panic is a failed try.
func (w *Worker) call(ctx context.Context, k *kind, job store.Job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, k.schedule.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			w.log.Error("job panicked", "kind", job.Kind, "key", job.Key, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return k.handler(ctx, job)
}

func (w *Worker) purge(ctx context.Context, _ store.Job) error {
	for {
		var n int
		err := w.store.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.PurgeJobs(ctx, w.now().Add(-keepDone))
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
