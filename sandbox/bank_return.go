package sandbox

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	// returnFollows is how long after its success the debit of the returning test account comes back.
	returnFollows = 24 * time.Hour
	// returnFee is what Stripe takes for a debit that the bank returns, in cents (https://stripe.com/pricing/local-payment-methods).
	returnFee = 400
)

// returnReasons are the reasons of a dispute that is a late return by the bank (true), or the customer's own doing
// (https://docs.stripe.com/payments/ach-direct-debit#disputed-payments).
var returnReasons = map[string]bool{
	"insufficient_funds": true, "incorrect_account_details": true, "bank_cannot_process": true,
	"debit_not_authorized": false, "customer_initiated": false,
}

// returnDebit takes a settled debit back: a dispute that is lost as it is made. The bank takes the whole debit, whatever
// was refunded since; the PaymentIntent stays succeeded.
func returnDebit(t *tx, ch *charge, reason string) *dispute {
	d := newDispute(t, ch, ch.Amount, reason)
	d.Status, d.EvidenceDetails.DueBy = "lost", nil
	t.put(d)
	ch.Disputed, ch.Dispute = true, &d.ID
	fee, description := int64(returnFee), "Failed ACH Direct Debit fee"
	byBank, known := returnReasons[reason]
	if !byBank {
		fee, description = disputeFee, "Dispute fee"
	}
	d.BalanceTransactions = append(d.BalanceTransactions, book(t, "adjustment", "dispute", d.ID, "Chargeback withdrawal for "+*d.Charge, -d.Amount, d.Currency,
		feeDetail{Amount: fee, Currency: d.Currency, Description: &description, Type: "stripe_fee"}))
	t.emit("charge.dispute.created", d)
	t.emit("charge.dispute.funds_withdrawn", d)
	t.emit("charge.dispute.closed", d)
	t.emit("charge.updated", ch)
	t.truth(d)
	if known && !byBank {
		revokeMandates(t, *ch.PaymentMethod)
	}
	return d
}

// serveBankReturns is POST /bank/returns: the bank sends a debit back now, settled or still under way.
func (s *Server) serveBankReturns(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		PaymentIntent string `json:"payment_intent"`
		Reason        string `json:"reason"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ask); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": `the body must be {"payment_intent":"pi_…","reason":"insufficient_funds"}: ` + err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.begin(nil)
	shown, problem := demandReturn(t, ask.PaymentIntent, orDefault(ask.Reason, "insufficient_funds"))
	if problem == "" {
		if err := s.commit(t); err != nil {
			problem = err.Error()
		}
	}
	if problem != "" {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": problem})
		return
	}
	answerJSON(w, http.StatusOK, shown)
}

// demandReturn gives the dispute of a settled debit, or the PaymentIntent of one that now fails.
func demandReturn(t *tx, intentID, reason string) (map[string]any, string) {
	pi, ok := get[paymentIntent](t, intentID)
	if !ok || pi.LatestCharge == nil {
		return nil, "no such debit"
	}
	ch, _ := get[charge](t, *pi.LatestCharge)
	switch {
	case ch.PaymentMethodDetails.USBankAccount == nil:
		return nil, "that is not a bank debit"
	case pi.Status == statusProcessing:
		why := bankFailureOf(reason)
		if why == nil {
			return nil, "the debit is under way; it can fail with insufficient_funds, account_closed, no_account or debit_not_authorized"
		}
		pi, _ = edit[paymentIntent](t, pi.ID)
		failDebit(t, pi, why)
		return render(pi), ""
	case ch.Status != "succeeded":
		return nil, "the debit is " + ch.Status
	case ch.Dispute != nil:
		return nil, "the debit was returned already"
	}
	if _, known := returnReasons[reason]; !known {
		return nil, "reason must be insufficient_funds, incorrect_account_details, bank_cannot_process, debit_not_authorized or customer_initiated"
	}
	ch, _ = edit[charge](t, ch.ID)
	return render(returnDebit(t, ch, reason)), ""
}
