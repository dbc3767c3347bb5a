package paylink_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notBuiltYet are rows of docs/reliability.md about what Paylink cannot do yet, with the reason. A row that gets a test
// leaves this list.
var notBuiltYet = map[string]string{
	"P34": "payments by phone are not taken yet",
}

var (
	faultRow  = regexp.MustCompile(`(?m)^\| ([PWRDAFE]\d\d) \| .+ \| .+ \| .+ \|$`)
	faultTest = regexp.MustCompile(`(?m)^func TestFault_([A-Z]\d\d)_\w+\(`)
)

// A fault that nobody tries is a guess.
func TestEveryFaultHasItsTest(t *testing.T) {
	page, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, tested []string
	for _, m := range faultRow.FindAllStringSubmatch(string(page), -1) {
		if slices.Contains(rows, m[1]) {
			t.Errorf("%s stands twice", m[1])
		}
		rows = append(rows, m[1])
	}
	if len(rows) < 91 {
		t.Errorf("only %d rows are read", len(rows))
	}
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		for _, m := range faultTest.FindAllStringSubmatch(string(src), -1) {
			tested = append(tested, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		switch has, excused := slices.Contains(tested, row), notBuiltYet[row] != ""; {
		case !has && !excused:
			t.Errorf("no test is named TestFault_%s_…", row)
		case has && excused:
			t.Errorf("%s has a test: take it out of notBuiltYet", row)
		}
	}
	for row := range notBuiltYet {
		if !slices.Contains(rows, row) {
			t.Errorf("%s is excused and is no row", row)
		}
	}
}
