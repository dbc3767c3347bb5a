package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/static"
	"paylink/templates"
	"paylink/web"
	"paylink/web/page"
)

var pages = sync.OnceValue(templates.Load)

// till is a part whose payments take as long as a test says.
type till struct{ begun, release chan struct{} }

func (p till) Register(e *echo.Echo) {
	e.POST("/pay/:link/payments", func(c echo.Context) error {
		p.begun <- struct{}{}
		<-p.release
		return c.String(http.StatusOK, "paid")
	})
}

// running is a server that listens.
type running struct {
	t    *testing.T
	till till
	base string
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, ready func(context.Context) error, drain time.Duration) *running {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	ring, _ := paylink.NewKeyRing("t1")
	render := page.New(page.Options{
		Pages: pages(), Files: static.Load(), Ring: ring, BaseURL: "http://127.0.0.1", Now: time.Now, Log: log,
		Firm: func(context.Context) (paylink.Firm, error) { return paylink.Firm{}, nil },
	})
	r := &running{t: t, till: till{make(chan struct{}, 10), make(chan struct{})}, done: make(chan error, 1)}
	s := web.New(render, log, ready, r.till)
	if drain > 0 {
		s.SetDrain(drain)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.base = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	t.Cleanup(stop)
	go func() { r.done <- s.Serve(ctx, l) }()
	return r
}

func (r *running) ask(method, path string) (int, string) {
	request, err := http.NewRequestWithContext(context.Background(), method, r.base+path, strings.NewReader(""))
	if err != nil {
		return 0, err.Error()
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body)
}

func well(context.Context) error { return nil }

// A stop is told to whoever asks for readiness, takes no new payment, finishes the one under way, and only
// then stops to listen.
func TestAStopFinishesWhatItBegan(t *testing.T) {
	r := run(t, well, 0)
	if status, body := r.ask("GET", "/readyz"); status != http.StatusOK {
		t.Fatalf("not ready: %d %s", status, body)
	}
	paid := make(chan string, 1)
	go func() {
		status, body := r.ask("POST", "/pay/lnk_1/payments")
		paid <- fmt.Sprint(status, body)
	}()
	<-r.till.begun
	r.stop()
	for status := 200; status != http.StatusServiceUnavailable; {
		status, _ = r.ask("GET", "/readyz")
	}
	if status, body := r.ask("GET", "/healthz"); status != http.StatusOK {
		t.Errorf("healthz: %d %s", status, body)
	}
	if status, body := r.ask("POST", "/pay/lnk_1/payments"); status != http.StatusServiceUnavailable {
		t.Errorf("a new payment: %d %s", status, body)
	}
	close(r.till.release)
	if got := <-paid; got != "200paid" {
		t.Errorf("the payment under way: %s", got)
	}
	if err := <-r.done; err != nil {
		t.Errorf("an orderly stop: %v", err)
	}
}

func TestAStopCutsOffWhatDoesNotEnd(t *testing.T) {
	r := run(t, well, 100*time.Millisecond)
	go r.ask("POST", "/pay/lnk_1/payments")
	<-r.till.begun
	r.stop()
	if err := <-r.done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(r.till.release)
}

// A database that hangs makes the site unready; it is not asked again and again meanwhile.
func TestADatabaseThatHangsIsNotReady(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	release := make(chan struct{})
	r := run(t, func(context.Context) error { asked.Add(1); <-release; return nil }, 0)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if status, body := r.ask("GET", "/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	close(release)
	for status := 0; status != http.StatusOK; {
		status, _ = r.ask("GET", "/readyz")
	}
}

// Who never ends a request's head is hung up on.
func TestSlowHeadsAreCutOff(t *testing.T) {
	t.Parallel()
	r := run(t, well, 0)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(9 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != io.EOF && !strings.Contains(line, "408") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestLongHeadsAreRefused(t *testing.T) {
	r := run(t, well, 0)
	request, err := http.NewRequestWithContext(t.Context(), "GET", r.base+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", answer.StatusCode)
	}
}
