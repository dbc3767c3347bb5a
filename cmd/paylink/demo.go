package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"paylink"
	"paylink/config"
	"paylink/sandbox"
)

type demoCommand struct {
	Addr        string `default:"127.0.0.1:8080" help:"Where the app listens."`
	SandboxAddr string `name:"sandbox-addr" default:"127.0.0.1:0" help:"Where the stand-in for Stripe and the inbox listen."`
	Data        string `default:"paylink-demo" help:"Folder that keeps everything; the demo goes on where it stopped."`
	Empty       bool   `help:"Start without sample data."`
	JSON        bool   `name:"json" help:"Print one JSON object first, for scripts."`
}

// demoState is what a demo made at its first start and tells again at the next.
type demoState struct {
	Keys      string `json:"keys"`
	Password  string `json:"password"`
	APIKey    string `json:"api_key"`
	InvoiceID string `json:"invoice_id,omitempty"`
	LinkID    string `json:"link_id,omitempty"`
	Done      bool   `json:"done"` // the sample data is complete
}

const demoStaff = "ana@northwind.example"

// Run starts the app, its sandbox and its inbox in one process.
func (d demoCommand) Run(w *world) error {
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
		return err
	}
	log := logger(w.stderr, slog.LevelWarn)
	box, err := sandbox.Start(w.ctx, sandbox.Options{
		Addr: d.SandboxAddr, DataDir: filepath.Join(d.Data, "sandbox"), Log: log,
	})
	if err != nil {
		return err
	}
	defer box.Close()
	state, err := d.load()
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp", d.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s (choose another with --addr): %w", d.Addr, err)
	}
	base := "http://" + reachable(l.Addr())
	box.SetWebhookURL(base + "/webhooks/stripe")
	settings, err := d.config(base, state, box)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	a, err := newApp(w.ctx, settings, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- a.run(ctx, l) }()
	if err := d.fill(ctx, a, box, &state); err != nil {
		stop()
		return errors.Join(err, <-served)
	}
	if err := d.tell(ctx, w, a, base, box.URL(), state); err != nil {
		stop()
		return errors.Join(err, <-served)
	}
	return <-served
}

// reachable is where this machine's browser finds a listener: one on every address is on this
// machine's own.
func reachable(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return at.String()
}

// config is the demo's environment: the sandbox's, and its own keys and addresses.
func (d demoCommand) config(base string, state demoState, box *sandbox.Server) (config.Config, error) {
	env := map[string]string{
		"PAYLINK_ADDR": d.Addr, "PAYLINK_BASE_URL": base, "PAYLINK_SECRET_KEYS": state.Keys,
		"PAYLINK_DATABASE": "sqlite:" + filepath.Join(d.Data, "paylink.db"), "PAYLINK_MIGRATE": "auto",
		"PAYLINK_TIMEZONE": "America/Los_Angeles",
	}
	maps.Copy(env, box.Env())
	c, err := config.FromEnv(func(name string) string { return env[name] })
	if err != nil {
		return c, fmt.Errorf("the demo cannot run on %s (choose another with --addr): %w", d.Addr, err)
	}
	return c, nil
}

func (d demoCommand) load() (demoState, error) {
	var state demoState
	body, err := os.ReadFile(d.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, state.Keys = paylink.NewKeyRing("demo")
		state.Password = "demo-" + paylink.NewToken().Reveal()[:16]
		return state, d.save(state)
	case err != nil:
		return state, err
	}
	return state, json.Unmarshal(body, &state)
}

func (d demoCommand) file() string { return filepath.Join(d.Data, "demo.json") }

func (d demoCommand) save(state demoState) error {
	body, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(d.file(), body, 0o600)
}

// fill makes the staff user and the key, and the sample data once. A fill that was cut off begins
// again where nothing stands yet.
func (d demoCommand) fill(ctx context.Context, a *app, box *sandbox.Server, state *demoState) error {
	if _, err := a.access.AddStaff(ctx, "system", demoStaff, "Ana Ruiz", state.Password, paylink.Admin); err != nil && paylink.KindOf(err) != paylink.Conflict {
		return fmt.Errorf("add the demo's staff user: %w", err)
	}
	if state.APIKey == "" {
		key, err := a.access.AddKey(ctx, "system", "demo "+time.Now().UTC().Format(time.RFC3339))
		if err != nil {
			return fmt.Errorf("add the demo's key: %w", err)
		}
		state.APIKey = key
		if err := d.save(*state); err != nil {
			return err
		}
	}
	if d.Empty || state.Done {
		return nil
	}
	if err := sample(ctx, a, box, state); err != nil {
		return fmt.Errorf("make the sample data: %w", err)
	}
	state.Done = true
	return d.save(*state)
}

// tell says where to click, in words or as JSON.
func (d demoCommand) tell(ctx context.Context, w *world, a *app, base, box string, state demoState) error {
	payURL := ""
	if state.LinkID != "" && !d.Empty {
		link, err := a.store.Link(ctx, state.LinkID)
		if err != nil {
			return err
		}
		if payURL, err = a.invoicing.URL(link); err != nil {
			return err
		}
	}
	if d.JSON {
		answer := map[string]any{
			"base_url": base, "sandbox_url": box, "api_key": state.APIKey,
			"staff": map[string]string{"email": demoStaff, "password": state.Password},
		}
		if payURL != "" {
			answer["invoice_id"], answer["pay_url"] = state.InvoiceID, payURL
		}
		return json.NewEncoder(w.stdout).Encode(answer)
	}
	fmt.Fprintf(w.stdout, "\n  Paylink is running. No real money moves.\n\n")
	if payURL != "" {
		fmt.Fprintf(w.stdout, "  Pay an invoice    %s\n", payURL)
	}
	fmt.Fprintf(w.stdout, "  Read the mail     %s/inbox\n", box)
	fmt.Fprintf(w.stdout, "  Staff desk        %s/desk\n                    %s   %s\n\n", base, demoStaff, state.Password)
	fmt.Fprintf(w.stdout, "  Cards: 4242 4242 4242 4242 pays · 4000 0000 0000 9995 has no funds · 4000 0025 0000 3155 asks the bank\n")
	fmt.Fprintf(w.stdout, "  Any future date, any code. API key: %s\n", state.APIKey)
	_, err := fmt.Fprintf(w.stdout, "  Stop with Ctrl-C; the next start goes on from here (%s).\n\n", d.Data)
	return err
}
