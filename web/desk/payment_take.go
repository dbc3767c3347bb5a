package desk

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// taking is what staff chose so far for a caller, and what it would do.
type taking struct {
	asked
	payable paylink.Payable
	methods []paylink.Method // saved for the customer, newest first

	typed string // the amount: a preset's, or as it was typed
	other bool   // it was typed
	nonce string // of the form: two presses of it are one payment

	amount money.Amount   // what was chosen; the zero Amount when it is none
	method paylink.Method // what was chosen; the zero Method when it is none
	wrong  *paylink.Error
	paid   bool // somebody else paid or changed the invoice while the form was open
	look   bool // the button says something else than it did
}

const otherAmount = "other"

// taking reads the invoice in the address, which must have something to pay.
func (h *Handlers) taking(c echo.Context) (t taking, err error) {
	if t.asked, err = h.invoice(c); err != nil {
		return t, err
	}
	if t.payable = paylink.PayableOf(t.invoice, t.balance); t.payable.Why != "" {
		return t, paylink.Fail(paylink.Conflict, "payable."+t.payable.Why)
	}
	all, err := h.store.MethodsOf(c.Request().Context(), t.customer.ID)
	if err != nil {
		return t, err
	}
	t.methods = slices.DeleteFunc(all, func(m paylink.Method) bool { return m.SavedAt.IsZero() })
	return t, nil
}

// chargeable says whether staff may charge a method for this invoice now.
func (t taking) chargeable(v visit, m paylink.Method) bool {
	return payments.ForStaff(m, t.invoice.Currency, v.words.Now()) == nil
}

// read takes what was chosen.
func (t *taking) read(v visit, form page.Form) {
	t.typed, t.other = form.Text("much"), form.Get("much") == otherAmount
	if t.other {
		t.typed = form.Text("amount")
	}
	amount, err := v.parse(t.typed, t.invoice.Currency)
	if err != nil {
		err = paylink.FailField("amount", "amount.syntax", "example", t.payable.Most().FieldText(v.words.Locale()))
	} else if err = t.payable.Check(amount); err == nil {
		t.amount = amount
	}
	t.wrong, _ = told(err)
	for _, m := range t.methods {
		if m.ID == form.Get("method") {
			t.method = m
		}
	}
}

// begin chooses what is chosen until somebody does: the whole, by what was saved last.
func (t *taking) begin(v visit) {
	t.amount = t.payable.Most()
	t.typed = t.amount.FieldText(v.words.Locale())
	for _, m := range t.methods {
		if t.chargeable(v, m) {
			t.method = m
			return
		}
	}
}

// says is what the button says, for the form to carry: a press of a button that said something else is
// asked for again.
func (t taking) says() string {
	if t.amount == (money.Amount{}) || t.method.ID == "" {
		return ""
	}
	return t.amount.FieldText(money.English) + " " + t.method.ID
}

// askTake asks how much, and by what. The address may carry what was chosen so far, so that the button
// can say what it would do; nothing happens.
func (h *Handlers) askTake(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	t, err := h.taking(c)
	if err != nil {
		return err
	}
	t.nonce = rand.Text()
	if t.begin(v); query.Has("much") {
		first := t.method
		t.amount, t.method = money.Amount{}, paylink.Method{}
		t.read(v, query)
		t.wrong = nil // nobody is told before they pressed
		if !query.Has("method") {
			t.method = first
		}
	}
	return h.takePage(c, v, t, http.StatusOK)
}

// take charges what was chosen, once however often it is pressed.
func (h *Handlers) take(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	sent := form.Get("nonce")
	version, err := strconv.Atoi(form.Get("version"))
	if !nonce.MatchString(sent) || err != nil {
		return paylink.Fail(paylink.Invalid, "form.unreadable")
	}
	// Of this invoice and of the desk: the nonce of another form finds no payment here.
	key := "desk:" + c.Param("invoice") + ":" + sent
	if p, err := h.store.PaymentByNonce(c.Request().Context(), key); err == nil {
		return h.taken(c, v, p)
	} else if paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	t, err := h.taking(c)
	if err != nil {
		return err
	}
	t.nonce = sent
	t.read(v, form)
	if version != t.invoice.Version {
		t.wrong, t.nonce = paylink.Fail(paylink.Conflict, "take.changed"), rand.Text()
		return h.takePage(c, v, t, http.StatusConflict)
	}
	if t.wrong != nil {
		t.paid = form.Get("due") != strconv.FormatInt(t.payable.Due, 10)
		return h.takeWrong(c, v, t)
	}
	if t.method.ID == "" {
		t.wrong = paylink.FailField("method", "method")
		return h.takeWrong(c, v, t)
	}
	if form.Has("said") && form.Get("said") != t.says() {
		t.look = true
		return h.takePage(c, v, t, http.StatusOK)
	}
	press := payments.Press{
		Staff: true, InvoiceID: t.invoice.ID, Nonce: key, Version: version, Amount: t.amount, MethodID: t.method.ID,
		Locale: cmp.Or(t.customer.Locale, v.firm.Locale), Actor: v.actor(),
	}
	if t.method.Kind == paylink.MethodBank {
		if !form.On("mandate") {
			t.wrong = paylink.FailField("mandate", "mandate.missing")
			return h.takeWrong(c, v, t)
		}
		// Whose address and browser would stand here: those of staff. The audit log names them.
		press.Mandate = &paylink.Consent{Text: t.permission(v).Text(v.words), Version: paylink.PhoneVersion, At: v.words.Now()}
	}
	p, err := h.payments.Begin(c.Request().Context(), press)
	if err != nil {
		return h.notTaken(c, v, t, err)
	}
	return h.taken(c, v, p)
}

// notTaken tells why nothing was charged. Others may have paid meanwhile: the page shows how things
// stand now.
func (h *Handlers) notTaken(c echo.Context, v visit, t taking, cause error) error {
	e, ok := errors.AsType[*paylink.Error](cause)
	if !ok {
		return cause
	}
	now, err := h.taking(c)
	if err != nil {
		return err
	}
	now.typed, now.other, now.amount, now.method, now.wrong = t.typed, t.other, t.amount, t.method, e
	now.nonce = rand.Text() // that of the press may be of a payment that ended
	now.paid = now.payable.Due != t.payable.Due
	switch e.Code {
	case "invoice.changed":
		now.wrong = paylink.Fail(paylink.Conflict, "take.changed")
	case "stripe.unreachable":
		now.wrong = paylink.Fail(paylink.Unavailable, "take.unreachable")
	}
	if err := h.takeWrong(c, v, now); err != nil || e.Kind != paylink.Unavailable {
		return err
	}
	return cause
}

// takeWrong shows the form with what is wrong with it.
func (h *Handlers) takeWrong(c echo.Context, v visit, t taking) error {
	status := page.Status(t.wrong)
	if t.paid && status == http.StatusUnprocessableEntity {
		status = http.StatusConflict
	}
	return h.takePage(c, v, t, status)
}

// permission is what the payer said on the phone, in full.
func (t taking) permission(v visit) page.Contract {
	return page.Contract{
		{Key: "desk.take.permission", Args: []any{"staff", v.staff.Name, "firm", v.firm.Name, "name", t.customer.Name}},
		page.DebitOnce(v.words, v.firm, t.method.Bank, t.amount, v.today()),
	}
}

// taken goes to the payment and says what became of it, as far as it is known.
func (h *Handlers) taken(c echo.Context, v visit, p paylink.Payment) error {
	at, sentence := paymentsPath+"/"+p.ID, ""
	switch p.Status {
	case paylink.Succeeded:
		sentence = "desk.take.done"
	case paylink.Authorized:
		sentence = "desk.take.done.held"
	case paylink.Processing:
		sentence = "desk.take.done.way"
	case paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Failed, paylink.Canceled:
		return seeOther(c, at) // the page itself says it first
	}
	return h.done(c, v, at, sentence, "amount", p.Charged())
}

// takeFrom is where a payment of a customer is taken: at the one invoice that can be paid, or where it is
// asked which; "" where there is none. The rows are the customer's invoices, all that there are or not.
func takeFrom(customerID string, rows []store.InvoiceRow, all bool) string {
	var open []string
	for _, r := range rows {
		if paylink.PayableOf(r.Invoice, r.Balance).Why == "" {
			open = append(open, invoicesPath+"/"+r.Invoice.ID+"/take")
		}
	}
	switch {
	case len(open) == 0 && all:
		return ""
	case len(open) == 1 && all:
		return open[0]
	}
	return customersPath + "/" + customerID + "/take"
}

// askTakeWhich asks which of a customer's invoices a payment is for.
func (h *Handlers) askTakeWhich(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	customer, err := h.store.Customer(ctx, c.Param("customer"))
	if err != nil {
		return err
	}
	rows, _, err := h.store.Invoices(ctx, store.InvoiceFilter{CustomerID: customer.ID, Show: "topay", Page: store.Page{Limit: 100}})
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.InvoiceRow) bool { return paylink.PayableOf(r.Invoice, r.Balance).Why != "" })
	p := templates.DeskTakeWhich{Desk: h.frame(c, v, "desk.take.title")}
	p.Heading, p.Lead = p.T("desk.take.of", "name", customer.Name), p.T("desk.take.which")
	p.Crumbs = []templates.Press{
		{Link: customersPath, Label: p.T("desk.customers")}, {Link: customersPath + "/" + customer.ID, Label: p.T("desk.plain", "text", customer.Name)},
		{Label: p.T("desk.take.title")},
	}
	if len(rows) == 0 {
		p.Lead = p.T("desk.take.which.none", "name", customer.Name)
	}
	p.Invoices.Own = true
	if p.Invoices.Rows, err = h.invoiceRows(ctx, v, rows); err != nil {
		return err
	}
	for n := range p.Invoices.Rows {
		p.Invoices.Rows[n].Link += "/take"
	}
	return h.pages.Show(c, http.StatusOK, p)
}
