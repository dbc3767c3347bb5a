package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stripe/stripe-go/v76/webhook"

	"paylink/provider/stripe"
	"paylink/store"
	"paylink/web/hooks"
)

// atOnce is how many webhooks are under way at a time.
const atOnce = 64

// inboxes compares the webhook endpoint, which stores together what arrives together, with one that does the same work
// and stores each event in a transaction of its own.
func inboxes(ctx context.Context, b bench) ([]contender, func(), error) {
	each, err := openBooks(ctx, "sqlite:"+filepath.Join(b.dir, "each.db"))
	if err != nil {
		return nil, nil, err
	}
	together, err := openBooks(ctx, "sqlite:"+filepath.Join(b.dir, "together.db"))
	if err != nil {
		_ = each.store.Close()
		return nil, nil, err
	}
	clean := func() {
		_ = each.store.Close()
		_ = together.store.Close()
	}
	secrets := []string{"whsec_bench"}
	alone, endpoint := echo.New(), echo.New()
	alone.POST("/webhooks/stripe", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		event, err := stripe.VerifyEvent(body, c.Request().Header.Get("Stripe-Signature"), secrets)
		if err != nil {
			return err
		}
		if err := storeAlone(c.Request().Context(), each.store, event, body); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
	(&hooks.Handlers{Store: together.store, Secrets: secrets, Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Register(endpoint)
	run := func(h http.Handler) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) {
			return crowd(ctx, b.time, func(id string) error { return post(ctx, h, id) })
		}
	}
	return []contender{{name: "a transaction each", run: run(alone)}, {name: "together", least: 2.5, run: run(endpoint)}}, clean, nil
}

// crowd does something with an event of its own, over and over, by many at once, and returns how often a second.
func crowd(ctx context.Context, d time.Duration, f func(id string) error) (float64, error) {
	var n atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, atOnce)
	begin := time.Now()
	for range atOnce {
		wg.Go(func() {
			for time.Since(begin) < d && ctx.Err() == nil {
				if err := f(fmt.Sprintf("evt_%d_%d", begin.UnixNano(), n.Add(1))); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	close(errs)
	if err := <-errs; err != nil {
		return 0, err
	}
	return float64(n.Load()) / took.Seconds(), ctx.Err()
}

func storeAlone(ctx context.Context, s *store.Store, event stripe.Event, body []byte) error {
	now := time.Now()
	return s.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.InsertEvent(ctx, store.Event{
			Provider: "stripe", ID: event.ID, Type: event.Type, ObjectID: event.Object, Body: body, ReceivedAt: now,
		}); err != nil {
			return err
		}
		_, err := tx.Enqueue(ctx, store.Job{Kind: "stripe.event", Key: event.ID, Payload: fmt.Appendf(nil, `{"event":%q}`, event.ID), RunAt: now})
		return err
	})
}

func post(ctx context.Context, endpoint http.Handler, id string) error {
	r := webhookRequest(ctx, "/webhooks/stripe", "whsec_bench", eventBody(id, "pi_bench"))
	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("a webhook was answered %d: %s", w.Code, w.Body)
	}
	return nil
}

// webhookRequest is an event as Stripe sends it.
func webhookRequest(ctx context.Context, address, secret string, body []byte) *http.Request {
	now := time.Now()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	r.RequestURI = "" // for a client, too
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%x", now.Unix(), webhook.ComputeSignature(now, body, secret)))
	return r
}

// eventBody is an event of the size that Stripe's are, about 3 KB.
func eventBody(id, intent string) []byte {
	return fmt.Appendf(nil, `{"id":"%s","object":"event","api_version":"2023-10-16","created":1790000000,"type":"payment_intent.succeeded","livemode":false,`+
		`"data":{"object":{"id":"%s","object":"payment_intent","amount":22500,"currency":"usd","status":"succeeded","description":"%s"}}}`,
		id, intent, filler)
}

var filler = strings.Repeat("Website relaunch, second of three parts. ", 68)
