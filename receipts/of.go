package receipts

import (
	"paylink"
	"paylink/money"
)

// Of is the document of a receipt as it was frozen.
func Of(r paylink.Receipt) Receipt {
	doc := Receipt{
		Number: r.Number, Revision: r.Revision, Revisions: r.Revision, Status: r.Status, Locale: r.Locale,
		Firm:  firmOf(r.Firm, r.Host),
		Payer: r.Payer, Company: r.Company, PaidAt: r.PaidAt, IssuedAt: r.IssuedAt, TimeZone: r.Firm.TimeZone,
		Charged: r.Charged(), Method: methodOf(r), Statement: r.Statement, Reference: r.Reference,
		InvoiceNumber: r.InvoiceNumber, InvoiceTitle: r.InvoiceTitle, InvoiceDate: r.InvoiceDate, DueDate: r.Due,
		Total: r.Total, PaidBefore: r.PaidBefore, ThisPayment: r.ThisPayment,
		Fee: unlessZero(r.Fee), Credited: unlessZero(r.Credited), OnItsWay: unlessZero(r.OnItsWay), BeingPaid: unlessZero(r.BeingPaid), Refunded: unlessZero(r.Refunded), Returned: unlessZero(r.Returned), StillToPay: r.StillToPay,
		VerifyCode: r.Code, Paper: Paper(r.Firm.Paper),
	}
	if r.Method == paylink.MethodBank {
		doc.Trace = r.Trace
	} else {
		doc.AuthorizationCode = r.AuthCode
	}
	// A day that is over is no day to pay by.
	if r.StillToPay.IsPositive() && r.Due >= paylink.DateOf(r.IssuedAt, r.Firm.Location()) {
		doc.StillToPayBy = r.Due
	}
	for _, line := range r.Taxes {
		doc.Taxes = append(doc.Taxes, TaxLine{Label: line.Description, Amount: line.Amount})
	}
	return doc
}

// OfInvoice is the document of an invoice where it stands, in the customer's language. The url is
// the payment link of whoever gets the document, or "".
func OfInvoice(firm paylink.Firm, customer paylink.Customer, i paylink.Invoice, b paylink.Balance, url string) Invoice {
	amount := func(minor int64) money.Amount { return money.New(minor, i.Currency) }
	doc := Invoice{
		Number: i.Number, Title: i.Title, Locale: customer.Locale, Firm: firmOf(firm, ""),
		Date: i.IssuedOn, DueDate: i.Due, IssuedAt: i.UpdatedAt,
		Customer: customer.Name, Company: customer.Company,
		Total: i.Total, Paid: amount(b.Paid), Credited: unlessZero(amount(b.Credited)),
		OnItsWay: unlessZero(amount(b.FromBank)), BeingPaid: unlessZero(amount(b.Pending - b.FromBank)), StillToPay: amount(b.Due()),
		PayURL: url, Paper: Paper(firm.Paper),
	}
	subtotal := i.Total.Minor
	for _, line := range i.Lines {
		if line.Tax {
			subtotal -= line.Amount.Minor
			doc.Taxes = append(doc.Taxes, TaxLine{Label: line.Description, Amount: line.Amount})
			continue
		}
		doc.Lines = append(doc.Lines, Line{
			Description: line.Description, Quantity: line.Quantity, UnitAmount: line.UnitAmount, Amount: line.Amount,
		})
	}
	if len(doc.Taxes) > 0 {
		doc.Subtotal = amount(subtotal)
	}
	return doc
}

func firmOf(f paylink.Firm, host string) Firm {
	return Firm{
		Name: f.Name, Tagline: f.Tagline, Address: f.Address, TaxID: f.TaxID, Email: f.Email, Phone: f.Phone,
		Statement: f.Descriptor, CheckHost: host,
	}
}

// endingIn names a card by its last digits.
var endingIn = map[money.Locale]string{
	money.English: "{brand} ending in {last4}",
	money.Spanish: "{brand} terminada en {last4}",
	money.French:  "{brand} se terminant par {last4}",
	money.German:  "{brand} mit den Endziffern {last4}",
}

func methodOf(r paylink.Receipt) string {
	if r.Method == paylink.MethodBank {
		return r.Bank.Label()
	}
	if r.Card.Last4 == "" {
		return r.Card.Brand
	}
	return say(endingIn[money.ParseLocale(string(r.Locale))], "brand", r.Card.Brand, "last4", r.Card.Last4)
}

// unlessZero leaves a row without money out.
func unlessZero(a money.Amount) money.Amount {
	if a.IsZero() {
		return money.Amount{}
	}
	return a
}
