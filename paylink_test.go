package paylink_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
)

func TestTokenIsReadOneWayAndShowsItselfToNobody(t *testing.T) {
	token := paylink.NewToken()
	again, err := paylink.ParseToken(token.Reveal())
	if err != nil || again != token || len(token.Reveal()) != 43 || again.Hash() != token.Hash() {
		t.Fatalf("%v", err)
	}
	text, err := json.Marshal(map[string]any{"t": token})
	for _, shown := range []string{fmt.Sprint(token), fmt.Sprintf("%v %+v %s", token, token, token), string(text)} {
		if strings.Contains(shown, token.Reveal()) || err != nil {
			t.Errorf("shown as %q", shown)
		}
	}
	clear := token.Reveal()
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", clear[42])
	twin := clear[:42] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1])
	for _, bad := range []string{"", clear + "=", clear[:42], clear + "A", " " + clear[1:], clear[:42] + "+", clear[:42] + "/", clear[:41] + "%3", twin, strings.Repeat("A", 42) + "\n"} {
		if _, err := paylink.ParseToken(bad); paylink.KindOf(err) != paylink.NotFound {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzLinkToken(f *testing.F) {
	f.Add(paylink.NewToken().Reveal())
	f.Add(strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := paylink.ParseToken(s); err == nil && token.Reveal() != s {
			t.Errorf("%q was read as %q", s, token.Reveal())
		}
	})
}

func TestIDsSortByTime(t *testing.T) {
	var ids []string
	for n := range 50 {
		ids = append(ids, paylink.NewID("pay", time.UnixMilli(1_700_000_000_000+int64(n))))
	}
	if !slices.IsSorted(ids) || len(ids[0]) != 4+26 {
		t.Error(ids[:3])
	}
	seen := map[string]bool{}
	for range 10_000 {
		seen[paylink.NewID("pay", time.UnixMilli(0))] = true
	}
	if len(seen) != 10_000 {
		t.Error("an id came twice")
	}
}

func TestFault_X04_SealsOpenOnlyInTheirOwnRowAndKeysRotate(t *testing.T) {
	old, oldText := paylink.NewKeyRing("k1")
	sealed, err := old.Seal("link/lnk_1", []byte("secret"))
	if err != nil || strings.Contains(sealed, "secret") {
		t.Fatal(sealed, err)
	}
	_, newText := paylink.NewKeyRing("k2")
	both, err := paylink.ParseKeyRing(newText + "," + oldText)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := both.Open("link/lnk_1", sealed); err != nil || string(plain) != "secret" {
		t.Errorf("the old key is in the ring: %v", err)
	}
	if _, err := both.Open("link/lnk_2", sealed); err == nil {
		t.Error("opened in another row")
	}
	if fresh, err := both.Seal("link/lnk_1", []byte("secret")); err != nil || !strings.HasPrefix(fresh, "k2.") {
		t.Errorf("sealed by %q", fresh)
	}
	retired, err := paylink.ParseKeyRing(newText)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{sealed, "", "k2", "k2.", "k2.AAAA", sealed[:len(sealed)-2] + "AA"} {
		if _, err := retired.Open("link/lnk_1", bad); err == nil {
			t.Errorf("%q opened", bad)
		}
	}
	signature := old.Sign("pay", "data")
	if !both.Signed("pay", "data", signature) || both.Signed("pay", "other", signature) || both.Signed("cookie", "data", signature) ||
		retired.Signed("pay", "data", signature) || both.Signed("pay", "data", "") || both.Signed("pay", "data", "k1.") {
		t.Error("a signature holds for one key ring, one purpose and one text")
	}
	for _, bad := range []string{"", "k1", "k1:", "k1:zz", "k1:" + strings.Repeat("ab", 31), oldText + "," + oldText, ":" + strings.Repeat("ab", 32), "k.1:" + strings.Repeat("ab", 32)} {
		if _, err := paylink.ParseKeyRing(bad); err == nil || strings.Contains(err.Error(), "abab") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMailboxes(t *testing.T) {
	for _, good := range []string{"maria@keller.studio", "a.b+c@x.example", "o'neil@firm.co.uk", "jürgen@müller.example", "用户@例子.example"} {
		if got, err := paylink.ParseEmail(" " + good + " "); err != nil || got != good {
			t.Errorf("%q: %q %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "maria", "maria@", "@keller.studio", "maria@keller", "a@b.example,c@d.example", "Maria <maria@keller.studio>",
		"maria@keller.studio\r\nBcc: x@y.example", "maria@keller.studio\x00", "ma ria@keller.studio", "maria@keller..studio",
		"maria@.studio", "maria@keller.", `"maria"@keller.studio`, "maria(comment)@keller.studio", strings.Repeat("a", 65) + "@keller.studio",
		"a@" + strings.Repeat("b", 260) + ".example", "a@[127.0.0.1]", "maria@keller.studio\xff", "ma\u0081ria@keller.studio", "ma\u2003ria@keller.studio",
	} {
		if got, err := paylink.ParseEmail(bad); err == nil {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
	for address, masked := range map[string]string{
		"maria@keller.studio": "m…a@keller.studio", "ab@keller.studio": "…@keller.studio", "ürs@keller.studio": "ü…s@keller.studio", "nothing": "…",
	} {
		if got := paylink.MaskEmail(address); got != masked {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
}

func FuzzEmail(f *testing.F) {
	f.Add("maria@keller.studio")
	f.Add("a@b.example\nBcc: c@d.example")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := paylink.ParseEmail(s); err == nil && (strings.ContainsAny(got, "\r\n<>, ") || strings.Count(got, "@") != 1) {
			t.Errorf("%q was taken", got)
		}
	})
}

func TestLinksLiveThirtyDaysAfterTheLaterOfDueAndSending(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		due  time.Time
		want time.Duration
	}{
		"no due date": {time.Time{}, 30 * day}, "overdue": {now.Add(-90 * day), 30 * day},
		"due soon": {now.Add(4 * day), 34 * day}, "due in half a year": {now.Add(180 * day), 120 * day},
	} {
		if got := paylink.LinkExpiry(now, test.due).Sub(now); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	link := paylink.Link{CreatedAt: now, ExpiresAt: now.Add(30 * day)}
	for _, step := range []struct {
		change func(*paylink.Link)
		want   paylink.LinkState
	}{
		{func(*paylink.Link) {}, paylink.LinkQueued},
		{func(l *paylink.Link) { l.SentAt = now }, paylink.LinkSent},
		{func(l *paylink.Link) { l.BouncedAt = now }, paylink.LinkBounced},
		{func(l *paylink.Link) { l.OpenedAt = now }, paylink.LinkOpened},
		{func(l *paylink.Link) { l.PaidAt = now }, paylink.LinkPaid},
		{func(l *paylink.Link) { l.RevokedAt = now }, paylink.LinkRevoked},
	} {
		step.change(&link)
		if got := link.State(now); got != step.want {
			t.Errorf("%s, want %s", got, step.want)
		}
	}
	paid := paylink.Link{ExpiresAt: now.Add(day), PaidAt: now}
	if paid.Expired(now.Add(89*day)) || !paid.Expired(now.Add(90*day)) {
		t.Error("a paid link shows its receipts for ninety days")
	}
	if open := link; open.Reopen(now, time.Time{}) != true || !open.PaidAt.IsZero() || open.Reopen(now, now.Add(90*day)) || !open.ExpiresAt.Equal(now.Add(30*day)) {
		t.Errorf("a link that asks for money is not opened again: %+v", open)
	}
	if far := (paylink.Link{ExpiresAt: now.Add(60 * day), PaidAt: now}); !far.Reopen(now, time.Time{}) || !far.ExpiresAt.Equal(now.Add(60*day)) {
		t.Errorf("opening a link again shortened it: %v", far.ExpiresAt)
	}
	if paylink.KindOf(link.Usable(now)) != paylink.NotFound || (paylink.Link{ExpiresAt: now}).Usable(now) == nil {
		t.Error("an ended link is not usable")
	}
}

func TestLinkShowsItsAddressToTheRingThatSealedIt(t *testing.T) {
	ring, _ := paylink.NewKeyRing("k")
	link := paylink.Link{ID: "lnk_1"}
	if err := link.SealToken(ring); err != nil {
		t.Fatal(err)
	}
	url, err := link.URL(ring, "https://pay.firm.example")
	if err != nil {
		t.Fatal(err)
	}
	token, err := paylink.ParseToken(strings.TrimPrefix(url, "https://pay.firm.example/l/"))
	if err != nil || token.Hash() != link.TokenHash || strings.Contains(link.TokenSealed, token.Reveal()) {
		t.Errorf("%s %v", url, err)
	}
	if err := (&paylink.Link{ID: "lnk_1"}).SealToken(paylink.KeyRing{}); err == nil {
		t.Error("sealed by no key")
	}
	link.ID = "lnk_2"
	if _, err := link.URL(ring, ""); err == nil {
		t.Error("a seal moved to another link opened")
	}
}

func TestEachLineIsRoundedOnceAndTheTotalIsTheirSum(t *testing.T) {
	quantity := func(s string) money.Quantity {
		q, err := money.ParseQuantity(s)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	i := paylink.Invoice{Number: "INV-1", Currency: "USD", Lines: []paylink.Line{
		{Description: "a", Quantity: quantity("1.5"), UnitAmount: usd(3333)},    // 4999.5 → 5000
		{Description: "b", Quantity: quantity("0.3333"), UnitAmount: usd(1000)}, // 333.3 → 333
		{Description: "c", Quantity: quantity("1"), UnitAmount: usd(-1000)},
	}}
	if err := i.Compute(); err != nil || i.Total.Minor != 4333 {
		t.Fatalf("%v %v", i.Total, err)
	}
	for name, bad := range map[string]struct {
		change func(*paylink.Invoice)
		want   string // what is said of it, and nothing else
	}{
		"no number":          {func(i *paylink.Invoice) { i.Number = " " }, "number required"},
		"no currency":        {func(i *paylink.Invoice) { i.Currency = "XYZ" }, "currency currency"},
		"no lines":           {func(i *paylink.Invoice) { i.Lines = nil }, "lines required"},
		"many lines":         {func(i *paylink.Invoice) { i.Lines = slices.Repeat(i.Lines[:1], 201) }, "lines too_many"},
		"no description":     {func(i *paylink.Invoice) { i.Lines[0].Description = "" }, "lines[0].description required"},
		"a long one":         {func(i *paylink.Invoice) { i.Lines[0].Description = strings.Repeat("é", 501) }, "lines[0].description too_long"},
		"a control sign":     {func(i *paylink.Invoice) { i.Lines[0].Description = "a\x00b" }, "lines[0].description one_line"},
		"invalid UTF-8":      {func(i *paylink.Invoice) { i.Title = "a\xff" }, "title one_line"},
		"quantity zero":      {func(i *paylink.Invoice) { i.Lines[0].Quantity = 0 }, "lines[0].quantity quantity"},
		"another currency":   {func(i *paylink.Invoice) { i.Lines[0].UnitAmount = money.New(1, "EUR") }, "lines[0].unit_amount currency"},
		"too much":           {func(i *paylink.Invoice) { i.Lines[0].UnitAmount = usd(paylink.MaxTotal) }, "lines too_large"},
		"overflow of a line": {func(i *paylink.Invoice) { i.Lines[0].UnitAmount = usd(math.MaxInt64) }, "lines[0].unit_amount too_large"},
		"overflow of all": {func(i *paylink.Invoice) {
			i.Lines[0].UnitAmount, i.Lines[1].UnitAmount = usd(math.MaxInt64/3*2), usd(math.MaxInt64)
		}, "lines too_large"},
		"below nothing": {func(i *paylink.Invoice) { i.Lines[2].UnitAmount = usd(-9000) }, "lines total_positive"},
		"fractions that nobody charges": {func(i *paylink.Invoice) {
			i.Currency = "ISK"
			for n := range i.Lines {
				i.Lines[n].UnitAmount.Currency = "ISK"
			}
		}, "lines total_step"},
		"large minimum":        {func(i *paylink.Invoice) { i.Partial.Minimum = 5000 }, "partial.minimum over_total"},
		"minimum below zero":   {func(i *paylink.Invoice) { i.Partial.Minimum = -1 }, "partial.minimum negative"},
		"large deposit":        {func(i *paylink.Invoice) { i.Partial.FirstMinimum = 5000 }, "partial.first_minimum over_total"},
		"deposit below zero":   {func(i *paylink.Invoice) { i.Partial.FirstMinimum = -1 }, "partial.first_minimum negative"},
		"large instalment":     {func(i *paylink.Invoice) { i.Partial.Instalments = []paylink.Instalment{{Amount: 9000}} }, "partial.instalments[0].amount over_total"},
		"instalment of zero":   {func(i *paylink.Invoice) { i.Partial.Instalments = []paylink.Instalment{{Amount: 9}, {}} }, "partial.instalments[1].amount over_total"},
		"rules for some of it": {func(i *paylink.Invoice) { i.Partial.Minimum, i.Lines[1].Quantity = 5000, 0 }, "lines[1].quantity quantity"},
		"rules for no amount":  {func(i *paylink.Invoice) { i.Partial.Minimum, i.Lines[2].UnitAmount = 5000, usd(-9000) }, "lines total_positive"},
	} {
		wrong := i
		wrong.Lines = slices.Clone(i.Lines)
		bad.change(&wrong)
		err := wrong.Compute()
		said := ""
		if e, ok := errors.AsType[*paylink.Error](err); ok {
			for _, f := range e.Fields {
				said += f.Field + " " + f.Code + " "
			}
		}
		if strings.TrimSpace(said) != bad.want {
			t.Errorf("%s: %q, want %q", name, said, bad.want)
		}
	}
}

func TestFirmKnowsItsZoneAndAsksForNothingBelowZero(t *testing.T) {
	firm := paylink.NewFirm()
	firm.Name, firm.TimeZone = "Northwind Studio", "America/Los_Angeles"
	for name, change := range map[string]func(*paylink.Firm){
		"no zone":         func(f *paylink.Firm) { f.TimeZone = "" },
		"a minimum below": func(f *paylink.Firm) { f.Partial.Minimum = -1 },
	} {
		bad := firm
		change(&bad)
		if firm.Check() != nil || paylink.KindOf(bad.Check()) != paylink.Invalid {
			t.Errorf("%s: %v, %v", name, bad.Check(), firm.Check())
		}
	}
}

func TestDaysAreThoseOfBusiness(t *testing.T) {
	for _, good := range []string{"", "2000-01-01", "2026-11-27", "2199-12-31"} {
		if d, err := paylink.ParseDate(good); err != nil || string(d) != good {
			t.Errorf("%s: %q %v", good, d, err)
		}
	}
	for _, bad := range []string{"1999-12-31", "2200-01-01", "0026-11-27", "2026-13-01", "27.11.2026"} {
		if d, err := paylink.ParseDate(bad); err == nil {
			t.Errorf("%s was taken as %q", bad, d)
		}
	}
}

func TestNotesMayBeLeftOut(t *testing.T) {
	for note, want := range map[string]bool{"": true, "two\nlines": true, "  ": false, "a\x00": false} {
		var wrong paylink.Fields
		if paylink.CheckNote(&wrong, "note", note); (len(wrong) == 0) != want {
			t.Errorf("%q: %v", note, wrong)
		}
	}
}

func TestRefundsThatMovedAndThatEnded(t *testing.T) {
	for status, want := range map[paylink.RefundStatus][2]bool{ // moved, final
		paylink.RefundAsked: {false, false}, paylink.RefundPending: {true, false}, paylink.RefundAction: {true, false},
		paylink.RefundSucceeded: {true, true}, paylink.RefundFailed: {false, true}, paylink.RefundCanceled: {false, true},
	} {
		if got := [2]bool{status.Moved(), status.Final()}; got != want {
			t.Errorf("%s: %v, want %v", status, got, want)
		}
	}
}

func TestErrorsTellTheLogTheCauseAndTheCallerTheKind(t *testing.T) {
	cause := fmt.Errorf("the cause")
	err := fmt.Errorf("begin: %w", paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(cause))
	if paylink.KindOf(err) != paylink.Unavailable || !strings.Contains(err.Error(), "the cause") || paylink.KindOf(cause) != 0 {
		t.Error(err)
	}
	var wrong paylink.Fields
	if wrong.Err() != nil {
		t.Error("nothing is wrong")
	}
	wrong.Add("amount", "amount.under", "least", usd(5000))
	if paylink.KindOf(wrong.Err()) != paylink.Invalid || !strings.Contains(wrong.Err().Error(), "amount.under") {
		t.Error(wrong.Err())
	}
}

func TestRolesIncludeTheOnesBefore(t *testing.T) {
	if !paylink.Admin.Can(paylink.Viewer) || paylink.Agent.Can(paylink.Manager) || paylink.Role("").Can(paylink.Viewer) || paylink.Admin.Can("owner") {
		t.Error("roles")
	}
}

func TestCardsEndWithTheirMonth(t *testing.T) {
	m := paylink.Method{Kind: paylink.MethodCard, Card: paylink.Card{Brand: "Visa", Last4: "4242", ExpMonth: 12, ExpYear: 2026}}
	if m.Expired(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)) || !m.Expired(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) || m.Label() != "Visa ••4242" {
		t.Error("December ends with December")
	}
	if unknown := (paylink.Method{Kind: paylink.MethodCard, Card: paylink.Card{Brand: "Visa"}}); unknown.Expired(time.Now()) || unknown.Label() != "" {
		t.Error("of what nobody knows nothing is said")
	}
	if unknown := (paylink.Method{Kind: paylink.MethodBank, Bank: paylink.Bank{Name: "Chase"}}); unknown.Label() != "" {
		t.Error("an account without digits has a label")
	}
	if account := (paylink.Method{Kind: paylink.MethodBank, Bank: paylink.Bank{Name: "Chase", Last4: "6789"}}); account.Label() != "Chase ••6789" {
		t.Errorf("an account is called %q", account.Label())
	}
}

func TestMethodsAreSeenByTheirVisitorAndOnceSavedByWhoProvedTheMailbox(t *testing.T) {
	m := paylink.Method{Kind: paylink.MethodBank, Owner: "v1"}
	if !m.SeenBy("v1", false) || m.SeenBy("v2", true) || m.SeenBy("", true) {
		t.Error("not saved, it is the visitor's own")
	}
	m.SavedAt = time.Now()
	if !m.SeenBy("v2", true) || m.SeenBy("v2", false) {
		t.Error("saved, it is the customer's, who proved to be")
	}
	m.Owner = ""
	if m.SeenBy("", false) {
		t.Error("nobody in particular saw it")
	}
	if !m.Usable(time.Now()) {
		t.Error("it may be used")
	}
	for name, change := range map[string]func(*paylink.Method){
		"blocked": func(m *paylink.Method) { m.BlockedAt = time.Now() },
		"removed": func(m *paylink.Method) { m.RemovedAt = time.Now() },
		"waiting": func(m *paylink.Method) { m.AwaitsCode.Kind = paylink.CodeText },
		"expired": func(m *paylink.Method) { m.Kind, m.Card = paylink.MethodCard, paylink.Card{ExpMonth: 1, ExpYear: 2020} },
	} {
		changed := m
		if change(&changed); changed.Usable(time.Now()) {
			t.Errorf("%s, and usable", name)
		}
	}
}

func TestStaffChargeWhatItsOwnerAllowedByTelephoneAlone(t *testing.T) {
	m := paylink.Method{SavedAt: time.Now(), Consent: paylink.Consent{Version: paylink.SaveVersion}}
	if !m.ByPhone() {
		t.Error("what is saved today may not be charged by telephone")
	}
	for name, change := range map[string]func(*paylink.Method){
		"not saved":         func(m *paylink.Method) { m.SavedAt = time.Time{} },
		"no consent":        func(m *paylink.Method) { m.Consent = paylink.Consent{} },
		"the page alone":    func(m *paylink.Method) { m.Consent.Version = "save-1" },
		"another consent":   func(m *paylink.Method) { m.Consent.Version = paylink.DebitVersion },
		"a text to come":    func(m *paylink.Method) { m.Consent.Version = "save-3" },
		"a text like it":    func(m *paylink.Method) { m.Consent.Version = "save-20" },
		"small deposits":    func(m *paylink.Method) { m.Consent.Version = paylink.CheckVersion },
		"one debit, spoken": func(m *paylink.Method) { m.Consent.Version = paylink.PhoneVersion },
	} {
		changed := m
		if change(&changed); changed.ByPhone() {
			t.Errorf("%s, and charged by telephone", name)
		}
	}
}

// https://www.frbservices.org/about/holiday-schedules
func TestBankDaysLeaveOutWeekendsAndTheHolidaysOfTheFederalReserve(t *testing.T) {
	for from, want := range map[paylink.Date]paylink.Date{
		"2026-11-23": "2026-11-30", // Monday before Thanksgiving: 24, 25, 27, 30
		"2026-11-20": "2026-11-27", // Friday: 23, 24, 25, 27
		"2026-12-24": "2026-12-31", // 28, 29, 30, 31
		"2026-01-15": "2026-01-22", // Martin Luther King on the 19th: 16, 20, 21, 22
		"2026-02-13": "2026-02-20", // Washington on the 16th
		"2026-05-22": "2026-05-29", // Memorial Day on the 25th
		"2026-06-15": "2026-06-22", // Juneteenth on Friday the 19th
		"2026-07-01": "2026-07-07", // the 4th is a Saturday and nobody's day off: 2, 3, 6, 7
		"2027-07-01": "2027-07-08", // the 4th is a Sunday, kept on Monday: 2, 6, 7, 8
		"2026-09-04": "2026-09-11", // Labor Day on the 7th
		"2026-10-09": "2026-10-16", // Columbus Day on the 12th
		"2026-11-09": "2026-11-16", // Veterans Day on the 11th: 10, 12, 13, 16
		"2027-12-30": "2028-01-05", // New Year on a Saturday: 31, 3, 4, 5
		"":           "",
	} {
		if got := paylink.BankDays(from, 4); got != want {
			t.Errorf("four bank days after %s: %s, want %s", from, got, want)
		}
	}
}

// What the permission to debit says of the statement is what Stripe is given for it.
func TestDebitStatementIsWhatABankCanShow(t *testing.T) {
	for _, c := range []struct{ descriptor, name, want string }{
		{"NORTHWIND STUDIO", "Northwind Studio", "NORTHWIND STUDIO"},
		{"", "Northwind Studio", "NORTHWIND STUDIO"},
		{"", "Northwind Studio & Sons, LLC", "NORTHWIND STUDIO"},
		{"", "O'Hara*<Sons> 24", "OHARASONS 24"},
		{"", "  A  long   name of a firm", "A LONG NAME"},
		{"", "Bäckerei Größe", "BCKEREI GRE"},
		{"", "ABC", ""},
		{"", "123456", ""},
		{"", "北京设计", ""},
	} {
		if got := (paylink.Firm{Name: c.name, Descriptor: c.descriptor}).DebitStatement(); got != c.want || len(got) > 16 {
			t.Errorf("%q of %q: %q, want %q", c.descriptor, c.name, got, c.want)
		}
	}
}
