// Package page is what every page and answer of the site has in common: rendering, the one map from
// errors to answers, headers, signed cookies, strict forms and the log line of a request.
//
// It knows no route but those of the static files, and no rule about money. What a page says is in
// packages templates and catalogue.
package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
	"paylink/static"
	"paylink/templates"
)

// Options are what pages need.
type Options struct {
	Pages    *templates.Set
	Files    *static.Files
	Ring     paylink.KeyRing
	BaseURL  string // the site's own address; https makes cookies Secure and asks for HSTS
	StripeJS string // the address of Stripe.js, or of its stand-in
	PlaidJS  string // the address of Plaid Link's script, or of its stand-in
	Test     bool   // no real money moves
	Firm     func(context.Context) (paylink.Firm, error)
	Now      func() time.Time
	Log      *slog.Logger

	TrustedProxies []netip.Prefix        // whose X-Forwarded-For counts
	Metrics        prometheus.Registerer // sees how many requests are under way; nil: nobody does
}

// Renderer shows pages and answers errors.
type Renderer struct {
	load   *load
	o      Options
	secure bool
	zones  sync.Map // name → *time.Location

	stripe, plaid string // what pages may load that open the form of one of them

	buffers, gzips sync.Pool // used again: to make a gzip.Writer takes longer than to fill a page
}

// New makes a renderer; Use puts it to work.
func New(o Options) *Renderer {
	r := &Renderer{load: newLoad(o.Metrics), o: o, secure: strings.HasPrefix(o.BaseURL, "https://")}
	r.buffers.New = func() any { return new(bytes.Buffer) }
	r.gzips.New = func() any { return gzip.NewWriter(nil) }
	r.stripe, r.plaid = stripePolicy(o.StripeJS).String(), plaidPolicy(o.PlaidJS).String()
	return r
}

// Now is the moment of the request.
func (r *Renderer) Now() time.Time { return r.o.Now() }

// Firm is who is paid. A firm that cannot be read leaves the name empty: the page matters more.
func (r *Renderer) Firm(c echo.Context) paylink.Firm {
	if firm, ok := c.Get("firm").(paylink.Firm); ok {
		return firm
	}
	firm, err := r.o.Firm(c.Request().Context())
	if err != nil {
		return paylink.Firm{}
	}
	c.Set("firm", firm)
	return firm
}

// KnowFirm takes the firm as it was read with the rest of a page, which need not be read again.
func (r *Renderer) KnowFirm(c echo.Context, firm paylink.Firm) { c.Set("firm", firm) }

// zone is the firm's time zone, which is a file to read when it is not known yet.
func (r *Renderer) zone(f paylink.Firm) *time.Location {
	if zone, ok := r.zones.Load(f.TimeZone); ok {
		return zone.(*time.Location)
	}
	zone := f.Location()
	r.zones.Store(f.TimeZone, zone)
	return zone
}

// Words speak the locale, in the firm's zone.
func (r *Renderer) Words(c echo.Context, l money.Locale) catalogue.Words {
	return catalogue.For(l, r.zone(r.Firm(c)), r.o.Now())
}

// Locale is the first language that the browser asks for.
func (r *Renderer) Locale(c echo.Context) money.Locale {
	first, _, _ := strings.Cut(c.Request().Header.Get("Accept-Language"), ",")
	return money.ParseLocale(first)
}

// Page is what a page struct embeds; its title is a sentence of the catalogue.
func (r *Renderer) Page(c echo.Context, l money.Locale, title string, pairs ...any) templates.Page {
	w := r.Words(c, l)
	return templates.Page{Words: w, Title: w.T(title, pairs...), Asset: r.o.Files.URL, Test: r.o.Test}
}

// Frame is what a customers' page embeds.
func (r *Renderer) Frame(c echo.Context, l money.Locale, title string, pairs ...any) templates.Frame {
	return templates.Frame{Page: r.Page(c, l, title, pairs...), Firm: templates.FootOf(r.Firm(c))}
}

// Show answers with a page. It renders whole before a byte is sent, so that an error can still be
// answered as one.
func (r *Renderer) Show(c echo.Context, status int, v templates.View) error {
	body, _ := r.buffers.Get().(*bytes.Buffer)
	defer r.buffers.Put(body)
	body.Reset()
	if err := r.o.Pages.Render(body, v); err != nil {
		return err
	}
	retryAfter(c, status)
	h := c.Response().Header()
	h.Set("Vary", "Accept-Encoding")
	if body.Len() > 1024 && strings.Contains(c.Request().Header.Get("Accept-Encoding"), "gzip") {
		small, _ := r.buffers.Get().(*bytes.Buffer)
		defer r.buffers.Put(small)
		small.Reset()
		r.compress(small, body.Bytes())
		body = small
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	return c.HTMLBlob(status, body.Bytes())
}

func (r *Renderer) compress(to *bytes.Buffer, page []byte) {
	w, _ := r.gzips.Get().(*gzip.Writer)
	defer r.gzips.Put(w)
	w.Reset(to)
	_, _ = w.Write(page) // into memory
	_ = w.Close()
}

// PDF answers with a document, to be shown or, with ?download=1, to be kept. The site itself may
// show it in a frame.
func (r *Renderer) PDF(c echo.Context, name string, body []byte) error {
	disposition := "inline"
	if c.QueryParam("download") == "1" {
		disposition = "attachment"
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", disposition+`; filename="`+fileName(name)+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'")
	return c.Blob(http.StatusOK, "application/pdf", body)
}

// fileName keeps what is safe in a header and on every disk.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, s)
}
