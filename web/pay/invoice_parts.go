package pay

import (
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

// most is the largest amount that may be paid now.
func (v visit) most() money.Amount { return v.payable().Most() }

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
