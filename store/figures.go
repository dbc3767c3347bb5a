package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"paylink"
	"paylink/money"
)

// Figures are the sums of one currency that tell how a firm stands, in minor units.
type Figures struct {
	Currency        money.Currency
	Collected       int64 // arrived since a moment, fees included
	Payments        int
	WentBack        int64 // refunded, returned or disputed since, whenever it had arrived
	OnItsWay        int64 // reserved: being made, on its way or held
	OnItsWayCount   int
	ToPay           int64 // of open invoices, less what is reserved
	ToPayInvoices   int
	Overdue         int64
	OverdueInvoices int
}

// slowest is longer than any payment takes from its making to its settling, so that what settled since
// a moment is found by when it was made, which lists are indexed by.
const slowest = 100 * 24 * time.Hour

// Figures adds up every currency there is something in, by its code. Today is the day in the firm's
// zone; what was due before it is overdue.
func (r reads) Figures(ctx context.Context, since time.Time, today paylink.Date) ([]Figures, error) {
	arrived, err := all(ctx, r, func(r row) (f Figures, err error) {
		err = r.Scan(&f.Currency, &f.Collected, &f.Payments)
		return f, err
	}, `select currency, cast(sum(amount + fee) as bigint), count(*) from payment
		where status = 'succeeded' and created_at >= $1 and settled_at >= $2 group by currency`,
		micros(since.Add(-slowest)), micros(since))
	if err != nil {
		return nil, found("figures", err)
	}
	back, err := r.wentBack(ctx, since)
	if err != nil {
		return nil, found("figures", err)
	}
	reserved, err := all(ctx, r, func(r row) (f Figures, err error) {
		err = r.Scan(&f.Currency, &f.OnItsWay, &f.OnItsWayCount)
		return f, err
	}, `select currency, cast(sum(amount) as bigint), count(*) from payment
		where status not in ('failed', 'canceled', 'succeeded') group by currency`)
	if err != nil {
		return nil, found("figures", err)
	}
	owed, err := all(ctx, r, func(r row) (f Figures, err error) {
		err = r.Scan(&f.Currency, &f.ToPay, &f.ToPayInvoices, &f.Overdue, &f.OverdueInvoices)
		return f, err
	}, `select currency, cast(sum(owed_amount - pending_amount) as bigint), count(*),
		cast(sum(case when due <> '' and due < $1 then owed_amount - pending_amount else 0 end) as bigint),
		cast(sum(case when due <> '' and due < $1 then 1 else 0 end) as bigint)
		from invoice where state = 'open' and owed_amount > pending_amount group by currency`, today)
	if err != nil {
		return nil, found("figures", err)
	}
	sums := map[money.Currency]Figures{}
	for _, f := range slices.Concat(arrived, back, reserved, owed) {
		sum := sums[f.Currency]
		sums[f.Currency] = Figures{
			f.Currency, sum.Collected + f.Collected, sum.Payments + f.Payments, sum.WentBack + f.WentBack, sum.OnItsWay + f.OnItsWay,
			sum.OnItsWayCount + f.OnItsWayCount, sum.ToPay + f.ToPay, sum.ToPayInvoices + f.ToPayInvoices,
			sum.Overdue + f.Overdue, sum.OverdueInvoices + f.OverdueInvoices,
		}
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Figures) int {
		return strings.Compare(string(a.Currency), string(b.Currency))
	}), nil
}

// wentBack is what was refunded, returned or disputed since a moment, whenever it had arrived. Stripe takes
// what is disputed when the dispute opens; what is said of it later moves nothing more.
func (r reads) wentBack(ctx context.Context, since time.Time) ([]Figures, error) {
	return all(ctx, r, func(r row) (f Figures, err error) {
		err = r.Scan(&f.Currency, &f.WentBack)
		return f, err
	}, `select currency, cast(sum(amount) as bigint) from (
		select currency, amount from refund where status in ('pending', 'requires_action', 'succeeded') and moved_at >= $1
		union all select currency, withdrawn from dispute where withdrawn > 0 and opened_at >= $1
	) gone group by currency`, micros(since))
}
