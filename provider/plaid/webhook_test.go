package plaid

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type signer struct {
	key   *ecdsa.PrivateKey
	now   time.Time
	asked int
}

func newSigner(t *testing.T) (*signer, *Verifier) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{key: key, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	return s, &Verifier{keys: map[string]known{}, now: func() time.Time { return s.now }, fetch: func(_ context.Context, id string) (*ecdsa.PublicKey, error) {
		s.asked++
		if id != "k1" {
			return nil, errors.New("no such key")
		}
		return &key.PublicKey, nil
	}}
}

func (s *signer) header(t *testing.T, alg, kid string, at time.Time, body []byte) string {
	t.Helper()
	sum := sha256.Sum256(body)
	return s.sign(t, map[string]string{"alg": alg, "kid": kid, "typ": "JWT"}, map[string]any{"iat": at.Unix(), "request_body_sha256": hex.EncodeToString(sum[:])})
}

func (s *signer) sign(t *testing.T, head, claims any) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(head) + "." + part(claims)
	digest := sha256.Sum256([]byte(signed))
	r, sig, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	sig.FillBytes(raw[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(raw)
}

func TestFault_W17_OnlyPlaidsOwnFreshWebhookIsTaken(t *testing.T) {
	body := []byte(`{"webhook_type":"ITEM","webhook_code":"ERROR","item_id":"i1"}`)
	s, v := newSigner(t)
	w, err := v.Verify(t.Context(), body, s.header(t, "ES256", "k1", s.now, body))
	if err != nil || w.ItemID != "i1" || w.Code != "ERROR" || w.ID == "" {
		t.Fatalf("%+v %v", w, err)
	}
	good := s.header(t, "ES256", "k1", s.now, body)
	head := map[string]string{"alg": "ES256", "kid": "k1"}
	sum := sha256.Sum256(body)
	long := map[string]any{"iat": s.now.Unix(), "request_body_sha256": hex.EncodeToString(sum[:]), "more": strings.Repeat("x", 4096)}
	for name, try := range map[string]struct {
		body   []byte
		header string
	}{
		"no header":              {body, ""},
		"alg none":               {body, s.header(t, "none", "k1", s.now, body)},
		"alg HS256":              {body, s.header(t, "HS256", "k1", s.now, body)},
		"old":                    {body, s.header(t, "ES256", "k1", s.now.Add(-6*time.Minute), body)},
		"from the future":        {body, s.header(t, "ES256", "k1", s.now.Add(6*time.Minute), body)},
		"body changed":           {append([]byte(" "), body...), good},
		"signature changed":      {body, good[:len(good)-4] + "AAAA"},
		"no signature":           {body, good[:len(good)-86]},
		"two parts":              {body, good[:len(good)-87]},
		"four parts":             {body, good + ".x"},
		"endless":                {body, s.sign(t, head, long)},
		"claims of another kind": {body, s.sign(t, head, "claims")},
		"head of another kind":   {body, s.sign(t, "head", long)},
	} {
		if _, err := v.Verify(t.Context(), try.body, try.header); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if s.asked != 1 {
		t.Errorf("asked for a key it had: %d times", s.asked)
	}
}

func TestFault_W17_MadeUpKeysAskPlaidOnceAMinute(t *testing.T) {
	body := []byte(`{}`)
	s, v := newSigner(t)
	for n := range 1000 {
		if _, err := v.Verify(t.Context(), body, s.header(t, "ES256", fmt.Sprint("made-up", n), s.now, body)); err == nil {
			t.Fatal("a made-up key was taken")
		}
		s.now = s.now.Add(100 * time.Millisecond)
	}
	if s.asked > 2 {
		t.Errorf("asked %d times in 100 seconds", s.asked)
	}
	s.now = s.now.Add(time.Minute)
	if _, err := v.Verify(t.Context(), body, s.header(t, "ES256", "k1", s.now, body)); err != nil {
		t.Errorf("the true key a minute later: %v", err)
	}
}

// A key is asked for again after a day, and no more are kept than Plaid ever has.
func TestFault_W17_KeysAreKeptForADayAndFew(t *testing.T) {
	body := []byte(`{}`)
	s, v := newSigner(t)
	v.fetch = func(context.Context, string) (*ecdsa.PublicKey, error) {
		s.asked++
		return &s.key.PublicKey, nil
	}
	verify := func(kid string) {
		t.Helper()
		if _, err := v.Verify(t.Context(), body, s.header(t, "ES256", kid, s.now, body)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 * keysMost {
		verify(fmt.Sprint("k", n))
		s.now = s.now.Add(fetchEvery)
	}
	if len(v.keys) > keysMost {
		t.Errorf("%d keys are kept", len(v.keys))
	}
	asked := s.asked
	last := fmt.Sprint("k", 3*keysMost-1)
	verify(last)
	s.now = s.now.Add(keyLife)
	verify(last)
	if s.asked != asked+1 {
		t.Errorf("asked %d times more in a day", s.asked-asked)
	}
}

func TestFault_W17_OnlyAKeyOfPlaidsKindIsTaken(t *testing.T) {
	s, _ := newSigner(t)
	point, err := s.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	number := base64.RawURLEncoding.EncodeToString
	good := map[string]any{"alg": "ES256", "crv": "P-256", "kty": "EC", "kid": "k1", "use": "sig", "created_at": 1, "expired_at": nil, "x": number(point[1:33]), "y": number(point[33:])}
	for name, change := range map[string]map[string]any{
		"as it is": {}, "it expired": {"expired_at": 2}, "another curve": {"crv": "P-384"}, "another kind": {"kty": "RSA"},
		"x is no number": {"x": "!"}, "y is no number": {"y": "!"}, "x is too long": {"x": number(make([]byte, 66))}, "y is too long": {"y": number(make([]byte, 66))},
		"not on the curve": {"x": number(point[33:])},
	} {
		key := maps.Clone(good)
		maps.Copy(key, change)
		box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"key": key, "request_id": "r"})
		}))
		_, err := New(Config{ClientID: "c", Secret: "s", BaseURL: box.URL}).webhookKey(t.Context(), "k1")
		box.Close()
		if taken := err == nil; taken != (len(change) == 0) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPlaidJWT(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA")
	f.Fuzz(func(_ *testing.T, header string) { _, _, _, _, _ = split(header) })
}
