package payments_test

import (
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// says applies what Stripe says of a payment, but for what f changes in it.
func (d *desk) says(p paylink.Payment, f func(*stripe.Intent)) paylink.Payment {
	d.t.Helper()
	in, err := d.adapter().Intent(d.t.Context(), p.PaymentIntent)
	if err != nil {
		d.t.Fatal(err)
	}
	f(&in)
	if p, err = d.payments.Apply(d.t.Context(), in); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func declinedFor(reason paylink.DeclineReason) func(*stripe.Intent) {
	return func(in *stripe.Intent) { in.Status, in.Declined, in.Reason = stripe.NeedsMethod, true, reason }
}

// The day that the payer was told stays what it was, whatever else Stripe says later.
func TestDayOfADebitIsToldOnceAndOfDebitsAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(goodAccount)), paylink.Processing)
		told := p.ExpectedOn
		d.clock.advance(3 * 24 * time.Hour)
		if p = d.says(p, func(*stripe.Intent) {}); p.ExpectedOn != told {
			t.Errorf("told %s, and then %s", told, p.ExpectedOn)
		}
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Succeeded || p.ExpectedOn != told {
			t.Errorf("%s: told %s, and then %s", p.Status, told, p.ExpectedOn)
		}
		card := d.says(d.cutOff(paylink.Confirming, true), func(in *stripe.Intent) { in.Status = stripe.StatusMoving })
		if card.Status != paylink.Processing || card.ExpectedOn != "" {
			t.Errorf("a card that is %s is expected on %q", card.Status, card.ExpectedOn)
		}
		d.wantJob("mail.onway", card.ID, false)
	})
}

// What Stripe says again is not mailed again, long after the mail's job was cleared away.
func TestDebitOnItsWayIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(goodAccount)), paylink.Processing)
		job, err := d.store.Job(t.Context(), "mail.onway", p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.FinishJob(t.Context(), job.ID, job.Attempts, d.clock.Now()); err != nil {
				return err
			}
			_, err := tx.PurgeJobs(t.Context(), d.clock.Now().Add(time.Hour))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		d.wantJob("mail.onway", p.ID, false)
		d.says(p, func(in *stripe.Intent) { in.Statement = "ANOTHER WORD" })
		d.wantJob("mail.onway", p.ID, false)
	})
}

// The rules of debits are not those of cards: a card is declined as often as its bank likes.
func TestSavedCardThatIsDeclinedIsNotBlocked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.savedCard("n1", "pm_card_visa")
		for range 3 {
			p := d.rewrite(d.cutOff(paylink.Confirming, true), func(p *paylink.Payment) { p.MethodID = m.ID })
			if p = d.says(p, declinedFor(paylink.DeclinedFunds)); p.Status != paylink.Failed {
				t.Fatal(p.Status)
			}
		}
		if got := d.method(m.ID); got.Blocked != "" {
			t.Errorf("blocked %q", got.Blocked)
		}
	})
}

// Somebody cancels a debit at Stripe while it is on its way: its payer, who was told of it, is told that too.
func TestFault_A03_DebitThatIsCanceledOnItsWayIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		p := d.begin(d.debitPress("n1", 20000, m), paylink.Processing)
		if p = d.says(p, func(in *stripe.Intent) { in.Status = stripe.StatusCanceled }); p.Status != paylink.Canceled {
			t.Fatal(p.Status)
		}
		d.wantJob("mail.failed", p.ID, true)
		if n := len(d.tasks("payment.bank_failed")); n != 1 {
			t.Errorf("%d tasks", n)
		}
		if got := d.method(m.ID); got.Blocked != "" {
			t.Errorf("blocked %q", got.Blocked)
		}
		d.wantBalance(0, 0, 100000)
		// It was taken all the same: staff need not look any more.
		p = d.says(p, func(in *stripe.Intent) { in.Status, in.Received = stripe.StatusDone, 20000 })
		if n := len(d.tasks("payment.bank_failed")); p.Status != paylink.Succeeded || n != 0 {
			t.Errorf("%s, and %d tasks", p.Status, n)
		}
	})
}

// Stripe says something that nobody understands of a debit that is on its way: the payer hears of its end all the same.
func TestFault_A03_DebitOfWhichStripeSpokeInRiddlesIsTold(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(goodAccount)), paylink.Processing)
		if p = d.says(p, func(in *stripe.Intent) { in.Status = "resting" }); p.Status != paylink.Unknown {
			t.Fatal(p.Status)
		}
		d.wantJob("mail.failed", p.ID, false)
		if n := len(d.tasks("payment.bank_failed")); n != 0 {
			t.Errorf("%d tasks", n)
		}
		d.wantBalance(0, 20000, 80000)
		if p = d.says(p, declinedFor(paylink.DeclinedFunds)); p.Status != paylink.Failed {
			t.Fatal(p.Status)
		}
		d.wantJob("mail.failed", p.ID, true)
		if n := len(d.tasks("payment.bank_failed")); n != 1 {
			t.Errorf("%d tasks", n)
		}
		d.wantBalance(0, 0, 100000)
	})
}

// A debit whose account the books do not know comes back all the same.
func TestFault_A03_DebitOfAnAccountThatTheBooksLostComesBack(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.begin(d.debitPress("n1", 20000, d.linked(hostileAccount)), paylink.Processing)
		p = d.rewrite(p, func(p *paylink.Payment) { p.MethodID = "" })
		if p = d.pass(4*24*time.Hour, p); p.Status != paylink.Failed || p.Reason != paylink.DeclinedUnauthorized {
			t.Errorf("%s %q", p.Status, p.Reason)
		}
		d.wantBalance(0, 0, 100000)
	})
}

// Two debits that found too little money are enough; those that came back for another reason are not among them.
func TestFault_A07_DebitsThatFoundTooLittleMoneyAreCounted(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.linked(goodAccount)
		fail := func(nonce string, m paylink.Method, reason paylink.DeclineReason, want string) {
			t.Helper()
			p := d.begin(d.debitPress(nonce, 5000, m), paylink.Processing)
			if p = d.says(p, declinedFor(reason)); p.Status != paylink.Failed {
				t.Fatal(p.Status)
			}
			if got := d.method(m.ID).Blocked; got != want {
				t.Errorf("%s: blocked %q, want %q", nonce, got, want)
			}
		}
		fail("another reason", m, paylink.DeclinedBankLimit, "")
		// One that had arrived and came back for another reason ends this connection, and counts as little.
		p := d.pass(4*24*time.Hour, d.begin(d.debitPress("arrives", 5000, m), paylink.Processing))
		d.applyDispute(d.returned(p, "bank_cannot_process"))
		if got := d.method(m.ID).Blocked; got != "came_back" {
			t.Fatalf("blocked %q", got)
		}
		again := d.linked(goodAccount)
		fail("the first", again, paylink.DeclinedFunds, "")
		fail("the second", again, paylink.DeclinedFunds, "funds")
	})
}

// Stripe does not say of every account which it is: such a one is counted by itself.
func TestFault_A07_AccountWithoutAFingerprintIsCountedByItself(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.change(d.linked(goodAccount), func(m *paylink.Method) { m.Fingerprint = "" })
		for _, want := range []string{"", "funds"} {
			p := d.begin(d.debitPress("n"+want, 5000, m), paylink.Processing)
			d.says(p, declinedFor(paylink.DeclinedFunds))
			if got := d.method(m.ID).Blocked; got != want {
				t.Errorf("blocked %q, want %q", got, want)
			}
		}
	})
}

// A payment that the books lost was made by a card of somebody else: it is the invoice's, and the card stays theirs.
func TestFault_R05_CardOfAnotherCustomerIsNotThePayments(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		card := d.savedCard("n1", "pm_card_visa")
		owner, err := d.store.Customer(t.Context(), card.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		own, _ := d.newInvoice(owner.ID, 30000, paylink.CaptureAutomatic)
		theirs, _ := d.newInvoice(d.stranger().ID, 30000, paylink.CaptureAutomatic)
		for id, invoice := range map[string]string{"pay_own": own.ID, "pay_theirs": theirs.ID} {
			in, err := d.adapter().CreateIntent(t.Context(), "plk:"+id, stripe.IntentRequest{
				Amount: money.New(20000, "USD"), MethodTypes: []string{"card"}, Capture: paylink.CaptureAutomatic, Customer: owner.StripeCustomer,
				Install: "install1", Payment: id, Invoice: invoice,
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.adapter().Confirm(t.Context(), in.ID, "k"+id, stripe.ConfirmRequest{Method: card.StripeID, ReturnURL: "http://127.0.0.1/"}); err != nil {
				t.Fatal(err)
			}
		}
		d.reconcile()
		for id, want := range map[string]string{"pay_own": card.ID, "pay_theirs": ""} {
			if p, err := d.store.Payment(t.Context(), id); err != nil || p.Status != paylink.Succeeded || p.MethodID != want {
				t.Errorf("%s is %q by %q, want %q: %v", id, p.Status, p.MethodID, want, err)
			}
		}
	})
}
