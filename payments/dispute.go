package payments

import (
	"context"
	"fmt"
	"time"

	"paylink"
	"paylink/crash"
	"paylink/ledger"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

var disputeKinds = []ledger.Kind{ledger.KindDispute, ledger.KindReturn, ledger.KindDisputeWon}

// ApplyDispute moves a dispute, or a bank's return of a debit that had succeeded, to what Stripe says
// of it. What Stripe took and gave back for it is booked, and nothing else: an inquiry moves nothing.
// A return, and a lost dispute, open the invoice again; a debit is never tried again by itself. It may
// be called any number of times, late and out of order.
func (s *Service) ApplyDispute(ctx context.Context, d stripe.Dispute) (paylink.Dispute, error) {
	p, err := s.settled(ctx, d.Intent)
	if err != nil {
		return paylink.Dispute{}, err
	}
	var after paylink.Dispute
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		p, invoice, err := s.payment(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		before, err := tx.DisputeByStripe(ctx, d.ID)
		known := err == nil
		if err != nil && paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		if !known {
			before = s.newDispute(p, d)
		}
		after = before
		if differs, err := s.disputeDiffers(ctx, tx, p, before, d); err != nil || differs {
			return err
		}
		if known && !newer(before, d) {
			return nil
		}
		now := after
		now.Reason, now.Status, now.UpdatedAt = d.Reason, string(d.Status), s.Now()
		now.Withdrawn, now.Moves, now.AnswerBy = d.Withdrawn, max(d.Moves, before.Moves), d.AnswerBy
		after = now
		if err := s.moveDispute(ctx, tx, p, invoice, before, now, d.MovedAt); err != nil {
			return err
		}
		if err := s.afterDispute(ctx, tx, p, invoice, before, now, known); err != nil {
			return err
		}
		crash.At("dispute.written")
		return tx.Audit(ctx, "stripe", "dispute."+string(d.Status), p.ID, map[string]any{
			"dispute": now.ID, "stripe_dispute": d.ID, "kind": now.Kind, "from": before.Status, "amount": now.Amount,
			"withdrawn": now.Withdrawn, "reason": now.Reason, "invoice": p.InvoiceID,
		}, s.Now())
	})
	crash.At("dispute.applied")
	return after, err
}

func (s *Service) newDispute(p paylink.Payment, d stripe.Dispute) paylink.Dispute {
	now := s.Now()
	fresh := paylink.Dispute{
		ID: paylink.NewID("dsp", now), PaymentID: p.ID, StripeID: d.ID, Kind: paylink.KindDispute, Amount: d.Amount,
		OpenedAt: d.OpenedAt, CreatedAt: now, UpdatedAt: now,
	}
	if p.Method == paylink.MethodBank {
		fresh.Kind = paylink.KindReturn
	}
	return fresh
}

// newer says whether Stripe's word is newer than what we have: it moved money since, or came further.
func newer(have paylink.Dispute, d stripe.Dispute) bool {
	if d.Moves != have.Moves {
		return d.Moves > have.Moves
	}
	return d.Status.After(stripe.DisputeStatus(have.Status))
}

// disputeDiffers notes a dispute that cannot be booked as it is told.
func (s *Service) disputeDiffers(ctx context.Context, tx *store.Tx, p paylink.Payment, have paylink.Dispute, d stripe.Dispute) (bool, error) {
	found := store.Difference{Subject: d.ID, PaymentID: p.ID, SeenAt: s.Now()}
	switch {
	case d.Live != s.stripe.Live():
		found.Kind, found.Ours, found.Theirs = differsMode, mode(s.stripe.Live()), mode(d.Live)
	case d.Amount.Currency != p.Amount.Currency:
		found.Kind, found.Ours, found.Theirs = differsDisputeAmount, p.Charged().String(), d.Amount.String()
	case have.PaymentID != p.ID:
		found.Kind, found.Ours, found.Theirs = differsDisputePayment, have.PaymentID, p.ID
	default:
		return false, s.agree(ctx, tx, d.ID, differsMode, differsDisputeAmount, differsDisputePayment, differsDisputeLost)
	}
	return true, tx.PutDifference(ctx, found)
}

func mode(live bool) string {
	if live {
		return "live"
	}
	return "test"
}

// moveDispute keeps the dispute and books what was taken or given back since it was last looked at.
func (s *Service) moveDispute(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, before, now paylink.Dispute, at time.Time) error {
	left, err := s.left(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := tx.PutDispute(ctx, now); err != nil {
		return err
	}
	if now.Withdrawn == before.Withdrawn {
		return nil
	}
	header := ledger.Header{
		ID: paylink.NewID("ltx", s.Now()), SourceType: "dispute", SourceID: store.DisputeSource(now, now.Moves), At: at,
	}
	if now.Withdrawn > before.Withdrawn {
		took, over := left.take(now.Withdrawn-before.Withdrawn, 0)
		book := ledger.Dispute
		if now.Kind == paylink.KindReturn {
			book = ledger.Return
		}
		booked, err := book(header, took.split(p))
		if err != nil {
			return fmt.Errorf("book dispute: %w", err)
		}
		if err := post(ctx, tx, booked); err != nil {
			return err
		}
		if over == 0 {
			return nil
		}
		return s.tell(ctx, tx, p, "dispute.loss", "task.loss", now)
	}
	// What comes back goes where this dispute took it from.
	booked, err := tx.Booked(ctx, "dispute", store.DisputeSources(now), disputeKinds...)
	if err != nil {
		return err
	}
	taken := partsOf(p, booked)
	taken = parts{-taken.applied, -taken.excess, -taken.fee}
	took, _ := taken.take(before.Withdrawn-now.Withdrawn, 0)
	given, err := ledger.Dispute(header, took.split(p))
	if err != nil {
		return fmt.Errorf("book dispute: %w", err)
	}
	if given, err = given.Reverse(header.ID, ledger.KindDisputeWon, header.SourceType, header.SourceID, at); err != nil {
		return fmt.Errorf("book dispute: %w", err)
	}
	given.Memo = ""
	if err := post(ctx, tx, given); err != nil {
		return err
	}
	return s.paidAgain(ctx, tx, p, invoice, header)
}

// gone says whether a dispute took money for good.
func gone(d paylink.Dispute) bool {
	return d.Withdrawn > 0 && (d.Kind == paylink.KindReturn || stripe.DisputeStatus(d.Status) == stripe.DisputeLost)
}

// afterDispute does what follows from where a dispute now stands: the receipt, the links, the method,
// and who has to know.
func (s *Service) afterDispute(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, before, now paylink.Dispute, known bool) error {
	revised, err := s.revise(ctx, tx, p, invoice)
	if err != nil {
		return err
	}
	status := stripe.DisputeStatus(now.Status)
	if status.Over() {
		if err := tx.DoneTask(ctx, "dispute.open", p.ID, s.Now()); err != nil {
			return err
		}
	}
	switch {
	case gone(now) && !gone(before):
		return s.takenBack(ctx, tx, p, now, revised)
	case now.Withdrawn < before.Withdrawn:
		if err := tx.DoneTask(ctx, "dispute.lost", p.ID, s.Now()); err != nil {
			return err
		}
		return s.closePaid(ctx, tx, invoice)
	case !status.Over() && (!known || status.Inquiry() != stripe.DisputeStatus(before.Status).Inquiry()):
		code := "task.dispute_open"
		if status.Inquiry() {
			code = "task.dispute_inquiry"
		}
		if err := tx.DoneTask(ctx, "dispute.open", p.ID, s.Now()); err != nil { // of the inquiry that it was
			return err
		}
		return s.tell(ctx, tx, p, "dispute.open", code, now)
	}
	return nil
}

// takenBack opens the way to pay again, and tells the payer and the firm, after a return or a lost
// dispute.
func (s *Service) takenBack(ctx context.Context, tx *store.Tx, p paylink.Payment, d paylink.Dispute, revised paylink.Receipt) error {
	code := "task.dispute_lost"
	if d.Kind == paylink.KindReturn {
		code = "task.payment_returned"
		if err := s.cameBack(ctx, tx, p, returnReasons[d.Reason]); err != nil {
			return err
		}
		// Whatever the reason, an account whose money went back is not offered again; its owner may connect it anew.
		if p.MethodID != "" {
			if err := s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, blockedReturned); err != nil {
				return err
			}
		}
	}
	if err := s.tell(ctx, tx, p, "dispute.lost", code, d); err != nil {
		return err
	}
	return enqueue(ctx, tx, "link.reopen", fmt.Sprintf("%s/%d", d.ID, revised.Revision), map[string]any{
		"payment_id": p.ID, "dispute_id": d.ID, "reason": d.Reason, "revision": revised.Revision,
	}, s.Now())
}

// returnReasons are Stripe's reasons for a return in the words of a debit that failed; the payer's own
// objection is among them. https://docs.stripe.com/payments/ach-direct-debit#disputed-payments
var returnReasons = map[string]paylink.DeclineReason{
	"insufficient_funds":        paylink.DeclinedFunds,
	"incorrect_account_details": paylink.DeclinedNoAccount,
	"debit_not_authorized":      paylink.DeclinedUnauthorized,
	"customer_initiated":        paylink.DeclinedUnauthorized,
}

// tell opens a task about a payment that was disputed or returned.
func (s *Service) tell(ctx context.Context, tx *store.Tx, p paylink.Payment, kind, code string, d paylink.Dispute) error {
	invoice, err := tx.Invoice(ctx, p.InvoiceID)
	if err != nil {
		return err
	}
	amount := money.New(d.Withdrawn, d.Amount.Currency)
	if d.Withdrawn == 0 {
		amount = d.Amount
	}
	return tx.InsertTask(ctx, kind, p.ID, code, map[string]any{
		"amount": amount, "invoice": invoice.Number, "reason": d.Reason, "means": p.MeansLabel(),
	}, s.Now())
}
