// Package payments is the way of a payment, and the only writer of money state: Begin reserves and
// confirms, Apply moves a payment to what Stripe says of it, Fence makes sure that nothing can move
// any more.
//
// What holds everywhere: a payment's row is durable before Stripe can move money for it; every
// change comes from an object fetched from Stripe; an unknown outcome keeps its reservation; no
// provider is called inside a transaction; nothing is charged by recovery. Pages, mails and
// documents are not made here: the transaction that books money queues them.
package payments

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"paylink"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/store"
)

// Options are what a Service needs to know of its surroundings.
type Options struct {
	Install string          // random, made once per installation; ties Stripe's objects to ours
	Boot    string          // random, this run of the server
	Host    string          // where receipts are checked: "pay.northwind.studio"
	Budget  time.Duration   // of one step at Stripe with its retries; 0 is 45 s
	Shift   time.Duration   // of one job that reconciles, before it leaves the rest to another; 0 is 20 s
	Plaid   *plaid.Client   // nil: no bank account is linked by Plaid
	Ring    paylink.KeyRing // seals Plaid's access tokens
	Now     func() time.Time
	Log     *slog.Logger

	NoLimits bool // payments are bounded by nothing but the books; with test keys only
}

// Service makes and follows payments.
type Service struct {
	store  *store.Store
	stripe *stripe.Client
	cards  atomic.Pointer[cardsLock]
	begun  time.Time // this run of the server
	Options
}

// New makes a Service.
func New(s *store.Store, sc *stripe.Client, o Options) *Service {
	if o.Budget == 0 {
		o.Budget = 45 * time.Second
	}
	if o.Shift == 0 {
		o.Shift = 20 * time.Second
	}
	return &Service{store: s, stripe: sc, begun: o.Now(), Options: o}
}

const (
	// lease is how long a run of the server may work on a payment before another looks after it:
	// longer than every budget of Begin together.
	lease = 3 * time.Minute
	// lookAfter is when a payment that is being confirmed is asked about, whoever is at it.
	lookAfter = 30 * time.Second
	// actionLife is how long a payer may take for the bank's question before the payment is fenced.
	actionLife = 15 * time.Minute
	// checkEvery bounds how often a page may make us ask Stripe about one payment.
	checkEvery = 5 * time.Second
)

// system is who acts when nobody pressed anything.
const system paylink.Actor = "system"

// key is the idempotency key of one step of one payment: ours, random, the same for every retry.
func (s *Service) key(id, step string) string {
	return fmt.Sprintf("plk:%s:%s:%s", s.Install, id, step)
}

// payment reads a payment in a transaction, the invoice locked first: every writer takes the two
// locks in this order.
func (s *Service) payment(ctx context.Context, tx *store.Tx, id string) (paylink.Payment, paylink.Invoice, error) {
	of, err := tx.InvoiceOf(ctx, id)
	if err != nil {
		return paylink.Payment{}, paylink.Invoice{}, err
	}
	invoice, err := tx.LockInvoice(ctx, of)
	if err != nil {
		return paylink.Payment{}, paylink.Invoice{}, err
	}
	locked, err := tx.LockPayment(ctx, id)
	return locked, invoice, err
}

// change moves a payment in a transaction of its own; f says whether there is anything to write.
func (s *Service) change(ctx context.Context, id string, f func(*paylink.Payment) bool) (paylink.Payment, error) {
	var changed paylink.Payment
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		p, _, err := s.payment(ctx, tx, id)
		if err != nil {
			return err
		}
		before := p.Status
		write := f(&p)
		changed = p
		if !write {
			return nil
		}
		p.UpdatedAt = s.Now()
		changed = p
		if err := tx.UpdatePayment(ctx, p); err != nil {
			return err
		}
		if p.Status == paylink.Canceled && p.PaymentIntent != "" { // an event told of it meanwhile
			if err := s.orphaned(ctx, tx, p); err != nil {
				return err
			}
		}
		return s.note(ctx, tx, system, before, p)
	})
	return changed, err
}

// note writes a change of status to the audit log.
func (s *Service) note(ctx context.Context, tx *store.Tx, actor paylink.Actor, before paylink.PaymentStatus, p paylink.Payment) error {
	if before == p.Status {
		return nil
	}
	return tx.Audit(ctx, actor, "payment."+string(p.Status), p.ID, map[string]any{
		"from": before, "amount": p.Amount, "fee": p.Fee, "invoice": p.InvoiceID,
		"payment_intent": p.PaymentIntent, "reason": p.Reason, "receipt": p.ReceiptNumber,
	}, s.Now())
}
