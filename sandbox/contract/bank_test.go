package contract

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"paylink/sandbox"
)

// bankEvents are those that bankEverything makes.
const bankEvents = "customer.source.created customer.source.updated customer.source.deleted charge.pending payment_intent.processing mandate.updated " +
	"setup_intent.created setup_intent.requires_action setup_intent.succeeded setup_intent.setup_failed setup_intent.canceled"

// bankToken is a token of the test account whose debits succeed.
func bankToken(t *testing.T, sc *client.API) *string {
	t.Helper()
	token, err := sc.Tokens.New(&stripe.TokenParams{BankAccount: &stripe.BankAccountParams{Country: stripe.String("US"), Currency: stripe.String("usd"), RoutingNumber: stripe.String("110000000"),
		AccountNumber: stripe.String("000123456789"), AccountHolderName: stripe.String("Ada"), AccountHolderType: stripe.String("individual")}})
	if err != nil {
		t.Fatal(err)
	}
	return &token.ID
}

// bankEverything is the part of everything that is about bank accounts and SetupIntents.
func bankEverything(t *testing.T, s *sandbox.Server, sc *client.API, cus string, advance func(string)) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(err error) {
		t.Helper()
		if err == nil {
			t.Fatal("expected a refusal")
		}
	}
	token := *bankToken(t, sc)
	_, err := sc.Tokens.Get(token, nil)
	must(err)
	attach := func(token string) (*stripe.PaymentSource, error) {
		return sc.PaymentSources.New(&stripe.PaymentSourceParams{Customer: &cus, Source: &stripe.PaymentSourceSourceParams{Token: &token}})
	}
	src, err := attach(token)
	must(err)
	_, err = attach(token)
	refused(err)
	_, err = sc.PaymentSources.Get(src.ID, &stripe.PaymentSourceParams{Customer: &cus})
	must(err)
	must(sc.PaymentSources.List(&stripe.PaymentSourceListParams{Customer: &cus}).Err())
	_, err = sc.PaymentSources.Update(src.ID, &stripe.PaymentSourceParams{Customer: &cus, AccountHolderName: stripe.String("Ada L")})
	must(err)
	_, err = sc.PaymentSources.Verify(src.ID, &stripe.PaymentSourceVerifyParams{Customer: &cus, Amounts: [2]int64{32, 45}})
	must(err)
	_, err = sc.PaymentMethods.Get(src.ID, nil)
	must(err)

	debit := func(method string, consent bool) (*stripe.PaymentIntent, error) {
		p := &stripe.PaymentIntentParams{Amount: stripe.Int64(1099), Currency: stripe.String("usd"), Customer: &cus, PaymentMethod: &method, Confirm: stripe.Bool(true),
			PaymentMethodTypes: stripe.StringSlice([]string{"us_bank_account"})}
		if consent {
			p.MandateData = &stripe.PaymentIntentMandateDataParams{CustomerAcceptance: &stripe.PaymentIntentMandateDataCustomerAcceptanceParams{Type: stripe.String("online"),
				Online: &stripe.PaymentIntentMandateDataCustomerAcceptanceOnlineParams{IPAddress: stripe.String("198.51.100.7"), UserAgent: stripe.String("Firefox")}}}
		}
		return sc.PaymentIntents.New(p)
	}
	_, err = debit(src.ID, false)
	refused(err)
	paid, err := debit(src.ID, true)
	must(err)
	absent := func(kind, method string) error {
		_, err := sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(1099), Currency: stripe.String("usd"), Customer: &cus, PaymentMethod: &method,
			Confirm: stripe.Bool(true), OffSession: stripe.Bool(true), PaymentMethodTypes: stripe.StringSlice([]string{kind})})
		return err
	}
	must(absent("us_bank_account", src.ID)) // on the permission that stands
	strict, err := sc.PaymentMethods.Attach("pm_card_authenticationRequired", &stripe.PaymentMethodAttachParams{Customer: &cus})
	must(err)
	refused(absent("card", strict.ID))
	dropped, err := debit("pm_usBankAccount_processing", true)
	must(err)
	_, err = sc.PaymentIntents.Cancel(dropped.ID, &stripe.PaymentIntentCancelParams{})
	must(err)
	for _, name := range []string{"debitNotAuthorized", "insufficientFunds", "dispute"} {
		_, err = debit("pm_usBankAccount_"+name, true)
		must(err)
	}
	advance("96h")
	advance("24h")
	expanded := &stripe.PaymentIntentParams{}
	expanded.AddExpand("latest_charge.balance_transaction")
	expanded.AddExpand("payment_method")
	now, err := sc.PaymentIntents.Get(paid.ID, expanded)
	must(err)
	_, err = sc.Mandates.Get(now.LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID, nil)
	must(err)
	_, err = sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &paid.ID, Amount: stripe.Int64(100)})
	must(err)
	must(sc.Disputes.List(&stripe.DisputeListParams{}).Err())

	typed := func() string {
		m, err := sc.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("us_bank_account"), BillingDetails: &stripe.PaymentMethodBillingDetailsParams{Name: stripe.String("Ada")},
			USBankAccount: &stripe.PaymentMethodUSBankAccountParams{RoutingNumber: stripe.String("110000000"), AccountNumber: stripe.String("000123456789"), AccountHolderType: stripe.String("company")}})
		must(err)
		return m.ID
	}
	unverified, err := debit(typed(), true)
	must(err)
	_, err = sc.PaymentIntents.VerifyMicrodeposits(unverified.ID, &stripe.PaymentIntentVerifyMicrodepositsParams{DescriptorCode: stripe.String("SM00ZZ")})
	refused(err)
	_, err = sc.PaymentIntents.VerifyMicrodeposits(unverified.ID, &stripe.PaymentIntentVerifyMicrodepositsParams{DescriptorCode: stripe.String("SM11AA")})
	must(err)

	setUp := func(kind, method string) (*stripe.SetupIntent, error) {
		p := &stripe.SetupIntentParams{Customer: &cus, PaymentMethod: &method, Confirm: stripe.Bool(true), PaymentMethodTypes: stripe.StringSlice([]string{kind})}
		if kind == "us_bank_account" {
			p.MandateData = &stripe.SetupIntentMandateDataParams{CustomerAcceptance: &stripe.SetupIntentMandateDataCustomerAcceptanceParams{
				Type: stripe.MandateCustomerAcceptanceTypeOffline, Offline: &stripe.SetupIntentMandateDataCustomerAcceptanceOfflineParams{}}}
		}
		return sc.SetupIntents.New(p)
	}
	for _, code := range []string{"SM11AA", "SM33CC"} {
		si, err := setUp("us_bank_account", typed())
		must(err)
		if _, err = sc.SetupIntents.VerifyMicrodeposits(si.ID, &stripe.SetupIntentVerifyMicrodepositsParams{DescriptorCode: &code}); code == "SM11AA" {
			must(err)
		} else {
			refused(err)
		}
		_, err = sc.SetupIntents.Get(si.ID, nil)
		must(err)
	}
	_, err = setUp("card", "pm_card_visa")
	must(err)
	asked, err := setUp("card", "pm_card_authenticationRequired")
	must(err)
	if status, e := call(t, s, http.MethodPost, "/v1/setup_intents/"+asked.ID+"/sandbox_3ds", url.Values{"outcome": {"fail"}}); status != http.StatusOK {
		t.Fatal(e)
	}
	_, err = setUp("card", "pm_card_chargeDeclined")
	refused(err)
	open, err := sc.SetupIntents.New(&stripe.SetupIntentParams{})
	must(err)
	_, err = sc.SetupIntents.Update(open.ID, &stripe.SetupIntentParams{Description: stripe.String("later")})
	must(err)
	_, err = sc.SetupIntents.Confirm(open.ID, &stripe.SetupIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com/")})
	must(err)
	idle, err := sc.SetupIntents.New(&stripe.SetupIntentParams{})
	must(err)
	_, err = sc.SetupIntents.Cancel(idle.ID, &stripe.SetupIntentCancelParams{})
	must(err)
	must(sc.SetupIntents.List(&stripe.SetupIntentListParams{}).Err())
	_, err = sc.PaymentSources.Del(src.ID, &stripe.PaymentSourceParams{Customer: &cus})
	must(err)
}
