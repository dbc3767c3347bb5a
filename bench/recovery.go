package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/sandbox"
	"paylink/store"
)

// cutOff is how many payments an outage leaves in the middle.
const cutOff = 1000

// recovery returns the seconds that a new run of the server takes to look after 1,000 payments that the one before left
// while it confirmed them: Stripe took the money of every second one, and the others are canceled there.
func recovery(ctx context.Context, b bench) ([]contender, func(), error) {
	books, err := openBooks(ctx, "sqlite:"+filepath.Join(b.dir, "recovery.db"))
	if err != nil {
		return nil, nil, err
	}
	box, err := sandbox.Start(ctx, sandbox.Options{})
	if err != nil {
		_ = books.store.Close()
		return nil, nil, err
	}
	clean := func() {
		_ = box.Close()
		_ = books.store.Close()
	}
	adapter := stripe.New(stripe.Config{Key: box.Env()["STRIPE_SECRET_KEY"], BaseURL: box.URL()})
	run := func(ctx context.Context) (float64, error) {
		cut, err := books.cutOff(ctx, adapter)
		if err != nil {
			return 0, fmt.Errorf("cutting payments off: %w", err)
		}
		begin := time.Now()
		service := payments.New(books.store, adapter, payments.Options{
			Install: install, Boot: "after", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		if err := service.Recover(ctx); err != nil {
			return 0, err
		}
		took := time.Since(begin)
		for n, p := range cut {
			after, err := books.store.Payment(ctx, p.ID)
			if err != nil {
				return 0, err
			}
			if want := becomes(n); after.Status != want {
				return 0, fmt.Errorf("payment %s is %s, not %s", p.ID, after.Status, want)
			}
		}
		return took.Seconds(), nil
	}
	return []contender{{name: "1,000 payments that were cut off", most: 60, run: run}}, clean, nil
}

// becomes is what recovery makes of the n-th payment.
func becomes(n int) paylink.PaymentStatus {
	if n%2 == 0 {
		return paylink.Succeeded
	}
	return paylink.Canceled
}

// cutOff leaves payments as a server that is killed does.
func (b *books) cutOff(ctx context.Context, adapter *stripe.Client) ([]paylink.Payment, error) {
	for len(b.waiting) < cutOff {
		if err := b.more(ctx); err != nil {
			return nil, err
		}
	}
	cut := b.waiting[:cutOff]
	b.waiting = b.waiting[cutOff:]
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for part := range errs {
		wg.Go(func() {
			for n := part; n < cutOff && errs[part] == nil; n += len(errs) {
				errs[part] = b.cutOne(ctx, adapter, &cut[n], becomes(n) == paylink.Succeeded)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return cut, nil
}

func (b *books) cutOne(ctx context.Context, adapter *stripe.Client, p *paylink.Payment, paid bool) error {
	in, err := adapter.CreateIntent(ctx, "create:"+p.ID, stripe.IntentRequest{
		Amount: p.Amount, MethodTypes: []string{"card"}, Capture: p.Capture, Install: install, Payment: p.ID, Invoice: p.InvoiceID,
	})
	if err != nil {
		return err
	}
	if paid {
		if in, err = adapter.Confirm(ctx, in.ID, "confirm:"+p.ID, stripe.ConfirmRequest{Method: "pm_card_visa", ReturnURL: "http://127.0.0.1/"}); err != nil {
			return err
		}
	}
	p.PaymentIntent, p.Boot = in.ID, "before"
	return b.store.Update(ctx, func(tx *store.Tx) error { return tx.UpdatePayment(ctx, *p) })
}
