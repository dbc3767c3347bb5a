package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
)

// Setting is what was chosen under a name, "" when nothing was.
func (r reads) Setting(ctx context.Context, name string) (string, error) {
	text, err := one(ctx, r, value[string], "select value from setting where name = $1", name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, found("setting", err)
}

// PutSetting keeps a value under a name, in place of the one before.
func (t *Tx) PutSetting(ctx context.Context, name, value string) error {
	_, err := t.exec(ctx, `insert into setting (name, value) values ($1, $2)
		on conflict (name) do update set value = excluded.value`, name, value)
	return wrote("setting", err)
}

// PutSettingOnce keeps the first value under a name and gives the one that stands.
func (t *Tx) PutSettingOnce(ctx context.Context, name, first string) (string, error) {
	if _, err := t.exec(ctx, "insert into setting (name, value) values ($1, $2) on conflict do nothing", name, first); err != nil {
		return "", wrote("setting", err)
	}
	return t.Setting(ctx, name)
}

// wrote says what it was that could not be written.
func wrote(noun string, err error) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", noun, err)
	}
	return nil
}

// count takes the next number of a counter that starts at first, each once, in the transaction.
func (t *Tx) count(ctx context.Context, name string, first int64) (int64, error) {
	return one(ctx, t.reads, value[int64], `insert into setting (name, value) values ($1, $2)
		on conflict (name) do update set value = cast(cast(setting.value as bigint) + 1 as text)
		returning cast(value as bigint)`, name, strconv.FormatInt(first, 10))
}
