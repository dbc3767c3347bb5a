package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

// names says who an actor of the audit log is.
type names struct {
	v    visit
	text map[paylink.Actor]string
}

func (n names) of(a paylink.Actor) string {
	if name := n.text[a]; name != "" {
		return name
	}
	kind, _, _ := strings.Cut(string(a), ":")
	if known := "desk.who." + kind; n.v.words.Has(known) {
		return n.v.words.T(known)
	}
	return n.v.words.T("desk.who.system")
}

// names reads who staff and programs are, and who was mailed the links.
func (h *Handlers) names(ctx context.Context, v visit, links []paylink.Link, customer paylink.Customer) (names, error) {
	n := names{v, map[paylink.Actor]string{}}
	staff, err := h.store.StaffAll(ctx)
	if err != nil {
		return n, err
	}
	for _, s := range staff {
		n.text[paylink.Actor("staff:"+s.ID)] = s.Name
	}
	keys, err := h.store.APIKeys(ctx)
	if err != nil {
		return n, err
	}
	for _, k := range keys {
		n.text[paylink.Actor("key:"+k.ID)] = k.Name
	}
	for _, l := range links {
		name := l.Recipient
		if strings.EqualFold(l.Recipient, customer.Email) {
			name = customer.Name
		}
		n.text[paylink.Actor("payer:"+l.ID)] = name
	}
	return n, nil
}

// logged is what the lines of the log carry beside who and what; each action has some of it.
type logged struct {
	To      string
	Link    string
	Mailed  bool
	Why     string
	Receipt string
	Number  string
	Email   string
	Name    string
	Reason  string
	Invoice string
	Total   *money.Amount
	Before  *money.Amount
	Amount  *money.Amount
	Fee     *money.Amount
	By      string `json:"forwarded_by"`
	Label   string
	Kind    string
	Failure string
	N       int `json:"declines"`
}

// signs are the colour and the icon of an action.
var signs = map[string][2]string{
	"link.made": {"mute", "link"}, "link.resent": {"mute", "envelope"},
	"link.opened": {"accent", "person"}, "link.bounced": {"bad", "envelope"}, "link.revoked": {"mute", "cross"},
	"invoice.created": {"mute", "paper"}, "invoice.changed": {"mute", "pen"}, "invoice.voided": {"mute", "cross"},
	"receipt.sent": {"mute", "envelope"}, "receipt.resent": {"mute", "envelope"}, "receipt.bounced": {"bad", "envelope"},
	"payment.created": {"mute", "padlock"}, "payment.confirming": {"mute", "clock"}, "payment.requires_action": {"accent", "shield"},
	"payment.unknown": {"way", "again"}, "payment.processing": {"way", "clock"}, "payment.authorized": {"accent", "padlock"},
	"payment.failed": {"bad", "circled"}, "payment.canceled": {"mute", "cross"}, "payment.succeeded": {"good", "done"},
	"payment.capture_asked": {"mute", "done"}, "payment.void_asked": {"mute", "cross"},
	"refund.asked": {"mute", "back"}, "refund.pending": {"way", "back"}, "refund.requires_action": {"warn", "back"},
	"refund.succeeded": {"mute", "back"}, "refund.failed": {"bad", "back"}, "refund.canceled": {"mute", "cross"},
	"dispute.needs_response": {"bad", "flag"}, "dispute.under_review": {"way", "flag"}, "dispute.won": {"good", "flag"}, "dispute.lost": {"bad", "flag"},
	"dispute.warning_needs_response": {"warn", "flag"}, "dispute.warning_under_review": {"way", "flag"}, "dispute.warning_closed": {"mute", "flag"},
	"payment.rebuilt": {"warn", "drift"}, "payment.adopted": {"mute", "drift"}, "payment.orphan_canceled": {"mute", "cross"},
	"mandate.given": {"mute", "pen"}, "drift.asked": {"mute", "again"}, "drift.checked": {"mute", "again"}, "drift.word_taken": {"warn", "drift"}, "drift.refund_booked": {"mute", "drift"},
	"method.saved": {"mute", "card"}, "method.linked": {"mute", "bank"}, "method.removed": {"mute", "cross"}, "method.blocked": {"bad", "circled"},
	"method.check_begun": {"mute", "key"}, "method.proven": {"good", "key"}, "method.not_proven": {"warn", "key"}, "method.login_required": {"warn", "bank"}, "method.login_renewed": {"good", "bank"},
	"code.asked": {"mute", "key"}, "code.used": {"good", "key"}, "code.refused": {"warn", "key"}, "devices.forgotten": {"mute", "key"},
	"mail.onway": {"mute", "envelope"}, "mail.failed": {"mute", "envelope"}, "mail.returned": {"mute", "envelope"}, "mail.bounced": {"bad", "envelope"},
	"link.locked": {"bad", "padlock"}, "link.unlocked": {"mute", "padlock"}, "link.reopened": {"warn", "link"},
	"payment.disbelieved": {"warn", "triangle"}, "customer.created": {"mute", "person"}, "customer.changed": {"mute", "pen"},
}

// events words lines of the log, in their order. What nobody wrote a sentence for is left out.
func events(v visit, rows []store.AuditRow, who names, links []paylink.Link) []templates.Event {
	var all []templates.Event
	recipients := map[string]string{}
	for _, l := range links {
		recipients[l.ID] = l.Recipient
	}
	for _, row := range rows {
		sign, known := signs[row.Action]
		sentence := "desk.history." + row.Action
		if !known || !v.words.Has(sentence) {
			continue
		}
		var data logged
		_ = json.Unmarshal(row.Data, &data) // a line that carries something else is told without it
		if data.To == "" {
			data.To = recipients[data.Link]
		}
		switch {
		case row.Action == "link.made" && data.By != "":
			sentence = "desk.history.link.forwarded"
		case row.Action == "link.made" && data.Mailed:
			sentence, sign[1] = "desk.history.link.sent", "envelope" // by whom; when the relay took it stands with the link
		case row.Action == "payment.failed" && v.words.Has("desk.reason."+data.Reason):
			sentence = "desk.history.payment.failed_why"
		}
		var detail templates.HTML
		if row.Action == "payment.created" && strings.HasPrefix(string(row.Actor), "staff:") {
			sentence, sign = "desk.history.payment.taken", [2]string{"mute", "phone"}
			if data.Amount != nil {
				detail = v.html("desk.history.payment.created", "amount", *data.Amount)
			}
		}
		reason := v.words.T("desk.reason." + data.Reason)
		switch {
		case strings.HasPrefix(row.Action, "dispute."):
			reason = disputeReason(v, data.Reason)
			if data.Kind == string(paylink.KindReturn) && row.Action == "dispute.lost" {
				sentence, sign[1] = "desk.history.payment.returned", "back"
			}
		case strings.HasPrefix(row.Action, "refund.") && row.Action != "refund.asked":
			reason = refundWhy(v, cmp.Or(data.Failure, data.Why))
		case row.Action == "method.blocked":
			reason = v.words.T("desk.method.why." + data.Why)
		}
		pairs := []any{"to", data.To, "why", data.Why, "method", data.Label, "receipt", data.Receipt, "number", data.Number, "reason", reason, "who", who.of(row.Actor)}
		for name, amount := range map[string]*money.Amount{"total": data.Total, "before": data.Before, "amount": data.Amount} {
			if amount != nil {
				pairs = append(pairs, name, *amount)
			}
		}
		all = append(all, templates.Event{
			Colour: sign[0], Icon: sign[1], Text: v.html(sentence, pairs...), Detail: detail,
			When: v.words.T("desk.history.by", "who", who.of(row.Actor), "at", v.stamp(row.At)),
		})
	}
	return all
}

// invoiceHistory is what was done to an invoice and its payments, newest first.
func (h *Handlers) invoiceHistory(ctx context.Context, v visit, i paylink.Invoice, payments []paylink.Payment, links []paylink.Link, who names) ([]templates.Event, error) {
	const most = 20
	rows, err := h.store.AuditOf(ctx, i.ID, most)
	if err != nil {
		return nil, err
	}
	for _, p := range payments[:min(len(payments), most)] {
		more, err := h.store.AuditOf(ctx, p.ID, most)
		if err != nil {
			return nil, err
		}
		for _, row := range more {
			// The seconds between are on the payment's own page.
			s := paylink.PaymentStatus(strings.TrimPrefix(row.Action, "payment."))
			if s.Final() || s == paylink.Processing || s == paylink.Authorized || strings.HasPrefix(row.Action, "refund.") || strings.HasPrefix(row.Action, "dispute.") {
				rows = append(rows, row)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b store.AuditRow) int { return b.At.Compare(a.At) })
	return events(v, rows[:min(len(rows), most)], who, links), nil
}
