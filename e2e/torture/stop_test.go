package torture

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"paylink/store/storetest"
)

// crowd has people press Pay at once, each on an invoice of their own, and gives what waits for them.
func (w *world) crowd(ctx context.Context, people int) (wait func()) {
	w.tb.Helper()
	var links []string
	for range people {
		_, urls := w.invoice(10000, 1)
		links = append(links, urls...)
	}
	var group sync.WaitGroup
	for n, link := range links {
		p := w.person(link, uint64(n))
		group.Go(func() {
			what, err := p.fill(ctx, goodCard, "")
			if err != nil || what.page == "" {
				return
			}
			if page, err := p.send(ctx, what, 100); err == nil && page != "" {
				_, _ = p.follow(ctx, page, "", 3)
			}
		})
	}
	return group.Wait
}

// A server that is asked to stop while ten people pay ends within half a minute, and what it could not finish is found by
// the next one.
func TestFault_D12_StopWithTenPaymentsInFlight(t *testing.T) {
	binary := Binary(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		w := newWorld(t, binary, database)
		w.fault("POST /v1/payment_intents/*/confirm", "slow:1s", 1, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		wait := w.crowd(ctx, 10)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for w.ask("select id from payment where status = 'confirming'") == "" {
			<-tick.C
		}
		w.site.Stop() // fails the test when it takes longer than half a minute, or ends badly
		w.site.Restart()
		wait()
		report := w.settle()
		w.judge(report)
		if report.Settled == 0 {
			t.Error("nobody paid")
		}
	})
}

// A server that may open few files turns people away and loses nothing that it had taken.
func TestFault_D15_NoMoreFilesToOpen(t *testing.T) {
	script := filepath.Join(t.TempDir(), "paylink")
	text := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = serve ] && ulimit -n 40\nexec %q \"$@\"\n", Binary(t))
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, script, storetest.SQLiteURL(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	wait := w.crowd(ctx, 8)
	var idle []net.Conn
	for range 60 {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", w.site.BaseURL[len("http://"):])
		if err == nil {
			idle = append(idle, c)
		}
	}
	short, done := context.WithTimeout(ctx, 2*time.Second)
	defer done()
	req, err := http.NewRequestWithContext(short, http.MethodGet, w.site.BaseURL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.do(req, nil); err == nil {
		t.Error("it never ran out of files: the test proves nothing")
	}
	for _, c := range idle {
		_ = c.Close()
	}
	wait()
	report := w.settle()
	w.judge(report)
	if report.Settled == 0 {
		t.Error("nobody paid, even afterwards")
	}
}
