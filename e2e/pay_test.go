package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"paylink/e2e/browser"
)

// A customer opens the link on a phone, pays a part by card, and gets a receipt on the page and by mail; the card's
// digits go to Stripe's frame and nowhere else, and every page on the way is whole.
func TestCustomerPaysAPartByCard(t *testing.T) {
	d, b := demo(t)
	var before invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &before)

	tab := b.Tab(t, browser.Options{})
	tab.Open(d.PayURL)
	if strings.Contains(tab.URL(), path(d.PayURL)) {
		t.Error("the secret of the link stays in the address")
	}
	tab.Click("[data-other]")
	tab.Fill("#other input", "50.00")
	tab.Press("\t")
	tab.See("Pay $50.00")
	fillCard(tab, visa)
	tab.Everywhere("filled")
	tab.Click("#press")

	tab.See("$50.00 is paid")
	tab.Everywhere("paid")
	receipt := tab.Attribute(".receipt iframe", "src")
	pdf := browser.Eval[string](&tab.Frame, fmt.Sprintf("fetch(%q).then(r => r.text()).then(s => s.slice(0, 5))", receipt))
	if pdf != "%PDF-" {
		t.Errorf("the receipt begins with %q", pdf)
	}
	tab.NeverSent(d.BaseURL, visa)

	m := awaitMail(t, d.SandboxURL, "maria@keller.example", "eceipt")
	if len(m.Attachments) != 1 || !bytes.HasPrefix(get(t, m.Attachments[0].URL), []byte("%PDF-")) {
		t.Errorf("the receipt's mail carries %+v", m.Attachments)
	}

	var after invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &after)
	if after.Paid != before.Paid+5000 || after.Due != before.Due-5000 || after.Pending != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := moved(t, d.SandboxURL, d.InvoiceID); got != after.Paid {
		t.Errorf("Stripe moved %d, the invoice says %d", got, after.Paid)
	}
}

func TestDeclinedCardChargesNothingAndSaysWhy(t *testing.T) {
	d, b := demo(t)
	var before, after invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &before)
	tab := b.Tab(t, browser.Options{Dark: true})
	tab.Open(d.PayURL)
	fillCard(tab, noFunds)
	tab.Click("#press")
	tab.See("You were not charged.")
	tab.See("insufficient funds")
	tab.Everywhere("declined")
	tab.NeverSent(d.BaseURL, noFunds)
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &after)
	if after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}

	// And the way on leads to a payment.
	tab.Click("text=Another card")
	tab.Click("text=Continue with a card")
	fillCard(tab, visa)
	tab.Click("#press")
	tab.See("is paid")
}

func TestBankAsksAndIsAnswered(t *testing.T) {
	d, b := demo(t)
	for _, tt := range []struct{ answer, want string }{
		{"#fail", "The bank did not get your confirmation."},
		{"#succeed", "is paid"},
	} {
		tab := b.Tab(t, browser.Options{})
		tab.Open(d.PayURL)
		fillCard(tab, askTheBank)
		tab.Click("#press")
		tab.In("dialog iframe").Click(tt.answer)
		tab.See(tt.want)
		tab.Shot("answered" + strings.TrimPrefix(tt.answer, "#"))
	}
	var after invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &after)
	if after.Due != 0 || moved(t, d.SandboxURL, d.InvoiceID) != after.Total {
		t.Errorf("after %+v, moved %d", after, moved(t, d.SandboxURL, d.InvoiceID))
	}
}

// Two windows of one person, and a person who presses twice, pay once.
func TestTwoWindowsPayOnce(t *testing.T) {
	d, b := demo(t)
	one := b.Tab(t, browser.Options{})
	one.Open(d.PayURL)
	two := one.Another(browser.Options{Width: 1280})
	two.Open(d.PayURL)
	fillCard(one, visa)
	fillCard(two, visa)
	one.Click("#press")
	two.Click("#press")
	one.See("is paid")
	// The second is told of the first: that it is being paid, or that it is paid.
	two.Until("/not finished|is paid|on its way|paid this/.test(document.querySelector('h1').innerText + document.body.innerText)")
	two.Shot("second")
	var after invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &after)
	if got := moved(t, d.SandboxURL, d.InvoiceID); got != after.Total || after.Due != 0 {
		t.Errorf("Stripe moved %d, the invoice says %+v", got, after)
	}
}

// Every page that a customer may meet is whole on every width, light and dark.
func TestPagesFitEverywhere(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{})
	tab.Open(d.PayURL)
	pay := tab.URL()
	atRest(tab)
	tab.Everywhere("pay")
	for name, address := range map[string]string{
		"forward": pay + "/forward", "other": pay + "?other=1", "nolink": d.BaseURL + "/l/" + strings.Repeat("A", 43),
	} {
		tab.Open(address)
		tab.Everywhere(name)
	}
	stranger := b.Tab(t, browser.Options{})
	stranger.Open(pay) // without having come by the link
	stranger.Everywhere("closed")
}

// Without scripts the page says all it can, and how to pay otherwise.
func TestPageWithoutScripts(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{NoScript: true})
	tab.Open(d.PayURL)
	tab.See("(503) 555-0142")
	tab.Click("[data-other]")
	tab.Wait("#other input")
	tab.Fits()
	tab.Shot("pay")
}
