package payments

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// settle books money that arrived: postings, receipt and the jobs that come of it, in the
// transaction of Apply. It never refuses money: what the invoice no longer asks for is the
// customer's overpayment and a task for staff.
//
// p.Status says success already, while its row in the database still reserves.
func (s *Service) settle(ctx context.Context, tx *store.Tx, p *paylink.Payment, was paylink.PaymentStatus, invoice paylink.Invoice, in stripe.Intent) error {
	now := s.Now()
	p.SettledAt = in.MovedAt
	if p.SettledAt.IsZero() {
		p.SettledAt = now
	}
	// Capture may take less than was held; the rest was released.
	reserved := p.Amount.Minor
	if in.Received < p.Charged().Minor {
		p.Fee.Minor = min(p.Fee.Minor, in.Received)
		p.Amount.Minor = in.Received - p.Fee.Minor
	}
	applied := p.Amount
	before, err := tx.BalanceOf(ctx, invoice)
	if err != nil {
		return err
	}
	if was.Reserving() {
		before.Pending -= reserved
	}
	if was == paylink.Processing && p.Method == paylink.MethodBank {
		before.FromBank -= reserved
	}
	open := max(0, before.Total-before.Credited-before.Paid)
	if invoice.State == paylink.StateVoid {
		open = 0
	}
	excess := money.New(max(0, applied.Minor-open), applied.Currency)
	split := ledger.Split{
		Held: ledger.Stripe(applied.Currency), Invoice: invoice.ID, Customer: p.CustomerID,
		Applied: money.New(applied.Minor-excess.Minor, applied.Currency), Fee: p.Fee, Excess: excess,
	}
	booked, err := ledger.Settle(ledger.Header{
		ID: paylink.NewID("ltx", now), SourceType: "payment", SourceID: p.ID, At: p.SettledAt,
	}, split)
	if err != nil {
		return fmt.Errorf("book payment: %w", err)
	}
	if fresh, err := tx.Post(ctx, booked); err != nil {
		return err
	} else if !fresh {
		return fmt.Errorf("book payment %s: it was booked before", p.ID) // only a broken row can say so
	}
	if !excess.IsZero() {
		if err := s.tellExcess(ctx, tx, *p, invoice, excess); err != nil {
			return err
		}
	}
	receipt, err := s.receipt(ctx, tx, *p, invoice, before, split.Applied, in.Trace)
	if err != nil {
		return err
	}
	p.ReceiptID, p.ReceiptNumber = receipt.ID, receipt.Number
	if err := s.closeLinks(ctx, tx, invoice, open-split.Applied.Minor); err != nil {
		return err
	}
	return enqueue(ctx, tx, "mail.receipt", receipt.ID+"/1", map[string]any{
		"receipt_id": receipt.ID, "revision": 1,
	}, now)
}

// tellExcess opens a task about money that an invoice does not ask for.
func (s *Service) tellExcess(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, excess money.Amount) error {
	return tx.InsertTask(ctx, "payment.excess", p.ID, "task.overpaid", map[string]any{
		"excess": excess, "invoice": invoice.Number,
	}, s.Now())
}

// receipt gives the payment its number and freezes what the receipt says.
func (s *Service) receipt(ctx context.Context, tx *store.Tx, p paylink.Payment, invoice paylink.Invoice, before paylink.Balance, applied money.Amount, trace string) (paylink.Receipt, error) {
	now := s.Now()
	firm, err := tx.Firm(ctx)
	if err != nil {
		return paylink.Receipt{}, err
	}
	customer, err := tx.Customer(ctx, invoice.CustomerID)
	if err != nil {
		return paylink.Receipt{}, err
	}
	email := customer.Email
	if p.LinkID != "" {
		link, err := tx.Link(ctx, p.LinkID)
		if err != nil {
			return paylink.Receipt{}, err
		}
		email = link.Recipient
	}
	epoch, err := tx.Setting(ctx, "receipt_epoch")
	if err != nil {
		return paylink.Receipt{}, err
	}
	year := now.In(firm.Location()).Year()
	n, err := tx.NextReceipt(ctx, fmt.Sprintf("R-%d%s", year, epoch))
	if err != nil {
		return paylink.Receipt{}, err
	}
	after := before
	after.Paid += applied.Minor
	amount := func(minor int64) money.Amount { return money.New(minor, invoice.Currency) }
	receipt := paylink.Receipt{
		ID: paylink.NewID("rcp", now), Number: paylink.ReceiptNumber(year, epoch, n), Revision: 1,
		Status: paylink.ReceiptPaid, Code: receiptCode(), PaymentID: p.ID, Locale: p.Locale,
		Firm: firm, Host: s.Host, Payer: customer.Name, Company: customer.Company, Email: email,
		PaidAt: p.SettledAt, IssuedAt: now, Method: p.Method, Card: p.Card, Bank: p.Bank, Trace: trace, AuthCode: p.AuthCode,
		Statement: p.Statement, Reference: p.PaymentIntent,
		InvoiceID: invoice.ID, InvoiceNumber: invoice.Number, InvoiceTitle: invoice.Title,
		InvoiceDate: invoice.IssuedOn, Due: invoice.Due,
		Total: invoice.Total, Credited: amount(before.Credited), PaidBefore: amount(before.Paid), ThisPayment: p.Amount, Fee: p.Fee,
		OnItsWay: amount(before.FromBank), BeingPaid: amount(before.Pending - before.FromBank), Refunded: amount(0),
		StillToPay: amount(after.Due()),
	}
	for _, line := range invoice.Lines {
		if line.Tax {
			receipt.Taxes = append(receipt.Taxes, line)
		}
	}
	return receipt, tx.InsertReceipt(ctx, receipt)
}

// closeLinks marks the invoice's links as paid once nothing is left: they show the receipts for a
// while and then end.
func (s *Service) closeLinks(ctx context.Context, tx *store.Tx, invoice paylink.Invoice, left int64) error {
	if left > 0 {
		return nil
	}
	return s.eachLink(ctx, tx, invoice, func(link *paylink.Link) bool {
		if !link.PaidAt.IsZero() || !link.RevokedAt.IsZero() {
			return false
		}
		link.PaidAt = s.Now()
		return true
	})
}

// receiptCode is what /v/ checks a receipt by: 40 random bits without letters that look alike.
func receiptCode() string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // 32, so that none is likelier; no I, L, O, U
	var b [8]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b[:4]) + "-" + string(b[4:])
}

// enqueue queues a job in the transaction that makes it necessary.
func enqueue(ctx context.Context, tx *store.Tx, kind, key string, payload any, at time.Time) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("queue %s: %w", kind, err)
	}
	_, err = tx.Enqueue(ctx, store.Job{Kind: kind, Key: key, Payload: body, RunAt: at})
	return err
}
