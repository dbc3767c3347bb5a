package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"paylink/e2e/browser"
	"paylink/e2e/process"
)

// The demo's customer, and what the sandbox's banks know.
const (
	maria     = "maria@keller.example"
	goodDebit = "Checking, debits succeed"
	bankUser  = "user_good"
	bankWord  = "pass_good"
)

// send calls an address with JSON and reads what it answers, which must be a success.
func send(t *testing.T, address, key string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s answered %s", address, resp.Status)
	}
	if answer != nil {
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
	}
}

// owed makes an invoice of so many cents for the demo's first customer, and a link to it.
func owed(t *testing.T, base, key, customer string, cents int64) (id, url string) {
	t.Helper()
	var made struct{ ID string }
	send(t, base+"/api/v1/invoices", key, map[string]any{
		"customer_id": customer, "currency": "USD", "partial": map[string]any{"allowed": true, "minimum": 5000},
		"lines": []map[string]any{{"description": "Print run", "quantity": "1", "unit_amount": cents}},
	}, &made)
	var link struct{ URL string }
	send(t, base+"/api/v1/invoices/"+made.ID+"/links", key, map[string]any{"send": false}, &link)
	return made.ID, link.URL
}

// customerOf is the customer of an invoice.
func customerOf(t *testing.T, d *process.Demo, invoiceID string) string {
	t.Helper()
	var i struct {
		CustomerID string `json:"customer_id"`
	}
	api(t, d, "/api/v1/invoices/"+invoiceID, &i)
	return i.CustomerID
}

// connectBank goes through Plaid Link to the account of that name.
func connectBank(tab *browser.Tab, bank, account string) {
	link := tab.In("dialog iframe")
	link.Click("text=" + bank)
	link.Type("#username", bankUser)
	link.Type("#password", bankWord)
	tab.Press("\r")
	chooseAccount(link, account)
}

// atRest waits for the card form: until it has come, what stands below it on the page moves, and a press may miss it.
func atRest(tab *browser.Tab) {
	tab.In("#card iframe").Wait("[autocomplete=cc-number]")
}

// chooseBank chooses to pay from a bank account, once the page has come to rest.
func chooseBank(tab *browser.Tab) {
	atRest(tab)
	tab.Click("text=Bank account")
	tab.Until("document.querySelector('[name=method]:checked').value !== 'card'")
}

func chooseAccount(link *browser.Frame, account string) {
	link.Click("text=" + account)
	link.Click("text=Continue")
	link.Click("text=Finish")
}

// loads says whether the tab asked for an address that holds the text.
func loads(tab *browser.Tab, text string) bool {
	for _, r := range tab.Requests("") {
		if strings.Contains(r.URL, text) {
			return true
		}
	}
	return false
}

// A customer connects a bank account, pays a part from it and the rest by card. What is on its way is
// never told as paid, and cannot be paid a second time; days later the money is there, and the receipt comes.
func TestCustomerPaysAPartFromABankAndTheRestByCard(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 40000)
	tab := b.Tab(t, browser.Options{})
	tab.Open(url)
	tab.Click("[data-other]")
	tab.Fill("#other input", "150.00")
	tab.Press("\t")
	tab.See("Pay $150.00 by card")
	chooseBank(tab)
	tab.See("Log in at your bank")
	tab.Everywhere("bank")
	if loads(tab, "plaid") {
		t.Error("the page with the card loads Plaid")
	}
	tab.Click("#press")
	tab.At("/bank?amount=150.00")
	connectBank(tab, "Chase", goodDebit)
	tab.At("method=mth_")
	tab.See("Pay $150.00 from Chase ••6789")
	tab.See("I allow Northwind Studio to debit $150.00, once")
	tab.Everywhere("linked")

	// Another amount is another permission.
	tab.Click("#f-mandate")
	tab.Fill("#other input", "160.00")
	tab.Press("\t")
	tab.See("I allow Northwind Studio to debit $160.00, once")
	tab.Until("!document.querySelector('#f-mandate').checked")
	tab.Fill("#other input", "150.00")
	tab.Press("\t")
	tab.See("Pay $150.00 from Chase ••6789")
	tab.See("I allow Northwind Studio to debit $150.00, once")
	tab.Click("#press")
	tab.See("Permission: give it to pay")
	tab.See("Pay $150.00 from Chase ••6789")
	tab.Everywhere("unpermitted")

	tab.Click("#f-mandate")
	tab.Click("#press")
	tab.See("$150.00 is on its way")
	tab.See("You gave permission")
	tab.Everywhere("onway")
	permission := tab.Attribute("a[href$='permission.pdf']", "href")
	if pdf := browser.Eval[string](&tab.Frame, "fetch('"+permission+"').then(r => r.text()).then(s => s.slice(0, 5))"); pdf != "%PDF-" {
		t.Errorf("the permission begins with %q", pdf)
	}
	copied := awaitMail(t, d.SandboxURL, maria, "$150.00 is on its way")
	if !strings.Contains(strings.Join(strings.Fields(copied.Text), " "), "I allow Northwind Studio to debit $150.00, once") {
		t.Errorf("the mail lacks the permission:\n%s", copied.Text)
	}
	var now invoice
	api(t, d, "/api/v1/invoices/"+id, &now)
	if now.Paid != 0 || now.Pending != 15000 || now.Due != 25000 {
		t.Errorf("on its way: %+v", now)
	}

	tab.Click("text=Pay the rest, $250.00")
	tab.See("Usually here by")
	fillCard(tab, visa)
	tab.See("Pay $250.00 by card")
	tab.Click("#press")
	tab.See("$250.00 is paid")
	tab.See("$150.00 is still on its way")

	send(t, d.SandboxURL+"/clock", "", map[string]string{"advance": "120h"}, nil)
	receipt := awaitMail(t, d.SandboxURL, maria, "receipt for $150.00")
	if len(receipt.Attachments) != 1 {
		t.Errorf("the receipt's mail carries %+v", receipt.Attachments)
	}
	api(t, d, "/api/v1/invoices/"+id, &now)
	if now.Paid != 40000 || now.Pending != 0 || now.Due != 0 || now.Status != "paid" {
		t.Errorf("arrived: %+v", now)
	}
	if got := moved(t, d.SandboxURL, id); got != 40000 {
		t.Errorf("Stripe moved %d", got)
	}
	tab.NeverSent(d.BaseURL, "000123456789")
}

// A bank with a page of its own sends the payer back, and the account is there; leaving Plaid Link, or a
// bank that does not answer, changes nothing and says so.
func TestWaysThroughPlaidLink(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{})
	tab.Open(d.PayURL)
	chooseBank(tab)
	tab.Click("#press")
	tab.In("dialog iframe").Click("#close")
	tab.See("You came back without choosing an account. Nothing changed.")
	tab.Everywhere("left")
	tab.Click("#open")
	link := tab.In("dialog iframe")
	link.Click("text=Unhealthy Platypus Bank")
	link.Type("#username", bankUser)
	link.Type("#password", bankWord)
	tab.Press("\r")
	link.Click("text=Close")
	tab.See("Unhealthy Platypus Bank - Down does not answer right now. Nothing was charged.")
	tab.Shot("down")

	toTheBank := func() {
		tab.Click("#open")
		link = tab.In("dialog iframe")
		link.Click("text=Platypus OAuth Bank")
		link.Click("text=Go to the bank")
		tab.Click("#allow")
		tab.At("/pay/oauth")
	}
	toTheBank()
	tab.In("dialog iframe").Click("#close")
	tab.See("You came back without choosing an account. Nothing changed.")
	tab.Gone(".lead") // nothing is being connected
	tab.Shot("left-after-the-bank")
	toTheBank()
	chooseAccount(tab.In("dialog iframe"), goodDebit)
	tab.At("method=mth_")
	tab.See("from Platypus OAuth Bank ••6789")
	if strings.Contains(tab.URL(), "oauth") {
		t.Errorf("the address keeps what the bank said: %s", tab.URL())
	}
	// A permission that was asked for is asked for no longer once it is given.
	tab.Click("#press")
	tab.See("Permission: give it to pay")
	tab.Click("#f-mandate")
	tab.Gone("#problems")
	tab.Gone("#f-mandate-problem")
	for _, r := range tab.Requests(d.BaseURL) {
		if strings.Contains(r.URL, "link-sandbox-") || strings.Contains(r.URL, "public-sandbox-") {
			t.Error("a token is in an address")
		}
	}
	tab.Expect("answered 400") // the bank that is down
}

// Without Plaid, an account's numbers go from the browser to Stripe; a small deposit proves it, and then
// it pays.
func TestBankAccountByNumberAndSmallDeposit(t *testing.T) {
	s := process.StartSite(t, "sqlite:"+t.TempDir()+"/paylink.db", "PLAID_ACH=off")
	b := browser.Start(t)
	var customer struct{ ID string }
	send(t, s.BaseURL+"/api/v1/customers", s.APIKey, map[string]any{"name": "Maria Keller", "email": maria}, &customer)
	_, url := owed(t, s.BaseURL, s.APIKey, customer.ID, 40000)
	tab := b.Tab(t, browser.Options{})
	tab.Open(url)
	chooseBank(tab)
	tab.Click("#press")
	tab.See("A small deposit then shows a code at your bank")
	tab.Everywhere("account")
	tab.Click("#open")
	tab.See("Fill in the name, nine digits of the routing number")
	tab.Fill("#a-holder", "Maria Keller")
	tab.Fill("#a-routing", "110000000")
	tab.Fill("#a-number", "000123456789")
	tab.Click("#open")
	tab.See("Give your permission")
	tab.Click("#a-mandate")
	tab.Click("#open")
	tab.See("A code is on its way to")
	tab.Everywhere("awaited")
	tab.Fill("#f-code", "SM22BB")
	tab.Click("text=Confirm the account")
	tab.See("9 tries left.")
	tab.Everywhere("wrong")

	tab.Open(url) // days later, by the same link
	chooseBank(tab)
	tab.See("Code awaited.")
	tab.Click("#press")
	tab.Fill("#f-code", "SM11AA")
	tab.Click("text=Confirm the account")
	tab.See("is confirmed. You can pay from it now.")
	tab.Click("#f-mandate")
	tab.Click("#press")
	tab.See("$400.00 is on its way")
	tab.NeverSent(s.BaseURL, "000123456789")
	if loads(tab, "plaid") {
		t.Error("Plaid is loaded where it is switched off")
	}
}

// A bank that returns the money days after it arrived: the invoice is open again, and its payer is told.
func TestLateReturnOpensTheInvoiceAgain(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 22500)
	tab := b.Tab(t, browser.Options{})
	tab.Open(url)
	chooseBank(tab)
	tab.Click("#press")
	connectBank(tab, "Chase", goodDebit)
	tab.At("method=mth_")
	tab.Click("#f-mandate")
	tab.Click("#press")
	tab.See("$225.00 is on its way")
	payment := tab.URL()
	send(t, d.SandboxURL+"/clock", "", map[string]string{"advance": "120h"}, nil)
	awaitMail(t, d.SandboxURL, maria, "receipt for $225.00")
	var list struct {
		Data []struct {
			PaymentIntent string `json:"payment_intent"`
		}
	}
	api(t, d, "/api/v1/payments?invoice_id="+id, &struct{ Data any }{&list.Data})
	send(t, d.SandboxURL+"/bank/returns", "", map[string]string{"payment_intent": list.Data[0].PaymentIntent, "reason": "insufficient_funds"}, nil)

	told := awaitMail(t, d.SandboxURL, maria, "your bank returned $225.00")
	tab.Open(payment)
	tab.See("Your bank returned $225.00")
	tab.See("came back: insufficient funds. Northwind Studio did not keep the money, and the amount is open again.")
	tab.See("now says RETURNED. See revision 2")
	tab.Everywhere("returned")
	var now invoice
	api(t, d, "/api/v1/invoices/"+id, &now)
	if now.Paid != 0 || now.Due != 22500 {
		t.Errorf("after the return: %+v", now)
	}
	fresh := regexp.MustCompile(regexp.QuoteMeta(d.BaseURL) + `/l/[\w-]{43}`).FindString(told.Text)
	for _, way := range []string{url, fresh} {
		tab.Open(way)
		tab.See("$225.00 still to pay of $225.00")
	}
	fillCard(tab, visa)
	tab.Click("#press")
	tab.See("The invoice is fully paid.")
}

// A bank that asks for the login again says so on the page, and Link renews it there; the account stays what it was.
func TestCustomerLogsInToTheBankAgain(t *testing.T) {
	d, b := demo(t)
	_, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 40000)
	tab := b.Tab(t, browser.Options{})
	tab.Open(url)
	chooseBank(tab)
	tab.Click("#press")
	connectBank(tab, "Chase", goodDebit)
	tab.At("method=mth_")
	send(t, d.SandboxURL+"/plaid/logins", "", nil, nil)
	await(t, "the bank's question", func() bool {
		page := browser.Eval[string](&tab.Frame, "fetch(location.href).then(r => r.text())")
		return strings.Contains(page, "Chase asks you to log in again. You can pay all the same.")
	})
	tab.Reload()
	tab.Everywhere("login asked for")
	tab.Click("text=Log in again")
	tab.See("Log in to Chase again")
	link := tab.In("dialog iframe")
	link.Type("#username", bankUser)
	link.Type("#password", bankWord)
	tab.Press("\r")
	link.Click("text=Finish")
	tab.See("Chase ••6789 stays connected.")
}
