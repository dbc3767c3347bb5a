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
	atRest(tab)
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

// A press pays what was chosen when it came, once the server knows that amount, and nothing while the button names
// another or when the choice changes before the answer.
func TestPressNeverPaysWhatTheButtonDidNotSay(t *testing.T) {
	d, b := demo(t)
	paid := func() int64 {
		var now invoice
		api(t, d, "/api/v1/invoices/"+d.InvoiceID, &now)
		if now.Pending != 0 {
			t.Errorf("%d is reserved", now.Pending)
		}
		return now.Paid
	}
	before := paid()
	hold := func(tab *browser.Tab) { // the server's answer comes when the test lets it
		browser.Eval[bool](&tab.Frame, "(window.asked = [], window.ask = window.fetch, window.fetch = (...what) => new Promise(go => asked.push(() => go(ask(...what)))), true)")
	}
	release := func(tab *browser.Tab) {
		tab.Until("asked.length > 0")
		browser.Eval[bool](&tab.Frame, "(window.fetch = ask, asked.forEach(go => go()), true)")
	}

	t.Run("by keyboard", func(t *testing.T) {
		tab := b.Tab(t, browser.Options{})
		tab.Open(d.PayURL)
		tab.Click("[data-other]")
		tab.Fill("#other input", "60")
		tab.Until("document.querySelector('#press').innerText === 'Pay $60.00 by card'")
		fillCard(tab, visa)
		tab.Fill("#other input", "140\r")
		tab.See("$140.00 is paid")
		before += 14000
	})

	t.Run("by mouse", func(t *testing.T) {
		tab := b.Tab(t, browser.Options{Width: 1280})
		tab.Open(d.PayURL)
		tab.Click("[data-other]")
		fillCard(tab, visa)
		hold(tab)
		tab.Fill("#other input", "75")
		tab.Until("document.querySelector('#press').innerText === 'Checking the amount…'")
		if prices := browser.Eval[string](&tab.Frame, "[...document.querySelectorAll('[data-price]')].map(p => p.textContent).join('')"); prices != "" {
			t.Errorf("the prices say %s meanwhile", prices)
		}
		tab.Click("#press")
		release(tab)
		tab.See("$75.00 is paid")
		before += 7500
	})

	t.Run("typed on", func(t *testing.T) {
		tab := b.Tab(t, browser.Options{})
		tab.Open(d.PayURL)
		tab.Click("[data-other]")
		fillCard(tab, visa)
		hold(tab)
		tab.Fill("#other input", "80")
		tab.Click("#press")
		tab.Fill("#other input", "95")
		release(tab)
		tab.Until("document.querySelector('#press').innerText === 'Pay $95.00 by card'")
		tab.See("Nothing was charged.")
		if now := paid(); now != before {
			t.Fatalf("%d was paid", now-before)
		}
	})

	t.Run("changed behind the button's back", func(t *testing.T) {
		tab := b.Tab(t, browser.Options{})
		tab.Open(d.PayURL)
		tab.Click("[data-other]")
		tab.Fill("#other input", "60")
		tab.Until("document.querySelector('#press').innerText === 'Pay $60.00 by card'")
		fillCard(tab, visa)
		browser.Eval[bool](&tab.Frame, "(document.querySelector('#other input').value = '85', true)") // as no person can: no event tells of it
		tab.Click("#press")
		tab.See("Nothing was charged. Look at what the button says now")
		tab.Until("document.querySelector('#press').innerText === 'Pay $85.00 by card'")
		if now := paid(); now != before {
			t.Fatalf("%d was paid", now-before)
		}
		tab.Click("#press")
		tab.See("$85.00 is paid")
	})

	t.Run("what is no amount", func(t *testing.T) {
		tab := b.Tab(t, browser.Options{})
		tab.Open(d.PayURL)
		tab.Click("[data-other]")
		for _, typed := range []string{"２００", "100.001", ""} {
			tab.Fill("#other input", typed)
			tab.Until("document.querySelector('#press').innerText === 'Type an amount to pay'")
		}
		tab.Press("100\r")
		tab.Until("document.querySelector('#press').innerText === 'Pay $100.00 by card'")
	})
}
