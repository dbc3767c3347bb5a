package stripe

import (
	"context"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
)

// metaMethod ties a SetupIntent to our method.
const metaMethod = "paylink_method"

// SetupRequest asks Stripe to prove a bank account by a small deposit, for debits later. No money of
// the payer moves. https://docs.stripe.com/payments/ach-direct-debit/set-up-payment
type SetupRequest struct {
	Customer      string // cus_…
	PaymentMethod string // pm_…
	Mandate       Mandate
	Install       string
	Method        string // our id
}

// Setup is what Stripe says of a SetupIntent.
type Setup struct {
	ID            string
	Status        Status
	Live          bool
	PaymentMethod string // pm_…
	Problem       string // Stripe's code of what went wrong last
	Kind          string // of deposit: descriptor_code or amounts
	ArrivesAt     time.Time

	Install, Method string // our metadata
}

// What goes wrong with a proof by deposits. https://docs.stripe.com/error-codes
const (
	AmountsWrong  = "payment_method_microdeposit_verification_amounts_mismatch"
	AmountsBroken = "payment_method_microdeposit_verification_amounts_invalid"
	CodeWrong     = "payment_method_microdeposit_verification_descriptor_code_mismatch"
	TriesExceeded = "payment_method_microdeposit_verification_attempts_exceeded"
	DepositsLate  = "payment_method_microdeposit_verification_timeout"
	DepositsFail  = "payment_method_microdeposit_failed"
)

// SetUpBank makes and confirms the SetupIntent that proves a bank account.
func (c *Client) SetUpBank(ctx context.Context, key string, r SetupRequest) (Setup, error) {
	p := &stripego.SetupIntentParams{
		Params:             params(ctx, key),
		Customer:           stripego.String(r.Customer),
		PaymentMethod:      stripego.String(r.PaymentMethod),
		PaymentMethodTypes: stripego.StringSlice([]string{"us_bank_account"}),
		Confirm:            stripego.Bool(true),
		Usage:              stripego.String("off_session"),
		PaymentMethodOptions: &stripego.SetupIntentPaymentMethodOptionsParams{
			USBankAccount: &stripego.SetupIntentPaymentMethodOptionsUSBankAccountParams{VerificationMethod: stripego.String("microdeposits")},
		},
		MandateData: &stripego.SetupIntentMandateDataParams{
			CustomerAcceptance: &stripego.SetupIntentMandateDataCustomerAcceptanceParams{
				Type: stripego.MandateCustomerAcceptanceTypeOnline, AcceptedAt: stripego.Int64(r.Mandate.AcceptedAt),
				Online: &stripego.SetupIntentMandateDataCustomerAcceptanceOnlineParams{
					IPAddress: stripego.String(r.Mandate.IP), UserAgent: stripego.String(r.Mandate.Agent),
				},
			},
		},
		Metadata: map[string]string{metaInstall: r.Install, metaMethod: r.Method},
	}
	si, err := c.api.SetupIntents.New(p)
	return knownSetup("set up bank account", "", si, err)
}

// Setup fetches the truth about a SetupIntent.
func (c *Client) Setup(ctx context.Context, id string) (Setup, error) {
	si, err := c.api.SetupIntents.Get(id, &stripego.SetupIntentParams{Params: params(ctx, "")})
	return knownSetup("fetch setup intent", id, si, err)
}

// VerifyBank takes what the payer read on the statement: the code, or with "" the two amounts. A wrong
// one is a Refusal with one of the codes above.
func (c *Client) VerifyBank(ctx context.Context, id, key, code string, amounts [2]int64) (Setup, error) {
	p := &stripego.SetupIntentVerifyMicrodepositsParams{Params: params(ctx, key)}
	if code != "" {
		p.DescriptorCode = stripego.String(code)
	} else {
		p.Amounts = []*int64{stripego.Int64(amounts[0]), stripego.Int64(amounts[1])}
	}
	si, err := c.api.SetupIntents.VerifyMicrodeposits(id, p)
	return knownSetup("verify bank account", id, si, err)
}

func knownSetup(act, id string, si *stripego.SetupIntent, err error) (Setup, error) {
	if err != nil {
		return Setup{}, outcome(act, err)
	}
	if si.ID == "" || id != "" && si.ID != id || si.Status == "" {
		return Setup{}, fmt.Errorf("%s: %w: the answer is not that setup intent", act, ErrUnknown)
	}
	s := Setup{
		ID: si.ID, Status: Status(si.Status), Live: si.Livemode,
		Install: si.Metadata[metaInstall], Method: si.Metadata[metaMethod],
	}
	if si.PaymentMethod != nil {
		s.PaymentMethod = si.PaymentMethod.ID
	}
	if si.LastSetupError != nil {
		s.Problem = string(si.LastSetupError.Code)
	}
	if si.NextAction != nil && si.NextAction.VerifyWithMicrodeposits != nil {
		wait := si.NextAction.VerifyWithMicrodeposits
		s.Kind = string(wait.MicrodepositType)
		if wait.ArrivalDate > 0 {
			s.ArrivesAt = time.Unix(wait.ArrivalDate, 0).UTC()
		}
	}
	return s, nil
}
