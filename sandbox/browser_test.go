package sandbox

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

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
		"AFrameThatDoesNotComeIsTold":              testLoadError,
		"FrameAndPageTrustOnlyEachOther":           testTrust,
		"AppearanceReachesTheFieldsOnly":           testAppearance,
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
	p.eval("element.clear()")
	p.eval("elements.submit()")
	if got := p.text("outcome(stripe.createConfirmationToken({ elements })).then((o) => o.message)"); !strings.HasPrefix(got, "elements.submit() must be called") {
		t.Errorf("a token after a submit that found errors: %s", got)
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

// challenge starts handleNextAction for the stub's PaymentIntent.
func (p payPage) challenge() {
	p.Helper()
	p.api.set("requires_action")
	p.handle("pi_1_secret_x")
}

// handle starts handleNextAction and waits until the bank's page can be used. The outcome will be window.done.
func (p payPage) handle(clientSecret string) {
	p.Helper()
	p.do("document.getElementById('pay').focus(); outcome(stripe.handleNextAction({ clientSecret: '" + clientSecret + "' })).then((o) => { window.done = o })")
	p.wait("document.querySelector('dialog iframe')")
	for ready := false; !ready; { // bounded by the tab's context
		ready = p.inFrame("/js/3ds", "document.activeElement?.id === 'succeed'").(bool)
	}
}

func testChallengeSucceeds(t *testing.T, p payPage) {
	p.challenge()
	if shown := p.inFrame("/js/3ds", "document.getElementById('payment').innerText.replace(/\\s+/g, ' ')"); shown != "Amount $771.75 To "+strings.TrimPrefix(p.page, "http://")+" Card visa ••3155" {
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

func TestBrowserFilesAreServedAsBrowsersNeedThem(t *testing.T) {
	mux := http.NewServeMux()
	browserRoutes(mux, `pk_test_"quoted"`)
	for path, want := range map[string]string{
		"/js/stripe.js":        "text/javascript; charset=utf-8",
		"/js/frame.js":         "text/javascript; charset=utf-8",
		"/js/frame.css":        "text/css; charset=utf-8",
		"/js/elements/payment": "text/html; charset=utf-8",
		"/js/3ds":              "text/html; charset=utf-8",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		h := w.Result().Header
		if w.Code != http.StatusOK || h.Get("Content-Type") != want || h.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %s, %s", path, w.Code, h.Get("Content-Type"), h.Get("Cache-Control"))
		}
		if policy := h.Get("Content-Security-Policy"); strings.HasPrefix(want, "text/html") != strings.Contains(policy, "connect-src 'self'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if path == "/js/stripe.js" && h.Get("Access-Control-Allow-Origin") != "*" {
			t.Error("stripe.js cannot be loaded with crossorigin")
		}
		if path == "/js/3ds" && !strings.Contains(w.Body.String(), `data-key="pk_test_&#34;quoted&#34;"`) {
			t.Error("the bank's page lacks the key")
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/js/elements/iban", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("an element that does not exist: %d", w.Code)
	}
}
