package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"paylink"
	"paylink/config"
	"paylink/payments"
	"paylink/store"
)

type reconcileCommand struct {
	Balance bool `help:"Compare every movement of the last 35 days on Stripe's balance too, as happens every night."`
}

// alive is how long nothing may be heard of a server that runs: each seals the audit log every 5 s by a
// job that it queues.
const alive = 12 * time.Second

const sealJob = "audit.seal"

// Run compares the books with Stripe: by the running server where there is one, and here where there is none.
func (r reconcileCommand) Run(w *world) error {
	c, err := config.FromEnv(w.getenv)
	if err != nil {
		return fmt.Errorf("the environment is not complete:\n%w", err)
	}
	done, err := r.ask(w, c)
	if err != nil || done {
		return err
	}
	a, err := newApp(w.ctx, c, logger(w.stderr, slog.LevelWarn))
	if err != nil {
		return err
	}
	defer a.store.Close()
	fmt.Fprintln(w.stdout, "No server runs on this database; comparing here.")
	progress := func(list string, seen int) { fmt.Fprintf(w.stdout, "%s: %d\n", list, seen) }
	report, err := a.payments.Reconcile(w.ctx, progress)
	if err == nil && r.Balance {
		_, err = a.payments.SweepBalance(w.ctx, progress)
	}
	if err != nil {
		return err
	}
	return say(w, report)
}

// ask leaves the work to the running server and waits for it; false when there is none.
func (r reconcileCommand) ask(w *world, c config.Config) (done bool, err error) {
	s, err := open(w.ctx, c.Database, c.Migrate, store.Command, logger(w.stderr, slog.LevelWarn))
	if err != nil {
		return false, err
	}
	defer s.Close()
	kinds := []string{"payment.reconcile"}
	if r.Balance {
		kinds = append(kinds, "payment.sweep")
	}
	key := paylink.NewID("asked", time.Now())
	if err := s.Update(w.ctx, func(tx *store.Tx) error {
		for _, kind := range kinds {
			if _, err := tx.Enqueue(w.ctx, store.Job{Kind: kind, Key: key, Payload: []byte("{}"), RunAt: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return false, err
	}
	busy := func() { fmt.Fprintln(w.stdout, "The server is busy; waiting for it.") }
	for _, kind := range kinds {
		if done, err := await(w.ctx, s, kind, key, alive, busy); err != nil || !done {
			return done, err
		}
	}
	open, err := s.Differences(w.ctx, 1000)
	if err != nil {
		return true, err
	}
	return true, say(w, payments.Report{Different: len(open)})
}

// await waits for a job to be done, and for what a long comparison left to jobs of its own, as long as a
// server is heard of; false when none is. It says so once when a server takes its time.
func await(ctx context.Context, s *store.Store, kind, key string, alive time.Duration, busy func()) (done bool, err error) {
	for heard, told := time.Now(), false; ; {
		job, err := s.Job(ctx, kind, key)
		if err == nil && !job.DoneAt.IsZero() {
			if job, err = s.UnfinishedJob(ctx, kind); paylink.KindOf(err) == paylink.NotFound {
				return true, nil
			}
		}
		if err != nil {
			return false, err
		}
		if job.LastError != "" {
			return true, fmt.Errorf("the server could not compare, and will try again: %s", job.LastError)
		}
		if time.Since(heard) > alive {
			// What was asked for and not begun is done at the next start, and changes nothing then.
			if runs, err := s.JobSince(ctx, sealJob, heard); err != nil || !runs {
				return false, err
			}
			heard = time.Now()
			if !told && job.Attempts == 0 {
				told = true
				busy()
			}
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// say prints what a comparison found; exit 1 while something differs.
func say(w *world, r payments.Report) error {
	for _, list := range slices.Sorted(maps.Keys(r.Seen)) {
		fmt.Fprintf(w.stdout, "%s compared: %d\n", list, r.Seen[list])
	}
	if r.Rebuilt > 0 {
		fmt.Fprintf(w.stdout, "Payments that the books had lost, now in them: %d\n", r.Rebuilt)
	}
	if r.Foreign > 0 {
		fmt.Fprintf(w.stdout, "Payments of your customers made elsewhere, to be applied at /desk/drift: %d\n", r.Foreign)
	}
	if r.Different > 0 {
		fmt.Fprintf(w.stdout, "Paylink and Stripe differ in %d places: see /desk/drift.\n", r.Different)
		return exit(1)
	}
	_, err := fmt.Fprintln(w.stdout, "Paylink and Stripe agree.")
	return err
}
