package sandbox

import (
	"slices"
	"strings"
	"time"
)

type outcome struct {
	NetworkStatus string  `json:"network_status"`
	Reason        *string `json:"reason"`
	RiskLevel     string  `json:"risk_level"`
	RiskScore     int     `json:"risk_score,omitempty"`
	SellerMessage string  `json:"seller_message"`
	Type          string  `json:"type"`
}

type threeDSecure struct {
	AuthenticationFlow *string `json:"authentication_flow"`
	Result             *string `json:"result"`
	ResultReason       *string `json:"result_reason"`
	Version            *string `json:"version"`
}

type chargeCard struct {
	AmountAuthorized *int64            `json:"amount_authorized"`
	Brand            string            `json:"brand"`
	CaptureBefore    *int64            `json:"capture_before,omitempty"`
	Checks           cardChecks        `json:"checks"`
	Country          string            `json:"country"`
	ExpMonth         int64             `json:"exp_month"`
	ExpYear          int64             `json:"exp_year"`
	Extended         map[string]string `json:"extended_authorization"`
	Fingerprint      string            `json:"fingerprint"`
	Funding          string            `json:"funding"`
	Incremental      map[string]string `json:"incremental_authorization"`
	Installments     *string           `json:"installments"`
	Last4            string            `json:"last4"`
	Mandate          *string           `json:"mandate"`
	MOTO             *bool             `json:"moto,omitempty"`
	Multicapture     map[string]string `json:"multicapture"`
	Network          string            `json:"network"`
	NetworkToken     map[string]bool   `json:"network_token"`
	Overcapture      map[string]any    `json:"overcapture"`
	ThreeDSecure     *threeDSecure     `json:"three_d_secure"`
	Wallet           *string           `json:"wallet"`
}

type chargeMethod struct {
	Card          *chargeCard `json:"card,omitempty"`
	Type          string      `json:"type"`
	USBankAccount *chargeBank `json:"us_bank_account,omitempty"`
}

// charge is a Charge (https://docs.stripe.com/api/charges/object, version 2023-10-16).
type charge struct {
	ID                            string            `json:"id"`
	Object                        string            `json:"object"`
	Amount                        int64             `json:"amount"`
	AmountCaptured                int64             `json:"amount_captured"`
	AmountRefunded                int64             `json:"amount_refunded"`
	Application                   *string           `json:"application"`
	ApplicationFee                *string           `json:"application_fee"`
	ApplicationFeeAmount          *int64            `json:"application_fee_amount"`
	BalanceTransaction            *string           `json:"balance_transaction"`
	BillingDetails                billingDetails    `json:"billing_details"`
	CalculatedStatementDescriptor *string           `json:"calculated_statement_descriptor"`
	Captured                      bool              `json:"captured"`
	Created                       int64             `json:"created"`
	Currency                      string            `json:"currency"`
	Customer                      *string           `json:"customer"`
	Description                   *string           `json:"description"`
	Dispute                       *string           `json:"dispute"`
	Disputed                      bool              `json:"disputed"`
	FailureBalanceTransaction     *string           `json:"failure_balance_transaction"`
	FailureCode                   *string           `json:"failure_code"`
	FailureMessage                *string           `json:"failure_message"`
	FraudDetails                  struct{}          `json:"fraud_details"`
	Invoice                       *string           `json:"invoice"`
	Livemode                      bool              `json:"livemode"`
	Metadata                      map[string]string `json:"metadata"`
	OnBehalfOf                    *string           `json:"on_behalf_of"`
	Outcome                       *outcome          `json:"outcome"`
	Paid                          bool              `json:"paid"`
	PaymentIntent                 *string           `json:"payment_intent"`
	PaymentMethod                 *string           `json:"payment_method"`
	PaymentMethodDetails          chargeMethod      `json:"payment_method_details"`
	ReceiptEmail                  *string           `json:"receipt_email"`
	ReceiptNumber                 *string           `json:"receipt_number"`
	ReceiptURL                    *string           `json:"receipt_url"`
	Refunded                      bool              `json:"refunded"`
	Review                        *string           `json:"review"`
	Shipping                      *shipping         `json:"shipping"`
	SourceTransfer                *string           `json:"source_transfer"`
	StatementDescriptor           *string           `json:"statement_descriptor"`
	StatementDescriptorSuffix     *string           `json:"statement_descriptor_suffix"`
	Status                        string            `json:"status"`
	TransferData                  *string           `json:"transfer_data"`
	TransferGroup                 *string           `json:"transfer_group"`

	Hidden struct {
		TestCard string `json:"test_card"`
		Sent     bool   `json:"sent"` // the debit is with the bank
	} `json:"sandbox"`
}

func (*charge) kind() string   { return "charge" }
func (ch *charge) key() string { return ch.ID }

// statementPrefix is the account's shortened descriptor; Stripe writes it before the suffix.
const statementPrefix = "NORTHWIND"

// newCharge makes the charge of one try of pi with m; its outcome is still to be told.
func newCharge(t *tx, pi *paymentIntent, m *paymentMethod, authenticated bool) *charge {
	descriptor := statementPrefix
	if pi.StatementDescriptorSuffix != nil {
		descriptor = strings.ToUpper(statementPrefix + "* " + *pi.StatementDescriptorSuffix)
		descriptor = descriptor[:min(len(descriptor), 22)]
	}
	if pi.StatementDescriptor != nil { // of a debit, cut as https://docs.stripe.com/payments/ach-direct-debit says
		descriptor = strings.ToUpper(*pi.StatementDescriptor)
		descriptor = descriptor[:min(len(descriptor), 16)]
	}
	ch := &charge{ID: newID("ch"), Object: "charge", Amount: pi.Amount, BillingDetails: m.BillingDetails, CalculatedStatementDescriptor: &descriptor,
		Created: t.unix(), Currency: pi.Currency, Customer: pi.Customer, Description: pi.Description, Metadata: pi.Metadata,
		PaymentIntent: &pi.ID, PaymentMethod: &m.ID, ReceiptEmail: pi.ReceiptEmail, Shipping: pi.Shipping,
		StatementDescriptor: pi.StatementDescriptor, StatementDescriptorSuffix: pi.StatementDescriptorSuffix, TransferGroup: pi.TransferGroup}
	ch.Hidden.TestCard = m.Hidden.TestCard
	ch.PaymentMethodDetails.Type = m.Type
	if b := m.USBankAccount; b != nil {
		ch.ID = newID("py") // Stripe's prefix of charges that are not of cards
		ch.PaymentMethodDetails.USBankAccount = &chargeBank{AccountHolderType: b.AccountHolderType, AccountType: b.AccountType, BankName: b.BankName,
			Fingerprint: b.Fingerprint, Last4: b.Last4, RoutingNumber: b.RoutingNumber}
	}
	if c := m.Card; c != nil {
		amount := pi.Amount
		unavailable := map[string]string{"status": "unavailable"}
		details := &chargeCard{AmountAuthorized: &amount, Brand: c.Brand, Checks: c.Checks, Country: c.Country, ExpMonth: c.ExpMonth, ExpYear: c.ExpYear,
			Extended: map[string]string{"status": "disabled"}, Fingerprint: c.Fingerprint, Funding: c.Funding, Incremental: unavailable,
			Last4: c.Last4, Multicapture: unavailable, Network: c.Brand, NetworkToken: map[string]bool{"used": false},
			Overcapture: map[string]any{"maximum_amount_capturable": amount, "status": "unavailable"}}
		if pi.Hidden.MOTO {
			details.MOTO = &pi.Hidden.MOTO
		}
		if authenticated {
			flow, result, version := "challenge", "authenticated", "2.2.0"
			details.ThreeDSecure = &threeDSecure{AuthenticationFlow: &flow, Result: &result, Version: &version}
		}
		ch.PaymentMethodDetails.Card = details
	}
	receipt := t.url + "/receipts/" + ch.ID
	ch.ReceiptURL = &receipt
	t.put(ch)
	return ch
}

func approved(known testCard) *outcome {
	level, score := known.riskLevel, 24
	switch level {
	case "":
		level = "normal"
	case "elevated":
		score = 68
	}
	return &outcome{NetworkStatus: "approved_by_network", RiskLevel: level, RiskScore: score, SellerMessage: "Payment complete.", Type: "authorized"}
}

func refusedOutcome(why *refusal) *outcome {
	if why.blocked {
		reason := "highest_risk_level"
		return &outcome{NetworkStatus: "not_sent_to_network", Reason: &reason, RiskLevel: "highest", RiskScore: 92, SellerMessage: "Stripe blocked this payment as too risky.", Type: "blocked"}
	}
	message := "The bank returned the decline code `" + why.decline + "`."
	if why == declinedGeneric {
		message = "The bank did not return any further details with this decline."
	}
	return &outcome{NetworkStatus: "declined_by_network", Reason: &why.decline, RiskLevel: "normal", RiskScore: 31, SellerMessage: message, Type: "issuer_declined"}
}

// holdFor is how long a card authorization is held (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
const holdFor = 7 * 24 * time.Hour

func (ch *charge) holdUntil(t *tx) {
	until := t.now.Add(holdFor)
	unix := until.Unix()
	ch.PaymentMethodDetails.Card.CaptureBefore = &unix
	t.schedule(until, taskLapse, *ch.PaymentIntent)
}

func retrieveCharge(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	ch, ok := get[charge](c.tx, c.id)
	if !ok {
		return nil, missing("charge", c.id, "id")
	}
	return ch, nil
}

func updateCharge(c *call) (any, error) {
	ch, ok := edit[charge](c.tx, c.id)
	if !ok {
		return nil, missing("charge", c.id, "id")
	}
	ch.Metadata = c.params.metadata(ch.Metadata)
	c.params.set("description", &ch.Description)
	c.params.set("receipt_email", &ch.ReceiptEmail)
	c.params.set("transfer_group", &ch.TransferGroup)
	if c.params.has("shipping") {
		ch.Shipping = c.params.shipping()
	}
	c.params.ignore("fraud_details")
	if customerID := c.params.text("customer"); customerID != "" {
		if ch.Customer != nil && *ch.Customer != customerID {
			return nil, refused("", "customer", "Cannot update `customer` to %s: this charge already has the customer %s.", customerID, *ch.Customer)
		}
		if err := c.liveCustomer(customerID, "customer"); err != nil {
			return nil, err
		}
		ch.Customer = &customerID
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	c.emit("charge.updated", ch)
	return ch, nil
}

func listCharges(c *call) (any, error) {
	customerID, intentID, group := c.params.text("customer"), c.params.text("payment_intent"), c.params.text("transfer_group")
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	is := func(p *string, want string) bool { return want == "" || p != nil && *p == want }
	return list(c, page, func(ch *charge) bool {
		return created(ch.Created) && is(ch.Customer, customerID) && is(ch.PaymentIntent, intentID) && is(ch.TransferGroup, group)
	})
}

// refundsOf are the refunds of a charge, newest first.
func refundsOf(t *tx, chargeID string) []*refund {
	var out []*refund
	for r := range all[refund](t) {
		if r.Charge != nil && *r.Charge == chargeID {
			out = append(out, r)
		}
	}
	slices.Reverse(out)
	return out
}
