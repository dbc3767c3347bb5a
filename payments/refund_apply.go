package payments

import (
	"context"
	"errors"
	"fmt"

	"paylink"
	"paylink/crash"
	"paylink/ledger"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// settled finds the payment that a PaymentIntent made, applied first where its success is not known
// here yet: a refund or dispute may be told before the payment.
func (s *Service) settled(ctx context.Context, intent string) (paylink.Payment, error) {
	if intent == "" {
		return paylink.Payment{}, ErrForeign // a charge without one was not made by us
	}
	p, err := s.store.PaymentByIntent(ctx, intent)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return p, err
	}
	if err == nil && p.Status == paylink.Succeeded {
		return p, nil
	}
	in, err := s.stripe.Intent(ctx, intent)
	if err != nil {
		return p, err
	}
	if p, err = s.Follow(ctx, in); err == nil && p.Status != paylink.Succeeded {
		err = fmt.Errorf("%s is %s here: %w", intent, p.Status, errUnsettled)
	}
	return p, err
}

// reversed applies what an event says happened to money that had arrived.
func (s *Service) reversed(ctx context.Context, event stripe.Event) error {
	switch {
	case event.Kind == "refund":
		r, err := s.stripe.Refund(ctx, event.Object)
		if err != nil {
			return err
		}
		_, err = s.ApplyRefund(ctx, r)
		return err
	case event.Kind == "dispute":
		d, err := s.stripe.Dispute(ctx, event.Object)
		if err != nil {
			return err
		}
		_, err = s.ApplyDispute(ctx, d)
		return err
	case event.Type == "charge.refunded":
		list, err := s.stripe.RefundsOf(ctx, event.Intent)
		if err != nil {
			return err
		}
		for _, r := range list {
			if _, err := s.ApplyRefund(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// ApplyRefund moves a refund to what Stripe says of it, and books it once the money is gone from us or
// back: also one that was made in the Dashboard. Held money that was let go is no refund. It may be
// called any number of times, late and out of order.
func (s *Service) ApplyRefund(ctx context.Context, r stripe.Refund) (paylink.Refund, error) {
	if r.Release {
		return paylink.Refund{}, nil
	}
	p, err := s.settled(ctx, r.Intent)
	if err != nil {
		return paylink.Refund{}, err
	}
	var after paylink.Refund
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		p, invoice, err := s.payment(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		f, fresh, err := s.refundOf(ctx, tx, p, r)
		if err != nil {
			return err
		}
		after = f
		if differs, err := s.refundDiffers(ctx, tx, f, r); err != nil || differs {
			return err
		}
		before := f.Status
		if f.Status.CanBecome(r.Status) {
			f.Status, f.Failure = r.Status, r.Failure
		}
		if f.Status == before {
			return nil
		}
		f.StripeID, f.MovedAt, f.UpdatedAt = r.ID, r.MovedAt, s.Now()
		after = f
		if err := tx.UpdateRefund(ctx, f); err != nil {
			return err
		}
		if err := s.moveRefund(ctx, tx, p, invoice, before, f, fresh); err != nil {
			return err
		}
		crash.At("refund.written")
		return tx.Audit(ctx, "stripe", "refund."+string(f.Status), p.ID, map[string]any{
			"refund": f.ID, "stripe_refund": f.StripeID, "from": before, "amount": f.Amount, "failure": f.Failure, "invoice": p.InvoiceID,
		}, s.Now())
	})
	crash.At("refund.applied")
	return after, err
}

// refundOf finds our row of a refund, or makes one for a refund that we did not ask for, or whose row
// was lost with a backup. fresh says that it was made at Stripe, by a person.
func (s *Service) refundOf(ctx context.Context, tx *store.Tx, p paylink.Payment, r stripe.Refund) (f paylink.Refund, fresh bool, err error) {
	if f, err = tx.RefundByStripe(ctx, r.ID); paylink.KindOf(err) != paylink.NotFound {
		return f, false, err
	}
	now := s.Now()
	f = paylink.Refund{
		ID: paylink.NewID("rfd", now), PaymentID: p.ID, Amount: r.Amount, Fee: money.New(0, r.Amount.Currency),
		Status: paylink.RefundAsked, Actor: "stripe", CreatedAt: now, UpdatedAt: now,
	}
	ours := r.Install == s.Install && r.Refund != "" && r.Payment == p.ID
	if ours {
		known, err := tx.Refund(ctx, r.Refund)
		switch {
		case err == nil && known.PaymentID == p.ID && known.StripeID == "" && known.Status == paylink.RefundAsked:
			return known, false, nil
		case err == nil: // one that carries the id of another, or of one that we gave up, is one of its own
			ours = false
		case paylink.KindOf(err) != paylink.NotFound:
			return f, false, err
		default:
			f.ID, f.OwedAgain = r.Refund, r.OwedAgain
			f.Fee.Minor = min(max(0, r.Fee), r.Amount.Minor)
		}
	}
	f.StripeID = r.ID
	made, err := tx.InsertRefund(ctx, f)
	if err == nil && !made {
		err = fmt.Errorf("keep refund %s: it is there already", r.ID)
	}
	return f, !ours, err
}

// refundDiffers notes what cannot be booked from Stripe's word: another amount, or a status that it has
// not said before. Nothing is guessed.
func (s *Service) refundDiffers(ctx context.Context, tx *store.Tx, f paylink.Refund, r stripe.Refund) (bool, error) {
	d := store.Difference{Subject: r.ID, PaymentID: f.PaymentID, SeenAt: s.Now()}
	switch {
	case f.Amount != r.Amount:
		d.Kind, d.Ours, d.Theirs = differsRefundAmount, f.Amount.String(), r.Amount.String()
	case !r.Status.Moved() && !r.Status.Final():
		d.Kind, d.Ours, d.Theirs = differsRefundStatus, string(f.Status), string(r.Status)
	default:
		return false, s.agree(ctx, tx, r.ID, differsRefundAmount, differsRefundStatus, differsRefundLost)
	}
	return true, tx.PutDifference(ctx, d)
}

// moveRefund books what became of a refund's money, and all that follows from it.
func (s *Service) moveRefund(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, was paylink.RefundStatus, f paylink.Refund, foreign bool) error {
	switch {
	case was.Moved() == f.Status.Moved():
		return nil
	case f.Status.Moved():
		if err := s.bookRefund(ctx, tx, p, invoice, f); err != nil {
			return err
		}
		if foreign {
			if err := s.tellRefund(ctx, tx, f, "refund.foreign"); err != nil {
				return err
			}
		}
	default:
		if err := s.unbookRefund(ctx, tx, p, invoice, f); err != nil {
			return err
		}
		if err := s.tellRefund(ctx, tx, f, "refund.failed"); err != nil {
			return err
		}
	}
	revised, err := s.revise(ctx, tx, p, invoice)
	if err != nil {
		return err
	}
	return enqueue(ctx, tx, "mail.receipt", fmt.Sprintf("%s/%d", revised.ID, revised.Revision), map[string]any{
		"receipt_id": revised.ID, "revision": revised.Revision,
	}, s.Now())
}

// bookRefund takes the refund out of what is left of the payment. What is not owed again is credited,
// so that a paid invoice stays paid.
func (s *Service) bookRefund(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, f paylink.Refund) error {
	left, err := s.left(ctx, tx, p)
	if err != nil {
		return err
	}
	took, over := left.take(f.Amount.Minor, f.Fee.Minor)
	header := ledger.Header{ID: paylink.NewID("ltx", s.Now()), SourceType: "refund", SourceID: f.ID, At: f.MovedAt}
	booked, err := ledger.Refund(header, took.split(p))
	if err != nil {
		return fmt.Errorf("book refund: %w", err)
	}
	if err := post(ctx, tx, booked); err != nil {
		return err
	}
	if over > 0 {
		if err := s.tellRefund(ctx, tx, f, "refund.loss"); err != nil {
			return err
		}
	}
	if took.applied == 0 {
		return nil
	}
	if f.OwedAgain {
		return s.openLinks(ctx, tx, invoice)
	}
	header.ID = paylink.NewID("ltx", s.Now())
	credit, err := ledger.CreditNote(header, invoice.ID, money.New(took.applied, p.Amount.Currency))
	if err != nil {
		return fmt.Errorf("credit refund: %w", err)
	}
	return post(ctx, tx, credit)
}

// unbookRefund books a refund that did not arrive back: the money is with us, and the invoice stands
// as it did before, unless it was paid again.
func (s *Service) unbookRefund(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, f paylink.Refund) error {
	booked, err := tx.Transaction(ctx, ledger.KindRefund, "refund", f.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	back, err := booked.Reverse(paylink.NewID("ltx", now), ledger.KindRefundFailed, "refund", f.ID, now)
	if err != nil {
		return err
	}
	if err := post(ctx, tx, back); err != nil {
		return err
	}
	credit, err := tx.Transaction(ctx, ledger.KindCredit, "refund", f.ID)
	if err == nil {
		if credit, err = credit.Reverse(paylink.NewID("ltx", now), ledger.KindCredit, "refund_failed", f.ID, now); err != nil {
			return err
		}
		return post(ctx, tx, credit)
	}
	if paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	if err := s.paidAgain(ctx, tx, p, invoice, ledger.Header{SourceType: "refund", SourceID: f.ID, At: now}); err != nil {
		return err
	}
	return s.closePaid(ctx, tx, invoice)
}

// paidAgain sees what came back to an invoice that was paid by other money meanwhile: what it does not ask
// for is the customer's overpayment, and a task for staff.
func (s *Service) paidAgain(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, h ledger.Header) error {
	balance, err := tx.BalanceOf(ctx, invoice)
	if err != nil {
		return err
	}
	excess := money.New(balance.Credited+balance.Paid-balance.Total, invoice.Currency)
	if excess.Minor <= 0 {
		return nil
	}
	h.ID = paylink.NewID("ltx", s.Now())
	booked, err := ledger.Overpaid(h, p.CustomerID, invoice.ID, excess)
	if err != nil {
		return err
	}
	if err := post(ctx, tx, booked); err != nil {
		return err
	}
	return s.tellExcess(ctx, tx, p, invoice, excess)
}

// post books what must not have been booked before: only a broken row can say that it was.
func post(ctx context.Context, tx *store.Tx, t ledger.Transaction) error {
	fresh, err := tx.Post(ctx, t)
	if err == nil && !fresh {
		err = errors.New("book " + string(t.Kind) + " of " + t.SourceID + ": it was booked before")
	}
	return err
}

// parts are what of a payment's money is where, in minor units.
type parts struct{ applied, excess, fee int64 }

// left is what of a payment is still with us by the books: what came, less what was refunded, returned
// and taken for disputes. A negative excess is a claim on a customer who got money back twice.
func (s *Service) left(ctx context.Context, tx *store.Tx, p paylink.Payment) (parts, error) {
	refunds, err := tx.RefundsOf(ctx, p.ID)
	if err != nil {
		return parts{}, err
	}
	disputes, err := tx.DisputesOf(ctx, p.ID)
	if err != nil {
		return parts{}, err
	}
	var refundIDs, disputeIDs []string
	for _, f := range refunds {
		refundIDs = append(refundIDs, f.ID)
	}
	for _, d := range disputes {
		disputeIDs = append(disputeIDs, store.DisputeSources(d)...)
	}
	var sum parts
	for _, from := range []struct {
		source string
		ids    []string
		kinds  []ledger.Kind
	}{
		{"payment", []string{p.ID}, []ledger.Kind{ledger.KindPayment}},
		{"refund", refundIDs, []ledger.Kind{ledger.KindRefund, ledger.KindRefundFailed, ledger.KindOverpayment}},
		{"dispute", disputeIDs, append([]ledger.Kind{ledger.KindOverpayment}, disputeKinds...)},
	} {
		booked, err := tx.Booked(ctx, from.source, from.ids, from.kinds...)
		if err != nil {
			return parts{}, err
		}
		sum = sum.plus(partsOf(p, booked))
	}
	return sum, nil
}

// partsOf reads sums by account; income and what is owed to others are credits, that is negative.
func partsOf(p paylink.Payment, sums map[ledger.Account]int64) parts {
	return parts{
		applied: -sums[ledger.Invoice(p.InvoiceID)], excess: -sums[ledger.Overpayment(p.CustomerID)], fee: -sums[ledger.Fees],
	}
}

func (p parts) plus(q parts) parts {
	return parts{p.applied + q.applied, p.excess + q.excess, p.fee + q.fee}
}

// take divides a sum that goes back: this much of it fee, the rest first out of what was paid too much,
// then off the invoice, then the fee. over is what was not there any more: the customer got it twice
// and owes it.
func (p parts) take(minor, fee int64) (took parts, over int64) {
	took.fee = min(fee, max(0, p.fee))
	rest := minor - took.fee
	took.excess = min(rest, max(0, p.excess))
	rest -= took.excess
	took.applied = min(rest, max(0, p.applied))
	rest -= took.applied
	more := min(rest, max(0, p.fee-took.fee))
	took.fee += more
	over = rest - more
	took.excess += over
	return took, over
}

func (p parts) split(of paylink.Payment) ledger.Split {
	currency := of.Amount.Currency
	return ledger.Split{
		Held: ledger.Stripe(currency), Invoice: of.InvoiceID, Customer: of.CustomerID,
		Applied: money.New(p.applied, currency), Fee: money.New(p.fee, currency), Excess: money.New(p.excess, currency),
	}
}

// unasked is what of a payment is left and not asked back yet.
func (s *Service) unasked(ctx context.Context, tx *store.Tx, p paylink.Payment) (parts, error) {
	left, err := s.left(ctx, tx, p)
	if err != nil {
		return left, err
	}
	refunds, err := tx.RefundsOf(ctx, p.ID)
	if err != nil {
		return left, err
	}
	for _, f := range refunds {
		if f.Status == paylink.RefundAsked {
			took, _ := left.take(f.Amount.Minor, f.Fee.Minor)
			left = left.plus(parts{-took.applied, -took.excess, -took.fee})
		}
	}
	return left, nil
}
