package mailer

import (
	"bytes"
	"strings"
	"testing"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

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
		inOrder(t, "text", l.text, append(said, url+"?receipt="+receipt.PaymentID,
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
