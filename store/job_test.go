package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

func enqueue(t *testing.T, s opened, j store.Job) (fresh bool) {
	t.Helper()
	s.update(t, func(tx *store.Tx) (err error) { fresh, err = tx.Enqueue(t.Context(), j); return err })
	return fresh
}

func claim(t *testing.T, s opened, kind string, now time.Time, lease time.Duration, limit int) (jobs []store.Job) {
	t.Helper()
	s.update(t, func(tx *store.Tx) (err error) {
		jobs, err = tx.ClaimJobs(t.Context(), kind, now, lease, limit)
		return err
	})
	return jobs
}

func TestJobKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		j := store.Job{ID: "job_1", Kind: "mail.link", Key: "lnk_1", Payload: json.RawMessage(`{"a": 1}`), RunAt: start.Add(time.Minute), CreatedAt: start}
		if !enqueue(t, s, j) || enqueue(t, s, j) {
			t.Error("a key is not taken once")
		}
		got, err := s.Job(ctx, j.Kind, j.Key)
		same(t, got, err, j)
		oldest, err := s.OldestJob(ctx)
		same(t, oldest, err, j.RunAt)
		_, err = s.Job(ctx, j.Kind, "none")
		unknown(t, err, "job")

		enqueue(t, s, store.Job{Kind: "k", Key: "short", RunAt: start})
		got, err = s.Job(ctx, "k", "short")
		if err != nil || got.ID == "" || string(got.Payload) != "{}" || !got.CreatedAt.Equal(start) {
			t.Errorf("filled with %+v, %v", got, err)
		}
		if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.Enqueue(ctx, store.Job{Kind: "k", Key: "2"}); return err }); err == nil {
			t.Error("a job without a time was taken")
		}
	})
}

func TestJobIsClaimedWhenItIsDueAndAgainAfterItsLease(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		enqueue(t, s, store.Job{Kind: "k", Key: "1", RunAt: start})
		enqueue(t, s, store.Job{Kind: "k", Key: "2", RunAt: start.Add(time.Second)})
		enqueue(t, s, store.Job{Kind: "other", Key: "1", RunAt: start})
		ready := func(now time.Time) bool {
			ready, err := s.JobReady(ctx, "k", now)
			if err != nil {
				t.Fatal(err)
			}
			return ready
		}
		if ready(start.Add(-1)) || len(claim(t, s, "k", start.Add(-1), time.Minute, 9)) != 0 {
			t.Error("ready too soon")
		}
		if !ready(start) {
			t.Error("not ready")
		}
		first := claim(t, s, "k", start, time.Minute, 9)
		if len(first) != 1 || first[0].Key != "1" || first[0].Attempts != 1 {
			t.Fatalf("claimed %+v", first)
		}
		if got := claim(t, s, "k", start.Add(59*time.Second), time.Hour, 9); len(got) != 1 || got[0].Key != "2" {
			t.Fatalf("claimed under a lease: %+v", got)
		}
		again := claim(t, s, "k", start.Add(time.Minute), time.Minute, 9)
		if len(again) != 1 || again[0].Key != "1" || again[0].Attempts != 2 {
			t.Fatalf("claimed %+v", again)
		}
		// The claim before is nobody's now.
		now := start.Add(61 * time.Second)
		zombie := []func(tx *store.Tx, id string, attempts int) (bool, error){
			func(tx *store.Tx, id string, attempts int) (bool, error) { return tx.FinishJob(ctx, id, attempts, now) },
			func(tx *store.Tx, id string, attempts int) (bool, error) {
				return tx.RetryJob(ctx, id, attempts, now, "x")
			},
			func(tx *store.Tx, id string, attempts int) (bool, error) {
				return tx.KillJob(ctx, id, attempts, now, "x")
			},
		}
		for n, note := range zombie {
			s.update(t, func(tx *store.Tx) error {
				mine, err := note(tx, first[0].ID, first[0].Attempts)
				if mine {
					t.Errorf("note %d of a lost claim was taken", n)
				}
				return err
			})
		}
		s.update(t, func(tx *store.Tx) error {
			mine, err := tx.FinishJob(ctx, again[0].ID, again[0].Attempts, now)
			same(t, mine, err, true)
			mine, err = tx.RetryJob(ctx, again[0].ID, again[0].Attempts, now, "x")
			same(t, mine, err, false) // done is done
			return nil
		})
		got, err := s.Job(ctx, "k", "1")
		same(t, got.DoneAt, err, now)
		if enqueue(t, s, store.Job{Kind: "k", Key: "1", RunAt: start}) {
			t.Error("the key of a done job was given again")
		}
	})
}

func TestJobsAreClaimedOldestFirstAndOnce(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		const count = 60
		for n := range count {
			enqueue(t, s, store.Job{Kind: "k", Key: fmt.Sprintf("%02d", n), RunAt: start.Add(time.Duration(-n) * time.Second)})
		}
		if first := claim(t, s, "k", start, time.Hour, 2); len(first) != 2 || first[0].Key+first[1].Key != "5958" {
			t.Errorf("claimed first: %+v", first)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for {
					var got []store.Job
					if err := s.Update(t.Context(), func(tx *store.Tx) (err error) {
						got, err = tx.ClaimJobs(t.Context(), "k", start, time.Hour, 3)
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					if ready, err := s.JobReady(t.Context(), "k", start); len(got) == 0 && (err != nil || !ready) {
						return
					}
					mu.Lock()
					for _, j := range got {
						seen[j.Key]++
					}
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		for key, times := range seen {
			if times != 1 {
				t.Errorf("%s was claimed %d times", key, times)
			}
		}
		if len(seen) != count-2 {
			t.Errorf("%d were claimed", len(seen))
		}
	})
}

func TestJobLivesDiesAndIsRevived(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		enqueue(t, s, store.Job{Kind: "k", Key: "1", RunAt: start})
		j := claim(t, s, "k", start, time.Minute, 1)[0]
		s.update(t, func(tx *store.Tx) error {
			mine, err := tx.RetryJob(ctx, j.ID, j.Attempts, start.Add(time.Hour), "relay is away")
			same(t, mine, err, true)
			return err
		})
		got, err := s.Job(ctx, "k", "1")
		same(t, []any{got.RunAt, got.LastError, got.Attempts}, err, []any{start.Add(time.Hour), "relay is away", 1})
		j = claim(t, s, "k", start.Add(time.Hour), time.Minute, 1)[0]
		s.update(t, func(tx *store.Tx) error {
			mine, err := tx.KillJob(ctx, j.ID, j.Attempts, start.Add(time.Hour), "no such mailbox")
			same(t, mine, err, true)
			return err
		})
		if len(claim(t, s, "k", start.Add(100*time.Hour), time.Minute, 1)) != 0 {
			t.Error("a dead job was claimed")
		}
		dead, err := s.DeadJobs(ctx, 10)
		if err != nil || len(dead) != 1 || dead[0].LastError != "no such mailbox" {
			t.Fatal(dead, err)
		}
		oldest, err := s.OldestJob(ctx)
		same(t, oldest, err, time.Time{})
		s.update(t, func(tx *store.Tx) error { return tx.ReviveJob(ctx, j.ID, start.Add(2*time.Hour)) })
		if got := claim(t, s, "k", start.Add(2*time.Hour), time.Minute, 1); len(got) != 1 || got[0].Attempts != 1 {
			t.Errorf("revived: %+v", got)
		}
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.ReviveJob(ctx, "job_none", start) }), "job")
	})
}

func TestPurgeTakesDoneJobsOnly(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		for _, key := range []string{"old", "new", "dead", "waiting"} {
			enqueue(t, s, store.Job{Kind: "k", Key: key, RunAt: start})
		}
		for _, j := range claim(t, s, "k", start, time.Minute, 9) {
			s.update(t, func(tx *store.Tx) (err error) {
				switch j.Key {
				case "old":
					_, err = tx.FinishJob(ctx, j.ID, j.Attempts, start)
				case "new":
					_, err = tx.FinishJob(ctx, j.ID, j.Attempts, start.Add(time.Hour))
				case "dead":
					_, err = tx.KillJob(ctx, j.ID, j.Attempts, start, "x")
				}
				return err
			})
		}
		s.update(t, func(tx *store.Tx) error {
			n, err := tx.PurgeJobs(ctx, start.Add(time.Minute))
			same(t, n, err, 1)
			return err
		})
		var left []string
		for _, key := range []string{"old", "new", "dead", "waiting"} {
			if _, err := s.Job(ctx, "k", key); paylink.KindOf(err) != paylink.NotFound {
				left = append(left, key)
			}
		}
		if !slices.Equal(left, []string{"new", "dead", "waiting"}) {
			t.Errorf("left %v", left)
		}
	})
}

// An outbox row is there exactly when what it is about is.
func TestJobOfAnUndoneTransactionIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		_ = s.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Enqueue(t.Context(), store.Job{Kind: "k", Key: "1", RunAt: start})
			return errors.Join(err, errors.New("undone"))
		})
		_, err := s.Job(t.Context(), "k", "1")
		unknown(t, err, "job")
	})
}
