package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"paylink"
	"paylink/crash"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// RefundRequest asks for money of one payment to go back.
type RefundRequest struct {
	Key       string // of the form or the call; the same key is the same refund, none is each time another
	PaymentID string
	Amount    money.Amount // of what was applied to the invoice; zero is all that is left
	Fee       bool         // the fee that is left goes back too
	OwedAgain bool         // the invoice asks for it again; else it is credited
	Reason    string
	Actor     paylink.Actor
}

const (
	// replayFor is how long a refund is sent again with its key: Stripe keeps keys for a day.
	// https://docs.stripe.com/api/idempotent_requests
	replayFor = 23 * time.Hour
	// refundLookAfter is when a refund of which nothing was heard is asked about, whoever is at it.
	refundLookAfter = 2 * time.Minute
)

// errUnsettled says that Stripe took money back of a payment that, by our books, never arrived.
var errUnsettled = errors.New("its payment has not settled")

// Refund gives money of a payment back. Its row is durable and holds the amount before Stripe is asked
// (I-13), so that two who refund at once do not give back more than came. When nobody knows what the
// call did, the refund comes back as asked, and RecoverRefunds finds out. An error means that nothing
// went back, nor will.
func (s *Service) Refund(ctx context.Context, r RefundRequest) (paylink.Refund, error) {
	r.Reason = strings.TrimSpace(r.Reason)
	switch {
	case !utf8.ValidString(r.Reason) || strings.ContainsFunc(r.Reason, func(c rune) bool { return unicode.IsControl(c) && c != '\n' }):
		return paylink.Refund{}, paylink.FailField("reason", "one_line")
	case utf8.RuneCountInString(r.Reason) > paylink.MaxText:
		return paylink.Refund{}, paylink.FailField("reason", "too_long", "most", paylink.MaxText)
	}
	f, p, made, err := s.askRefund(ctx, r)
	if err != nil || !made {
		return f, err
	}
	crash.At("refund.asked")
	return s.sendRefund(context.WithoutCancel(ctx), f, p)
}

// askRefund judges the request under the lock of its payment and writes the refund's row.
func (s *Service) askRefund(ctx context.Context, r RefundRequest) (f paylink.Refund, p paylink.Payment, made bool, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		made = false
		var invoice paylink.Invoice
		var err error
		if p, invoice, err = s.payment(ctx, tx, r.PaymentID); err != nil {
			return err
		}
		if f, err = tx.RefundByKey(ctx, r.Key); err == nil {
			if f.PaymentID != p.ID {
				return paylink.Fail(paylink.Conflict, "form.used")
			}
			return nil
		} else if paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		now := s.Now()
		f = paylink.Refund{
			ID: paylink.NewID("rfd", now), PaymentID: p.ID, Key: r.Key, OwedAgain: r.OwedAgain, Status: paylink.RefundAsked,
			Reason: r.Reason, Actor: r.Actor, CreatedAt: now, UpdatedAt: now,
		}
		if f.Amount, f.Fee, err = s.refundable(ctx, tx, p, r); err != nil {
			return err
		}
		if made, err = tx.InsertRefund(ctx, f); err != nil {
			return err
		}
		if !made { // the key came for another payment in the same moment; this one is locked
			return paylink.Fail(paylink.Conflict, "form.used")
		}
		return tx.Audit(ctx, r.Actor, "refund.asked", p.ID, map[string]any{
			"refund": f.ID, "amount": f.Amount, "fee": f.Fee, "owed_again": f.OwedAgain, "reason": f.Reason, "invoice": invoice.ID,
		}, now)
	})
	return f, p, made, err
}

// refundable says how much goes back, or why nothing may.
func (s *Service) refundable(ctx context.Context, tx *store.Tx, p paylink.Payment, r RefundRequest) (amount, fee money.Amount, err error) {
	currency := p.Amount.Currency
	refuse := func(err error) (money.Amount, money.Amount, error) { return money.Amount{}, money.Amount{}, err }
	if p.Status != paylink.Succeeded {
		return refuse(paylink.Fail(paylink.Conflict, "refund.not_paid"))
	}
	disputes, err := tx.DisputesOf(ctx, p.ID)
	if err != nil {
		return refuse(err)
	}
	for _, d := range disputes {
		if status := stripe.DisputeStatus(d.Status); d.Withdrawn > 0 || !status.Over() && !status.Inquiry() {
			return refuse(paylink.Fail(paylink.Conflict, "refund.disputed"))
		}
	}
	left, err := s.unasked(ctx, tx, p)
	if err != nil {
		return refuse(err)
	}
	rest := left.applied + left.excess
	if rest+left.fee <= 0 {
		return refuse(paylink.Fail(paylink.Conflict, "refund.nothing_left"))
	}
	minor := r.Amount.Minor
	switch {
	case r.Amount == (money.Amount{}):
		minor = rest
	case r.Amount.Currency != currency:
		return refuse(paylink.FailField("amount", "currency"))
	case minor < 0, minor == 0 && (!r.Fee || rest > 0): // of the fee alone, once the rest went back
		return refuse(paylink.FailField("amount", "refund.zero"))
	case minor%currency.Step() != 0:
		return refuse(paylink.FailField("amount", "amount.step", "step", money.New(currency.Step(), currency)))
	case minor > rest:
		return refuse(paylink.FailField("amount", "refund.over", "most", money.New(max(0, rest), currency)))
	}
	back := int64(0)
	if r.Fee {
		back = left.fee
	}
	if minor+back <= 0 {
		return refuse(paylink.Fail(paylink.Conflict, "refund.nothing_left"))
	}
	return money.New(minor+back, currency), money.New(back, currency), nil
}

// sendRefund asks Stripe. The key is the refund's own, so that the same request has its effect once.
func (s *Service) sendRefund(ctx context.Context, f paylink.Refund, p paylink.Payment) (paylink.Refund, error) {
	made, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Refund, error) {
		return s.stripe.CreateRefund(ctx, s.key(f.ID, "refund"), stripe.RefundRequest{
			Intent: p.PaymentIntent, Amount: f.Amount, Fee: f.Fee.Minor, OwedAgain: f.OwedAgain,
			Install: s.Install, Payment: p.ID, Refund: f.ID,
		})
	})
	crash.At("refund.answered")
	if refusal, ok := errors.AsType[*stripe.Refusal](err); ok {
		return s.refundRefused(ctx, f, refusal)
	}
	if err != nil {
		s.Log.Warn("refund had no clear outcome", "refund_id", f.ID, "error", err.Error())
		return s.lookForRefund(ctx, f, p)
	}
	return s.refundApplied(ctx, f, made)
}

// refundApplied applies Stripe's answer. When the books cannot be written now, the refund stays asked
// and is found again.
func (s *Service) refundApplied(ctx context.Context, f paylink.Refund, made stripe.Refund) (paylink.Refund, error) {
	after, err := s.ApplyRefund(ctx, made)
	if err != nil {
		s.Log.Error("apply refund", "refund_id", f.ID, "error", err.Error())
		return f, nil
	}
	return after, nil
}

// lookForRefund asks Stripe for the refund that carries our id. It stays asked when there is none:
// the call may still be on its way.
func (s *Service) lookForRefund(ctx context.Context, f paylink.Refund, p paylink.Payment) (paylink.Refund, error) {
	made, found, err := s.findRefund(ctx, f, p)
	if err != nil || !found {
		return f, nil //nolint:nilerr // not known yet is an answer; recovery asks again
	}
	return s.refundApplied(ctx, f, made)
}

func (s *Service) findRefund(ctx context.Context, f paylink.Refund, p paylink.Payment) (made stripe.Refund, found bool, err error) {
	list, err := s.stripe.RefundsOf(ctx, p.PaymentIntent)
	if err != nil {
		return made, false, fmt.Errorf("look for refund: %w", err)
	}
	for _, made := range list {
		if made.Refund == f.ID && made.Install == s.Install {
			return made, true, nil
		}
	}
	return made, false, nil
}

// refundRefused lets the reserved amount go: Stripe made no refund of it.
func (s *Service) refundRefused(ctx context.Context, f paylink.Refund, refusal *stripe.Refusal) (paylink.Refund, error) {
	after, err := s.dropRefund(ctx, f.ID, refusal.Code)
	if err != nil {
		return f, err
	}
	switch refusal.Code {
	case "charge_disputed", "refund_disputed_payment":
		return after, paylink.Fail(paylink.Conflict, "refund.disputed").Because(refusal)
	case "charge_already_refunded":
		return after, paylink.Fail(paylink.Conflict, "refund.nothing_left").Because(refusal)
	}
	return after, paylink.Fail(paylink.Conflict, "refund.refused", "why", refusal.Code).Because(refusal)
}

// dropRefund cancels a refund that Stripe never made.
func (s *Service) dropRefund(ctx context.Context, id, why string) (paylink.Refund, error) {
	var after paylink.Refund
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		f, err := tx.Refund(ctx, id)
		if err != nil {
			return err
		}
		if _, _, err := s.payment(ctx, tx, f.PaymentID); err != nil {
			return err
		}
		if after, err = tx.Refund(ctx, id); err != nil || after.Status != paylink.RefundAsked {
			return err
		}
		after.Status, after.Failure, after.UpdatedAt = paylink.RefundCanceled, why, s.Now()
		if err := tx.UpdateRefund(ctx, after); err != nil {
			return err
		}
		return tx.Audit(ctx, "stripe", "refund.canceled", after.PaymentID, map[string]any{"refund": id, "why": why}, s.Now())
	})
	return after, err
}

// RecoverRefunds looks after refunds of which nothing was heard, because the server died or the network
// broke, and those that take the banks' time. Within a day the same request goes out again under its
// key; later it is only looked for, and what was never made is left to staff.
func (s *Service) RecoverRefunds(ctx context.Context) error {
	for after := ""; ; {
		list, err := s.store.UnfinishedRefunds(ctx, after, 200)
		if err != nil {
			return err
		}
		for _, f := range list {
			if s.Now().Sub(f.UpdatedAt) < refundLookAfter {
				continue
			}
			if err := s.recoverRefund(ctx, f); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				s.Log.Warn("recover refund", "refund_id", f.ID, "status", string(f.Status), "error", err.Error())
			}
		}
		if len(list) < 200 {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

func (s *Service) recoverRefund(ctx context.Context, f paylink.Refund) error {
	if f.StripeID != "" {
		made, err := s.stripe.Refund(ctx, f.StripeID)
		if err != nil {
			return err
		}
		_, err = s.ApplyRefund(ctx, made)
		return err
	}
	p, err := s.store.Payment(ctx, f.PaymentID)
	if err != nil {
		return err
	}
	made, found, err := s.findRefund(ctx, f, p)
	switch {
	case err != nil:
		return err
	case found:
		_, err = s.ApplyRefund(ctx, made)
		return err
	case s.Now().Sub(f.CreatedAt) < replayFor:
		_, err = s.sendRefund(ctx, f, p)
		if paylink.KindOf(err) == paylink.Conflict {
			return s.refundTask(ctx, f, "refund.not_made") // whoever asked is not there to read it
		}
		return err
	}
	if _, err := s.dropRefund(ctx, f.ID, "never_made"); err != nil {
		return err
	}
	return s.refundTask(ctx, f, "refund.not_made")
}

func (s *Service) refundTask(ctx context.Context, f paylink.Refund, kind string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return s.tellRefund(ctx, tx, f, kind) })
}

// tellRefund opens a task about a refund for staff.
func (s *Service) tellRefund(ctx context.Context, tx *store.Tx, f paylink.Refund, kind string) error {
	p, err := tx.Payment(ctx, f.PaymentID)
	if err != nil {
		return err
	}
	invoice, err := tx.Invoice(ctx, p.InvoiceID)
	if err != nil {
		return err
	}
	return tx.InsertTask(ctx, kind, p.ID, refundTasks[kind], map[string]any{
		"amount": f.Amount, "invoice": invoice.Number, "refund": f.ID,
	}, s.Now())
}

// refundTasks are the sentences of the tasks about refunds, by kind.
var refundTasks = map[string]string{
	"refund.failed": "task.refund_failed", "refund.not_made": "task.refund_not_made", "refund.foreign": "task.refund_foreign",
	"refund.loss": "task.loss",
}
