package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/store"
	"paylink/templates"
)

// made is a payment with whose it is and for what.
type made struct {
	payment  paylink.Payment
	invoice  paylink.Invoice
	customer paylink.Customer
}

func (m made) base() string { return paymentsPath + "/" + m.payment.ID }

// payment reads the payment in the address.
func (h *Handlers) payment(c echo.Context) (m made, err error) {
	ctx := c.Request().Context()
	if m.payment, err = h.store.Payment(ctx, c.Param("payment")); err != nil {
		return m, err
	}
	if m.invoice, err = h.store.Invoice(ctx, m.payment.InvoiceID); err != nil {
		return m, err
	}
	m.customer, err = h.store.Customer(ctx, m.payment.CustomerID)
	return m, err
}

func (m made) crumbs(f templates.Desk, here templates.HTML) []templates.Press {
	crumbs := []templates.Press{
		{Link: paymentsPath, Label: f.T("desk.payments")}, {Link: invoicesPath + "/" + m.invoice.ID, Label: f.T("desk.plain", "text", m.invoice.Number)},
	}
	if here == "" {
		return append(crumbs, templates.Press{Label: f.T("desk.plain", "text", m.payment.ID)})
	}
	return append(crumbs, templates.Press{Link: m.base(), Label: f.T("desk.payment")}, templates.Press{Label: here})
}

func (h *Handlers) showPayment(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	p := templates.DeskPayment{Desk: h.frame(c, v, "desk.payment.window", "amount", m.payment.Amount, "name", m.customer.Name), Base: m.base()}
	since, err := h.since(ctx, m.payment)
	if err != nil {
		return err
	}
	p.Crumbs, p.Pill = m.crumbs(p.Desk, ""), templates.DeskPaymentPill(m.payment, since.pill)
	p.Heading = v.words.T("desk.payment.window", "amount", m.payment.Amount, "name", m.customer.Name)
	p.Day = v.words.Date(m.payment.CreatedAt)
	p.Note, p.NoteKind = paymentNote(v, m)
	links, err := h.store.LinksOf(ctx, m.invoice.ID)
	if err != nil {
		return err
	}
	who, err := h.names(ctx, v, links, m.customer)
	if err != nil {
		return err
	}
	if p.Events, err = h.paymentSteps(ctx, v, m, links, who); err != nil {
		return err
	}
	p.Refunds, p.Disputes = refundRecords(v, m.payment, who, since.refunds), disputeRecords(v, since.disputes)
	p.CanRefund = since.refundable(m.payment) && v.can(paylink.Manager)
	if m.payment.Status == paylink.Authorized && v.can(paylink.Manager) {
		p.Capture = p.T("desk.hold.capture", "amount", m.payment.Charged())
	}
	if p.Again, err = h.takenAgain(ctx, v, m); err != nil {
		return err
	}
	p.Money = moneyFacts(v, m, since)
	if p.Means, p.Card = p.T("desk.card"), cardFacts(v, m.payment); m.payment.Method == paylink.MethodBank {
		p.Means, p.Card = p.T("desk.method.bank"), bankFacts(v, m.payment)
		if p.Permission, err = h.permission(ctx, v, m); err != nil {
			return err
		}
	}
	if m.payment.ReceiptID != "" {
		if p.Receipt, err = h.receiptCard(ctx, v, m); err != nil {
			return err
		}
		p.CanResend = v.can(paylink.Agent)
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// takenAgain is the invoice of a payment that staff took and that came to nothing, while it can be paid.
func (h *Handlers) takenAgain(ctx context.Context, v visit, m made) (string, error) {
	nothing := m.payment.Status == paylink.Failed || m.payment.Status == paylink.Canceled
	if !nothing || m.payment.LinkID != "" || !v.can(paylink.Agent) {
		return "", nil
	}
	balance, err := h.store.Balance(ctx, m.invoice.ID)
	if err != nil || paylink.PayableOf(m.invoice, balance).Why != "" {
		return "", err
	}
	return invoicesPath + "/" + m.invoice.ID, nil
}

// lapsesSoon is how long before a held amount is let go by the bank somebody has to act.
const lapsesSoon = 48 * time.Hour

// paymentNote says what there is to know of a payment that is not finished, or that Stripe and we do
// not tell alike.
func paymentNote(v visit, m made) (templates.HTML, string) {
	p := m.payment
	switch {
	case p.Problem != "":
		return v.html("desk.payment.note.problem", "why", p.Problem), "bad"
	case p.Status == paylink.Unknown:
		return v.html("desk.payment.note.unknown"), "way"
	case p.Status == paylink.RequiresAction && p.LinkID == "":
		return v.html("desk.payment.note.action_staff", "name", m.customer.FirstName()), "warn"
	case p.Status == paylink.Failed && p.Reason == paylink.DeclinedNeedsPayer:
		return v.html("desk.payment.note.needs_payer", "name", m.customer.FirstName()), "bad"
	case p.Status == paylink.RequiresAction:
		return v.html("desk.payment.note.action"), "way"
	case p.Status == paylink.Authorized && !p.CaptureBefore.IsZero():
		if p.CaptureBefore.Sub(v.words.Now()) < lapsesSoon {
			return v.html("desk.payment.note.lapses", "until", p.CaptureBefore), "warn"
		}
		return v.html("desk.payment.note.held", "until", p.CaptureBefore), "way"
	case p.Status == paylink.Processing && p.ExpectedOn != "":
		return v.html("desk.payment.note.way", "day", p.ExpectedOn), "way"
	case p.Status == paylink.Failed && v.words.Has("desk.reason."+string(p.Reason)):
		return v.html("desk.payment.note.failed", "reason", v.words.T("desk.reason."+string(p.Reason))), ""
	}
	return "", ""
}

// seconds is the time of day to the second.
func (v visit) seconds(t time.Time) string {
	t = t.In(v.firm.Location())
	half := "word.half.am"
	if t.Hour() >= 12 {
		half = "word.half.pm"
	}
	return v.words.T("desk.seconds", "clock", t.Format("3:04:05"), "half", v.words.T(half))
}

// paymentSteps is what happened to a payment, newest first, to the second.
func (h *Handlers) paymentSteps(ctx context.Context, v visit, m made, links []paylink.Link, who names) ([]templates.Event, error) {
	rows, err := h.store.AuditOf(ctx, m.payment.ID, 100)
	if err != nil {
		return nil, err
	}
	// Ids of one millisecond are in no order; times are told to the microsecond.
	slices.SortStableFunc(rows, func(a, b store.AuditRow) int { return b.At.Compare(a.At) })
	var all []templates.Event
	for _, row := range rows {
		for _, e := range events(v, []store.AuditRow{row}, who, links) {
			if e.When = v.seconds(row.At); e.Detail == "" { // what staff took says who in its words
				e.Detail = v.html("desk.plain", "text", who.of(row.Actor))
			}
			all = append(all, e)
		}
	}
	return all, nil
}
