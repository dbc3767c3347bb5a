package mailer

import (
	"bytes"
	"encoding/json"
	"html"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
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
