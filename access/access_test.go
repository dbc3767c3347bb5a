package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/access"
	"paylink/store"
	"paylink/store/storetest"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func setup(t *testing.T, s *store.Store) (*access.Service, *clock, paylink.Staff) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	ring, _ := paylink.NewKeyRing("test")
	a := access.New(s, ring, c.Now)
	person, err := a.AddStaff(t.Context(), "system", "Ana@Northwind.example", "Ana Ruiz", "a long enough secret", paylink.Manager)
	if err != nil {
		t.Fatal(err)
	}
	return a, c, person
}

func TestSignInBeginsASessionThatEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, c, ana := setup(t, s)
		ctx := t.Context()
		cookie, person, err := a.SignIn(ctx, " ana@northwind.EXAMPLE ", "a long enough secret", "192.0.2.1")
		if err != nil || person.ID != ana.ID {
			t.Fatalf("sign in: %v %v", person, err)
		}
		for range 30 { // in use, it lives its whole life
			c.now = c.now.Add(20 * time.Minute)
			if _, err := a.Staff(ctx, cookie); err != nil {
				t.Fatalf("after %v: %v", c.now, err)
			}
		}
		c.now = c.now.Add(31 * time.Minute)
		if _, err := a.Staff(ctx, cookie); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("idle for 31 minutes: %v", err)
		}
		cookie, _, err = a.SignIn(ctx, "ana@northwind.example", "a long enough secret", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		for range 37 {
			c.now = c.now.Add(20 * time.Minute)
			_, err = a.Staff(ctx, cookie)
		}
		if paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("after 12 hours in use: %v", err)
		}
	})
}

func TestSessionEndsBySignOutAndWhenThePersonIsDisabled(t *testing.T) {
	s := storetest.SQLite(t)
	a, c, ana := setup(t, s)
	ctx := t.Context()
	cookie := func() string {
		cookie, _, err := a.SignIn(ctx, ana.Email, "a long enough secret", "")
		if err != nil {
			t.Fatal(err)
		}
		return cookie
	}
	first, second := cookie(), cookie()
	if err := a.SignOut(ctx, first); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Staff(ctx, first); err == nil {
		t.Error("signed out and still there")
	}
	if _, err := a.Staff(ctx, second); err != nil {
		t.Error("the other session ended too")
	}
	ana.DisabledAt = c.now
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateStaff(ctx, ana) }); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Staff(ctx, second); err == nil {
		t.Error("disabled and still there")
	}
	if _, _, err := a.SignIn(ctx, ana.Email, "a long enough secret", ""); err == nil {
		t.Error("disabled and signed in")
	}
}

func TestWrongPasswordAndUnknownAddressAnswerTheSame(t *testing.T) {
	a, _, ana := setup(t, storetest.SQLite(t))
	_, _, wrong := a.SignIn(t.Context(), ana.Email, "not the password", "")
	_, _, unknown := a.SignIn(t.Context(), "nobody@northwind.example", "not the password", "")
	if wrong == nil || unknown == nil || wrong.Error() != unknown.Error() {
		t.Errorf("wrong %v, unknown %v", wrong, unknown)
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	a, c, ana := setup(t, storetest.SQLite(t))
	ctx := t.Context()
	try := func(password string) error {
		_, _, err := a.SignIn(ctx, ana.Email, password, "192.0.2.1")
		return err
	}
	for range 5 {
		if err := try("wrong"); paylink.KindOf(err) != paylink.Invalid {
			t.Fatal(err)
		}
	}
	if err := try("a long enough secret"); paylink.KindOf(err) != paylink.Unavailable {
		t.Errorf("the sixth try: %v", err)
	}
	c.now = c.now.Add(16 * time.Minute)
	if err := try("a long enough secret"); err != nil {
		t.Errorf("a quarter of an hour later: %v", err)
	}
}

func TestPasswordsThatAreRefused(t *testing.T) {
	a, _, _ := setup(t, storetest.SQLite(t))
	for _, password := range []string{"", "short", "password1234", "PASSWORD1234", "correcthorsebatterystaple", "bob.builder-2026", strings.Repeat("x", 129)} {
		_, err := a.AddStaff(t.Context(), "system", "bob.builder@northwind.example", "Bob", password, paylink.Agent)
		if paylink.KindOf(err) != paylink.Invalid {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestAPIKeyIsKnownUntilRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, _, _ := setup(t, s)
		ctx := context.Background()
		key, err := a.AddKey(ctx, "system", "accounting")
		if err != nil || !strings.HasPrefix(key, "plk_") || len(key) != 47 {
			t.Fatalf("%q %v", key, err)
		}
		known, err := a.Key(ctx, key)
		if err != nil || known.Name != "accounting" || strings.Contains(known.Hash, key) {
			t.Fatalf("%+v %v", known, err)
		}
		for _, bad := range []string{"", "plk_", key[:46], key + "A", strings.ToUpper(key)} {
			if _, err := a.Key(ctx, bad); paylink.KindOf(err) != paylink.NotFound {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if err := a.RevokeKey(ctx, "system", known.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Key(ctx, key); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("revoked: %v", err)
		}
	})
}
