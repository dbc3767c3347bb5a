package store

import (
	"context"
	"fmt"
	"time"

	"paylink"
	"paylink/money"
)

const paymentColumns = `id, invoice_id, link_id, customer_id, nonce, invoice_version, method, currency, amount, fee, capture,
	status, payment_intent, means, request_hash, secret_shown, reason, card_brand, card_last4, card_exp_month,
	card_exp_year, card_funding, auth_code, statement, charge, capture_before, problem, boot, lease_until, locale,
	created_at, updated_at, settled_at, receipt_id, receipt_number, checked_at,
	method_id, bank, expected_on, save_consent`

func scanPayment(r row) (p paylink.Payment, err error) {
	err = r.Scan(&p.ID, &p.InvoiceID, &p.LinkID, &p.CustomerID, &p.Nonce, &p.InvoiceVersion, &p.Method, &p.Amount.Currency,
		&p.Amount.Minor, &p.Fee.Minor, &p.Capture, &p.Status, &p.PaymentIntent, &p.Means, &p.RequestHash, &p.SecretShown,
		&p.Reason, &p.Card.Brand, &p.Card.Last4, &p.Card.ExpMonth, &p.Card.ExpYear, &p.Card.Funding, &p.AuthCode,
		&p.Statement, &p.Charge, moment{&p.CaptureBefore}, &p.Problem, &p.Boot, moment{&p.LeaseUntil}, &p.Locale,
		moment{&p.CreatedAt}, moment{&p.UpdatedAt}, moment{&p.SettledAt}, &p.ReceiptID, &p.ReceiptNumber, moment{&p.CheckedAt},
		&p.MethodID, document[paylink.Bank]{&p.Bank}, &p.ExpectedOn,
		document[paylink.Consent]{&p.SaveConsent})
	p.Fee.Currency = p.Amount.Currency
	return p, err
}

// Payment finds a payment.
func (r reads) Payment(ctx context.Context, id string) (paylink.Payment, error) {
	return r.payment(ctx, "where id = $1", id)
}

// PaymentByNonce finds the payment that a form began.
func (r reads) PaymentByNonce(ctx context.Context, nonce string) (paylink.Payment, error) {
	return r.payment(ctx, "where nonce = $1", nonce)
}

// PaymentByIntent finds a payment by its PaymentIntent (pi_…).
func (r reads) PaymentByIntent(ctx context.Context, intent string) (paylink.Payment, error) {
	return r.payment(ctx, "where payment_intent = $1 and payment_intent <> ''", intent)
}

// InvoiceOf is the id of the invoice that a payment is for, which never changes.
func (r reads) InvoiceOf(ctx context.Context, paymentID string) (string, error) {
	id, err := one(ctx, r, value[string], "select invoice_id from payment where id = $1", paymentID)
	return id, found("payment", err)
}

// LockPayment reads a payment and keeps every other transaction from locking it until this one
// ends. Who also locks the invoice locks that first.
func (t *Tx) LockPayment(ctx context.Context, id string) (paylink.Payment, error) {
	return t.payment(ctx, "where id = $1"+t.dialect.forUpdate, id)
}

func (r reads) payment(ctx context.Context, tail, arg string) (paylink.Payment, error) {
	p, err := one(ctx, r, scanPayment, "select "+paymentColumns+" from payment "+tail, arg)
	return p, found("payment", err)
}

// PaymentsOf lists the payments of an invoice, newest first.
func (r reads) PaymentsOf(ctx context.Context, invoiceID string) ([]paylink.Payment, error) {
	list, err := all(ctx, r, scanPayment,
		"select "+paymentColumns+" from payment where invoice_id = $1 order by created_at desc, id desc", invoiceID)
	return list, found("payment", err)
}

// PaymentFilter narrows a list of payments.
type PaymentFilter struct {
	InvoiceID  string
	Status     paylink.PaymentStatus
	CustomerID string
	Search     string // the whole id, PaymentIntent, charge, receipt number or last four digits, or a part of the invoice's or customer's names
	Page
}

// Payments lists payments, newest first; next is the cursor of the next page, "" on the last.
func (r reads) Payments(ctx context.Context, f PaymentFilter) (list []paylink.Payment, next string, err error) {
	var w where
	if f.InvoiceID != "" {
		w.add("invoice_id = $", f.InvoiceID)
	}
	if f.Status != "" {
		w.add("status = $", f.Status)
	}
	if f.CustomerID != "" {
		w.add("customer_id = $", f.CustomerID)
	}
	if f.Search != "" {
		w.add(`($ in (id, payment_intent, charge, receipt_number, card_last4)`, f.Search)
		w.text[len(w.text)-1] += fmt.Sprintf(` or invoice_id in (select id from invoice where search like $%[1]d escape '\')
			or customer_id in (select id from customer where search like $%[1]d escape '\'))`, len(w.args)+1)
		w.args = append(w.args, containing(f.Search))
	}
	tail, err := w.page(f.Page, "")
	if err != nil {
		return nil, "", err
	}
	list, err = all(ctx, r, scanPayment, "select "+paymentColumns+" from payment"+tail, w.args...)
	if err != nil {
		return nil, "", found("payment", err)
	}
	list, next = cut(f.Page, list, func(p paylink.Payment) (time.Time, string) { return p.CreatedAt, p.ID })
	return list, next, nil
}

// PaymentsBy lists the payments that were made by a saved or linked method, newest first.
func (r reads) PaymentsBy(ctx context.Context, methodID string) ([]paylink.Payment, error) {
	list, err := all(ctx, r, scanPayment, "select "+paymentColumns+` from payment
		where method_id = $1 and method_id <> '' order by created_at desc, id desc`, methodID)
	return list, found("payment", err)
}

// UnfinishedPayments lists payments that hold a reservation, by id, from the first after an id.
func (r reads) UnfinishedPayments(ctx context.Context, after string, limit int) ([]paylink.Payment, error) {
	list, err := all(ctx, r, scanPayment, "select "+paymentColumns+` from payment
		where status not in ('failed', 'canceled', 'succeeded') and id > $1 order by id limit $2`, after, limit)
	return list, found("payment", err)
}

// TouchPayment notes when the provider was asked about a payment, and nothing else.
func (t *Tx) TouchPayment(ctx context.Context, id string, at time.Time) error {
	n, err := t.exec(ctx, "update payment set checked_at = $2 where id = $1", id, micros(at))
	return changed("payment", n, err)
}

// InsertPayment adds a payment, which reserves its amount; false when its nonce began one before.
func (t *Tx) InsertPayment(ctx context.Context, p paylink.Payment) (bool, error) {
	if err := checkPayment(p); err != nil {
		return false, wrote("payment", err)
	}
	bank, err := documentOf(p.Bank)
	if err != nil {
		return false, wrote("payment", err)
	}
	save, err := documentOf(p.SaveConsent)
	if err != nil {
		return false, wrote("payment", err)
	}
	n, err := t.exec(ctx, "insert into payment ("+paymentColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
			$24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40)
		on conflict (nonce) do nothing`,
		p.ID, p.InvoiceID, p.LinkID, p.CustomerID, p.Nonce, p.InvoiceVersion, p.Method, p.Amount.Currency, p.Amount.Minor,
		p.Fee.Minor, p.Capture, p.Status, p.PaymentIntent, p.Means, p.RequestHash, p.SecretShown, p.Reason, p.Card.Brand,
		p.Card.Last4, p.Card.ExpMonth, p.Card.ExpYear, p.Card.Funding, p.AuthCode, p.Statement, p.Charge,
		micros(p.CaptureBefore), p.Problem, p.Boot, micros(p.LeaseUntil), p.Locale, micros(p.CreatedAt), micros(p.UpdatedAt),
		micros(p.SettledAt), p.ReceiptID, p.ReceiptNumber, micros(p.CheckedAt), p.MethodID, bank, p.ExpectedOn, save)
	if err != nil || n == 0 {
		return false, wrote("payment", err)
	}
	t.moves(p.InvoiceID)
	return true, nil
}

// UpdatePayment changes a payment; whose it is, its nonce and when it was made stay.
func (t *Tx) UpdatePayment(ctx context.Context, p paylink.Payment) error {
	if err := checkPayment(p); err != nil {
		return wrote("payment", err)
	}
	bank, err := documentOf(p.Bank)
	if err != nil {
		return wrote("payment", err)
	}
	save, err := documentOf(p.SaveConsent)
	if err != nil {
		return wrote("payment", err)
	}
	n, err := t.exec(ctx, `update payment set method = $2, amount = $3, fee = $4, capture = $5, status = $6,
		payment_intent = $7, means = $8, request_hash = $9, secret_shown = $10, reason = $11, card_brand = $12,
		card_last4 = $13, card_exp_month = $14, card_exp_year = $15, card_funding = $16, auth_code = $17, statement = $18,
		charge = $19, capture_before = $20, problem = $21, boot = $22, lease_until = $23, locale = $24, updated_at = $25,
		settled_at = $26, receipt_id = $27, receipt_number = $28, method_id = $31, bank = $32, expected_on = $33,
		save_consent = $34
		where id = $1 and currency = $29 and invoice_id = $30`,
		p.ID, p.Method, p.Amount.Minor, p.Fee.Minor, p.Capture, p.Status, p.PaymentIntent, p.Means, p.RequestHash,
		p.SecretShown, p.Reason, p.Card.Brand, p.Card.Last4, p.Card.ExpMonth, p.Card.ExpYear, p.Card.Funding, p.AuthCode,
		p.Statement, p.Charge, micros(p.CaptureBefore), p.Problem, p.Boot, micros(p.LeaseUntil), p.Locale,
		micros(p.UpdatedAt), micros(p.SettledAt), p.ReceiptID, p.ReceiptNumber, p.Amount.Currency, p.InvoiceID, p.MethodID, bank, p.ExpectedOn, save)
	t.moves(p.InvoiceID)
	return changed("payment", n, err)
}

// checkPayment refuses what one column for the currency could not keep.
func checkPayment(p paylink.Payment) error {
	if p.Fee != (money.Amount{}) && p.Fee.Currency != p.Amount.Currency {
		return fmt.Errorf("%s: amount %s, fee %s", p.ID, p.Amount, p.Fee)
	}
	return nil
}
