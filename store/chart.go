package store

import (
	"context"
	"time"

	"paylink"
	"paylink/money"
)

// Arrived is money that arrived within a quarter of an hour. Days begin when the firm says, on a
// quarter of an hour in every time zone there is, so its days are sums of these.
type Arrived struct {
	From     time.Time
	Amount   int64 // fees included
	Payments int
}

const quarter = 15 * time.Minute

// Arrived tells what arrived in a currency since a moment, by quarters of an hour.
func (r reads) Arrived(ctx context.Context, c money.Currency, since time.Time) ([]Arrived, error) {
	list, err := all(ctx, r, func(r row) (a Arrived, err error) {
		var n int64
		err = r.Scan(&n, &a.Amount, &a.Payments)
		a.From = time.UnixMicro(n * quarter.Microseconds()).UTC()
		return a, err
	}, `select settled_at / 900000000, cast(sum(amount + fee) as bigint), count(*) from payment
		where status = 'succeeded' and currency = $1 and created_at >= $2 and settled_at >= $3 group by 1 order by 1`,
		c, micros(since.Add(-slowest)), micros(since))
	return list, found("chart", err)
}

// WentBack is what was refunded, returned or disputed in a currency since a moment.
func (r reads) WentBack(ctx context.Context, c money.Currency, since time.Time) (int64, error) {
	sums, err := r.wentBack(ctx, since)
	for _, f := range sums {
		if f.Currency == c {
			return f.WentBack, err
		}
	}
	return 0, found("chart", err)
}

// Expected is what banks usually bring on a day.
type Expected struct {
	On       paylink.Date
	Amount   int64
	Payments int
}

// Expected adds up the debits that are on their way in a currency, by the day they usually arrive on.
func (r reads) Expected(ctx context.Context, c money.Currency) ([]Expected, error) {
	list, err := all(ctx, r, func(r row) (e Expected, err error) {
		err = r.Scan(&e.On, &e.Amount, &e.Payments)
		return e, err
	}, `select expected_on, cast(sum(amount) as bigint), count(*) from payment
		where status = 'processing' and currency = $1 and expected_on <> '' group by expected_on order by expected_on`, c)
	return list, found("chart", err)
}

// Overdue is what is owed of invoices whose due day is over for some time, in minor units.
type Overdue struct {
	Age      int // of the ages asked for
	Amount   int64
	Invoices int
}

// OverdueByAge adds up what is to pay of overdue invoices in a currency. An invoice is of the age n
// that is first to hold its due day: due on or after since[n], and of the last where none does.
func (r reads) OverdueByAge(ctx context.Context, c money.Currency, today paylink.Date, since [3]paylink.Date) ([]Overdue, error) {
	list, err := all(ctx, r, func(r row) (o Overdue, err error) {
		err = r.Scan(&o.Age, &o.Amount, &o.Invoices)
		return o, err
	}, `select case when due >= $3 then 0 when due >= $4 then 1 when due >= $5 then 2 else 3 end,
		cast(sum(owed_amount - pending_amount) as bigint), count(*) from invoice
		where state = 'open' and owed_amount > pending_amount and due <> '' and due < $1 and currency = $2 group by 1 order by 1`,
		today, c, since[0], since[1], since[2])
	return list, found("chart", err)
}
