package pay

import (
	"cmp"
	"context"

	"paylink"
	"paylink/templates"
)

// soFar lists the payments of the invoice in which money moved, or may. What arrived is told without
// what went back of it, so that the figures add up to what is paid.
func (h *Handlers) soFar(ctx context.Context, v visit) (all []templates.SoFar, err error) {
	arrived := int64(0)
	for _, p := range v.payments {
		if p.Status == paylink.Succeeded {
			arrived += p.Amount.Minor
		}
	}
	for _, p := range v.payments {
		if p.Status == paylink.Failed || p.Status == paylink.Canceled {
			continue
		}
		one := templates.SoFar{
			Kind: v.words.T("pay." + string(cmp.Or(p.Method, paylink.MethodCard))), Icon: "clock",
			When: v.words.T("pay.sofar.asked", "at", v.words.Short(p.CreatedAt)), Amount: v.words.Amount(p.Amount),
		}
		if p.Method == paylink.MethodBank && p.Status == paylink.Processing && p.ExpectedOn != "" {
			one.When = v.words.T("pay.sofar.expected", "day", v.words.Short(p.ExpectedOn.Time(v.words.Zone())))
		}
		pill := templates.PaymentPill(p.Status)
		if p.Status == paylink.Succeeded {
			one.Icon, one.When = "done", v.words.Short(p.SettledAt)
			if p.ReceiptID != "" {
				one.Receipt = v.receiptURL(p)
			}
			if arrived != v.balance.Paid { // something went back: of this payment or of another
				if pill, err = h.wentBack(ctx, v, p, &one); err != nil {
					return nil, err
				}
			}
		}
		one.Status = v.words.T(pill.Key)
		if v.own(p) && !p.Status.Final() {
			one.Link = v.paymentURL(p)
		}
		all = append(all, one)
	}
	return all, nil
}

// wentBack tells what was refunded of a payment and what the bank took back, and where it stands by that.
func (h *Handlers) wentBack(ctx context.Context, v visit, p paylink.Payment, one *templates.SoFar) (templates.Pill, error) {
	refunds, err := h.store.RefundsOf(ctx, p.ID)
	if err != nil {
		return templates.Pill{}, err
	}
	disputes, err := h.store.DisputesOf(ctx, p.ID)
	if err != nil {
		return templates.Pill{}, err
	}
	var since templates.Since
	back := int64(0)
	for _, f := range refunds {
		if f.Status.Moved() {
			since.Refunded += f.Amount.Minor
			back += f.Amount.Minor - f.Fee.Minor
		}
	}
	for _, d := range disputes {
		since.Returned = since.Returned || d.Kind == paylink.KindReturn && d.Withdrawn > 0
		since.Disputed = since.Disputed || d.Kind == paylink.KindDispute && d.Withdrawn > 0
		if d.Kind == paylink.KindReturn || d.Status == "lost" { // until it is lost, the invoice stays paid
			back += d.Withdrawn
		}
	}
	pill := templates.DeskPaymentPill(p, since)
	if back = min(back, p.Amount.Minor); back > 0 {
		one.Icon, one.Amount = pill.Icon, v.words.Amount(v.amount(p.Amount.Minor-back))
		one.Back = v.words.T("pay.sofar.back", "status", v.words.T(pill.Key), "back", v.amount(back), "amount", p.Amount)
	}
	return pill, nil
}
