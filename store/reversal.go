package store

import (
	"context"

	"paylink"
)

// Reversal is what became of a payment's money after it had arrived.
type Reversal struct {
	Refunded int64 // minor units that went back by our act
	Disputed bool  // the payer objects: money is held, taken, or an answer is awaited
	Returned bool  // the payer's bank took the debit back
}

// Reversals tells of each of some payments what became of its money, with two statements however many
// there are. Payments of which nothing is to be told are left out.
func (r reads) Reversals(ctx context.Context, paymentIDs []string) (map[string]Reversal, error) {
	reversals, err := r.disputed(ctx, "payment_id", "dispute", paymentIDs)
	if err != nil || len(paymentIDs) == 0 {
		return reversals, err
	}
	type refunded struct {
		payment string
		minor   int64
	}
	list, args := in(1, paymentIDs)
	sums, err := all(ctx, r, func(r row) (s refunded, err error) {
		err = r.Scan(&s.payment, &s.minor)
		return s, err
	}, `select payment_id, cast(sum(amount) as bigint) from refund
		where status in ('pending', 'requires_action', 'succeeded') and payment_id in (`+list+") group by payment_id", args...)
	if err != nil {
		return nil, found("reversal", err)
	}
	for _, s := range sums {
		one := reversals[s.payment]
		one.Refunded = s.minor
		reversals[s.payment] = one
	}
	return reversals, nil
}

// ReversalsOfInvoices tells of each of some invoices whether money of it was taken back.
func (r reads) ReversalsOfInvoices(ctx context.Context, invoiceIDs []string) (map[string]Reversal, error) {
	return r.disputed(ctx, "p.invoice_id", "dispute join payment p on p.id = dispute.payment_id", invoiceIDs)
}

// disputed reads the disputes that were not decided for us, and gathers them by a column.
func (r reads) disputed(ctx context.Context, column, from string, ids []string) (map[string]Reversal, error) {
	reversals := map[string]Reversal{}
	if len(ids) == 0 {
		return reversals, nil
	}
	type dispute struct {
		id   string
		kind paylink.DisputeKind
	}
	list, args := in(1, ids)
	disputes, err := all(ctx, r, func(r row) (d dispute, err error) {
		err = r.Scan(&d.id, &d.kind)
		return d, err
	}, "select "+column+", dispute.kind from "+from+" where dispute.status not in ('won', 'warning_closed') and "+column+" in ("+list+")", args...)
	if err != nil {
		return nil, found("reversal", err)
	}
	for _, d := range disputes {
		one := reversals[d.id]
		one.Disputed = one.Disputed || d.kind == paylink.KindDispute
		one.Returned = one.Returned || d.kind == paylink.KindReturn
		reversals[d.id] = one
	}
	return reversals, nil
}

// MethodsEver lists the methods of a customer, also those that were removed, newest first.
func (r reads) MethodsEver(ctx context.Context, customerID string, limit int) ([]paylink.Method, error) {
	list, err := all(ctx, r, scanMethod, "select "+methodColumns+` from method
		where customer_id = $1 order by created_at desc, id desc limit $2`, customerID, limit)
	return list, found("method", err)
}
