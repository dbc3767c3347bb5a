// Package torture ends the real server at the worst moments while people pay, and has an auditor that shares no code
// with it look at what is left: with kill -9 at random (the crash loop) and at every point between two steps.
//
// It is imported by tests alone and knows Paylink from outside: its pages, its commands, and the tables that the auditor
// reads. It does not test the disk: what the kernel was given survives kill -9, and durability_test.go looks after that.
package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink/e2e/process"
	"paylink/e2e/torture/auditor"
)

// Binary is a paylink that can be told where to die, without the race detector: what is slow dies less often.
func Binary(tb testing.TB, flags ...string) string {
	tb.Helper()
	binary, err := process.Build("paylink/cmd/paylink", append([]string{"-race=false", "-tags=faultinject"}, flags...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return binary
}

// world is a server, its sandbox and the people who pay.
type world struct {
	tb        testing.TB
	site      *process.Site
	database  string
	env       map[string]string
	transport *http.Transport
	mostly    string // "debits" or "refunds": what people do more than else

	mu     sync.Mutex
	payers []*payer
	staff  *staff // nil where nobody is at work
	desk   *desk  // nil where nobody needs it
}

func newWorld(tb testing.TB, binary, database string, more ...string) *world {
	tb.Helper()
	w := &world{
		tb: tb, database: database, env: map[string]string{},
		transport: &http.Transport{DisableKeepAlives: true}, // the server may be another by the next request
		site:      process.StartSiteOf(tb, binary, database, more...),
	}
	for _, setting := range w.site.Env {
		name, value, _ := strings.Cut(setting, "=")
		w.env[name] = value
	}
	return w
}

// invoice makes an invoice of so many cents, to be paid in parts, and links to it, by the API.
func (w *world) invoice(cents int64, links int) (id string, urls []string) {
	w.tb.Helper()
	return w.invoiceWith(cents, links, "automatic")
}

// invoiceWith is invoice with cards charged at once (automatic) or held until staff capture (manual).
func (w *world) invoiceWith(cents int64, links int, capture string) (id string, urls []string) {
	w.tb.Helper()
	type fields = map[string]any
	var customer, made struct{ ID string }
	call := func(route string, body, into any) {
		w.tb.Helper()
		if code := w.site.Call(http.MethodPost, route, body, into); code >= 300 {
			w.tb.Fatalf("%s: %d", route, code)
		}
	}
	call("/api/v1/customers", fields{"name": "Łukasz Größe", "email": "payer@example.com"}, &customer)
	call("/api/v1/invoices", fields{
		"customer_id": customer.ID, "currency": "USD", "capture": capture, "partial": fields{"allowed": true, "minimum": 500},
		"lines": []fields{{"description": "Design", "quantity": 1, "unit_amount": cents}},
	}, &made)
	for range links {
		var sent struct{ URL string }
		call("/api/v1/invoices/"+made.ID+"/links", fields{"send": false}, &sent)
		urls = append(urls, sent.URL)
	}
	return made.ID, urls
}

// capture takes the held payment of a page, as a program of the firm's does.
func (w *world) capture(ctx context.Context, page string) {
	// What became of it shows on the page.
	_ = w.call(ctx, http.MethodPost, "/api/v1/payments/"+path.Base(page)+"/capture", "", struct{}{}, nil)
}

// person adds a payer, whose sights the auditor will compare.
func (w *world) person(link string, seed uint64) *payer {
	p := w.payer(link, seed)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.payers = append(w.payers, p)
	return p
}

var (
	errRefused = errors.New("refused")
	errTrouble = errors.New("in trouble") // what the server may do when it is asked again
)

// stripe calls the sandbox as the browser would.
func (w *world) stripe(ctx context.Context, route string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.site.SandboxURL+route, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !form.Has("key") {
		req.SetBasicAuth(w.env["STRIPE_SECRET_KEY"], "")
	}
	return w.do(req, into)
}

// control steers the sandbox.
func (w *world) control(method, route string, body any) {
	w.tb.Helper()
	if err := w.tell(context.Background(), method, route, body, nil); err != nil {
		w.tb.Fatalf("%s %s: %v", method, route, err)
	}
}

// tell is control where the sandbox may refuse.
func (w *world) tell(ctx context.Context, method, route string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, w.site.SandboxURL+route, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return w.do(req, into)
}

func (w *world) do(req *http.Request, into any) error {
	resp, err := (&http.Client{Timeout: 20 * time.Second, Transport: w.transport}).Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %s: %.300s", errTrouble, resp.Status, body)
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%w: %s: %.300s", errRefused, resp.Status, body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}

// fault makes the sandbox fail for a share of the requests, from a seed.
func (w *world) fault(match, mode string, share float64, seed uint64) {
	w.tb.Helper()
	w.control(http.MethodPost, "/faults", map[string]any{"match": match, "mode": mode, "times": -1, "probability": share, "seed": seed})
}

// settle stops the faults, lets time pass until nothing is left to do, stops the server and has everything audited.
// On the way to rest something ends every minute, and as much of the clock passes as leases, back-offs and patience with
// payers have: the stopped server's rows are made older by that.
func (w *world) settle() auditor.Report {
	w.tb.Helper()
	w.control(http.MethodDelete, "/faults", nil)
	var late []auditor.Finding
	patience := patience{w: w}
	// Each round is twice as long as the one before: what was put off for a day is due after a few rounds, however many a
	// slow machine gets done in a minute.
	for open, step := w.open(), 20*time.Minute; ; open, step = w.open(), min(2*step, 24*time.Hour) {
		w.site.Stop()
		w.age(step)
		later := "26h" // webhooks that are still to be sent again
		if strings.HasPrefix(open, "at the bank") {
			later = bankDays
		}
		w.control(http.MethodPost, "/clock", map[string]string{"advance": later})
		w.site.Restart()
		if open == "" {
			break
		}
		if patience.over() {
			late = append(late, auditor.Finding{Promise: "I-16", Subject: open, Detail: "is still there, and nothing ended for a minute"})
			break
		}
		w.rest(patience.over)
	}
	w.rest(patience.over)
	w.site.Stop()
	if out, code := w.site.Run("verify", "--json"); code != 0 {
		late = append(late, auditor.Finding{Promise: "verify", Subject: w.database, Detail: out})
	}
	var seen []auditor.Seen
	w.mu.Lock()
	for _, p := range w.payers {
		seen = append(seen, p.sights()...)
	}
	w.mu.Unlock()
	var told []auditor.Told
	if w.staff != nil {
		told = w.staff.told
	}
	report, err := auditor.Audit(context.Background(), w.database, w.site.SandboxURL, w.env["STRIPE_SECRET_KEY"], seen, told)
	if err != nil {
		w.tb.Fatal(err)
	}
	report.Findings = append(report.Findings, late...)
	return report
}

// patience is over a minute after the last thing ended: of thousands that many kills left behind, each takes its time.
type patience struct {
	w     *world
	least int // still open, at best
	until time.Time
}

func (p *patience) over() bool {
	p.w.tb.Helper()
	n, err := strconv.Atoi(p.w.ask("select cast(count(*) as text) from (" + everythingOpen() + ") x"))
	if err != nil {
		p.w.tb.Fatal(err)
	}
	if p.until.IsZero() || n < p.least {
		p.least, p.until = n, time.Now().Add(time.Minute)
	}
	return time.Now().After(p.until)
}

// rest waits until nothing is to be done now, or for too long.
func (w *world) rest(over func() bool) {
	w.tb.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for still := 0; still < 3 && !over(); {
		<-tick.C
		if w.ready() == "" {
			still++
		} else {
			still = 0
		}
	}
}

// Periodic jobs come back whatever happens. Their keys are times.
const (
	periodic    = "key like '____-__-__T__:__:__Z'"
	notPeriodic = "key not like '____-__-__T__:__:__Z'"
)

// open says what is not done yet, though it may be for later: first what the banks take days for. An account that a
// debit may still come back to is let go of after months.
func (w *world) open() string { return w.ask(everythingOpen()) }

func everythingOpen() string {
	return `select 'at the bank: payment ' || id || ' ' || status from payment where status = 'processing'
		union all select 'at the bank: refund ' || id || ' ' || status from refund where status in ('pending', 'requires_action')
		union all select 'payment ' || id || ' ' || status from payment where status not in ('succeeded', 'failed', 'canceled', 'authorized', 'processing')
		union all select 'refund ' || id || ' ' || status from refund where status = 'asked'
		union all select 'exchange ' || id from bank_exchange where ended_at = 0
		union all select 'job ' || kind || ' ' || key || ' ' || last_error from job where done_at = 0 and dead_at = 0 and ` + notPeriodic + `
			and (kind <> 'method.detach' or run_at < ` + strconv.FormatInt(time.Now().Add(24*time.Hour).UnixMicro(), 10) + `)`
}

// ready says what is to be done now: also the comparison with Stripe that every start begins with, which may find more.
func (w *world) ready() string {
	return w.ask(fmt.Sprintf(`select 'payment ' || id || ' ' || status from payment where status in ('created', 'confirming', 'unknown')
		union all select 'refund ' || id from refund where status = 'asked' and updated_at < %[2]d
		union all select 'exchange ' || id from bank_exchange where ended_at = 0 and created_at < %[3]d
		union all select 'the first comparison' where not exists (select 1 from job where kind = 'payment.reconcile' and done_at > 0)
		union all select 'job ' || kind || ' ' || key from job where done_at = 0 and dead_at = 0 and run_at <= %[1]d and `+notPeriodic,
		time.Now().Add(5*time.Second).UnixMicro(), time.Now().Add(-2*time.Minute).UnixMicro(), time.Now().Add(-45*time.Minute).UnixMicro()))
}

// ask gives the first column of the first row, "" without one.
func (w *world) ask(query string) (answer string) {
	w.tb.Helper()
	db, err := auditor.Open(w.database)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), query+" limit 1")
	if err != nil {
		w.tb.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&answer); err != nil {
			w.tb.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		w.tb.Fatal(err)
	}
	return answer
}

// age makes what a stopped server waits for older, as if it had stood still for so long.
func (w *world) age(by time.Duration) {
	w.tb.Helper()
	db, err := auditor.Open(w.database)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer db.Close()
	for _, query := range []string{
		"update job set run_at = run_at - %d where done_at = 0 and dead_at = 0 and " + notPeriodic,
		// Periodic work begins again with the server, and does not wait for whoever was at it when it died.
		"delete from job where %d > 0 and " + periodic,
		`update payment set lease_until = lease_until - %[1]d, checked_at = checked_at - %[1]d, updated_at = updated_at - %[1]d
			where status not in ('succeeded', 'failed', 'canceled')`,
		"update refund set updated_at = updated_at - %d where status in ('asked', 'pending', 'requires_action')",
		"update bank_exchange set created_at = created_at - 3 * cast(%d as bigint) where ended_at = 0", // a browser comes no more
	} {
		if _, err := db.ExecContext(context.Background(), fmt.Sprintf(query, by.Microseconds())); err != nil {
			w.tb.Fatal(err)
		}
	}
}
