package templates

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"text/template/parse"
)

// spot is a place on a page where html/template writes a value through the same escapers. What
// those would leave as it is, is written at once; all else goes through html/template itself, in a page that is
// nothing but that spot.
type spot struct {
	page          *template.Template
	before, after string
	same          [256]bool    // bytes that every escaper of this spot leaves alone
	other         [256]string  // what html/template makes of the others, where it looks at no more than the byte
	raw           reflect.Type // of values that it leaves alone whatever is in them
}

// spots are found by the names of their escapers.
var spots = sync.OnceValue(func() map[string]*spot {
	found := map[string]*spot{}
	for _, sample := range []string{
		`<p>{{.}}</p>`, `<p title="{{.}}">`, `<title>{{.}}</title>`, `<p {{.}}>`,
		`<a href="{{.}}">`, `<a href="/{{.}}">`, `<a href="/?a={{.}}">`,
	} {
		page := template.Must(template.New("spot").Parse(sample))
		if err := page.Execute(io.Discard, ""); err != nil {
			panic("templates: " + err.Error())
		}
		s := &spot{page: page}
		s.before, s.after, _ = strings.Cut(sample, "{{.}}")
		for _, node := range page.Tree.Root.Nodes {
			if action, ok := node.(*parse.ActionNode); ok {
				s.know(escapers(action.Pipe))
				found[strings.Join(escapers(action.Pipe), " ")] = s
			}
		}
	}
	return found
})

// know says what the escapers leave alone.
func (s *spot) know(names []string) {
	const word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	markup, address, within := true, false, false
	for _, name := range names {
		switch strings.TrimPrefix(name, escaperPrefix) {
		case "htmlescaper":
			s.raw = reflect.TypeFor[template.HTML]()
		case "attrescaper", "rcdataescaper":
		case "urlfilter", "urlnormalizer":
			address = true
		case "urlescaper":
			address, within = true, true
		case "htmlnamefilter":
			s.raw, markup = reflect.TypeFor[template.HTMLAttr](), false
		default:
			markup = false
		}
	}
	for b := range s.same {
		is := func(set string) bool { return strings.IndexByte(set, byte(b)) >= 0 }
		switch {
		case !markup:
		case address:
			s.same[b] = is(word) || !within && is("/?=@") // without a colon there is no scheme to refuse
		default:
			if s.same[b] = !is("\x00\"&'+<>"); !s.same[b] {
				s.other[b] = s.escape(string(rune(b)))
			}
		}
	}
}

const escaperPrefix = "_html_template_"

// escapers are those that html/template put at the end of a pipeline.
func escapers(p *parse.PipeNode) (names []string) {
	for _, cmd := range p.Cmds {
		if f, ok := cmd.Args[0].(*parse.IdentifierNode); ok && len(cmd.Args) == 1 && strings.HasPrefix(f.Ident, escaperPrefix) {
			names = append(names, f.Ident)
		}
	}
	return names
}

// escaped compiles what an action shows, and finds the spot where it does.
func (c compiler) escaped(p *parse.PipeNode) (value, *spot) {
	names := escapers(p)
	s, ok := spots()[strings.Join(names, " ")]
	if !ok || len(names) == 0 || len(p.Decl) > 0 {
		panic(unfit(fmt.Sprintf("%s is escaped by %q", p, names)))
	}
	return c.commands(p.Cmds[:len(p.Cmds)-len(names)]), s
}

// write writes a value where it may need escaping.
func (s *spot) write(to *bytes.Buffer, v reflect.Value) {
	v = concrete(v)
	if t := v.Type(); t == s.raw {
		to.WriteString(v.String())
		return
	} else if t.NumMethod() == 0 && v.Kind() == reflect.String && s.knows(v.String(), t == plainText) {
		s.writeText(to, v.String())
		return
	} else if t.NumMethod() == 0 && v.CanInt() && s.same['0'] {
		to.Write(strconv.AppendInt(to.AvailableBuffer(), v.Int(), 10))
		return
	}
	to.WriteString(s.escape(v.Interface()))
}

// escape is what html/template writes of a value here.
func (s *spot) escape(it any) string {
	var b bytes.Buffer
	if err := s.page.Execute(&b, it); err != nil {
		panic(unfit(err.Error()))
	}
	return string(b.Bytes()[len(s.before) : b.Len()-len(s.after)])
}

// plainText is no template.HTML nor another string that html/template believes something of.
var plainText = reflect.TypeFor[string]()

// knows says whether what becomes of each byte of a text is known here: of plain text also of the others.
func (s *spot) knows(text string, others bool) bool {
	for i := range len(text) {
		if !s.same[text[i]] && (!others || s.other[text[i]] == "") {
			return false
		}
	}
	return s.same['0'] // else nothing is known of this spot, not even that it leaves "" alone
}

func (s *spot) writeText(to *bytes.Buffer, text string) {
	begin := 0
	for i := range len(text) {
		if other := s.other[text[i]]; other != "" {
			to.WriteString(text[begin:i])
			to.WriteString(other)
			begin = i + 1
		}
	}
	to.WriteString(text[begin:])
}
