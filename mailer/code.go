package mailer

import (
	"context"

	"paylink"
	"paylink/catalogue"
	"paylink/store"
	"paylink/templates"
)

// CodeJob mails the code that proves a mailbox: the job mail.code, {"code_id"}. A code that ended is not
// sent any more.
func (m *Mailer) CodeJob(ctx context.Context, job store.Job) error {
	var want struct {
		CodeID string `json:"code_id"`
	}
	if err := unpack(job, &want); err != nil {
		return err
	}
	code, err := m.store.Code(ctx, want.CodeID)
	if err != nil {
		return err
	}
	link, err := m.store.Link(ctx, code.LinkID)
	if err != nil {
		return err
	}
	firm, err := m.store.Firm(ctx)
	if err != nil {
		return err
	}
	now := m.Now()
	p := parcel{
		kind: "code", subjectID: code.ID, message: message{To: code.Address, Automatic: true},
		words: catalogue.For(firm.Locale, firm.Location(), now),
		taken: func(ctx context.Context, tx *store.Tx) error { return tx.ForgetDigits(ctx, code.ID) },
		refused: func(ctx context.Context, tx *store.Tx, why string) error {
			if err := tx.ForgetDigits(ctx, code.ID); err != nil {
				return err
			}
			return task{"code.bounced", code.CustomerID, "task.code_bounced", map[string]any{
				"recipient": code.Address, "why": why,
			}}.open(ctx, tx, m.Now())
		},
	}
	if code.Ended(now) || code.Sealed == "" {
		p.drop = "code.ended"
		return m.send(ctx, job, p)
	}
	if p.hide, err = code.Digits(m.ring); err != nil {
		return err
	}
	if err := m.fill(&p, codeLetter(catalogue.For(link.Locale, firm.Location(), now), firm, p.hide), firm); err != nil {
		return err
	}
	return m.send(ctx, job, p)
}

// codeLetter holds the code and no way to anywhere: people learn to distrust a code beside a link.
func codeLetter(w catalogue.Words, firm paylink.Firm, digits string) templates.Letter {
	firm.LegalURL, firm.PrivacyURL = "", ""
	l := newLetter(w, firm)
	l.Amount = digits[:3] + " " + digits[3:]
	l.Subject = w.T("mail.code.subject", "code", l.Amount, "firm", firm.Name)
	l.Says = w.Parts("mail.code.lead")
	return l
}
