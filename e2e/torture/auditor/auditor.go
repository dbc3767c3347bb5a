// Package auditor compares what Paylink wrote down with what the sandbox says it moved and the mails it took.
//
// It shares no code with Paylink: it reads the tables by SQL of its own and the sandbox over HTTP, so it cannot share a
// mistake with either. It repairs nothing and waits for nothing: everything is to have come to rest before it looks.
package auditor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Finding is a promise that does not hold. Promises are named as docs/reliability.md numbers them.
type Finding struct {
	Promise string // "I-1"
	Subject string
	Detail  string
}

func (f Finding) String() string { return f.Promise + " " + f.Subject + ": " + f.Detail }

// Seen is what a payer was last told of a payment.
type Seen struct {
	Payment string
	Status  string
	Press   string // of the button that made it; every form has one of its own
}

// Told is what a program of the firm's was told of a refund that it asked for under a key.
type Told struct {
	Key, Refund, Payment string
	Amount               int64
}

// Report is what the auditor found, and how much it looked at.
type Report struct {
	Findings []Finding
	Payments int // rows
	Settled  int // of them
	Debits   int // of those
	Moved    int64
	Refunds  int // that Stripe made and that did not fail
	Returns  int // what banks took back after it had arrived: debits, and disputed cards
	Mails    int // receipts that the mail server took, repeats too
	Orphans  int // PaymentIntents that no row knows; they cannot move money
}

// Audit looks at the books in a database ("sqlite:path" or "postgres://…"), at the sandbox, whose secret key it is given,
// and at what payers saw and programs were told.
func Audit(ctx context.Context, database, sandbox, key string, seen []Seen, told []Told) (Report, error) {
	b, err := readBooks(ctx, database)
	if err != nil {
		return Report{}, err
	}
	t, err := readTruth(ctx, sandbox, key, b)
	if err != nil {
		return Report{}, err
	}
	a := &audit{books: b, truth: t}
	for _, check := range []func(){
		a.oncePerPayment, a.recordedIsMoved, a.matched, a.balanced, a.neverTooMuch, a.atRest, a.receipts, a.mails,
		a.refunds, a.disputes, a.wentBack, a.revised, a.accounts, a.logins,
	} {
		check()
	}
	a.believed(seen)
	a.kept(told)
	a.report.Payments, a.report.Mails = len(b.payments), len(t.mails)
	return a.report, nil
}

type audit struct {
	books  books
	truth  truth
	report Report
}

func (a *audit) find(promise, subject, format string, args ...any) {
	a.report.Findings = append(a.report.Findings, Finding{promise, subject, fmt.Sprintf(format, args...)})
}

// final are the states that a payment ends in.
var final = []string{"succeeded", "failed", "canceled"}

// oncePerPayment is I-1: one payment moves money at most once. A debit that fails costs its payer a fee, so that one
// press makes one debit, whatever becomes of it.
func (a *audit) oncePerPayment() {
	charged := map[string][]string{}
	debit := map[string]bool{}
	for _, p := range a.books.payments {
		debit[p.intent] = p.method == "bank"
	}
	for _, c := range a.truth.charges {
		if c.Status == "succeeded" || debit[c.PaymentIntent] {
			id := a.truth.intents[c.PaymentIntent].Metadata["paylink_payment"]
			charged[id] = append(charged[id], c.ID)
		}
	}
	for id, charges := range charged {
		if len(charges) > 1 {
			a.find("I-1", id, "was charged %d times: %v", len(charges), charges)
		}
	}
}

// recordedIsMoved is I-4: what the books hold at Stripe is what Stripe moved, object by object and in all.
func (a *audit) recordedIsMoved() {
	moved := map[string]int64{}    // by payment
	total := map[string]int64{}    // by currency
	recorded := map[string]int64{} // by payment
	held := map[string]int64{}     // by currency
	for _, c := range a.truth.charges {
		if c.Status == "succeeded" {
			moved[a.truth.intents[c.PaymentIntent].Metadata["paylink_payment"]] += c.Amount
			total[strings.ToUpper(c.Currency)] += c.Amount
			a.report.Moved += c.Amount
		}
	}
	for _, r := range a.truth.refunds {
		if r.moved() {
			total[strings.ToUpper(r.Currency)] -= r.Amount
		}
	}
	for _, d := range a.truth.disputes {
		total[strings.ToUpper(d.Currency)] -= d.withdrawn()
	}
	for _, p := range a.books.postings {
		if !strings.HasPrefix(p.account, "stripe:") {
			continue
		}
		held[p.currency] += p.amount
		if p.kind == "payment" {
			recorded[p.source] += p.amount
		}
	}
	for id, amount := range moved {
		if recorded[id] != amount {
			a.find("I-4", id, "Stripe moved %d, the books say %d", amount, recorded[id])
		}
	}
	for id, amount := range recorded {
		if _, known := moved[id]; !known {
			a.find("I-4", id, "the books say %d, Stripe moved nothing", amount)
		}
	}
	for currency, amount := range total {
		if held[currency] != amount {
			a.find("I-4", currency, "Stripe moved %d in all, the books say %d", amount, held[currency])
		}
	}
}

// matched is I-5: every object that names this installation has its row, with the same amount and currency, and the
// other way round. A PaymentIntent whose making was never answered may stand alone, unconfirmed.
func (a *audit) matched() {
	rows := map[string]payment{}
	for _, p := range a.books.payments {
		rows[p.intent] = p
		if p.intent != "" && a.truth.intents[p.intent].ID == "" {
			a.find("I-5", p.id, "names %s, which Stripe does not know", p.intent)
		}
	}
	of := map[string]string{}
	for _, i := range a.truth.intents {
		if id := i.Metadata["paylink_payment"]; of[id] == "" {
			of[id] = i.ID
		} else { // a call that was repeated as another one
			a.find("I-1", id, "has two PaymentIntents, %s and %s", of[id], i.ID)
		}
		p, known := rows[i.ID]
		switch {
		case !known && i.resting():
			a.report.Orphans++
		case !known:
			a.find("I-5", i.ID, "is %s and no payment names it", i.Status)
		case i.Metadata["paylink_payment"] != p.id:
			a.find("I-5", p.id, "names %s, which is of %s", i.ID, i.Metadata["paylink_payment"])
		case i.Status == "succeeded" && i.Received != p.amount+p.fee:
			a.find("I-5", p.id, "is over %d, Stripe received %d", p.amount+p.fee, i.Received)
		case !strings.EqualFold(i.Currency, p.currency):
			a.find("I-5", p.id, "is in %s, at Stripe in %s", p.currency, i.Currency)
		}
	}
}

// balanced is I-6 and I-7: every transaction sums to zero, and what an invoice is listed with is what its postings say.
func (a *audit) balanced() {
	sums := map[string]int64{}
	paid := map[string]int64{}
	for _, p := range a.books.postings {
		sums[p.transaction+" in "+p.currency] += p.amount
		if id, ok := strings.CutPrefix(p.account, "invoice:"); ok && p.kind != "issue" && p.kind != "adjust" {
			paid[id] -= p.amount
		}
	}
	for id, sum := range sums {
		if sum != 0 {
			a.find("I-6", id, "sums to %d", sum)
		}
	}
	pending := map[string]int64{}
	for _, p := range a.books.payments {
		if !slices.Contains(final, p.status) {
			pending[p.invoice] += p.amount
		}
	}
	for _, i := range a.books.invoices {
		if i.owed != i.total-paid[i.id] || i.pending != pending[i.id] {
			a.find("I-7", i.id, "is listed with %d owed and %d pending; its postings say %d and %d", i.owed, i.pending, i.total-paid[i.id], pending[i.id])
		}
	}
}

// neverTooMuch is I-8: nobody here changes an invoice while it is paid, so that nothing can be paid above its total, but
// what a bank took back and what was given back to be paid again.
func (a *audit) neverTooMuch() {
	kept := map[string]int64{} // by PaymentIntent
	for _, c := range a.truth.charges {
		if c.Status == "succeeded" {
			kept[c.PaymentIntent] += c.Amount
		}
	}
	owedAgain := map[string]bool{}
	for _, f := range a.books.refunds {
		owedAgain[f.stripe] = f.owedAgain
	}
	for _, r := range a.truth.refunds {
		if r.moved() && owedAgain[r.ID] {
			kept[r.PaymentIntent] -= r.Amount
		}
	}
	for _, d := range a.truth.disputes {
		kept[d.PaymentIntent] -= d.withdrawn()
	}
	sums := map[string]int64{}
	for id, amount := range kept {
		sums[a.truth.intents[id].Metadata["paylink_invoice"]] += max(0, amount)
	}
	for _, i := range a.books.invoices {
		if sums[i.id] > i.total {
			a.find("I-8", i.id, "is over %d and %d was charged and kept", i.total, sums[i.id])
		}
	}
}

// atRest is I-9 and I-16: nothing is left open, and nothing that was let go can still move money.
func (a *audit) atRest() {
	for _, p := range a.books.payments {
		i := a.truth.intents[p.intent]
		switch {
		case p.problem != "":
			a.find("I-5", p.id, "is disbelieved: %s", p.problem)
		case p.status == "authorized" && i.Status == "requires_capture": // it waits for staff
		case !slices.Contains(final, p.status):
			a.find("I-16", p.id, "is still %s (%s is %s)", p.status, p.intent, i.Status)
		case p.status != "succeeded" && i.Status == "succeeded":
			a.find("I-9", p.id, "is %s and Stripe moved %d", p.status, i.Received)
		case p.intent != "" && i.Status != "succeeded" && i.Status != "canceled":
			a.find("I-9", p.id, "is %s and %s is %s: it can still move money", p.status, p.intent, i.Status)
		}
	}
}

// receipts is I-10: every settled payment has one number; numbers are given once, without a gap.
func (a *audit) receipts() {
	of := map[string][]string{}
	given := map[string]bool{}
	highest := map[string]int64{}
	count := map[string]int64{}
	for _, r := range a.books.receipts {
		of[r.payment] = append(of[r.payment], r.number)
		if given[r.number] {
			a.find("I-10", r.number, "was given twice")
		}
		given[r.number] = true
		highest[r.series] = max(highest[r.series], r.seq)
		count[r.series]++
	}
	for series, n := range count {
		if highest[series] != n {
			a.find("I-10", series, "has %d numbers up to %d", n, highest[series])
		}
	}
	for _, p := range a.books.payments {
		switch numbers := of[p.id]; {
		case p.status == "succeeded" && (len(numbers) != 1 || numbers[0] != p.receipt):
			a.find("I-10", p.id, "succeeded with receipt %q and has %v", p.receipt, numbers)
		case p.status != "succeeded" && len(numbers) > 0:
			a.find("I-10", p.id, "is %s and has %v", p.status, numbers)
		}
		if p.status == "succeeded" {
			a.report.Settled++
			if p.method == "bank" {
				a.report.Debits++
			}
		}
	}
}

// mails is I-11: every revision of a receipt was taken by the mail server or is on record as refused; repeats share one
// Message-ID.
func (a *audit) mails() {
	ids := map[string]map[string]bool{}
	for _, m := range a.truth.mails {
		if ids[m.receipt] == nil {
			ids[m.receipt] = map[string]bool{}
		}
		ids[m.receipt][m.messageID] = true
	}
	for _, r := range a.books.receipts {
		switch n := len(ids[r.number]); {
		case n == 0 && !a.books.refused[r.id]:
			a.find("I-11", r.number, "was never mailed")
		case n != len(a.books.revisions[r.id]) && !a.books.refused[r.id]:
			a.find("I-11", r.number, "has %d revisions and was mailed under %d Message-IDs", len(a.books.revisions[r.id]), n)
		}
	}
}

// believed is I-2, one press makes one payment however often it is sent, and I-18: what a payer was told has stayed true.
func (a *audit) believed(seen []Seen) {
	rows := map[string]payment{}
	for _, p := range a.books.payments {
		rows[p.id] = p
	}
	made := map[string]string{}
	for _, s := range seen {
		if made[s.Press] != "" && made[s.Press] != s.Payment {
			a.find("I-2", s.Payment, "was made by the same press as %s", made[s.Press])
		}
		if s.Press != "" {
			made[s.Press] = s.Payment
		}
		p, known := rows[s.Payment]
		switch {
		case !known:
			a.find("I-18", s.Payment, "was shown to its payer and is gone")
		case slices.Contains(final, s.Status) && s.Status != p.status:
			a.find("I-18", s.Payment, "was shown as %s and is %s", s.Status, p.status)
		}
	}
}
