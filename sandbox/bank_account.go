package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// bankFailure is how a debit fails, in Stripe's words. Stripe tells no raw Nacha codes of debits; it does tell the one
// that made it block an account (https://docs.stripe.com/payments/ach-direct-debit/blocked-bank-accounts).
type bankFailure struct {
	code, message string
	network       string // Nacha return code
	blocks        string // why the account cannot be debited any more; "" = it can
	revokes       bool   // the customer's authorization is gone
}

var bankFailures = []bankFailure{
	{code: "insufficient_funds", message: "The customer's account has insufficient funds to cover this payment.", network: "R01"},
	{code: "account_closed", message: "The customer's bank account has been closed.", network: "R02", blocks: "bank_account_closed"},
	{code: "no_account", message: "The customer's bank account could not be located.", network: "R03", blocks: "bank_account_invalid_details"},
	{code: "debit_not_authorized", message: "The customer has notified their bank that this payment was unauthorized.", network: "R10", blocks: "debit_not_authorized", revokes: true},
	{code: "invalid_currency", message: "The bank account does not support debits in this currency."},
	{code: "charge_exceeds_source_limit", message: "This payment exceeds the weekly volume limit of the bank account."},
}

func bankFailureOf(code string) *bankFailure {
	i := slices.IndexFunc(bankFailures, func(f bankFailure) bool { return f.code == code })
	if i < 0 {
		return nil
	}
	return &bankFailures[i]
}

// testBankAccount is one of Stripe's test account numbers, all at routing number 110000000
// (https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-account-numbers).
type testBankAccount struct {
	number, name string // name is what follows pm_usBankAccount_
	failure      string // code of a bankFailure
	stays        bool   // processing for ever
	returned     bool   // settles, and is returned later
	noDeposits   bool   // micro-deposits cannot be sent to it
}

var testBankAccounts = []testBankAccount{
	{number: "000123456789", name: "success"},
	{number: "000111111113", name: "accountClosed", failure: "account_closed"},
	{number: "000111111116", name: "noAccount", failure: "no_account"},
	{number: "000222222227", name: "insufficientFunds", failure: "insufficient_funds"},
	{number: "000333333335", name: "debitNotAuthorized", failure: "debit_not_authorized"},
	{number: "000444444440", name: "invalidCurrency", failure: "invalid_currency"},
	{number: "000555555559", name: "dispute", returned: true},
	{number: "000666666661", name: "failMicrodeposits", noDeposits: true},
	{number: "000777777771", name: "weeklyLimitExceeded", failure: "charge_exceeds_source_limit"},
	{number: "000000000009", name: "processing", stays: true},
}

func bankAccountNumbered(number string) (testBankAccount, bool) {
	i := slices.IndexFunc(testBankAccounts, func(b testBankAccount) bool { return b.number == number })
	if i < 0 {
		return testBankAccount{}, false
	}
	return testBankAccounts[i], true
}

// testBankName is the bank at Stripe's test routing number.
const testBankName = "STRIPE TEST BANK"

const bankMethod = "us_bank_account"

type bankNetworks struct {
	Preferred *string  `json:"preferred"`
	Supported []string `json:"supported"`
}

type bankBlocked struct {
	NetworkCode *string `json:"network_code"`
	Reason      *string `json:"reason"`
}

type bankStatusDetails struct {
	Blocked *bankBlocked `json:"blocked,omitempty"`
}

// usBankAccount is the bank's part of a PaymentMethod.
type usBankAccount struct {
	AccountHolderType    *string            `json:"account_holder_type"`
	AccountType          *string            `json:"account_type"`
	BankName             string             `json:"bank_name"`
	FinancialConnections *string            `json:"financial_connections_account"`
	Fingerprint          string             `json:"fingerprint"`
	Last4                string             `json:"last4"`
	Networks             bankNetworks       `json:"networks"`
	RoutingNumber        string             `json:"routing_number"`
	StatusDetails        *bankStatusDetails `json:"status_details"`
}

// bankHidden is what Stripe knows of an account and does not show.
type bankHidden struct {
	Number   string `json:"number"`
	Verified bool   `json:"verified"`
	Token    string `json:"token"` // the btok_… it came from
}

// bankDetails are what a customer, or Plaid, tells about an account.
type bankDetails struct {
	Routing, Number                     string
	Bank                                string // "" = the bank at Stripe's test routing number
	HolderName, HolderType, AccountType string
}

func newBankPart(d bankDetails) *usBankAccount {
	b := &usBankAccount{BankName: orDefault(d.Bank, testBankName), Fingerprint: bankFingerprint(d), Last4: d.Number[len(d.Number)-4:],
		Networks: bankNetworks{Supported: []string{"ach"}}, RoutingNumber: d.Routing}
	if d.HolderType != "" {
		b.AccountHolderType = &d.HolderType
	}
	kind := orDefault(d.AccountType, "checking")
	b.AccountType = &kind
	return b
}

// bankFingerprint is the same for the same account, and does not give its number away. The type counts: Plaid's half has
// a checking and a savings account at the one number whose debits succeed.
func bankFingerprint(d bankDetails) string {
	sum := sha256.Sum256([]byte("bank account fingerprint " + d.Routing + " " + d.Number + " " + orDefault(d.AccountType, "checking")))
	return hex.EncodeToString(sum[:8])
}

// readBank reads routing and account numbers; only Stripe's test numbers are taken.
func readBank(p *params) (bankDetails, bool) {
	d := bankDetails{Routing: p.text("routing_number"), Number: p.must("account_number"), AccountType: p.choice("account_type", "checking", "savings"),
		HolderType: p.choice("account_holder_type", "individual", "company")}
	if !p.has("routing_number") {
		p.fail(p.absent("routing_number"))
	}
	if *p.first != nil {
		return d, false
	}
	if len(d.Routing) != 9 || strings.Trim(d.Routing, "0123456789") != "" {
		p.fail(invalid("routing_number_invalid", p.name+"[routing_number]", "Routing number must have 9 digits"))
		return d, false
	}
	if d.Routing != testRouting {
		p.fail(invalid("routing_number_invalid", p.name+"[routing_number]", "You must use a test routing number when performing test transactions. Try %s.", testRouting))
		return d, false
	}
	if _, listed := bankAccountNumbered(d.Number); !listed {
		p.fail(invalid("account_number_invalid", p.name+"[account_number]", "You must use a test bank account number in test mode. Try 000123456789 or see more options at https://stripe.com/docs/connect/testing#account-numbers."))
		return d, false
	}
	return d, true
}

// readBankMethod fills m from us_bank_account[…]. Its account is not verified yet.
func readBankMethod(m *paymentMethod, p *params) {
	h := p.hash(bankMethod)
	if h == nil {
		p.fail(p.absent(bankMethod))
		return
	}
	if h.has("financial_connections_account") {
		h.useAll()
		p.fail(invalid("resource_missing", h.name+"[financial_connections_account]", "No such financial connections account: '%s'", h.text("financial_connections_account")))
		return
	}
	if !h.has("account_holder_type") {
		p.fail(h.absent("account_holder_type"))
	}
	d, ok := readBank(h)
	if !ok {
		h.useAll()
		return
	}
	m.USBankAccount, m.Hidden.Bank = newBankPart(d), &bankHidden{Number: d.Number}
}

const namedBankPrefix = "pm_usBankAccount_"

// newNamedBank makes a PaymentMethod from one of Stripe's named test accounts; those are verified.
func newNamedBank(t *tx, b testBankAccount) *paymentMethod {
	m := newMethod(t)
	name, email := "Jenny Rosen", "jenny@example.com"
	m.BillingDetails.Name, m.BillingDetails.Email = &name, &email
	m.Type = bankMethod
	m.USBankAccount = newBankPart(bankDetails{Routing: testRouting, Number: b.number, HolderType: "individual"})
	m.Hidden.Bank = &bankHidden{Number: b.number, Verified: true}
	return m
}

// blocked tells why the account may not be debited, nil when it may.
func (m *paymentMethod) blocked() *bankBlocked {
	if m.USBankAccount == nil || m.USBankAccount.StatusDetails == nil {
		return nil
	}
	return m.USBankAccount.StatusDetails.Blocked
}
