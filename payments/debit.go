package payments

import (
	"context"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

// Why a method is not offered any more: a code in the catalogue below "pay.method.".
const (
	blockedDetached     = "detached"     // Stripe no longer knows it
	blockedRevoked      = "revoked"      // its owner took the access back at the bank
	blockedByStripe     = "returned"     // Stripe does not debit it any more
	blockedReturned     = "came_back"    // a debit that had arrived was returned, for want of money or for no reason told
	blockedUnauthorized = "unauthorized" // a debit was reported as not allowed
	blockedClosed       = "closed"       // there is no such account, or none any more
	blockedFunds        = "funds"        // two debits found too little money
)

// fundsMost is how many debits may come back for want of money before the account is left alone.
const fundsMost = 2

// expect notes what is known of a debit the moment it is on its way, before the payment is written.
func (s *Service) expect(ctx context.Context, tx *store.Tx, before paylink.PaymentStatus, p *paylink.Payment) error {
	if p.Method != paylink.MethodBank || p.Status != paylink.Processing || before == p.Status {
		return nil
	}
	firm, err := tx.Firm(ctx)
	if err != nil {
		return err
	}
	p.ExpectedOn = ExpectedBy(s.Now(), firm.Location())
	return nil
}

// debited does what comes of a debit that got on its way or came back, in the transaction of Apply.
// Nothing is tried again by itself: a debit that came back costs its payer a fee at some banks.
func (s *Service) debited(ctx context.Context, tx *store.Tx, before, p paylink.Payment, invoice paylink.Invoice, in stripe.Intent) error {
	if p.Method != paylink.MethodBank {
		return nil
	}
	if in.Mandate != "" {
		if err := tx.SetStripeMandate(ctx, p.ID, in.Mandate); err != nil {
			return err
		}
	}
	if before.Status == p.Status {
		return nil
	}
	now := s.Now()
	switch {
	case p.Status == paylink.Processing:
		return enqueue(ctx, tx, "mail.onway", p.ID, map[string]any{"payment_id": p.ID}, now)
	case p.Status == paylink.Succeeded: // also one that did not fail after all
		return tx.DoneTask(ctx, "payment.bank_failed", p.ID, now)
	case p.Status != paylink.Failed && p.Status != paylink.Canceled:
		return nil
	}
	if p.ExpectedOn != "" { // the payer was told that it is on its way
		if err := enqueue(ctx, tx, "mail.failed", p.ID, map[string]any{"payment_id": p.ID}, now); err != nil {
			return err
		}
		if err := tx.InsertTask(ctx, "payment.bank_failed", p.ID, "task.bank_failed", map[string]any{
			"amount": p.Charged(), "invoice": invoice.Number, "account": p.Bank.Label(), "why": p.Reason,
		}, now); err != nil {
			return err
		}
	}
	return s.cameBack(ctx, tx, p, p.Reason)
}

// madeBy notes which of the customer's methods a payment was made by, so that it is not taken away while a
// debit is on its way, and is blocked when that comes back.
func madeBy(ctx context.Context, tx *store.Tx, p *paylink.Payment, stripeMethod string) error {
	if err := tx.LockMethods(ctx, p.CustomerID); err != nil {
		return err
	}
	m, err := tx.MethodByStripe(ctx, stripeMethod)
	if paylink.KindOf(err) == paylink.NotFound {
		return nil
	}
	if err == nil && m.CustomerID == p.CustomerID {
		p.MethodID = m.ID
	}
	return err
}

// cameBack blocks a bank account whose debits come back, for good: at once after one that its owner did
// not allow or that found no account, and after two that found too little money. It counts what the
// database holds, so the debit or the return that it is told of is written before.
func (s *Service) cameBack(ctx context.Context, tx *store.Tx, p paylink.Payment, why paylink.DeclineReason) error {
	if p.MethodID == "" {
		return nil
	}
	switch why {
	case paylink.DeclinedUnauthorized:
		if err := tx.RevokeMandates(ctx, p.MethodID, s.Now()); err != nil {
			return err
		}
		return s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, blockedUnauthorized)
	case paylink.DeclinedClosed, paylink.DeclinedNoAccount:
		return s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, blockedClosed)
	case paylink.DeclinedFunds:
		n, err := fundsMissing(ctx, tx, p)
		if err != nil || n < fundsMost {
			return err
		}
		return s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, blockedFunds)
	case paylink.DeclinedNoReason, paylink.DeclinedExpired, paylink.DeclinedCode, paylink.DeclinedNotConfirmed, paylink.DeclinedNeedsPayer,
		paylink.DeclinedLimit, paylink.DeclinedBankLimit, paylink.DeclinedBankOther:
	}
	return nil
}

// fundsMissing counts the debits of a payment's account that found too little money, before or after
// they had arrived, however often the account was connected.
func fundsMissing(ctx context.Context, tx *store.Tx, p paylink.Payment) (n int, err error) {
	account, err := tx.Method(ctx, p.MethodID)
	if err != nil {
		return 0, err
	}
	alike, err := tx.MethodsAlike(ctx, account.CustomerID, account.Fingerprint)
	if err != nil {
		return 0, err
	}
	if account.Fingerprint == "" {
		alike = []paylink.Method{account}
	}
	for _, m := range alike {
		found, err := fundsMissingBy(ctx, tx, m.ID)
		if err != nil {
			return 0, err
		}
		n += found
	}
	return n, nil
}

func fundsMissingBy(ctx context.Context, tx *store.Tx, methodID string) (n int, err error) {
	made, err := tx.PaymentsBy(ctx, methodID)
	if err != nil {
		return 0, err
	}
	for _, p := range made {
		if p.Reason == paylink.DeclinedFunds { // one that arrives after all has none
			n++
		}
		disputes, err := tx.DisputesOf(ctx, p.ID)
		if err != nil {
			return 0, err
		}
		for _, d := range disputes {
			if returnReasons[d.Reason] == paylink.DeclinedFunds { // of a debit every dispute is a return
				n++
			}
		}
	}
	return n, nil
}

// block keeps a method from being used again, by whoever links or saves it.
func (s *Service) block(ctx context.Context, tx *store.Tx, actor paylink.Actor, customerID, methodID, why string) error {
	if err := tx.LockMethods(ctx, customerID); err != nil {
		return err
	}
	m, err := tx.Method(ctx, methodID)
	if err != nil || !m.BlockedAt.IsZero() {
		return err
	}
	now := s.Now()
	m.BlockedAt, m.Blocked, m.UpdatedAt = now, why, now
	if err := tx.UpdateMethod(ctx, m); err != nil {
		return err
	}
	return tx.Audit(ctx, actor, "method.blocked", m.ID, map[string]any{"customer": m.CustomerID, "why": why}, now)
}
