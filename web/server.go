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
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/netutil"

	"paylink/web/page"
)

// Part is a set of routes: web/pay, web/desk, web/api, web/hooks.
type Part interface{ Register(e *echo.Echo) }

// Server answers HTTP.
type Server struct {
	echo     *echo.Echo
	render   *page.Renderer
	log      *slog.Logger
	stopping atomic.Bool
	asking   chan struct{} // one element while somebody asks whether the site is ready
	drain    time.Duration // how long a stop waits for what is under way
}

// New joins the parts. Ready says whether the site can do its work; it is asked by /readyz.
func New(r *page.Renderer, log *slog.Logger, ready func(context.Context) error, parts ...Part) *Server {
	e := echo.New()
	s := &Server{echo: e, render: r, log: log, asking: make(chan struct{}, 1), drain: Drain}
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(silent{})
	r.Use(e)
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(c echo.Context) error {
		if s.stopping.Load() {
			return c.String(http.StatusServiceUnavailable, "stopping\n")
		}
		if err := s.ask(c.Request().Context(), ready); err != nil {
			log.Warn("not ready", "error", err.Error())
			return c.String(http.StatusServiceUnavailable, "not ready\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
	for _, part := range parts {
		part.Register(e)
	}
	return s
}

// ask waits a short while for whoever knows. One that hangs is not asked a second time meanwhile.
func (s *Server) ask(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	select {
	case s.asking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("no answer to an earlier question: %w", ctx.Err())
	}
	answer := make(chan error, 1)
	go func() {
		defer func() { <-s.asking }()
		answer <- ready(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}

// silent drops Echo's own log: a request has one line, and web/page writes it.
type silent struct{}

func (silent) Write(b []byte) (int, error) { return len(b), nil }

// Handler is the site as a handler, for tests.
func (s *Server) Handler() http.Handler { return s.echo }

// Routes lists every route, for the tests that walk them.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }

const (
	// Drain is how long a stop waits for what is under way. A payment that takes longer is not lost: the
	// next start finds it.
	Drain = 25 * time.Second
	// readyWait is how long the parts that readiness asks may take.
	readyWait = 2 * time.Second
	// mostConnections are held at once; more wait to be accepted.
	mostConnections = 2048
)

// Serve answers on the listener until ctx ends. Then, for 25 s at most, it says that it is not ready,
// takes no new payment, finishes those under way while it still answers, and at last the rest.
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
		stopped <- s.stop(context.WithoutCancel(ctx), server)
	}()
	if err := server.Serve(netutil.LimitListener(l, mostConnections)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}

// stop ends the server in order. What does not end in time is cut off.
func (s *Server) stop(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.drain)
	defer cancel()
	s.stopping.Store(true)
	server.SetKeepAlivesEnabled(false)
	err := s.render.Drain(ctx)
	if err == nil {
		err = server.Shutdown(ctx)
	}
	if err != nil {
		return fmt.Errorf("stop: requests did not end within %s; the next start looks after their payments: %w", s.drain, errors.Join(err, server.Close()))
	}
	return nil
}
