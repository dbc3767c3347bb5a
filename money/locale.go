package money

import "strings"

// Locale is a language that Paylink speaks, which decides how amounts are read and written.
type Locale string

// The locales. Each other value behaves as English.
const (
	English Locale = "en"
	Spanish Locale = "es"
	French  Locale = "fr"
	German  Locale = "de"
)

// ParseLocale returns the locale of a BCP 47 tag by its language alone: "de-AT" is German. A
// language that is not spoken is English.
func ParseLocale(s string) Locale {
	language, _, _ := strings.Cut(strings.ReplaceAll(s, "_", "-"), "-")
	switch l := Locale(strings.ToLower(language)); l {
	case English, Spanish, French, German:
		return l
	}
	return English
}

const (
	nbsp  = "\u00a0" // no-break space
	nnbsp = "\u202f" // narrow no-break space
)

// style is how a locale writes numbers, from CLDR. One thing differs from it: CLDR leaves Spanish
// numbers of four digits ungrouped (1234,50), and we group them, because amounts stand in columns.
type style struct {
	decimal  byte
	group    string   // between thousands when writing
	groups   []string // between thousands when reading, with each kind of space as " "
	prefix   bool     // the symbol stands before the number
	language int      // index into the tables of symbols and names
}

var (
	english = style{decimal: '.', group: ",", groups: []string{","}, prefix: true}
	// The space is what the Real Academia asks for: https://www.rae.es/dpd/números
	spanish = style{decimal: ',', group: ".", groups: []string{".", " "}, language: 1}
	french  = style{decimal: ',', group: nnbsp, groups: []string{" "}, language: 2}
	// The space is Austria's and DIN 5008's, the apostrophe Switzerland's and Liechtenstein's.
	german = style{decimal: ',', group: ".", groups: []string{".", " ", "'", "’"}, language: 3}
)

func (l Locale) style() *style {
	switch l {
	case Spanish:
		return &spanish
	case French:
		return &french
	case German:
		return &german
	case English:
	}
	return &english
}
