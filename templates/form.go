package templates

import (
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"paylink"
	"paylink/catalogue"
)

// Problem is one thing to change: the field it is about and the sentence for it.
type Problem struct {
	Field string
	Text  string
	Brief string // for the summary, where the field is not beside it
	Args  []any  // what the domain said, for suggestions
}

// Anchor is the id of the field's control: its name with everything but letters and digits as "-".
func (p Problem) Anchor() string { return Anchor(p.Field) }

// Anchor is the id of a control in a page, by the name of its field.
func Anchor(field string) string {
	return "f-" + strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, field), "-")
}

// Problems is everything to change, in the order of the form.
type Problems []Problem

// ProblemsOf words what the domain found wrong. An error that names no field is about the whole. A
// sentence that needs its field beside it has a second one for the summary, under the key "….brief";
// more fills both.
func ProblemsOf(w catalogue.Words, e *paylink.Error, more ...any) Problems {
	fields := e.Fields
	if len(fields) == 0 {
		fields = []paylink.FieldError{{Code: e.Code, Args: e.Args}}
	}
	all := make(Problems, 0, len(fields))
	for _, f := range fields {
		args := slices.Concat(f.Args, more)
		p := Problem{Field: f.Field, Text: w.Error(f.Code, args), Args: f.Args}
		p.Brief = p.Text
		if brief := "error." + f.Code + ".brief"; w.Has(brief) {
			p.Brief = w.T(brief, args...)
		}
		all = append(all, p)
	}
	return all
}

// Summary is the list on top of a form that was not taken.
type Summary struct {
	Heading  string // "" counts what is to change
	Problems Problems
	Note     string // what did not happen: "Nothing was charged."
}

// Money is a field for an amount. What was typed stays in it.
type Money struct {
	Field, Label, Value string
	Symbol              string
	SymbolFirst         bool // as the locale writes it
	Problem             *Problem
}

// Anchor is the id of the control.
func (m Money) Anchor() string { return Anchor(m.Field) }

// Long says whether the symbol needs more room than a sign does.
func (m Money) Long() bool { return utf8.RuneCountInString(m.Symbol) > 1 }

// For is the problem of one field, or nil.
func (p Problems) For(field string) *Problem {
	for i := range p {
		if p[i].Field == field {
			return &p[i]
		}
	}
	return nil
}

// Attr is what a control with a problem carries, for {{$.Problems.Attr "email"}}.
func (p Problems) Attr(field string) template.HTMLAttr {
	if p.For(field) == nil {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + Anchor(field) + `-problem"`) //nolint:gosec // Anchor leaves only letters, digits and "-"
}
