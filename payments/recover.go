package payments

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"paylink"
	"paylink/crash"
	"paylink/store"
)

const (
	recoverPage = 200
	// recoverAtOnce is how many payments are asked about at a time: as many connections as the adapter
	// keeps, and with Stripe's usual answers no more than the 100 requests a second that it allows.
	// https://docs.stripe.com/rate-limits
	recoverAtOnce = 8
)

// Recover looks after payments that were cut off: by a crash of this or another run of the server,
// a broken network, a payer who left. It finishes what Stripe did, or fences it; it never charges.
// What goes wrong with one is logged and does not keep the others waiting.
func (s *Service) Recover(ctx context.Context) error {
	for after := ""; ; {
		page, err := s.store.UnfinishedPayments(ctx, after, recoverPage)
		if err != nil {
			return err
		}
		if err := s.recoverAll(ctx, page); err != nil {
			return err
		}
		if len(page) < recoverPage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// recoverAll looks after several payments at once, each on one goroutine, and returns when all of them
// ended.
func (s *Service) recoverAll(ctx context.Context, page []paylink.Payment) error {
	var group sync.WaitGroup
	places := make(chan struct{}, recoverAtOnce)
	for _, p := range page {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			err := s.attend(ctx, p)
			if err != nil && ctx.Err() == nil {
				s.Log.Warn("recover payment", "payment_id", p.ID, "status", string(p.Status), "error", err.Error())
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// attend looks after one payment. A panic is its error: this is not the goroutine of the job, where it
// would be one, and would end the server each time it starts.
func (s *Service) attend(ctx context.Context, p paylink.Payment) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := s.warn(ctx, p); err != nil || !s.abandoned(p) {
		return err
	}
	return s.recover(ctx, p)
}

// released says whether the run of the server that began the payment cannot be at work on it now.
func (s *Service) released(p paylink.Payment) bool {
	return s.Now().After(p.LeaseUntil) || p.Boot != s.Boot && s.store.OneServer()
}

// looks are the ages, since a payment last changed, at which Stripe is asked what became of it. Then it
// is asked daily, and after a week of that staff are told that nobody knows.
var looks = []time.Duration{0, 30 * time.Second, 130 * time.Second, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour}

const (
	lookEvery = 24 * time.Hour
	stuckFor  = 6*time.Hour + 7*lookEvery
	// slowAfter is how many bank days a debit may be on its way; Stripe's four are long over by then.
	slowAfter = 10
	// lapseWarning is how long before a hold lapses staff are told: a working day to capture it.
	lapseWarning = 24 * time.Hour
)

// lookedLate says whether an age at which to look has come since the last look.
func lookedLate(since, checked, now time.Time) bool {
	var due time.Time
	for _, age := range looks {
		if at := since.Add(age); !at.After(now) {
			due = at
		}
	}
	last := since.Add(looks[len(looks)-1])
	if daily := now.Sub(last).Truncate(lookEvery); daily > 0 {
		due = last.Add(daily)
	}
	return checked.Before(due)
}

// abandoned says whether the payment wants a look now.
func (s *Service) abandoned(p paylink.Payment) bool {
	now := s.Now()
	late := lookedLate(p.UpdatedAt, p.CheckedAt, now) || p.CheckedAt.Before(s.begun)
	switch p.Status {
	case paylink.Created, paylink.Confirming:
		if p.PaymentIntent == "" {
			return s.released(p)
		}
		// Asking Stripe harms nobody; only letting go of it waits for the lease.
		return late && (s.released(p) || now.Sub(p.UpdatedAt) > lookAfter)
	case paylink.Unknown:
		return late
	case paylink.RequiresAction:
		return late && now.Sub(p.UpdatedAt) > lookAfter
	case paylink.Processing, paylink.Authorized:
		return now.Sub(p.CheckedAt) > time.Hour
	case paylink.Failed, paylink.Canceled, paylink.Succeeded:
	}
	return false
}

// warn tells staff, once, of a payment that takes too long or of a hold that lapses soon (I-16).
func (s *Service) warn(ctx context.Context, p paylink.Payment) error {
	now := s.Now()
	code, args := "", map[string]any{"amount": p.Charged()}
	switch p.Status {
	case paylink.Authorized:
		if !p.CaptureBefore.IsZero() && now.After(p.CaptureBefore.Add(-lapseWarning)) {
			code, args["until"] = "task.hold_lapses", p.CaptureBefore
		}
	case paylink.Processing:
		if paylink.BankDays(paylink.DateOf(p.CreatedAt, time.UTC), slowAfter) < paylink.DateOf(now, time.UTC) {
			code = "task.bank_slow"
		}
	case paylink.Created, paylink.Confirming, paylink.Unknown, paylink.RequiresAction:
		if now.Sub(p.UpdatedAt) > stuckFor {
			code = "task.payment_stuck"
		}
	case paylink.Failed, paylink.Canceled, paylink.Succeeded:
	}
	if code == "" {
		return nil
	}
	_, what, _ := strings.Cut(code, ".")
	kind := "payment." + what
	if told, err := s.store.TaskKnown(ctx, kind, p.ID); err != nil || told {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		invoice, err := tx.Invoice(ctx, p.InvoiceID)
		if err != nil {
			return err
		}
		args["invoice"] = invoice.Number
		return tx.InsertTask(ctx, kind, p.ID, code, args, now)
	})
}

// settledDown closes what staff were told of a payment that took too long, now that it moved.
func (s *Service) settledDown(ctx context.Context, tx *store.Tx, before paylink.Payment) error {
	kind := ""
	switch before.Status {
	case paylink.Authorized:
		kind = "payment.hold_lapses"
	case paylink.Processing:
		kind = "payment.bank_slow"
	case paylink.Created, paylink.Confirming, paylink.Unknown, paylink.RequiresAction:
		if s.Now().Sub(before.UpdatedAt) > stuckFor {
			kind = "payment.payment_stuck"
		}
	case paylink.Failed, paylink.Canceled, paylink.Succeeded:
	}
	if kind == "" {
		return nil
	}
	return tx.DoneTask(ctx, kind, before.ID, s.Now())
}

func (s *Service) recover(ctx context.Context, p paylink.Payment) error {
	if p.PaymentIntent == "" {
		// The id is stored before anything is confirmed, so nothing was: no money can move.
		_, err := s.change(ctx, p.ID, func(p *paylink.Payment) bool {
			if p.PaymentIntent != "" {
				return false
			}
			p.Status = paylink.Canceled
			return true
		})
		return err
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.TouchPayment(ctx, p.ID, s.Now()) }); err != nil {
		return err
	}
	in, err := s.stripe.Intent(ctx, p.PaymentIntent)
	if err != nil {
		return err
	}
	crash.At("recover.asked")
	after, err := s.Follow(ctx, in)
	if err != nil {
		return err
	}
	late := after.Status == paylink.RequiresAction && s.Now().Sub(after.UpdatedAt) > actionLife
	given := p.Status == paylink.Unknown || s.released(p) // nobody will confirm it any more
	if late || given && unconfirmed(in, after) {
		_, err = s.Fence(ctx, p.ID)
	}
	return err
}
