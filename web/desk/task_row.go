package desk

import (
	"encoding/json"
	"strings"

	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

// taskLinks are where the subject of a task is looked at, by how its id begins.
var taskLinks = map[string]string{"inv": invoicesPath, "pay": paymentsPath, "cus": customersPath}

// taskLook is the look of a task, and what somebody does about it: the key of its verb, and where that
// leads when it is not to the subject.
type taskLook struct{ colour, icon, verb, link string }

// taskLooks are the tasks that look otherwise than a warning to be opened, by the code of their sentence.
var taskLooks = map[string]taskLook{
	"task.payment_returned":    {"bad", "back", "desk.open", ""},
	"task.hold_lapses":         {"warn", "padlock", "desk.task.verb.capture", ""},
	"task.bank_failed":         {"bad", "bank", "desk.open", ""},
	"task.dispute_open":        {"bad", "flag", "desk.task.verb.answer", ""},
	"task.dispute_inquiry":     {"warn", "flag", "desk.task.verb.answer", ""},
	"task.dispute_lost":        {"bad", "flag", "desk.open", ""},
	"task.refund_failed":       {"bad", "back", "desk.task.verb.refund", ""},
	"task.refund_not_made":     {"warn", "back", "desk.task.verb.refund", ""},
	"task.refund_foreign":      {"warn", "back", "desk.open", ""},
	"task.loss":                {"bad", "back", "desk.open", ""},
	"task.payment_disbelieved": {"bad", "drift", "desk.open", ""},
	"task.payment_refused":     {"bad", "circled", "desk.open", ""},
	"task.payment_unmatched":   {"warn", "drift", "desk.task.verb.drift", driftPath},
	foreignTask:                {"warn", "drift", "desk.task.verb.drift", driftPath},
	"task.payment_stuck":       {"bad", "clock", "desk.open", ""},
	"task.clock_differs":       {"bad", "clock", "desk.open", ""},
	"task.bank_slow":           {"warn", "bank", "desk.open", ""},
	"task.books_broken":        {"bad", "drift", "desk.open", ""},
	"task.overpaid":            {"warn", "card", "desk.open", ""},
	"task.link_bounced":        {"warn", "envelope", "desk.task.verb.address", ""},
	"task.receipt_bounced":     {"warn", "envelope", "desk.open", ""},
	"task.mail_bounced":        {"warn", "envelope", "desk.open", ""},
	"task.code_bounced":        {"warn", "envelope", "desk.open", ""},
	"task.mail_server":         {"bad", "envelope", "desk.open", ""},
	"task.firm_mail":           {"warn", "envelope", "desk.task.verb.settings", settingsPath},
	"task.firm_address":        {"warn", "envelope", "desk.task.verb.settings", settingsPath},
	"task.invoice_pdf":         {"warn", "paper", "desk.open", ""},
	"task.receipt_pdf":         {"warn", "paper", "desk.open", ""},
	"task.codes_locked":        {"warn", "key", "desk.open", ""},
	"task.bank_orphan":         {"warn", "bank", "desk.open", ""},
	"task.link_locked":         {"warn", "padlock", "desk.open", limitsPath},
	"task.cards_paused":        {"bad", "card", "desk.open", limitsPath},
}

// foreignTask is the code of the task about a payment that was made elsewhere.
const foreignTask = "task.payment_foreign"

// driftTask leads to the differences; it goes when they do.
func driftTask(v visit) templates.Task {
	page := templates.Page{Words: v.words}
	return templates.Task{
		Icon: "drift", Colour: "warn", Text: page.Count("desk.drift.task", v.drift), Detail: v.words.T("desk.drift.task.detail"),
		Verb: v.html("desk.task.verb.drift"), Link: driftPath,
	}
}

// taskRow words a task and says what to do about it.
func taskRow(v visit, t store.Task) templates.Task {
	look, known := taskLooks[t.Code]
	if !known {
		look = taskLook{"warn", "triangle", "desk.open", ""}
	}
	row := templates.Task{Icon: look.icon, Colour: look.colour, Verb: v.html(look.verb), Link: look.link, Kind: t.Kind, Subject: t.Subject}
	var args map[string]any
	_ = json.Unmarshal(t.Args, &args) // a task that carries something else is told without it
	var pairs []any
	for name, value := range args {
		if text, ok := taskValue(value); ok {
			pairs = append(pairs, name, text)
		}
	}
	switch code, _ := args["reason"].(string); {
	case strings.HasPrefix(t.Code, "task.dispute"), t.Code == "task.payment_returned", t.Code == "task.loss":
		pairs = append([]any{"reason", disputeReason(v, code)}, pairs...)
	case v.words.Has("desk.reason." + code):
		pairs = append([]any{"reason", v.words.T("desk.reason." + code)}, pairs...)
	}
	key := "desk." + t.Code
	if !v.words.Has(key) {
		key, pairs = "desk.task.other", []any{"kind", t.Kind}
	}
	row.Text, row.Detail = v.html(key, pairs...), v.stamp(t.CreatedAt)
	if row.Link != "" {
		return row
	}
	kind, _, _ := strings.Cut(t.Subject, "_")
	if path := taskLinks[kind]; path != "" && !strings.Contains(t.Subject, "/") {
		row.Link = path + "/" + t.Subject
	} else if id, ok := args["payment_id"].(string); ok {
		row.Link = paymentsPath + "/" + id
	} else if id, ok := args["invoice_id"].(string); ok {
		row.Link = invoicesPath + "/" + id
	}
	return row
}

// taskValue is a value of a task as a sentence takes it.
func taskValue(value any) (any, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case float64:
		return int(value), true
	case map[string]any:
		var a money.Amount
		text, err := json.Marshal(value)
		if err == nil && json.Unmarshal(text, &a) == nil {
			return a, true
		}
	}
	return nil, false
}
