package e2e

import (
	"strings"
	"testing"

	"paylink/e2e/browser"
)

// A customer saves a card and an account, and later rings up: staff charge either as they were told, the
// receipt and the copy of the permission are mailed, and the customer's own link shows it.
func TestStaffTakeAPaymentByWhatIsSaved(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 90000)
	amount := func(tab *browser.Tab, text string) {
		tab.Click("[data-other]")
		tab.Fill("#other input", text)
		tab.Press("\t")
		tab.See("Pay $" + text)
	}
	customer := b.Tab(t, browser.Options{})
	customer.Open(url)
	amount(customer, "100.00")
	fillCard(customer, visa)
	customer.See("here or by telephone with Northwind Studio")
	customer.Click("text=Save this card for next time")
	customer.Click("#press")
	customer.See("$100.00 is paid")

	staff := b.Tab(t, browser.Options{Width: 1280})
	staff.Expect("answered 422")
	signIn(staff, d)
	staff.Open(d.BaseURL + "/desk/invoices/" + id)
	staff.Everywhere("invoice")
	staff.Click("text=Take payment")
	staff.See("Take $800.00 by Visa ••4242")

	// The account is saved while staff look at the page; the link beside the form tells of it.
	customer.Open(url)
	amount(customer, "150.00")
	chooseBank(customer)
	customer.Click("#press")
	connectBank(customer, "Chase", goodDebit)
	customer.At("method=mth_")
	customer.Click("text=Save this account for next time")
	customer.See("here or by telephone")
	customer.Click("#f-mandate")
	customer.Click("#press")
	customer.See("$150.00 is on its way")

	staff.Click("text=Another amount")
	staff.Fill("[name=amount]", "720")
	staff.See("Take payment") // it says no amount that may not be taken
	staff.Click("form .acts button")
	staff.See("$650.00 is still to pay now")
	staff.See("The most that can be taken is $650.00; $150.00 is already on its way.")
	staff.Everywhere("meanwhile")
	staff.Fill("[name=amount]", "225")
	staff.Click("text=Visa ••4242")
	staff.See("Take $225.00 by Visa ••4242")
	staff.Everywhere("take-card")
	staff.Click("form .acts button")
	staff.See("$225.00 is paid")
	staff.See("took it by phone")
	staff.Fits()
	staff.Shot("taken")
	if m := awaitMail(t, d.SandboxURL, maria, "receipt for $225.00"); strings.Contains(m.Text, "/l/") {
		t.Errorf("the receipt leads to a page of nobody's link:\n%s", m.Text)
	}

	staff.Open(d.BaseURL + "/desk/invoices/" + id + "/take")
	staff.Click("text=Another amount")
	staff.Fill("[name=amount]", "75")
	staff.Click("text=Chase Checking ••6789")
	staff.See("to debit $75.00, once")
	staff.See("Take $75.00 from Chase ••6789")
	staff.Everywhere("take-bank")
	staff.Click("form .acts button")
	staff.See("Without it nothing is debited.")
	staff.Everywhere("untold")
	staff.Click("#f-mandate")
	staff.Fill("[name=amount]", "80")
	staff.See("to debit $80.00, once")
	if browser.Eval[bool](&staff.Frame, "document.querySelector('#f-mandate').checked") {
		t.Error("what was told for $75.00 stands for $80.00")
	}
	staff.Click("#f-mandate")
	staff.Click("form .acts button")
	staff.See("$80.00 is on its way")
	m := awaitMail(t, d.SandboxURL, maria, "$80.00 is on its way")
	for _, want := range []string{"On the phone with", "to debit $80.00, once", "Chase Checking ••6789", "I can take this back"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the copy of the permission lacks %q:\n%s", want, m.Text)
		}
	}
	if strings.Contains(m.Text, "/l/") {
		t.Error("the mail leads to a page of nobody's link")
	}
	customer.Open(url)
	customer.See("$345.00")
	if got := moved(t, d.SandboxURL, id); got != 32500 {
		t.Errorf("moved by card: %d", got)
	}
}

// Without scripts the button is read before it charges: an amount that was changed shows the page once more.
func TestStaffTakeAPaymentWithoutScripts(t *testing.T) {
	d, b := demo(t)
	id, url := owed(t, d.BaseURL, d.APIKey, customerOf(t, d, d.InvoiceID), 90000)
	customer := b.Tab(t, browser.Options{})
	customer.Open(url)
	customer.Click("[data-other]")
	customer.Fill("#other input", "100.00")
	customer.Press("\t")
	fillCard(customer, visa)
	customer.Click("text=Save this card for next time")
	customer.Click("#press")
	customer.See("$100.00 is paid")

	staff := b.Tab(t, browser.Options{Width: 1280, NoScript: true, Dark: true})
	signIn(staff, d)
	staff.Open(d.BaseURL + "/desk/invoices/" + id + "/take")
	staff.See("Take $800.00 by Visa ••4242")
	staff.Click("text=Another amount")
	staff.Fill("[name=amount]", "60")
	staff.Click("form .acts button")
	staff.See("The button now says Take $60.00 by Visa ••4242.")
	staff.Shot("look")
	staff.Click("form .acts button")
	staff.See("$60.00 is paid")
	if got := moved(t, d.SandboxURL, id); got != 16000 {
		t.Errorf("moved: %d", got)
	}
}
