package torture

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paylink/e2e/torture/auditor"
	"paylink/store/storetest"
)

var (
	kills = flag.Int("kills", 300, "how often the server is killed on each database")
	seed  = flag.Uint64("seed", 0, "what the dice begin with; 0 for a new one, which is printed")
)

// The server is killed again and again while people pay and Stripe misbehaves. Afterwards every cent is where Stripe
// says it is.
func TestFault_P09_CrashLoop(t *testing.T) {
	binary := Binary(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		t.Parallel()
		w := newWorld(t, binary, database)
		report := w.crashLoop(*kills, 400*time.Millisecond, begin(t))
		w.judge(report)
		if report.Settled < *kills/4 {
			t.Errorf("only %d payments were made: that proves little", report.Settled)
		}
		if len(w.desk.sights()) == 0 {
			t.Error("staff charged nobody")
		}
	})
}

// begin is the seed of this run.
func begin(tb testing.TB) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64() >> 40
	}
	tb.Logf("seed %d", s)
	return s
}

// judge fails the test for every finding.
func (w *world) judge(report auditor.Report) {
	w.tb.Helper()
	w.tb.Logf("%d payments, %d settled over %d cents, %d of them from banks, %d begun by staff, %d refunds, %d taken back, %d receipts mailed, %d orphans, %d findings",
		report.Payments, report.Settled, report.Moved, report.Debits, len(w.openDesk(0).sights()), report.Refunds, report.Returns, report.Mails, report.Orphans, len(report.Findings))
	for _, f := range report.Findings {
		w.tb.Error(f)
	}
}

// crashLoop has payers pay while the server is killed so often, each time after no longer than it may live, and gives
// what the auditor says.
func (w *world) crashLoop(kills int, life time.Duration, seed uint64) auditor.Report {
	w.tb.Helper()
	dice := rand.New(rand.NewPCG(seed, 1))
	w.misbehave(seed)
	const people = 8 // at a time, often on the same invoice
	var links []string
	for range kills/3 + 3 {
		capture := "automatic"
		if dice.IntN(6) == 0 {
			capture = "manual"
		}
		_, urls := w.invoiceWith(5000+int64(dice.IntN(40000)), 2, capture)
		links = append(links, urls[0], urls[1], urls[0])
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group sync.WaitGroup
	var next atomic.Uint64
	for range people {
		group.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if err := w.person(links[n%uint64(len(links))], seed+n).live(ctx); err != nil && ctx.Err() == nil {
					w.tb.Errorf("a payer: %v", err)
				}
			}
		})
	}
	telephone := w.openDesk(seed)
	group.Go(func() { telephone.work(ctx) })
	w.staff = &staff{w: w, dice: rand.New(rand.NewPCG(seed, 3)), round: seed}
	group.Go(func() { w.staff.work(ctx) })
	begun, longest := time.Now(), life
	for range kills {
		if err := pause(ctx, 20*time.Millisecond+time.Duration(dice.Int64N(int64(longest-20*time.Millisecond)))); err != nil {
			w.tb.Fatal(err)
		}
		w.site.Kill()
		if dice.IntN(20) == 0 {
			// A day at the banks passes while nobody is at work. A call that the dead server left behind ends
			// before: its key is good for a day, and it would be another call afterwards.
			if err := pause(ctx, time.Second); err != nil {
				w.tb.Fatal(err)
			}
			w.control(http.MethodPost, "/clock", map[string]string{"advance": "30h"})
		}
		stopped := time.Now()
		w.site.Restart()
		// A machine that takes long to start the server takes as much longer to do the same work in it.
		longest = max(life, 4*time.Since(stopped))
	}
	w.tb.Logf("%d kills in %v, %.1f a second", kills, time.Since(begun).Round(time.Second), float64(kills)/time.Since(begun).Seconds())
	stop()
	group.Wait()
	w.control(http.MethodDelete, "/faults", nil)
	w.staff.finish(w.tb.Context())
	return w.settle()
}

// misbehave has the sandbox fail at random: some requests before and some after their effect, some webhooks never.
func (w *world) misbehave(seed uint64) {
	w.tb.Helper()
	for n, call := range []string{
		"POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm", "POST /v1/payment_intents/*/cancel",
		"GET /v1/payment_intents/*", "POST /v1/customers", "POST /v1/payment_intents/*/capture",
		"POST /v1/refunds", "GET /v1/refunds", "GET /v1/refunds/*", "GET /v1/disputes/*",
		"POST /item/public_token/exchange", "POST /item/remove", "POST /accounts/get",
		"POST /processor/stripe/bank_account_token/create", "POST /v1/customers/*/sources", "GET /v1/customers/*/sources",
	} {
		for m, mode := range []string{"500_before", "500_after", "drop_before", "drop_after", "429", "bad_json", "slow:300ms"} {
			w.fault(call, mode, 0.03, seed+uint64(10*n+m))
		}
	}
	for m, mode := range []string{"lose", "dup:3", "delay:500ms", "reorder"} {
		w.fault("event *", mode, 0.15, seed+1000+uint64(m))
	}
}
