package payments

import (
	"context"

	"paylink"
	"paylink/store"
)

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
func (s *Service) CheckAgain(ctx context.Context, actor paylink.Actor, differenceID string) error { return errLater }
