// Package stripe asks Stripe, through stripe-go, for what payments needs: customers and
// PaymentIntents for cards, and the truth about them. It translates Stripe's objects and errors
// into Paylink's words.
//
// It decides nothing: when to confirm, retry, cancel or book is for package payments. It keeps no
// state and never logs; client secrets leave it only by ClientSecret.
package stripe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// Config says which Stripe to talk to and as whom.
type Config struct {
	Key     string        // sk_… or rk_…
	BaseURL string        // "" is Stripe itself
	Timeout time.Duration // of one call; 0 is 20 s
}

// Client is one account at Stripe.
type Client struct {
	api   *client.API
	live  bool
	clock *skew
}

// maxBody bounds what is read of an answer: a broken proxy must not fill our memory.
const maxBody = 4 << 20

// New makes a client. It makes no call.
func New(c Config) *Client {
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 8
	clock := &skew{}
	httpClient := &http.Client{
		Timeout:   c.Timeout,
		Transport: bounded{transport, clock},
		// Stripe does not redirect; a redirect would carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// Each backend wants a configuration of its own: the library writes the address of the
	// backend into it (stripe.go, GetBackendWithConfig).
	backend := func(kind stripego.SupportedBackend) stripego.Backend {
		config := &stripego.BackendConfig{
			HTTPClient: httpClient,
			// payments retries, with a key that is stored, inside a budget that it knows.
			MaxNetworkRetries: stripego.Int64(0),
			LeveledLogger:     silent{},
			EnableTelemetry:   stripego.Bool(false),
		}
		if c.BaseURL != "" {
			config.URL = stripego.String(c.BaseURL)
		}
		return stripego.GetBackendWithConfig(kind, config)
	}
	return &Client{
		api: client.New(c.Key, &stripego.Backends{
			API:     backend(stripego.APIBackend),
			Connect: backend(stripego.ConnectBackend),
			Uploads: backend(stripego.UploadsBackend),
		}),
		live:  strings.Contains(c.Key, "_live_"),
		clock: clock,
	}
}

// Live says whether the key moves real money.
func (c *Client) Live() bool { return c.live }

// ClockAhead is how far this machine's clock was ahead of Stripe's at the last answer, by its Date
// header, to the second and not counting its way here; false before any answer.
func (c *Client) ClockAhead() (time.Duration, bool) {
	ahead := c.clock.last.Load()
	if ahead == nil {
		return 0, false
	}
	return *ahead, true
}

// skew is how far two clocks differ.
type skew struct{ last atomic.Pointer[time.Duration] }

func (s *skew) note(header http.Header) {
	if theirs, err := http.ParseTime(header.Get("Date")); err == nil {
		ahead := time.Since(theirs).Truncate(time.Second)
		s.last.Store(&ahead)
	}
}

// bounded cuts answers off: a longer one is then broken JSON, an unknown outcome. It looks at Stripe's
// clock as they come.
type bounded struct {
	next  http.RoundTripper
	clock *skew
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b.clock.note(res.Header)
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxBody), res.Body}
	return res, nil
}

// silent drops the library's log: it would write request paths and, at debug, bodies.
type silent struct{}

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// params are the common parameters of a call: its context, our idempotency key, what to expand.
func params(ctx context.Context, key string, expand ...string) stripego.Params {
	p := stripego.Params{Context: ctx}
	if key != "" {
		p.SetIdempotencyKey(key)
	}
	for _, path := range expand {
		p.AddExpand(path)
	}
	return p
}

// CustomerRequest is what a customer at Stripe is made of.
type CustomerRequest struct {
	ID, Install string // ours
	Name, Email string
}

// EnsureCustomer finds the customer that carries our id, or makes it. The search closes the gap
// that a key leaves which Stripe forgets after a day.
func (c *Client) EnsureCustomer(ctx context.Context, key string, r CustomerRequest) (id string, err error) {
	list := &stripego.CustomerListParams{Email: stripego.String(r.Email)}
	list.Context = ctx
	list.Limit = stripego.Int64(100)
	found := c.api.Customers.List(list)
	for found.Next() {
		cus := found.Customer()
		if cus.Metadata[metaCustomer] == r.ID && cus.Metadata[metaInstall] == r.Install {
			return cus.ID, nil
		}
	}
	if err := found.Err(); err != nil {
		return "", outcome("find customer", err)
	}
	cus, err := c.api.Customers.New(&stripego.CustomerParams{
		Params: params(ctx, key),
		Name:   stripego.String(r.Name), Email: stripego.String(r.Email),
		Metadata: map[string]string{metaInstall: r.Install, metaCustomer: r.ID},
	})
	if err != nil {
		return "", outcome("make customer", err)
	}
	if cus.ID == "" {
		return "", fmt.Errorf("make customer: %w: no id", ErrUnknown)
	}
	return cus.ID, nil
}
