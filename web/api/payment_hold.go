package api

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
)

type capture struct {
	Amount *int64 `json:"amount"`
}

// capturePayment takes a held amount, or a part of it.
func (h *Handlers) capturePayment(c echo.Context) error {
	var in capture
	once, err := readOptional(c, &in)
	if err != nil {
		return err
	}
	return h.settleHold(c, once, "payment.capture", func(ctx context.Context, p paylink.Payment) (paylink.Payment, error) {
		var amount money.Amount
		if in.Amount != nil {
			amount = money.New(*in.Amount, p.Amount.Currency)
		}
		return h.payments.Capture(ctx, actor(c), p.ID, amount)
	})
}

// voidPayment lets a held amount go.
func (h *Handlers) voidPayment(c echo.Context) error {
	once, err := readOptional(c, &struct{}{})
	if err != nil {
		return err
	}
	return h.settleHold(c, once, "payment.void", func(ctx context.Context, p paylink.Payment) (paylink.Payment, error) {
		return h.payments.Void(ctx, actor(c), p.ID)
	})
}

// settleHold claims the key and acts. The same request again acts only if the payment is still held,
// which is safe: Stripe knows the step by a key of its own.
func (h *Handlers) settleHold(c echo.Context, once invoicing.Once, kind string, act func(context.Context, paylink.Payment) (paylink.Payment, error)) error {
	ctx := c.Request().Context()
	p, err := h.store.Payment(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	again := false
	if once.Key != "" {
		if err := h.store.Update(ctx, func(tx *store.Tx) error {
			claim, err := tx.ClaimIdempotency(ctx, once.Scope, once.Key, once.Hash, kind, p.ID, h.pages.Now())
			if err == nil && claim.HashDiffers {
				err = paylink.Fail(paylink.Conflict, "idempotency.other_request")
			}
			again = claim.Existing
			return err
		}); err != nil {
			return err
		}
	}
	if !again || p.Status == paylink.Authorized {
		if p, err = act(ctx, p); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, showPayment(p))
}

// readOptional reads a body as read does, but takes none at all too.
func readOptional(c echo.Context, into any) (invoicing.Once, error) {
	if c.Request().ContentLength == 0 {
		return idempotency(c, nil)
	}
	return read(c, into)
}
