package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"paylink/e2e/process"
)

// site is `paylink serve` on SQLite with an invoice to pay, and the sandbox that it needs to start.
type site struct {
	binary string
	env    []string
	base   string
	key    string // of the API
	page   string // the payment page's address
	cookie string // what opens it
	stops  []func()
	server *exec.Cmd
}

// startSite sets a site up as an installation would be: every middleware, its database on the measured disk.
func startSite(ctx context.Context, b bench) (_ *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.binary, err = process.Build("paylink/cmd/paylink"); err != nil {
		return nil, err
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	s.base = "http://" + addr
	if err := s.sandbox(ctx); err != nil {
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	database := "sqlite:" + filepath.Join(b.dir, fmt.Sprintf("site-%d.db", time.Now().UnixNano()))
	s.env = append(s.env, "PAYLINK_ADDR="+addr, "PAYLINK_BASE_URL="+s.base, "PAYLINK_DATABASE="+database,
		"PAYLINK_MIGRATE=auto", "PAYLINK_SECRET_KEYS=bench:"+hex.EncodeToString(key))
	apiKey, err := s.command(ctx, "apikey", "add", "bench").Output()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := s.serve(ctx); err != nil {
		return nil, err
	}
	if err := s.await(ctx, s.base+"/readyz"); err != nil {
		return nil, err
	}
	s.key = strings.TrimSpace(string(apiKey))
	link, err := s.invoice(ctx, s.key)
	if err != nil {
		return nil, fmt.Errorf("making an invoice: %w", err)
	}
	return s, s.open(ctx, link)
}

func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env, cmd.Stderr = s.env, os.Stderr
	return cmd
}

// sandbox starts the stand-in for Stripe and takes its environment over.
func (s *site) sandbox(ctx context.Context) error {
	cmd := s.command(ctx, "sandbox", "--addr", "127.0.0.1:0", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.stops = append(s.stops, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return err
	}
	var told struct {
		Env map[string]string `json:"env"`
	}
	if err := json.Unmarshal(line, &told); err != nil {
		return err
	}
	for name, value := range told.Env {
		s.env = append(s.env, name+"="+value)
	}
	return nil
}

// serve starts the server, which is not ready when this returns.
func (s *site) serve(ctx context.Context) error {
	s.server = s.command(ctx, "serve")
	if err := s.server.Start(); err != nil {
		return fmt.Errorf("starting paylink serve: %w", err)
	}
	return nil
}

// down ends the server and waits until it is gone.
func (s *site) down() {
	if s.server != nil && s.server.Process != nil {
		_ = s.server.Process.Signal(os.Interrupt)
		_ = s.server.Wait()
	}
}

func (s *site) stop() {
	s.down()
	for _, stop := range s.stops {
		stop()
	}
}

// await asks until the answer is 200.
func (s *site) await(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		status, _, err := s.get(ctx, address)
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s never answered 200, last %d", address, status), err)
		}
	}
}

// client keeps no connection, for servers come and go.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks as the payer's browser would, and returns the body as it was sent.
func (s *site) get(ctx context.Context, address string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header = s.header()
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func (s *site) header() http.Header {
	h := http.Header{"Accept": {"text/html"}, "Accept-Language": {"en-US"}}
	if s.cookie != "" {
		h.Set("Cookie", s.cookie)
	}
	return h
}

// invoice makes a customer, an invoice and a link by the API.
func (s *site) invoice(ctx context.Context, key string) (link string, err error) {
	var made struct{ ID, URL string }
	post := func(path string, body any) error {
		in, err := json.Marshal(body)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(in))
		if err != nil {
			return err
		}
		req.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 300 {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
			return fmt.Errorf("%s answered %s: %s", path, resp.Status, text)
		}
		return json.NewDecoder(resp.Body).Decode(&made)
	}
	if err := post("/api/v1/customers", map[string]any{"name": "Łukasz Größe", "email": "payer@example.com"}); err != nil {
		return "", err
	}
	line := func(what string, amount int) map[string]any {
		return map[string]any{"description": what, "quantity": 1, "unit_amount": amount}
	}
	if err := post("/api/v1/invoices", map[string]any{
		"customer_id": made.ID, "currency": "USD", "due_date": time.Now().AddDate(0, 0, 14).Format(time.DateOnly),
		"lines": []any{line("Design", 80000), line("Print", 15000), line("Tax, 5 %", 4750)}, "partial": map[string]any{"allowed": true, "minimum": 5000},
	}); err != nil {
		return "", err
	}
	if err := post("/api/v1/invoices/"+made.ID+"/links", map[string]any{"send": false}); err != nil {
		return "", err
	}
	return made.URL, nil
}

// open follows the link as the payer does, and keeps the cookie and the address of the page.
func (s *site) open(ctx context.Context, link string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Jar: jar}).Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the payment page answered %s", resp.Status)
	}
	s.page = resp.Request.URL.String()
	var cookies []string
	for _, c := range jar.Cookies(resp.Request.URL) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	s.cookie = strings.Join(cookies, "; ")
	return nil
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
