package paylink_test

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// house lists every package of the module and which of the module's packages its production code may import;
// "." is the root. A package that is not here may not exist.
var house = map[string][]string{
	".":               {"money"},
	"money":           {},
	"ledger":          {"money"},
	"audit":           {},
	"crash":           {}, // where a test may end the process
	"catalogue":       {"money"},
	"config":          {},
	"store":           {".", "ledger", "money", "audit", "crash"},
	"provider/stripe": {".", "money"},
	"provider/plaid":  {".", "money"},
	"payments":        {"store", "crash", "provider/stripe", "provider/plaid", ".", "ledger", "money"},
	"invoicing":       {"store", ".", "ledger", "money"}, // books what is owed; payments what is paid
	"access":          {"store", "."},
	"jobs":            {"store", "crash"},
	"receipts":        {".", "money", "catalogue"},
	"templates":       {".", "money", "catalogue"},
	"static":          {},
	"mailer":          {"store", "crash", ".", "money", "templates", "receipts", "catalogue"},
	"salesforce":      {"store", ".", "money"},

	// The desk shows a mail before it is sent; hooks check the signatures that the adapters know.
	"web/page":  {"store", "access", "templates", "static", "catalogue", ".", "money"},
	"web/pay":   {"web/page", "payments", "invoicing", "store", "access", "templates", "receipts", "static", "catalogue", ".", "money"},
	"web/desk":  {"web/page", "payments", "invoicing", "store", "access", "templates", "receipts", "mailer", "static", "catalogue", ".", "money"},
	"web/api":   {"web/page", "payments", "invoicing", "store", "access", "receipts", "catalogue", ".", "money"},
	"web/hooks": {"web/page", "crash", "payments", "store", "provider/stripe", "provider/plaid", ".", "money"},
	"web":       {"web/page", "web/pay", "web/desk", "web/api", "web/hooks", "payments", "invoicing", "store", "access", "templates", "receipts", "static", "catalogue", ".", "money"},

	"sandbox":     {"money"},
	"cmd/paylink": {everything},

	// For tests alone; see testOnly.
	"store/storetest":     {"store", ".", "money"},
	"sandbox/contract":    {},
	"e2e":                 {},
	"e2e/browser":         {},
	"e2e/process":         {},
	"e2e/torture":         {}, // knows Paylink from outside alone
	"e2e/torture/auditor": {},
	"bench":               {everything},
	"tools/guards":        {},
}

// everything stands for every package but cmd and the test-only ones.
const everything = "everything"

// testOnly packages are imported by tests and by each other, never by what ships.
var testOnly = []string{"store/storetest", "sandbox/contract", "e2e", "e2e/browser", "e2e/process", "e2e/torture", "e2e/torture/auditor", "bench", "tools/guards"}

// outside says who alone imports what is not ours: the packages a library's path (or one below it) is open to.
// "web" means web and all below it. Nobody, if the list is empty; test-only packages may import anything.
var outside = map[string][]string{
	"database/sql":                    {"store"},
	"github.com/mattn/go-sqlite3":     {"store"},
	"github.com/jackc/pgx":            {"store"},
	"github.com/pressly/goose":        {"store"},
	"github.com/labstack/echo":        {"web"},
	"github.com/stripe/stripe-go":     {"provider/stripe"},
	"github.com/plaid/plaid-go":       {"provider/plaid"},
	"github.com/jung-kurt/gofpdf":     {"receipts"},
	"github.com/skip2/go-qrcode":      {"receipts", "web/desk", "web/pay"},
	"github.com/jordan-wright/email":  {"mailer"},
	"net/smtp":                        {"mailer"},
	"github.com/emersion/go-smtp":     {"sandbox"},
	"github.com/emersion/go-sasl":     {"sandbox"},
	"github.com/emersion/go-message":  {"sandbox", "mailer"},
	"github.com/alecthomas/kong":      {"cmd"},
	"github.com/prometheus":           {"web", "cmd"},
	"github.com/coreos/go-oidc":       {"access"},
	"github.com/go-webauthn/webauthn": {"access"},
	"github.com/pquerna/otp":          {"access"},
	"golang.org/x/crypto/argon2":      {"access"},
	"net/http":                        {"web", "provider", "salesforce", "access", "static", "sandbox", "cmd"},
	"html/template":                   {"templates", "web/page", "sandbox"},
	"text/template":                   {"templates"}, // the plain-text half of a mail
	"math/rand":                       {"jobs", "sandbox"},
	"os/exec":                         {},
	"testing":                         {},
	"github.com/chromedp":             {},
	"pgregory.net/rapid":              {},
}

// noNames are names that say nothing about what is inside.
var noNames = []string{"util", "utils", "common", "helper", "helpers", "models", "types", "services", "base", "misc", "shared"}

// noCode are top-level folders without packages of this module.
var noCode = []string{"docs", "tools", "data"}

const rootFiles = 12 // more, and the nouns of the root want a package of their own

func TestHouse(t *testing.T) {
	for _, broken := range inspect(t, os.DirFS(".")) {
		t.Error(broken)
	}
}

// A checker that finds nothing proves nothing: each rule is broken once in a small tree.
func TestHouseNotices(t *testing.T) {
	const doc = "// Package x is here.\n"
	tests := map[string]struct {
		file, src string
		want      string
	}{
		"an import that the table lacks":    {"ledger/a.go", doc + `package ledger; import _ "paylink/store"`, `ledger imports paylink/store`},
		"an import of the root":             {"money/a.go", doc + `package money; import _ "paylink"`, `money imports paylink,`},
		"a page importing another's page":   {"web/pay/a.go", doc + `package pay; import _ "paylink/web/desk"`, `web/pay imports paylink/web/desk`},
		"anybody importing cmd":             {"web/a.go", doc + `package web; import _ "paylink/cmd/paylink"`, `web imports paylink/cmd/paylink`},
		"wiring that reaches for tests":     {"cmd/paylink/a.go", doc + `package main; import _ "paylink/store/storetest"`, `cmd/paylink imports paylink/store/storetest`},
		"the catalogue in the wrong hands":  {"payments/a.go", doc + `package payments; import _ "paylink/catalogue"`, `payments imports paylink/catalogue`},
		"SQL outside of store":              {"payments/a.go", doc + `package payments; import _ "database/sql"`, `payments imports database/sql, which is for store`},
		"a driver below a guarded path":     {"jobs/a.go", doc + `package jobs; import _ "github.com/jackc/pgx/v5/stdlib"`, `jobs imports github.com/jackc/pgx/v5/stdlib, which is for store`},
		"one adapter's SDK in the other":    {"provider/plaid/a.go", doc + `package plaid; import _ "github.com/stripe/stripe-go/v76"`, `which is for provider/stripe`},
		"a library for tests in production": {"web/a.go", doc + `package web; import _ "testing"`, `web imports testing, which is for nobody`},
		"guessable randomness":              {"access/a.go", doc + `package access; import _ "math/rand/v2"`, `access imports math/rand/v2`},
		"a package out of the table":        {"billing/a.go", doc + `package billing`, `billing is not in the table`},
		"a package below a known one":       {"store/cache/a.go", doc + `package cache`, `store/cache is not in the table`},
		"a stray top-level folder":          {"scratch/notes.txt", "", `scratch is not in the table`},
		"a name that says nothing":          {"web/util/a.go", doc + `package util`, `util says nothing`},
		"such a name in the package clause": {"jobs/a.go", doc + `package helpers`, `helpers says nothing`},
		"a package without its comment":     {"jobs/a.go", `package jobs`, `jobs has no package comment`},
		"a comment that opens elsewhere":    {"jobs/a.go", "// Jobs does work.\npackage jobs", `jobs has no package comment`},
		"a file that does not parse":        {"jobs/a.go", doc + `package jobs; func`, `jobs/a.go`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := inspect(t, fstest.MapFS{tt.file: {Data: []byte(tt.src)}})
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, tt.want) }) {
				t.Errorf("no complaint with %q, got %q", tt.want, got)
			}
		})
	}

	t.Run("a crowded root", func(t *testing.T) {
		tree := fstest.MapFS{}
		for i := range rootFiles + 1 {
			tree[fmt.Sprintf("f%d.go", i)] = &fstest.MapFile{Data: []byte("// Package paylink is here.\npackage paylink")}
		}
		if got := inspect(t, tree); len(got) != 1 || !strings.Contains(got[0], "13 files") {
			t.Errorf("got %q", got)
		}
	})

	t.Run("nothing in a tidy tree", func(t *testing.T) {
		tree := fstest.MapFS{
			"link.go":             {Data: []byte("// Package paylink is here.\npackage paylink\nimport _ \"paylink/money\"")},
			"ledger/a.go":         {Data: []byte("// Package ledger is here.\npackage ledger\nimport _ \"paylink/money\"")},
			"ledger/a_test.go":    {Data: []byte("package ledger\nimport _ \"paylink/sandbox\"\nimport _ \"database/sql\"")},
			"cmd/paylink/main.go": {Data: []byte("// Command paylink is here.\npackage main\nimport _ \"paylink/web\"\nimport _ \"paylink/sandbox\"")},
			"e2e/pay_test.go":     {Data: []byte("// Package e2e is here.\npackage e2e\nimport _ \"os/exec\"")},
			"store/gen.go":        {Data: []byte("//go:build ignore\n\npackage main\nimport _ \"paylink/web\"")},
			"store/a.go":          {Data: []byte("// Package store is here.\npackage store\nimport _ \"database/sql\"")},
			"tools/go.mod":        {Data: []byte("module tools")},
			"tools/util/a.go":     {Data: []byte("package util")},
			"docs/a.md":           {},
			".cache/x/a.go":       {Data: []byte("package x")},
			"store/testdata/a.go": {Data: []byte("package broken; func")},
		}
		if got := inspect(t, tree); len(got) > 0 {
			t.Errorf("got %q", got)
		}
	})
}

// pkg is one folder with Go files.
type pkg struct {
	dir        string
	names      map[string]bool // of the package clauses, _test cut off
	imports    map[string]bool // of production files
	production int             // files
	documented bool
}

// inspect returns one sentence for each rule that the tree breaks, in order.
func inspect(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var broken []string
	complain := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }

	pkgs := map[string]*pkg{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(tree, name, complain)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		dir := path.Dir(name)
		if pkgs[dir] == nil {
			pkgs[dir] = &pkg{dir: dir, names: map[string]bool{}, imports: map[string]bool{}}
		}
		if err := pkgs[dir].read(tree, name); err != nil {
			complain("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, dir := range slices.Sorted(maps.Keys(pkgs)) {
		pkgs[dir].check(complain)
	}
	return broken
}

// enter skips folders that hold no packages of this module, and complains of top-level ones that nobody knows.
func enter(tree fs.FS, dir string, complain func(string, ...any)) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" || slices.Contains(noCode, dir) {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir // a module of its own
	}
	if path.Dir(dir) == "." && !slices.ContainsFunc(slices.Collect(maps.Keys(house)), func(p string) bool { return within(p, dir) }) {
		complain("%s is not in the table of packages", dir)
		return fs.SkipDir
	}
	return nil
}

func (p *pkg) read(tree fs.FS, name string) error {
	src, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	if neverBuilt(f) {
		return nil
	}
	p.names[strings.TrimSuffix(f.Name.Name, "_test")] = true
	if f.Doc != nil && (strings.HasPrefix(f.Doc.Text(), "Package ") || strings.HasPrefix(f.Doc.Text(), "Command ")) {
		p.documented = true
	}
	if strings.HasSuffix(name, "_test.go") {
		return nil
	}
	p.production++
	for _, imp := range f.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.imports[path] = true
	}
	return nil
}

// neverBuilt tells files that serve only `go run` or the module file.
func neverBuilt(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if expr, err := constraint.Parse(c.Text); err == nil && c.Pos() < f.Package {
				return !expr.Eval(func(tag string) bool { return tag != "ignore" && tag != "deps" })
			}
		}
	}
	return false
}

func (p *pkg) check(complain func(string, ...any)) {
	if len(p.names) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.names)) {
		if slices.Contains(noNames, name) {
			complain("%s: the name %s says nothing", p.dir, name)
		}
	}
	allowed, known := house[p.dir]
	if !known {
		complain("%s is not in the table of packages", p.dir)
		return
	}
	if !p.documented {
		complain(`%s has no package comment ("Package %s …")`, p.dir, path.Base(p.dir))
	}
	if p.dir == "." && p.production > rootFiles {
		complain("the root has %d files, more than %d", p.production, rootFiles)
	}
	for _, imp := range slices.Sorted(maps.Keys(p.imports)) {
		if within(imp, "paylink") {
			own := strings.TrimPrefix(strings.TrimPrefix(imp, "paylink"), "/")
			if own == "" {
				own = "."
			}
			if !mayImport(p.dir, allowed, own) {
				complain("%s imports %s, which the table does not allow", p.dir, imp)
			}
			continue
		}
		if slices.Contains(testOnly, p.dir) {
			continue
		}
		for lib, users := range outside {
			if within(imp, lib) && !slices.ContainsFunc(users, func(u string) bool { return within(p.dir, u) }) {
				if len(users) == 0 {
					users = []string{"nobody but tests"}
				}
				complain("%s imports %s, which is for %s", p.dir, imp, strings.Join(users, ", "))
			}
		}
	}
}

func mayImport(dir string, allowed []string, own string) bool {
	if slices.Contains(testOnly, own) {
		return slices.Contains(testOnly, dir)
	}
	if slices.Contains(allowed, everything) {
		return !within(own, "cmd")
	}
	return slices.Contains(allowed, own)
}

// within reports whether p is dir or below it.
func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/")
}
