package desk

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

const driftPath = "/desk/drift"

// driftAgain is after how many seconds a page is read again that shows a comparison under way.
const driftAgain = 3

// repairs are what is done about each kind of difference; CheckAgain about all others.
var repairs = map[string]string{"payment": "take", "refund_lost": "book", "refund_amount": "book"}

func repairOf(d store.Difference) string {
	if repair := repairs[d.Kind]; repair != "" && (repair != "take" || d.PaymentID != "") {
		return repair
	}
	return "again"
}

// showDrift is where the books and Stripe do not say the same, each line with its one repair.
func (h *Handlers) showDrift(c echo.Context, v visit) error {
	ctx := c.Request().Context()
	p := templates.DeskDrift{Desk: h.frame(c, v, "desk.drift"), CanRepair: v.can(paylink.Manager)}
	differences, err := h.payments.Differences(ctx)
	if err != nil {
		return err
	}
	for _, d := range differences {
		row, err := h.differenceRow(ctx, v, d)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	const most = 100
	foreign, err := h.store.ForeignPayments(ctx, most)
	if err != nil {
		return err
	}
	for _, f := range foreign {
		row, err := h.foreignRow(ctx, v, f)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
	}
	if err := h.checked(ctx, v, &p); err != nil {
		return err
	}
	if p.Repaired, err = h.repaired(ctx, v); err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, p)
}

// differenceRow words one difference.
func (h *Handlers) differenceRow(ctx context.Context, v visit, d store.Difference) (templates.DriftRow, error) {
	repair := repairOf(d)
	row := templates.DriftRow{
		Name: v.html("desk.plain", "text", d.Subject), Why: v.html("desk.drift.kind.other"),
		Ours: v.says(d.Ours), Theirs: v.says(d.Theirs), Since: v.words.T("desk.drift.since", "at", v.stamp(d.CreatedAt)),
		Act: driftPath + "/" + d.ID + "/repair", Button: v.html("desk.drift." + repair), Effect: v.html("desk.drift." + repair + ".effect"),
	}
	if key := "desk.drift.kind." + d.Kind; v.words.Has(key) {
		row.Why = v.html(key)
	}
	// The side that has nothing, or has not heard, is the odd one: as a rule that is ours.
	row.Ours.Odd, row.Theirs.Odd = d.Kind != "mode" && d.Kind != "refund_status", d.Kind == "mode" || d.Kind == "refund_status"
	if d.PaymentID == "" {
		return row, nil
	}
	payment, err := h.store.Payment(ctx, d.PaymentID)
	if paylink.KindOf(err) == paylink.NotFound {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	row.Link = paymentsPath + "/" + payment.ID
	row.Name, err = h.driftName(ctx, v, payment.InvoiceID)
	return row, err
}

// driftName is "INV-1017, Okafor Legal".
func (h *Handlers) driftName(ctx context.Context, v visit, invoiceID string) (templates.HTML, error) {
	i, err := h.store.Invoice(ctx, invoiceID)
	if err != nil {
		return "", err
	}
	customer, err := h.store.Customer(ctx, i.CustomerID)
	return v.html("desk.invoice.window", "number", i.Number, "name", customer.Name), err
}

// foreignRow words a payment that was made elsewhere.
func (h *Handlers) foreignRow(ctx context.Context, v visit, f store.ForeignPayment) (templates.DriftRow, error) {
	customer, err := h.store.Customer(ctx, f.CustomerID)
	if err != nil {
		return templates.DriftRow{}, err
	}
	row := templates.DriftRow{
		Name: v.html("desk.drift.foreign", "name", customer.Name), Why: v.html("desk.drift.kind.foreign"),
		Ours:   templates.Says{Text: v.words.T("desk.drift.nothing"), More: v.words.T("desk.drift.no_invoice"), Odd: true},
		Theirs: templates.Says{Text: v.words.Amount(f.Amount), More: v.words.T("desk.drift.paid", "at", v.stamp(f.MadeAt))},
		Act:    driftPath + "/foreign/" + f.Intent, Ask: true, Button: v.html("desk.drift.apply"),
		Effect: v.html("desk.drift.apply.none"), Since: v.words.T("desk.drift.since", "at", v.stamp(f.CreatedAt)),
	}
	open, err := h.openInvoices(ctx, v, f)
	if err != nil {
		return row, err
	}
	if len(open) > 0 {
		best := open[0]
		row.Effect = v.html("desk.drift.apply.best", "number", best.Invoice.Number, "due", money.New(best.Balance.Due(), best.Invoice.Currency))
	}
	return row, nil
}

// says is what one side says, with amounts and statuses in words. The text is what the log has: an
// amount with its currency, a status, or both.
func (v visit) says(text string) templates.Says {
	if text == "" {
		return templates.Says{Text: v.words.T("desk.drift.nothing")}
	}
	words := strings.Fields(text)
	if len(words) >= 2 {
		if amount, err := money.Parse(words[0], money.Currency(words[1]), money.English); err == nil && money.Currency(words[1]).Valid() {
			said := templates.Says{Text: v.words.Amount(amount)}
			if len(words) > 2 {
				said.More = v.driftStatus(strings.Join(words[2:], " "))
			}
			return said
		}
	}
	return templates.Says{Text: v.driftStatus(text)}
}

func (v visit) driftStatus(status string) string {
	if key := "desk.drift.status." + status; v.words.Has(key) {
		return v.words.T(key)
	}
	return status
}

// lists are what is compared, in the order in which it is read.
var lists = []string{"payment_intents", "charges", "refunds", "disputes", "events"}

// checked says when the books were last compared with Stripe, and how far a comparison has come.
func (h *Handlers) checked(ctx context.Context, v visit, p *templates.DeskDrift) error {
	job, err := h.store.UnfinishedJob(ctx, reconcileJob)
	idle := paylink.KindOf(err) == paylink.NotFound
	if err != nil && !idle {
		return err
	}
	var oldest time.Time
	whole, running := true, templates.Running{Most: len(lists)}
	for _, name := range lists {
		cursor, err := h.store.ListCursor(ctx, name)
		if err != nil {
			return err
		}
		if cursor.Since.IsZero() {
			whole = false
		} else if oldest.IsZero() || cursor.Since.Before(oldest) {
			oldest = cursor.Since
		}
		row := templates.RunningList{Name: v.html("desk.drift.list." + name), Icon: "dash", Text: v.html("desk.drift.list.waits")}
		switch {
		case !cursor.Begun.IsZero():
			row.Icon, row.Text = "again", v.html("desk.drift.list.reads", "page", cursor.Pages, "seen", cursor.Seen)
		case !idle && !cursor.Since.Before(job.CreatedAt):
			row.Icon, row.Text = "tick", v.html("desk.drift.list.done", "seen", cursor.Seen)
			running.Value++
		}
		running.Lists = append(running.Lists, row)
	}
	p.Checked, p.Agree = v.html("desk.drift.never"), v.html("desk.drift.never.text")
	if whole {
		ago := templates.Page{Words: v.words}
		minutes := int(v.words.Now().Sub(oldest) / time.Minute)
		p.Checked, p.Agree = ago.Count("desk.drift.checked", minutes), ago.Count("desk.drift.agree", minutes)
		if minutes < 1 {
			p.Checked, p.Agree = v.html("desk.drift.checked.now"), v.html("desk.drift.agree.now")
		}
	}
	if idle {
		return nil
	}
	running.Text = v.html("desk.drift.running")
	if job.LastError != "" {
		running.Error = v.html("desk.drift.waits", "at", v.stamp(job.RunAt))
	}
	p.Running, p.Again = &running, driftAgain
	return nil
}

// repaired is what staff did about differences in the last week.
func (h *Handlers) repaired(ctx context.Context, v visit) ([]templates.Event, error) {
	const most, week = 10, 7 * 24 * time.Hour
	rows, err := h.store.RepairsSince(ctx, v.words.Now().Add(-week), most, repairActions...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	who, err := h.names(ctx, v, nil, paylink.Customer{})
	if err != nil {
		return nil, err
	}
	var all []templates.Event
	for _, row := range rows {
		for _, e := range events(v, []store.AuditRow{row}, who, nil) {
			if strings.HasPrefix(row.Subject, "pay_") {
				e.Link = paymentsPath + "/" + row.Subject
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// repairActions are what staff do about differences, by its names in the log.
var repairActions = []string{"drift.word_taken", "drift.refund_booked", "drift.checked", "payment.adopted"}
