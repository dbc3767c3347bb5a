package desk

import (
	"slices"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
	"paylink/templates"
)

// fields gives each field its problem, and the summary the name of the field.
func (v visit) fields(problems templates.Problems, all ...templates.Field) []templates.Field {
	for n := range all {
		if problem := problems.For(all[n].Name); problem != nil {
			problem.Brief = v.words.T("desk.brief", "label", all[n].Label, "text", problem.Text)
			all[n].Problem = problem
		}
	}
	return all
}

// formCurrencies are those that a form offers, beside the one that is set. The API takes every
// currency that Stripe does.
var formCurrencies = []money.Currency{
	"USD", "EUR", "GBP", "CAD", "AUD", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "MXN", "BRL",
	"INR", "SGD", "HKD", "NZD", "ZAR", "AED", "KWD", "BHD",
}

func (v visit) currencies(chosen string) []templates.Option {
	all := formCurrencies
	if c := money.Currency(chosen); c.Valid() && !slices.Contains(all, c) {
		all = append([]money.Currency{c}, all...)
	}
	options := make([]templates.Option, 0, len(all))
	for _, c := range all {
		label := string(c)
		if name := c.Name(v.words.Locale()); name != label {
			label += ", " + name
		}
		options = append(options, templates.Option{Value: string(c), Label: label, Chosen: string(c) == chosen})
	}
	return options
}

func (v visit) captures(chosen string) []templates.Option {
	return v.options("desk.capture.", chosen, string(paylink.CaptureAutomatic), string(paylink.CaptureManual))
}

// options words choices by their keys in the catalogue.
func (v visit) options(prefix, chosen string, values ...string) []templates.Option {
	all := make([]templates.Option, 0, len(values))
	for _, value := range values {
		all = append(all, templates.Option{Value: value, Label: v.words.T(prefix + value), Chosen: value == chosen})
	}
	return all
}

// symbol stands before the amounts of a currency.
func (v visit) symbol(currency string) string {
	symbol, _ := money.Symbol(money.Currency(currency), v.words.Locale())
	return symbol
}

// customerForm are the fields of a customer; names are theirs in the form, by the domain's.
func (v visit) customerForm(c paylink.Customer, names map[string]string, problems templates.Problems) []templates.Field {
	return v.fields(problems,
		templates.Field{Name: names["name"], Kind: "text", Label: v.words.T("desk.customer.name"), Value: c.Name, Most: paylink.MaxName, Half: true},
		templates.Field{Name: names["company"], Kind: "text", Label: v.words.T("desk.customer.company"), Value: c.Company, Most: paylink.MaxName, Half: true},
		templates.Field{Name: names["email"], Kind: "email", Label: v.words.T("desk.customer.email"), Value: c.Email, Most: paylink.MaxEmail, Half: true},
		templates.Field{Name: names["phone"], Kind: "tel", Label: v.words.T("desk.customer.phone"), Value: c.Phone, Most: 40, Half: true},
	)
}

// languages are those that there are sentences in; nobody is asked when there is one.
func (v visit) languages(chosen money.Locale) []templates.Option {
	var all []templates.Option
	for _, l := range catalogue.Locales() {
		all = append(all, templates.Option{Value: string(l), Label: v.words.T("desk.language." + string(l)), Chosen: l == chosen})
	}
	return all
}
