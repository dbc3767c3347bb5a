package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"paylink"
	"paylink/store"
)

const (
	// mostTogether is how many webhooks share a transaction: few enough that a payer who waits for the
	// writer does not notice them.
	mostTogether = 200
	// mostWaiting is how many wait for their turn, some kilobytes each. Who comes then is asked to come
	// again: providers do. The site's door (web/page) lets fewer in at once as it stands.
	mostWaiting = 256
	// comeAgain is by when a full queue has long been stored, if the database stores at all.
	comeAgain = 30 * time.Second
)

var (
	errFull     = errors.New("too many webhooks wait to be stored")
	errCutShort = errors.New("storing webhooks ended early")
)

// arrival is a webhook on its way into the database.
type arrival struct {
	job   string // the kind of job that reads it
	event store.Event

	leads bool          // guarded by the inbox's mu
	turn  chan struct{} // closed when the arrival is to lead the next batch
	told  chan struct{} // closed when err is its outcome
	err   error
}

// inbox has webhooks that arrive together stored in one transaction. It waits for no timer: the first
// to come leads a batch of its own, those that come meanwhile wait, and the foremost of them leads the
// next. Leading is done by the request itself, so there is nothing to start, and a server that lets its
// requests end has nothing left to store.
type inbox struct {
	mu      sync.Mutex
	leading bool
	waiting []*arrival

	// write stores all of a batch or none of it. It does not end with the context of whoever leads.
	write func(context.Context, []*arrival) error
}

// put returns nil once the webhook is durable. Who leaves before its turn is dropped; after that it has
// the true outcome.
func (q *inbox) put(ctx context.Context, job string, event store.Event) error {
	a := &arrival{job: job, event: event, turn: make(chan struct{}), told: make(chan struct{}), err: errCutShort}
	q.mu.Lock()
	if len(q.waiting) >= mostWaiting {
		q.mu.Unlock()
		e := paylink.Fail(paylink.Unavailable, "later").Because(errFull)
		e.After = comeAgain
		return e
	}
	q.waiting = append(q.waiting, a)
	if !q.leading {
		q.next()
	}
	q.mu.Unlock()
	select {
	case <-a.turn:
	case <-a.told:
		return a.err
	case <-ctx.Done():
		if q.leave(a) {
			return ctx.Err()
		}
		<-a.told // it is being stored
		return a.err
	}
	q.lead(context.WithoutCancel(ctx))
	return a.err
}

// next lets the foremost lead; mu is held.
func (q *inbox) next() {
	if q.leading = len(q.waiting) > 0; q.leading {
		q.waiting[0].leads = true
		close(q.waiting[0].turn)
	}
}

// leave takes an arrival out, unless it is in a batch already.
func (q *inbox) leave(a *arrival) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, a)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	if a.leads {
		q.next()
	}
	return true
}

// lead stores who waits, as many as may share a transaction, and tells each what came of it, also when
// write panics.
func (q *inbox) lead(ctx context.Context) {
	q.mu.Lock()
	n := min(len(q.waiting), mostTogether)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.mu.Unlock()
	// Two servers that hold the same events take their rows in the same order, so that neither waits for
	// the other in a circle.
	slices.SortFunc(batch, func(a, b *arrival) int {
		return cmp.Or(cmp.Compare(a.event.Provider, b.event.Provider), cmp.Compare(a.event.ID, b.event.ID))
	})
	defer func() {
		for _, a := range batch {
			close(a.told)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.next()
	}()
	q.store(ctx, batch)
}

// store sets every outcome. When the transaction fails, each webhook has one of its own: what is wrong
// with one is nothing to the others. Once the database itself is not to be had, nobody waits for that
// again.
func (q *inbox) store(ctx context.Context, batch []*arrival) {
	err := q.write(ctx, batch)
	alone := err != nil && len(batch) > 1
	for i, a := range batch {
		if alone {
			err = q.write(ctx, batch[i:i+1])
			alone = paylink.KindOf(err) != paylink.Unavailable
		}
		a.err = err
	}
}

// write stores webhooks and queues a job for each that is new, in one transaction.
func (h *Handlers) write(ctx context.Context, batch []*arrival) error {
	return h.Store.Update(ctx, func(tx *store.Tx) error {
		for _, a := range batch {
			fresh, err := tx.InsertEvent(ctx, a.event)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			payload, err := json.Marshal(map[string]string{"event": a.event.ID})
			if err != nil {
				return err
			}
			if _, err := tx.Enqueue(ctx, store.Job{Kind: a.job, Key: a.event.ID, Payload: payload, RunAt: a.event.ReceivedAt}); err != nil {
				return err
			}
		}
		return nil
	})
}
