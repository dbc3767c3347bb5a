package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// guard is one condition, or one operand of it, that can be switched off.
type guard struct {
	id         int
	file       string // from the module's root
	line       int
	text, what string
}

func (g guard) String() string { return fmt.Sprintf("%s:%d %s %s", g.file, g.line, g.what, g.text) }

// switches is a package that exists in the overlay alone.
const switches = `package off

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

var (
	thrown, _ = strconv.Atoi(os.Getenv("GUARDS_OFF"))
	seenPath  = os.Getenv("GUARDS_SEEN")
	seen      sync.Map
)

// Is says whether this switch is thrown, and notes that it would make a difference.
func Is(n int) bool {
	if seenPath != "" {
		if _, before := seen.LoadOrStore(n, true); !before {
			f, err := os.OpenFile(seenPath, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			fmt.Fprintln(f, n)
			_ = f.Close()
		}
	}
	return n == thrown
}
`

// source is a file that gets its switches.
type source struct {
	name   string
	text   []byte
	files  *token.FileSet
	tree   *ast.File
	next   int // the number of the next switch
	guards []guard
}

func parse(root, path string, before int) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	f := &source{name: name, text: text, files: token.NewFileSet(), next: before + 1}
	f.tree, err = parser.ParseFile(f.files, path, text, parser.SkipObjectResolution)
	return f, err
}

func (f *source) at(p token.Pos) int      { return f.files.Position(p).Offset }
func (f *source) of(n ast.Node) string    { return string(f.text[f.at(n.Pos()):f.at(n.End())]) }
func (f *source) line(n ast.Node) int     { return f.files.Position(n.Pos()).Line }
func (f *source) short(n ast.Node) string { return strings.Join(strings.Fields(f.of(n)), " ") }

// guard numbers a switch.
func (f *source) guard(n ast.Node, what, text string) int {
	id := f.next
	f.next++
	f.guards = append(f.guards, guard{id: id, file: f.name, line: f.line(n), what: what, text: text})
	return id
}

// passedOn are conditions that only pass an error on.
var passedOn = regexp.MustCompile(`^\w*[eE]rr [!=]= nil$`)

// edit is new text for a node.
type edit struct {
	ast.Node
	text string
}

// switched is the file's text with a switch at every condition.
func (f *source) switched() (string, []guard) {
	var edits []edit
	condition := func(c ast.Expr) {
		if !passedOn.MatchString(f.of(c)) && !hasFunction(c) {
			text := f.operands(c, c)
			edits = append(edits, edit{c, fmt.Sprintf("((%s) && !off.Is(%d))", text, f.guard(c, "never", f.short(c)))})
		}
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			condition(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				return true
			}
			for _, s := range n.Body.List {
				if c, ok := s.(*ast.CaseClause); ok {
					for _, one := range c.List {
						condition(one)
					}
				}
			}
		case *ast.ReturnStmt:
			for _, r := range n.Results {
				if b, ok := r.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) && !hasFunction(r) {
					edits = append(edits, edit{r, f.operands(r, r)})
				}
			}
		}
		return true
	})
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.Pos(), b.Pos()) })
	var out strings.Builder
	done := f.at(f.tree.Name.End())
	out.Write(f.text[:done])
	out.WriteString("\nimport \"paylink/off\"\n")
	for _, e := range edits {
		out.Write(f.text[done:f.at(e.Pos())])
		out.WriteString(e.text)
		done = f.at(e.End())
	}
	out.Write(f.text[done:])
	return out.String(), f.guards
}

// operands gives every operand of && and || in an expression a switch that leaves it out.
func (f *source) operands(whole, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return "(" + f.operands(whole, e.X) + ")"
	case *ast.BinaryExpr:
		if e.Op == token.LAND || e.Op == token.LOR {
			return f.operand(whole, e.X, e.Op) + " " + e.Op.String() + " " + f.operand(whole, e.Y, e.Op)
		}
	}
	return f.of(e)
}

func (f *source) operand(whole, e ast.Expr, of token.Token) string {
	text := f.operands(whole, e)
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == of || passedOn.MatchString(f.of(e)) {
		return text
	}
	off := f.guard(e, "without", f.short(e)+" in "+f.short(whole))
	if of == token.LAND {
		return fmt.Sprintf("((%s) || off.Is(%d))", text, off)
	}
	return fmt.Sprintf("((%s) && !off.Is(%d))", text, off)
}

// hasFunction says whether a condition has a function in it, whose own conditions would stand in the middle.
func hasFunction(n ast.Node) (has bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			has = true
		}
		return !has
	})
	return has
}
