// Package templates holds the pages as HTML and the typed values they are filled from.
//
// A page is two files: noun_verb.html with its markup and a struct in noun_verb.go that embeds Page
// and names it. Nothing else reaches a page, no map and no query. The package decides no status, no
// header and no rule: those are web's, and what may be paid is the domain's.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"paylink/catalogue"
	"paylink/money"
)

//go:embed *.html
var files embed.FS

// View is a page: a struct that embeds Page and tells the name of its file without ".html".
type View interface {
	Template() string
	Lang() string
}

// declared lists every page. The part of a name before the first "_" chooses its layout, which is
// the file "{part}_layout.html"; files called "part_….html" may be used by all of them.
func declared() []View { return slices.Concat(payViews(), deskViews()) }

// Set is every page in every language, parsed. It is safe for use by many at once.
type Set struct {
	pages   map[name]*sheet
	buffers sync.Pool
}

type name struct{ lang, page string }

// sheet is a page, and the program that writes the same sooner in one language; nil where the page uses what
// compile does not know. Both are made when the page is first shown, not while the server starts.
type sheet struct {
	page func() *template.Template
	fast func() *program
}

// Load reads every page. It panics when one cannot be parsed, or when a page and its declaration do not
// fit: the program was built wrong, and no request should be the first to learn it.
func Load() *Set {
	s := &Set{pages: map[name]*sheet{}}
	s.buffers.New = func() any { return new(bytes.Buffer) }
	all := parsed("*.html")
	pages := map[string]bool{}
	for _, v := range declared() {
		file := v.Template()
		page := sync.OnceValue(func() *template.Template { return assemble(file) })
		if all.Lookup(file+".html") == nil || all.Lookup(layout(file)) == nil {
			panic("templates: " + file + " has no file or no layout")
		}
		pages[file] = true
		for _, l := range catalogue.Locales() {
			s.pages[name{string(l), file}] = &sheet{page, sync.OnceValue(func() *program { return fast(page(), v, catalogue.For(l, nil, time.Time{})) })}
		}
	}
	for _, t := range all.Templates() {
		file, whole := strings.CutSuffix(t.Name(), ".html")
		if whole && !strings.HasPrefix(file, "part_") && !strings.HasSuffix(file, "_layout") && !pages[file] {
			panic("templates: " + t.Name() + " is declared by no View")
		}
	}
	return s
}

// parsed reads files into one template, in which each is called by its name.
func parsed(patterns ...string) *template.Template {
	return template.Must(template.New("").Funcs(funcs()).ParseFS(files, patterns...))
}

// assemble puts a page into its layout.
func assemble(file string) *template.Template {
	return parsed("part_*.html", layout(file), file+".html").Lookup(layout(file))
}

func layout(file string) string {
	area, _, _ := strings.Cut(file, "_")
	return area + "_layout.html"
}

// fast compiles a page, which html/template escapes when it is first executed.
func fast(page *template.Template, v View, w catalogue.Words) *program {
	_ = page.Execute(io.Discard, v) // of a page without values; what fails will fail again where it matters
	p, err := compile(page, w)
	if err != nil {
		return nil
	}
	return p
}

// Render writes a page, whole or not at all: an error leaves w untouched.
func (s *Set) Render(w io.Writer, v View) error {
	sheet, ok := s.pages[name{v.Lang(), v.Template()}]
	if !ok {
		return fmt.Errorf("render %s: no such page", v.Template())
	}
	buf, _ := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if fast := sheet.fast(); fast == nil || !fast.write(buf, v) {
		buf.Reset()
		if err := sheet.page().Execute(buf, v); err != nil {
			return fmt.Errorf("render %s: %w", v.Template(), err)
		}
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write %s: %w", v.Template(), err)
	}
	return nil
}

// Page is what every page has. Its methods are the words of a template: {{$.T "pay.title" "firm" $.Firm.Name}}.
type Page struct {
	Words catalogue.Words
	Title string              // of the window
	Asset func(string) string // the hashed address of a file of package static, by its name
	Test  bool                // no real money moves: the page says so
}

// T is a sentence of the catalogue as HTML: escaped, with its bold parts and links, and with amounts
// and dates that do not break. In an attribute it is plain text.
func (p Page) T(key string, pairs ...any) template.HTML { return rich(p.Words.Parts(key, pairs...)) }

// Count is T in the plural form of n.
func (p Page) Count(key string, n int, pairs ...any) template.HTML {
	return rich(p.Words.CountParts(key, n, pairs...))
}

// Lang is for <html lang>.
func (p Page) Lang() string { return string(p.Words.Locale()) }

// Amount is an amount with its symbol; it holds no place where a line could break.
func (p Page) Amount(a money.Amount) string { return p.Words.Amount(a) }

// rich writes the parts of a sentence.
func rich(parts []catalogue.Part) template.HTML {
	var b strings.Builder
	for _, part := range parts {
		text := template.HTMLEscapeString(part.Text)
		if part.NoWrap {
			text = `<span class="nb">` + text + `</span>`
		}
		if part.Bold {
			text = "<strong>" + text + "</strong>"
		}
		if part.Link != "" {
			text = `<a href="` + template.HTMLEscapeString(safeLink(part.Link)) + `">` + text + `</a>`
		}
		b.WriteString(text)
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped above
}

// safeLink lets only addresses through that open a page, a mail or a call.
func safeLink(s string) string {
	for _, start := range []string{"/", "#", "?", "https://", "mailto:", "tel:"} {
		if strings.HasPrefix(s, start) {
			return s
		}
	}
	return "#"
}

func funcs() template.FuncMap {
	return template.FuncMap{"on": on, "icon": icon, "seq": func(n int) []int { return make([]int, n) }}
}

// Partial is what a shared part sees: the page, for its words, and the part's own value.
type Partial struct {
	Page
	It any
}

// on hands a value to a part: {{template "balance" (on $.Page .Balance)}}.
func on(p Page, it any) Partial { return Partial{p, it} }
