package pay_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/web/pay"
)

// What is typed wrong is answered with the rule and with what was typed; nothing is made of it.
func TestAmountsThatCannotBePaid(t *testing.T) {
	const type225 = "Type an amount, for example 750.00."
	tests := map[string]string{
		"":                       type225,
		"0":                      type225,
		"0.00":                   type225,
		"-1":                     type225,
		"+5":                     type225,
		"1e3":                    type225,
		"1.000,00":               type225,
		"0.001":                  type225,
		"225.001":                type225,
		"9999999999999999999":    type225,
		"٣٥":                     type225,
		"１２":                     type225,
		"NaN":                    type225,
		"Infinity":               type225,
		"0x10":                   type225,
		"5 0":                    type225,
		"$":                      type225,
		"225.00; drop":           type225,
		"<b>225</b>":             type225,
		strings.Repeat("5", 500): type225,
		"49.99":                  "The smallest amount is $50.00.",
		"0.01":                   "The smallest amount is $50.00.",
		"720.00":                 "This would leave $30.00. What is left must be nothing, or at least $50.00.",
		"749.99":                 "This would leave $0.01. What is left must be nothing, or at least $50.00.",
		"750.01":                 "The most you can pay is $750.00; $50.00 is already on its way.",
		"1000000":                "The most you can pay is $750.00; $50.00 is already on its way.",
	}
	s := newSite(t, pay.Options{})
	s.pay(s.link, "200.00", "pm_card_visa")
	s.put(s.link, paylink.Processing, 5000, nil)
	address := s.open(s.link)
	made := len(s.paymentsMade())
	for typed, want := range tests {
		form := s.form(s.ask("GET", address, nil))
		form.Set("amount", typed)
		form.Set("confirmation_token", "ctoken_1")
		w := s.ask("POST", address+"/payments", form)
		s.see(w, http.StatusUnprocessableEntity, "One thing to change", want, "Nothing was charged.", "$750.00 still to pay")
		if field := `name="amount" value="` + strings.NewReplacer("<", "&lt;", ">", "&gt;", "+", "&#43;").Replace(typed) + `"`; typed != "" && !strings.Contains(w.Body.String(), field) {
			t.Errorf("%q is gone from the field", typed)
		}
		if !strings.Contains(w.Body.String(), `aria-invalid="true" aria-describedby="f-amount-problem"`) || !strings.Contains(w.Body.String(), "<title>Error: Pay INV-1042") {
			t.Errorf("%q: the field and the window do not tell", typed)
		}
		if len(s.form(w)) < 4 {
			t.Errorf("%q: the page has no form to go on with", typed)
		}
	}
	if n := len(s.paymentsMade()); n != made {
		t.Errorf("%d payments were made", n-made)
	}
}

// An amount between the rules is answered with the nearest ones within them.
func TestLegalAmountsAreOffered(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	w := s.ask("GET", address+"?amount=970", nil)
	s.see(w, http.StatusOK, "Amount: $970.00 would leave $30.00", "Use $950.00", "Use $1,000.00")
	for _, link := range []string{`href="` + address + `?amount=950.00"`, `href="` + address + `?amount=1000.00"`} {
		if !strings.Contains(w.Body.String(), link) {
			t.Errorf("no %s", link)
		}
	}
	for amount, button := range map[string]string{"950.00": "Pay $950.00 by card", "1000.00": "Pay $1,000.00 by card", "1,000.00": "Pay $1,000.00 by card", " 50 ": "Pay $50.00 by card", "225.5": "Pay $225.50 by card"} {
		s.see(s.ask("GET", address+"?amount="+url.QueryEscape(amount), nil), http.StatusOK, button)
	}
}

// The script asks what an amount means; it is the same answer as the page's.
func TestAQuoteSaysWhatThePageSays(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	for query, want := range map[string]string{
		"amount=225":            `{"ok":true,"button":"Pay $225.00 by card","price":"$225.00","elements":{"mode":"payment","amount":22500,"currency":"usd","paymentMethodTypes":["card"],"captureMethod":"automatic"}}`,
		"amount=225&save=on":    `{"ok":true,"button":"Pay $225.00 by card","price":"$225.00","elements":{"mode":"payment","amount":22500,"currency":"usd","paymentMethodTypes":["card"],"captureMethod":"automatic","setupFutureUsage":"off_session"}}`,
		"amount=970":            `{"ok":false,"button":"Pay $970.00 by card","price":"$970.00","problem":"This would leave $30.00. What is left must be nothing, or at least $50.00.","uses":[{"label":"Use $950.00","value":"950.00"},{"label":"Use $1,000.00","value":"1000.00"}]}`,
		"amount=x":              `{"ok":false,"button":"Type an amount to pay","problem":"Type an amount, for example 1000.00."}`,
		"":                      `{"ok":false,"button":"Type an amount to pay","problem":"Type an amount, for example 1000.00."}`,
		"amount=225&save=maybe": `{"ok":true,"button":"Pay $225.00 by card","price":"$225.00","elements":{"mode":"payment","amount":22500,"currency":"usd","paymentMethodTypes":["card"],"captureMethod":"automatic"}}`,
	} {
		if w := s.ask("GET", address+"/quote?"+query, nil, "Accept", "application/json"); strings.TrimSpace(w.Body.String()) != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, w.Body, want)
		}
	}
	if w := s.ask("GET", address+"/quote?amount=1&amount=2", nil, "Accept", "application/json"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an amount twice: %d", w.Code)
	}
}

// A button names the amount in the field or none, and so do the prices; never one that is not there.
func TestTheButtonNamesNoOtherAmount(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	for _, typed := range []string{"２００", "100.001", "", "0", "-1"} {
		form := s.form(s.ask("GET", address, nil))
		form.Set("amount", typed)
		w := s.ask("POST", address+"/payments", form)
		s.see(w, http.StatusUnprocessableEntity, "Type an amount to pay")
		if p := regexp.MustCompile(`data-price>[^<]`).FindString(w.Body.String()); p != "" {
			t.Errorf("%q: %s", typed, p)
		}
		s.hide(w, "Pay $", `value="1000.00"`+` inputmode`)
	}
	s.see(s.ask("GET", address+"?amount=1000000", nil), http.StatusOK, "Pay $1,000,000.00 by card", "The most you can pay is $1,000.00.")

	// Where only the whole may be paid there is no field to put another amount right in.
	_, whole := s.newInvoice(paylink.Invoice{}, 100000)
	s.see(s.ask("GET", s.open(whole)+"?amount=x", nil), http.StatusOK, "Pay $1,000.00 by card")
}

// Our script tells what its button said; a form that says another amount is not charged for either.
func TestAFormThatSaysAnotherAmountPaysNothing(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	press := func(amount, said string) *httptest.ResponseRecorder {
		form := s.form(s.ask("GET", address, nil))
		form.Set("amount", amount)
		form.Set("said", said)
		form.Set("confirmation_token", s.card("pm_card_visa"))
		return s.ask("POST", address+"/payments", form)
	}
	for _, said := range []string{"60.00", "1400.00", "x", "14"} {
		s.see(press("140.00", said), http.StatusUnprocessableEntity, "The button said another amount.", "Nothing was charged.", "Pay $140.00 by card")
	}
	if s.charges() != 0 {
		t.Error("it was charged")
	}
	if w := press("140.00", "140"); w.Code != http.StatusSeeOther {
		t.Errorf("the same amount is refused: %d", w.Code)
	}
}

// What the form carries of its own is believed only as it was given, for this link and this invoice.
func TestAForgedFormPaysNothing(t *testing.T) {
	s := newSite(t, pay.Options{})
	_, other := s.newInvoice(paylink.Invoice{}, 100000)
	foreign := s.form(s.ask("GET", s.open(other), nil))
	address := s.open(s.link)
	forged := map[string]func(url.Values){
		"no nonce":               func(f url.Values) { f.Del("nonce") },
		"another nonce":          func(f url.Values) { f.Set("nonce", strings.Repeat("A", 22)) },
		"a short nonce":          func(f url.Values) { f.Set("nonce", "A") },
		"another version":        func(f url.Values) { f.Set("version", "2") },
		"a version as it is not": func(f url.Values) { f.Set("version", "01") },
		"no signature":           func(f url.Values) { f.Del("signature") },
		"another link's form": func(f url.Values) {
			for _, name := range []string{"nonce", "version", "signature"} {
				f[name] = foreign[name]
			}
		},
	}
	for name, forge := range forged {
		t.Run(name, func(t *testing.T) {
			form := s.form(s.ask("GET", address, nil))
			form.Set("amount", "225.00")
			form.Set("confirmation_token", s.card("pm_card_visa"))
			forge(form)
			w := s.ask("POST", address+"/payments", form)
			s.see(w, http.StatusConflict, "This page was too old", "Nothing was charged.", "Pay $225.00 by card")
		})
	}
	if n := len(s.paymentsMade()); n != 0 || s.charges() != 0 {
		t.Errorf("%d payments", n)
	}
}

func TestWhatElseAFormCanGetWrong(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	tests := map[string]struct {
		change func(url.Values)
		status int
		words  string
	}{
		"no card":           {func(f url.Values) { f.Del("confirmation_token") }, 422, "Fill in the card."},
		"another token":     {func(f url.Values) { f.Set("confirmation_token", "pm_123") }, 422, "Fill in the card."},
		"no method":         {func(f url.Values) { f.Del("method") }, 422, "Choose a way to pay."},
		"another method":    {func(f url.Values) { f.Set("method", "cash") }, 422, "Choose a way to pay."},
		"an amount twice":   {func(f url.Values) { f.Add("amount", "225.00") }, 422, "A field was sent twice."},
		"a token of nobody": {func(f url.Values) { f.Set("confirmation_token", "ctoken_nobody") }, 422, "The card service did not take this card."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			form := s.form(s.ask("GET", address, nil))
			form.Set("amount", "225.00")
			form.Set("confirmation_token", "ctoken_1")
			tt.change(form)
			s.see(s.ask("POST", address+"/payments", form), tt.status, tt.words, "Nothing was cha") // charged, or changed
		})
	}
	if s.charges() != 0 {
		t.Error("it was charged")
	}
}

// Who saw another invoice is told so.
func TestAChangedInvoiceIsLookedAtAgain(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "225.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	s.invoice.Title, s.invoice.Lines[0].UnitAmount = "Something else", money.New(10000, "USD") // now less than what is paid
	if _, err := s.invoicing.EditInvoice(t.Context(), "staff:1", s.invoice); err != nil {
		t.Fatal(err)
	}
	w := s.ask("POST", address+"/payments", form)
	s.see(w, http.StatusConflict, "The invoice changed", "Nothing was charged.", "Something else", "$100.00 still to pay")
	form = s.form(w)
	form.Set("amount", "100.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	if w := s.ask("POST", address+"/payments", form); w.Code != http.StatusSeeOther {
		t.Errorf("the page shown again cannot be paid: %d", w.Code)
	}
}

// Who comes second is not charged, and learns what happened without learning who it was.
func TestSomeoneElsePaid(t *testing.T) {
	s := newSite(t, pay.Options{})
	if err := s.invoicing.Forward(t.Context(), s.link.ID, "anna.p@keller.example", ""); err != nil {
		t.Fatal(err)
	}
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	if err != nil {
		t.Fatal(err)
	}
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "1000.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	for _, l := range links {
		if l.ID != s.link.ID {
			s.pay(l, "1000.00", "pm_card_visa")
		}
	}
	s.advance(2 * time.Minute)
	w := s.ask("POST", address+"/payments", form)
	s.see(w, http.StatusConflict, "Someone paid this 2 minutes ago", "You were not charged. a…p@keller.example paid $1,000.00 at", "Nothing is left to pay.", "See the receipt")
	s.hide(w, "anna")
	if s.charges() != 1 {
		t.Errorf("%d charges", s.charges())
	}
	s.see(s.ask("GET", address, nil), http.StatusOK, "This invoice is paid", "Nothing is left to pay.", "Receipt")
}

func TestInvoicesThatCannotBePaid(t *testing.T) {
	tests := map[string]struct {
		make  func(*site) paylink.Link
		words []string
	}{
		"withdrawn": {func(s *site) paylink.Link {
			if err := s.invoicing.VoidInvoice(s.t.Context(), "staff:1", s.invoice.ID); err != nil {
				s.t.Fatal(err)
			}
			return s.link
		}, []string{"There is nothing to pay", "Northwind Studio withdrew this invoice."}},
		"reserved": {func(s *site) paylink.Link {
			s.put(s.link, paylink.Processing, 100000, nil)
			return s.link
		}, []string{"The rest is already on its way", "$1,000.00 is on its way to Northwind Studio."}},
		"waiting for its payer": {func(s *site) paylink.Link {
			s.put(s.link, paylink.RequiresAction, 100000, nil)
			return s.link
		}, []string{"Your payment is not finished", "Go on with it"}},
		"too large": {func(s *site) paylink.Link {
			_, l := s.newInvoice(paylink.Invoice{}, 100_000_000)
			return l
		}, []string{"is too much for one card payment", "Northwind Studio tells you how to pay it."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, pay.Options{})
			address := s.open(s.link)
			form := s.form(s.ask("GET", address, nil))
			form.Set("amount", "1000.00")
			form.Set("confirmation_token", "ctoken_1")
			l := tt.make(s)
			w := s.ask("GET", s.open(l), nil)
			s.see(w, http.StatusOK, tt.words...)
			s.hide(w, `id="pay"`)
			if l.ID == s.link.ID {
				s.see(s.ask("POST", address+"/payments", form), http.StatusConflict, "You were not charged")
			}
		})
	}
}

// More than one payment can be is paid in parts.
func TestALargeInvoiceIsPaidInParts(t *testing.T) {
	s := newSite(t, pay.Options{})
	_, l := s.newInvoice(paylink.Invoice{Partial: paylink.PartialRules{Allowed: true, Minimum: 5000}}, 100_002_000)
	s.see(s.ask("GET", s.open(l), nil), http.StatusOK, "$1,000,020.00", "As much as one payment can be", "Pay $999,970.00 by card")
}

// The firm's plan is offered: the next part, and what is left after it.
func TestThePlanIsOffered(t *testing.T) {
	s := newSite(t, pay.Options{})
	day := func(n int) paylink.Date { return paylink.DateOf(s.now().AddDate(0, 0, n), time.UTC) }
	_, l := s.newInvoice(paylink.Invoice{Partial: paylink.PartialRules{Allowed: true, Minimum: 5000, Instalments: []paylink.Instalment{
		{Amount: 25000, Due: day(-10)}, {Amount: 22500, Due: day(4)}, {Amount: 52500, Due: day(25)},
	}}}, 100000)
	s.see(s.ask("GET", s.open(l), nil), http.StatusOK, "First instalment", "The rest, $750.00, by", "$250.00", "Another amount", "From $50.00")
	s.pay(l, "250.00", "pm_card_visa")
	s.see(s.ask("GET", s.open(l), nil), http.StatusOK, "Second instalment", "The rest, $525.00, by", "$225.00")

	_, deposit := s.newInvoice(paylink.Invoice{Partial: paylink.PartialRules{Allowed: true, Minimum: 5000, FirstMinimum: 30000}}, 100000)
	s.see(s.ask("GET", s.open(deposit), nil), http.StatusOK, "Deposit", "$300.00", "The rest, $700.00, later", "From $300.00")

	_, whole := s.newInvoice(paylink.Invoice{}, 100000)
	w := s.ask("GET", s.open(whole), nil)
	s.see(w, http.StatusOK, "Pay $1,000.00 by card")
	s.hide(w, "How much?")
}

// Currencies without decimals and with three are shown and read as their people do.
func TestOtherCurrencies(t *testing.T) {
	s := newSite(t, pay.Options{})
	partial := paylink.PartialRules{Allowed: true}
	_, yen := s.newInvoice(paylink.Invoice{Currency: "JPY", Partial: partial}, 15000)
	_, dinar := s.newInvoice(paylink.Invoice{Currency: "KWD", Partial: partial}, 10500)
	s.see(s.ask("GET", s.open(yen), nil), http.StatusOK, "¥15,000", "Pay ¥15,000 by card", "From ¥50")
	s.see(s.ask("GET", s.open(yen)+"?amount=100.5", nil), http.StatusOK, "Type an amount, for example 15000.")
	s.see(s.ask("GET", s.open(dinar), nil), http.StatusOK, "10.500")
}

// A person's name is text, whatever it holds.
func TestNamesAreText(t *testing.T) {
	s := newSite(t, pay.Options{})
	s.customer.Name = "<img src=x onerror=alert(1)> \"O'Brien\" \u202e{payer} **x**"
	if err := s.invoicing.UpdateCustomer(t.Context(), "system", s.customer); err != nil {
		t.Fatal(err)
	}
	w := s.ask("GET", s.open(s.link), nil)
	s.see(w, http.StatusOK, `for <img src=x onerror=alert(1)> "O'Brien"`, "{payer} **x**")
	if strings.Contains(w.Body.String(), "<img src=x") {
		t.Error("it became markup")
	}
}
