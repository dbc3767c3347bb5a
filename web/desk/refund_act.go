package desk

import (
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/payments"
	"paylink/templates"
	"paylink/web/page"
)

// giving is what somebody fills in to give money back, and what it would do.
type giving struct {
	made
	since since

	typed  string // the amount, as it was typed
	fee    bool   // the fee goes back too
	owed   bool   // the invoice asks for it again
	reason string
	nonce  string // of the form: two presses of it are one refund

	amount money.Amount // what was typed; the zero Amount when it is none
	wrong  *paylink.Error
	note   bool // the button says something else than it did
}

// total is what goes back with the fee; zero when the amount is none.
func (g giving) total() money.Amount {
	if g.amount == (money.Amount{}) {
		return money.Zero(g.payment.Amount.Currency)
	}
	if g.fee {
		return money.New(g.amount.Minor+g.since.fee, g.amount.Currency)
	}
	return g.amount
}

// maxReason is how many characters a reason may have.
const maxReason = 300

// giving reads the payment in the address, which must have money that can go back.
func (h *Handlers) giving(c echo.Context) (g giving, err error) {
	if g.made, err = h.payment(c); err != nil {
		return g, err
	}
	if g.since, err = h.since(c.Request().Context(), g.payment); err != nil {
		return g, err
	}
	switch {
	case g.payment.Status != paylink.Succeeded:
		err = paylink.Fail(paylink.Conflict, "refund.not_paid")
	case g.since.refundable(g.payment):
	case g.since.rest+g.since.fee > 0 || g.since.taken > 0:
		err = paylink.Fail(paylink.Conflict, "refund.disputed")
	default:
		err = paylink.Fail(paylink.Conflict, "refund.nothing_left")
	}
	return g, err
}

// read takes what was typed.
func (g *giving) read(v visit, form page.Form) {
	g.typed, g.fee, g.owed = form.Text("amount"), form.On("fee"), form.Get("owed") == "again"
	most := money.New(g.since.rest, g.payment.Amount.Currency)
	amount, err := v.parse(g.typed, most.Currency)
	switch {
	case errors.Is(err, money.ErrOverflow) || err == nil && amount.Minor > most.Minor:
		g.wrong = paylink.FailField("amount", "refund.over", "most", most)
	case err != nil:
		g.wrong = paylink.FailField("amount", "amount.syntax", "example", most.FieldText(v.words.Locale()))
	case amount.Minor <= 0:
		g.wrong = paylink.FailField("amount", "amount.under", "least", money.New(most.Currency.Step(), most.Currency))
	default:
		g.amount = amount
	}
}

// askRefund asks how much goes back. The address may carry what was chosen so far, so that the page can
// tell what would happen; nothing happens.
func (h *Handlers) askRefund(c echo.Context, v visit) error {
	query, err := page.ReadQuery(c)
	if err != nil {
		return err
	}
	g, err := h.giving(c)
	if err != nil {
		return err
	}
	g.nonce = rand.Text()
	if query.Has("amount") {
		g.read(v, query)
		g.wrong = nil // nobody is told before they pressed
		return h.refundPage(c, v, g)
	}
	g.amount, g.fee = money.New(g.since.rest, g.payment.Amount.Currency), g.since.fee > 0
	g.typed = g.amount.FieldText(v.words.Locale())
	return h.refundPage(c, v, g)
}

func (h *Handlers) refundPage(c echo.Context, v visit, g giving) error {
	where := means(v, g.payment)
	p := templates.DeskConfirm{
		Desk: h.frame(c, v, "desk.refund.title", "means", where), Action: g.base() + "/refund", Back: g.base(), Danger: true, Live: "amount fee owed",
	}
	p.Heading, p.Keep = p.T("desk.refund.title", "means", where), p.T("desk.refund.keep")
	p.Crumbs = g.crumbs(p.Desk, p.T("desk.refund"))
	p.Lead = refundLead(v, g)
	p.Button = p.T("desk.refund")
	total := g.total()
	if total.IsPositive() {
		p.Button = p.T("desk.refund.button", "amount", total)
		var err error
		if p.What, err = h.refundEffect(c, v, g); err != nil {
			return err
		}
	}
	p.Hidden = []templates.Hidden{{Name: "nonce", Value: g.nonce}, {Name: "said", Value: total.FieldText(money.English)}}
	status := http.StatusOK
	if g.note {
		p.Note = p.T("desk.refund.look", "amount", total)
	}
	if g.wrong != nil {
		status = page.Status(g.wrong)
		p.Problems = templates.Summary{Problems: v.problems(g.wrong, nil), Note: v.words.T("desk.refund.nothing")}
	}
	p.Fields = v.fields(p.Problems.Problems, refundFields(v, g)...)
	return h.pages.Show(c, status, p)
}

func refundLead(v visit, g giving) templates.HTML {
	p := g.payment
	currency := p.Amount.Currency
	switch {
	case g.since.refunded > 0:
		return v.html("desk.refund.lead_again", "name", g.customer.Name, "charged", p.Charged(), "refunded", money.New(g.since.refunded, currency))
	case p.Fee.IsPositive():
		return v.html("desk.refund.lead_fee", "name", g.customer.Name, "amount", p.Amount, "fee", p.Fee)
	}
	return v.html("desk.refund.lead", "name", g.customer.Name, "amount", p.Amount)
}

func refundFields(v visit, g giving) []templates.Field {
	currency := g.payment.Amount.Currency
	fields := []templates.Field{{
		Name: "amount", Kind: "money", Label: v.words.T("desk.col.amount"), Value: g.typed, Symbol: v.symbol(string(currency)),
		Hint: v.html("desk.refund.hint", "most", money.New(g.since.rest, currency)),
	}}
	if g.since.fee > 0 {
		box := templates.Field{Name: "fee", Kind: "box", Label: v.words.T("desk.refund.fee", "fee", money.New(g.since.fee, currency))}
		if g.fee {
			box.Value = "on"
		}
		fields = append(fields, box)
	}
	chosen := "no"
	if g.owed {
		chosen = "again"
	}
	fields = append(fields, templates.Field{
		Name: "owed", Kind: "choice", Label: v.words.T("desk.refund.owed.label"), Options: v.options("desk.refund.owed.", chosen, "no", "again"),
	}, templates.Field{
		Name: "reason", Kind: "text", Label: v.words.T("desk.refund.reason"), Value: g.reason, Most: maxReason,
		Options: v.options("desk.refund.reason.", "", "asked", "twice", "wrong", "work"),
	})
	return fields
}

// refundEffect tells what the refund would do, line by line.
func (h *Handlers) refundEffect(c echo.Context, v visit, g giving) ([]templates.HTML, error) {
	ctx := c.Request().Context()
	key := "desk.refund.what.card"
	if g.payment.Method == paylink.MethodBank {
		key = "desk.refund.what.bank"
	}
	what := []templates.HTML{v.html(key, "name", g.customer.Name, "amount", g.total())}
	receipt, err := h.store.ReceiptByPayment(ctx, g.payment.ID)
	switch {
	case err == nil:
		key := "desk.refund.what.partly"
		if g.since.pill.Refunded+g.total().Minor >= g.payment.Charged().Minor {
			key = "desk.refund.what.all"
		}
		what = append(what, v.html(key, "receipt", receipt.Number, "n", receipt.Revision+1),
			v.html("desk.refund.what.mail", "n", receipt.Revision+1, "to", receipt.Email))
	case paylink.KindOf(err) != paylink.NotFound:
		return nil, err
	}
	before, err := h.store.Balance(ctx, g.invoice.ID)
	if err != nil {
		return nil, err
	}
	after := before
	if g.owed {
		after.Paid -= g.amount.Minor
	}
	due := func(b paylink.Balance) money.Amount { return money.New(b.Due(), g.invoice.Currency) }
	switch {
	case g.invoice.State == paylink.StateVoid:
	case due(before) != due(after):
		what = append(what, v.html("desk.refund.what.again", "number", g.invoice.Number, "before", due(before), "after", due(after)))
	default:
		what = append(what, v.html("desk.refund.what.credit", "number", g.invoice.Number, "amount", g.amount, "due", due(after)))
	}
	return what, nil
}

var nonce = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// refund gives money back. Without a script the button may say another amount than was typed since: then
// the page is shown once more, with the right one.
func (h *Handlers) refund(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	sent := form.Get("nonce")
	if !nonce.MatchString(sent) {
		return paylink.Fail(paylink.Invalid, "form.unreadable")
	}
	m, err := h.payment(c)
	if err != nil {
		return err
	}
	key := "desk:" + m.payment.ID + ":" + sent
	if before, err := h.store.RefundByKey(ctx, key); err == nil {
		return h.refundTold(c, v, m, before) // the same press again
	} else if paylink.KindOf(err) != paylink.NotFound {
		return err
	}
	g, err := h.giving(c)
	if err != nil {
		return err
	}
	g.nonce, g.reason = sent, form.Text("reason")
	if g.read(v, form); g.wrong == nil && len([]rune(g.reason)) > maxReason {
		g.wrong = paylink.FailField("reason", "too_long", "most", maxReason)
	}
	if g.wrong != nil {
		return h.refundPage(c, v, g)
	}
	if form.Has("said") && form.Get("said") != g.total().FieldText(money.English) {
		g.note = true
		return h.refundPage(c, v, g)
	}
	f, err := h.payments.Refund(ctx, payments.RefundRequest{
		Key: key, PaymentID: g.payment.ID, Amount: g.amount, Fee: g.fee, OwedAgain: g.owed, Reason: g.reason, Actor: v.actor(),
	})
	if wrong, ok := told(err); ok && wrong.Kind == paylink.Invalid {
		g.wrong = wrong
		return h.refundPage(c, v, g)
	}
	if err != nil {
		return err
	}
	return h.refundTold(c, v, g.made, f)
}

// refundTold says what became of a refund, as far as it is known.
func (h *Handlers) refundTold(c echo.Context, v visit, m made, f paylink.Refund) error {
	sentence := "desk.refund.done.way"
	switch f.Status {
	case paylink.RefundSucceeded:
		sentence = "desk.refund.done"
	case paylink.RefundAsked:
		sentence = "desk.refund.done.unknown"
	case paylink.RefundFailed, paylink.RefundCanceled:
		sentence = "desk.refund.done.not"
	case paylink.RefundPending, paylink.RefundAction:
	}
	return h.done(c, v, m.base(), sentence, "amount", f.Amount)
}
