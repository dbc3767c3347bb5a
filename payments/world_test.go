package payments_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"

	"paylink"
	"paylink/payments"
	"paylink/provider/stripe"
	"paylink/store"
	"paylink/store/storetest"
)

// told has a signed event stored and its job run, as the endpoint and the worker do.
func (d *desk) told(body string) error {
	d.t.Helper()
	e, err := stripe.ParseEvent([]byte(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertEvent(d.t.Context(), store.Event{Provider: "stripe", ID: e.ID, Type: e.Type, Body: []byte(body), ReceivedAt: d.clock.Now()})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return d.payments.EventJob(d.t.Context(), store.Job{Kind: "stripe.event", Key: e.ID, Payload: fmt.Appendf(nil, `{"event":%q}`, e.ID)})
}

func eventOf(id, kind, intent string, live bool) string {
	return fmt.Sprintf(`{"id":%q,"object":"event","api_version":"2023-10-16","type":%q,"livemode":%t,"created":1,"data":{"object":{"id":%q,"object":"payment_intent"}}}`,
		id, kind, live, intent)
}

// The first try is given up while Stripe still works on it, so the second, with the same key, is told that the key is in
// use: it waits, and has the first one's result.
func TestFault_P17_KeyInUseIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		at, err := url.Parse(d.box.URL())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var answers []int
		proxy := httputil.NewSingleHostReverseProxy(at)
		proxy.ModifyResponse = func(r *http.Response) error {
			if strings.HasSuffix(r.Request.URL.Path, "/confirm") {
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, r.StatusCode)
			}
			return nil
		}
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
		front := httptest.NewServer(proxy)
		defer front.Close()
		d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: front.URL, Timeout: time.Second}), d.options)
		d.fault(confirmCall, "slow:1600ms", 1)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		d.wantCharges(1, 20000)
		d.wantReceipts(1)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(answers, http.StatusConflict) {
			t.Errorf("the key was never in use: %v", answers)
		}
	})
}

// Whoever stands between us and Stripe with a certificate of their own learns nothing, and is not asked again and again.
func TestFault_X07_StrangerInStripesPlaceIsToldNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var met, asked atomic.Int64
		stranger := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		stranger.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				met.Add(1)
			}
		}
		stranger.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		stranger.StartTLS()
		defer stranger.Close()
		honest := d.payments
		d.payments = payments.New(d.store, stripe.New(stripe.Config{Key: d.key, BaseURL: stranger.URL}), d.options)
		if p, err := d.payments.Begin(t.Context(), d.press("n1", 20000, d.card("pm_card_visa"))); paylink.KindOf(err) != paylink.Unavailable {
			t.Errorf("%s %v", p.Status, err)
		}
		if asked.Load() != 0 || met.Load() != 1 {
			t.Errorf("the stranger was met %d times and asked %d", met.Load(), asked.Load())
		}
		d.wantBalance(0, 0, 100000)
		d.payments = honest
		d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
	})
}

// The webhook is refused by our wrong clock, or never comes: the payment is found all the same.
func TestFault_W10_WithoutWebhooksThePaymentIsStillFound(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		if _, err := sc.Confirm(t.Context(), p.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(10 * time.Minute) // and our clock is wrong
		if err := d.restart("boot2").Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
	})
}

func TestFault_W12_EventOfTheOtherModeIsNotedAndBooksNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		if err := d.told(eventOf("evt_live", "payment_intent.succeeded", p.PaymentIntent, true)); err != nil {
			t.Fatal(err)
		}
		e, err := d.store.Event(t.Context(), "stripe", "evt_live")
		if err != nil || e.ProcessedAt.IsZero() || !strings.Contains(e.LastError, "mixed") {
			t.Errorf("%+v %v", e, err)
		}
		if n := len(d.tasks("event.mode")); n != 1 {
			t.Errorf("%d tasks for staff", n)
		}
		d.wantBalance(0, 20000, 80000)
	})
}

func TestFault_W13_EventsOfNobodyHereAreNotedAndBookNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var foreign struct{ ID string }
		d.stripe("POST", "/v1/payment_intents", url.Values{"amount": {"500"}, "currency": {"usd"}, "metadata[order]": {"17"}}, &foreign)
		for id, body := range map[string]string{
			"evt_word":    eventOf("evt_word", "tomorrow.invented", "", false),
			"evt_foreign": eventOf("evt_foreign", "payment_intent.created", foreign.ID, false),
		} {
			if err := d.told(body); err != nil {
				t.Errorf("%s: %v", id, err)
			}
			if e, err := d.store.Event(t.Context(), "stripe", id); err != nil || e.ProcessedAt.IsZero() {
				t.Errorf("%s: %+v %v", id, e, err)
			}
		}
		d.wantBalance(0, 0, 100000)
	})
}

// An object that cannot be fetched is asked for again, and nothing is dropped meanwhile.
func TestFault_W16_ObjectThatCannotBeFetchedIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.cutOff(paylink.Confirming, true)
		sc := stripe.New(stripe.Config{Key: d.key, BaseURL: d.box.URL()})
		if _, err := sc.Confirm(t.Context(), p.PaymentIntent, "k", stripe.ConfirmRequest{ConfirmationToken: d.card("pm_card_visa"), ReturnURL: "http://127.0.0.1/"}); err != nil {
			t.Fatal(err)
		}
		d.fault("GET /v1/payment_intents/*", "500_before", 0)
		body := eventOf("evt_1", "payment_intent.succeeded", p.PaymentIntent, false)
		if err := d.told(body); err == nil {
			t.Error("the job is done though nothing was fetched")
		}
		if e, err := d.store.Event(t.Context(), "stripe", "evt_1"); err != nil || !e.ProcessedAt.IsZero() {
			t.Errorf("dropped: %+v %v", e, err)
		}
		d.wantBalance(0, 20000, 80000)
		d.control("DELETE", "/faults", nil, nil)
		if err := d.told(body); err != nil { // the schedule's next try
			t.Fatal(err)
		}
		d.wantBalance(20000, 0, 80000)
		// An object that is gone stays an error, for a person to see in the end.
		if err := d.told(eventOf("evt_2", "payment_intent.succeeded", "pi_gone", false)); err == nil {
			t.Error("an object that is not there is taken for done")
		}
	})
}

// noRoom has writes fail as on a full disk, until there is room again.
func (d *desk) noRoom(at, what, when string) (room func()) {
	d.t.Helper()
	table := what[strings.LastIndex(what, " ")+1:]
	words := map[string][2]string{
		"sqlite": {
			"create trigger no_room before " + what + " when " + when + " begin select raise(abort, 'database or disk is full'); end", "drop trigger no_room",
		},
		"postgres": {`create function no_room() returns trigger language plpgsql as $$ begin raise exception using errcode = '53100', message = 'disk full'; end $$;
			create trigger no_room before ` + what + " for each row when (" + when + ") execute function no_room()", "drop trigger no_room on " + table},
	}[d.store.Dialect()]
	driver, dsn := "pgx", at
	if path, ok := strings.CutPrefix(at, "sqlite:"); ok {
		driver, dsn = "sqlite3", path+"?_busy_timeout=5000"
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = raw.Close() })
	exec := func(statement string) {
		d.t.Helper()
		if _, err := raw.ExecContext(d.t.Context(), statement); err != nil {
			d.t.Fatal(err)
		}
	}
	exec(words[0])
	return func() { exec(words[1]) }
}

// Nobody hears what the confirm call did, and not even that can be written: the payer is told that we are checking, and
// never that nothing was charged.
func TestFault_D02_UnknownThatCannotBeWrittenIsStillUnknown(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		d.fault(confirmCall, "drop_after", 0)
		room := d.noRoom(at, "update on payment", "new.status in ('unknown', 'succeeded')")
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Unknown)
		d.wantCharges(1, 20000)
		d.wantBalance(0, 20000, 80000)
		room()
		d.control("DELETE", "/faults", nil, nil)
		d.clock.advance(4 * time.Minute)
		if err := d.payments.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Status != paylink.Succeeded {
			t.Fatalf("%s %v", after.Status, err)
		}
		d.wantCharges(1, 20000)
		d.wantBalance(20000, 0, 80000)
	})
}

// The disk is full when the money has moved: the page says that we are checking, the reservation stays, and once there is
// room the payment is booked, once.
func TestFault_D02_BooksThatCannotBeWrittenAfterTheMoneyMoved(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, at string) {
		t.Parallel()
		d := newDesk(t, storetest.Open(t, at))
		room := d.noRoom(at, "insert on ledger_posting", "true")
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Unknown)
		d.wantCharges(1, 20000)
		d.wantBalance(0, 20000, 80000)
		room()
		d.clock.advance(4 * time.Minute)
		if err := d.payments.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Status != paylink.Succeeded {
			t.Fatalf("%s %v\n%s", after.Status, err, d.log)
		}
		d.wantBalance(20000, 0, 80000)
		d.wantReceipts(1)
	})
}

// The clock jumps while payments are under way: none is charged twice, none is lost, and none waits for a time that has
// moved away.
func TestFault_D11_ClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				d.fault(confirmCall, "500_after", 1)
				d.fault("GET /v1/payment_intents/*", "500_before", 0)
				p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Unknown)
				d.clock.advance(jump)
				d.control("DELETE", "/faults", nil, nil)
				if err := d.restart("boot2").Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				if after, err := d.store.Payment(t.Context(), p.ID); err != nil || after.Status != paylink.Succeeded {
					t.Fatalf("%s %v\n%s", after.Status, err, d.log)
				}
				d.pay("n2", 20000, d.card("pm_card_visa"), paylink.Succeeded)
				d.wantCharges(2, 40000)
				d.wantBalance(40000, 0, 60000)
			})
		})
	}
}
