package pay

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink/payments"
	"paylink/web/page"
)

// quote tells our script what an amount would mean, so that the button always says what it does and
// one function decides what may be paid.
type quote struct {
	OK       bool              `json:"ok"`
	Button   string            `json:"button,omitempty"`
	Price    string            `json:"price,omitempty"`
	Elements payments.Elements `json:"elements,omitzero"`
	Problem  string            `json:"problem,omitempty"`
	Uses     []quoteUse        `json:"uses,omitempty"`
}

type quoteUse struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// quoteAmount answers for ?amount= as typed, and ?save=on.
func (h *Handlers) quoteAmount(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	typed := query.Text("amount")
	amount, err := v.readAmount(typed)
	if e, ok := told(err); ok {
		problem := v.problems(choice{typed: typed, err: e})[0]
		q := quote{Problem: problem.Text}
		if amount.IsPositive() { // readable, but against a rule: the button must not name another amount
			q.Button, q.Price = button(v, amount), v.words.Amount(amount)
		}
		for _, use := range v.uses(problem.Args) {
			q.Uses = append(q.Uses, quoteUse{use.Label, use.Value})
		}
		return c.JSON(http.StatusOK, q)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, quote{
		OK: true, Button: button(v, amount), Price: v.words.Amount(amount),
		Elements: payments.ElementsFor(v.invoice, amount, query.On("save") && h.OfferSave),
	})
}
