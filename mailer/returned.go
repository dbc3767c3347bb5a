package mailer

import (
	"context"
	"fmt"
	"slices"

	"paylink"
	"paylink/catalogue"
	"paylink/store"
	"paylink/templates"
)

// returned is money that a bank took back after it had arrived.
type returned struct {
	paying
	dispute paylink.Dispute
	fresh   paylink.Link    // made for whoever paid; zero when there is nothing to pay again
	receipt paylink.Receipt // the revision that says so; zero when there never was one
}

func (m *Mailer) returned(ctx context.Context, job store.Job) (r returned, err error) {
	var want struct {
		PaymentID string `json:"payment_id"`
		DisputeID string `json:"dispute_id"`
		LinkID    string `json:"link_id"`
		Revision  int    `json:"revision"`
	}
	if err := unpack(job, &want); err != nil {
		return r, err
	}
	if r.paying, err = m.paying(ctx, want.PaymentID); err != nil {
		return r, err
	}
	disputes, err := m.store.DisputesOf(ctx, want.PaymentID)
	if err != nil {
		return r, err
	}
	n := slices.IndexFunc(disputes, func(d paylink.Dispute) bool { return d.ID == want.DisputeID })
	if n < 0 {
		return r, fmt.Errorf("read the job %s: payment %s has no dispute %q", job.Kind, want.PaymentID, want.DisputeID)
	}
	if r.dispute = disputes[n]; r.dispute.Withdrawn > 0 { // a dispute may take less, or more, than it is about
		r.dispute.Amount.Minor = r.dispute.Withdrawn
	}
	if want.LinkID != "" {
		if r.fresh, err = m.store.Link(ctx, want.LinkID); err != nil {
			return r, err
		}
	}
	if r.payment.ReceiptID != "" {
		r.receipt, err = m.store.Receipt(ctx, r.payment.ReceiptID, want.Revision)
	}
	return r, err
}

// ReturnedJob tells a payer that the bank took the money back and how to pay again: the job
// mail.returned, {"payment_id", "dispute_id", "link_id", "revision"}.
func (m *Mailer) ReturnedJob(ctx context.Context, job store.Job) error {
	r, err := m.returned(ctx, job)
	if err != nil {
		return err
	}
	p := m.parcel("returned", r.payment.ID, r.paying)
	if r.given() {
		p.drop = "dispute.won"
		return m.send(ctx, job, p)
	}
	if r.fresh.ID != "" { // this mail is the link's
		told := p.taken
		p.message.To = r.fresh.Recipient
		p.taken = func(ctx context.Context, tx *store.Tx) error {
			if err := m.linkTaken(ctx, tx, r.fresh.ID); err != nil {
				return err
			}
			return told(ctx, tx)
		}
		p.refused = func(ctx context.Context, tx *store.Tx, why string) error {
			return m.linkRefused(ctx, tx, asking{link: r.fresh, invoice: r.invoice}, why)
		}
	}
	attached := false
	if r.receipt.ID != "" {
		pdf, drawn, err := m.receiptPDF(ctx, r.receipt)
		if err != nil {
			return err
		}
		if attached = drawn; drawn {
			p.message.Files = []file{{fileName("receipt", r.receipt.Number), "application/pdf", pdf}}
		} else {
			p.tasks = append(p.tasks, task{"receipt.pdf", r.receipt.ID, "task.receipt_pdf", map[string]any{"receipt": r.receipt.Number}})
		}
	}
	l := r.letter(attached)
	if err := m.lead(&l, r.paying, r.fresh); err != nil {
		return err
	}
	if err := m.fill(&p, l, r.firm); err != nil {
		return err
	}
	return m.send(ctx, job, p)
}

func (r returned) letter(attached bool) templates.Letter {
	l := r.paying.letter()
	w, asks := l.Words, r.asks() && r.fresh.ID != ""
	about := []any{"firm", r.firm.Name, "amount", r.dispute.Amount, "invoice", r.invoice.Number}
	l.Subject = w.T("mail.returned.subject", about...)
	if r.dispute.Kind == paylink.KindDispute {
		l.Subject = w.T("mail.returned.subject.dispute", about...)
	}
	l.Lead = sentences(w.Parts("mail.returned.lead", about...), r.why(w, "mail.returned.reason."))
	l.Amount, l.Says = w.Amount(r.dispute.Amount), w.Parts("mail.returned.says.paid")
	again := "mail.returned.again.none"
	if asks {
		l.Says, again = w.Parts("mail.returned.says"), "mail.returned.again"
	}
	r.stand(&l)
	l.Body = append(l.Body, w.Parts(again))
	switch {
	case r.receipt.ID == "":
	case attached:
		l.Body = append(l.Body, w.Parts("mail.returned.receipt", "receipt", r.receipt.Number))
	default:
		l.Body = append(l.Body, w.Parts("mail.returned.receipt.plain", "receipt", r.receipt.Number))
	}
	return l
}

// given says whether the money was given back since: then there is nothing to tell any more.
func (r returned) given() bool { return r.dispute.Withdrawn == 0 }

// why is the bank's reason as a sentence, where there is one: of a return there often is none.
func (r returned) why(w catalogue.Words, keys string) []catalogue.Part {
	if r.dispute.Kind == paylink.KindDispute {
		return reason(w, keys, r.dispute.Reason, "dispute", "reason", r.dispute.Reason)
	}
	return reason(w, keys, r.dispute.Reason, "")
}

// ReturnedFirmJob tells the firm's contact address that money was taken back: the job
// mail.returned_firm, with what mail.returned carries.
func (m *Mailer) ReturnedFirmJob(ctx context.Context, job store.Job) error {
	r, err := m.returned(ctx, job)
	if err != nil {
		return err
	}
	to := r.firm.Email
	w := catalogue.For(r.firm.Locale, r.firm.Location(), r.now)
	p := m.toFirm("returned_firm", r.payment.ID, to, w)
	switch {
	case r.given():
		p.drop = "dispute.won"
		return m.send(ctx, job, p)
	case to == "":
		p.drop = "firm.email"
		t := task{"mail.firm_address", r.payment.ID, "task.firm_address", map[string]any{
			"amount": r.dispute.Amount, "invoice": r.invoice.Number, "payment_id": r.payment.ID,
		}}
		if err := m.store.Update(ctx, func(tx *store.Tx) error { return t.open(ctx, tx, m.Now()) }); err != nil {
			return err
		}
		return m.send(ctx, job, p)
	}
	if err := m.fill(&p, r.office(w, m.BaseURL), r.firm); err != nil {
		return err
	}
	p.message.ReplyTo = ""
	return m.send(ctx, job, p)
}

// toFirm is a mail to the firm's own contact address.
func (m *Mailer) toFirm(kind, subjectID, to string, w catalogue.Words) parcel {
	return parcel{
		kind: kind, subjectID: subjectID, message: message{To: to, Automatic: true}, words: w,
		taken: func(context.Context, *store.Tx) error { return nil },
		refused: func(ctx context.Context, tx *store.Tx, why string) error {
			return task{"mail.firm", "firm", "task.firm_mail", map[string]any{"recipient": to, "why": why}}.open(ctx, tx, m.Now())
		},
	}
}

// office says to the firm who paid, what came back and why, and where to look.
func (r returned) office(w catalogue.Words, base string) templates.Letter {
	l := newLetter(w, r.firm)
	about := []any{"amount", r.dispute.Amount, "customer", r.customer.Name, "email", r.recipient(), "invoice", r.invoice.Number}
	l.Subject = w.T("mail.returned_firm.subject", about...)
	l.Lead = sentences(w.Parts("mail.returned_firm.lead", about...), r.why(w, "mail.returned_firm.reason."))
	l.Amount, l.Says = w.Amount(r.dispute.Amount), w.Parts("mail.returned_firm.says")
	r.stand(&l)
	l.URL, l.Button = base+"/desk/payments/"+r.payment.ID, w.T("mail.returned_firm.button")
	then := "mail.returned_firm.told"
	if r.fresh.ID != "" {
		then = "mail.returned_firm.open"
	}
	l.Body = append(l.Body, w.Parts(then, "due", r.amount(r.balance.Due()), "recipient", r.recipient()))
	l.Foot = append(l.Foot, w.Parts("mail.returned_firm.foot"))
	return l
}
