package mailer

import (
	"bytes"
	"encoding/json"
	"html"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
)

// office is a firm with one open invoice of $1,000.00, $200.00 of it paid and $50.00 on its way, and
// a mail server.
type office struct {
	*Mailer
	t         *testing.T
	server    *mailServer
	invoicing *invoicing.Service
	now       time.Time
	log       bytes.Buffer
	customer  paylink.Customer
	invoice   paylink.Invoice
}

var pages = templates.Load()

func northwind() paylink.Firm {
	f := paylink.NewFirm()
	f.Name, f.Address = "Northwind Studio", []string{"Northwind Studio LLC", "1420 SE Water Avenue", "Portland, OR 97214"}
	f.Email, f.Phone, f.TimeZone, f.Descriptor = "billing@northwind.studio", "(503) 555-0142", "America/Los_Angeles", "NORTHWIND STUDIO"
	return f
}

func open(t *testing.T, s *store.Store, change func(*mailServer)) *office {
	t.Helper()
	o := &office{t: t, server: serve(t, change), now: time.Date(2026, 11, 23, 22, 5, 0, 0, time.UTC)}
	ring, _ := paylink.NewKeyRing("test")
	now := func() time.Time { return o.now }
	var err error
	o.Mailer, err = New(s, ring, pages, Options{
		SMTPURL: "smtp://" + o.server.addr, From: "Any name <billing@northwind.example>", BaseURL: "https://pay.northwind.studio",
		Now: now, Log: slog.New(slog.NewJSONHandler(&o.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	o.invoicing = invoicing.New(s, ring, invoicing.Options{BaseURL: o.BaseURL, Now: now})
	o.must(o.invoicing.SaveFirm(t.Context(), "system", northwind()))
	o.customer, err = o.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{
		Name: "Maria Keller", Company: "Keller Studio GmbH", Email: "maria@keller.studio", Locale: "en",
	})
	o.must(err)
	o.invoice, err = o.invoicing.CreateInvoice(t.Context(), "system", paylink.Invoice{
		Number: "INV-1042", CustomerID: o.customer.ID, Title: "Brand refresh, phase 2", Currency: "USD", Due: "2026-11-27",
		Partial: paylink.PartialRules{Allowed: true, Minimum: 5000},
		Lines: []paylink.Line{
			{Description: "Logo and word mark", Quantity: 10_000, UnitAmount: money.New(61000, "USD")},
			{Description: "Colour and type guide", Quantity: 60_000, UnitAmount: money.New(6500, "USD")},
		},
	})
	o.must(err)
	o.payment(paylink.Succeeded, 20000)
	o.payment(paylink.Processing, 5000)
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// payment writes a payment of the invoice; one that succeeded is booked.
func (o *office) payment(status paylink.PaymentStatus, cents int64) paylink.Payment {
	o.t.Helper()
	p := paylink.Payment{
		ID: paylink.NewID("pay", o.now), InvoiceID: o.invoice.ID, CustomerID: o.customer.ID, Nonce: paylink.NewID("non", o.now),
		InvoiceVersion: 1, Method: paylink.MethodCard, Amount: money.New(cents, "USD"), Fee: money.New(0, "USD"),
		Capture: paylink.CaptureAutomatic, Status: status, Locale: "en", CreatedAt: o.now, UpdatedAt: o.now,
	}
	o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertPayment(o.t.Context(), p); err != nil || status != paylink.Succeeded {
			return err
		}
		booked, err := ledger.Settle(ledger.Header{
			ID: paylink.NewID("ltx", o.now), SourceType: "payment", SourceID: p.ID, At: o.now,
		}, ledger.Split{Held: ledger.Stripe("USD"), Invoice: o.invoice.ID, Customer: o.customer.ID, Applied: p.Amount, Fee: p.Fee, Excess: p.Fee})
		if err != nil {
			return err
		}
		_, err = tx.Post(o.t.Context(), booked)
		return err
	}))
	return p
}

// link makes a link whose mail is queued, and gives its job.
func (o *office) link(send invoicing.Send) (paylink.Link, store.Job) {
	o.t.Helper()
	send.Mail = true
	links, err := o.invoicing.SendLinks(o.t.Context(), "staff:test", o.invoice.ID, send)
	o.must(err)
	return links[0], o.job("mail.link", links[0].ID+"/1")
}

func (o *office) job(kind, key string) store.Job {
	o.t.Helper()
	job, err := o.store.Job(o.t.Context(), kind, key)
	o.must(err)
	return job
}

// receipt is that of a payment of $225.00 with a fee, made through a link when one is given.
func (o *office) receipt(link paylink.Link, change func(*paylink.Receipt)) (paylink.Receipt, store.Job) {
	o.t.Helper()
	usd := func(cents int64) money.Amount { return money.New(cents, "USD") }
	p := paylink.Payment{
		ID: paylink.NewID("pay", o.now), InvoiceID: o.invoice.ID, LinkID: link.ID, CustomerID: o.customer.ID, Nonce: paylink.NewID("non", o.now),
		InvoiceVersion: 1, Method: paylink.MethodCard, Amount: usd(22500), Fee: usd(653), Capture: paylink.CaptureAutomatic,
		Status: paylink.Succeeded, Locale: "en", CreatedAt: o.now, UpdatedAt: o.now, SettledAt: o.now,
	}
	r := paylink.Receipt{
		ID: paylink.NewID("rcp", o.now), Revision: 1, Status: paylink.ReceiptPaid, Code: "7KQM-2D9F",
		PaymentID: p.ID, Locale: "en", Firm: northwind(), Host: "pay.northwind.studio", Payer: o.customer.Name, Company: o.customer.Company,
		Email: o.customer.Email, PaidAt: o.now, IssuedAt: o.now, Method: paylink.MethodCard, Card: paylink.Card{Brand: "Visa", Last4: "4242"},
		AuthCode: "048213", Statement: "NORTHWIND STUDIO", Reference: "pi_3QX9kT2eZvKYlo2C", InvoiceID: o.invoice.ID, InvoiceNumber: "INV-1042",
		InvoiceTitle: o.invoice.Title, InvoiceDate: "2026-10-28", Due: "2026-12-18", Total: usd(100000), PaidBefore: usd(20000),
		ThisPayment: usd(22500), Fee: usd(653), OnItsWay: usd(5000), Refunded: usd(0), StillToPay: usd(52500),
	}
	if change != nil {
		change(&r)
	}
	var job store.Job
	o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertPayment(o.t.Context(), p); err != nil {
			return err
		}
		n, err := tx.NextReceipt(o.t.Context(), "R-2026")
		if err != nil {
			return err
		}
		r.Number = paylink.ReceiptNumber(2026, "", n)
		job = receiptJob(r, "")
		return tx.InsertReceipt(o.t.Context(), r)
	}))
	return r, job
}

func receiptJob(r paylink.Receipt, to string) store.Job {
	payload := map[string]any{"receipt_id": r.ID, "revision": r.Revision}
	if to != "" {
		payload["to"] = to
	}
	body, _ := json.Marshal(payload)
	return store.Job{Kind: "mail.receipt", Key: r.ID + "/1/" + to, Payload: body, Attempts: 1}
}

// only is the one mail that the server took.
func (o *office) only() letterOf {
	o.t.Helper()
	mails := o.server.mails()
	if len(mails) != 1 {
		o.t.Fatalf("%d mails were taken, not one", len(mails))
	}
	return read(o.t, mails[0].message)
}

// row is the one mail on record about a subject.
func (o *office) row(subject string) store.Mail {
	o.t.Helper()
	rows, err := o.store.MailsOf(o.t.Context(), subject)
	o.must(err)
	if len(rows) != 1 {
		o.t.Fatalf("%d mails on record, not one", len(rows))
	}
	return rows[0]
}

func (o *office) tasks() map[string]store.Task {
	o.t.Helper()
	list, err := o.store.Tasks(o.t.Context(), true)
	o.must(err)
	byKind := map[string]store.Task{}
	for _, t := range list {
		byKind[t.Kind] = t
	}
	return byKind
}

var tag = regexp.MustCompile(`<[^>]*>`)

// visible is the text of the mail's page.
func visible(page string) string {
	return html.UnescapeString(tag.ReplaceAllString(page[strings.Index(page, "<table"):], ""))
}

// inOrder checks that texts stand in a mail one after the other.
func inOrder(t *testing.T, part, text string, want ...string) {
	t.Helper()
	rest := strings.Join(strings.Fields(text), " ")
	for _, w := range want {
		_, after, found := strings.Cut(rest, w)
		if !found {
			t.Errorf("%s: %q is missing, or stands before what comes before it", part, w)
			return
		}
		rest = after
	}
}

func TestALinkMailSaysWhatIsAskedAndLeadsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, job := o.link(invoicing.Send{Note: "Thank you for the quick start.\nAnna"})
		o.must(o.LinkJob(t.Context(), job))
		l := o.only()
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		if subject, _ := l.head.Subject(); subject != "Invoice INV-1042 from Northwind Studio: $750.00 due November 27" {
			t.Errorf("subject %q", subject)
		}
		if reply, _ := l.head.AddressList("Reply-To"); len(reply) != 1 || reply[0].Address != "billing@northwind.studio" {
			t.Errorf("reply to %v", reply)
		}
		if l.head.Has("List-Unsubscribe") || l.head.Has("Auto-Submitted") {
			t.Error("a link is one person's mail to another")
		}
		said := []string{
			"Hello Maria,", "INV-1042", "Brand refresh, phase 2", "is due on Friday, November 27.", "Thank you for the quick start.", "Anna",
			"$750.00", "still to pay", "Invoice total", "$1,000.00", "Paid", "$200.00", "On its way", "$50.00",
			"See and pay invoice INV-1042", url,
			"You can pay by card, all of it or a part. Opening the page charges nothing; only the Pay button does.",
			"The invoice is attached. Its QR code opens the same page.",
			"This link was made for maria@keller.studio and works until December 28, 2026.",
			"Northwind Studio LLC, 1420 SE Water Avenue, Portland, OR 97214", "(503) 555-0142", "billing@northwind.studio",
		}
		inOrder(t, "text", l.text, said...)
		inOrder(t, "html", visible(l.html), said...)
		if !strings.Contains(l.html, `<a href="`+url+`"`) || strings.Contains(l.html, "ZgotmplZ") {
			t.Error("the button leads nowhere")
		}
		if pdf := l.files["invoice-INV-1042.pdf"]; !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("no invoice attached: %.20q", pdf)
		}
		row := o.row(link.ID)
		if row.State != store.MailSent || row.Attempts != 1 || !row.SentAt.Equal(o.now) || row.Recipient != "maria@keller.studio" {
			t.Errorf("%+v", row)
		}
		stored, err := s.Link(t.Context(), link.ID)
		o.must(err)
		if !stored.SentAt.Equal(o.now) || stored.State(o.now) != paylink.LinkSent {
			t.Errorf("%+v", stored)
		}
		history, err := s.AuditOf(t.Context(), o.invoice.ID, 10)
		o.must(err)
		if !slices.ContainsFunc(history, func(a store.AuditRow) bool { return a.Action == "link.sent" }) {
			t.Errorf("the invoice's history says %+v", history)
		}
		o.must(o.LinkJob(t.Context(), job))
		if len(o.server.mails()) != 1 {
			t.Error("a job that ran again mailed again")
		}
		if token := url[len(o.BaseURL+"/l/"):]; strings.Contains(o.log.String(), token) || strings.Contains(o.log.String(), "maria@") {
			t.Errorf("the log tells too much: %s", o.log.String())
		}
	})
}

func TestALinkMailFitsWhatIsAsked(t *testing.T) {
	s := storetest.SQLite(t)
	o := open(t, s, nil)
	link := paylink.Link{Recipient: "ap@keller.studio", Locale: "en", InvoiceID: o.invoice.ID, ExpiresAt: o.now.Add(paylink.LinkLife)}
	base, err := o.ask(t.Context(), link)
	o.must(err)
	tests := map[string]struct {
		change        func(*asking)
		subject, lead string
		has, lacks    []string
	}{
		"to a colleague": {
			func(a *asking) { a.from = "maria@keller.studio" },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"Hello,\n", "maria@keller.studio sent this invoice on to you."}, []string{"Maria,"},
		},
		"late": {
			func(a *asking) { a.invoice.Due = "2026-11-20" },
			"Invoice INV-1042 from Northwind Studio: $750.00 was due November 20", "Invoice INV-1042 for Brand refresh, phase 2 was due on Friday, November 20.", nil, nil,
		},
		"late, no title": {
			func(a *asking) { a.invoice.Due, a.invoice.Title = "2025-11-20", "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 was due November 20, 2025", "Invoice INV-1042 was due on Thursday, November 20, 2025.", nil, nil,
		},
		"no day": {
			func(a *asking) { a.invoice.Due = "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 to pay", "Here is invoice INV-1042 for Brand refresh, phase 2.", nil, nil,
		},
		"neither day nor title": {
			func(a *asking) { a.invoice.Due, a.invoice.Title = "", "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 to pay", "Here is invoice INV-1042.", nil, nil,
		},
		"no title": {
			func(a *asking) { a.invoice.Title = "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 is due on Friday, November 27.", nil, nil,
		},
		"nothing paid yet": {
			func(a *asking) { a.balance = paylink.Balance{Total: 100000} },
			"Invoice INV-1042 from Northwind Studio: $1,000.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			nil, []string{"Invoice total", "Paid", "On its way"},
		},
		"a credit": {
			func(a *asking) { a.balance.Credited = 10000 },
			"Invoice INV-1042 from Northwind Studio: $650.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"Credited", "$100.00"}, nil,
		},
		"only the whole": {
			func(a *asking) { a.invoice.Partial.Allowed = false },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"You can pay by card. Opening"}, []string{"a part"},
		},
		"all on its way": {
			func(a *asking) { a.balance.Pending = 80000 },
			"Invoice INV-1042 from Northwind Studio: $800.00 is on its way", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"$0.00\nstill to pay", "See invoice INV-1042", "The invoice is attached.\n"}, []string{"You can pay", "See and pay", "QR"},
		},
		"yen, in German": {
			func(a *asking) { a.invoice.Currency, a.link.Locale = "JPY", "de" },
			"Invoice INV-1042 from Northwind Studio: ¥75,000 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.", nil, nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := base
			tt.change(&a)
			l := a.letter("https://x/l/y", true)
			text := l.Text()
			if l.Subject != tt.subject || !strings.Contains(text, tt.lead+"\n") {
				t.Errorf("subject %q\n%s", l.Subject, text)
			}
			for _, want := range tt.has {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing:\n%s", want, text)
				}
			}
			for _, not := range tt.lacks {
				if strings.Contains(text, not) {
					t.Errorf("%q is there:\n%s", not, text)
				}
			}
		})
	}
}

func TestAPreviewIsNoWayToPay(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	p, err := o.Preview(t.Context(), paylink.Link{Recipient: "maria@keller.studio", Locale: "en", InvoiceID: o.invoice.ID, ExpiresAt: o.now.Add(paylink.LinkLife)})
	o.must(err)
	if !strings.Contains(p.Text, "https://pay.northwind.studio/l/…\n") || !strings.Contains(p.HTML, "Hello Maria,") || !strings.HasPrefix(p.Subject, "Invoice INV-1042") {
		t.Errorf("%+v", p)
	}
	if len(o.server.mails()) != 0 {
		t.Error("a preview was sent")
	}
}

func TestALinkIsNotMailedWhenThereIsNoMoreReason(t *testing.T) {
	tests := map[string]struct {
		happens func(o *office, l paylink.Link)
		why     string
	}{
		"withdrawn": {func(o *office, l paylink.Link) { o.must(o.invoicing.RevokeLink(o.t.Context(), "system", l.ID)) }, "link.revoked"},
		"over":      {func(o *office, _ paylink.Link) { o.now = o.now.AddDate(1, 0, 0) }, "link.expired"},
		"paid":      {func(o *office, _ paylink.Link) { o.payment(paylink.Succeeded, 80000) }, "payable.paid"},
		"resent":    {func(o *office, l paylink.Link) { o.must(o.invoicing.ResendLink(o.t.Context(), "system", l.ID)) }, "link.resent"},
		"marked paid": {func(o *office, l paylink.Link) {
			o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error {
				l.PaidAt = o.now
				return tx.UpdateLink(o.t.Context(), l)
			}))
		}, "payable.paid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := open(t, storetest.SQLite(t), nil)
			link, job := o.link(invoicing.Send{})
			tt.happens(o, link)
			o.must(o.LinkJob(t.Context(), job))
			if len(o.server.mails()) != 0 {
				t.Error("it was mailed")
			}
			if row := o.row(link.ID); row.State != store.MailDropped || row.LastError != tt.why || row.Attempts != 0 {
				t.Errorf("%+v", row)
			}
		})
	}
}

func TestAResentLinkIsAnotherMail(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, job := o.link(invoicing.Send{})
	o.must(o.LinkJob(t.Context(), job))
	o.must(o.invoicing.ResendLink(t.Context(), "system", link.ID))
	o.must(o.LinkJob(t.Context(), o.job("mail.link", link.ID+"/2")))
	mails := o.server.mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	if first, second := messageID(t, mails[0]), messageID(t, mails[1]); first == second || !strings.HasSuffix(first, "@northwind.example") {
		t.Errorf("%q and %q", first, second)
	}
}

func messageID(t *testing.T, m taken) string {
	t.Helper()
	l := read(t, m.message)
	id, err := l.head.MessageID()
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	return id
}

// Nothing that others change about a link while its mail is under way may be undone by the note that
// it was sent.
func TestALinkWithdrawnWhileItIsMailedStaysWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, job := o.link(invoicing.Send{})
		o.server.onData = onDataRevoke(o, link.ID)
		o.must(o.LinkJob(t.Context(), job))
		stored, err := s.Link(t.Context(), link.ID)
		o.must(err)
		if stored.RevokedAt.IsZero() || stored.SentAt.IsZero() {
			t.Errorf("%+v", stored)
		}
	})
}

func TestAReceiptMailSaysWhatWasPaid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, _ := o.link(invoicing.Send{})
		receipt, job := o.receipt(link, nil)
		o.must(o.ReceiptJob(t.Context(), job))
		l := o.only()
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		if subject, _ := l.head.Subject(); subject != "Northwind Studio: receipt for $231.53 (INV-1042)" {
			t.Errorf("subject %q", subject)
		}
		if l.head.Get("Auto-Submitted") != "auto-generated" {
			t.Error("an absence note would answer it")
		}
		said := []string{
			"Thank you, Maria.", "$231.53", "received on", "November 23, 2026, 2:05 PM PST, with Visa ending in 4242",
			"Invoice INV-1042, total", "$1,000.00", "Paid before", "$200.00", "This payment", "$225.00", "Card fee, on top", "$6.53",
			"On its way", "$50.00", "Still to pay by December 18", "$525.00", "Open receipt " + receipt.Number,
		}
		inOrder(t, "html", visible(l.html), said...)
		inOrder(t, "text", l.text, append(said, url,
			"The receipt is attached as a PDF. Your card statement will say NORTHWIND STUDIO.",
			"Reference pi_3QX9kT2eZvKYlo2C, authorization code 048213", "Refunds go back to the card that paid, within 10 days.",
			"Northwind Studio LLC, 1420 SE Water Avenue, Portland, OR 97214")...)
		stored, err := s.ReceiptPDF(t.Context(), receipt.ID, 1)
		o.must(err)
		if !bytes.Equal(l.files["receipt-"+receipt.Number+".pdf"], stored) {
			t.Error("what was mailed is not what is stored")
		}
		if row := o.row(receipt.ID); row.State != store.MailSent || row.Kind != "receipt" {
			t.Errorf("%+v", row)
		}
	})
}

func TestAReceiptSentElsewhereHoldsNoLink(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	receipt, _ := o.receipt(link, nil)
	o.must(o.ReceiptJob(t.Context(), receiptJob(receipt, "accountant@other.example")))
	l := o.only()
	if o.server.mails()[0].to != "accountant@other.example" || strings.Contains(l.text, "/l/") || strings.Contains(l.html, "/l/") || strings.Contains(l.html, "Maria") {
		t.Errorf("the payer's link went to somebody else:\n%s", l.text)
	}
	if len(l.files) != 1 {
		t.Error("the receipt is not attached")
	}
}

func TestAReceiptDoesNotLeadToALinkThatEnded(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	receipt, job := o.receipt(link, func(r *paylink.Receipt) { r.Due = "2026-11-01" })
	o.must(o.invoicing.RevokeLink(t.Context(), "system", link.ID))
	o.must(o.ReceiptJob(t.Context(), job))
	l := o.only()
	if strings.Contains(l.html, "/l/") || strings.Contains(l.text, "Open receipt") || strings.Contains(l.text, "pay by") {
		t.Errorf("it leads to a page that has ended, or asks for a day that is over:\n%s", l.text)
	}
	if l.files["receipt-"+receipt.Number+".pdf"] == nil {
		t.Error("the receipt is not attached")
	}
}

func TestAReceiptWithoutALinkOrACard(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	_, job := o.receipt(paylink.Link{}, func(r *paylink.Receipt) {
		r.Method, r.Card, r.AuthCode, r.Due = paylink.MethodBank, paylink.Card{}, "", "2026-11-01"
		r.Fee, r.PaidBefore, r.OnItsWay = money.New(0, "USD"), money.New(0, "USD"), money.New(0, "USD")
		r.Total, r.StillToPay = r.ThisPayment, money.New(0, "USD")
	})
	o.must(o.ReceiptJob(t.Context(), job))
	l := o.only()
	for _, not := range []string{"Visa", "card", "/l/", "Open receipt", "Paid before", "fee", "On its way", "authorization"} {
		if strings.Contains(l.text, not) {
			t.Errorf("%q is there:\n%s", not, l.text)
		}
	}
	inOrder(t, "text", l.text, "received on November 23, 2026, 2:05 PM PST", "This payment", "$225.00", "Still to pay", "$0.00", "The receipt is attached as a PDF.", "Reference pi_3QX9kT2eZvKYlo2C")
}

func TestSendersThatNobodyCouldAnswer(t *testing.T) {
	ring, _ := paylink.NewKeyRing("test")
	for _, from := range []string{"", "northwind", "jürgen@northwind.example", "a@b.example, c@d.example"} {
		if _, err := New(nil, ring, pages, Options{From: from, SMTPURL: "smtp://localhost"}); err == nil {
			t.Errorf("%q was taken", from)
		}
	}
}
