package sandbox

import (
	"strings"
	"time"
)

type destinationCard struct {
	ReferenceStatus string `json:"reference_status,omitempty"`
	ReferenceType   string `json:"reference_type,omitempty"`
	Type            string `json:"type"` // refund: money sent back; reversal: an authorization given up
}

type destinationTransfer struct {
	Reference       *string `json:"reference"`
	ReferenceStatus *string `json:"reference_status"`
}

type destinationDetails struct {
	Card           *destinationCard     `json:"card,omitempty"`
	Type           string               `json:"type"`
	USBankTransfer *destinationTransfer `json:"us_bank_transfer,omitempty"`
}

// refund is a Refund (https://docs.stripe.com/api/refunds/object, version 2023-10-16).
type refund struct {
	ID                        string              `json:"id"`
	Object                    string              `json:"object"`
	Amount                    int64               `json:"amount"`
	BalanceTransaction        *string             `json:"balance_transaction"`
	Charge                    *string             `json:"charge"`
	Created                   int64               `json:"created"`
	Currency                  string              `json:"currency"`
	DestinationDetails        *destinationDetails `json:"destination_details,omitempty"`
	FailureBalanceTransaction *string             `json:"failure_balance_transaction,omitempty"`
	FailureReason             *string             `json:"failure_reason,omitempty"`
	Metadata                  map[string]string   `json:"metadata"`
	PaymentIntent             *string             `json:"payment_intent"`
	Reason                    *string             `json:"reason"`
	ReceiptNumber             *string             `json:"receipt_number"`
	SourceTransferReversal    *string             `json:"source_transfer_reversal"`
	Status                    string              `json:"status"`
	TransferReversal          *string             `json:"transfer_reversal"`
}

func (*refund) kind() string  { return "refund" }
func (r *refund) key() string { return r.ID }

// refundTakes is how long the refunds that are not instant take to succeed or fail.
const refundTakes = 5 * 24 * time.Hour

// refundable finds the charge that a refund call names by charge or payment_intent.
func (c *call) refundable() (*charge, error) {
	chargeID, intentID := c.params.text("charge"), c.params.text("payment_intent")
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	if chargeID == "" && intentID == "" {
		return nil, invalid("parameter_missing", "", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	if intentID != "" {
		pi, ok := get[paymentIntent](c.tx, intentID)
		if !ok {
			return nil, missingParam("payment_intent", intentID, "payment_intent")
		}
		switch {
		case pi.Status == statusRequiresCapture:
			return nil, refused("charge_not_refundable", "", "This PaymentIntent (%s) has an uncaptured charge. Cancel the PaymentIntent to release the authorization.", pi.ID)
		case pi.LatestCharge == nil || pi.Status != statusSucceeded:
			return nil, refused("", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.", pi.ID)
		case chargeID != "" && chargeID != *pi.LatestCharge:
			return nil, refused("", "charge", "The charge %s does not belong to the PaymentIntent %s.", chargeID, pi.ID)
		}
		chargeID = *pi.LatestCharge
	}
	ch, ok := edit[charge](c.tx, chargeID)
	if !ok {
		return nil, missingParam("charge", chargeID, "charge")
	}
	return ch, nil
}

func createRefund(c *call) (any, error) {
	p := c.params
	amount := p.number("amount")
	reason := p.choice("reason", "duplicate", "fraudulent", "requested_by_customer")
	metadata := p.metadata(nil)
	p.ignore("instructions_email", "refund_application_fee", "reverse_transfer")
	ch, err := c.refundable()
	if err != nil {
		return nil, err
	}
	left := ch.AmountCaptured - ch.refundedOfCaptured()
	switch {
	case ch.Status != "succeeded" || !ch.Captured:
		return nil, refused("charge_not_refundable", "", "Charge %s has not been captured and cannot be refunded.", ch.ID)
	case c.disputeHolds(ch):
		return nil, refused("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", ch.ID)
	case left <= 0:
		return nil, refused("charge_already_refunded", "", "Charge %s has already been refunded.", ch.ID)
	case amount == nil:
		amount = &left
	case *amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case *amount > left:
		if ch.refundedOfCaptured() == 0 {
			return nil, refused("", "amount", "Refund amount (%s) is greater than charge amount (%s)", decimal(*amount, ch.Currency), decimal(left, ch.Currency))
		}
		return nil, refused("", "amount", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", decimal(*amount, ch.Currency), decimal(left, ch.Currency))
	}
	r := &refund{ID: newID("re"), Object: "refund", Amount: *amount, Charge: &ch.ID, Created: c.unix(), Currency: ch.Currency,
		Metadata: metadata, PaymentIntent: ch.PaymentIntent, Status: "succeeded"}
	if reason != "" {
		r.Reason = &reason
	}
	r.DestinationDetails = &destinationDetails{Type: "card", Card: &destinationCard{ReferenceStatus: "pending", ReferenceType: "acquirer_reference_number", Type: "refund"}}
	kind, pace := "refund", cardByBehaviour(ch.Hidden.TestCard).refund
	if ch.PaymentMethodDetails.USBankAccount != nil { // a credit of its own, which takes the banks' time
		status := "pending"
		r.ID, kind, pace = newID("pyr"), "payment_refund", refundPending
		r.DestinationDetails = &destinationDetails{Type: "us_bank_transfer", USBankTransfer: &destinationTransfer{ReferenceStatus: &status}}
	}
	b := book(c.tx, kind, "refund", r.ID, "REFUND FOR CHARGE", -r.Amount, r.Currency)
	r.BalanceTransaction = &b.ID
	switch pace {
	case refundPending:
		r.Status = "pending"
		c.schedule(c.now.Add(refundTakes), taskRefundSucceeds, r.ID)
	case refundFails: // succeeds at first, the bank sends it back later (https://docs.stripe.com/testing#refunds)
		c.schedule(c.now.Add(refundTakes), taskRefundFails, r.ID)
	}
	c.put(r)
	ch.AmountRefunded += r.Amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	c.emit("charge.refunded", ch)
	c.emit("refund.created", r)
	c.truth(r)
	c.refundClosesInquiry(ch)
	return r, nil
}

// release gives held money back that was not captured: after a cancel, a lapse or a partial capture. Up to version
// 2025-03-31 Stripe shows it as a Refund nobody asked for, and counts it in the charge's amount_refunded
// (https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow).
func release(t *tx, ch *charge, amount int64, reason string) *refund {
	r := &refund{ID: newID("re"), Object: "refund", Amount: amount, Charge: &ch.ID, Created: t.unix(), Currency: ch.Currency,
		Metadata: map[string]string{}, PaymentIntent: ch.PaymentIntent, Status: "succeeded",
		DestinationDetails: &destinationDetails{Type: "card", Card: &destinationCard{Type: "reversal"}}}
	if reason != "" {
		r.Reason = &reason
	}
	t.put(r)
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	t.emit("charge.refunded", ch)
	t.truth(r)
	return r
}

// refundedOfCaptured leaves out what AmountRefunded says of an authorization that was released uncaptured.
func (ch *charge) refundedOfCaptured() int64 {
	if !ch.Captured {
		return 0
	}
	return ch.AmountRefunded - (ch.Amount - ch.AmountCaptured)
}

// settleRefund ends a refund whose outcome was not known at once.
func settleRefund(t *tx, id string, failed bool) {
	r, ok := edit[refund](t, id)
	if !ok || r.Status == "failed" || r.Status == "canceled" {
		return
	}
	if !failed {
		r.Status = "succeeded"
	} else {
		reason := "unknown"
		r.Status, r.FailureReason = "failed", &reason
		b := book(t, "refund_failure", "refund_failure", r.ID, "REFUND FAILURE", r.Amount, r.Currency)
		r.FailureBalanceTransaction = &b.ID
		if ch, ok := edit[charge](t, *r.Charge); ok {
			ch.AmountRefunded -= r.Amount
			ch.Refunded = false
		}
	}
	t.emit("charge.refund.updated", r)
	t.emit("refund.updated", r)
	t.truth(r)
}

func retrieveRefund(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	r, ok := get[refund](c.tx, c.id)
	if !ok {
		return nil, missing("refund", c.id, "id")
	}
	return r, nil
}

func updateRefund(c *call) (any, error) {
	r, ok := edit[refund](c.tx, c.id)
	if !ok {
		return nil, missing("refund", c.id, "id")
	}
	r.Metadata = c.params.metadata(r.Metadata)
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	c.emit("charge.refund.updated", r)
	c.emit("refund.updated", r)
	return r, nil
}

func listRefunds(c *call) (any, error) {
	chargeID, intentID := c.params.text("charge"), c.params.text("payment_intent")
	if strings.HasPrefix(c.r.URL.Path, "/v1/charges/") {
		chargeID = c.id
	}
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(r *refund) bool {
		return created(r.Created) && (chargeID == "" || text(r.Charge) == chargeID) && (intentID == "" || text(r.PaymentIntent) == intentID)
	})
}
