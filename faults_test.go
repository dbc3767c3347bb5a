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

var (
	faultRow  = regexp.MustCompile(`(?m)^\| ([PWRDAFEX]\d\d) \| .+ \| .+ \| .+ \|$`)
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
	if len(rows) < 99 {
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
		if !slices.Contains(tested, row) {
			t.Errorf("no test is named TestFault_%s_…", row)
		}
	}
}
