package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"reflect"
	"slices"
	"text/template/parse"

	"paylink/catalogue"
)

// A page is written by html/template and, because that looks for each value by its name and escapes even
// what needs no escaping, mostly not executed by it: compile makes a program of the tree that html/template
// has put its escapers into, which writes the same bytes in a fifth of the time. The program knows only what
// pages use. A page that uses something else has none, and a value that surprises one ends it; html/template
// executes the page then, and has the last word in every error.

// program writes a page, or a template within one.
type program struct{ steps []step }

type step func(r run)

// run is a program at work.
type run struct {
	to   *bytes.Buffer
	dot  reflect.Value
	vars []reflect.Value // $, then what the ranges around declare
}

// value finds something out while a page is written.
type value func(r run) reflect.Value

// unfit is what a program cannot do. It is panicked, and recovered by compile and write.
type unfit string

// write says whether it wrote the page; w holds less than a page when not.
func (p *program) write(w *bytes.Buffer, v View) (done bool) {
	defer func() {
		if recover() != nil {
			done = false // html/template meets the same, and says what it was
		}
	}()
	root := reflect.ValueOf(v)
	p.run(run{to: w, dot: root, vars: []reflect.Value{root}})
	return true
}

func (p *program) run(r run) {
	for _, s := range p.steps {
		s(r)
	}
}

// compile makes the program of a page that html/template has escaped.
func compile(page *template.Template, w catalogue.Words) (p *program, err error) {
	c := compiler{page: page, words: w, made: map[string]*program{}}
	defer func() {
		switch why := recover().(type) {
		case nil:
		case unfit:
			p, err = nil, fmt.Errorf("compile %s: %s", page.Name(), string(why))
		default:
			panic(why)
		}
	}()
	return c.template(page.Name()), nil
}

type compiler struct {
	page  *template.Template
	words catalogue.Words
	made  map[string]*program
	vars  []string // in scope
}

func (c compiler) template(name string) *program {
	if p, ok := c.made[name]; ok {
		return p
	}
	t := c.page.Lookup(name)
	if t == nil || t.Tree == nil {
		panic(unfit("no template is called " + name)) // html/template made it for a place within a tag
	}
	p := &program{}
	c.made[name] = p
	c.vars = []string{"$"}
	p.steps = c.list(t.Tree.Root).steps
	return p
}

// list compiles nodes; neighbours that never change become one text.
func (c compiler) list(list *parse.ListNode) *program {
	p := &program{}
	if list == nil {
		return p
	}
	var text []byte
	flush := func() {
		if fixed := text; len(fixed) > 0 {
			p.steps = append(p.steps, func(r run) { r.to.Write(fixed) })
		}
		text = nil
	}
	for _, node := range list.Nodes {
		if fixed, ok := c.fixed(node); ok {
			text = append(text, fixed...)
			continue
		}
		flush()
		p.steps = append(p.steps, c.node(node))
	}
	flush()
	return p
}

// fixed is what a node always writes: text, and sentences and icons that depend on the language alone.
func (c compiler) fixed(node parse.Node) ([]byte, bool) {
	switch n := node.(type) {
	case *parse.TextNode:
		return n.Text, true
	case *parse.CommentNode:
		return nil, true
	case *parse.ActionNode:
		if len(n.Pipe.Decl) > 0 {
			return nil, false
		}
		first := n.Pipe.Cmds[0].Args
		if len(first) != 2 {
			return nil, false
		}
		argument, ok := first[1].(*parse.StringNode)
		if !ok {
			return nil, false
		}
		var html template.HTML
		switch first[0].String() {
		case "icon":
			html = icon(argument.Text)
		case ".T", "$.T", "$.Page.T":
			html = rich(c.words.Parts(argument.Text))
		default:
			return nil, false
		}
		var b bytes.Buffer
		_, place := c.escaped(n.Pipe)
		place.write(&b, reflect.ValueOf(html))
		return b.Bytes(), true
	}
	return nil, false
}

func (c compiler) node(node parse.Node) step {
	switch n := node.(type) {
	case *parse.ActionNode:
		v, place := c.escaped(n.Pipe)
		return func(r run) { place.write(r.to, v(r)) }
	case *parse.IfNode:
		v, yes, no := c.pipe(n.Pipe), c.list(n.List), c.list(n.ElseList)
		return func(r run) {
			if truth(v(r)) {
				yes.run(r)
			} else {
				no.run(r)
			}
		}
	case *parse.WithNode:
		v, yes, no := c.pipe(n.Pipe), c.list(n.List), c.list(n.ElseList)
		return func(r run) {
			if it := v(r); truth(it) {
				r.dot = it
				yes.run(r)
			} else {
				no.run(r)
			}
		}
	case *parse.RangeNode:
		return c.each(n)
	case *parse.TemplateNode:
		if n.Pipe == nil {
			panic(unfit("a template without a value"))
		}
		p, v := c.template(n.Name), c.pipe(n.Pipe)
		return func(r run) {
			it := v(r)
			p.run(run{to: r.to, dot: it, vars: []reflect.Value{it}})
		}
	}
	panic(unfit(node.String()))
}

func (c compiler) each(n *parse.RangeNode) step {
	declared := len(n.Pipe.Decl)
	no := c.list(n.ElseList)
	v := c.commands(n.Pipe.Cmds)
	for _, d := range n.Pipe.Decl {
		c.vars = append(slices.Clip(c.vars), d.Ident[0])
	}
	body := c.list(n.List)
	return func(r run) {
		all := concrete(v(r))
		if all.Kind() != reflect.Slice {
			panic(unfit("range over " + all.String()))
		}
		if all.Len() == 0 {
			no.run(r)
		}
		around := slices.Clip(r.vars)
		for i := range all.Len() {
			r.dot = all.Index(i)
			switch declared {
			case 2:
				r.vars = append(around, reflect.ValueOf(i), r.dot)
			case 1:
				r.vars = append(around, r.dot)
			}
			body.run(r)
		}
	}
}

// pipe compiles a pipeline of one command.
func (c compiler) pipe(p *parse.PipeNode) value {
	if len(p.Decl) > 0 {
		panic(unfit("a variable in " + p.String()))
	}
	return c.commands(p.Cmds)
}

func (c compiler) commands(cmds []*parse.CommandNode) value {
	if len(cmds) != 1 {
		panic(unfit("a pipe of commands"))
	}
	args := make([]value, len(cmds[0].Args)-1)
	for i, a := range cmds[0].Args[1:] {
		args[i] = c.operand(a, nil)
	}
	if f, ok := cmds[0].Args[0].(*parse.IdentifierNode); ok {
		return function(f.Ident, args)
	}
	return c.operand(cmds[0].Args[0], args)
}

// operand compiles one word of a command; args are those of the method that it ends with.
func (c compiler) operand(node parse.Node, args []value) value {
	constant := func(v any) value {
		it := reflect.ValueOf(v)
		return func(run) reflect.Value { return it }
	}
	switch n := node.(type) {
	case *parse.FieldNode:
		return way(func(r run) reflect.Value { return r.dot }, n.Ident, args)
	case *parse.VariableNode:
		at := slices.Index(c.vars, n.Ident[0])
		if at < 0 {
			panic(unfit("variable " + n.Ident[0]))
		}
		return way(func(r run) reflect.Value { return r.vars[at] }, n.Ident[1:], args)
	case *parse.ChainNode:
		return way(c.operand(n.Node, nil), n.Field, args)
	}
	if len(args) > 0 {
		panic(unfit(node.String() + " is no function"))
	}
	switch n := node.(type) {
	case *parse.DotNode:
		return func(r run) reflect.Value { return r.dot }
	case *parse.PipeNode:
		return c.pipe(n)
	case *parse.StringNode:
		return constant(n.Text)
	case *parse.BoolNode:
		return constant(n.True)
	case *parse.NumberNode:
		if n.IsInt {
			return constant(int(n.Int64))
		}
	}
	panic(unfit(node.String()))
}

// concrete is what an interface holds.
func concrete(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}
