package store

import (
	"context"
	"regexp"
	"time"
)

// Event is a webhook as it came.
type Event struct {
	Provider    string // stripe, plaid
	ID          string
	Type        string
	ObjectID    string
	Body        []byte
	ReceivedAt  time.Time
	ProcessedAt time.Time
	Attempts    int
	LastError   string
}

const eventColumns = "provider, event_id, type, object_id, body, received_at, processed_at, attempts, last_error"

func scanEvent(r row) (e Event, err error) {
	err = r.Scan(&e.Provider, &e.ID, &e.Type, &e.ObjectID, &e.Body, moment{&e.ReceivedAt}, moment{&e.ProcessedAt},
		&e.Attempts, &e.LastError)
	return e, err
}

// Event finds a webhook.
func (r reads) Event(ctx context.Context, provider, id string) (Event, error) {
	e, err := one(ctx, r, scanEvent, "select "+eventColumns+" from inbox where provider = $1 and event_id = $2", provider, id)
	return e, found("event", err)
}

// OpenEvents lists webhooks that are not processed, oldest first.
func (r reads) OpenEvents(ctx context.Context, limit int) ([]Event, error) {
	list, err := all(ctx, r, scanEvent,
		"select "+eventColumns+" from inbox where processed_at = 0 order by received_at limit $1", limit)
	return list, found("event", err)
}

// clientSecret is what Stripe puts into the PaymentIntents and SetupIntents of its events: who holds it may act on them
// as the payer. https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
var clientSecret = regexp.MustCompile(`("client_secret"\s*:\s*)"[^"]*"`)

// InsertEvent keeps a webhook, without client secrets; isNew is false when it came before.
func (t *Tx) InsertEvent(ctx context.Context, e Event) (isNew bool, err error) {
	n, err := t.exec(ctx, "insert into inbox ("+eventColumns+`) values ($1, $2, $3, $4, $5, $6, 0, 0, '')
		on conflict (provider, event_id) do nothing`, e.Provider, e.ID, e.Type, e.ObjectID, clientSecret.ReplaceAll(e.Body, []byte(`${1}"not kept"`)), micros(e.ReceivedAt))
	return n > 0, wrote("event", err)
}

// MarkEvent notes that a webhook was processed, and in a few words why nothing came of it; with the
// zero time it stays open.
func (t *Tx) MarkEvent(ctx context.Context, provider, id string, at time.Time, note string) error {
	n, err := t.exec(ctx, `update inbox set processed_at = $3, attempts = attempts + 1, last_error = $4
		where provider = $1 and event_id = $2`, provider, id, micros(at), note)
	return changed("event", n, err)
}
