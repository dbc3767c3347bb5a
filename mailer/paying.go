package mailer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

// paying is a payment and what a mail about it tells, as it stands now.
type paying struct {
	payment  paylink.Payment
	link     paylink.Link // it was made through; zero when staff took it
	invoice  paylink.Invoice
	customer paylink.Customer
	firm     paylink.Firm
	balance  paylink.Balance
	now      time.Time
}

func (m *Mailer) paying(ctx context.Context, paymentID string) (p paying, err error) {
	p.now = m.Now()
	if p.payment, err = m.store.Payment(ctx, paymentID); err != nil {
		return p, err
	}
	if p.payment.LinkID != "" {
		if p.link, err = m.store.Link(ctx, p.payment.LinkID); err != nil {
			return p, err
		}
	}
	if p.invoice, err = m.store.Invoice(ctx, p.payment.InvoiceID); err != nil {
		return p, err
	}
	if p.customer, err = m.store.Customer(ctx, p.payment.CustomerID); err != nil {
		return p, err
	}
	if p.firm, err = m.store.Firm(ctx); err != nil {
		return p, err
	}
	p.balance, err = m.store.Balance(ctx, p.invoice.ID)
	return p, err
}

// recipient is the mailbox of whoever paid.
func (p paying) recipient() string {
	if p.link.Recipient != "" {
		return p.link.Recipient
	}
	return p.customer.Email
}

func (p paying) words() catalogue.Words {
	locale := p.payment.Locale
	if locale == "" {
		locale = p.customer.Locale
	}
	return catalogue.For(locale, p.firm.Location(), p.now)
}

func (p paying) amount(minor int64) money.Amount { return money.New(minor, p.invoice.Currency) }

// letter begins a letter to whoever paid.
func (p paying) letter() templates.Letter {
	w := p.words()
	l := newLetter(w, p.firm)
	l.Greeting = w.Parts("mail.greeting.nobody")
	if first := p.customer.FirstName(); first != "" && strings.EqualFold(p.recipient(), p.customer.Email) {
		l.Greeting = w.Parts("mail.greeting", "name", first)
	}
	if p.payment.PaymentIntent != "" {
		l.Foot = append(l.Foot, w.Parts("mail.foot.reference", "reference", p.payment.PaymentIntent))
	}
	return l
}

// stand tells the three numbers, which add up to the total, in their order.
func (p paying) stand(l *templates.Letter) {
	w, b := l.Words, p.balance
	l.Rows = append(l.Rows, l.Row(w.T("mail.row.total"), p.amount(b.Total)))
	if b.Credited != 0 {
		l.Rows = append(l.Rows, l.Row(w.T("mail.row.credited"), p.amount(b.Credited)))
	}
	l.Rows = append(l.Rows, l.Row(w.T("mail.row.paid"), p.amount(b.Paid)), l.Row(w.T("mail.row.way"), p.amount(b.Pending)))
	l.Total = l.Row(w.T("mail.row.due"), p.amount(b.Due()))
	if b.Due() > 0 && p.invoice.Due != "" && w.Days(p.invoice.Due.End(w.Zone())) > 0 {
		l.Total.Label = w.T("mail.row.due.by", "due", p.invoice.Due)
	}
}

// asks says whether something of the invoice can be paid now.
func (p paying) asks() bool { return paylink.PayableOf(p.invoice, p.balance).Why == "" }

// lead puts the button to a link on the letter, if the link still leads anywhere: one that expired leads
// to a page that mails another, one that was withdrawn to nothing.
func (m *Mailer) lead(l *templates.Letter, p paying, link paylink.Link) error {
	if link.ID == "" || !link.RevokedAt.IsZero() {
		return nil
	}
	url, err := link.URL(m.ring, m.BaseURL)
	if err != nil {
		return fmt.Errorf("address of link %s: %w", link.ID, err)
	}
	l.URL, l.Button = url, l.Words.T("mail.button.see", "invoice", p.invoice.Number)
	if p.asks() {
		l.Button = l.Words.T("mail.button.pay", "invoice", p.invoice.Number)
	}
	if link.Usable(p.now) == nil && link.PaidAt.IsZero() { // one that is done with lasts longer than it says
		l.Foot = append(l.Foot, l.Words.Parts("mail.foot.link", "recipient", link.Recipient, "until", link.LastDay()))
	}
	return nil
}

// parcel is a mail of a kind to whoever paid; subject is what it is kept under.
func (m *Mailer) parcel(kind, subject string, p paying) parcel {
	to := p.recipient()
	about := func(why string) map[string]any {
		data := map[string]any{"to": to}
		if why != "" {
			data["why"] = why
		}
		return data
	}
	return parcel{
		kind: kind, subjectID: subject, message: message{To: to, Automatic: true},
		words: catalogue.For(p.firm.Locale, p.firm.Location(), p.now),
		taken: func(ctx context.Context, tx *store.Tx) error {
			return tx.Audit(ctx, "system", "mail."+kind, p.invoice.ID, about(""), m.Now())
		},
		refused: func(ctx context.Context, tx *store.Tx, why string) error {
			t := task{"mail.bounced", p.payment.ID, "task.mail_bounced", map[string]any{
				"invoice": p.invoice.Number, "invoice_id": p.invoice.ID, "payment_id": p.payment.ID, "recipient": to, "why": why,
			}}
			if err := t.open(ctx, tx, m.Now()); err != nil {
				return err
			}
			return tx.Audit(ctx, "system", "mail.bounced", p.invoice.ID, about(why), m.Now())
		},
	}
}

// unpack reads what a job asks for.
func unpack(job store.Job, into any) error {
	if err := json.Unmarshal(job.Payload, into); err != nil {
		return fmt.Errorf("read the job %s: %w", job.Kind, err)
	}
	return nil
}
