package mailer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

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
