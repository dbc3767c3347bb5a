package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shop is a merchant's server and its page, both talking to one sandbox.
type shop struct {
	payPage
	sandbox *Server
}

// stripe is a call of the merchant's server, with the secret key.
func (s shop) stripe(path string, form url.Values) map[string]any {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.sandbox.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.sandbox.Env()["STRIPE_SECRET_KEY"], "")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		s.Fatalf("%s: %v in %s", path, err, body)
	}
	return object
}

// token types a card and makes a ConfirmationToken of it.
func (s shop) token(number string) string {
	s.Helper()
	s.open("deferred")
	s.typeCard(number)
	return s.text("elements.submit().then(() => stripe.createConfirmationToken({ elements })).then((r) => r.confirmationToken?.id ?? JSON.stringify(r))")
}

func intentForm(extra ...string) url.Values {
	form := url.Values{"amount": {"77175"}, "currency": {"usd"}, "payment_method_types[]": {"card"}, "statement_descriptor_suffix": {"INV-1042"}}
	for i := 0; i < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
	}
	return form
}

// confirm is what the merchant's server does with a token.
func (s shop) confirm(intent map[string]any, token string) map[string]any {
	s.Helper()
	return s.stripe("/v1/payment_intents/"+intent["id"].(string)+"/confirm", url.Values{"confirmation_token": {token}, "return_url": {s.page + "/done?order=7"}})
}

func TestStripeJSWithTheSandboxAPI(t *testing.T) {
	browser := startBrowser(t)
	sandbox, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sandbox.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, test := range map[string]func(*testing.T, shop){
		"TokenPays":                         testLiveToken,
		"OptionsThatDifferAreRefused":       testLiveMismatch,
		"DeclinedTokenIsTheServersToTell":   testLiveDecline,
		"ChallengePays":                     testLiveChallenge,
		"FailedChallengeAsksForAnotherCard": testLiveChallengeFails,
		"BankPageAloneReturnsToTheMerchant": testLiveRedirect,
		"BankPageReturnsToWebAddressesOnly": testLiveRedirectScheme,
		"ConfirmPaymentPays":                testLiveConfirmPayment,
		"ConfirmCardPaymentPaysAfterABank":  testLiveConfirmCardPayment,
		"PaymentMethodOfTheCardElementPays": testLivePaymentMethod,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, shop{openPage(t, browser, sandbox.URL(), sandbox.Env()["STRIPE_PUBLISHABLE_KEY"]), sandbox})
		})
	}
}

func testLiveToken(t *testing.T, s shop) {
	token := s.token("4242424242424242")
	paid := s.confirm(s.stripe("/v1/payment_intents", intentForm()), token)
	if paid["status"] != "succeeded" || paid["amount_received"] != 77175.0 {
		t.Errorf("confirmed with %s: %v", token, paid)
	}
	s.clean("4242424242424242")
}

func testLiveMismatch(t *testing.T, s shop) {
	token := s.token("4242424242424242")
	answer := s.confirm(s.stripe("/v1/payment_intents", intentForm("setup_future_usage", "off_session")), token)
	refusal, _ := answer["error"].(map[string]any)
	if message, _ := refusal["message"].(string); !strings.HasPrefix(message, "The provided setup_future_usage") {
		t.Errorf("an unticked box and a saving PaymentIntent: %v", answer)
	}
	s.eval("elements.update({ setupFutureUsage: 'off_session', amount: 5000, captureMethod: 'manual' })")
	token = s.text("elements.submit().then(() => stripe.createConfirmationToken({ elements })).then((r) => r.confirmationToken.id)")
	held := s.confirm(s.stripe("/v1/payment_intents", intentForm("setup_future_usage", "off_session", "amount", "5000", "capture_method", "manual")), token)
	if held["status"] != "requires_capture" {
		t.Errorf("after elements.update: %v", held)
	}
}

func testLiveDecline(t *testing.T, s shop) {
	answer := s.confirm(s.stripe("/v1/payment_intents", intentForm()), s.token("4000000000009995"))
	refusal, _ := answer["error"].(map[string]any)
	if refusal["decline_code"] != "insufficient_funds" {
		t.Errorf("answer %v", answer)
	}
}

func testLiveChallenge(t *testing.T, s shop) {
	intent := s.stripe("/v1/payment_intents", intentForm())
	waiting := s.confirm(intent, s.token("4000002760003184"))
	if waiting["status"] != "requires_action" {
		t.Fatalf("confirm: %v", waiting)
	}
	s.handle(intent["client_secret"].(string))
	if shown := s.inFrame("/js/3ds", "document.getElementById('payment').innerText.replace(/\\s+/g, ' ')"); shown != "Amount $771.75 To "+strings.TrimPrefix(s.page, "http://")+" Card visa ••3184" {
		t.Errorf("the bank shows %q", shown)
	}
	s.run(chromedp.KeyEvent(kb.Enter))
	s.wait("window.done")
	if got := s.text("done.paymentIntent?.status"); got != "succeeded" {
		t.Errorf("result %s", s.text("JSON.stringify(done)"))
	}
	s.clean("4000002760003184")
}

func testLiveChallengeFails(t *testing.T, s shop) {
	intent := s.stripe("/v1/payment_intents", intentForm())
	s.confirm(intent, s.token("4000002760003184"))
	s.handle(intent["client_secret"].(string))
	s.run(chromedp.KeyEvent(kb.Escape))
	s.wait("window.done")
	if got := s.text("[done.error.code, done.error.payment_intent.status].join()"); got != "payment_intent_authentication_failure,requires_payment_method" {
		t.Errorf("result %s", got)
	}
}

// redirect confirms as a server without Stripe.js would, and gives the address of the bank's page.
func (s shop) redirect(returnURL string) string {
	s.Helper()
	waiting := s.stripe("/v1/payment_intents", intentForm("confirm", "true", "payment_method", "pm_card_authenticationRequired", "return_url", returnURL))
	action, _ := waiting["next_action"].(map[string]any)
	to, _ := action["redirect_to_url"].(map[string]any)
	address, ok := to["url"].(string)
	if !ok {
		s.Fatalf("no address to go to: %v", waiting)
	}
	return address
}

func testLiveRedirect(t *testing.T, s shop) {
	for button, status := range map[string]string{"succeed": "succeeded", "fail": "failed"} {
		s.run(chromedp.Navigate(s.redirect(s.page + "/done?order=7")))
		s.wait("!document.getElementById('" + button + "').disabled")
		s.run(chromedp.Click(chromedp.CSS("#" + button)))
		for s.text("location.origin") != s.page { // bounded by the tab's context
		}
		query, err := url.ParseQuery(s.text("location.search.slice(1)"))
		if err != nil {
			t.Fatal(err)
		}
		if query.Get("order") != "7" || query.Get("redirect_status") != status || !strings.HasPrefix(query.Get("payment_intent_client_secret"), query.Get("payment_intent")+"_secret_") {
			t.Errorf("came back with %v, want redirect_status %s", query, status)
		}
	}
}

func testLiveRedirectScheme(t *testing.T, s shop) {
	address, err := url.Parse(s.redirect(s.page + "/done"))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("return_url", "javascript:document.title='run'")
	address.RawQuery = query.Encode()
	s.run(chromedp.Navigate(address.String()))
	s.wait("!document.getElementById('succeed').disabled")
	s.run(chromedp.Click(chromedp.CSS("#succeed")))
	s.wait("!document.getElementById('message').hidden")
	if got := s.text("document.title + '|' + document.getElementById('message').textContent"); got != "Confirm the payment, Test Bank|return_url is not a web address." {
		t.Errorf("page says %s", got)
	}
}

func testLiveConfirmPayment(t *testing.T, s shop) {
	intent := s.stripe("/v1/payment_intents", intentForm())
	secret := intent["client_secret"].(string)
	s.open("deferred")
	s.typeCard("4242424242424242")
	confirm := "elements.submit().then(() => stripe.confirmPayment({ elements, clientSecret: '" + secret + "', confirmParams: { return_url: location.origin + '/done' }, redirect: 'if_required' }))"
	s.eval("elements.update({ amount: 1 })")
	if got := s.text(confirm + ".then((r) => r.error?.message)"); got != "The provided amount (1) does not match the expected amount (77175)." {
		t.Errorf("another amount in the page: %s", got)
	}
	s.eval("elements.update({ amount: 77175 })")
	if got := s.text(confirm + ".then((r) => r.paymentIntent?.status ?? JSON.stringify(r))"); got != "succeeded" {
		t.Errorf("confirmPayment: %s", got)
	}
	if got := s.text("outcome(stripe.handleNextAction({ clientSecret: '" + secret + "' })).then((o) => o.message)"); !strings.Contains(got, "not in the requires_action state") {
		t.Errorf("handleNextAction of a paid PaymentIntent: %s", got)
	}
	if got := s.text("stripe.retrievePaymentIntent('" + secret + "').then((r) => r.paymentIntent.status)"); got != "succeeded" {
		t.Errorf("retrievePaymentIntent: %s", got)
	}
	s.clean("4242424242424242")
}

func testLiveConfirmCardPayment(t *testing.T, s shop) {
	intent := s.stripe("/v1/payment_intents", intentForm())
	s.open("{}, { hidePostalCode: true }, 'card'")
	s.typeCard("4000002760003184")
	s.do("stripe.confirmCardPayment('" + intent["client_secret"].(string) + "', { payment_method: { card: element } }).then((r) => { window.done = r })")
	s.wait("document.querySelector('dialog iframe')")
	for ready := false; !ready; {
		ready = s.inFrame("/js/3ds", "document.activeElement?.id === 'succeed'").(bool)
	}
	s.run(chromedp.KeyEvent(kb.Enter))
	s.wait("window.done")
	if got := s.text("done.paymentIntent?.status ?? JSON.stringify(done)"); got != "succeeded" {
		t.Errorf("confirmCardPayment: %s", got)
	}
	s.clean("4000002760003184")
}

func testLivePaymentMethod(t *testing.T, s shop) {
	s.open("{}, { hidePostalCode: true }, 'card'")
	s.typeCard("5555555555554444")
	method := s.text("stripe.createPaymentMethod({ type: 'card', card: element, billing_details: { name: 'Maria Keller' } }).then((r) => r.paymentMethod?.id ?? JSON.stringify(r))")
	paid := s.stripe("/v1/payment_intents", intentForm("confirm", "true", "payment_method", method, "payment_method_options[card][moto]", "true", "error_on_requires_action", "true"))
	if paid["status"] != "succeeded" {
		t.Errorf("with %s: %v", method, paid)
	}
	s.clean("5555555555554444")
}
