package templates

import (
	"html/template"
	"reflect"
	"text/template/parse"

	"paylink/catalogue"
)

// fold does once what executing a page would do each time it is shown, which took longer than all its
// queries. It writes in what never changes in one language: sentences that have no place to fill and are
// nothing but text, and icons. And it spells out the fields that a page has from what it embeds, because
// finding those by their short names is slow. html/template reads the result as it reads any page, so
// what is left is escaped as before.
func fold(page *template.Template, v View, w catalogue.Words) {
	folder{page, w, map[string]reflect.Type{}}.named(page.Name(), reflect.TypeOf(v))
}

type folder struct {
	page *template.Template
	w    catalogue.Words
	seen map[string]reflect.Type
}

// named folds a template of the page; root is the type of its $, nil where that is not known.
func (f folder) named(name string, root reflect.Type) {
	if was, ok := f.seen[name]; ok {
		if was != nil && was != root {
			panic("templates: " + name + " is used for " + was.String() + " and for something else")
		}
		return
	}
	t := f.page.Lookup(name)
	if t == nil || t.Tree == nil {
		return
	}
	f.seen[name] = root
	f.list(t.Tree.Root, root, root)
}

// list folds what is under one dot.
func (f folder) list(list *parse.ListNode, root, dot reflect.Type) {
	if list == nil {
		return
	}
	for i, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if text, ok := f.constant(n.Pipe); ok {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
			}
			spell(n.Pipe, root, dot)
		case *parse.IfNode:
			spell(n.Pipe, root, dot)
			f.list(n.List, root, dot)
			f.list(n.ElseList, root, dot)
		case *parse.WithNode:
			spell(n.Pipe, root, dot)
			f.list(n.List, root, nil)
			f.list(n.ElseList, root, dot)
		case *parse.RangeNode:
			spell(n.Pipe, root, dot)
			f.list(n.List, root, nil)
			f.list(n.ElseList, root, dot)
		case *parse.TemplateNode:
			spell(n.Pipe, root, dot)
			if n.Pipe != nil && n.Pipe.String() == "." {
				f.named(n.Name, dot)
			} else {
				f.named(n.Name, nil)
			}
		}
	}
}

// constant is what {{.T "key"}}, {{$.T "key"}} or {{icon "name"}} writes.
func (f folder) constant(pipe *parse.PipeNode) (template.HTML, bool) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 2 {
		return "", false
	}
	argument, ok := pipe.Cmds[0].Args[1].(*parse.StringNode)
	if !ok {
		return "", false
	}
	switch pipe.Cmds[0].Args[0].String() {
	case "icon":
		return icon(argument.Text), true
	case ".T", "$.T", "$.Page.T":
		parts := f.w.Parts(argument.Text)
		for _, part := range parts {
			if part != (catalogue.Part{Text: part.Text}) {
				return "", false // in an attribute its tags would have to go
			}
		}
		return rich(parts), true
	}
	return "", false
}

// spell makes .Title and $.Title .Frame.Page.Title, where the page has its title from there.
func spell(pipe *parse.PipeNode, root, dot reflect.Type) {
	if pipe == nil {
		return
	}
	for _, cmd := range pipe.Cmds {
		for _, arg := range cmd.Args {
			switch n := arg.(type) {
			case *parse.FieldNode:
				n.Ident = path(dot, n.Ident)
			case *parse.VariableNode:
				if n.Ident[0] == "$" {
					n.Ident = append([]string{"$"}, path(root, n.Ident[1:])...)
				}
			case *parse.PipeNode:
				spell(n, root, dot)
			}
		}
	}
}

// path is the whole way to a field or method by its short name.
func path(t reflect.Type, names []string) []string {
	if t == nil || len(names) == 0 {
		return names
	}
	var whole []string
	f, ok := t.FieldByName(names[0])
	if !ok {
		return names
	}
	for _, i := range f.Index[:len(f.Index)-1] {
		whole = append(whole, t.Field(i).Name)
		t = t.Field(i).Type
	}
	return append(whole, names...)
}
