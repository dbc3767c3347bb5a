package receipts

import (
	"strings"

	"paylink"
	"paylink/money"
)

// words are the sentences of one language on our documents; {name} stands for a value. None may be
// empty. What another party wrote (titles, methods, tax labels) arrives in the document's language.
type words struct {
	receipt      string
	status       map[paylink.ReceiptStatus]string
	receivedFrom string // {payer}
	receivedOn   string // {moment}

	paidWith, authorizationCode, trace, onStatement, reference string

	invoiceNumber string // {number}
	continued     string // {heading}
	titleOf       string // {title} {date}
	of            string // {date}

	invoiceTotal, paidBefore, paidOther, thisPayment string
	fee                                              string
	feeOnTop                                         string // {fee}
	taxIncluded, taxAdded                            string // {tax}
	taxSum                                           string
	onItsWay                                         string
	onItsWayBy                                       string // {date}
	beingPaid                                        string
	refunded, returned, credited                     string
	stillToPay                                       string
	stillToPayBy                                     string // {date}
	barPaid                                          string // {paid}
	barPaidAndOnItsWay                               string // {paid} {way}

	refundRule string
	questions  string // {contact}
	check      string // {address}
	issued     string // {number} {revision} {revisions} {moment}
	reissued   string // and {before}
	page       string // {page} {pages}

	invoice, paidStamp                                string
	toPay                                             string
	stillToPayOf                                      string // {total}
	fullyPaid, allOnItsWay, allBeingPaid              string
	dueOn                                             string // {day}
	payByPhone, orOpen                                string
	billedTo, taxID, invoiceDate, due                 string
	description, quantity, unitPrice, taxRate, amount string
	subtotal, total, paid                             string
	invoiceIssued                                     string // {number} {date}

	permission                      string
	permissionFrom                  string // {account}
	permissionBy, permissionGiven   string
	permissionAt, permissionVersion string
	permissionKept                  string // {firm}

	months       [12]string
	weekdays     [7]string // from Sunday
	firstOfMonth string    // the day 1
	date         string    // {day} {month} {year}
	nearDate     string    // {day} {month}
	weekday      string    // {weekday} {date}
	fullMoment   string    // {weekday} {date} {time} {zone}
	issuedMoment string    // {date} {time} {zone}
	clock12      bool
}

// wordsOf returns the words of a locale; English for one that has none.
func wordsOf(l money.Locale) *words {
	switch l {
	case money.English:
		return &english
	case money.Spanish:
		return &spanish
	case money.French:
		return &french
	case money.German:
		return &german
	}
	return &english
}

// say fills values, given as name, value, name, value…, into a sentence.
func say(sentence string, values ...string) string {
	pairs := make([]string, len(values))
	for i, v := range values {
		if i%2 == 0 {
			v = "{" + v + "}"
		}
		pairs[i] = v
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

var english = words{
	receipt: "Receipt",
	status: map[paylink.ReceiptStatus]string{
		paylink.ReceiptPaid: "PAID", paylink.ReceiptPartlyRefunded: "PARTLY REFUNDED",
		paylink.ReceiptRefunded: "REFUNDED", paylink.ReceiptReturned: "RETURNED",
	},
	receivedFrom: "received from {payer}", receivedOn: "on {moment}",
	paidWith: "Paid with", authorizationCode: "Authorization code", trace: "Trace",
	onStatement: "On your statement", reference: "Reference",
	invoiceNumber: "Invoice {number}", continued: "{heading}, continued",
	titleOf: "{title}, of {date}", of: "Of {date}",
	invoiceTotal: "Invoice total", paidBefore: "Paid before", paidOther: "Other payments", thisPayment: "This payment",
	fee: "Fee", feeOnTop: "{fee}, on top of the invoice",
	taxIncluded: "{tax}, included in the prices", taxAdded: "{tax}, added to the prices",
	taxSum: "Taxes in all", onItsWay: "On its way from a bank",
	onItsWayBy: "On its way from a bank, usually by {date}",
	beingPaid:  "Being paid, not yet certain",
	refunded:   "Refunded", returned: "Returned by the bank", credited: "No longer owed",
	stillToPay: "Still to pay", stillToPayBy: "Still to pay by {date}",
	barPaid: "{paid} paid", barPaidAndOnItsWay: "{paid} paid, {way} on its way",
	refundRule: "Refunds go back to the card or account that paid, within 10 days.",
	questions:  "Questions: {contact}", check: "Check this receipt: {address}",
	issued:   "{number}, revision {revision} of {revisions}, issued {moment}.",
	reissued: "{number}, revision {revision} of {revisions} (replaces revision {before}), issued {moment}.",
	page:     "Page {page} of {pages}",

	invoice: "Invoice", paidStamp: "PAID", toPay: "to pay", stillToPayOf: "still to pay of {total}",
	fullyPaid: "This invoice is fully paid.", allOnItsWay: "The rest is on its way from a bank.",
	allBeingPaid: "The rest is being paid and not yet certain.",
	dueOn:        "Due {day}", payByPhone: "Pay by phone: scan", orOpen: "Or open this address:",
	billedTo: "For", taxID: "Tax number", invoiceDate: "Date", due: "Due",
	description: "Description", quantity: "Quantity", unitPrice: "Price", taxRate: "Tax",
	amount: "Amount", subtotal: "Subtotal", total: "Total", paid: "Paid",
	invoiceIssued: "{number}, of {date}.",

	permission: "Permission to debit", permissionFrom: "once, from {account}",
	permissionBy: "Given by", permissionGiven: "Given on", permissionAt: "From the address",
	permissionVersion: "Text", permissionKept: "A copy of what you agreed to with {firm}. It is not a receipt.",

	months: [12]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December",
	},
	weekdays: [7]string{
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
	},
	firstOfMonth: "1", date: "{month} {day}, {year}", nearDate: "{month} {day}",
	weekday: "{weekday}, {date}", fullMoment: "{weekday}, {date} at {time} {zone}",
	issuedMoment: "{date}, {time} {zone}", clock12: true,
}
