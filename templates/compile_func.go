package templates

import (
	"html/template"
	"reflect"
)

// truth is what {{if}} asks, as text/template answers it.
func truth(v reflect.Value) bool {
	v = concrete(v)
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.String, reflect.Slice:
		return v.Len() > 0
	case reflect.Struct:
		return true
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Invalid:
		return false
	default:
		yes, ok := template.IsTrue(v.Interface())
		return yes && ok
	}
}

// function compiles a call of a function that pages use.
func function(name string, args []value) value {
	want := map[string]int{"not": 1, "len": 1, "icon": 1, "on": 2, "eq": 2, "gt": 2, "index": 2, "call": 2}
	if n, ok := want[name]; ok && n != len(args) {
		panic(unfit(name + " of so many"))
	}
	switch name {
	case "and", "or":
		return either(name == "or", args)
	case "not":
		return func(r run) reflect.Value { return reflect.ValueOf(!truth(args[0](r))) }
	case "len":
		return func(r run) reflect.Value { return reflect.ValueOf(concrete(args[0](r)).Len()) }
	case "index":
		return func(r run) reflect.Value { return concrete(args[0](r)).Index(int(args[1](r).Int())) }
	case "eq":
		return func(r run) reflect.Value { return reflect.ValueOf(equal(args[0](r), args[1](r))) }
	case "gt":
		return func(r run) reflect.Value { return reflect.ValueOf(args[0](r).Int() > args[1](r).Int()) }
	case "on":
		return func(r run) reflect.Value {
			page, ok := args[0](r).Interface().(Page)
			if !ok {
				panic(unfit("on what is no page"))
			}
			return reflect.ValueOf(on(page, args[1](r).Interface()))
		}
	case "icon":
		return func(r run) reflect.Value { return reflect.ValueOf(icon(args[0](r).Interface().(string))) }
	case "call":
		return func(r run) reflect.Value { return only(concrete(args[0](r)).Call(all(r, args[1:]))) }
	}
	f, ok := funcs()[name]
	if !ok {
		panic(unfit("function " + name))
	}
	return func(r run) reflect.Value { return only(reflect.ValueOf(f).Call(all(r, args))) }
}

// either is the first argument that decides: the first that is true for or, that is not for and; else the
// last. Those behind it are not asked.
func either(decides bool, args []value) value {
	return func(r run) (v reflect.Value) {
		for _, a := range args {
			if v = a(r); truth(v) == decides {
				break
			}
		}
		return v
	}
}

func equal(a, b reflect.Value) bool {
	a, b = concrete(a), concrete(b)
	switch {
	case a.Kind() == reflect.String && b.Kind() == reflect.String:
		return a.String() == b.String()
	case a.CanInt() && b.CanInt():
		return a.Int() == b.Int()
	case a.Kind() == reflect.Bool && b.Kind() == reflect.Bool:
		return a.Bool() == b.Bool()
	}
	panic(unfit("eq of " + a.String() + " and " + b.String()))
}
