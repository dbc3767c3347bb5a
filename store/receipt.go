package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"paylink"
)

func scanReceipt(r row) (receipt paylink.Receipt, err error) {
	var snapshot string
	if err := r.Scan(&snapshot); err != nil {
		return receipt, err
	}
	if err := json.Unmarshal([]byte(snapshot), &receipt); err != nil {
		return receipt, fmt.Errorf("its snapshot: %w", err)
	}
	return receipt, nil
}

// Receipt finds one revision of a receipt; 0 is the newest.
func (r reads) Receipt(ctx context.Context, id string, revision int) (paylink.Receipt, error) {
	receipt, err := one(ctx, r, scanReceipt, `select snapshot from receipt_revision
		where receipt_id = $1 and ($2 = 0 or revision = $2) order by revision desc limit 1`, id, revision)
	return receipt, found("receipt", err)
}

// ReceiptByPayment finds the newest revision of a payment's receipt.
func (r reads) ReceiptByPayment(ctx context.Context, paymentID string) (paylink.Receipt, error) {
	return r.receipt(ctx, "payment_id", paymentID)
}

// ReceiptByCode finds the newest revision of a receipt by the code printed on it.
func (r reads) ReceiptByCode(ctx context.Context, code string) (paylink.Receipt, error) {
	return r.receipt(ctx, "code", code)
}

func (r reads) receipt(ctx context.Context, column, arg string) (paylink.Receipt, error) {
	receipt, err := one(ctx, r, scanReceipt, `select v.snapshot from receipt r join receipt_revision v on v.receipt_id = r.id
		where r.`+column+` = $1 order by v.revision desc limit 1`, arg)
	return receipt, found("receipt", err)
}

// ReceiptRevisions lists the revisions of a receipt, the first first.
func (r reads) ReceiptRevisions(ctx context.Context, id string) ([]paylink.Receipt, error) {
	list, err := all(ctx, r, scanReceipt, "select snapshot from receipt_revision where receipt_id = $1 order by revision", id)
	return list, found("receipt", err)
}

// ReceiptPDF gives the stored rendering of a revision; NotFound "receipt_pdf.unknown" before the
// first. Bytes that are not those that were stored are an error.
func (r reads) ReceiptPDF(ctx context.Context, id string, revision int) ([]byte, error) {
	pdf, err := one(ctx, r, func(r row) ([]byte, error) {
		var pdf []byte
		var sum string
		if err := r.Scan(&pdf, &sum); err != nil {
			return nil, err
		}
		if hash := sha256.Sum256(pdf); hex.EncodeToString(hash[:]) != sum {
			return nil, errors.New("its bytes changed since they were stored")
		}
		return pdf, nil
	}, "select pdf, sha256 from receipt_revision where receipt_id = $1 and revision = $2 and sha256 <> ''", id, revision)
	return pdf, found("receipt_pdf", err)
}

// PDF gives the stored rendering of a revision. When there is none it renders, outside of any
// transaction, and stores; of two at once the first stands, and both get that one.
func (s *Store) PDF(ctx context.Context, receiptID string, revision int, render func() ([]byte, error)) ([]byte, error) {
	pdf, err := s.ReceiptPDF(ctx, receiptID, revision)
	if paylink.KindOf(err) != paylink.NotFound {
		return pdf, err
	}
	made, err := render()
	if err != nil {
		return nil, fmt.Errorf("render receipt: %w", err)
	}
	sum := sha256.Sum256(made)
	err = s.Update(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `update receipt_revision set pdf = $3, sha256 = $4
			where receipt_id = $1 and revision = $2 and sha256 = ''`, receiptID, revision, made, hex.EncodeToString(sum[:]))
		return wrote("receipt", err)
	})
	if paylink.KindOf(err) == paylink.Unavailable {
		return made, nil // no room to keep it now; rendered again it is the same
	}
	if err != nil {
		return nil, err
	}
	return s.ReceiptPDF(ctx, receiptID, revision)
}

// NextReceipt takes the next number, from 1, of a series: "R-2026B", what stands before the last
// dash of a receipt's number. When the transaction is undone the number is not taken.
func (t *Tx) NextReceipt(ctx context.Context, series string) (int64, error) {
	n, err := one(ctx, t.reads, value[int64], `insert into receipt_series (series, next) values ($1, 2)
		on conflict (series) do update set next = receipt_series.next + 1 returning next - 1`, series)
	return n, wrote("receipt series", err)
}

// InsertReceipt keeps a receipt and its first revision. Its number's series and place must be what
// NextReceipt gave.
func (t *Tx) InsertReceipt(ctx context.Context, r paylink.Receipt) error {
	series, seq, err := receiptPlace(r.Number)
	if err != nil {
		return wrote("receipt", err)
	}
	if _, err := t.exec(ctx, `insert into receipt (id, number, series, seq, payment_id, code, created_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, r.ID, r.Number, series, seq, r.PaymentID, r.Code, micros(r.IssuedAt)); err != nil {
		return wrote("receipt", err)
	}
	if r.Revision == 0 {
		r.Revision = 1
	}
	return t.InsertReceiptRevision(ctx, r)
}

// InsertReceiptRevision keeps the next revision of a receipt.
func (t *Tx) InsertReceiptRevision(ctx context.Context, r paylink.Receipt) error {
	snapshot, err := json.Marshal(r)
	if err != nil {
		return wrote("receipt", err)
	}
	// What cannot be read back must not be kept.
	if err := json.Unmarshal(snapshot, new(paylink.Receipt)); err != nil {
		return wrote("receipt", err)
	}
	_, err = t.exec(ctx, `insert into receipt_revision (receipt_id, revision, status, snapshot, pdf, sha256, created_at)
		values ($1, $2, $3, $4, $5, '', $6)`, r.ID, r.Revision, r.Status, string(snapshot), []byte{}, micros(r.IssuedAt))
	return wrote("receipt", err)
}

// receiptPlace takes "R-2026B-000123" apart into "R-2026B" and 123.
func receiptPlace(number string) (series string, seq int64, err error) {
	dash := strings.LastIndexByte(number, '-')
	seq, err = strconv.ParseInt(number[dash+1:], 10, 64)
	if dash < 1 || err != nil || seq < 1 {
		return "", 0, fmt.Errorf("%q is no receipt number", number)
	}
	return number[:dash], seq, nil
}
