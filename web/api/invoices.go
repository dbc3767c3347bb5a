package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/store"
)

type newInvoice struct {
	CustomerID string    `json:"customer_id"`
	Currency   string    `json:"currency"`
	Title      string    `json:"title"`
	Number     string    `json:"number"`
	ExternalID string    `json:"external_id"`
	Due        string    `json:"due_date"`
	Draft      bool      `json:"draft"`
	Capture    string    `json:"capture"`
	Lines      []newLine `json:"lines"`
	Partial    *partial  `json:"partial"`
}

type newLine struct {
	Description string          `json:"description"`
	Quantity    *money.Quantity `json:"quantity"`
	UnitAmount  int64           `json:"unit_amount"`
	Tax         bool            `json:"tax"`
}

type partial struct {
	Allowed      bool         `json:"allowed"`
	Minimum      int64        `json:"minimum"`
	FirstMinimum int64        `json:"first_minimum"`
	Instalments  []instalment `json:"instalments"`
}

type instalment struct {
	Amount int64  `json:"amount"`
	Due    string `json:"due_date"`
}

type line struct {
	Description string         `json:"description"`
	Quantity    money.Quantity `json:"quantity"`
	UnitAmount  int64          `json:"unit_amount"`
	Tax         bool           `json:"tax"`
	Amount      int64          `json:"amount"`
}

// invoice says money in minor units of its currency: total − credited − paid − pending = due.
type invoice struct {
	ID         string                `json:"id"`
	Number     string                `json:"number"`
	Title      string                `json:"title"`
	Status     paylink.InvoiceStatus `json:"status"`
	CustomerID string                `json:"customer_id"`
	Currency   money.Currency        `json:"currency"`
	Total      int64                 `json:"total"`
	Credited   int64                 `json:"credited"`
	Paid       int64                 `json:"paid"`
	Pending    int64                 `json:"pending"`
	Refunded   int64                 `json:"refunded"`
	Due        int64                 `json:"due"`
	DueDate    *paylink.Date         `json:"due_date"`
	IssuedOn   *paylink.Date         `json:"issued_on"`
	ExternalID *string               `json:"external_id"`
	Capture    paylink.CaptureMethod `json:"capture"`
	Partial    partial               `json:"partial"`
	Lines      []line                `json:"lines,omitempty"`
	Version    int                   `json:"version"`
	CreatedAt  *string               `json:"created_at"`
}

func showInvoice(i paylink.Invoice, b paylink.Balance) invoice {
	shown := invoice{
		ID: i.ID, Number: i.Number, Title: i.Title, Status: i.Status(b), CustomerID: i.CustomerID, Currency: i.Currency,
		Total: i.Total.Minor, Credited: b.Credited, Paid: b.Paid, Pending: b.Pending, Refunded: b.Refunded, Due: b.Due(),
		DueDate: optional(i.Due), IssuedOn: optional(i.IssuedOn), ExternalID: optional(i.ExternalID), Capture: i.Capture,
		Partial: partial{Allowed: i.Partial.Allowed, Minimum: i.Partial.Minimum, FirstMinimum: i.Partial.FirstMinimum, Instalments: []instalment{}},
		Version: i.Version, CreatedAt: stamp(i.CreatedAt),
	}
	for _, part := range i.Partial.Instalments {
		shown.Partial.Instalments = append(shown.Partial.Instalments, instalment{part.Amount, string(part.Due)})
	}
	for _, l := range i.Lines {
		shown.Lines = append(shown.Lines, line{l.Description, l.Quantity, l.UnitAmount.Minor, l.Tax, l.Amount.Minor})
	}
	return shown
}

// read takes what a program sent as an invoice of the domain, and says at once every field that
// cannot be one.
func (in newInvoice) read() (paylink.Invoice, paylink.Fields) {
	var wrong paylink.Fields
	made := paylink.Invoice{
		CustomerID: in.CustomerID, Title: in.Title, Number: in.Number, ExternalID: in.ExternalID, State: paylink.StateOpen,
	}
	switch {
	case in.CustomerID == "":
		wrong.Add("customer_id", "required")
	case !plain(in.CustomerID):
		wrong.Add("customer_id", "customer.unknown")
	}
	if in.Draft {
		made.State = paylink.StateDraft
	}
	var err error
	if made.Currency, err = money.ParseCurrency(in.Currency); err != nil {
		wrong.Add("currency", "currency")
	}
	if made.Due, err = paylink.ParseDate(in.Due); err != nil {
		wrong.Add("due_date", "date")
	}
	switch capture := paylink.CaptureMethod(in.Capture); capture {
	case "", paylink.CaptureAutomatic, paylink.CaptureManual:
		made.Capture = capture
	default:
		wrong.Add("capture", "choice")
	}
	for n, l := range in.Lines {
		if l.Quantity == nil {
			wrong.Add(fmt.Sprintf("lines[%d].quantity", n), "required")
			l.Quantity = new(money.Quantity) // the line keeps its place
		}
		made.Lines = append(made.Lines, paylink.Line{
			Description: l.Description, Quantity: *l.Quantity, UnitAmount: money.New(l.UnitAmount, made.Currency), Tax: l.Tax,
		})
	}
	if in.Partial != nil {
		made.Partial = paylink.PartialRules{Allowed: in.Partial.Allowed, Minimum: in.Partial.Minimum, FirstMinimum: in.Partial.FirstMinimum}
		for n, part := range in.Partial.Instalments {
			day, err := paylink.ParseDate(part.Due)
			if err != nil || day == "" {
				wrong.Add(fmt.Sprintf("partial.instalments[%d].due_date", n), "date")
			}
			made.Partial.Instalments = append(made.Partial.Instalments, paylink.Instalment{Amount: part.Amount, Due: day})
		}
	}
	return made, wrong
}

// check says everything that is wrong with an invoice, beside what could not be read of it.
func (h *Handlers) check(ctx context.Context, made paylink.Invoice, wrong paylink.Fields) error {
	told := func(field string) bool {
		return slices.ContainsFunc(wrong, func(f paylink.FieldError) bool { return f.Field == field })
	}
	if !told("customer_id") {
		if _, err := h.store.Customer(ctx, made.CustomerID); paylink.KindOf(err) == paylink.NotFound {
			wrong.Add("customer_id", "customer.unknown")
		} else if err != nil {
			return err
		}
	}
	made.Number = cmp.Or(made.Number, "INV-0") // none is the next one
	if broken, ok := errors.AsType[*paylink.Error](made.Compute()); ok {
		for _, f := range broken.Fields {
			if !told(f.Field) {
				wrong = append(wrong, f)
			}
		}
	}
	return wrong.Err()
}

func (h *Handlers) createInvoice(c echo.Context) error {
	var in newInvoice
	once, err := read(c, &in)
	if err != nil {
		return err
	}
	made, wrong := in.read()
	if in.Partial == nil {
		firm, err := h.invoicing.Firm(c.Request().Context())
		if err != nil {
			return err
		}
		if made.Currency == firm.Currency { // the firm's rule is in its own currency
			_ = made.Compute() // for the total; check says what is wrong
			made.Partial = firm.Partial.Within(made.Total)
		}
	}
	if err := h.check(c.Request().Context(), made, wrong); err != nil {
		return err
	}
	if made, err = h.invoicing.CreateInvoice(c.Request().Context(), actor(c), made, once); err != nil {
		return err
	}
	return h.answerInvoice(c, http.StatusCreated, made.ID)
}

func (h *Handlers) answerInvoice(c echo.Context, status int, id string) error {
	ctx := c.Request().Context()
	found, balance, err := h.invoice(ctx, id)
	if err != nil {
		return err
	}
	return c.JSON(status, showInvoice(found, balance))
}

func (h *Handlers) invoice(ctx context.Context, id string) (paylink.Invoice, paylink.Balance, error) {
	found, err := h.store.Invoice(ctx, id)
	if err != nil {
		return found, paylink.Balance{}, err
	}
	balance, err := h.store.Balance(ctx, id)
	return found, balance, err
}

func (h *Handlers) showInvoice(c echo.Context) error {
	return h.answerInvoice(c, http.StatusOK, c.Param("id"))
}

func (h *Handlers) listInvoices(c echo.Context) error {
	if err := only(c, "limit", "cursor", "search", "customer_id", "show"); err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	show := c.QueryParam("show")
	switch show {
	case "":
		show = "all"
	case "all", "topay", "overdue", "onway", "paid", "draft", "void":
	default:
		return paylink.FailField("show", "choice")
	}
	firm, err := h.invoicing.Firm(c.Request().Context())
	if err != nil {
		return err
	}
	rows, next, err := h.store.Invoices(c.Request().Context(), store.InvoiceFilter{
		Search: c.QueryParam("search"), Show: show, CustomerID: c.QueryParam("customer_id"),
		Today: paylink.DateOf(h.pages.Now(), firm.Location()), Page: page,
	})
	if err != nil {
		return err
	}
	return answer(c, rows, next, func(r store.InvoiceRow) invoice { return showInvoice(r.Invoice, r.Balance) })
}

// voidInvoice withdraws an invoice. It asks for nothing in the body; a second time changes nothing.
func (h *Handlers) voidInvoice(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	once, err := idempotency(c, body)
	if err != nil {
		return err
	}
	if err := h.invoicing.VoidInvoice(c.Request().Context(), actor(c), c.Param("id"), once); err != nil {
		return err
	}
	return h.answerInvoice(c, http.StatusOK, c.Param("id"))
}

type newLink struct {
	Send   bool   `json:"send"`
	To     string `json:"to"`
	Note   string `json:"note"`
	Locale string `json:"locale"`
}

type link struct {
	ID        string  `json:"id"`
	URL       string  `json:"url"` // holds the secret of the link
	Recipient string  `json:"recipient"`
	ExpiresAt *string `json:"expires_at"`
}

func (h *Handlers) createLink(c echo.Context) error {
	var in newLink
	once, err := read(c, &in)
	if err != nil {
		return err
	}
	send := invoicing.Send{Note: in.Note, Mail: in.Send}
	if in.To != "" {
		send.To = []string{in.To}
	}
	if in.Locale != "" {
		send.Locale = money.ParseLocale(in.Locale)
	}
	links, err := h.invoicing.SendLinks(c.Request().Context(), actor(c), c.Param("id"), send, once)
	if err != nil {
		return err
	}
	url, err := h.invoicing.URL(links[0])
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, link{
		ID: links[0].ID, URL: url, Recipient: links[0].Recipient, ExpiresAt: stamp(links[0].ExpiresAt),
	})
}
