package mailer

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

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
