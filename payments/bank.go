package payments

import (
	"context"
	"errors"
	"time"

	"paylink"
)

// BankLink is what Plaid Link gave a browser when its user had chosen an account.
type BankLink struct {
	LinkID      string // the payment link it happened on; "" for staff
	CustomerID  string
	Visitor     string // whose the account is until it is saved
	PublicToken string
	AccountID   string // Plaid's
	Actor       paylink.Actor
}

// BankSessionRequest says for whom Plaid Link opens.
type BankSessionRequest struct {
	CustomerID, Visitor string
	RedirectURI         string // where banks with OAuth send the payer back to; "" leaves those banks out
	WebhookURL          string
	Locale              string // Link's language; English where Plaid does not speak it
	MethodID            string // to repair the login of a linked account; "" links another
}

// BankCheck is an account whose numbers were typed into Stripe's own fields, to be proven by a small
// deposit.
type BankCheck struct {
	LinkID, CustomerID, Visitor string
	PaymentMethod               string          // pm_…, made by Stripe.js
	Consent                     paylink.Consent // to the deposits and the debits that follow
	Save                        *paylink.Consent
	Actor                       paylink.Actor
}

var errLater = errors.New("bank accounts are not offered yet")

// LinkBank turns what Plaid Link gave into a method of the customer.
func (s *Service) LinkBank(ctx context.Context, r BankLink) (paylink.Method, error) {
	return paylink.Method{}, errLater
}

// BankSession makes the token that opens Plaid Link in the payer's browser.
func (s *Service) BankSession(ctx context.Context, r BankSessionRequest) (linkToken string, err error) {
	return "", errLater
}

// StartBankCheck has Stripe send a small deposit to an account.
func (s *Service) StartBankCheck(ctx context.Context, r BankCheck) (paylink.Method, error) {
	return paylink.Method{}, errLater
}

// VerifyBankCheck takes what the payer read on the statement: a code, or two amounts in cents.
func (s *Service) VerifyBankCheck(ctx context.Context, customerID, methodID, code string, amounts [2]int64) error {
	return errLater
}

// ExpectedBy is the day by which a bank debit usually arrives.
// https://docs.stripe.com/payments/ach-direct-debit#timing
func ExpectedBy(now time.Time, zone *time.Location) paylink.Date {
	return paylink.BankDays(paylink.DateOf(now, zone), 4)
}
