package desk

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

const limitsPath = "/desk/limits"

// showLimits says what the limits against card testing hold back now.
func (h *Handlers) showLimits(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	now, err := h.payments.Limits(ctx)
	if err != nil {
		return err
	}
	p := templates.DeskLimits{
		Desk: h.frame(c, v, "desk.limits"), Off: h.payments.NoLimits,
		CanWrite: v.can(paylink.Agent), CanCards: v.can(paylink.Manager),
	}
	p.Lately = p.T("desk.limits.lately", "minutes", int(now.Window.Minutes()), "declined", now.Declined, "paid", now.Paid)
	p.Cards = p.T("desk.limits.taken")
	if lock := now.Cards; lock != nil {
		p.Paused, p.Keep = true, lock.Why != store.LockStaff
		p.Cards = p.T("desk.limits."+lock.Why, "since", v.stamp(lock.LockedAt), "until", v.stamp(lock.EndsAt))
	}
	for _, lock := range now.Links {
		link, err := h.store.Link(ctx, lock.Subject)
		if err != nil {
			return err
		}
		invoice, err := h.store.Invoice(ctx, link.InvoiceID)
		if err != nil {
			return err
		}
		p.Links = append(p.Links, templates.LimitRow{
			Key: link.ID, Name: invoice.Number, Link: invoicesPath + "/" + invoice.ID, Detail: link.Recipient,
			Text: p.T("desk.limits.links.lead", "n", lock.Declines, "since", v.stamp(lock.LockedAt)),
		})
	}
	for _, place := range now.Places {
		p.Places = append(p.Places, templates.LimitRow{
			Key: place.Place, Name: place.Place, Text: p.T("desk.limits.places.lead", "n", place.N, "until", v.stamp(place.Until)),
		})
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// unlockLink lets a link be paid by again, after many declines.
func (h *Handlers) unlockLink(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	link, err := h.store.Link(c.Request().Context(), form.Get("key"))
	if err != nil {
		return err
	}
	return h.lift(c, v, link.ID, "desk.limits.link.opened")
}

// takeCards lets new cards in again.
func (h *Handlers) takeCards(c echo.Context, v visit) error {
	return h.lift(c, v, store.AllCards, "desk.limits.cards.opened")
}

func (h *Handlers) lift(c echo.Context, v visit, subject, said string) error {
	if err := h.payments.LiftLock(c.Request().Context(), v.actor(), subject); err != nil {
		return err
	}
	return h.done(c, v, limitsPath, said)
}

// letPlace lets an address begin payments again.
func (h *Handlers) letPlace(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	place := form.Get("key")
	if err := h.payments.LetPlace(c.Request().Context(), v.actor(), place); err != nil {
		return err
	}
	return h.done(c, v, limitsPath, "desk.limits.place.opened", "place", place)
}

func (h *Handlers) askPauseCards(c echo.Context, v visit) error {
	p := templates.DeskConfirm{Desk: h.frame(c, v, "desk.pause.title"), Action: limitsPath + "/pause", Back: limitsPath, Danger: true}
	p.Heading, p.Lead = p.T("desk.pause.title"), p.T("desk.pause.lead")
	p.What = []templates.HTML{p.T("desk.pause.what.1"), p.T("desk.pause.what.2"), p.T("desk.pause.what.3")}
	p.Button, p.Keep = p.T("desk.limits.pause"), p.T("desk.pause.keep")
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) pauseCards(c echo.Context, v visit) error {
	if err := h.payments.PauseCards(c.Request().Context(), v.actor()); err != nil {
		return err
	}
	return h.done(c, v, limitsPath, "desk.limits.cards.paused")
}
