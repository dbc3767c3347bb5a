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
	"paylink/receipts"
	"paylink/store"
	"paylink/templates"
)

// ReceiptJob sends a receipt: the job mail.receipt, {"receipt_id", "revision", "to"?}. Without "to"
// it goes to whoever paid.
func (m *Mailer) ReceiptJob(ctx context.Context, job store.Job) error {
	var want struct {
		ReceiptID string `json:"receipt_id"`
		Revision  int    `json:"revision"`
		To        string `json:"to"`
	}
	if err := json.Unmarshal(job.Payload, &want); err != nil {
		return fmt.Errorf("read the job %s: %w", job.Kind, err)
	}
	receipt, err := m.store.Receipt(ctx, want.ReceiptID, want.Revision)
	if err != nil {
		return err
	}
	to := want.To
	if to == "" {
		to = receipt.Email
	}
	url, err := m.receiptURL(ctx, receipt, to)
	if err != nil {
		return err
	}
	p := parcel{
		kind: "receipt", subjectID: receipt.ID,
		message: message{To: to, Automatic: true},
		words:   catalogue.For(receipt.Firm.Locale, receipt.Firm.Location(), m.Now()),
		taken: func(ctx context.Context, tx *store.Tx) error {
			return tx.Audit(ctx, "system", "receipt.sent", receipt.InvoiceID, map[string]any{"receipt": receipt.Number}, m.Now())
		},
		refused: func(ctx context.Context, tx *store.Tx, why string) error {
			return m.receiptRefused(ctx, tx, receipt, to, why)
		},
	}
	pdf, drawn, err := m.receiptPDF(ctx, receipt)
	if err != nil {
		return err
	}
	if drawn {
		p.message.Files = []file{{fileName("receipt", receipt.Number), "application/pdf", pdf}}
	} else { // the mail is worth more than its attachment
		p.tasks = append(p.tasks, task{"receipt.pdf", receipt.ID, "task.receipt_pdf", map[string]any{"receipt": receipt.Number}})
	}
	letter := receiptLetter(receipt, to, url, drawn, m.Now())
	if receipt.Revision > 1 {
		before, err := m.store.Receipt(ctx, receipt.ID, receipt.Revision-1)
		if err != nil {
			return err
		}
		revise(&letter, receipt, before, to, drawn)
	}
	if err := m.fill(&p, letter, receipt.Firm); err != nil {
		return err
	}
	return m.send(ctx, job, p)
}

// receiptPDF gives the receipt as it is stored, or says that it cannot be drawn.
func (m *Mailer) receiptPDF(ctx context.Context, r paylink.Receipt) (pdf []byte, drawn bool, err error) {
	var broken error
	pdf, err = m.store.PDF(ctx, r.ID, r.Revision, func() ([]byte, error) {
		var made []byte
		made, broken = receipts.Render(receipts.Of(r))
		return made, broken
	})
	if broken != nil {
		m.Log.Error("draw a receipt", "receipt", r.ID, "revision", r.Revision, "error", broken)
		pdf, err = nil, nil
	}
	return pdf, broken == nil, err
}

// receiptURL is where the payer sees the receipt. It is their payment link, which belongs to nobody
// else: a receipt that staff send elsewhere has no address.
func (m *Mailer) receiptURL(ctx context.Context, r paylink.Receipt, to string) (string, error) {
	payment, err := m.store.Payment(ctx, r.PaymentID)
	if err != nil || payment.LinkID == "" {
		return "", err
	}
	link, err := m.store.Link(ctx, payment.LinkID)
	if err != nil {
		return "", err
	}
	if usable := link.Usable(m.Now()) == nil; !usable || !strings.EqualFold(link.Recipient, to) {
		return "", nil
	}
	url, err := link.URL(m.ring, m.BaseURL)
	if err != nil {
		return "", fmt.Errorf("address of link %s: %w", link.ID, err)
	}
	return url, nil
}

// receiptLetter says what was paid, from the frozen receipt alone.
func receiptLetter(r paylink.Receipt, to, url string, attached bool, now time.Time) templates.Letter {
	w := catalogue.For(r.Locale, r.Firm.Location(), now)
	l := newLetter(w, r.Firm)
	l.Subject = w.T("mail.receipt.subject", "firm", r.Firm.Name, "amount", r.Charged(), "invoice", r.InvoiceNumber)
	l.Greeting = w.Parts("mail.receipt.thanks.nobody")
	if first := (paylink.Customer{Name: r.Payer}).FirstName(); first != "" && strings.EqualFold(to, r.Email) {
		l.Greeting = w.Parts("mail.receipt.thanks", "name", first)
	}
	l.Amount = w.Amount(r.Charged())
	l.Says = w.Parts("mail.receipt.says", "at", r.PaidAt)
	switch {
	case r.Card.Last4 != "":
		l.Says = w.Parts("mail.receipt.says.card", "at", r.PaidAt, "brand", r.Card.Brand, "last4", r.Card.Last4)
	case r.Bank.Label() != "":
		l.Says = w.Parts("mail.receipt.says.bank", "at", r.PaidAt, "account", r.Bank.Label())
	}
	l.Rows, l.Total = receiptRows(l, r)
	if url != "" {
		l.URL, l.Button = url+"?receipt="+r.PaymentID, w.T("mail.receipt.button", "number", r.Number)
	}
	card := r.Method == paylink.MethodCard
	switch {
	case attached && card && r.Statement != "":
		l.Body = append(l.Body, w.Parts("mail.receipt.attached.statement", "statement", r.Statement))
	case attached:
		l.Body = append(l.Body, w.Parts("mail.receipt.attached"))
	case card && r.Statement != "":
		l.Body = append(l.Body, w.Parts("mail.receipt.statement", "statement", r.Statement))
	}
	switch {
	case r.AuthCode != "":
		l.Foot = append(l.Foot, w.Parts("mail.receipt.foot.code", "reference", r.Reference, "code", r.AuthCode))
	case r.Reference != "":
		l.Foot = append(l.Foot, w.Parts("mail.receipt.foot", "reference", r.Reference))
	}
	switch { // the mail of a refund says it above
	case r.Revision > 1:
	case r.Method == paylink.MethodCard:
		l.Foot = append(l.Foot, w.Parts("mail.receipt.foot.card"))
	case r.Method == paylink.MethodBank:
		l.Foot = append(l.Foot, w.Parts("mail.receipt.foot.bank"))
	}
	return l
}

// receiptRows are the figures of the receipt; what is zero says nothing and is left out, but for what
// is still to pay.
func receiptRows(l templates.Letter, r paylink.Receipt) (rows []templates.LetterRow, total templates.LetterRow) {
	w := l.Words
	add := func(label string, a money.Amount) {
		if !a.IsZero() {
			rows = append(rows, l.Row(label, a))
		}
	}
	add(w.T("mail.receipt.row.total", "invoice", r.InvoiceNumber), r.Total)
	add(w.T("mail.receipt.row.credited"), r.Credited)
	add(w.T("mail.receipt.row.before"), r.PaidBefore)
	rows = append(rows, l.Row(w.T("mail.receipt.row.this"), r.ThisPayment))
	rows[len(rows)-1].Strong = true
	add(w.T("mail.receipt.row.fee"), r.Fee)
	if r.Revision > 1 {
		add(w.T("mail.receipt.row.refunded"), r.Refunded)
		add(w.T("mail.receipt.row.returned"), r.Returned)
	}
	add(w.T("mail.receipt.row.way"), r.Pending())
	total = l.Row(w.T("mail.receipt.row.due"), r.StillToPay)
	if !r.StillToPay.IsZero() && r.Due != "" && w.Days(r.Due.End(w.Zone())) > 0 {
		total.Label = w.T("mail.receipt.row.due.by", "due", r.Due)
	}
	return rows, total
}

// receiptRefused notes that a receipt cannot be delivered there. It can still be downloaded.
func (m *Mailer) receiptRefused(ctx context.Context, tx *store.Tx, r paylink.Receipt, to, why string) error {
	t := task{"receipt.bounced", r.ID, "task.receipt_bounced", map[string]any{
		"receipt": r.Number, "invoice": r.InvoiceNumber, "invoice_id": r.InvoiceID, "payment_id": r.PaymentID,
		"recipient": to, "why": why,
	}}
	if err := t.open(ctx, tx, m.Now()); err != nil {
		return err
	}
	return tx.Audit(ctx, "system", "receipt.bounced", r.InvoiceID, map[string]any{"receipt": r.Number, "why": why}, m.Now())
}
