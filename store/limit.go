package store

import (
	"context"
	"time"

	"paylink"
)

// PayLock keeps card payments from being begun: by one link, or by all of them.
type PayLock struct {
	Subject  string // a link's id, or AllCards
	Why      string // LockDeclines, LockBreaker or LockStaff
	Declines int    // counted when it was locked
	LockedAt time.Time
	EndsAt   time.Time // by itself; zero when only staff lift it
	LiftedAt time.Time // the last time; what was declined before is not counted again
}

// AllCards is the subject of the lock on every new card.
const AllCards = "cards"

// Why something is locked.
const (
	LockDeclines = "declines" // of one link within an hour
	LockBreaker  = "breaker"  // of all links, against what was paid
	LockStaff    = "staff"    // somebody pressed it
)

// Stands says whether the lock holds now.
func (l PayLock) Stands(now time.Time) bool {
	return l.LockedAt.After(l.LiftedAt) && (l.EndsAt.IsZero() || now.Before(l.EndsAt))
}

// PressFacts are what a press of Pay is judged by.
type PressFacts struct {
	Link, Cards PayLock   // zero where nothing was ever locked
	Presses     int       // from the place, in the row's time
	Since       time.Time // when that time began
	Declines    int       // of the link since a moment, and since it was last lifted
	LastDecline time.Time // when the newest of those was begun
}

// PressFacts reads them in one statement. A count is kept under the key of a place.
func (r reads) PressFacts(ctx context.Context, invoiceID, linkID, key string, since time.Time) (f PressFacts, err error) {
	type line struct {
		kind string
		lock PayLock
		n    int
		at   time.Time
	}
	lines, err := all(ctx, r, func(r row) (l line, err error) {
		err = r.Scan(&l.kind, &l.lock.Subject, &l.lock.Why, &l.n, moment{&l.at}, moment{&l.lock.EndsAt}, moment{&l.lock.LiftedAt})
		return l, err
	}, `select 'lock', subject, why, declines, locked_at, ends_at, lifted_at from pay_lock where subject in ($1, $2)
		union all select 'place', '', '', n, since, 0, 0 from limit_count where key = $3
		union all select 'declines', '', '', count(*), coalesce(max(created_at), 0), 0, 0 from payment
		where invoice_id = $4 and created_at >= $5 and link_id = $1 and status = 'failed' and method = 'card'
			and created_at > coalesce((select lifted_at from pay_lock where subject = $1), 0)`,
		linkID, AllCards, key, invoiceID, micros(since))
	for _, l := range lines {
		l.lock.Declines, l.lock.LockedAt = l.n, l.at
		switch {
		case l.kind == "place":
			f.Presses, f.Since = l.n, l.at
		case l.kind == "declines":
			f.Declines, f.LastDecline = l.n, l.at
		case l.lock.Subject == AllCards:
			f.Cards = l.lock
		default:
			f.Link = l.lock
		}
	}
	return f, found("limit", err)
}

// CountCards counts the payments by card and by any link that were begun since a moment and now have
// one of the statuses.
func (r reads) CountCards(ctx context.Context, since time.Time, statuses ...paylink.PaymentStatus) (int, error) {
	names := make([]string, len(statuses))
	for i, status := range statuses {
		names[i] = string(status)
	}
	list, args := in(2, names)
	n, err := one(ctx, r, value[int], `select count(*) from payment
		where status in (`+list+`) and created_at >= $1 and method = 'card' and link_id <> ''`, append([]any{micros(since)}, args...)...)
	return n, found("limit", err)
}

// Unfinished counts the payments of an invoice, and of one of its links, that are being made: begun,
// and neither ended nor on their way at a bank.
func (r reads) Unfinished(ctx context.Context, invoiceID, linkID string) (ofInvoice, ofLink int, err error) {
	links, err := all(ctx, r, value[string], `select link_id from payment
		where invoice_id = $1 and status in ('created', 'confirming', 'requires_action', 'unknown')`, invoiceID)
	for _, id := range links {
		if id == linkID {
			ofLink++
		}
	}
	return len(links), ofLink, found("limit", err)
}

const lockColumns = "subject, why, declines, locked_at, ends_at, lifted_at"

func scanLock(r row) (l PayLock, err error) {
	err = r.Scan(&l.Subject, &l.Why, &l.Declines, moment{&l.LockedAt}, moment{&l.EndsAt}, moment{&l.LiftedAt})
	return l, err
}

// PayLock finds the lock of a subject; the zero PayLock when it never had one.
func (r reads) PayLock(ctx context.Context, subject string) (PayLock, error) {
	list, err := all(ctx, r, scanLock, "select "+lockColumns+" from pay_lock where subject = $1", subject)
	if err != nil || len(list) == 0 {
		return PayLock{}, found("lock", err)
	}
	return list[0], nil
}

// lockList is how many locks a list shows at most.
const lockList = 200

// PayLocks lists the locks that stand, newest first.
func (r reads) PayLocks(ctx context.Context, now time.Time) ([]PayLock, error) {
	list, err := all(ctx, r, scanLock, "select "+lockColumns+` from pay_lock
		where lifted_at < locked_at and (ends_at = 0 or ends_at > $1) order by locked_at desc, subject limit $2`, micros(now), lockList)
	return list, found("lock", err)
}

// PutPayLock locks a subject; false when it is locked already, which then stays as it is.
func (t *Tx) PutPayLock(ctx context.Context, l PayLock) (bool, error) {
	n, err := t.exec(ctx, `insert into pay_lock (subject, why, declines, locked_at, ends_at, lifted_at)
		values ($1, $2, $3, $4, $5, 0) on conflict (subject) do update
		set why = excluded.why, declines = excluded.declines, locked_at = excluded.locked_at, ends_at = excluded.ends_at
		where pay_lock.lifted_at >= pay_lock.locked_at or pay_lock.ends_at > 0 and pay_lock.ends_at <= $4`,
		l.Subject, l.Why, l.Declines, micros(l.LockedAt), micros(l.EndsAt))
	return n > 0, wrote("lock", err)
}

// LiftPayLock lifts the lock of a subject; false when none stood.
func (t *Tx) LiftPayLock(ctx context.Context, subject string, now time.Time) (bool, error) {
	n, err := t.exec(ctx, `update pay_lock set lifted_at = $2
		where subject = $1 and lifted_at < locked_at and (ends_at = 0 or ends_at > $2)`, subject, micros(now))
	return n > 0, wrote("lock", err)
}

// LimitCount is how often something was done under a key since a moment.
type LimitCount struct {
	Key   string
	N     int
	Since time.Time
}

func scanCount(r row) (c LimitCount, err error) {
	err = r.Scan(&c.Key, &c.N, moment{&c.Since})
	return c, err
}

// LimitCount finds a count; zero when nothing was counted.
func (r reads) LimitCount(ctx context.Context, key string) (LimitCount, error) {
	list, err := all(ctx, r, scanCount, "select key, n, since from limit_count where key = $1", key)
	if err != nil || len(list) == 0 {
		return LimitCount{Key: key}, found("limit", err)
	}
	return list[0], nil
}

// LimitCounts lists what was counted at least so often since a moment under keys that begin so, the
// most first.
func (r reads) LimitCounts(ctx context.Context, prefix string, since time.Time, least int) ([]LimitCount, error) {
	list, err := all(ctx, r, scanCount, `select key, n, since from limit_count
		where since > $1 and n >= $2 and substr(key, 1, $3) = $4 order by n desc, key limit $5`,
		micros(since), least, len(prefix), prefix, lockList)
	return list, found("limit", err)
}

// CountLimit counts one more under a key and gives the count; it begins anew when the first one is
// older than the window.
func (t *Tx) CountLimit(ctx context.Context, key string, now time.Time, window time.Duration) (LimitCount, error) {
	c, err := one(ctx, t.reads, scanCount, `insert into limit_count (key, since, n) values ($1, $2, 1)
		on conflict (key) do update set
			n = case when limit_count.since <= $3 then 1 else limit_count.n + 1 end,
			since = case when limit_count.since <= $3 then $2 else limit_count.since end
		returning key, n, since`, key, micros(now), micros(now.Add(-window)))
	return c, wrote("limit", err)
}

// ForgetLimit forgets what was counted under a key; false when nothing was.
func (t *Tx) ForgetLimit(ctx context.Context, key string) (bool, error) {
	n, err := t.exec(ctx, "delete from limit_count where key = $1", key)
	return n > 0, wrote("limit", err)
}

// PurgeLimits deletes up to 500 counts that began before a time and says how many.
func (t *Tx) PurgeLimits(ctx context.Context, before time.Time) (int, error) {
	n, err := t.exec(ctx, `delete from limit_count where key in (
		select key from limit_count where since < $1 order by since limit 500)`, micros(before))
	return int(n), wrote("limit", err)
}
