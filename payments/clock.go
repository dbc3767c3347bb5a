package payments

import (
	"context"
	"time"

	"paylink/provider/stripe"
	"paylink/store"
)

// clockDiffers is from when on staff are told that two clocks differ: long before Stripe's webhooks are
// refused for it, and more than an answer is ever under way.
const clockDiffers = time.Minute

// watchClock tells staff while this machine's clock and Stripe's differ, and takes it back when they do
// not: every webhook is refused then, which says nothing of a clock.
func (s *Service) watchClock(ctx context.Context) error {
	ahead, known := s.stripe.ClockAhead()
	if !known {
		return nil
	}
	differs := ahead.Abs() > clockDiffers
	if differs {
		s.Log.Warn("this machine's clock and stripe's differ", "ahead", ahead.String(), "webhooks_refused_from", stripe.SignatureAge.String())
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if !differs {
			return tx.DoneTask(ctx, "clock.differs", "stripe", s.Now())
		}
		return tx.InsertTask(ctx, "clock.differs", "stripe", "task.clock_differs", map[string]any{
			"seconds": int(ahead.Abs().Seconds()), "most": int(stripe.SignatureAge.Minutes()),
		}, s.Now())
	})
}
