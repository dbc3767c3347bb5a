package contract

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plaid/plaid-go/v20/plaid"

	"paylink/sandbox"
)

// beyondPlaid are fields that the sandbox adds to Plaid's answers: what onSuccess would have told.
var beyondPlaid = regexp.MustCompile(`^/sandbox/public_token/create\.(account_id|accounts): not described$`)

// plaidWebhooks names the description of each webhook that the sandbox sends.
var plaidWebhooks = map[string]string{
	"ITEM ERROR": "ItemErrorWebhook", "ITEM PENDING_EXPIRATION": "PendingExpirationWebhook", "ITEM USER_PERMISSION_REVOKED": "UserPermissionRevokedWebhook",
	"ITEM USER_ACCOUNT_REVOKED": "UserAccountRevokedWebhook", "ITEM LOGIN_REPAIRED": "ItemLoginRepairedWebhook", "ITEM NEW_ACCOUNTS_AVAILABLE": "NewAccountsAvailableWebhook",
	"ITEM WEBHOOK_UPDATE_ACKNOWLEDGED": "WebhookUpdateAcknowledgedWebhook", "AUTH AUTOMATICALLY_VERIFIED": "AutomaticallyVerifiedWebhook",
}

// plaidClient is Plaid's own client, changed in nothing but its address.
func plaidClient(s *sandbox.Server, rec *recorder) *plaid.PlaidApiService {
	c := plaid.NewConfiguration()
	c.AddDefaultHeader("PLAID-CLIENT-ID", s.Env()["PLAID_CLIENT_ID"])
	c.AddDefaultHeader("PLAID-SECRET", s.Env()["PLAID_SECRET"])
	c.UseEnvironment(plaid.Environment(s.Env()["PLAID_API_BASE"]))
	c.HTTPClient = &http.Client{Transport: rec, Timeout: 20 * time.Second}
	return plaid.NewAPIClient(c).PlaidApi
}

// plaidWent fails the test when a call was refused, and ends the answer's body.
func plaidWent[T any](t *testing.T, answer T, resp *http.Response, err error) T {
	t.Helper()
	if resp != nil {
		resp.Body.Close()
	}
	if err != nil {
		if refusal, e := plaid.ToPlaidError(err); e == nil {
			err = fmt.Errorf("%s: %s", refusal.ErrorCode, refusal.ErrorMessage)
		}
		t.Fatal(err)
	}
	return answer
}

// plaidRefused wants a refusal in a shape that the client understands.
func plaidRefused(t *testing.T, code string, resp *http.Response, err error) {
	t.Helper()
	if resp != nil {
		resp.Body.Close()
	}
	if refusal, e := plaid.ToPlaidError(err); e != nil || refusal.ErrorCode != code || refusal.ErrorType == "" || refusal.GetRequestId() == "" {
		t.Errorf("want %s, got %v", code, err)
	}
}

func TestPlaidAnswers_FitItsDescription(t *testing.T) {
	spec, err := LoadPlaidSpec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hooks := make(chan []byte, 100)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		hooks <- body
	}))
	t.Cleanup(endpoint.Close)
	s := startSandbox(t)
	var rec recorder
	everythingOfPlaid(t, s, plaidClient(s, &rec), endpoint.URL)
	if err := s.WaitDelivered(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(hooks)

	visited := map[string]bool{}
	for _, e := range rec.seen {
		op, _ := spec.Operation(e.method, e.path)
		if op == nil {
			t.Errorf("%s %s is not described", e.method, e.path)
			continue
		}
		schema := op.Answer(e.status)
		if e.status >= 400 {
			schema = &Schema{Ref: "PlaidError"}
		} else {
			visited[e.path] = true
		}
		for _, wrong := range spec.Check(decode(t, e.body), schema, e.path) {
			if !beyondPlaid.MatchString(wrong) {
				t.Errorf("%d: %s", e.status, wrong)
			}
		}
	}
	for path := range spec.Paths {
		if servedByPlaid(t, s, path) && !visited[path] {
			t.Errorf("%s is served, but no answer of it was checked", path)
		}
	}
	sent := map[string]bool{}
	for raw := range hooks {
		body := decode(t, raw).(map[string]any)
		kind := fmt.Sprint(body["webhook_type"], " ", body["webhook_code"])
		sent[kind] = true
		for _, wrong := range spec.Check(body, &Schema{Ref: plaidWebhooks[kind]}, kind) {
			// Every webhook of an item has had the field; the description has it for some.
			if wrong != kind+".error: not described" {
				t.Error(wrong)
			}
		}
	}
	for kind := range plaidWebhooks {
		if !sent[kind] {
			t.Errorf("no %s was sent", kind)
		}
	}
	t.Logf("%d answers of %d operations, %d kinds of webhooks", len(rec.seen), len(visited), len(sent))
}

// servedByPlaid tells whether the sandbox knows a path of Plaid's.
func servedByPlaid(t *testing.T, s *sandbox.Server, path string) bool {
	t.Helper()
	resp, err := http.Post(s.URL()+path, "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusBadRequest // the keys are missing; 404 or 405 is what it does not know
}

// everythingOfPlaid makes the sandbox say all that it can say as Plaid.
func everythingOfPlaid(t *testing.T, s *sandbox.Server, p *plaid.PlaidApiService, hooks string) {
	t.Helper()
	ctx := t.Context()
	user := plaid.NewLinkTokenCreateRequestUser("cus_1")
	ask := plaid.NewLinkTokenCreateRequest("Northwind Studio", "en", []plaid.CountryCode{plaid.COUNTRYCODE_US}, *user)
	ask.SetProducts([]plaid.Products{plaid.PRODUCTS_AUTH})
	ask.SetWebhook(hooks)
	ask.SetRedirectUri("https://pay.example/plaid/oauth")
	filters := plaid.NewLinkTokenAccountFilters()
	filters.SetDepository(*plaid.NewDepositoryFilter([]plaid.DepositoryAccountSubtype{plaid.DEPOSITORYACCOUNTSUBTYPE_CHECKING, plaid.DEPOSITORYACCOUNTSUBTYPE_SAVINGS}))
	ask.SetAccountFilters(*filters)
	link, resp, err := p.LinkTokenCreate(ctx).LinkTokenCreateRequest(*ask).Execute()
	token := plaidWent(t, link, resp, err)
	if !strings.HasPrefix(token.GetLinkToken(), "link-sandbox-") || time.Until(token.GetExpiration()) < 3*time.Hour {
		t.Errorf("link token %v", token)
	}

	open := func(institution string) (access, account string) {
		t.Helper()
		create := plaid.NewSandboxPublicTokenCreateRequest(institution, []plaid.Products{plaid.PRODUCTS_AUTH})
		create.SetOptions(plaid.SandboxPublicTokenCreateRequestOptions{Webhook: plaid.PtrString(hooks)})
		created, resp, err := p.SandboxPublicTokenCreate(ctx).SandboxPublicTokenCreateRequest(*create).Execute()
		public := plaidWent(t, created, resp, err)
		swap := *plaid.NewItemPublicTokenExchangeRequest(public.GetPublicToken())
		exchanged, resp, err := p.ItemPublicTokenExchange(ctx).ItemPublicTokenExchangeRequest(swap).Execute()
		access = plaidWent(t, exchanged, resp, err).AccessToken
		_, resp, err = p.ItemPublicTokenExchange(ctx).ItemPublicTokenExchangeRequest(swap).Execute()
		plaidRefused(t, "INVALID_PUBLIC_TOKEN", resp, err)
		got, resp, err := p.AccountsGet(ctx).AccountsGetRequest(*plaid.NewAccountsGetRequest(access)).Execute()
		return access, plaidWent(t, got, resp, err).Accounts[0].AccountId
	}
	access, account := open("ins_56")
	numbers, resp, err := p.AuthGet(ctx).AuthGetRequest(*plaid.NewAuthGetRequest(access)).Execute()
	if ach := plaidWent(t, numbers, resp, err).Numbers.Ach[0]; ach.Account != "000123456789" || ach.Routing != "110000000" {
		t.Errorf("numbers are %v", ach)
	}
	btok, resp, err := p.ProcessorStripeBankAccountTokenCreate(ctx).ProcessorStripeBankAccountTokenCreateRequest(*plaid.NewProcessorStripeBankAccountTokenCreateRequest(access, account)).Execute()
	if id := plaidWent(t, btok, resp, err).StripeBankAccountToken; !strings.HasPrefix(id, "btok_") {
		t.Errorf("bank account token is %s", id)
	}
	at := plaid.NewInstitutionsGetByIdRequest("ins_127287", []plaid.CountryCode{plaid.COUNTRYCODE_US})
	at.SetOptions(plaid.InstitutionsGetByIdRequestOptions{IncludeOptionalMetadata: plaid.PtrBool(true)})
	bank, resp, err := p.InstitutionsGetById(ctx).InstitutionsGetByIdRequest(*at).Execute()
	if got := plaidWent(t, bank, resp, err).Institution; !got.Oauth {
		t.Errorf("institution is %v", got)
	}

	for _, code := range slices.Sorted(func(yield func(string) bool) {
		for kind := range plaidWebhooks {
			if code, ok := strings.CutPrefix(kind, "ITEM "); ok && code != "WEBHOOK_UPDATE_ACKNOWLEDGED" && !yield(code) {
				return
			}
		}
	}) {
		fire := plaid.NewSandboxItemFireWebhookRequest(access, code)
		fire.SetWebhookType("ITEM")
		fired, resp, err := p.SandboxItemFireWebhook(ctx).SandboxItemFireWebhookRequest(*fire).Execute()
		plaidWent(t, fired, resp, err)
	}
	shown, resp, err := p.ItemGet(ctx).ItemGetRequest(*plaid.NewItemGetRequest(access)).Execute()
	plaidWent(t, shown, resp, err)
	_, resp, err = p.AccountsGet(ctx).AccountsGetRequest(*plaid.NewAccountsGetRequest(access)).Execute()
	plaidRefused(t, "USER_PERMISSION_REVOKED", resp, err)
	reset, resp, err := p.SandboxItemResetLogin(ctx).SandboxItemResetLoginRequest(*plaid.NewSandboxItemResetLoginRequest(access)).Execute()
	plaidWent(t, reset, resp, err)
	_, resp, err = p.AuthGet(ctx).AuthGetRequest(*plaid.NewAuthGetRequest(access)).Execute()
	plaidRefused(t, "ITEM_LOGIN_REQUIRED", resp, err)
	repair := plaid.NewLinkTokenCreateRequest("Northwind Studio", "en", []plaid.CountryCode{plaid.COUNTRYCODE_US}, *user)
	repair.SetAccessToken(access)
	repair.SetUpdate(*plaid.NewLinkTokenCreateRequestUpdate())
	link, resp, err = p.LinkTokenCreate(ctx).LinkTokenCreateRequest(*repair).Execute()
	plaidWent(t, link, resp, err)
	move := plaid.NewItemWebhookUpdateRequest(access)
	move.SetWebhook(hooks + "/elsewhere")
	moved, resp, err := p.ItemWebhookUpdate(ctx).ItemWebhookUpdateRequest(*move).Execute()
	plaidWent(t, moved, resp, err)

	slow, _ := open("ins_109512")
	_, resp, err = p.AuthGet(ctx).AuthGetRequest(*plaid.NewAuthGetRequest(slow)).Execute()
	plaidRefused(t, "PRODUCT_NOT_READY", resp, err)
	moveClock(t, s, "49h")
	verified, resp, err := p.AuthGet(ctx).AuthGetRequest(*plaid.NewAuthGetRequest(slow)).Execute()
	plaidWent(t, verified, resp, err)

	rotated := rotateKeys(t, s)
	key, resp, err := p.WebhookVerificationKeyGet(ctx).WebhookVerificationKeyGetRequest(*plaid.NewWebhookVerificationKeyGetRequest(rotated)).Execute()
	if got := plaidWent(t, key, resp, err).Key; got.ExpiredAt.Get() == nil {
		t.Errorf("the key that was replaced is %v", got)
	}
	removed, resp, err := p.ItemRemove(ctx).ItemRemoveRequest(*plaid.NewItemRemoveRequest(access)).Execute()
	plaidWent(t, removed, resp, err)
	_, resp, err = p.ItemGet(ctx).ItemGetRequest(*plaid.NewItemGetRequest(access)).Execute()
	plaidRefused(t, "ITEM_NOT_FOUND", resp, err)
}

// steer makes a call to the sandbox's own address and gives the answer.
func steer(t *testing.T, s *sandbox.Server, path, body string) map[string]any {
	t.Helper()
	resp, err := http.Post(s.URL()+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, resp.StatusCode, raw, err)
	}
	return decode(t, raw).(map[string]any)
}

func moveClock(t *testing.T, s *sandbox.Server, by string) {
	t.Helper()
	steer(t, s, "/clock", `{"advance":"`+by+`"}`)
}

// rotateKeys makes a new key for webhooks and gives the id of the one before.
func rotateKeys(t *testing.T, s *sandbox.Server) string {
	t.Helper()
	return steer(t, s, "/plaid/keys", "")["expired_key_id"].(string)
}

func TestPlaidsNodeClient_RunsUnmodified(t *testing.T) {
	if _, err := os.Stat("node_modules/plaid"); err != nil {
		t.Fatal("the Node client is not installed: run tools/setup")
	}
	s := startSandbox(t)
	cmd := exec.CommandContext(t.Context(), "node", "plaid_client.js")
	cmd.Env = os.Environ()
	for _, name := range []string{"PLAID_API_BASE", "PLAID_CLIENT_ID", "PLAID_SECRET"} {
		cmd.Env = append(cmd.Env, name+"="+s.Env()[name])
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "checked with plaid-node 20.0.0") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// A checker that finds nothing proves nothing.
func TestPlaidSpec_Notices(t *testing.T) {
	spec, err := LoadPlaidSpec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	op, _ := spec.Operation("POST", "/item/get")
	const item = `"item_id":"i","institution_id":null,"webhook":null,"available_products":[],"billed_products":["auth"],"consent_expiration_time":null,"update_type":"background"`
	for answer, want := range map[string]string{
		`{"item":{` + item + `,"error":null},"status":null,"request_id":"r"}`:                            "",
		`{"item":{` + item + `},"status":null,"request_id":"r"}`:                                         "x.item.error: missing",
		`{"item":{` + item + `,"error":{}},"request_id":"r"}`:                                            "x.item.error.error_code: missing",
		`{"item":{` + item + `,"error":null},"request_id":7}`:                                            "x.request_id: 7 is not a string",
		`{"item":{` + item + `,"error":null},"status":{"last_webhook":{"sent_at":1}},"request_id":"r"}`:  "x.status.last_webhook.sent_at: 1 is not a string",
		`{"item":{` + item + `,"error":null},"colour":"red","request_id":"r"}`:                           "x.colour: not described",
		`{"item":{` + strings.Replace(item, `"auth"`, `"socks"`, 1) + `,"error":null},"request_id":"r"}`: "x.item.billed_products[0]: socks is not one of",
	} {
		wrong := spec.Check(decode(t, []byte(answer)), op.Answer(200), "x")
		if want == "" && len(wrong) > 0 || want != "" && !slices.ContainsFunc(wrong, func(w string) bool { return strings.HasPrefix(w, want) }) {
			t.Errorf("%s: got %q, want %q", answer, wrong, want)
		}
	}
}
