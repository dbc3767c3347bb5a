package pay

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
)

// showPayment is the page of one payment, whatever became of it. It reads the database alone.
func (h *Handlers) showPayment(c echo.Context, v visit) error {
	if c.Request().URL.RawQuery != "" {
		// A bank sends the payer back with Stripe's parameters, the client secret among them.
		return seeOther(c, c.Request().URL.Path)
	}
	p, err := h.ownPayment(c, v)
	if err != nil {
		return err
	}
	switch p.Status {
	case paylink.Succeeded:
		return h.showPaid(c, v, p)
	case paylink.Failed:
		return h.showDeclined(c, v, p)
	case paylink.Canceled:
		return h.showCanceled(c, v, p)
	case paylink.RequiresAction:
		return h.showAction(c, v, p)
	case paylink.Processing:
		return h.showOnItsWay(c, v, p)
	case paylink.Authorized:
		return h.showHeld(c, v, p)
	case paylink.Created, paylink.Confirming, paylink.Unknown:
	}
	return h.showChecking(c, v, p)
}

// ownPayment is the payment in the address, if it was made through this link: what another payer's
// bank said is not for everybody with a link.
func (h *Handlers) ownPayment(c echo.Context, v visit) (paylink.Payment, error) {
	p, err := h.store.Payment(c.Request().Context(), c.Param("payment"))
	if err == nil && (!v.own(p) || p.InvoiceID != v.invoice.ID) {
		err = paylink.Fail(paylink.NotFound, "payment.unknown")
	}
	return p, err
}

func (h *Handlers) showPaid(c echo.Context, v visit, p paylink.Payment) error {
	f := h.frame(c, v, "pay.paid.title", "amount", p.Charged())
	email := paylink.MaskEmail(v.link.Recipient)
	a := templates.Answer{Colour: "good", Icon: "tick"}
	a.Heading = f.T("pay.paid.head_plain", "amount", p.Charged())
	if name := v.customer.FirstName(); name != "" && v.link.Recipient == v.customer.Email {
		a.Heading = f.T("pay.paid.head", "amount", p.Charged(), "name", name)
	}
	a.Lead = f.T("pay.paid.lead_plain", "at", p.SettledAt, "email", email)
	if means := p.MeansLabel(); means != "" && p.Method == paylink.MethodBank {
		a.Lead = f.T("pay.paid.lead_bank", "at", p.SettledAt, "email", email, "account", means)
	} else if means != "" {
		a.Lead = f.T("pay.paid.lead", "at", p.SettledAt, "email", email, "card", means)
	}
	page := templates.PayPaid{Frame: f, Answer: a, Receipt: p.ReceiptNumber, PDF: v.receiptURL(p), Rest: v.rest(f, "primary")}
	receipt, err := h.store.ReceiptByPayment(c.Request().Context(), p.ID)
	page.Figures = figures(f.Page, receipt)
	switch {
	case err != nil:
		return err
	case receipt.Status == paylink.ReceiptReturned && p.Method == paylink.MethodBank:
		return h.showReturned(c, v, p, receipt)
	case receipt.Status != paylink.ReceiptPaid:
		pill := templates.ReceiptPill(receipt.Status)
		page.Pill = &pill
	}
	return h.pages.Show(c, http.StatusOK, page)
}

// rest says what is still to pay after a payment.
func (v visit) rest(f templates.Frame, weight string) templates.Rest {
	payable := v.payable()
	r := templates.Rest{Balance: v.standing(), Weight: weight}
	due := v.amount(payable.Due)
	switch {
	case payable.Due == 0 && v.balance.Pending > 0:
		r.Heading = f.T("pay.rest.way", "pending", v.amount(v.balance.Pending))
	case payable.Due == 0:
		r.Heading = f.T("pay.rest.none")
	default:
		r.Heading = f.T("pay.rest.head", "due", due)
	}
	if payable.Why != "" {
		return r
	}
	day := v.invoice.Due
	if payable.Next != nil && payable.Next.Due != "" {
		day = payable.Next.Due
	}
	r.Text = f.T("pay.rest.due_none")
	if day != "" {
		r.Text = f.T("pay.rest.due", "due", day)
	}
	r.Pay, r.Label = v.base(), f.T("pay.rest.button", "due", due)
	return r
}

func (h *Handlers) showDeclined(c echo.Context, v visit, p paylink.Payment) error {
	if shown, err := h.stopped(c, v); shown || err != nil {
		return err
	}
	if p.Method == paylink.MethodBank {
		return h.showFailed(c, v, p)
	}
	f := h.frame(c, v, "pay.declined.title")
	card := p.Card.Label()
	if card == "" {
		card = v.words.T("pay.declined.a_card")
	}
	key := "pay.declined." + string(p.Reason)
	if !v.words.Has(key) {
		key = "pay.declined.no_reason"
	}
	if p.Reason == paylink.DeclinedExpired && p.Card.ExpMonth == 0 {
		key = "pay.declined.expired_card_plain"
	}
	page := templates.PayDeclined{Frame: f}
	page.Answer = templates.Answer{
		Colour: "bad", Icon: "circled", Heading: f.T("pay.declined.title"),
		Lead: f.T(key, "card", card, "amount", p.Charged(), "expiry", expiry(p.Card)),
	}
	if v.payable().Why == "" {
		h.offerWays(v, p, &page)
	}
	return h.pages.Show(c, http.StatusOK, page)
}

func (h *Handlers) showCanceled(c echo.Context, v visit, p paylink.Payment) error {
	page := templates.PayClosed{Frame: h.frame(c, v, "pay.canceled.title")}
	page.Answer = templates.Answer{
		Colour: "mute", Icon: "cross", Heading: page.T("pay.canceled.title"), Lead: page.T("pay.canceled.lead_closed", "amount", p.Charged()),
	}
	if v.payable().Why == "" {
		page.Answer.Lead = page.T("pay.canceled.lead", "amount", p.Charged())
		page.Main = &templates.Press{
			Link: v.base() + "?amount=" + p.Amount.FieldText(v.words.Locale()), Label: page.T("pay.canceled.button", "amount", p.Amount),
		}
	}
	return h.pages.Show(c, http.StatusOK, page)
}

// wait is what the pages of unfinished payments have in common.
func (h *Handlers) wait(c echo.Context, v visit, p paylink.Payment, title string, pairs ...any) templates.PayWait {
	page := templates.PayWait{Frame: h.frame(c, v, title, pairs...), Status: string(p.Status)}
	page.Facts = []templates.Fact{{Label: page.T("pay.fact.amount"), Value: v.words.Amount(p.Charged()), Strong: true}}
	if means := p.MeansLabel(); means != "" {
		page.Facts = append(page.Facts, templates.Fact{Label: page.T("pay.fact.with"), Value: means})
	}
	page.Facts = append(page.Facts, templates.Fact{Label: page.T("pay.fact.asked"), Value: v.words.Clock(p.CreatedAt)})
	page.Answer.Heading = page.T(title, pairs...)
	return page
}

// lookAgain is how often, in seconds, a browser without script reloads a page that waits.
const lookAgain = 10

// slow is after how long a payer is told that the answer takes longer than usual.
const slow = 20 * time.Second

func (h *Handlers) showChecking(c echo.Context, v visit, p paylink.Payment) error {
	title, lead := "pay.checking.title", "pay.checking.lead"
	if p.Status != paylink.Unknown && h.pages.Now().Sub(p.CreatedAt) < slow {
		title, lead = "pay.starting.title", "pay.starting.lead"
	}
	page := h.wait(c, v, p, title)
	page.Answer.Colour, page.Answer.Icon, page.Answer.Lead = "way", "again", page.T(lead)
	page.Text = page.T("pay.checking.text", "email", paylink.MaskEmail(v.link.Recipient))
	page.Check, page.Script, page.Again = v.paymentURL(p)+"/check", true, lookAgain
	return h.pages.Show(c, http.StatusOK, page)
}

func (h *Handlers) showAction(c echo.Context, v visit, p paylink.Payment) error {
	page := h.wait(c, v, p, "pay.action.title")
	page.Answer.Colour, page.Answer.Icon, page.Answer.Lead = "accent", "shield", page.T("pay.action.lead")
	page.Check, page.Action = v.paymentURL(p)+"/check", v.paymentURL(p)+"/action"
	page.Key, page.StripeJS, page.Script = h.PublishableKey, h.StripeJS, true
	h.pages.AllowStripe(c)
	return h.pages.Show(c, http.StatusOK, page)
}

func (h *Handlers) showOnItsWay(c echo.Context, v visit, p paylink.Payment) error {
	if p.Method == paylink.MethodBank {
		return h.showBankWay(c, v, p)
	}
	page := h.wait(c, v, p, "pay.way.title", "amount", p.Charged())
	page.Answer.Colour, page.Answer.Icon, page.Answer.Lead = "way", "clock", page.T("pay.way.lead", "firm", v.firm.Name)
	page.Text, page.Note = page.T("pay.way.text", "email", paylink.MaskEmail(v.link.Recipient)), page.T("pay.way.note")
	rest := v.rest(page.Frame, "secondary")
	page.Rest = &rest
	return h.pages.Show(c, http.StatusOK, page)
}

func (h *Handlers) showHeld(c echo.Context, v visit, p paylink.Payment) error {
	page := h.wait(c, v, p, "pay.held.title", "amount", p.Charged())
	page.Answer.Colour, page.Answer.Icon, page.Answer.Lead = "accent", "padlock", page.T("pay.held.lead", "firm", v.firm.Name)
	page.Text = page.T("pay.held.text", "email", paylink.MaskEmail(v.link.Recipient))
	if !p.CaptureBefore.IsZero() {
		page.Facts = append(page.Facts, templates.Fact{Label: page.T("pay.held.label"), Value: v.words.Date(p.CaptureBefore)})
		page.Note = page.T("pay.held.until", "until", p.CaptureBefore)
	}
	rest := v.rest(page.Frame, "secondary")
	page.Rest = &rest
	return h.pages.Show(c, http.StatusOK, page)
}
