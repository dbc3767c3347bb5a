package payments

import (
	"context"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
)

// RefundRequest asks for money of one payment to go back.
type RefundRequest struct {
	Key       string // of the form or the call; the same key is the same refund
	PaymentID string
	Amount    money.Amount // of what was applied to the invoice; zero is all that is left
	Fee       bool         // the fee that is left goes back too
	OwedAgain bool         // the invoice asks for it again; else it is credited
	Reason    string
	Actor     paylink.Actor
}

// Refund gives money of a payment back.
func (s *Service) Refund(ctx context.Context, r RefundRequest) (paylink.Refund, error) {
	return paylink.Refund{}, errLater
}

// ApplyRefund moves a refund to what Stripe says of it, also of one that was made in the Dashboard.
func (s *Service) ApplyRefund(ctx context.Context, r stripe.Refund) (paylink.Refund, error) {
	return paylink.Refund{}, errLater
}

// RecoverRefunds looks after refunds whose outcome is not known, and those that take the banks' time.
func (s *Service) RecoverRefunds(ctx context.Context) error { return errLater }
