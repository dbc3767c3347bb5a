package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

type fields = map[string]any

// plaidPost makes a request as Plaid's clients do: JSON, the keys as headers.
func plaidPost(t *testing.T, env map[string]string, path string, body fields) (int, fields) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, env["PLAID_API_BASE"]+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("PLAID-CLIENT-ID", env["PLAID_CLIENT_ID"])
	req.Header.Set("PLAID-SECRET", env["PLAID_SECRET"])
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out fields
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("%s: %v in %s", path, err, answer)
	}
	return resp.StatusCode, out
}

// plaidMust is plaidPost for what has to work.
func plaidMust(t *testing.T, env map[string]string, path string, body fields) fields {
	t.Helper()
	status, out := plaidPost(t, env, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", path, status, out)
	}
	if id, _ := out["request_id"].(string); len(id) != 15 {
		t.Errorf("%s: request_id is %q", path, out["request_id"])
	}
	return out
}

// plaidRefuses wants the error code of a refusal.
func plaidRefuses(t *testing.T, env map[string]string, path string, body fields, code string) {
	t.Helper()
	status, out := plaidPost(t, env, path, body)
	if status < 400 || out["error_code"] != code {
		t.Errorf("%s %v: got %d %v, want %s", path, body, status, out, code)
	}
}

func linkTokenBody(more fields) fields {
	body := fields{"client_name": "Northwind Studio", "language": "en", "country_codes": []string{"US"}, "products": []string{"auth"}, "user": fields{"client_user_id": "cus_1"}}
	for k, v := range more {
		if v == nil {
			delete(body, k)
		} else {
			body[k] = v
		}
	}
	return body
}

// linkedItem is an access token and the id of the item's first account.
func linkedItem(t *testing.T, env map[string]string, institution, webhook string) (access, account string) {
	t.Helper()
	options := fields{}
	if webhook != "" {
		options["webhook"] = webhook
	}
	p := plaidMust(t, env, "/sandbox/public_token/create", fields{"institution_id": institution, "initial_products": []string{"auth"}, "options": options})
	x := plaidMust(t, env, "/item/public_token/exchange", fields{"public_token": p["public_token"]})
	return x["access_token"].(string), p["account_id"].(string)
}

func (s *Server) bankToken(t *testing.T, id string) bankToken {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := get[bankToken](s.begin(nil), id)
	if !ok {
		t.Fatalf("no bank token %s", id)
	}
	return *b
}

func TestPlaid_LinksAnAccountStepByStep(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	access, account := linkedItem(t, env, "ins_56", "")

	accounts := plaidMust(t, env, "/accounts/get", fields{"access_token": access})["accounts"].([]any)
	var names []string
	for _, a := range accounts {
		names = append(names, a.(fields)["name"].(string)+" "+a.(fields)["mask"].(string))
	}
	if got, want := strings.Join(names, "; "), "Checking, debits succeed 6789; Savings, debits succeed 6789; Checking, account closed 1113; Checking, insufficient funds 2227; Checking, debit not authorized 3335"; got != want {
		t.Errorf("accounts are %s", got)
	}
	if one := plaidMust(t, env, "/accounts/get", fields{"access_token": access, "options": fields{"account_ids": []string{account}}})["accounts"].([]any); len(one) != 1 {
		t.Errorf("asked for one account, got %v", one)
	}
	ach := plaidMust(t, env, "/auth/get", fields{"access_token": access})["numbers"].(fields)["ach"].([]any)[0].(fields)
	if ach["account_id"] != account || ach["account"] != "000123456789" || ach["routing"] != "110000000" {
		t.Errorf("numbers are %v", ach)
	}

	id := plaidMust(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account})["stripe_bank_account_token"].(string)
	if !strings.HasPrefix(id, "btok_") {
		t.Errorf("token is %s", id)
	}
	b := s.bankToken(t, id)
	if b.RoutingNumber != "110000000" || b.AccountNumber != "000123456789" || b.Last4 != "6789" || b.BankName != "Chase" || b.AccountType != "checking" || b.HolderType != "individual" || b.HolderName == "" || b.AccountID != account || b.Used || b.Revoked {
		t.Errorf("Stripe learns %+v", b)
	}
	other, otherAccount := linkedItem(t, env, "ins_56", "")
	kept := plaidMust(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": other, "account_id": otherAccount})["stripe_bank_account_token"].(string)

	plaidMust(t, env, "/item/remove", fields{"access_token": access})
	if !s.bankToken(t, id).Revoked {
		t.Error("the item was removed, and its bank account token still stands")
	}
	if s.bankToken(t, kept).Revoked {
		t.Error("another item's bank account token was revoked")
	}
	for _, path := range []string{"/item/get", "/item/remove", "/accounts/get", "/auth/get"} {
		plaidRefuses(t, env, path, fields{"access_token": access}, "ITEM_NOT_FOUND")
	}
}

func TestPlaid_PublicTokenServesOnceAndSoon(t *testing.T) {
	s := start(t, Options{})
	create := func() fields {
		p := plaidMust(t, s.Env(), "/sandbox/public_token/create", fields{"institution_id": "ins_56", "initial_products": []string{"auth"}})
		return fields{"public_token": p["public_token"]}
	}
	used, late := create(), create()
	plaidMust(t, s.Env(), "/item/public_token/exchange", used)
	plaidRefuses(t, s.Env(), "/item/public_token/exchange", used, "INVALID_PUBLIC_TOKEN")
	control(t, s, "POST", "/clock", `{"advance":"29m"}`)
	plaidMust(t, s.Env(), "/item/public_token/exchange", create())
	control(t, s, "POST", "/clock", `{"advance":"2m"}`)
	plaidRefuses(t, s.Env(), "/item/public_token/exchange", late, "INVALID_PUBLIC_TOKEN")
}

func TestPlaid_RefusesInPlaidsWords(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	access, _ := linkedItem(t, env, "ins_56", "")
	for _, tt := range []struct {
		path string
		body fields
		code string
	}{
		{"/item/get", fields{}, "MISSING_FIELDS"},
		{"/item/get", fields{"access_token": access, "colour": "red"}, "UNKNOWN_FIELDS"},
		{"/item/get", fields{"access_token": 7}, "INVALID_FIELD"},
		{"/item/get", fields{"access_token": "token"}, "INVALID_ACCESS_TOKEN"},
		{"/item/get", fields{"access_token": "access-sandbox-" + newUUID()}, "INVALID_ACCESS_TOKEN"},
		{"/item/nothing", fields{}, "NOT_FOUND"},
		{"/item/public_token/exchange", fields{"public_token": "public"}, "INVALID_PUBLIC_TOKEN"},
		{"/item/public_token/exchange", fields{"public_token": "public-sandbox-" + newUUID()}, "INVALID_PUBLIC_TOKEN"},
		{"/accounts/get", fields{"access_token": access, "options": fields{"account_ids": []string{"x"}}}, "INVALID_ACCOUNT_ID"},
		{"/processor/stripe/bank_account_token/create", fields{"access_token": access}, "MISSING_FIELDS"},
		{"/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": "x"}, "INVALID_ACCOUNT_ID"},
		{"/webhook_verification_key/get", fields{"key_id": "x"}, "INVALID_WEBHOOK_VERIFICATION_KEY_ID"},
		{"/institutions/get_by_id", fields{"institution_id": "ins_0", "country_codes": []string{"US"}}, "INVALID_INSTITUTION"},
		{"/sandbox/public_token/create", fields{"institution_id": "ins_0", "initial_products": []string{"auth"}}, "INVALID_INSTITUTION"},
		{"/sandbox/public_token/create", fields{"institution_id": "ins_56", "initial_products": []string{"assets"}}, "INVALID_PRODUCT"},
		{"/sandbox/public_token/create", fields{"institution_id": "ins_132361", "initial_products": []string{"auth"}}, "INSTITUTION_DOWN"},
		{"/sandbox/public_token/create", fields{"institution_id": "ins_109511", "initial_products": []string{"auth"}}, "INVALID_CREDENTIALS"},
		{"/sandbox/public_token/create", fields{"institution_id": "ins_56", "initial_products": []string{"auth"}, "options": fields{"override_username": "user_bad"}}, "INVALID_CREDENTIALS"},
		{"/sandbox/item/fire_webhook", fields{"access_token": access, "webhook_code": "ERROR"}, "SANDBOX_WEBHOOK_INVALID"},
		{"/item/webhook/update", fields{"access_token": access, "webhook": "ftp://x"}, "INVALID_FIELD"},

		{"/link/token/create", linkTokenBody(fields{"user": nil}), "MISSING_FIELDS"},
		{"/link/token/create", linkTokenBody(fields{"products": nil}), "MISSING_FIELDS"},
		{"/link/token/create", linkTokenBody(fields{"products": []string{"transactions"}}), "INVALID_PRODUCT"},
		{"/link/token/create", linkTokenBody(fields{"client_name": strings.Repeat("a", 31)}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"country_codes": []string{"GB"}}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"language": "tlh"}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"webhook": "nowhere"}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"redirect_uri": "http://shop.example/plaid"}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"redirect_uri": "https://shop.example/plaid?x=1"}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"account_filters": fields{"depository": fields{"account_subtypes": []string{"sock"}}}}), "INVALID_FIELD"},
		{"/link/token/create", linkTokenBody(fields{"access_token": "access-sandbox-" + newUUID()}), "INVALID_ACCESS_TOKEN"},
	} {
		plaidRefuses(t, env, tt.path, tt.body, tt.code)
	}
	for _, uri := range []string{"https://shop.example/plaid", "http://127.0.0.1:8080/plaid", "http://localhost/plaid"} {
		plaidMust(t, env, "/link/token/create", linkTokenBody(fields{"redirect_uri": uri}))
	}
}

func TestPlaid_DemandsItsKeys(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	body := fields{"institution_id": "ins_56", "country_codes": []string{"US"}}
	anybody := map[string]string{"PLAID_API_BASE": s.URL()}
	plaidRefuses(t, anybody, "/institutions/get_by_id", body, "MISSING_FIELDS")
	plaidRefuses(t, map[string]string{"PLAID_API_BASE": s.URL(), "PLAID_CLIENT_ID": env["PLAID_CLIENT_ID"], "PLAID_SECRET": "wrong"}, "/institutions/get_by_id", body, "INVALID_API_KEYS")
	body["client_id"], body["secret"] = env["PLAID_CLIENT_ID"], env["PLAID_SECRET"]
	plaidMust(t, anybody, "/institutions/get_by_id", body)
}

func TestPlaid_ItemThatNeedsALoginIsRepairedInUpdateMode(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	access, account := linkedItem(t, env, "ins_56", "")
	plaidMust(t, env, "/sandbox/item/reset_login", fields{"access_token": access})
	plaidRefuses(t, env, "/accounts/get", fields{"access_token": access}, "ITEM_LOGIN_REQUIRED")
	plaidRefuses(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account}, "ITEM_LOGIN_REQUIRED")
	if item := plaidMust(t, env, "/item/get", fields{"access_token": access})["item"].(fields); item["error"].(fields)["error_code"] != "ITEM_LOGIN_REQUIRED" {
		t.Errorf("the item shows %v", item["error"])
	}
	link := plaidMust(t, env, "/link/token/create", linkTokenBody(fields{"access_token": access, "products": nil}))
	opened := linkStep(t, s, "start", fields{"link_token": link["link_token"]})
	if opened["update"] != true || opened["institution"].(fields)["institution_id"] != "ins_56" {
		t.Fatalf("update mode opens with %v", opened)
	}
	linkStep(t, s, "login", fields{"link_session_id": opened["link_session_id"], "institution_id": "ins_56", "username": "user_good", "password": "pass_good"})
	linkStep(t, s, "finish", fields{"link_session_id": opened["link_session_id"]})
	accounts := plaidMust(t, env, "/accounts/get", fields{"access_token": access})["accounts"].([]any)
	if len(accounts) != 5 || accounts[0].(fields)["account_id"] != account {
		t.Errorf("after the repair the accounts are %v", accounts)
	}
}

func TestPlaid_EveryBankAsksForItsLoginsAgain(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	hooks := listenForPlaid(t)
	access, _ := linkedItem(t, env, "ins_56", hooks.URL)
	gone, _ := linkedItem(t, env, "ins_56", hooks.URL)
	plaidMust(t, env, "/item/remove", fields{"access_token": gone})
	control(t, s, "POST", "/plaid/logins", ``)
	if got := hooks.next(t); got.body["webhook_code"] != "ERROR" || got.body["error"].(fields)["error_code"] != "ITEM_LOGIN_REQUIRED" {
		t.Errorf("webhook is %v", got.body)
	}
	plaidRefuses(t, env, "/accounts/get", fields{"access_token": access}, "ITEM_LOGIN_REQUIRED")
	plaidRefuses(t, env, "/accounts/get", fields{"access_token": gone}, "ITEM_NOT_FOUND")
}

func TestPlaid_MicroDepositsVerifyAnAccountByTheClock(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	hooks := listenForPlaid(t)
	access, account := linkedItem(t, env, "ins_109512", hooks.URL)
	plaidRefuses(t, env, "/auth/get", fields{"access_token": access}, "PRODUCT_NOT_READY")
	plaidRefuses(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account}, "PRODUCT_NOT_READY")
	control(t, s, "POST", "/clock", `{"advance":"47h"}`)
	plaidRefuses(t, env, "/auth/get", fields{"access_token": access}, "PRODUCT_NOT_READY")
	control(t, s, "POST", "/clock", `{"advance":"2h"}`)
	plaidMust(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account})
	if got := hooks.next(t); got.body["webhook_type"] != "AUTH" || got.body["webhook_code"] != "AUTOMATICALLY_VERIFIED" {
		t.Errorf("webhook is %v", got.body)
	}
	if a := plaidMust(t, env, "/accounts/get", fields{"access_token": access})["accounts"].([]any)[0].(fields); a["verification_status"] != "automatically_verified" {
		t.Errorf("account is %v", a)
	}
}

func TestFault_A02_PlaidFailsAsAsked(t *testing.T) {
	s := start(t, Options{})
	env := s.Env()
	public := plaidMust(t, env, "/sandbox/public_token/create", fields{"institution_id": "ins_56", "initial_products": []string{"auth"}})["public_token"]
	body := fields{"public_token": public}
	const exchange = "/item/public_token/exchange"
	fails(t, s, "POST "+exchange, "500_before")
	plaidRefuses(t, env, exchange, body, "INTERNAL_SERVER_ERROR")
	fails(t, s, "POST /item/*/exchange", "429")
	plaidRefuses(t, env, exchange, body, "RATE_LIMIT")
	for _, mode := range []string{"drop_before", "bad_json"} {
		fails(t, s, "POST /institutions/*", mode)
		req, err := http.NewRequest(http.MethodPost, s.URL()+"/institutions/get_by_id", strings.NewReader(`{"institution_id":"ins_56","country_codes":["US"],"client_id":"`+env["PLAID_CLIENT_ID"]+`","secret":"`+env["PLAID_SECRET"]+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			raw, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if mode == "drop_before" || json.Valid(raw) {
				t.Errorf("%s answers %s", mode, raw)
			}
		}
	}
	fails(t, s, "POST "+exchange, "500_after")
	plaidRefuses(t, env, exchange, body, "INTERNAL_SERVER_ERROR")
	plaidRefuses(t, env, exchange, body, "INVALID_PUBLIC_TOKEN") // it had happened
}

func TestPlaid_SurvivesKill9(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir, "")
	access, account := linkedItem(t, first.env, "ins_56", "")
	plaidMust(t, first.env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account})
	link := plaidMust(t, first.env, "/link/token/create", linkTokenBody(nil))["link_token"]
	first.kill(t)

	s := start(t, Options{DataDir: dir})
	if s.Env()["PLAID_SECRET"] != first.env["PLAID_SECRET"] {
		t.Error("the keys changed")
	}
	if got := plaidMust(t, s.Env(), "/auth/get", fields{"access_token": access})["accounts"].([]any)[0].(fields)["account_id"]; got != account {
		t.Errorf("account is %v, was %s", got, account)
	}
	linkStep(t, s, "start", fields{"link_token": link})
	if n := len(s.state.table("bank_token").byKey); n != 1 {
		t.Errorf("%d bank account tokens after the kill", n)
	}
}

func TestPlaid_KeysAreAddedToAnOlderAccount(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(`{"secret":"sk_test_old","publishable":"pk_test_old","webhook":"whsec_old"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	first := start(t, Options{DataDir: dir})
	env := first.Env()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if again := start(t, Options{DataDir: dir}).Env(); env["STRIPE_SECRET_KEY"] != "sk_test_old" || env["PLAID_SECRET"] == "" || again["PLAID_SECRET"] != env["PLAID_SECRET"] {
		t.Errorf("first %v, then %v", env, again)
	}
}

func TestPlaid_ForgetsWhatIsOver(t *testing.T) {
	s := start(t, Options{})
	link := plaidMust(t, s.Env(), "/link/token/create", linkTokenBody(nil))["link_token"]
	linkStep(t, s, "start", fields{"link_token": link})
	linkedItem(t, s.Env(), "ins_56", "")
	control(t, s, "POST", "/clock", `{"advance":"27h"}`)
	count := func(kind string) int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.state.table(kind).byKey)
	}
	if count("plaid_link_token") != 1 || count("plaid_session") != 1 {
		t.Error("a link token was forgotten within a day of its end")
	}
	control(t, s, "POST", "/clock", `{"advance":"2h"}`)
	for kind, want := range map[string]int{"plaid_link_token": 0, "plaid_session": 0, "plaid_public_token": 0, "plaid_item": 1} {
		if got := count(kind); got != want {
			t.Errorf("%d of %s, want %d", got, kind, want)
		}
	}
}

// within is how long tests wait for what happens on its own.
const within = 20 * time.Second

// A login is in the log of truth from the exchange on, with its accounts, and once more when it is removed.
func TestPlaid_TruthTellsOfLogins(t *testing.T) {
	s := start(t, Options{})
	access, account := linkedItem(t, s.Env(), "ins_56", "")
	plaidMust(t, s.Env(), "/item/remove", fields{"access_token": access})
	log := truthOf(t, s)
	if len(log) != 2 || log[0].Kind != "plaid_item" || log[0].Status != "linked" || log[1].ID != log[0].ID || log[1].Status != "removed" {
		t.Fatalf("the truth is %+v", log)
	}
	if !slices.Contains(strings.Fields(log[0].Metadata["accounts"]), account) {
		t.Errorf("the login's accounts are %v", log[0].Metadata)
	}
}

// The test account numbers are at every bank; an account at one is not the account at another.
func TestPlaid_AccountsOfTwoBanksAreTwoAccounts(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	routings, prints := map[string]string{}, map[string]string{}
	for _, b := range banks {
		if other := routings[b.Routing]; other != "" || len(b.Routing) != 9 {
			t.Errorf("%s has the routing number of %q", b.Name, other)
		}
		routings[b.Routing] = b.Name
		if b.Down || b.Locked || b.Unverified {
			continue
		}
		access, account := linkedItem(t, s.Env(), b.ID, "")
		token := plaidMust(t, s.Env(), "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account})["stripe_bank_account_token"].(string)
		ba := attachBank(t, sc, cus, token)
		if other := prints[ba.Fingerprint]; other != "" || ba.BankName != b.Name || ba.RoutingNumber != b.Routing {
			t.Errorf("%s (%s, %s) is the account at %q", b.Name, ba.BankName, ba.RoutingNumber, other)
		}
		prints[ba.Fingerprint] = b.Name
	}
}
