package store

import (
	"context"
	"time"
)

// Claim says what an idempotency key stood for before.
type Claim struct {
	Existing    bool   // the key was used before
	Kind        string // of what was made then
	ObjectID    string
	HashDiffers bool // it was used for another request
}

// ClaimIdempotency uses an API caller's key for one request and the object that it makes, or says
// what the key was used for.
func (t *Tx) ClaimIdempotency(ctx context.Context, scope, key, requestHash, kind, objectID string, at time.Time) (Claim, error) {
	n, err := t.exec(ctx, `insert into idempotency (scope, key, request_hash, kind, object_id, created_at)
		values ($1, $2, $3, $4, $5, $6) on conflict (scope, key) do nothing`,
		scope, key, requestHash, kind, objectID, micros(at))
	if err != nil || n > 0 {
		return Claim{}, wrote("idempotency key", err)
	}
	claim, err := one(ctx, t.reads, func(r row) (c Claim, err error) {
		var hash string
		err = r.Scan(&hash, &c.Kind, &c.ObjectID)
		c.Existing, c.HashDiffers = true, hash != requestHash
		return c, err
	}, "select request_hash, kind, object_id from idempotency where scope = $1 and key = $2", scope, key)
	return claim, found("idempotency", err)
}
