package payments

import (
	"context"
	"time"

	"paylink"
	"paylink/store"
)

// What one payer, one place and all of them may do, so that nobody tries stolen cards here. It is kept
// in the database: a restart forgets nothing, and several servers count together. docs/operating.md
// shows it as a table.
const (
	declineWindow = time.Hour
	pauseFor      = 15 * time.Minute
	lockAfter     = 8 // declines of a link in declineWindow; staff unlock it

	placeWindow = time.Hour
	placeMost   = 60 // payments begun from one place in placeWindow; an office may share an address

	// The breaker: more declines than this in the window, over all links, and more than this share of
	// what ended in it.
	breakerWindow   = 10 * time.Minute
	breakerDeclines = 20
	breakerPercent  = 60
	breakerFor      = time.Hour

	openPerLink    = 2 // payments being made at once
	openPerInvoice = 5
)

// PauseAfter is how many declines of a link within an hour bring a pause; then each next one does.
const PauseAfter = 5

// Brake is why no payment may be begun now.
type Brake string

// The brakes, in the order in which they are told.
const (
	BrakeNone   Brake = ""
	BrakeLocked Brake = "locked" // the link, after many declines, until staff unlock it
	BrakePaused Brake = "paused" // the link, for a while, after some
	BrakeCards  Brake = "cards"  // every new card, because too many are declined or staff say so
	BrakePlace  Brake = "place"  // everybody at one address, after many payments
)

// Stop says that nothing may be begun, and until when; a zero Until is until staff lift it.
type Stop struct {
	Why   Brake
	Until time.Time
}

// Judge says what stands in the way of a press before anything is reserved for it. Place is where it
// comes from, "" for a look at the page; a new card is one that nobody vouches for. It reads once.
func (s *Service) Judge(ctx context.Context, link paylink.Link, place string, newCard bool) (Stop, error) {
	if s.NoLimits {
		return Stop{}, nil
	}
	now := s.Now()
	f, err := s.store.PressFacts(ctx, link.InvoiceID, link.ID, placeKey(place), now.Add(-declineWindow))
	if err != nil {
		return Stop{}, err
	}
	pause := f.LastDecline.Add(pauseFor)
	switch {
	case f.Link.Stands(now):
		return Stop{BrakeLocked, f.Link.EndsAt}, nil
	case f.Declines >= PauseAfter && now.Before(pause):
		return Stop{BrakePaused, pause}, nil
	case newCard && f.Cards.Stands(now):
		return Stop{BrakeCards, f.Cards.EndsAt}, nil
	case f.Presses >= placeMost && now.Before(f.Since.Add(placeWindow)):
		return Stop{BrakePlace, f.Since.Add(placeWindow)}, nil
	}
	return Stop{}, nil
}

// cardsFresh is how old an answer of CardsStop may be: it is for looks at a page.
const cardsFresh = 2 * time.Second

// CardsStop says whether new cards are kept out. It reads once in cardsFresh; the press asks Judge.
func (s *Service) CardsStop(ctx context.Context) (Stop, error) {
	if s.NoLimits {
		return Stop{}, nil
	}
	now := s.Now()
	known := s.cards.Load()
	if known == nil || now.Sub(known.at) > cardsFresh || now.Before(known.at) {
		lock, err := s.store.PayLock(ctx, store.AllCards)
		if err != nil {
			return Stop{}, err
		}
		known = &cardsLock{lock, now}
		s.cards.Store(known)
	}
	if !known.lock.Stands(now) {
		return Stop{}, nil
	}
	return Stop{BrakeCards, known.lock.EndsAt}, nil
}

// cardsLock is the lock on every new card as it was read last.
type cardsLock struct {
	lock store.PayLock
	at   time.Time
}

func placeKey(place string) string { return "press:" + place }

// within is the part of T1 that bounds how many payments are being made at once. The invoice is locked,
// so that two presses cannot both be the last. Nothing is read while nothing is under way.
func (s *Service) within(ctx context.Context, tx *store.Tx, balance paylink.Balance, press Press) error {
	if s.NoLimits || balance.Pending == 0 {
		return nil
	}
	ofInvoice, ofLink, err := tx.Unfinished(ctx, press.InvoiceID, press.LinkID)
	if err != nil {
		return err
	}
	if ofLink >= openPerLink || ofInvoice >= openPerInvoice {
		return paylink.Fail(paylink.Conflict, "payment.many_open")
	}
	return nil
}

// count notes the press in T1, where it became a payment: a form that was refused is none. It refuses
// what Judge let through because others pressed meanwhile.
func (s *Service) count(ctx context.Context, tx *store.Tx, press Press) error {
	if s.NoLimits || press.Place == "" {
		return nil
	}
	c, err := tx.CountLimit(ctx, placeKey(press.Place), s.Now(), placeWindow)
	if err == nil && c.N > placeMost {
		err = paylink.Fail(paylink.TooMany, "payment.many_here")
	}
	return err
}

// declined locks what was declined too often, in the transaction that notes the decline.
func (s *Service) declined(ctx context.Context, tx *store.Tx, was paylink.PaymentStatus, p paylink.Payment, invoice paylink.Invoice) error {
	if s.NoLimits || p.Status != paylink.Failed || was == paylink.Failed || p.Method != paylink.MethodCard || p.LinkID == "" {
		return nil
	}
	now := s.Now()
	f, err := tx.PressFacts(ctx, p.InvoiceID, p.LinkID, "", now.Add(-declineWindow))
	if err != nil {
		return err
	}
	if f.Declines >= lockAfter {
		if err := s.lockLink(ctx, tx, p.LinkID, invoice, f.Declines); err != nil {
			return err
		}
	}
	since := now.Add(-breakerWindow)
	if f.Cards.LiftedAt.After(since) {
		since = f.Cards.LiftedAt
	}
	declined, err := tx.CountCards(ctx, since, paylink.Failed)
	if err != nil || declined <= breakerDeclines {
		return err
	}
	paid, err := tx.CountCards(ctx, since, paylink.Succeeded, paylink.Authorized)
	if err != nil || declined*100 <= (declined+paid)*breakerPercent {
		return err
	}
	lock := store.PayLock{Subject: store.AllCards, Why: store.LockBreaker, Declines: declined, LockedAt: now, EndsAt: now.Add(breakerFor)}
	return s.lockCards(ctx, tx, system, lock, map[string]any{"n": declined, "paid": paid})
}

func (s *Service) lockLink(ctx context.Context, tx *store.Tx, linkID string, invoice paylink.Invoice, declines int) error {
	now := s.Now()
	fresh, err := tx.PutPayLock(ctx, store.PayLock{Subject: linkID, Why: store.LockDeclines, Declines: declines, LockedAt: now})
	if err != nil || !fresh {
		return err
	}
	if err := tx.Audit(ctx, system, "link.locked", invoice.ID, map[string]any{"link": linkID, "declines": declines}, now); err != nil {
		return err
	}
	return tx.InsertTask(ctx, "limit.link", linkID, "task.link_locked",
		map[string]any{"invoice": invoice.Number, "invoice_id": invoice.ID, "n": declines}, now)
}

func (s *Service) lockCards(ctx context.Context, tx *store.Tx, actor paylink.Actor, lock store.PayLock, why map[string]any) error {
	fresh, err := tx.PutPayLock(ctx, lock)
	if err != nil || !fresh {
		return err
	}
	if err := tx.Audit(ctx, actor, "cards.paused", store.AllCards, why, s.Now()); err != nil || lock.Why == store.LockStaff {
		return err
	}
	return tx.InsertTask(ctx, "limit.cards", store.AllCards, "task.cards_paused", why, s.Now())
}

// PauseCards keeps every new card out until staff let them in again.
func (s *Service) PauseCards(ctx context.Context, actor paylink.Actor) error {
	defer s.cards.Store(nil)
	return s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		lock, err := tx.PayLock(ctx, store.AllCards)
		if err != nil || lock.Stands(now) && lock.Why == store.LockStaff {
			return err
		}
		// A breaker ends by itself; this does not.
		if _, err := tx.LiftPayLock(ctx, store.AllCards, now.Add(-time.Microsecond)); err != nil {
			return err
		}
		return s.lockCards(ctx, tx, actor, store.PayLock{Subject: store.AllCards, Why: store.LockStaff, LockedAt: now}, nil)
	})
}

// LiftLock lets a link, or all cards, be paid by again. What was declined before is not counted again.
func (s *Service) LiftLock(ctx context.Context, actor paylink.Actor, subject string) error {
	defer s.cards.Store(nil)
	return s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		lifted, err := tx.LiftPayLock(ctx, subject, now)
		if err != nil {
			return err
		}
		if !lifted {
			return paylink.Fail(paylink.Conflict, "lock.lifted")
		}
		if subject == store.AllCards {
			if err := tx.DoneTask(ctx, "limit.cards", subject, now); err != nil {
				return err
			}
			return tx.Audit(ctx, actor, "cards.opened", subject, nil, now)
		}
		link, err := tx.Link(ctx, subject)
		if err != nil {
			return err
		}
		if err := tx.DoneTask(ctx, "limit.link", subject, now); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "link.unlocked", link.InvoiceID, map[string]any{"link": link.ID}, now)
	})
}

// LetPlace lets a place begin payments again.
func (s *Service) LetPlace(ctx context.Context, actor paylink.Actor, place string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		known, err := tx.ForgetLimit(ctx, placeKey(place))
		if err != nil || !known {
			return err
		}
		return tx.Audit(ctx, actor, "place.let", place, nil, s.Now())
	})
}

// Limits is how the limits stand, for staff.
type Limits struct {
	Cards          *store.PayLock // nil while cards are taken
	Links          []store.PayLock
	Places         []Place
	Declined, Paid int // by card in Window
	Window         time.Duration
}

// Place is an address that began so many payments that it has to wait.
type Place struct {
	Place string
	N     int
	Until time.Time
}

// Limits reads how the limits stand.
func (s *Service) Limits(ctx context.Context) (Limits, error) {
	now := s.Now()
	l := Limits{Window: breakerWindow}
	locks, err := s.store.PayLocks(ctx, now)
	if err != nil {
		return l, err
	}
	for _, lock := range locks {
		if lock.Subject == store.AllCards {
			l.Cards = &lock
		} else {
			l.Links = append(l.Links, lock)
		}
	}
	counts, err := s.store.LimitCounts(ctx, placeKey(""), now.Add(-placeWindow), placeMost)
	if err != nil {
		return l, err
	}
	for _, c := range counts {
		l.Places = append(l.Places, Place{c.Key[len(placeKey("")):], c.N, c.Since.Add(placeWindow)})
	}
	if l.Declined, err = s.store.CountCards(ctx, now.Add(-breakerWindow), paylink.Failed); err != nil {
		return l, err
	}
	l.Paid, err = s.store.CountCards(ctx, now.Add(-breakerWindow), paylink.Succeeded, paylink.Authorized)
	return l, err
}

// SweepLimitsJob handles jobs of kind limits.sweep: it forgets counts that say nothing any more.
func (s *Service) SweepLimitsJob(ctx context.Context, _ store.Job) error {
	for {
		var n int
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.PurgeLimits(ctx, s.Now().Add(-24*time.Hour))
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
