package pay

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
)

// showClosed is the page of an invoice that nothing can be paid of now. Pressed says that somebody
// just tried to pay: then it is said first that they were not charged.
func (h *Handlers) showClosed(c echo.Context, v visit, why string, pressed bool) error {
	p := templates.PayClosed{Frame: h.frame(c, v, "pay.title")}
	var err error
	if p.SoFar, err = h.soFar(c.Request().Context(), v); err != nil {
		return err
	}
	standing := v.standing()
	p.Balance = &standing
	args := []any{"firm", v.firm.Name, "pending", v.amount(v.balance.Pending), "due", v.amount(v.balance.Due())}
	key := "pay.closed." + why
	p.Answer = templates.Answer{Colour: "mute", Icon: "info", Heading: p.T(key, args...), Lead: p.T(key+".lead", args...)}
	switch why {
	case "paid":
		p.Answer.Colour, p.Answer.Icon = "good", "done"
		if last, ok := v.lastPaid(); ok && pressed {
			return h.showSomeonePaid(c, v, p, last)
		}
	case "reserved":
		p.Answer.Colour, p.Answer.Icon = "way", "clock"
		if own, ok := v.unfinished(); ok {
			p.Answer.Heading, p.Answer.Lead = p.T("pay.closed.unfinished"), p.T("pay.closed.unfinished.lead")
			p.Main = &templates.Press{Link: v.paymentURL(own), Label: p.T("pay.closed.unfinished.button")}
			if pressed {
				p.Answer.Lead = p.T("pay.closed.unfinished.pressed")
				return h.pages.Show(c, http.StatusConflict, p)
			}
		}
	case "void", "draft":
		p.Answer.Icon, p.Answer.Heading, p.Balance = "cross", p.T("pay.closed.void"), nil
	}
	if !pressed {
		return h.pages.Show(c, http.StatusOK, p)
	}
	p.Answer.Lead = p.T("pay.uncharged", "rest", v.words.T(key+".lead", args...))
	return h.pages.Show(c, http.StatusConflict, p)
}

// showSomeonePaid answers a press that came after somebody else's. Who it was is masked: the two may
// not know each other's address.
func (h *Handlers) showSomeonePaid(c echo.Context, v visit, p templates.PayClosed, last paylink.Payment) error {
	args := []any{"amount", last.Amount, "at", last.SettledAt}
	p.Answer.Heading = p.T("pay.someone.earlier")
	switch ago := h.pages.Now().Sub(last.SettledAt); {
	case ago < time.Minute:
		p.Answer.Heading = p.T("pay.someone.moment")
	case ago < time.Hour:
		p.Answer.Heading = p.Count("pay.someone", int(ago/time.Minute))
	}
	p.Answer.Lead = p.T("pay.someone.lead_staff", args...)
	if last.LinkID != "" {
		link, err := h.store.Link(c.Request().Context(), last.LinkID)
		if err != nil {
			return err
		}
		p.Answer.Lead = p.T("pay.someone.lead", append(args, "who", paylink.MaskEmail(link.Recipient))...)
	}
	p.SoFar = nil
	if last.ReceiptID != "" {
		p.Second = &templates.Press{Link: v.receiptURL(last), Label: p.T("pay.someone.receipt"), Icon: "paper"}
	}
	return h.pages.Show(c, http.StatusConflict, p)
}

// lastPaid is the payment that settled last.
func (v visit) lastPaid() (last paylink.Payment, ok bool) {
	for _, p := range v.payments {
		if p.Status == paylink.Succeeded && (!ok || p.SettledAt.After(last.SettledAt)) {
			last, ok = p, true
		}
	}
	return last, ok
}

// unfinished is a payment of this link that waits for its payer.
func (v visit) unfinished() (paylink.Payment, bool) {
	for _, p := range v.payments {
		switch p.Status {
		case paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown:
			if v.own(p) {
				return p, true
			}
		case paylink.Processing, paylink.Authorized, paylink.Failed, paylink.Canceled, paylink.Succeeded:
		}
	}
	return paylink.Payment{}, false
}
