package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"paylink"
)

const methodColumns = `id, customer_id, kind, stripe_id, fingerprint, card, bank, owner, saved_at, consent, blocked_at, blocked,
	removed_at, awaits_code, plaid_item, plaid_account, plaid_sealed, created_at, updated_at, login_at`

// document is a column that holds JSON.
type document[T any] struct{ into *T }

// Scan reads the column.
func (d document[T]) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a JSON column holds %T", src)
	}
	return json.Unmarshal([]byte(text), d.into)
}

func documentOf(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

func scanMethod(r row) (m paylink.Method, err error) {
	err = r.Scan(&m.ID, &m.CustomerID, &m.Kind, &m.StripeID, &m.Fingerprint, document[paylink.Card]{&m.Card},
		document[paylink.Bank]{&m.Bank}, &m.Owner, moment{&m.SavedAt}, document[paylink.Consent]{&m.Consent}, moment{&m.BlockedAt},
		&m.Blocked, moment{&m.RemovedAt}, document[paylink.CodeWait]{&m.AwaitsCode}, &m.PlaidItem, &m.PlaidAccount, &m.PlaidSealed, moment{&m.CreatedAt}, moment{&m.UpdatedAt}, moment{&m.LoginAt})
	return m, err
}

func methodValues(m paylink.Method) ([]any, error) {
	card, err := documentOf(m.Card)
	if err != nil {
		return nil, err
	}
	bank, err := documentOf(m.Bank)
	if err != nil {
		return nil, err
	}
	consent, err := documentOf(m.Consent)
	if err != nil {
		return nil, err
	}
	waits, err := documentOf(m.AwaitsCode)
	if err != nil {
		return nil, err
	}
	return []any{
		m.ID, m.CustomerID, m.Kind, m.StripeID, m.Fingerprint, card, bank, m.Owner, micros(m.SavedAt), consent,
		micros(m.BlockedAt), m.Blocked, micros(m.RemovedAt), waits, m.PlaidItem, m.PlaidAccount, m.PlaidSealed,
		micros(m.CreatedAt), micros(m.UpdatedAt), micros(m.LoginAt),
	}, nil
}

// Method finds a card or bank account.
func (r reads) Method(ctx context.Context, id string) (paylink.Method, error) {
	m, err := one(ctx, r, scanMethod, "select "+methodColumns+" from method where id = $1", id)
	return m, found("method", err)
}

// MethodByStripe finds a method by its id at Stripe.
func (r reads) MethodByStripe(ctx context.Context, id string) (paylink.Method, error) {
	m, err := one(ctx, r, scanMethod, "select "+methodColumns+" from method where stripe_id = $1", id)
	return m, found("method", err)
}

// MethodsOf lists the methods of a customer that were not removed, newest first.
func (r reads) MethodsOf(ctx context.Context, customerID string) ([]paylink.Method, error) {
	list, err := all(ctx, r, scanMethod, "select "+methodColumns+` from method
		where customer_id = $1 and removed_at = 0 order by created_at desc, id desc`, customerID)
	return list, found("method", err)
}

// MethodsByItem lists the methods that were linked by an item at Plaid and not removed.
func (r reads) MethodsByItem(ctx context.Context, item string) ([]paylink.Method, error) {
	list, err := all(ctx, r, scanMethod, "select "+methodColumns+` from method
		where plaid_item = $1 and plaid_item <> '' and removed_at = 0 order by created_at desc, id desc`, item)
	return list, found("method", err)
}

// MethodsAlike lists a customer's methods of one card or account, removed ones too, newest first.
func (r reads) MethodsAlike(ctx context.Context, customerID, fingerprint string) ([]paylink.Method, error) {
	list, err := all(ctx, r, scanMethod, "select "+methodColumns+` from method
		where customer_id = $1 and fingerprint = $2 and fingerprint <> '' order by created_at desc, id desc`, customerID, fingerprint)
	return list, found("method", err)
}

// IdleMethods lists methods that nobody saved and that no payment used since a time: linked before it,
// and neither on their way nor settled after it.
func (r reads) IdleMethods(ctx context.Context, since time.Time, limit int) ([]paylink.Method, error) {
	list, err := all(ctx, r, scanMethod, "select "+methodColumns+` from method m
		where saved_at = 0 and removed_at = 0 and created_at < $1 and not exists (
			select 1 from payment p where p.method_id = m.id and p.method_id <> ''
				and (p.status not in ('failed', 'canceled', 'succeeded') or p.settled_at >= $1 or p.updated_at >= $1))
		order by created_at, id limit $2`, micros(since), limit)
	return list, found("method", err)
}

// LockMethods keeps every other transaction from changing the set of a customer's methods until this
// one ends. Who also locks an invoice locks that first.
func (t *Tx) LockMethods(ctx context.Context, customerID string) error {
	_, err := one(ctx, t.reads, value[string], "select id from customer where id = $1"+t.dialect.forUpdate, customerID)
	return found("customer", err)
}

// InsertMethod keeps a method; false when it is known by its id at Stripe.
func (t *Tx) InsertMethod(ctx context.Context, m paylink.Method) (bool, error) {
	values, err := methodValues(m)
	if err != nil {
		return false, wrote("method", err)
	}
	n, err := t.exec(ctx, "insert into method ("+methodColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		on conflict (stripe_id) do nothing`, values...)
	return n > 0, wrote("method", err)
}

// UpdateMethod changes a method; whose it is and what it is stay.
func (t *Tx) UpdateMethod(ctx context.Context, m paylink.Method) error {
	values, err := methodValues(m)
	if err != nil {
		return wrote("method", err)
	}
	// $2, $3 and $4 are the customer, the kind and Stripe's id: they must be what they were.
	n, err := t.exec(ctx, `update method set fingerprint = $5, card = $6, bank = $7, owner = $8, saved_at = $9, consent = $10,
		blocked_at = $11, blocked = $12, removed_at = $13, awaits_code = $14, plaid_item = $15, plaid_account = $16,
		plaid_sealed = $17, created_at = $18, updated_at = $19, login_at = $20
		where id = $1 and customer_id = $2 and kind = $3 and stripe_id = $4`, values...)
	return changed("method", n, err)
}

// DisownSaved has no browser see a customer's saved methods only because it linked them.
func (t *Tx) DisownSaved(ctx context.Context, customerID string, now time.Time) error {
	if err := t.LockMethods(ctx, customerID); err != nil {
		return err
	}
	_, err := t.exec(ctx, "update method set owner = '', updated_at = $2 where customer_id = $1 and saved_at <> 0 and owner <> ''", customerID, micros(now))
	return wrote("method", err)
}

const mandateColumns = "id, method_id, payment_id, amount, currency, last4, bank, consent, stripe, revoked_at, created_at"

func scanMandate(r row) (m paylink.Mandate, err error) {
	err = r.Scan(&m.ID, &m.MethodID, &m.PaymentID, &m.Amount.Minor, &m.Amount.Currency, &m.Last4, &m.Bank,
		document[paylink.Consent]{&m.Consent}, &m.Stripe, moment{&m.RevokedAt}, moment{&m.CreatedAt})
	return m, err
}

// MandateByPayment finds the permission that a debit was made by.
func (r reads) MandateByPayment(ctx context.Context, paymentID string) (paylink.Mandate, error) {
	m, err := one(ctx, r, scanMandate, "select "+mandateColumns+" from mandate where payment_id = $1", paymentID)
	return m, found("mandate", err)
}

// MandatesOf lists the permissions that were given for a method, newest first.
func (r reads) MandatesOf(ctx context.Context, methodID string) ([]paylink.Mandate, error) {
	list, err := all(ctx, r, scanMandate, "select "+mandateColumns+` from mandate
		where method_id = $1 order by created_at desc, id desc`, methodID)
	return list, found("mandate", err)
}

// InsertMandate keeps the proof of a permission.
func (t *Tx) InsertMandate(ctx context.Context, m paylink.Mandate) error {
	consent, err := documentOf(m.Consent)
	if err != nil {
		return wrote("mandate", err)
	}
	_, err = t.exec(ctx, "insert into mandate ("+mandateColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.ID, m.MethodID, m.PaymentID, m.Amount.Minor, m.Amount.Currency, m.Last4, m.Bank, consent, m.Stripe,
		micros(m.RevokedAt), micros(m.CreatedAt))
	return wrote("mandate", err)
}

// SetStripeMandate notes what Stripe calls the permission that a payment was made by, once it says so.
func (t *Tx) SetStripeMandate(ctx context.Context, paymentID, id string) error {
	_, err := t.exec(ctx, "update mandate set stripe = $2 where payment_id = $1 and stripe <> $2", paymentID, id)
	return wrote("mandate", err)
}

// RevokeMandates notes that the permissions given for a method ended; the proof stays.
func (t *Tx) RevokeMandates(ctx context.Context, methodID string, at time.Time) error {
	_, err := t.exec(ctx, "update mandate set revoked_at = $2 where method_id = $1 and revoked_at = 0", methodID, micros(at))
	return wrote("mandate", err)
}

// RevokeIdleMandates does the same but for those whose debit is on its way: it goes on by its permission.
func (t *Tx) RevokeIdleMandates(ctx context.Context, methodID string, at time.Time) error {
	_, err := t.exec(ctx, `update mandate set revoked_at = $2 where method_id = $1 and revoked_at = 0 and payment_id not in (
		select id from payment where method_id = $1 and status not in ('failed', 'canceled', 'succeeded'))`, methodID, micros(at))
	return wrote("mandate", err)
}

const disputeColumns = `id, payment_id, stripe_id, kind, amount, currency, reason, status, withdrawn, opened_at, created_at,
	updated_at, moves, answer_by`

func scanDispute(r row) (d paylink.Dispute, err error) {
	err = r.Scan(&d.ID, &d.PaymentID, &d.StripeID, &d.Kind, &d.Amount.Minor, &d.Amount.Currency, &d.Reason, &d.Status,
		&d.Withdrawn, moment{&d.OpenedAt}, moment{&d.CreatedAt}, moment{&d.UpdatedAt}, &d.Moves, moment{&d.AnswerBy})
	return d, err
}

// DisputesOf lists the disputes and returns of a payment, newest first.
func (r reads) DisputesOf(ctx context.Context, paymentID string) ([]paylink.Dispute, error) {
	list, err := all(ctx, r, scanDispute, "select "+disputeColumns+` from dispute
		where payment_id = $1 order by created_at desc, id desc`, paymentID)
	return list, found("dispute", err)
}

// DisputeByStripe finds a dispute by its id at Stripe.
func (r reads) DisputeByStripe(ctx context.Context, id string) (paylink.Dispute, error) {
	d, err := one(ctx, r, scanDispute, "select "+disputeColumns+" from dispute where stripe_id = $1", id)
	return d, found("dispute", err)
}

// PutDispute keeps a dispute, or what is new about it.
func (t *Tx) PutDispute(ctx context.Context, d paylink.Dispute) error {
	_, err := t.exec(ctx, "insert into dispute ("+disputeColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		on conflict (stripe_id) do update set kind = excluded.kind, reason = excluded.reason, status = excluded.status,
			withdrawn = excluded.withdrawn, moves = excluded.moves, answer_by = excluded.answer_by,
			updated_at = excluded.updated_at`,
		d.ID, d.PaymentID, d.StripeID, d.Kind, d.Amount.Minor, d.Amount.Currency, d.Reason, d.Status, d.Withdrawn,
		micros(d.OpenedAt), micros(d.CreatedAt), micros(d.UpdatedAt), d.Moves, micros(d.AnswerBy))
	return wrote("dispute", err)
}
