package pay

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/payments"
	"paylink/templates"
)

// stopped shows the page of a link by which nothing can be paid now. Of a link that was seldom declined
// nothing is read for it.
func (h *Handlers) stopped(c echo.Context, v visit) (shown bool, err error) {
	ctx := c.Request().Context()
	var stop payments.Stop
	if declined := v.declined(); declined >= payments.PauseAfter {
		stop, err = h.payments.Judge(ctx, v.link, "", false)
	}
	if err == nil && stop.Why == payments.BrakeNone && !h.offersBank(v) && len(v.methods) == 0 {
		stop, err = h.payments.CardsStop(ctx) // with another way to pay, only the press of a card is stopped
	}
	if err != nil || stop.Why == payments.BrakeNone {
		return false, err
	}
	return true, h.showStopped(c, v, stop, http.StatusOK)
}

// stoppedPress answers a press that may not become a payment.
func (h *Handlers) stoppedPress(c echo.Context, v visit, withNewCard bool) (shown bool, err error) {
	stop, err := h.payments.Judge(c.Request().Context(), v.link, h.pages.Place(c), withNewCard)
	if err != nil || stop.Why == payments.BrakeNone {
		return false, err
	}
	h.pages.Limited(string(stop.Why))
	if wait := stop.Until.Sub(h.pages.Now()); !stop.Until.IsZero() && wait > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	return true, h.showStopped(c, v, stop, http.StatusTooManyRequests)
}

// showStopped says whom to call, and never why: who tries cards learns nothing from it.
func (h *Handlers) showStopped(c echo.Context, v visit, stop payments.Stop, status int) error {
	title, phone, mail := "pay.paused.title", "pay.paused.phone", "pay.paused.mail"
	switch stop.Why {
	case payments.BrakeCards:
		title = "pay.stopped.cards"
	case payments.BrakePlace:
		title, phone, mail = "pay.stopped.place", "pay.stopped.place.phone", "pay.stopped.place.mail"
	case payments.BrakeNone, payments.BrakeLocked, payments.BrakePaused:
	}
	p := templates.PayClosed{Frame: h.frame(c, v, title)}
	p.Answer = templates.Answer{Colour: "warn", Icon: "clock", Heading: p.T(title)}
	p.Answer.Lead = p.T(mail, "email", v.firm.Email, "mailto", "mailto:"+v.firm.Email, "invoice", v.invoice.Number)
	if v.firm.Phone != "" {
		p.Answer.Lead = p.T(phone, "phone", v.firm.Phone, "tel", p.Firm.Tel(), "invoice", v.invoice.Number)
	}
	return h.pages.Show(c, status, p)
}

// declined counts what was ever declined of this link.
func (v visit) declined() (n int) {
	for _, p := range v.payments {
		if v.own(p) && p.Status == paylink.Failed {
			n++
		}
	}
	return n
}

// unknown answers an address that does not exist; who tries many of them waits.
func (h *Handlers) unknown(c echo.Context, err error) error {
	if paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	place := h.pages.Place(c)
	h.limits.Guessed(place)
	if wait := h.guessing(c); wait != nil {
		return wait
	}
	return err
}

// guessing refuses a place that tried too many addresses that do not exist.
func (h *Handlers) guessing(c echo.Context) error {
	err := h.limits.Guessing(h.pages.Place(c))
	if err != nil {
		h.pages.Limited("guess")
	}
	return err
}

// mayMail refuses a place that asked for too many mails, and counts the others.
func (h *Handlers) mayMail(c echo.Context) error {
	err := h.limits.Mail(c.Request().Context(), h.pages.Place(c))
	if paylink.KindOf(err) == paylink.TooMany {
		h.pages.Limited("mail")
	}
	return err
}

// mayDeposit refuses a customer for whom many accounts were to be proven, and counts the others.
func (h *Handlers) mayDeposit(c echo.Context, v visit) error {
	err := h.limits.Deposit(c.Request().Context(), v.customer.ID)
	if paylink.KindOf(err) == paylink.TooMany {
		h.pages.Limited("deposit")
	}
	return err
}
