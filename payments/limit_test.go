package payments_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

const declining = "pm_card_chargeDeclined"

// links makes more links to the invoice.
func (d *desk) links(n int) []paylink.Link {
	d.t.Helper()
	var all []paylink.Link
	for i := range n {
		made, err := d.invoicing.SendLinks(d.t.Context(), "system", d.invoice.ID, invoicing.Send{To: []string{fmt.Sprintf("payer%d@keller.example", i)}})
		if err != nil {
			d.t.Fatal(err)
		}
		all = append(all, made...)
	}
	return all
}

// by presses Pay on a link.
func (d *desk) by(link paylink.Link, nonce, card string, change func(*payments.Press)) (paylink.Payment, error) {
	d.t.Helper()
	press := d.press(nonce, 5000, d.card(card))
	press.LinkID = link.ID
	if change != nil {
		change(&press)
	}
	return d.payments.Begin(d.t.Context(), press)
}

func (d *desk) decline(link paylink.Link, times int) {
	d.t.Helper()
	for range times {
		p, err := d.by(link, paylink.NewID("n", d.clock.Now()), declining, nil)
		if err != nil || p.Status != paylink.Failed {
			d.t.Fatalf("payment is %s, %v", p.Status, err)
		}
	}
}

func (d *desk) wantBrake(link paylink.Link, place string, newCard bool, want payments.Brake) payments.Stop {
	d.t.Helper()
	stop, err := d.payments.Judge(d.t.Context(), link, place, newCard)
	if err != nil || stop.Why != want {
		d.t.Errorf("brake %q, %v; want %q", stop.Why, err, want)
	}
	return stop
}

func (d *desk) wantTask(kind, subject string, want bool) {
	d.t.Helper()
	open, err := d.store.Tasks(d.t.Context(), true)
	if err != nil {
		d.t.Fatal(err)
	}
	found := false
	for _, task := range open {
		found = found || task.Kind == kind && task.Subject == subject
	}
	if found != want {
		d.t.Errorf("a task %s for %s: %v, want %v", kind, subject, found, want)
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*paylink.Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

// A link takes a pause at its fifth decline and at each one after it, and is locked at its eighth within
// an hour: until staff unlock it, however long that takes and whatever restarts.
func TestDeclinesPauseALinkAndThenLockIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.decline(d.link, 4)
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		d.decline(d.link, 1)
		stop := d.wantBrake(d.link, "", true, payments.BrakePaused)
		if wait := stop.Until.Sub(d.clock.Now()); wait < 14*time.Minute || wait > 15*time.Minute {
			t.Errorf("the pause takes %v", wait)
		}
		for range 3 {
			d.clock.advance(16 * time.Minute)
			d.wantBrake(d.link, "", true, payments.BrakeNone)
			d.decline(d.link, 1)
		}
		d.payments = d.restart("boot2")
		d.wantBrake(d.link, "", false, payments.BrakeLocked)
		d.wantTask("limit.link", d.link.ID, true)
		d.clock.advance(24 * time.Hour)
		d.wantBrake(d.link, "", true, payments.BrakeLocked)
		d.wantBrake(d.links(1)[0], "", true, payments.BrakeNone)

		if err := d.payments.LiftLock(t.Context(), "staff:ana", d.link.ID); err != nil {
			t.Fatal(err)
		}
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		d.wantTask("limit.link", d.link.ID, false)
		if err := d.payments.LiftLock(t.Context(), "staff:ana", d.link.ID); code(err) != "lock.lifted" {
			t.Errorf("lifted twice: %v", err)
		}
		var actions []string
		rows, err := d.store.AuditOf(t.Context(), d.invoice.ID, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if row.Action == "link.locked" || row.Action == "link.unlocked" {
				actions = append(actions, row.Action+" by "+string(row.Actor))
			}
		}
		if fmt.Sprint(actions) != "[link.unlocked by staff:ana link.locked by system]" {
			t.Errorf("the log says %v", actions)
		}
	})
}

// What was declined before staff unlocked the link is not held against it again.
func TestAnUnlockedLinkBeginsAnew(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.decline(d.link, 8) // Begin alone does not ask Judge: these were under way together
		d.wantBrake(d.link, "", true, payments.BrakeLocked)
		d.clock.advance(time.Second)
		if err := d.payments.LiftLock(t.Context(), "staff:ana", d.link.ID); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Second)
		d.decline(d.link, 4)
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		d.decline(d.link, 4)
		d.wantBrake(d.link, "", true, payments.BrakeLocked)
		d.wantTask("limit.link", d.link.ID, true)
	})
}

// The breaker looks at all links together: many declines stop new cards, for an hour or until staff say
// otherwise. Money that arrives, and methods that were proven, go on.
func TestTheBreakerStopsNewCardsAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		links := d.links(7)
		for _, link := range links[:5] {
			d.decline(link, 4)
		}
		d.wantBrake(d.link, "", true, payments.BrakeNone) // twenty are not too many yet
		d.decline(links[5], 1)
		stop := d.wantBrake(d.link, "", true, payments.BrakeCards)
		if wait := stop.Until.Sub(d.clock.Now()); wait < 59*time.Minute || wait > time.Hour {
			t.Errorf("the breaker takes %v", wait)
		}
		d.wantBrake(d.link, "", false, payments.BrakeNone)
		d.wantTask("limit.cards", store.AllCards, true)
		d.clock.advance(61 * time.Minute)
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		d.decline(links[5], 3)
		d.decline(links[6], 3)
		d.wantBrake(d.link, "", true, payments.BrakeNone) // those of an hour ago count no more
	})
}

func TestStaffPauseCardsAndLetThemIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, link := range d.links(6) {
			d.decline(link, 4)
		}
		d.wantBrake(d.link, "", true, payments.BrakeCards)
		d.clock.advance(time.Second)
		if err := d.payments.LiftLock(t.Context(), "staff:ana", store.AllCards); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Second)
		d.decline(d.link, 1) // the 24 before are forgiven
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		d.wantTask("limit.cards", store.AllCards, false)
		for range 2 {
			if err := d.payments.PauseCards(t.Context(), "staff:ana"); err != nil {
				t.Fatal(err)
			}
		}
		d.clock.advance(48 * time.Hour)
		if stop := d.wantBrake(d.link, "", true, payments.BrakeCards); !stop.Until.IsZero() {
			t.Errorf("what staff pause ends by itself, %v", stop.Until)
		}
		l, err := d.payments.Limits(t.Context())
		if err != nil || l.Cards == nil || l.Cards.Why != store.LockStaff {
			t.Errorf("limits %+v, %v", l, err)
		}
		if err := d.payments.LiftLock(t.Context(), "staff:ana", store.AllCards); err != nil {
			t.Fatal(err)
		}
		d.wantBrake(d.link, "", true, payments.BrakeNone)
	})
}

// A pause by staff takes the place of the breaker, which would end by itself.
func TestStaffKeepCardsOutLongerThanTheBreaker(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, link := range d.links(6) {
			d.decline(link, 4)
		}
		d.clock.advance(time.Second)
		if err := d.payments.PauseCards(t.Context(), "staff:ana"); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(2 * time.Hour)
		d.wantBrake(d.link, "", true, payments.BrakeCards)
	})
}

// Declines among many payments are everyday.
func TestTheBreakerKnowsABusyHour(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.put(paylink.Succeeded, 10)
		d.put(paylink.Authorized, 5)
		for _, link := range d.links(6) {
			d.decline(link, 4) // 24 of 39 are 61.5 percent, the 22nd of 37 is below
		}
		d.wantBrake(d.link, "", true, payments.BrakeCards)
		lock, err := d.store.PayLock(t.Context(), store.AllCards)
		if err != nil || lock.Declines != 23 {
			t.Errorf("it stopped at %d declines, %v; want 23 of 38", lock.Declines, err)
		}
	})
}

// put writes payments by card as they stand after they ended.
func (d *desk) put(status paylink.PaymentStatus, n int) {
	d.t.Helper()
	err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		for range n {
			now := d.clock.Now()
			p := paylink.Payment{
				ID: paylink.NewID("pay", now), InvoiceID: d.invoice.ID, LinkID: d.link.ID, CustomerID: d.invoice.CustomerID,
				Nonce: paylink.NewID("n", now), InvoiceVersion: 1, Method: paylink.MethodCard, Capture: paylink.CaptureAutomatic,
				Status: status, CreatedAt: now, UpdatedAt: now,
			}
			p.Amount.Currency, p.Fee.Currency = "USD", "USD"
			if _, err := tx.InsertPayment(d.t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// Sixty payments an hour may come from one office, and no more, counted across restarts; a form that was
// refused is no payment.
func TestOnePlaceBeginsSixtyPaymentsAnHour(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const office = "192.0.2.7"
		from := func(place string) func(*payments.Press) {
			return func(p *payments.Press) { p.Place = place }
		}
		for range 3 { // refusals
			if _, err := d.by(d.link, "refused", declining, func(p *payments.Press) { p.Place, p.Amount.Minor = office, 1 }); err == nil {
				t.Fatal("a cent was taken")
			}
		}
		for i := range 59 {
			if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.CountLimit(t.Context(), "press:"+office, d.clock.Now(), time.Hour)
				return err
			}); err != nil {
				t.Fatal(i, err)
			}
		}
		d.wantBrake(d.link, office, true, payments.BrakeNone)
		if _, err := d.by(d.link, "sixtieth", "pm_card_visa", from(office)); err != nil {
			t.Fatal(err)
		}
		if _, err := d.by(d.link, "sixtieth", "pm_card_visa", from(office)); err != nil {
			t.Errorf("the second press of one form was refused: %v", err)
		}
		d.payments = d.restart("boot2")
		stop := d.wantBrake(d.link, office, true, payments.BrakePlace)
		if wait := stop.Until.Sub(d.clock.Now()); wait < 59*time.Minute || wait > time.Hour {
			t.Errorf("the place waits %v", wait)
		}
		if _, err := d.by(d.link, "past", "pm_card_visa", from(office)); code(err) != "payment.many_here" || paylink.KindOf(err) != paylink.TooMany {
			t.Errorf("a press that passed Judge before: %v", err)
		}
		d.wantBrake(d.link, "192.0.2.8", true, payments.BrakeNone)
		d.wantCharges(1, 5000)
		l, err := d.payments.Limits(t.Context())
		if err != nil || len(l.Places) != 1 || l.Places[0].Place != office {
			t.Errorf("limits %+v, %v", l, err)
		}
		if err := d.payments.LetPlace(t.Context(), "staff:ana", office); err != nil {
			t.Fatal(err)
		}
		d.wantBrake(d.link, office, true, payments.BrakeNone)
	})
}

// A link has two payments under way at most, and an invoice five, however many press at once.
func TestFewPaymentsAreBeingMadeAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		links := append(d.links(3), d.link)
		for i := range 3 {
			if _, err := d.by(links[0], fmt.Sprint("alone", i), "pm_card_authenticationRequired", nil); (err == nil) != (i < 2) {
				t.Errorf("press %d of one link: %v", i+1, err)
			}
		}
		tokens := make([]string, 16)
		for i := range tokens {
			tokens[i] = d.card("pm_card_authenticationRequired")
		}
		var wait sync.WaitGroup
		for i, token := range tokens {
			wait.Go(func() {
				press := d.press(fmt.Sprint("n", i), 5000, token)
				press.LinkID = links[i%4].ID
				if _, err := d.payments.Begin(t.Context(), press); err != nil && (code(err) != "payment.many_open" || paylink.KindOf(err) != paylink.Conflict) {
					t.Errorf("press %d: %v", i, err)
				}
			})
		}
		wait.Wait()
		made, err := d.store.PaymentsOf(t.Context(), d.invoice.ID)
		if err != nil {
			t.Fatal(err)
		}
		of := map[string]int{}
		for _, p := range made {
			of[p.LinkID]++
		}
		if len(made) != 5 {
			t.Errorf("%d payments are being made, want 5", len(made))
		}
		for _, n := range of {
			if n > 2 {
				t.Errorf("%d of one link", n)
			}
		}
		d.payments = func() *payments.Service { d.options.NoLimits = true; return d.restart("boot1") }()
		if _, err := d.by(d.link, "without limits", "pm_card_authenticationRequired", nil); err != nil {
			t.Errorf("limits that are off: %v", err)
		}
	})
}

// With limits off nothing is counted and nothing stops.
func TestLimitsOffStopNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.options.NoLimits = true
		d.payments = d.restart("boot1")
		d.decline(d.link, 9)
		d.wantBrake(d.link, "192.0.2.7", true, payments.BrakeNone)
		d.wantTask("limit.link", d.link.ID, false)
	})
}

// begun writes a payment as it stands before its PaymentIntent is made, with what a test changes of it.
func (d *desk) begun(change func(*paylink.Payment)) paylink.Payment {
	d.t.Helper()
	now := d.clock.Now()
	p := paylink.Payment{
		ID: paylink.NewID("pay", now), InvoiceID: d.invoice.ID, LinkID: d.link.ID, CustomerID: d.invoice.CustomerID,
		Nonce: paylink.NewID("n", now), InvoiceVersion: 1, Method: paylink.MethodCard, Capture: paylink.CaptureAutomatic,
		Amount: money.New(5000, d.invoice.Currency), Fee: money.New(0, d.invoice.Currency),
		Status: paylink.Confirming, CreatedAt: now, UpdatedAt: now,
	}
	if change != nil {
		change(&p)
	}
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertPayment(d.t.Context(), p)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// applies has payments take in what Stripe would say of a payment.
func (d *desk) applies(p paylink.Payment, change func(*stripe.Intent)) paylink.Payment {
	d.t.Helper()
	in := stripe.Intent{
		ID: "pi_" + p.ID, Status: stripe.StatusDone, Amount: p.Charged(), Received: p.Charged().Minor, MovedAt: d.clock.Now(),
		Install: "install1", Payment: p.ID, Invoice: p.InvoiceID,
	}
	if change != nil {
		change(&in)
	}
	p, err := d.payments.Apply(d.t.Context(), in)
	if err != nil || p.Problem != "" {
		d.t.Fatalf("%q %v", p.Problem, err)
	}
	return p
}

// However much was declined before, only one more decline of a card, by a link, locks anything.
func TestOnlyADeclineOfALinksCardLocks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.put(paylink.Failed, 25)
		no := func(in *stripe.Intent) {
			in.Status, in.Declined, in.Received, in.Charge = stripe.NeedsMethod, true, 0, "ch_2"
		}
		for name, c := range map[string]struct {
			change func(*paylink.Payment)
			say    func(*stripe.Intent)
		}{
			"a payment that arrives":   {nil, nil},
			"a decline told again":     {func(p *paylink.Payment) { p.Status, p.Reason = paylink.Failed, paylink.DeclinedFunds }, no},
			"a debit that fails":       {func(p *paylink.Payment) { p.Method = paylink.MethodBank }, no},
			"a decline by telephone":   {func(p *paylink.Payment) { p.LinkID = "" }, no},
			"a payment that is begun":  {nil, func(in *stripe.Intent) { in.Status, in.Received = stripe.NeedsAction, 0 }},
			"a payment that was ended": {nil, func(in *stripe.Intent) { in.Status, in.Received = stripe.StatusCanceled, 0 }},
		} {
			d.applies(d.begun(c.change), c.say)
			locks, err := d.store.PayLocks(t.Context(), d.clock.Now())
			if err != nil || len(locks) != 0 {
				t.Errorf("%s locks %+v, %v", name, locks, err)
			}
		}
		d.applies(d.begun(nil), no)
		d.wantBrake(d.link, "", false, payments.BrakeLocked)
		d.wantBrake(d.links(1)[0], "", true, payments.BrakeCards)
	})
}

// What is locked stays as it was locked: a decline that was under way writes nothing more, and wakes nobody whose task is done.
func TestWhatIsLockedIsNotLockedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.put(paylink.Failed, 25)
		d.decline(d.link, 1)
		before, err := d.store.PayLocks(t.Context(), d.clock.Now())
		if err != nil || len(before) != 2 {
			t.Fatalf("%+v %v", before, err)
		}
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.DoneTask(t.Context(), "limit.link", d.link.ID, d.clock.Now()), tx.DoneTask(t.Context(), "limit.cards", store.AllCards, d.clock.Now()))
		}); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Second)
		d.decline(d.link, 1)
		if after, err := d.store.PayLocks(t.Context(), d.clock.Now()); err != nil || !slices.Equal(after, before) {
			t.Errorf("%+v became %+v, %v", before, after, err)
		}
		d.wantTask("limit.link", d.link.ID, false)
		d.wantTask("limit.cards", store.AllCards, false)
		if link, cards := d.audited(d.invoice.ID, "link.locked"), d.audited(store.AllCards, "cards.paused"); link != 1 || cards != 1 {
			t.Errorf("the log says that the link was locked %d times, and cards %d", link, cards)
		}
	})
}

// A pause that staff lifted can be pressed again. Pressing one that stands changes nothing, and nobody is told of their own act.
func TestStaffPauseCardsAgainAfterTheyLetThemIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		pause := func() {
			t.Helper()
			d.clock.advance(time.Second)
			if err := d.payments.PauseCards(t.Context(), "staff:ana"); err != nil {
				t.Fatal(err)
			}
			d.wantBrake(d.link, "", true, payments.BrakeCards)
		}
		pause()
		pause()
		if n := d.audited(store.AllCards, "cards.paused"); n != 1 {
			t.Errorf("the log says %d pauses of one", n)
		}
		d.wantTask("limit.cards", store.AllCards, false)
		if err := d.payments.LiftLock(t.Context(), "staff:ana", store.AllCards); err != nil {
			t.Fatal(err)
		}
		d.wantBrake(d.link, "", true, payments.BrakeNone)
		pause()
	})
}

// A page may say for two seconds what was so, and no longer, also when the clock is set back.
func TestCardsStopIsNotOldNews(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		want := func(s *payments.Service, want payments.Brake) {
			t.Helper()
			if stop, err := s.CardsStop(t.Context()); err != nil || stop.Why != want {
				t.Errorf("brake %q, %v; want %q", stop.Why, err, want)
			}
		}
		page, other := d.payments, d.restart("boot1")
		want(page, payments.BrakeNone)
		d.clock.advance(-time.Hour)
		if err := other.PauseCards(t.Context(), "staff:ana"); err != nil {
			t.Fatal(err)
		}
		want(page, payments.BrakeCards)
		if err := other.LiftLock(t.Context(), "staff:ana", store.AllCards); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(3 * time.Second)
		want(page, payments.BrakeNone)
		if err := other.PauseCards(t.Context(), "staff:ana"); err != nil {
			t.Fatal(err)
		}
		d.options.NoLimits = true
		want(d.restart("boot1"), payments.BrakeNone)
	})
}

// Only presses of one place within an hour are counted together: not those of nobody's place, not while limits are off.
func TestPlacesAreCountedForAnHour(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const office = "192.0.2.7"
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			for range 60 {
				for _, place := range []string{office, ""} {
					if _, err := tx.CountLimit(t.Context(), "press:"+place, d.clock.Now(), time.Hour); err != nil {
						return err
					}
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.by(d.link, "nowhere", "pm_card_visa", nil); err != nil {
			t.Errorf("a press of no place: %v", err)
		}
		d.wantBrake(d.link, office, true, payments.BrakePlace)
		d.options.NoLimits = true
		free := d.restart("boot1")
		press := d.press("free", 5000, d.card("pm_card_visa"))
		press.Place = office
		if _, err := free.Begin(t.Context(), press); err != nil {
			t.Errorf("a press without limits: %v", err)
		}
		d.clock.advance(61 * time.Minute)
		d.wantBrake(d.link, office, true, payments.BrakeNone)
		for range 2 {
			if err := d.payments.LetPlace(t.Context(), "staff:ana", office); err != nil {
				t.Fatal(err)
			}
		}
		if n := d.audited(office, "place.let"); n != 1 {
			t.Errorf("the log says that the place was let %d times", n)
		}
	})
}
