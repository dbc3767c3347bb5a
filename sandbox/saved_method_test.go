package sandbox

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
)

func TestSavedCard_ExpiresByTheClock(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	m, err := sc.PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: &cus})
	if err != nil {
		t.Fatal(err)
	}
	mustPay(t, sc, m.ID, func(p *stripe.PaymentIntentParams) { p.Customer = &cus })
	advance(t, s, "26280h") // three years; named cards are good for two
	_, err = pay(t, sc, m.ID, func(p *stripe.PaymentIntentParams) { p.Customer, p.OffSession = &cus, stripe.Bool(true) })
	if e := stripeError(t, err); e.Code != "expired_card" || e.PaymentIntent.Status != "requires_payment_method" {
		t.Error(e)
	}
	_, err = setUp(sc, m.ID, cus, forCard)
	if e := stripeError(t, err); e.Code != "expired_card" {
		t.Error(e)
	}
}

func TestSavedMethod_IsRefusedInStripesWords(t *testing.T) {
	_, sc := setup(t)
	cus, other := newCustomer(t, sc), newCustomer(t, sc)
	m, err := sc.PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: &cus})
	if err != nil {
		t.Fatal(err)
	}
	with := func(customer *string) *stripe.Error {
		t.Helper()
		_, err := pay(t, sc, m.ID, func(p *stripe.PaymentIntentParams) { p.Customer = customer })
		return stripeError(t, err)
	}
	if e := with(&other); e.Code != "resource_missing" || e.Msg != "The customer does not have a payment method with the ID "+m.ID+". The payment method must be attached to the customer." {
		t.Error(e)
	}
	if e := with(nil); e.Msg != "The PaymentMethod "+m.ID+" belongs to the Customer "+cus+". Please include the Customer in the `customer` parameter on the PaymentIntent." {
		t.Error(e)
	}
	if _, err := sc.PaymentMethods.Detach(m.ID, &stripe.PaymentMethodDetachParams{}); err != nil {
		t.Fatal(err)
	}
	if e := with(&cus); e.Msg != methodSpent {
		t.Error(e)
	}
	strict, err := sc.PaymentMethods.Attach("pm_card_authenticationRequired", &stripe.PaymentMethodAttachParams{Customer: &cus})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pay(t, sc, strict.ID, func(p *stripe.PaymentIntentParams) { p.Customer, p.OffSession = &cus, stripe.Bool(true) })
	if e := stripeError(t, err); e.Code != "authentication_required" || e.DeclineCode != "authentication_required" || e.PaymentIntent.Status != "requires_payment_method" || e.PaymentMethod.ID != strict.ID {
		t.Error(e)
	}
}

func TestSavedBank_IsAttachedByTheDebitListedAndDetached(t *testing.T) {
	_, sc := setup(t)
	cus := newCustomer(t, sc)
	pi := mustDebit(t, sc, "pm_usBankAccount_success", cus, func(p *stripe.PaymentIntentParams) { p.SetupFutureUsage = stripe.String("off_session") })
	it := sc.Customers.ListPaymentMethods(&stripe.CustomerListPaymentMethodsParams{Customer: &cus, Type: stripe.String("us_bank_account")})
	if !it.Next() || it.PaymentMethod().ID != pi.PaymentMethod.ID {
		t.Fatal("the account was not saved")
	}
	b := it.PaymentMethod().USBankAccount
	if b.BankName != "STRIPE TEST BANK" || b.Last4 != "6789" || b.RoutingNumber != "110000000" || b.AccountType != "checking" || b.AccountHolderType != "individual" || b.Fingerprint == "" || len(b.Networks.Supported) != 1 {
		t.Errorf("%+v", b)
	}
	mustDebit(t, sc, pi.PaymentMethod.ID, cus, func(p *stripe.PaymentIntentParams) { p.MandateData, p.OffSession = nil, stripe.Bool(true) })
	mandate := intentNow(t, sc, pi.ID).LatestCharge.PaymentMethodDetails.USBankAccount.Mandate.ID
	if _, err := sc.PaymentMethods.Detach(pi.PaymentMethod.ID, &stripe.PaymentMethodDetachParams{}); err != nil {
		t.Fatal(err)
	}
	if d, err := sc.Mandates.Get(mandate, nil); err != nil || d.Status != "inactive" {
		t.Error(d.Status, err)
	}
	_, err := debit(sc, pi.PaymentMethod.ID, cus, nil)
	if e := stripeError(t, err); e.Msg != methodSpent {
		t.Error(e)
	}
	once := mustDebit(t, sc, "pm_usBankAccount_success", "", nil)
	_, err = debit(sc, once.PaymentMethod.ID, "", nil)
	if e := stripeError(t, err); e.Msg != methodSpent {
		t.Error(e)
	}
}

func TestCustomer_TakesItsBankAccountsAlong(t *testing.T) {
	s, sc := setup(t)
	cus := newCustomer(t, sc)
	ba := attachBank(t, sc, cus, plaidBankToken(t, s, "000123456789"))
	if _, err := sc.Customers.Del(cus, nil); err != nil {
		t.Fatal(err)
	}
	_, err := debit(sc, ba.ID, "", nil)
	if e := stripeError(t, err); e.Msg != methodSpent {
		t.Error(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, kept := get[bankSource](s.begin(nil), ba.ID); kept {
		t.Error("the account outlives its customer")
	}
}
