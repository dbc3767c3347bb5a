package payments

import (
	"context"
	"time"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

// SweepBalance compares what moved the balance at Stripe in the last 35 days with our books: it finds
// what became of old objects, a late return or a refund that failed, when no event told.
func (s *Service) SweepBalance(ctx context.Context, progress Progress) (Report, error) {
	return s.sweep(ctx, s.newPass(s.Now(), progress))
}

func (s *Service) sweep(ctx context.Context, p *pass) (Report, error) {
	return p.done(ctx, walk(ctx, p, "balance", lastMonth, s.stripe.Movements, p.movement))
}

// SweepJob handles jobs of kind payment.sweep in the same way.
func (s *Service) SweepJob(ctx context.Context, job store.Job) error {
	return s.work(ctx, job, s.sweep)
}

func lastMonth(_ store.ListCursor, now time.Time) time.Time { return now.Add(-firstLook) }

// movement sees that what moved the balance is in the books.
func (p *pass) movement(ctx context.Context, m stripe.Movement) error {
	lost := store.Difference{Kind: differsBalance, Subject: m.ID, Theirs: m.Amount.String() + " " + string(m.Category)}
	have, err := p.store.DifferenceAbout(ctx, differsBalance, m.ID)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	if err := p.moved(ctx, m, lost); err != nil || have.ID == "" {
		return err
	}
	// What stood before and was not seen again now is settled.
	if now, err := p.store.Difference(ctx, have.ID); err != nil || now.SeenAt.After(have.SeenAt) {
		return err
	}
	return p.store.Update(ctx, func(tx *store.Tx) error { return p.agree(ctx, tx, m.ID, differsBalance) })
}

func (p *pass) moved(ctx context.Context, m stripe.Movement, lost store.Difference) error {
	switch m.Category {
	case stripe.MovedCharge:
		return p.chargeMoved(ctx, m, lost)
	case stripe.MovedRefund, stripe.MovedRefundBack:
		f, err := p.store.RefundByStripe(ctx, m.Source)
		if err == nil && (f.Status == paylink.RefundFailed || f.Status.Moved() == (m.Category == stripe.MovedRefund)) {
			return nil
		}
		if err != nil && paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		r, err := p.stripe.Refund(ctx, m.Source)
		if err != nil {
			return err
		}
		_, err = p.ApplyRefund(ctx, r)
		return p.unsettled(ctx, err, lost)
	case stripe.MovedDispute, stripe.MovedDisputeReversed:
		d, err := p.stripe.Dispute(ctx, m.Source)
		if err != nil {
			return err
		}
		_, err = p.ApplyDispute(ctx, d)
		return p.unsettled(ctx, err, lost)
	}
	return nil
}

func (p *pass) chargeMoved(ctx context.Context, m stripe.Movement, lost store.Difference) error {
	have, err := p.store.PaymentByCharge(ctx, m.Source)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	if err != nil || have.Status != paylink.Succeeded {
		if m.Install != p.Install {
			return nil // another program's; of our customers', the list of PaymentIntents tells
		}
		if have, err = p.settled(ctx, m.Intent); err != nil {
			return p.unsettled(ctx, err, lost)
		}
	}
	lost.PaymentID, lost.Ours = have.ID, have.Charged().String()
	// A part that was captured of a held amount is booked by Stripe as the whole and a reversal.
	if have.Capture == paylink.CaptureAutomatic && m.Amount.Currency == have.Amount.Currency && m.Amount != have.Charged() {
		return p.differ(ctx, lost)
	}
	return nil
}
