package desk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"paylink"
	"paylink/money"
	"paylink/web/page"
)

// typedInvoice is an invoice as it was typed: it fills the form again, whatever is wrong with it.
type typedInvoice struct {
	whoNew           bool
	customerID, find string
	fresh            map[string]string // the new customer's fields, by their names in the form
	number, title    string
	currency, due    string
	capture          string
	lines            []typedLine
	partial          bool
	minimum, first   string
	offered          offered
	parts            []typedPart
}

// offered is what the form held of the smallest parts before anybody typed. The form carries it, so
// that a rule nobody chose bends to the invoice, as the API bends the firm's, and one that was typed
// is judged.
type offered struct{ currency, minimum, first string }

type typedLine struct {
	description, quantity, unit string
	tax                         bool
}

type typedPart struct{ amount, due string }

// freshNames are the fields of a new customer in the form, by their names in the domain.
var freshNames = map[string]string{"name": "new_name", "company": "new_company", "email": "new_email", "phone": "new_phone"}

// mostParts is how many instalments the form takes.
const mostParts = 24

// readInvoice takes what was typed. Lines and instalments in which nothing is typed are left out, so
// their fields are numbered anew.
func readInvoice(form page.Form) typedInvoice {
	t := typedInvoice{
		whoNew: form.Get("who") == "new", customerID: form.Get("customer_id"), find: form.Text("find"), fresh: map[string]string{},
		number: form.Text("number"), title: form.Text("title"), currency: form.Text("currency"), due: form.Text("due"),
		capture: form.Get("capture"), partial: form.On("partial.allowed"),
		minimum: form.Text("partial.minimum"), first: form.Text("partial.first_minimum"),
		offered: offered{form.Text("offered.currency"), form.Text("offered.minimum"), form.Text("offered.first_minimum")},
	}
	if t.offered.currency != "" && t.offered.currency != t.currency && money.Currency(t.currency).Valid() {
		t = t.inOtherCurrency()
	}
	for _, name := range freshNames {
		t.fresh[name] = form.Text(name)
	}
	for n := range paylink.MaxLines + 1 {
		field := fmt.Sprintf("lines[%d].", n)
		line := typedLine{form.Text(field + "description"), form.Text(field + "quantity"), form.Text(field + "unit_amount"), form.On(field + "tax")}
		if line.description != "" || line.unit != "" || line.quantity != "" && line.quantity != "1" {
			t.lines = append(t.lines, line)
		}
	}
	for n := range mostParts {
		field := fmt.Sprintf("partial.instalments[%d].", n)
		if part := (typedPart{form.Text(field + "amount"), form.Text(field + "due_date")}); part != (typedPart{}) {
			t.parts = append(t.parts, part)
		}
	}
	return t
}

// inOtherCurrency leaves out the smallest parts that nobody typed: they are amounts of the currency
// that was offered.
func (t typedInvoice) inOtherCurrency() typedInvoice {
	if t.minimum == t.offered.minimum {
		t.minimum = ""
	}
	if t.first == t.offered.first {
		t.first = ""
	}
	t.offered = offered{currency: t.currency}
	return t
}

// bend gives the rules as they make sense for a total, as far as nobody typed them.
func (t typedInvoice) bend(p paylink.PartialRules, total money.Amount) paylink.PartialRules {
	bent := p.Within(total)
	if t.minimum == t.offered.minimum {
		p.Minimum = bent.Minimum
	}
	if t.first == t.offered.first {
		p.FirstMinimum = bent.FirstMinimum
	}
	return p
}

// invoice reads what was typed; the fields tell what cannot be read.
func (t typedInvoice) invoice(v visit) (i paylink.Invoice, wrong paylink.Fields) {
	i = paylink.Invoice{
		CustomerID: t.customerID, Number: t.number, Title: t.title, Capture: paylink.CaptureMethod(t.capture),
		Partial: paylink.PartialRules{Allowed: t.partial},
	}
	var err error
	if i.Currency, err = money.ParseCurrency(t.currency); err != nil {
		wrong.Add("currency", "currency")
		return i, wrong
	}
	if i.Due, err = paylink.ParseDate(t.due); err != nil {
		wrong.Add("due", "date")
	}
	if i.Capture != paylink.CaptureAutomatic && i.Capture != paylink.CaptureManual {
		wrong.Add("capture", "choice")
	}
	amount := func(field, text string) int64 {
		a, err := v.parse(text, i.Currency)
		if errors.Is(err, money.ErrOverflow) || errors.Is(err, money.ErrTooLong) {
			wrong.Add(field, "too_large")
		} else if err != nil {
			wrong.Add(field, "amount.syntax", "example", money.New(22500, i.Currency).FieldText(v.words.Locale()))
		}
		return a.Minor
	}
	for n, line := range t.lines {
		// A quantity that cannot be read stays zero, which Compute refuses.
		quantity, _ := money.ParseQuantity(cmp.Or(line.quantity, "1"))
		i.Lines = append(i.Lines, paylink.Line{
			Description: line.description, Quantity: quantity, Tax: line.tax,
			UnitAmount: money.New(amount(fmt.Sprintf("lines[%d].unit_amount", n), line.unit), i.Currency),
		})
	}
	if t.minimum != "" {
		i.Partial.Minimum = amount("partial.minimum", t.minimum)
	}
	if t.first != "" {
		i.Partial.FirstMinimum = amount("partial.first_minimum", t.first)
	}
	for n, part := range t.parts {
		field := fmt.Sprintf("partial.instalments[%d].", n)
		due, err := paylink.ParseDate(part.due)
		if err != nil {
			wrong.Add(field+"due_date", "date")
		}
		i.Partial.Instalments = append(i.Partial.Instalments, paylink.Instalment{Amount: amount(field+"amount", part.amount), Due: due})
	}
	return i, wrong
}

// check reads what was typed and says everything that is wrong with it at once.
func (t typedInvoice) check(v visit) (paylink.Invoice, error) {
	i, wrong := t.invoice(v)
	seen := map[string]bool{}
	for _, f := range wrong {
		seen[f.Field] = true
	}
	if seen["currency"] {
		return i, wrong.Err()
	}
	judged := i
	judged.Lines = slices.Clone(i.Lines)
	judged.Number = cmp.Or(i.Number, "INV-0") // none is the next one
	_ = judged.Compute()                      // for the total; what is wrong is told below
	i.Partial = t.bend(i.Partial, judged.Total)
	judged.Partial = i.Partial
	if e, ok := told(judged.Compute()); ok {
		for _, f := range e.Fields {
			// What does not add up may do so once every amount can be read.
			sum := f.Code == "total_positive" || f.Code == "over_total" || f.Code == "total_step"
			if !seen[f.Field] && (len(seen) == 0 || !sum) {
				wrong = append(wrong, f)
			}
		}
	}
	return i, wrong.Err()
}

// parse reads an amount as people write it; a discount has a minus before it.
func (v visit) parse(text string, c money.Currency) (money.Amount, error) {
	for _, minus := range []string{"-", "−", "–"} {
		if rest, ok := strings.CutPrefix(text, minus); ok {
			a, err := money.Parse(rest, c, v.words.Locale())
			if err != nil {
				return a, err
			}
			return a.Neg()
		}
	}
	return money.Parse(text, c, v.words.Locale())
}

// newCustomer reads the customer who is not there yet.
func (t typedInvoice) newCustomer() paylink.Customer {
	return paylink.Customer{
		Name: t.fresh["new_name"], Company: t.fresh["new_company"], Email: t.fresh["new_email"], Phone: t.fresh["new_phone"],
	}
}

// typedOf is an invoice as its form begins.
func typedOf(v visit, i paylink.Invoice) typedInvoice {
	field := func(minor int64) string {
		a := money.New(minor, i.Currency)
		if minor < 0 {
			return "-" + money.New(-minor, i.Currency).FieldText(v.words.Locale())
		}
		return a.FieldText(v.words.Locale())
	}
	t := typedInvoice{
		customerID: i.CustomerID, fresh: map[string]string{}, number: i.Number, title: i.Title, currency: string(i.Currency),
		due: string(i.Due), capture: string(i.Capture), partial: i.Partial.Allowed,
	}
	for _, l := range i.Lines {
		t.lines = append(t.lines, typedLine{l.Description, l.Quantity.Format(v.words.Locale()), field(l.UnitAmount.Minor), l.Tax})
	}
	if i.Partial.Minimum > 0 {
		t.minimum = field(i.Partial.Minimum)
	}
	if i.Partial.FirstMinimum > 0 {
		t.first = field(i.Partial.FirstMinimum)
	}
	t.offered = offered{t.currency, t.minimum, t.first}
	for _, part := range i.Partial.Instalments {
		t.parts = append(t.parts, typedPart{field(part.Amount), string(part.Due)})
	}
	return t
}

// without is what was typed less one line.
func (t typedInvoice) without(n int) typedInvoice {
	if n >= 0 && n < len(t.lines) {
		t.lines = slices.Delete(slices.Clone(t.lines), n, n+1)
	}
	return t
}

// blank says whether nothing was typed for a new customer.
func (t typedInvoice) blank() bool {
	return !slices.ContainsFunc(slices.Collect(maps.Values(t.fresh)), func(s string) bool { return s != "" })
}
