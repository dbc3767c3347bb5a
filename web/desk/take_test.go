package desk_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/store"
)

// stripe posts to the sandbox.
func (s *site) stripe(path string, form url.Values, into any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.box.URL()+path, strings.NewReader(form.Encode()))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.box.Env()["STRIPE_SECRET_KEY"], "")
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	must(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		s.t.Fatalf("%s: %d", path, answer.StatusCode)
	}
	must(s.t, json.NewDecoder(answer.Body).Decode(into))
}

// saved is a card that the customer saved while paying another invoice.
func (s *site) saved(card string) paylink.Method {
	s.t.Helper()
	i := s.newInvoice(paylink.Invoice{Number: "SAVES-" + card}, 10000)
	links, err := s.invoicing.SendLinks(s.t.Context(), "system", i.ID, invoicing.Send{Mail: true})
	must(s.t, err)
	var token struct{ ID string }
	s.stripe("/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {card}, "setup_future_usage": {"off_session"}}, &token)
	p, err := s.payments.Begin(s.t.Context(), payments.Press{
		LinkID: links[0].ID, InvoiceID: i.ID, Nonce: paylink.NewID("n", s.now()), Version: i.Version, Amount: money.New(10000, "USD"),
		ConfirmationToken: token.ID, Save: &paylink.Consent{Text: "Keep it.", Version: paylink.SaveVersion, At: s.now()},
		Locale: "en", Actor: "payer:x", ReturnURL: func(string) string { return base },
	})
	must(s.t, err)
	if p.Status == paylink.RequiresAction {
		s.stripe("/v1/payment_intents/"+p.PaymentIntent+"/sandbox_3ds", url.Values{"outcome": {"succeed"}}, &struct{}{})
		s.advance(time.Minute)
		p, err = s.payments.Check(s.t.Context(), p.ID)
		must(s.t, err)
	}
	if p.Status != paylink.Succeeded {
		s.t.Fatalf("the payment is %s", p.Status)
	}
	list, err := s.store.MethodsOf(s.t.Context(), s.customer.ID)
	must(s.t, err)
	return list[0]
}

// account is a bank account that the customer saved, which Stripe has a standing permission for.
func (s *site) account() paylink.Method {
	s.t.Helper()
	s.saved("pm_card_visa")
	customer, err := s.store.Customer(s.t.Context(), s.customer.ID)
	must(s.t, err)
	var token, source struct{ ID string }
	s.stripe("/v1/tokens", url.Values{
		"bank_account[country]": {"US"}, "bank_account[currency]": {"usd"}, "bank_account[routing_number]": {"110000000"},
		"bank_account[account_number]": {"000123456789"}, "bank_account[account_holder_name]": {"Maria Keller"}, "bank_account[account_holder_type]": {"individual"},
	}, &token)
	at := "/v1/customers/" + customer.StripeCustomer + "/sources"
	s.stripe(at, url.Values{"source": {token.ID}}, &source)
	s.stripe(at+"/"+source.ID+"/verify", url.Values{"amounts[]": {"32", "45"}}, &struct{}{})
	now := s.now()
	m := paylink.Method{
		ID: paylink.NewID("mth", now), CustomerID: customer.ID, Kind: paylink.MethodBank, StripeID: source.ID, Fingerprint: "fp_2",
		Bank: paylink.Bank{Name: "Chase", Last4: "6789", Type: "checking", Holder: "Maria Keller"}, SavedAt: now,
		Consent: paylink.Consent{Text: "Keep it.", Version: paylink.SaveVersion, At: now}, CreatedAt: now, UpdatedAt: now,
	}
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error { _, err := tx.InsertMethod(s.t.Context(), m); return err }))
	i := s.newInvoice(paylink.Invoice{Number: "SAVES-bank"}, 10000)
	links, err := s.invoicing.SendLinks(s.t.Context(), "system", i.ID, invoicing.Send{Mail: true})
	must(s.t, err)
	p, err := s.payments.Begin(s.t.Context(), payments.Press{
		LinkID: links[0].ID, InvoiceID: i.ID, Nonce: paylink.NewID("n", now), Version: i.Version, Amount: money.New(10000, "USD"), MethodID: m.ID, Proven: true,
		Mandate: &paylink.Consent{Text: "Once.", Version: paylink.DebitVersion, At: now, IP: "198.51.100.7", Agent: "x"}, Locale: "en", Actor: "payer:x",
	})
	must(s.t, err)
	if p.Status != paylink.Processing {
		s.t.Fatalf("the debit is %s", p.Status)
	}
	return m
}

func (s *site) changeMethod(m paylink.Method, f func(*paylink.Method)) {
	s.t.Helper()
	f(&m)
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error { return tx.UpdateMethod(s.t.Context(), m) }))
}

func (s *site) takeAt() string { return "/desk/invoices/" + s.invoice.ID + "/take" }

// takePress is the form as the page gives it for a choice, with more filled in.
func (s *site) takePress(query, much string, m paylink.Method, more ...string) url.Values {
	s.t.Helper()
	fill := url.Values{"much": {much}, "method": {m.ID}}
	for n := 0; n+1 < len(more); n += 2 {
		fill.Set(more[n], more[n+1])
	}
	page := s.get(s.takeAt() + query)
	says(s.t, page, 200)
	return form(s.t, page.Body.String(), fill)
}

var paymentPage = regexp.MustCompile(`^/desk/payments/pay_[a-z0-9]+$`)

// took fails unless the answer leads to the page of a payment, and gives both.
func (s *site) took(w interface {
	Result() *http.Response
}, status paylink.PaymentStatus) paylink.Payment {
	s.t.Helper()
	to := w.Result().Header.Get("Location")
	if w.Result().StatusCode != http.StatusSeeOther || !paymentPage.MatchString(to) {
		s.t.Fatalf("answered %d to %q", w.Result().StatusCode, to)
	}
	p, err := s.store.Payment(s.t.Context(), strings.TrimPrefix(to, "/desk/payments/"))
	must(s.t, err)
	if p.Status != status {
		s.t.Fatalf("the payment is %s, want %s", p.Status, status)
	}
	return p
}

func TestStaffTakeAPaymentByASavedCard(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	says(t, s.get("/desk/invoices/"+s.invoice.ID), 200, `href="`+s.takeAt()+`"`, "Take payment")
	says(t, s.get("/desk/customers/"+s.customer.ID), 200, `href="`+s.takeAt()+`"`)
	says(t, s.get(s.takeAt()), 200, "Take a payment", "$1,000.00 still to pay", "Full balance", "Another amount", "From $50.00", "Visa ••4242",
		"Take $1,000.00 by Visa ••4242", "Receipt goes to maria@keller.example", "Or let Maria pay while you talk", "Send Payment Link")
	says(t, s.get(s.takeAt()+"?much=other&amount=225&method="+m.ID), 200, "Take $225.00 by Visa ••4242", `value="225"`)
	press := s.takePress("?much=other&amount=225&method="+m.ID, "other", m, "amount", "225")
	p := s.took(s.post(s.takeAt(), press), paylink.Succeeded)
	if p.LinkID != "" || p.Amount.Minor != 22500 || p.InvoiceID != s.invoice.ID || p.MethodID != m.ID {
		t.Errorf("payment: %+v", p)
	}
	says(t, s.get("/desk/payments/"+p.ID), 200, "$225.00 is paid", "Agent took it by phone", "Visa ••4242", p.ReceiptNumber)
	// The same press again, and one with another amount from the page that the browser went back to, is that payment.
	for _, amount := range []string{"225", "300"} {
		press.Set("amount", amount)
		if again := s.took(s.post(s.takeAt(), press), paylink.Succeeded); again.ID != p.ID {
			t.Errorf("pressed again for %s: %s", amount, again.ID)
		}
	}
	if made, err := s.store.PaymentsOf(t.Context(), s.invoice.ID); err != nil || len(made) != 1 {
		t.Errorf("%d payments: %v", len(made), err)
	}
	says(t, s.get(s.takeAt()), 200, "$775.00 still to pay", "Take $775.00 by Visa ••4242")
}

func TestAPresetIsTakenAsItIs(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-2", Partial: paylink.PartialRules{Allowed: true, Minimum: 5000, Instalments: []paylink.Instalment{{Amount: 22500, Due: "2026-11-30"}, {Amount: 77500, Due: "2026-12-18"}}}}, 100000)
	s.as(paylink.Agent)
	says(t, s.get(s.takeAt()), 200, "First instalment", `value="225.00"`, "$225.00", "Take $1,000.00 by")
	p := s.took(s.post(s.takeAt(), s.takePress("?much=225.00", "225.00", m)), paylink.Succeeded)
	if p.Amount.Minor != 22500 {
		t.Errorf("%s was taken", p.Amount)
	}
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-3"}, 30000)
	page := s.get(s.takeAt())
	says(t, page, 200, "Take $300.00 by")
	if strings.Contains(page.Body.String(), "Another amount") {
		t.Error("a part of what is paid in one go is offered")
	}
	s.took(s.post(s.takeAt(), s.takePress("", "300.00", m)), paylink.Succeeded)
}

// Without a script the button says what was chosen when the page was made. It charges that, or is shown anew.
func TestNoButtonTakesWhatItDoesNotSay(t *testing.T) {
	s := newSite(t)
	m := s.account()
	all, err := s.store.MethodsOf(t.Context(), s.customer.ID)
	must(t, err)
	visa := all[slices.IndexFunc(all, func(m paylink.Method) bool { return m.Kind == paylink.MethodCard })]
	s.as(paylink.Agent)
	press := s.takePress("?much=other&amount=225&method="+visa.ID, "other", visa, "amount", "60")
	page := s.post(s.takeAt(), press)
	says(t, page, 200, "The button now says Take $60.00 by Visa ••4242.", `value="60"`)
	press = form(t, page.Body.String(), url.Values{"much": {"other"}, "amount": {"60"}, "method": {m.ID}, "mandate": {"on"}})
	page = s.post(s.takeAt(), press)
	says(t, page, 200, "The button now says Take $60.00 from Chase ••6789.", "to debit $60.00, once")
	if strings.Contains(page.Body.String(), `name="mandate" checked`) {
		t.Error("the permission is ticked for staff")
	}
	if made, err := s.store.PaymentsOf(t.Context(), s.invoice.ID); err != nil || len(made) != 0 {
		t.Errorf("%d payments: %v", len(made), err)
	}
}

func TestWhatWasChosenStaysWhereItIsNotTaken(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	for typed, want := range map[string]string{
		"": "Type an amount, for example 1000.00.", "all of it": "Type an amount", "1000.01": "The most that can be taken is $1,000.00.",
		"49": "The smallest amount is $50.00.", "960": "This would leave $40.00.", "-5": "Type an amount",
	} {
		page := s.post(s.takeAt(), s.takePress("", "other", m, "amount", typed))
		says(t, page, http.StatusUnprocessableEntity, want, "Nothing was charged.", `value="`+typed+`"`, `value="`+m.ID+`" checked`, `aria-invalid="true"`)
	}
	says(t, s.post(s.takeAt(), s.takePress("", "other", m, "amount", "960")), 422, "Use $950.00", "Use $1,000.00")
	for _, method := range []string{"", "mth_other", m.StripeID} {
		says(t, s.post(s.takeAt(), s.takePress("", "1000.00", paylink.Method{ID: method})), 422, "Choose a way to pay.", "Nothing was charged.")
	}
	if made, err := s.store.PaymentsOf(t.Context(), s.invoice.ID); err != nil || len(made) != 0 {
		t.Errorf("%d payments: %v", len(made), err)
	}
}

func TestAMethodOfAnotherCustomerIsNotThere(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	var err error
	s.customer, err = s.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Jon Other", Email: "jon@other.example"})
	must(t, err)
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-9"}, 30000)
	s.saved("pm_card_mastercard")
	s.as(paylink.Agent)
	page := s.get(s.takeAt())
	says(t, page, 200, "Mastercard ••4444")
	if strings.Contains(page.Body.String(), "4242") || strings.Contains(page.Body.String(), m.ID) {
		t.Error("another customer's card is shown")
	}
	says(t, s.post(s.takeAt(), s.takePress("", "300.00", m)), 422, "Choose a way to pay.")
}

func TestAFormThatIsNotThisInvoicesFindsNoPayment(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	press := s.takePress("", "1000.00", m)
	p := s.took(s.post(s.takeAt(), press), paylink.Succeeded)
	for name, nonce := range map[string]string{"none": "", "short": "x", "another kind": "../../etc", "long": strings.Repeat("x", 65)} {
		forged := form(t, `<input type="hidden" name="nonce" value="x">`, press)
		forged.Set("nonce", nonce)
		if w := s.post(s.takeAt(), forged); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-7"}, 30000)
	says(t, s.post(s.takeAt(), url.Values{"nonce": press["nonce"], "version": {"x"}}), 422)
	// The nonce of the other invoice's form is another here: it makes this invoice's payment and shows no other.
	other := s.takePress("", "300.00", m)
	other["nonce"] = press["nonce"]
	if again := s.took(s.post(s.takeAt(), other), paylink.Succeeded); again.ID == p.ID || again.InvoiceID != s.invoice.ID {
		t.Errorf("payment: %+v", again)
	}
}

func TestWhatChangedMeanwhileIsTold(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	press := s.takePress("", "1000.00", m)
	s.pay(60000)
	page := s.post(s.takeAt(), press)
	says(t, page, http.StatusConflict, "$400.00 is still to pay now", "Use $400.00", "Nothing was charged.", `value="`+m.ID+`" checked`)
	// An amount that may still be taken is what the caller said, whoever paid meanwhile.
	press = s.takePress("?much=other&amount=100", "other", m, "amount", "100")
	s.pay(10000)
	s.took(s.post(s.takeAt(), press), paylink.Succeeded)

	draft := s.invoice
	s.invoice = s.newInvoice(paylink.Invoice{Number: "INV-8"}, 30000)
	press = s.takePress("", "300.00", m)
	changed := s.invoice
	changed.Lines[0].UnitAmount = money.New(20000, "USD")
	_, err := s.invoicing.EditInvoice(t.Context(), "system", changed)
	must(t, err)
	page = s.post(s.takeAt(), press)
	says(t, page, http.StatusConflict, "The invoice changed while you talked. Nothing was charged.", "$200.00 still to pay")
	s.took(s.post(s.takeAt(), form(t, page.Body.String(), url.Values{"much": {"200.00"}, "method": {m.ID}, "said": {"200.00 " + m.ID}})), paylink.Succeeded)
	s.invoice = draft
	says(t, s.post(s.takeAt(), s.takePress("", "200.00", m)), http.StatusSeeOther)
	says(t, s.post(s.takeAt(), press), http.StatusConflict, "Nothing is left to pay.", "Back to the invoice")
}

func TestOnlyWhatCanBePaidIsTaken(t *testing.T) {
	s := newSite(t)
	s.saved("pm_card_visa")
	reserved := s.newInvoice(paylink.Invoice{Number: "INV-R", Capture: paylink.CaptureManual}, 5000)
	s.press(reserved, 5000)
	paid := s.newInvoice(paylink.Invoice{Number: "INV-P"}, 6000)
	s.press(paid, 6000)
	void := s.newInvoice(paylink.Invoice{Number: "INV-V"}, 7000)
	must(t, s.invoicing.VoidInvoice(t.Context(), "system", void.ID))
	draft := s.newInvoice(paylink.Invoice{Number: "INV-D", State: paylink.StateDraft}, 8000)
	s.as(paylink.Agent)
	for id, want := range map[string]string{
		reserved.ID: "The rest is already on its way. There is nothing to take now.", paid.ID: "Nothing is left to pay.",
		void.ID: "The invoice is void.", draft.ID: "The invoice is a draft.",
	} {
		at := "/desk/invoices/" + id
		if strings.Contains(s.get(at).Body.String(), at+"/take") {
			t.Errorf("%s: a button", want)
		}
		says(t, s.get(at+"/take"), http.StatusConflict, want, `href="`+at+`"`)
		says(t, s.post(at+"/take", url.Values{"nonce": {"12345678"}, "version": {"1"}}), http.StatusConflict, want)
	}
	s.as(paylink.Viewer)
	if strings.Contains(s.get("/desk/invoices/"+s.invoice.ID).Body.String(), "/take") || strings.Contains(s.get("/desk/customers/"+s.customer.ID).Body.String(), "/take") {
		t.Error("a viewer is offered to take money")
	}
}

func TestWhatCannotBeChargedStaysWithItsReason(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	for want, change := range map[string]func(*paylink.Method){
		"Saved for use on the payment page only.": func(m *paylink.Method) { m.Consent.Version = "save-1" },
		"This card has expired.":                  func(m *paylink.Method) { m.Card.ExpYear = 2020 },
		"Stripe does not know this card":          func(m *paylink.Method) { m.BlockedAt, m.Blocked = s.now(), "detached" },
		"code of its small deposit":               func(m *paylink.Method) { m.AwaitsCode.Kind = paylink.CodeText },
	} {
		s.changeMethod(m, change)
		page := s.get(s.takeAt())
		if want == "Stripe does not know this card" { // the desk has words for why it is blocked
			want = ""
		}
		says(t, page, 200, "Visa ••4242", want, "Nothing that Maria saved can be charged here.", `button primary" href="/desk/invoices/`+s.invoice.ID+`/send"`)
		if strings.Contains(page.Body.String(), `name="method"`) {
			t.Errorf("%s, and a form", want)
		}
	}
	s.changeMethod(m, func(m *paylink.Method) { m.SavedAt = time.Time{} })
	says(t, s.get(s.takeAt()), 200, "Maria has saved no card and no account.")
	s.changeMethod(m, func(m *paylink.Method) { m.Consent.Version = "save-1" })
	good := s.saved("pm_card_mastercard")
	page := s.get(s.takeAt())
	says(t, page, 200, `value="`+m.ID+`" disabled`, "Take $1,000.00 by Mastercard ••4444")
	press := s.takePress("", "1000.00", good)
	press.Set("method", m.ID)
	press.Set("said", "1000.00 "+m.ID)
	says(t, s.post(s.takeAt(), press), 422, "Saved for use on the payment page only.", "Nothing was charged.")
}

func TestWithoutASavedMethodTheLinkIsTheWay(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Agent)
	page := s.get(s.takeAt())
	says(t, page, 200, "Maria has saved no card and no account.", `button primary" href="/desk/invoices/`+s.invoice.ID+`/send"`)
	if strings.Contains(page.Body.String(), "<fieldset") {
		t.Error("a form without anything to choose")
	}
	link := s.newLink()
	says(t, s.get(s.takeAt()), 200, "The newest link is for maria@keller.example", "/desk/links/"+link.ID+"/resend", "Paying")
	must(t, s.invoicing.Opened(t.Context(), link.ID))
	says(t, s.get(s.takeAt()), 200, "Maria has opened it", "today 12:00 PM")
}

func TestADebitIsTakenOnlyAsItWasToldOnThePhone(t *testing.T) {
	s := newSite(t)
	m := s.account()
	s.as(paylink.Agent)
	choice := "?much=other&amount=225&method=" + m.ID
	page := s.get(s.takeAt() + choice)
	says(t, page, 200, "Take $225.00 from Chase ••6789", "Maria told me this on the phone", "On the phone with Agent of Northwind Studio, Maria Keller said:",
		"I allow Northwind Studio to debit $225.00, once, on or after November 23, 2026, from Chase Checking ••6789, by ACH")
	if strings.Contains(page.Body.String(), `name="mandate" checked`) {
		t.Error("the permission is ticked for staff")
	}
	press := s.takePress(choice, "other", m, "amount", "225")
	page = s.post(s.takeAt(), press)
	says(t, page, 422, "Read the permission out. Tick the box when the customer agreed.", "to debit $225.00, once", "Nothing was charged.")
	press.Set("mandate", "on")
	p := s.took(s.post(s.takeAt(), press), paylink.Processing)
	kept, err := s.store.MandateByPayment(t.Context(), p.ID)
	must(t, err)
	if kept.Consent.IP != "" || kept.Consent.Agent != "" || kept.Consent.Version != paylink.PhoneVersion || !kept.Consent.At.Equal(s.now()) {
		t.Errorf("kept: %+v", kept.Consent)
	}
	shown := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page.Body.String(), ""))
	for paragraph := range strings.SplitSeq(kept.Consent.Text, "\n\n") {
		if !strings.Contains(shown, paragraph) {
			t.Errorf("kept, and not shown: %q", paragraph)
		}
	}
	page = s.get("/desk/payments/" + p.ID)
	says(t, page, 200, "$225.00 is on its way", "Agent took it by phone", "phone-1", "On the phone with Agent of Northwind Studio", "Permission to debit $225.00 given")
	if pdf := s.get("/desk/payments/" + p.ID + "/permission.pdf"); pdf.Code != 200 || !strings.HasPrefix(pdf.Body.String(), "%PDF") {
		t.Errorf("the permission as a document: %d", pdf.Code)
	}
}

func TestTheBanksNoIsToldWithTheWayOut(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_authenticationRequired")
	s.as(paylink.Agent)
	p := s.took(s.post(s.takeAt(), s.takePress("", "1000.00", m)), paylink.Failed)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at), 200, "Nothing was charged. The bank wants Maria’s own confirmation. Send a payment link.", `button primary" href="/desk/invoices/`+s.invoice.ID+`/send"`,
		`href="`+s.takeAt()+`"`, "declined: the bank wants the customer’s own confirmation")
	s.as(paylink.Viewer)
	if strings.Contains(s.get(at).Body.String(), "/take") {
		t.Error("a viewer is offered to take it again")
	}
	s.as(paylink.Agent)
	s.pay(100000)
	if strings.Contains(s.get(at).Body.String(), "/take") {
		t.Error("what is paid is offered to be taken again")
	}
}

func TestAQuestionThatNobodyHereCanAnswerIsTold(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	p.ID, p.Nonce, p.LinkID, p.PaymentIntent, p.Status = paylink.NewID("pay", s.now()), "asks", "", "pi_asks", paylink.RequiresAction
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.InsertPayment(t.Context(), p); return err }))
	s.as(paylink.Agent)
	says(t, s.get("/desk/payments/"+p.ID), 200, "Nothing was charged yet.", "The bank asks Maria a question that cannot be answered here.", "let go within 15 minutes")
}

func TestStripeAwayChargesNothingAndKeepsWhatWasChosen(t *testing.T) {
	s := newSite(t)
	m := s.saved("pm_card_visa")
	s.as(paylink.Agent)
	s.fault("POST /v1/payment_intents", "500_before", 0)
	press := s.takePress("?much=other&amount=225", "other", m, "amount", "225")
	page := s.post(s.takeAt(), press)
	says(t, page, http.StatusServiceUnavailable, "Nothing was charged, and nothing is reserved.", `value="225"`, `value="`+m.ID+`" checked`, "Take $225.00 by Visa ••4242")
	balance, err := s.store.Balance(t.Context(), s.invoice.ID)
	must(t, err)
	if balance.Pending != 0 {
		t.Errorf("reserved: %d", balance.Pending)
	}
	s.stripeBack()
	s.took(s.post(s.takeAt(), form(t, page.Body.String(), url.Values{"much": {"other"}, "amount": {"225"}, "method": {m.ID}})), paylink.Succeeded)
}

// stripeBack ends every fault.
func (s *site) stripeBack() {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodDelete, s.box.URL()+"/faults", nil)
	must(s.t, err)
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	must(s.t, err)
	_ = answer.Body.Close()
}

func TestACustomerWithManyInvoicesIsAskedWhich(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Agent)
	at := "/desk/customers/" + s.customer.ID
	says(t, s.get(at), 200, `href="`+s.takeAt()+`"`)
	two := s.newInvoice(paylink.Invoice{Number: "INV-2"}, 30000)
	void := s.newInvoice(paylink.Invoice{Number: "INV-V"}, 7000)
	must(t, s.invoicing.VoidInvoice(t.Context(), "system", void.ID))
	says(t, s.get(at), 200, `href="`+at+`/take"`)
	page := s.get(at + "/take")
	says(t, page, 200, "Take a payment from Maria Keller", "For which invoice?", s.takeAt(), "/desk/invoices/"+two.ID+"/take")
	if strings.Contains(page.Body.String(), void.ID) {
		t.Error("a void invoice is offered")
	}
}
