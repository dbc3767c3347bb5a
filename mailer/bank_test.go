package mailer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

const permission = "By giving this permission you allow Northwind Studio to debit $225.00 from Chase ••6789 on or after November 23, 2026, for invoice INV-1042.\n\nYour statement will say NORTHWIND STUDIO. You can take this back until the debit is sent, by phone at (503) 555-0142 or by mail to billing@northwind.studio."

// debit is a bank payment of $225.00 through a link, with its permission.
func (o *office) debit(link paylink.Link, status paylink.PaymentStatus, change func(*paylink.Payment)) paylink.Payment {
	o.t.Helper()
	method := paylink.Method{
		ID: paylink.NewID("mth", o.now), CustomerID: o.customer.ID, Kind: paylink.MethodBank, StripeID: paylink.NewID("ba", o.now),
		Bank: paylink.Bank{Name: "Chase", Last4: "6789", Type: "checking"}, CreatedAt: o.now, UpdatedAt: o.now,
	}
	p := paylink.Payment{
		ID: paylink.NewID("pay", o.now), InvoiceID: o.invoice.ID, LinkID: link.ID, CustomerID: o.customer.ID, Nonce: paylink.NewID("non", o.now),
		InvoiceVersion: 1, Method: paylink.MethodBank, Amount: money.New(22500, "USD"), Fee: money.New(0, "USD"), Status: status,
		Capture: paylink.CaptureAutomatic, PaymentIntent: paylink.NewID("pi", o.now), MethodID: method.ID, Bank: method.Bank,
		ExpectedOn: "2026-11-30", Locale: "en", CreatedAt: o.now, UpdatedAt: o.now,
	}
	if change != nil {
		change(&p)
	}
	o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertMethod(o.t.Context(), method); err != nil {
			return err
		}
		if _, err := tx.InsertPayment(o.t.Context(), p); err != nil {
			return err
		}
		return tx.InsertMandate(o.t.Context(), paylink.Mandate{
			ID: paylink.NewID("mnd", o.now), MethodID: method.ID, PaymentID: p.ID, Amount: p.Amount, Last4: "6789", Bank: "Chase",
			Consent: paylink.Consent{Text: permission, Version: "1", At: o.now, IP: "192.0.2.1"}, CreatedAt: o.now,
		})
	}))
	return p
}

func bankJob(kind, key string, payload map[string]any) store.Job {
	body, _ := json.Marshal(payload)
	return store.Job{Kind: kind, Key: key, Payload: body, Attempts: 1}
}

// keep writes a mail to where PAYLINK_MAIL_PAGES says, for eyes.
func keep(t *testing.T, l letterOf) {
	t.Helper()
	dir := os.Getenv("PAYLINK_MAIL_PAGES")
	if dir == "" {
		return
	}
	name := filepath.Join(dir, strings.NewReplacer("/", "_").Replace(t.Name()))
	subject, _ := l.head.Subject()
	if err := os.WriteFile(name+".html", []byte(l.html), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name+".txt", []byte(subject+"\n\n"+l.text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func subjectIs(t *testing.T, l letterOf, want string) {
	t.Helper()
	if subject, _ := l.head.Subject(); subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
}

func TestAnOnTheWayMailIsACopyOfThePermission(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, _ := o.link(invoicing.Send{})
		p := o.debit(link, paylink.Processing, nil)
		job := bankJob("mail.onway", p.ID, map[string]any{"payment_id": p.ID})
		o.must(o.OnWayJob(t.Context(), job))
		o.must(o.OnWayJob(t.Context(), job))
		l := o.only()
		keep(t, l)
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		subjectIs(t, l, "Northwind Studio: $225.00 is on its way (INV-1042)")
		said := []string{
			"Hello Maria,", "This is not yet a receipt.", "$225.00", "on its way from Chase ••6789, usually by Monday, November 30",
			"Invoice total", "$1,000.00", "Paid", "$200.00", "On its way", "$275.00", "Still to pay by November 27", "$525.00",
			"See invoice INV-1042", "If your bank says no, we tell you at once",
			"Your permission, given on November 23, 2026, 2:05 PM PST.",
		}
		said = append(said, strings.Split(permission, "\n\n")...)
		said = append(said, "Reference "+p.PaymentIntent, "(503) 555-0142")
		inOrder(t, "html", visible(l.html), said...)
		inOrder(t, "text", l.text, said...)
		if !strings.Contains(l.html, `href="`+url+`"`) || !strings.Contains(l.text, url) || l.head.Get("Auto-Submitted") != "auto-generated" {
			t.Error("it leads nowhere, or an absence note would answer it")
		}
		if row := o.row(p.ID); row.State != store.MailSent || row.Kind != "onway" || row.Recipient != "maria@keller.studio" {
			t.Errorf("%+v", row)
		}
	})
}

// A mail that is late says what is true when it goes out.
func TestAnOnTheWayMailThatIsLate(t *testing.T) {
	for status, want := range map[paylink.PaymentStatus]string{
		paylink.Failed: "", paylink.Canceled: "", paylink.Succeeded: "Northwind Studio: your permission for $225.00 (INV-1042)",
	} {
		t.Run(string(status), func(t *testing.T) {
			o := open(t, storetest.SQLite(t), nil)
			p := o.debit(paylink.Link{}, status, nil)
			o.must(o.OnWayJob(t.Context(), bankJob("mail.onway", p.ID, map[string]any{"payment_id": p.ID})))
			if want == "" {
				if row := o.row(p.ID); row.State != store.MailDropped || row.LastError != "payment."+string(status) || len(o.server.mails()) != 0 {
					t.Errorf("%+v", row)
				}
				return
			}
			l := o.only()
			keep(t, l)
			subjectIs(t, l, want)
			inOrder(t, "text", l.text, "has arrived", "Your permission", "By giving this permission")
			if strings.Contains(l.text, "not yet a receipt") || strings.Contains(l.text, "/l/") {
				t.Error(l.text)
			}
		})
	}
}

func TestAFailedMailSaysWhyAndLeadsToTheSameLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, _ := o.link(invoicing.Send{})
		p := o.debit(link, paylink.Failed, func(p *paylink.Payment) { p.Reason = "insufficient_funds" })
		job := bankJob("mail.failed", p.ID, map[string]any{"payment_id": p.ID})
		o.must(o.FailedJob(t.Context(), job))
		l := o.only()
		keep(t, l)
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		subjectIs(t, l, "Northwind Studio: your bank said no to $225.00 (INV-1042)")
		said := []string{
			"Hello Maria,", "Nothing was taken.", "The account did not hold enough money.", "$225.00", "was not taken",
			"Paid", "$200.00", "On its way", "$50.00", "Still to pay by November 27", "$750.00", "See and pay invoice INV-1042",
			"Nothing is tried again by itself.",
		}
		inOrder(t, "html", visible(l.html), said...)
		inOrder(t, "text", l.text, said...)
		if !strings.Contains(l.text, url) {
			t.Error("the same link is not in it")
		}
	})
}

func TestEveryReasonOfABankIsASentence(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	o.must(o.invoicing.RevokeLink(t.Context(), "system", link.ID))
	for _, reason := range []paylink.DeclineReason{
		paylink.DeclinedFunds, paylink.DeclinedClosed, paylink.DeclinedNoAccount, paylink.DeclinedUnauthorized, paylink.DeclinedBankLimit,
		paylink.DeclinedBankOther, "", "something new",
	} {
		p := o.debit(link, paylink.Failed, func(p *paylink.Payment) { p.Reason = reason })
		o.must(o.FailedJob(t.Context(), bankJob("mail.failed", p.ID, map[string]any{"payment_id": p.ID})))
		mails := o.server.mails()
		l := read(t, mails[len(mails)-1].message)
		if strings.Contains(l.text, "mail.") || strings.Contains(l.text, "_") && !strings.Contains(l.text, "pi_") || strings.Contains(l.text, "/l/") {
			t.Errorf("%s:\n%s", reason, l.text)
		}
		inOrder(t, "text", l.text, "Nothing was taken.", "Answer this mail")
	}
}

func TestALinkMailOffersABankWhereOneMayPay(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	for _, tt := range []struct {
		bank, whole bool
		want        string
	}{
		{true, false, "You can pay by card or bank account, all of it or a part."},
		{true, true, "You can pay by card or bank account. Opening"},
		{false, false, "You can pay by card, all of it or a part."},
	} {
		o.Bank = tt.bank
		a, err := o.ask(t.Context(), link)
		o.must(err)
		a.invoice.Partial.Allowed = !tt.whole
		inOrder(t, "text", a.letter("https://x", false).Text(), tt.want)
	}
	euro, err := o.invoicing.CreateInvoice(t.Context(), "system", paylink.Invoice{
		CustomerID: o.customer.ID, Currency: "EUR", Lines: []paylink.Line{{Description: "Work", Quantity: 10_000, UnitAmount: money.New(10000, "EUR")}},
	})
	o.must(err)
	o.Bank = true
	a, err := o.ask(t.Context(), paylink.Link{InvoiceID: euro.ID})
	if o.must(err); a.bank {
		t.Error("a bank account is offered for euros")
	}
}
