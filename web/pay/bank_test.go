package pay_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/store"
	"paylink/web/pay"
)

const jsonType = "application/json"

// plaid calls the sandbox's Plaid with the site's own keys.
func (s *site) plaid(path string, body map[string]any) map[string]any {
	s.t.Helper()
	env := s.box.Env()
	body["client_id"], body["secret"] = env["PLAID_CLIENT_ID"], env["PLAID_SECRET"]
	return s.sandbox(path, body)
}

// sandbox calls the sandbox as a browser does.
func (s *site) sandbox(path string, body map[string]any) map[string]any {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.box.URL()+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", jsonType)
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var out map[string]any
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %v %v", path, response.StatusCode, out, err)
	}
	return out
}

// chosen is what Plaid Link gives a browser whose user chose the account of that name at Chase.
func (s *site) chosen(account string) string {
	s.t.Helper()
	out := s.plaid("/sandbox/public_token/create", map[string]any{"institution_id": "ins_56", "initial_products": []string{"auth"}})
	for _, a := range out["accounts"].([]any) {
		if a := a.(map[string]any); a["name"] == account {
			body, err := json.Marshal(map[string]any{"public_token": out["public_token"], "account_id": a["id"]})
			if err != nil {
				s.t.Fatal(err)
			}
			return string(body)
		}
	}
	s.t.Fatalf("no account %q in %v", account, out)
	return ""
}

// post sends JSON as our script does, and keeps the cookies of the answer.
func (s *site) post(path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", s.base+path, strings.NewReader(body))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("Accept", jsonType)
	r.Header.Set("Origin", s.base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
	w := s.answer(r)
	for _, c := range w.Result().Cookies() {
		s.cookies[c.Name] = c
	}
	return w
}

const (
	goodAccount   = "Checking, debits succeed"
	closedAccount = "Checking, account closed"
)

// linked connects an account through Plaid and gives its id.
func (s *site) linked(address, account string) string {
	s.t.Helper()
	w := s.post(address+"/bank", s.chosen(account))
	var answer struct {
		Method struct {
			ID       string
			Label    string
			BankName string `json:"bank_name"`
			Last4    string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || !strings.HasPrefix(answer.Method.ID, "mth_") || answer.Method.BankName != "Chase" || answer.Method.Label != "Chase ••"+answer.Method.Last4 {
		s.t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	return answer.Method.ID
}

// debit presses Pay with a linked account and its permission.
func (s *site) debit(address, method, amount string, change func(url.Values)) *httptest.ResponseRecorder {
	s.t.Helper()
	form := s.form(s.ask("GET", address+"?method="+method, nil))
	form.Set("amount", amount)
	form.Set("method", method)
	form.Set("mandate", "on")
	if change != nil {
		change(form)
	}
	return s.ask("POST", address+"/payments", form)
}

// stranger is another browser on the same site.
func (s *site) stranger() *site {
	other := *s
	other.cookies = map[string]*http.Cookie{}
	return &other
}

func bankSite(t *testing.T) *site { return newSite(t, pay.Options{Bank: pay.BankLink, NoLimits: true}) }

// The permission is shown with amount, day, firm, account, statement and the way back, and what is
// kept of it is what was shown.
func TestBankAccountPaysByAPermissionThatIsKeptAsShown(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	s.see(s.ask("GET", address, nil), http.StatusOK, "Bank account", "No fee. Takes up to 4 business days.", "Connect your bank")
	method := s.linked(address, goodAccount)

	page := s.ask("GET", address+"?amount=150.00&method="+method, nil)
	shown := "I allow Northwind Studio to debit $150.00, once, on or after " + s.now().In(mustZone(t)).Format("January 2, 2006") +
		", from Chase Checking ••6789, by ACH, and to credit the account if that debit is wrong. My statement will say NORTHWIND STUDIO. " +
		"I can take this back before the debit is sent: (503) 555-0142 or billing@northwind.example."
	s.see(page, http.StatusOK, "Your permission", shown, "Pay $150.00 from Chase ••6789", "Chase ••6789")
	for _, box := range []string{"mandate", "save"} {
		if regexp.MustCompile(`name="` + box + `"[^>]*checked`).MatchString(page.Body.String()) {
			t.Errorf("the box %s is ticked for the payer", box)
		}
	}

	w := s.debit(address, method, "150.00", nil)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, readable(w))
	}
	way := w.Header().Get("Location")
	s.see(s.ask("GET", way, nil), http.StatusOK, "$150.00 is on its way", "You gave permission", "Your bank is working on it", "Chase Checking ••6789",
		"Usually arrives by", "This page is not a receipt.", "Pay the rest, $850.00", "Download what you agreed to (PDF)")
	p := s.paymentsMade()[0]
	if p.Status != paylink.Processing {
		t.Fatalf("payment: %+v", p)
	}
	mandate, err := s.store.MandateByPayment(t.Context(), p.ID)
	if err != nil || mandate.Consent.Text != shown || mandate.Consent.Version != paylink.DebitVersion || mandate.Consent.IP != "192.0.2.1" || mandate.Consent.Agent != "Firefox" || mandate.Consent.At.IsZero() {
		t.Errorf("kept: %+v %v\nshown: %s", mandate.Consent, err, shown)
	}
	pdf := s.ask("GET", way+"/permission.pdf", nil)
	if pdf.Code != http.StatusOK || !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF-")) {
		t.Errorf("the permission as a document: %d", pdf.Code)
	}
	s.see(s.ask("GET", address, nil), http.StatusOK, "$850.00 still to pay of $1,000.00", "Usually here by", "On its way")
	if s.charges() != 0 {
		t.Error("money that is on its way is told as arrived")
	}
}

func mustZone(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A bank that asks for the login again is told where its account stands; the account pays all the same, and
// the browser that it belongs to renews the login, and no other.
func TestLoginThatABankAsksForAgainIsRenewed(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	method := s.linked(address, goodAccount)
	login := address + "/methods/" + method + "/login"
	page := s.ask("GET", address+"?method="+method, nil)
	if strings.Contains(page.Body.String(), "Log in again") {
		t.Error("a login is asked for that no bank asked for")
	}
	if w := s.ask("GET", login, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != address {
		t.Errorf("a login that needs nothing: %d", w.Code)
	}
	s.plaidLogins(method)
	s.see(s.ask("GET", address+"?method="+method, nil), http.StatusOK, "Chase asks you to log in again. You can pay all the same.", "Log in again", "Pay $1,000.00 from Chase ••6789")
	s.see(s.ask("GET", login+"?amount=150.00", nil), http.StatusOK, "Log in to Chase again", "so that Chase ••6789 stays connected", "nothing is paid")

	var session struct {
		LinkToken string `json:"link_token"`
	}
	w := s.post(address+"/bank/session", `{"method":"`+method+`"}`)
	if err := json.Unmarshal(w.Body.Bytes(), &session); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if opened := s.linkStep("start", map[string]any{"link_token": session.LinkToken}); opened["update"] != true {
		t.Errorf("Link opens for another account: %v", opened)
	}
	// Saying so is not enough: Plaid is asked.
	if w := s.post(login, `{}`); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "log in again") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	other := s.stranger()
	other.open(s.link)
	for _, w := range []*httptest.ResponseRecorder{other.post(login, `{}`), other.post(address+"/bank/session", `{"method":"`+method+`"}`), other.ask("GET", login, nil)} {
		if w.Code != http.StatusForbidden {
			t.Errorf("another browser: %d %s", w.Code, w.Body)
		}
	}
	opened := s.linkStep("start", map[string]any{"link_token": session.LinkToken})
	id := opened["link_session_id"]
	s.linkStep("login", map[string]any{"link_session_id": id, "institution_id": "ins_56", "username": "user_good", "password": "pass_good"})
	s.linkStep("finish", map[string]any{"link_session_id": id})
	if w := s.post(login, `{}`); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), method) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	page = s.ask("GET", address+"?method="+method, nil)
	s.see(page, http.StatusOK, "Chase ••6789 stays connected.")
	if strings.Contains(page.Body.String(), "Log in again") {
		t.Error("the login is still asked for")
	}
}

// linkStep is what the frame of Plaid Link asks of the sandbox.
func (s *site) linkStep(step string, body map[string]any) map[string]any {
	s.t.Helper()
	return s.sandbox("/js/plaid-link/"+step, body)
}

// plaidLogins has the bank of an account ask for its login again, here and at Plaid.
func (s *site) plaidLogins(method string) {
	s.t.Helper()
	s.sandbox("/plaid/logins", nil)
	err := s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		m, err := tx.Method(s.t.Context(), method)
		if err != nil {
			return err
		}
		m.LoginAt = s.now()
		return tx.UpdateMethod(s.t.Context(), m)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Without the box nothing is debited: the text comes again, and what was typed stays.
func TestWithoutPermissionNothingIsDebited(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	method := s.linked(address, goodAccount)
	for name, change := range map[string]func(url.Values){
		"not ticked":   func(f url.Values) { f.Del("mandate") },
		"something":    func(f url.Values) { f.Set("mandate", "1") },
		"save instead": func(f url.Values) { f.Del("mandate"); f.Set("save", "on") },
	} {
		w := s.debit(address, method, "150.00", change)
		s.see(w, http.StatusUnprocessableEntity, "Nothing was charged.", "Your permission", "I allow Northwind Studio to debit $150.00", "Pay $150.00 from Chase ••6789")
		if !strings.Contains(w.Body.String(), `value="150.00"`) || !strings.Contains(w.Body.String(), `value="`+method+`" checked`) {
			t.Errorf("%s: the amount or the account is gone", name)
		}
		if !strings.Contains(w.Body.String(), `id="f-mandate" name="mandate" aria-invalid="true"`) {
			t.Errorf("%s: the box does not tell", name)
		}
	}
	if n := len(s.paymentsMade()); n != 0 {
		t.Errorf("%d payments", n)
	}
}

// A bank that was not connected is connected first; without it the form is shown again.
func TestBankIsConnectedFirst(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	w := s.debit(address, "bank", "150.00", nil)
	s.see(w, http.StatusUnprocessableEntity, "Connect your bank first.", "Nothing was charged.", "Connect your bank")
	if !strings.Contains(w.Body.String(), `value="150.00"`) {
		t.Error("the amount is gone")
	}
	method := s.linked(address, goodAccount)
	if w := s.debit(address, "bank", "150.00", nil); w.Code != http.StatusSeeOther || s.paymentsMade()[0].MethodID != method {
		t.Errorf("bank, when one is linked: %d %+v", w.Code, s.paymentsMade())
	}
}

// An account belongs to the browser that linked it: another that holds the link sees none of it, can
// not name it, and is told the same of ids that do not exist.
func TestLinkedAccountIsTheBrowsersOwn(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	method := s.linked(address, goodAccount)
	other := s.stranger()
	other.open(s.link)
	s.hide(other.ask("GET", address, nil), method, "6789")
	var answers []string
	for _, id := range []string{method, "mth_none"} {
		for _, w := range []*httptest.ResponseRecorder{
			other.ask("GET", address+"?method="+id, nil),
			other.ask("GET", address+"/quote?amount=150&method="+id, nil),
			other.ask("GET", address+"/methods/"+id+"/remove", nil),
			other.ask("POST", address+"/methods/"+id+"/remove", url.Values{}),
			other.ask("GET", address+"/bank/"+id, nil),
			other.ask("POST", address+"/bank/"+id, url.Values{"code": {"SM11AA"}}),
			other.debitAs(address, id),
		} {
			if w.Code != http.StatusForbidden {
				t.Errorf("%s: %d", id, w.Code)
			}
			s.hide(w, method, "6789", "mth_")
			answers = append(answers, strings.ReplaceAll(w.Body.String(), id, ""))
		}
	}
	for i := range answers[:len(answers)/2] {
		if answers[i] != answers[len(answers)/2+i] {
			t.Error("what exists is told from what does not")
		}
	}
	if len(s.paymentsMade()) != 0 {
		t.Errorf("payments: %+v", s.paymentsMade())
	}
}

// A colleague links the very account that the customer saved: they pay by it, and it stays the customer's.
func TestAColleagueMayLinkWhatTheCustomerSaved(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	method := s.linked(address, goodAccount)
	if w := s.debit(address, method, "150.00", func(f url.Values) { f.Set("save", "on") }); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, readable(w))
	}
	if err := s.invoicing.Forward(t.Context(), s.link.ID, "accounts@keller.example", ""); err != nil {
		t.Fatal(err)
	}
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	if err != nil {
		t.Fatal(err)
	}
	colleague := s.stranger()
	for _, l := range links {
		if l.ForwardedBy == "" {
			continue
		}
		forwarded := colleague.open(l)
		colleague.hide(colleague.ask("GET", forwarded, nil), method, "6789")
		if linked := colleague.linked(forwarded, goodAccount); linked != method {
			t.Fatalf("%s is not %s", linked, method)
		}
		page := colleague.ask("GET", forwarded+"?method="+method, nil)
		colleague.see(page, http.StatusOK, "Chase ••6789")
		colleague.hide(page, "/remove")
		for _, w := range []*httptest.ResponseRecorder{
			colleague.ask("GET", forwarded+"/methods/"+method+"/remove", nil),
			colleague.ask("POST", forwarded+"/methods/"+method+"/remove", url.Values{}),
		} {
			if w.Code != http.StatusForbidden {
				t.Errorf("removes what the customer saved: %d", w.Code)
			}
		}
		if w := colleague.debit(forwarded, method, "75.00", nil); w.Code != http.StatusSeeOther {
			t.Errorf("%d %s", w.Code, readable(w))
		}
	}
	if n := len(s.paymentsMade()); n != 2 {
		t.Errorf("%d payments", n)
	}
}

// An account that was not proven in time stays so, also for a form that was still open.
func TestAnAccountThatWasNotProvenIsNotSaidToBe(t *testing.T) {
	s := newSite(t, pay.Options{Bank: pay.BankDeposits, NoLimits: true})
	address := s.open(s.link)
	spent := s.keep(paylink.Method{Kind: paylink.MethodBank, Bank: paylink.Bank{Name: "Chase", Last4: "6789"}, BlockedAt: s.now(), Blocked: "code_spent"})
	s.prove(address)
	w := s.ask("POST", address+"/bank/"+spent, url.Values{"code": {"SM11AA"}})
	s.see(w, http.StatusConflict, "Chase ••6789")
	s.hide(s.ask("GET", address, nil), "is confirmed", "is proven")
}

// debitAs posts the form with a method that the page does not offer.
func (s *site) debitAs(address, method string) *httptest.ResponseRecorder {
	form := s.form(s.ask("GET", address, nil))
	form.Set("amount", "150.00")
	form.Set("method", method)
	form.Set("mandate", "on")
	return s.ask("POST", address+"/payments", form)
}

// Only the site's own script links accounts, and says what it means.
func TestLinkingWantsTheSitesOwnScript(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	good := s.chosen(goodAccount)
	for name, tt := range map[string]struct {
		body   string
		header []string
		want   int
	}{
		"another site":     {good, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"a form":           {good, []string{"Content-Type", "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		"plain text":       {good, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"no JSON":          {"{", nil, http.StatusUnprocessableEntity},
		"no token":         {`{"account_id":"a"}`, nil, http.StatusUnprocessableEntity},
		"no account":       {`{"public_token":"p"}`, nil, http.StatusUnprocessableEntity},
		"a made-up token":  {`{"public_token":"public-sandbox-x","account_id":"a"}`, nil, http.StatusConflict},
		"a stolen session": {good, []string{"Cookie", "x=y"}, http.StatusForbidden},
	} {
		who := s
		if name == "a stolen session" {
			who = s.stranger()
		}
		if w := who.post(address+"/bank", tt.body, tt.header...); w.Code != tt.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, tt.want, w.Body)
		}
	}
	if w := s.post(address+"/bank", good); w.Code != http.StatusOK {
		t.Errorf("the site's own: %d %s", w.Code, w.Body)
	}
}

// Link's token is in no page and no address; the browser holds it sealed, for the way back from a bank.
func TestLinkTokenIsGivenToTheScriptAlone(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	page := s.ask("GET", address+"/bank?amount=150.00", nil)
	s.see(page, http.StatusOK, "Connect your bank", "Pay another way")
	s.hide(page, "link-sandbox-")
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self' "+s.box.Env()["PLAID_JS_URL"]) || strings.Contains(csp, "unsafe") {
		t.Error(csp)
	}
	if pay := s.ask("GET", address, nil); strings.Contains(pay.Body.String(), "plaid-link.js") || strings.Contains(pay.Header().Get("Content-Security-Policy"), "plaid") {
		t.Error("the page with the card loads Plaid")
	}
	s.see(s.ask("GET", "/pay/oauth?oauth_state_id=x", nil), http.StatusNotFound)

	w := s.post(address+"/bank/session", `{"amount":"150.00"}`)
	token := regexp.MustCompile(`link-sandbox-[\w-]+`).FindString(w.Body.String())
	if w.Code != http.StatusOK || token == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if strings.Contains(c.Value, token) || !c.HttpOnly {
			t.Errorf("cookie %s", c.Name)
		}
	}
	back := s.ask("GET", "/pay/oauth?oauth_state_id=x", nil)
	s.see(back, http.StatusOK, "Back from your bank")
	s.hide(back, token)
	if !strings.Contains(back.Body.String(), `data-back="`+address+`?amount=150.00"`) {
		t.Error("the amount is lost on the way")
	}
	if w := s.post(address+"/bank/session", `{"resume":true}`); !strings.Contains(w.Body.String(), token) {
		t.Errorf("on the way back: %d %s", w.Code, w.Body)
	}
	// Another browser comes back to nothing, even with the cookie.
	other := s.stranger()
	other.cookies["bank"] = s.cookies["bank"]
	s.see(other.ask("GET", "/pay/oauth?oauth_state_id=x", nil), http.StatusForbidden)
	other.open(s.link)
	s.see(other.ask("GET", "/pay/oauth?oauth_state_id=x", nil), http.StatusNotFound)
	if strings.Contains(s.log.String(), token) {
		t.Error("the token is in the log")
	}
}

// Bank payment is for US dollars, and not where nobody switched it on.
func TestBankIsOfferedInDollarsOnly(t *testing.T) {
	s := bankSite(t)
	_, euro := s.newInvoice(paylink.Invoice{Currency: "EUR", Partial: paylink.PartialRules{Allowed: true, Minimum: 5000}}, 100000)
	address := s.open(euro)
	s.hide(s.ask("GET", address, nil), "Bank account")
	s.see(s.ask("GET", address+"/bank", nil), http.StatusSeeOther)
	if w := s.post(address+"/bank", s.chosen(goodAccount)); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	s.see(s.debitAs(address, "bank"), http.StatusUnprocessableEntity, "Choose a way to pay.")
	off := newSite(t, pay.Options{})
	s.hide(off.ask("GET", off.open(off.link), nil), "Bank account")
}

// A browser without scripts sees the exact sentence before it pays.
func TestReviewSaysTheWholeSentence(t *testing.T) {
	s := bankSite(t)
	address := s.open(s.link)
	method := s.linked(address, goodAccount)
	w := s.debit(address, method, "150.00", func(f url.Values) { f.Del("mandate"); f.Set("review", "on"); f.Set("save", "on") })
	s.see(w, http.StatusOK, "Pay $150.00 from Chase ••6789", "I allow Northwind Studio to debit $150.00", "I also allow Northwind Studio to keep this account", "Change the amount or the way to pay")
	form := s.form(w)
	if form.Get("amount") != "150.00" || form.Get("method") != method || form.Get("save") != "on" || strings.Contains(w.Body.String(), `type="radio"`) {
		t.Errorf("what is reviewed can still change: %v", form)
	}
	form.Set("mandate", "on")
	if w := s.ask("POST", address+"/payments", form); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, readable(w))
	}
	saved, err := s.store.Method(t.Context(), method)
	if err != nil || saved.SavedAt.IsZero() || !strings.Contains(saved.Consent.Text, "Save this account for next time") || saved.Consent.Version != paylink.SaveVersion {
		t.Errorf("saved: %+v %v", saved, err)
	}
	mandate, err := s.store.MandateByPayment(t.Context(), s.paymentsMade()[0].ID)
	if err != nil || !strings.Contains(mandate.Consent.Text, "\n\nI also allow Northwind Studio to keep this account") {
		t.Errorf("the permission of a saved account: %+v %v", mandate, err)
	}
}

// The page of a debit that the bank refused says so in words, and leads on.
func TestRefusedDebitHasItsPage(t *testing.T) {
	s := bankSite(t)
	for reason, want := range map[paylink.DeclineReason]string{
		paylink.DeclinedFunds: "There was too little in Chase ••6789 for $225.00.", paylink.DeclinedClosed: "The bank says that Chase ••6789 is closed.",
		paylink.DeclinedNoAccount: "The bank does not know Chase ••6789.", paylink.DeclinedUnauthorized: "The bank did not allow a debit of Chase ••6789.",
		paylink.DeclinedBankLimit: "$225.00 is over a limit of Chase ••6789.", paylink.DeclinedBankOther: "gave no reason", "": "gave no reason",
	} {
		p := s.put(s.link, paylink.Failed, 22500, func(p *paylink.Payment) {
			p.Method, p.Reason, p.Card, p.Bank = paylink.MethodBank, reason, paylink.Card{}, paylink.Bank{Name: "Chase", Last4: "6789", Type: "checking"}
		})
		page := s.ask("GET", s.open(s.link)+"/payments/"+p.ID, nil)
		s.see(page, http.StatusOK, "Your bank did not pay $225.00", "Nothing was taken.", want, "Pay $225.00 another way", "Change the amount")
		s.hide(page, "insufficient_funds", "account_closed", "card’s")
	}
}
