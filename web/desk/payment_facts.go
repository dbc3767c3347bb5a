package desk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/receipts"
	"paylink/store"
	"paylink/templates"
)

// moneyFacts are what a payment brought, and what of it is still there.
func moneyFacts(v visit, m made, since since) []templates.Fact {
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
	currency := p.Amount.Currency
	for _, part := range []struct {
		key   string
		minor int64
	}{{"desk.money.refunded", since.pill.Refunded}, {"desk.money.asked_back", since.refunded - since.pill.Refunded}, {"desk.money.taken", since.taken}} {
		if part.minor > 0 {
			all = append(all, templates.Fact{Label: v.html(part.key), Value: v.words.Amount(money.New(part.minor, currency))})
		}
	}
	if since.refunded+since.taken > 0 {
		all = append(all, templates.Fact{Label: v.html("desk.money.left"), Value: v.words.Amount(money.New(since.rest+since.fee, currency)), Strong: true})
	}
	if p.Method == paylink.MethodBank && p.ExpectedOn != "" && p.Status == paylink.Processing {
		all = append(all, templates.Fact{Label: v.html("desk.money.expected"), Value: v.words.Short(p.ExpectedOn.Time(v.firm.Location()))})
	}
	if p.Status == paylink.Authorized && !p.CaptureBefore.IsZero() {
		all = append(all, templates.Fact{Label: v.html("desk.money.before"), Value: v.words.Stamp(p.CaptureBefore)})
	}
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

// bankFacts are what is known of the account that a payment comes from.
func bankFacts(v visit, p paylink.Payment) []templates.Fact {
	facts := []templates.Fact{{Label: v.html("desk.bank.account"), Value: means(v, p)}}
	kind := ""
	if key := "desk.bank.type." + p.Bank.Type; p.Bank.Type != "" && v.words.Has(key) {
		kind = v.words.T(key)
	}
	for _, f := range []struct{ key, value string }{
		{"desk.bank.type", kind}, {"desk.bank.holder", p.Bank.Holder}, {"desk.card.statement", p.Statement},
		{"desk.card.intent", p.PaymentIntent}, {"desk.card.charge", p.Charge},
	} {
		if f.value != "" {
			facts = append(facts, templates.Fact{Label: v.html(f.key), Value: f.value})
		}
	}
	return facts
}

// permission is what the payer agreed to, or nil where nothing was kept.
func (h *Handlers) permission(ctx context.Context, v visit, m made) (*templates.Permission, error) {
	mandate, err := h.store.MandateByPayment(ctx, m.payment.ID)
	if paylink.KindOf(err) == paylink.NotFound {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if err != nil {
		return nil, err
	}
	p := &templates.Permission{Text: strings.Split(mandate.Consent.Text, "\n\n"), PDF: m.base() + "/permission.pdf"}
	p.Facts = []templates.Fact{{Label: v.html("desk.permission.at"), Value: v.words.Moment(mandate.Consent.At)}}
	for _, f := range []struct{ key, value string }{
		{"desk.permission.ip", mandate.Consent.IP}, {"desk.permission.agent", mandate.Consent.Agent},
		{"desk.permission.version", mandate.Consent.Version}, {"desk.card.intent", mandate.Stripe},
	} {
		if f.value != "" {
			p.Facts = append(p.Facts, templates.Fact{Label: v.html(f.key), Value: f.value})
		}
	}
	if !mandate.RevokedAt.IsZero() {
		p.Facts = append(p.Facts, templates.Fact{Label: v.html("desk.permission.revoked"), Value: v.words.Stamp(mandate.RevokedAt)})
	}
	return p, nil
}

// showPermission is what the payer agreed to, as a document.
func (h *Handlers) showPermission(c echo.Context, v visit) error {
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	mandate, err := h.store.MandateByPayment(c.Request().Context(), m.payment.ID)
	if err != nil {
		return err
	}
	pdf, err := receipts.RenderMandate(receipts.OfMandate(v.firm, m.customer, m.invoice, m.payment, mandate))
	if err != nil {
		return err
	}
	return h.pages.PDF(c, m.invoice.Number+"-permission.pdf", pdf)
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
	others, err := h.store.MailsOf(ctx, m.payment.ID)
	if err != nil {
		return nil, err
	}
	for _, mail := range others {
		if mail.Kind == "returned" { // the mail of the return brings the revision that says so
			mails = append(mails, mail)
		}
	}
	slices.SortStableFunc(mails, func(a, b store.Mail) int { return b.CreatedAt.Compare(a.CreatedAt) })
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
