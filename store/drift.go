package store

import (
	"context"
	"time"

	"paylink"
)

// DriftCount is how many differences with Stripe, and payments made elsewhere, wait for somebody.
func (r reads) DriftCount(ctx context.Context) (int, error) {
	n, err := one(ctx, r, value[int], `select (select count(*) from difference where closed_at = 0)
		+ (select count(*) from foreign_payment where closed_at = 0)`)
	return n, found("difference", err)
}

// UnfinishedJob finds the oldest job of a kind that waits or runs; NotFound when there is none.
func (r reads) UnfinishedJob(ctx context.Context, kind string) (Job, error) {
	j, err := one(ctx, r, scanJob, "select "+jobColumns+` from job
		where kind = $1 and done_at = 0 and dead_at = 0 order by run_at, id limit 1`, kind)
	return j, found("job", err)
}

// RepairsSince lists what staff did about differences and payments made elsewhere since a time, newest
// first; actions are what they did, by its names in the log.
func (r reads) RepairsSince(ctx context.Context, since time.Time, limit int, actions ...string) ([]AuditRow, error) {
	list, args := in(3, actions)
	rows, err := all(ctx, r, scanAudit, `select id, at, actor, action, subject, data from audit
		where id > $1 and action in (`+list+") order by id desc limit $2", append([]any{paylink.NewID("aud", since), limit}, args...)...)
	return rows, found("audit", err)
}
