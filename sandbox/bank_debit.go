package sandbox

import (
	"fmt"
	"slices"
	"time"
)

const (
	// debitTakes is Stripe's four business days (https://docs.stripe.com/payments/ach-direct-debit#timing). Banks work on
	// every day here, so that what is due after a move of the clock does not depend on the day of the week.
	debitTakes = 4 * 24 * time.Hour
	// debitLeaves is when a debit is handed to the bank: it can be canceled until then.
	debitLeaves = 24 * time.Hour
)

type chargeBank struct {
	AccountHolderType *string `json:"account_holder_type"`
	AccountType       *string `json:"account_type"`
	BankName          string  `json:"bank_name"`
	Fingerprint       string  `json:"fingerprint"`
	Last4             string  `json:"last4"`
	Mandate           string  `json:"mandate"`
	PaymentReference  *string `json:"payment_reference"`
	RoutingNumber     string  `json:"routing_number"`
}

type bankOptions struct {
	MandateOptions      map[string]string `json:"mandate_options,omitempty"`
	PreferredSettlement string            `json:"preferred_settlement_speed,omitempty"`
	SetupFutureUsage    *string           `json:"setup_future_usage,omitempty"`
	VerificationMethod  string            `json:"verification_method"`
}

// readBankOptions reads payment_method_options[us_bank_account] over old.
func readBankOptions(p *params, old *bankOptions) *bankOptions {
	h := p.hash("payment_method_options").hash(bankMethod)
	if h == nil {
		return old
	}
	o := bankOptions{VerificationMethod: "automatic"}
	if old != nil {
		o = *old
	}
	if v := h.choice("verification_method", "automatic", "instant", "microdeposits"); v != "" {
		o.VerificationMethod = v
	}
	if v := h.choice("preferred_settlement_speed", "fastest", "standard"); v != "" {
		o.PreferredSettlement = v
	}
	if m := h.hash("mandate_options"); m != nil {
		if v := m.choice("collection_method", "paper"); v != "" {
			o.MandateOptions = map[string]string{"collection_method": v}
		}
	}
	h.set("setup_future_usage", &o.SetupFutureUsage)
	h.ignore("financial_connections", "networks", "target_date")
	return &o
}

// checkBank holds a PaymentIntent that takes bank debits to what they can do.
func checkBank(pi *paymentIntent) *apiError {
	switch {
	case !slices.Contains(pi.PaymentMethodTypes, bankMethod):
		return nil
	case pi.Currency != "usd":
		return invalid("payment_intent_invalid_parameter", "currency", "The currency provided (%s) is invalid. Payments with us_bank_account support the following currencies: usd.", pi.Currency)
	case pi.CaptureMethod == "manual":
		return invalid("payment_intent_invalid_parameter", "capture_method", "The payment method type us_bank_account does not support manual capture. Set `capture_method` to `automatic`.")
	}
	return nil
}

// debitable tells whether the account behind m may be debited, or set up, at all.
func (c *call) debitable(m *paymentMethod) *apiError {
	if m.BillingDetails.Name == nil {
		return refused("parameter_missing", "billing_details[name]", "Missing required param: billing_details[name].")
	}
	if b := m.blocked(); b != nil {
		return refused("payment_method_bank_account_blocked", "payment_method", "This bank account has failed one or more payments in the past (%s), so it cannot be used for future payments.", text(b.Reason))
	}
	if b, ok := get[bankToken](c.tx, m.Hidden.Bank.Token); ok && b.Revoked {
		return refused("bank_account_unusable", "payment_method", "The bank account provided cannot be used for payments: the access it was linked with was revoked. A different bank account must be used.")
	}
	if _, isSource := get[bankSource](c.tx, m.ID); isSource && !m.Hidden.Bank.Verified {
		return refused("bank_account_unverified", "payment_method", "The customer's bank account must be verified before it can be used.")
	}
	return nil
}

// tryDebit takes a confirmation with a bank account: permission first, verification where the account has none, then
// the debit is on its way.
func (c *call) tryDebit(pi *paymentIntent, m *paymentMethod) (any, error) {
	if err := c.debitable(m); err != nil {
		return nil, err
	}
	var once *singleUse
	if m.Customer == nil && pi.SetupFutureUsage == nil {
		once = &singleUse{Amount: pi.Amount, Currency: pi.Currency}
	}
	d, err := c.permission("PaymentIntent", m, c.confirm.mandateID, c.confirm.mandate, once)
	if err != nil {
		if err.Code == "" { // the payment waits for the customer's consent
			pi.Status, err.keep = statusRequiresConfirmation, true
			err.PaymentIntent = render(pi)
		}
		return nil, err
	}
	if m.Hidden.Bank.Verified {
		c.sendDebit(pi, m, d)
		return pi, nil
	}
	if known, _ := bankAccountNumbered(m.Hidden.Bank.Number); known.noDeposits {
		return nil, c.failDeposits(pi, errDepositsFailed)
	}
	pi.Status, pi.Hidden.Deposits = statusRequiresAction, &depositState{Mandate: d.ID}
	pi.NextAction = &nextAction{Type: "verify_with_microdeposits", VerifyWithMicrodeposits: sendDeposits(c.tx, pi.ID, pi.ClientSecret)}
	c.emit("payment_intent.requires_action", pi)
	c.truth(pi)
	return pi, nil
}

// sendDebit makes the charge, which waits for the bank.
func (t *tx) sendDebit(pi *paymentIntent, m *paymentMethod, d *mandate) {
	saved, _ := edit[paymentMethod](t, m.ID)
	switch {
	case saved.Customer != nil:
	case pi.SetupFutureUsage != nil && pi.Customer != nil:
		attach(t, saved, *pi.Customer)
	default:
		saved.Hidden.Used = true
	}
	ch := newCharge(t, pi, saved, false)
	ch.PaymentMethodDetails.USBankAccount.Mandate = d.ID
	ch.Status, ch.Captured, ch.AmountCaptured = "pending", true, ch.Amount
	ch.Outcome = &outcome{NetworkStatus: "approved_by_network", RiskLevel: "not_assessed", SellerMessage: "Payment complete.", Type: "authorized"}
	if d.SingleUse != nil {
		spent, _ := edit[mandate](t, d.ID)
		spent.Status = mandateInactive
	}
	pi.Status, pi.LatestCharge, pi.NextAction, pi.Hidden.Deposits = statusProcessing, &ch.ID, nil, nil
	t.emit("charge.pending", ch)
	t.emit("payment_intent.processing", pi)
	t.truth(ch)
	t.truth(pi)
	if known, _ := bankAccountNumbered(m.Hidden.Bank.Number); !known.stays {
		t.schedule(t.now.Add(debitLeaves), taskDebitLeaves, pi.ID)
		t.schedule(t.now.Add(debitTakes), taskDebitSettles, pi.ID)
	}
}

// debitIsSent hands the debit to the bank; "Upon receiving charge.updated the payment is no longer cancellable"
// (https://docs.stripe.com/payments/ach-direct-debit#payment-cancellation).
func debitIsSent(t *tx, intentID string) {
	pi, ok := get[paymentIntent](t, intentID)
	if !ok || pi.Status != statusProcessing {
		return
	}
	ch, _ := edit[charge](t, *pi.LatestCharge)
	ch.Hidden.Sent = true
	t.emit("charge.updated", ch)
}

// settleDebit is the bank's answer, or its silence, after four days.
func settleDebit(t *tx, intentID string) {
	pi, ok := get[paymentIntent](t, intentID)
	if !ok || pi.Status != statusProcessing {
		return
	}
	pi, _ = edit[paymentIntent](t, intentID)
	m, _ := get[paymentMethod](t, *pi.PaymentMethod)
	known, _ := bankAccountNumbered(m.Hidden.Bank.Number)
	if why := bankFailureOf(known.failure); why != nil {
		failDebit(t, pi, why)
		return
	}
	ch, _ := edit[charge](t, *pi.LatestCharge)
	reference := fmt.Sprintf("%015d", t.now.UnixNano()%1e15)
	ch.Status, ch.Paid, ch.Hidden.Sent = "succeeded", true, true
	ch.PaymentMethodDetails.USBankAccount.PaymentReference = &reference
	bookCharge(t, ch)
	pi.Status, pi.AmountReceived = statusSucceeded, pi.Amount
	t.emit("charge.succeeded", ch)
	t.emit("payment_intent.succeeded", pi)
	t.truth(ch)
	t.truth(pi)
	if known.returned {
		t.schedule(t.now.Add(returnFollows), taskReturn, ch.ID)
	}
}

// failDebit sends an edited PaymentIntent back for another method.
func failDebit(t *tx, pi *paymentIntent, why *bankFailure) {
	m, _ := edit[paymentMethod](t, *pi.PaymentMethod)
	ch, _ := edit[charge](t, *pi.LatestCharge)
	ch.Status, ch.Captured, ch.AmountCaptured = "failed", false, 0
	ch.FailureCode, ch.FailureMessage = &why.code, &why.message
	ch.Outcome = &outcome{NetworkStatus: "declined_by_network", Reason: &why.code, RiskLevel: "not_assessed", SellerMessage: "The bank did not accept the debit.", Type: "issuer_declined"}
	if why.blocks != "" {
		m.USBankAccount.StatusDetails = &bankStatusDetails{Blocked: &bankBlocked{NetworkCode: &why.network, Reason: &why.blocks}}
		t.emit("payment_method.updated", m)
	}
	if why.revokes {
		revokeMandates(t, m.ID)
	}
	e := withDoc(&apiError{Type: "invalid_request_error", Code: why.code, Message: why.message, Charge: ch.ID, PaymentMethod: render(m)})
	pi.LastPaymentError = e
	pi.Status, pi.PaymentMethod = statusRequiresMethod, nil
	t.emit("charge.failed", ch)
	t.emit("payment_intent.payment_failed", pi)
	t.truth(ch)
	t.truth(pi)
}

// cancelDebit takes a debit back that has not left.
func cancelDebit(t *tx, pi *paymentIntent) {
	ch, _ := edit[charge](t, *pi.LatestCharge)
	code, message := "payment_canceled", "The payment was canceled before it was sent to the bank."
	ch.Status, ch.Captured, ch.AmountCaptured, ch.FailureCode, ch.FailureMessage = "failed", false, 0, &code, &message
	t.emit("charge.failed", ch)
	t.truth(ch)
}

// cancellableDebit tells whether pi's debit has not left yet.
func (t *tx) cancellableDebit(pi *paymentIntent) bool {
	if pi.Status != statusProcessing || pi.LatestCharge == nil {
		return false
	}
	ch, ok := get[charge](t, *pi.LatestCharge)
	return ok && !ch.Hidden.Sent
}

// bankFee is 0.8%, five dollars at most, rounded half up, as Stripe's US price list has it for ACH Direct Debit.
func bankFee(amount int64, currency string) feeDetail {
	description := "Stripe processing fees"
	return feeDetail{Amount: min((amount*8+500)/1000, 500), Currency: currency, Description: &description, Type: "stripe_fee"}
}

// failDeposits ends the verification of pi's account.
func (t *tx) failDeposits(pi *paymentIntent, why *apiError) *apiError {
	shown := *why
	if m, ok := get[paymentMethod](t, text(pi.PaymentMethod)); ok {
		shown.PaymentMethod = render(m)
	}
	pi.LastPaymentError = &shown
	pi.Status, pi.PaymentMethod, pi.NextAction, pi.Hidden.Deposits = statusRequiresMethod, nil, nil, nil
	t.emit("payment_intent.payment_failed", pi)
	t.truth(pi)
	answer := shown
	answer.status, answer.keep, answer.PaymentIntent = 400, true, render(pi)
	return &answer
}

// verifyIntentDeposits is POST /v1/payment_intents/{id}/verify_microdeposits.
func verifyIntentDeposits(c *call) (any, error) {
	if _, err := c.intent(); err != nil {
		return nil, err
	}
	guess := readDeposits(c.params, "descriptor_code")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	pi, _ := edit[paymentIntent](c.tx, c.id)
	if err := c.verifyDebit(pi, guess); err != nil {
		return nil, err
	}
	return pi, nil
}

// verifyDebit takes what the customer read on the statement; a right guess sends the debit of the edited pi.
func (t *tx) verifyDebit(pi *paymentIntent, guess depositGuess) *apiError {
	if pi.Status != statusRequiresAction || pi.Hidden.Deposits == nil {
		return unexpectedState(pi, "This PaymentIntent cannot be verified with microdeposits because it has a status of %s.", pi.Status)
	}
	e, over := pi.Hidden.Deposits.judge(guess)
	switch {
	case over:
		return t.failDeposits(pi, e)
	case e != nil:
		return e
	}
	d := pi.Hidden.Deposits.verified(t, *pi.PaymentMethod)
	m, _ := get[paymentMethod](t, *pi.PaymentMethod)
	t.sendDebit(pi, m, d)
	return nil
}
