// Package web is the site: it joins the pages of customers and staff, the API and the webhooks to
// one server with its time limits and its graceful stop.
//
// The handlers are in the packages below, by who calls them; what they have in common is in
// web/page. Money is moved by payments, never here.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink/web/page"
)

// Part is a set of routes: web/pay, web/desk, web/api, web/hooks.
type Part interface{ Register(e *echo.Echo) }

// Server answers HTTP.
type Server struct {
	echo *echo.Echo
	log  *slog.Logger
}

// New joins the parts. Ready says whether the site can do its work; it is asked by /readyz.
func New(r *page.Renderer, log *slog.Logger, ready func(context.Context) error, parts ...Part) *Server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(silent{})
	r.Use(e)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(c echo.Context) error {
		if err := ready(c.Request().Context()); err != nil {
			log.Warn("not ready", "error", err.Error())
			return c.String(http.StatusServiceUnavailable, "not ready\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
	for _, part := range parts {
		part.Register(e)
	}
	return &Server{echo: e, log: log}
}

// silent drops Echo's own log: a request has one line, and web/page writes it.
type silent struct{}

func (silent) Write(b []byte) (int, error) { return len(b), nil }

// Handler is the site as a handler, for tests.
func (s *Server) Handler() http.Handler { return s.echo }

// Routes lists every route, for the tests that walk them.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }

const (
	// drain is how long a stop waits for requests under way. A payment that takes longer is not
	// lost: the next start finds it.
	drain = 25 * time.Second
)

// Serve answers on the listener until ctx ends, and then until the requests under way are done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      3 * time.Minute, // a confirm and its fence may take that long
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		stopped <- server.Shutdown(wait)
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}
