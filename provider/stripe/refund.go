package stripe

import (
	"context"
	"fmt"
	"strconv"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"paylink"
	"paylink/money"
)

// The metadata of a refund that we asked for, enough to make our row again.
const (
	metaRefund    = "paylink_refund"
	metaOwedAgain = "paylink_owed_again"
	metaFee       = "paylink_fee" // minor units of the refund that are fee
)

// Refund is what Stripe says of a Refund.
type Refund struct {
	ID     string
	Intent string // "" for a charge without a PaymentIntent
	Charge string
	Amount money.Amount
	Status paylink.RefundStatus
	// Release says that held money was let go: nothing was refunded, for nothing had been taken.
	Release bool
	Failure string
	MovedAt time.Time // by Stripe's clock

	Install, Payment, Refund string // our metadata; "" for a refund made in the Dashboard
	OwedAgain                bool
	Fee                      int64
}

// RefundRequest is what a refund is made with.
type RefundRequest struct {
	Intent                   string
	Amount                   money.Amount
	Fee                      int64
	OwedAgain                bool
	Install, Payment, Refund string
}

// CreateRefund gives money back. The PaymentIntent names the charge: a refund is one of its own, so
// that two of the same amount are two.
func (c *Client) CreateRefund(ctx context.Context, key string, r RefundRequest) (Refund, error) {
	p := &stripego.RefundParams{
		Params:        params(ctx, key, "charge", "balance_transaction"),
		PaymentIntent: stripego.String(r.Intent), Amount: stripego.Int64(r.Amount.Minor),
		Reason: stripego.String(string(stripego.RefundReasonRequestedByCustomer)),
		Metadata: map[string]string{
			metaInstall: r.Install, metaPayment: r.Payment, metaRefund: r.Refund,
			metaOwedAgain: strconv.FormatBool(r.OwedAgain), metaFee: strconv.FormatInt(r.Fee, 10),
		},
	}
	made, err := c.api.Refunds.New(p)
	return knownRefund("make refund", "", made, err)
}

// Refund fetches the truth.
func (c *Client) Refund(ctx context.Context, id string) (Refund, error) {
	r, err := c.api.Refunds.Get(id, &stripego.RefundParams{Params: params(ctx, "", "charge", "balance_transaction")})
	return knownRefund("fetch refund", id, r, err)
}

// RefundsOf lists every refund of a PaymentIntent, newest first. A list, unlike a search, misses
// nothing that was made before it was asked for.
func (c *Client) RefundsOf(ctx context.Context, intent string) ([]Refund, error) {
	p := &stripego.RefundListParams{PaymentIntent: stripego.String(intent)}
	p.Context, p.Limit = ctx, stripego.Int64(pageSize)
	expandRefunds(p)
	var found []Refund
	list := c.api.Refunds.List(p)
	for list.Next() {
		found = append(found, refundOf(list.Refund()))
	}
	if err := list.Err(); err != nil {
		return nil, outcome("list refunds", err)
	}
	return found, nil
}

func expandRefunds(p *stripego.RefundListParams) {
	p.AddExpand("data.charge")
	p.AddExpand("data.balance_transaction")
}

func knownRefund(act, id string, r *stripego.Refund, err error) (Refund, error) {
	if err != nil {
		return Refund{}, outcome(act, err)
	}
	if r.ID == "" || id != "" && r.ID != id || r.Status == "" {
		return Refund{}, fmt.Errorf("%s: %w: the answer is not that refund", act, ErrUnknown)
	}
	return refundOf(r), nil
}

func refundOf(r *stripego.Refund) Refund {
	currency, _ := money.ParseCurrency(string(r.Currency)) // an unknown one compares unequal to ours
	fee, _ := strconv.ParseInt(r.Metadata[metaFee], 10, 64)
	out := Refund{
		ID: r.ID, Amount: money.New(r.Amount, currency), Status: paylink.RefundStatus(r.Status),
		Failure: string(r.FailureReason), Release: released(r), MovedAt: time.Unix(r.Created, 0).UTC(),
		Install: r.Metadata[metaInstall], Payment: r.Metadata[metaPayment], Refund: r.Metadata[metaRefund],
		OwedAgain: r.Metadata[metaOwedAgain] == "true", Fee: fee,
	}
	if r.PaymentIntent != nil {
		out.Intent = r.PaymentIntent.ID
	}
	if r.Charge != nil {
		out.Charge = r.Charge.ID
	}
	return out
}

// released tells held money that was let go from money that was given back. Up to version 2025-03-31
// Stripe shows a canceled authorization, and the rest of a partial capture, as a refund. The card's
// type "reversal" alone does not tell: a refund made soon after the charge is one too.
// https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow
// https://docs.stripe.com/refunds#refund-destination
func released(r *stripego.Refund) bool {
	if b := r.BalanceTransaction; b != nil && b.ReportingCategory == "partial_capture_reversal" {
		return true
	}
	uncaptured := r.Charge != nil && r.Charge.Status != "" && !r.Charge.Captured
	reversal := r.DestinationDetails != nil && r.DestinationDetails.Card != nil &&
		r.DestinationDetails.Card.Type == stripego.RefundDestinationDetailsCardTypeReversal
	return uncaptured || reversal && r.BalanceTransaction == nil
}
