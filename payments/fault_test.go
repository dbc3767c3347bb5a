package payments_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

const (
	createCall  = "POST /v1/payment_intents"
	confirmCall = "POST /v1/payment_intents/*/confirm"
	cancelCall  = "POST /v1/payment_intents/*/cancel"
)

func TestFault_P10_500BeforeEffectAtCreateIsRetriedWithTheSameKey(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(createCall, "500_before", 1)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
		d.wantNothingConfirmable()
	})
}

func TestFault_P11_500AfterEffectIsSavedSoTheTruthIsFetched(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "500_after", 1)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestFault_P12_TimeoutAfterEffectEndsInOneCharge(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "slow:2s", 1) // the client gives up after one
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestFault_P13_NoAnswerBeforeEffectIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "drop_before", 0)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Canceled)
		d.wantCharges(0, 0)
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
	})
}

func TestFault_P14_CancelLosesTheRaceAndThePaymentSettles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "drop_after", 0)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
		d.wantBalance(20000, 0, 80000)
	})
}

func TestFault_P15_CancelWinsAndThePayerMayTryAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "500_before", 0)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Canceled)
		d.control("DELETE", "/faults", nil, nil)
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantBalance(20000, 0, 80000)
	})
}

func TestFault_P16_RateLimitIsWaitedOutAndNothingIsChargedTwice(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(createCall, "429", 2)
		d.fault(confirmCall, "429", 2)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.fault(createCall, "429", 0)
		_, err := d.payments.Begin(t.Context(), d.press("n2", 20000, d.card("pm_card_visa")))
		if paylink.KindOf(err) != paylink.Unavailable {
			t.Fatalf("create refused for the whole budget: %v", err)
		}
		d.wantBalance(20000, 0, 80000)
	})
}

func TestFault_P18_SlowConfirmBecomesUnknownAndThenKnown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "slow:30s", 0)
		d.fault(cancelCall, "500_before", 0)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Unknown)
		d.wantBalance(0, 20000, 80000)
		d.control("DELETE", "/faults", nil, nil)
		d.clock.advance(time.Minute)
		if err := d.payments.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := d.store.Payment(t.Context(), p.ID)
		if err != nil || !p.Status.Final() {
			t.Fatalf("after recovery: %s %v\n%s", p.Status, err, d.log)
		}
		n, sum := d.charges()
		if p.Status == paylink.Succeeded && (n != 1 || sum != 20000) || p.Status == paylink.Canceled && n != 0 {
			t.Errorf("%s with %d charges of %d", p.Status, n, sum)
		}
		d.wantNothingConfirmable()
	})
}

func TestFault_P19_ConnectionCutAfterEffect(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "drop_after", 1)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestFault_P20_BrokenJSONIsUnknownAndNotAPanic(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "bad_json", 0)
		p, err := d.payments.Begin(t.Context(), d.press("n1", 20000, d.card("pm_card_visa")))
		if err != nil {
			t.Fatal(err)
		}
		n, _ := d.charges()
		if (p.Status == paylink.Succeeded) != (n == 1) || !p.Status.Final() {
			t.Errorf("%s with %d charges", p.Status, n)
		}
	})
}

func TestFault_P21_DeclineSaysWhyAndFreesTheReservation(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for method, reason := range map[string]paylink.DeclineReason{
			"pm_card_visa_chargeDeclined":                  paylink.DeclinedNoReason,
			"pm_card_visa_chargeDeclinedInsufficientFunds": paylink.DeclinedFunds,
			"pm_card_visa_chargeDeclinedLostCard":          paylink.DeclinedNoReason,
			"pm_card_chargeDeclinedExpiredCard":            paylink.DeclinedExpired,
			"pm_card_chargeDeclinedIncorrectCvc":           paylink.DeclinedCode,
		} {
			p := d.pay(method, 20000, d.card(method), paylink.Failed)
			if p.Reason != reason || p.Card.Last4 == "" {
				t.Errorf("%s: reason %q, card %+v", method, p.Reason, p.Card)
			}
		}
		d.wantBalance(0, 0, 100000)
		d.wantCharges(0, 0)
		d.runJobs()
		d.wantNothingConfirmable()
	})
}

func TestFault_P22_AbandonedChallengeIsFencedAfterFifteenMinutes(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		d.wantBalance(0, 20000, 80000)
		d.clock.advance(14 * time.Minute)
		d.runJobs()
		d.wantBalance(0, 20000, 80000)
		d.clock.advance(2 * time.Minute)
		d.runJobs()
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
		if p, _ = d.store.Payment(t.Context(), p.ID); p.Status != paylink.Canceled {
			t.Errorf("after the fence: %s", p.Status)
		}
	})
}

func TestFault_P23_ChallengeFinishedAfterTheFenceMovesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.Fence(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		if status := d.answerBank(p, secret, "succeed"); status < 400 {
			t.Errorf("a canceled payment intent took the bank's answer: %d", status)
		}
		d.wantCharges(0, 0)
		if _, err := d.payments.ClientSecret(t.Context(), p.ID); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("the client secret of a fenced payment: %v", err)
		}
	})
}

func TestChallengePassedSettles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if status := d.answerBank(p, secret, "succeed"); status != 200 {
			t.Fatalf("bank's answer: %d", status)
		}
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Succeeded {
			t.Fatalf("after the answer: %s %v", p.Status, err)
		}
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestChallengeFailedIsDeclinedOnlyOnceFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "fail")
		d.fault(cancelCall, "500_before", 0)
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Unknown {
			t.Fatalf("declined, but the browser could confirm again: %s %v", p.Status, err)
		}
		d.wantBalance(0, 20000, 80000)
		d.control("DELETE", "/faults", nil, nil)
		d.runJobs()
		if p, err = d.store.Payment(t.Context(), p.ID); err != nil || p.Status != paylink.Failed || p.Reason != paylink.DeclinedNotConfirmed {
			t.Fatalf("after the fence: %s %q %v", p.Status, p.Reason, err)
		}
		d.wantBalance(0, 0, 100000)
		d.wantNothingConfirmable()
	})
}

func (d *desk) answerBank(p paylink.Payment, secret, outcome string) int {
	return d.stripe("POST", "/v1/payment_intents/"+p.PaymentIntent+"/sandbox_3ds", map[string][]string{
		"client_secret": {secret}, "key": {d.box.Env()["STRIPE_PUBLISHABLE_KEY"]}, "outcome": {outcome},
	}, nil)
}

// pressedEightTimes sends one press eight times at once and gives the payment that all of them are.
func (d *desk) pressedEightTimes(press payments.Press) string {
	d.t.Helper()
	ids := make(chan string, 8)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			p, err := d.payments.Begin(context.Background(), press)
			if err != nil {
				d.t.Error(err)
			}
			ids <- p.ID
		})
	}
	group.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			d.t.Errorf("payments %s and %s of one press", first, id)
		}
	}
	return first
}

func TestFault_P24_DoublePressIsOnePayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		press := d.press("same", 20000, d.card("pm_card_visa"))
		d.pressedEightTimes(press)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestFault_P25_TwoTabsWithTheWholeBalance(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.race(2, 100000)
		d.wantCharges(1, 100000)
		d.wantBalance(100000, 0, 0)
	})
}

func TestFault_P26_ManyPayersNeverOverpay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.options.NoLimits = true // the books alone have to hold
		d.payments = d.restart("boot1")
		d.race(12, 30000)
		d.wantCharges(3, 90000)
		d.wantBalance(90000, 0, 10000)
		d.wantReceipts(3)
	})
}

func (d *desk) race(payers int, minor int64) {
	var group sync.WaitGroup
	var stalled atomic.Bool // a machine that stood still for longer than a payer waits: recovery finds what became of it
	tokens := make([]string, payers)
	for n := range payers {
		tokens[n] = d.card("pm_card_visa")
	}
	for n := range payers {
		group.Go(func() {
			p, err := d.payments.Begin(context.Background(), d.press(fmt.Sprint("payer", n), minor, tokens[n]))
			switch {
			case err == nil && p.Status == paylink.Succeeded:
			case err == nil && p.Status == paylink.Unknown:
				stalled.Store(true)
			case paylink.KindOf(err) == paylink.Conflict || paylink.KindOf(err) == paylink.Invalid:
			default:
				d.t.Errorf("payer %d: %s %v\n%s", n, p.Status, err, d.log)
			}
		})
	}
	group.Wait()
	if stalled.Load() {
		d.clock.advance(10 * time.Minute)
		if err := d.restart("boot2").Recover(context.Background()); err != nil {
			d.t.Error(err)
		}
	}
}

func TestFault_P28_InvoiceChangedWhileThePageWasOpen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		press := d.press("n1", 20000, d.card("pm_card_visa"))
		changed := d.invoice
		changed.Title = "Brand refresh, phase 3"
		if _, err := d.invoicing.EditInvoice(t.Context(), "system", changed); err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.Begin(t.Context(), press); paylink.KindOf(err) != paylink.Conflict {
			t.Errorf("the payer saw another invoice: %v", err)
		}
		d.wantCharges(0, 0)
	})
}

func TestFault_P30_AmountsThatMayNotBePaidMakeNoPaymentIntent(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, amount := range []money.Amount{
			money.New(0, "USD"), money.New(-500, "USD"), money.New(100001, "USD"), money.New(4999, "USD"),
			money.New(97000, "USD"), money.New(20000, "EUR"), {},
		} {
			press := d.press("n"+amount.String(), 0, "ctoken_x")
			press.Amount = amount
			if _, err := d.payments.Begin(t.Context(), press); paylink.KindOf(err) != paylink.Invalid {
				t.Errorf("%s: %v", amount, err)
			}
		}
		var list struct{ Data []struct{ ID string } }
		d.stripe("GET", "/v1/payment_intents", nil, &list)
		if len(list.Data) != 0 {
			t.Errorf("%d payment intents", len(list.Data))
		}
	})
}

func TestFault_P31_ObjectWithAnotherAmountIsNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		in := stripe.Intent{
			ID: p.PaymentIntent, Status: stripe.StatusDone, Amount: money.New(20000, "USD"), Received: 20000,
			Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
		}
		for name, change := range map[string]func(*stripe.Intent){
			"amount":   func(in *stripe.Intent) { in.Amount.Minor = 2000 },
			"currency": func(in *stripe.Intent) { in.Amount.Currency = "EUR" },
			"mode":     func(in *stripe.Intent) { in.Live = true },
			"invoice":  func(in *stripe.Intent) { in.Invoice = "inv_other" },
			"intent":   func(in *stripe.Intent) { in.ID = "pi_other" },
			"received": func(in *stripe.Intent) { in.Received = 1 },
		} {
			forged := in
			change(&forged)
			after, err := d.payments.Apply(t.Context(), forged)
			if err != nil || after.Status != paylink.RequiresAction || after.Problem == "" {
				t.Errorf("%s: %s %q %v", name, after.Status, after.Problem, err)
			}
		}
		in.Install = "another"
		if _, err := d.payments.Apply(t.Context(), in); err == nil {
			t.Error("another program's payment intent was applied")
		}
		d.wantBalance(0, 20000, 80000)
		tasks, err := d.store.Tasks(t.Context(), true)
		if err != nil || len(tasks) == 0 {
			t.Errorf("nobody was told: %v %v", tasks, err)
		}
	})
}

func TestFault_P32_BackAndPressAgainShowsTheFirstPayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		again := d.pay("n1", 30000, d.card("pm_card_visa"), paylink.Succeeded)
		if again.ID != first.ID {
			t.Error("the form made a second payment")
		}
		d.wantCharges(1, 20000)
	})
}

func TestFault_P33_EndedLinkRefusesNewMoneyButConfirmedMoneySettles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.invoicing.RevokeLink(t.Context(), "system", d.link.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := d.payments.Begin(t.Context(), d.press("n2", 20000, "ctoken_x")); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("a revoked link took a payment: %v", err)
		}
		d.answerBank(p, secret, "succeed")
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Succeeded {
			t.Errorf("confirmed before the link ended: %s %v", p.Status, err)
		}
		d.wantReceipts(1)
	})
}

func TestFault_P27_InvoiceVoidedWhilePaidIsPostedAsOverpayment(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 100000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		secret, err := d.payments.ClientSecret(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		// What invoicing refuses while money moves, another system may have done all the same.
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			i, err := tx.LockInvoice(t.Context(), d.invoice.ID)
			if err != nil {
				return err
			}
			i.State = paylink.StateVoid
			return tx.UpdateInvoice(t.Context(), i)
		}); err != nil {
			t.Fatal(err)
		}
		d.answerBank(p, secret, "succeed")
		if p, err = d.payments.Check(t.Context(), p.ID); err != nil || p.Status != paylink.Succeeded || p.ReceiptNumber == "" {
			t.Fatalf("money that arrived was dropped: %+v %v", p, err)
		}
		tasks, err := d.store.Tasks(t.Context(), true)
		if err != nil || len(tasks) != 1 || tasks[0].Kind != "payment.excess" {
			t.Errorf("tasks: %+v %v", tasks, err)
		}
	})
}

// cutOff makes a payment whose server died at a point: it runs Begin with a Stripe that stops
// answering there, which leaves the rows as a crash would.
func (d *desk) cutOff(status paylink.PaymentStatus, intent bool) paylink.Payment {
	d.t.Helper()
	p := paylink.Payment{
		ID: paylink.NewID("pay", d.clock.Now()), InvoiceID: d.invoice.ID, LinkID: d.link.ID, CustomerID: d.invoice.CustomerID,
		Nonce: paylink.NewID("n", d.clock.Now()), InvoiceVersion: d.invoice.Version, Method: paylink.MethodCard,
		Amount: money.New(20000, "USD"), Fee: money.New(0, "USD"), Capture: paylink.CaptureAutomatic, Status: status,
		Boot: "boot0", LeaseUntil: d.clock.Now().Add(3 * time.Minute), Locale: "en",
		CreatedAt: d.clock.Now(), UpdatedAt: d.clock.Now(),
	}
	if intent {
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		in, err := sc.CreateIntent(d.t.Context(), "plk:"+p.ID, stripe.IntentRequest{
			Amount: p.Amount, MethodTypes: []string{"card"}, Capture: p.Capture, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
		})
		if err != nil {
			d.t.Fatal(err)
		}
		p.PaymentIntent = in.ID
	}
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertPayment(d.t.Context(), p)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// recoverLater lets another run of the server look after what the first left.
func (d *desk) recoverLater(p paylink.Payment, want paylink.PaymentStatus) {
	d.t.Helper()
	d.wantBalance(0, 20000, 80000)
	d.clock.advance(4 * time.Minute)
	if err := d.restart("boot2").Recover(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	after, err := d.store.Payment(d.t.Context(), p.ID)
	if err != nil || after.Status != want {
		d.t.Errorf("recovered to %s, want %s (%v)\n%s", after.Status, want, err, d.log)
	}
	d.wantNothingConfirmable()
}

func TestFault_P02_KilledAfterReservingIsReleased(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.recoverLater(d.cutOff(paylink.Created, false), paylink.Canceled)
		d.wantBalance(0, 0, 100000)
	})
}

func TestFault_P04_KilledAfterRememberingIsFenced(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.recoverLater(d.cutOff(paylink.Created, true), paylink.Canceled)
		d.wantBalance(0, 0, 100000)
	})
}

func TestFault_P05_KilledBeforeTheConfirmCallIsFencedAndNeverCharged(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.recoverLater(d.cutOff(paylink.Confirming, true), paylink.Canceled)
		d.wantCharges(0, 0)
		d.wantBalance(0, 0, 100000)
	})
}

func TestFault_P06_KilledAfterTheConfirmCallIsSettledOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		if _, err := sc.Confirm(t.Context(), p.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.recoverLater(p, paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
	})
}

// Where several servers share a database, a dead one is known only by its lease; what Stripe did is
// found before that ends, and what it did not do is let go only after.
func TestFault_P06_FoundBeforeTheLeaseOfADeadServerEnds(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Postgres(t)))
	done, open := d.cutOff(paylink.Confirming, true), d.cutOff(paylink.Confirming, true)
	sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
	if _, err := sc.Confirm(t.Context(), done.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Minute)
	if err := d.restart("boot2").Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.wantBalance(20000, 20000, 60000)
	if p, err := d.store.Payment(t.Context(), open.ID); err != nil || p.Status != paylink.Confirming {
		t.Errorf("its server may be about to confirm it: %s %v", p.Status, err)
	}
	d.clock.advance(3 * time.Minute)
	if err := d.restart("boot2").Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.wantBalance(20000, 0, 80000)
	d.wantNothingConfirmable()
}

func TestFault_P29_AppDownForThirtyHoursOnlyFetches(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		if _, err := sc.Confirm(t.Context(), p.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.control("POST", "/clock", map[string]string{"advance": "30h"}, nil)
		d.clock.advance(30 * time.Hour)
		d.recoverLater(p, paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
	})
}

func TestFault_W01_WebhookBeforeTheAnswerAndApplyTwiceIsOneEffect(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		in, err := sc.Intent(t.Context(), p.PaymentIntent)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if after, err := d.payments.Apply(context.Background(), in); err != nil || after.ReceiptNumber != p.ReceiptNumber {
					t.Errorf("%+v %v", after, err)
				}
			})
		}
		group.Wait()
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
	})
}

func TestFault_W03_LateReportsNeverUndoASuccess(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		for _, status := range []stripe.Status{stripe.NeedsMethod, stripe.NeedsConfirm, stripe.NeedsAction, stripe.StatusMoving, stripe.StatusHeld, stripe.StatusCanceled, "a_new_word"} {
			after, err := d.payments.Apply(t.Context(), stripe.Intent{
				ID: p.PaymentIntent, Status: status, Amount: p.Charged(), Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
				Declined: true, Reason: paylink.DeclinedFunds,
			})
			if err != nil || after.Status != paylink.Succeeded || after.Reason != "" {
				t.Errorf("%s: %s %q %v", status, after.Status, after.Reason, err)
			}
		}
		d.wantBalance(20000, 0, 80000)
	})
}

func TestSuccessAfterWeSaidNotChargedIsNeverDropped(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Canceled, true)
		after, err := d.payments.Apply(t.Context(), stripe.Intent{
			ID: p.PaymentIntent, Status: stripe.StatusDone, Amount: p.Charged(), Received: 20000, Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
		})
		if err != nil || after.Status != paylink.Succeeded {
			t.Fatalf("%s %v", after.Status, err)
		}
		d.wantBalance(20000, 0, 80000)
	})
}

func TestNothingSecretIsLogged(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault(confirmCall, "500_after", 1)
		token := d.card("pm_card_visa")
		p := d.pay("n1", 20000, token, paylink.Succeeded)
		for _, secret := range []string{token, d.key, "_secret_", "maria@"} {
			if strings.Contains(d.log.String(), secret) {
				t.Errorf("the log of %s has %q:\n%s", p.ID, secret, d.log)
			}
		}
	})
}
