package invoicing_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
)

// paid makes a payment of an invoice that succeeded, through a link where one is given, books it, and
// marks the links as payments does once nothing is left.
func (d *desk) paid(i paylink.Invoice, link paylink.Link, cents int64) paylink.Payment {
	d.t.Helper()
	ctx := d.t.Context()
	p := paylink.Payment{
		ID: paylink.NewID("pay", d.now), InvoiceID: i.ID, LinkID: link.ID, CustomerID: i.CustomerID, Nonce: paylink.NewID("non", d.now),
		InvoiceVersion: 1, Method: paylink.MethodBank, Amount: money.New(cents, "USD"), Fee: money.New(0, "USD"),
		Capture: paylink.CaptureAutomatic, Status: paylink.Succeeded, Locale: "en", CreatedAt: d.now, UpdatedAt: d.now, SettledAt: d.now,
	}
	d.must(d.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.InsertPayment(ctx, p); err != nil {
			return err
		}
		booked, err := ledger.Settle(ledger.Header{ID: paylink.NewID("ltx", d.now), SourceType: "payment", SourceID: p.ID, At: d.now},
			ledger.Split{Held: ledger.Stripe("USD"), Invoice: i.ID, Customer: i.CustomerID, Applied: p.Amount, Fee: p.Fee, Excess: p.Fee})
		if err != nil {
			return err
		}
		if _, err := tx.Post(ctx, booked); err != nil || cents < i.Total.Minor {
			return err
		}
		links, err := tx.LinksOf(ctx, i.ID)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.RevokedAt.IsZero() {
				l.PaidAt = d.now
				if err := tx.UpdateLink(ctx, l); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	return p
}

// takenBack books that a bank took a payment back, and gives the job that follows.
func (d *desk) takenBack(p paylink.Payment, dispute string) store.Job {
	d.t.Helper()
	ctx := d.t.Context()
	booked, err := ledger.Return(ledger.Header{ID: paylink.NewID("ltx", d.now), SourceType: "dispute", SourceID: dispute, At: d.now},
		ledger.Split{Held: ledger.Stripe("USD"), Invoice: p.InvoiceID, Customer: p.CustomerID, Applied: p.Amount, Fee: p.Fee, Excess: p.Fee})
	d.must(err)
	d.must(d.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Post(ctx, booked)
		return err
	}))
	return reopen(p.ID, dispute)
}

func reopen(payment, dispute string) store.Job {
	body, _ := json.Marshal(map[string]any{"payment_id": payment, "dispute_id": dispute, "reason": "insufficient_funds", "revision": 2})
	return store.Job{Kind: "link.reopen", Key: dispute, Payload: body}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// mailed reads the jobs of the two mails and gives the link that they name.
func (d *desk) mailed(dispute string) string {
	d.t.Helper()
	var link string
	for _, kind := range []string{"mail.returned", "mail.returned_firm"} {
		job, err := d.store.Job(d.t.Context(), kind, dispute+"/2")
		d.must(err)
		var payload struct {
			PaymentID string `json:"payment_id"`
			DisputeID string `json:"dispute_id"`
			LinkID    string `json:"link_id"`
			Revision  int    `json:"revision"`
		}
		d.must(json.Unmarshal(job.Payload, &payload))
		if payload.PaymentID == "" || payload.DisputeID != dispute || payload.Revision != 2 {
			d.t.Errorf("%s %s", kind, job.Payload)
		}
		link = payload.LinkID
	}
	return link
}

func (d *desk) send(i paylink.Invoice, to ...string) paylink.Link {
	d.t.Helper()
	links, err := d.SendLinks(d.t.Context(), staff, i.ID, invoicing.Send{To: to})
	d.must(err)
	return links[0]
}

func (d *desk) again(l paylink.Link) paylink.Link {
	d.t.Helper()
	now, err := d.store.Link(d.t.Context(), l.ID)
	d.must(err)
	return now
}

func TestWhatABankTookBackCanBePaidAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		invoice := d.invoice(nil)
		link := d.send(invoice)
		p := d.paid(invoice, link, 100000)
		d.now = d.now.Add(60 * 24 * time.Hour) // as late as a bank may return; the link had ended, and shows receipts
		if l := d.again(link); l.State(d.now) != paylink.LinkPaid || l.Usable(d.now) != nil || d.now.Before(l.ExpiresAt) {
			t.Fatalf("%+v", l)
		}
		job := d.takenBack(p, "dsp_1")
		d.must(d.ReopenJob(t.Context(), job))
		d.must(d.ReopenJob(t.Context(), job))
		old, id := d.again(link), d.mailed("dsp_1")
		if old.Usable(d.now) != nil || old.State(d.now) == paylink.LinkPaid || old.ExpiresAt.Before(d.now.Add(paylink.LinkLife)) {
			t.Errorf("the old link: %+v", old)
		}
		links, err := d.store.LinksOf(t.Context(), invoice.ID)
		d.must(err)
		if len(links) != 2 || links[0].ID != id || links[0].Recipient != d.maria.Email || links[0].TokenHash == link.TokenHash || links[0].Usable(d.now) != nil {
			t.Errorf("the links: %+v", links)
		}
		if _, err := d.store.Job(t.Context(), "mail.link", id+"/1"); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("the fresh link goes out in a mail of its own too: %v", err)
		}
		b, err := d.store.Balance(t.Context(), invoice.ID)
		d.must(err)
		asked, err := d.store.Invoice(t.Context(), invoice.ID)
		d.must(err)
		if can := paylink.PayableOf(asked, b); can.Why != "" || can.Max != 100000 {
			t.Errorf("%+v", can)
		}
	})
}

func TestAFreshLinkAfterAReturnIsForWhoPaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		invoice := d.invoice(nil)
		link := d.send(invoice)
		d.must(d.Forward(t.Context(), link.ID, "accounts@keller.example", ""))
		links, err := d.store.LinksOf(t.Context(), invoice.ID)
		d.must(err)
		colleague := links[slices.IndexFunc(links, func(l paylink.Link) bool { return l.ForwardedBy != "" })]
		p := d.paid(invoice, colleague, 50000)
		d.must(d.ReopenJob(t.Context(), d.takenBack(p, "dsp_1")))
		fresh, err := d.store.Link(t.Context(), d.mailed("dsp_1"))
		d.must(err)
		if fresh.Recipient != "accounts@keller.example" || fresh.ForwardedBy != link.ID { // it shows no saved methods either
			t.Errorf("%+v", fresh)
		}
		byHand := d.paid(invoice, paylink.Link{}, 10000)
		d.must(d.ReopenJob(t.Context(), d.takenBack(byHand, "dsp_2")))
		fresh, err = d.store.Link(t.Context(), d.mailed("dsp_2"))
		d.must(err)
		if fresh.Recipient != d.maria.Email || fresh.ForwardedBy != "" {
			t.Errorf("%+v", fresh)
		}
	})
}

func TestAReturnMakesNoLinkWhereNothingIsToBePaidOrStaffEndedThem(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		covered := d.invoice(nil)
		link := d.send(covered)
		p := d.paid(covered, link, 60000)
		d.paid(covered, link, 40000)
		d.paid(covered, link, 60000) // by mistake
		withdrawn := d.invoice(nil)
		ended := d.send(withdrawn)
		q := d.paid(withdrawn, ended, 50000)
		d.must(d.RevokeLink(t.Context(), staff, ended.ID))
		jobs := []store.Job{d.takenBack(p, "dsp_covered"), d.takenBack(q, "dsp_withdrawn")}
		for n, dispute := range []string{"dsp_covered", "dsp_withdrawn"} {
			d.must(d.ReopenJob(t.Context(), jobs[n]))
			if id := d.mailed(dispute); id != "" {
				t.Errorf("%s: a link was made", dispute)
			}
		}
		if l := d.again(ended); l.RevokedAt.IsZero() {
			t.Error("a withdrawn link works again")
		}
	})
}

// A link that was replaced is withdrawn, but its recipient was not shut out.
func TestAReplacedLinksRecipientGetsAFreshOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		invoice := d.invoice(nil)
		link := d.send(invoice)
		p := d.paid(invoice, link, 50000)
		_, err := d.ReplaceLink(t.Context(), staff, link.ID)
		d.must(err)
		d.must(d.ReopenJob(t.Context(), d.takenBack(p, "dsp_1")))
		if d.mailed("dsp_1") == "" {
			t.Error("no link was made")
		}
	})
}

func TestALinkThatEndedStaysEndedAfterAReturn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		invoice := d.invoice(nil)
		link := d.send(invoice)
		p := d.paid(invoice, link, 100000)
		d.now = d.now.Add(paylink.ReceiptLife)
		d.must(d.ReopenJob(t.Context(), d.takenBack(p, "dsp_1")))
		if l := d.again(link); l.State(d.now) != paylink.LinkExpired {
			t.Errorf("a token that was dead lives again: %+v", l)
		}
		if d.mailed("dsp_1") == "" {
			t.Error("no fresh link")
		}
	})
}

func TestAReopenJobThatNamesNothingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, payload := range []string{`{}`, `[]`, `{"payment_id":"pay_x","dispute_id":"dsp_x"}`} {
			if err := d.ReopenJob(t.Context(), store.Job{Kind: "link.reopen", Payload: []byte(payload)}); err == nil {
				t.Errorf("%s was taken", payload)
			}
		}
	})
}
