package page

import (
	"cmp"
	"strings"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
	"paylink/templates"
)

// Contract is what somebody agrees to, in full. What is shown and what is kept are made of the same
// clauses.
type Contract []templates.Clause

// Text is what is kept of it: its paragraphs, parted by empty lines.
func (t Contract) Text(w catalogue.Words) string {
	all := make([]string, len(t))
	for i, c := range t {
		all[i] = w.T(c.Key, c.Args...)
	}
	return strings.Join(all, "\n\n")
}

// DebitOnce is the permission to debit an account once, from a day on.
// https://docs.stripe.com/payments/ach-direct-debit#mandates
func DebitOnce(w catalogue.Words, firm paylink.Firm, b paylink.Bank, amount money.Amount, day paylink.Date) templates.Clause {
	return templates.Clause{Key: "pay.permission.debit", Args: append(Parties(w, firm), "amount", amount, "day", day, "account", Account(w, b))}
}

// Parties are the firm, its name on a statement and how to tell it that a permission ends.
func Parties(w catalogue.Words, firm paylink.Firm) []any {
	contact := firm.Email
	if firm.Phone != "" && firm.Email != "" {
		contact = w.T("pay.permission.contact", "phone", firm.Phone, "email", firm.Email)
	} else if firm.Phone != "" {
		contact = firm.Phone
	}
	statement := cmp.Or(firm.DebitStatement(), strings.ToUpper(firm.Name))
	return []any{"firm", firm.Name, "statement", statement, "contact", contact}
}

// Account names a bank account in full: "Chase Checking ••6789".
func Account(w catalogue.Words, b paylink.Bank) string {
	return strings.TrimSpace(b.Name + " " + BankType(w, b) + " ••" + b.Last4)
}

// BankType is the kind of a bank account, in words.
func BankType(w catalogue.Words, b paylink.Bank) string {
	if b.Type == "savings" {
		return w.T("pay.bank.savings")
	}
	return w.T("pay.bank.checking")
}
