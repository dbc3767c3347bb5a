package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"

	"paylink/money"
)

// pageSize is how many objects are asked for at once: the most that Stripe gives.
// https://docs.stripe.com/api/pagination
const pageSize = 100

// Page is a part of a list, newest first.
type Page[T any] struct {
	Items []T
	IDs   []string // of the items, which are places to go on after, too
	Next  string   // where to go on; "" at the end
}

// Since asks for what was made from a moment on, after the object at which the page before ended.
type Since struct {
	From  time.Time
	After string
}

func (s Since) params(ctx context.Context) (stripego.ListParams, *stripego.RangeQueryParams) {
	p := stripego.ListParams{Context: ctx, Limit: stripego.Int64(pageSize), Single: true} // Single: one page a call
	if s.After != "" {
		p.StartingAfter = stripego.String(s.After)
	}
	if s.From.IsZero() {
		return p, nil
	}
	return p, &stripego.RangeQueryParams{GreaterThanOrEqual: s.From.Unix()}
}

// page reads one page of an iterator of the library.
func page[T, O any](act string, more func() bool, fail func() error, next func() bool, item func() O, id func(O) string, show func(O) T) (Page[T], error) {
	var p Page[T]
	for next() {
		o := item()
		p.Items, p.IDs = append(p.Items, show(o)), append(p.IDs, id(o))
	}
	if err := fail(); err != nil {
		return Page[T]{}, outcome(act, err)
	}
	if more() && len(p.IDs) > 0 {
		p.Next = p.IDs[len(p.IDs)-1]
	}
	return p, nil
}

// Intents lists PaymentIntents, those of other programs too.
func (c *Client) Intents(ctx context.Context, s Since) (Page[Intent], error) {
	p := &stripego.PaymentIntentListParams{}
	p.ListParams, p.CreatedRange = s.params(ctx)
	p.AddExpand("data.latest_charge.balance_transaction")
	l := c.api.PaymentIntents.List(p)
	return page("list payment intents", func() bool { return l.PaymentIntentList().HasMore }, l.Err, l.Next,
		l.PaymentIntent, func(o *stripego.PaymentIntent) string { return o.ID }, translate)
}

// Refunds lists refunds.
func (c *Client) Refunds(ctx context.Context, s Since) (Page[Refund], error) {
	p := &stripego.RefundListParams{}
	p.ListParams, p.CreatedRange = s.params(ctx)
	expandRefunds(p)
	l := c.api.Refunds.List(p)
	return page("list refunds", func() bool { return l.RefundList().HasMore }, l.Err, l.Next,
		l.Refund, func(o *stripego.Refund) string { return o.ID }, refundOf)
}

// Disputes lists disputes.
func (c *Client) Disputes(ctx context.Context, s Since) (Page[Dispute], error) {
	p := &stripego.DisputeListParams{}
	p.ListParams, p.CreatedRange = s.params(ctx)
	l := c.api.Disputes.List(p)
	return page("list disputes", func() bool { return l.DisputeList().HasMore }, l.Err, l.Next,
		l.Dispute, func(o *stripego.Dispute) string { return o.ID }, disputeOf)
}

// Charge is what Stripe says of a charge, as far as it is compared with a payment.
type Charge struct {
	ID       string
	Intent   string
	Customer string
	Amount   money.Amount
	Captured int64
	Done     bool // the money was taken
	MadeAt   time.Time
}

// Charges lists charges, those without a PaymentIntent too.
func (c *Client) Charges(ctx context.Context, s Since) (Page[Charge], error) {
	p := &stripego.ChargeListParams{}
	p.ListParams, p.CreatedRange = s.params(ctx)
	l := c.api.Charges.List(p)
	return page("list charges", func() bool { return l.ChargeList().HasMore }, l.Err, l.Next,
		l.Charge, func(o *stripego.Charge) string { return o.ID }, chargeOf)
}

func chargeOf(o *stripego.Charge) Charge {
	currency, _ := money.ParseCurrency(string(o.Currency))
	out := Charge{
		ID: o.ID, Amount: money.New(o.Amount, currency), Captured: o.AmountCaptured,
		Done: o.Captured && o.Status == stripego.ChargeStatusSucceeded, MadeAt: time.Unix(o.Created, 0).UTC(),
	}
	if o.PaymentIntent != nil {
		out.Intent = o.PaymentIntent.ID
	}
	if o.Customer != nil {
		out.Customer = o.Customer.ID
	}
	return out
}

// Movement is one line of the account's balance at Stripe.
type Movement struct {
	ID       string
	Category Category
	Source   string // ch_…, py_…, re_…, pyr_…, dp_…
	Intent   string // of the charge that is, or belongs to, the source; "" when there is none
	Install  string // our metadata on a charge
	Amount   money.Amount
	At       time.Time
}

// Category is Stripe's reporting_category. https://docs.stripe.com/reports/reporting-categories
type Category string

// The categories that payments follows.
const (
	MovedCharge          Category = "charge"
	MovedRefund          Category = "refund"
	MovedRefundBack      Category = "refund_failure"
	MovedDispute         Category = "dispute"
	MovedDisputeReversed Category = "dispute_reversal"
)

// Movements lists what moved the account's balance.
func (c *Client) Movements(ctx context.Context, s Since) (Page[Movement], error) {
	p := &stripego.BalanceTransactionListParams{}
	p.ListParams, p.CreatedRange = s.params(ctx)
	p.AddExpand("data.source")
	l := c.api.BalanceTransactions.List(p)
	return page("list balance transactions", func() bool { return l.BalanceTransactionList().HasMore }, l.Err, l.Next,
		l.BalanceTransaction, func(o *stripego.BalanceTransaction) string { return o.ID }, movementOf)
}

// Movement fetches one line of the balance.
func (c *Client) Movement(ctx context.Context, id string) (Movement, error) {
	b, err := c.api.BalanceTransactions.Get(id, &stripego.BalanceTransactionParams{Params: params(ctx, "", "source")})
	if err != nil {
		return Movement{}, outcome("fetch balance transaction", err)
	}
	if b.ID != id {
		return Movement{}, fmt.Errorf("fetch balance transaction: %w: the answer is not that one", ErrUnknown)
	}
	return movementOf(b), nil
}

func movementOf(o *stripego.BalanceTransaction) Movement {
	currency, _ := money.ParseCurrency(string(o.Currency))
	out := Movement{
		ID: o.ID, Category: Category(o.ReportingCategory), Amount: money.New(o.Amount, currency), At: time.Unix(o.Created, 0).UTC(),
	}
	if o.Source == nil {
		return out
	}
	out.Source = o.Source.ID
	var intent *stripego.PaymentIntent
	switch {
	case o.Source.Charge != nil:
		intent, out.Install = o.Source.Charge.PaymentIntent, o.Source.Charge.Metadata[metaInstall]
	case o.Source.Refund != nil:
		intent = o.Source.Refund.PaymentIntent
	case o.Source.Dispute != nil:
		intent = o.Source.Dispute.PaymentIntent
	}
	if intent != nil {
		out.Intent = intent.ID
	}
	return out
}

// Happening is an event as Stripe lists it, in the form in which a webhook brings it.
type Happening struct {
	ID   string
	Type string
	Body []byte
}

// Events lists what Stripe says happened, of the kinds that payments follows. Stripe keeps events for
// 30 days. https://docs.stripe.com/api/events
func (c *Client) Events(ctx context.Context, s Since) (Page[Happening], error) {
	p := &stripego.EventListParams{Types: stripego.StringSlice([]string{
		"payment_intent.*", "charge.refunded", "charge.refund.*", "refund.*", "charge.dispute.*",
	})}
	p.ListParams, p.CreatedRange = s.params(ctx)
	l := c.api.Events.List(p)
	return page("list events", func() bool { return l.EventList().HasMore }, l.Err, l.Next,
		l.Event, func(o *stripego.Event) string { return o.ID }, happeningOf)
}

func happeningOf(o *stripego.Event) Happening {
	var body struct {
		ID       string `json:"id"`
		Object   string `json:"object"`
		Type     string `json:"type"`
		Livemode bool   `json:"livemode"`
		Created  int64  `json:"created"`
		Data     struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	body.ID, body.Object, body.Type, body.Livemode, body.Created = o.ID, "event", string(o.Type), o.Livemode, o.Created
	if o.Data != nil {
		body.Data.Object = o.Data.Raw
	}
	text, err := json.Marshal(body)
	if err != nil {
		text = nil // its object is no JSON; the type and id say enough to be counted
	}
	return Happening{ID: o.ID, Type: string(o.Type), Body: text}
}

// Adopt ties a PaymentIntent that another program made to a payment of ours.
func (c *Client) Adopt(ctx context.Context, id, key, install, payment, invoice string) (Intent, error) {
	pi, err := c.api.PaymentIntents.Update(id, &stripego.PaymentIntentParams{
		Params:   params(ctx, key, "latest_charge.balance_transaction"),
		Metadata: map[string]string{metaInstall: install, metaPayment: payment, metaInvoice: invoice},
	})
	return known("adopt payment intent", id, pi, err)
}
