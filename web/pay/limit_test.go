package pay_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/store"
	"paylink/web/pay"
)

// from sends a request from an address.
func (s *site) from(address, method, path string, form url.Values) *httptest.ResponseRecorder {
	r := s.request(method, path, form)
	r.RemoteAddr = address + ":4000"
	w := s.answer(r)
	for _, c := range w.Result().Cookies() {
		s.cookies[c.Name] = c
	}
	return w
}

// press opens a link and presses Pay, all from one address.
func (s *site) press(address string, l paylink.Link, card string) *httptest.ResponseRecorder {
	s.t.Helper()
	s.open(l)
	w := s.from(address, "GET", "/pay/"+l.ID, nil)
	if !strings.Contains(w.Body.String(), `name="nonce"`) {
		return w
	}
	form := s.form(w)
	form.Set("amount", "50.00")
	form.Set("method", "card")
	form.Set("confirmation_token", s.card(card))
	return s.from(address, "POST", "/pay/"+l.ID+"/payments", form)
}

func (s *site) tasks(kind string) (n int) {
	s.t.Helper()
	open, err := s.store.Tasks(s.t.Context(), true)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, task := range open {
		if task.Kind == kind {
			n++
		}
	}
	return n
}

// declines is how many cards Stripe was asked about and refused.
func (s *site) declines() (n int) {
	s.t.Helper()
	list, _, err := s.store.Payments(s.t.Context(), store.PaymentFilter{Status: paylink.Failed, Page: store.Page{Limit: 500}})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(list)
}

// TestFault_X03: somebody tries 200 stolen cards by 20 links and 20 addresses. One link tells them of five
// within a quarter of an hour and of eight in all, all links together of twenty-one.
func TestFault_X03_CardTestersAreStopped(t *testing.T) {
	s := newSite(t, pay.Options{})
	var links []paylink.Link
	for i := range 20 {
		made, err := s.invoicing.SendLinks(t.Context(), "system", s.invoice.ID, invoicing.Send{To: []string{fmt.Sprintf("payer%d@keller.example", i)}})
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, made...)
	}
	for i := range 8 { // one link alone
		w := s.press("198.51.100.1", links[0], "pm_card_chargeDeclined")
		if i < 5 != (w.Code == http.StatusSeeOther) {
			t.Errorf("card %d of one link: %d %s", i+1, w.Code, readable(w))
		}
	}
	s.see(s.press("198.51.100.1", links[0], "pm_card_visa"), http.StatusOK, "This page takes a pause", "Call (503) 555-0142 and say INV-1042. Nothing was charged.")

	stopped := 0
	for i := range 200 {
		address := fmt.Sprintf("203.0.113.%d", i%20)
		if w := s.press(address, links[i%20], "pm_card_chargeDeclined"); w.Code != http.StatusSeeOther {
			stopped++
			s.hide(w, "declin", "stolen", "limit")
		}
	}
	if n := s.declines(); n != 21 || stopped != 184 {
		t.Errorf("%d cards were tried and %d presses stopped, want 21 and 184", n, stopped)
	}
	if s.tasks("limit.cards") != 1 {
		t.Errorf("staff were not told once: %d", s.tasks("limit.cards"))
	}
	s.advance(3 * time.Second) // a look at the page may be two seconds behind
	s.see(s.from("192.0.2.99", "GET", s.open(s.link), nil), http.StatusOK, "Card payments take a pause", "Call (503) 555-0142 and say INV-1042. Nothing was charged.")
	if s.charges() != 0 {
		t.Error("something was charged")
	}

	if err := s.payments.LiftLock(t.Context(), "staff:ana", store.AllCards); err != nil {
		t.Fatal(err)
	}
	if w := s.press("192.0.2.99", s.link, "pm_card_visa"); w.Code != http.StatusSeeOther || s.charges() != 1 {
		t.Errorf("after staff took cards again: %d, %d charges", w.Code, s.charges())
	}
}

// A link that goes on being declined, pause after pause, is locked until staff unlock it.
func TestALinkIsLockedAtItsEighthDecline(t *testing.T) {
	s := newSite(t, pay.Options{})
	for range 5 {
		s.press("198.51.100.1", s.link, "pm_card_chargeDeclined")
	}
	for range 3 {
		s.advance(16 * time.Minute)
		s.press("198.51.100.1", s.link, "pm_card_chargeDeclined")
	}
	if s.declines() != 8 || s.tasks("limit.link") != 1 {
		t.Errorf("%d declines, %d tasks", s.declines(), s.tasks("limit.link"))
	}
	s.advance(3 * time.Hour)
	w := s.press("198.51.100.1", s.link, "pm_card_visa")
	s.see(w, http.StatusOK, "This page takes a pause", "Call (503) 555-0142")
	if err := s.payments.LiftLock(t.Context(), "staff:ana", s.link.ID); err != nil {
		t.Fatal(err)
	}
	if w := s.press("198.51.100.1", s.link, "pm_card_visa"); w.Code != http.StatusSeeOther {
		t.Errorf("after the unlock: %d %s", w.Code, readable(w))
	}
}

// Sixty payments an hour from one address, whatever link; a form that is refused is none of them. IPv6
// counts by the network that one customer has.
func TestOneAddressBeginsSixtyPayments(t *testing.T) {
	s := newSite(t, pay.Options{})
	for range 59 {
		if err := s.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.CountLimit(t.Context(), "press:2001:db8:1:2::/64", s.now(), time.Hour)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	form := s.form(s.ask("GET", s.open(s.link), nil))
	form.Set("amount", "1.00")
	form.Set("confirmation_token", "ctoken_1")
	if w := s.from("[2001:db8:1:2::5]", "POST", "/pay/"+s.link.ID+"/payments", form); w.Code != http.StatusUnprocessableEntity {
		t.Fatalf("a dollar: %d", w.Code)
	}
	if w := s.press("[2001:db8:1:2::5]", s.link, "pm_card_visa"); w.Code != http.StatusSeeOther {
		t.Fatalf("the sixtieth: %d %s", w.Code, readable(w))
	}
	w := s.press("[2001:db8:1:2::6]", s.link, "pm_card_visa")
	s.see(w, http.StatusTooManyRequests, "Many payments came from here", "Wait an hour and try again, or call (503) 555-0142 and say INV-1042. Nothing was charged.")
	if wait, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || wait < 3500 || wait > 3600 {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	if w := s.press("[2001:db8:1:3::6]", s.link, "pm_card_visa"); w.Code != http.StatusSeeOther {
		t.Errorf("the neighbour: %d", w.Code)
	}
}

// TestFault_X02: a thousand made-up tokens and codes. They are not found, then not even looked for; links
// that exist go on working, and nothing is written.
func TestFault_X02_GuessersAreTurnedAway(t *testing.T) {
	s := newSite(t, pay.Options{})
	s.pay(s.link, "225.00", "pm_card_visa")
	receipt, err := s.store.ReceiptByPayment(t.Context(), s.paymentsMade()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	before := s.written()
	found, limited := 0, 0
	for i := range 1000 {
		path := "/l/" + paylink.NewToken().Reveal()
		if i%2 == 1 {
			path = fmt.Sprintf("/v/%04d-AAAA", i)
		}
		switch w := s.from("203.0.113.1", "GET", path, nil); w.Code {
		case http.StatusNotFound:
		case http.StatusTooManyRequests:
			limited++
			if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 600 || after > 900 || !strings.Contains(readable(w), "Wait a quarter of an hour") {
				t.Fatalf("%v %s", w.Header(), readable(w))
			}
		default:
			found++
		}
	}
	if found != 0 || limited != 981 {
		t.Errorf("%d found, %d turned away; want 0 and 981", found, limited)
	}
	if w := s.from("203.0.113.1", "GET", "/l/"+s.token(s.link), nil); w.Code != http.StatusSeeOther {
		t.Errorf("a link that exists: %d", w.Code)
	}
	if w := s.from("203.0.113.1", "GET", "/v/"+receipt.Code, nil); w.Code != http.StatusTooManyRequests {
		t.Errorf("a guesser hits a receipt: %d", w.Code)
	}
	if w := s.from("203.0.113.2", "GET", "/v/"+receipt.Code, nil); w.Code != http.StatusOK {
		t.Errorf("somebody else: %d", w.Code)
	}
	if after := s.written(); after != before {
		t.Errorf("guesses wrote something:\n%s\n%s", before, after)
	}
	s.advance(15 * time.Minute)
	if w := s.from("203.0.113.1", "GET", "/v/"+receipt.Code, nil); w.Code != http.StatusOK {
		t.Errorf("after the wait: %d", w.Code)
	}
}

// Twenty mails an hour may be asked for from one address, by both forms together.
func TestFormsThatMailAreBounded(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	for i := range 20 {
		if w := s.from("203.0.113.1", "POST", "/pay/lnk_made"+strconv.Itoa(i)+"/fresh", url.Values{"email": {"maria@keller.example"}}); w.Code != http.StatusSeeOther {
			t.Fatalf("mail %d: %d", i+1, w.Code)
		}
	}
	for _, path := range []string{address + "/forward", address + "/fresh"} {
		w := s.from("203.0.113.1", "POST", path, url.Values{"email": {"maria@keller.example"}, "note": {""}})
		s.see(w, http.StatusTooManyRequests, "Many e-mails were asked for from here. Nothing was sent.")
		if w := s.from("203.0.113.2", "POST", path, url.Values{"email": {"paul@keller.example"}, "note": {""}}); w.Code != http.StatusSeeOther {
			t.Errorf("%s from elsewhere: %d %s", path, w.Code, readable(w))
		}
	}
	if w := s.from("203.0.113.1", "POST", address+"/forward", url.Values{"email": {"not an address"}, "note": {""}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("a form to correct: %d", w.Code)
	}
}

// Whoever has a link sends no deposits to account after account: ten an hour may be tried for a customer.
func TestDepositsForOneCustomerAreBounded(t *testing.T) {
	s := newSite(t, pay.Options{Bank: pay.BankDeposits})
	address := s.open(s.link)
	const body = `{"payment_method":"pm_made_up","mandate":"on"}`
	for i := range 10 {
		if w := s.post(address+"/bank/check", body); w.Code != http.StatusUnprocessableEntity {
			t.Fatalf("account %d: %d %s", i+1, w.Code, w.Body)
		}
	}
	other := s.stranger()
	other.open(s.link)
	for _, w := range []*httptest.ResponseRecorder{s.post(address+"/bank/check", body), other.post(address+"/bank/check", body)} {
		if w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "Wait an hour") || w.Header().Get("Retry-After") == "" {
			t.Errorf("one more: %d %s", w.Code, w.Body)
		}
	}
	s.advance(61 * time.Minute)
	if w := s.post(address+"/bank/check", body); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an hour later: %d %s", w.Code, w.Body)
	}
}
