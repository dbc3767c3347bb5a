package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// object is one record of the account: something the API shows, or the sandbox's own bookkeeping.
// A committed object is never changed in place; edit hands out a copy.
type object interface {
	kind() string
	key() string
}

// table holds the objects of one kind in the order they were made.
type table struct {
	byKey map[string]object
	order []string
}

// state is everything the account holds. It is guarded by Server.mu.
type state struct {
	tables map[string]*table
}

func newState() *state { return &state{tables: map[string]*table{}} }

func (s *state) table(kind string) *table {
	t := s.tables[kind]
	if t == nil {
		t = &table{byKey: map[string]object{}}
		s.tables[kind] = t
	}
	return t
}

func (s *state) put(o object) {
	t := s.table(o.kind())
	if _, known := t.byKey[o.key()]; !known {
		t.order = append(t.order, o.key())
	}
	t.byKey[o.key()] = o
}

func (s *state) remove(kind, key string) {
	t := s.table(kind)
	if _, known := t.byKey[key]; !known {
		return
	}
	delete(t.byKey, key)
	if i := slices.Index(t.order, key); i >= 0 {
		t.order = slices.Delete(t.order, i, i+1)
	}
}

// change is one step of a transaction as the journal keeps it: an object put, or a key removed.
type change struct {
	Kind   string          `json:"k"`
	Object json.RawMessage `json:"o,omitempty"`
	Remove string          `json:"d,omitempty"`
	live   object
}

// tx is one atomic change of the account. Reads see its own writes; nothing is visible to others, sent or kept
// until Server.commit.
type tx struct {
	state   *state
	now     time.Time // of the sandbox clock
	url     string    // the sandbox's own address, for links inside objects
	webhook bool      // an endpoint is listening
	request eventRequest
	pending map[string]object // by kind + key
	order   []string
	removed map[string][2]string
}

func (t *tx) unix() int64 { return t.now.Unix() }

func pendingKey(kind, key string) string { return kind + " " + key }

// put makes o part of the transaction.
func (t *tx) put(o object) {
	k := pendingKey(o.kind(), o.key())
	if _, known := t.pending[k]; !known {
		t.order = append(t.order, k)
	}
	t.pending[k] = o
	delete(t.removed, k)
}

func (t *tx) remove(o object) {
	k := pendingKey(o.kind(), o.key())
	delete(t.pending, k)
	t.removed[k] = [2]string{o.kind(), o.key()}
}

func (t *tx) find(kind, key string) (object, bool) {
	k := pendingKey(kind, key)
	if o, ok := t.pending[k]; ok {
		return o, true
	}
	if _, gone := t.removed[k]; gone {
		return nil, false
	}
	o, ok := t.state.table(kind).byKey[key]
	return o, ok
}

// changes lists what the transaction did, in order.
func (t *tx) changes() ([]change, error) {
	var out []change
	for _, k := range t.order {
		o, ok := t.pending[k]
		if !ok {
			continue
		}
		raw, err := json.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("sandbox: writing %s: %w", k, err)
		}
		out = append(out, change{Kind: o.kind(), Object: raw, live: o})
	}
	for _, r := range t.removed {
		out = append(out, change{Kind: r[0], Remove: r[1]})
	}
	return out, nil
}

func (s *state) apply(changes []change) {
	for _, c := range changes {
		if c.Remove != "" {
			s.remove(c.Kind, c.Remove)
		} else {
			s.put(c.live)
		}
	}
}

// get reads an object; the caller must not change it.
func get[T any, P interface {
	*T
	object
}](t *tx, key string) (P, bool) {
	o, ok := t.find(P(nil).kind(), key)
	if !ok {
		return nil, false
	}
	return o.(P), true
}

// edit reads a copy of an object and makes it part of the transaction, to be changed freely.
func edit[T any, P interface {
	*T
	object
}](t *tx, key string) (P, bool) {
	o, ok := t.find(P(nil).kind(), key)
	if !ok {
		return nil, false
	}
	if _, mine := t.pending[pendingKey(o.kind(), key)]; mine {
		return o.(P), true
	}
	raw, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("sandbox: copying %s %s: %v", o.kind(), key, err)) // every kind is plain data
	}
	fresh := P(new(T))
	if err := json.Unmarshal(raw, fresh); err != nil {
		panic(fmt.Sprintf("sandbox: copying %s %s: %v", o.kind(), key, err))
	}
	t.put(fresh)
	return fresh, true
}

// all walks the objects of one kind, oldest first, with the transaction's own changes.
func all[T any, P interface {
	*T
	object
}](t *tx) func(func(P) bool) {
	kind := P(nil).kind()
	return func(yield func(P) bool) {
		committed := t.state.table(kind)
		for _, key := range committed.order {
			if o, ok := t.find(kind, key); ok && !yield(o.(P)) {
				return
			}
		}
		for _, k := range slices.Clone(t.order) {
			o, ok := t.pending[k]
			if !ok || o.kind() != kind {
				continue
			}
			if _, old := committed.byKey[o.key()]; !old && !yield(o.(P)) {
				return
			}
		}
	}
}

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomText is n characters of Stripe's id alphabet.
func randomText(n int) string {
	var b strings.Builder
	buf := make([]byte, n*2)
	for b.Len() < n {
		rand.Read(buf)
		for _, c := range buf {
			if c < 248 && b.Len() < n { // 248 = 4 × 62: no character is likelier than another
				b.WriteByte(idAlphabet[c%62])
			}
		}
	}
	return b.String()
}

// newID makes an id in Stripe's form: a prefix and 24 random characters.
func newID(prefix string) string { return prefix + "_" + randomText(24) }
