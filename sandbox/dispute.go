package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type evidenceDetails struct {
	DueBy           *int64 `json:"due_by"`
	HasEvidence     bool   `json:"has_evidence"`
	PastDue         bool   `json:"past_due"`
	SubmissionCount int    `json:"submission_count"`
}

type disputeCard struct {
	Brand             string  `json:"brand"`
	NetworkReasonCode *string `json:"network_reason_code"`
}

type disputeMethod struct {
	Card *disputeCard `json:"card,omitempty"`
	Type string       `json:"type"`
}

// dispute is a Dispute (https://docs.stripe.com/api/disputes/object, version 2023-10-16).
type dispute struct {
	ID                  string                `json:"id"`
	Object              string                `json:"object"`
	Amount              int64                 `json:"amount"`
	BalanceTransactions []*balanceTransaction `json:"balance_transactions"`
	Charge              *string               `json:"charge"`
	Created             int64                 `json:"created"`
	Currency            string                `json:"currency"`
	Evidence            map[string]*string    `json:"evidence"`
	EvidenceDetails     evidenceDetails       `json:"evidence_details"`
	IsChargeRefundable  bool                  `json:"is_charge_refundable"`
	Livemode            bool                  `json:"livemode"`
	Metadata            map[string]string     `json:"metadata"`
	PaymentIntent       *string               `json:"payment_intent"`
	MethodDetails       *disputeMethod        `json:"payment_method_details,omitempty"`
	Reason              string                `json:"reason"`
	Status              string                `json:"status"`
}

func (*dispute) kind() string  { return "dispute" }
func (d *dispute) key() string { return d.ID }

// inquiry tells whether no money has been taken for it.
func (d *dispute) inquiry() bool { return strings.HasPrefix(d.Status, "warning_") }

// open tells whether it still waits for somebody.
func (d *dispute) open() bool {
	return slices.Contains([]string{"needs_response", "under_review", "warning_needs_response", "warning_under_review"}, d.Status)
}

const (
	// answerWithin is how long a business has to answer a dispute (https://docs.stripe.com/disputes/responding).
	answerWithin = 7 * 24 * time.Hour
	// reviewTakes is how long a bank looks at evidence at most.
	reviewTakes = 75 * 24 * time.Hour
	// disputeFee is what Stripe takes for a dispute in the US, in cents; it is not given back.
	disputeFee = 1500
	// disputeFollows is how long after a payment with a disputing test card the dispute comes.
	disputeFollows = time.Second
)

var evidenceFields = strings.Fields("access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text")

// disputeRequest is how a dispute is opened, by a test card or by POST /disputes.
type disputeRequest struct {
	Charge        string `json:"charge"`
	PaymentIntent string `json:"payment_intent"`
	Amount        int64  `json:"amount"` // 0 = what was captured and not refunded
	Reason        string `json:"reason"`
	Inquiry       bool   `json:"inquiry"`
}

// openDispute opens a dispute on a captured charge. Its money leaves the balance at once, except for an inquiry.
func openDispute(t *tx, chargeID string, r disputeRequest) *dispute {
	ch, _ := edit[charge](t, chargeID)
	if ch.PaymentMethodDetails.USBankAccount != nil && !r.Inquiry {
		return returnDebit(t, ch, orDefault(r.Reason, "debit_not_authorized"))
	}
	amount := r.Amount
	if amount == 0 {
		amount = ch.AmountCaptured - ch.refundedOfCaptured()
	}
	if amount <= 0 {
		return nil
	}
	d := newDispute(t, ch, amount, orDefault(r.Reason, "general"))
	t.put(d)
	ch.Disputed, ch.Dispute = true, &d.ID
	if r.Inquiry {
		d.Status, d.IsChargeRefundable = "warning_needs_response", true
		t.emit("charge.dispute.created", d)
	} else {
		d.withdraw(t)
		t.emit("charge.dispute.created", d)
		t.emit("charge.dispute.funds_withdrawn", d)
	}
	t.emit("charge.updated", ch)
	t.truth(d)
	t.schedule(t.now.Add(answerWithin), taskUnanswered, d.ID)
	return d
}

func newDispute(t *tx, ch *charge, amount int64, reason string) *dispute {
	due := t.now.Add(answerWithin).Unix()
	d := &dispute{ID: newID("dp"), Object: "dispute", Amount: amount, BalanceTransactions: []*balanceTransaction{}, Charge: &ch.ID,
		Created: t.unix(), Currency: ch.Currency, Evidence: map[string]*string{}, EvidenceDetails: evidenceDetails{DueBy: &due},
		Metadata: map[string]string{}, PaymentIntent: ch.PaymentIntent, Reason: reason, Status: "needs_response"}
	for _, k := range evidenceFields {
		d.Evidence[k] = nil
	}
	if email := ch.BillingDetails.Email; email != nil {
		d.Evidence["customer_email_address"] = email
	}
	if c := ch.PaymentMethodDetails.Card; c != nil {
		d.MethodDetails = &disputeMethod{Type: "card", Card: &disputeCard{Brand: c.Brand}}
	}
	return d
}

// withdraw takes the disputed money and the fee out of the balance.
func (d *dispute) withdraw(t *tx) {
	description := "Dispute fee"
	d.BalanceTransactions = append(d.BalanceTransactions, book(t, "adjustment", "dispute", d.ID, "Chargeback withdrawal for "+*d.Charge, -d.Amount, d.Currency,
		feeDetail{Amount: disputeFee, Currency: d.Currency, Description: &description, Type: "stripe_fee"}))
}

// settle ends an edited dispute: won, lost or warning_closed.
func (d *dispute) settle(t *tx, status string) {
	d.Status = status
	if status == "won" {
		d.BalanceTransactions = append(d.BalanceTransactions, book(t, "adjustment", "dispute_reversal", d.ID, "Chargeback reversal for "+*d.Charge, d.Amount, d.Currency))
		t.emit("charge.dispute.funds_reinstated", d)
	}
	t.emit("charge.dispute.closed", d)
	t.truth(d)
}

// disputeHolds tells whether a dispute has, or had, taken the money of a charge for good.
func (t *tx) disputeHolds(ch *charge) bool {
	if ch.Dispute == nil {
		return false
	}
	d, ok := get[dispute](t, *ch.Dispute)
	return ok && !d.inquiry() && d.Status != "won"
}

// refundClosesInquiry: a full refund answers an inquiry (https://docs.stripe.com/disputes/how-disputes-work#inquiries).
func (t *tx) refundClosesInquiry(ch *charge) {
	if ch.Dispute == nil || !ch.Refunded {
		return
	}
	if d, ok := get[dispute](t, *ch.Dispute); ok && d.inquiry() && d.open() {
		d, _ = edit[dispute](t, d.ID)
		d.IsChargeRefundable = false
		d.settle(t, "warning_closed")
	}
}

// afterCapture does what the card's holder does by himself once the card has paid.
func afterCapture(t *tx, ch *charge) {
	if cardByBehaviour(ch.Hidden.TestCard).dispute != "" {
		t.schedule(t.now.Add(disputeFollows), taskDispute, ch.ID)
	}
}

// lapseDispute ends a dispute that is still in one of these states when its time is up: it is lost, or closed if it is
// an inquiry.
func lapseDispute(t *tx, id string, states ...string) {
	d, ok := get[dispute](t, id)
	if !ok || !slices.Contains(states, d.Status) {
		return
	}
	d, _ = edit[dispute](t, id)
	d.EvidenceDetails.PastDue = d.EvidenceDetails.SubmissionCount == 0
	if d.inquiry() {
		d.settle(t, "warning_closed")
	} else {
		d.settle(t, "lost")
	}
}

func (c *call) dispute() (*dispute, error) {
	if _, ok := get[dispute](c.tx, c.id); !ok {
		return nil, missing("dispute", c.id, "id")
	}
	d, _ := edit[dispute](c.tx, c.id)
	return d, nil
}

func retrieveDispute(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	d, ok := get[dispute](c.tx, c.id)
	if !ok {
		return nil, missing("dispute", c.id, "id")
	}
	return d, nil
}

// updateDispute takes evidence. In test mode its text decides (https://docs.stripe.com/testing#evidence).
func updateDispute(c *call) (any, error) {
	d, err := c.dispute()
	if err != nil {
		return nil, err
	}
	p := c.params
	d.Metadata = p.metadata(d.Metadata)
	given := false
	if h := p.hash("evidence"); h != nil {
		for _, k := range evidenceFields {
			v := d.Evidence[k]
			if h.set(k, &v) {
				given = true
				d.Evidence[k] = v
			}
		}
	}
	submit := !p.has("submit") || p.flag("submit")
	if err := p.problem(); err != nil {
		return nil, err
	}
	if given && !slices.Contains([]string{"needs_response", "warning_needs_response"}, d.Status) {
		return nil, refused("", "", "This dispute is already %s; its evidence can no longer be changed.", d.Status)
	}
	if !given {
		c.emit("charge.dispute.updated", d)
		return d, nil
	}
	d.EvidenceDetails.HasEvidence = true
	if !submit {
		c.emit("charge.dispute.updated", d)
		return d, nil
	}
	d.EvidenceDetails.SubmissionCount++
	answer := text(d.Evidence["uncategorized_text"])
	switch {
	case answer == "escalate_inquiry_evidence" && d.inquiry():
		d.Status, d.IsChargeRefundable = "needs_response", false
		d.withdraw(c.tx)
		c.emit("charge.dispute.updated", d)
		c.emit("charge.dispute.funds_withdrawn", d)
		c.truth(d)
	case d.inquiry():
		d.Status = "warning_under_review"
		c.emit("charge.dispute.updated", d)
		if answer == "winning_evidence" || answer == "losing_evidence" {
			d.settle(c.tx, "warning_closed")
		} else {
			c.schedule(c.now.Add(reviewTakes), taskReviewed, d.ID)
		}
	default:
		d.Status = "under_review"
		c.emit("charge.dispute.updated", d)
		switch answer {
		case "winning_evidence":
			d.settle(c.tx, "won")
		case "losing_evidence":
			d.settle(c.tx, "lost")
		default:
			c.schedule(c.now.Add(reviewTakes), taskReviewed, d.ID)
		}
	}
	return d, nil
}

func closeDispute(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	d, err := c.dispute()
	if err != nil {
		return nil, err
	}
	if !d.open() || d.inquiry() {
		return nil, refused("", "", "This dispute is already %s and cannot be closed.", d.Status)
	}
	d.settle(c.tx, "lost")
	return d, nil
}

func listDisputes(c *call) (any, error) {
	chargeID, intentID := c.params.text("charge"), c.params.text("payment_intent")
	created := c.params.timeRange("created")
	page := c.page()
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	return list(c, page, func(d *dispute) bool {
		return created(d.Created) && (chargeID == "" || *d.Charge == chargeID) && (intentID == "" || text(d.PaymentIntent) == intentID)
	})
}

// serveDisputes is POST /disputes, which opens a dispute on any captured charge, and POST /disputes/{id} with
// {"status":"won"}, which is the bank's word.
func (s *Server) serveDisputes(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		disputeRequest
		Status string `json:"status"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ask); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.begin(nil)
	var d *dispute
	var problem string
	if id := r.PathValue("id"); id != "" {
		d, problem = decideDispute(t, id, ask.Status)
	} else {
		d, problem = demandDispute(t, ask.disputeRequest)
	}
	if problem == "" {
		if err := s.commit(t); err != nil {
			problem = err.Error()
		}
	}
	if problem != "" {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": problem})
		return
	}
	answerJSON(w, http.StatusOK, render(d))
}

func decideDispute(t *tx, id, status string) (*dispute, string) {
	d, ok := get[dispute](t, id)
	switch {
	case !ok:
		return nil, "no such dispute"
	case !d.open():
		return nil, "the dispute is over: " + d.Status
	case d.inquiry() && status != "warning_closed", !d.inquiry() && status != "won" && status != "lost":
		return nil, "status must be won or lost, or warning_closed for an inquiry"
	}
	d, _ = edit[dispute](t, id)
	d.settle(t, status)
	return d, ""
}

func demandDispute(t *tx, r disputeRequest) (*dispute, string) {
	if pi, ok := get[paymentIntent](t, r.PaymentIntent); ok && r.Charge == "" && pi.LatestCharge != nil {
		r.Charge = *pi.LatestCharge
	}
	ch, ok := get[charge](t, r.Charge)
	switch {
	case !ok:
		return nil, "no such charge"
	case !ch.Captured || ch.Status != "succeeded":
		return nil, "the charge was not captured"
	case ch.Dispute != nil:
		return nil, "the charge is disputed already"
	case r.Amount < 0 || r.Amount > ch.AmountCaptured:
		return nil, "the amount must be within what was captured"
	}
	if d := openDispute(t, ch.ID, r); d != nil {
		return d, ""
	}
	return nil, "nothing of the charge is left to dispute"
}
