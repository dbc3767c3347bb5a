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
	"paylink/store"
)

// database is what the commands beside a server need to know.
type database struct {
	Database string `env:"PAYLINK_DATABASE" default:"sqlite:paylink.db" help:"sqlite:PATH or postgres://…"`
	Migrate  string `env:"PAYLINK_MIGRATE" default:"manual" enum:"manual,auto" hidden:""`
	Keys     string `env:"PAYLINK_SECRET_KEYS" hidden:""`
}

func (d database) open(w *world, mode store.Mode) (*store.Store, error) {
	return open(w.ctx, d.Database, d.Migrate, mode, logger(w.stderr, slog.LevelWarn))
}

func (d database) ring() (paylink.KeyRing, error) {
	if d.Keys == "" {
		return paylink.KeyRing{}, errors.New("PAYLINK_SECRET_KEYS is not set: it opens what the database keeps sealed")
	}
	return paylink.ParseKeyRing(d.Keys)
}

type migrateCommand struct{ database }

// Run brings the schema up to date.
func (m migrateCommand) Run(w *world) error {
	from, to, err := store.Migrate(w.ctx, m.Database, logger(w.stderr, slog.LevelWarn))
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
	Email    string `arg:"" help:"The address to sign in with."`
	Name     string `help:"The person's name; the address's first part by default."`
	Role     string `enum:"viewer,agent,manager,admin" default:"admin" help:"viewer, agent, manager or admin."`
	Password string `env:"PAYLINK_STAFF_PASSWORD" hidden:""`
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
	made := s.Password == ""
	if made {
		s.Password = paylink.NewToken().Reveal()[:20]
	}
	if _, err := access.New(db, time.Now).AddStaff(w.ctx, "system", s.Email, s.Name, s.Password, paylink.Role(s.Role)); err != nil {
		return explain(err)
	}
	_, err = fmt.Fprintf(w.stdout, "%s can sign in at /desk as %s.\n", s.Email, s.Role)
	if made && err == nil {
		_, err = fmt.Fprintf(w.stdout, "Password, shown only now: %s\n", s.Password)
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
	key, err := access.New(db, time.Now).AddKey(w.ctx, "system", k.Name)
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
	var key []byte
	if v.Keys != "" {
		ring, err := v.ring()
		if err != nil {
			return err
		}
		sealed, err := db.Setting(w.ctx, "audit_key")
		if err != nil {
			return err
		}
		if sealed != "" {
			if key, err = ring.Open("setting/audit_key", sealed); err != nil {
				return fmt.Errorf("PAYLINK_SECRET_KEYS does not fit this database: %w", err)
			}
		}
	}
	violations, err := db.Verify(w.ctx, key, time.Now())
	if err != nil {
		return err
	}
	if v.JSON {
		answer := struct {
			OK         bool              `json:"ok"`
			Violations []store.Violation `json:"violations"`
		}{len(violations) == 0, violations}
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

// explain says what was wrong with each field, for somebody at a terminal.
func explain(err error) error {
	e, ok := errors.AsType[*paylink.Error](err)
	if !ok {
		return err
	}
	var parts []string
	for _, f := range e.Fields {
		parts = append(parts, f.Field+": "+strings.ReplaceAll(f.Code, "_", " "))
	}
	if len(parts) == 0 {
		parts = append(parts, strings.ReplaceAll(e.Code, "_", " "))
	}
	return errors.New(strings.Join(parts, "; "))
}
