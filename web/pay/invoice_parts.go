package pay

import (
	"cmp"
	"strconv"

	"paylink"
	"paylink/money"
	"paylink/templates"
)

// dueLine says in words when the invoice is due.
func dueLine(v visit) *templates.DueLine {
	if v.invoice.Due == "" {
		return nil
	}
	line := &templates.DueLine{Key: "pay.due.today", Date: v.invoice.Due}
	switch days := v.words.Days(v.invoice.Due.Time(v.words.Zone())); {
	case days > 0:
		line.Key, line.Days = "pay.due.in", days
	case days < 0:
		line.Key, line.Days, line.Late = "pay.due.late", -days, true
	}
	return line
}

func lines(v visit) []templates.InvoiceLine {
	all := make([]templates.InvoiceLine, 0, len(v.invoice.Lines))
	for _, l := range v.invoice.Lines {
		all = append(all, templates.InvoiceLine{
			Text: l.Description, Quantity: l.Quantity, Unit: l.UnitAmount, Amount: l.Amount, One: l.UnitAmount == l.Amount,
		})
	}
	return all
}

// most is the largest amount that may be paid now; the whole, but where that is more than one
// payment can be.
func (v visit) most() money.Amount {
	p := v.payable()
	most := v.amount(p.Max)
	if e, ok := told(p.Check(most)); ok {
		for _, f := range e.Fields {
			return cmp.Or(amountArg(f.Args, "lower"), most)
		}
	}
	return most
}

// presets are the amounts that can be chosen by a press: the whole, then what the firm expects next.
func presets(words templates.Page, v visit, p paylink.Payable) []templates.Preset {
	preset := func(label string, a money.Amount) templates.Preset {
		return templates.Preset{Label: label, Amount: a, Value: a.FieldText(v.words.Locale())}
	}
	most := v.most()
	label := "pay.full"
	if most.Minor < p.Due {
		label = "pay.most"
	}
	all := []templates.Preset{preset(v.words.T(label), most)}
	switch {
	case p.Next != nil && p.Next.Amount < p.Due:
		next := preset(instalment(v, *p.Next), v.amount(p.Next.Amount))
		key, by := instalmentRest(v, *p.Next)
		next.Detail = words.T(key, "rest", v.amount(p.Due-p.Next.Amount), "by", by)
		all = append(all, next)
	case p.Next == nil && p.Min > p.Keep && p.Min < p.Due && p.Check(v.amount(p.Min)) == nil:
		deposit := preset(v.words.T("pay.deposit"), v.amount(p.Min))
		deposit.Detail = words.T("pay.instalment.later", "rest", v.amount(p.Due-p.Min))
		all = append(all, deposit)
	}
	return all
}

// instalment names the next part by its place in the invoice's plan.
func instalment(v visit, next paylink.Instalment) string {
	for i, part := range v.invoice.Partial.Instalments {
		if key := "pay.instalment." + strconv.Itoa(i+1); part.Due == next.Due && v.words.Has(key) {
			return v.words.T(key)
		}
	}
	return v.words.T("pay.instalment.next")
}

// instalmentRest chooses the sentence for what is left after the part, and the day it is expected by.
func instalmentRest(v visit, next paylink.Instalment) (key string, by paylink.Date) {
	plan := v.invoice.Partial.Instalments
	by = max(v.invoice.Due, plan[len(plan)-1].Due)
	if by == "" || by <= next.Due {
		return "pay.instalment.later", by
	}
	return "pay.instalment.rest", by
}

func cardDetail(v visit) string {
	if v.invoice.Capture == paylink.CaptureManual {
		return v.words.T("pay.card.held")
	}
	return v.words.T("pay.card.detail")
}

// problems words what is wrong with a choice.
func (v visit) problems(what choice) templates.Problems {
	typed := any(what.typed)
	if a, err := money.Parse(what.typed, v.invoice.Currency, v.words.Locale()); err == nil {
		typed = a
	}
	return templates.ProblemsOf(v.words, what.err, "typed", typed, "example", v.most().FieldText(v.words.Locale()), "firm", v.firm.Name)
}

// summary opens a page that was not taken. What no field is about has a heading of its own, and says
// itself that nothing was charged.
func (v visit) summary(what choice, status int) templates.Summary {
	s := templates.Summary{Problems: v.problems(what)}
	if len(what.err.Fields) > 0 {
		s.Note = v.words.T("pay.nothing")
		return s
	}
	heading := "error." + what.err.Code + ".title"
	if !v.words.Has(heading) {
		heading = "error.title." + strconv.Itoa(status)
	}
	s.Heading = v.words.T(heading)
	return s
}

// uses are the legal amounts nearest to one that was not taken.
func (v visit) uses(args []any) []templates.Preset {
	var all []templates.Preset
	for _, name := range []string{"lower", "upper"} {
		if a := amountArg(args, name); a.IsPositive() {
			all = append(all, templates.Preset{Label: v.words.T("pay.use", "amount", a), Amount: a, Value: a.FieldText(v.words.Locale())})
		}
	}
	return all
}

// amountArg finds an amount that an error carries.
func amountArg(args []any, name string) money.Amount {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			a, _ := args[i+1].(money.Amount)
			return a
		}
	}
	return money.Amount{}
}

// soFar lists the payments of the invoice in which money moved, or may.
func (h *Handlers) soFar(v visit) []templates.SoFar {
	var all []templates.SoFar
	for _, p := range v.payments {
		if p.Status == paylink.Failed || p.Status == paylink.Canceled {
			continue
		}
		one := templates.SoFar{
			Kind: v.words.T("pay." + string(cmp.Or(p.Method, paylink.MethodCard))), Icon: "clock",
			When: v.words.T("pay.sofar.asked", "at", v.words.Short(p.CreatedAt)), Amount: v.words.Amount(p.Amount),
		}
		if p.Method == paylink.MethodBank && p.Status == paylink.Processing && p.ExpectedOn != "" {
			one.When = v.words.T("pay.sofar.expected", "day", v.words.Short(p.ExpectedOn.Time(v.words.Zone())))
		}
		if p.Status == paylink.Succeeded {
			one.Icon, one.When = "done", v.words.Short(p.SettledAt)
			if p.ReceiptID != "" {
				one.Receipt = v.receiptURL(p)
			}
		}
		pill := templates.PaymentPill(p.Status)
		one.Status = v.words.T(pill.Key)
		if v.own(p) && !p.Status.Final() {
			one.Link = v.paymentURL(p)
		}
		all = append(all, one)
	}
	return all
}
