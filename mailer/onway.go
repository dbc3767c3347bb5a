package mailer

import (
	"context"
	"strings"

	"paylink"
	"paylink/store"
	"paylink/templates"
)

// OnWayJob tells a payer that the money is on its way from the bank and gives them their copy of the
// permission, which Nacha wants them to have: the job mail.onway, {"payment_id"}.
func (m *Mailer) OnWayJob(ctx context.Context, job store.Job) error {
	var want struct {
		PaymentID string `json:"payment_id"`
	}
	if err := unpack(job, &want); err != nil {
		return err
	}
	p, err := m.paying(ctx, want.PaymentID)
	if err != nil {
		return err
	}
	mandate, err := m.store.MandateByPayment(ctx, p.payment.ID)
	if err != nil && paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	parcel := m.parcel("onway", p.payment.ID, p)
	switch arrived := p.payment.Status == paylink.Succeeded; {
	case p.payment.Status == paylink.Failed || p.payment.Status == paylink.Canceled:
		parcel.drop = "payment." + string(p.payment.Status) // another mail says so
	case arrived && mandate.ID == "":
		parcel.drop = "payment.succeeded" // the receipt says more
	default:
		l := p.onWay(mandate, arrived)
		if err := m.lead(&l, p, p.link); err != nil {
			return err
		}
		if l.URL != "" { // what was just paid is not asked for
			l.Button = l.Words.T("mail.button.see", "invoice", p.invoice.Number)
		}
		if err := m.fill(&parcel, l, p.firm); err != nil {
			return err
		}
	}
	return m.send(ctx, job, parcel)
}

// onWay says what is on its way, and what the payer allowed. A mail that is late may find it arrived.
func (p paying) onWay(mandate paylink.Mandate, arrived bool) templates.Letter {
	l := p.letter()
	w, account := l.Words, p.payment.Bank.Label()
	about := []any{"firm", p.firm.Name, "amount", p.payment.Charged(), "invoice", p.invoice.Number}
	l.Subject, l.Lead = w.T("mail.onway.subject", about...), w.Parts("mail.onway.lead", about...)
	l.Amount = w.Amount(p.payment.Charged())
	switch {
	case arrived:
		l.Subject, l.Lead = w.T("mail.onway.subject.arrived", about...), w.Parts("mail.onway.lead.arrived", about...)
		l.Says = w.Parts("mail.onway.says.arrived")
	case p.payment.ExpectedOn == "":
		l.Says = w.Parts("mail.onway.says.plain")
	case account == "":
		l.Says = w.Parts("mail.onway.says.nobody", "expected", p.payment.ExpectedOn)
	default:
		l.Says = w.Parts("mail.onway.says", "account", account, "expected", p.payment.ExpectedOn)
	}
	p.stand(&l)
	if !arrived {
		l.Body = append(l.Body, w.Parts("mail.onway.then"))
	}
	if mandate.ID != "" {
		l.Body = append(l.Body, w.Parts("mail.onway.mandate", "at", mandate.Consent.At))
		l.Quote = paragraphs(mandate.Consent.Text)
	}
	return l
}

// paragraphs cuts a text at its line breaks.
func paragraphs(text string) (all []string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}
