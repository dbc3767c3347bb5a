package payments_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
)

// Who shall answer is asked less and less often, for a week; then staff know that nobody does. What is
// reserved stays so.
func TestUnknownPaymentIsAskedAboutOnASchedule(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Unknown, true)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		var last time.Time
		asked := func() bool {
			t.Helper()
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, err := d.store.Payment(t.Context(), p.ID)
			if err != nil || now.Status != paylink.Unknown {
				t.Fatalf("%s %v", now.Status, err)
			}
			again := now.CheckedAt.After(last)
			last = now.CheckedAt
			return again
		}
		if !asked() {
			t.Error("not asked about at once")
		}
		age := time.Duration(0)
		for _, next := range []time.Duration{
			30 * time.Second, 130 * time.Second, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 30 * time.Hour, 54 * time.Hour,
		} {
			d.clock.advance(next - age - 10*time.Second)
			if asked() {
				t.Errorf("asked about before %s", next)
			}
			d.clock.advance(10 * time.Second)
			if !asked() {
				t.Errorf("not asked about after %s", next)
			}
			age = next
		}
		if told := d.tasks("payment.payment_stuck"); len(told) != 0 {
			t.Errorf("staff were told after two days: %+v", told)
		}
		d.clock.advance(6 * 24 * time.Hour)
		asked()
		asked()
		if told := d.tasks("payment.payment_stuck"); len(told) != 1 {
			t.Errorf("after a week staff have %d tasks", len(told))
		}
		d.wantBalance(0, 20000, 80000)

		d.control("DELETE", "/faults", nil, nil)
		d.clock.advance(24 * time.Hour)
		if err := d.payments.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.wantBalance(0, 0, 100000)
		if told := d.tasks("payment.payment_stuck"); len(told) != 0 {
			t.Errorf("it is known, and staff still have %+v", told)
		}
	})
}

// Another run of the server looks at once, whatever the schedule of the one before.
func TestNewRunOfTheServerAsksAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Unknown, true)
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		d.clock.advance(10 * time.Minute)
		if err := d.payments.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.control("DELETE", "/faults", nil, nil)
		d.clock.advance(time.Second)
		if err := d.restart("boot2").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p, _ = d.store.Payment(t.Context(), p.ID); p.Status != paylink.Canceled {
			t.Errorf("after the restart it is %s", p.Status)
		}
	})
}

func TestStaffAreWarnedBeforeAHoldLapses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		look := func() int {
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			return len(d.tasks("payment.hold_lapses"))
		}
		if n := look(); n != 0 {
			t.Errorf("%d warnings at once", n)
		}
		d.clock.advance(p.CaptureBefore.Sub(d.clock.Now()) - 23*time.Hour)
		if n := look() + look(); n != 2 {
			t.Errorf("a day before, two looks saw %d warnings", n)
		}
		if _, err := d.payments.Void(t.Context(), "staff:1", p.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(d.tasks("payment.hold_lapses")); n != 0 {
			t.Errorf("let go, and staff still have %d warnings", n)
		}
	})
}

func TestStaffAreToldOfADebitThatDoesNotArrive(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.begin(d.debitPress("n1", 20000, d.linked("Checking, debits succeed")), paylink.Processing)
		for _, step := range []struct {
			days, told int
		}{{13, 0}, {5, 1}} {
			d.clock.advance(time.Duration(step.days) * 24 * time.Hour)
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if told := d.tasks("payment.bank_slow"); len(told) != step.told {
				t.Errorf("%d tasks, want %d", len(told), step.told)
			}
		}
		d.wantBalance(0, 20000, 80000)
	})
}

// counting is Stripe behind a door that counts who is asked about, and holds the first until eight are.
type counting struct {
	mu           sync.Mutex
	asked        map[string]int
	inside       int
	many         bool
	eight, ninth chan struct{} // closed when so many are inside
	open         func()        // lets them through
}

func (d *desk) counting() *counting {
	d.t.Helper()
	at, err := url.Parse(d.box.URL())
	if err != nil {
		d.t.Fatal(err)
	}
	opened := make(chan struct{})
	c := &counting{asked: map[string]int{}, eight: make(chan struct{}), ninth: make(chan struct{}), open: sync.OnceFunc(func() { close(opened) })}
	proxy := httputil.NewSingleHostReverseProxy(at)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			c.mu.Lock()
			c.asked[path.Base(r.URL.Path)]++
			c.inside++
			if len(c.asked) == 8 {
				close(c.eight)
			}
			if c.inside == 9 && !c.many {
				c.many = true
				close(c.ninth)
			}
			c.mu.Unlock()
			<-opened
			defer func() {
				c.mu.Lock()
				c.inside--
				c.mu.Unlock()
			}()
		}
		proxy.ServeHTTP(w, r)
	}))
	d.t.Cleanup(front.Close)
	d.t.Cleanup(c.open)
	o := d.options
	o.Boot = "boot2"
	d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: front.URL}), o)
	return c
}

// Many are looked after at once, and never more than eight; each once; and one that fails keeps nobody.
func TestRecoveryLooksAfterEightAtATime(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const many = 30
		var cut []paylink.Payment
		for range many {
			cut = append(cut, d.cutOff(paylink.Unknown, true))
		}
		d.fault("GET /v1/payment_intents/"+cut[3].PaymentIntent, "500_before", 1)
		c := d.counting()
		done := make(chan error, 1)
		go func() { done <- d.payments.Recover(t.Context()) }()
		select {
		case <-c.eight:
		case err := <-done:
			t.Fatalf("it ended (%v) before eight were asked about at once", err)
		case <-time.After(20 * time.Second):
			t.Fatal("eight are never asked about at once")
		}
		select {
		case <-c.ninth:
			t.Error("a ninth is asked about before one of the eight is done")
		case <-time.After(100 * time.Millisecond):
		}
		c.open()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for n, p := range cut {
			after, err := d.store.Payment(t.Context(), p.ID)
			want := paylink.Canceled
			if n == 3 {
				want = paylink.Unknown
			}
			if err != nil || after.Status != want || c.asked[p.PaymentIntent] != 1 {
				t.Errorf("payment %d: %s, asked about %d times, %v", n, after.Status, c.asked[p.PaymentIntent], err)
			}
		}
	})
}

func TestRecoveryEndsWithItsContext(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for range 20 {
			d.cutOff(paylink.Unknown, true)
		}
		c := d.counting()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { done <- d.payments.Recover(ctx) }()
		<-c.eight
		stop()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it goes on")
		}
		if len(c.asked) != 8 {
			t.Errorf("%d were asked about", len(c.asked))
		}
		if strings.Contains(d.log.String(), "recover payment") {
			t.Errorf("the end of the server is told as trouble of its payments:\n%s", d.log)
		}
	})
}

// Who is at work on a payment is left to it until half a minute, or its lease, is over; then it is asked about, once at each
// age. Nothing of that is for staff.
func TestPaymentUnderWayIsLeftToWhoMakesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		alone := d.store.OneServer() // so that another run of the server is over
		begin := func(status paylink.PaymentStatus, intent bool, boot string, age time.Duration) paylink.Payment {
			return d.rewrite(d.cutOff(status, intent), func(p *paylink.Payment) {
				p.Boot, p.UpdatedAt, p.LeaseUntil = boot, p.UpdatedAt.Add(-age), p.LeaseUntil.Add(-age)
			})
		}
		type want struct {
			p      paylink.Payment
			asked  bool
			status paylink.PaymentStatus
		}
		closed := map[bool]paylink.PaymentStatus{true: paylink.Canceled, false: paylink.Created}[alone]
		cases := map[string]want{
			"confirming, a moment":            {begin(paylink.Confirming, true, "boot1", 10*time.Second), false, paylink.Confirming},
			"confirming, a minute":            {begin(paylink.Confirming, true, "boot1", time.Minute), true, paylink.Confirming},
			"confirming, of another run":      {begin(paylink.Confirming, true, "boot0", 10*time.Second), alone, paylink.Confirming},
			"confirming, its lease over":      {begin(paylink.Confirming, true, "boot1", 4*time.Minute), true, paylink.Confirming},
			"the bank asks, a moment":         {begin(paylink.RequiresAction, true, "boot1", 10*time.Second), false, paylink.RequiresAction},
			"the bank asks, a minute":         {begin(paylink.RequiresAction, true, "boot1", time.Minute), true, paylink.RequiresAction},
			"being made, a minute":            {begin(paylink.Created, false, "boot1", time.Minute), false, paylink.Created},
			"being made, of another run":      {begin(paylink.Created, false, "boot0", 10*time.Second), false, closed},
			"being made, its lease over":      {begin(paylink.Created, false, "boot1", 4*time.Minute), false, paylink.Canceled},
			"held, nobody knows for how long": {begin(paylink.Authorized, true, "boot1", time.Minute), true, paylink.Authorized},
		}
		last := map[string]time.Time{}
		for round := range 2 {
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, c := range cases {
				now := d.now(c.p)
				asked := now.CheckedAt.After(last[name])
				if now.Status != c.status || asked != (c.asked && round == 0) {
					t.Errorf("%s, look %d: %s, asked %t", name, round+1, now.Status, asked)
				}
				last[name] = now.CheckedAt
			}
			d.clock.advance(time.Second)
		}
		if tasks, err := d.store.Tasks(t.Context(), true); err != nil || len(tasks) != 0 {
			t.Errorf("staff are told: %+v %v", tasks, err)
		}
	})
}

func TestStaffAreToldOnceOfWhatTakesLong(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		d.clock.advance(p.CaptureBefore.Sub(d.clock.Now()) - 23*time.Hour)
		for _, want := range []int{1, 0} {
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := len(d.tasks("payment.hold_lapses")); n != want {
				t.Errorf("%d tasks, want %d", n, want)
			}
			if err := d.store.Update(t.Context(), func(tx *store.Tx) error { // staff close it, and wait all the same
				return tx.DoneTask(t.Context(), "payment.hold_lapses", p.ID, d.clock.Now())
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The PaymentIntent is remembered between recovery's look at the row and its turn: it is not let go unasked.
func TestFault_P02_RememberedMeanwhileIsNotReleased(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for range 8 {
			d.cutOff(paylink.Unknown, true)
		}
		d.clock.advance(time.Second)
		p := d.cutOff(paylink.Created, false) // the ninth
		d.clock.advance(4 * time.Minute)
		c := d.counting()
		done := make(chan error, 1)
		go func() { done <- d.payments.Recover(t.Context()) }()
		<-c.eight
		d.rewrite(p, func(p *paylink.Payment) { p.PaymentIntent = "pi_late" })
		c.open()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if now := d.now(p); now.Status != paylink.Created {
			t.Errorf("it is %s", now.Status)
		}
	})
}

// The fence of the bank's question is also put up by recovery, when the queue does not come to it.
func TestFault_P22_RecoveryFencesAnAbandonedChallenge(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		for _, step := range []struct {
			after time.Duration
			want  paylink.PaymentStatus
		}{{14 * time.Minute, paylink.RequiresAction}, {2 * time.Minute, paylink.Canceled}} {
			d.clock.advance(step.after)
			if err := d.payments.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if now := d.now(p); now.Status != step.want {
				t.Errorf("it is %s, want %s", now.Status, step.want)
			}
		}
		d.wantNothingConfirmable()
	})
}
