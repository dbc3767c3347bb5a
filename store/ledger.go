package store

import (
	"context"
	"fmt"
	"strings"

	"paylink/ledger"
	"paylink/money"
)

// AccountBalance sums the postings to an account in one currency.
func (r reads) AccountBalance(ctx context.Context, account ledger.Account, currency money.Currency) (money.Amount, error) {
	sum, err := one(ctx, r, value[int64], `select cast(coalesce(sum(amount), 0) as bigint) from ledger_posting
		where account = $1 and currency = $2`, account, currency)
	return money.New(sum, currency), found("balance", err)
}

// Post books a transaction; false when its source was booked as this kind before. What does not
// sum to zero is refused.
func (t *Tx) Post(ctx context.Context, booking ledger.Transaction) (bool, error) {
	if err := booking.Check(); err != nil {
		return false, wrote("ledger", err)
	}
	n, err := t.exec(ctx, `insert into ledger_transaction (id, kind, source_type, source_id, at, memo)
		values ($1, $2, $3, $4, $5, $6) on conflict (kind, source_type, source_id) do nothing`,
		booking.ID, booking.Kind, booking.SourceType, booking.SourceID, micros(booking.At), booking.Memo)
	if err != nil || n == 0 {
		return false, wrote("ledger", err)
	}
	if err := t.insertPostings(ctx, booking); err != nil {
		return false, wrote("ledger", err)
	}
	for _, p := range booking.Postings {
		if id, ok := strings.CutPrefix(string(p.Account), string(ledger.Invoice(""))); ok {
			t.moves(id)
		}
	}
	return true, nil
}

// insertPostings writes the lines of a movement in one statement.
func (t *Tx) insertPostings(ctx context.Context, booking ledger.Transaction) error {
	var rows strings.Builder
	args := []any{booking.ID}
	for i, p := range booking.Postings {
		if i > 0 {
			rows.WriteString(", ")
		}
		n := len(args)
		fmt.Fprintf(&rows, "($1, %d, $%d, $%d, $%d)", i, n+1, n+2, n+3)
		args = append(args, p.Account, p.Amount.Minor, p.Amount.Currency)
	}
	_, err := t.exec(ctx, "insert into ledger_posting (transaction_id, position, account, amount, currency) values "+rows.String(), args...)
	return err
}
