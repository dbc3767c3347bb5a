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
	case Spanish, French, German:
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
	decimal byte
	group   string   // between thousands when writing
	groups  []string // between thousands when reading
	prefix  bool     // the symbol stands before the number
}

var (
	spaces       = []string{" ", nbsp, nnbsp}
	englishStyle = style{decimal: '.', group: ",", groups: []string{","}, prefix: true}
	// Spaces are what the Real Academia asks for: https://www.rae.es/dpd/números
	spanishStyle = style{decimal: ',', group: ".", groups: append([]string{"."}, spaces...)}
	frenchStyle  = style{decimal: ',', group: nnbsp, groups: spaces}
	// Spaces are Austria's and DIN 5008's, apostrophes Switzerland's and Liechtenstein's.
	germanStyle = style{decimal: ',', group: ".", groups: append([]string{".", "'", "’"}, spaces...)}
)

func (l Locale) style() *style {
	switch l {
	case Spanish:
		return &spanishStyle
	case French:
		return &frenchStyle
	case German:
		return &germanStyle
	}
	return &englishStyle
}
