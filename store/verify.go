package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"paylink/audit"
)

// Violation is something in the books that does not hold.
type Violation struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Detail  string `json:"detail"`
}

// perCheck is how many violations of one kind are told: more say nothing new.
const perCheck = 100

// checks are statements that answer with a row (subject, detail) for each violation.
var checks = []struct{ code, query string }{
	{"ledger.unbalanced", `select transaction_id, 'sums to ' || sum(amount) || ' ' || currency
		from ledger_posting group by transaction_id, currency having sum(amount) <> 0`},
	{"ledger.one_sided", `select id, 'has fewer than two postings' from ledger_transaction t
		where (select count(*) from ledger_posting p where p.transaction_id = t.id) < 2`},
	{"ledger.unknown_invoice", `select p.transaction_id, 'is booked on ' || p.account from ledger_posting p
		where p.account like 'invoice:%' and not exists (select 1 from invoice i where i.id = substr(p.account, 9))`},
	{"ledger.unknown_customer", `select p.transaction_id, 'is booked on ' || p.account from ledger_posting p
		where p.account like 'overpayment:%' and not exists (select 1 from customer c where c.id = substr(p.account, 13))
			or p.account like 'credit:%' and not exists (select 1 from customer c where c.id = substr(p.account, 8))`},
	{"ledger.currency", `select p.transaction_id, 'is booked in ' || p.currency || ' on an invoice in ' || i.currency
		from ledger_posting p join invoice i on p.account = 'invoice:' || i.id where p.currency <> i.currency`},

	{"payment.not_booked", `select p.id, 'succeeded and is not in the ledger' from payment p where p.status = 'succeeded'
		and not exists (select 1 from ledger_transaction t
			where t.kind = 'payment' and t.source_type = 'payment' and t.source_id = p.id)`},
	{"payment.not_settled", `select t.source_id, 'is in the ledger and has not succeeded' from ledger_transaction t
		where t.kind = 'payment' and t.source_type = 'payment'
			and not exists (select 1 from payment p where p.id = t.source_id and p.status = 'succeeded')`},
	{"payment.amount", `select p.id, 'moved ' || (p.amount + p.fee) || ' and is booked with ' || sum(g.amount)
		from payment p
		join ledger_transaction t on t.kind = 'payment' and t.source_type = 'payment' and t.source_id = p.id
		join ledger_posting g on g.transaction_id = t.id and g.amount > 0
		where p.status = 'succeeded' group by p.id, p.amount, p.fee having sum(g.amount) <> p.amount + p.fee`},
	{"payment.currency", `select p.id, 'is in ' || p.currency || ', its invoice in ' || i.currency
		from payment p join invoice i on i.id = p.invoice_id where p.currency <> i.currency`},
	{"payment.unknown_link", `select p.id, 'was paid through ' || p.link_id from payment p
		where p.link_id <> '' and not exists (select 1 from link l where l.id = p.link_id)`},
	{"payment.no_receipt", `select p.id, 'succeeded and has no receipt' from payment p where p.status = 'succeeded'
		and not exists (select 1 from receipt r where r.payment_id = p.id)`},
	{"payment.other_receipt", `select p.id, 'says ' || p.receipt_number || ' and has ' || r.number
		from payment p join receipt r on r.payment_id = p.id where p.receipt_id <> r.id or p.receipt_number <> r.number`},

	{"receipt.not_settled", `select r.id, 'is for a payment that has not succeeded' from receipt r
		join payment p on p.id = r.payment_id where p.status <> 'succeeded'`},
	{"receipt.gap", `select s.series, 'gave ' || (s.next - 1) || ' numbers and has ' || count(r.id) || ' receipts up to ' || coalesce(max(r.seq), 0)
		from receipt_series s left join receipt r on r.series = s.series group by s.series, s.next
		having count(r.id) <> s.next - 1 or coalesce(max(r.seq), 0) <> s.next - 1 or min(r.seq) < 1`},
	{"receipt.number", `select id, number || ' is not of series ' || series from receipt where number not like series || '-%'`},
	{"receipt.revisions", `select r.id, 'has ' || count(v.revision) || ' revisions up to ' || coalesce(max(v.revision), 0)
		from receipt r left join receipt_revision v on v.receipt_id = r.id group by r.id
		having count(v.revision) = 0 or count(v.revision) <> max(v.revision) or min(v.revision) <> 1`},

	{"invoice.lines", `select i.id, 'asks for ' || i.total || ' and its lines for ' || coalesce(sum(l.amount), 0)
		from invoice i left join invoice_line l on l.invoice_id = i.id group by i.id, i.total
		having coalesce(sum(l.amount), 0) <> i.total`},
	{"invoice.not_booked", `select id, 'is ' || state || ' over ' || total || ' and booked with ' || booked from (
		select i.id, i.state, i.total, coalesce((select sum(p.amount) from ledger_posting p
			join ledger_transaction t on t.id = p.transaction_id
			where p.account = 'invoice:' || i.id and t.kind in ('issue', 'adjust')), 0) as booked from invoice i) b
		where state = 'open' and booked <> total or state = 'draft' and booked <> 0
			or state = 'void' and booked <> total and booked <> 0`},
	{"invoice.reserved", `select i.id, 'is over ' || i.total || ' and reserved with ' || sum(p.amount)
		from invoice i join payment p on p.invoice_id = i.id and p.status not in ('failed', 'canceled', 'succeeded')
		group by i.id, i.total having sum(p.amount) > i.total`},
	{"invoice.standing", `select id, 'is listed with ' || owed_amount || ' owed and ' || pending_amount || ' pending, not '
			|| owed || ' and ' || pending from (
		select i.id, i.owed_amount, i.pending_amount,
			i.total + coalesce((select sum(p.amount) from ledger_posting p join ledger_transaction t on t.id = p.transaction_id
				where p.account = 'invoice:' || i.id and t.kind not in ('issue', 'adjust')), 0) as owed,
			coalesce((select sum(y.amount) from payment y
				where y.invoice_id = i.id and y.status not in ('failed', 'canceled', 'succeeded')), 0) as pending
		from invoice i) s where owed_amount <> owed or pending_amount <> pending`},

	{"link.unknown_link", `select l.id, 'was sent on from ' || l.forwarded_by from link l
		where l.forwarded_by <> '' and not exists (select 1 from link o where o.id = l.forwarded_by)`},
}

// sealWithin is how soon an audit row has to be sealed; more is left to the job that seals.
const sealWithin = time.Minute

// Verify adds the books up again, as they stood at one moment, and lists what does not hold. key is
// the audit chain's; without one only the rows that nobody sealed in time are told.
func (s *Store) Verify(ctx context.Context, key []byte, now time.Time) (violations []Violation, err error) {
	err = s.snapshot(ctx, s.dialect.unhurried, func(r reads) error {
		for _, check := range checks {
			broken, err := all(ctx, r, func(r row) (v Violation, err error) {
				v.Code = check.code
				err = r.Scan(&v.Subject, &v.Detail)
				return v, err
			}, check.query+" limit "+strconv.Itoa(perCheck))
			if err != nil {
				return fmt.Errorf("verify %s: %w", check.code, err)
			}
			violations = append(violations, broken...)
		}
		broken, err := r.verifyAudit(ctx, key, now)
		violations = append(violations, broken...)
		return err
	})
	return violations, err
}

// chainRun is how many rows of the chain are in memory at once.
const chainRun = 1000

func (r reads) verifyAudit(ctx context.Context, key []byte, now time.Time) ([]Violation, error) {
	late, err := one(ctx, r, func(r row) (v struct {
		count  int
		oldest int64
	}, err error) {
		err = r.Scan(&v.count, &v.oldest)
		return v, err
	}, `select count(*), coalesce(min(at), 0) from audit a where at < $1
		and not exists (select 1 from audit_seal s where s.audit_id = a.id)`, micros(now.Add(-sealWithin)))
	if err != nil {
		return nil, fmt.Errorf("verify audit: %w", err)
	}
	var violations []Violation
	if late.count > 0 {
		violations = append(violations, Violation{"audit.unsealed", strconv.Itoa(late.count) + " rows",
			"the oldest since " + fromMicros(late.oldest).Format(time.RFC3339)})
	}
	if key == nil {
		return violations, nil
	}
	type link struct {
		row audit.Row
		mac []byte
	}
	var prev []byte
	for last := int64(0); ; {
		run, err := all(ctx, r, func(r row) (l link, err error) {
			err = r.Scan(&l.row.Seq, &l.mac, &l.row.At, &l.row.Actor, &l.row.Action, &l.row.Subject, &l.row.Data)
			return l, err
		}, `select s.seq, s.mac, coalesce(a.at, 0), coalesce(a.actor, ''), coalesce(a.action, ''), coalesce(a.subject, ''), coalesce(a.data, '')
			from audit_seal s left join audit a on a.id = s.audit_id where s.seq > $1 order by s.seq limit $2`, last, chainRun)
		if err != nil {
			return nil, fmt.Errorf("verify audit: %w", err)
		}
		if len(run) == 0 {
			return violations, nil
		}
		rows, macs := make([]audit.Row, len(run)), make([][]byte, len(run))
		for n, l := range run {
			rows[n], macs[n] = l.row, l.mac
		}
		err = audit.Check(key, prev, rows, macs)
		if broken, ok := errors.AsType[*audit.Broken](err); ok {
			return append(violations, Violation{"audit.broken", strconv.FormatInt(broken.Seq, 10), broken.Reason}), nil
		}
		if err != nil {
			return nil, fmt.Errorf("verify audit: %w", err)
		}
		last, prev = rows[len(rows)-1].Seq, macs[len(macs)-1]
	}
}
