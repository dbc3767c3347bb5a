package catalogue

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"paylink/money"
)

// Part is a piece of a sentence.
type Part struct {
	Text   string
	Bold   bool
	Link   string // where it leads, "" for no link
	NoWrap bool   // an amount, a day, a time: stays on one line
}

// sentence is a parsed text. In it {name} is filled by the value of that name, {name:style} in a
// style (see Words.value), **text** is bold, and [text](name) is a link to the address in name.
type sentence []piece

type piece struct {
	text  string // literal, when name is ""
	name  string
	style string
	bold  bool
	link  string // the name of the address
}

func parse(text string) (sentence, error) {
	p := parser{rest: text}
	if err := p.run(""); err != nil {
		return nil, err
	}
	if p.bold {
		return nil, errors.New("** is not closed")
	}
	return p.pieces, nil
}

type parser struct {
	rest   string
	bold   bool
	link   string
	pieces sentence
}

// run reads up to the stop sign, or to the end when there is none.
func (p *parser) run(stop string) error {
	for p.rest != "" {
		switch {
		case stop != "" && strings.HasPrefix(p.rest, stop):
			return nil
		case strings.HasPrefix(p.rest, "**"):
			p.bold = !p.bold
			p.rest = p.rest[2:]
		case p.rest[0] == '{':
			inside, rest, closed := strings.Cut(p.rest[1:], "}")
			if !closed {
				return errors.New("{ is not closed")
			}
			name, style, _ := strings.Cut(inside, ":")
			if name == "" || !styles[style] {
				return fmt.Errorf("{%s} names nothing, or in an unknown style", inside)
			}
			p.pieces = append(p.pieces, piece{name: name, style: style, bold: p.bold, link: p.link})
			p.rest = rest
		case p.rest[0] == '[' && p.link == "":
			if err := p.readLink(); err != nil {
				return err
			}
		default:
			end := strings.IndexAny(p.rest[1:], "*{[]")
			if end < 0 {
				end = len(p.rest) - 1
			}
			p.pieces = append(p.pieces, piece{text: p.rest[:end+1], bold: p.bold, link: p.link})
			p.rest = p.rest[end+1:]
		}
	}
	if stop != "" {
		return errors.New("[ is not closed")
	}
	return nil
}

func (p *parser) readLink() error {
	_, after, found := strings.Cut(p.rest, "](")
	name, _, closed := strings.Cut(after, ")")
	if !found || !closed || name == "" {
		return errors.New("a link is written [text](name)")
	}
	p.rest, p.link = p.rest[1:], name
	if err := p.run("]"); err != nil {
		return err
	}
	p.rest, p.link = strings.TrimPrefix(p.rest, "]("+name+")"), ""
	return nil
}

// fill makes the sentence. A placeholder without a value stays visible.
func (w Words) fill(s sentence, pairs []any) []Part {
	parts := make([]Part, 0, len(s))
	for _, piece := range s {
		part := Part{Text: piece.text, Bold: piece.bold}
		if piece.link != "" {
			part.Link, _ = find(pairs, piece.link).(string)
		}
		if piece.name != "" {
			part.Text, part.NoWrap = w.value(piece, find(pairs, piece.name))
		}
		parts = append(parts, part)
	}
	return parts
}

func find(pairs []any, name string) any {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1]
		}
	}
	return nil
}

// day is what paylink.Date is: a day without a zone.
type day interface {
	Time(zone *time.Location) time.Time
}

// value writes what fills a placeholder, and says whether it must stay on one line.
func (w Words) value(p piece, v any) (text string, noWrap bool) {
	switch v := v.(type) {
	case nil:
		return "{" + p.name + "}", false
	case string:
		masked := strings.Contains(v, "…") && strings.Contains(v, "@")
		return v, len(v) < 40 && (masked || p.name == "phone")
	case money.Amount:
		return v.Format(w.Locale()), true
	case money.Quantity:
		return v.Format(w.Locale()), true
	case int:
		return w.Int(int64(v)), true
	case int64:
		return w.Int(v), true
	case time.Time:
		text = w.in(p.style, v)
		return text, fitsALine(text)
	case day:
		text = w.in(p.style, v.Time(w.Zone()))
		return text, fitsALine(text)
	case fmt.Stringer:
		return v.String(), false
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return r.String(), false
	}
	return "{" + p.name + "}", false
}

// fitsALine says whether a text kept in one piece fits the narrowest phone (320 px) in whatever face it has. A moment,
// with its weekday, year, time and zone, does not.
func fitsALine(text string) bool { return utf8.RuneCountInString(text) <= 30 }

// Amount is an amount with its symbol.
func (w Words) Amount(a money.Amount) string { return a.Format(w.Locale()) }

// Int is a whole number, grouped.
func (w Words) Int(n int64) string {
	return money.New(n, "JPY").Number(w.Locale()) // a currency without decimals groups as numbers do
}
