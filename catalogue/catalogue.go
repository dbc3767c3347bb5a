// Package catalogue holds every sentence that people read, by language: pages, errors and mails.
//
// A sentence is whole, so that a translator can turn it around; what changes in it is a placeholder,
// and amounts, days, times and counts fill theirs as people of the locale write them. The package
// does not decide which sentence is said, and knows no HTML: Parts says what is bold or a link.
package catalogue

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"paylink/money"
)

//go:embed en/*.json
var files embed.FS

// languages are read once; what is embedded is wrong only if the program was built wrong.
var languages = sync.OnceValue(func() map[money.Locale]map[string]entry {
	all, err := load()
	if err != nil {
		panic(err)
	}
	return all
})

// tags name the languages to the rules of plurals; to read a tag takes longer than to fill a sentence.
var tags = sync.OnceValue(func() map[money.Locale]language.Tag {
	all := map[money.Locale]language.Tag{}
	for l := range languages() {
		all[l] = language.Make(string(l))
	}
	return all
})

// entry is one key: a sentence, or one for each plural form of the language.
type entry struct {
	sentence sentence
	forms    map[plural.Form]sentence
}

var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// areas are what keys begin with: who says the sentence. A file holds the sentences of one area, or those
// of one subject in every area.
var areas = map[string]bool{"api": true, "desk": true, "error": true, "mail": true, "pay": true, "word": true}

func load() (map[money.Locale]map[string]entry, error) {
	all := map[money.Locale]map[string]entry{}
	folders, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	for _, folder := range folders {
		entries, err := loadLanguage(folder.Name())
		if err != nil {
			return nil, err
		}
		all[money.Locale(folder.Name())] = entries
	}
	return all, nil
}

func loadLanguage(folder string) (map[string]entry, error) {
	parts, err := files.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	entries := map[string]entry{}
	for _, part := range parts {
		name := path.Join(folder, part.Name())
		body, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		var texts map[string]json.RawMessage
		if err := json.Unmarshal(body, &texts); err != nil {
			return nil, fmt.Errorf("read the catalogue: %s: %w", name, err)
		}
		for key, raw := range texts {
			if start, _, _ := strings.Cut(key, "."); !areas[start] {
				return nil, fmt.Errorf("read the catalogue: %s: %s begins with no area of the catalogue", name, key)
			}
			if _, twice := entries[key]; twice {
				return nil, fmt.Errorf("read the catalogue: %s: %s is in two files", name, key)
			}
			if entries[key], err = readEntry(raw); err != nil {
				return nil, fmt.Errorf("read the catalogue: %s: %s: %w", name, key, err)
			}
		}
	}
	return entries, nil
}

func readEntry(raw json.RawMessage) (entry, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		s, err := parse(text)
		return entry{sentence: s}, err
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		return entry{}, err
	}
	e := entry{forms: map[plural.Form]sentence{}}
	for name, text := range texts {
		form, known := formNames[name]
		if !known {
			return entry{}, fmt.Errorf("no plural form is called %q", name)
		}
		s, err := parse(text)
		if err != nil {
			return entry{}, err
		}
		e.forms[form] = s
	}
	if _, ok := e.forms[plural.Other]; !ok {
		return entry{}, fmt.Errorf("the plural form %q is missing", "other")
	}
	return e, nil
}

// Locales are the languages there are sentences in.
func Locales() []money.Locale {
	return slices.Sorted(maps.Keys(languages()))
}

// Words speaks one language, in one time zone, at one moment. It is a small value; the zero Words
// speaks English in UTC.
type Words struct {
	locale money.Locale
	zone   *time.Location
	now    time.Time
}

// For returns the words of a locale. Days and times are told in the zone; a day tells its year when
// it is not the year of now.
func For(locale money.Locale, zone *time.Location, now time.Time) Words {
	return Words{locale, zone, now}
}

// Locale is the language spoken: English where there are no sentences in the one asked for.
func (w Words) Locale() money.Locale {
	if _, ok := languages()[w.locale]; ok {
		return w.locale
	}
	return money.English
}

// Zone is where days begin.
func (w Words) Zone() *time.Location { return cmp.Or(w.zone, time.UTC) }

// Now is the moment at which the words are said.
func (w Words) Now() time.Time { return w.now }

// T is the sentence of a key as plain text. What fills its placeholders follows as name, value
// pairs: w.T("pay.title", "invoice", "INV-1042"). A key that does not exist is shown as it is.
func (w Words) T(key string, pairs ...any) string {
	return text(w.Parts(key, pairs...))
}

// Count is the sentence of a key in the plural form of n, which fills {n}.
func (w Words) Count(key string, n int, pairs ...any) string {
	return text(w.CountParts(key, n, pairs...))
}

// Error is the sentence of an error's code, as plain text. One with plural forms counts {n}.
func (w Words) Error(code string, args []any) string {
	key := "error." + code
	if e, ok := w.find(key); ok && e.forms != nil {
		n, _ := find(args, "n").(int)
		return w.Count(key, n, args...)
	}
	return w.T(key, args...)
}

// Has says whether there is a sentence for a key.
func (w Words) Has(key string) bool {
	_, ok := w.find(key)
	return ok
}

// Parts is the sentence of a key, cut where it becomes bold, a link, or something that must not
// break over two lines.
func (w Words) Parts(key string, pairs ...any) []Part {
	e, ok := w.find(key)
	if !ok || e.forms != nil {
		return []Part{{Text: key}}
	}
	return w.fill(e.sentence, pairs)
}

// CountParts is Parts in the plural form of n.
func (w Words) CountParts(key string, n int, pairs ...any) []Part {
	e, ok := w.find(key)
	if !ok || e.forms == nil {
		return []Part{{Text: key}}
	}
	form := plural.Cardinal.MatchPlural(tags()[w.Locale()], n, 0, 0, 0, 0)
	s, ok := e.forms[form]
	if !ok {
		s = e.forms[plural.Other]
	}
	return w.fill(s, append(slices.Clip(pairs), "n", n))
}

// find looks in the language, then in English.
func (w Words) find(key string) (entry, bool) {
	if e, ok := languages()[w.locale][key]; ok {
		return e, true
	}
	e, ok := languages()[money.English][key]
	return e, ok
}

func text(parts []Part) string {
	if len(parts) == 1 {
		return parts[0].Text
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
