package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// plaidHook is one webhook as it came.
type plaidHook struct {
	raw   []byte
	body  fields
	token string
}

type plaidListener struct {
	*httptest.Server
	got chan plaidHook
}

func listenForPlaid(t *testing.T) *plaidListener {
	l := &plaidListener{got: make(chan plaidHook, 100)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		hook := plaidHook{raw: raw, token: r.Header.Get("Plaid-Verification")}
		_ = json.Unmarshal(raw, &hook.body)
		l.got <- hook
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *plaidListener) next(t *testing.T) plaidHook {
	t.Helper()
	select {
	case hook := <-l.got:
		return hook
	case <-time.After(within):
		t.Fatal("no webhook came")
		return plaidHook{}
	}
}

func decodePart(t *testing.T, part string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// verify checks a webhook as Plaid's page says, and gives the key's id and whether the signature is right.
func (h plaidHook) verify(t *testing.T, s *Server) (keyID string, ok bool) {
	t.Helper()
	parts := strings.Split(h.token, ".")
	if len(parts) != 3 {
		t.Fatalf("Plaid-Verification is %q", h.token)
	}
	var header struct{ Alg, Kid, Typ string }
	var claims struct {
		Iat  int64
		Hash string `json:"request_body_sha256"`
	}
	if err := json.Unmarshal(decodePart(t, parts[0]), &header); err != nil || header.Alg != "ES256" {
		t.Fatalf("header is %+v: %v", header, err)
	}
	if err := json.Unmarshal(decodePart(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.Unix(claims.Iat, 0)); age < -2*time.Second || age > time.Minute {
		t.Errorf("signed %s ago by the real clock", age)
	}
	if sum := sha256.Sum256(h.raw); claims.Hash != hex.EncodeToString(sum[:]) {
		t.Errorf("hash of the body is %s", claims.Hash)
	}
	key := plaidMust(t, s.Env(), "/webhook_verification_key/get", fields{"key_id": header.Kid})["key"].(fields)
	if key["alg"] != "ES256" || key["crv"] != "P-256" || key["kty"] != "EC" || key["use"] != "sig" || key["kid"] != header.Kid {
		t.Errorf("key is %v", key)
	}
	number := func(raw []byte) *big.Int { return new(big.Int).SetBytes(raw) }
	point := slices.Concat([]byte{4}, decodePart(t, key["x"].(string)), decodePart(t, key["y"].(string)))
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature := decodePart(t, parts[2])
	if len(signature) != 64 {
		t.Fatalf("signature of %d bytes", len(signature))
	}
	return header.Kid, ecdsa.Verify(public, digest[:], number(signature[:32]), number(signature[32:]))
}

func TestPlaidWebhooks_AreSignedAndTellWhatHappened(t *testing.T) {
	s := start(t, Options{})
	hooks := listenForPlaid(t)
	control(t, s, "POST", "/clock", `{"advance":"720h"}`) // signatures keep the real time
	access, account := linkedItem(t, s.Env(), "ins_56", hooks.URL)
	item := plaidMust(t, s.Env(), "/item/get", fields{"access_token": access})["item"].(fields)["item_id"]
	for code, check := range map[string]func(fields) bool{
		"ERROR":                   func(b fields) bool { return b["error"].(fields)["error_code"] == "ITEM_LOGIN_REQUIRED" },
		"USER_PERMISSION_REVOKED": func(b fields) bool { return b["error"].(fields)["error_code"] == "USER_PERMISSION_REVOKED" },
		"PENDING_EXPIRATION":      func(b fields) bool { return b["consent_expiration_time"] != nil },
		"USER_ACCOUNT_REVOKED":    func(b fields) bool { return b["account_id"] == account },
		"LOGIN_REPAIRED":          func(b fields) bool { return b["error"] == nil },
		"NEW_ACCOUNTS_AVAILABLE":  func(b fields) bool { return b["error"] == nil },
	} {
		plaidMust(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_type": "ITEM", "webhook_code": code})
		got := hooks.next(t)
		if _, ok := got.verify(t, s); !ok {
			t.Errorf("%s: the signature is wrong", code)
		}
		if got.body["webhook_type"] != "ITEM" || got.body["webhook_code"] != code || got.body["item_id"] != item || got.body["environment"] != "sandbox" || !check(got.body) {
			t.Errorf("%s: %v", code, got.body)
		}
		if last := plaidMust(t, s.Env(), "/item/get", fields{"access_token": access})["status"].(fields)["last_webhook"].(fields); last["code_sent"] != code {
			t.Errorf("%s: the item shows %v", code, last)
		}
	}
	plaidRefuses(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "PRODUCT_READY"}, "INVALID_FIELD")
	plaidMust(t, s.Env(), "/item/webhook/update", fields{"access_token": access, "webhook": hooks.URL + "/new"})
	if got := hooks.next(t); got.body["webhook_code"] != "WEBHOOK_UPDATE_ACKNOWLEDGED" || got.body["new_webhook_url"] != hooks.URL+"/new" {
		t.Errorf("webhook is %v", got.body)
	}
}

func TestPlaidWebhooks_RevokedPermissionEndsAccess(t *testing.T) {
	s := start(t, Options{})
	hooks := listenForPlaid(t)
	access, _ := linkedItem(t, s.Env(), "ins_56", hooks.URL)
	plaidMust(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "USER_PERMISSION_REVOKED"})
	plaidRefuses(t, s.Env(), "/accounts/get", fields{"access_token": access}, "USER_PERMISSION_REVOKED")
	plaidMust(t, s.Env(), "/item/remove", fields{"access_token": access}) // still possible
}

func TestPlaidWebhooks_KeyIsRotated(t *testing.T) {
	s := start(t, Options{})
	hooks := listenForPlaid(t)
	access, _ := linkedItem(t, s.Env(), "ins_56", hooks.URL)
	fire := func() string {
		plaidMust(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "NEW_ACCOUNTS_AVAILABLE"})
		id, ok := hooks.next(t).verify(t, s)
		if !ok {
			t.Error("the signature is wrong")
		}
		return id
	}
	key := func(id any) fields {
		return plaidMust(t, s.Env(), "/webhook_verification_key/get", fields{"key_id": id})["key"].(fields)
	}
	first := fire()
	if fire() != first {
		t.Error("the key changed by itself")
	}
	rotated := control(t, s, "POST", "/plaid/keys", "")
	if rotated["expired_key_id"] != first || key(first)["expired_at"] == nil {
		t.Errorf("rotated %v, the old key is %v", rotated, key(first))
	}
	if second := fire(); second != rotated["key_id"] || key(second)["expired_at"] != nil {
		t.Errorf("signed by %s, %v", second, key(second))
	}
}

func TestFault_W17_PlaidWebhooksAreBentByFaults(t *testing.T) {
	s := start(t, Options{})
	hooks := listenForPlaid(t)
	access, _ := linkedItem(t, s.Env(), "ins_56", hooks.URL)
	fire := func(mode string) {
		fails(t, s, "event ITEM.NEW_ACCOUNTS_*", mode)
		plaidMust(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "NEW_ACCOUNTS_AVAILABLE"})
	}
	fire("bad_sig")
	if _, ok := hooks.next(t).verify(t, s); ok {
		t.Error("bad_sig left the signature right")
	}
	fire("dup:3")
	for range 3 {
		if _, ok := hooks.next(t).verify(t, s); !ok {
			t.Error("a copy's signature is wrong")
		}
	}
	fire("lose")
	if err := s.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(hooks.got) > 0 {
		t.Error("a lost webhook came")
	}
}

func TestPlaidWebhooks_GoToTheirOwnAddress(t *testing.T) {
	s := start(t, Options{})
	stripeHooks := newWebhookEndpoint(t, s)
	hooks := listenForPlaid(t)
	access, _ := linkedItem(t, s.Env(), "ins_56", hooks.URL)
	plaidMust(t, s.Env(), "/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "LOGIN_REPAIRED"})
	mustPay(t, stripeClient(s), "pm_card_visa", nil)
	stripeHooks.wait(t, "the payment", func() bool { return stripeHooks.has("payment_intent.succeeded") })
	if got := hooks.next(t); got.body["webhook_code"] != "LOGIN_REPAIRED" {
		t.Errorf("webhook is %v", got.body)
	}
	if err := s.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stripeHooks.bad > 0 || len(hooks.got) > 0 {
		t.Error("a webhook went to the other's address")
	}
}
