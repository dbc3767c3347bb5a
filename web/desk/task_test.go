package desk_test

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
	"time"

	"paylink/catalogue"
)

// taskCode is how the code of a task's sentence looks.
var taskCode = regexp.MustCompile(`^task\.[a-z_]+$`)

// Whatever the program opens a task for has a sentence at the desk. A code is written out in the source, so
// that this finds it: one that is put together fails.
func TestEveryTaskHasItsSentence(t *testing.T) {
	words := catalogue.For("en", time.UTC, time.Time{})
	found := map[string]string{}
	root := os.DirFS("../..")
	must(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (name == "sandbox" || name == "e2e" || name == "web/desk" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", name), nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, _ := strconv.Unquote(l.Value)
				if taskCode.MatchString(text) {
					found[text] = name
				} else if text == "task." {
					t.Errorf("%s puts the code of a task together", name)
				}
			}
			return true
		})
		return nil
	}))
	if len(found) < 20 {
		t.Fatalf("only %d codes found: the search is broken", len(found))
	}
	for code, where := range found {
		if !words.Has("desk." + code) {
			t.Errorf("%s opens %s, which the desk has no sentence for", where, code)
		}
	}
}
