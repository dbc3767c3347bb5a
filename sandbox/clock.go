package sandbox

import (
	"encoding/json"
	"net/http"
	"time"
)

// clockOffset is how far the sandbox clock is ahead of the real one.
type clockOffset struct {
	Offset time.Duration `json:"offset"`
}

func (*clockOffset) kind() string { return "clock" }
func (*clockOffset) key() string  { return "clock" }

// What can be due on the clock.
const (
	taskLapse          = "authorization_lapses"
	taskRefundSucceeds = "refund_succeeds"
	taskRefundFails    = "refund_fails"
	taskBook           = "charge_is_booked"
	taskDispute        = "dispute_opens"
	taskUnanswered     = "dispute_goes_unanswered"
	taskReviewed       = "dispute_is_reviewed"
	taskDebitLeaves    = "debit_leaves"
	taskDebitSettles   = "debit_settles"
	taskReturn         = "debit_is_returned"
	taskDepositsLapse  = "micro_deposits_lapse"
	taskVerifyAccount  = "bank_account_is_verified"
)

// asyncCaptureTakes is how long after an automatic_async capture the balance transaction comes
// (https://docs.stripe.com/payments/payment-intents/asynchronous-capture).
const asyncCaptureTakes = 5 * time.Second

// task is something that happens by itself when its time comes.
type task struct {
	ID     string    `json:"id"`
	Due    time.Time `json:"due"` // sandbox clock
	Action string    `json:"action"`
	Target string    `json:"target"`
}

func (*task) kind() string  { return "task" }
func (k *task) key() string { return k.ID }

func (t *tx) schedule(due time.Time, action, target string) {
	t.put(&task{ID: newID("task"), Due: due, Action: action, Target: target})
}

// happen carries a task out. A task whose object has moved on does nothing.
func happen(t *tx, k *task) {
	switch k.Action {
	case taskLapse:
		if pi, ok := get[paymentIntent](t, k.Target); ok && pi.Status == statusRequiresCapture {
			pi, _ = edit[paymentIntent](t, k.Target)
			cancelNow(t, pi, "automatic")
		}
	case taskRefundSucceeds:
		settleRefund(t, k.Target, false)
	case taskRefundFails:
		settleRefund(t, k.Target, true)
	case taskBook:
		if ch, ok := edit[charge](t, k.Target); ok && ch.BalanceTransaction == nil {
			bookCharge(t, ch)
			t.emitChange("charge.updated", ch, map[string]any{"balance_transaction": nil})
		}
	case taskDispute:
		if ch, ok := get[charge](t, k.Target); ok {
			known := cardByBehaviour(ch.Hidden.TestCard)
			openDispute(t, ch.ID, disputeRequest{Reason: known.dispute, Inquiry: known.inquiry})
		}
	case taskUnanswered:
		lapseDispute(t, k.Target, "needs_response", "warning_needs_response")
	case taskReviewed:
		lapseDispute(t, k.Target, "under_review", "warning_under_review")
	case taskDebitLeaves:
		debitIsSent(t, k.Target)
	case taskDebitSettles:
		settleDebit(t, k.Target)
	case taskReturn:
		if ch, ok := edit[charge](t, k.Target); ok && ch.Dispute == nil {
			returnDebit(t, ch, "insufficient_funds")
		}
	case taskDepositsLapse:
		lapseDeposits(t, k.Target)
	case taskVerifyAccount:
		verifyAccount(t, k.Target)
	}
}

// Now is the sandbox clock: the real time, moved on by POST /clock.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now needs s.mu.
func (s *Server) now() time.Time { return time.Now().Add(s.offset) }

// nextTask is the task that is due first. It needs s.mu.
func (s *Server) nextTask() *task {
	var first *task
	for _, o := range s.state.table("task").byKey {
		if k := o.(*task); first == nil || k.Due.Before(first.Due) || k.Due.Equal(first.Due) && k.ID < first.ID {
			first = k
		}
	}
	return first
}

// runDue carries out every task due by until, each at its own time. It needs s.mu.
func (s *Server) runDue(until time.Time) error {
	for {
		k := s.nextTask()
		if k == nil || k.Due.After(until) {
			return nil
		}
		t := s.begin(nil)
		t.now = k.Due
		t.remove(k)
		happen(t, k)
		if err := s.commit(t); err != nil {
			return err
		}
	}
}

// advance moves the clock on; what was due on the way happens at its own time, before advance returns.
func (s *Server) advance(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.runDue(s.now().Add(d)); err != nil {
		return err
	}
	s.offset += d
	t := s.begin(nil)
	t.put(&clockOffset{Offset: s.offset})
	forget(t)
	return s.commit(t)
}

// maxAdvance bounds one move of the clock.
const maxAdvance = 10 * 365 * 24 * time.Hour

func (s *Server) serveClock(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var ask struct {
			Advance string `json:"advance"`
		}
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&ask); err != nil {
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": `the body must be {"advance":"96h"}: ` + err.Error()})
			return
		}
		d, err := time.ParseDuration(ask.Advance)
		if err != nil || d < 0 || d > maxAdvance {
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": `advance must be a duration such as "96h"; the clock does not run backwards`})
			return
		}
		if err := s.advance(d); err != nil {
			answerJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		s.courier.nudge()
	}
	s.mu.Lock()
	now, offset := s.now(), s.offset
	s.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"now": now.UTC().Format(time.RFC3339Nano), "unix": now.Unix(), "offset": offset.String()})
}
