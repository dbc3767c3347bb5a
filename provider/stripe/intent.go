package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"paylink"
	"paylink/money"
)

// The metadata that ties Stripe's objects to ours.
const (
	metaInstall  = "paylink_install"
	metaPayment  = "paylink_payment"
	metaInvoice  = "paylink_invoice"
	metaCustomer = "paylink_customer"
)

// Intent is what Stripe says of a PaymentIntent: the only source from which a payment changes.
type Intent struct {
	ID       string
	Status   Status
	Amount   money.Amount // asked for
	Received int64        // moved, in minor units
	Live     bool
	Customer string   // cus_…
	Types    []string // of methods that may pay it
	Capture  paylink.CaptureMethod
	MadeAt   time.Time // by Stripe's clock

	Install, Payment, Invoice string // our metadata

	Declined    bool // the last try was refused
	Reason      paylink.DeclineReason
	Method      string // pm_… or ba_… that it was tried with
	Fingerprint string // of that card or account
	Card        paylink.Card
	Bank        paylink.Bank

	Charge        string
	Statement     string
	Mandate       string // mandate_…, that a debit was made by
	Trace         string // by which the payer's bank finds a debit
	AuthCode      string
	MovedAt       time.Time // when the money moved, by Stripe's clock; zero when it does not say
	CaptureBefore time.Time
}

// Status is Stripe's word. https://docs.stripe.com/payments/paymentintents/lifecycle
type Status string

// The statuses of a PaymentIntent.
const (
	NeedsMethod    Status = "requires_payment_method"
	NeedsConfirm   Status = "requires_confirmation"
	NeedsAction    Status = "requires_action"
	StatusMoving   Status = "processing"
	StatusHeld     Status = "requires_capture"
	StatusCanceled Status = "canceled"
	StatusDone     Status = "succeeded"
)

// IntentRequest is what a PaymentIntent is made with. Everything that Stripe or a dispute needs is
// on it before it can move money.
type IntentRequest struct {
	Amount                    money.Amount
	Customer                  string
	MethodTypes               []string
	Capture                   paylink.CaptureMethod
	SetupFutureUsage          string // "" or off_session, on_session
	Statement                 string // of a debit, up to 16 characters; "" is what Stripe knows the firm by
	StatementSuffix           string // of a card payment, up to 22 characters with the prefix
	Description               string
	Install, Payment, Invoice string
}

// CreateIntent makes an unconfirmed PaymentIntent: it cannot move money yet.
func (c *Client) CreateIntent(ctx context.Context, key string, r IntentRequest) (Intent, error) {
	p := &stripego.PaymentIntentParams{
		Params:   params(ctx, key),
		Amount:   stripego.Int64(r.Amount.Minor),
		Currency: stripego.String(strings.ToLower(string(r.Amount.Currency))),
		// Without explicit types Stripe turns on every method of the account since 2023-08-16.
		PaymentMethodTypes: stripego.StringSlice(r.MethodTypes),
		CaptureMethod:      stripego.String(string(r.Capture)),
		Metadata:           map[string]string{metaInstall: r.Install, metaPayment: r.Payment, metaInvoice: r.Invoice},
	}
	if r.Customer != "" {
		p.Customer = stripego.String(r.Customer)
	}
	if r.SetupFutureUsage != "" {
		p.SetupFutureUsage = stripego.String(r.SetupFutureUsage)
	}
	if r.Statement != "" {
		p.StatementDescriptor = stripego.String(r.Statement)
	}
	if r.StatementSuffix != "" {
		p.StatementDescriptorSuffix = stripego.String(r.StatementSuffix)
	}
	if r.Description != "" {
		p.Description = stripego.String(r.Description)
	}
	pi, err := c.api.PaymentIntents.New(p)
	return known("create payment intent", "", pi, err)
}

// ConfirmRequest says what to pay with and where the bank sends the payer back to. One of
// ConfirmationToken (a new card) and Method (pm_… or ba_…) is set; OffSession goes with a Method alone.
type ConfirmRequest struct {
	ConfirmationToken string   `json:"confirmation_token,omitempty"`
	Method            string   `json:"payment_method,omitempty"`
	Mandate           *Mandate `json:"mandate,omitempty"` // that the payer gives now; nil: a debit runs on the standing one
	ReturnURL         string   `json:"return_url"`
	// OffSession says that the payer is not there to be asked by the bank, which then declines.
	// https://docs.stripe.com/api/payment_intents/confirm#confirm_payment_intent-off_session
	OffSession bool `json:"off_session,omitempty"`
}

// Mandate is the proof that the payer allowed the debit, as Stripe wants it.
// https://docs.stripe.com/api/payment_intents/confirm#confirm_payment_intent-mandate_data
type Mandate struct {
	AcceptedAt int64  `json:"accepted_at"` // Unix seconds
	IP         string `json:"ip_address"`
	Agent      string `json:"user_agent"`
}

// Confirm asks for the money. A decline is an answer, not an error: the Intent says it.
func (c *Client) Confirm(ctx context.Context, id, key string, r ConfirmRequest) (Intent, error) {
	p := &stripego.PaymentIntentConfirmParams{Params: params(ctx, key, "latest_charge.balance_transaction")}
	if r.ConfirmationToken != "" {
		p.ConfirmationToken = stripego.String(r.ConfirmationToken)
	}
	if r.Method != "" {
		p.PaymentMethod = stripego.String(r.Method)
	}
	if r.OffSession {
		p.OffSession = stripego.Bool(true)
	}
	if r.ReturnURL != "" { // a debit asks nothing on the way, and nobody is asked who is not there
		p.ReturnURL = stripego.String(r.ReturnURL)
		p.UseStripeSDK = stripego.Bool(true)
	}
	if m := r.Mandate; m != nil {
		p.MandateData = &stripego.PaymentIntentMandateDataParams{
			CustomerAcceptance: &stripego.PaymentIntentMandateDataCustomerAcceptanceParams{
				Type: stripego.String(string(stripego.MandateCustomerAcceptanceTypeOnline)), AcceptedAt: stripego.Int64(m.AcceptedAt),
				Online: &stripego.PaymentIntentMandateDataCustomerAcceptanceOnlineParams{
					IPAddress: stripego.String(m.IP), UserAgent: stripego.String(m.Agent),
				},
			},
		}
	}
	pi, err := c.api.PaymentIntents.Confirm(id, p)
	if e, ok := errors.AsType[*stripego.Error](err); ok && e.Type == stripego.ErrorTypeCard && e.PaymentIntent != nil {
		pi, err = e.PaymentIntent, nil
	}
	return known("confirm payment intent", id, pi, err)
}

// Intent fetches the truth.
func (c *Client) Intent(ctx context.Context, id string) (Intent, error) {
	pi, err := c.api.PaymentIntents.Get(id, &stripego.PaymentIntentParams{Params: params(ctx, "", "latest_charge.balance_transaction")})
	return known("fetch payment intent", id, pi, err)
}

// Cancel is the fence: once Stripe says canceled, the PaymentIntent can never move money. When it
// is too late for that, the error is a Refusal and the caller fetches what happened instead.
func (c *Client) Cancel(ctx context.Context, id, key string) (Intent, error) {
	p := &stripego.PaymentIntentCancelParams{Params: params(ctx, key, "latest_charge.balance_transaction")}
	pi, err := c.api.PaymentIntents.Cancel(id, p)
	return known("cancel payment intent", id, pi, err)
}

// Capture takes a held amount, or a part of it; Stripe lets go of the rest.
// https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
func (c *Client) Capture(ctx context.Context, id, key string, amount money.Amount) (Intent, error) {
	p := &stripego.PaymentIntentCaptureParams{
		Params: params(ctx, key, "latest_charge.balance_transaction"), AmountToCapture: stripego.Int64(amount.Minor),
	}
	pi, err := c.api.PaymentIntents.Capture(id, p)
	return known("capture payment intent", id, pi, err)
}

// ClientSecret fetches the secret that the payer's browser needs for 3-D Secure. It is given to
// that browser and stored nowhere.
func (c *Client) ClientSecret(ctx context.Context, id string) (string, error) {
	pi, err := c.api.PaymentIntents.Get(id, &stripego.PaymentIntentParams{Params: params(ctx, "")})
	if err != nil {
		return "", outcome("fetch client secret", err)
	}
	return pi.ClientSecret, nil
}

// known translates an answer and refuses to believe one that is not about what was asked.
func known(act, id string, pi *stripego.PaymentIntent, err error) (Intent, error) {
	if err != nil {
		return Intent{}, outcome(act, err)
	}
	if pi.ID == "" || id != "" && pi.ID != id || pi.Status == "" {
		return Intent{}, fmt.Errorf("%s: %w: the answer is not that payment intent", act, ErrUnknown)
	}
	return translate(pi), nil
}

func translate(pi *stripego.PaymentIntent) Intent {
	currency, _ := money.ParseCurrency(string(pi.Currency)) // an unknown one compares unequal to ours
	in := Intent{
		ID: pi.ID, Status: Status(pi.Status), Live: pi.Livemode,
		Amount: money.New(pi.Amount, currency), Received: pi.AmountReceived,
		Types: pi.PaymentMethodTypes, Capture: paylink.CaptureMethod(pi.CaptureMethod), MadeAt: time.Unix(pi.Created, 0).UTC(),
		Install: pi.Metadata[metaInstall], Payment: pi.Metadata[metaPayment], Invoice: pi.Metadata[metaInvoice],
	}
	if pi.PaymentMethod != nil {
		in.Method = pi.PaymentMethod.ID
	}
	if pi.Customer != nil {
		in.Customer = pi.Customer.ID
	}
	if last := pi.LastPaymentError; last != nil {
		in.Declined, in.Reason = true, reason(last)
		if m := last.PaymentMethod; m != nil {
			in.Method = m.ID
			in.Fingerprint, in.Card, in.Bank = meansOf(m)
		}
	}
	charge := pi.LatestCharge
	if charge == nil {
		return in
	}
	in.Charge, in.Statement, in.AuthCode = charge.ID, charge.CalculatedStatementDescriptor, charge.AuthorizationCode
	if charge.PaymentMethod != "" {
		in.Method = charge.PaymentMethod
	}
	in.MovedAt = movedAt(charge)
	details := charge.PaymentMethodDetails
	switch {
	case details == nil:
	case details.Card != nil:
		in.Fingerprint = details.Card.Fingerprint
		in.Card = paylink.Card{
			Brand: brand(string(details.Card.Brand)), Last4: details.Card.Last4,
			ExpMonth: int(details.Card.ExpMonth), ExpYear: int(details.Card.ExpYear), Funding: string(details.Card.Funding),
		}
		if details.Card.CaptureBefore > 0 {
			in.CaptureBefore = time.Unix(details.Card.CaptureBefore, 0).UTC()
		}
	case details.USBankAccount != nil:
		bank := details.USBankAccount
		in.Fingerprint, in.Trace = bank.Fingerprint, bank.PaymentReference
		in.Bank = paylink.Bank{
			Name: bank.BankName, Last4: bank.Last4, Type: string(bank.AccountType), Company: bank.AccountHolderType == companyHolder,
		}
		if bank.Mandate != nil {
			in.Mandate = bank.Mandate.ID
		}
	}
	return in
}

// brand writes a card brand as its owner does. https://docs.stripe.com/api/charges/object
func brand(s string) string {
	names := map[string]string{
		"amex": "American Express", "diners": "Diners Club", "discover": "Discover", "eftpos_au": "eftpos",
		"jcb": "JCB", "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return "Card"
}

// reason picks the few words that help a payer. Lost, stolen, fraud and the like stay with the
// bank. https://docs.stripe.com/declines/codes
func reason(e *stripego.Error) paylink.DeclineReason {
	if e.PaymentMethod != nil && e.PaymentMethod.Type == stripego.PaymentMethodTypeUSBankAccount {
		return bankReason(string(e.Code))
	}
	switch e.Code {
	case stripego.ErrorCodeExpiredCard:
		return paylink.DeclinedExpired
	case stripego.ErrorCodeIncorrectCVC, stripego.ErrorCodeInvalidCVC:
		return paylink.DeclinedCode
	case stripego.ErrorCodePaymentIntentAuthenticationFailure:
		return paylink.DeclinedNotConfirmed
	case stripego.ErrorCodeAuthenticationRequired:
		return paylink.DeclinedNeedsPayer
	}
	switch e.DeclineCode {
	case "insufficient_funds":
		return paylink.DeclinedFunds
	case "expired_card":
		return paylink.DeclinedExpired
	case "incorrect_cvc", "invalid_cvc":
		return paylink.DeclinedCode
	case "card_velocity_exceeded", "withdrawal_count_limit_exceeded":
		return paylink.DeclinedLimit
	case "authentication_required":
		return paylink.DeclinedNeedsPayer
	}
	return paylink.DeclinedNoReason
}

// bankReason says why a debit came back. https://docs.stripe.com/error-codes
func bankReason(code string) paylink.DeclineReason {
	switch code {
	case "insufficient_funds":
		return paylink.DeclinedFunds
	case "account_closed":
		return paylink.DeclinedClosed
	case "no_account":
		return paylink.DeclinedNoAccount
	case "debit_not_authorized", "bank_account_restricted":
		return paylink.DeclinedUnauthorized
	case "charge_exceeds_source_limit", "charge_exceeds_transaction_limit", "charge_exceeds_weekly_limit":
		return paylink.DeclinedBankLimit
	}
	return paylink.DeclinedBankOther
}

// movedAt is when a charge moved money. A card's does as it is made; a debit is made days before the bank
// sends the money, and is booked into the balance then.
func movedAt(c *stripego.Charge) time.Time {
	if booked := c.BalanceTransaction; booked != nil && booked.Created > c.Created {
		return time.Unix(booked.Created, 0).UTC()
	}
	if d := c.PaymentMethodDetails; c.Created == 0 || d != nil && d.USBankAccount != nil {
		return time.Time{}
	}
	return time.Unix(c.Created, 0).UTC()
}
