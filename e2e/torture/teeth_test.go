package torture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/store/storetest"
)

// change is a passage of a file and what stands there instead.
type change struct{ file, is, becomes string }

// mistakes are eight ways to write Paylink wrongly, each behind SEEDED=name. They exist in an overlay of the compiler's
// alone: no source of Paylink's and no binary that anybody gets has them.
var mistakes = []struct {
	name     string
	promises []string // one of these is seen to be broken
	changes  []change
	mostly   string // what people do more than else, so that few kills are enough
	lost     string // a call whose answer is lost often, for the same reason
}{
	{name: "key", promises: []string{"I-1"}, changes: []change{ // a key of its own for every call, so that a call is not repeated but made again
		{"payments/payments.go", `return fmt.Sprintf("plk:%s:%s:%s", s.Install, id, step)`,
			`return fmt.Sprintf("plk:%s:%s:%s", s.Install, id, step) + seededText("key")`},
	}},
	{name: "reservation", promises: []string{"I-8"}, changes: []change{ // what is being paid can be paid again
		{"payable.go", "func PayableOf(i Invoice, b Balance) Payable {", "func PayableOf(i Invoice, b Balance) Payable {\n" +
			`	if os.Getenv("SEEDED") == "reservation" { b.Pending = 0 }`},
		{"payable.go", "package paylink\n", "package paylink\nimport \"os\"\n"},
	}},
	{name: "late", promises: []string{"I-4", "I-5"}, changes: []change{ // the row is written after the money moved, and nobody looks for what has none
		{"payments/begin.go", "if made, err = tx.InsertPayment(ctx, p); err != nil {",
			`if seeded("late") { made = true } else if made, err = tx.InsertPayment(ctx, p); err != nil {`},
		{"payments/begin.go", "if p, err = s.remember(ctx, p.ID, intent.ID, press); err != nil {", `if seeded("late") {
		return s.seededLate(ctx, p, intent, confirmRequest(p, press))
	}
	if p, err = s.remember(ctx, p.ID, intent.ID, press); err != nil {`},
		{"payments/reconcile.go", "func (s *Service) ReconcileJob(ctx context.Context, job store.Job) error {",
			"func (s *Service) ReconcileJob(ctx context.Context, job store.Job) error {\n	if seeded(\"late\") { return nil }\n"},
	}},
	{name: "twice", promises: []string{"I-4"}, changes: []change{ // every report of a success is booked
		{"payments/apply.go", "if next == paylink.Succeeded && before.Status != paylink.Succeeded {",
			`if next == paylink.Succeeded && (before.Status != paylink.Succeeded || seeded("twice")) {`},
		{"payments/settle.go", `SourceType: "payment", SourceID: p.ID, At: p.SettledAt,`,
			`SourceType: "payment", SourceID: p.ID + seededAgain(p), At: p.SettledAt,`},
		{"payments/settle.go", "receipt, err := s.receipt(", "if p.ReceiptID != \"\" { return nil }\n	receipt, err := s.receipt("},
	}},
	{name: "mail", promises: []string{"I-11"}, changes: []change{ // the mail goes out after the commit, and is not in it
		{"payments/settle.go", `return enqueue(ctx, tx, "mail.receipt", receipt.ID+"/1", `, `if seeded("mail") {
		s.seededMail(receipt.ID)
		return nil
	}
	return enqueue(ctx, tx, "mail.receipt", receipt.ID+"/1", `},
	}},
	{name: "refund", mostly: "refunds", lost: "POST /v1/refunds", promises: []string{"I-13"}, changes: []change{ // a refund is not repeated but made again
		{"payments/refund.go", `s.stripe.CreateRefund(ctx, s.key(f.ID, "refund"), `, `s.stripe.CreateRefund(ctx, s.key(f.ID, "refund")+seededText("refund"), `},
	}},
	{name: "press", mostly: "debits", promises: []string{"I-2"}, changes: []change{ // a form that is sent again debits again
		{"payments/begin.go", "Nonce: press.Nonce,", `Nonce: press.Nonce + seededText("press"),`},
	}},
	{name: "return", promises: []string{"I-4", "I-5"}, changes: []change{ // what arrived from a bank is ours for good
		{"payments/dispute.go", "func (s *Service) ApplyDispute(ctx context.Context, d stripe.Dispute) (paylink.Dispute, error) {",
			"func (s *Service) ApplyDispute(ctx context.Context, d stripe.Dispute) (paylink.Dispute, error) {\n" +
				`	if seeded("return") { return paylink.Dispute{}, nil }`},
	}},
}

const seededFile = `package payments

import (
	"context"
	"os"
	"time"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

func seeded(name string) bool { return os.Getenv("SEEDED") == name }

func seededText(name string) string {
	if !seeded(name) {
		return ""
	}
	return ":" + paylink.NewID("x", time.Now())
}

// seededAgain is for the second booking of a payment, which the ledger's key would refuse.
func seededAgain(p *paylink.Payment) string {
	if p.ReceiptID == "" {
		return ""
	}
	return seededText("twice")
}

func (s *Service) seededLate(ctx context.Context, p paylink.Payment, in stripe.Intent, r stripe.ConfirmRequest) (paylink.Payment, error) {
	p.PaymentIntent, p.Status = in.ID, paylink.Confirming
	done, confirmErr := s.stripe.Confirm(ctx, in.ID, s.key(p.ID, "confirm"), r)
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.InsertPayment(ctx, p)
		return err
	}); err != nil || confirmErr != nil {
		return p, err
	}
	return s.Follow(ctx, done)
}

func (s *Service) seededMail(receipt string) {
	time.AfterFunc(100*time.Millisecond, func() {
		_ = s.store.Update(context.Background(), func(tx *store.Tx) error {
			return enqueue(context.Background(), tx, "mail.receipt", receipt+"/1", map[string]any{"receipt_id": receipt, "revision": 1}, s.Now())
		})
	})
}
`

// seededBinary is a paylink with every mistake in it, waiting to be made.
func seededBinary(tb testing.TB) string {
	tb.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(root, ".cache", "e2e", "seeded") // always the same, so that the binary is
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tb.Fatal(err)
	}
	sources := map[string]string{"payments/seeded.go": seededFile}
	for _, m := range mistakes {
		for _, c := range m.changes {
			if sources[c.file] == "" {
				body, err := os.ReadFile(filepath.Join(root, c.file))
				if err != nil {
					tb.Fatal(err)
				}
				sources[c.file] = string(body)
			}
			if strings.Count(sources[c.file], c.is) != 1 {
				tb.Fatalf("the mistake %q does not fit %s any more: %q is not there once", m.name, c.file, c.is)
			}
			sources[c.file] = strings.Replace(sources[c.file], c.is, c.becomes, 1)
		}
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for file, source := range sources {
		at := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(at, []byte(source), 0o600); err != nil {
			tb.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, file)] = at
	}
	body, err := json.Marshal(overlay)
	if err != nil {
		tb.Fatal(err)
	}
	at := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(at, body, 0o600); err != nil {
		tb.Fatal(err)
	}
	return Binary(tb, "-overlay="+at)
}

// A harness that finds nothing proves nothing: it finds each of eight well-known mistakes.
func TestMistakesAreFound(t *testing.T) {
	binary := seededBinary(t)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, binary, storetest.SQLiteURL(t), "SEEDED="+m.name)
			w.mostly = m.mostly
			var found []string
			for round := range uint64(6) { // what is rare on a slow machine gets more chances
				if m.lost != "" {
					w.fault(m.lost, "drop_after", 0.5, round)
				}
				report := w.crashLoop(20, 700*time.Millisecond, begin(t)+round)
				for _, f := range report.Findings {
					found = append(found, f.Promise)
				}
				if slices.ContainsFunc(found, func(p string) bool { return slices.Contains(m.promises, p) }) {
					t.Logf("found: %v", report.Findings[0])
					return
				}
				w.site.Restart()
			}
			t.Errorf("%v are not seen to be broken, only %v", m.promises, found)
		})
	}
}
