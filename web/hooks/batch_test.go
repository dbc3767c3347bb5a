package hooks_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/labstack/echo/v4"
	_ "github.com/mattn/go-sqlite3"

	"paylink"
	"paylink/store"
	"paylink/store/storetest"
)

// hold keeps the event from being stored, and with it whatever shares its transaction, until release.
func (e *endpoint) hold(id string) (release func()) {
	e.t.Helper()
	begun, end, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	never := errors.New("undone")
	go func() {
		done <- e.store.Update(e.t.Context(), func(tx *store.Tx) error {
			if _, err := tx.InsertEvent(e.t.Context(), store.Event{Provider: "stripe", ID: id, Body: []byte("{}"), ReceivedAt: time.Now()}); err != nil {
				return err
			}
			close(begun)
			<-end
			return never
		})
	}()
	select {
	case <-begun:
	case err := <-done:
		e.t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		close(end)
		if err := <-done; !errors.Is(err, never) {
			e.t.Error(err)
		}
	})
}

// wait until webhooks are being stored and so many more wait for their turn.
func (e *endpoint) wait(want int) {
	e.t.Helper()
	tick, late := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		n, storing := e.hooks.Waiting()
		if storing && n == want {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			e.t.Fatalf("%d wait, not %d", n, want)
		}
	}
}

func (e *endpoint) stored(id string) bool {
	e.t.Helper()
	_, err := e.store.Event(e.t.Context(), "stripe", id)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		e.t.Fatal(err)
	}
	return err == nil
}

// send is post on a connection of its own to a server that listens.
func send(ctx context.Context, client *http.Client, base, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/webhooks/stripe", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", sign(body, secret, time.Now()))
	answer, err := client.Do(r)
	if err == nil {
		_ = answer.Body.Close()
	}
	return answer, err
}

// W06 at the endpoint: what an outage held back comes at once, some of it twice.
func TestFault_W06_FloodIsTakenIn(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		const many = 300
		var group sync.WaitGroup
		for n := range 50 {
			group.Go(func() {
				for k := range 2 * many / 50 {
					body := event(fmt.Sprintf("evt_%d", (n*2*many/50+k)%many), "payment_intent.succeeded")
					if status := e.post(body, sign(body, secret, time.Now())); status != http.StatusOK {
						t.Errorf("answered %d", status)
					}
				}
			})
		}
		group.Wait()
		jobs := 0
		for n := e.jobs(); n > 0; n = e.jobs() {
			jobs += n
			if jobs >= many {
				break // those claimed first come back
			}
		}
		open, err := e.store.OpenEvents(t.Context(), 2*many)
		if err != nil || len(open) != many || jobs != many {
			t.Errorf("%d events and %d jobs of %d, %v", len(open), jobs, many, err)
		}
	})
}

// What the database refuses of one event is nothing to those that came with it. PostgreSQL gives a
// transaction up at the first error.
func TestOneEventThatCannotBeStoredIsRefusedAlone(t *testing.T) {
	poison := map[string]string{
		"sqlite": "create trigger poison before insert on inbox when new.event_id = 'evt_poison' begin select raise(abort, 'poison'); end",
		"postgres": `create function poison() returns trigger language plpgsql as $$ begin raise exception 'poison'; end $$;
			create trigger poison before insert on inbox for each row when (new.event_id = 'evt_poison') execute function poison()`,
	}
	storetest.EachURL(t, func(t *testing.T, at string) {
		e := newEndpoint(t, storetest.Open(t, at))
		driver, dsn := "pgx", at
		if path, ok := strings.CutPrefix(at, "sqlite:"); ok {
			driver, dsn = "sqlite3", path
		}
		raw, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := raw.ExecContext(t.Context(), poison[e.store.Dialect()]); err != nil {
			t.Fatal(err)
		}
		release := e.hold("evt_0")
		var group sync.WaitGroup
		for n, id := range []string{"evt_0", "evt_a", "evt_poison", "evt_z"} {
			group.Go(func() {
				want := http.StatusOK
				if id == "evt_poison" {
					want = http.StatusServiceUnavailable
				}
				body := event(id, "payment_intent.succeeded")
				if status := e.post(body, sign(body, secret, time.Now())); status != want {
					t.Errorf("%s: answered %d", id, status)
				}
			})
			if n == 0 {
				e.wait(0)
			}
		}
		e.wait(3)
		release()
		group.Wait()
		for id, want := range map[string]bool{"evt_0": true, "evt_a": true, "evt_poison": false, "evt_z": true} {
			if e.stored(id) != want {
				t.Errorf("%s: stored %t", id, !want)
			}
		}
	})
}

// Nothing is answered before it is stored (I-17), and a server that stops stores what it has read.
func TestStopStoresWhatWaits(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		arrived := make(chan struct{}, 100)
		server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			e.site.ServeHTTP(w, r)
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()

		const many = 20
		release := e.hold("evt_0")
		answers := make(chan error, many)
		for n := range many {
			go func() {
				answer, err := send(t.Context(), client, "http://"+l.Addr().String(), event(fmt.Sprintf("evt_%d", n), "payment_intent.succeeded"))
				if err == nil && answer.StatusCode != http.StatusOK {
					err = errors.New(answer.Status)
				}
				answers <- err
			}()
		}
		for range many {
			<-arrived
		}
		stopped := make(chan error, 1)
		go func() { stopped <- server.Shutdown(t.Context()) }()
		<-served // it takes nothing more
		select {
		case err := <-answers:
			t.Errorf("answered before it was stored: %v", err)
		case err := <-stopped:
			t.Errorf("stopped before all was stored: %v", err)
		default:
		}
		release()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		for range many {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if n := e.jobs(); n != many {
			t.Errorf("%d jobs of %d", n, many)
		}
	})
}

// The bound of the queue is its own, behind whatever the site's door lets in.
func TestFullQueueAnswers503WithRetryAfter(t *testing.T) {
	each(t, func(t *testing.T, e *endpoint) {
		behind := echo.New()
		behind.HTTPErrorHandler = e.render.Fail
		e.hooks.Register(behind)
		release := e.hold("evt_0")
		defer release()
		body := event("evt_0", "payment_intent.succeeded")
		header := sign(body, secret, time.Now())
		const many = 300 // 256 wait, and the first is being stored
		answers := make(chan *httptest.ResponseRecorder, many)
		send := func() {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/webhooks/stripe", strings.NewReader(body))
			r.Header.Set("Stripe-Signature", header)
			w := httptest.NewRecorder()
			behind.ServeHTTP(w, r)
			answers <- w
		}
		go send()
		e.wait(0)
		for range many - 1 {
			go send()
		}
		full := 0
		for n := range many {
			w := <-answers
			switch w.Code {
			case http.StatusServiceUnavailable:
				full++
				if after := w.Header().Get("Retry-After"); after != "30" {
					t.Errorf("Retry-After %q", after)
				}
			case http.StatusOK:
			default:
				t.Errorf("answered %d", w.Code)
			}
			if n == many-258 {
				release()
			}
		}
		if full != many-257 || e.jobs() != 1 {
			t.Errorf("%d of %d were refused, and not %d", full, many, many-257)
		}
	})
}
