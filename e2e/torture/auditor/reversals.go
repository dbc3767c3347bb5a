package auditor

import (
	"slices"
	"strings"
)

// stripePostings sums what is booked on the money at Stripe, by what it is booked for.
func (a *audit) stripePostings(kinds ...string) map[string]int64 {
	sums := map[string]int64{}
	for _, p := range a.books.postings {
		if strings.HasPrefix(p.account, "stripe:") && slices.Contains(kinds, p.kind) {
			source, _, _ := strings.Cut(p.source, "/") // a dispute's second movement is "dsp_…/2"
			sums[source] += p.amount
		}
	}
	return sums
}

// refunds is I-13: what was asked for goes back once, each refund at Stripe is booked once, and no more goes back than
// came.
func (a *audit) refunds() {
	booked := a.stripePostings("refund", "refund_failed")
	rows := map[string]refund{} // by Stripe's id
	for _, f := range a.books.refunds {
		if f.stripe != "" {
			rows[f.stripe] = f
		}
		made, known := a.truth.refunds[f.stripe]
		switch {
		case f.status == "asked":
			a.find("I-16", f.id, "is still asked for")
		case f.stripe != "" && !known:
			a.find("I-5", f.id, "names %s, which Stripe does not know", f.stripe)
		case f.stripe == "" && f.status != "canceled":
			a.find("I-5", f.id, "is %s and names no refund at Stripe", f.status)
		case f.stripe != "" && f.status != made.Status:
			a.find("I-4", f.id, "is %s, at Stripe %s", f.status, made.Status)
		}
		want := int64(0)
		if made.moved() {
			want = -made.Amount
		}
		if booked[f.id] != want {
			a.find("I-4", f.id, "Stripe moved %d, the books say %d", want, booked[f.id])
		}
	}
	of := map[string]string{}
	back := map[string]int64{}
	for _, r := range a.truth.refunds {
		f, known := rows[r.ID]
		switch {
		case !known:
			a.find("I-5", r.ID, "gave %d back and no refund names it", r.Amount)
		case f.amount != r.Amount:
			a.find("I-5", f.id, "is over %d, at Stripe over %d", f.amount, r.Amount)
		}
		if !r.moved() {
			continue
		}
		a.report.Refunds++
		back[r.PaymentIntent] += r.Amount
		id := r.Metadata["paylink_refund"]
		if id != "" && of[id] != "" {
			a.find("I-13", id, "was given back twice, by %s and %s", of[id], r.ID)
		}
		of[id] = r.ID
	}
	for intent, amount := range back {
		if came := a.truth.intents[intent].Received; amount > came {
			a.find("I-13", intent, "brought %d and %d went back", came, amount)
		}
	}
}

// disputes are I-4 for what banks took: each return and dispute at Stripe has its row and its reversal, once.
func (a *audit) disputes() {
	booked := a.stripePostings("return", "dispute", "dispute_won")
	rows := map[string]dispute{}
	for _, d := range a.books.disputes {
		rows[d.stripe] = d
		if booked[d.id] != -d.withdrawn {
			a.find("I-4", d.id, "took %d, the books say %d", d.withdrawn, -booked[d.id])
		}
	}
	for _, d := range a.truth.disputes {
		row, known := rows[d.ID]
		switch {
		case !known:
			a.find("I-5", d.ID, "took %d and no row names it", d.withdrawn())
		case row.withdrawn != d.withdrawn() || row.status != d.Status:
			a.find("I-4", row.id, "is %s and took %d, at Stripe %s and %d", row.status, row.withdrawn, d.Status, d.withdrawn())
		}
		a.report.Returns++
	}
	if len(rows) != len(a.truth.disputes) {
		a.find("I-5", "disputes", "are %d in the books and %d at Stripe", len(rows), len(a.truth.disputes))
	}
}

// wentBack is I-4 for each invoice: what its payments brought, less what went back, is with us by the books and by Stripe.
func (a *audit) wentBack() {
	truth := map[string]int64{}
	of := func(intent string) string { return a.truth.intents[intent].Metadata["paylink_invoice"] }
	for _, c := range a.truth.charges {
		if c.Status == "succeeded" {
			truth[of(c.PaymentIntent)] += c.Amount
		}
	}
	for _, r := range a.truth.refunds {
		if r.moved() {
			truth[of(r.PaymentIntent)] -= r.Amount
		}
	}
	for _, d := range a.truth.disputes {
		truth[of(d.PaymentIntent)] -= d.withdrawn()
	}
	invoiceOf := map[string]string{}
	for _, p := range a.books.payments {
		invoiceOf[p.id] = p.invoice
	}
	for _, f := range a.books.refunds {
		invoiceOf[f.id] = invoiceOf[f.payment]
	}
	for _, d := range a.books.disputes {
		invoiceOf[d.id] = invoiceOf[d.payment]
	}
	books := map[string]int64{}
	for source, amount := range a.stripePostings("payment", "refund", "refund_failed", "return", "dispute", "dispute_won") {
		books[invoiceOf[source]] += amount
	}
	for _, i := range a.books.invoices {
		if books[i.id] != truth[i.id] {
			a.find("I-4", i.id, "brought %d by the books and %d by Stripe", books[i.id], truth[i.id])
		}
	}
}

// revised is I-12: what went back after a receipt is said by a revision of it.
func (a *audit) revised() {
	refunded, returned := map[string]int64{}, map[string]bool{}
	for _, f := range a.books.refunds {
		if a.truth.refunds[f.stripe].moved() {
			refunded[f.payment] += f.amount
		}
	}
	for _, d := range a.books.disputes {
		if a.truth.disputes[d.stripe].Status == "lost" {
			returned[d.payment] = true
		}
	}
	receipts := map[string]string{}
	for _, r := range a.books.receipts {
		receipts[r.payment] = r.id
	}
	for _, p := range a.books.payments {
		if p.status != "succeeded" {
			continue
		}
		want := "paid"
		switch back := refunded[p.id]; {
		case returned[p.id]:
			want = "returned"
		case back == p.amount+p.fee:
			want = "refunded"
		case back > 0:
			want = "partly_refunded"
		}
		said := a.books.revisions[receipts[p.id]]
		if len(said) == 0 || said[0] != "paid" || said[len(said)-1] != want {
			a.find("I-12", p.id, "has a receipt that says %v, and is %s", said, want)
		}
	}
}

// accounts: each bank account is attached once, and kept once.
func (a *audit) accounts() {
	kept := map[string]string{}
	for _, m := range a.books.methods {
		if !m.alive {
			continue
		}
		one := m.customer + " " + m.fingerprint
		if kept[one] != "" {
			a.find("A02", m.customer, "has one account twice, as %s and %s", kept[one], m.id)
		}
		kept[one] = m.id
	}
	attached := map[string]string{}
	at := map[string]bool{}
	for _, b := range a.truth.accounts {
		one := b.Customer + " " + b.Fingerprint
		if attached[one] != "" {
			a.find("A02", b.Customer, "has one account twice at Stripe, as %s and %s", attached[one], b.ID)
		}
		attached[one] = b.ID
		at[b.ID] = true
	}
	for _, m := range a.books.methods {
		if m.alive && !at[m.stripe] {
			a.find("I-5", m.id, "names %s, which its customer does not have at Stripe", m.stripe)
		}
	}
}

// logins is A01: every login at a bank is a method's, or staff were told that nobody holds its token.
func (a *audit) logins() {
	named := map[string]bool{}
	for _, m := range a.books.methods {
		if m.held {
			named[m.item] = true
		}
		if m.held && a.truth.logins[m.item].Status != "linked" {
			a.find("A01", m.id, "names the login %s, which Plaid has not", m.item)
		}
	}
	lost := map[string]bool{} // accounts of logins whose token was never learned
	for _, x := range a.books.exchanges {
		switch {
		case x.open:
			named[x.item] = true
			a.find("I-16", x.id, "is still open")
		case x.note == "lost" && !a.books.tasks["bank.orphan "+x.id]:
			a.find("A01", x.id, "may have left a login at Plaid, and nobody was told")
		case x.note == "lost":
			lost[x.account] = true
		}
	}
	for id, login := range a.truth.logins {
		told := slices.ContainsFunc(strings.Fields(login.Metadata["accounts"]), func(account string) bool { return lost[account] })
		if login.Status == "linked" && !named[id] && !told {
			a.find("A01", id, "is a login at Plaid that nobody needs")
		}
	}
}

// kept is I-18 for programs: one key is one refund, and what was told of it has stayed true.
func (a *audit) kept(told []Told) {
	rows := map[string]refund{}
	for _, f := range a.books.refunds {
		rows[f.id] = f
	}
	of := map[string]string{}
	for _, t := range told {
		if of[t.Key] != "" && of[t.Key] != t.Refund {
			a.find("I-18", t.Key, "was answered with two refunds, %s and %s", of[t.Key], t.Refund)
		}
		of[t.Key] = t.Refund
		if f, known := rows[t.Refund]; !known || f.payment != t.Payment || f.amount != t.Amount {
			a.find("I-18", t.Refund, "was told to be of %d of %s, and is %+v", t.Amount, t.Payment, f)
		}
	}
}
