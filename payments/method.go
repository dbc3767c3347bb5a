package payments

import (
	"context"

	"paylink"
	"paylink/store"
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

// RemoveMethod takes a method away from a customer at once.
func (s *Service) RemoveMethod(ctx context.Context, actor paylink.Actor, customerID, methodID string) error {
	return errLater
}

// DetachJob handles jobs of kind method.detach.
func (s *Service) DetachJob(ctx context.Context, job store.Job) error { return errLater }

// SweepMethods lets go of accounts that nobody saved, and of exchanges that came to nothing.
func (s *Service) SweepMethods(ctx context.Context) error { return errLater }

// PlaidEventJob handles jobs of kind plaid.event.
func (s *Service) PlaidEventJob(ctx context.Context, job store.Job) error { return errLater }
