package payments_test

import (
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/provider/stripe"
)

func (d *desk) receipt(p paylink.Payment) paylink.Receipt {
	d.t.Helper()
	r, err := d.store.ReceiptByPayment(d.t.Context(), p.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// What was captured settled when it was: not when it was held, and not when we heard of it.
func TestHoldSettlesWhenItIsCaptured(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.hold()
		d.later(48 * time.Hour)
		captured := d.clock.Now()
		if _, err := d.adapter().Capture(t.Context(), p.PaymentIntent, "in the Dashboard", p.Charged()); err != nil {
			t.Fatal(err)
		}
		d.later(24 * time.Hour)
		if p = d.applied(p); p.Status != paylink.Succeeded || p.SettledAt.Sub(captured).Abs() > time.Hour {
			t.Errorf("%s, settled at %s, captured at %s", p.Status, p.SettledAt, captured)
		}
	})
}

// What a receipt tells of other payments on their way leaves out the one that it is for, whichever way that came.
func TestReceiptDoesNotCountItsOwnPaymentAsOnItsWay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		paid := map[string]paylink.Payment{"debit": d.settledDebit(20000)}
		unheard := d.rewrite(d.onItsWay(20000, "pm_usBankAccount_success"), func(p *paylink.Payment) { p.Status = paylink.Unknown })
		d.later(96 * time.Hour)
		paid["debit that nobody heard of"] = d.applied(unheard)
		card := d.pay("n1", 20000, d.card("pm_card_threeDSecure2Required"), paylink.RequiresAction)
		card = d.apply(d.report(card, stripe.StatusMoving))
		paid["card"] = d.apply(d.done(card))
		for name, p := range paid {
			if r := d.receipt(p); p.Status != paylink.Succeeded || r.OnItsWay.Minor != 0 || r.BeingPaid.Minor != 0 {
				t.Errorf("%s: on its way %s, being paid %s", name, r.OnItsWay, r.BeingPaid)
			}
		}
		d.wantBalance(60000, 0, 40000)
	})
}

// A row that forgot that it was booked books nothing again.
func TestFault_D08_PaymentWhoseRowForgotIsNotBookedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		forgot := d.rewrite(p, func(p *paylink.Payment) {
			p.Status, p.ReceiptID, p.ReceiptNumber, p.SettledAt = paylink.Unknown, "", "", time.Time{}
		})
		if after, err := d.payments.Apply(t.Context(), d.done(forgot)); err == nil || !strings.Contains(err.Error(), "booked before") {
			t.Errorf("booked again: %+v %v", after, err)
		}
		if now := d.now(p); now.Status != paylink.Unknown || now.ReceiptNumber != "" {
			t.Errorf("%+v", now)
		}
		d.wantBalance(20000, 20000, 60000)
		d.rewrite(p, func(*paylink.Payment) {})
		d.wantReceipts(1)
	})
}

func TestReceiptGoesToWhomItsLinkWasFor(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		links, err := d.invoicing.SendLinks(t.Context(), "system", d.invoice.ID, invoicing.Send{To: []string{"office@keller.example"}})
		if err != nil {
			t.Fatal(err)
		}
		press := d.press("n1", 20000, d.card("pm_card_visa"))
		press.LinkID = links[0].ID
		if r := d.receipt(d.begin(press, paylink.Succeeded)); r.Email != "office@keller.example" {
			t.Errorf("to %s", r.Email)
		}
	})
}

func TestReceiptNamesTheTaxes(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		one, _ := money.ParseQuantity("1")
		invoice, err := d.invoicing.CreateInvoice(t.Context(), "system", paylink.Invoice{
			CustomerID: d.invoice.CustomerID, Currency: "USD", Title: "Print run",
			Lines: []paylink.Line{
				{Description: "Print", Quantity: one, UnitAmount: money.New(10000, "USD")},
				{Description: "Sales tax 8%", Quantity: one, UnitAmount: money.New(800, "USD"), Tax: true},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		links, err := d.invoicing.SendLinks(t.Context(), "system", invoice.ID, invoicing.Send{})
		if err != nil {
			t.Fatal(err)
		}
		d.invoice, d.link = invoice, links[0]
		r := d.receipt(d.pay("n1", 10800, d.card("pm_card_visa"), paylink.Succeeded))
		if len(r.Taxes) != 1 || r.Taxes[0].Description != "Sales tax 8%" {
			t.Errorf("taxes: %+v", r.Taxes)
		}
	})
}

// A link comes to show receipts alone once, when nothing is left to pay; one that was revoked never does.
func TestLinksArePaidWhenTheInvoiceIs(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		links, err := d.invoicing.SendLinks(t.Context(), "system", d.invoice.ID, invoicing.Send{To: []string{"office@keller.example"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.invoicing.RevokeLink(t.Context(), "system", links[0].ID); err != nil {
			t.Fatal(err)
		}
		paidAt := func(id string) time.Time {
			t.Helper()
			link, err := d.store.Link(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return link.PaidAt
		}
		late := d.cutOff(paylink.Canceled, true)
		d.pay("n1", 20000, d.card("pm_card_visa"), paylink.Succeeded)
		if at := paidAt(d.link.ID); !at.IsZero() {
			t.Errorf("a part was paid, and the link says all of it since %s", at)
		}
		d.pay("n2", 80000, d.card("pm_card_visa"), paylink.Succeeded)
		at := paidAt(d.link.ID)
		d.clock.advance(time.Hour)
		d.apply(d.done(late)) // too much
		if at.IsZero() || !paidAt(d.link.ID).Equal(at) {
			t.Errorf("paid at %s, then at %s", at, paidAt(d.link.ID))
		}
		if at := paidAt(links[0].ID); !at.IsZero() {
			t.Errorf("the revoked link is paid at %s", at)
		}
	})
}
