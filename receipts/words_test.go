package receipts

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/money"
)

var locales = []money.Locale{money.English, money.Spanish, money.French, money.German}

// sentences are all texts of a language by the name of their field.
func sentences(w *words) map[string]string {
	all := map[string]string{}
	v := reflect.ValueOf(*w)
	for n := range v.NumField() {
		name, field := v.Type().Field(n).Name, v.Field(n)
		switch field.Kind() {
		case reflect.String:
			all[name] = field.String()
		case reflect.Array:
			for m := range field.Len() {
				all[name+string(rune('a'+m))] = field.Index(m).String()
			}
		case reflect.Map:
			for _, key := range field.MapKeys() {
				all[name+" "+key.String()] = field.MapIndex(key).String()
			}
		case reflect.Bool:
		default:
			panic("a field of another kind: " + name)
		}
	}
	return all
}

func TestEveryLocaleHasEveryWord(t *testing.T) {
	value := regexp.MustCompile(`\{\w+\}`)
	values := func(s string) []string {
		found := value.FindAllString(s, -1)
		slices.Sort(found)
		return found
	}
	want := sentences(&english)
	for _, l := range locales {
		got := sentences(wordsOf(l))
		if len(got) != len(want) {
			t.Errorf("%s has %d words, English %d", l, len(got), len(want))
		}
		for name, sentence := range want {
			if got[name] == "" {
				t.Errorf("%s: %s is missing", l, name)
			}
			if !slices.Equal(values(got[name]), values(sentence)) && name != "nearDate" {
				t.Errorf("%s: %q and %q name different values", l, got[name], sentence)
			}
			for _, g := range glyphs(span{got[name], style{}}) {
				if g.char == missing {
					t.Errorf("%s: %q cannot be drawn", l, got[name])
				}
			}
		}
	}
}

func TestDatesInWords(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	plain := func(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }
	at := time.Date(2026, time.November, 23, 22, 5, 0, 0, time.UTC)
	for _, c := range []struct {
		locale     money.Locale
		zone, want string
	}{
		{"en", "America/Los_Angeles", "Monday, November 23, 2026 at 2:05 PM PST (UTC−8)"},
		{"en", "Asia/Kolkata", "Tuesday, November 24, 2026 at 3:35 AM IST (UTC+5:30)"},
		{"en", "America/Sao_Paulo", "Monday, November 23, 2026 at 7:05 PM UTC−3"},
		{"en", "UTC", "Monday, November 23, 2026 at 10:05 PM UTC"},
		{"en", "Europe/London", "Monday, November 23, 2026 at 10:05 PM GMT (UTC)"},
		{"es", "Europe/Madrid", "lunes, 23 de noviembre de 2026, 23:05 CET (UTC+1)"},
		{"fr", "Europe/Paris", "lundi 23 novembre 2026 à 23:05 CET (UTC+1)"},
		{"de", "Europe/Berlin", "Montag, 23. November 2026 um 23:05 Uhr CET (UTC+1)"},
	} {
		if got := plain(wordsOf(c.locale).moment(at.In(zone(c.zone)))); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.locale, c.zone, got, c.want)
		}
	}
	now := time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC)
	if got := plain(french.near("2026-12-01", now)); got != "1er décembre" {
		t.Errorf("the first is written %q", got)
	}
	if got := plain(english.near("2027-01-02", now)); got != "January 2, 2027" {
		t.Errorf("a day of the next year is written %q", got)
	}
}

func TestValuesAreNotReadAsPlaces(t *testing.T) {
	if got := say("{a} and {b}", "a", "{b}", "b", "two"); got != "{b} and two" {
		t.Errorf("a value was filled in again: %q", got)
	}
	if strings.Contains(say("{a}", "a", "x"), "{") {
		t.Error("a value was not filled in")
	}
}
