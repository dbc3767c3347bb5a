package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"paylink"
	"paylink/crash"
	"paylink/provider/stripe"
	"paylink/store"
)

// Check asks Stripe about a payment that is not final and applies the answer. It is what the
// payment's page asks for, at most every five seconds; between, it gives what is stored.
func (s *Service) Check(ctx context.Context, id string) (paylink.Payment, error) {
	p, err := s.store.Payment(ctx, id)
	if err != nil || p.Status.Final() || p.PaymentIntent == "" {
		return p, err
	}
	if s.Now().Sub(p.CheckedAt) < checkEvery {
		return p, nil
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.TouchPayment(ctx, id, s.Now()) }); err != nil {
		return p, err
	}
	in, err := s.stripe.Intent(ctx, p.PaymentIntent)
	if err != nil {
		return p, nil //nolint:nilerr // still not known: the page goes on saying so
	}
	return s.Follow(ctx, in)
}

// ClientSecret gives the browser what it needs to answer the bank, fetched from Stripe now and
// stored nowhere, and only while the bank asks.
func (s *Service) ClientSecret(ctx context.Context, id string) (string, error) {
	p, err := s.store.Payment(ctx, id)
	if err != nil {
		return "", err
	}
	if p.Status != paylink.RequiresAction {
		return "", paylink.Fail(paylink.Conflict, "payment.no_action")
	}
	secret, err := s.stripe.ClientSecret(ctx, p.PaymentIntent)
	if err != nil {
		return "", paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	return secret, nil
}

// Fence makes sure that a payment cannot move money any more, by canceling its PaymentIntent, or
// finds that it moved. A reservation ends in no other way (I-9).
func (s *Service) Fence(ctx context.Context, id string) (paylink.Payment, error) {
	p, err := s.store.Payment(ctx, id)
	if err != nil {
		return p, err
	}
	// A key of its own each time: a cancel that came too late is stored as a refusal for a day.
	key := s.key(p.ID, paylink.NewID("cancel", s.Now()))
	crash.At("fence.begun")
	in, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Cancel(ctx, p.PaymentIntent, key)
	})
	crash.At("fence.answered")
	if refusal, ok := errors.AsType[*stripe.Refusal](err); ok {
		// Too late, or canceled before: what happened is Stripe's to say.
		if in, err = s.stripe.Intent(ctx, p.PaymentIntent); err != nil {
			return p, fmt.Errorf("fence payment: %w", errors.Join(refusal, err))
		}
	}
	if err != nil {
		return p, fmt.Errorf("fence payment: %w", err)
	}
	return s.Apply(ctx, in)
}

// find asks Stripe what became of a payment, applies it, and fences what nobody confirmed.
func (s *Service) find(ctx context.Context, id string) (paylink.Payment, error) {
	p, err := s.store.Payment(ctx, id)
	if err != nil {
		return p, err
	}
	in, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Intent(ctx, p.PaymentIntent)
	})
	if err != nil {
		return p, fmt.Errorf("find payment: %w", err)
	}
	after, err := s.Follow(ctx, in)
	if err != nil || !unconfirmed(in, after) {
		return after, err
	}
	return s.Fence(ctx, id)
}

// unconfirmed says whether Stripe has nothing under way for a payment that is not final.
func unconfirmed(in stripe.Intent, p paylink.Payment) bool {
	return !p.Status.Final() && p.Problem == "" && (in.Status == stripe.NeedsMethod || in.Status == stripe.NeedsConfirm)
}

type fenceJob struct {
	Payment string                `json:"payment"`
	If      paylink.PaymentStatus `json:"if"` // only if the payment still stands there
}

// FenceJob handles jobs of kind payment.fence.
func (s *Service) FenceJob(ctx context.Context, job store.Job) error {
	var what fenceJob
	if err := json.Unmarshal(job.Payload, &what); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	p, err := s.store.Payment(ctx, what.Payment)
	if err != nil {
		return err
	}
	if p.Status != what.If {
		return nil
	}
	if p.Status == paylink.RequiresAction {
		// The payer may have answered the bank a moment ago.
		if p, err = s.find(ctx, p.ID); err != nil || p.Status != paylink.RequiresAction {
			return err
		}
	}
	_, err = s.Fence(ctx, p.ID)
	return err
}

// EventJob handles jobs of kind stripe.event: the object that the stored event names is fetched and
// applied. What the event itself says is never believed.
func (s *Service) EventJob(ctx context.Context, job store.Job) error {
	var what struct {
		Event string `json:"event"`
	}
	if err := json.Unmarshal(job.Payload, &what); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	stored, err := s.store.Event(ctx, "stripe", what.Event)
	if err != nil {
		return err
	}
	done := func(note string) error {
		return s.store.Update(ctx, func(tx *store.Tx) error {
			return tx.MarkEvent(ctx, "stripe", what.Event, s.Now(), note)
		})
	}
	event, err := stripe.ParseEvent(stored.Body)
	if err != nil {
		return done("not read: " + err.Error())
	}
	if event.Live != s.stripe.Live() {
		if err := s.store.Update(ctx, func(tx *store.Tx) error {
			return tx.InsertTask(ctx, "event.mode", event.ID, "task.event_mode", nil, s.Now())
		}); err != nil {
			return err
		}
		return done("live and test mixed")
	}
	if event.Setup != "" {
		note, err := s.setupEvent(ctx, event.Setup)
		if err != nil {
			return err
		}
		return done(note)
	}
	if event.Intent == "" {
		return done("")
	}
	in, err := s.stripe.Intent(ctx, event.Intent)
	if err != nil {
		return err // the schedule tries again; nothing is dropped
	}
	crash.At("event.fetched")
	if _, err = s.Follow(ctx, in); err == nil {
		err = s.reversed(ctx, event)
	}
	crash.At("event.applied")
	switch {
	case errors.Is(err, ErrForeign):
		return done("another program's")
	case errors.Is(err, errUnsettled):
		return done("its payment has not settled") // a difference, which reconciliation tells
	case paylink.KindOf(err) == paylink.NotFound:
		if taskErr := s.store.Update(ctx, func(tx *store.Tx) error {
			return tx.InsertTask(ctx, "payment.unmatched", in.ID, "task.payment_unmatched", map[string]any{"amount": in.Amount}, s.Now())
		}); taskErr != nil {
			return taskErr
		}
		return done("no such payment here")
	case err != nil:
		return err
	}
	return done("")
}
