package page

import (
	"strconv"

	"paylink"
	"paylink/money"
	"paylink/templates"
)

// Presets are the amounts of an invoice that can be chosen by a press: the whole, then what the firm
// expects next. The words are those of the page.
func Presets(p templates.Page, i paylink.Invoice, payable paylink.Payable) []templates.Preset {
	amount := func(minor int64) money.Amount { return money.New(minor, i.Currency) }
	preset := func(label string, a money.Amount) templates.Preset {
		return templates.Preset{Label: label, Amount: a, Value: a.FieldText(p.Words.Locale())}
	}
	most := payable.Most()
	label := "pay.full"
	if most.Minor < payable.Due {
		label = "pay.most"
	}
	all := []templates.Preset{preset(p.Words.T(label), most)}
	switch next := payable.Next; {
	case next != nil && next.Amount < payable.Due:
		part := preset(instalment(p, i, *next), amount(next.Amount))
		key, by := instalmentRest(i, *next)
		part.Detail = p.T(key, "rest", amount(payable.Due-next.Amount), "by", by)
		all = append(all, part)
	case next == nil && payable.Min > payable.Keep && payable.Min < payable.Due && payable.Check(amount(payable.Min)) == nil:
		deposit := preset(p.Words.T("pay.deposit"), amount(payable.Min))
		deposit.Detail = p.T("pay.instalment.later", "rest", amount(payable.Due-payable.Min))
		all = append(all, deposit)
	}
	return all
}

// instalment names the next part by its place in the invoice's plan.
func instalment(p templates.Page, i paylink.Invoice, next paylink.Instalment) string {
	for n, part := range i.Partial.Instalments {
		if key := "pay.instalment." + strconv.Itoa(n+1); part.Due == next.Due && p.Words.Has(key) {
			return p.Words.T(key)
		}
	}
	return p.Words.T("pay.instalment.next")
}

// instalmentRest chooses the sentence for what is left after the part, and the day it is expected by.
func instalmentRest(i paylink.Invoice, next paylink.Instalment) (key string, by paylink.Date) {
	plan := i.Partial.Instalments
	by = max(i.Due, plan[len(plan)-1].Due)
	if by == "" || by <= next.Due {
		return "pay.instalment.later", by
	}
	return "pay.instalment.rest", by
}

// Uses are the legal amounts nearest to one that was not taken, as its error carries them.
func Uses(p templates.Page, args []any) []templates.Preset {
	var all []templates.Preset
	for _, name := range []string{"lower", "upper"} {
		if a := amountArg(args, name); a.IsPositive() {
			all = append(all, templates.Preset{Label: p.Words.T("pay.use", "amount", a), Amount: a, Value: a.FieldText(p.Words.Locale())})
		}
	}
	return all
}

// amountArg finds an amount that an error carries.
func amountArg(args []any, name string) money.Amount {
	for n := 0; n+1 < len(args); n += 2 {
		if args[n] == name {
			a, _ := args[n+1].(money.Amount)
			return a
		}
	}
	return money.Amount{}
}
