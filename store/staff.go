package store

import (
	"context"
	"time"

	"paylink"
)

const staffColumns = "id, email, name, role, password_hash, created_at, disabled_at"

func scanStaff(r row) (s paylink.Staff, err error) {
	err = r.Scan(&s.ID, &s.Email, &s.Name, &s.Role, &s.PasswordHash, moment{&s.CreatedAt}, moment{&s.DisabledAt})
	return s, err
}

// StaffByEmail finds who signs in with an address.
func (r reads) StaffByEmail(ctx context.Context, email string) (paylink.Staff, error) {
	s, err := one(ctx, r, scanStaff, "select "+staffColumns+" from staff where email = $1", email)
	return s, found("staff", err)
}

// StaffByID finds a member of staff.
func (r reads) StaffByID(ctx context.Context, id string) (paylink.Staff, error) {
	s, err := one(ctx, r, scanStaff, "select "+staffColumns+" from staff where id = $1", id)
	return s, found("staff", err)
}

// StaffAll lists everybody, also who is disabled, by address.
func (r reads) StaffAll(ctx context.Context) ([]paylink.Staff, error) {
	list, err := all(ctx, r, scanStaff, "select "+staffColumns+" from staff order by email")
	return list, found("staff", err)
}

// InsertStaff adds a person; Conflict "staff.email_taken" when the address is somebody's.
func (t *Tx) InsertStaff(ctx context.Context, s paylink.Staff) error {
	n, err := t.exec(ctx, "insert into staff ("+staffColumns+`) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (email) do nothing`,
		s.ID, s.Email, s.Name, s.Role, s.PasswordHash, micros(s.CreatedAt), micros(s.DisabledAt))
	if err == nil && n == 0 {
		return paylink.Fail(paylink.Conflict, "staff.email_taken")
	}
	return wrote("staff", err)
}

// UpdateStaff changes everything of a person but the id.
func (t *Tx) UpdateStaff(ctx context.Context, s paylink.Staff) error {
	n, err := t.exec(ctx, `update staff set email = $2, name = $3, role = $4, password_hash = $5, disabled_at = $6 where id = $1`,
		s.ID, s.Email, s.Name, s.Role, s.PasswordHash, micros(s.DisabledAt))
	if t.dialect.isUnique(err) {
		return paylink.Fail(paylink.Conflict, "staff.email_taken").Because(err)
	}
	return changed("staff", n, err)
}

// changed is wrote for a statement that has to meet a row.
func changed(noun string, rows int64, err error) error {
	if err == nil && rows == 0 {
		return paylink.Fail(paylink.NotFound, noun+".unknown")
	}
	return wrote(noun, err)
}

// SessionByHash finds a signed-in browser, ended or not.
func (r reads) SessionByHash(ctx context.Context, hash string) (paylink.Session, error) {
	s, err := one(ctx, r, func(r row) (s paylink.Session, err error) {
		err = r.Scan(&s.Hash, &s.StaffID, moment{&s.CreatedAt}, moment{&s.SeenAt}, moment{&s.ExpiresAt})
		return s, err
	}, "select hash, staff_id, created_at, seen_at, expires_at from session where hash = $1", hash)
	return s, found("session", err)
}

// InsertSession keeps a sign-in.
func (t *Tx) InsertSession(ctx context.Context, s paylink.Session) error {
	_, err := t.exec(ctx, "insert into session (hash, staff_id, created_at, seen_at, expires_at) values ($1, $2, $3, $4, $5)",
		s.Hash, s.StaffID, micros(s.CreatedAt), micros(s.SeenAt), micros(s.ExpiresAt))
	return wrote("session", err)
}

// TouchSession notes when a browser was last seen; one that is gone is no error.
func (t *Tx) TouchSession(ctx context.Context, hash string, seen time.Time) error {
	_, err := t.exec(ctx, "update session set seen_at = $2 where hash = $1", hash, micros(seen))
	return wrote("session", err)
}

// DeleteSession signs a browser out.
func (t *Tx) DeleteSession(ctx context.Context, hash string) error {
	_, err := t.exec(ctx, "delete from session where hash = $1", hash)
	return wrote("session", err)
}

// DeleteSessionsOf signs a person out everywhere.
func (t *Tx) DeleteSessionsOf(ctx context.Context, staffID string) error {
	_, err := t.exec(ctx, "delete from session where staff_id = $1", staffID)
	return wrote("session", err)
}

const keyColumns = "id, name, hash, created_at, revoked_at"

func scanKey(r row) (k paylink.APIKey, err error) {
	err = r.Scan(&k.ID, &k.Name, &k.Hash, moment{&k.CreatedAt}, moment{&k.RevokedAt})
	return k, err
}

// APIKeyByHash finds a key, revoked or not.
func (r reads) APIKeyByHash(ctx context.Context, hash string) (paylink.APIKey, error) {
	k, err := one(ctx, r, scanKey, "select "+keyColumns+" from api_key where hash = $1", hash)
	return k, found("api_key", err)
}

// APIKeys lists all keys by name.
func (r reads) APIKeys(ctx context.Context) ([]paylink.APIKey, error) {
	list, err := all(ctx, r, scanKey, "select "+keyColumns+" from api_key order by name")
	return list, found("api_key", err)
}

// InsertAPIKey keeps a key; Conflict "api_key.name_taken" when there is one of that name.
func (t *Tx) InsertAPIKey(ctx context.Context, k paylink.APIKey) error {
	n, err := t.exec(ctx, "insert into api_key ("+keyColumns+") values ($1, $2, $3, $4, $5) on conflict (name) do nothing",
		k.ID, k.Name, k.Hash, micros(k.CreatedAt), micros(k.RevokedAt))
	if err == nil && n == 0 {
		return paylink.Fail(paylink.Conflict, "api_key.name_taken")
	}
	return wrote("api_key", err)
}

// RevokeAPIKey ends a key; the first time stands.
func (t *Tx) RevokeAPIKey(ctx context.Context, id string, at time.Time) error {
	n, err := t.exec(ctx, `update api_key set revoked_at = case when revoked_at = 0 then $2 else revoked_at end where id = $1`,
		id, micros(at))
	return changed("api_key", n, err)
}
