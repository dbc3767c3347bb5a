package stripe

import (
	"context"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"paylink/money"
)

// Dispute is what Stripe says of a Dispute; a bank's return of a debit that had succeeded is one too.
// https://docs.stripe.com/payments/ach-direct-debit#disputed-payments
type Dispute struct {
	ID       string
	Intent   string
	Charge   string
	Amount   money.Amount
	Reason   string
	Status   DisputeStatus
	Live     bool
	OpenedAt time.Time
	AnswerBy time.Time // when evidence is due; zero when none is asked for
	// What Stripe took and gave back for it so far. Only that moves money; a status never does.
	Withdrawn int64 // minor units that are gone now
	Moves     int
	MovedAt   time.Time // the last of them
}

// DisputeStatus is Stripe's word. https://docs.stripe.com/api/disputes/object#dispute_object-status
type DisputeStatus string

// The statuses of a dispute. The warnings are inquiries.
const (
	DisputeWarning       DisputeStatus = "warning_needs_response"
	DisputeWarningReview DisputeStatus = "warning_under_review"
	DisputeWarningClosed DisputeStatus = "warning_closed"
	DisputeOpen          DisputeStatus = "needs_response"
	DisputeReview        DisputeStatus = "under_review"
	DisputeWon           DisputeStatus = "won"
	DisputeLost          DisputeStatus = "lost"
)

// Over says whether the bank has decided.
func (s DisputeStatus) Over() bool {
	return s == DisputeWon || s == DisputeLost || s == DisputeWarningClosed
}

// Inquiry says whether the bank only asks.
func (s DisputeStatus) Inquiry() bool {
	return s == DisputeWarning || s == DisputeWarningReview || s == DisputeWarningClosed
}

// After says whether a dispute comes to s after it stood at the other: an older report never replaces
// a newer one.
func (s DisputeStatus) After(other DisputeStatus) bool {
	order := map[DisputeStatus]int{
		DisputeWarning: 1, DisputeWarningReview: 2, DisputeWarningClosed: 3, DisputeOpen: 4, DisputeReview: 5, DisputeLost: 6, DisputeWon: 6,
	}
	return order[s] > order[other]
}

// Dispute fetches the truth.
func (c *Client) Dispute(ctx context.Context, id string) (Dispute, error) {
	d, err := c.api.Disputes.Get(id, &stripego.DisputeParams{Params: params(ctx, "")})
	if err != nil {
		return Dispute{}, outcome("fetch dispute", err)
	}
	if d.ID != id || d.Status == "" {
		return Dispute{}, fmt.Errorf("fetch dispute: %w: the answer is not that dispute", ErrUnknown)
	}
	return disputeOf(d), nil
}

func disputeOf(d *stripego.Dispute) Dispute {
	currency, _ := money.ParseCurrency(string(d.Currency)) // an unknown one compares unequal to ours
	out := Dispute{
		ID: d.ID, Amount: money.New(d.Amount, currency), Reason: string(d.Reason), Status: DisputeStatus(d.Status),
		Live: d.Livemode, OpenedAt: time.Unix(d.Created, 0).UTC(), Moves: len(d.BalanceTransactions),
	}
	if e := d.EvidenceDetails; e != nil && e.DueBy > 0 {
		out.AnswerBy = time.Unix(e.DueBy, 0).UTC()
	}
	if d.PaymentIntent != nil {
		out.Intent = d.PaymentIntent.ID
	}
	if d.Charge != nil {
		out.Charge = d.Charge.ID
	}
	var exact, times int64
	same := true
	for _, b := range d.BalanceTransactions {
		exact -= b.Amount
		same = same && b.Currency == d.Currency
		switch {
		case b.Amount < 0:
			times++
		case b.Amount > 0:
			times--
		}
		if at := time.Unix(b.Created, 0).UTC(); at.After(out.MovedAt) {
			out.MovedAt = at
		}
	}
	// Where the account settles in another currency the amounts are in that one, at the day's rate:
	// then the dispute's own amount is what is gone.
	if out.Withdrawn = max(0, exact); !same {
		out.Withdrawn = max(0, min(times, 1)) * d.Amount
	}
	return out
}
