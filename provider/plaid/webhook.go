package plaid

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	plaidgo "github.com/plaid/plaid-go/v20/plaid"
)

// Verifier checks that a webhook is Plaid's: an ES256 signature over the hash of the body, by a key
// that Plaid names, no older than five minutes.
// https://plaid.com/docs/api/webhooks/webhook-verification/
//
// Keys are fetched at most once a minute and kept for a day: whoever sends made-up key ids cannot
// make us ask Plaid for each.
type Verifier struct {
	fetch func(ctx context.Context, id string) (*ecdsa.PublicKey, error)
	now   func() time.Time

	mu      sync.Mutex
	keys    map[string]known
	fetched time.Time
}

type known struct {
	key   *ecdsa.PublicKey
	until time.Time
}

// What the verifier keeps and for how long.
const (
	webhookAge = 5 * time.Minute
	keyLife    = 24 * time.Hour
	fetchEvery = time.Minute
	keysMost   = 16
)

// Verifier makes one; now is the real clock.
func (c *Client) Verifier(now func() time.Time) *Verifier {
	return &Verifier{fetch: c.webhookKey, now: now, keys: map[string]known{}}
}

func (c *Client) webhookKey(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	res, _, err := c.api.WebhookVerificationKeyGet(ctx).WebhookVerificationKeyGetRequest(
		*plaidgo.NewWebhookVerificationKeyGetRequest(id)).Execute()
	if err != nil {
		return nil, translate("fetch webhook key", err)
	}
	jwk := res.GetKey()
	if expired, _ := jwk.GetExpiredAtOk(); expired != nil {
		return nil, errors.New("fetch webhook key: it expired")
	}
	if jwk.GetCrv() != "P-256" || jwk.GetKty() != "EC" {
		return nil, errors.New("fetch webhook key: not of curve P-256")
	}
	x, errX := base64.RawURLEncoding.DecodeString(jwk.GetX())
	y, errY := base64.RawURLEncoding.DecodeString(jwk.GetY())
	if errX != nil || errY != nil || len(x) > 32 || len(y) > 32 {
		return nil, errors.New("fetch webhook key: coordinates cannot be read")
	}
	point := make([]byte, 65)
	point[0] = 4
	copy(point[33-len(x):33], x)
	copy(point[65-len(y):], y)
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
}

// Verify reads a webhook whose Plaid-Verification header signs exactly this body.
func (v *Verifier) Verify(ctx context.Context, body []byte, header string) (Webhook, error) {
	head, claims, signature, signed, err := split(header)
	if err != nil {
		return Webhook{}, fmt.Errorf("verify webhook: %w", err)
	}
	if head.Alg != "ES256" { // never what the sender chooses: "none" and HS256 are how these are forged
		return Webhook{}, errors.New("verify webhook: the algorithm is not ES256")
	}
	key, err := v.key(ctx, head.Kid)
	if err != nil {
		return Webhook{}, fmt.Errorf("verify webhook: %w", err)
	}
	digest := sha256.Sum256([]byte(signed))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return Webhook{}, errors.New("verify webhook: the signature is not Plaid's")
	}
	age := v.now().Sub(time.Unix(claims.IssuedAt, 0))
	if age > webhookAge || age < -webhookAge {
		return Webhook{}, errors.New("verify webhook: too old")
	}
	sum := sha256.Sum256(body)
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(claims.BodyHash)) != 1 {
		return Webhook{}, errors.New("verify webhook: the body is another")
	}
	w, err := ParseWebhook(body)
	if err != nil {
		return Webhook{}, err
	}
	id := sha256.Sum256([]byte(header))
	w.ID = hex.EncodeToString(id[:16])
	return w, nil
}

// Webhook is what Plaid tells of an item. It has no id of its own: ID is made from its signature.
type Webhook struct {
	ID     string `json:"-"`
	Type   string `json:"webhook_type"` // ITEM, AUTH
	Code   string `json:"webhook_code"` // ERROR, PENDING_EXPIRATION, USER_PERMISSION_REVOKED…
	ItemID string `json:"item_id"`

	AccountID string `json:"account_id"` // the one account of the item that it is about; "" is the item
	Error     struct {
		Code string `json:"error_code"` // ITEM_LOGIN_REQUIRED…
	} `json:"error"`
}

// ParseWebhook reads a webhook that was verified when it was stored.
func ParseWebhook(body []byte) (Webhook, error) {
	var w Webhook
	if err := json.Unmarshal(body, &w); err != nil {
		return Webhook{}, fmt.Errorf("read webhook: %w", err)
	}
	return w, nil
}

type jwtHead struct {
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

type jwtClaims struct {
	IssuedAt int64  `json:"iat"`
	BodyHash string `json:"request_body_sha256"`
}

// split takes a compact JWS apart. https://www.rfc-editor.org/rfc/rfc7515#section-3.1
func split(token string) (head jwtHead, claims jwtClaims, signature []byte, signed string, err error) {
	bad := errors.New("the header is no token")
	parts := strings.Split(token, ".")
	if len(token) > 4096 || len(parts) != 3 {
		return head, claims, nil, "", bad
	}
	for n, into := range []any{&head, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[n])
		if err != nil || json.Unmarshal(text, into) != nil {
			return head, claims, nil, "", bad
		}
	}
	signature, err = base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return head, claims, nil, "", bad
	}
	return head, claims, signature, parts[0] + "." + parts[1], nil
}

func (v *Verifier) key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	if k := v.keys[id]; now.Before(k.until) {
		return k.key, nil
	}
	if now.Sub(v.fetched) < fetchEvery {
		return nil, errors.New("an unknown key, and Plaid was asked a moment ago")
	}
	v.fetched = now
	key, err := v.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(v.keys) >= keysMost {
		clear(v.keys)
	}
	v.keys[id] = known{key, now.Add(keyLife)}
	return key, nil
}
