// Package sandbox is a server that speaks the wire formats of the services Paylink uses closely enough for their real
// client libraries: Stripe's API of version 2023-10-16 with signed webhooks, test cards and idempotency keys; Plaid's of
// 2020-09-14 as far as bank accounts need it; stand-ins for Stripe.js and Plaid Link; and an SMTP server with an inbox.
// Its clock can be moved on and its answers made to fail.
//
// It moves no money, relays no mail and talks to nobody but the webhook endpoints it was given. It knows nothing of Paylink, takes
// no shortcut into it, and must never be reachable where real customers are: its control calls need no key.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say how to start a sandbox. The zero value listens on free ports of 127.0.0.1 and keeps nothing.
type Options struct {
	Addr       string       // HTTP, host:port; port 0 picks one. "" = 127.0.0.1:0
	SMTPAddr   string       // SMTP, host:port. "" = 127.0.0.1:0
	DataDir    string       // where the account, its keys and the mails are kept; "" = memory only
	WebhookURL string       // where events are posted; "" = nowhere
	Log        *slog.Logger // nil discards
}

// accountKeys are made at the first start and kept with the account.
type accountKeys struct {
	Secret      string `json:"secret"`
	Publishable string `json:"publishable"`
	Webhook     string `json:"webhook"`

	PlaidClientID string `json:"plaid_client_id"`
	PlaidSecret   string `json:"plaid_secret"`
}

// Server is a running sandbox.
type Server struct {
	log     *slog.Logger
	keys    accountKeys
	url     string
	smtp    net.Listener
	inbox   *inbox
	http    *http.Server
	courier *courier
	faults  faults

	stopping chan struct{} // closed by Close: slow answers end
	stop     context.CancelFunc
	group    sync.WaitGroup
	closing  sync.Once
	closeErr error

	mu         sync.Mutex
	state      *state
	journal    *journal // nil when nothing is kept
	lock       *os.File // held while DataDir is in use
	offset     time.Duration
	webhookURL string
	inFlight   map[string]struct{} // idempotency keys being carried out
	delivered  []chan struct{}     // closed when no event waits for delivery any more
}

// Start listens and serves; it returns when the sandbox answers. ctx bounds its life; Close ends it too.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{log: o.Log, webhookURL: o.WebhookURL, state: newState(), stopping: make(chan struct{}), inFlight: map[string]struct{}{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.open(o.DataDir); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), s.letGo())
	}
	web, smtp, err := s.listen(ctx, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), s.letGo())
	}
	s.url, s.smtp = "http://"+web.Addr().String(), smtp
	s.courier = newCourier(s)
	mux := http.NewServeMux()
	s.apiRoutes(mux)
	s.plaidRoutes(mux)
	s.plaidLinkRoutes(mux)
	s.controlRoutes(mux)
	s.inbox.routes(mux)
	browserRoutes(mux, s.keys.Publishable)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	ctx, s.stop = context.WithCancel(ctx)
	s.group.Go(func() {
		if err := s.http.Serve(web); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("sandbox http", "error", err)
		}
	})
	s.group.Go(func() {
		if err := s.inbox.Serve(smtp); err != nil {
			s.log.Debug("sandbox smtp", "error", err)
		}
	})
	s.group.Go(func() { s.courier.run(ctx) })
	s.group.Go(func() { s.tick(ctx) })
	context.AfterFunc(ctx, func() { s.Close() })
	return s, nil
}

// listen opens both addresses and the inbox.
func (s *Server) listen(ctx context.Context, o Options) (web, smtp net.Listener, err error) {
	mailDir := ""
	if o.DataDir != "" {
		mailDir = filepath.Join(o.DataDir, "inbox")
	}
	if s.inbox, err = newInbox(mailDir, s.Now); err != nil {
		return nil, nil, err
	}
	var any net.ListenConfig
	if web, err = any.Listen(ctx, "tcp", orDefault(o.Addr, "127.0.0.1:0")); err != nil {
		return nil, nil, err
	}
	if smtp, err = any.Listen(ctx, "tcp", orDefault(o.SMTPAddr, "127.0.0.1:0")); err != nil {
		web.Close()
		return nil, nil, err
	}
	return web, smtp, nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// open reads the account of an earlier run, or makes a new one.
func (s *Server) open(dir string) error {
	s.keys = accountKeys{Secret: "sk_test_" + randomText(32), Publishable: "pk_test_" + randomText(32), Webhook: "whsec_" + randomText(32),
		PlaidClientID: strings.ToLower(randomText(24)), PlaidSecret: strings.ToLower(randomText(30))}
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockDir(dir); err != nil {
		return err
	}
	if err := s.keepKeys(filepath.Join(dir, "keys.json")); err != nil {
		return err
	}
	if s.journal, s.state, err = openJournal(filepath.Join(dir, "account.jsonl")); err != nil {
		return err
	}
	if o, ok := s.state.table("clock").byKey["clock"]; ok {
		s.offset = o.(*clockOffset).Offset
	}
	return nil
}

// lockDir keeps a second sandbox off the directory; the lock ends with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s is in use by another sandbox: %w", dir, err)
	}
	return f, nil
}

// letGo closes what open opened.
func (s *Server) letGo() error {
	err := s.journal.close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// keepKeys reads the keys at path, and writes those that were not there yet.
func (s *Server) keepKeys(path string) error {
	raw, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(raw, &s.keys); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if raw, err = json.Marshal(s.keys); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// begin opens a transaction. It needs s.mu, until the transaction is committed or dropped.
func (s *Server) begin(r *eventRequest) *tx {
	t := &tx{state: s.state, now: s.now(), url: s.url, webhook: s.webhookURL != "", pending: map[string]object{}, removed: map[string][2]string{}}
	if r != nil {
		t.request = *r
	}
	return t
}

// reset drops what the transaction did.
func (t *tx) reset() {
	t.order, t.pending, t.removed = nil, map[string]object{}, map[string][2]string{}
}

// commit keeps what the transaction did, first in the journal, then in memory. It needs s.mu.
func (s *Server) commit(t *tx) error {
	changes, err := t.changes()
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := s.journal.write(changes); err != nil {
		return err
	}
	s.state.apply(changes)
	if len(s.state.table("delivery").byKey) == 0 {
		for _, done := range s.delivered {
			close(done)
		}
		s.delivered = nil
	}
	if s.journal.full() {
		if err := s.journal.compact(s.state); err != nil {
			s.log.Warn("sandbox journal grows", "error", err)
		}
	}
	s.courier.nudge()
	return nil
}

// tick carries out what becomes due as time passes by itself, and forgets what is old.
func (s *Server) tick(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for n := 0; ; n++ {
		s.mu.Lock()
		err := s.runDue(s.now())
		if err == nil && n%60 == 0 {
			t := s.begin(nil)
			forget(t)
			err = s.commit(t)
		}
		s.mu.Unlock()
		if err != nil {
			s.log.Error("sandbox clock", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// URL is the address of the API, the control calls and the pages, without a trailing slash.
func (s *Server) URL() string { return s.url }

// SMTPURL is the address of the mail server, for SMTP_URL.
func (s *Server) SMTPURL() string { return "smtp://" + s.smtp.Addr().String() }

// Env is every variable a server needs to use this sandbox in place of the real services.
func (s *Server) Env() map[string]string {
	return map[string]string{
		"STRIPE_SECRET_KEY":      s.keys.Secret,
		"STRIPE_PUBLISHABLE_KEY": s.keys.Publishable,
		"STRIPE_WEBHOOK_SECRET":  s.keys.Webhook,
		"STRIPE_API_BASE":        s.url,
		"STRIPE_JS_URL":          s.url + "/js/stripe.js",
		"PLAID_CLIENT_ID":        s.keys.PlaidClientID,
		"PLAID_SECRET":           s.keys.PlaidSecret,
		"PLAID_API_BASE":         s.url,
		"PLAID_JS_URL":           s.url + "/js/plaid-link.js",
		"SMTP_URL":               s.SMTPURL(),
		"MAIL_FROM":              "Northwind Studio <billing@northwind.example>",
		"PAYLINK_LIMITS":         "off",
	}
}

// SetWebhookURL says where events are posted from now on; what waits goes there too. "" stops delivery, and events that
// happen meanwhile are never delivered.
func (s *Server) SetWebhookURL(url string) {
	s.mu.Lock()
	s.webhookURL = url
	s.mu.Unlock()
	s.courier.nudge()
}

// WaitDelivered returns when every event so far has been delivered, lost to a fault or given up.
func (s *Server) WaitDelivered(ctx context.Context) error {
	s.mu.Lock()
	if len(s.state.table("delivery").byKey) == 0 {
		s.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	s.delivered = append(s.delivered, done)
	s.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sandbox: waiting for webhooks: %w", ctx.Err())
	}
}

// closeTimeout is how long Close waits for requests in flight.
const closeTimeout = 5 * time.Second

// Close stops taking requests, ends those in flight and saves. Deliveries that wait are tried after the next start.
func (s *Server) Close() error {
	s.closing.Do(func() {
		close(s.stopping)
		s.stop()
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		var errs []error
		if err := s.http.Shutdown(ctx); err != nil {
			s.http.Close()
		}
		// The inbox closes the listener only once it serves it, which it may not have begun to.
		if err := s.smtp.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
		errs = append(errs, s.inbox.Close())
		s.group.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		errs = append(errs, s.letGo())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
