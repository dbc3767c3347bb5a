package api

import (
	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/receipts"
	"paylink/store"
)

// payment says money in minor units: charged = amount + fee is what Stripe moved, amount is what
// was applied to the invoice.
type payment struct {
	ID            string                 `json:"id"`
	InvoiceID     string                 `json:"invoice_id"`
	LinkID        *string                `json:"link_id"`
	Status        paylink.PaymentStatus  `json:"status"`
	Method        paylink.MethodKind     `json:"method"`
	Amount        int64                  `json:"amount"`
	Fee           int64                  `json:"fee"`
	Charged       int64                  `json:"charged"`
	Currency      money.Currency         `json:"currency"`
	Reason        *paylink.DeclineReason `json:"decline_reason"`
	Card          *card                  `json:"card"`
	ReceiptNumber *string                `json:"receipt_number"`
	PaymentIntent *string                `json:"payment_intent"`
	CreatedAt     *string                `json:"created_at"`
	SettledAt     *string                `json:"settled_at"`
}

type card struct {
	Brand string `json:"brand"`
	Last4 string `json:"last4"`
}

func showPayment(p paylink.Payment) payment {
	shown := payment{
		ID: p.ID, InvoiceID: p.InvoiceID, LinkID: optional(p.LinkID), Status: p.Status, Method: p.Method,
		Amount: p.Amount.Minor, Fee: p.Fee.Minor, Charged: p.Charged().Minor, Currency: p.Amount.Currency,
		Reason: optional(p.Reason), ReceiptNumber: optional(p.ReceiptNumber), PaymentIntent: optional(p.PaymentIntent),
		CreatedAt: stamp(p.CreatedAt), SettledAt: stamp(p.SettledAt),
	}
	if p.Card.Last4 != "" {
		shown.Card = &card{p.Card.Brand, p.Card.Last4}
	}
	return shown
}

func (h *Handlers) listPayments(c echo.Context) error {
	if err := only(c, "invoice_id", "status", "limit", "cursor"); err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	status := paylink.PaymentStatus(c.QueryParam("status"))
	if status != "" && !status.Known() {
		return paylink.FailField("status", "choice")
	}
	found, next, err := h.store.Payments(c.Request().Context(), store.PaymentFilter{
		InvoiceID: c.QueryParam("invoice_id"), Status: status, Page: page,
	})
	if err != nil {
		return err
	}
	return answer(c, found, next, showPayment)
}

func (h *Handlers) showPayment(c echo.Context) error {
	found, err := h.store.Payment(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return h.payment(c, found)
}

// showReceipt answers with the receipt as it was first rendered.
func (h *Handlers) showReceipt(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := h.store.Payment(ctx, c.Param("id")); err != nil {
		return err
	}
	r, err := h.store.ReceiptByPayment(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	pdf, err := h.store.PDF(ctx, r.ID, r.Revision, func() ([]byte, error) { return receipts.Render(receipts.Of(r)) })
	if err != nil {
		return err
	}
	return h.pages.PDF(c, "receipt-"+r.Number+".pdf", pdf)
}
