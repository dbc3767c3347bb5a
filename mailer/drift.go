package mailer

import (
	"context"

	"paylink/catalogue"
	"paylink/store"
)

// driftsTold is how many differences are counted for the mail; the page lists them.
const driftsTold = 1000

// DriftJob tells the firm's contact address that the books and Stripe differ: the job mail.drift, without
// a payload. It counts when it is sent; once they agree again there is nothing to tell.
func (m *Mailer) DriftJob(ctx context.Context, job store.Job) error {
	firm, err := m.store.Firm(ctx)
	if err != nil {
		return err
	}
	standing, err := m.store.Differences(ctx, driftsTold)
	if err != nil {
		return err
	}
	w := catalogue.For(firm.Locale, firm.Location(), m.Now())
	p := m.toFirm("drift", "drift", firm.Email, w)
	switch {
	case len(standing) == 0:
		p.drop = "drift.none"
		return m.send(ctx, job, p)
	case firm.Email == "": // the desk says it too
		p.drop = "firm.email"
		return m.send(ctx, job, p)
	}
	l := newLetter(w, firm)
	l.Subject = w.Count("mail.drift.subject", len(standing))
	l.Lead = w.Parts("mail.drift.lead")
	l.URL, l.Button = m.BaseURL+"/desk/drift", w.T("mail.drift.button")
	l.Body = append(l.Body, w.Parts("mail.drift.body"))
	l.Foot = append(l.Foot, w.Parts("mail.returned_firm.foot"))
	if err := m.fill(&p, l, firm); err != nil {
		return err
	}
	p.message.ReplyTo = ""
	return m.send(ctx, job, p)
}
