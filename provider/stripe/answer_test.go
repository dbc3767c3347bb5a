package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"paylink/provider/stripe"
)

// answered is a client whose every call has this answer.
func answered(t *testing.T, status int, body string) *stripe.Client {
	t.Helper()
	box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(box.Close)
	return stripe.New(stripe.Config{Key: "sk_test_1", BaseURL: box.URL})
}

// An answer that is not about what was asked says nothing: what the call did stays unknown.
func TestFault_P20_AnswersAboutSomethingElseAreNotBelieved(t *testing.T) {
	type call func(context.Context, *stripe.Client) error
	fetch := map[string]call{
		"fetch":  func(ctx context.Context, c *stripe.Client) error { _, err := c.Intent(ctx, "x_1"); return err },
		"cancel": func(ctx context.Context, c *stripe.Client) error { _, err := c.Cancel(ctx, "x_1", "k"); return err },
		"capture": func(ctx context.Context, c *stripe.Client) error {
			_, err := c.Capture(ctx, "x_1", "k", usd)
			return err
		},
		"confirm": func(ctx context.Context, c *stripe.Client) error {
			_, err := c.Confirm(ctx, "x_1", "k", stripe.ConfirmRequest{Method: "pm_1"})
			return err
		},
		"fetch a refund":  func(ctx context.Context, c *stripe.Client) error { _, err := c.Refund(ctx, "x_1"); return err },
		"fetch a dispute": func(ctx context.Context, c *stripe.Client) error { _, err := c.Dispute(ctx, "x_1"); return err },
		"fetch a setup":   func(ctx context.Context, c *stripe.Client) error { _, err := c.Setup(ctx, "x_1"); return err },
	}
	create := map[string]call{
		"make": func(ctx context.Context, c *stripe.Client) error {
			_, err := c.CreateIntent(ctx, "k", request)
			return err
		},
		"refund": func(ctx context.Context, c *stripe.Client) error {
			_, err := c.CreateRefund(ctx, "k", stripe.RefundRequest{Intent: "pi_1", Amount: usd})
			return err
		},
		"set up": func(ctx context.Context, c *stripe.Client) error {
			_, err := c.SetUpBank(ctx, "k", stripe.SetupRequest{Customer: "cus_1", PaymentMethod: "pm_1"})
			return err
		},
	}
	some := map[string]call{ // which have no status
		"a line of the balance": func(ctx context.Context, c *stripe.Client) error { _, err := c.Movement(ctx, "x_1"); return err },
		"a payment method":      func(ctx context.Context, c *stripe.Client) error { _, err := c.Method(ctx, "x_1"); return err },
	}
	for _, test := range []struct {
		calls map[string]call
		good  string
		bad   []string
	}{
		{fetch, `{"id":"x_1","status":"lost"}`, []string{`{}`, `null`, `{"id":"x_2","status":"lost"}`, `{"id":"x_1"}`}},
		{create, `{"id":"x_1","status":"pending"}`, []string{`{}`, `null`, `{"status":"pending"}`, `{"id":"x_1"}`}},
		{some, `{"id":"x_1"}`, []string{`{}`, `null`, `{"id":"x_2"}`}},
	} {
		for name, call := range test.calls {
			if err := call(t.Context(), answered(t, http.StatusOK, test.good)); err != nil {
				t.Errorf("%s %s: %v", name, test.good, err)
			}
			for _, body := range test.bad {
				if err := call(t.Context(), answered(t, http.StatusOK, body)); !errors.Is(err, stripe.ErrUnknown) {
					t.Errorf("%s %s: %v", name, body, err)
				}
			}
		}
	}
}

// Held money that was let go is no refund, and what Stripe shows of it differs by how it was let go.
func TestWhatWasReleasedIsToldFromWhatWasRefunded(t *testing.T) {
	const back = `"destination_details":{"type":"card","card":{"type":"reversal"}}`
	for name, test := range map[string]struct {
		more     string
		released bool
	}{
		"a refund":                        {`"balance_transaction":{"id":"txn_1","reporting_category":"refund"},"charge":{"id":"ch_1","status":"succeeded","captured":true}`, false},
		"one that was made soon":          {`"balance_transaction":{"id":"txn_1","reporting_category":"refund"},"charge":{"id":"ch_1","status":"succeeded","captured":true},` + back, false},
		"a hold that was canceled":        {`"charge":{"id":"ch_1","status":"succeeded","captured":false}`, true},
		"a hold of which nobody knows":    {`"balance_transaction":null,` + back, true},
		"the rest of a partial capture":   {`"balance_transaction":{"id":"txn_1","reporting_category":"partial_capture_reversal"},"charge":{"id":"ch_1","status":"succeeded","captured":true}`, true},
		"a refund that is still to move":  {`"balance_transaction":null,"charge":{"id":"ch_1","status":"succeeded","captured":true}`, false},
		"a charge that was not read":      {`"charge":"ch_1","balance_transaction":{"id":"txn_1","reporting_category":"refund"}`, false},
		"a refund of one not looked into": {`"balance_transaction":null`, false},
	} {
		r, err := answered(t, http.StatusOK, `{"id":"re_1","status":"succeeded",`+test.more+`}`).Refund(t.Context(), "re_1")
		if err != nil || r.Release != test.released {
			t.Errorf("%s: %t %v", name, r.Release, err)
		}
	}
}

// A card's money moves as it is charged, or as a hold is captured; a debit's when the bank sends it.
func TestMoneyMovesWhenStripeBooksIt(t *testing.T) {
	const card, bank = `"payment_method_details":{"type":"card","card":{"last4":"4242"}}`, `"payment_method_details":{"type":"us_bank_account","us_bank_account":{"last4":"6789"}}`
	for name, test := range map[string]struct {
		charge string
		want   int64 // 0 is not yet
	}{
		"a card":                       {`"created":100,"balance_transaction":{"id":"txn_1","created":100},` + card, 100},
		"a card that is not booked":    {`"created":100,` + card, 100},
		"a hold that was captured":     {`"created":100,"balance_transaction":{"id":"txn_1","created":900},` + card, 900},
		"a debit on its way":           {`"created":100,` + bank, 0},
		"a debit booked as it begins":  {`"created":100,"balance_transaction":{"id":"txn_1","created":100},` + bank, 0},
		"a debit that arrived":         {`"created":100,"balance_transaction":{"id":"txn_1","created":900},` + bank, 900},
		"a charge without a day":       {card, 0},
		"a charge of unknown means":    {`"created":100`, 100},
		"one that is not told in full": {`"created":100,"payment_method_details":null`, 100},
	} {
		in, err := answered(t, http.StatusOK, `{"id":"pi_1","status":"succeeded","latest_charge":{"id":"ch_1",`+test.charge+`}}`).Intent(t.Context(), "pi_1")
		want := time.Time{}
		if test.want > 0 {
			want = time.Unix(test.want, 0).UTC()
		}
		if err != nil || !in.MovedAt.Equal(want) {
			t.Errorf("%s: %v %v", name, in.MovedAt, err)
		}
	}
}

// What is gone from its customer is detached; what is another's, or was not looked up, is not said to be.
func TestDetachedIsWhatNobodyHas(t *testing.T) {
	answer := func(detach int, code, method string) *stripe.Client {
		box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.Method == http.MethodGet {
				_, _ = w.Write([]byte(method))
				return
			}
			w.WriteHeader(detach)
			_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","code":"` + code + `"}}`))
		}))
		t.Cleanup(box.Close)
		return stripe.New(stripe.Config{Key: "sk_test_1", BaseURL: box.URL})
	}
	for name, test := range map[string]struct {
		client *stripe.Client
		id     string
		want   bool
	}{
		"gone":                     {answer(404, "resource_missing", ""), "pm_1", true},
		"nobody's":                 {answer(400, "", `{"id":"pm_1"}`), "pm_1", true},
		"somebody's":               {answer(400, "", `{"id":"pm_1","customer":"cus_2"}`), "pm_1", false},
		"who knows whose":          {answer(400, "", `{"id":"pm_2"}`), "pm_1", false},
		"in trouble":               {answer(500, "", `{"id":"pm_1"}`), "pm_1", false},
		"an account that is kept":  {answer(400, "", `{"id":"ba_1"}`), "ba_1", false},
		"an account that is gone":  {answer(404, "resource_missing", ""), "ba_1", true},
		"of which Stripe is quiet": {answer(500, "resource_missing", ""), "ba_1", false},
	} {
		if err := test.client.Detach(t.Context(), "k", "cus_1", test.id); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
