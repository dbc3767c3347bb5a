package contract

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"paylink/sandbox"
)

// outOfScope are parameters of Stripe's that the sandbox refuses, because it has none of what they are about.
var outOfScope = regexp.MustCompile(`^(application_fee_amount|on_behalf_of|transfer_data|refund_application_fee|reverse_transfer|destination` + // Connect
	`|coupon|promotion_code|test_clock|next_invoice_sequence|invoice_prefix|tax_id_data` + // Billing
	`|source|default_source|card|bank_account|default_card|default_bank_account|default_alipay_account|alipay_account|cash_balance|trial_end` + // what came before PaymentMethods
	`|origin|customer|currency|interac_present` + // a customer's cash balance, Interac
	`|account|person|pii|cvc_update` + // tokens of other things
	`|address_city|address_country|address_line1|address_line2|address_state|address_zip|exp_month|exp_year|name|owner` + // sources of other kinds
	`|attach_to_self|flow_directions|single_use` + // SetupIntents of Connect and Treasury, and their mandates for one payment
	`)$`)

// extra are parameters the sandbox takes and the description leaves out: Stripe takes them of this version's clients,
// or will of the next.
var extra = map[string][]string{
	"/v1/payment_intents":                  {"client_secret", "confirmation_token"},
	"/v1/payment_intents/{intent}":         {"client_secret"},
	"/v1/payment_intents/{intent}/confirm": {"confirmation_token"},
	"/v1/payment_intents/{intent}/capture": {"client_secret"},
	"/v1/payment_intents/{intent}/cancel":  {"client_secret"},
	"/v1/payment_methods":                  {"allow_redisplay"},
}

// TestParameters_AreThoseOfTheDescription sends every described parameter, each alone beside the required ones, and
// then every parameter that belongs to another call: the first must be known, the second must not.
func TestParameters_AreThoseOfTheDescription(t *testing.T) {
	spec := loadSpec(t, Stripe20231016)
	s := startSandbox(t)
	f := newFixtures(t, s)
	names := map[string]bool{}
	var calls []string
	for _, operation := range served(t, s, spec) {
		method, path, _ := strings.Cut(operation, " ")
		if method != "POST" {
			continue
		}
		calls = append(calls, path)
		params, _ := spec.Paths[path]["post"].Params()
		for name := range params {
			names[name] = true
		}
	}
	if len(calls) < 15 {
		t.Fatalf("only %v are served", calls)
	}
	methods, _ := spec.Paths["/v1/payment_methods"]["post"].Params()
	otherMethods := methods["type"].Enum // the ways to pay that are not taken here
	for _, path := range calls {
		params, required := spec.Paths[path]["post"].Params()
		for name, schema := range params {
			unknown := f.refusesAsUnknown(path, required, name, sample(schema, name))
			if unknown && !outOfScope.MatchString(name) && !slices.Contains(otherMethods, any(name)) {
				t.Errorf("POST %s does not know %s", path, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if _, described := params[name]; described || slices.Contains(extra[path], name) {
				continue
			}
			if !f.refusesAsUnknown(path, required, name, url.Values{name: {"x"}}) {
				t.Errorf("POST %s takes %s", path, name)
			}
		}
	}
}

// sample is a value that fits the schema, as form fields.
func sample(schema *Schema, name string) url.Values {
	for len(schema.AnyOf) > 0 {
		schema = schema.AnyOf[0]
	}
	switch {
	case len(schema.Enum) > 0:
		return url.Values{name: {fmt.Sprint(schema.Enum[len(schema.Enum)-1])}}
	case schema.Type == "boolean":
		return url.Values{name: {"true"}}
	case schema.Type == "integer":
		return url.Values{name: {"60"}}
	case schema.Type == "array":
		if item := schema.Items; item != nil && len(item.Enum) > 0 {
			return url.Values{name + "[]": {fmt.Sprint(item.Enum[0])}}
		}
		return url.Values{name + "[]": {"x"}}
	case schema.Type == "object":
		keys := slices.Sorted(maps.Keys(schema.Properties))
		if slices.Contains(keys, "card") {
			keys = []string{"card"}
		}
		for _, k := range keys {
			return url.Values{name + "[" + k + "]": {"x"}}
		}
		return url.Values{name + "[k]": {"x"}}
	}
	return url.Values{name: {"x"}}
}

// demanded is what calls ask for without the description saying so.
var demanded = map[string]url.Values{
	"/v1/payment_methods": {"type": {"card"}, "card[token]": {"tok_visa"}},
	"/v1/refunds":         {"payment_intent": {"pi_none"}},
	"/v1/tokens":          {"bank_account[country]": {"US"}, "bank_account[routing_number]": {"110000000"}, "bank_account[account_number]": {"000123456789"}},
	"/v1/payment_intents/{intent}/verify_microdeposits": {"descriptor_code": {"SM00ZZ"}},
	"/v1/setup_intents/{intent}/verify_microdeposits":   {"descriptor_code": {"SM00ZZ"}},
	"/v1/customers/{customer}/sources/{id}/verify":      {"amounts[]": {"1", "2"}},
}

// fixtures are objects to call about.
type fixtures struct {
	t   *testing.T
	s   *sandbox.Server
	ids map[string]string
}

func newFixtures(t *testing.T, s *sandbox.Server) *fixtures {
	t.Helper()
	sc := clientOf(s.URL(), s.Env()["STRIPE_SECRET_KEY"], &stripe.BackendConfig{})
	cus, err := sc.Customers.New(&stripe.CustomerParams{PaymentMethod: stripe.String("pm_card_visa")})
	if err != nil {
		t.Fatal(err)
	}
	methods := sc.Customers.ListPaymentMethods(&stripe.CustomerListPaymentMethodsParams{Customer: &cus.ID})
	methods.Next()
	open, err := sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(500), Currency: stripe.String("usd"), PaymentMethodTypes: stripe.StringSlice([]string{"card"})})
	if err != nil {
		t.Fatal(err)
	}
	paid, err := sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(99999), Currency: stripe.String("usd"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		PaymentMethod: stripe.String("pm_card_visa"), Confirm: stripe.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	refund, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &paid.ID, Amount: stripe.Int64(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.Post(s.URL()+"/disputes", "application/json", strings.NewReader(`{"payment_intent":"`+paid.ID+`"}`)); err != nil {
		t.Fatal(err)
	}
	source, err := sc.PaymentSources.New(&stripe.PaymentSourceParams{Customer: &cus.ID, Source: &stripe.PaymentSourceSourceParams{Token: bankToken(t, sc)}})
	if err != nil {
		t.Fatal(err)
	}
	setup, err := sc.SetupIntents.New(&stripe.SetupIntentParams{})
	if err != nil {
		t.Fatal(err)
	}
	disputes := sc.Disputes.List(&stripe.DisputeListParams{})
	disputes.Next()
	return &fixtures{t, s, map[string]string{"customer": cus.ID, "payment_method": methods.PaymentMethod().ID, "intent": open.ID,
		"charge": paid.LatestCharge.ID, "refund": refund.ID, "dispute": disputes.Dispute().ID,
		"id": source.ID, "setup_intents {intent}": setup.ID}}
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// refusesAsUnknown makes the call with what it requires and the value, and tells whether the name was unknown.
func (f *fixtures) refusesAsUnknown(path string, required []string, name string, value url.Values) bool {
	f.t.Helper()
	form := url.Values{}
	for k, v := range demanded[path] {
		form[k] = v
	}
	for _, k := range required {
		form[k] = map[string][]string{"amount": {"500"}, "currency": {"usd"}, "customer": {f.ids["customer"]}}[k]
	}
	for k, v := range value {
		form[k] = v
	}
	concrete := placeholder.ReplaceAllStringFunc(path, func(p string) string {
		if id, ok := f.ids[strings.Split(path, "/")[2]+" "+p]; ok {
			return id
		}
		return f.ids[strings.Trim(p, "{}")]
	})
	_, e := call(f.t, f.s, "POST", concrete, form)
	param, _ := e["param"].(string)
	return e["code"] == "parameter_unknown" && (param == name || strings.HasPrefix(param, name+"["))
}
