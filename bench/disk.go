package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// writes compares settling payments with what the disk can do.
func writes(ctx context.Context, b bench) ([]contender, func(), error) {
	f, err := os.OpenFile(filepath.Join(b.dir, "probe"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("making the file to sync: %w", err)
	}
	books, err := openBooks(ctx, "sqlite:"+filepath.Join(b.dir, "paylink.db"))
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	clean := func() {
		_ = f.Close()
		_ = books.store.Close()
	}
	return []contender{
		{name: "fdatasync after 4 KB", run: func(ctx context.Context) (float64, error) { return syncs(ctx, f, b.time) }},
		{name: "payments settled, SQLite", least: 0.25, run: func(ctx context.Context) (float64, error) { return books.settle(ctx, b.time) }},
	}, clean, nil
}

// syncs overwrites one page of a file and syncs it, one after the other: the least that a durable commit can cost.
// The file keeps its size, so nothing but the page is written.
func syncs(ctx context.Context, f *os.File, d time.Duration) (float64, error) {
	page := make([]byte, 4096)
	n := 0
	begin := time.Now()
	for time.Since(begin) < d {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		page[0] = byte(n)
		if _, err := f.WriteAt(page, 0); err != nil {
			return 0, fmt.Errorf("writing: %w", err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("syncing: %w", err)
		}
		n++
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
