package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params reads a request's parameters strictly: every key must be asked for by the endpoint, or problem
// answers parameter_unknown as Stripe does. The first problem wins.
type params struct {
	name  string // as Stripe names it: metadata, payment_method_data[card]
	value string
	keys  []string
	sub   map[string]*params
	used  bool
	first **apiError // shared by the whole tree
}

func newParams(name string, first **apiError) *params {
	return &params{name: name, sub: map[string]*params{}, first: first}
}

// maxNesting bounds the depth of a[b][c]… that is followed.
const maxNesting = 8

// parseForm decodes a[b][0][c]=v into a tree. Keys keep the order in which they came.
func parseForm(body string) (*params, *apiError) {
	var first *apiError
	root := newParams("", &first)
	root.used = true
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		if err != nil {
			return nil, invalid("", "", "Invalid request: the parameters could not be decoded.")
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, invalid("", "", "Invalid request: the parameters could not be decoded.")
		}
		steps, ok := splitKey(key)
		if !ok || len(steps) > maxNesting {
			return nil, invalid("parameter_unknown", key, "Received unknown parameter: %s", key)
		}
		at := root
		for _, step := range steps {
			if step == "" { // a[]=x appends
				step = strconv.Itoa(len(at.keys))
			}
			child := at.sub[step]
			if child == nil {
				name := step
				if at.name != "" {
					name = at.name + "[" + step + "]"
				}
				child = newParams(name, &first)
				at.sub[step] = child
				at.keys = append(at.keys, step)
			}
			at = child
		}
		at.value = value
	}
	return root, nil
}

// splitKey turns a[b][c] into a, b, c.
func splitKey(key string) ([]string, bool) {
	head, rest, nested := strings.Cut(key, "[")
	steps := []string{head}
	if head == "" {
		return nil, false
	}
	for nested {
		step, tail, closed := strings.Cut(rest, "]")
		if !closed || tail != "" && tail[0] != '[' {
			return nil, false
		}
		steps = append(steps, step)
		if tail == "" {
			return steps, true
		}
		rest = tail[1:]
	}
	return steps, true
}

func (p *params) fail(e *apiError) {
	if *p.first == nil {
		*p.first = e
	}
}

// problem is the first thing wrong with the parameters, once the endpoint has read all it knows.
func (p *params) problem() *apiError {
	if *p.first != nil {
		return *p.first
	}
	var unknown []string
	p.collectUnknown(&unknown)
	switch len(unknown) {
	case 0:
		return nil
	case 1:
		return invalid("parameter_unknown", unknown[0], "Received unknown parameter: %s", unknown[0])
	}
	return invalid("parameter_unknown", unknown[0], "Received unknown parameters: %s", strings.Join(unknown, ", "))
}

func (p *params) collectUnknown(out *[]string) {
	for _, k := range p.keys {
		c := p.sub[k]
		if !c.used {
			*out = append(*out, c.name)
			continue
		}
		c.collectUnknown(out)
	}
}

// take marks key as known and returns it, nil when absent.
func (p *params) take(key string) *params {
	if p == nil {
		return nil
	}
	c := p.sub[key]
	if c != nil {
		c.used = true
	}
	return c
}

func (p *params) has(key string) bool { return p != nil && p.sub[key] != nil }

// ignore names parameters that Stripe accepts and that have no effect here.
func (p *params) ignore(keys ...string) {
	for _, k := range keys {
		p.take(k).useAll()
	}
}

func (p *params) useAll() {
	if p == nil {
		return
	}
	p.used = true
	for _, c := range p.sub {
		c.useAll()
	}
}

// scalar is a present value that is not a hash.
func (p *params) scalar(key string) (string, bool) {
	c := p.take(key)
	if c == nil {
		return "", false
	}
	if len(c.keys) > 0 {
		c.useAll()
		c.fail(invalid("", c.name, "Invalid string: {...}"))
		return "", false
	}
	return c.value, true
}

const maxText = 5000

// text is a string that must not be empty when it is given; "" means absent.
func (p *params) text(key string) string {
	v, ok := p.scalar(key)
	if !ok {
		return ""
	}
	if v == "" {
		name := p.sub[key].name
		p.fail(invalid("parameter_invalid_empty", name, "You passed an empty string for '%[1]s'. We assume empty values are an attempt to unset a field; however '%[1]s' cannot be unset. You should remove '%[1]s' from your request or supply a non-empty value.", name))
	}
	return v
}

// must is text that has to be there.
func (p *params) must(key string) string {
	if !p.has(key) {
		p.fail(p.absent(key))
		return ""
	}
	return p.text(key)
}

func (p *params) absent(key string) *apiError {
	name := key
	if p.name != "" {
		name = p.name + "[" + key + "]"
	}
	return invalid("parameter_missing", name, "Missing required param: %s.", name)
}

// set writes a string the caller may unset with "" into dst, and tells whether it was given.
func (p *params) set(key string, dst **string) bool {
	v, ok := p.scalar(key)
	if !ok {
		return false
	}
	if len([]rune(v)) > maxText {
		p.fail(invalid("", p.sub[key].name, "Invalid string: %s...; must be at most %d characters", string([]rune(v)[:8]), maxText))
	}
	*dst = nil
	if v != "" {
		*dst = &v
	}
	return true
}

// number is an integer, nil when absent.
func (p *params) number(key string) *int64 {
	v, ok := p.scalar(key)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		name := p.sub[key].name
		p.fail(invalid("parameter_invalid_integer", name, "Invalid integer: %s", v))
		return nil
	}
	return &n
}

// flag is a boolean, false when absent.
func (p *params) flag(key string) bool {
	v, ok := p.scalar(key)
	switch {
	case !ok, v == "false":
		return false
	case v == "true":
		return true
	}
	p.fail(invalid("", p.sub[key].name, "Invalid boolean: %s", v))
	return false
}

// choice is one of the words allowed, "" when absent (or when "" is allowed and given).
func (p *params) choice(key string, allowed ...string) string {
	v, ok := p.scalar(key)
	if !ok {
		return ""
	}
	if !slices.Contains(allowed, v) {
		p.fail(invalid("", p.sub[key].name, "Invalid %s: must be one of %s", p.sub[key].name, orList(allowed)))
	}
	return v
}

func orList(words []string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
	switch len(words) {
	case 1:
		return words[0]
	case 2:
		return words[0] + " or " + words[1]
	}
	return strings.Join(words[:len(words)-1], ", ") + ", or " + words[len(words)-1]
}

// words is a list of strings, nil when absent.
func (p *params) words(key string) []string {
	c := p.take(key)
	if c == nil {
		return nil
	}
	if len(c.keys) == 0 {
		if c.value != "" {
			c.fail(invalid("", c.name, "Invalid array"))
		}
		return []string{}
	}
	var out []string
	for _, k := range c.keys {
		if v, ok := c.scalar(k); ok {
			out = append(out, v)
		}
	}
	return out
}

// hash is a nested object, nil when absent or unset with "".
func (p *params) hash(key string) *params {
	c := p.take(key)
	if c == nil {
		return nil
	}
	if len(c.keys) == 0 {
		if c.value != "" {
			c.fail(invalid("", c.name, "Invalid object"))
		}
		return nil
	}
	return c
}

// metadata merges metadata[…] into old: "" removes a key, metadata="" removes all
// (https://docs.stripe.com/api/metadata).
func (p *params) metadata(old map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range old {
		out[k] = v
	}
	c := p.take("metadata")
	if c == nil {
		return out
	}
	if len(c.keys) == 0 {
		if c.value != "" {
			c.fail(invalid("", "metadata", "Invalid metadata: metadata must be a set of key-value pairs."))
		}
		return map[string]string{}
	}
	for _, k := range c.keys {
		v, ok := c.scalar(k)
		switch {
		case !ok:
			c.fail(invalid("", "metadata["+k+"]", "Metadata values must be strings, but for key `%s` you passed in a value of type `hash`", k))
		case len([]rune(k)) > 40:
			c.fail(invalid("", "metadata", "Metadata keys can be at most 40 characters long, but you passed in a key of %d characters: %s", len([]rune(k)), k))
		case len([]rune(v)) > 500:
			c.fail(invalid("", "metadata["+k+"]", "Metadata values can have up to 500 characters, but you passed in a value that is %d characters. Invalid value: %s...", len([]rune(v)), string([]rune(v)[:20])))
		case v == "":
			delete(out, k)
		default:
			out[k] = v
		}
	}
	if len(out) > 50 {
		c.fail(invalid("", "metadata", "You can only have up to 50 metadata keys on an object, but you have %d.", len(out)))
	}
	return out
}

// address reads an address hash.
func (p *params) address(key string) *address {
	h := p.hash(key)
	if h == nil {
		return nil
	}
	a := &address{}
	for k, dst := range map[string]**string{"city": &a.City, "country": &a.Country, "line1": &a.Line1,
		"line2": &a.Line2, "postal_code": &a.PostalCode, "state": &a.State} {
		h.set(k, dst)
	}
	return a
}

// shipping reads a shipping hash.
func (p *params) shipping() *shipping {
	h := p.hash("shipping")
	if h == nil {
		return nil
	}
	s := &shipping{Address: h.address("address")}
	if s.Address == nil {
		h.fail(h.absent("address"))
	}
	name := h.must("name")
	s.Name = &name
	h.set("carrier", &s.Carrier)
	h.set("phone", &s.Phone)
	h.set("tracking_number", &s.TrackingNumber)
	return s
}

// timeRange reads created=… or created[gte]=… of a list call as a test on Unix seconds.
func (p *params) timeRange(key string) func(int64) bool {
	c := p.take(key)
	if c == nil {
		return func(int64) bool { return true }
	}
	if len(c.keys) == 0 {
		exact := p.number(key)
		return func(v int64) bool { return exact != nil && v == *exact }
	}
	gt, gte, lt, lte := c.number("gt"), c.number("gte"), c.number("lt"), c.number("lte")
	return func(v int64) bool {
		return (gt == nil || v > *gt) && (gte == nil || v >= *gte) && (lt == nil || v < *lt) && (lte == nil || v <= *lte)
	}
}

type address struct {
	City       *string `json:"city"`
	Country    *string `json:"country"`
	Line1      *string `json:"line1"`
	Line2      *string `json:"line2"`
	PostalCode *string `json:"postal_code"`
	State      *string `json:"state"`
}

type shipping struct {
	Address        *address `json:"address,omitempty"`
	Carrier        *string  `json:"carrier"`
	Name           *string  `json:"name"`
	Phone          *string  `json:"phone"`
	TrackingNumber *string  `json:"tracking_number"`
}

// canonical is the parameters as one text, whatever their order, for comparing two requests of one idempotency key.
func (p *params) canonical() string {
	var lines []string
	var walk func(*params)
	walk = func(n *params) {
		if len(n.keys) == 0 && n.name != "" {
			lines = append(lines, fmt.Sprintf("%q=%q", n.name, n.value))
		}
		for _, k := range n.keys {
			walk(n.sub[k])
		}
	}
	walk(p)
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
