package e2e

import (
	"regexp"
	"testing"

	"paylink/e2e/browser"
	"paylink/e2e/process"
)

// signIn opens the desk as the demo's staff user.
func signIn(tab *browser.Tab, d *process.Demo) {
	tab.Open(d.BaseURL + "/desk")
	tab.Fill("[name=email]", d.Staff.Email)
	tab.Fill("[name=password]", d.Staff.Password)
	tab.Click("form button.primary")
	tab.Gone("[name=password]")
}

// Staff press Send Payment Link; the customer reads the mail and the link in it opens the invoice.
func TestStaffSendAPaymentLink(t *testing.T) {
	d, b := demo(t)
	staff := b.Tab(t, browser.Options{Width: 1280})
	signIn(staff, d)
	staff.Fits()
	staff.Shot("home")
	staff.Open(d.BaseURL + "/desk/invoices")
	staff.See("INV-1042")
	staff.Fits()
	staff.Shot("invoices")
	staff.Open(d.BaseURL + "/desk/invoices/" + d.InvoiceID)
	staff.Fits()
	staff.Shot("invoice")
	staff.Click("text=Send Payment Link")
	staff.Fill("[name=to]", "accounts@keller.example")
	staff.Shot("send")
	staff.Click("dialog[open] button.primary, main button.primary")
	staff.See("accounts@keller.example")
	staff.Until("!document.querySelector('dialog[open]')")
	staff.Shot("sent")

	m := awaitMail(t, d.SandboxURL, "accounts@keller.example", "INV-1042")
	link := regexp.MustCompile(regexp.QuoteMeta(d.BaseURL) + `/l/[\w-]{43}`).FindString(m.Text)
	if link == "" {
		t.Fatal("the mail has no link to pay by")
	}
	if link == d.PayURL {
		t.Error("the colleague got somebody else's link")
	}
	customer := b.Tab(t, browser.Options{})
	customer.Open(link)
	customer.See("INV-1042")
	customer.Wait("#press")
}

// The desk is closed to whoever is not signed in, and whole on every width.
func TestDeskFitsEverywhere(t *testing.T) {
	d, b := demo(t)
	tab := b.Tab(t, browser.Options{})
	invoice := "/desk/invoices/" + d.InvoiceID
	tab.Open(d.BaseURL + invoice)
	tab.Wait("[name=password]")
	if tab.Has("text=Send Payment Link") {
		t.Error("a stranger is offered to send links")
	}
	tab.Everywhere("signin")
	signIn(tab, d)
	for name, page := range map[string]string{
		"home": "/desk", "invoices": "/desk/invoices", "invoice": invoice, "send": invoice + "/send", "edit": invoice + "/edit",
		"new": "/desk/invoices/new", "customers": "/desk/customers", "payments": "/desk/payments", "settings": "/desk/settings",
	} {
		tab.Open(d.BaseURL + page)
		tab.Everywhere(name)
	}
}
