package templates

import (
	"bytes"
	"html/template"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"paylink/catalogue"
)

// What is done once, when pages are loaded, changes nothing of what they say.
func TestFoldedPagesSayTheSame(t *testing.T) {
	folded := Load()
	for _, v := range samples() {
		area, _, _ := strings.Cut(v.Template(), "_")
		plain := template.Must(template.New(area+"_layout.html").Funcs(funcs()).ParseFS(files, "part_*.html", area+"_layout.html", v.Template()+".html"))
		var got, want bytes.Buffer
		if err := plain.Execute(&want, v); err != nil {
			t.Fatal(err)
		}
		if err := folded.Render(&got, v); err != nil {
			t.Fatal(err)
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

// A sentence with bold parts or links is left to html/template, which knows where tags may stand.
func TestSentencesWithTagsAreNotFolded(t *testing.T) {
	const bold = "desk.test"
	v := PayPaid{Frame: Frame{Page: Page{Words: catalogue.For("en", time.UTC, now)}}}
	page := template.Must(template.New("page").Funcs(funcs()).Parse(`<p title="{{.T "desk.test"}}">{{.T "desk.test"}}</p>`))
	fold(page, v, v.Words)
	var got bytes.Buffer
	if err := page.Execute(&got, v); err != nil {
		t.Fatal(err)
	}
	html := string(v.T(bold))
	text := strings.NewReplacer("<strong>", "", "</strong>", "").Replace(html)
	if want := `<p title="` + text + `">` + html + `</p>`; text == html || got.String() != want {
		t.Errorf("got %s, want %s", got.String(), want)
	}
}

// A template's fields are spelled out for one kind of page, so it must not serve another.
func TestATemplateServesOneKindOfPage(t *testing.T) {
	page := template.Must(template.New("page").Parse(`{{define "part"}}{{.Title}}{{end}}{{template "part" .}}{{template "part" "text"}}`))
	defer func() {
		if recover() == nil {
			t.Error("nothing said so")
		}
	}()
	fold(page, PayPaid{}, catalogue.Words{})
}
