// Command paylink gets invoices paid from an e-mail. This package only wires: each command is a
// file, and what the commands share is in app.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // a firm's time zone must be known on a machine without zone files

	"github.com/alecthomas/kong"

	"paylink/config"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go obey(signals, stop, patience, os.Exit)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	var code exit
	switch {
	case errors.As(err, &code):
		os.Exit(int(code))
	case err != nil:
		fmt.Fprintln(os.Stderr, "paylink:", err)
		os.Exit(1)
	}
}

// patience is how long a stop may take: what a server gives its requests, and the closing of its database.
const patience = 30 * time.Second

// obey stops the program at the first signal, and ends it at the second one or when the stop takes too
// long. Nothing depends on an orderly stop: the next start finishes what was cut off.
func obey(signals <-chan os.Signal, stop func(), patience time.Duration, end func(code int)) {
	<-signals
	stop()
	select {
	case <-signals:
	case <-time.After(patience):
	}
	end(1)
}

// exit ends the program with a code when everything was said already.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// world is what a command may touch outside its flags.
type world struct {
	ctx    context.Context //nolint:containedctx // kong hands one value to each command
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// commands are the program's commands, in the order in which somebody needs them.
type commands struct {
	Demo      demoCommand      `cmd:"" help:"Try everything on this machine: the app, a stand-in for Stripe and an inbox. Needs no keys and no network."`
	Serve     serveCommand     `cmd:"" help:"Run the app. The environment says how; see below."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the database up to date."`
	Staff     staffCommand     `cmd:"" help:"Add people who sign in at the desk."`
	APIKey    apikeyCommand    `cmd:"" name:"apikey" help:"Add keys for programs that use the REST API."`
	Verify    verifyCommand    `cmd:"" help:"Check the books: every balance, receipt number and audit row. Exits 1 if something does not hold."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the books with Stripe now, as happens every 15 minutes. Exits 1 while they differ."`
	Backup    backupCommand    `cmd:"" help:"Copy the database to a file, also while the app runs; the copy is checked."`
	Restore   restoreCommand   `cmd:"" help:"Put a backup in the database's place, with the app stopped."`
	Sandbox   sandboxCommand   `cmd:"" help:"Run the stand-in for Stripe and the mail server alone, for tests of your own."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (err error) {
	var code *exit
	parser, err := kong.New(&commands{},
		kong.Name("paylink"),
		kong.Description("Paylink gets invoices paid from an e-mail: send a payment link, take the card, book the money once, mail the receipt.\n\nStart with: paylink demo"),
		kong.Writers(stdout, stderr),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(func(o kong.HelpOptions, c *kong.Context) error {
			if err := kong.DefaultHelpPrinter(o, c); err != nil {
				return err
			}
			if c.Command() == "serve" || c.Selected() == nil {
				fmt.Fprintf(c.Stdout, "\nEnvironment of serve, and of every command that opens the database:\n%s\nA secret may be a file instead: NAME_FILE=/path.\n", config.Describe())
			}
			return nil
		}),
		kong.Exit(func(n int) { c := exit(n); code = &c; panic(c) }),
	)
	if err != nil {
		return err
	}
	defer func() { // kong ends --help by Exit; a test must survive it
		if code != nil {
			_ = recover()
			if *code != 0 {
				err = *code
			}
		}
	}()
	command, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w\nTry paylink --help", err)
	}
	return command.Run(&world{ctx: ctx, getenv: getenv, stdout: stdout, stderr: stderr})
}

// logger writes JSON lines. Messages are constant; what varies is an attribute, and no attribute is
// a secret.
func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
