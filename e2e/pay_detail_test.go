package e2e

import (
	"regexp"
	"strings"
	"testing"

	"paylink/e2e/browser"
)

// Long words stay within the narrowest phone, on the customer's page and at the desk.
func TestLongWordsFit(t *testing.T) {
	d, b := demo(t)
	var made struct{ ID string }
	send(t, d.BaseURL+"/api/v1/invoices", d.APIKey, map[string]any{
		"customer_id": customerOf(t, d, d.InvoiceID), "currency": "USD", "title": strings.Repeat("Y", 150), "partial": map[string]any{"allowed": true, "minimum": 5000},
		"lines": []map[string]any{{"description": strings.Repeat("X", 120), "quantity": "3", "unit_amount": 90000}},
	}, &made)
	var link struct{ URL string }
	send(t, d.BaseURL+"/api/v1/invoices/"+made.ID+"/links", d.APIKey, map[string]any{"send": false}, &link)
	tab := b.Tab(t, browser.Options{Width: 320})
	tab.Open(link.URL)
	tab.Click(".lines summary")
	tab.Everywhere("long")

	desk := b.Tab(t, browser.Options{Width: 1280})
	signIn(desk, d)
	desk.Open(d.BaseURL + "/desk/invoices/" + made.ID)
	desk.Everywhere("desk")
}

// What is put right is asked for no longer; radios that are links are chosen by the keyboard; a problem that the
// script tells has its sign; the amount that was tried is there after the way back from a declined card.
func TestThePayPageKeepsUp(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{})
	tab.Open(d.PayURL)
	at := tab.URL()
	tab.Open(at + "?amount=770.00")
	atRest(tab)
	tab.Wait("#problems")
	tab.Everywhere("wrong")
	if !browser.Eval[bool](&tab.Frame, `(() => {
		const top = document.querySelector("#problems"), link = top.querySelector("li a"), words = document.createRange();
		link.textContent = "Amount: these words take more than a line ".repeat(3);
		words.selectNodeContents(link);
		const box = words.getBoundingClientRect();
		return box.top >= top.querySelector("h2").getBoundingClientRect().bottom - 1 && box.bottom <= top.querySelector("p").getBoundingClientRect().top + 1;
	})()`) {
		t.Error("a problem of several lines overprints what is around it")
	}
	tab.Fill("#other input", "7")
	tab.Wait("#f-amount-problem svg")
	tab.Gone("#problems")
	tab.Fill("#other input", "200")
	tab.Gone("#f-amount-problem")
	tab.Until("document.title.startsWith('Pay INV-1042')")

	tab.Until("document.querySelector('#picks').getAttribute('role') === 'radiogroup'")
	browser.Eval[bool](&tab.Frame, "(document.querySelector('a.row').focus(), true)")
	tab.Press(" ")
	tab.Until("document.activeElement.getAttribute('aria-checked') === 'true' && document.querySelector('#press').innerText === 'Pay $800.00 by card'")

	tab.Open(at)
	atRest(tab)
	tab.Click("[data-other]")
	tab.Fill("#other input", "60")
	tab.Until("document.querySelector('#press').innerText === 'Pay $60.00 by card'")
	fillCard(tab, noFunds)
	tab.Click("#press")
	tab.See("You were not charged.")
	tab.Everywhere("declined")
	tab.Back()
	tab.Until("document.querySelector('#press')?.innerText === 'Pay $60.00 by card' && document.querySelector('#other input').value === '60'")
	fillCard(tab, visa)
	tab.Click("#press")
	tab.See("$60.00 is paid")
	tab.Wait(".slip")
	tab.Everywhere("paid")

	mail := awaitMail(t, d.SandboxURL, "maria@keller.example", "eceipt")
	fresh := b.Tab(t, browser.Options{})
	fresh.Open(regexp.MustCompile(`http://\S+/l/\S+\?receipt=\w+`).FindString(mail.Text))
	fresh.At("#receipt")
	fresh.See("This payment")

	tab.Open(at)
	atRest(tab)
	tab.Click("text=Use a saved card or account")
	code := awaitMail(t, d.SandboxURL, "maria@keller.example", "is your code")
	tab.Click("#f-code")
	browser.Eval[bool](&tab.Frame, "document.execCommand('insertText', false, '"+strings.ReplaceAll(sixDigits.FindString(code.Subject)[:7], " ", "\\u00a0")+"')")
	tab.Until("/^\\d{6}$/.test(document.querySelector('#f-code').value)")
	tab.Click("text=Show my saved methods")
	tab.Wait("#pay")
}
