package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"paylink/store"
)

const (
	dumpCommand    = "pg_dump --format=custom --file=paylink.dump "
	undumpCommand  = "pg_restore --clean --if-exists --single-transaction --dbname=%s paylink.dump"
	afterRestoring = `paylink restore --mark`
	passwordAside  = "The password is not in it, for ps shows arguments to everybody: keep it in ~/.pgpass or set PGPASSWORD."
)

// withoutPassword is the address of a PostgreSQL database as a shell's word, for its own programs, which
// copy it. They take the password from elsewhere.
func withoutPassword(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return "'postgres://…'" // what is wrong with it may be the password
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	// Cut by hand: written anew, a space would be a plus, which those programs take as it is.
	u.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		return err != nil || name == "password"
	}), "&")
	return "'" + strings.ReplaceAll(u.String(), "'", "%27") + "'"
}

type backupCommand struct {
	database
	File string `arg:"" help:"The file to make. It must not be there yet."`
}

// Run copies the database beside a running server. The copy is checked before it gets its name.
func (b backupCommand) Run(w *world) error {
	database, err := b.url(w)
	if err != nil {
		return err
	}
	var broken int
	err = store.Backup(w.ctx, database, b.File, func(copied *store.Store) error {
		broken, err = b.check(w, copied)
		return err
	})
	switch {
	case errors.Is(err, store.ErrPostgres):
		return fmt.Errorf("%w: with the app running or not,\n\n  %s%s\n\n%s", err, dumpCommand, withoutPassword(database), passwordAside)
	case err != nil:
		return err
	}
	if broken > 0 { // the file is worth having all the same
		fmt.Fprintf(w.stdout, "%s is a whole copy of books in which %d things do not hold: see paylink verify.\n", b.File, broken)
		return exit(1)
	}
	_, err = fmt.Fprintf(w.stdout, "%s is a whole copy, and its books hold. Keep PAYLINK_SECRET_KEYS elsewhere: without them it cannot be used.\n", b.File)
	return err
}

// check adds up the books in a copy and says how many things do not hold.
func (database) check(w *world, copied *store.Store) (int, error) {
	key, err := auditKey(w, copied)
	if err != nil {
		return 0, err
	}
	violations, err := copied.Verify(w.ctx, key, time.Now())
	for _, v := range violations {
		fmt.Fprintf(w.stdout, "%s %s: %s\n", v.Code, v.Subject, v.Detail)
	}
	return len(violations), err
}

type restoreCommand struct {
	database
	File   string `arg:"" optional:"" help:"The backup to put in the database's place."`
	Mark   bool   `help:"The database was put back by other means (pg_restore, a snapshot): only do what must come after that."`
	Epoch  string `help:"The letter of the receipts' numbers from now on, if a restore that this database knows nothing of used the next one."`
	Anyway bool   `help:"Take books in which things do not hold."`
}

// Run puts a backup in the place of a database that no server has open.
func (r restoreCommand) Run(w *world) error {
	database, err := r.url(w)
	if err != nil {
		return err
	}
	if r.Epoch != "" && !letter(r.Epoch) {
		return errors.New("--epoch is a letter from B to Z")
	}
	switch {
	case r.Mark && r.File != "":
		return errors.New("--mark takes no file")
	case r.Mark:
		epoch, err := store.Mark(w.ctx, database, r.Epoch, time.Now())
		if err != nil {
			return err
		}
		return r.next(w, epoch)
	case r.File == "":
		return errors.New("restore which file? Or, after other means, --mark")
	}
	var broken int
	restored, err := store.Restore(w.ctx, database, r.File, r.Epoch, time.Now(), func(copied *store.Store) error {
		if broken, err = r.check(w, copied); err == nil && broken > 0 && !r.Anyway {
			err = fmt.Errorf("%d things do not hold in the backup; take an older one, or this one with --anyway", broken)
		}
		return err
	})
	if errors.Is(err, store.ErrPostgres) {
		undump := fmt.Sprintf(undumpCommand, withoutPassword(database))
		return fmt.Errorf("%w: with every server stopped,\n\n  %s\n  %s\n\n%s", err, undump, afterRestoring, passwordAside)
	}
	if err != nil {
		return err
	}
	if restored.Kept != "" {
		fmt.Fprintf(w.stdout, "The database that was there is kept as %s.\n", restored.Kept)
	}
	return r.next(w, restored.Epoch)
}

func letter(s string) bool { return len(s) == 1 && s[0] >= 'B' && s[0] <= 'Z' }

// next says what happens now and what a person has to look at.
func (restoreCommand) next(w *world, epoch string) error {
	_, err := fmt.Fprintf(w.stdout, `Restored. Receipts go on with the letter %s, so that no number is given twice.
Everybody signs in anew, and customers prove their mailbox again. The next start compares with Stripe before it serves.
What changed after the backup was made is not known here any more: look at the people and the API keys that were removed, and the links that were withdrawn.
`, epoch)
	return err
}
