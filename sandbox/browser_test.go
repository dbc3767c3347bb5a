package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// cardAPI answers what the browser asks of the API and keeps it. It stands for the API where the test is about the
// browser's half.
type cardAPI struct {
	mu     sync.Mutex
	calls  []apiCall
	status string // of the PaymentIntent
	fault  string // an error's JSON to answer instead
}

type apiCall struct {
	Path string
	Form url.Values
}

func (a *cardAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = r.ParseForm()
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		a.calls = append(a.calls, apiCall{r.URL.Path, r.PostForm})
	}
	if a.fault != "" {
		w.WriteHeader(http.StatusPaymentRequired)
		_, _ = w.Write([]byte(a.fault))
		return
	}
	switch {
	case r.URL.Path == "/v1/confirmation_tokens":
		_, _ = w.Write([]byte(`{"id":"ctoken_1","object":"confirmation_token"}`))
		return
	case r.URL.Path == "/v1/payment_methods":
		_, _ = w.Write([]byte(`{"id":"pm_1","object":"payment_method"}`))
		return
	case strings.HasSuffix(r.URL.Path, "/sandbox_3ds"):
		a.status = map[string]string{"succeed": "succeeded", "fail": "requires_payment_method"}[r.PostForm.Get("outcome")]
	}
	intent := map[string]any{
		"id": "pi_1", "object": "payment_intent", "client_secret": "pi_1_secret_x", "amount": 77175, "currency": "usd",
		"status": a.status, "statement_descriptor_suffix": "INV-1042",
		"payment_method": map[string]any{"card": map[string]any{"brand": "visa", "last4": "3155"}},
	}
	switch a.status {
	case "requires_action":
		intent["next_action"] = map[string]any{"type": "use_stripe_sdk", "use_stripe_sdk": map[string]any{}}
	case "requires_payment_method":
		intent["last_payment_error"] = map[string]any{
			"type": "invalid_request_error", "code": "payment_intent_authentication_failure", "message": "authentication failed",
		}
	}
	_ = json.NewEncoder(w).Encode(intent)
}

func (a *cardAPI) set(status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

func (a *cardAPI) last() apiCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.calls) == 0 {
		return apiCall{}
	}
	return a.calls[len(a.calls)-1]
}

// payPage is a tab with a page of another origin than the sandbox's, under a policy as strict as Paylink's.
type payPage struct {
	*testing.T
	ctx  context.Context
	api  *cardAPI
	page string // origin of the page
	base string // origin of the sandbox
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(390, 844),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, stopBrowser := chromedp.NewContext(allocator)
	t.Cleanup(stopBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return browser
}

func openPayPage(t *testing.T, browser context.Context, actions ...chromedp.Action[chromedp.Void]) payPage {
	t.Helper()
	p := payPage{T: t, api: &cardAPI{status: "requires_payment_method"}}
	mux := http.NewServeMux()
	browserRoutes(mux)
	mux.Handle("/v1/", p.api)
	sandbox := httptest.NewServer(mux)
	t.Cleanup(sandbox.Close)
	p.base = sandbox.URL

	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "pay.html"
		}
		content, err := os.ReadFile(filepath.Join("browser/testdata", filepath.Base(name)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self' %[1]s; style-src 'self'; "+
			"frame-src %[1]s; connect-src 'self' %[1]s; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", p.base))
		serveFresh(w, r, name, []byte(strings.ReplaceAll(string(content), "SANDBOX", p.base)))
	}))
	t.Cleanup(site.Close)
	p.page = site.URL

	tab, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	t.Cleanup(cancel)
	p.ctx = ctx
	p.run(actions...)
	p.run(chromedp.Navigate(p.page))
	return p
}

func (p payPage) run(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// do runs statements in the page and waits for nothing.
func (p payPage) do(statements string) {
	p.Helper()
	p.run(chromedp.Evaluate[chromedp.Void](statements + "; undefined"))
}

// eval gives the value of an expression in the page; a promise is awaited.
func (p payPage) eval(expression string) any {
	p.Helper()
	wrapped := "(async () => ({ value: await (" + expression + ") ?? null }))()"
	result, err := chromedp.Run(p.ctx, chromedp.Evaluate[map[string]any](wrapped, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return result["value"]
}

// text is eval for a string; anything else becomes JSON.
func (p payPage) text(expression string) string {
	p.Helper()
	value := p.eval(expression)
	if s, ok := value.(string); ok {
		return s
	}
	out, err := json.Marshal(value)
	if err != nil {
		p.Fatal(err)
	}
	return string(out)
}

// wait returns when the condition holds. (chromedp's own Poll needs a policy that allows eval.)
func (p payPage) wait(condition string) {
	p.Helper()
	p.eval("new Promise((hold) => { const look = () => ((" + condition + ") ? hold() : requestAnimationFrame(look)); look(); })")
}

// inFrame gives the value of an expression in the frame whose address contains part. It runs in a world of its own,
// which shares the document with the frame's script and nothing else.
func (p payPage) inFrame(part, expression string) any {
	p.Helper()
	result, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (any, error) {
		frame, err := findFrame(ctx, t, part)
		if err != nil {
			return nil, err
		}
		world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame})
		if err != nil {
			return nil, err
		}
		return chromedp.Evaluate[any](expression, func(e *cdpruntime.EvaluateParams) { e.ContextID = world.ExecutionContextID })(ctx, t)
	})
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return result
}

// findFrame waits for a frame whose address contains part: a new frame has none until its page comes.
func findFrame(ctx context.Context, t *chromedp.Target, part string) (cdp.FrameID, error) {
	for ctx.Err() == nil {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return "", err
		}
		for _, child := range tree.FrameTree.ChildFrames {
			if strings.Contains(child.Frame.URL, part) {
				return child.Frame.ID, nil
			}
		}
	}
	return "", fmt.Errorf("no frame of %s: %w", part, ctx.Err())
}

func (p payPage) field(name string) string {
	p.Helper()
	return p.inFrame("/js/elements/", "document.getElementById('"+name+"').value").(string)
}

func (p payPage) errors() string {
	p.Helper()
	return p.inFrame("/js/elements/", "[...document.querySelectorAll('.Error:not([hidden])')].map((e) => e.textContent).join(' ')").(string)
}

func (p payPage) open(options string) {
	p.Helper()
	p.do("open(" + options + ")")
	p.wait("happened('ready')")
}

// typeCard types into the fields one key at a time, as a person does; the fields pass the focus on.
func (p payPage) typeCard(number string) {
	p.Helper()
	p.do("element.focus()")
	p.wait("happened('focus')")
	p.run(chromedp.KeyEvent(number + "1239" + "123"))
	p.wait("seen.events.findLast((e) => e.name === 'change')?.complete === true")
}

// clean fails when the page's policy was broken, its console spoke, or a card number came near the page.
func (p payPage) clean(number string) {
	p.Helper()
	if got := p.text("[...seen.violations, ...seen.errors].join('; ')"); got != "" {
		p.Errorf("the page saw violations or errors: %s", got)
	}
	visible := p.text("JSON.stringify(seen) + document.documentElement.outerHTML")
	for _, secret := range []string{number, number[len(number)-8:], "4242 4242"} {
		if strings.Contains(visible, secret) {
			p.Errorf("the page could see %q", secret)
		}
	}
}

func TestStripeJS(t *testing.T) {
	browser := startBrowser(t)
	for name, test := range map[string]func(*testing.T, payPage){
		"ConfirmationTokenCarriesTheLatestOptions": testConfirmationToken,
		"FieldsFormatWhatIsTyped":                  testFormatting,
		"FieldsSayWhatIsWrong":                     testFieldErrors,
		"MistakesOfThePageThrow":                   testIntegrationErrors,
		"ErrorsOfTheAPIAreResults":                 testAPIErrors,
		"ChallengeSucceeds":                        testChallengeSucceeds,
		"ChallengeFails":                           testChallengeFails,
		"EscapeFailsTheChallenge":                  testChallengeEscape,
		"CardElementMakesAPaymentMethod":           testCardElement,
		"SplitFieldsMakeAPaymentMethod":            testSplitFields,
		"EventsAndLife":                            testElementLife,
		"FrameTrustsOnlyItsPage":                   testFrameTrust,
	} {
		t.Run(name, func(t *testing.T) { test(t, openPayPage(t, browser)) })
	}
}

func testConfirmationToken(t *testing.T, p payPage) {
	p.open("{ ...deferred, appearance: appearance() }, { fields: { billingDetails: { address: { country: 'never' } } } }")
	p.typeCard("4242424242424242")
	p.eval("elements.update({ amount: 22500, setupFutureUsage: 'off_session', captureMethod: 'manual' })")
	got := p.text(`(async () => {
		const { error } = await elements.submit();
		if (error) return error.message;
		const made = await stripe.createConfirmationToken({ elements, params: {
			return_url: location.origin + "/done", payment_method_data: { billing_details: { address: { country: "US" }, email: "maria@keller.studio" } },
		} });
		return made.confirmationToken?.id ?? JSON.stringify(made);
	})()`)
	if got != "ctoken_1" {
		t.Fatalf("createConfirmationToken: %s", got)
	}
	want := url.Values{
		"key":                                                    {"pk_test_page"},
		"payment_method_data[type]":                              {"card"},
		"payment_method_data[card][number]":                      {"4242424242424242"},
		"payment_method_data[card][exp_month]":                   {"12"},
		"payment_method_data[card][exp_year]":                    {"2039"},
		"payment_method_data[card][cvc]":                         {"123"},
		"payment_method_data[billing_details][address][country]": {"US"},
		"payment_method_data[billing_details][email]":            {"maria@keller.studio"},
		"return_url":                                             {p.page + "/done"},
		"client_context[mode]":                                   {"payment"},
		"client_context[amount]":                                 {"22500"},
		"client_context[currency]":                               {"usd"},
		"client_context[payment_method_types][]":                 {"card"},
		"client_context[capture_method]":                         {"manual"},
		"client_context[setup_future_usage]":                     {"off_session"},
	}
	call := p.api.last()
	if call.Path != "/v1/confirmation_tokens" || call.Form.Encode() != want.Encode() {
		t.Errorf("POST %s\n%s\nwant\n%s", call.Path, call.Form.Encode(), want.Encode())
	}
	// The box is unticked again: the next token must not carry it.
	p.eval("elements.update({ setupFutureUsage: null })")
	p.eval(`elements.submit().then(() => stripe.createConfirmationToken({ elements, params: { payment_method_data: { billing_details: { address: { country: "US" } } } } }))`)
	if form := p.api.last().Form; form.Has("client_context[setup_future_usage]") || form.Get("client_context[amount]") != "22500" {
		t.Errorf("after unticking: %s", form.Encode())
	}
	p.clean("4242424242424242")
}

func testFormatting(t *testing.T, p payPage) {
	p.open("deferred")
	for _, c := range []struct{ field, keys, want string }{
		{"number", "4242", "4242"},
		{"number", "42424", "4242 4"},
		{"number", "42424242x4242-42421", "4242 4242 4242 4242"},
		{"number", "378282246310005", "3782 822463 10005"},
		{"number", "42424" + kb.Backspace, "4242"},
		{"number", "4242 42" + kb.ArrowLeft + kb.ArrowLeft + kb.Backspace, "4244 2"},
		{"expiry", "1", "1"},
		{"expiry", "12", "12 / "},
		{"expiry", "1234", "12 / 34"},
		{"expiry", "3", "03 / "},
		{"expiry", "13", "01 / 3"},
		{"expiry", "1/34", "01 / 34"},
		{"expiry", "12/2034", "12 / 34"},
		{"expiry", "12" + kb.Backspace, "1"},
		{"cvc", "12a345", "1234"},
	} {
		p.inFrame("/js/elements/", "document.forms.fields.reset(), document.querySelectorAll('input').forEach((i) => delete i.dataset.last), document.getElementById('"+c.field+"').focus()")
		for _, key := range c.keys {
			p.run(chromedp.KeyEvent(string(key)))
		}
		if got := p.field(c.field); got != c.want {
			t.Errorf("%s: %q typed becomes %q, want %q", c.field, c.keys, got, c.want)
		}
	}
	for pasted, want := range map[string]string{"12/34": "12 / 34", "1234": "12 / 34", "12/2034": "12 / 34", "12 - 34": "12 / 34", "3/34": "03 / 34"} {
		p.inFrame("/js/elements/", "document.getElementById('expiry').focus(), document.getElementById('expiry').select(), document.execCommand('insertText', false, '"+pasted+"')")
		if got := p.field("expiry"); got != want {
			t.Errorf("expiry: %q pasted becomes %q, want %q", pasted, got, want)
		}
	}
	attributes := p.inFrame("/js/elements/", "[...document.querySelectorAll('input')].map((i) => [i.autocomplete, i.inputMode, i.labels[0].textContent, i.placeholder].join('|')).join()")
	if want := "cc-number|numeric|Card number|1234 1234 1234 1234,cc-exp|numeric|Expires|MM / YY,cc-csc|numeric|Security code|CVC"; attributes != want {
		t.Errorf("fields are %s", attributes)
	}
}

func testFieldErrors(t *testing.T, p payPage) {
	p.open("{ ...deferred, appearance: appearance() }")
	if got := p.text("elements.submit().then(({ error }) => [error.type, error.code, error.message].join('|'))"); got != "validation_error|incomplete_number|Your card number is incomplete." {
		t.Errorf("submit of nothing: %s", got)
	}
	if got, want := p.errors(), "Your card number is incomplete. Your card’s expiration date is incomplete. Your card’s security code is incomplete."; got != want {
		t.Errorf("errors %q, want %q", got, want)
	}
	if got := p.text("document.activeElement.tagName"); got != "IFRAME" {
		t.Errorf("the focus is on %s, want the first wrong field", got)
	}
	p.run(chromedp.KeyEvent("4242424242424241"))
	if got := p.errors(); !strings.HasPrefix(got, "Your card number is invalid.") {
		t.Errorf("a wrong check digit says %q", got)
	}
	p.run(chromedp.KeyEvent(kb.Backspace+"2"), chromedp.KeyEvent("0120"))
	if got := p.errors(); !strings.HasPrefix(got, "Your card’s expiration year is in the past.") {
		t.Errorf("a past year says %q", got)
	}
	invalid := p.inFrame("/js/elements/", "[...document.querySelectorAll('[aria-invalid=true]')].map((i) => i.id + ':' + document.getElementById(i.getAttribute('aria-describedby')).textContent).join()")
	if want := "expiry:Your card’s expiration year is in the past.,cvc:Your card’s security code is incomplete."; invalid != want {
		t.Errorf("marked invalid: %s", invalid)
	}
	p.eval("elements.update({ locale: 'de' })")
	p.wait("true")
	if got := p.errors(); !strings.HasPrefix(got, "Das Ablaufjahr Ihrer Karte") {
		t.Errorf("in German: %q", got)
	}
	p.clean("4242424242424241")
}

func testIntegrationErrors(t *testing.T, p payPage) {
	for expression, want := range map[string]string{
		"Stripe()":            "apiKey should be a string",
		"Stripe('sk_test_1')": "should not use your secret key",
		"stripe.elements({ mode: 'payment', currency: 'usd' })":                                              "amount should be a positive amount",
		"stripe.elements({ mode: 'payment', currency: 'USD', amount: 1 })":                                   "currency should be",
		"stripe.elements({ ...deferred, setupFutureUsage: 'always' })":                                       "setupFutureUsage should be one of",
		"stripe.elements().create('payment')":                                                                "you must pass a clientSecret or mode",
		"stripe.elements(deferred).create('cards')":                                                          "A valid Element name must be provided",
		"stripe.elements(deferred).create('payment').mount('#none')":                                         "applies to no DOM elements",
		"(() => { const e = stripe.elements(deferred); e.create('payment'); e.create('payment') })()":        "Can only create one Element of type payment",
		"(() => { const e = stripe.elements(deferred).create('payment'); e.destroy(); e.mount('#card') })()": "already been destroyed",
		"stripe.elements(deferred).submit()":                                                                 "should have a mounted Payment Element",
		"stripe.createConfirmationToken({})":                                                                 "elements should be an Elements instance",
		"stripe.createPaymentMethod({ type: 'card', card: null })":                                           "card should be object or element",
		"stripe.handleNextAction({ clientSecret: 'pi_1_secret_x' })":                                         "not in the requires_action state",
		"stripe.handleNextAction({ clientSecret: 'nonsense' })":                                              "value should be a client secret",
		"(open(deferred), stripe.createConfirmationToken({ elements }))":                                     "elements.submit() must be called before stripe.createConfirmationToken()",
		"Stripe('pk_test_other').createConfirmationToken({ elements: stripe.elements(deferred) })":           "use the same instance",
		"stripe.confirmPayment({ elements: stripe.elements(deferred), clientSecret: 'pi_1_secret_x' })":      "confirmParams.return_url should be a string",
		"stripe.elements({ ...deferred, clientSecret: 'pi_1_secret_x' })":                                    "cannot pass both",
	} {
		got := p.text("outcome((async () => " + expression + ")()).then((o) => o?.threw + ': ' + o?.message)")
		if !strings.HasPrefix(got, "IntegrationError: ") || !strings.Contains(got, want) {
			t.Errorf("%s\nthrows %s\nwant IntegrationError … %s", expression, got, want)
		}
	}
	// What the element is told never to ask for must be passed.
	p.run(chromedp.Navigate(p.page))
	p.open("deferred, { fields: { billingDetails: { address: { country: 'never' } } } }")
	p.typeCard("4242424242424242")
	got := p.text("elements.submit().then(() => outcome(stripe.createConfirmationToken({ elements }))).then((o) => o.message)")
	if !strings.HasPrefix(got, `You specified "never" for fields.billing_details.address.country`) {
		t.Errorf("without the country: %s", got)
	}
	// One submit() serves one call.
	p.eval("elements.submit().then(() => stripe.createConfirmationToken({ elements, params: { payment_method_data: { billing_details: { address: { country: 'US' } } } } }))")
	if got := p.text("outcome(stripe.createConfirmationToken({ elements })).then((o) => o.message)"); !strings.HasPrefix(got, "elements.submit() must be called") {
		t.Errorf("a second token without a second submit: %s", got)
	}
}

func testAPIErrors(t *testing.T, p payPage) {
	p.open("deferred")
	p.typeCard("4242424242424242")
	p.api.mu.Lock()
	p.api.fault = `{"error":{"type":"card_error","code":"incorrect_number","message":"Your card number is incorrect.","param":"number"}}`
	p.api.mu.Unlock()
	create := "elements.submit().then(() => outcome(stripe.createConfirmationToken({ elements }))).then(({ error }) => [error.type, error.code].join('|'))"
	if got := p.text(create); got != "card_error|incorrect_number" {
		t.Errorf("an error of the API: %s", got)
	}
	p.api.mu.Lock()
	p.api.fault = "<html>"
	p.api.mu.Unlock()
	if got := p.text(create); got != "api_connection_error|" {
		t.Errorf("an answer that is not JSON: %s", got)
	}
}

// challenge starts handleNextAction and waits until the bank's page can be used.
func (p payPage) challenge() {
	p.Helper()
	p.api.set("requires_action")
	p.do("document.getElementById('pay').focus(); outcome(stripe.handleNextAction({ clientSecret: 'pi_1_secret_x' })).then((o) => { window.done = o })")
	p.wait("document.querySelector('dialog iframe')")
	for ready := false; !ready; { // bounded by the tab's context
		ready = p.inFrame("/js/3ds", "document.activeElement?.id === 'succeed'").(bool)
	}
}

func testChallengeSucceeds(t *testing.T, p payPage) {
	p.challenge()
	if shown := p.inFrame("/js/3ds", "document.getElementById('payment').innerText.replace(/\\s+/g, ' ')"); shown != "Amount $771.75 To INV-1042 Card visa ••3155" {
		t.Errorf("the bank shows %q", shown)
	}
	p.run(chromedp.KeyEvent(kb.Enter)) // the focus is on Complete
	p.wait("window.done")
	if got := p.text("[done.paymentIntent?.status, done.error?.code].join()"); got != "succeeded," {
		t.Errorf("result %s", got)
	}
	if form := p.api.last().Form; form.Encode() != "client_secret=pi_1_secret_x&key=pk_test_page&outcome=succeed" {
		t.Errorf("sent %s", form.Encode())
	}
	if got := p.text("document.querySelectorAll('dialog').length + document.activeElement.id"); got != "0pay" {
		t.Errorf("afterwards %s, want no dialog and the focus back on #pay", got)
	}
	p.clean("4242424242424242")
}

func testChallengeFails(t *testing.T, p payPage) {
	p.challenge()
	p.inFrame("/js/3ds", "document.getElementById('fail').click()")
	p.wait("window.done")
	if got := p.text("[done.error.code, done.error.type, done.error.payment_intent.id].join()"); got != "payment_intent_authentication_failure,invalid_request_error,pi_1" {
		t.Errorf("result %s", got)
	}
	p.clean("4242424242424242")
}

func testChallengeEscape(t *testing.T, p payPage) {
	p.challenge()
	p.run(chromedp.KeyEvent(kb.Escape)) // inside the bank's frame, which has the focus
	p.wait("window.done")
	if got := p.text("done.error.code"); got != "payment_intent_authentication_failure" {
		t.Errorf("result %s", got)
	}
	if got := p.api.last().Form.Get("outcome"); got != "fail" {
		t.Errorf("outcome %s", got)
	}
}

func testCardElement(t *testing.T, p payPage) {
	p.open("{}, { hidePostalCode: true }, 'card'")
	p.do("element.focus()")
	p.wait("happened('focus')")
	p.run(chromedp.KeyEvent("378282246310005"))
	if got := p.text("JSON.stringify(seen.events.findLast((e) => e.name === 'change'))"); got != `{"name":"change","elementType":"card","empty":false,"complete":false,"brand":"amex","value":{"postalCode":""}}` {
		t.Errorf("change %s", got)
	}
	p.run(chromedp.KeyEvent("1239" + "1234"))
	p.wait("document.querySelector('#card.StripeElement--complete')")
	if got := p.text("stripe.createPaymentMethod({ type: 'card', card: element, billing_details: { name: 'Maria Keller' } }).then((r) => r.paymentMethod.id)"); got != "pm_1" {
		t.Fatalf("createPaymentMethod: %s", got)
	}
	want := url.Values{
		"key": {"pk_test_page"}, "type": {"card"}, "card[number]": {"378282246310005"}, "card[exp_month]": {"12"},
		"card[exp_year]": {"2039"}, "card[cvc]": {"1234"}, "billing_details[name]": {"Maria Keller"},
	}
	if call := p.api.last(); call.Path != "/v1/payment_methods" || call.Form.Encode() != want.Encode() {
		t.Errorf("POST %s %s", call.Path, call.Form.Encode())
	}
	p.clean("378282246310005")
}

func testSplitFields(t *testing.T, p payPage) {
	p.open("{}, {}, 'cardNumber'")
	p.eval(`(async () => {
		for (const type of ["cardExpiry", "cardCvc"]) {
			const box = document.createElement("div");
			document.querySelector("main").append(box);
			const field = elements.create(type);
			await new Promise((ready) => { field.on("ready", ready); field.mount(box); });
		}
	})()`)
	for _, c := range []struct{ element, keys string }{{"cardNumber", "4242424242424242"}, {"cardExpiry", "1239"}, {"cardCvc", "123"}} {
		p.eval("new Promise((focused) => { const e = elements.getElement('" + c.element + "'); e.on('focus', () => focused()); e.focus() })")
		p.run(chromedp.KeyEvent(c.keys))
	}
	if got := p.text("outcome(stripe.createPaymentMethod({ type: 'card', card: elements.getElement('cardNumber') })).then((r) => r.paymentMethod?.id ?? JSON.stringify(r))"); got != "pm_1" {
		t.Fatalf("createPaymentMethod: %s", got)
	}
	if got := p.api.last().Form.Encode(); got != "card%5Bcvc%5D=123&card%5Bexp_month%5D=12&card%5Bexp_year%5D=2039&card%5Bnumber%5D=4242424242424242&key=pk_test_page&type=card" {
		t.Errorf("sent %s", got)
	}
	p.clean("4242424242424242")
}

func testElementLife(t *testing.T, p payPage) {
	p.open("deferred")
	p.typeCard("4242424242424242")
	p.run(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Tab)) // from the last field to the button behind the frame
	p.wait("happened('blur')")
	if got := p.text("document.activeElement.id"); got != "pay" {
		t.Errorf("Tab leaves the frame to %q, want pay", got)
	}
	want := `loaderstart ready change focus change change escape blur`
	if got := p.text("seen.events.map((e) => e.name).join(' ')"); got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
	changes := `[{"elementType":"payment","empty":true,"complete":false,"collapsed":false,"value":{"type":"card"}},` +
		`{"elementType":"payment","empty":false,"complete":false,"collapsed":false,"value":{"type":"card"}},` +
		`{"elementType":"payment","empty":false,"complete":true,"collapsed":false,"value":{"type":"card"}}]`
	if got := p.text("JSON.stringify(seen.events.filter((e) => e.name === 'change').map(({ name, ...e }) => e))"); got != changes {
		t.Errorf("changes %s", got)
	}
	if height := p.eval("document.querySelector('iframe').offsetHeight").(float64); height < 140 {
		t.Errorf("the frame is %v px high", height)
	}
	p.eval("element.clear()")
	p.wait("seen.events.at(-1).empty === true")
	p.eval("element.unmount()")
	if got := p.text("document.querySelector('#card').outerHTML"); got != `<div id="card" class=""></div>` {
		t.Errorf("unmounted: %s", got)
	}
	if got := p.text("elements.getElement('payment') === element"); got != "true" {
		t.Error("getElement lost the element")
	}
	p.eval("element.destroy()")
	if got := p.text("elements.getElement('payment')"); got != "null" {
		t.Errorf("getElement after destroy: %s", got)
	}
	p.clean("4242424242424242")
}

func testFrameTrust(t *testing.T, p payPage) {
	p.open("deferred")
	p.typeCard("4242424242424242")
	// A script of the page that knows the frame but not its id gets no answer, and nothing leaves for other paths.
	p.eval(`(async () => {
		const frame = document.querySelector("iframe");
		frame.contentWindow.postMessage({ type: "clear", id: "guess" }, "*");
		const id = new URL(frame.src).hash.match(/id=([0-9a-f]+)/)[1];
		frame.contentWindow.postMessage({ type: "collect", call: 99, id, path: "//evil.example/v1/confirmation_tokens", prefix: "x", params: {} }, "*");
		await new Promise((answered) => addEventListener("message", (e) => e.data.call === 99 && answered()));
	})()`)
	if got := p.field("number"); got != "4242 4242 4242 4242" {
		t.Errorf("a message without the id was obeyed: number is %q", got)
	}
	if got := p.api.last().Path; got != "" {
		t.Errorf("card data left for %s", got)
	}
	p.clean("4242424242424242")
}
