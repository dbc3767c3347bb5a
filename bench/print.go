package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"paylink"
	"paylink/money"
	"paylink/receipts"
)

//go:embed receipt.html
var receiptPage []byte

// documents compares our receipt, as it is drawn for a payer whose name needs more than Latin letters, with much the
// same page printed by Chromium.
func documents(_ context.Context, b bench) ([]contender, func(), error) {
	page := filepath.Join(b.dir, "receipt.html")
	if err := os.WriteFile(page, receiptPage, 0o600); err != nil {
		return nil, nil, fmt.Errorf("writing the page to print: %w", err)
	}
	return []contender{
		{name: "Chromium prints a page", run: func(ctx context.Context) (float64, error) { return chromiumPrint(ctx, b, page) }},
		{name: "our receipt", least: 50, run: func(ctx context.Context) (float64, error) { return ourReceipts(ctx, b.time) }},
	}, func() {}, nil
}

// ourReceipts draws receipts one after the other and returns how many a second.
func ourReceipts(ctx context.Context, d time.Duration) (float64, error) {
	n, begin := 0, time.Now()
	for time.Since(begin) < d {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		r := sample
		r.Number = fmt.Sprintf("R-2026-%06d", n) // no two alike
		if _, err := receipts.Render(r); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}

// sample is what receipt.html says too.
var sample = func() receipts.Receipt {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	at := time.Date(2026, time.November, 23, 22, 5, 0, 0, time.UTC)
	return receipts.Receipt{
		Revision: 1, Revisions: 1, Status: paylink.ReceiptPaid, Locale: money.English, Paper: receipts.A4,
		Firm: receipts.Firm{
			Name: "Northwind Studio", Tagline: "Design for small firms", Email: "billing@northwind.example",
			Address: []string{"Northwind Studio LLC", "12 Harbor Street", "Portland, OR 97204"}, CheckHost: "pay.northwind.example",
		},
		Payer: "Łukasz Größe, Анна Иванова", Company: "Ελένη Παπαδοπούλου", PaidAt: at, IssuedAt: at, TimeZone: "America/Los_Angeles",
		Charged: usd(125450), Method: "Visa ending in 4242", AuthorizationCode: "123456", Statement: "NORTHWIND* INV0042",
		Reference: "pi_3NorthwindStudio42", InvoiceNumber: "INV-2026-0042", InvoiceTitle: "Website relaunch",
		Total: usd(480000), PaidBefore: usd(120000), ThisPayment: usd(121914), Fee: usd(3536), FeeLabel: "Card fee, 2.9%",
		OnItsWay: usd(50000), Refunded: usd(0), StillToPay: usd(188086), VerifyCode: "7KQM-2D9F",
	}
}()

// chromiumPrint starts Chromium to print the page once, and returns how many it would print a second.
func chromiumPrint(ctx context.Context, b bench, page string) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pdf := filepath.Join(b.dir, "receipt.pdf")
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
		"--user-data-dir="+filepath.Join(b.dir, "chromium"), "--print-to-pdf="+pdf, page)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		return 0, fmt.Errorf("printing by Chromium: %w\n%s", err, out)
	}
	if _, err := os.Stat(pdf); err != nil {
		return 0, fmt.Errorf("printing by Chromium: %w\n%s", err, out)
	}
	if err := os.Remove(pdf); err != nil {
		return 0, fmt.Errorf("printing by Chromium: %w", err)
	}
	return 1 / took.Seconds(), nil
}
