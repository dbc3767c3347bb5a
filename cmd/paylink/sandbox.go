package main

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"paylink/sandbox"
)

type sandboxCommand struct {
	Addr       string `default:"127.0.0.1:8081" help:"Where to listen."`
	SMTPAddr   string `name:"smtp-addr" default:"127.0.0.1:0" help:"Where its mail server listens."`
	Data       string `help:"Folder that keeps its state; none keeps it in memory."`
	WebhookURL string `name:"webhook-url" help:"Where webhooks go, for example http://127.0.0.1:8080/webhooks/stripe."`
	JSON       bool   `name:"json" help:"Print one JSON object with the environment for paylink serve."`
}

// Run stands in for the providers until the program is told to stop.
func (s sandboxCommand) Run(w *world) error {
	server, err := sandbox.Start(w.ctx, sandbox.Options{
		Addr: s.Addr, SMTPAddr: s.SMTPAddr, DataDir: s.Data, WebhookURL: s.WebhookURL,
		Log: logger(w.stderr, slog.LevelWarn),
	})
	if err != nil {
		return err
	}
	if s.JSON {
		if err := json.NewEncoder(w.stdout).Encode(map[string]any{
			"sandbox_url": server.URL(), "env": server.Env(),
		}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w.stdout, "Sandbox at %s\nInbox   %s/inbox\n\n", server.URL(), server.URL())
		for name, value := range server.Env() {
			fmt.Fprintf(w.stdout, "export %s='%s'\n", name, value)
		}
	}
	<-w.ctx.Done()
	return server.Close()
}
