package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/store"
)

type newRefund struct {
	Amount    *int64 `json:"amount"`
	Fee       bool   `json:"fee"`
	OwedAgain bool   `json:"owed_again"`
	Reason    string `json:"reason"`
}

// refund says money in minor units; amount is all that goes back, the fee included.
type refund struct {
	ID           string               `json:"id"`
	PaymentID    string               `json:"payment_id"`
	Status       paylink.RefundStatus `json:"status"`
	Amount       int64                `json:"amount"`
	Fee          int64                `json:"fee"`
	Currency     money.Currency       `json:"currency"`
	OwedAgain    bool                 `json:"owed_again"`
	Failure      *string              `json:"failure"`
	Reason       *string              `json:"reason"`
	StripeRefund *string              `json:"stripe_refund"`
	CreatedAt    *string              `json:"created_at"`
}

func showRefund(f paylink.Refund) refund {
	return refund{
		ID: f.ID, PaymentID: f.PaymentID, Status: f.Status, Amount: f.Amount.Minor, Fee: f.Fee.Minor, Currency: f.Amount.Currency,
		OwedAgain: f.OwedAgain, Failure: optional(f.Failure), Reason: optional(f.Reason), StripeRefund: optional(f.StripeID),
		CreatedAt: stamp(f.CreatedAt),
	}
}

type dispute struct {
	ID            string              `json:"id"`
	Kind          paylink.DisputeKind `json:"kind"`
	Status        string              `json:"status"`
	Reason        string              `json:"reason"`
	Amount        int64               `json:"amount"`
	Withdrawn     int64               `json:"withdrawn"`
	Currency      money.Currency      `json:"currency"`
	StripeDispute string              `json:"stripe_dispute"`
	OpenedAt      *string             `json:"opened_at"`
}

func showDispute(d paylink.Dispute) dispute {
	return dispute{
		ID: d.ID, Kind: d.Kind, Status: d.Status, Reason: d.Reason, Amount: d.Amount.Minor, Withdrawn: d.Withdrawn,
		Currency: d.Amount.Currency, StripeDispute: d.StripeID, OpenedAt: stamp(d.OpenedAt),
	}
}

// refundPayment gives money of a payment back. The program's key is the refund's own, so that the same
// request again, even after this server died, is the same refund.
func (h *Handlers) refundPayment(c echo.Context) error {
	ctx := c.Request().Context()
	var in newRefund
	once, err := readOptional(c, &in)
	if err != nil {
		return err
	}
	p, err := h.store.Payment(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	ask := payments.RefundRequest{PaymentID: p.ID, Fee: in.Fee, OwedAgain: in.OwedAgain, Reason: in.Reason, Actor: actor(c)}
	if in.Amount != nil {
		ask.Amount = money.New(*in.Amount, p.Amount.Currency)
	}
	if once.Key != "" {
		ask.Key = "api/" + once.Scope + "/" + once.Key
		if err := h.store.Update(ctx, func(tx *store.Tx) error {
			claim, err := tx.ClaimIdempotency(ctx, once.Scope, once.Key, once.Hash, "payment.refund", p.ID, h.pages.Now())
			if err == nil && claim.HashDiffers {
				err = paylink.Fail(paylink.Conflict, "idempotency.other_request")
			}
			return err
		}); err != nil {
			return err
		}
	}
	made, err := h.payments.Refund(ctx, ask)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, showRefund(made))
}

// payment shows one payment with what became of its money.
func (h *Handlers) payment(c echo.Context, p paylink.Payment) error {
	ctx := c.Request().Context()
	refunds, err := h.store.RefundsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	disputes, err := h.store.DisputesOf(ctx, p.ID)
	if err != nil {
		return err
	}
	shown := whole{payment: showPayment(p), Refunds: make([]refund, 0, len(refunds)), Disputes: make([]dispute, 0, len(disputes))}
	for _, f := range refunds {
		shown.Refunds = append(shown.Refunds, showRefund(f))
	}
	for _, d := range disputes {
		shown.Disputes = append(shown.Disputes, showDispute(d))
	}
	return c.JSON(http.StatusOK, shown)
}

// whole is a payment as it is shown alone.
type whole struct {
	payment
	Refunds  []refund  `json:"refunds"`
	Disputes []dispute `json:"disputes"`
}
