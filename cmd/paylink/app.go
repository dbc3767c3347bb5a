package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"paylink"
	"paylink/access"
	"paylink/config"
	"paylink/invoicing"
	"paylink/jobs"
	"paylink/mailer"
	"paylink/payments"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/static"
	"paylink/store"
	"paylink/templates"
	"paylink/web"
	"paylink/web/api"
	"paylink/web/desk"
	"paylink/web/hooks"
	"paylink/web/page"
	"paylink/web/pay"
)

// app is the whole program, wired: config → store → provider → payments → jobs → web.
type app struct {
	config    config.Config
	log       *slog.Logger
	store     *store.Store
	ring      paylink.KeyRing
	invoicing *invoicing.Service
	payments  *payments.Service
	access    *access.Service
	jobs      *jobs.Worker
	web       *web.Server
	metrics   *prometheus.Registry
	auditKey  []byte
}

// open opens the database as the environment says, migrating it first where that is asked for.
func open(ctx context.Context, database, migrate string, mode store.Mode, log *slog.Logger) (*store.Store, error) {
	if migrate == "auto" && mode != store.ReadOnly {
		if _, _, err := store.Migrate(ctx, database, log); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, database, mode, log)
}

// newApp wires the program. Nothing runs yet.
func newApp(ctx context.Context, c config.Config, log *slog.Logger) (*app, error) {
	a := &app{config: c, log: log}
	var err error
	if a.ring, err = paylink.ParseKeyRing(c.SecretKeys); err != nil {
		return nil, fmt.Errorf("PAYLINK_SECRET_KEYS: %w", err)
	}
	if a.store, err = open(ctx, c.Database, c.Migrate, store.Server, log); err != nil {
		return nil, err
	}
	if err := a.wire(ctx); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	return a, nil
}

func (a *app) wire(ctx context.Context) error {
	c, now := a.config, time.Now
	a.metrics = prometheus.NewRegistry()
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	install, err := a.identity(ctx)
	if err != nil {
		return err
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil {
		return err
	}
	a.invoicing = invoicing.New(a.store, a.ring, invoicing.Options{BaseURL: c.BaseURL, Now: now})
	var bank *plaid.Client
	var hook *plaid.Verifier
	if c.PlaidClientID != "" {
		bank = plaid.New(plaid.Config{ClientID: c.PlaidClientID, Secret: c.PlaidSecret, BaseURL: c.PlaidAPIBase})
		hook = bank.Verifier(now)
	}
	a.payments = payments.New(a.store, stripe.New(stripe.Config{Key: c.StripeSecretKey, BaseURL: c.StripeAPIBase}), payments.Options{
		Install: install, Boot: paylink.NewID("boot", now()), Host: base.Host, Plaid: bank, Ring: a.ring, Now: now, Log: a.log,
		NoLimits: c.Limits == "off",
	})
	a.access = access.New(a.store, a.ring, now)
	pages := templates.Load()
	post, err := mailer.New(a.store, a.ring, pages, mailer.Options{
		SMTPURL: c.SMTPURL, From: c.MailFrom, BaseURL: c.BaseURL, Bank: c.Bank() != "", Now: now, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.work(post)
	render := page.New(page.Options{
		Pages: pages, Files: static.Load(), Ring: a.ring, BaseURL: c.BaseURL, StripeJS: c.StripeJSURL, PlaidJS: c.PlaidJSURL,
		Test: !c.Live(), Firm: a.store.Firm, Now: now, Log: a.log,
		TrustedProxies: c.TrustedProxies, Metrics: a.metrics,
	})
	a.web = web.New(render, a.log, a.ready,
		pay.New(render, a.store, a.invoicing, a.payments, a.access, a.ring, pay.Options{
			BaseURL: c.BaseURL, StripeJS: c.StripeJSURL, PublishableKey: c.StripePublishableKey,
			PlaidJS: c.PlaidJSURL, Bank: pay.Bank(c.Bank()), NoLimits: c.Limits == "off",
		}),
		desk.New(render, a.store, a.invoicing, a.payments, a.access, post),
		api.New(render, a.store, a.invoicing, a.payments, a.access),
		&hooks.Handlers{Store: a.store, Secrets: c.WebhookSecrets(), Plaid: hook, Now: now, Log: a.log},
	)
	return nil
}

// identity gives what this installation made once and keeps: the id that ties Stripe's objects to
// it, and the key of the audit chain, sealed. A key ring that does not open it is the wrong one.
func (a *app) identity(ctx context.Context) (install string, err error) {
	var sealed string
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if install, err = tx.PutSettingOnce(ctx, "install", rand.Text()); err != nil {
			return err
		}
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		fresh, err := a.ring.Seal("setting/audit_key", key)
		if err != nil {
			return err
		}
		if sealed, err = tx.PutSettingOnce(ctx, "audit_key", fresh); err != nil {
			return err
		}
		known, err := tx.Setting(ctx, "firm")
		if err != nil || known != "" {
			return err
		}
		firm := paylink.NewFirm()
		firm.TimeZone = a.config.TimeZone
		if from, err := mail.ParseAddress(a.config.MailFrom); err == nil { // until somebody says more
			firm.Email = from.Address
			if from.Name != "" {
				firm.Name = from.Name
			}
		}
		return tx.PutFirm(ctx, firm)
	})
	if err != nil {
		return "", err
	}
	if a.auditKey, err = a.ring.Open("setting/audit_key", sealed); err != nil {
		return "", fmt.Errorf("PAYLINK_SECRET_KEYS does not fit this database: %w", err)
	}
	return install, nil
}

// ready says whether a payment could be kept now.
func (a *app) ready(ctx context.Context) error {
	if err := store.Room(a.config.Database); err != nil {
		return err
	}
	return a.store.Ping(ctx)
}

// run serves until ctx ends. Then requests and jobs that are under way have the same 25 s to finish, and
// the database is closed last. What an earlier run left is looked after by the first jobs, and no page
// waits for Stripe to do so.
func (a *app) run(ctx context.Context, l net.Listener) error {
	working, stop := context.WithCancel(ctx) // also when serving fails
	done := make(chan error, 1)
	go func() { done <- a.jobs.Run(working) }()
	err := a.web.Serve(ctx, l)
	stop()
	return errors.Join(err, <-done, a.store.Close())
}

// serveMetrics answers /metrics on an address of its own.
func (a *app) serveMetrics(ctx context.Context, addr string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return nil
}
