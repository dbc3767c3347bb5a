package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

// plaidBankToken is a Stripe bank account token as Plaid makes it, of the account with that number.
func plaidBankToken(t *testing.T, s *Server, number string) string {
	t.Helper()
	env := s.Env()
	public := plaidMust(t, env, "/sandbox/public_token/create", fields{"institution_id": "ins_56", "initial_products": []string{"auth"}})
	access := plaidMust(t, env, "/item/public_token/exchange", fields{"public_token": public["public_token"]})["access_token"]
	for _, a := range plaidMust(t, env, "/accounts/get", fields{"access_token": access})["accounts"].([]any) {
		a := a.(map[string]any)
		b := plaidMust(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": a["account_id"]})["stripe_bank_account_token"].(string)
		if s.bankToken(t, b).AccountNumber == number {
			return b
		}
	}
	t.Fatalf("no bank has an account %s", number)
	return ""
}

func newCustomer(t *testing.T, sc *client.API) string {
	t.Helper()
	cus, err := sc.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada"), Email: stripe.String("ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	return cus.ID
}

func attachBank(t *testing.T, sc *client.API, cus, token string) *stripe.BankAccount {
	t.Helper()
	src, err := sc.PaymentSources.New(&stripe.PaymentSourceParams{Customer: &cus, Source: &stripe.PaymentSourceSourceParams{Token: &token}})
	if err != nil {
		t.Fatal(err)
	}
	return src.BankAccount
}

// consent is a mandate accepted in a browser.
func consent() *stripe.PaymentIntentMandateDataParams {
	return &stripe.PaymentIntentMandateDataParams{CustomerAcceptance: &stripe.PaymentIntentMandateDataCustomerAcceptanceParams{
		Type: stripe.String("online"), AcceptedAt: stripe.Int64(1700000000),
		Online: &stripe.PaymentIntentMandateDataCustomerAcceptanceOnlineParams{IPAddress: stripe.String("198.51.100.7"), UserAgent: stripe.String("Firefox")}}}
}

// debit makes and confirms a bank payment of $1,000.00.
func debit(sc *client.API, method, cus string, change func(*stripe.PaymentIntentParams)) (*stripe.PaymentIntent, error) {
	p := &stripe.PaymentIntentParams{Amount: stripe.Int64(100000), Currency: stripe.String("usd"), PaymentMethodTypes: stripe.StringSlice([]string{"us_bank_account"}),
		PaymentMethod: &method, Confirm: stripe.Bool(true), MandateData: consent(), Metadata: map[string]string{"paylink_payment": "pay_1"}}
	if cus != "" {
		p.Customer = &cus
	}
	if change != nil {
		change(p)
	}
	return sc.PaymentIntents.New(p)
}

func mustDebit(t *testing.T, sc *client.API, method, cus string, change func(*stripe.PaymentIntentParams)) *stripe.PaymentIntent {
	t.Helper()
	pi, err := debit(sc, method, cus, change)
	if err != nil {
		t.Fatal(err)
	}
	return pi
}

func advance(t *testing.T, s *Server, d string) {
	t.Helper()
	control(t, s, "POST", "/clock", `{"advance":"`+d+`"}`)
}

func intentNow(t *testing.T, sc *client.API, id string) *stripe.PaymentIntent {
	t.Helper()
	p := &stripe.PaymentIntentParams{}
	p.AddExpand("latest_charge.balance_transaction")
	p.AddExpand("payment_method")
	pi, err := sc.PaymentIntents.Get(id, p)
	if err != nil {
		t.Fatal(err)
	}
	return pi
}

func TestBankAccount_FromPlaidIsDebitedAndSettlesOnTheClock(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	if ba.Status != "verified" || ba.Last4 != "6789" || ba.BankName != "Chase" || ba.RoutingNumber != "110000000" || ba.AccountHolderType != "individual" || ba.Fingerprint == "" || ba.Customer.ID != cus {
		t.Fatalf("%+v", ba)
	}
	pi := mustDebit(t, sc, ba.ID, cus, nil)
	if pi.Status != "processing" || pi.AmountReceived != 0 || pi.PaymentMethod.ID != ba.ID {
		t.Fatalf("%s, %d received", pi.Status, pi.AmountReceived)
	}
	if ch := intentNow(t, sc, pi.ID).LatestCharge; ch.Status != "pending" || ch.Paid || ch.BalanceTransaction != nil || ch.PaymentMethodDetails.USBankAccount.Mandate.ID == "" {
		t.Fatalf("%+v", ch)
	}
	advance(t, s, "95h")
	if now := intentNow(t, sc, pi.ID); now.Status != "processing" {
		t.Fatalf("after less than four days it is %s", now.Status)
	}
	advance(t, s, "1h")
	now := intentNow(t, sc, pi.ID)
	ch := now.LatestCharge
	if now.Status != "succeeded" || now.AmountReceived != 100000 || ch.Status != "succeeded" || !ch.Paid || ch.PaymentMethodDetails.USBankAccount.PaymentReference == "" {
		t.Fatalf("%s %+v", now.Status, ch)
	}
	if b := ch.BalanceTransaction; b == nil || b.Type != "payment" || b.Amount != 100000 || b.Fee != 500 || b.Net != 99500 {
		t.Fatalf("0.8%% would be $8.00, and $5.00 is the most: %+v", b)
	}
	small := mustDebit(t, sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.Amount, p.MandateData = stripe.Int64(12345), nil })
	advance(t, s, "96h")
	if b := intentNow(t, sc, small.ID).LatestCharge.BalanceTransaction; b.Fee != 99 {
		t.Fatalf("0.8%% of $123.45 is %d", b.Fee)
	}
	var story []string
	for _, kind := range eventTypes(t, sc) {
		if !strings.HasPrefix(kind, "payment_intent.created") {
			story = append(story, kind)
		}
	}
	want := strings.Fields("customer.created customer.source.created customer.updated charge.pending payment_intent.processing charge.updated charge.succeeded payment_intent.succeeded charge.pending")
	if len(story) < len(want) || !slices.Equal(story[:len(want)], want) {
		t.Errorf("it went %v", story)
	}
	var moved []string
	for _, e := range truthOf(t, s) {
		if e.PaymentIntent == pi.ID {
			moved = append(moved, e.Kind+" "+e.Status)
		}
	}
	if got := strings.Join(moved, ", "); got != "payment_intent requires_payment_method, charge pending, payment_intent processing, charge succeeded, payment_intent succeeded" {
		t.Error(got)
	}
}

func TestBankToken_ServesOnceAndEachAccountOnce(t *testing.T) {
	s, sc := setup(t)
	cus, other := newCustomer(t, sc), newCustomer(t, sc)
	token := plaidBankToken(t, s, "000123456789")
	ba := attachBank(t, sc, cus, token)
	attach := func(cus, token string) *stripe.Error {
		t.Helper()
		_, err := sc.PaymentSources.New(&stripe.PaymentSourceParams{Customer: &cus, Source: &stripe.PaymentSourceSourceParams{Token: &token}})
		return stripeError(t, err)
	}
	if e := attach(other, token); e.Code != "token_already_used" || e.Msg != "You cannot use a Stripe token more than once: "+token+"." {
		t.Error(e)
	}
	again := plaidBankToken(t, s, "000123456789")
	if e := attach(cus, again); e.Code != "bank_account_exists" {
		t.Error(e)
	}
	if b := s.bankToken(t, again); b.Used {
		t.Error("a token is spent by a refusal")
	}
	if second := attachBank(t, sc, other, again); second.Fingerprint != ba.Fingerprint {
		t.Error("the same account of another customer has another fingerprint")
	}
	if e := attach(cus, "btok_none"); e.Code != "resource_missing" || e.Msg != "No such token: 'btok_none'" {
		t.Error(e)
	}
}

func TestBankToken_DiesWithItsItem(t *testing.T) {
	s, sc := setup(t)
	env := s.Env()
	cus := newCustomer(t, sc)
	access, account := linkedItem(t, env, "ins_56", "")
	token := func() string {
		return plaidMust(t, env, "/processor/stripe/bank_account_token/create", fields{"access_token": access, "account_id": account})["stripe_bank_account_token"].(string)
	}
	ba, unspent := attachBank(t, sc, cus, token()), token()
	plaidMust(t, env, "/item/remove", fields{"access_token": access})
	_, err := sc.PaymentSources.New(&stripe.PaymentSourceParams{Customer: stripe.String(newCustomer(t, sc)), Source: &stripe.PaymentSourceSourceParams{Token: &unspent}})
	if e := stripeError(t, err); e.Code != "resource_missing" {
		t.Error(e)
	}
	_, err = debit(sc, ba.ID, cus, nil)
	if e := stripeError(t, err); e.Code != "bank_account_unusable" {
		t.Error(e)
	}
}

func TestSources_AreListedChangedVerifiedAndDeleted(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	tok, err := sc.Tokens.New(&stripe.TokenParams{BankAccount: &stripe.BankAccountParams{Country: stripe.String("US"), Currency: stripe.String("usd"),
		RoutingNumber: stripe.String("110000000"), AccountNumber: stripe.String("000123456789"), AccountHolderName: stripe.String("Ada"), AccountHolderType: stripe.String("company")}})
	if err != nil || tok.Type != "bank_account" || tok.Used || tok.BankAccount.Last4 != "6789" {
		t.Fatalf("%+v %v", tok, err)
	}
	ba := attachBank(t, sc, cus, tok.ID)
	if ba.Status != "new" || ba.AccountHolderType != "company" {
		t.Fatalf("%+v", ba)
	}
	if tok, err = sc.Tokens.Get(tok.ID, nil); err != nil || !tok.Used {
		t.Error(tok, err)
	}
	_, err = debit(sc, ba.ID, cus, nil)
	if e := stripeError(t, err); e.Code != "bank_account_unverified" {
		t.Error(e)
	}
	verify := func(a, b int64) (*stripe.PaymentSource, error) {
		return sc.PaymentSources.Verify(ba.ID, &stripe.PaymentSourceVerifyParams{Customer: &cus, Amounts: [2]int64{a, b}})
	}
	if _, err := verify(1, 2); stripeError(t, err).Msg != "The amounts provided do not match the amounts that were sent to the bank account." {
		t.Error(err)
	}
	if src, err := verify(32, 45); err != nil || src.BankAccount.Status != "verified" {
		t.Fatal(src, err)
	}
	mustDebit(t, sc, ba.ID, cus, nil)
	if shown, err := sc.Customers.Get(cus, nil); err != nil || shown.DefaultSource.ID != ba.ID {
		t.Error(shown, err)
	}
	it := sc.PaymentSources.List(&stripe.PaymentSourceListParams{Customer: &cus, Object: stripe.String("bank_account")})
	if !it.Next() || it.PaymentSource().ID != ba.ID || it.Next() || it.Err() != nil {
		t.Error("the account is not listed", it.Err())
	}
	src, err := sc.PaymentSources.Update(ba.ID, &stripe.PaymentSourceParams{Customer: &cus, AccountHolderName: stripe.String("Ada L")})
	if err != nil || src.BankAccount.AccountHolderName != "Ada L" {
		t.Error(src, err)
	}
	if _, err := sc.PaymentSources.Get(ba.ID, &stripe.PaymentSourceParams{Customer: stripe.String(newCustomer(t, sc))}); stripeError(t, err).Code != "resource_missing" {
		t.Error("another customer sees the account")
	}
	gone, err := sc.PaymentSources.Del(ba.ID, &stripe.PaymentSourceParams{Customer: &cus})
	if err != nil || !gone.Deleted {
		t.Fatal(gone, err)
	}
	if _, err := sc.PaymentSources.Get(ba.ID, &stripe.PaymentSourceParams{Customer: &cus}); stripeError(t, err).HTTPStatusCode != 404 {
		t.Error("a deleted account is still there")
	}
	_, err = debit(sc, ba.ID, cus, nil)
	if e := stripeError(t, err); e.Msg != methodSpent {
		t.Error(e)
	}
	status, answer, _ := post(t, s, s.Env()["STRIPE_SECRET_KEY"], "/v1/tokens", url.Values{"bank_account[country]": {"US"}, "bank_account[routing_number]": {"021000021"}, "bank_account[account_number]": {"000123456789"}})
	if status != 400 || answer["error"].(map[string]any)["code"] != "routing_number_invalid" {
		t.Error(status, answer)
	}
	status, answer, _ = post(t, s, s.Env()["STRIPE_SECRET_KEY"], "/v1/tokens", url.Values{"bank_account[country]": {"US"}, "bank_account[routing_number]": {"110000000"}, "bank_account[account_number]": {"12345678"}})
	if status != 400 || answer["error"].(map[string]any)["code"] != "account_number_invalid" {
		t.Error(status, answer)
	}
}

func TestDebit_FailsAsTheAccountNumberSays(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	for name, want := range map[string]struct {
		code    stripe.ErrorCode
		blocked string
	}{
		"accountClosed":       {"account_closed", "bank_account_closed"},
		"noAccount":           {"no_account", "bank_account_invalid_details"},
		"insufficientFunds":   {"insufficient_funds", ""},
		"debitNotAuthorized":  {"debit_not_authorized", "debit_not_authorized"},
		"invalidCurrency":     {"invalid_currency", ""},
		"weeklyLimitExceeded": {"charge_exceeds_source_limit", ""},
	} {
		t.Run(name, func(t *testing.T) {
			method, err := sc.PaymentMethods.Attach(namedBankPrefix+name, &stripe.PaymentMethodAttachParams{Customer: &cus})
			if err != nil {
				t.Fatal(err)
			}
			pi := mustDebit(t, sc, method.ID, cus, nil)
			if pi.Status != "processing" {
				t.Fatal(pi.Status)
			}
			mandate := intentNow(t, sc, pi.ID).LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID
			advance(t, s, "96h")
			now := intentNow(t, sc, pi.ID)
			if now.Status != "requires_payment_method" || now.PaymentMethod != nil || now.LastPaymentError == nil || now.LastPaymentError.Code != want.code || now.AmountReceived != 0 {
				t.Fatalf("%s %+v", now.Status, now.LastPaymentError)
			}
			if ch := now.LatestCharge; ch.Status != "failed" || ch.FailureCode != string(want.code) || ch.Captured || ch.BalanceTransaction != nil {
				t.Errorf("%+v", ch)
			}
			after, err := sc.PaymentMethods.Get(method.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := after.USBankAccount.StatusDetails; want.blocked == "" && d != nil || want.blocked != "" && (d == nil || string(d.Blocked.Reason) != want.blocked) {
				t.Errorf("blocked: %+v", d)
			}
			_, err = debit(sc, method.ID, cus, nil)
			if blocked := want.blocked != ""; blocked != (err != nil) || blocked && stripeError(t, err).Code != "payment_method_bank_account_blocked" {
				t.Errorf("a second debit: %v", err)
			}
			got, err := sc.Mandates.Get(mandate, nil)
			if err != nil {
				t.Fatal(err)
			}
			if revoked := name == "debitNotAuthorized"; revoked != (got.Status == "inactive") {
				t.Errorf("the mandate is %s", got.Status)
			}
		})
	}
	if net, fees := balance(t, sc); net != 0 || fees != 0 {
		t.Errorf("%d moved, %d in fees", net, fees)
	}
}

func TestDebit_NeedsAMandateOnce(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	const asked = "This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter."
	_, err := debit(sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData = nil })
	e := stripeError(t, err)
	if e.Msg != asked || e.PaymentIntent == nil || e.PaymentIntent.Status != "requires_confirmation" {
		t.Fatalf("%+v", e)
	}
	pi, err := sc.PaymentIntents.Confirm(e.PaymentIntent.ID, &stripe.PaymentIntentConfirmParams{MandateData: consent()})
	if err != nil || pi.Status != "processing" {
		t.Fatal(pi.Status, err)
	}
	d, err := sc.Mandates.Get(intentNow(t, sc, pi.ID).LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID, nil)
	if err != nil || d.Status != "active" || d.Type != "multi_use" || d.PaymentMethod.ID != ba.ID || d.CustomerAcceptance.Online.IPAddress != "198.51.100.7" || d.CustomerAcceptance.AcceptedAt != 1700000000 {
		t.Fatalf("%+v %v", d, err)
	}
	mustDebit(t, sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.OffSession = nil, stripe.Bool(true) })
	mustDebit(t, sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.Mandate = nil, &d.ID })

	offline := consent()
	offline.CustomerAcceptance.Type, offline.CustomerAcceptance.Online = stripe.String("offline"), nil
	once := mustDebit(t, sc, "pm_usBankAccount_success", "", func(p *stripe.PaymentIntentParams) { p.MandateData = offline })
	d, err = sc.Mandates.Get(intentNow(t, sc, once.ID).LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID, nil)
	if err != nil || d.Type != "single_use" || d.SingleUse.Amount != 100000 || d.Status != "inactive" || d.CustomerAcceptance.Type != "offline" {
		t.Fatalf("%+v %v", d, err)
	}
	_, err = debit(sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.Mandate = nil, &d.ID })
	if e := stripeError(t, err); e.Code != "payment_intent_mandate_invalid" {
		t.Error(e)
	}
	_, err = debit(sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData.CustomerAcceptance.Online.IPAddress = nil })
	if e := stripeError(t, err); e.Code != "parameter_missing" || e.Param != "mandate_data[customer_acceptance][online][ip_address]" {
		t.Error(e)
	}
}

func TestDebit_IsInDollarsNeverHeldAndOfSomebody(t *testing.T) {
	_, sc := setup(t)
	_, err := debit(sc, "pm_usBankAccount_success", "", func(p *stripe.PaymentIntentParams) { p.Currency = stripe.String("eur") })
	if e := stripeError(t, err); e.Param != "currency" {
		t.Error(e)
	}
	_, err = debit(sc, "pm_usBankAccount_success", "", func(p *stripe.PaymentIntentParams) { p.CaptureMethod = stripe.String("manual") })
	if e := stripeError(t, err); e.Param != "capture_method" {
		t.Error(e)
	}
	nameless, err := sc.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("us_bank_account"), USBankAccount: &stripe.PaymentMethodUSBankAccountParams{
		RoutingNumber: stripe.String("110000000"), AccountNumber: stripe.String("000123456789"), AccountHolderType: stripe.String("individual")}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = debit(sc, nameless.ID, "", nil)
	if e := stripeError(t, err); e.Param != "billing_details[name]" {
		t.Error(e)
	}
	_, err = debit(sc, "pm_card_visa", "", nil)
	if e := stripeError(t, err); e.Code != "payment_intent_invalid_parameter" {
		t.Error(e)
	}
}

func TestDebit_IsCanceledOnlyBeforeItLeaves(t *testing.T) {
	s, sc := setup(t)
	early, late := mustDebit(t, sc, "pm_usBankAccount_success", "", nil), mustDebit(t, sc, "pm_usBankAccount_success", "", nil)
	stuck := mustDebit(t, sc, "pm_usBankAccount_processing", "", nil)
	pi, err := sc.PaymentIntents.Cancel(early.ID, &stripe.PaymentIntentCancelParams{})
	if err != nil || pi.Status != "canceled" {
		t.Fatal(pi.Status, err)
	}
	advance(t, s, "24h")
	_, err = sc.PaymentIntents.Cancel(late.ID, &stripe.PaymentIntentCancelParams{})
	if e := stripeError(t, err); e.Code != "payment_intent_unexpected_state" || e.PaymentIntent.Status != "processing" {
		t.Fatal(e)
	}
	advance(t, s, "720h")
	if now := intentNow(t, sc, late.ID); now.Status != "succeeded" {
		t.Error(now.Status)
	}
	if now := intentNow(t, sc, early.ID); now.Status != "canceled" || now.LatestCharge.Status != "failed" {
		t.Error(now.Status, now.LatestCharge.Status)
	}
	if now := intentNow(t, sc, stuck.ID); now.Status != "processing" {
		t.Error(now.Status)
	}
	if pi, err := sc.PaymentIntents.Cancel(stuck.ID, &stripe.PaymentIntentCancelParams{}); err != nil || pi.Status != "canceled" {
		t.Error(pi.Status, err)
	}
}

func TestDebit_SettlesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s, err := Start(t.Context(), Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	sc := stripeClient(s)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	pi := mustDebit(t, sc, ba.ID, cus, nil)
	si := mustSetUp(t, sc, typedBank(t, s, "000123456789"), cus, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, Options{DataDir: dir})
	sc = stripeClient(s)
	if si, err = sc.SetupIntents.VerifyMicrodeposits(si.ID, &stripe.SetupIntentVerifyMicrodepositsParams{DescriptorCode: stripe.String("SM11AA")}); err != nil || si.Status != "succeeded" {
		t.Error(si.Status, err)
	}
	advance(t, s, "96h")
	if now := intentNow(t, sc, pi.ID); now.Status != "succeeded" {
		t.Error(now.Status)
	}
	mustDebit(t, sc, ba.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData = nil })
}
