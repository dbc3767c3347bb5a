package payments

import (
	"context"
	"errors"

	"paylink"
	"paylink/crash"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// Capture takes a held amount, or a part of it; the rest is let go. The zero Amount is all of it.
// When nobody knows what the call did, the payment stays held and is asked about: capturing again
// with the same amount changes nothing more.
func (s *Service) Capture(ctx context.Context, actor paylink.Actor, id string, amount money.Amount) (paylink.Payment, error) {
	p, err := s.held(ctx, id)
	if err != nil {
		return p, err
	}
	if amount == (money.Amount{}) {
		amount = p.Charged()
	}
	switch {
	case amount.Currency != p.Amount.Currency:
		return p, paylink.FailField("amount", "currency")
	case amount.Minor <= p.Fee.Minor:
		return p, paylink.FailField("amount", "amount.under", "least", money.New(p.Fee.Minor+1, p.Amount.Currency))
	case amount.Minor > p.Charged().Minor:
		return p, paylink.FailField("amount", "amount.over_held", "most", p.Charged())
	}
	// A key of its own each time: an error that Stripe keeps for a day must not stand in the way. What is
	// held is captured once, whatever the key.
	key := s.key(p.ID, paylink.NewID("capture", s.Now()))
	return s.settleHold(ctx, actor, p, "payment.capture_asked", amount, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Capture(ctx, p.PaymentIntent, key, amount)
	})
}

// Void lets a held amount go: nothing is charged, and the invoice can be paid again.
func (s *Service) Void(ctx context.Context, actor paylink.Actor, id string) (paylink.Payment, error) {
	p, err := s.held(ctx, id)
	if err != nil {
		return p, err
	}
	key := s.key(p.ID, paylink.NewID("cancel", s.Now()))
	return s.settleHold(ctx, actor, p, "payment.void_asked", p.Charged(), func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Cancel(ctx, p.PaymentIntent, key)
	})
}

// held finds a payment that Stripe holds, and refuses any other.
func (s *Service) held(ctx context.Context, id string) (paylink.Payment, error) {
	p, err := s.store.Payment(ctx, id)
	if err == nil && p.Status != paylink.Authorized {
		err = paylink.Fail(paylink.Conflict, "payment.not_held")
	}
	return p, err
}

// settleHold writes down who asked for what, asks Stripe, and applies what Stripe says became of it.
func (s *Service) settleHold(ctx context.Context, actor paylink.Actor, p paylink.Payment, act string, amount money.Amount, call func(context.Context) (stripe.Intent, error)) (paylink.Payment, error) {
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, actor, act, p.ID, map[string]any{"amount": amount}, s.Now())
	}); err != nil {
		return p, err
	}
	ctx = context.WithoutCancel(ctx)
	crash.At("hold.asked")
	in, err := retry(ctx, s.Budget, call)
	crash.At("hold.answered")
	if err != nil {
		// Refused or unknown: what became of it is Stripe's to say.
		found, findErr := s.stripe.Intent(ctx, p.PaymentIntent)
		if findErr != nil {
			return p, paylink.Fail(paylink.Unavailable, "payment.hold_unknown").Because(errors.Join(err, findErr))
		}
		in = found
	}
	after, applyErr := s.Apply(ctx, in)
	switch {
	case applyErr != nil:
		return p, applyErr
	case err != nil && after.Status == paylink.Authorized:
		return after, paylink.Fail(paylink.Unavailable, "payment.hold_unchanged").Because(err)
	}
	return after, nil
}
