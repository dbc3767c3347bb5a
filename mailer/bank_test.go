package mailer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"paylink"
	"paylink/access"
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

// cameBack has the bank take back a debit that had arrived, with what the books and the receipt say of
// it, and gives the jobs of the mails.
func (o *office) cameBack(link paylink.Link, kind paylink.DisputeKind, reason string) (paylink.Payment, paylink.Receipt, paylink.Link, [2]store.Job) {
	o.t.Helper()
	ctx := o.t.Context()
	receipt, _ := o.receipt(link, func(r *paylink.Receipt) {
		r.Method, r.Card, r.Bank, r.AuthCode = paylink.MethodBank, paylink.Card{}, paylink.Bank{Name: "Chase", Last4: "6789"}, ""
		r.Fee, r.Refunded = money.New(0, "USD"), money.New(1000, "USD") // of the invoice, before
	})
	p, err := o.store.Payment(ctx, receipt.PaymentID)
	o.must(err)
	p.Method, p.ReceiptID, p.ReceiptNumber, p.Fee = paylink.MethodBank, receipt.ID, receipt.Number, money.New(0, "USD")
	p.Bank, p.PaymentIntent = receipt.Bank, "pi_3QX9kT2eZvKYlo2C"
	receipt.Revision, receipt.Status, receipt.StillToPay = 2, paylink.ReceiptReturned, money.New(75000, "USD")
	dispute := paylink.Dispute{
		ID: paylink.NewID("dsp", o.now), PaymentID: p.ID, StripeID: paylink.NewID("du", o.now), Kind: kind, Amount: money.New(22500, "USD"),
		Reason: reason, Status: "lost", Withdrawn: 22500, OpenedAt: o.now, CreatedAt: o.now, UpdatedAt: o.now,
	}
	o.must(o.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.UpdatePayment(ctx, p); err != nil {
			return err
		}
		if err := tx.InsertReceiptRevision(ctx, receipt); err != nil {
			return err
		}
		return tx.PutDispute(ctx, dispute)
	}))
	o.must(o.invoicing.ReopenJob(ctx, bankJob("link.reopen", dispute.ID, map[string]any{
		"payment_id": p.ID, "dispute_id": dispute.ID, "reason": reason, "revision": 2,
	})))
	jobs := [2]store.Job{o.job("mail.returned", dispute.ID+"/2"), o.job("mail.returned_firm", dispute.ID+"/2")}
	var payload struct {
		LinkID string `json:"link_id"`
	}
	o.must(json.Unmarshal(jobs[0].Payload, &payload))
	if payload.LinkID == "" {
		return p, receipt, paylink.Link{}, jobs
	}
	fresh, err := o.store.Link(ctx, payload.LinkID)
	o.must(err)
	return p, receipt, fresh, jobs
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

func TestAReturnedMailSaysWhatHappenedAndHowToPayAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, _ := o.link(invoicing.Send{})
		p, receipt, fresh, jobs := o.cameBack(link, paylink.KindReturn, "insufficient_funds")
		o.must(o.ReturnedJob(t.Context(), jobs[0]))
		o.must(o.ReturnedJob(t.Context(), jobs[0]))
		l := o.only()
		keep(t, l)
		url, err := fresh.URL(o.ring, o.BaseURL)
		o.must(err)
		subjectIs(t, l, "Northwind Studio: your bank returned $225.00 (INV-1042)")
		said := []string{
			"Hello Maria,", "Your bank took back what you had paid for invoice INV-1042. Northwind Studio did not keep the money.",
			"The account did not hold enough money.", "$225.00", "returned by your bank; the amount is open again",
			"Paid", "$200.00", "On its way", "$50.00", "Still to pay by November 27", "$750.00", "See and pay invoice INV-1042",
			"Nothing is tried again by itself.", "Receipt " + receipt.Number + " now says RETURNED",
		}
		inOrder(t, "html", visible(l.html), said...)
		inOrder(t, "text", l.text, said...)
		stored, err := s.ReceiptPDF(t.Context(), receipt.ID, 2)
		o.must(err)
		if !strings.Contains(l.text, url) || !bytes.Equal(l.files["receipt-"+receipt.Number+".pdf"], stored) {
			t.Error("the fresh link or the second revision is not in it")
		}
		if now, err := s.Link(t.Context(), fresh.ID); err != nil || now.State(o.now) != paylink.LinkSent {
			t.Errorf("%+v %v", now, err)
		}
		if row := o.row(p.ID); row.Kind != "returned" || row.State != store.MailSent {
			t.Errorf("%+v", row)
		}
	})
}

func TestADisputeIsTakenBackAndNotReturned(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	_, _, _, jobs := o.cameBack(link, paylink.KindDispute, "product_not_received")
	o.must(o.ReturnedJob(t.Context(), jobs[0]))
	l := o.only()
	keep(t, l)
	subjectIs(t, l, "Northwind Studio: your bank took back $225.00 (INV-1042)")
	inOrder(t, "text", l.text, "The payment was disputed at your bank.")
}

func TestAReturnOfWhatIsCoveredAsksForNothing(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	o.payment(paylink.Succeeded, 80000)
	_, _, fresh, jobs := o.cameBack(link, paylink.KindReturn, "a word that is new")
	if fresh.ID != "" {
		t.Fatal("a link to pay what is paid")
	}
	o.must(o.ReturnedJob(t.Context(), jobs[0]))
	l := o.only()
	keep(t, l)
	inOrder(t, "text", l.text, "$225.00", "returned by your bank", "Still to pay", "$0.00", "There is nothing to do now.")
	for _, not := range []string{"/l/", "open again", "a word", "mail."} {
		if strings.Contains(strings.ReplaceAll(l.text, "mail.\n", ""), not) {
			t.Errorf("%q is there:\n%s", not, l.text)
		}
	}
}

func TestWhatWasGivenBackSinceIsNotTold(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	p, _, _, jobs := o.cameBack(link, paylink.KindDispute, "fraudulent")
	list, err := o.store.DisputesOf(t.Context(), p.ID)
	o.must(err)
	list[0].Status, list[0].Withdrawn = "won", 0
	o.must(o.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutDispute(t.Context(), list[0]) }))
	o.must(o.ReturnedJob(t.Context(), jobs[0]))
	o.must(o.ReturnedFirmJob(t.Context(), jobs[1]))
	rows, err := o.store.MailsOf(t.Context(), p.ID)
	o.must(err)
	if len(rows) != 2 || rows[0].LastError != "dispute.won" || rows[1].LastError != "dispute.won" || len(o.server.mails()) != 0 {
		t.Errorf("%+v", rows)
	}
}

func TestTheFirmIsToldOfAReturn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, _ := o.link(invoicing.Send{})
		p, _, fresh, jobs := o.cameBack(link, paylink.KindReturn, "bank_cannot_process")
		o.must(o.ReturnedFirmJob(t.Context(), jobs[1]))
		l := o.only()
		keep(t, l)
		if to := o.server.mails()[0].to; to != "billing@northwind.studio" {
			t.Errorf("to %s", to)
		}
		subjectIs(t, l, "$225.00 from Maria Keller came back (INV-1042)")
		said := []string{
			"The bank took back $225.00 that Maria Keller (maria@keller.studio) had paid for invoice INV-1042.", "The bank could not process the debit.",
			"$225.00", "came back", "Still to pay", "$750.00", "Open the payment",
			"The invoice is open again; $750.00 is still to pay. maria@keller.studio was told and got a new link.",
		}
		inOrder(t, "html", visible(l.html), said...)
		inOrder(t, "text", l.text, said...)
		url, err := fresh.URL(o.ring, o.BaseURL)
		o.must(err)
		if !strings.Contains(l.text, o.BaseURL+"/desk/payments/"+p.ID) || strings.Contains(l.text+l.html, url) {
			t.Error("it does not lead to the desk, or it holds the payer's link")
		}
	})
}

func TestAFirmWithoutAnAddressIsToldAtTheDesk(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	firm := northwind()
	firm.Email = ""
	o.must(o.invoicing.SaveFirm(t.Context(), "system", firm))
	link, _ := o.link(invoicing.Send{})
	p, _, _, jobs := o.cameBack(link, paylink.KindReturn, "insufficient_funds")
	o.must(o.ReturnedFirmJob(t.Context(), jobs[1]))
	if task := o.tasks()["mail.firm_address"]; task.Subject != p.ID || !bytes.Contains(task.Args, []byte("INV-1042")) {
		t.Errorf("%+v", o.tasks())
	}
	if row := o.row(p.ID); row.State != store.MailDropped || len(o.server.mails()) != 0 {
		t.Errorf("%+v", row)
	}
}

func TestFault_E05_BankMailsThatBounce(t *testing.T) {
	no := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, func(m *mailServer) { m.onRcpt = func(string) error { return no } })
		link, _ := o.link(invoicing.Send{})
		p := o.debit(link, paylink.Processing, nil)
		o.must(o.OnWayJob(t.Context(), bankJob("mail.onway", p.ID, map[string]any{"payment_id": p.ID})))
		if task := o.tasks()["mail.bounced"]; task.Subject != p.ID || o.row(p.ID).State != store.MailBounced {
			t.Errorf("on its way: %+v", o.tasks())
		}
		_, _, fresh, jobs := o.cameBack(link, paylink.KindReturn, "insufficient_funds")
		o.must(o.ReturnedJob(t.Context(), jobs[0]))
		o.must(o.ReturnedFirmJob(t.Context(), jobs[1]))
		tasks := o.tasks()
		if tasks["link.bounced"].Subject != fresh.ID || tasks["mail.firm"].Subject != "firm" {
			t.Errorf("returned: %+v", tasks)
		}
		if now, err := s.Link(t.Context(), fresh.ID); err != nil || now.State(o.now) != paylink.LinkBounced {
			t.Errorf("%+v %v", now, err)
		}
	})
}

// revision makes the next revision of a receipt and gives the job of its mail.
func (o *office) revision(r *paylink.Receipt, status paylink.ReceiptStatus, refunded int64) store.Job {
	o.t.Helper()
	r.Revision, r.Status, r.Refunded = r.Revision+1, status, money.New(refunded, "USD")
	o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error { return tx.InsertReceiptRevision(o.t.Context(), *r) }))
	return bankJob("mail.receipt", fmt.Sprint(r.ID, "/", r.Revision), map[string]any{"receipt_id": r.ID, "revision": r.Revision})
}

func TestARevisedReceiptIsMailedAsTheRefundItIs(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	r, _ := o.receipt(link, func(r *paylink.Receipt) { r.Refunded = money.New(700, "USD") }) // of another payment
	tests := []struct {
		name, subject string
		status        paylink.ReceiptStatus
		refunded      int64
		said          []string
	}{
		{"a part", "Northwind Studio: refund of $100.00 (INV-1042)", paylink.ReceiptPartlyRefunded, 10000, []string{
			"Hello Maria,", "Northwind Studio sent $100.00 back to you.", "$100.00", "on its way back to your Visa ending in 4242",
			"This payment", "$225.00", "Refunded", "$100.00", "It is usually there within 10 days.", "revision 2, is attached",
		}},
		{"the rest", "Northwind Studio: refund of $131.53 (INV-1042)", paylink.ReceiptRefunded, 23153, []string{"$131.53", "Refunded", "$231.53", "revision 3"}},
		{"failed", "Northwind Studio: the refund of $131.53 did not go through (INV-1042)", paylink.ReceiptPartlyRefunded, 10000, []string{
			"Your bank did not take the refund of $131.53", "still holds the money", "was to go back to you", "Refunded", "$100.00",
		}},
		{"returned", "Northwind Studio: your bank returned $231.53 (INV-1042)", paylink.ReceiptReturned, 10000, []string{"says that the payment was returned by the bank"}},
	}
	for n, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o.must(o.ReceiptJob(t.Context(), o.revision(&r, tt.status, tt.refunded)))
			mails := o.server.mails()
			if len(mails) != n+1 {
				t.Fatal("not mailed")
			}
			l := read(t, mails[n].message)
			keep(t, l)
			subjectIs(t, l, tt.subject)
			inOrder(t, "html", visible(l.html), tt.said...)
			inOrder(t, "text", l.text, tt.said...)
			stored, err := o.store.ReceiptPDF(t.Context(), r.ID, r.Revision)
			o.must(err)
			if !bytes.Equal(l.files["receipt-"+r.Number+".pdf"], stored) || strings.Contains(l.text, "Thank you") {
				t.Error("this revision is not attached, or a refund is thanked for")
			}
		})
	}
}

// code asks for a code and gives it with the job of its mail.
func (o *office) code(link paylink.Link) (paylink.Code, string, store.Job) {
	o.t.Helper()
	_, err := access.New(o.store, o.ring, o.Now).SendCode(o.t.Context(), o.customer.ID, link.ID, "192.0.2.1")
	o.must(err)
	codes, err := o.store.CodesOf(o.t.Context(), o.customer.ID, o.now.Add(-1))
	o.must(err)
	digits, err := codes[0].Digits(o.ring)
	o.must(err)
	return codes[0], digits, o.job("mail.code", codes[0].ID)
}

func TestACodeMailHoldsTheCodeAndNoLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		firm := northwind()
		firm.LegalURL, firm.PrivacyURL = "https://northwind.studio/legal", "https://northwind.studio/privacy"
		o.must(o.invoicing.SaveFirm(t.Context(), "system", firm))
		link, _ := o.link(invoicing.Send{To: []string{"ap@keller.studio"}})
		code, digits, job := o.code(link)
		o.must(o.CodeJob(t.Context(), job))
		l := o.only()
		keep(t, l)
		spaced := digits[:3] + " " + digits[3:]
		subjectIs(t, l, spaced+" is your code for Northwind Studio")
		inOrder(t, "text", l.text, spaced, "It works for 10 minutes. If you did not ask for it, do nothing.", "Northwind Studio LLC")
		inOrder(t, "html", visible(l.html), spaced, "It works for 10 minutes.")
		if strings.Contains(l.html, `href="http`) || strings.Contains(l.text, "http") {
			t.Error("there is a link in it")
		}
		if to := o.server.mails()[0].to; to != "maria@keller.studio" {
			t.Errorf("it went to %s, not to the customer", to)
		}
		if row := o.row(code.ID); row.State != store.MailSent || strings.Contains(row.MessageID, digits) {
			t.Errorf("%+v", row)
		}
		if now, err := s.Code(t.Context(), code.ID); err != nil || now.Sealed != "" || strings.Contains(o.log.String(), digits) {
			t.Errorf("the code is kept: %+v %v", now, err)
		}
		o.must(o.CodeJob(t.Context(), job))
		if len(o.server.mails()) != 1 {
			t.Error("mailed twice")
		}
	})
}

func TestACodeThatEndedIsNotMailed(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	first, _, job := o.code(link)
	o.now = o.now.Add(1e9)
	second, _, later := o.code(link)
	o.must(o.CodeJob(t.Context(), job))
	o.now = o.now.Add(access.CodeLife)
	o.must(o.CodeJob(t.Context(), later))
	for _, id := range []string{first.ID, second.ID} {
		if row := o.row(id); row.State != store.MailDropped || row.LastError != "code.ended" {
			t.Errorf("%+v", row)
		}
	}
	if len(o.server.mails()) != 0 {
		t.Error("mailed all the same")
	}
}

// A mail server may quote the mail that it refuses; the code is in its subject.
func TestACodeIsNotKeptWithTheWordsOfAMailServer(t *testing.T) {
	var quote string
	code := 451
	o := open(t, storetest.SQLite(t), func(m *mailServer) {
		m.onData = func(*smtp.Conn, []byte) error {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "spam: " + quote}
		}
	})
	link, _ := o.link(invoicing.Send{})
	kept, digits, job := o.code(link)
	quote = digits + ", " + digits[:3] + " " + digits[3:] + " is your code"
	if err := o.CodeJob(t.Context(), job); err == nil || strings.Contains(err.Error(), digits) {
		t.Errorf("refused for now: %v", err)
	}
	for _, want := range []store.MailState{store.MailDeferred, store.MailBounced} {
		row := o.row(kept.ID)
		if row.State != want || strings.Contains(row.LastError, digits) || strings.Contains(row.LastError, digits[3:]) || !strings.Contains(row.LastError, "[code]") {
			t.Errorf("%+v", row)
		}
		if want == store.MailDeferred {
			code = 550
			o.must(o.CodeJob(t.Context(), job))
		}
	}
	if task := o.tasks()["code.bounced"]; task.Subject != o.customer.ID || bytes.Contains(task.Args, []byte(digits)) {
		t.Errorf("%s", task.Args)
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
