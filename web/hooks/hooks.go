// Package hooks takes webhooks in: it checks the signature, stores the body as it came and answers
// 200 once that is durable. Those that arrive together share a commit.
//
// It does not read what an event says: a job fetches the object that it names and hands that to
// payments.
package hooks

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/crash"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/store"
)

// Handlers answer the addresses that providers call.
type Handlers struct {
	Store   *store.Store
	Secrets []string        // of the Stripe endpoint; two during a rotation
	Plaid   *plaid.Verifier // nil where Plaid is not used
	Now     func() time.Time
	Log     *slog.Logger

	inbox inbox
}

// Register adds the routes.
func (h *Handlers) Register(e *echo.Echo) {
	h.inbox.write = h.write
	e.POST("/webhooks/stripe", h.stripeEvent)
	if h.Plaid != nil {
		e.POST("/webhooks/plaid", h.plaidEvent)
	}
}

// stripeEvent stores a signed event and queues the fetch of its object, both or neither. Stripe
// sends again whatever is not answered by 2xx, so that is said only of what is stored; an event
// that comes again finds its row.
func (h *Handlers) stripeEvent(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	event, err := stripe.VerifyEvent(body, c.Request().Header.Get("Stripe-Signature"), h.Secrets)
	if err != nil {
		h.Log.Warn("webhook refused", "provider", "stripe", "reason", err.Error())
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	return h.keep(c, "stripe.event", store.Event{
		Provider: "stripe", ID: event.ID, Type: event.Type, ObjectID: event.Object, Body: body,
	})
}

// plaidEvent does the same with what Plaid tells of a bank connection. Plaid gives its webhooks no
// id: the same one sent again carries another signature, so the work that comes of it may be asked
// for twice.
func (h *Handlers) plaidEvent(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	event, err := h.Plaid.Verify(c.Request().Context(), body, c.Request().Header.Get("Plaid-Verification"))
	if err != nil {
		h.Log.Warn("webhook refused", "provider", "plaid", "reason", err.Error())
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	return h.keep(c, "plaid.event", store.Event{
		Provider: "plaid", ID: event.ID, Type: event.Type + "." + event.Code, ObjectID: event.ItemID, Body: body,
	})
}

// keep has an event stored and its job queued, once for each event.
func (h *Handlers) keep(c echo.Context, job string, event store.Event) error {
	event.ReceivedAt = h.Now()
	err := h.inbox.put(c.Request().Context(), job, event)
	if e, ok := errors.AsType[*paylink.Error](err); ok && e.Kind == paylink.Unavailable {
		return e // it may know when to come again
	}
	if err != nil {
		return paylink.Fail(paylink.Unavailable, "later").Because(err)
	}
	crash.At("event.stored")
	return c.NoContent(http.StatusOK)
}
