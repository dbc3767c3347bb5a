package e2e

import (
	"regexp"
	"testing"

	"paylink/e2e/browser"
)

// Who has no mouse reads the mail, opens its link and pays, by Tab, digits and Enter alone.
func TestCustomerPaysFromTheMailByKeyboardOnly(t *testing.T) {
	d, b := demo(t)
	link := regexp.MustCompile(regexp.QuoteMeta(d.BaseURL) + `/l/[\w-]{43}`).FindString(awaitMail(t, d.SandboxURL, "maria@keller.example", "INV-1042").Text)
	tab := b.Tab(t, browser.Options{})
	tab.Open(link)
	tab.In("#card iframe").Wait("[autocomplete=cc-number]")
	walk := func(to string) {
		t.Helper()
		for range 60 {
			tab.Press("\t")
			if browser.Eval[bool](&tab.Frame, "!!document.activeElement && document.activeElement.matches('"+to+"')") {
				return
			}
		}
		t.Fatalf("Tab does not reach %s", to)
	}
	walk("iframe")
	for _, keys := range []string{visa, tomorrowCard, "123"} { // a whole number leads to the next field
		tab.Press(keys)
	}
	walk("#press")
	tab.Shot("ready")
	tab.Press("\r")
	tab.See("is paid")
	tab.Until("document.activeElement.tagName === 'H1'") // the answer is where the focus is
	tab.NeverSent(d.BaseURL, visa)
}

// A press that comes twice, as fast as a script can make it, is one payment.
func TestDoublePressPaysOnce(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{})
	tab.Open(d.PayURL)
	fillCard(tab, visa)
	browser.Eval[bool](&tab.Frame, "['', ''].forEach(() => document.querySelector('#press').click()) || true")
	tab.See("is paid")
	var after invoice
	api(t, d, "/api/v1/invoices/"+d.InvoiceID, &after)
	if got := moved(t, d.SandboxURL, d.InvoiceID); got != after.Total || after.Due != 0 || after.Pending != 0 {
		t.Errorf("Stripe moved %d, the invoice says %+v", got, after)
	}
}
