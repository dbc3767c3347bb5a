package access

import (
	"context"
	"sync"
	"time"

	"paylink"
	"paylink/store"
)

// Limits bounds what strangers may try: from one place, addresses of links and receipts that do not
// exist, and forms that send mail; for one customer, deposits that prove a bank account. A nil *Limits
// bounds nothing.
//
// Guesses are counted in memory, because a GET writes nothing; a guesser cannot restart us, and what
// is guessed is long. Mails and deposits are counted in the database.
type Limits struct {
	store *store.Store
	now   func() time.Time

	mu     sync.Mutex
	places map[string]guesses
	swept  time.Time // when what is over was last forgotten
}

type guesses struct {
	count int
	since time.Time
	until time.Time // nothing is answered before
}

const (
	guessMost   = 20 // within guessWindow; then the place waits
	guessWindow = time.Minute
	guessWait   = 15 * time.Minute
	guessPlaces = 10_000 // remembered at once

	mailMost   = 20 // from one place within mailWindow
	mailWindow = time.Hour

	depositMost   = 10 // for one customer within depositWindow
	depositWindow = time.Hour

	sessionMost   = 30 // openings of Plaid Link for one customer within sessionWindow
	sessionWindow = time.Hour
)

// NewLimits makes Limits.
func NewLimits(s *store.Store, now func() time.Time) *Limits {
	return &Limits{store: s, now: now, places: map[string]guesses{}}
}

// Guessing refuses a place that tried too many addresses that do not exist.
func (l *Limits) Guessing(place string) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	until := l.places[place].until
	l.mu.Unlock()
	return wait(until.Sub(l.now()), paylink.Fail(paylink.TooMany, "guess.wait"))
}

// Guessed counts an address that does not exist and says whether the place has to wait from now on.
func (l *Limits) Guessed(place string) (waits bool) {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	g, known := l.places[place]
	if !known && !l.room(now) {
		return false // a flood of places must not make us forget those that wait
	}
	if now.Sub(g.since) > guessWindow {
		g = guesses{since: now, until: g.until}
	}
	g.count++
	if waits = g.count == guessMost; waits {
		g.until = now.Add(guessWait)
	}
	l.places[place] = g
	return waits
}

// room forgets what is over when there are too many places; not at every guess of a flood.
func (l *Limits) room(now time.Time) bool {
	if len(l.places) < guessPlaces || now.Sub(l.swept) < time.Second {
		return len(l.places) < guessPlaces
	}
	l.swept = now
	for place, g := range l.places {
		if now.Sub(g.since) > guessWindow && !now.Before(g.until) {
			delete(l.places, place)
		}
	}
	return len(l.places) < guessPlaces
}

// Mail counts one more mail that somebody at a place asked for, and refuses it when there were many.
func (l *Limits) Mail(ctx context.Context, place string) error {
	return l.count(ctx, "mail:"+place, mailMost, mailWindow, paylink.Fail(paylink.TooMany, "forms.wait"))
}

// Deposit counts one more account that somebody wants proven for a customer, and refuses it when there
// were many: whoever has a link could send deposits to account after account, to learn which exist.
func (l *Limits) Deposit(ctx context.Context, customerID string) error {
	return l.count(ctx, "deposit:"+customerID, depositMost, depositWindow, paylink.Fail(paylink.TooMany, "bank.wait"))
}

// Session counts one more opening of Plaid Link for a customer, and refuses it when there were many.
func (l *Limits) Session(ctx context.Context, customerID string) error {
	return l.count(ctx, "session:"+customerID, sessionMost, sessionWindow, paylink.Fail(paylink.TooMany, "bank.wait"))
}

func (l *Limits) count(ctx context.Context, key string, most int, window time.Duration, why *paylink.Error) error {
	if l == nil {
		return nil
	}
	now := l.now()
	refused := func(c store.LimitCount, most int) error {
		if c.N <= most {
			return nil
		}
		return wait(c.Since.Add(window).Sub(now), why)
	}
	c, err := l.store.LimitCount(ctx, key)
	if err == nil {
		err = refused(c, most-1) // who pays no attention costs a read, not a write
	}
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.CountLimit(ctx, key, now, window)
		if err == nil {
			err = refused(c, most)
		}
		return err
	})
}

// wait is nil when there is nothing to wait for.
func wait(left time.Duration, why *paylink.Error) error {
	if left <= 0 {
		return nil
	}
	why.After = left
	return why
}
