package payments

import (
	"context"

	"paylink"
	"paylink/provider/stripe"
)

// ApplyDispute moves a dispute, or a bank's return, to what Stripe says of it.
func (s *Service) ApplyDispute(ctx context.Context, d stripe.Dispute) (paylink.Dispute, error) {
	return paylink.Dispute{}, errLater
}
