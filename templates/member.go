package templates

import (
	"html/template"
	"reflect"
	"sync/atomic"

	"paylink/money"
)

// way goes from a value by names of fields and methods; the last takes the arguments.
func way(from value, names []string, args []value) value {
	if len(args) > 0 && len(names) == 0 {
		panic(unfit("arguments for no method"))
	}
	for i, name := range names {
		m := &member{name: name}
		if last := i == len(names)-1; last && len(args) > 0 {
			return m.called(from, args)
		}
		before := from
		from = func(r run) reflect.Value { return m.of(before(r), nil) }
	}
	return from
}

// member is a field or method, with where it was found the last time.
type member struct {
	name  string
	known atomic.Pointer[place]
}

// place is where a type has a member.
type place struct {
	of     reflect.Type
	method int // -1: it is a field
	field  []int
}

func (m *member) find(t reflect.Type) *place {
	if p := m.known.Load(); p != nil && p.of == t {
		return p
	}
	p := &place{of: t, method: -1}
	if method, ok := t.MethodByName(m.name); ok {
		p.method = method.Index
	} else {
		structure := t
		if t.Kind() == reflect.Pointer {
			structure = t.Elem()
		}
		field, ok := structure.FieldByName(m.name)
		if !ok || !field.IsExported() {
			panic(unfit(t.String() + " has no " + m.name))
		}
		p.field = field.Index
	}
	m.known.Store(p)
	return p
}

// of is the member of a value, called when it is a method.
func (m *member) of(v reflect.Value, args []reflect.Value) reflect.Value {
	v = concrete(v)
	p := m.find(v.Type())
	if p.method >= 0 {
		return only(v.Method(p.method).Call(args))
	}
	if len(args) > 0 {
		panic(unfit(m.name + " is no method"))
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if len(p.field) == 1 {
		return v.Field(p.field[0])
	}
	return v.FieldByIndex(p.field)
}

// speaker is every page: what most calls of a template are made to.
type speaker interface {
	T(key string, pairs ...any) template.HTML
	Count(key string, n int, pairs ...any) template.HTML
	Amount(a money.Amount) string
}

// called is a method with arguments. Those of speakers are called without reflection.
func (m *member) called(on value, args []value) value {
	return func(r run) reflect.Value {
		v := concrete(on(r))
		s, ok := v.Interface().(speaker)
		switch {
		case ok && m.name == "T":
			return reflect.ValueOf(s.T(args[0](r).Interface().(string), given(r, args[1:])...))
		case ok && m.name == "Count" && len(args) > 1:
			return reflect.ValueOf(s.Count(args[0](r).Interface().(string), args[1](r).Interface().(int), given(r, args[2:])...))
		case ok && m.name == "Amount":
			return reflect.ValueOf(s.Amount(args[0](r).Interface().(money.Amount)))
		}
		return m.of(v, all(r, args))
	}
}

func given(r run, args []value) []any {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a(r).Interface()
	}
	return values
}

func all(r run, args []value) []reflect.Value {
	values := make([]reflect.Value, len(args))
	for i, a := range args {
		values[i] = a(r)
	}
	return values
}

func only(results []reflect.Value) reflect.Value {
	if len(results) != 1 {
		panic(unfit("a method of several results"))
	}
	return results[0]
}
