package pay_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/store"
	"paylink/web/pay"
)

// code is what the newest mail with a code says.
func (s *site) code() string {
	s.t.Helper()
	var codes []paylink.Code
	err := s.store.Update(s.t.Context(), func(tx *store.Tx) (err error) {
		codes, err = tx.CodesOf(s.t.Context(), s.customer.ID, s.now().Add(-time.Hour))
		return err
	})
	if err != nil || len(codes) == 0 {
		s.t.Fatalf("no code: %v", err)
	}
	digits, err := codes[0].Digits(s.ring)
	if err != nil {
		s.t.Fatal(err)
	}
	return digits
}

// keep puts a saved method of the customer.
func (s *site) keep(m paylink.Method) string {
	s.t.Helper()
	m.ID, m.CustomerID, m.StripeID = paylink.NewID("mth", s.now()), s.customer.ID, paylink.NewID("pm", s.now())
	m.SavedAt, m.CreatedAt, m.UpdatedAt = s.now(), s.now(), s.now()
	if err := s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		_, err := tx.InsertMethod(s.t.Context(), m)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

// prove goes through the code's pages.
func (s *site) prove(address string) {
	s.t.Helper()
	if w := s.ask("POST", address+"/code", url.Values{"send": {"on"}, "amount": {"150.00"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != address+"/code?sent=1&amount=150.00" {
		s.t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	w := s.ask("POST", address+"/code", url.Values{"code": {s.code()}, "amount": {"150.00"}})
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), address+"?amount=150.00") {
		s.t.Fatalf("%d to %q: %s", w.Code, w.Header().Get("Location"), readable(w))
	}
}

var visaCard = paylink.Method{Kind: paylink.MethodCard, Card: paylink.Card{Brand: "Visa", Last4: "4242", ExpMonth: 8, ExpYear: 2035}}

// Whoever has the link alone is told the same, whether anything is saved or not, and can name none of it.
func TestSavedMethodsWantAProvenMailbox(t *testing.T) {
	s := newSite(t, pay.Options{Bank: pay.BankLink, NoLimits: true})
	address := s.open(s.link)
	before := readable(s.ask("GET", address, nil))
	visa := s.keep(visaCard)
	if after := readable(s.ask("GET", address, nil)); after != before {
		t.Error("the page tells that something is saved")
	}
	for _, w := range []interface{ Result() *http.Response }{
		s.debitAs(address, visa), s.ask("GET", address+"?method="+visa, nil), s.ask("GET", address+"/methods/"+visa+"/remove", nil),
	} {
		if status := w.Result().StatusCode; status != http.StatusForbidden {
			t.Errorf("the id of a saved card: %d", status)
		}
	}
	s.see(s.ask("GET", address+"/code", nil), http.StatusOK, "We e-mail a code to m…a@keller.example", "Send the code")
	s.prove(address)
	s.see(s.ask("GET", address+"?amount=150.00&method="+visa, nil), http.StatusOK, "Visa ••4242", "Pay $150.00 with Visa ••4242", "shown on this device for 30 days")

	// A link that was sent on shows nothing of it to the same browser, and asks for no code.
	if err := s.invoicing.Forward(t.Context(), s.link.ID, "accounts@keller.example", ""); err != nil {
		t.Fatal(err)
	}
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.ForwardedBy == "" {
			continue
		}
		forwarded := s.open(l)
		s.hide(s.ask("GET", forwarded, nil), visa, "4242", "Use a saved card", "for next time")
		s.see(s.debitAs(forwarded, visa), http.StatusForbidden)
		s.see(s.ask("GET", forwarded+"/code", nil), http.StatusForbidden)
		s.see(s.ask("POST", forwarded+"/code", url.Values{"send": {"on"}}), http.StatusForbidden)
	}
	// After 30 days the browser is a stranger again.
	s.advance(31 * 24 * time.Hour)
	s.hide(s.ask("GET", s.open(s.link), nil), visa, "4242")
}

// What cannot be used stays visible, greyed, with the reason, and can be removed.
func TestSavedMethodsThatCannotBeUsedSayWhy(t *testing.T) {
	s := newSite(t, pay.Options{Bank: pay.BankLink, NoLimits: true})
	address := s.open(s.link)
	old := visaCard
	old.Card.ExpMonth, old.Card.ExpYear = 8, 2025
	expired := s.keep(old)
	returned := s.keep(paylink.Method{Kind: paylink.MethodBank, Bank: paylink.Bank{Name: "Chase", Last4: "6789"}, BlockedAt: s.now(), Blocked: "returned"})
	s.prove(address)
	page := s.ask("GET", address, nil)
	s.see(page, http.StatusOK, "It expired in 08/25.", "Debits from it came back.")
	for _, id := range []string{expired, returned} {
		if !strings.Contains(page.Body.String(), `value="`+id+`" disabled`) {
			t.Errorf("%s can be chosen", id)
		}
		s.see(s.debit(address, "card", "150.00", func(f url.Values) { f.Set("method", id) }), http.StatusUnprocessableEntity, "Nothing was charged.")
	}
	s.see(s.ask("GET", address+"/methods/"+expired+"/remove", nil), http.StatusOK, "Remove Visa ••4242?", "Keep it")
	if w := s.ask("POST", address+"/methods/"+expired+"/remove", url.Values{}); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, readable(w))
	}
	page = s.ask("GET", address, nil)
	s.see(page, http.StatusOK, "Visa ••4242 is removed.")
	s.hide(page, expired)
	if n := len(s.paymentsMade()); n != 0 {
		t.Errorf("%d payments", n)
	}
}

// A wrong code says how many tries are left; the last ends it. The code is in no address and in no log.
func TestWrongCodesAreCounted(t *testing.T) {
	s := newSite(t, pay.Options{NoLimits: true})
	address := s.open(s.link)
	s.keep(visaCard)
	s.ask("POST", address+"/code", url.Values{"send": {"on"}})
	right := s.code()
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for _, want := range []string{"4 tries left.", "3 tries left.", "2 tries left.", "One try left.", "This code has ended. Send a new one.", "This code has ended."} {
		w := s.ask("POST", address+"/code", url.Values{"code": {wrong}})
		s.see(w, http.StatusUnprocessableEntity, want, "Check your e-mail", "Pay without it")
		s.hide(w, right, "4242")
	}
	s.see(s.ask("POST", address+"/code", url.Values{"code": {right}}), http.StatusUnprocessableEntity, "This code has ended.")
	s.ask("POST", address+"/code", url.Values{"send": {"on"}})
	s.ask("POST", address+"/code", url.Values{"send": {"on"}})
	s.see(s.ask("POST", address+"/code", url.Values{"send": {"on"}}), http.StatusTooManyRequests, "We sent three codes within an hour.")
	if strings.Contains(s.log.String(), right) {
		t.Error("the code is in the log")
	}
}

// A code is taken as it is written in the mail and as people type it, without script too.
func TestACodeMayBeGrouped(t *testing.T) {
	for name, between := range map[string]string{"blank": " ", "hyphen": "-", "no-break space": "\u00a0", "narrow one": "\u202f"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, pay.Options{})
			address := s.open(s.link)
			s.ask("POST", address+"/code", url.Values{"send": {"on"}})
			w := s.ask("GET", address+"/code?sent=1", nil)
			if !contains(w, `maxlength="16"`) {
				t.Error("the field cuts what is pasted")
			}
			s.see(w, http.StatusOK, "Works for 10 minutes. 5 tries.")
			w = s.ask("POST", address+"/code", url.Values{"code": {"000" + between + "00"}})
			s.hide(w, "5 tries")
			code := s.code()
			if w := s.ask("POST", address+"/code", url.Values{"code": {" " + code[:3] + between + code[3:] + " "}}); w.Code != http.StatusSeeOther {
				t.Errorf("refused: %s", readable(w))
			}
		})
	}
}

// Without script a card cannot be paid with, so the page that shows a choice once more has no button for it there,
// and says what works.
func TestAReviewedCardHasNoButtonWithoutScript(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "100.00")
	form.Set("method", "card")
	form.Set("review", "on")
	w := s.ask("POST", address+"/payments", form)
	s.see(w, http.StatusOK, "Pay $100.00 by card", "A card or account that you saved works without it.", "call (503) 555-0142")
	s.hide(w, "reviewed")
}

// What is chosen from is a group with a name, and the first thing on the page leads to it.
func TestTheChoicesHaveNames(t *testing.T) {
	s := bankSite(t)
	w := s.ask("GET", s.open(s.link), nil)
	for _, want := range []string{
		`<body class="customer">` + "\n" + `<a class="skip" href="#pay">Skip to payment</a>`, `role="group" aria-labelledby="much"`, `<fieldset class="ask"><legend><h2>How?</h2></legend>`,
	} {
		if !contains(w, want) {
			t.Errorf("no %s", want)
		}
	}
}
