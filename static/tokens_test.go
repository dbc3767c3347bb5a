package static_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var token = regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`)

// tokens reads the two tables of tokens.css: light, and dark over it.
func tokens(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, err := os.ReadFile("tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("no dark table")
	}
	read := func(text string) map[string]string {
		table := map[string]string{}
		for _, m := range token.FindAllStringSubmatch(text, -1) {
			table[m[1]] = m[2]
		}
		return table
	}
	return map[string]map[string]string{"light": read(light), "dark": read(dark)}
}

// Text needs a contrast of 4.5, parts of controls 3: WCAG 2.2 §1.4.3 and §1.4.11.
func TestColoursCanBeRead(t *testing.T) {
	text := map[string][]string{
		"ink": {"ground", "surface", "sunken"}, "ink2": {"ground", "surface", "sunken", "mute-bg"}, "ink3": {"ground", "surface", "sunken"},
		"accent": {"ground", "surface", "accent-bg"}, "on-accent": {"accent-fill", "accent-hover"}, "on-danger": {"danger"},
		"good": {"ground", "surface", "good-bg"}, "way": {"ground", "surface", "way-bg"}, "warn": {"ground", "surface", "warn-bg"}, "bad": {"ground", "surface", "bad-bg"},
	}
	parts := map[string][]string{
		"edge": {"surface", "ground"}, "accent-fill": {"surface", "ground"}, "accent": {"surface", "ground"},
		"good-fill": {"surface", "ground"}, "way-fill": {"surface", "ground"}, "warn-fill": {"surface", "ground"}, "bad-fill": {"surface", "ground"},
		"danger": {"surface"},
	}
	for scheme, table := range tokens(t) {
		check := func(fore, back string, least float64) {
			if table[fore] == "" || table[back] == "" {
				t.Fatalf("%s: %s or %s is not in the table", scheme, fore, back)
			}
			if got := contrast(t, table[fore], table[back]); got < least {
				t.Errorf("%s: %s on %s is %.2f, less than %.1f", scheme, fore, back, got, least)
			}
		}
		for fore, backs := range text {
			for _, back := range backs {
				check(fore, back, 4.5)
			}
		}
		for fore, backs := range parts {
			for _, back := range backs {
				check(fore, back, 3)
			}
		}
	}
}

// A colour of one scheme alone would be wrong in the other.
func TestBothSchemesHaveEveryColour(t *testing.T) {
	tables := tokens(t)
	for name := range tables["light"] {
		if tables["dark"][name] == "" {
			t.Errorf("dark lacks %s", name)
		}
	}
	if len(tables["dark"]) != len(tables["light"]) || len(tables["light"]) < 28 {
		t.Errorf("light has %d, dark has %d", len(tables["light"]), len(tables["dark"]))
	}
}

// contrast is that of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

// Every colour that a style sheet names is in the table.
func TestStyleSheetsUseKnownNames(t *testing.T) {
	defined := map[string]bool{}
	used := map[string]string{}
	for _, name := range []string{"tokens.css", "parts.css", "pay.css", "desk.css"} {
		css, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(--[a-z0-9-]+):`).FindAllStringSubmatch(string(css), -1) {
			defined[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllStringSubmatch(string(css), -1) {
			used[m[1]] = name
		}
	}
	for name, where := range used {
		if !defined[name] {
			t.Errorf("%s uses %s, which nobody sets", where, name)
		}
	}
}
