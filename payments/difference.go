package payments

import (
	"context"

	"paylink"
	"paylink/store"
)

// The kinds of differences. Their sentences are "difference." and the kind in the catalogue.
const (
	differsPayment        = "payment"         // Stripe's PaymentIntent cannot be ours as it is
	differsPaymentLost    = "payment_lost"    // money of ours for an invoice that is not here
	differsRefundAmount   = "refund_amount"   // another amount
	differsRefundStatus   = "refund_status"   // a status that Stripe has not said before
	differsRefundLost     = "refund_lost"     // a refund of a payment that has not settled here
	differsDisputeAmount  = "dispute_amount"  // another currency
	differsDisputePayment = "dispute_payment" // another payment
	differsDisputeLost    = "dispute_lost"    // a dispute of a payment that has not settled here
	differsMode           = "mode"            // live and test mixed
	differsBalance        = "balance"         // money moved at Stripe that is not in the books, or otherwise
)

// differencesMost is how many differences are listed at most.
const differencesMost = 500

// agree closes what stood open about a subject.
func (s *Service) agree(ctx context.Context, tx *store.Tx, subject string, kinds ...string) error {
	for _, kind := range kinds {
		if _, err := tx.CloseDifference(ctx, kind, subject, s.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Differences lists where our books and Stripe do not say the same, newest first.
func (s *Service) Differences(ctx context.Context) ([]store.Difference, error) { return nil, errLater }

// BookRefund books a refund that was made in the Dashboard and could not be booked by itself.
func (s *Service) BookRefund(ctx context.Context, actor paylink.Actor, stripeRefund string) (paylink.Refund, error) {
	return paylink.Refund{}, errLater
}

// ApplyForeign books a payment of our customer that was made elsewhere to an invoice.
func (s *Service) ApplyForeign(ctx context.Context, actor paylink.Actor, paymentIntent, invoiceID string) (paylink.Payment, error) {
	return paylink.Payment{}, errLater
}

// TakeStripesWord settles a payment by the amount that Stripe says instead of ours.
func (s *Service) TakeStripesWord(ctx context.Context, actor paylink.Actor, paymentID string) (paylink.Payment, error) {
	return paylink.Payment{}, errLater
}

// CheckAgain asks Stripe about a difference now.
func (s *Service) CheckAgain(ctx context.Context, actor paylink.Actor, differenceID string) error {
	return errLater
}
