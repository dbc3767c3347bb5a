package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"paylink"
	"paylink/access"
	"paylink/catalogue"
	"paylink/config"
	"paylink/money"
	"paylink/store"
)

// database is what the commands beside a server need to know; the rest is in the environment.
type database struct {
	Database string `help:"sqlite:PATH or postgres://…; PAYLINK_DATABASE by default."`
}

func (d database) url(w *world) (string, error) {
	if d.Database != "" {
		return d.Database, nil
	}
	return config.Lookup(w.getenv, "PAYLINK_DATABASE")
}

func (d database) open(w *world, mode store.Mode) (*store.Store, error) {
	url, err := d.url(w)
	if err != nil {
		return nil, err
	}
	migrate, err := config.Lookup(w.getenv, "PAYLINK_MIGRATE")
	if err != nil {
		return nil, err
	}
	if migrate != "manual" && migrate != "auto" {
		return nil, errors.New("PAYLINK_MIGRATE must be manual or auto")
	}
	return open(w.ctx, url, migrate, mode, logger(w.stderr, slog.LevelWarn))
}

type migrateCommand struct{ database }

// Run brings the schema up to date.
func (m migrateCommand) Run(w *world) error {
	url, err := m.url(w)
	if err != nil {
		return err
	}
	from, to, err := store.Migrate(w.ctx, url, logger(w.stderr, slog.LevelWarn))
	if err != nil {
		return err
	}
	if from == to {
		_, err = fmt.Fprintf(w.stdout, "The database is up to date (version %d).\n", to)
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "The database went from version %d to %d.\n", from, to)
	return err
}

type staffCommand struct {
	Add staffAddCommand `cmd:"" help:"Add a person. The password is read from PAYLINK_STAFF_PASSWORD, or made and printed once."`
}

type staffAddCommand struct {
	database
	Email string `arg:"" help:"The address to sign in with."`
	Name  string `help:"The person's name; the address's first part by default."`
	Role  string `enum:"viewer,agent,manager,admin" default:"admin" help:"viewer, agent, manager or admin."`
}

// Run adds a member of staff.
func (s staffAddCommand) Run(w *world) error {
	if s.Name == "" {
		s.Name, _, _ = strings.Cut(s.Email, "@")
	}
	db, err := s.open(w, store.Command)
	if err != nil {
		return err
	}
	defer db.Close()
	password := w.getenv("PAYLINK_STAFF_PASSWORD")
	made := password == ""
	if made {
		password = paylink.NewToken().Reveal()[:20]
	}
	if _, err := access.New(db, paylink.KeyRing{}, time.Now).AddStaff(w.ctx, "system", s.Email, s.Name, password, paylink.Role(s.Role)); err != nil {
		return explain(err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s can sign in at /desk as %s.\n", s.Email, s.Role)
	if made && err == nil {
		_, err = fmt.Fprintf(w.stdout, "Password, shown only now: %s\n", password)
	}
	return err
}

type apikeyCommand struct {
	Add apikeyAddCommand `cmd:"" help:"Make a key and print it; it is shown only now."`
}

type apikeyAddCommand struct {
	database
	Name string `arg:"" help:"What uses it, for example accounting."`
}

// Run prints the new key alone, so that a script can keep it.
func (k apikeyAddCommand) Run(w *world) error {
	db, err := k.open(w, store.Command)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := access.New(db, paylink.KeyRing{}, time.Now).AddKey(w.ctx, "system", k.Name)
	if err != nil {
		return explain(err)
	}
	_, err = fmt.Fprintln(w.stdout, key)
	return err
}

type verifyCommand struct {
	database
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Run checks the books and says what does not hold.
func (v verifyCommand) Run(w *world) error {
	db, err := v.open(w, store.ReadOnly)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := auditKey(w, db)
	if err != nil {
		return err
	}
	violations, err := db.Verify(w.ctx, key, time.Now())
	if err != nil {
		return err
	}
	if v.JSON {
		answer := struct {
			OK         bool              `json:"ok"`
			Audit      string            `json:"audit"`
			Violations []store.Violation `json:"violations"`
		}{len(violations) == 0, "checked", violations}
		if key == nil {
			answer.Audit = "not checked"
		}
		if answer.Violations == nil {
			answer.Violations = []store.Violation{}
		}
		if err := json.NewEncoder(w.stdout).Encode(answer); err != nil {
			return err
		}
	} else {
		for _, found := range violations {
			fmt.Fprintf(w.stdout, "%s %s: %s\n", found.Code, found.Subject, found.Detail)
		}
		switch {
		case len(violations) > 0:
			fmt.Fprintf(w.stdout, "%d things do not hold.\n", len(violations))
		case key == nil:
			fmt.Fprintln(w.stdout, "The books hold. The audit chain was not checked: set PAYLINK_SECRET_KEYS.")
		default:
			fmt.Fprintln(w.stdout, "The books hold: every balance, receipt number and audit row.")
		}
	}
	if len(violations) > 0 {
		return exit(1)
	}
	return nil
}

// auditKey opens the key of the audit chain; nil without PAYLINK_SECRET_KEYS, or before there is one.
func auditKey(w *world, db *store.Store) ([]byte, error) {
	keys, err := config.Lookup(w.getenv, "PAYLINK_SECRET_KEYS")
	if err != nil || keys == "" {
		return nil, err
	}
	ring, err := paylink.ParseKeyRing(keys)
	if err != nil {
		return nil, fmt.Errorf("PAYLINK_SECRET_KEYS: %w", err)
	}
	sealed, err := db.Setting(w.ctx, "audit_key")
	if err != nil || sealed == "" {
		return nil, err
	}
	key, err := ring.Open("setting/audit_key", sealed)
	if err != nil {
		return nil, fmt.Errorf("PAYLINK_SECRET_KEYS does not fit this database: %w", err)
	}
	return key, nil
}

type versionCommand struct{}

// Run prints what this program was built from.
func (versionCommand) Run(w *world) error {
	version := "development"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += " " + s.Value
			}
		}
		version += " " + info.GoVersion
	}
	_, err := fmt.Fprintln(w.stdout, "paylink", version)
	return err
}

// explain says what was wrong, field by field, for somebody at a terminal.
func explain(err error) error {
	e, ok := errors.AsType[*paylink.Error](err)
	if !ok {
		return err
	}
	words := catalogue.For(money.English, time.UTC, time.Now())
	var parts []string
	for _, f := range e.Fields {
		parts = append(parts, f.Field+": "+words.Error(f.Code, f.Args))
	}
	if len(parts) == 0 {
		parts = append(parts, words.Error(e.Code, e.Args))
	}
	return errors.New(strings.Join(parts, " "))
}
