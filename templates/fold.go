package templates

import (
	"html/template"
	"text/template/parse"

	"paylink/catalogue"
)

// fold writes into the templates of a page what never changes in one language: sentences that have no
// place to fill and are nothing but text, and icons. html/template reads the result as it reads any
// page, so what is left is escaped as before; executing what is gone cost more than all queries.
func fold(page *template.Template, w catalogue.Words) {
	for _, t := range page.Templates() {
		if t.Tree != nil {
			foldList(t.Tree.Root, w)
		}
	}
}

func foldList(list *parse.ListNode, w catalogue.Words) {
	if list == nil {
		return
	}
	for i, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if text, ok := constant(n.Pipe, w); ok {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(text)}
			}
		case *parse.IfNode:
			foldList(n.List, w)
			foldList(n.ElseList, w)
		case *parse.WithNode:
			foldList(n.List, w)
			foldList(n.ElseList, w)
		case *parse.RangeNode:
			foldList(n.List, w)
			foldList(n.ElseList, w)
		}
	}
}

// constant is what {{.T "key"}}, {{$.T "key"}} or {{icon "name"}} writes.
func constant(pipe *parse.PipeNode, w catalogue.Words) (template.HTML, bool) {
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
		parts := w.Parts(argument.Text)
		for _, part := range parts {
			if part != (catalogue.Part{Text: part.Text}) {
				return "", false // in an attribute its tags would have to go
			}
		}
		return rich(parts), true
	}
	return "", false
}
