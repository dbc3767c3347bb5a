package receipts

import (
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
)

func frozen() paylink.Receipt {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	firm := paylink.NewFirm()
	firm.TimeZone = "America/Los_Angeles"
	at := time.Date(2026, time.November, 24, 2, 5, 0, 0, time.UTC) // still the 23rd in Portland
	return paylink.Receipt{
		Number: "R-2026-000318", Revision: 2, Status: paylink.ReceiptPaid, Firm: firm, Host: "pay.northwind.studio", Code: "7KQM-2D9F",
		Payer: "Maria Keller", PaidAt: at, IssuedAt: at, Method: paylink.MethodCard, Card: paylink.Card{Brand: "Visa", Last4: "4242"},
		AuthCode: "048213", Reference: "pi_1", InvoiceNumber: "INV-1042", Due: "2026-11-23",
		Total: usd(100000), PaidBefore: usd(20000), ThisPayment: usd(22500), Fee: usd(653), OnItsWay: usd(0), Refunded: usd(0), StillToPay: usd(57500),
		Taxes: []paylink.Line{{Description: "VAT, 20%", Amount: usd(1000), Tax: true}},
	}
}

func TestTheDocumentOfAFrozenReceipt(t *testing.T) {
	r := frozen()
	doc := Of(r)
	if doc.Charged != money.New(23153, "USD") || doc.Revisions != 2 || doc.Firm.CheckHost != "pay.northwind.studio" || doc.TimeZone != "America/Los_Angeles" {
		t.Errorf("%+v", doc)
	}
	if doc.AuthorizationCode != "048213" || doc.Trace != "" || doc.StillToPayBy != "2026-11-23" {
		t.Errorf("authorization %q, trace %q, to pay by %q", doc.AuthorizationCode, doc.Trace, doc.StillToPayBy)
	}
	if doc.Fee != r.Fee || doc.OnItsWay != (money.Amount{}) || doc.Refunded != (money.Amount{}) || doc.Credited != (money.Amount{}) {
		t.Errorf("what is nothing has no row: %+v", doc)
	}
	if len(doc.Taxes) != 1 || doc.Taxes[0] != (TaxLine{Label: "VAT, 20%", Amount: money.New(1000, "USD")}) {
		t.Errorf("taxes %+v", doc.Taxes)
	}

	bank := r
	bank.Method, bank.Due, bank.Card, bank.Bank, bank.Trace = paylink.MethodBank, "2026-11-22", paylink.Card{}, paylink.Bank{Name: "Chase", Last4: "6789"}, "091000019"
	if doc := Of(bank); doc.Trace != "091000019" || doc.AuthorizationCode != "" || doc.StillToPayBy != "" || doc.Method != "Chase ••6789" {
		t.Errorf("a bank has a trace, and a day that is over is none to pay by: %+v", doc)
	}
	bank.Status, bank.Returned, bank.Refunded = paylink.ReceiptReturned, money.New(22500, "USD"), money.New(1000, "USD")
	if doc := Of(bank); doc.Returned.Minor != 22500 || doc.Refunded.Minor != 1000 {
		t.Errorf("what the bank took and what was refunded are two things: %+v", doc)
	}
	for _, l := range []money.Locale{money.English, money.Spanish, money.French, money.German, "xx", ""} {
		r.Locale = l
		if method := Of(r).Method; !strings.HasPrefix(method, "Visa ") || !strings.HasSuffix(method, " 4242") || strings.Contains(method, "{") {
			t.Errorf("%s: %q", l, method)
		}
		if _, err := Render(Of(r)); err != nil {
			t.Errorf("%s: %v", l, err)
		}
	}
}

func TestTheDocumentOfAnInvoiceAddsUp(t *testing.T) {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	i := paylink.Invoice{
		Number: "INV-1042", Currency: "USD", UpdatedAt: time.Date(2026, time.November, 23, 18, 0, 0, 0, time.UTC), Due: "2026-11-27",
		Lines: []paylink.Line{
			{Description: "Work", Quantity: 20_000, UnitAmount: usd(5000)},
			{Description: "VAT, 20%", Quantity: 10_000, UnitAmount: usd(2000), Tax: true},
		},
	}
	if err := i.Compute(); err != nil {
		t.Fatal(err)
	}
	doc := OfInvoice(paylink.NewFirm(), paylink.Customer{Name: "Maria Keller", Locale: "de"}, i, paylink.Balance{Total: 12000, Credited: 1000, Paid: 2000}, "https://x/l/y")
	if doc.Subtotal != usd(10000) || len(doc.Lines) != 1 || len(doc.Taxes) != 1 || doc.Total != usd(12000) {
		t.Errorf("%+v", doc)
	}
	if doc.Paid != usd(2000) || doc.Credited != usd(1000) || doc.OnItsWay != (money.Amount{}) || doc.StillToPay != usd(9000) {
		t.Errorf("%+v", doc)
	}
	if doc.Locale != money.German || doc.PayURL != "https://x/l/y" {
		t.Errorf("%+v", doc)
	}
	if _, err := RenderInvoice(doc); err != nil {
		t.Error(err)
	}
	i.Lines = i.Lines[:1]
	if doc := OfInvoice(paylink.NewFirm(), paylink.Customer{}, i, paylink.Balance{Total: 10000}, ""); doc.Subtotal != (money.Amount{}) {
		t.Errorf("a subtotal that is the total: %v", doc.Subtotal)
	}
}

// Only what a bank moves is on its way from a bank; what is being paid otherwise has words of its own.
func TestWhatACardHoldsIsNotOnItsWayFromABank(t *testing.T) {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	r := frozen()
	r.BeingPaid, r.StillToPay = usd(6000), usd(51500)
	page := strings.Join(strings.Fields(text(t, mustRender(t, Of(r)))), " ")
	if strings.Contains(page, "from a bank") || !strings.Contains(page, "Being paid, not yet certain 60.00") || !strings.Contains(page, "425.00 paid, 60.00 on its way") {
		t.Errorf("%s", page)
	}
	i := paylink.Invoice{
		Number: "INV-1042", Currency: "USD", Total: usd(10000), IssuedOn: "2026-11-23", UpdatedAt: r.IssuedAt,
		Lines: []paylink.Line{{Description: "Work", Quantity: 10_000, UnitAmount: usd(10000), Amount: usd(10000)}},
	}
	for says, b := range map[string]paylink.Balance{
		"The rest is being paid and not yet certain.": {Total: 10000, Paid: 3000, Pending: 7000},
		"The rest is on its way from a bank.":         {Total: 10000, Paid: 3000, Pending: 7000, FromBank: 7000},
	} {
		page := strings.Join(strings.Fields(text(t, mustRenderInvoice(t, OfInvoice(paylink.NewFirm(), paylink.Customer{}, i, b, "")))), " ")
		if !strings.Contains(page, says) || (b.FromBank == 0) == strings.Contains(page, "from a bank") {
			t.Errorf("%s", page)
		}
	}
}
