package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"time"
)

// plaidKey is a key that webhooks are signed with (https://plaid.com/docs/api/webhooks/webhook-verification/). The times
// are real ones, as those of the signatures.
type plaidKey struct {
	ID      string     `json:"id"`
	Private []byte     `json:"private"` // SEC 1, DER
	Created time.Time  `json:"created"`
	Expired *time.Time `json:"expired"` // set once another took its place
}

func (*plaidKey) kind() string  { return "plaid_key" }
func (k *plaidKey) key() string { return k.ID }

func newPlaidKey(t *tx) *plaidKey {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("sandbox: making a key: %v", err)) // crypto/rand does not fail
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		panic(fmt.Sprintf("sandbox: writing a key: %v", err)) // the curve is known
	}
	k := &plaidKey{ID: newUUID(), Private: der, Created: time.Now().UTC()}
	t.put(k)
	return k
}

func (k *plaidKey) private() *ecdsa.PrivateKey {
	private, err := x509.ParseECPrivateKey(k.Private)
	if err != nil {
		panic(fmt.Sprintf("sandbox: key %s: %v", k.ID, err)) // written above
	}
	return private
}

// signingKey is the key in force; the first is made when it is needed.
func signingKey(t *tx) *plaidKey {
	for k := range all[plaidKey](t) {
		if k.Expired == nil {
			return k
		}
	}
	return newPlaidKey(t)
}

type keyRequest struct {
	plaidCredentials
	KeyID string `json:"key_id"`
}

func getPlaidKey(c *plaidCall, in keyRequest) (any, error) {
	if err := plaidNeeds("key_id", in.KeyID); err != nil {
		return nil, err
	}
	k, ok := get[plaidKey](c.tx, in.KeyID)
	if !ok {
		return nil, plaidInput("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided. note that key_ids are specific to Plaid environments, and verification requests must be made to the same environment that the webhook was sent from")
	}
	point, err := k.private().PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, fmt.Errorf("sandbox: key %s: %w", k.ID, err)
	}
	jwk := map[string]any{"alg": "ES256", "crv": "P-256", "kid": k.ID, "kty": "EC", "use": "sig", "created_at": k.Created.Unix(), "expired_at": nil,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:])}
	if k.Expired != nil {
		jwk["expired_at"] = k.Expired.Unix()
	}
	return map[string]any{"key": jwk}, nil
}

// serveRotate is POST /plaid/keys: a new key signs from now on, those before it are expired and still told of.
func (s *Server) serveRotate(w http.ResponseWriter, r *http.Request) {
	result, err := s.transact(r, func(t *tx) (any, error) {
		now := time.Now().UTC()
		old := signingKey(t)
		old, _ = edit[plaidKey](t, old.ID)
		old.Expired = &now
		return map[string]any{"key_id": newPlaidKey(t).ID, "expired_key_id": old.ID}, nil
	})
	if err != nil {
		answerJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, result)
}

// serveLogins is POST /plaid/logins: every bank asks for its logins again, as one does whose password was changed.
func (s *Server) serveLogins(w http.ResponseWriter, r *http.Request) {
	result, err := s.transact(r, func(t *tx) (any, error) {
		var ids []string
		for item := range all[plaidItem](t) {
			if !item.Removed {
				ids = append(ids, item.ID)
			}
		}
		for _, id := range ids {
			item, _ := edit[plaidItem](t, id)
			t.askLogin(item)
		}
		return map[string]any{"items": len(ids)}, nil
	})
	if err != nil {
		answerJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, result)
}

// askLogin makes the bank of an item ask for the login again, and says so.
func (t *tx) askLogin(item *plaidItem) {
	e := plaidLoginRequired
	item.fail(&e)
	t.itemWebhook(item, "ITEM", "ERROR", map[string]any{"error": &e})
}

// plaidSignature is the Plaid-Verification header: a JWT over the body's hash, at the real time.
func plaidSignature(keyID string, private *ecdsa.PrivateKey, at time.Time, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"JWT"}`, keyID)
	claims := fmt.Sprintf(`{"iat":%d,"request_body_sha256":%q}`, at.Unix(), hex.EncodeToString(sum[:]))
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	digest := sha256.Sum256([]byte(signed))
	x, y, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign webhook: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(jwsSignature(x, y)), nil
}

// jwsSignature is r and s, 32 bytes each (RFC 7518 §3.4).
func jwsSignature(r, s *big.Int) []byte {
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out
}

// itemWebhook queues a webhook about an item; faults know it as "event ITEM.ERROR".
func (t *tx) itemWebhook(item *plaidItem, kind, code string, more map[string]any) {
	if item.Webhook == "" {
		return
	}
	body := map[string]any{"webhook_type": kind, "webhook_code": code, "item_id": item.ID, "environment": "sandbox", "error": nil}
	maps.Copy(body, more)
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("sandbox: writing a webhook: %v", err)) // plain data
	}
	item.LastWebhook, item.LastSent = code, t.now
	t.put(&delivery{Event: newID("plaidhook"), Type: kind + "." + code, Next: t.now, URL: item.Webhook, Body: raw})
}

type fireRequest struct {
	plaidCredentials
	AccessToken string `json:"access_token"`
	WebhookType string `json:"webhook_type"`
	WebhookCode string `json:"webhook_code"`
}

// consentLeft is how long before its end PENDING_EXPIRATION comes (https://plaid.com/docs/api/items/#pending_expiration).
const consentLeft = 7 * 24 * time.Hour

// fireItemWebhook makes happen what the webhook tells of, and sends it.
func fireItemWebhook(c *plaidCall, in fireRequest) (any, error) {
	if err := plaidNeeds("access_token", in.AccessToken, "webhook_code", in.WebhookCode); err != nil {
		return nil, err
	}
	item, err := c.brokenItem(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if item.Webhook == "" {
		return nil, plaidFault(http.StatusBadRequest, "SANDBOX_ERROR", "SANDBOX_WEBHOOK_INVALID", "webhook could not be fired. the item has no webhook URL set")
	}
	if kind := orDefault(in.WebhookType, "ITEM"); kind != "ITEM" {
		return nil, plaidInvalidField("webhook_type %s is not in this sandbox", kind)
	}
	more := map[string]any{}
	switch in.WebhookCode {
	case "ERROR":
		e := plaidLoginRequired
		item.fail(&e)
		more["error"] = &e
	case "PENDING_EXPIRATION":
		ends := c.now.Add(consentLeft).UTC().Truncate(time.Second)
		item.Expires = &ends
		more["consent_expiration_time"] = ends
	case "USER_PERMISSION_REVOKED":
		e := plaidPermissionRevoked
		item.fail(&e)
		more["error"] = &e
	case "USER_ACCOUNT_REVOKED":
		more["account_id"] = item.Accounts[0].ID
	case "LOGIN_REPAIRED":
		item.fail(nil)
	case "NEW_ACCOUNTS_AVAILABLE":
	default:
		return nil, plaidInvalidField("webhook_code %s is not in this sandbox", in.WebhookCode)
	}
	c.itemWebhook(item, "ITEM", in.WebhookCode, more)
	return map[string]any{"webhook_fired": true}, nil
}

// resetItemLogin makes the bank ask for the login again.
func resetItemLogin(c *plaidCall, in itemRequest) (any, error) {
	item, err := c.brokenItem(in.AccessToken)
	if err != nil {
		return nil, err
	}
	c.askLogin(item)
	return map[string]any{"reset_login": true}, nil
}

// plaidSigner signs as Plaid does; a bad signature is by a key that is not the one it names.
func plaidSigner(k *plaidKey, bad bool) signer {
	return func(h http.Header, at time.Time, body []byte) error {
		private := k.private()
		if bad {
			var err error
			if private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
				return fmt.Errorf("make a key: %w", err)
			}
		}
		token, err := plaidSignature(k.ID, private, at, body)
		if err != nil {
			return err
		}
		h.Set("User-Agent", "Plaid/1.0")
		h.Set("Plaid-Verification", token)
		return nil
	}
}
