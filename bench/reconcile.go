package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

const (
	// listed is how many PaymentIntents are compared with the books.
	listed = 100_000
	// collectAt is how `paylink serve` sets Go's collector.
	collectAt = 400
)

// reconciliation compares books of 100,000 payments with as many PaymentIntents and returns by how many MB the heap
// grew at most. Stripe is a list made up page by page, in this process, so that its own heap, which is small, counts
// against us; the sandbox would hold every object.
func reconciliation(ctx context.Context, b bench) ([]contender, func(), error) {
	books, err := openBooks(ctx, "sqlite:"+filepath.Join(b.dir, "reconcile.db"))
	if err != nil {
		return nil, nil, err
	}
	list := newIntentList(time.Now())
	if err := books.insertListed(ctx, list); err != nil {
		_ = books.store.Close()
		return nil, nil, fmt.Errorf("making payments to compare: %w", err)
	}
	front := httptest.NewServer(list)
	clean := func() {
		front.Close()
		_ = books.store.Close()
	}
	service := payments.New(books.store, stripe.New(stripe.Config{Key: "sk_test_bench", BaseURL: front.URL}),
		payments.Options{Install: install, Boot: "bench", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return []contender{{name: "largest growth of the heap", most: 64, run: func(ctx context.Context) (float64, error) {
		defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
		return growth(func() error {
			report, err := service.Reconcile(ctx, nil)
			if err == nil && (report.Seen["payment_intents"] != listed || report.Different+report.Rebuilt+report.Canceled+report.Foreign != 0) {
				err = fmt.Errorf("reconciliation found %+v", report)
			}
			return err
		})
	}}}, clean, nil
}

// growth runs f and returns the most MB of objects, used and not yet collected, that the heap held above what it held
// before.
func growth(f func() error) (float64, error) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() float64 {
		metrics.Read(sample)
		return float64(sample[0].Value.Uint64()) / 1e6
	}
	runtime.GC()
	before := heap()
	most := before
	done := make(chan error, 1)
	go func() { done <- f() }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return most - before, err
		case <-tick.C:
			most = max(most, heap())
		}
	}
}

// insertListed writes the payment of each PaymentIntent, settled as Stripe will say.
func (b *books) insertListed(ctx context.Context, l *intentList) error {
	for first := 0; first < listed; first += aWrite {
		err := b.store.Update(ctx, func(tx *store.Tx) error {
			total := money.New(aWrite*intentAmount, "USD")
			i := paylink.Invoice{
				ID: l.invoice(first), Number: "INV-" + l.invoice(first), CustomerID: b.customer, Title: "Website relaunch",
				Currency: "USD", Total: total, State: paylink.StateOpen, Version: 1, CreatedAt: l.made, UpdatedAt: l.made,
				Lines:   []paylink.Line{{Description: "Design", Quantity: 10000, UnitAmount: total, Amount: total}},
				Partial: paylink.PartialRules{Allowed: true}, Capture: paylink.CaptureAutomatic,
			}
			if err := tx.InsertInvoice(ctx, i); err != nil {
				return err
			}
			owed, err := ledger.Issue(ledger.Header{ID: paylink.NewID("ltx", l.made), SourceType: "invoice", SourceID: i.ID, At: l.made}, i.ID, total)
			if err != nil {
				return err
			}
			if _, err := tx.Post(ctx, owed); err != nil {
				return err
			}
			for n := first; n < first+aWrite; n++ {
				if _, err := tx.InsertPayment(ctx, paylink.Payment{
					ID: l.payment(n), InvoiceID: i.ID, CustomerID: b.customer, Nonce: l.payment(n), InvoiceVersion: 1,
					Method: paylink.MethodCard, Amount: money.New(intentAmount, "USD"), Fee: money.New(0, "USD"), Capture: paylink.CaptureAutomatic,
					Status: paylink.Succeeded, PaymentIntent: l.intent(n), Locale: money.English, CreatedAt: l.made, UpdatedAt: l.made, SettledAt: l.made,
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// intentList answers like Stripe's list of PaymentIntents, with succeeded ones that are numbered instead of kept; every
// other list is empty.
type intentList struct{ made time.Time }

const intentAmount = 22500

func newIntentList(now time.Time) *intentList { return &intentList{made: now.Truncate(time.Second)} }

func (l *intentList) intent(n int) string  { return fmt.Sprintf("pi_%06d", n) }
func (l *intentList) payment(n int) string { return fmt.Sprintf("pay_%06d", n) }
func (l *intentList) invoice(n int) string { return fmt.Sprintf("inv_%06d", n/aWrite*aWrite) }

func (l *intentList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/v1/payment_intents" {
		_, _ = w.Write([]byte(`{"object":"list","data":[],"has_more":false}`))
		return
	}
	first, size := 0, 100
	if after := r.URL.Query().Get("starting_after"); after != "" {
		last, err := strconv.Atoi(strings.TrimPrefix(after, "pi_"))
		if err != nil {
			http.Error(w, "no such object", http.StatusBadRequest)
			return
		}
		first = last + 1
	}
	var out bytes.Buffer
	out.WriteString(`{"object":"list","data":[`)
	for n := first; n < min(first+size, listed); n++ {
		if n > first {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, intentJSON, l.intent(n), intentAmount, intentAmount, l.made.Unix(), filler[:500], install, l.payment(n), l.invoice(n), n, intentAmount, l.made.Unix())
	}
	fmt.Fprintf(&out, `],"has_more":%t}`, first+size < listed)
	_, _ = w.Write(out.Bytes())
}

const intentJSON = `{"id":%q,"object":"payment_intent","amount":%d,"amount_received":%d,"currency":"usd","status":"succeeded","livemode":false,
"capture_method":"automatic","payment_method_types":["card"],"created":%d,"description":%q,
"metadata":{"paylink_install":%q,"paylink_payment":%q,"paylink_invoice":%q},
"latest_charge":{"id":"ch_%06d","object":"charge","amount":%d,"created":%d,"paid":true,"status":"succeeded",
"payment_method_details":{"type":"card","card":{"brand":"visa","last4":"4242","exp_month":12,"exp_year":2034,"funding":"credit","fingerprint":"fp"}}}}`
