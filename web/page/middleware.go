package page

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/static"
)

// Use puts the middleware, the error handler and the static files in place.
func (r *Renderer) Use(e *echo.Echo) {
	e.HTTPErrorHandler = r.Fail
	e.Use(r.log, r.recover, r.headers, limitBody, r.sameOrigin(), refuseOddPaths, r.admit)
	e.Match([]string{http.MethodGet, http.MethodHead}, static.Prefix+"*", echo.WrapHandler(r.o.Files))
}

// RequestID names the request in the log, in X-Request-Id and on error pages.
func RequestID(c echo.Context) string { return c.Response().Header().Get("X-Request-Id") }

// log names the request, answers its error and writes its one line. The line has the route, never
// the address of a link or what was sent.
func (r *Renderer) log(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := r.o.Now()
		c.Response().Header().Set("X-Request-Id", paylink.NewID("req", start))
		err := next(c)
		status := c.Response().Status
		if err != nil {
			c.Error(err)
			if status = c.Response().Status; Status(err) == StatusClientClosed {
				status = StatusClientClosed
			}
		}
		attrs := []slog.Attr{
			slog.String("request_id", RequestID(c)), slog.String("method", c.Request().Method),
			slog.String("path", loggedPath(c)), slog.Int("status", status),
			slog.Int64("bytes", c.Response().Size), slog.Duration("took", r.o.Now().Sub(start)),
		}
		level := slog.LevelInfo
		if err != nil {
			attrs = append(attrs, slog.String("error", loggedError(err, status)))
			if status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
		}
		if p, ok := errors.AsType[*panicked](err); ok {
			attrs = append(attrs, slog.String("stack", string(p.stack)))
		}
		r.o.Log.LogAttrs(c.Request().Context(), level, "request", attrs...)
		return nil // answered
	}
}

// loggedPath is the address where it holds no secret, else the route. An address without a route
// may be a link mistyped.
func loggedPath(c echo.Context) string {
	route := c.Path()
	if route == "" || strings.Contains(route, ":token") || strings.Contains(route, ":code") || strings.Contains(route, "*") {
		return cmp.Or(route, "[unknown]")
	}
	return c.Request().URL.Path
}

// loggedError is the cause where the fault is ours; what a caller did wrong is told by its code.
func loggedError(err error, status int) string {
	if e, ok := errors.AsType[*paylink.Error](err); ok && status < http.StatusInternalServerError {
		return e.Error()
	}
	if status < http.StatusInternalServerError && status != StatusClientClosed {
		return http.StatusText(status)
	}
	return err.Error()
}

// panicked is a panic made an error.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (r *Renderer) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			value := recover()
			if stop, ok := value.(error); ok && errors.Is(stop, http.ErrAbortHandler) {
				panic(value) // net/http's own way to drop a connection
			}
			if value != nil {
				err = &panicked{value, debug.Stack()}
			}
		}()
		return next(c)
	}
}

// Largest bodies, in bytes.
const (
	maxForm    = 64 << 10
	maxAPI     = 256 << 10
	maxWebhook = 256 << 10 // many times an event of Stripe; what is refused is found by reconciliation
)

func limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		most := int64(maxForm)
		switch {
		case strings.HasPrefix(req.URL.Path, "/api/"):
			most = maxAPI
		case strings.HasPrefix(req.URL.Path, "/webhooks/"):
			most = maxWebhook
		}
		if req.ContentLength > most {
			return echo.ErrStatusRequestEntityTooLarge
		}
		req.Body = http.MaxBytesReader(c.Response(), req.Body, most)
		return next(c)
	}
}

// sameOrigin refuses what another site makes a browser send. Programs send no Origin and pass.
func (r *Renderer) sameOrigin() echo.MiddlewareFunc {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(strings.TrimSuffix(r.o.BaseURL, "/")); err != nil {
		panic("page: base URL: " + err.Error()) // config checked it
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := guard.Check(c.Request()); err != nil {
				return &echo.HTTPError{Code: http.StatusForbidden, Internal: err}
			}
			return next(c)
		}
	}
}

// refuseOddPaths wants each address spelled one way: no encoded slashes, dots or bad UTF-8.
func refuseOddPaths(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if u := c.Request().URL; u.RawPath != "" || !clean(u.Path) {
			return echo.ErrNotFound
		}
		return next(c)
	}
}
