package mailer

import (
	"context"

	"paylink"
	"paylink/catalogue"
	"paylink/store"
	"paylink/templates"
)

// FailedJob tells a payer that the bank did not send the money that was on its way: the job
// mail.failed, {"payment_id"}.
func (m *Mailer) FailedJob(ctx context.Context, job store.Job) error {
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
	parcel := m.parcel("failed", p.payment.ID, p)
	if p.payment.Status == paylink.Succeeded { // it arrived after all: money that came beats every report
		parcel.drop = "payment.succeeded"
	} else {
		l := p.failed()
		if err := m.lead(&l, p, p.link); err != nil {
			return err
		}
		if p.asks() {
			again := "mail.failed.again"
			if l.URL == "" {
				again = "mail.failed.again.none"
			}
			l.Body = append(l.Body, l.Words.Parts(again))
		}
		if err := m.fill(&parcel, l, p.firm); err != nil {
			return err
		}
	}
	return m.send(ctx, job, parcel)
}

func (p paying) failed() templates.Letter {
	l := p.letter()
	w := l.Words
	about := []any{"firm", p.firm.Name, "amount", p.payment.Charged(), "invoice", p.invoice.Number}
	l.Subject = w.T("mail.failed.subject", about...)
	l.Lead = sentences(w.Parts("mail.failed.lead", about...), reason(w, "mail.failed.reason.", string(p.payment.Reason), "other"))
	l.Amount, l.Says = w.Amount(p.payment.Charged()), w.Parts("mail.failed.says")
	p.stand(&l)
	return l
}

// reason is the sentence for a bank's word, or for one that stands for all the others; nil when there
// is none for that either.
func reason(w catalogue.Words, keys, word, other string, about ...any) []catalogue.Part {
	switch {
	case word != "" && w.Has(keys+word):
		return w.Parts(keys+word, about...)
	case w.Has(keys + other):
		return w.Parts(keys+other, about...)
	}
	return nil
}

// sentences puts whole sentences into one paragraph.
func sentences(all ...[]catalogue.Part) (paragraph []catalogue.Part) {
	for _, s := range all {
		if len(s) > 0 && len(paragraph) > 0 {
			paragraph = append(paragraph, catalogue.Part{Text: " "})
		}
		paragraph = append(paragraph, s...)
	}
	return paragraph
}
