package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// books is a database with payments that wait for Stripe's word.
type books struct {
	store    *store.Store
	payments *payments.Service
	waiting  []paylink.Payment
	customer string
	made     int
}

const (
	install = "bench"
	// aRound is how many payments are made ready at a time: more than a round settles.
	aRound = 2000
	// aWrite is how many rows are written in one transaction.
	aWrite = 500
)

func openBooks(ctx context.Context, url string) (*books, error) {
	log := slog.New(slog.DiscardHandler)
	if _, _, err := store.Migrate(ctx, url, log); err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, url, store.Server, log)
	if err != nil {
		return nil, err
	}
	b := &books{store: s, customer: paylink.NewID("cus", time.Now())}
	b.payments = payments.New(s, stripe.New(stripe.Config{Key: "sk_test_bench"}), payments.Options{Install: install, Boot: "bench", Now: time.Now, Log: log})
	err = s.Update(ctx, func(tx *store.Tx) error {
		now := time.Now()
		return tx.InsertCustomer(ctx, paylink.Customer{ID: b.customer, Name: "Łukasz Größe", Email: "payer@example.com", Locale: money.English, CreatedAt: now, UpdatedAt: now})
	})
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return b, nil
}

// settle lets Stripe's word arrive for one payment after the other and returns how many a second were booked. Each
// is one transaction: the payment's state, the postings, the receipt and its number, the jobs and the audit.
func (b *books) settle(ctx context.Context, d time.Duration) (float64, error) {
	n := 0
	var took time.Duration // without the making ready
	for took < d {
		for len(b.waiting) == 0 {
			if err := b.refill(ctx); err != nil {
				return 0, err
			}
		}
		p := b.waiting[0]
		b.waiting = b.waiting[1:]
		begin := time.Now()
		after, err := b.payments.Apply(ctx, stripe.Intent{
			ID: p.PaymentIntent, Status: stripe.StatusDone, Amount: p.Amount, Received: p.Amount.Minor,
			Install: install, Payment: p.ID, Invoice: p.InvoiceID, Charge: "ch_" + p.ID, MovedAt: begin,
			Card: paylink.Card{Brand: "Visa", Last4: "4242"},
		})
		took += time.Since(begin)
		if err != nil {
			return 0, err
		}
		if after.Status != paylink.Succeeded || after.ReceiptNumber == "" {
			return 0, fmt.Errorf("payment %s is %s", p.ID, after.Status)
		}
		n++
	}
	return float64(n) / took.Seconds(), nil
}

// refill writes invoices with a payment each that is being confirmed.
func (b *books) refill(ctx context.Context) error {
	for range aRound / aWrite {
		if err := b.more(ctx); err != nil {
			return err
		}
	}
	return nil
}

// more writes aWrite of them.
func (b *books) more(ctx context.Context) error {
	var made []paylink.Payment
	err := b.store.Update(ctx, func(tx *store.Tx) error {
		made = nil
		for n := range aWrite {
			p, err := b.insert(ctx, tx, b.made+n)
			if err != nil {
				return err
			}
			made = append(made, p)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("making payments ready: %w", err)
	}
	b.made += aWrite
	b.waiting = append(b.waiting, made...)
	return nil
}

func (b *books) insert(ctx context.Context, tx *store.Tx, n int) (paylink.Payment, error) {
	now := time.Now()
	total, part := money.New(100000, "USD"), money.New(22500, "USD")
	i := paylink.Invoice{
		ID: paylink.NewID("inv", now), Number: fmt.Sprintf("INV-%d", n+1), CustomerID: b.customer, Title: "Website relaunch",
		Currency: "USD", Total: total, State: paylink.StateOpen, Version: 1, CreatedAt: now, UpdatedAt: now,
		Lines:   []paylink.Line{{Description: "Design", Quantity: 10000, UnitAmount: total, Amount: total}},
		Partial: paylink.PartialRules{Allowed: true}, Capture: paylink.CaptureAutomatic,
	}
	if err := tx.InsertInvoice(ctx, i); err != nil {
		return paylink.Payment{}, err
	}
	owed, err := ledger.Issue(ledger.Header{ID: paylink.NewID("ltx", now), SourceType: "invoice", SourceID: i.ID, At: now}, i.ID, total)
	if err != nil {
		return paylink.Payment{}, err
	}
	if _, err := tx.Post(ctx, owed); err != nil {
		return paylink.Payment{}, err
	}
	p := paylink.Payment{
		ID: paylink.NewID("pay", now), InvoiceID: i.ID, CustomerID: b.customer, Nonce: i.ID, InvoiceVersion: 1,
		Method: paylink.MethodCard, Amount: part, Fee: money.New(0, "USD"), Capture: paylink.CaptureAutomatic,
		Status: paylink.Confirming, PaymentIntent: "pi_" + i.ID, Locale: money.English, CreatedAt: now, UpdatedAt: now,
	}
	_, err = tx.InsertPayment(ctx, p)
	return p, err
}
