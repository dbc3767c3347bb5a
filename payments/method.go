package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

const (
	// idleFor is how long an account that nobody saved is kept after its last payment settled: as long
	// as its debit may come back. Taken away earlier, the permission for that debit would end with it.
	idleFor = 75 * 24 * time.Hour
	// detachAgain is how long a removed method waits for a payment by it, before it is looked at again.
	detachAgain = time.Hour
	// sweepAtOnce bounds the rows that a sweep reads at a time.
	sweepAtOnce = 200
)

// Methods lists what a browser may see of a customer's methods, newest first: its own, and saved ones
// if it proved the mailbox. Blocked and expired ones are among them.
func (s *Service) Methods(ctx context.Context, customerID, visitor string, proven bool) ([]paylink.Method, error) {
	list, err := s.store.MethodsOf(ctx, customerID)
	if err != nil {
		return nil, err
	}
	seen := list[:0]
	for _, m := range list {
		if m.SeenBy(visitor, proven) {
			seen = append(seen, m)
		}
	}
	return seen, nil
}

// keep saves a payment's card or account for next time once its money is on its way, held or there,
// if the payer agreed to that, in the transaction of Apply.
func (s *Service) keep(ctx context.Context, tx *store.Tx, before, p paylink.Payment, in stripe.Intent) error {
	if p.SaveConsent.Text == "" || !granted(p.Status) || granted(before.Status) {
		return nil
	}
	if err := tx.LockMethods(ctx, p.CustomerID); err != nil {
		return err
	}
	if p.MethodID == "" {
		return s.keepCard(ctx, tx, p, in)
	}
	m, err := tx.Method(ctx, p.MethodID)
	if err != nil || !m.SavedAt.IsZero() || !m.RemovedAt.IsZero() {
		return err
	}
	now := s.Now()
	m.SavedAt, m.Consent, m.UpdatedAt = now, p.SaveConsent, now
	if err := tx.UpdateMethod(ctx, m); err != nil {
		return err
	}
	return s.noteSaved(ctx, tx, m, p)
}

func granted(status paylink.PaymentStatus) bool {
	return status == paylink.Processing || status == paylink.Authorized || status == paylink.Succeeded
}

// keepCard keeps the card of a payment. The same card saved before gives way: its month may be newer.
func (s *Service) keepCard(ctx context.Context, tx *store.Tx, p paylink.Payment, in stripe.Intent) error {
	if in.Method == "" || in.Card.Last4 == "" {
		return nil // Stripe did not say what was kept: nothing is offered
	}
	alike, err := tx.MethodsAlike(ctx, p.CustomerID, in.Fingerprint)
	if err != nil {
		return err
	}
	for _, old := range alike {
		if !old.RemovedAt.IsZero() || old.StripeID == in.Method {
			continue
		}
		if err := s.retire(ctx, tx, old, s.Now()); err != nil {
			return err
		}
	}
	now := s.Now()
	m := paylink.Method{
		ID: paylink.NewID("mth", now), CustomerID: p.CustomerID, Kind: paylink.MethodCard, StripeID: in.Method,
		Fingerprint: in.Fingerprint, Card: in.Card, SavedAt: now, Consent: p.SaveConsent, CreatedAt: now, UpdatedAt: now,
	}
	if fresh, err := tx.InsertMethod(ctx, m); err != nil || !fresh {
		return err
	}
	return s.noteSaved(ctx, tx, m, p)
}

func (s *Service) noteSaved(ctx context.Context, tx *store.Tx, m paylink.Method, p paylink.Payment) error {
	return tx.Audit(ctx, system, "method.saved", m.ID, map[string]any{
		"customer": m.CustomerID, "payment": p.ID, "label": m.Label(), "version": m.Consent.Version, "at": m.Consent.At,
	}, s.Now())
}

// RemoveMethod takes a card or account away from a customer: it is not offered from now on, and a job
// lets go of it at Stripe and at Plaid. While a payment by it is on its way it stays.
func (s *Service) RemoveMethod(ctx context.Context, actor paylink.Actor, customerID, methodID string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.LockMethods(ctx, customerID); err != nil {
			return err
		}
		m, err := tx.Method(ctx, methodID)
		if err != nil {
			return err
		}
		if m.CustomerID != customerID || !m.RemovedAt.IsZero() {
			return paylink.Fail(paylink.NotFound, "method.unknown")
		}
		busy, err := busy(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		if busy {
			return paylink.Fail(paylink.Conflict, "method.busy")
		}
		if err := s.retire(ctx, tx, m, s.Now()); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "method.removed", m.ID, map[string]any{"customer": m.CustomerID, "label": m.Label()}, s.Now())
	})
}

// busy says whether a payment by a method may still want it. A held card amount does not.
func busy(ctx context.Context, tx *store.Tx, methodID string) (bool, error) {
	made, err := tx.PaymentsBy(ctx, methodID)
	if err != nil {
		return false, err
	}
	for _, p := range made {
		if p.Status.Reserving() && p.Status != paylink.Authorized {
			return true, nil
		}
	}
	return false, nil
}

type detachJob struct {
	Method string `json:"method_id"`
}

// retire marks a method removed and queues what follows. A payment that is being made by it, in another
// tab or by a debit on its way, keeps what it needs until it ended. The customer's methods are locked.
func (s *Service) retire(ctx context.Context, tx *store.Tx, m paylink.Method, detachAt time.Time) error {
	now := s.Now()
	m.RemovedAt, m.UpdatedAt = now, now
	if err := tx.UpdateMethod(ctx, m); err != nil {
		return err
	}
	if err := tx.RevokeIdleMandates(ctx, m.ID, now); err != nil {
		return err
	}
	return enqueue(ctx, tx, "method.detach", m.ID, detachJob{Method: m.ID}, detachAt)
}

// DetachJob handles jobs of kind method.detach: Stripe and Plaid let go of a removed method, once no
// payment by it is on its way.
func (s *Service) DetachJob(ctx context.Context, job store.Job) error {
	var what detachJob
	if err := json.Unmarshal(job.Payload, &what); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	m, err := s.store.Method(ctx, what.Method)
	if err != nil || m.RemovedAt.IsZero() {
		return err
	}
	if free, err := s.letGo(ctx, m); err != nil || !free {
		return err
	}
	customer, err := s.store.Customer(ctx, m.CustomerID)
	if err != nil {
		return err
	}
	if customer.StripeCustomer != "" {
		// A key of its own each time: an answer kept for a day would stand in the way.
		key := s.key(m.ID, paylink.NewID("detach", s.Now()))
		if err := s.stripe.Detach(ctx, key, customer.StripeCustomer, m.StripeID); err != nil {
			return err
		}
	}
	if m.PlaidSealed == "" {
		return nil
	}
	alive, err := s.store.MethodsByItem(ctx, m.PlaidItem)
	if err != nil {
		return err
	}
	if len(alive) == 0 { // a login at a bank may stand behind more than one account
		if err := s.removeItem(ctx, methodRow(m.ID), m.PlaidSealed); err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
			return err
		}
		m, err := tx.Method(ctx, m.ID)
		if err != nil {
			return err
		}
		m.PlaidSealed, m.UpdatedAt = "", s.Now()
		return tx.UpdateMethod(ctx, m)
	})
}

// letGo ends what is left of the permissions for a removed method, or puts that off while a payment by
// it is on its way. Nothing new is made by it.
func (s *Service) letGo(ctx context.Context, m paylink.Method) (free bool, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		free = false
		if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
			return err
		}
		busy, err := busy(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		now := s.Now()
		if busy {
			return enqueue(ctx, tx, "method.detach", paylink.NewID("again", now), detachJob{Method: m.ID}, now.Add(detachAgain))
		}
		free = true
		return tx.RevokeMandates(ctx, m.ID, now)
	})
	return free, err
}

// SweepMethods lets go of accounts that nobody saved once their last debit cannot come back any more,
// and looks after exchanges at Plaid that became no method. What fails is tried by the next sweep.
func (s *Service) SweepMethods(ctx context.Context) error {
	idle, err := s.store.IdleMethods(ctx, s.Now().Add(-idleFor), sweepAtOnce)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range idle {
		if err := s.RemoveMethod(ctx, system, m.CustomerID, m.ID); err != nil {
			failed = append(failed, fmt.Errorf("let go of %s: %w", m.ID, err))
		}
	}
	before := s.Now().Add(-exchangeLife)
	for after := ""; ; {
		open, err := s.store.OpenExchanges(ctx, before, after, sweepAtOnce)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, x := range open {
			if err := s.closeExchange(ctx, x); err != nil {
				failed = append(failed, fmt.Errorf("close %s: %w", x.ID, err))
			}
		}
		if len(open) < sweepAtOnce {
			return errors.Join(failed...)
		}
		after = open[len(open)-1].ID
	}
}
