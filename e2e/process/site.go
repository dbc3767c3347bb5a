package process

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Site is `paylink serve` beside `paylink sandbox`, as an installation runs: two processes and a database of its own.
type Site struct {
	*Process            // of serve; another one after Restart
	Sandbox    *Process // goes on when serve is killed, as Stripe does
	BaseURL    string
	SandboxURL string
	APIKey     string
	Env        []string // what serve runs with; for other commands on the same database

	tb     testing.TB
	binary string
}

// StartSite starts a sandbox and a server on a database ("sqlite:path" or "postgres://…"), with a key for its API.
// More settings ("NAME=value") come on top.
func StartSite(tb testing.TB, database string, more ...string) *Site {
	tb.Helper()
	return StartSiteOf(tb, Binary(tb), database, more...)
}

// StartSiteOf is StartSite with another binary.
func StartSiteOf(tb testing.TB, binary, database string, more ...string) *Site {
	tb.Helper()
	addr := freeAddr(tb)
	s := &Site{tb: tb, binary: binary, BaseURL: "http://" + addr}
	s.Sandbox = start(tb, binary, nil, "sandbox", "--addr", "127.0.0.1:0", "--json", "--webhook-url", s.BaseURL+"/webhooks/stripe")
	var told struct {
		SandboxURL string            `json:"sandbox_url"`
		Env        map[string]string `json:"env"`
	}
	if err := json.Unmarshal(s.Sandbox.FirstLine, &told); err != nil {
		tb.Fatalf("the first line of paylink sandbox: %v", err)
	}
	s.SandboxURL = told.SandboxURL
	for name, value := range told.Env {
		s.Env = append(s.Env, name+"="+value)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	s.Env = append(s.Env, "PAYLINK_ADDR="+addr, "PAYLINK_BASE_URL="+s.BaseURL, "PAYLINK_DATABASE="+database,
		"PAYLINK_MIGRATE=auto", "PAYLINK_SECRET_KEYS=test:"+hex.EncodeToString(key))
	s.Env = append(s.Env, more...)
	out, code := s.Run("apikey", "add", "test")
	if code != 0 {
		tb.Fatalf("paylink apikey add: exit code %d", code)
	}
	s.APIKey = strings.TrimSpace(out)
	s.Restart()
	return s
}

// Run runs a command on the site's database to its end and returns its standard output and exit code.
func (s *Site) Run(args ...string) (stdout string, code int) {
	s.tb.Helper()
	return run(s.tb, s.binary, s.Env, args...)
}

// Launch starts serve again after Kill or Stop, with the same settings and more that count this time, and does not wait
// until it is ready: it may be about to die.
func (s *Site) Launch(more ...string) {
	s.tb.Helper()
	s.Process = start(s.tb, s.binary, append(slices.Clone(s.Env), more...), "serve")
}

// Restart is Launch, and waits until the server is ready.
func (s *Site) Restart() {
	s.tb.Helper()
	s.Launch()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if code, _ := s.do(ctx, http.MethodGet, "/readyz", nil); code == http.StatusOK {
			return
		}
		select {
		case <-tick.C:
		case <-s.gone:
			s.tb.Fatalf("paylink serve ended: %v\n%s", s.err, s.tail())
		case <-ctx.Done():
			s.tb.Fatalf("paylink serve was never ready\n%s", s.tail())
		}
	}
}

// Call calls the REST API with the site's key and returns the status. body and answer are JSON; either may be nil.
func (s *Site) Call(method, path string, body, answer any) int {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	var in []byte
	if body != nil {
		var err error
		if in, err = json.Marshal(body); err != nil {
			s.tb.Fatalf("%s %s: %v", method, path, err)
		}
	}
	code, out := s.do(ctx, method, path, in)
	if answer != nil {
		if err := json.Unmarshal(out, answer); err != nil {
			s.tb.Fatalf("%s %s answered %d: %v\n%.500s", method, path, code, err, out)
		}
	}
	return code
}

// do returns 0 when there was no answer.
func (s *Site) do(ctx context.Context, method, path string, body []byte) (int, []byte) {
	s.tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		s.tb.Fatalf("%s %s: %v", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, out
}

// client keeps no connection: the server it spoke to may be another one by the next call.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// freeAddr is an address that nobody listens on right now.
func freeAddr(tb testing.TB) string {
	tb.Helper()
	var l net.ListenConfig
	listener, err := l.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("looking for a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
