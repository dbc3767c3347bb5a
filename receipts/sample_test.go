package receipts

import (
	"time"

	"paylink"
	"paylink/money"
)

// exampleReceipt is a card payment of a part of an invoice, with a fee, while a bank payment is on
// its way.
func exampleReceipt() Receipt {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	paidAt := time.Date(2026, time.November, 23, 22, 5, 0, 0, time.UTC)
	return Receipt{
		Number: "R-2026-000318", Revision: 1, Revisions: 1,
		Status: paylink.ReceiptPaid, Locale: money.English, Firm: exampleFirm(),
		Payer: "Maria Keller", Company: "Keller Studio GmbH",
		PaidAt: paidAt, IssuedAt: paidAt, TimeZone: "America/Los_Angeles",
		Charged: usd(23153), Method: "Visa ending in 4242", AuthorizationCode: "048213",
		Statement: "NORTHWIND STUDIO", Reference: "pi_3QX9kT2eZvKYlo2C0aB1xYzW",
		InvoiceNumber: "INV-1042", InvoiceTitle: "Brand refresh, phase 2",
		InvoiceDate: "2026-10-28", DueDate: "2026-11-27",
		Total: usd(100000), PaidBefore: usd(20000), ThisPayment: usd(22500),
		Fee: usd(653), FeeLabel: "Card fee, 2.9%", OnItsWay: usd(5000), OnItsWayBy: "2026-11-27",
		Refunded: usd(0), StillToPay: usd(52500), StillToPayBy: "2026-12-18",
		VerifyCode: "7KQM-2D9F", Paper: A4,
	}
}

func exampleFirm() Firm {
	return Firm{
		Name: "Northwind Studio", Tagline: "Design for small firms",
		Address: []string{"Northwind Studio LLC", "1420 SE Water Avenue", "Portland, OR 97214, USA"},
		TaxID:   "EIN 84-1234567", Email: "billing@northwind.studio", Phone: "(503) 555-0142",
		Accent: "#4f46c8", CheckHost: "pay.northwind.studio",
	}
}

// exampleInvoice is the invoice of exampleReceipt, before that payment.
func exampleInvoice() Invoice {
	usd := func(minor int64) money.Amount { return money.New(minor, "USD") }
	return Invoice{
		Number: "INV-1042", Title: "Brand refresh, phase 2", Locale: money.English, Firm: exampleFirm(),
		Date: "2026-10-28", DueDate: "2026-11-27",
		IssuedAt: time.Date(2026, time.November, 23, 18, 0, 0, 0, time.UTC),
		Customer: "Maria Keller", Company: "Keller Studio GmbH",
		Address: []string{"Lindenstraße 14", "10969 Berlin, Germany"},
		Lines: []Line{
			{Description: "Logo and word mark, three rounds", Quantity: 10000, UnitAmount: usd(48000), Amount: usd(48000)},
			{Description: "Colour and type guide", Quantity: 65000, UnitAmount: usd(6000), Amount: usd(39000)},
			{Description: "Print files for cards and letterhead", Quantity: 20000, UnitAmount: usd(6500), Amount: usd(13000)},
		},
		Subtotal: usd(100000), Total: usd(100000), Paid: usd(20000), OnItsWay: usd(5000),
		OnItsWayBy: "2026-11-27", StillToPay: usd(75000), Paper: A4,
		PayURL: "https://pay.northwind.studio/l/q3vYt0Jm8b7Xw1KcN5dRzE2hLpA9sUfG6iOoTyBkMVs",
	}
}
