package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// delivery is an event on its way to the endpoint. It is removed once the endpoint said 2xx, or gave out.
// One of Plaid's brings its own address and body.
type delivery struct {
	Event    string    `json:"event"`
	Type     string    `json:"type"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"`  // sandbox clock
	Begun    bool      `json:"begun"` // its faults were drawn
	Held     bool      `json:"held"`  // reordered: waits for another to overtake it
	Copies   int       `json:"copies"`
	BadSig   bool      `json:"bad_sig"`

	URL  string          `json:"url,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`
}

func (*delivery) kind() string  { return "delivery" }
func (d *delivery) key() string { return d.Event }

// retryAfter is when a delivery that failed is tried again. Stripe spreads its retries over three days
// (https://docs.stripe.com/webhooks#retries); the first ones here are quick so that a demo recovers while one looks on.
var retryAfter = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, time.Hour, 3 * time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 26 * time.Hour}

const (
	webhookTimeout = 10 * time.Second
	webhooksAtOnce = 8
	heldFor        = 2 * time.Second // a reordered event goes out by then even when nothing overtook it
)

// courier delivers events to the one endpoint, at most webhooksAtOnce at a time.
type courier struct {
	server *Server
	client *http.Client
	wake   chan struct{}
	flying map[string]bool // guarded by server.mu
	group  sync.WaitGroup
}

func newCourier(s *Server) *courier {
	return &courier{server: s, wake: make(chan struct{}, 1), flying: map[string]bool{},
		client: &http.Client{Timeout: webhookTimeout,
			// A redirect is a failed delivery to Stripe.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// nudge tells the courier that there may be something to do. It never blocks.
func (c *courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends, then waits for what is in the air.
func (c *courier) run(ctx context.Context) {
	for {
		wait := c.launch(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			c.group.Wait()
			return
		case <-c.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// launch starts what is due and says how long until the next delivery is.
func (c *courier) launch(ctx context.Context) time.Duration {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Hour
	t := s.begin(nil)
	now := t.now
	for d := range all[delivery](t) {
		url := orDefault(d.URL, s.webhookURL)
		if url == "" || c.flying[d.Event] {
			continue
		}
		if len(c.flying) >= webhooksAtOnce {
			break
		}
		if !d.Begun {
			if d = c.draw(t, d); d == nil {
				continue
			}
		}
		if d.Next.After(now) {
			wait = min(wait, d.Next.Sub(now))
			continue
		}
		body, signed, err := c.letter(t, d)
		if err != nil {
			s.log.Error("sandbox webhook", "event", d.Event, "error", err)
			t.remove(d)
			continue
		}
		c.flying[d.Event] = true
		c.group.Add(1)
		go c.deliver(ctx, url, body, signed, *d)
	}
	if err := s.commit(t); err != nil {
		s.log.Error("sandbox could not keep its state", "error", err)
	}
	return max(wait, 10*time.Millisecond)
}

// signer puts a signature of a body on a request, at the time it is sent.
type signer func(h http.Header, at time.Time, body []byte) error

// letter is what a delivery sends, and who signs it.
func (c *courier) letter(t *tx, d *delivery) ([]byte, signer, error) {
	if d.URL != "" {
		return d.Body, plaidSigner(signingKey(t), d.BadSig), nil
	}
	e, ok := get[event](t, d.Event)
	if !ok {
		return nil, nil, fmt.Errorf("event %s was forgotten", d.Event)
	}
	body, err := json.MarshalIndent(e, "", "  ")
	return body, stripeSigner(c.server.keys.Webhook, d.BadSig), err
}

func stripeSigner(secret string, bad bool) signer {
	if bad {
		secret = "whsec_not_this_one"
	}
	return func(h http.Header, at time.Time, body []byte) error {
		h.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
		h.Set("Stripe-Signature", sign(secret, at, body))
		return nil
	}
}

// draw lets the faults of this event decide, once. It answers nil when the event is lost.
func (c *courier) draw(t *tx, d *delivery) *delivery {
	f := c.server.faults.take("event " + d.Type)
	d, _ = edit[delivery](t, d.Event)
	d.Begun, d.Copies = true, 1
	switch f.verb() {
	case "lose":
		t.remove(d)
		return nil
	case "dup":
		d.Copies = f.count()
	case "delay":
		d.Next = t.now.Add(f.duration())
	case "reorder":
		d.Held, d.Next = true, t.now.Add(heldFor)
	case "bad_sig":
		d.BadSig = true
	}
	return d
}

// deliver sends one event, as often as its fault says, and records how it went.
func (c *courier) deliver(ctx context.Context, url string, body []byte, signed signer, d delivery) {
	defer c.group.Done()
	ok := true
	for range max(d.Copies, 1) {
		ok = c.send(ctx, url, body, signed) && ok
	}
	c.finish(d.Event, ok)
	c.nudge()
}

func (c *courier) send(ctx context.Context, url string, body []byte, signed signer) bool {
	s := c.server
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		s.log.Warn("sandbox webhook", "error", err)
		return false
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if err := signed(req.Header, time.Now(), body); err != nil {
		s.log.Warn("sandbox webhook", "error", err)
		return false
	}
	resp, err := c.client.Do(req)
	if err != nil {
		s.log.Debug("sandbox webhook not delivered", "error", err)
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody)) // so that the connection is used again
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}

// sign is the Stripe-Signature header (https://docs.stripe.com/webhooks#verify-manually). It carries the real time,
// whatever the sandbox clock says.
func sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func (c *courier) finish(eventID string, ok bool) {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(c.flying, eventID)
	t := s.begin(nil)
	d, known := edit[delivery](t, eventID)
	if !known {
		return
	}
	d.Copies, d.BadSig, d.Held = 1, false, false
	if !ok {
		d.Attempts++
	}
	switch {
	case ok, d.Attempts > len(retryAfter):
		t.remove(d)
		if e, known := edit[event](t, eventID); known && ok {
			e.PendingWebhooks = 0
		}
	default:
		d.Next = t.now.Add(retryAfter[d.Attempts-1])
	}
	if ok { // whatever was held back to be overtaken has been
		var held []string
		for other := range all[delivery](t) {
			if other.Held {
				held = append(held, other.Event)
			}
		}
		for _, id := range held {
			if other, _ := edit[delivery](t, id); other != nil {
				other.Held, other.Next = false, t.now
			}
		}
	}
	if err := s.commit(t); err != nil {
		s.log.Error("sandbox could not keep its state", "error", err)
	}
}
