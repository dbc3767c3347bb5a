package desk_test

import (
	"regexp"
	"testing"

	"paylink"
)

var currencyOption = regexp.MustCompile(`<option value="([A-Z]{3})"[^>]*>([^<]*)</option>`)

// A code alone says little to whoever chooses: each currency of the form has a name behind it.
func TestEveryCurrencyThatCanBeChosenHasAName(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	for _, path := range []string{"/desk/invoices/new", "/desk/settings"} {
		options := currencyOption.FindAllStringSubmatch(s.get(path).Body.String(), -1)
		if len(options) < 20 {
			t.Fatalf("%s offers %d currencies", path, len(options))
		}
		for _, o := range options {
			if len(o[2]) < len("EUR, euros") {
				t.Errorf("%s offers %q", path, o[2])
			}
		}
	}
}
