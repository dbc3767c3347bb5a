package main

import (
	"context"
	"testing"
	"time"

	"paylink"
	"paylink/store"
	"paylink/store/storetest"
)

// A server that runs and is busy is waited for; only where none is heard of, the comparison is done here.
func TestABusyServerIsWaitedFor(t *testing.T) {
	s := storetest.SQLite(t)
	queue := func(kind, key string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Enqueue(t.Context(), store.Job{Kind: kind, Key: key, RunAt: time.Now()})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	const kind, quiet = "payment.reconcile", 100 * time.Millisecond
	queue(kind, "alone")
	if done, err := await(t.Context(), s, kind, "alone", quiet, func() { t.Error("busy, where nobody is") }); done || err != nil {
		t.Fatalf("nobody runs: %t %v", done, err)
	}

	queue(kind, "asked")
	busy := make(chan struct{})
	serving, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // a server whose worker is at something else until it was said to be busy
		defer close(ended)
		asked := busy
		for tick := time.NewTicker(quiet / 5); ; {
			queue(sealJob, paylink.NewID("slot", time.Now()))
			select {
			case <-serving.Done():
				return
			case <-asked:
				if err := s.Update(t.Context(), func(tx *store.Tx) error {
					claimed, err := tx.ClaimJobs(t.Context(), kind, time.Now(), time.Minute, 10)
					for _, job := range claimed {
						if _, err := tx.FinishJob(t.Context(), job.ID, job.Attempts, time.Now()); err != nil {
							return err
						}
					}
					return err
				}); err != nil {
					t.Error(err)
				}
				asked = nil
			case <-tick.C:
			}
		}
	}()
	done, err := await(t.Context(), s, kind, "asked", quiet, func() { close(busy) })
	stop()
	<-ended
	if !done || err != nil {
		t.Errorf("a busy server: %t %v", done, err)
	}
}
