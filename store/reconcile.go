package store

import (
	"context"
	"encoding/json"
	"time"

	"paylink"
	"paylink/money"
)

// ListCursor is a place in a list at Stripe: where a reconciliation goes on.
type ListCursor struct {
	Since time.Time `json:"since,omitzero"` // everything made before was seen in whole passes
	Begun time.Time `json:"begun,omitzero"` // the pass that is under way; zero when none is
	From  time.Time `json:"from,omitzero"`  // what that pass asks for
	After string    `json:"after,omitempty"`
	Pages int       `json:"pages,omitempty"` // read in the pass that is under way, or in the last one
	Seen  int       `json:"seen,omitempty"`  // objects on them
}

func listSetting(list string) string { return "reconcile." + list }

// ListCursor is where a list goes on; the zero cursor when it was never read.
func (r reads) ListCursor(ctx context.Context, list string) (c ListCursor, err error) {
	text, err := r.Setting(ctx, listSetting(list))
	if err != nil || text == "" {
		return c, err
	}
	return c, found("list cursor", json.Unmarshal([]byte(text), &c))
}

// PutListCursor keeps where a list goes on.
func (t *Tx) PutListCursor(ctx context.Context, list string, c ListCursor) error {
	text, err := json.Marshal(c)
	if err != nil {
		return wrote("list cursor", err)
	}
	return t.PutSetting(ctx, listSetting(list), string(text))
}

// ForeignPayment is a payment of our customer that another program, or a person in Stripe's
// Dashboard, made. It is in no books until staff say which invoice it pays.
type ForeignPayment struct {
	Intent     string
	CustomerID string
	Amount     money.Amount
	PaymentID  string // what it became, or shall become; "" until somebody says its invoice
	InvoiceID  string // which that is
	ClaimedBy  paylink.Actor
	MadeAt     time.Time
	CreatedAt  time.Time
	ClosedAt   time.Time
}

const foreignColumns = "payment_intent, customer_id, amount, currency, payment_id, made_at, created_at, closed_at, invoice_id, claimed_by"

func scanForeign(r row) (f ForeignPayment, err error) {
	err = r.Scan(&f.Intent, &f.CustomerID, &f.Amount.Minor, &f.Amount.Currency, &f.PaymentID,
		moment{&f.MadeAt}, moment{&f.CreatedAt}, moment{&f.ClosedAt}, &f.InvoiceID, &f.ClaimedBy)
	return f, err
}

// ForeignPayment finds one by its PaymentIntent.
func (r reads) ForeignPayment(ctx context.Context, intent string) (ForeignPayment, error) {
	f, err := one(ctx, r, scanForeign, "select "+foreignColumns+" from foreign_payment where payment_intent = $1", intent)
	return f, found("foreign_payment", err)
}

// ForeignPayments lists those that nobody dealt with, newest first.
func (r reads) ForeignPayments(ctx context.Context, limit int) ([]ForeignPayment, error) {
	list, err := all(ctx, r, scanForeign, "select "+foreignColumns+` from foreign_payment
		where closed_at = 0 order by created_at desc, payment_intent desc limit $1`, limit)
	return list, found("foreign_payment", err)
}

// InsertForeignPayment notes one; false when it was noted before.
func (t *Tx) InsertForeignPayment(ctx context.Context, f ForeignPayment) (bool, error) {
	n, err := t.exec(ctx, "insert into foreign_payment ("+foreignColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (payment_intent) do nothing`, f.Intent, f.CustomerID, f.Amount.Minor, f.Amount.Currency, f.PaymentID,
		micros(f.MadeAt), micros(f.CreatedAt), micros(f.ClosedAt), f.InvoiceID, f.ClaimedBy)
	return n > 0, wrote("foreign_payment", err)
}

// ClaimForeignPayment says which invoice one pays and which payment it shall become. The first claim
// stands, and comes back to whoever makes another.
func (t *Tx) ClaimForeignPayment(ctx context.Context, intent, paymentID, invoiceID string, by paylink.Actor) (ForeignPayment, error) {
	if _, err := t.exec(ctx, `update foreign_payment set invoice_id = $3, claimed_by = $4,
			payment_id = case when payment_id = '' then $2 else payment_id end
		where payment_intent = $1 and invoice_id = '' and closed_at = 0`, intent, paymentID, invoiceID, by); err != nil {
		return ForeignPayment{}, wrote("foreign_payment", err)
	}
	return t.ForeignPayment(ctx, intent)
}

// ReleaseForeignPayment takes back a claim that came to nothing.
func (t *Tx) ReleaseForeignPayment(ctx context.Context, intent, invoiceID string) error {
	_, err := t.exec(ctx, `update foreign_payment set invoice_id = '', claimed_by = ''
		where payment_intent = $1 and invoice_id = $2 and closed_at = 0`, intent, invoiceID)
	return wrote("foreign_payment", err)
}

// CloseForeignPayment notes which payment one became; false when it was closed before.
func (t *Tx) CloseForeignPayment(ctx context.Context, intent, paymentID string, at time.Time) (bool, error) {
	n, err := t.exec(ctx, `update foreign_payment set payment_id = $2, closed_at = $3
		where payment_intent = $1 and closed_at = 0`, intent, paymentID, micros(at))
	return n > 0, wrote("foreign_payment", err)
}

// Difference is where our books and Stripe do not say the same of an object.
type Difference struct {
	ID        string
	Kind      string // what differs, below "difference." in the catalogue
	Subject   string // Stripe's id
	PaymentID string // "" when no payment of ours belongs to it
	Ours      string // what we have, as the kind has it: an amount, a status, "" for nothing
	Theirs    string
	CreatedAt time.Time
	SeenAt    time.Time
	ClosedAt  time.Time
}

const differenceColumns = "id, kind, subject, payment_id, ours, theirs, created_at, seen_at, closed_at"

func scanDifference(r row) (d Difference, err error) {
	err = r.Scan(&d.ID, &d.Kind, &d.Subject, &d.PaymentID, &d.Ours, &d.Theirs, moment{&d.CreatedAt}, moment{&d.SeenAt}, moment{&d.ClosedAt})
	return d, err
}

// Difference finds one.
func (r reads) Difference(ctx context.Context, id string) (Difference, error) {
	d, err := one(ctx, r, scanDifference, "select "+differenceColumns+" from difference where id = $1", id)
	return d, found("difference", err)
}

// DifferenceAbout finds the one of a kind that stands about a subject.
func (r reads) DifferenceAbout(ctx context.Context, kind, subject string) (Difference, error) {
	d, err := one(ctx, r, scanDifference, "select "+differenceColumns+` from difference
		where kind = $1 and subject = $2 and closed_at = 0`, kind, subject)
	return d, found("difference", err)
}

// Differences lists those that stand, newest first.
func (r reads) Differences(ctx context.Context, limit int) ([]Difference, error) {
	list, err := all(ctx, r, scanDifference, "select "+differenceColumns+` from difference
		where closed_at = 0 order by created_at desc, id desc limit $1`, limit)
	return list, found("difference", err)
}

// PutDifference notes one, or that it still stands, and what each side says of it now.
func (t *Tx) PutDifference(ctx context.Context, d Difference) error {
	if d.ID == "" {
		d.ID = paylink.NewID("dif", d.SeenAt)
	}
	_, err := t.exec(ctx, "insert into difference ("+differenceColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $7, 0)
		on conflict (kind, subject) where closed_at = 0 do update set payment_id = excluded.payment_id,
			ours = excluded.ours, theirs = excluded.theirs, seen_at = excluded.seen_at`,
		d.ID, d.Kind, d.Subject, d.PaymentID, d.Ours, d.Theirs, micros(d.SeenAt))
	return wrote("difference", err)
}

// CloseDifference notes that the two sides agree about a subject; false when nothing stood.
func (t *Tx) CloseDifference(ctx context.Context, kind, subject string, at time.Time) (bool, error) {
	n, err := t.exec(ctx, "update difference set closed_at = $3 where kind = $1 and subject = $2 and closed_at = 0",
		kind, subject, micros(at))
	return n > 0, wrote("difference", err)
}
