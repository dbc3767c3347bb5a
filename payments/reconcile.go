package payments

import "context"

// Progress is told after each page of a list: which list, and how many objects of it were seen.
type Progress func(list string, seen int)

// Report is what a reconciliation found.
type Report struct {
	Seen      map[string]int // objects by list
	Rebuilt   int            // payments and refunds that our books had lost
	Canceled  int            // unconfirmed PaymentIntents of ours that nothing belongs to
	Foreign   int            // payments of our customers that were made elsewhere
	Different int            // differences that stand
}

// Reconcile compares our books with what Stripe has.
func (s *Service) Reconcile(ctx context.Context, progress Progress) (Report, error) {
	return Report{}, errLater
}

// SweepBalance compares what moved the balance at Stripe in the last 35 days with our books.
func (s *Service) SweepBalance(ctx context.Context, progress Progress) (Report, error) {
	return Report{}, errLater
}
