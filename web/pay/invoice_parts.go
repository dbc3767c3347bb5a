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

func issued(v visit) string {
	if v.invoice.IssuedOn == "" {
		return v.words.Count("pay.lines", len(v.invoice.Lines))
	}
	return v.words.Count("pay.lines.from", len(v.invoice.Lines), "issued", v.invoice.IssuedOn)
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
func presets(v visit, p paylink.Payable) []templates.Preset {
	w := v.words
	preset := func(label, detail string, a money.Amount) templates.Preset {
		return templates.Preset{Label: label, Detail: detail, Amount: a, Value: a.FieldText(w.Locale())}
	}
	most := v.most()
	label := w.T("pay.full")
	if most.Minor < p.Due {
		label = w.T("pay.most")
	}
	all := []templates.Preset{preset(label, "", most)}
	switch {
	case p.Next != nil && p.Next.Amount < p.Due:
		all = append(all, preset(instalment(v, *p.Next), instalmentRest(v, *p.Next), v.amount(p.Next.Amount)))
	case p.Next == nil && p.Min > p.Keep && p.Min < p.Due:
		detail := w.T("pay.instalment.later", "rest", v.amount(p.Due-p.Min))
		if p.Check(v.amount(p.Min)) == nil {
			all = append(all, preset(w.T("pay.deposit"), detail, v.amount(p.Min)))
		}
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

// instalmentRest says what is left after the part, and by when it is expected.
func instalmentRest(v visit, next paylink.Instalment) string {
	rest := v.amount(v.balance.Due() - next.Amount)
	plan := v.invoice.Partial.Instalments
	by := v.invoice.Due
	if last := plan[len(plan)-1].Due; last > by {
		by = last
	}
	if by == "" || by <= next.Due {
		return v.words.T("pay.instalment.later", "rest", rest)
	}
	return v.words.T("pay.instalment.rest", "rest", rest, "by", by)
}

// button says what pressing it does.
func button(v visit, a money.Amount) string {
	if v.invoice.Capture == paylink.CaptureManual {
		return v.words.T("pay.button.hold", "amount", a)
	}
	return v.words.T("pay.button", "amount", a)
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
