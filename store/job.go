package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"paylink"
)

// Job is work to do after the commit that enqueued it. Kind and Key are unique together, done or
// not, until a done job is purged.
type Job struct {
	ID        string
	Kind      string
	Key       string
	Payload   json.RawMessage
	RunAt     time.Time // not before
	Attempts  int       // how often it was claimed; tells one claim from the next
	LastError string
	CreatedAt time.Time // RunAt when not said
	DoneAt    time.Time
	DeadAt    time.Time // given up
}

const jobColumns = "id, kind, key, payload, run_at, attempts, last_error, created_at, done_at, dead_at"

func scanJob(r row) (j Job, err error) {
	var payload string
	err = r.Scan(&j.ID, &j.Kind, &j.Key, &payload, moment{&j.RunAt}, &j.Attempts, &j.LastError, moment{&j.CreatedAt},
		moment{&j.DoneAt}, moment{&j.DeadAt})
	j.Payload = json.RawMessage(payload)
	return j, err
}

// Job finds a job by its kind and key.
func (r reads) Job(ctx context.Context, kind, key string) (Job, error) {
	j, err := one(ctx, r, scanJob, "select "+jobColumns+" from job where kind = $1 and key = $2", kind, key)
	return j, found("job", err)
}

// DeadJobs lists jobs that were given up, newest first.
func (r reads) DeadJobs(ctx context.Context, limit int) ([]Job, error) {
	list, err := all(ctx, r, scanJob, "select "+jobColumns+" from job where dead_at > 0 order by dead_at desc, id desc limit $1", limit)
	return list, found("job", err)
}

// OldestJob is when the job that waits longest was to run; the zero time when none waits.
func (r reads) OldestJob(ctx context.Context) (time.Time, error) {
	at, err := one(ctx, r, value[int64], "select coalesce(min(run_at), 0) from job where done_at = 0 and dead_at = 0")
	return fromMicros(at), found("job", err)
}

// JobReady says whether a job of a kind is to run by now.
func (r reads) JobReady(ctx context.Context, kind string, now time.Time) (bool, error) {
	ready, err := all(ctx, r, value[string], `select id from job
		where kind = $1 and done_at = 0 and dead_at = 0 and run_at <= $2 limit 1`, kind, micros(now))
	return len(ready) > 0, found("job", err)
}

// JobSince says whether a job of a kind was queued since a time, as long as it is not purged.
func (r reads) JobSince(ctx context.Context, kind string, since time.Time) (bool, error) {
	queued, err := all(ctx, r, value[string], "select id from job where id > $1 and kind = $2 limit 1", paylink.NewID("job", since), kind)
	return len(queued) > 0, found("job", err)
}

var errNoRunAt = errors.New("a job needs a time to run at")

// Enqueue adds a job, which is seen when the transaction commits; false when its key exists.
func (t *Tx) Enqueue(ctx context.Context, j Job) (bool, error) {
	if j.RunAt.IsZero() {
		return false, wrote("job", errNoRunAt)
	}
	if j.CreatedAt.IsZero() {
		j.CreatedAt = j.RunAt
	}
	if j.ID == "" {
		j.ID = paylink.NewID("job", j.CreatedAt)
	}
	if len(j.Payload) == 0 {
		j.Payload = json.RawMessage("{}")
	}
	n, err := t.exec(ctx, "insert into job ("+jobColumns+`) values ($1, $2, $3, $4, $5, 0, '', $6, 0, 0)
		on conflict (kind, key) do nothing`, j.ID, j.Kind, j.Key, string(j.Payload), micros(j.RunAt), micros(j.CreatedAt))
	if err != nil || n == 0 {
		return false, wrote("job", err)
	}
	t.enqueued = true
	return true, nil
}

// ClaimJobs takes up to limit jobs of a kind that are to run by now. Each comes back by itself
// after the lease unless it is finished, retried or killed under the Attempts it was claimed with.
func (t *Tx) ClaimJobs(ctx context.Context, kind string, now time.Time, lease time.Duration, limit int) ([]Job, error) {
	list, err := all(ctx, t.reads, scanJob, `update job set attempts = attempts + 1, run_at = $1
		where id in (select id from job where kind = $2 and done_at = 0 and dead_at = 0 and run_at <= $3
			order by run_at, id limit $4`+t.dialect.skipLocked+`)
		returning `+jobColumns, micros(now.Add(lease)), kind, micros(now), limit)
	slices.SortFunc(list, func(a, b Job) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return list, wrote("job", err)
}

// mine says whether a statement met the job under the claim it was made for.
func mine(n int64, err error) (bool, error) { return n > 0, wrote("job", err) }

// FinishJob marks a job done; false when it was claimed again since.
func (t *Tx) FinishJob(ctx context.Context, id string, attempts int, now time.Time) (bool, error) {
	return mine(t.exec(ctx, "update job set done_at = $3, last_error = '' where id = $1 and attempts = $2 and done_at = 0 and dead_at = 0",
		id, attempts, micros(now)))
}

// RetryJob has a job run again at a time; false when it was claimed again since.
func (t *Tx) RetryJob(ctx context.Context, id string, attempts int, runAt time.Time, errText string) (bool, error) {
	return mine(t.exec(ctx, "update job set run_at = $3, last_error = $4 where id = $1 and attempts = $2 and done_at = 0 and dead_at = 0",
		id, attempts, micros(runAt), errText))
}

// KillJob gives a job up; false when it was claimed again since.
func (t *Tx) KillJob(ctx context.Context, id string, attempts int, now time.Time, errText string) (bool, error) {
	return mine(t.exec(ctx, "update job set dead_at = $3, last_error = $4 where id = $1 and attempts = $2 and done_at = 0 and dead_at = 0",
		id, attempts, micros(now), errText))
}

// ReviveJob lets a job that was given up run again, with its count of attempts begun anew.
func (t *Tx) ReviveJob(ctx context.Context, id string, now time.Time) error {
	n, err := t.exec(ctx, "update job set dead_at = 0, attempts = 0, run_at = $2 where id = $1 and dead_at > 0", id, micros(now))
	t.enqueued = t.enqueued || n > 0
	return changed("job", n, err)
}

// PurgeJobs deletes up to 500 jobs done before a time and says how many.
func (t *Tx) PurgeJobs(ctx context.Context, before time.Time) (int, error) {
	n, err := t.exec(ctx, `delete from job where id in (
		select id from job where done_at > 0 and done_at < $1 order by done_at limit 500)`, micros(before))
	return int(n), wrote("job", err)
}
