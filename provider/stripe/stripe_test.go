package stripe_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/sandbox/contract"
)

var usd = money.New(22500, "USD")

var request = stripe.IntentRequest{
	Amount: usd, Customer: "cus_123", MethodTypes: []string{"card"}, Capture: paylink.CaptureManual,
	SetupFutureUsage: "off_session", StatementSuffix: "INV-1042", Description: "Invoice INV-1042",
	Install: "i", Payment: "pay_1", Invoice: "inv_1",
}

// stripe-mock knows every parameter of the API by name and type, and shares nothing with our own
// sandbox.
func TestStripeMockTakesEveryCall(t *testing.T) {
	c := stripe.New(stripe.Config{Key: "sk_test_123", BaseURL: contract.StartStripeMock(t, contract.Stripe20231016)})
	ctx := t.Context()
	if _, err := c.EnsureCustomer(ctx, "k0", stripe.CustomerRequest{ID: "cus", Install: "i", Name: "Maria", Email: "m@keller.example"}); err != nil {
		t.Error(err)
	}
	in, err := c.CreateIntent(ctx, "k1", request)
	if err != nil {
		t.Fatal(err)
	}
	since := stripe.Since{From: time.Unix(1700000000, 0), After: "x_123"}
	for name, call := range map[string]func() error{
		"confirm a saved card": func() error {
			_, err := c.Confirm(ctx, in.ID, "k2", stripe.ConfirmRequest{Method: "pm_123", ReturnURL: "https://pay.firm.example/x"})
			return err
		},
		"confirm a debit": func() error {
			_, err := c.Confirm(ctx, in.ID, "k3", stripe.ConfirmRequest{Method: "ba_123", Mandate: &stripe.Mandate{AcceptedAt: 1, IP: "192.0.2.1", Agent: "x"}})
			return err
		},
		"confirm a saved card whose payer is absent": func() error {
			_, err := c.Confirm(ctx, in.ID, "k12", stripe.ConfirmRequest{Method: "pm_123", OffSession: true})
			return err
		},
		"confirm a debit on the standing permission": func() error {
			_, err := c.Confirm(ctx, in.ID, "k13", stripe.ConfirmRequest{Method: "ba_123", OffSession: true})
			return err
		},
		"fetch":   func() error { _, err := c.Intent(ctx, in.ID); return err },
		"capture": func() error { _, err := c.Capture(ctx, in.ID, "k5", usd); return err },
		"cancel":  func() error { _, err := c.Cancel(ctx, in.ID, "k4"); return err },
		"secret":  func() error { _, err := c.ClientSecret(ctx, in.ID); return err },
		"refund": func() error {
			_, err := c.CreateRefund(ctx, "k6", stripe.RefundRequest{Intent: in.ID, Amount: usd, Fee: 100, OwedAgain: true, Install: "i", Payment: "pay_1", Refund: "rfd_1"})
			return err
		},
		"fetch a refund":        func() error { _, err := c.Refund(ctx, "re_123"); return err },
		"refunds of a payment":  func() error { _, err := c.RefundsOf(ctx, in.ID); return err },
		"fetch a dispute":       func() error { _, err := c.Dispute(ctx, "dp_123"); return err },
		"list payments":         func() error { _, err := c.Intents(ctx, since); return err },
		"list charges":          func() error { _, err := c.Charges(ctx, since); return err },
		"list refunds":          func() error { _, err := c.Refunds(ctx, since); return err },
		"list disputes":         func() error { _, err := c.Disputes(ctx, since); return err },
		"list events":           func() error { _, err := c.Events(ctx, since); return err },
		"list the balance":      func() error { _, err := c.Movements(ctx, since); return err },
		"a line of the balance": func() error { _, err := c.Movement(ctx, "txn_123"); return err },
		"adopt":                 func() error { _, err := c.Adopt(ctx, in.ID, "k7", "i", "pay_1", "inv_1"); return err },
		"attach a bank account": func() error {
			_, err := c.AttachBank(ctx, "k6", "cus_123", "btok_123")
			return unless(err, "the answer is no bank account") // the mock's example of a source is another kind
		},
		"find a bank account": func() error {
			_, err := c.FindBank(ctx, "cus_123", "btok_123")
			return unless(err, "it is of no bank account") // and of a token, a card's
		},
		"fetch a method":        func() error { _, err := c.Method(ctx, "pm_123"); return err },
		"detach a card":         func() error { return c.Detach(ctx, "k7", "cus_123", "pm_123") },
		"detach a bank account": func() error { return c.Detach(ctx, "k8", "cus_123", "ba_123") },
		"set up a bank account": func() error {
			_, err := c.SetUpBank(ctx, "k9", stripe.SetupRequest{
				Customer: "cus_123", PaymentMethod: "pm_123", Install: "i", Method: "mth_1", Mandate: stripe.Mandate{AcceptedAt: 1, IP: "192.0.2.1", Agent: "x"},
			})
			return err
		},
		"fetch a setup":  func() error { _, err := c.Setup(ctx, "seti_123"); return err },
		"verify a code":  func() error { _, err := c.VerifyBank(ctx, "seti_123", "k10", "SM11AA", [2]int64{}); return err },
		"verify amounts": func() error { _, err := c.VerifyBank(ctx, "seti_123", "k11", "", [2]int64{32, 45}); return err },
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unless lets an error pass that says just that: the mock took the call.
func unless(err error, text string) error {
	if err != nil && strings.HasSuffix(err.Error(), text) {
		return nil
	}
	return err
}

func TestStripeMockTakesAConfirmationToken(t *testing.T) {
	c := stripe.New(stripe.Config{Key: "sk_test_123", BaseURL: contract.StartStripeMock(t, contract.StripeLatest)})
	in, err := c.CreateIntent(t.Context(), "k1", request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Confirm(t.Context(), in.ID, "k2", stripe.ConfirmRequest{ConfirmationToken: "ctoken_123", ReturnURL: "https://pay.firm.example/x"}); err != nil {
		t.Error(err)
	}
}

// answering gives a client of a Stripe that answers one thing to everything.
func answering(t *testing.T, status int, body string, headers ...string) *stripe.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for n := 0; n < len(headers); n += 2 {
			w.Header().Set(headers[n], headers[n+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return stripe.New(stripe.Config{Key: "sk_test_canary", BaseURL: server.URL, Timeout: time.Second})
}

func stripeError(kind, code string) string {
	return `{"error":{"type":"` + kind + `","code":"` + code + `","message":"canary in a message"}}`
}

func TestWhatIsKnownOfACall(t *testing.T) {
	const unknown, refused = "unknown", "refused"
	for name, test := range map[string]struct {
		status  int
		body    string
		headers []string
		want    string
	}{
		"500":                {500, stripeError("api_error", ""), nil, unknown},
		"stored 500":         {500, stripeError("api_error", ""), []string{"Idempotent-Replayed", "true"}, unknown},
		"502 of a proxy":     {502, "<html>bad gateway</html>", nil, unknown},
		"409 key in use":     {409, stripeError("invalid_request_error", "idempotency_key_in_use"), nil, unknown},
		"429":                {429, stripeError("invalid_request_error", "rate_limit"), []string{"Retry-After", "7"}, unknown},
		"200 with HTML":      {200, "<html>hello</html>", nil, unknown},
		"200 cut off":        {200, `{"id":"pi_1","status":"succ`, nil, unknown},
		"200 of nothing":     {200, `{}`, nil, unknown},
		"200 of another":     {200, `{"id":"pi_other","object":"payment_intent","status":"succeeded"}`, nil, unknown},
		"ten megabytes":      {200, `{"id":"pi_1","status":"succeeded","description":"` + strings.Repeat("x", 10<<20) + `"}`, nil, unknown},
		"a redirect":         {302, "", []string{"Location", "https://elsewhere.example/"}, unknown},
		"400":                {400, stripeError("invalid_request_error", "parameter_unknown"), nil, refused},
		"another body":       {400, stripeError("idempotency_error", ""), nil, refused},
		"wrong key":          {401, stripeError("invalid_request_error", ""), nil, refused},
		"no such object":     {404, stripeError("invalid_request_error", "resource_missing"), nil, refused},
		"card error without": {402, stripeError("card_error", "card_declined"), nil, refused},
	} {
		t.Run(name, func(t *testing.T) {
			c := answering(t, test.status, test.body, test.headers...)
			_, err := c.Confirm(t.Context(), "pi_1", "k", stripe.ConfirmRequest{ConfirmationToken: "ctoken_canary", ReturnURL: "https://x.example"})
			_, isRefusal := errors.AsType[*stripe.Refusal](err)
			if (test.want == unknown) != errors.Is(err, stripe.ErrUnknown) || (test.want == refused) != isRefusal {
				t.Errorf("%v is not %s", err, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows what it must not: %v", err)
			}
			if busy, ok := errors.AsType[*stripe.Busy](err); ok && (busy.Replayed != (name == "stored 500") || (busy.After == 7*time.Second) != (name == "429")) {
				t.Errorf("%+v", busy)
			}
		})
	}
	nobody := stripe.New(stripe.Config{Key: "sk_test_1", BaseURL: "http://127.0.0.1:1"})
	if _, err := nobody.Intent(t.Context(), "pi_1"); !errors.Is(err, stripe.ErrUnknown) {
		t.Errorf("nobody there: %v", err)
	}
	_, err := nobody.EnsureCustomer(t.Context(), "k", stripe.CustomerRequest{ID: "cus", Email: "canary@keller.example"})
	if !errors.Is(err, stripe.ErrUnknown) || strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows an address: %v", err)
	}
}

func TestDeclineIsAnAnswerWithAReasonThatPayersMayRead(t *testing.T) {
	for code, want := range map[string]paylink.DeclineReason{
		`"code":"card_declined","decline_code":"insufficient_funds"`: paylink.DeclinedFunds,
		`"code":"expired_card"`:  paylink.DeclinedExpired,
		`"code":"incorrect_cvc"`: paylink.DeclinedCode,
		`"code":"card_declined","decline_code":"card_velocity_exceeded"`:               paylink.DeclinedLimit,
		`"code":"payment_intent_authentication_failure"`:                               paylink.DeclinedNotConfirmed,
		`"code":"authentication_required","decline_code":"authentication_required"`:    paylink.DeclinedNeedsPayer,
		`"code":"authentication_required","decline_code":"authentication_not_handled"`: paylink.DeclinedNeedsPayer,
		`"code":"card_declined","decline_code":"authentication_required"`:              paylink.DeclinedNeedsPayer,
		`"code":"card_declined","decline_code":"stolen_card"`:                          paylink.DeclinedNoReason,
		`"code":"card_declined","decline_code":"fraudulent"`:                           paylink.DeclinedNoReason,
		`"code":"card_declined","decline_code":"a_new_word"`:                           paylink.DeclinedNoReason,
	} {
		last := `{"type":"card_error",` + code + `,"payment_method":{"id":"pm_1","card":{"brand":"visa","last4":"9995","exp_month":8,"exp_year":2030}}}`
		c := answering(t, 402, `{"error":{"type":"card_error",`+code+`,"payment_intent":{"id":"pi_1","status":"requires_payment_method","amount":100,"currency":"usd","last_payment_error":`+last+`}}}`)
		in, err := c.Confirm(t.Context(), "pi_1", "k", stripe.ConfirmRequest{ConfirmationToken: "c", ReturnURL: "https://x.example"})
		if err != nil || !in.Declined || in.Reason != want || in.Card.Label() != "Visa ••9995" || in.Status != stripe.NeedsMethod {
			t.Errorf("%s: %+v %v", code, in, err)
		}
	}
}

func TestRefusalsThatStripeSaysInASentenceHaveACode(t *testing.T) {
	for message, want := range map[string]string{
		"This PaymentIntent requires a mandate, but no existing mandate was found. canary":                     stripe.NoMandate,
		"The provided PaymentMethod was … detached from a Customer. It may not be used again. To use … canary": stripe.Detached,
		"Something else about pm_canary": "invalid_request_error",
	} {
		c := answering(t, 400, `{"error":{"type":"invalid_request_error","message":"`+message+`"}}`)
		_, err := c.Confirm(t.Context(), "pi_1", "k", stripe.ConfirmRequest{Method: "ba_1"})
		refusal, ok := errors.AsType[*stripe.Refusal](err)
		if !ok || refusal.Code != want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestDebitThatCameBackHasAReasonAndAnAccount(t *testing.T) {
	for code, want := range map[string]paylink.DeclineReason{
		"insufficient_funds": paylink.DeclinedFunds, "account_closed": paylink.DeclinedClosed, "no_account": paylink.DeclinedNoAccount,
		"debit_not_authorized": paylink.DeclinedUnauthorized, "charge_exceeds_source_limit": paylink.DeclinedBankLimit,
		"a_new_word": paylink.DeclinedBankOther,
	} {
		last := `{"type":"invalid_request_error","code":"` + code + `","payment_method":{"id":"ba_1","type":"us_bank_account","us_bank_account":{"bank_name":"Chase","last4":"6789","account_type":"checking","fingerprint":"f1"}}}`
		c := answering(t, 200, `{"id":"pi_1","status":"requires_payment_method","amount":100,"currency":"usd","last_payment_error":`+last+`}`)
		in, err := c.Intent(t.Context(), "pi_1")
		if err != nil || !in.Declined || in.Reason != want || in.Bank.Label() != "Chase ••6789" || in.Method != "ba_1" || in.Fingerprint != "f1" {
			t.Errorf("%s: %+v %v", code, in, err)
		}
	}
}

func TestEventsAreVerifiedAndReadForTheObjectTheyName(t *testing.T) {
	body := []byte(`{"id":"evt_1","type":"charge.refunded","livemode":false,"data":{"object":{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_1"}}}}`)
	if e, err := stripe.ParseEvent(body); err != nil || e.Intent != "pi_1" || e.Object != "ch_1" {
		t.Errorf("%+v %v", e, err)
	}
	for _, header := range []string{"", "t=1,v1=00", "t=99999999999,v1=abc"} {
		if _, err := stripe.VerifyEvent(body, header, []string{"whsec_1", "whsec_2"}); err == nil {
			t.Errorf("%q was taken", header)
		}
	}
	if _, err := stripe.VerifyEvent(body, "t=1,v1=00", nil); err == nil {
		t.Error("without a secret nothing is verified")
	}
}

func FuzzStripeEvent(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}`))
	f.Add([]byte(`{"id":"evt_1","type":"x","data":{"object":{"payment_intent":7}}}`))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _ = stripe.ParseEvent(body) })
}

func FuzzStripeSigHeader(f *testing.F) {
	f.Add("t=1700000000,v1=abc,v0=def")
	f.Fuzz(func(t *testing.T, header string) {
		if _, err := stripe.VerifyEvent([]byte(`{"id":"evt_1","type":"x"}`), header, []string{"whsec_1"}); err == nil {
			t.Error("a made-up signature was taken")
		}
	})
}

func TestHeldMoneyThatWasLetGoIsToldFromARefund(t *testing.T) {
	for name, test := range map[string]struct {
		rest string
		want bool
	}{
		"a refund":                           {`,"charge":{"id":"ch_1","object":"charge","status":"succeeded","captured":true},"balance_transaction":{"id":"txn_1","object":"balance_transaction","reporting_category":"refund"},"destination_details":{"type":"card","card":{"type":"refund"}}`, false},
		"a refund soon after, as a reversal": {`,"charge":{"id":"ch_1","object":"charge","status":"succeeded","captured":true},"balance_transaction":{"id":"txn_1","object":"balance_transaction","reporting_category":"refund"},"destination_details":{"type":"card","card":{"type":"reversal"}}`, false},
		"a canceled authorization":           {`,"charge":{"id":"ch_1","object":"charge","status":"succeeded","captured":false},"balance_transaction":null,"destination_details":{"type":"card","card":{"type":"reversal"}}`, true},
		"the rest of a partial capture":      {`,"charge":{"id":"ch_1","object":"charge","status":"succeeded","captured":true},"balance_transaction":{"id":"txn_1","object":"balance_transaction","reporting_category":"partial_capture_reversal"}`, true},
		"of a bank debit":                    {`,"charge":"py_1","balance_transaction":"txn_1","destination_details":{"type":"us_bank_transfer"}`, false},
	} {
		c := answering(t, 200, `{"id":"re_1","object":"refund","status":"succeeded","amount":100,"currency":"usd"`+test.rest+`}`)
		if r, err := c.Refund(t.Context(), "re_1"); err != nil || r.Release != test.want {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func TestWhatADisputeTook(t *testing.T) {
	for name, test := range map[string]struct {
		moves     string
		withdrawn int64
	}{
		"nothing":                         {``, 0},
		"all":                             {`{"amount":-5000,"currency":"usd"}`, 5000},
		"and gave back":                   {`{"amount":-5000,"currency":"usd"},{"amount":5000,"currency":"usd"}`, 0},
		"and gave a part back":            {`{"amount":-5000,"currency":"usd"},{"amount":2000,"currency":"usd"}`, 3000},
		"in the account's currency":       {`{"amount":-4600,"currency":"eur"}`, 5000},
		"and gave back at another rate":   {`{"amount":-4600,"currency":"eur"},{"amount":4700,"currency":"eur"}`, 0},
		"and took it again at a new rate": {`{"amount":-4600,"currency":"eur"},{"amount":4700,"currency":"eur"},{"amount":-4650,"currency":"eur"}`, 5000},
	} {
		c := answering(t, 200, `{"id":"dp_1","object":"dispute","status":"needs_response","amount":5000,"currency":"usd","balance_transactions":[`+test.moves+`]}`)
		if d, err := c.Dispute(t.Context(), "dp_1"); err != nil || d.Withdrawn != test.withdrawn {
			t.Errorf("%s: %d, want %d, %v", name, d.Withdrawn, test.withdrawn, err)
		}
	}
}

// An absent payer is said to be absent, and nothing is sent that only a browser could follow.
func TestAnAbsentPayerIsSaidToBeAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		request stripe.ConfirmRequest
		want    map[string]string
	}{
		"absent":  {stripe.ConfirmRequest{Method: "pm_1", OffSession: true}, map[string]string{"off_session": "true", "return_url": "", "use_stripe_sdk": "", "mandate_data[customer_acceptance][type]": ""}},
		"present": {stripe.ConfirmRequest{Method: "pm_1", ReturnURL: "https://x.example"}, map[string]string{"off_session": "", "return_url": "https://x.example", "use_stripe_sdk": "true"}},
	} {
		var sent url.Values
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			sent = r.PostForm
			_, _ = io.WriteString(w, `{"id":"pi_1","status":"succeeded","amount":100,"currency":"usd"}`)
		}))
		t.Cleanup(server.Close)
		if _, err := stripe.New(stripe.Config{Key: "sk_test_1", BaseURL: server.URL}).Confirm(t.Context(), "pi_1", "k", c.request); err != nil {
			t.Error(err)
		}
		for field, want := range c.want {
			if got := sent.Get(field); got != want {
				t.Errorf("%s: %s is %q, want %q", name, field, got, want)
			}
		}
	}
}
