package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// render is an object as the API shows it: without the sandbox's own fields.
func render(o any) map[string]any {
	raw, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("sandbox: rendering %T: %v", o, err)) // every kind is plain data
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		panic(fmt.Sprintf("sandbox: rendering %T: %v", o, err))
	}
	delete(m, "sandbox")
	return m
}

// pageRequest is limit, starting_after and ending_before of a list call (https://docs.stripe.com/api/pagination).
type pageRequest struct {
	limit         int
	after, before string
}

func (c *call) page() pageRequest {
	r := pageRequest{limit: 10, after: c.params.text("starting_after"), before: c.params.text("ending_before")}
	if n := c.params.number("limit"); n != nil {
		if *n < 1 || *n > 100 {
			c.params.fail(invalid("parameter_invalid_integer", "limit", "Invalid integer: limit must be between 1 and 100."))
			return r
		}
		r.limit = int(*n)
	}
	if r.after != "" && r.before != "" {
		c.params.fail(invalid("", "starting_after", "You may only specify one of these parameters: starting_after, ending_before."))
	}
	return r
}

// listing is a page of a list in Stripe's form.
type listing struct {
	Object  string           `json:"object"`
	Data    []map[string]any `json:"data"`
	HasMore bool             `json:"has_more"`
	URL     string           `json:"url"`
}

// list answers one page of the objects that match, newest first.
func list[T any, P interface {
	*T
	object
}](c *call, page pageRequest, match func(P) bool) (any, error) {
	out := &listing{Object: "list", Data: []map[string]any{}, URL: c.r.URL.Path}
	kind := P(nil).kind()
	order := c.state.table(kind).order
	start, step, end := len(order)-1, -1, -1
	cursor := page.after
	if page.before != "" {
		cursor, start, step, end = page.before, 0, 1, len(order)
	}
	if cursor != "" {
		at := indexOf(order, cursor)
		if at < 0 {
			param := "starting_after"
			if page.before != "" {
				param = "ending_before"
			}
			return nil, missingParam(kind, cursor, param)
		}
		start = at + step
		if page.before != "" {
			start = at + 1
		}
	}
	for i := start; i != end; i += step {
		o := c.state.table(kind).byKey[order[i]].(P)
		if !match(o) {
			continue
		}
		if len(out.Data) == page.limit {
			out.HasMore = true
			break
		}
		if b, ok := any(o).(*balanceTransaction); ok {
			out.Data = append(out.Data, render(b.aged(c.tx)))
		} else {
			out.Data = append(out.Data, render(o))
		}
	}
	if page.before != "" {
		for i, j := 0, len(out.Data)-1; i < j; i, j = i+1, j-1 {
			out.Data[i], out.Data[j] = out.Data[j], out.Data[i]
		}
	}
	return out, nil
}

// indexOf searches from the newest: cursors are mostly recent.
func indexOf(order []string, key string) int {
	for i := len(order) - 1; i >= 0; i-- {
		if order[i] == key {
			return i
		}
	}
	return -1
}

// expandable tells what kind of object the id at a property stands for (https://docs.stripe.com/api/expanding_objects).
var expandable = map[string]string{
	"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge", "charge": "charge",
	"payment_intent": "payment_intent", "balance_transaction": "balance_transaction", "failure_balance_transaction": "balance_transaction",
	"dispute": "dispute", "default_payment_method": "payment_method", "default_source": "bank_account", "mandate": "mandate", "setup_intent": "setup_intent",
}

// expand replaces ids by objects along the dotted path, at most four levels deep, as the API does.
func (t *tx) expand(m map[string]any, path string) *apiError {
	steps := strings.Split(path, ".")
	if len(steps) > 5 {
		return invalid("", "expand", "You cannot expand more than 4 levels of a property (%s).", path)
	}
	return t.expandSteps(m, steps, path)
}

func (t *tx) expandSteps(m map[string]any, steps []string, path string) *apiError {
	name, rest := steps[0], steps[1:]
	value, known := m[name]
	if hidden := m["object"] == "charge" && name == "refunds"; !known && !hidden {
		return invalid("", "expand", "This property cannot be expanded (%s).", path)
	}
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if sub, ok := item.(map[string]any); ok && len(rest) > 0 {
				if err := t.expandSteps(sub, rest, path); err != nil {
					return err
				}
			}
		}
		return nil
	case map[string]any:
		if len(rest) == 0 {
			return nil
		}
		return t.expandSteps(v, rest, path)
	case nil:
		if name == "refunds" {
			return t.expandRefunds(m, rest, path)
		}
		if _, ok := t.kindOf(m, name); !ok {
			return invalid("", "expand", "This property cannot be expanded (%s).", path)
		}
		return nil
	case string:
		kind, ok := t.kindOf(m, name)
		if !ok {
			return invalid("", "expand", "This property cannot be expanded (%s).", path)
		}
		o, ok := t.find(kind, v)
		if !ok {
			return nil
		}
		sub := t.show(o)
		m[name] = sub
		if len(rest) == 0 {
			return nil
		}
		return t.expandSteps(sub, rest, path)
	}
	return invalid("", "expand", "This property cannot be expanded (%s).", path)
}

// kindOf is what the id at a property of m stands for; a balance transaction's source may be several things.
func (t *tx) kindOf(m map[string]any, name string) (string, bool) {
	if m["object"] == "balance_transaction" && name == "source" {
		id, _ := m[name].(string)
		switch {
		case strings.HasPrefix(id, "ch_"), strings.HasPrefix(id, "py_"):
			return "charge", true
		case strings.HasPrefix(id, "re_"), strings.HasPrefix(id, "pyr_"):
			return "refund", true
		case strings.HasPrefix(id, "dp_"):
			return "dispute", true
		}
		return "", id == ""
	}
	kind, ok := expandable[name]
	return kind, ok
}

// show renders an object as it is now.
func (t *tx) show(o object) map[string]any {
	switch o := o.(type) {
	case *balanceTransaction:
		return render(o.aged(t))
	case *customer:
		if o.Hidden.Deleted {
			return deletedCustomer(o.ID)
		}
	}
	return render(o)
}

// expandRefunds adds the list of refunds to a charge, which since 2022-11-15 shows it only when asked.
func (t *tx) expandRefunds(m map[string]any, rest []string, path string) *apiError {
	id, _ := m["id"].(string)
	data := []any{}
	for _, r := range refundsOf(t, id) {
		data = append(data, render(r))
	}
	list := map[string]any{"object": "list", "data": data, "has_more": false, "url": "/v1/charges/" + id + "/refunds"}
	m["refunds"] = list
	if len(rest) == 0 {
		return nil
	}
	return t.expandSteps(list, rest, path)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // a client that went away has no use for the error
}
