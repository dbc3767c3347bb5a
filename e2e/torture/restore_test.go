package torture

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/store/storetest"
)

// run runs a command of paylink's that dies at a point, "" to let it end.
func (w *world) run(at string, args ...string) int {
	w.tb.Helper()
	was := w.site.Env
	if at != "" {
		w.site.Env = append(slices.Clone(was), "CRASH_AT="+at)
	}
	_, code := w.site.Run(args...)
	w.site.Env = was
	return code
}

// pay has one payer pay a part of an invoice.
func (w *world) pay(link, card, amount string, seed uint64) {
	w.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	p := w.person(link, seed)
	what, err := p.fill(ctx, card, amount)
	if err != nil || what.page == "" {
		w.tb.Fatalf("nothing to pay: %v", err)
	}
	page, err := p.send(ctx, what, 5)
	if err != nil || page == "" {
		w.tb.Fatalf("the payment: %v", err)
	}
	if _, err := p.follow(ctx, page, "succeed", 50); err != nil {
		w.tb.Fatal(err)
	}
}

// A backup is taken, people go on paying, and the backup is put back: what it does not know, the server learns from
// Stripe before it serves, and no receipt's number is given twice (I-23). A backup or a restore that is cut off has
// changed nothing.
func TestFault_R05_RestoredBooksAreWholeAgain(t *testing.T) {
	w := newWorld(t, Binary(t), storetest.SQLiteURL(t))
	dir := t.TempDir()
	file := filepath.Join(dir, "backup.db")
	_, links := w.invoice(100000, 2)
	w.pay(links[0], goodCard, "100.00", 1)
	w.pay(links[1], goodCard, "50.00", 2)

	if code := w.run("backup.copied:1", "backup", file); code == 0 {
		t.Error("the backup did not die")
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a backup that was cut off has its name: %v", err)
	}
	if code := w.run("", "backup", file); code != 0 {
		t.Fatalf("the backup: %d", code)
	}
	w.canaries(file, links)

	w.pay(links[0], goodCard, "200.00", 3) // the backup knows nothing of these
	w.pay(links[1], declinedCard, "10.00", 4)
	w.payers = w.payers[:len(w.payers)-1] // a try that moved nothing is not learned again
	w.pay(links[0], goodCard, "25.00", 5)
	if code := w.run("", "restore", file); code == 0 {
		t.Error("restored under a running server")
	}
	w.site.Kill()
	if code := w.run("restore.kept:1", "restore", file); code == 0 {
		t.Error("the restore did not die")
	}
	w.site.Restart()
	for _, f := range w.settle().Findings {
		t.Errorf("after a restore that was cut off: %v", f)
	}
	if code := w.run("", "restore", file); code != 0 {
		t.Fatalf("the restore: %d", code)
	}
	w.site.Restart()
	var first struct{ Paid int64 }
	w.site.Call(http.MethodGet, "/api/v1/invoices/"+w.ask("select id from invoice"), nil, &first)
	if first.Paid != 37500 {
		t.Errorf("it served before it had learned what was paid: %d of 37500", first.Paid)
	}
	w.pay(links[0], goodCard, "30.00", 6)
	report := w.settle()
	w.judge(report)
	if report.Settled != 5 || report.Moved != 40500 {
		t.Errorf("%d payments over %d", report.Settled, report.Moved)
	}
	if old := w.ask("select number from receipt where number like '%B-%' and created_at > 0"); old == "" {
		t.Error("receipts go on under the old letter")
	}
}

// canaries looks for secrets in a backup.
func (w *world) canaries(file string, links []string) {
	w.tb.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		w.tb.Fatal(err)
	}
	_, keys, _ := strings.Cut(w.env["PAYLINK_SECRET_KEYS"], ":")
	secrets := map[string]string{
		"the API key": w.site.APIKey, "the key ring": keys, "Stripe's key": w.env["STRIPE_SECRET_KEY"],
		"the webhook secret": w.env["STRIPE_WEBHOOK_SECRET"], "a client secret": "_secret_", "a card number": "4242424242424242",
		"Plaid's secret": w.env["PLAID_SECRET"],
	}
	for _, link := range links {
		secrets["a link's token"] = link[strings.LastIndex(link, "/")+1:]
	}
	for what, secret := range secrets {
		if len(secret) < 8 {
			w.tb.Errorf("no canary: %s is %q", what, secret)
		} else if n := bytes.Index(body, []byte(secret)); n >= 0 {
			w.tb.Errorf("%s is in the backup: …%q", what, body[max(0, n-60):min(len(body), n+20)])
		}
	}
}
