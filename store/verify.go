package store

import (
	"context"
	"time"
)

// Violation is something in the books that does not hold.
type Violation struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Detail  string `json:"detail"`
}

// checks are statements that answer with one row (subject, detail) for each violation.
var checks = []struct{ code, query string }{
	{"ledger.unbalanced", `select transaction_id, 'sums to ' || sum(amount) || ' ' || currency
		from ledger_posting group by transaction_id, currency having sum(amount) <> 0`},
}

// Verify adds the books up again and lists what does not hold. key is the audit chain's; without
// one the chain is not checked.
func (s *Store) Verify(ctx context.Context, key []byte, now time.Time) ([]Violation, error) {
	var violations []Violation
	for _, check := range checks {
		broken, err := all(ctx, s.reads, func(r row) (v Violation, err error) {
			v.Code = check.code
			err = r.Scan(&v.Subject, &v.Detail)
			return v, err
		}, check.query)
		if err != nil {
			return nil, found(check.code, err)
		}
		violations = append(violations, broken...)
	}
	return violations, nil
}
