package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// typedBank is a PaymentMethod made in the browser from routing and account numbers.
func typedBank(t *testing.T, s *Server, number string) string {
	t.Helper()
	status, m, _ := post(t, s, s.Env()["STRIPE_PUBLISHABLE_KEY"], "/v1/payment_methods", url.Values{"type": {"us_bank_account"}, "us_bank_account[routing_number]": {"110000000"},
		"us_bank_account[account_number]": {number}, "us_bank_account[account_holder_type]": {"company"}, "billing_details[name]": {"Ada"}})
	if status != http.StatusOK {
		t.Fatal(m)
	}
	return m["id"].(string)
}

func setUp(sc *client.API, method, cus string, change func(*stripe.SetupIntentParams)) (*stripe.SetupIntent, error) {
	p := &stripe.SetupIntentParams{Customer: &cus, PaymentMethod: &method, Confirm: stripe.Bool(true), Usage: stripe.String("off_session"),
		PaymentMethodTypes: stripe.StringSlice([]string{"us_bank_account"}),
		MandateData: &stripe.SetupIntentMandateDataParams{CustomerAcceptance: &stripe.SetupIntentMandateDataCustomerAcceptanceParams{
			Type: stripe.MandateCustomerAcceptanceTypeOffline, Offline: &stripe.SetupIntentMandateDataCustomerAcceptanceOfflineParams{}}}}
	if change != nil {
		change(p)
	}
	return sc.SetupIntents.New(p)
}

func mustSetUp(t *testing.T, sc *client.API, method, cus string, change func(*stripe.SetupIntentParams)) *stripe.SetupIntent {
	t.Helper()
	si, err := setUp(sc, method, cus, change)
	if err != nil {
		t.Fatal(err)
	}
	return si
}

func forCard(p *stripe.SetupIntentParams) {
	p.PaymentMethodTypes, p.MandateData = stripe.StringSlice([]string{"card"}), nil
}

func setupNow(t *testing.T, sc *client.API, id string) *stripe.SetupIntent {
	t.Helper()
	si, err := sc.SetupIntents.Get(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return si
}

func TestSetupIntent_VerifiesABankByMicroDeposits(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	method := typedBank(t, s, "000123456789")
	if _, err := sc.PaymentMethods.Attach(method, &stripe.PaymentMethodAttachParams{Customer: &cus}); !strings.Contains(stripeError(t, err).Msg, "must be verified before they can be attached") {
		t.Error(err)
	}
	si := mustSetUp(t, sc, method, cus, nil)
	if si.Status != "requires_action" || si.NextAction.Type != "verify_with_microdeposits" || si.NextAction.VerifyWithMicrodeposits.MicrodepositType != "descriptor_code" ||
		si.NextAction.VerifyWithMicrodeposits.ArrivalDate <= si.Created || si.NextAction.VerifyWithMicrodeposits.HostedVerificationURL == "" {
		t.Fatalf("%s %+v", si.Status, si.NextAction)
	}
	if d, err := sc.Mandates.Get(si.Mandate.ID, nil); err != nil || d.Status != "pending" {
		t.Fatal(d.Status, err)
	}
	verify := func(code string, amounts ...int64) (*stripe.SetupIntent, error) {
		p := &stripe.SetupIntentVerifyMicrodepositsParams{}
		if code != "" {
			p.DescriptorCode = &code
		}
		for _, a := range amounts {
			p.Amounts = append(p.Amounts, &a)
		}
		return sc.SetupIntents.VerifyMicrodeposits(si.ID, p)
	}
	for want, guess := range map[stripe.ErrorCode][]int64{
		"payment_method_microdeposit_verification_amounts_mismatch": {1, 2},
		"payment_method_microdeposit_verification_amounts_invalid":  {32},
	} {
		if _, err := verify("", guess...); stripeError(t, err).Code != want {
			t.Errorf("%v: %v", guess, err)
		}
	}
	if _, err := verify("SM00ZZ"); stripeError(t, err).Code != "payment_method_microdeposit_verification_descriptor_code_mismatch" {
		t.Error(err)
	}
	if _, err := verify("SM11AA", 32, 45); stripeError(t, err).Param != "amounts" {
		t.Error(err)
	}
	done, err := verify("", 45, 32)
	if err != nil || done.Status != "succeeded" || done.NextAction != nil {
		t.Fatal(done.Status, err)
	}
	if d, err := sc.Mandates.Get(si.Mandate.ID, nil); err != nil || d.Status != "active" || d.CustomerAcceptance.Type != "offline" {
		t.Error(d.Status, err)
	}
	pi := mustDebit(t, sc, method, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.OffSession = nil, stripe.Bool(true) })
	if pi.Status != "processing" {
		t.Error(pi.Status)
	}
	kinds := eventTypes(t, sc)
	for _, want := range []string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded", "payment_method.attached", "mandate.updated"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no %s", want)
		}
	}
	if _, err := sc.SetupIntents.Confirm(si.ID, &stripe.SetupIntentConfirmParams{}); stripeError(t, err).Code != "setup_intent_unexpected_state" {
		t.Error(err)
	}
}

func TestMicroDeposits_EndInFailureAsStripesNumbersSay(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	for want, g := range map[stripe.ErrorCode]*stripe.SetupIntentVerifyMicrodepositsParams{
		"payment_method_microdeposit_verification_attempts_exceeded": {DescriptorCode: stripe.String("SM33CC")},
		"payment_method_microdeposit_verification_timeout":           {Amounts: []*int64{stripe.Int64(40), stripe.Int64(41)}},
	} {
		si := mustSetUp(t, sc, typedBank(t, s, "000123456789"), cus, nil)
		_, err := sc.SetupIntents.VerifyMicrodeposits(si.ID, g)
		e := stripeError(t, err)
		now := setupNow(t, sc, si.ID)
		if e.Code != want || now.Status != "requires_payment_method" || now.LastSetupError.Code != want || now.PaymentMethod != nil || now.Mandate != nil {
			t.Errorf("%v: %s %+v", e, now.Status, now.LastSetupError)
		}
		if d, err := sc.Mandates.Get(si.Mandate.ID, nil); err != nil || d.Status != "inactive" {
			t.Error(d.Status, err)
		}
	}
	si := mustSetUp(t, sc, typedBank(t, s, "000123456789"), cus, nil)
	var codes []stripe.ErrorCode
	for range 3 {
		_, err := sc.SetupIntents.VerifyMicrodeposits(si.ID, &stripe.SetupIntentVerifyMicrodepositsParams{Amounts: []*int64{stripe.Int64(1), stripe.Int64(2)}})
		codes = append(codes, stripeError(t, err).Code)
	}
	if codes[1] != "payment_method_microdeposit_verification_amounts_mismatch" || codes[2] != "payment_method_microdeposit_verification_attempts_exceeded" {
		t.Error(codes)
	}
	late := mustSetUp(t, sc, typedBank(t, s, "000123456789"), cus, nil)
	advance(t, s, "240h")
	if now := setupNow(t, sc, late.ID); now.Status != "requires_payment_method" || now.LastSetupError.Code != "payment_method_microdeposit_verification_timeout" {
		t.Errorf("after ten days it is %s", now.Status)
	}
	_, err := setUp(sc, typedBank(t, s, "000666666661"), cus, nil)
	if e := stripeError(t, err); e.Code != "payment_method_microdeposit_failed" {
		t.Error(e)
	}
	if !slices.Contains(eventTypes(t, sc), "setup_intent.setup_failed") {
		t.Error("no setup_intent.setup_failed")
	}
}

func TestMicroDeposits_HaveAPageOfTheirOwn(t *testing.T) {
	s, sc := setup(t)
	si := mustSetUp(t, sc, typedBank(t, s, "000123456789"), newCustomer(t, sc), nil)
	address := si.NextAction.VerifyWithMicrodeposits.HostedVerificationURL
	page := func(form url.Values) string {
		t.Helper()
		resp, err := http.Get(address)
		if form != nil {
			resp, err = http.PostForm(address, form)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp.StatusCode, err)
		}
		return string(raw)
	}
	if got := page(nil); !strings.Contains(got, "STRIPE TEST BANK ••6789") || !strings.Contains(got, "<form") {
		t.Error(got)
	}
	if got := page(url.Values{"first": {"1"}, "second": {"2"}}); !strings.Contains(got, "You have 2 verification attempts remaining.") || !strings.Contains(got, "<form") {
		t.Error(got)
	}
	if got := page(url.Values{"first": {"32"}}); !strings.Contains(got, "both amounts") {
		t.Error(got)
	}
	if got := page(url.Values{"code": {" sm11aa "}}); !strings.Contains(got, "Your bank account is verified.") || strings.Contains(got, "<form") {
		t.Error(got)
	}
	if now := setupNow(t, sc, si.ID); now.Status != "succeeded" {
		t.Error(now.Status)
	}
	if got := page(nil); !strings.Contains(got, "nothing left to verify") {
		t.Error(got)
	}
	other := mustSetUp(t, sc, typedBank(t, s, "000123456789"), newCustomer(t, sc), nil)
	if resp, err := http.Get(other.NextAction.VerifyWithMicrodeposits.HostedVerificationURL + "x"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Error("another's secret opens a page", err)
	} else {
		resp.Body.Close()
	}
}

func TestDebit_OfAnUnverifiedAccountWaitsForMicroDeposits(t *testing.T) {
	s, sc := setup(t)
	pi := mustDebit(t, sc, typedBank(t, s, "000222222227"), "", nil)
	if pi.Status != "requires_action" || pi.NextAction.Type != "verify_with_microdeposits" {
		t.Fatal(pi.Status)
	}
	pi, err := sc.PaymentIntents.VerifyMicrodeposits(pi.ID, &stripe.PaymentIntentVerifyMicrodepositsParams{DescriptorCode: stripe.String("SM11AA")})
	if err != nil || pi.Status != "processing" {
		t.Fatal(pi.Status, err)
	}
	advance(t, s, "96h")
	if now := intentNow(t, sc, pi.ID); now.LastPaymentError == nil || now.LastPaymentError.Code != "insufficient_funds" {
		t.Error(now.Status)
	}
	late := mustDebit(t, sc, typedBank(t, s, "000123456789"), "", nil)
	advance(t, s, "240h")
	if now := intentNow(t, sc, late.ID); now.Status != "requires_payment_method" || now.LastPaymentError.Code != "payment_method_microdeposit_verification_timeout" {
		t.Error(now.Status)
	}
	_, err = debit(sc, typedBank(t, s, "000666666661"), "", nil)
	if e := stripeError(t, err); e.Code != "payment_method_microdeposit_failed" || e.PaymentIntent.Status != "requires_payment_method" {
		t.Error(e)
	}
}

func TestSetupIntent_OfAVerifiedBankSucceedsAtOnceAndNeedsAMandate(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	_, err := setUp(sc, ba.ID, cus, func(p *stripe.SetupIntentParams) { p.MandateData = nil })
	if e := stripeError(t, err); !strings.HasPrefix(e.Msg, "This SetupIntent requires a mandate") {
		t.Error(e)
	}
	si := mustSetUp(t, sc, ba.ID, cus, nil)
	if si.Status != "succeeded" || si.Mandate == nil {
		t.Fatalf("%+v", si)
	}
	mustDebit(t, sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData = nil })
	canceled, err := sc.SetupIntents.New(&stripe.SetupIntentParams{Customer: &cus, PaymentMethodTypes: stripe.StringSlice([]string{"us_bank_account"}), Metadata: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	canceled, err = sc.SetupIntents.Update(canceled.ID, &stripe.SetupIntentParams{PaymentMethod: &ba.ID, Description: stripe.String("later")})
	if err != nil || canceled.Status != "requires_confirmation" || canceled.Metadata["a"] != "b" {
		t.Fatal(canceled.Status, err)
	}
	canceled, err = sc.SetupIntents.Cancel(canceled.ID, &stripe.SetupIntentCancelParams{CancellationReason: stripe.String("abandoned")})
	if err != nil || canceled.Status != "canceled" || canceled.CancellationReason != "abandoned" {
		t.Fatal(canceled.Status, err)
	}
	if _, err := sc.SetupIntents.Confirm(canceled.ID, &stripe.SetupIntentConfirmParams{}); stripeError(t, err).Code != "setup_intent_unexpected_state" {
		t.Error(err)
	}
	it := sc.SetupIntents.List(&stripe.SetupIntentListParams{Customer: &cus})
	n := 0
	for it.Next() {
		n++
	}
	if n != 3 || it.Err() != nil {
		t.Errorf("%d of 3 are listed: %v", n, it.Err())
	}
}

func TestSetupIntent_SavesACardWithAuthenticationWhereTheBankWantsIt(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	plain := mustSetUp(t, sc, "pm_card_visa", cus, forCard)
	if plain.Status != "succeeded" || plain.Mandate != nil {
		t.Fatalf("%+v", plain)
	}
	m, err := sc.PaymentMethods.Get(plain.PaymentMethod.ID, nil)
	if err != nil || m.Customer.ID != cus {
		t.Fatal(m, err)
	}
	asked := mustSetUp(t, sc, "pm_card_authenticationRequiredOnSetup", cus, func(p *stripe.SetupIntentParams) {
		forCard(p)
		p.ReturnURL = stripe.String("https://shop.example/back")
	})
	if asked.Status != "requires_action" || asked.NextAction.Type != "redirect_to_url" || !strings.Contains(asked.NextAction.RedirectToURL.URL, "/js/3ds?setup_intent="+asked.ID) {
		t.Fatalf("%s %+v", asked.Status, asked.NextAction)
	}
	pk := s.Env()["STRIPE_PUBLISHABLE_KEY"]
	status, answer, _ := post(t, s, pk, "/v1/setup_intents/"+asked.ID+"/sandbox_3ds", url.Values{"client_secret": {asked.ClientSecret}, "outcome": {"succeed"}})
	if status != 200 || answer["status"] != "succeeded" {
		t.Fatal(answer)
	}
	if _, tells := answer["customer"]; tells {
		t.Error("the browser sees the customer")
	}
	paid := mustPay(t, sc, asked.PaymentMethod.ID, func(p *stripe.PaymentIntentParams) { p.Customer, p.OffSession = &cus, stripe.Bool(true) })
	if paid.Status != "succeeded" {
		t.Error("a card set up for later still asks", paid.Status)
	}
	failed := mustSetUp(t, sc, "pm_card_authenticationRequired", cus, func(p *stripe.SetupIntentParams) {
		forCard(p)
		p.UseStripeSDK = stripe.Bool(true)
	})
	if failed.NextAction.Type != "use_stripe_sdk" {
		t.Errorf("%+v", failed.NextAction)
	}
	if status, answer, _ := post(t, s, pk, "/v1/setup_intents/"+failed.ID+"/sandbox_3ds", url.Values{"client_secret": {failed.ClientSecret}, "outcome": {"fail"}}); status != 200 || answer["status"] != "requires_payment_method" {
		t.Error(answer)
	}
	if now := setupNow(t, sc, failed.ID); now.LastSetupError == nil || now.LastSetupError.Code != "setup_intent_authentication_failure" {
		t.Errorf("%+v", now.LastSetupError)
	}
	_, err = setUp(sc, "pm_card_chargeDeclinedInsufficientFunds", cus, forCard)
	if e := stripeError(t, err); e.Code != "card_declined" || e.DeclineCode != "insufficient_funds" || e.HTTPStatusCode != 402 || e.SetupIntent.Status != "requires_payment_method" {
		t.Error(e)
	}
	if status, _, _ := post(t, s, pk, "/v1/setup_intents/"+plain.ID+"/confirm", url.Values{}); status != 401 {
		t.Error("no client secret is asked for:", status)
	}
	if status, _, _ := post(t, s, pk, "/v1/setup_intents/"+plain.ID+"/confirm", url.Values{"client_secret": {asked.ClientSecret}}); status != 400 {
		t.Error("another's client secret opens it:", status)
	}
	_, err = setUp(sc, "pm_card_visa", cus, nil)
	if e := stripeError(t, err); e.Code != "setup_intent_invalid_parameter" {
		t.Error(e)
	}
	// The card is another's by the time it is confirmed.
	free, err := sc.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"), Card: &stripe.PaymentMethodCardParams{Token: stripe.String("tok_visa")}})
	if err != nil {
		t.Fatal(err)
	}
	waiting := mustSetUp(t, sc, free.ID, cus, func(p *stripe.SetupIntentParams) {
		forCard(p)
		p.Confirm = nil
	})
	if _, err := sc.PaymentMethods.Attach(free.ID, &stripe.PaymentMethodAttachParams{Customer: stripe.String(newCustomer(t, sc))}); err != nil {
		t.Fatal(err)
	}
	_, err = sc.SetupIntents.Confirm(waiting.ID, &stripe.SetupIntentConfirmParams{})
	if e := stripeError(t, err); e.Code != "resource_missing" {
		t.Error(e)
	}
}
