package desk

import (
	"context"
	"slices"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

// since is what became of a payment's money after it had arrived.
type since struct {
	refunds  []paylink.Refund
	disputes []paylink.Dispute
	pill     templates.Since

	// In minor units: what went back or is asked to, what was taken, and what may still go back of what
	// the invoice got and of the fee.
	refunded, taken, rest, fee int64
}

func (h *Handlers) since(ctx context.Context, p paylink.Payment) (s since, err error) {
	if s.refunds, err = h.store.RefundsOf(ctx, p.ID); err != nil {
		return s, err
	}
	if s.disputes, err = h.store.DisputesOf(ctx, p.ID); err != nil {
		return s, err
	}
	fees := int64(0)
	for _, f := range s.refunds {
		if f.Status.Moved() {
			s.pill.Refunded += f.Amount.Minor
		}
		if f.Status.Moved() || f.Status == paylink.RefundAsked {
			s.refunded += f.Amount.Minor
			fees += f.Fee.Minor
		}
	}
	for _, d := range s.disputes {
		s.taken += d.Withdrawn
		if stands(d) {
			s.pill.Disputed = s.pill.Disputed || d.Kind == paylink.KindDispute
			s.pill.Returned = s.pill.Returned || d.Kind == paylink.KindReturn
		}
	}
	// Money goes back off the invoice before it goes back off the fee.
	left := max(0, p.Charged().Minor-s.refunded-s.taken)
	s.fee = min(max(0, p.Fee.Minor-fees), left)
	s.rest = left - s.fee
	return s, nil
}

// stands says whether a dispute was not decided for us.
func stands(d paylink.Dispute) bool { return d.Status != "won" && d.Status != "warning_closed" }

// refundable says whether there is something to give back, and nobody else is taking it.
func (s since) refundable(p paylink.Payment) bool {
	return p.Status == paylink.Succeeded && s.rest+s.fee > 0 && !slices.ContainsFunc(s.disputes, func(d paylink.Dispute) bool {
		return d.Withdrawn > 0 || stands(d) && !inquiry(d)
	})
}

// inquiry says whether a bank only asks, and took nothing.
func inquiry(d paylink.Dispute) bool {
	return d.Status == "warning_needs_response" || d.Status == "warning_under_review" || d.Status == "warning_closed"
}

// refundPills tell where a refund stands.
var refundPills = map[paylink.RefundStatus]templates.Pill{
	paylink.RefundAsked:     {Colour: "way", Icon: "again", Key: "word.status.checking"},
	paylink.RefundPending:   {Colour: "way", Icon: "clock", Key: "word.status.way"},
	paylink.RefundAction:    {Colour: "warn", Icon: "person", Key: "desk.refund.status.action"},
	paylink.RefundSucceeded: {Colour: "mute", Icon: "back", Key: "word.status.refunded"},
	paylink.RefundFailed:    {Colour: "bad", Icon: "circled", Key: "desk.refund.status.failed"},
	paylink.RefundCanceled:  {Colour: "mute", Icon: "cross", Key: "word.status.canceled"},
}

// refundRecords tells the refunds of a payment, newest first.
func refundRecords(v visit, p paylink.Payment, who names, refunds []paylink.Refund) []templates.Record {
	all := make([]templates.Record, 0, len(refunds))
	for _, f := range refunds {
		r := templates.Record{Pill: refundPills[f.Status], Text: v.html("desk.refund.row", "amount", f.Amount, "means", means(v, p))}
		if f.Fee.IsPositive() {
			r.Text = v.html("desk.refund.row_fee", "amount", f.Amount, "fee", f.Fee, "means", means(v, p))
		}
		r.Lines = append(r.Lines, v.html("desk.history.by", "who", who.of(f.Actor), "at", v.stamp(f.CreatedAt)))
		if f.Reason != "" {
			r.Lines = append(r.Lines, v.html("desk.refund.reason.is", "reason", f.Reason))
		}
		switch {
		case f.Status == paylink.RefundAsked:
			r.Lines = append(r.Lines, v.html("desk.refund.asked"))
		case f.Status == paylink.RefundFailed:
			r.Lines = append(r.Lines, v.html("desk.refund.failed", "why", refundWhy(v, f.Failure)))
		case f.Status == paylink.RefundCanceled:
			r.Lines = append(r.Lines, v.html("desk.refund.canceled", "why", refundWhy(v, f.Failure)))
		case f.OwedAgain:
			r.Lines = append(r.Lines, v.html("desk.refund.owed"))
		case f.Amount.Minor > f.Fee.Minor:
			r.Lines = append(r.Lines, v.html("desk.refund.credited"))
		}
		all = append(all, r)
	}
	return all
}

// refundWhy is Stripe's reason for a refund that came to nothing, in words.
func refundWhy(v visit, code string) string {
	if key := "desk.refund.why." + code; v.words.Has(key) {
		return v.words.T(key)
	}
	if code == "" {
		return v.words.T("desk.refund.why.unknown")
	}
	return code
}

// disputePills tell where a card dispute stands, by Stripe's word.
var disputePills = map[string]templates.Pill{
	"warning_needs_response": {Colour: "warn", Icon: "flag", Key: "desk.dispute.status.asks"},
	"warning_under_review":   {Colour: "way", Icon: "clock", Key: "desk.dispute.status.review"},
	"warning_closed":         {Colour: "mute", Icon: "tick", Key: "desk.dispute.status.closed"},
	"needs_response":         {Colour: "bad", Icon: "flag", Key: "desk.dispute.status.open"},
	"under_review":           {Colour: "way", Icon: "clock", Key: "desk.dispute.status.review"},
	"won":                    {Colour: "good", Icon: "tick", Key: "desk.dispute.status.won"},
	"lost":                   {Colour: "bad", Icon: "flag", Key: "desk.dispute.status.lost"},
}

// disputeRecords tells the disputes and returns of a payment, newest first.
func disputeRecords(v visit, disputes []paylink.Dispute) []templates.Record {
	all := make([]templates.Record, 0, len(disputes))
	for _, d := range disputes {
		r := templates.Record{Pill: disputePills[d.Status], Text: v.html("desk.dispute.row", "amount", d.Amount, "reason", disputeReason(v, d.Reason))}
		if r.Pill == (templates.Pill{}) {
			r.Pill = disputePills["needs_response"]
		}
		if d.Kind == paylink.KindReturn {
			r.Text = v.html("desk.return.row", "amount", d.Amount, "reason", disputeReason(v, d.Reason))
			if d.Status == "lost" {
				r.Pill = templates.Pill{Colour: "bad", Icon: "back", Key: "word.status.returned"}
			}
		}
		r.Lines = append(r.Lines, v.html("desk.dispute.opened", "at", v.stamp(d.OpenedAt)))
		taken := money.New(d.Withdrawn, d.Amount.Currency)
		switch {
		case d.Withdrawn > 0 && d.Kind == paylink.KindReturn:
			r.Lines = append(r.Lines, v.html("desk.return.taken", "amount", taken))
		case d.Withdrawn > 0:
			r.Lines = append(r.Lines, v.html("desk.dispute.taken", "amount", taken))
		case d.Status == "won":
			r.Lines = append(r.Lines, v.html("desk.dispute.given"))
		default:
			r.Lines = append(r.Lines, v.html("desk.dispute.nothing"))
		}
		if d.Status == "needs_response" || d.Status == "warning_needs_response" {
			r.Lines = append(r.Lines, answerLine(v, d))
		}
		all = append(all, r)
	}
	return all
}

// answerLine says by when a dispute is to be answered, and where.
func answerLine(v visit, d paylink.Dispute) templates.HTML {
	if d.AnswerBy.IsZero() {
		return v.html("desk.dispute.answer")
	}
	page := templates.Page{Words: v.words}
	switch days := v.words.Days(d.AnswerBy); {
	case days > 0:
		return page.Count("desk.dispute.answer.in", days, "day", d.AnswerBy)
	case days == 0:
		return page.T("desk.dispute.answer.today", "at", d.AnswerBy)
	}
	return page.T("desk.dispute.answer.late", "day", d.AnswerBy)
}

// disputeReason is the reason of a dispute or return in words.
func disputeReason(v visit, code string) string {
	if key := "desk.dispute.reason." + code; v.words.Has(key) {
		return v.words.T(key)
	}
	return v.words.T("desk.dispute.reason.general")
}

// reversals reads what became of the money of some payments, for their pills.
func (h *Handlers) reversals(ctx context.Context, payments []paylink.Payment) (map[string]templates.Since, error) {
	ids := make([]string, len(payments))
	for n, p := range payments {
		ids[n] = p.ID
	}
	found, err := h.store.Reversals(ctx, ids)
	return sinceAll(found), err
}

func sinceAll(found map[string]store.Reversal) map[string]templates.Since {
	all := make(map[string]templates.Since, len(found))
	for id, r := range found {
		all[id] = templates.Since{Refunded: r.Refunded, Disputed: r.Disputed, Returned: r.Returned}
	}
	return all
}
