package desk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/receipts"
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
	p.Crumbs, p.Pill = m.crumbs(p.Desk, ""), templates.PaymentPill(m.payment.Status)
	p.Heading = v.words.T("desk.payment.window", "amount", m.payment.Amount, "name", m.customer.Name)
	p.Day = v.words.Date(m.payment.CreatedAt)
	p.Note, p.NoteKind = paymentNote(v, m)
	if p.Events, err = h.paymentSteps(ctx, v, m); err != nil {
		return err
	}
	if m.payment.Status == paylink.Authorized && v.can(paylink.Manager) {
		p.Capture = p.T("desk.hold.capture", "amount", m.payment.Charged())
	}
	p.Money, p.Card = moneyFacts(v, m), cardFacts(v, m.payment)
	if m.payment.ReceiptID != "" {
		if p.Receipt, err = h.receiptCard(ctx, v, m); err != nil {
			return err
		}
		p.CanResend = v.can(paylink.Agent)
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// paymentNote says what there is to know of a payment that is not finished, or that Stripe and we do
// not tell alike.
func paymentNote(v visit, m made) (templates.HTML, string) {
	p := m.payment
	switch {
	case p.Problem != "":
		return v.html("desk.payment.note.problem", "why", p.Problem), "bad"
	case p.Status == paylink.Unknown:
		return v.html("desk.payment.note.unknown"), "way"
	case p.Status == paylink.RequiresAction:
		return v.html("desk.payment.note.action"), "way"
	case p.Status == paylink.Authorized && !p.CaptureBefore.IsZero():
		return v.html("desk.payment.note.held", "until", p.CaptureBefore), "way"
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
func (h *Handlers) paymentSteps(ctx context.Context, v visit, m made) ([]templates.Event, error) {
	rows, err := h.store.AuditOf(ctx, m.payment.ID, 100)
	if err != nil {
		return nil, err
	}
	// Ids of one millisecond are in no order; times are told to the microsecond.
	slices.SortStableFunc(rows, func(a, b store.AuditRow) int { return b.At.Compare(a.At) })
	links, err := h.store.LinksOf(ctx, m.invoice.ID)
	if err != nil {
		return nil, err
	}
	who, err := h.names(ctx, v, links, m.customer)
	if err != nil {
		return nil, err
	}
	var all []templates.Event
	for _, row := range rows {
		for _, e := range events(v, []store.AuditRow{row}, who, links) {
			e.Detail, e.When = v.html("desk.plain", "text", who.of(row.Actor)), v.seconds(row.At)
			all = append(all, e)
		}
	}
	return all, nil
}

func moneyFacts(v visit, m made) []templates.Fact {
	p := m.payment
	all := []templates.Fact{{Label: v.html("desk.money.invoice", "number", m.invoice.Number), Value: v.words.Amount(p.Amount)}}
	if !p.Fee.IsZero() {
		all = append(all, templates.Fact{Label: v.html("desk.money.fee"), Value: v.words.Amount(p.Fee)})
	}
	label := "desk.money.asked"
	switch p.Status {
	case paylink.Succeeded:
		label = "desk.money.charged"
	case paylink.Authorized:
		label = "desk.money.held"
	case paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Processing, paylink.Failed, paylink.Canceled:
	}
	all = append(all, templates.Fact{Label: v.html(label), Value: v.words.Amount(p.Charged()), Strong: true})
	if !p.SettledAt.IsZero() {
		all = append(all, templates.Fact{Label: v.html("desk.money.settled"), Value: v.words.Stamp(p.SettledAt)})
	}
	return all
}

func cardFacts(v visit, p paylink.Payment) []templates.Fact {
	facts := []templates.Fact{{Label: v.html("desk.col.method"), Value: means(v, p)}}
	if p.Card.ExpMonth > 0 {
		facts = append(facts, templates.Fact{Label: v.html("desk.card.expires"), Value: fmt.Sprintf("%02d/%02d", p.Card.ExpMonth, p.Card.ExpYear%100)})
	}
	for _, f := range []struct{ key, value string }{
		{"desk.card.funding", p.Card.Funding}, {"desk.card.auth", p.AuthCode}, {"desk.card.statement", p.Statement},
		{"desk.card.intent", p.PaymentIntent}, {"desk.card.charge", p.Charge},
	} {
		if f.value != "" {
			facts = append(facts, templates.Fact{Label: v.html(f.key), Value: f.value})
		}
	}
	return append(facts, templates.Fact{Label: v.html("desk.rule.capture"), Value: v.words.T("desk.rule." + string(p.Capture))})
}

// receiptCard tells the receipt with its revisions and every mail of it.
func (h *Handlers) receiptCard(ctx context.Context, v visit, m made) (*templates.ReceiptCard, error) {
	revisions, err := h.store.ReceiptRevisions(ctx, m.payment.ReceiptID)
	if err != nil || len(revisions) == 0 {
		return nil, err
	}
	newest := revisions[len(revisions)-1]
	r := &templates.ReceiptCard{Number: newest.Number, Link: m.base() + "/receipt.pdf", Pill: templates.ReceiptPill(newest.Status)}
	for _, one := range revisions {
		r.Revisions = append(r.Revisions, templates.Press{
			Link: m.base() + "/receipt.pdf?revision=" + strconv.Itoa(one.Revision), Label: v.html("desk.receipt.revision", "n", one.Revision),
		})
	}
	mails, err := h.store.MailsOf(ctx, newest.ID)
	if err != nil {
		return nil, err
	}
	for _, mail := range mails {
		switch mail.State {
		case store.MailSent:
			r.Sends = append(r.Sends, v.html("desk.receipt.sent", "to", mail.Recipient, "at", v.stamp(mail.SentAt)))
		case store.MailBounced:
			r.Sends = append(r.Sends, v.html("desk.receipt.bounced", "to", mail.Recipient, "why", mail.LastError))
		case store.MailQueued, store.MailDeferred:
			r.Sends = append(r.Sends, v.html("desk.receipt.queued", "to", mail.Recipient))
		case store.MailDropped:
		}
	}
	return r, nil
}

// showReceipt is a revision of the receipt as it was first rendered; the newest unless the query says
// which.
func (h *Handlers) showReceipt(c echo.Context, _ visit) error {
	ctx := c.Request().Context()
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	revision := 0
	if text := c.QueryParam("revision"); text != "" {
		if revision, err = strconv.Atoi(text); err != nil || revision < 1 {
			return paylink.Fail(paylink.NotFound, "receipt.unknown")
		}
	}
	receipt, err := h.store.Receipt(ctx, m.payment.ReceiptID, revision)
	if err != nil {
		return err
	}
	pdf, err := h.store.PDF(ctx, receipt.ID, receipt.Revision, func() ([]byte, error) {
		return receipts.Render(receipts.Of(receipt))
	})
	if err != nil {
		return err
	}
	return h.pages.PDF(c, receipt.Number+".pdf", pdf)
}
