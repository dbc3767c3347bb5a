package store

import (
	"context"
	"time"

	"paylink"
)

const exchangeColumns = "id, customer_id, visitor, token_hash, account, item, sealed, method_id, note, ended_at, created_at"

func scanExchange(r row) (e paylink.Exchange, err error) {
	err = r.Scan(&e.ID, &e.CustomerID, &e.Visitor, &e.TokenHash, &e.Account, &e.Item, &e.Sealed, &e.MethodID, &e.Note,
		moment{&e.EndedAt}, moment{&e.CreatedAt})
	return e, err
}

// ExchangeByToken finds what was begun with a public token, by its hash.
func (r reads) ExchangeByToken(ctx context.Context, hash string) (paylink.Exchange, error) {
	e, err := one(ctx, r, scanExchange, "select "+exchangeColumns+" from bank_exchange where token_hash = $1", hash)
	return e, found("exchange", err)
}

// OpenExchanges lists exchanges that were begun before a time and never ended, by id after one.
func (r reads) OpenExchanges(ctx context.Context, before time.Time, after string, limit int) ([]paylink.Exchange, error) {
	list, err := all(ctx, r, scanExchange, "select "+exchangeColumns+` from bank_exchange
		where ended_at = 0 and created_at < $1 and id > $2 order by id limit $3`, micros(before), after, limit)
	return list, found("exchange", err)
}

// InsertExchange begins an exchange; false when its public token began one before.
func (t *Tx) InsertExchange(ctx context.Context, e paylink.Exchange) (bool, error) {
	n, err := t.exec(ctx, "insert into bank_exchange ("+exchangeColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (token_hash) do nothing`,
		e.ID, e.CustomerID, e.Visitor, e.TokenHash, e.Account, e.Item, e.Sealed, e.MethodID, e.Note, micros(e.EndedAt), micros(e.CreatedAt))
	return n > 0, wrote("exchange", err)
}

// UpdateExchange notes how far an exchange came; whose it is and its token stay.
func (t *Tx) UpdateExchange(ctx context.Context, e paylink.Exchange) error {
	n, err := t.exec(ctx, `update bank_exchange set item = $2, sealed = $3, method_id = $4, note = $5, ended_at = $6
		where id = $1`, e.ID, e.Item, e.Sealed, e.MethodID, e.Note, micros(e.EndedAt))
	return changed("exchange", n, err)
}
