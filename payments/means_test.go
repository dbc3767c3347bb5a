package payments_test

import (
	"maps"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
)

// A forwarded link is a colleague's: what they pay by is never kept for the customer.
func TestForwardedLinkKeepsNothingForItsCustomer(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.forward()
		card := d.press("n1", 10000, d.card("pm_card_visa"))
		card.Save = consent("Keep this card.")
		if p := d.begin(card, paylink.Succeeded); p.SaveConsent.Text != "" {
			t.Errorf("the card is kept: %+v", p.SaveConsent)
		}
		m := d.linked(goodAccount)
		debit := d.debitPress("n2", 10000, m)
		debit.Save = consent("Keep it.")
		if p := d.begin(debit, paylink.Processing); p.SaveConsent.Text != "" || !d.method(m.ID).SavedAt.IsZero() {
			t.Errorf("the account is kept: %+v", p.SaveConsent)
		}
		if list, err := d.payments.Methods(t.Context(), m.CustomerID, "", true); err != nil || len(list) != 0 {
			t.Errorf("the customer has %+v %v", list, err)
		}
	})
}

// Stripe keeps for later what the payer agreed to, once, and nothing else.
func TestStripeKeepsForLaterWhatThePayerAgreedToOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var last atomic.Pointer[url.Values] // what a PaymentIntent was made with
		d.between("/v1/payment_intents", func(form url.Values) { form = maps.Clone(form); last.Store(&form) })
		m := d.linked(goodAccount)
		want := func(_ paylink.Payment, kind, futureUse string) {
			t.Helper()
			made := *last.Load()
			if types, use := made["payment_method_types[0]"], made.Get("setup_future_usage"); !slices.Equal(types, []string{kind}) || made.Has("payment_method_types[1]") || use != futureUse {
				t.Errorf("made with %q, want %s and %q", made, kind, futureUse)
			}
		}
		want(d.begin(d.debitPress("n1", 10000, m), paylink.Processing), "us_bank_account", "")
		save := d.debitPress("n2", 10000, m)
		save.Save = consent("Keep it.")
		want(d.begin(save, paylink.Processing), "us_bank_account", "off_session")
		kept := d.method(m.ID)
		again := d.debitPress("n3", 10000, m)
		again.Save = consent("Another text.")
		p := d.begin(again, paylink.Processing)
		want(p, "us_bank_account", "")
		if p.SaveConsent.Text != "" || d.method(m.ID) != kept {
			t.Errorf("agreed to again: %+v", p.SaveConsent)
		}
		card := d.savedCard("n4", "pm_card_visa")
		want(d.begin(d.pressSaved("n5", card), paylink.Succeeded), "card", "")
		want(d.begin(d.keeping("n7", 10000, "pm_card_visa"), paylink.Succeeded), "card", "off_session")
		want(d.pay("n6", 10000, d.card("pm_card_visa"), paylink.Succeeded), "card", "")
	})
}

func TestAccountsPayInDollarsAndSavedCardsInAnyCurrency(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m, card := d.linked(goodAccount), d.savedCard("n1", "pm_card_visa")
		one, _ := money.ParseQuantity("1")
		invoice, err := d.invoicing.CreateInvoice(t.Context(), "system", paylink.Invoice{
			CustomerID: d.invoice.CustomerID, Currency: "EUR", Title: "Brand refresh",
			Lines: []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(50000, "EUR")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		links, err := d.invoicing.SendLinks(t.Context(), "system", invoice.ID, invoicing.Send{})
		if err != nil {
			t.Fatal(err)
		}
		d.invoice, d.link = invoice, links[0]
		in := func(press payments.Press) payments.Press { press.Amount = money.New(50000, "EUR"); return press }
		d.wantRefused(in(d.debitPress("n2", 0, m)), "method", "method.currency")
		d.wantBalance(0, 0, 50000)
		d.begin(in(d.pressSaved("n3", card)), paylink.Succeeded)
	})
}

// https://docs.stripe.com/get-started/account/statement-descriptors
func TestStatementShowsTheInvoiceAsFarAsItCan(t *testing.T) {
	for number, want := range map[string]string{
		"INV-042":       "INV-042",
		"inv-az":        "INV-AZ",
		"AZ09 1":        "AZ09 1",
		"N`1{2@3[4/5:6": "N123456",
		"Nº<1>*'\"\\2":  "N12",
		"ABCDEF-123456": "DEF-123456",
		"2026-0042":     "NO026-0042",
		"0042":          "NO0042",
		"A":             "A",
		"Z":             "Z",
		"[1":            "NO1",
		"№":             "",
		"":              "",
	} {
		if got := payments.StatementSuffix(number); got != want {
			t.Errorf("%q is %q, want %q", number, got, want)
		}
	}
}
