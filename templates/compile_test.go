package templates

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
)

// What a program writes is what html/template writes, of every page.
func TestProgramsWriteWhatHTMLTemplateWrites(t *testing.T) {
	set := Load()
	for _, v := range samples() {
		var got, want bytes.Buffer
		if err := assemble(v.Template()).Execute(&want, v); err != nil {
			t.Fatal(err)
		}
		fast := set.pages[name{v.Lang(), v.Template()}].fast()
		if fast == nil || !fast.write(&got, v) {
			t.Errorf("%s is not written by its program", v.Template())
			continue
		}
		// As a browser reads them: &#43; and + are one.
		if g, w := tokens(got.String()), tokens(want.String()); g != w {
			t.Errorf("%s: got\n%s\nwant\n%s", v.Template(), g, w)
		}
	}
}

// tokens writes a page anew from what a browser reads of it.
func tokens(page string) string {
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		b.WriteString(z.Token().String())
	}
	return b.String()
}

// A program remembers where it found a member; many at once may look.
func TestAProgramIsSafeForManyAtOnce(t *testing.T) {
	set := Load()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, v := range samples() {
				if err := set.Render(io.Discard, v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestCustomersPagesHavePrograms(t *testing.T) {
	for _, v := range payViews() {
		page := assemble(v.Template())
		_ = page.Execute(io.Discard, v)
		if _, err := compile(page, catalogue.Words{}); err != nil {
			t.Error(err)
		}
	}
}

// try is a page of one line.
type try struct {
	Page
	It any
}

func (try) Template() string { return "try" }

func (try) Upper(s string) string { return strings.ToUpper(s) }

// Whatever a value is and wherever it stands, the program writes of it what html/template does, or leaves the
// page to it.
func TestValuesAreWrittenAlikeEverywhere(t *testing.T) {
	var none *Problem
	values := []any{
		"", "plain", "a b", hostile, "+", "\x00", "\xff", "日本", "/path?a=b&c=d", "//host", "javascript:alert(1)", "https://a.example/x", "mailto:a@b",
		template.HTML("<b>&amp;</b>"), template.HTML(""), template.URL("&method=bank"), template.HTMLAttr(`aria-invalid="true"`), template.JS("x()"),
		0, 7, -7, int64(1) << 10, uint(3), 1.5, true, false, now, usd(123456), money.English, paylink.Date("2026-11-27"), time.Duration(90),
		nil, none, &Problem{Field: "a"}, Problem{Field: "b"}, []string{}, []string{"a", "<"}, []int{1}, errors.New("<err>"),
	}
	for _, line := range []string{
		`<p>{{.It}}</p>`, `<p title="{{.It}}">`, `<p title="a {{.It}} b">`, `<title>{{.It}}</title>`, `<textarea>{{.It}}</textarea>`,
		`<a href="{{.It}}">`, `<a href="/x/{{.It}}">`, `<a href="?a={{.It}}">`, `<a href="mailto:{{.It}}">`, `<p {{.It}}>`, `<p class={{.It}}>`,
		`<p data-url="{{.It}}">`, `<form action="{{.It}}/b">`, `<p style="width:{{.It}}">`, `<script>{{.It}}</script>`, `<!-- {{.It}} -->`, `<img srcset="{{.It}}">`,
		`{{if .It}}yes{{else}}no{{end}}`, `{{with .It}}{{.}}{{else}}no{{end}}`, `{{range .It}}<i>{{.}}</i>{{else}}no{{end}}`,
		`{{range $n, $x := .It}}{{if $n}}, {{end}}{{$x}}{{end}}`, `{{range $x := .It}}{{$x}}{{$.Upper "a"}}{{end}}`,
		`{{not .It}}`, `{{or .It "else"}}`, `{{and .It "then"}}`, `{{eq .It 7}}`, `{{eq .It "plain"}}`, `{{gt .It 3}}`, `{{len .It}}`, `{{index .It 0}}`,
		`{{.It.Field}}`, `{{.It.Anchor}}`, `{{(.It).Field}}`, `{{.It.None}}`, `{{.Upper .It}}`, `{{.T "pay.of" "total" .It}}`, `{{.T .It}}`, `{{.Amount .It}}`, `{{icon .It}}`,
		`{{.T "pay.once"}}`, `<p title="{{.T "pay.of"}}">`, `{{icon "tick"}}`, `{{$x := .It}}{{$x}}`, `{{.It | len}}`, `{{printf "%v" .It}}`,
		`{{define "part"}}{{.It}}{{$.T "pay.once"}}{{end}}{{template "part" (on .Page .It)}}`,
	} {
		for _, it := range values {
			page := template.Must(template.New("try").Funcs(funcs()).Parse(line))
			v := try{Page{Words: catalogue.For("en", time.UTC, now)}, it}
			var got, want bytes.Buffer
			wrong := page.Execute(&want, v)
			p, err := compile(page, v.Words)
			if err != nil || !p.write(&got, v) {
				continue
			}
			if wrong != nil || got.String() != want.String() {
				t.Errorf("%s of %T %#v: got %q, want %q, %v", line, it, it, got.String(), want.String(), wrong)
			}
		}
	}
}
