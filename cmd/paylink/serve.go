package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"paylink/config"
)

type serveCommand struct {
	PrintConfig bool `help:"Print the configuration with its secrets hidden, and end."`
}

// collectAt is how far the heap grows between two collections, in percent. It is a few MB, which at Go's
// own 100 is collected hundreds of times a second under load; GOGC says otherwise.
const collectAt = 400

// Run serves until the program is told to stop.
func (s serveCommand) Run(w *world) error {
	c, err := config.FromEnv(w.getenv)
	if err != nil {
		return fmt.Errorf("the environment is not complete:\n%w", err)
	}
	if s.PrintConfig {
		_, err := fmt.Fprint(w.stdout, c)
		return err
	}
	if w.getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may go away
	lines := newLines(w.stdout)
	defer lines.Close()
	log := logger(lines, slog.LevelInfo)
	a, err := newApp(w.ctx, c, log)
	if err != nil {
		return err
	}
	a.metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "paylink_log_lines_lost_total", Help: "Lines of the log that nobody took in time.",
	}, func() float64 { return float64(lines.lost.Load()) }))
	if err := a.compare(w.ctx); err != nil {
		return errors.Join(err, a.store.Close())
	}
	l, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("PAYLINK_ADDR: %w", err)
	}
	if c.MetricsAddr != "" {
		if err := a.serveMetrics(w.ctx, c.MetricsAddr); err != nil {
			return err
		}
	}
	log.Info("serving", "addr", l.Addr().String(), "base_url", c.BaseURL, "live", c.Live())
	return a.run(w.ctx, l)
}
