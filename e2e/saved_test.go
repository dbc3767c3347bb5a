package e2e

import (
	"regexp"
	"strings"
	"testing"

	"paylink/e2e/browser"
)

var sixDigits = regexp.MustCompile(`(\d{3}) (\d{3}) is your code`)

// What a customer saved shows on a device that proved the mailbox, and nowhere else: not by the link alone,
// and not by a link that was sent on.
func TestSavedMethodsShowOnceTheMailboxIsProven(t *testing.T) {
	d, b := demo(t)
	customer := customerOf(t, d, d.InvoiceID)
	_, url := owed(t, d.BaseURL, d.APIKey, customer, 90000)
	amount := func(tab *browser.Tab, text string) {
		tab.Click("[data-other]")
		tab.Fill("#other input", text)
		tab.Press("\t")
		tab.See("Pay $" + text)
	}

	first := b.Tab(t, browser.Options{})
	first.Open(url)
	amount(first, "100.00")
	fillCard(first, visa)
	first.Click("text=Save this card for next time")
	first.Click("#press")
	first.See("$100.00 is paid")
	first.Open(url)
	amount(first, "150.00")
	chooseBank(first)
	first.Click("#press")
	connectBank(first, "Chase", goodDebit)
	first.At("method=mth_")
	first.Click("text=Save this account for next time")
	first.See("I also allow Northwind Studio to keep this account")
	first.Everywhere("saving")
	first.Click("#f-mandate")
	first.Click("#press")
	first.See("$150.00 is on its way")

	second := b.Tab(t, browser.Options{Dark: true})
	second.Open(url)
	atRest(second)
	hidden := func(tab *browser.Tab, what ...string) {
		t.Helper()
		page := browser.Eval[string](&tab.Frame, "document.documentElement.outerHTML")
		for _, secret := range what {
			if strings.Contains(page, secret) {
				t.Errorf("%s shows %q", tab.URL(), secret)
			}
		}
	}
	hidden(second, "4242", "6789", "mth_")
	amount(second, "75.00")
	second.Click("text=Use a saved card or account")
	second.See("Check your e-mail")
	second.See("m…a@keller.example")
	second.Everywhere("code")
	digits := sixDigits.FindStringSubmatch(awaitMail(t, d.SandboxURL, maria, "is your code for").Subject)
	code := digits[1] + digits[2]
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	second.Fill("#f-code", wrong)
	second.Press("\r")
	second.See("That is not the code. 4 tries left.")
	second.Everywhere("wrong")
	hidden(second, "4242", "6789", "mth_")
	second.Fill("#f-code", code)
	second.Click("text=Show my saved methods")
	second.See("Visa ••4242")
	second.See("Chase ••6789")
	second.Everywhere("saved")

	second.Click("text=Chase ••6789")
	second.See("Pay $75.00 from Chase ••6789")
	second.See("I allow Northwind Studio to debit $75.00, once")
	second.Click("text=Visa ••4242")
	second.See("Pay $75.00 with Visa ••4242")
	second.Gone("#permission")
	second.Click("#press")
	second.See("$75.00 is paid")
	second.NeverSent(d.BaseURL, visa)

	// Without scripts, the sentence is read before it is pressed.
	plain := b.Tab(t, browser.Options{NoScript: true})
	plain.Open(url)
	plain.Click("text=Use a saved card or account")
	plain.See("Check your e-mail")
	await(t, "another code", func() bool {
		digits = sixDigits.FindStringSubmatch(awaitMail(t, d.SandboxURL, maria, "is your code for").Subject)
		return digits[1]+digits[2] != code
	})
	plain.Fill("#f-code", digits[1]+digits[2])
	plain.Click("text=Show my saved methods")
	plain.Click("text=Visa ••4242")
	plain.Click("text=Review payment")
	plain.See("Pay $575.00 with Visa ••4242")
	plain.Shot("review")
	plain.Click("text=Change the amount")
	plain.Wait("[name=method]")
	plain.Open(strings.Replace(plain.URL(), "575.00", "60.00", 1))
	plain.Click("text=Review payment")
	plain.Click("text=Pay $60.00 with Visa ••4242")
	plain.See("$60.00 is paid")

	// The same device, by a link that was sent on to somebody else.
	second.Open(url)
	second.See("Visa ••4242")
	second.Click("text=Send it to a colleague")
	second.Fill("[name=email]", "accounts@keller.example")
	second.Click("text=Send the link")
	forwarded := regexp.MustCompile(regexp.QuoteMeta(d.BaseURL) + `/l/[\w-]{43}`).FindString(awaitMail(t, d.SandboxURL, "accounts@keller.example", "").Text)
	second.Open(forwarded)
	atRest(second)
	hidden(second, "4242", "6789", "mth_", "Use a saved card or account", "for next time")
	second.Open(second.URL() + "/code")
	second.See("This is not shown here")

	// Removing takes it from every device.
	second.Open(url)
	atRest(second)
	second.Click("text=Visa ••4242")
	second.Click("text=Remove")
	second.See("Remove Visa ••4242?")
	second.Everywhere("remove")
	second.Click("text=Remove Visa ••4242")
	second.See("Visa ••4242 is removed.")
	second.Gone("text=Visa ••4242")
	// The account's debit is on its way: it stays until that has arrived.
	atRest(second)
	second.Click("text=Chase ••6789")
	second.Click("text=Remove")
	second.Click("text=Remove Chase ••6789")
	second.See("It can be removed once that has arrived.")
}

// While the site cannot be asked what another amount means, no permission stands that names the old one:
// the payer reads the right one before anything is debited.
func TestAPermissionNamesTheAmountAlsoWhenTheSiteWasNotReached(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 90000)
	tab := b.Tab(t, browser.Options{})
	tab.Open(url)
	chooseBank(tab)
	tab.Click("#press")
	connectBank(tab, "Chase", goodDebit)
	tab.At("method=mth_")
	tab.See("to debit $900.00, once")
	tab.Click("#f-mandate")
	browser.Eval[bool](&tab.Frame, "window.fetch = () => Promise.reject(new TypeError('away')), true")
	tab.Click("[data-other]")
	tab.Fill("#other input", "100.00")
	tab.Press("\t")
	tab.Gone("#permission")
	tab.Click("#press")
	tab.See("to debit $100.00, once")
	tab.See("Pay $100.00 from Chase ••6789")
	if made := moved(t, d.SandboxURL, id); made != 0 {
		t.Errorf("%d moved before the permission was read", made)
	}
	tab.Click("#f-mandate")
	tab.Click("#press")
	tab.See("$100.00 is on its way")

	// By card too the amount is read before it is paid.
	tab.Open(url)
	fillCard(tab, visa)
	browser.Eval[bool](&tab.Frame, "window.fetch = () => Promise.reject(new TypeError('away')), true")
	tab.Click("[data-other]")
	tab.Fill("#other input", "200.00")
	tab.Press("\t")
	tab.Click("#press")
	tab.See("Pay $200.00 by card")
	fillCard(tab, visa)
	tab.Click("#press")
	tab.See("$200.00 is paid")
}

// A mail scanner opens the link, runs its scripts and sends every form in it, without a person: nothing
// is paid and nothing begun, and the link works on.
func TestFault_X01_ScannerThatRunsScriptsAndSendsFormsPaysNothing(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 40000)
	scanner := b.Tab(t, browser.Options{})
	scanner.Expect("answered 4|405|404")
	scanner.Open(url)
	atRest(scanner)
	page := scanner.URL()
	const sendAll = `(async () => {
		for (const form of document.forms) {
			for (const box of form.querySelectorAll('[type=checkbox]')) { box.disabled = false; box.checked = true; }
			await fetch(form.getAttribute('action') || location.href, { method: form.getAttribute('method') || 'get', body: form.getAttribute('method') === 'post' ? new URLSearchParams(new FormData(form)) : undefined }).then(r => r.text());
		}
		return document.forms.length;
	})()`
	for _, path := range []string{"", "?method=bank", "?other=1", "/bank", "/code", "/forward"} {
		scanner.Open(page + path)
		if browser.Eval[int](&scanner.Frame, sendAll) == 0 && path != "/bank" {
			t.Errorf("no form at %q", path)
		}
	}
	var made struct{ Data []any }
	api(t, d, "/api/v1/payments?invoice_id="+id, &made)
	if len(made.Data) != 0 || moved(t, d.SandboxURL, id) != 0 || strings.Contains(string(get(t, d.SandboxURL+"/truth")), id) {
		t.Errorf("payments: %v", made.Data)
	}
	person := b.Tab(t, browser.Options{})
	person.Open(url)
	fillCard(person, visa)
	person.Click("#press")
	person.See("$400.00 is paid")
}
