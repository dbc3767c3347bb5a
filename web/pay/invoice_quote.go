package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// quote tells our script what a choice would mean, so that the button always says what it does and
// one function decides what may be paid.
type quote struct {
	OK         bool              `json:"ok"`
	Button     string            `json:"button"`
	Price      string            `json:"price,omitempty"`
	Elements   payments.Elements `json:"elements,omitzero"`
	Permission [][]quotePart     `json:"permission,omitempty"` // what is to be agreed to, by paragraphs
	Problem    string            `json:"problem,omitempty"`
	Uses       []quoteUse        `json:"uses,omitempty"`
}

type quotePart struct {
	Text string `json:"text"`
	Bold bool   `json:"bold,omitempty"`
	Line bool   `json:"line,omitempty"` // must stay on one line
}

type quoteUse struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// quoteAmount answers for ?amount= as typed, ?method= and ?save=on.
func (h *Handlers) quoteAmount(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	typed, save := query.Text("amount"), query.On("save") && v.offersSave()
	method, value, known := h.chosen(v, query.Get("method"))
	if !known {
		return h.showForeign(c, v)
	}
	amount, err := v.readAmount(typed)
	if e, ok := told(err); ok {
		problem := v.problems(choice{typed: typed, err: e})[0]
		q := quote{Problem: problem.Text, Button: h.button(v, value, amount)}
		if amount.IsPositive() { // readable, but against a rule
			q.Price = v.words.Amount(amount)
		}
		for _, use := range page.Uses(templates.Page{Words: v.words}, problem.Args) {
			q.Uses = append(q.Uses, quoteUse{use.Label, use.Value})
		}
		return c.JSON(http.StatusOK, q)
	}
	if err != nil {
		return err
	}
	q := quote{
		OK: true, Button: h.button(v, value, amount), Price: v.words.Amount(amount),
		Elements: payments.ElementsFor(v.invoice, amount, save && value == newCard),
	}
	if method.Kind == paylink.MethodBank && !method.Waits() {
		q.Permission = parts(v, h.debit(v, method, amount, save && method.SavedAt.IsZero()))
	}
	return c.JSON(http.StatusOK, q)
}
