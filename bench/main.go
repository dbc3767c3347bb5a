// Command bench measures what Paylink promises of its speed, each against a yardstick that ran in the same minute on
// the same machine: a page against a static file, a payment against a disk sync, a receipt against Chromium's print.
// Machines differ and are noisy; ratios of interleaved rounds do not depend on it as absolute figures do.
//
// It prints a table, also where a goal is missed, and then exits 1. It is no test: nothing here says that Paylink is
// right.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// bench is what every measurement is given.
type bench struct {
	dir  string        // on the disk that databases lie on
	time time.Duration // of one contender in one round
}

var errShort = errors.New("a goal was missed")

func main() {
	if len(os.Args) == 2 && os.Args[1] == staticCommand {
		fmt.Fprintln(os.Stderr, "bench:", serveStatic(os.Stdout))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 5, "rounds, each with every contender of a group")
	each := flag.Duration("time", 2*time.Second, "how long a contender runs in a round")
	only := flag.String("only", "", "regular expression: only groups of such names")
	dir := flag.String("dir", filepath.Join(".cache", "bench"), "folder on the disk to measure")
	flag.Parse()
	pick, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if err := os.MkdirAll(*dir, 0o750); err != nil {
		return fmt.Errorf("making the folder to measure in: %w", err)
	}
	work, err := os.MkdirTemp(*dir, "run")
	if err != nil {
		return fmt.Errorf("making the folder to measure in: %w", err)
	}
	defer os.RemoveAll(work)

	b := bench{dir: work, time: *each}
	short := false
	for _, g := range groups {
		if !pick.MatchString(g.name) {
			continue
		}
		n := *rounds
		if g.once {
			n = 1
		}
		rows, err := g.measure(ctx, b, n)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", g.name, err)
		}
		table(os.Stdout, g, rows)
		for _, r := range rows {
			short = short || !r.reached()
		}
	}
	if short {
		return errShort
	}
	return nil
}

// groups are the promises, in the order of the table.
var groups = []group{
	{name: "payment page, 16 connections", unit: "pages/s", prepare: pages(16, 0.10)},
	{name: "payment page, 64 connections", unit: "pages/s", prepare: pages(64, 0.15)},
	{name: "durable payments", unit: "/s", prepare: writes},
	{name: "webhook inbox, 64 at once", unit: "/s", prepare: inboxes},
	{name: "receipt", unit: "documents/s", prepare: documents},
	{name: "start to the first payment page", unit: "ms", alone: true, prepare: firstPage},
	{name: "weight of the payment page, compressed", unit: "KB", alone: true, prepare: weight},
	{name: "webhooks acknowledged, 50 a second", unit: "ms", alone: true, prepare: acknowledgements},
	{name: "recovery of 1,000 payments", unit: "s", alone: true, once: true, prepare: recovery},
	{name: "reconciliation of 100,000 PaymentIntents", unit: "MB", alone: true, once: true, prepare: reconciliation},
}
