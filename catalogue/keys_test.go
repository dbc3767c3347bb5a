package catalogue_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// made are keys that the program puts together, by how they begin: the rest is a weekday, a status, a
// reason, the code of an error.
var made = []string{
	"word.weekday.", "word.month.", "word.half.", "error.title.", "error.status.", "error.payable.",
	"pay.declined.", "pay.failed.", "pay.bank.", "pay.returned.", "pay.closed.", "pay.ended.", "pay.instalment.", "desk.", "mail.",
	"pay.method.", "error.bank.", // why a method is blocked; what provider/plaid says
}

// elsewhere are texts that look like keys and are none: jobs, tasks, hosts.
var elsewhere = regexp.MustCompile(`\.(css|js|svg|example)$|^mail\.(link|receipt|server|begun|taken|code|onway|failed|returned|returned_firm|drift|bounced|firm|firm_address)$`)

var (
	keyText  = regexp.MustCompile(`^(pay|error|desk|mail|word)\.[a-z0-9_.]*[a-z0-9_]$`)
	inPage   = regexp.MustCompile(`"((?:pay|error|desk|mail|word)\.[a-z0-9_.]*[a-z0-9_])"`)
	codeText = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)
)

// Every key that a page or the program uses is there, and every sentence is used.
func TestSentencesAndTheirUsesAgree(t *testing.T) {
	sentences := read(t, "en")
	used := map[string]string{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		switch {
		case d.IsDir(), strings.HasSuffix(name, "_test.go"), strings.HasPrefix(name, "sandbox/"), strings.HasPrefix(name, "provider/"):
		case strings.HasSuffix(name, ".go"):
			keysOfGo(t, filepath.Join("..", name), used)
		case strings.HasPrefix(name, "templates/"):
			body, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			for _, m := range inPage.FindAllStringSubmatch(string(body), -1) {
				used[m[1]] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) < 100 {
		t.Fatalf("only %d uses found: the search is broken", len(used))
	}
	for key, where := range used {
		if _, ok := sentences[key]; !ok && !elsewhere.MatchString(key) {
			t.Errorf("%s uses %s, which the catalogue lacks", where, key)
		}
	}
	for key := range sentences {
		base := strings.TrimSuffix(strings.TrimSuffix(key, ".brief"), ".title")
		if used[key] == "" && (base == key || used[base] == "") && !isMade(key) {
			t.Errorf("nobody says %s", key)
		}
	}
}

func isMade(key string) bool {
	if strings.HasSuffix(key, ".unknown") || strings.HasSuffix(key, "_taken") {
		return true // store makes them of its nouns
	}
	for _, start := range made {
		if strings.HasPrefix(key, start) {
			return true
		}
	}
	return false
}

// keysOfGo notes the keys in a file: texts that look like one, and the codes of errors.
func keysOfGo(t *testing.T, name string, used map[string]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		return // being written; the compiler complains of it
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text := literal(n); keyText.MatchString(text) {
				used[text] = name
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "At" {
				return false // the name of a point at which a test may end the process
			}
			if code := codeOf(n); codeText.MatchString(code) {
				used["error."+code] = name
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
				if code := literal(n.Value); codeText.MatchString(code) {
					used["error."+code] = name
				}
			}
		}
		return true
	})
}

// codeOf is the code that a call makes an error of: Fail(kind, code), FailField(field, code),
// Fields.Add(field, code), checkLine's and the like.
func codeOf(call *ast.CallExpr) string {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok && name == "Add" && x.Name != "wrong" {
			return ""
		}
	}
	switch {
	case (name == "Fail" || name == "FailField" || name == "Add") && len(call.Args) > 1:
		return literal(call.Args[1])
	case name == "refuse" && len(call.Args) > 0: // of Payable.Check
		return literal(call.Args[0])
	}
	return ""
}

func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		if text, err := strconv.Unquote(l.Value); err == nil {
			return text
		}
	}
	return ""
}
