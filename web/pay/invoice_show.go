package pay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// showInvoice is the page to pay on; ?amount= and ?method= fill the form, ?other=1 opens its field.
// ?tried= is the amount of a press that the payer came back from.
func (h *Handlers) showInvoice(c echo.Context, v visit) error {
	if why := v.payable().Why; why != "" {
		return h.showClosed(c, v, why, false)
	}
	if shown, err := h.stopped(c, v); shown || err != nil {
		return err
	}
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	choice := choice{typed: query.Text("amount"), open: query.Get("other") == "1"}
	if tried := query.Text("tried"); choice.typed == "" && tried != "" {
		if _, err := v.readAmount(tried); err == nil { // else it served, or was overtaken
			choice.typed = tried
		}
	}
	var known bool
	if _, choice.method, known = h.chosen(v, query.Get("method")); !known {
		return h.showForeign(c, v)
	}
	if choice.typed != "" {
		_, err := v.readAmount(choice.typed)
		choice.err, _ = told(err)
	}
	choice.notice = h.pages.TakeFlash(c)
	return h.show(c, v, http.StatusOK, choice)
}

// choice is what the payer asked for so far.
type choice struct {
	typed  string // the amount, as typed; "" is the whole
	open   bool   // the field of another amount
	method string // as the form's field says it; "" is a new card
	save   bool
	review bool           // all but the press is done
	notice string         // what happened before
	err    *paylink.Error // why it was not taken
}

// show shows the page with a choice, and with what is wrong with it.
func (h *Handlers) show(c echo.Context, v visit, status int, what choice) error {
	payable := v.payable()
	method, value, _ := h.chosen(v, what.method)
	what.method = value
	p := templates.PayShow{
		Frame: h.frame(c, v, "pay.title"), Base: v.base(), Number: v.invoice.Number, Payer: v.customer.Name,
		Subject: v.invoice.Title, Total: v.amount(v.invoice.Total.Minor), Balance: v.standing(), Due: dueLine(v), Lines: lines(v),
		Key: h.PublishableKey,
	}
	var err error
	if p.SoFar, err = h.soFar(c.Request().Context(), v); err != nil {
		return err
	}
	p.StripeJS, p.Script, p.Keeps = h.StripeJS, true, v.offersSave()
	p.Issued = p.Count("pay.lines", len(v.invoice.Lines))
	if v.invoice.IssuedOn != "" {
		p.Issued = p.Count("pay.lines.from", len(v.invoice.Lines), "issued", v.invoice.IssuedOn)
	}
	if p.Subject == "" {
		p.Subject = v.words.T("pay.subject")
	}

	p.Chosen = v.most()
	price := p.Chosen // what the button says; nothing while what was typed is no amount
	if (what.typed != "" || what.amountWrong()) && !payable.Whole {
		price, _ = money.Parse(what.typed, v.invoice.Currency, v.words.Locale())
		if price.IsPositive() && price.Minor <= paylink.MaxCharge {
			p.Chosen = price
		}
	} else {
		what.typed = p.Chosen.FieldText(v.words.Locale())
	}
	p.Other = &templates.Money{
		Field: "amount", Value: what.typed, Label: v.words.T("pay.other.label", "currency", v.invoice.Currency.Name(v.words.Locale())),
	}
	p.Other.Symbol, p.Other.SymbolFirst = money.Symbol(v.invoice.Currency, v.words.Locale())
	if !payable.Whole && !what.review {
		p.Presets = page.Presets(p.Page, v.invoice, payable)
		p.Rule = p.T("pay.other.from", "least", v.amount(payable.Min))
		p.Open = !choose(p.Presets, p.Chosen, what)
	}

	elements, err := json.Marshal(payments.ElementsFor(v.invoice, p.Chosen, what.save && value == newCard))
	if err != nil {
		return fmt.Errorf("write the options of the card form: %w", err)
	}
	p.Elements, p.Button, p.Keep = string(elements), h.button(v, value, price), keep(value)
	p.Methods, p.Permits, p.Review, p.Notice = h.methods(v, what, price), h.offersBank(v) || len(v.methods) > 0, what.review, what.notice
	if p.Saved = what.save; !what.review {
		p.UseSaved = h.useSaved(v)
	}
	if method.Kind == paylink.MethodBank && !method.Waits() && price.IsPositive() {
		p.Permission = h.debit(v, method, price, what.save && method.SavedAt.IsZero())
	}
	if what.err != nil {
		p.Title = v.words.T("word.error", "title", p.Title)
		p.Problems = v.summary(what, status)
		if p.Other.Problem = p.Problems.Problems.For("amount"); p.Other.Problem != nil {
			p.Uses = page.Uses(p.Page, p.Other.Problem.Args)
		}
	}

	s := h.sign(v)
	p.Nonce, p.Version, p.Signature = s.nonce, strconv.Itoa(s.version), s.signature
	h.pages.AllowStripe(c)
	return h.pages.Show(c, status, p)
}

// choose marks the preset that is asked for; false when the field of another amount is meant.
func choose(presets []templates.Preset, chosen money.Amount, what choice) bool {
	if what.open || what.amountWrong() {
		return false
	}
	for i := range presets {
		if presets[i].Amount == chosen {
			presets[i].Chosen = true
			return true
		}
	}
	return false
}

func (c choice) amountWrong() bool {
	if c.err == nil {
		return false
	}
	for _, f := range c.err.Fields {
		if f.Field == "amount" {
			return true
		}
	}
	return false
}
