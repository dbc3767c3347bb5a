package pay_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/web/pay"
)

func TestAPaymentEndsOnItsPageWithTheReceipt(t *testing.T) {
	s := newSite(t, pay.Options{})
	w := s.pay(s.link, "225.00", "pm_card_visa")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	address := w.Header().Get("Location")
	body := s.ask("GET", address, nil).Body.String()
	for _, want := range []string{"Thank you, Maria. <span class=\"nb\">$225.00</span> is paid.", "Visa ••4242", "m…a@keller.example", "$775.00</span> is still to pay", address + "/receipt.pdf"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	pdf := s.ask("GET", address+"/receipt.pdf", nil)
	if pdf.Code != http.StatusOK || !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF-")) || !strings.HasPrefix(pdf.Header().Get("Content-Disposition"), "inline") {
		t.Errorf("receipt: %d %v", pdf.Code, pdf.Header())
	}
	again := s.ask("GET", address+"/receipt.pdf?download=1", nil)
	if !bytes.Equal(again.Body.Bytes(), pdf.Body.Bytes()) || !strings.HasPrefix(again.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("the receipt is not the same twice, or is not kept: %v", again.Header())
	}
}

// Two presses of one form, at once or later, are one payment.
func TestPressingTwiceIsOnePayment(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "225.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	var wait sync.WaitGroup
	places := make([]string, 4)
	for i := range places {
		r := s.request("POST", address+"/payments", form)
		wait.Go(func() { places[i] = s.answer(r).Header().Get("Location") })
	}
	wait.Wait()
	later := s.ask("POST", address+"/payments", form).Header().Get("Location")
	for _, place := range places {
		if place != later || place == "" {
			t.Errorf("one press led to %q, another to %q", place, later)
		}
	}
	if n := s.charges(); n != 1 || len(s.paymentsMade()) != 1 {
		t.Errorf("%d charges, %d payments", n, len(s.paymentsMade()))
	}
}

// The back button after the last payment: the form pays nothing, and is not somebody else's either.
func TestAFormSentAgainShowsItsPayment(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "1000.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	first := s.ask("POST", address+"/payments", form)
	again := s.ask("POST", address+"/payments", form)
	if first.Code != http.StatusSeeOther || again.Code != http.StatusSeeOther || again.Header().Get("Location") != first.Header().Get("Location") {
		t.Errorf("%d to %q, then %d to %q", first.Code, first.Header().Get("Location"), again.Code, again.Header().Get("Location"))
	}
}

func TestEveryEndHasItsPage(t *testing.T) {
	tests := map[string]struct {
		card  string
		words []string
	}{
		"insufficient funds": {"pm_card_chargeDeclinedInsufficientFunds", []string{"The bank did not approve this payment", "You were not charged. The bank of your Visa ••9995 answered “insufficient funds” for $225.00.", "Pay $225.00 another way", "Prefer to talk? Call (503) 555-0142 and say INV-1042."}},
		"no reason":          {"pm_card_chargeDeclined", []string{"You were not charged. The bank gave no reason."}},
		"stolen":             {"pm_card_chargeDeclinedStolenCard", []string{"You were not charged. The bank gave no reason."}},
		"fraud":              {"pm_card_radarBlock", []string{"You were not charged. The bank gave no reason."}},
		"security code":      {"pm_card_chargeDeclinedIncorrectCvc", []string{"You were not charged. The security code did not match."}},
		"expired":            {"pm_card_chargeDeclinedExpiredCard", []string{"You were not charged. The card expired"}},
		"the bank asks":      {"pm_card_authenticationRequired", []string{"Your bank asks you to confirm", "You were not charged yet."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, pay.Options{})
			w := s.pay(s.link, "225.00", tt.card)
			if w.Code != http.StatusSeeOther {
				t.Fatalf("%d %s", w.Code, readable(w))
			}
			page := s.ask("GET", w.Header().Get("Location"), nil)
			s.see(page, http.StatusOK, tt.words...)
			s.hide(page, "insufficient_funds", "stolen", "fraud", "generic_decline", "invalid")
			if s.charges() != 0 {
				t.Error("it was charged")
			}
		})
	}
}

// States that take time, as their page tells them.
func TestEveryUnfinishedPaymentHasItsPage(t *testing.T) {
	tests := map[paylink.PaymentStatus]struct {
		later time.Duration
		words []string
	}{
		paylink.Created:    {0, []string{"We are confirming your payment", "Do not pay again. You will not be charged twice."}},
		paylink.Confirming: {time.Minute, []string{"We are checking with the bank", "You will not be charged twice, and you can close this page.", "Look again now"}},
		paylink.Unknown:    {0, []string{"We are checking with the bank", "We e-mail m…a@keller.example as soon as we know", "Visa ••4242"}},
		paylink.Processing: {0, []string{"$225.00 is on its way", "Your bank sends it to Northwind Studio.", "This page is not a receipt.", "Pay the rest, $775.00"}},
		paylink.Authorized: {0, []string{"$225.00 is held on your card", "You were not charged yet.", "Held until"}},
		paylink.Canceled:   {0, []string{"No money was taken", "Pay $225.00"}},
	}
	for status, tt := range tests {
		t.Run(string(status), func(t *testing.T) {
			s := newSite(t, pay.Options{})
			p := s.put(s.link, status, 22500, func(p *paylink.Payment) { p.CaptureBefore = s.now().AddDate(0, 0, 7) })
			s.advance(tt.later)
			address := s.open(s.link)
			page := s.ask("GET", address+"/payments/"+p.ID, nil)
			s.see(page, http.StatusOK, tt.words...)
			reloads := strings.Contains(page.Body.String(), `<noscript><meta http-equiv="refresh" content="10">`)
			if want := status == paylink.Created || status == paylink.Confirming || status == paylink.Unknown; reloads != want {
				t.Errorf("reloads itself without script: %v", reloads)
			}
			if status == paylink.Canceled {
				return
			}
			s.see(s.ask("GET", address, nil), http.StatusOK, "So far", "$775.00 still to pay of $1,000.00")
		})
	}
}

// What the bank asks is handed out only while it asks, and checking leads on.
func TestTheBanksQuestionIsAnswered(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.pay(s.link, "225.00", "pm_card_authenticationRequired").Header().Get("Location")
	page := s.ask("GET", address, nil)
	s.hide(page, "_secret_")
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, s.box.URL()) {
		t.Errorf("the question cannot open: %s", csp)
	}
	got := s.ask("POST", address+"/action", url.Values{}, "Accept", "application/json")
	var secret struct {
		ClientSecret string `json:"client_secret"`
	}
	if err := json.Unmarshal(got.Body.Bytes(), &secret); err != nil || !strings.Contains(secret.ClientSecret, "_secret_") || got.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", got.Code, got.Header())
	}
	checked := s.ask("POST", address+"/check", url.Values{}, "Accept", "application/json")
	if checked.Body.String() != `{"status":"requires_action"}`+"\n" {
		t.Errorf("%d %s", checked.Code, checked.Body)
	}
	plain := s.ask("POST", address+"/check", url.Values{}, "Accept", "text/html")
	if plain.Code != http.StatusSeeOther || plain.Header().Get("Location") != address {
		t.Errorf("without script: %d to %q", plain.Code, plain.Header().Get("Location"))
	}
	if strings.Contains(s.log.String(), "_secret_") {
		t.Error("the client secret is in the log")
	}
	paid := s.pay(s.link, "100.00", "pm_card_visa").Header().Get("Location")
	if got := s.ask("POST", paid+"/action", url.Values{}, "Accept", "application/json"); got.Code != http.StatusConflict || strings.Contains(got.Body.String(), "_secret_") {
		t.Errorf("after the end: %d %s", got.Code, got.Body)
	}
}

// A bank sends the payer back with Stripe's parameters; they are dropped, and logged by nobody.
func TestStripesParametersAreDropped(t *testing.T) {
	s := newSite(t, pay.Options{})
	p := s.put(s.link, paylink.Unknown, 22500, nil)
	address := s.open(s.link) + "/payments/" + p.ID
	w := s.ask("GET", address+"?payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_2&redirect_status=succeeded", nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != address || strings.Contains(s.log.String(), "secret_2") {
		t.Errorf("%d to %q\n%s", w.Code, w.Header().Get("Location"), s.log)
	}
}

// Nothing can have been charged when Stripe could not be reached before the confirm call: the page
// says so, keeps what was typed, and the amount is free again.
func TestStripeUnreachableChargesNothing(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "225.00")
	form.Set("confirmation_token", s.card("pm_card_visa"))
	s.fault("POST /v1/*", "500_before", 0)
	w := s.ask("POST", address+"/payments", form)
	s.see(w, http.StatusServiceUnavailable, "We cannot reach the card service", "Nothing was charged.", "Pay $225.00 by card")
	if w.Header().Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	if b, err := s.store.Balance(t.Context(), s.invoice.ID); err != nil || b.Pending != 0 {
		t.Errorf("%+v %v", b, err)
	}
}

// A payment is its payer's: whoever holds another link sees that something was paid, and the
// receipt, and no more.
func TestPaymentsOfOthersAreNotShown(t *testing.T) {
	s := newSite(t, pay.Options{})
	paid := s.pay(s.link, "225.00", "pm_card_visa").Header().Get("Location")
	declined := s.pay(s.link, "225.00", "pm_card_chargeDeclinedInsufficientFunds").Header().Get("Location")
	id := func(address string) string { return address[strings.LastIndex(address, "/")+1:] }
	if err := s.invoicing.Forward(t.Context(), s.link.ID, "ap@keller.example", ""); err != nil {
		t.Fatal(err)
	}
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.ID == s.link.ID {
			continue
		}
		address := s.open(l)
		for _, of := range []string{paid, declined} {
			for _, ask := range [][2]string{{"GET", ""}, {"POST", "/check"}, {"POST", "/action"}} {
				if w := s.ask(ask[0], address+"/payments/"+id(of)+ask[1], url.Values{}); w.Code != http.StatusNotFound {
					t.Errorf("%s %s: %d", ask[0], ask[1], w.Code)
				}
			}
		}
		page := s.ask("GET", address, nil)
		s.see(page, http.StatusOK, "So far", "Receipt")
		s.hide(page, "4242", "9995", "maria@")
		if w := s.ask("GET", address+"/payments/"+id(paid)+"/receipt.pdf", nil); w.Code != http.StatusOK {
			t.Errorf("the receipt: %d", w.Code)
		}
	}
	// A receipt of another invoice is nobody's here.
	_, other := s.newInvoice(paylink.Invoice{}, 5000)
	if w := s.ask("GET", s.open(other)+"/payments/"+id(paid)+"/receipt.pdf", nil); w.Code != http.StatusNotFound {
		t.Errorf("the receipt of another invoice: %d", w.Code)
	}
}

// After five declines the page takes a pause, and says whom to call.
func TestManyDeclinesMakeAPause(t *testing.T) {
	for _, limits := range []bool{true, false} {
		s := newSite(t, pay.Options{NoLimits: !limits})
		for range 5 {
			s.put(s.link, paylink.Failed, 22500, nil)
		}
		address := s.open(s.link)
		w := s.ask("GET", address, nil)
		if !limits {
			s.see(w, http.StatusOK, "Pay $1,000.00 by card")
			continue
		}
		s.see(w, http.StatusOK, "This page takes a pause", "Call (503) 555-0142 and say INV-1042. Nothing was charged.")
		s.advance(time.Hour)
		form := s.form(s.ask("GET", address, nil))
		s.advance(-time.Hour)
		form.Set("amount", "225.00")
		form.Set("confirmation_token", s.card("pm_card_visa"))
		s.see(s.ask("POST", address+"/payments", form), http.StatusTooManyRequests, "This page takes a pause")
		if s.charges() != 0 {
			t.Error("it was charged")
		}
	}
}

// A receipt is checked by its code: number, amount, date and status, and nothing else.
func TestAReceiptIsCheckedByItsCode(t *testing.T) {
	s := newSite(t, pay.Options{})
	s.pay(s.link, "225.00", "pm_card_visa")
	receipt, err := s.store.ReceiptByPayment(t.Context(), s.paymentsMade()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	s.cookies = map[string]*http.Cookie{}
	for _, code := range []string{receipt.Code, strings.ToLower(receipt.Code)} {
		w := s.ask("GET", "/v/"+code, nil)
		s.see(w, http.StatusOK, "This receipt is real", receipt.Number, "$225.00", "Paid")
		s.hide(w, "Maria", "keller", "4242", "INV-1042", receipt.Reference)
	}
	for _, code := range []string{"AAAA-AAAA", "x", receipt.Number} {
		s.see(s.ask("GET", "/v/"+code, nil), http.StatusNotFound, "No receipt has this code.")
	}
}

// Where the PDF cannot be shown in the page, the page says what the receipt says.
func TestThePaidPageSaysTheFiguresOfItsReceipt(t *testing.T) {
	s := newSite(t, pay.Options{})
	s.pay(s.link, "200.00", "pm_card_visa")
	s.put(s.link, paylink.Processing, 5000, func(p *paylink.Payment) { p.Method = paylink.MethodBank })
	at := s.pay(s.link, "225.00", "pm_card_visa").Header().Get("Location")
	s.see(s.ask("GET", at, nil), http.StatusOK, "Paid withVisa ••4242Invoice INV-1042, total$1,000.00Paid before$200.00This payment$225.00On its way$50.00Still to pay$525.00 Open the receipt")
}

// After a no, every way on has its price, another kind first and the same card last; the amount goes along, also to
// where another is chosen.
func TestADeclinedPaymentIsOfferedInOtherWays(t *testing.T) {
	s := bankSite(t)
	press := func(amount, card string) string {
		form := s.form(s.ask("GET", s.open(s.link), nil))
		form.Set("amount", amount)
		form.Set("method", "card")
		form.Set("confirmation_token", s.card(card))
		return s.ask("POST", s.open(s.link)+"/payments", form).Header().Get("Location")
	}
	w := s.ask("GET", press("225.00", "pm_card_chargeDeclined"), nil)
	s.see(w, http.StatusOK, "Bank accountNo fee. Takes up to 4 business days.$225.00 Another cardArrives at once. No fee.$225.00 Visa ••0002 againAfter you have spoken to your bank.$225.00 Continue")
	address := s.open(s.link)
	for _, want := range []string{
		`<form method="get" action="` + address + `"><input type="hidden" name="amount" value="225.00">`, `name="method" value="bank" checked`,
		`href="` + address + `?amount=225.00&other=1"`,
	} {
		if !contains(w, want) {
			t.Errorf("no %s", want)
		}
	}
	s.see(s.ask("GET", address+"?amount=225.00&method=card", nil), http.StatusOK, "Pay $225.00 by card")
	back := s.ask("GET", address+"?tried=225.00", nil)
	s.see(back, http.StatusOK, "Pay $225.00 by card")
	press("900.00", "pm_card_visa")
	s.see(s.ask("GET", address+"?tried=225.00", nil), http.StatusOK, "Pay $100.00 by card") // what is left no longer allows it
	s.hide(s.ask("GET", address+"?tried=225.00", nil), "problems")
}
