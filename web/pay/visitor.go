package pay

import (
	"crypto/rand"

	"github.com/labstack/echo/v4"

	"paylink/access"
)

// visitorLife is how long a browser is known again by what it linked.
const visitorLife = access.DeviceLife

const visitorCookie = "visitor"

// deviceCookie is the name of the cookie of a browser that proved the mailbox of a customer.
func deviceCookie(customerID string) string { return "device_" + customerID }

// recognise finds what this browser may see of the customer's cards and accounts. Most browsers have
// neither cookie, and nothing is asked for them. Behind a link that was sent on sits somebody else,
// who sees nothing that was saved, whatever their browser proved, but an account that it linked itself.
func (h *Handlers) recognise(c echo.Context, v *visit) (err error) {
	ctx := c.Request().Context()
	forwarded := v.link.ForwardedBy != ""
	v.visitor, _ = h.pages.Cookie(c, visitorCookie)
	if device, ok := h.pages.Cookie(c, deviceCookie(v.customer.ID)); ok && !forwarded {
		if v.proven, err = h.access.Proven(ctx, v.customer.ID, device); err != nil {
			return err
		}
	}
	if v.visitor == "" && !v.proven {
		return nil
	}
	v.methods, err = h.payments.Methods(ctx, v.customer.ID, v.visitor, v.proven)
	return err
}

// remember gives the browser a name of its own, before something becomes its.
func (h *Handlers) remember(c echo.Context, v *visit) {
	if v.visitor == "" {
		v.visitor = rand.Text()
	}
	h.pages.SetCookie(c, visitorCookie, v.visitor, visitorLife)
}
