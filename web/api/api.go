// Package api is the REST interface for programs: customers, invoices, payment links and payments,
// by key and in JSON.
//
// What it accepts and answers is written down in openapi.json, which it serves. It decides nothing:
// invoicing makes things, payments moves money, web/page turns errors into problem documents.
package api

import (
	_ "embed"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/payments"
	"paylink/store"
	"paylink/web/page"
)

// Handlers answer programs.
type Handlers struct {
	pages     *page.Renderer
	store     *store.Store
	invoicing *invoicing.Service
	payments  *payments.Service
	access    *access.Service
}

// New makes the handlers.
func New(r *page.Renderer, s *store.Store, i *invoicing.Service, p *payments.Service, a *access.Service) *Handlers {
	return &Handlers{pages: r, store: s, invoicing: i, payments: p, access: a}
}

//go:embed openapi.json
var openapi []byte

// Register adds the routes. All but the description need a key.
func (h *Handlers) Register(e *echo.Echo) {
	e.GET("/api/openapi.json", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/json", openapi)
	})
	v1 := e.Group("/api/v1") // the key belongs to each route: a group that asks for it answers 404 where 405 is right
	v1.POST("/customers", h.createCustomer, h.authenticate)
	v1.GET("/customers", h.listCustomers, h.authenticate)
	v1.GET("/customers/:id", h.showCustomer, h.authenticate)
	v1.POST("/invoices", h.createInvoice, h.authenticate)
	v1.GET("/invoices", h.listInvoices, h.authenticate)
	v1.GET("/invoices/:id", h.showInvoice, h.authenticate)
	v1.POST("/invoices/:id/void", h.voidInvoice, h.authenticate)
	v1.POST("/invoices/:id/links", h.createLink, h.authenticate)
	v1.GET("/payments", h.listPayments, h.authenticate)
	v1.GET("/payments/:id", h.showPayment, h.authenticate)
	v1.POST("/payments/:id/capture", h.capturePayment, h.authenticate)
	v1.POST("/payments/:id/void", h.voidPayment, h.authenticate)
	v1.POST("/payments/:id/refunds", h.refundPayment, h.authenticate)
	v1.GET("/payments/:id/receipt.pdf", h.showReceipt, h.authenticate)
}

// authenticate knows the program by its key, afresh at each request: a revoked key ends at once.
func (h *Handlers) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, bearer, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			bearer = ""
		}
		key, err := h.access.Key(c.Request().Context(), strings.TrimSpace(bearer))
		if paylink.KindOf(err) == paylink.NotFound {
			// https://www.rfc-editor.org/rfc/rfc6750#section-3
			realm, why := `Bearer realm="paylink"`, paylink.Fail(0, "api.key_missing")
			if bearer != "" {
				realm, why = realm+`, error="invalid_token"`, paylink.Fail(0, "api.key_unknown")
			}
			c.Response().Header().Set("WWW-Authenticate", realm)
			return echo.NewHTTPError(http.StatusUnauthorized).SetInternal(why)
		}
		if err != nil {
			return err
		}
		c.Set("key", key)
		return next(c)
	}
}

func key(c echo.Context) paylink.APIKey {
	key, _ := c.Get("key").(paylink.APIKey) // authenticate put it there
	return key
}

func actor(c echo.Context) paylink.Actor { return paylink.Actor("key:" + key(c).ID) }

// list is a page of a list; next_cursor is null on the last.
type list[T any] struct {
	Data []T     `json:"data"`
	Next *string `json:"next_cursor"`
}

func answer[F, T any](c echo.Context, from []F, next string, show func(F) T) error {
	page := list[T]{Data: make([]T, 0, len(from))}
	for _, item := range from {
		page.Data = append(page.Data, show(item))
	}
	if next != "" {
		page.Next = &next
	}
	return c.JSON(http.StatusOK, page)
}

// stamp writes a moment as RFC 3339 in UTC; nil when there is none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339)
	return &text
}

// optional is nil for an empty text, so that JSON says null.
func optional[S ~string](s S) *S {
	if s == "" {
		return nil
	}
	return &s
}
