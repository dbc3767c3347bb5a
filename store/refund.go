package store

import (
	"context"
	"strconv"

	"paylink"
	"paylink/ledger"
)

const refundColumns = `id, payment_id, key, stripe_id, amount, fee, currency, owed_again, status, failure, reason, actor,
	moved_at, created_at, updated_at`

func scanRefund(r row) (f paylink.Refund, err error) {
	err = r.Scan(&f.ID, &f.PaymentID, &f.Key, &f.StripeID, &f.Amount.Minor, &f.Fee.Minor, &f.Amount.Currency, &f.OwedAgain,
		&f.Status, &f.Failure, &f.Reason, &f.Actor, moment{&f.MovedAt}, moment{&f.CreatedAt}, moment{&f.UpdatedAt})
	f.Fee.Currency = f.Amount.Currency
	return f, err
}

// Refund finds a refund.
func (r reads) Refund(ctx context.Context, id string) (paylink.Refund, error) {
	return r.refund(ctx, "id = $1", id)
}

// RefundByKey finds the refund that a form or a call asked for.
func (r reads) RefundByKey(ctx context.Context, key string) (paylink.Refund, error) {
	return r.refund(ctx, "key = $1 and key <> ''", key)
}

// RefundByStripe finds a refund by its id at Stripe.
func (r reads) RefundByStripe(ctx context.Context, id string) (paylink.Refund, error) {
	return r.refund(ctx, "stripe_id = $1 and stripe_id <> ''", id)
}

func (r reads) refund(ctx context.Context, condition, arg string) (paylink.Refund, error) {
	f, err := one(ctx, r, scanRefund, "select "+refundColumns+" from refund where "+condition, arg)
	return f, found("refund", err)
}

// RefundsOf lists the refunds of a payment, newest first.
func (r reads) RefundsOf(ctx context.Context, paymentID string) ([]paylink.Refund, error) {
	list, err := all(ctx, r, scanRefund, "select "+refundColumns+` from refund
		where payment_id = $1 order by created_at desc, id desc`, paymentID)
	return list, found("refund", err)
}

// UnfinishedRefunds lists refunds that are asked for or on their way, by id, from the first after an id.
func (r reads) UnfinishedRefunds(ctx context.Context, after string, limit int) ([]paylink.Refund, error) {
	list, err := all(ctx, r, scanRefund, "select "+refundColumns+` from refund
		where status in ('asked', 'pending', 'requires_action') and id > $1 order by id limit $2`, after, limit)
	return list, found("refund", err)
}

// InsertRefund adds a refund, which holds its amount of the payment; false when its key, or Stripe's id,
// is that of one before.
func (t *Tx) InsertRefund(ctx context.Context, f paylink.Refund) (bool, error) {
	n, err := t.exec(ctx, "insert into refund ("+refundColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing`,
		f.ID, f.PaymentID, f.Key, f.StripeID, f.Amount.Minor, f.Fee.Minor, f.Amount.Currency, f.OwedAgain, f.Status,
		f.Failure, f.Reason, f.Actor, micros(f.MovedAt), micros(f.CreatedAt), micros(f.UpdatedAt))
	return n > 0, wrote("refund", err)
}

// UpdateRefund changes where a refund stands; whose it is, how much and on which terms stay.
func (t *Tx) UpdateRefund(ctx context.Context, f paylink.Refund) error {
	n, err := t.exec(ctx, `update refund set stripe_id = $3, status = $4, failure = $5, moved_at = $6, updated_at = $7
		where id = $1 and payment_id = $2`,
		f.ID, f.PaymentID, f.StripeID, f.Status, f.Failure, micros(f.MovedAt), micros(f.UpdatedAt))
	return changed("refund", n, err)
}

// PaymentByCharge finds a payment by its charge at Stripe.
func (r reads) PaymentByCharge(ctx context.Context, charge string) (paylink.Payment, error) {
	return r.payment(ctx, "where charge = $1 and charge <> ''", charge)
}

// Booked sums, by account, what was booked for sources of one type under some kinds. Every posting of
// them is in one currency.
func (r reads) Booked(ctx context.Context, sourceType string, sourceIDs []string, kinds ...ledger.Kind) (map[ledger.Account]int64, error) {
	sums := map[ledger.Account]int64{}
	if len(sourceIDs) == 0 {
		return sums, nil
	}
	names := make([]string, len(kinds))
	for n, k := range kinds {
		names[n] = string(k)
	}
	ids, args := in(2, sourceIDs)
	kindList, kindArgs := in(2+len(sourceIDs), names)
	type sum struct {
		account ledger.Account
		minor   int64
	}
	list, err := all(ctx, r, func(r row) (s sum, err error) {
		err = r.Scan(&s.account, &s.minor)
		return s, err
	}, `select p.account, cast(sum(p.amount) as bigint) from ledger_transaction t
		join ledger_posting p on p.transaction_id = t.id
		where t.source_type = $1 and t.source_id in (`+ids+") and t.kind in ("+kindList+") group by p.account",
		append(append([]any{sourceType}, args...), kindArgs...)...)
	for _, s := range list {
		sums[s.account] = s.minor
	}
	return sums, found("ledger", err)
}

// Transaction finds what was booked for a source under a kind.
func (r reads) Transaction(ctx context.Context, kind ledger.Kind, sourceType, sourceID string) (ledger.Transaction, error) {
	t, err := one(ctx, r, func(r row) (t ledger.Transaction, err error) {
		err = r.Scan(&t.ID, &t.Kind, &t.SourceType, &t.SourceID, moment{&t.At}, &t.Memo)
		return t, err
	}, `select id, kind, source_type, source_id, at, memo from ledger_transaction
		where kind = $1 and source_type = $2 and source_id = $3`, kind, sourceType, sourceID)
	if err != nil {
		return t, found("ledger", err)
	}
	t.Postings, err = all(ctx, r, func(r row) (p ledger.Posting, err error) {
		err = r.Scan(&p.Account, &p.Amount.Minor, &p.Amount.Currency)
		return p, err
	}, "select account, amount, currency from ledger_posting where transaction_id = $1 order by position", t.ID)
	return t, found("ledger", err)
}

// DisputeSources are the ids under which the movements of a dispute are booked: its own for the first.
func DisputeSources(d paylink.Dispute) []string {
	sources := make([]string, 0, d.Moves)
	for n := 1; n <= d.Moves; n++ {
		sources = append(sources, DisputeSource(d, n))
	}
	return sources
}

// DisputeSource is the id under which the nth movement of a dispute is booked, from 1.
func DisputeSource(d paylink.Dispute, n int) string {
	if n == 1 {
		return d.ID
	}
	return d.ID + "/" + strconv.Itoa(n)
}

// CustomerByStripe finds a customer by their id at Stripe.
func (r reads) CustomerByStripe(ctx context.Context, cus string) (paylink.Customer, error) {
	c, err := one(ctx, r, scanCustomer, "select "+customerColumns+" from customer where stripe_customer = $1 and stripe_customer <> ''", cus)
	return c, found("customer", err)
}
