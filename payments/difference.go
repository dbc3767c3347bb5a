package payments

import (
	"context"
	"errors"
	"strings"

	"paylink"
	"paylink/provider/stripe"
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

// disbelieved is the difference of a payment that cannot be what Stripe says its PaymentIntent is.
func (s *Service) disbelieved(p paylink.Payment, in stripe.Intent) store.Difference {
	return store.Difference{
		Kind: differsPayment, Subject: in.ID, PaymentID: p.ID, Ours: p.Charged().String() + " " + string(p.Status), Theirs: said(in), SeenAt: s.Now(),
	}
}

// said is what Stripe says of a PaymentIntent, for a person.
func said(in stripe.Intent) string {
	amount := in.Amount
	if in.Status == stripe.StatusDone {
		amount.Minor = in.Received
	}
	return amount.String() + " " + string(in.Status)
}

// Differences lists where our books and Stripe do not say the same, newest first. Payments that were
// made elsewhere are store.ForeignPayments.
func (s *Service) Differences(ctx context.Context) ([]store.Difference, error) {
	return s.store.Differences(ctx, differencesMost)
}

// BookRefund books a refund as Stripe has it, where our own request for it says another amount or where
// its payment was not known: the repair of differences about refunds.
func (s *Service) BookRefund(ctx context.Context, actor paylink.Actor, stripeRefund string) (paylink.Refund, error) {
	r, err := s.stripe.Refund(ctx, stripeRefund)
	if err != nil {
		return paylink.Refund{}, paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	p, err := s.settled(ctx, r.Intent)
	if errors.Is(err, errUnsettled) || errors.Is(err, ErrForeign) {
		return paylink.Refund{}, paylink.Fail(paylink.Conflict, "difference.unsettled").Because(err)
	}
	if err != nil {
		return paylink.Refund{}, err
	}
	if err := s.repaired(ctx, actor, "drift.refund_booked", p.ID, map[string]any{"stripe_refund": r.ID, "amount": r.Amount}); err != nil {
		return paylink.Refund{}, err
	}
	if asked, err := s.store.Refund(ctx, r.Refund); err == nil && asked.StripeID == "" && asked.Amount != r.Amount {
		if _, err := s.dropRefund(ctx, asked.ID, "other_amount"); err != nil {
			return asked, err
		}
	}
	return s.ApplyRefund(ctx, r)
}

// Foreign finds a payment that was made elsewhere and that nobody dealt with.
func (s *Service) Foreign(ctx context.Context, paymentIntent string) (store.ForeignPayment, error) {
	f, err := s.store.ForeignPayment(ctx, paymentIntent)
	if err == nil && !f.ClosedAt.IsZero() {
		err = s.foreignTaken(ctx, f)
	}
	return f, err
}

// foreignTaken says who put a payment that was made elsewhere on which invoice.
func (s *Service) foreignTaken(ctx context.Context, f store.ForeignPayment) error {
	if f.InvoiceID == "" {
		return paylink.Fail(paylink.Conflict, "foreign.closed")
	}
	invoice, err := s.store.Invoice(ctx, f.InvoiceID)
	if err != nil {
		return err
	}
	who, err := s.store.StaffByID(ctx, strings.TrimPrefix(string(f.ClaimedBy), "staff:"))
	if paylink.KindOf(err) == paylink.NotFound {
		return paylink.Fail(paylink.Conflict, "foreign.closed")
	}
	if err != nil {
		return err
	}
	return paylink.Fail(paylink.Conflict, "foreign.taken", "who", who.Name, "number", invoice.Number)
}

// ApplyForeign books a payment of our customer that was made elsewhere to one of their invoices. Which
// one is written down before Stripe is told, so that of two people who say different ones the first
// decides; and its PaymentIntent is marked as ours before it is booked, so that a server that dies on
// the way finds it again. Who presses again for the same invoice finishes what was begun.
func (s *Service) ApplyForeign(ctx context.Context, actor paylink.Actor, paymentIntent, invoiceID string) (paylink.Payment, error) {
	f, err := s.Foreign(ctx, paymentIntent)
	if err != nil {
		return paylink.Payment{}, err
	}
	invoice, err := s.store.Invoice(ctx, invoiceID)
	if err != nil {
		return paylink.Payment{}, err
	}
	switch {
	case !strings.HasPrefix(f.Intent, "pi_"):
		return paylink.Payment{}, paylink.Fail(paylink.Conflict, "foreign.charge")
	case invoice.CustomerID != f.CustomerID || invoice.State == paylink.StateDraft:
		return paylink.Payment{}, paylink.FailField("invoice", "foreign.invoice")
	case invoice.Currency != f.Amount.Currency:
		return paylink.Payment{}, paylink.FailField("invoice", "currency")
	}
	id := paylink.NewID("pay", s.Now())
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		f, err = tx.ClaimForeignPayment(ctx, f.Intent, id, invoice.ID, actor)
		return err
	}); err != nil {
		return paylink.Payment{}, err
	}
	if f.InvoiceID != invoice.ID {
		return paylink.Payment{}, s.foreignTaken(ctx, f)
	}
	// A key of its own each time: a failure that Stripe keeps for a day would stand in the way.
	key := s.key(f.PaymentID, paylink.NewID("adopt", s.Now()))
	in, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Adopt(ctx, f.Intent, key, s.Install, f.PaymentID, invoice.ID)
	})
	if refusal, refused := errors.AsType[*stripe.Refusal](err); refused {
		return paylink.Payment{}, s.foreignRefused(ctx, f, refusal)
	}
	if err != nil {
		return paylink.Payment{}, paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	if _, err := s.adopt(ctx, actor, in, "adopted"); err != nil {
		return paylink.Payment{}, err
	}
	return s.Follow(ctx, in)
}

// foreignRefused lets another invoice be said: Stripe marked nothing.
func (s *Service) foreignRefused(ctx context.Context, f store.ForeignPayment, refusal *stripe.Refusal) error {
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.ReleaseForeignPayment(ctx, f.Intent, f.InvoiceID) }); err != nil {
		return errors.Join(err, refusal)
	}
	return paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(refusal)
}

// TakeStripesWord goes by the amount that Stripe says of a payment that has not settled here. What is
// in the books already is not changed by it.
func (s *Service) TakeStripesWord(ctx context.Context, actor paylink.Actor, paymentID string) (paylink.Payment, error) {
	p, err := s.store.Payment(ctx, paymentID)
	if err != nil {
		return p, err
	}
	in, err := s.stripe.Intent(ctx, p.PaymentIntent)
	if err != nil {
		return p, paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if p, _, err = s.payment(ctx, tx, paymentID); err != nil {
			return err
		}
		taken := p
		taken.Fee.Minor = min(p.Fee.Minor, in.Amount.Minor)
		taken.Amount.Minor = in.Amount.Minor - taken.Fee.Minor
		switch {
		case s.disbelieve(p, in) == "":
			return nil // they agree by now
		case p.Status == paylink.Succeeded:
			return paylink.Fail(paylink.Conflict, "difference.settled")
		case s.disbelieve(taken, in) != "":
			return paylink.Fail(paylink.Conflict, "difference.not_amount")
		}
		taken.Problem, taken.UpdatedAt = "", s.Now()
		if err := tx.UpdatePayment(ctx, taken); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "drift.word_taken", p.ID, map[string]any{
			"payment_intent": in.ID, "from": p.Charged(), "amount": taken.Charged(),
		}, s.Now())
	}); err != nil {
		return p, err
	}
	if p, err = s.Follow(ctx, in); err != nil {
		return p, err
	}
	return p, s.store.Update(ctx, func(tx *store.Tx) error { return s.agree(ctx, tx, in.ID, differsPayment) })
}

// CheckAgain asks Stripe about a difference now, and applies the answer.
func (s *Service) CheckAgain(ctx context.Context, actor paylink.Actor, differenceID string) error {
	d, err := s.store.Difference(ctx, differenceID)
	if err != nil {
		return err
	}
	about := d.PaymentID
	if about == "" {
		about = d.Subject
	}
	if err := s.repaired(ctx, actor, "drift.checked", about, map[string]any{"kind": d.Kind, "object": d.Subject}); err != nil {
		return err
	}
	p := s.newPass(s.Now(), nil)
	kind, _, _ := strings.Cut(d.Subject, "_")
	switch kind {
	case "pi":
		err = again(ctx, d.Subject, s.stripe.Intent, p.intent)
	case "re", "pyr":
		err = again(ctx, d.Subject, s.stripe.Refund, p.refund)
	case "dp", "du":
		err = again(ctx, d.Subject, s.stripe.Dispute, p.dispute)
	case "txn":
		err = again(ctx, d.Subject, s.stripe.Movement, p.movement)
	}
	if errors.Is(err, stripe.ErrUnknown) {
		return paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	return err
}

func again[T any](ctx context.Context, id string, fetch func(context.Context, string) (T, error), apply func(context.Context, T) error) error {
	object, err := fetch(ctx, id)
	if err != nil {
		return err
	}
	return apply(ctx, object)
}

// repaired writes who repaired what.
func (s *Service) repaired(ctx context.Context, actor paylink.Actor, act, subject string, data map[string]any) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.Audit(ctx, actor, act, subject, data, s.Now()) })
}
