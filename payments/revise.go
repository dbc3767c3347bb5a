package payments

import (
	"context"

	"paylink"
	"paylink/money"
	"paylink/store"
)

// revise gives the receipt of a payment its next revision when what it says is no longer so: money went
// back, or a refund came back. The one before stays as it is. The zero Receipt says that nothing
// changed.
func (s *Service) revise(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice) (paylink.Receipt, error) {
	last, err := tx.ReceiptByPayment(ctx, p.ID)
	if err != nil {
		return last, err
	}
	refunds, err := tx.RefundsOf(ctx, p.ID)
	if err != nil {
		return last, err
	}
	disputes, err := tx.DisputesOf(ctx, p.ID)
	if err != nil {
		return last, err
	}
	refunded, returned := int64(0), int64(0)
	for _, f := range refunds {
		if f.Status.Moved() {
			refunded += f.Amount.Minor
		}
	}
	for _, d := range disputes {
		if gone(d) {
			returned += d.Withdrawn
		}
	}
	status := paylink.ReceiptPaid
	switch {
	case returned > 0:
		status = paylink.ReceiptReturned
	case refunded >= p.Charged().Minor:
		status = paylink.ReceiptRefunded
	case refunded > 0:
		status = paylink.ReceiptPartlyRefunded
	}
	if last.Returned.Minor == returned && last.Refunded.Minor == refunded {
		return paylink.Receipt{}, nil
	}
	balance, err := tx.Balance(ctx, invoice.ID)
	if err != nil {
		return last, err
	}
	left, err := s.left(ctx, tx, p)
	if err != nil {
		return last, err
	}
	amount := func(minor int64) money.Amount { return money.New(minor, invoice.Currency) }
	next := last
	next.Revision, next.Status, next.IssuedAt = last.Revision+1, status, s.Now()
	next.Refunded, next.Returned = amount(refunded), money.Amount{}
	if returned > 0 {
		next.Returned = amount(returned)
	}
	// Where the invoice stands now: what other payments brought, before and since, and what is still to pay.
	next.Total, next.Credited = invoice.Total, amount(balance.Credited)
	next.PaidBefore = amount(balance.Paid - left.applied)
	next.OnItsWay, next.BeingPaid = amount(balance.FromBank), amount(balance.Pending-balance.FromBank)
	next.StillToPay = amount(balance.Due())
	return next, tx.InsertReceiptRevision(ctx, next)
}

// openLinks lets links that had come to show receipts alone ask for money again.
func (s *Service) openLinks(ctx context.Context, tx *store.Tx, invoice paylink.Invoice) error {
	firm, err := tx.Firm(ctx)
	if err != nil {
		return err
	}
	return s.eachLink(ctx, tx, invoice, func(link *paylink.Link) bool {
		return link.Reopen(s.Now(), invoice.Due.End(firm.Location()))
	})
}

// closePaid marks the links as paid when nothing is left to pay, as a payment does.
func (s *Service) closePaid(ctx context.Context, tx *store.Tx, invoice paylink.Invoice) error {
	balance, err := tx.Balance(ctx, invoice.ID)
	if err != nil {
		return err
	}
	return s.closeLinks(ctx, tx, invoice, balance.Total-balance.Credited-balance.Paid)
}

// eachLink changes the links of an invoice, each locked first.
func (s *Service) eachLink(ctx context.Context, tx *store.Tx, invoice paylink.Invoice, change func(*paylink.Link) bool) error {
	links, err := tx.LinksOf(ctx, invoice.ID)
	if err != nil {
		return err
	}
	for _, listed := range links {
		link, err := tx.LockLink(ctx, listed.ID)
		if err != nil {
			return err
		}
		if !change(&link) {
			continue
		}
		if err := tx.UpdateLink(ctx, link); err != nil {
			return err
		}
	}
	return nil
}
