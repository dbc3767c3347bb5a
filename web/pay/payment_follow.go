package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// answerBank gives the script what Stripe.js needs to put the bank's question to the payer. It is
// given only while the bank asks, and stored nowhere.
func (h *Handlers) answerBank(c echo.Context, v visit) error {
	p, err := h.ownPayment(c, v)
	if err != nil {
		return err
	}
	secret, err := h.payments.ClientSecret(c.Request().Context(), p.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		ClientSecret string `json:"client_secret"`
	}{secret})
}

// checkPayment asks Stripe what became of the payment; our script reads the status, a browser
// without script is led back to the payment's page.
func (h *Handlers) checkPayment(c echo.Context, v visit) error {
	p, err := h.ownPayment(c, v)
	if err != nil {
		return err
	}
	if p, err = h.payments.Check(c.Request().Context(), p.ID); err != nil {
		return err
	}
	if !forScript(c) {
		return seeOther(c, v.paymentURL(p))
	}
	return c.JSON(http.StatusOK, struct {
		Status string `json:"status"`
	}{string(p.Status)})
}
