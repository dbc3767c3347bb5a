package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
	"paylink/receipts"
	"paylink/store"
	"paylink/templates"
)

// Preview is a mail as its reader will see it.
type Preview struct{ Subject, HTML, Text string }

// LinkJob sends the mail of a payment link: the job mail.link, {"link_id", "version"}.
func (m *Mailer) LinkJob(ctx context.Context, job store.Job) error {
	var want struct {
		LinkID  string `json:"link_id"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(job.Payload, &want); err != nil {
		return fmt.Errorf("read the job %s: %w", job.Kind, err)
	}
	link, err := m.store.Link(ctx, want.LinkID)
	if err != nil {
		return err
	}
	a, err := m.ask(ctx, link)
	if err != nil {
		return err
	}
	p := parcel{
		kind: "link", subjectID: link.ID, message: message{To: link.Recipient},
		words:   catalogue.For(a.firm.Locale, a.firm.Location(), a.now),
		drop:    a.drop(want.Version),
		taken:   func(ctx context.Context, tx *store.Tx) error { return m.linkTaken(ctx, tx, link.ID) },
		refused: func(ctx context.Context, tx *store.Tx, why string) error { return m.linkRefused(ctx, tx, a, why) },
	}
	if p.drop == "" {
		if err := m.fillLink(ctx, &p, a); err != nil {
			return err
		}
	}
	return m.send(ctx, job, p)
}

// Preview writes the mail of a link that need not exist yet. Its address is not the link's: what is
// previewed is not a way to pay.
func (m *Mailer) Preview(ctx context.Context, link paylink.Link) (Preview, error) {
	a, err := m.ask(ctx, link)
	if err != nil {
		return Preview{}, err
	}
	if a.invoice.State == paylink.StateDraft { // to send it opens it
		a.invoice.State = paylink.StateOpen
	}
	l := a.letter(m.BaseURL+"/l/…", true)
	html, err := m.pages.Letter(l)
	return Preview{Subject: l.Subject, HTML: html, Text: l.Text()}, err
}

// asking is what a link asks for, as it stands now.
type asking struct {
	link     paylink.Link
	from     string // who sent the link on; "" for staff
	invoice  paylink.Invoice
	customer paylink.Customer
	firm     paylink.Firm
	balance  paylink.Balance
	bank     bool // a bank account may pay it
	now      time.Time
}

func (m *Mailer) ask(ctx context.Context, link paylink.Link) (a asking, err error) {
	a = asking{link: link, now: m.Now()}
	if a.invoice, err = m.store.Invoice(ctx, link.InvoiceID); err != nil {
		return a, err
	}
	a.bank = m.Bank && a.invoice.Currency == "USD"
	if a.customer, err = m.store.Customer(ctx, a.invoice.CustomerID); err != nil {
		return a, err
	}
	if a.firm, err = m.store.Firm(ctx); err != nil {
		return a, err
	}
	if link.ForwardedBy != "" {
		first, err := m.store.Link(ctx, link.ForwardedBy)
		if err != nil {
			return a, err
		}
		a.from = first.Recipient
	}
	a.balance, err = m.store.Balance(ctx, a.invoice.ID)
	return a, err
}

// drop says why the mail of a version of the link is not sent any more. A payment under way is no
// reason: it may fail, and then the link is needed.
func (a asking) drop(version int) string {
	if e, ok := errors.AsType[*paylink.Error](a.link.Usable(a.now)); ok {
		return e.Code
	}
	if version < a.link.Version {
		return "link.resent"
	}
	status := a.invoice.Status(a.balance)
	if !a.link.PaidAt.IsZero() {
		status = paylink.InvoicePaid
	}
	switch status {
	case paylink.InvoicePaid, paylink.InvoiceVoid, paylink.InvoiceDraft:
		return "payable." + string(status)
	case paylink.InvoiceOpen, paylink.InvoicePartiallyPaid:
	}
	return ""
}

func (m *Mailer) fillLink(ctx context.Context, p *parcel, a asking) error {
	url, err := a.link.URL(m.ring, m.BaseURL)
	if err != nil {
		return fmt.Errorf("address of link %s: %w", a.link.ID, err)
	}
	document := receipts.OfInvoice(a.firm, a.customer, a.invoice, a.balance, url)
	document.Locale = a.link.Locale
	pdf, err := receipts.RenderInvoice(document)
	if err == nil {
		p.message.Files = []file{{fileName("invoice", a.invoice.Number), "application/pdf", pdf}}
	} else { // the mail is worth more than its attachment
		m.Log.Error("draw an invoice", "invoice", a.invoice.ID, "error", err)
		p.tasks = append(p.tasks, task{"invoice.pdf", a.invoice.ID, "task.invoice_pdf", map[string]any{"invoice": a.invoice.Number}})
	}
	return m.fill(p, a.letter(url, err == nil), a.firm)
}

// fill writes the letter into the parcel's message.
func (m *Mailer) fill(p *parcel, l templates.Letter, firm paylink.Firm) error {
	html, err := m.pages.Letter(l)
	if err != nil {
		return err
	}
	p.message.Firm, p.message.ReplyTo = firm.Name, firm.Email
	p.message.Subject, p.message.HTML, p.message.Text = l.Subject, html, l.Text()
	return nil
}

// letter says what the link asks for.
func (a asking) letter(url string, attached bool) templates.Letter {
	w := catalogue.For(a.link.Locale, a.firm.Location(), a.now)
	payable := paylink.PayableOf(a.invoice, a.balance)
	amount := func(minor int64) money.Amount { return money.New(minor, a.invoice.Currency) }
	l := newLetter(w, a.firm)
	l.Subject = a.subject(w, amount)
	l.Greeting = w.Parts("mail.greeting.nobody")
	if first := a.customer.FirstName(); first != "" && strings.EqualFold(a.link.Recipient, a.customer.Email) {
		l.Greeting = w.Parts("mail.greeting", "name", first)
	}
	l.Lead = a.lead(w)
	if a.from != "" {
		l.Note = append(l.Note, w.T("mail.link.forwarded", "from", a.from))
	}
	if a.link.Note != "" {
		l.Note = append(l.Note, strings.Split(strings.ReplaceAll(a.link.Note, "\r\n", "\n"), "\n")...)
	}
	l.Amount, l.Says = w.Amount(amount(payable.Due)), w.Parts("mail.link.says")
	if b := a.balance; b.Credited != 0 || b.Paid != 0 || b.Pending != 0 {
		l.Rows = append(l.Rows, l.Row(w.T("mail.link.row.total"), amount(b.Total)))
		for _, row := range []struct {
			label string
			minor int64
		}{
			{w.T("mail.link.row.credited"), b.Credited},
			{w.T("mail.link.row.paid"), b.Paid},
			{w.T("mail.link.row.way"), b.Pending},
		} {
			if row.minor != 0 {
				l.Rows = append(l.Rows, l.Row(row.label, amount(row.minor)))
			}
		}
	}
	l.URL, l.BareURL = url, w.Parts("mail.link.address")
	l.Button = w.T("mail.link.button", "invoice", a.invoice.Number)
	switch {
	case payable.Why != "":
		l.Button = w.T("mail.link.button.see", "invoice", a.invoice.Number)
	case payable.Whole && a.bank:
		l.Body = append(l.Body, w.Parts("mail.link.pay.whole.bank"))
	case payable.Whole:
		l.Body = append(l.Body, w.Parts("mail.link.pay.whole"))
	case a.bank:
		l.Body = append(l.Body, w.Parts("mail.link.pay.part.bank"))
	default:
		l.Body = append(l.Body, w.Parts("mail.link.pay.part"))
	}
	switch {
	case attached && payable.Due > 0: // the document of an invoice with nothing to pay has no QR code
		l.Body = append(l.Body, w.Parts("mail.link.attached"))
	case attached:
		l.Body = append(l.Body, w.Parts("mail.link.attached.see"))
	}
	l.Foot = append(l.Foot, w.Parts("mail.link.foot", "recipient", a.link.Recipient, "until", a.link.LastDay()))
	return l
}

// late says whether the due day is over.
func (a asking) late() bool { return a.invoice.Overdue(a.balance, a.now, a.firm.Location()) }

func (a asking) subject(w catalogue.Words, amount func(int64) money.Amount) string {
	about := []any{"invoice", a.invoice.Number, "firm", a.firm.Name, "amount", amount(a.balance.Due()), "due", a.invoice.Due}
	switch {
	case a.balance.Due() == 0:
		return w.T("mail.link.subject.way", "invoice", a.invoice.Number, "firm", a.firm.Name, "amount", amount(a.balance.Pending))
	case a.late():
		return w.T("mail.link.subject.late", about...)
	case a.invoice.Due != "":
		return w.T("mail.link.subject.due", about...)
	}
	return w.T("mail.link.subject.open", about...)
}

func (a asking) lead(w catalogue.Words) []catalogue.Part {
	key := map[[2]bool]string{
		{true, true}: "mail.link.lead.title.due", {true, false}: "mail.link.lead.title",
		{false, true}: "mail.link.lead.due", {false, false}: "mail.link.lead",
	}[[2]bool{a.invoice.Title != "", a.invoice.Due != ""}]
	if a.late() {
		key = map[bool]string{true: "mail.link.lead.title.late", false: "mail.link.lead.late"}[a.invoice.Title != ""]
	}
	return w.Parts(key, "invoice", a.invoice.Number, "title", a.invoice.Title, "due", a.invoice.Due)
}

// linkTaken notes that the mail server has the link's mail.
func (m *Mailer) linkTaken(ctx context.Context, tx *store.Tx, id string) error {
	link, err := tx.LockLink(ctx, id)
	if err != nil {
		return err
	}
	link.SentAt, link.BouncedAt, link.Bounce = m.Now(), time.Time{}, ""
	if err := tx.UpdateLink(ctx, link); err != nil {
		return err
	}
	if err := tx.DoneTask(ctx, "link.bounced", id, m.Now()); err != nil {
		return err
	}
	return tx.Audit(ctx, "system", "link.sent", link.InvoiceID, map[string]any{"link": id}, m.Now())
}

// linkRefused notes that the link's mail cannot be delivered, for staff to find another way.
func (m *Mailer) linkRefused(ctx context.Context, tx *store.Tx, a asking, why string) error {
	link, err := tx.LockLink(ctx, a.link.ID)
	if err != nil {
		return err
	}
	link.BouncedAt, link.Bounce = m.Now(), why
	if err := tx.UpdateLink(ctx, link); err != nil {
		return err
	}
	t := task{"link.bounced", link.ID, "task.link_bounced", map[string]any{
		"invoice": a.invoice.Number, "invoice_id": a.invoice.ID, "recipient": link.Recipient, "why": why,
	}}
	if err := t.open(ctx, tx, m.Now()); err != nil {
		return err
	}
	return tx.Audit(ctx, "system", "link.bounced", link.InvoiceID, map[string]any{"link": link.ID, "why": why}, m.Now())
}

// newLetter begins a letter of the firm.
func newLetter(w catalogue.Words, firm paylink.Firm) templates.Letter {
	return templates.Letter{Words: w, Firm: templates.FootOf(firm), Address: strings.Join(firm.Address, ", ")}
}

// fileName names an attachment "invoice-INV-1042.pdf", of letters that no mail program stumbles over.
func fileName(kind, number string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, number)
	return kind + "-" + strings.Trim(safe, "-.") + ".pdf"
}
