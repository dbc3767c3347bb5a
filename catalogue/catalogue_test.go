package catalogue_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
)

var (
	pacific, _ = time.LoadLocation("America/Los_Angeles")
	monday     = time.Date(2026, 11, 23, 22, 5, 0, 0, time.UTC) // 2:05 PM in Portland
	words      = catalogue.For(money.English, pacific, monday)
)

func TestValuesAreWrittenAsPeopleOfTheLocaleDo(t *testing.T) {
	tests := []struct{ got, want string }{
		{words.T("pay.of", "total", money.New(100000, "USD")), "still to pay of $1,000.00"},
		{words.T("pay.of", "total", money.New(1500, "JPY")), "still to pay of ¥1,500"},
		{words.Count("pay.due.in", 4, "due", paylink.Date("2026-11-27")), "Due Friday, November 27 · in 4 days"},
		{words.Count("pay.due.in", 1, "due", paylink.Date("2026-11-24")), "Due Tuesday, November 24 · tomorrow"},
		{words.Count("pay.due.in", 400, "due", paylink.Date("2027-12-28")), "Due Tuesday, December 28, 2027 · in 400 days"},
		{words.Count("pay.lines.from", 1200, "issued", paylink.Date("2026-10-28")), "1,200 lines · from October 28"},
		{words.T("pay.ended.expired.lead", "until", time.Date(2026, 12, 28, 7, 59, 0, 0, time.UTC))[:36], "It worked until December 27, 2026. T"},
		{words.T("pay.paid.lead", "at", monday, "card", "Visa ••4242", "email", "m…a@keller.studio"), "Monday, November 23, 2026, 2:05 PM PST, with Visa ••4242. The receipt is on its way to m…a@keller.studio."},
		{words.Clock(time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)), "12:30 AM"},
		{words.Stamp(monday), "November 23, 2:05 PM"},
		{words.Moment(monday.In(time.UTC)), "Monday, November 23, 2026, 2:05 PM PST"},
		{catalogue.For("", time.FixedZone("", -(3*3600+30*60)), monday).Moment(monday), "Monday, November 23, 2026, 6:35 PM UTC−3:30"},
		{words.Error("code.wrong", []any{"left", 1, "n", 1}), "That is not the code. One try left."},
		{words.Error("code.wrong", []any{"left", 3, "n", 3}), "That is not the code. 3 tries left."},
		{words.Error("amount.dust", []any{"rest", money.New(3000, "USD"), "keep", money.New(5000, "USD")}), "This would leave $30.00. What is left must be nothing, or at least $50.00."},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got  %q\nwant %q", tt.got, tt.want)
		}
	}
}

// Days are counted by midnights of the zone, whatever the clock does that night.
func TestDaysAreMidnights(t *testing.T) {
	night := catalogue.For(money.English, pacific, time.Date(2026, 11, 1, 6, 59, 0, 0, time.UTC)) // Oct 31, 11:59 PM
	for date, want := range map[paylink.Date]int{"2026-10-31": 0, "2026-11-01": 1, "2026-11-02": 2, "2026-10-30": -1} {
		if got := night.Days(date.Time(pacific)); got != want {
			t.Errorf("%s is %d days away, want %d", date, got, want)
		}
	}
}

func TestAMissingSentenceIsShownAndNeverPanics(t *testing.T) {
	if got := words.T("pay.no_such"); got != "pay.no_such" {
		t.Errorf("got %q", got)
	}
	if got := words.Count("pay.title", 2); got != "pay.title" {
		t.Errorf("a sentence without forms was counted: %q", got)
	}
	if got := words.T("pay.due.in"); got != "pay.due.in" {
		t.Errorf("a sentence with forms was not counted: %q", got)
	}
	if got := words.T("pay.of"); got != "still to pay of {total}" {
		t.Errorf("an empty place is not shown: %q", got)
	}
	if got := words.T("pay.of", "total", struct{}{}); got != "still to pay of {total}" {
		t.Errorf("a value nobody can read: %q", got)
	}
}

// A value is never read as markup: what a customer is called stays text.
func TestValuesHoldNoMarkup(t *testing.T) {
	parts := words.Parts("pay.head", "invoice", "**[x](tel)** {payer}", "payer", "Mr {invoice}")
	if got := parts[1]; got.Text != "**[x](tel)** {payer}" || !got.Bold {
		t.Errorf("got %+v", got)
	}
	if got := parts[len(parts)-1].Text; got != "Mr {invoice}" {
		t.Errorf("got %q", got)
	}
}

func TestPartsTellLinksAndWhatStaysOnOneLine(t *testing.T) {
	parts := words.Parts("pay.talk", "phone", "(503) 555-0142", "tel", "tel:5035550142", "invoice", "INV-1042")
	if got := parts[1]; got.Text != "(503) 555-0142" || got.Link != "tel:5035550142" || !got.NoWrap {
		t.Errorf("got %+v", parts)
	}
	for _, p := range words.Parts("pay.paid.lead", "at", monday, "card", "Visa", "email", "m…a@keller.studio") {
		// The moment is longer than a line of a small phone.
		if want := strings.Contains(p.Text, "@"); p.NoWrap != want {
			t.Errorf("%q: may break is %v", p.Text, !p.NoWrap)
		}
	}
	parts = words.CountParts("pay.due.in", 5, "due", monday)
	if i := slices.IndexFunc(parts, func(p catalogue.Part) bool { return strings.Contains(p.Text, "November") }); i < 0 || !parts[i].NoWrap {
		t.Errorf("a day may break: %+v", parts)
	}
}

// Each language has every sentence, with the same places to fill.
func TestEveryLanguageIsWhole(t *testing.T) {
	english := read(t, "en")
	for _, l := range catalogue.Locales() {
		other := read(t, string(l))
		for key, want := range english {
			got, ok := other[key]
			if !ok {
				t.Errorf("%s lacks %s", l, key)
			}
			if !maps.Equal(places(got), places(want)) {
				t.Errorf("%s: %s fills %v, English fills %v", l, key, places(got), places(want))
			}
		}
		for key := range other {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %s, which English lacks", l, key)
			}
		}
	}
}

// read gives the texts of a language, the forms of a plural joined.
func read(t *testing.T, language string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(language + "/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no catalogue of %s: %v", language, err)
	}
	all := map[string]string{}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var texts map[string]any
		if err := json.Unmarshal(body, &texts); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, text := range texts {
			switch text := text.(type) {
			case string:
				all[key] = text
			case map[string]any:
				for _, form := range text {
					all[key] += form.(string) + "\n"
				}
			}
		}
	}
	return all
}

func places(text string) map[string]bool {
	found := map[string]bool{}
	for _, part := range strings.Split(text, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		name, _, _ = strings.Cut(name, ":")
		found[name] = true
	}
	return found
}

// An account is blocked under one word when Stripe says account_closed and when it says no_account; what is
// said of it is true of both. https://docs.stripe.com/payments/ach-direct-debit/failure-codes
func TestSentenceOfABlockedAccountHoldsForClosedAndForUnknown(t *testing.T) {
	w := catalogue.For("en", time.UTC, time.Time{})
	for _, key := range []string{"pay.method.closed", "desk.method.why.closed"} {
		if said := w.T(key); !strings.Contains(said, "is closed, or is no account there") {
			t.Errorf("%s: %q", key, said)
		}
	}
}
