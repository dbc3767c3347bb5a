// Package access says who is there: staff by password and session, programs by API key.
//
// What somebody may do with that is their role, which package paylink knows and the pages ask for.
// Customers have no account: their payment link is enough, and it is web/pay's. What they saved they see
// once a code that was mailed to them proved that the mailbox is theirs; the mail is package mailer's.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"paylink"
	"paylink/store"
)

// How long a session lives: in all, and without a request.
const (
	SessionLife = 12 * time.Hour
	SessionIdle = 30 * time.Minute
)

// Service signs people in and knows keys.
type Service struct {
	store    *store.Store
	ring     paylink.KeyRing
	now      func() time.Time
	throttle *throttle
}

// New makes a Service. Only codes need the ring.
func New(s *store.Store, ring paylink.KeyRing, now func() time.Time) *Service {
	return &Service{store: s, ring: ring, now: now, throttle: newThrottle()}
}

// AddStaff adds somebody who signs in.
func (s *Service) AddStaff(ctx context.Context, actor paylink.Actor, email, name, password string, role paylink.Role) (paylink.Staff, error) {
	var wrong paylink.Fields
	mailbox, err := paylink.ParseEmail(email)
	if err != nil {
		wrong.Add("email", "email")
	}
	if strings.TrimSpace(name) == "" {
		wrong.Add("name", "required")
	}
	if !role.Can(paylink.Viewer) {
		wrong.Add("role", "choice")
	}
	checkPassword(&wrong, password, email, name)
	if err := wrong.Err(); err != nil {
		return paylink.Staff{}, err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return paylink.Staff{}, err
	}
	person := paylink.Staff{
		ID: paylink.NewID("stf", s.now()), Email: strings.ToLower(mailbox), Name: strings.TrimSpace(name),
		Role: role, PasswordHash: hash, CreatedAt: s.now(),
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertStaff(ctx, person); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "staff.added", person.ID, map[string]any{"email": person.Email, "role": role}, s.now())
	})
	return person, err
}

// SignIn checks a password and begins a session. The answer and its time are the same for an
// address that nobody has. The cookie's value is given once; only its hash is kept.
func (s *Service) SignIn(ctx context.Context, email, password, ip string) (cookie string, person paylink.Staff, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	refused := paylink.Fail(paylink.Invalid, "signin.wrong")
	if wait := s.throttle.wait(s.now(), email, ip); wait > 0 {
		return "", person, paylink.Fail(paylink.Unavailable, "signin.wait", "minutes", int(wait/time.Minute)+1)
	}
	person, err = s.store.StaffByEmail(ctx, email)
	hash := person.PasswordHash
	if paylink.KindOf(err) == paylink.NotFound {
		hash = nobody
	} else if err != nil {
		return "", person, err
	}
	fits, err := checkHash(ctx, hash, password)
	if err != nil {
		return "", person, err
	}
	if !fits || person.ID == "" || !person.DisabledAt.IsZero() {
		s.throttle.failed(s.now(), email, ip)
		if err := s.note(ctx, "", "staff.refused", email, ip); err != nil {
			return "", paylink.Staff{}, err
		}
		return "", paylink.Staff{}, refused
	}
	s.throttle.succeeded(email)
	cookie = secret()
	now := s.now()
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertSession(ctx, paylink.Session{
			Hash: digest(cookie), StaffID: person.ID, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(SessionLife),
		}); err != nil {
			return err
		}
		return tx.Audit(ctx, paylink.Actor("staff:"+person.ID), "staff.signed_in", person.ID, map[string]any{"ip": ip}, now)
	})
	return cookie, person, err
}

// note audits a refusal under the address that was typed, if somebody has it: what else people type
// into the field may be a password.
func (s *Service) note(ctx context.Context, actor paylink.Actor, action, email, ip string) error {
	person, err := s.store.StaffByEmail(ctx, email)
	if paylink.KindOf(err) == paylink.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, actor, action, person.ID, map[string]any{"ip": ip}, s.now())
	})
}

// Staff is who the session belongs to. A session that ended, or whose person was disabled, is
// nobody's: that is looked up at each request.
func (s *Service) Staff(ctx context.Context, cookie string) (paylink.Staff, error) {
	nobody := paylink.Fail(paylink.NotFound, "session.unknown")
	if cookie == "" {
		return paylink.Staff{}, nobody
	}
	session, err := s.store.SessionByHash(ctx, digest(cookie))
	if err != nil {
		return paylink.Staff{}, err
	}
	now := s.now()
	if !now.Before(session.ExpiresAt) || now.Sub(session.SeenAt) > SessionIdle {
		return paylink.Staff{}, nobody
	}
	person, err := s.store.StaffByID(ctx, session.StaffID)
	if err != nil {
		return paylink.Staff{}, err
	}
	if !person.DisabledAt.IsZero() {
		return paylink.Staff{}, nobody
	}
	if now.Sub(session.SeenAt) > time.Minute { // once a minute is enough for an idle limit of thirty
		err = s.store.Update(ctx, func(tx *store.Tx) error { return tx.TouchSession(ctx, session.Hash, now) })
	}
	return person, err
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, cookie string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteSession(ctx, digest(cookie)) })
}

// AddKey makes an API key. It is given once; only its hash is kept.
func (s *Service) AddKey(ctx context.Context, actor paylink.Actor, name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || len(name) > paylink.MaxName {
		return "", paylink.FailField("name", "required")
	}
	key := "plk_" + secret()
	stored := paylink.APIKey{ID: paylink.NewID("key", s.now()), Name: name, Hash: digest(key), CreatedAt: s.now()}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAPIKey(ctx, stored); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "key.added", stored.ID, map[string]any{"name": name}, s.now())
	})
	return key, err
}

// RevokeKey ends a key at once.
func (s *Service) RevokeKey(ctx context.Context, actor paylink.Actor, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeAPIKey(ctx, id, s.now()); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "key.revoked", id, nil, s.now())
	})
}

// Key knows a program by its key.
func (s *Service) Key(ctx context.Context, bearer string) (paylink.APIKey, error) {
	if !strings.HasPrefix(bearer, "plk_") || len(bearer) > 100 {
		return paylink.APIKey{}, paylink.Fail(paylink.NotFound, "key.unknown")
	}
	key, err := s.store.APIKeyByHash(ctx, digest(bearer))
	if err == nil && !key.RevokedAt.IsZero() {
		return paylink.APIKey{}, paylink.Fail(paylink.NotFound, "key.unknown")
	}
	return key, err
}

// secret is 256 random bits as text.
func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
