package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"paylink"
	"paylink/crash"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// ErrForeign says that a PaymentIntent is not of this installation: another program uses the same
// account at Stripe.
var ErrForeign = errors.New("payment intent of another program")

// Apply moves a payment to what Stripe says of its PaymentIntent and, if the money moved, posts it,
// gives the receipt its number and queues the mail, all in one transaction. It may be called any
// number of times, late and out of order: an older report never replaces a newer one, and success
// is booked once.
func (s *Service) Apply(ctx context.Context, in stripe.Intent) (paylink.Payment, error) {
	if in.Install != s.Install || in.Payment == "" {
		return paylink.Payment{}, ErrForeign
	}
	var after paylink.Payment
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		p, invoice, err := s.payment(ctx, tx, in.Payment)
		if err != nil {
			return err
		}
		before := p
		if why := s.disbelieve(p, in); why != "" {
			after, err = s.quarantine(ctx, tx, p, in, why)
			return err
		}
		p.Problem = ""
		p.PaymentIntent = in.ID // known late when the answer to its making was lost
		learn(&p, in)
		next := s.next(p, in)
		if !p.Status.CanBecome(next) {
			next = p.Status
		}
		p.Status = next
		if next == paylink.Succeeded && before.Status != paylink.Succeeded {
			if err := s.settle(ctx, tx, &p, before.Status, invoice, in); err != nil {
				return err
			}
			crash.At("pay.T3.written")
		}
		if err := s.expect(ctx, tx, before.Status, &p); err != nil {
			return err
		}
		after = p
		if p == before {
			return nil
		}
		p.UpdatedAt = s.Now()
		after = p
		if err := tx.UpdatePayment(ctx, p); err != nil {
			return err
		}
		if err := s.follow(ctx, tx, before, p); err != nil {
			return err
		}
		if err := s.declined(ctx, tx, before.Status, p, invoice); err != nil {
			return err
		}
		if err := s.debited(ctx, tx, before, p, invoice, in); err != nil {
			return err
		}
		if err := s.keep(ctx, tx, before, p, in); err != nil {
			return err
		}
		return s.note(ctx, tx, "stripe", before.Status, p)
	})
	crash.At("pay.T3.committed")
	return after, err
}

// disbelieve says why a PaymentIntent cannot be that of the payment (I-4, I-26): then nothing is
// booked from it, and staff look.
func (s *Service) disbelieve(p paylink.Payment, in stripe.Intent) string {
	switch {
	case p.PaymentIntent != "" && p.PaymentIntent != in.ID:
		return "another payment intent"
	case in.Live != s.stripe.Live():
		return "live and test money mixed"
	case p.Status == paylink.Succeeded && p.Capture == paylink.CaptureManual:
		// Its amount is what was captured, while the PaymentIntent goes on saying what was held.
		if in.Status == stripe.StatusDone && in.Received != p.Charged().Minor {
			return fmt.Sprintf("received %d instead of %s", in.Received, p.Charged())
		}
	case in.Amount != p.Charged():
		return fmt.Sprintf("amount %s instead of %s", in.Amount, p.Charged())
	case in.Invoice != p.InvoiceID:
		return "another invoice"
	case in.Status == stripe.StatusDone && p.Capture == paylink.CaptureAutomatic && in.Received != in.Amount.Minor:
		return fmt.Sprintf("received %d of %s", in.Received, in.Amount)
	}
	return ""
}

// quarantine keeps the payment as it is, notes why and tells staff.
func (s *Service) quarantine(ctx context.Context, tx *store.Tx, p paylink.Payment, in stripe.Intent, why string) (paylink.Payment, error) {
	if p.Problem == why {
		return p, nil
	}
	p.Problem, p.UpdatedAt = why, s.Now()
	if err := tx.UpdatePayment(ctx, p); err != nil {
		return p, err
	}
	if err := tx.PutDifference(ctx, s.disbelieved(p, in)); err != nil {
		return p, err
	}
	if err := tx.Audit(ctx, "stripe", "payment.disbelieved", p.ID, map[string]any{"payment_intent": in.ID, "why": why}, s.Now()); err != nil {
		return p, err
	}
	return p, tx.InsertTask(ctx, "payment.disbelieved", p.ID, "task.payment_disbelieved", map[string]any{"why": why}, s.Now())
}

// learn takes over what Stripe knows of the means, once it knows.
func learn(p *paylink.Payment, in stripe.Intent) {
	if in.Card.Last4 != "" {
		p.Card = in.Card
	}
	if in.Bank.Last4 != "" {
		holder := p.Bank.Holder
		p.Bank = in.Bank
		if p.Bank.Holder == "" { // a charge does not name it
			p.Bank.Holder = holder
		}
	}
	switch {
	case passed(in) && (!p.Status.Final() || in.Status == stripe.StatusDone):
		p.Reason = "" // an earlier try was declined, and this one passed
	case in.Declined && !p.Status.Final() && p.Status != paylink.Authorized:
		p.Reason = in.Reason
	}
	if in.Status == stripe.NeedsAction {
		p.SecretShown = true // the page may hand it out from now on
	}
	if in.Charge != "" {
		p.Charge = in.Charge
	}
	if in.Statement != "" {
		p.Statement = in.Statement
	}
	if in.AuthCode != "" {
		p.AuthCode = in.AuthCode
	}
	if !in.CaptureBefore.IsZero() {
		p.CaptureBefore = in.CaptureBefore
	}
}

// passed says whether the bank said yes to the last try.
func passed(in stripe.Intent) bool {
	return in.Status == stripe.StatusMoving || in.Status == stripe.StatusHeld || in.Status == stripe.StatusDone
}

// next reads Stripe's status as ours. The switch is whole: a word that Stripe has not said before
// is unknown, and never a guess (I-14).
func (s *Service) next(p paylink.Payment, in stripe.Intent) paylink.PaymentStatus {
	switch in.Status {
	case stripe.NeedsMethod, stripe.NeedsConfirm:
		switch {
		case !in.Declined:
			return p.Status // not confirmed, or not seen to be: the fence decides, never this
		case p.SecretShown:
			return paylink.Unknown // the browser could confirm again: declined only once fenced
		}
		return paylink.Failed
	case stripe.NeedsAction:
		return paylink.RequiresAction
	case stripe.StatusMoving:
		return paylink.Processing
	case stripe.StatusHeld:
		return paylink.Authorized
	case stripe.StatusDone:
		return paylink.Succeeded
	case stripe.StatusCanceled:
		if p.Reason != "" {
			return paylink.Failed
		}
		return paylink.Canceled
	}
	return paylink.Unknown
}

// follow queues what must come after a change even if this run of the server ends now: the fence
// around a question of the bank that the payer leaves open, and around a declined PaymentIntent.
func (s *Service) follow(ctx context.Context, tx *store.Tx, before, p paylink.Payment) error {
	if before.Status != p.Status {
		if err := s.settledDown(ctx, tx, before); err != nil {
			return err
		}
	}
	switch {
	case before.PaymentIntent == "" && p.Status == paylink.Canceled:
		return s.orphaned(ctx, tx, p) // its making was never answered
	case p.Status == paylink.RequiresAction:
		return enqueue(ctx, tx, "payment.fence", p.ID+"/action", fenceJob{Payment: p.ID, If: paylink.RequiresAction}, s.Now().Add(actionLife))
	case p.Status == paylink.Failed, p.Status == paylink.Unknown:
		return enqueue(ctx, tx, "payment.fence", p.ID+"/declined", fenceJob{Payment: p.ID, If: p.Status}, s.Now())
	}
	return nil
}

// orphaned queues the fence of a PaymentIntent whose payment was given up while it was made. Nobody
// confirms it; nobody shall be able to.
func (s *Service) orphaned(ctx context.Context, tx *store.Tx, p paylink.Payment) error {
	return enqueue(ctx, tx, "payment.fence", p.ID+"/orphan", fenceJob{Payment: p.ID, If: p.Status}, s.Now())
}

// Follow applies what Stripe says and, where a declined payment could still be confirmed by a
// browser that saw its client secret, fences it at once, so that the payer reads the decline.
func (s *Service) Follow(ctx context.Context, in stripe.Intent) (paylink.Payment, error) {
	p, err := s.Apply(ctx, in)
	if err != nil || p.Status != paylink.Unknown || p.Reason == "" {
		return p, err
	}
	if fenced, err := s.Fence(ctx, p.ID); err == nil {
		return fenced, nil
	}
	return p, nil // the queued fence goes on trying
}

// lower is a currency as Stripe writes it.
func lower(c money.Currency) string { return strings.ToLower(string(c)) }
