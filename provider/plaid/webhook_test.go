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
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	sum := sha256.Sum256(body)
	signed := part(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"}) + "." +
		part(map[string]any{"iat": at.Unix(), "request_body_sha256": hex.EncodeToString(sum[:])})
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
	for name, try := range map[string]struct {
		body   []byte
		header string
	}{
		"no header":         {body, ""},
		"alg none":          {body, s.header(t, "none", "k1", s.now, body)},
		"alg HS256":         {body, s.header(t, "HS256", "k1", s.now, body)},
		"old":               {body, s.header(t, "ES256", "k1", s.now.Add(-6*time.Minute), body)},
		"from the future":   {body, s.header(t, "ES256", "k1", s.now.Add(6*time.Minute), body)},
		"body changed":      {append([]byte(" "), body...), good},
		"signature changed": {body, good[:len(good)-4] + "AAAA"},
		"no signature":      {body, good[:len(good)-86]},
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

func FuzzPlaidJWT(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA")
	f.Fuzz(func(_ *testing.T, header string) { _, _, _, _, _ = split(header) })
}
