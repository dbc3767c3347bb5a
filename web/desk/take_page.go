package desk

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// takePage shows what may be chosen, and what the press would do.
func (h *Handlers) takePage(c echo.Context, v visit, t taking, status int) error {
	p := templates.DeskTake{Desk: h.frame(c, v, "desk.take.title"), Base: t.base()}
	first := t.customer.FirstName()
	p.Crumbs = t.crumbs(p.Desk, p.T("desk.take.title"))
	p.Due = p.T("desk.take.due", "due", t.asked.amount(t.payable.Due))
	p.Hidden = []templates.Hidden{
		{Name: "nonce", Value: t.nonce}, {Name: "version", Value: strconv.Itoa(t.invoice.Version)},
		{Name: "due", Value: strconv.FormatInt(t.payable.Due, 10)}, {Name: "said", Value: t.says()},
	}
	p.Methods = t.rows(v)
	switch {
	case len(t.methods) == 0:
		p.None = p.T("desk.take.none", "name", first)
	case !slices.ContainsFunc(t.methods, func(m paylink.Method) bool { return t.chargeable(v, m) }):
		p.None = p.T("desk.take.none_usable", "name", first)
	}
	p.Button = p.T("desk.take")
	if t.says() != "" {
		p.Button = p.T(t.button(), "amount", t.amount, "method", methodLabel(v, t.method))
		if t.method.Kind == paylink.MethodBank {
			p.Permission, p.Told = t.permission(v), p.T("desk.take.told", "name", first)
		}
	}
	if t.look {
		p.Note = p.T("desk.take.look", "what", v.words.T(t.button(), "amount", t.amount, "method", methodLabel(v, t.method)))
	}
	p.Receipt = p.T("desk.take.receipt", "email", t.customer.Email)
	if t.wrong != nil {
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems = templates.Summary{Problems: v.problems(t.wrong, nil), Note: v.words.T("desk.take.nothing")}
		switch {
		case t.paid:
			p.Problems.Heading = v.words.T("desk.take.meanwhile", "due", t.asked.amount(t.payable.Due))
		case t.wrong.Kind != paylink.Invalid:
			p.Problems.Heading, p.Problems.Note = v.words.T("desk.error.title"), ""
		}
	}
	t.amounts(v, &p)
	var err error
	if p.Link, err = h.takeLink(c.Request().Context(), v, t, p.Page); err != nil {
		return err
	}
	return h.pages.Show(c, status, p)
}

// amounts fills in how much may be taken, and what is chosen of it.
func (t taking) amounts(v visit, p *templates.DeskTake) {
	p.Presets, p.Open = page.Presets(p.Page, t.invoice, t.payable), true
	for n := range p.Presets {
		if !t.other && p.Presets[n].Amount == t.amount && p.Open {
			p.Presets[n].Chosen, p.Open = true, false
		}
	}
	if t.payable.Whole {
		p.Presets[0].Chosen = true
		return
	}
	p.Other = &templates.Money{Label: v.words.T("pay.other.label", "currency", t.invoice.Currency.Name(v.words.Locale()))}
	p.Other.Symbol, p.Other.SymbolFirst = money.Symbol(t.invoice.Currency, v.words.Locale())
	p.Rule = p.T("pay.other.from", "least", t.asked.amount(t.payable.Min))
	if p.Open {
		p.Other.Value = t.typed
	}
	if p.Other.Problem = p.Problems.Problems.For("amount"); p.Other.Problem != nil {
		p.Uses = page.Uses(p.Page, p.Other.Problem.Args)
	}
}

// button is the sentence of what is chosen.
func (t taking) button() string {
	switch {
	case t.method.Kind == paylink.MethodBank:
		return "desk.take.button.bank"
	case t.invoice.Capture == paylink.CaptureManual:
		return "desk.take.button.held"
	}
	return "desk.take.button.card"
}

// rows are what is saved for the customer. What cannot be charged stays, with the reason.
func (t taking) rows(v visit) []templates.TakeMethod {
	rows := make([]templates.TakeMethod, 0, len(t.methods))
	for _, m := range t.methods {
		one := templates.TakeMethod{
			Value: m.ID, Icon: "card", Name: methodLabel(v, m), Detail: v.html("desk.take.card"), Chosen: m.ID == t.method.ID,
		}
		switch {
		case m.Kind == paylink.MethodBank:
			one.Icon, one.Name, one.Detail = "bank", page.Account(v.words, m.Bank), v.html("desk.take.bank")
		case t.invoice.Capture == paylink.CaptureManual:
			one.Detail = v.html("desk.take.card_held")
		}
		if e, ok := errors.AsType[*paylink.Error](payments.ForStaff(m, t.invoice.Currency, v.words.Now())); ok {
			one.Off, one.Chosen, one.Detail = true, false, why(v, m, e)
		}
		rows = append(rows, one)
	}
	return rows
}

// why says in a few words why a method cannot be charged.
func why(v visit, m paylink.Method, e *paylink.Error) templates.HTML {
	if blocked := "desk.method.why." + m.Blocked; m.Blocked != "" && v.words.Has(blocked) {
		return v.html(blocked)
	}
	return v.html(key(v.words, e.Fields[0].Code))
}

// takeLink is how the newest link of the invoice stands that still works.
func (h *Handlers) takeLink(ctx context.Context, v visit, t taking, w templates.Page) (templates.TakeLink, error) {
	first := t.customer.FirstName()
	p := templates.TakeLink{
		Heading: w.T("desk.take.link", "name", first), Lead: w.T("desk.take.link.lead", "email", t.customer.Email), Waits: w.T("desk.take.waits", "name", first),
	}
	links, err := h.store.LinksOf(ctx, t.invoice.ID)
	if err != nil {
		return p, err
	}
	newest := slices.IndexFunc(links, func(l paylink.Link) bool { return l.Usable(v.words.Now()) == nil })
	if newest < 0 {
		return p, nil
	}
	link := links[newest]
	rows, err := h.linkRows(ctx, v, t.invoice, links[newest:newest+1], names{v: v})
	if err != nil {
		return p, err
	}
	if p.Lead, p.Copy = w.T("desk.take.link.sent", "email", link.Recipient), rows[0].Base; rows[0].Resend {
		p.Resend = rows[0].Base + "/resend"
	}
	if rows[0].Failed {
		p.News = rows[0].News
	}
	made, err := h.store.PaymentsOf(ctx, t.invoice.ID)
	if err != nil {
		return p, err
	}
	step := func(done bool, text templates.HTML, at time.Time) {
		e := templates.Event{Text: text}
		if done {
			e.Colour, e.Icon = "good", "tick"
		}
		if done && !at.IsZero() {
			e.When = v.stamp(at)
		}
		p.Steps = append(p.Steps, e)
	}
	dots := rows[0].Dots
	step(dots[1] == "done", w.T("desk.take.link.mailed"), link.SentAt)
	step(dots[2] == "done", w.T("desk.take.link.opened", "name", first), link.OpenedAt)
	paying := slices.IndexFunc(made, func(one paylink.Payment) bool { return one.LinkID == link.ID && one.Status.Reserving() })
	var since time.Time
	if paying >= 0 {
		since = made[paying].CreatedAt
	}
	step(paying >= 0 || dots[3] == "done", w.T("desk.take.link.paying"), since)
	step(dots[3] == "done", w.T("desk.take.link.paid"), link.PaidAt)
	return p, nil
}
