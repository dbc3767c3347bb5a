package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"paylink/crash"
)

// ErrPostgres says that PostgreSQL's own programs back its databases up.
var ErrPostgres = errors.New("PostgreSQL has its own programs for that")

// Backup copies a SQLite database, as it stands at one moment and beside a running server, to a
// file that is not there yet. look is given the copy, open for reading, before it gets its name:
// when look fails there is no file. The file is whole and on the disk, or it does not exist; a
// process that is killed leaves at most a file.….partial beside it.
func Backup(ctx context.Context, url, file string, look func(*Store) error) error {
	if err := backup(ctx, url, file, look); err != nil {
		return fmt.Errorf("back up database: %w", err)
	}
	return nil
}

func backup(ctx context.Context, url, file string, look func(*Store) error) (err error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return ErrPostgres
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there already", file), err)
	}
	partial, err := copySQLite(ctx, path, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeSQLite(partial)) }()
	if err := lookAt(ctx, partial, look); err != nil {
		return err
	}
	if err := syncFile(partial); err != nil {
		return err
	}
	crash.At("backup.copied")
	if err := os.Link(partial, file); err != nil { // unlike a rename it never takes another file's place
		return err
	}
	return syncFile(filepath.Dir(file))
}

// copySQLite copies a database, with what its WAL holds, to a new file named after another one.
func copySQLite(ctx context.Context, path, name string) (partial string, err error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.partial") // readable by us alone
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	from := sqlitePool(path, "ro", 1)
	if _, err = from.ExecContext(ctx, "pragma query_only = 0"); err == nil { // the copy is no write to the database
		_, err = from.ExecContext(ctx, "vacuum into ?", f.Name())
	}
	if err = errors.Join(err, from.Close()); err != nil {
		return "", errors.Join(err, removeSQLite(f.Name()))
	}
	return f.Name(), nil
}

// lookAt checks that a copy is whole and a database of this program's, and lets look read it.
func lookAt(ctx context.Context, copied string, look func(*Store) error) (err error) {
	db := sqlitePool(copied, "rw", 1) // closed last, so that it takes the WAL into the file
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "pragma journal_mode = wal"); err != nil {
		return err
	}
	var verdict string
	if err := db.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged: %s", verdict)
	}
	s, err := Open(ctx, "sqlite:"+copied, ReadOnly, nil)
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	return errors.Join(look(s), s.Close())
}

// syncFile puts a file, or the names in a folder, on the disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeSQLite removes a database and what SQLite keeps beside it.
func removeSQLite(path string) error {
	var failed error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// Restored is what a restore did.
type Restored struct {
	Epoch string // the letter that receipts' numbers carry from now on
	Kept  string // where the database is that was there before; "" when there was none
}

// restoredSetting is set while a restored database has not been compared with Stripe yet.
const restoredSetting = "restored"

// Restore puts a backup in the place of a SQLite database, which no server may have open and which
// is kept beside it. The books in the copy are marked: receipts' numbers go on under another
// letter, because the lost ones were given; everybody signs in anew; and a server compares with
// Stripe before it serves. epoch is the letter, "" for the next after those that are known here.
func Restore(ctx context.Context, url, file, epoch string, now time.Time, look func(*Store) error) (Restored, error) {
	r, err := restore(ctx, url, file, epoch, now, look)
	if err != nil {
		return r, fmt.Errorf("restore database: %w", err)
	}
	return r, nil
}

func restore(ctx context.Context, url, file, epoch string, now time.Time, look func(*Store) error) (r Restored, err error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return r, ErrPostgres
	}
	unlock, err := lockFile(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	copied, err := copySQLite(ctx, file, path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, removeSQLite(copied)) }()
	if err := lookAt(ctx, copied, look); err != nil {
		return r, err
	}
	if epoch == "" {
		epoch = epochOf(ctx, path)
	}
	if r.Epoch, err = mark(ctx, "sqlite:"+copied, epoch, now); err != nil {
		return r, err
	}
	if err := syncFile(copied); err != nil {
		return r, err
	}
	if r.Kept, err = keep(ctx, path, now); err != nil {
		return r, fmt.Errorf("keep the database that was there: %w", err)
	}
	crash.At("restore.kept")
	if err := os.Rename(copied, path); err != nil {
		return r, err
	}
	return r, syncFile(filepath.Dir(path))
}

// Mark does to a database that was restored by other means what Restore does.
func Mark(ctx context.Context, url, epoch string, now time.Time) (string, error) {
	epoch, err := mark(ctx, url, epoch, now)
	if err != nil {
		return "", fmt.Errorf("mark database as restored: %w", err)
	}
	return epoch, nil
}

// mark gives the letter; atLeast is one that is known to have been used, or is wanted.
func mark(ctx context.Context, url, atLeast string, now time.Time) (epoch string, err error) {
	s, err := Open(ctx, url, Command, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = s.Update(ctx, func(tx *Tx) error {
		was, err := tx.Setting(ctx, "receipt_epoch")
		if err != nil {
			return err
		}
		epoch = atLeast
		if !later(epoch, was) {
			epoch = nextEpoch(was)
		}
		if err := tx.PutSetting(ctx, "receipt_epoch", epoch); err != nil {
			return err
		}
		if err := tx.PutSetting(ctx, restoredSetting, now.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		for _, known := range []string{"session", "device"} { // some of them had been ended since
			if _, err := tx.exec(ctx, "delete from "+known); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, "system", "database.restored", "database", map[string]any{"receipt_epoch": epoch}, now)
	})
	return epoch, err
}

// nextEpoch is the letter after one: none, B, C … Z, ZB, ZC …
func nextEpoch(epoch string) string {
	switch last := len(epoch) - 1; {
	case epoch == "" || epoch[last] == 'Z':
		return epoch + "B"
	default:
		return epoch[:last] + string(epoch[last]+1)
	}
}

// later says whether one letter comes after another.
func later(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// epochOf is the next letter after that of the database in use, "" when it cannot be read.
func epochOf(ctx context.Context, path string) string {
	s, err := Open(ctx, "sqlite:"+path, ReadOnly, nil)
	if err != nil {
		return ""
	}
	defer s.Close()
	was, err := s.Setting(ctx, "receipt_epoch")
	if err != nil {
		return ""
	}
	return nextEpoch(was)
}

// keep gives the database at path a second name, and leaves at path what can be replaced by a
// rename: a file without a WAL, which would be read into whatever file comes after it.
func keep(ctx context.Context, path string, now time.Time) (string, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(removeSQLite(path))
	}
	db := sqlitePool(path, "rw", 1)
	err := runCheckpoint(db, "truncate") // what cannot be read any more is kept as it is
	if closed := db.Close(); err == nil && closed != nil {
		return "", closed
	}
	kept := path + ".before-" + now.UTC().Format("20060102T150405.000000Z")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Link(path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := syncFile(filepath.Dir(path)); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, syncFile(filepath.Dir(path))
}

// RestoredAt says when the database was restored, if it has not been compared with Stripe since.
func (r reads) RestoredAt(ctx context.Context) (string, error) {
	return r.Setting(ctx, restoredSetting)
}

// Compared notes that a restored database was compared with Stripe.
func (t *Tx) Compared(ctx context.Context) error { return t.PutSetting(ctx, restoredSetting, "") }
