package paylink

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

var lowerBase32 = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an identifier such as "inv_06h0…": 56 bits of microseconds, so that ids sort by time,
// and 72 random bits, so that a restored backup never makes one again.
func NewID(prefix string, now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMicro())<<8)
	_, _ = rand.Read(b[7:]) // never fails: crypto/rand ends the program instead
	return prefix + "_" + lowerBase32.EncodeToString(b[:])
}

// Token is the secret in a payment link: 256 random bits as 43 characters of unpadded base64url.
// It prints as "[token]": only Reveal shows it, and only a mail, a page for staff or an API answer
// may ask for that.
type Token struct{ text string }

// NewToken makes a token.
func NewToken() Token {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return Token{base64.RawURLEncoding.EncodeToString(b[:])}
}

// ParseToken decodes strictly: one spelling for each token, so that a link cannot be varied.
func ParseToken(s string) (Token, error) {
	if len(s) != 43 {
		return Token{}, Fail(NotFound, "link.unknown")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodeToString(b) != s {
		return Token{}, Fail(NotFound, "link.unknown")
	}
	return Token{s}, nil
}

// Reveal is the token in clear.
func (t Token) Reveal() string { return t.text }

// Hash is what the database is searched by.
func (t Token) Hash() string {
	sum := sha256.Sum256([]byte(t.text))
	return hex.EncodeToString(sum[:])
}

// String hides the token from logs and errors.
func (t Token) String() string { return "[token]" }

// MarshalText hides the token from JSON too.
func (t Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }

// KeyRing seals what the database must not hold in clear, and signs what a browser carries for us.
// The first key seals and signs; every key opens and checks, so that keys change without stopping.
type KeyRing struct{ keys []ringKey }

type ringKey struct {
	id     string
	secret []byte
}

// ParseKeyRing reads "id:64 hex digits,id:64 hex digits".
func ParseKeyRing(s string) (KeyRing, error) {
	var ring KeyRing
	for part := range strings.SplitSeq(s, ",") {
		id, digits, _ := strings.Cut(strings.TrimSpace(part), ":")
		secret, err := hex.DecodeString(digits)
		if id == "" || strings.ContainsAny(id, ".") || err != nil || len(secret) != 32 {
			return KeyRing{}, errors.New("a key is written id:64 hex digits")
		}
		for _, k := range ring.keys {
			if k.id == id {
				return KeyRing{}, fmt.Errorf("two keys are called %q", id)
			}
		}
		ring.keys = append(ring.keys, ringKey{id, secret})
	}
	return ring, nil
}

// NewKeyRing makes a ring of one random key and gives its text, to be kept.
func NewKeyRing(id string) (KeyRing, string) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	return KeyRing{[]ringKey{{id, secret}}}, id + ":" + hex.EncodeToString(secret)
}

// derive makes a key for one purpose, so that a seal is never a signature.
func (k ringKey) derive(purpose string) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte("paylink/" + purpose))
	return mac.Sum(nil)
}

func (k ringKey) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("seal"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts with AES-256-GCM. The row names the place ("link/lnk_…"): sealed text moved to
// another row does not open.
func (r KeyRing) Seal(row string, plain []byte) (string, error) {
	if len(r.keys) == 0 {
		return "", errors.New("seal: no key")
	}
	key := r.keys[0]
	aead, err := key.gcm()
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	sealed := aead.Seal(nil, nil, plain, []byte(key.id+"/"+row))
	return key.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open decrypts what Seal made for the same row.
func (r KeyRing) Open(row, sealed string) ([]byte, error) {
	id, text, _ := strings.Cut(sealed, ".")
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("open: not sealed text")
	}
	for _, key := range r.keys {
		if key.id != id {
			continue
		}
		aead, err := key.gcm()
		if err != nil {
			return nil, fmt.Errorf("open: %w", err)
		}
		plain, err := aead.Open(nil, nil, body, []byte(key.id+"/"+row))
		if err != nil {
			return nil, errors.New("open: the seal of this row does not fit")
		}
		return plain, nil
	}
	return nil, fmt.Errorf("open: key %q is not in the ring", id)
}

// Sign signs data for one purpose; the answer is safe in URLs, cookies and form fields.
func (r KeyRing) Sign(purpose, data string) string {
	key := r.keys[0]
	mac := hmac.New(sha256.New, key.derive("sign/"+purpose))
	mac.Write([]byte(data))
	return key.id + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Signed says whether a signature is ours, by any key of the ring.
func (r KeyRing) Signed(purpose, data, signature string) bool {
	id, text, _ := strings.Cut(signature, ".")
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	for _, key := range r.keys {
		if key.id == id {
			mac := hmac.New(sha256.New, key.derive("sign/"+purpose))
			mac.Write([]byte(data))
			return hmac.Equal(sum, mac.Sum(nil))
		}
	}
	return false
}
