package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed receipt.html
var receiptPage []byte

// receipts compares our receipt with the same one printed by Chromium from a page.
func receipts(_ context.Context, b bench) ([]contender, func(), error) {
	page := filepath.Join(b.dir, "receipt.html")
	if err := os.WriteFile(page, receiptPage, 0o600); err != nil {
		return nil, nil, fmt.Errorf("writing the page to print: %w", err)
	}
	return []contender{{name: "Chromium prints a page", run: func(ctx context.Context) (float64, error) {
		return chromiumPrint(ctx, b, page)
	}}}, func() {}, nil
}

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
