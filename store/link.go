package store

import (
	"context"

	"paylink"
)

const linkColumns = `id, invoice_id, recipient, token_hash, token_sealed, locale, note, created_by, forwarded_by,
	created_at, sent_at, bounced_at, bounce, opened_at, paid_at, expires_at, revoked_at, version`

func scanLink(r row) (l paylink.Link, err error) {
	err = r.Scan(&l.ID, &l.InvoiceID, &l.Recipient, &l.TokenHash, &l.TokenSealed, &l.Locale, &l.Note, &l.CreatedBy,
		&l.ForwardedBy, moment{&l.CreatedAt}, moment{&l.SentAt}, moment{&l.BouncedAt}, &l.Bounce, moment{&l.OpenedAt},
		moment{&l.PaidAt}, moment{&l.ExpiresAt}, moment{&l.RevokedAt}, &l.Version)
	return l, err
}

// Link finds a link.
func (r reads) Link(ctx context.Context, id string) (paylink.Link, error) {
	l, err := one(ctx, r, scanLink, "select "+linkColumns+" from link where id = $1", id)
	return l, found("link", err)
}

// LockLink reads a link and keeps every other transaction from locking it until this one ends:
// whoever changes a link reads it so, or would undo what another changed since.
func (t *Tx) LockLink(ctx context.Context, id string) (paylink.Link, error) {
	l, err := one(ctx, t.reads, scanLink, "select "+linkColumns+" from link where id = $1"+t.dialect.forUpdate, id)
	return l, found("link", err)
}

// LinkByTokenHash finds a link by the hash of its token.
func (r reads) LinkByTokenHash(ctx context.Context, hash string) (paylink.Link, error) {
	l, err := one(ctx, r, scanLink, "select "+linkColumns+" from link where token_hash = $1", hash)
	return l, found("link", err)
}

// LinksOf lists the links of an invoice, newest first.
func (r reads) LinksOf(ctx context.Context, invoiceID string) ([]paylink.Link, error) {
	list, err := all(ctx, r, scanLink,
		"select "+linkColumns+" from link where invoice_id = $1 order by created_at desc, id desc", invoiceID)
	return list, found("link", err)
}

// InsertLink adds a link.
func (t *Tx) InsertLink(ctx context.Context, l paylink.Link) error {
	_, err := t.exec(ctx, "insert into link ("+linkColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		l.ID, l.InvoiceID, l.Recipient, l.TokenHash, l.TokenSealed, l.Locale, l.Note, l.CreatedBy, l.ForwardedBy,
		micros(l.CreatedAt), micros(l.SentAt), micros(l.BouncedAt), l.Bounce, micros(l.OpenedAt), micros(l.PaidAt),
		micros(l.ExpiresAt), micros(l.RevokedAt), l.Version)
	return wrote("link", err)
}

// UpdateLink changes where a link is in its life, its recipient, note, token and version; whose
// link it is and who made it stays.
func (t *Tx) UpdateLink(ctx context.Context, l paylink.Link) error {
	n, err := t.exec(ctx, `update link set recipient = $2, token_hash = $3, token_sealed = $4, locale = $5, note = $6,
		sent_at = $7, bounced_at = $8, bounce = $9, opened_at = $10, paid_at = $11, expires_at = $12, revoked_at = $13,
		version = $14 where id = $1`,
		l.ID, l.Recipient, l.TokenHash, l.TokenSealed, l.Locale, l.Note, micros(l.SentAt), micros(l.BouncedAt), l.Bounce,
		micros(l.OpenedAt), micros(l.PaidAt), micros(l.ExpiresAt), micros(l.RevokedAt), l.Version)
	return changed("link", n, err)
}
