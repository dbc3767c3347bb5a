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

func (s *site) token(l paylink.Link) string {
	s.t.Helper()
	address, err := s.invoicing.URL(l)
	if err != nil {
		s.t.Fatal(err)
	}
	return address[strings.LastIndex(address, "/")+1:]
}

// GETs change nothing, whoever makes them: mail scanners open every link there is.
func TestNoGetWritesAnything(t *testing.T) {
	s := newSite(t, pay.Options{})
	p := s.put(s.link, paylink.Unknown, 22500, nil)
	before := s.written()
	address := s.open(s.link)
	for _, path := range []string{
		address, address + "?amount=225.00", address + "?amount=1", address + "?other=1", address + "/quote?amount=225.00", address + "/invoice.pdf", address + "/forward",
		address + "/fresh", address + "/payments/" + p.ID, address + "/payments/" + p.ID + "?x=1", address + "/payments/" + p.ID + "/receipt.pdf",
		address + "/payments", address + "/payments/" + p.ID + "/check", address + "/payments/" + p.ID + "/action", "/v/AAAA-AAAA", "/l/" + s.token(s.link), "/l/" + s.token(s.link) + "?receipt=" + p.ID, address + "/link.svg", address + "?tried=225.00",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			s.ask(method, path, nil)
		}
	}
	if after := s.written(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// written is everything that a page could write: the link, the payments, the jobs, the audit log.
func (s *site) written() string {
	s.t.Helper()
	ctx := s.t.Context()
	link, err := s.store.Link(ctx, s.link.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(link.OpenedAt.String())
	for _, p := range s.paymentsMade() {
		b.WriteString(" " + p.ID + " " + string(p.Status) + " " + p.UpdatedAt.String() + p.CheckedAt.String())
	}
	for _, subject := range []string{s.invoice.ID, s.link.ID} {
		rows, err := s.store.AuditOf(ctx, subject, 100)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, row := range rows {
			b.WriteString("\n" + row.Action)
		}
	}
	links, err := s.store.LinksOf(ctx, s.invoice.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	b.WriteString("\n" + strings.Repeat("link ", len(links)))
	return b.String()
}

// A person's act opens the link, once.
func TestAPersonsActOpensTheLink(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	s.ask("POST", address+"/payments", s.form(s.ask("GET", address, nil))) // without a card: refused, and still a person
	first, err := s.store.Link(t.Context(), s.link.ID)
	if err != nil || first.OpenedAt.IsZero() {
		t.Fatalf("not opened: %v", err)
	}
	s.advance(time.Minute)
	s.ask("POST", address+"/forward", url.Values{"email": {"ap@keller.example"}})
	if again, err := s.store.Link(t.Context(), s.link.ID); err != nil || !again.OpenedAt.Equal(first.OpenedAt) {
		t.Errorf("opened again at %v: %v", again.OpenedAt, err)
	}
}

func TestALinkHasOneSpelling(t *testing.T) {
	s := newSite(t, pay.Options{NoLimits: true})
	token := s.token(s.link)
	swapped := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 32
		case r >= 'A' && r <= 'Z':
			return r + 32
		}
		return r
	}, token)
	for _, wrong := range []string{
		"x", token[:42], token + "A", token + "=", "%20" + token, swapped, token[:42] + "%2e", "%2e%2e%2fl%2f" + token, token + "%00", token + "/", strings.Repeat("A", 43),
		token[:40] + "ééé", strings.Repeat("A", 5000), url.PathEscape(token[:40] + "+/="),
	} {
		w := s.ask("GET", "/l/"+wrong, nil)
		s.see(w, http.StatusNotFound)
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%q got a cookie", wrong)
		}
		s.hide(w, "INV-1042", "Maria")
	}
	// The last character of 43 carries two bits that mean nothing; only one spelling is taken.
	last := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range last {
		if varied := token[:42] + last[i:i+1]; varied != token {
			if w := s.ask("GET", "/l/"+varied, nil); w.Code != http.StatusNotFound {
				t.Errorf("%q: %d", last[i:i+1], w.Code)
			}
		}
	}
}

// A link that ended says so and offers a fresh one, without a word about the invoice; a browser that
// had it open is out as well.
func TestAnEndedLinkTellsNothing(t *testing.T) {
	tests := map[string]struct {
		end   func(*site)
		words []string
	}{
		"expired": {func(s *site) { s.advance(200 * 24 * time.Hour) }, []string{"This link has ended", "It worked until"}},
		"revoked": {func(s *site) {
			if err := s.invoicing.RevokeLink(s.t.Context(), "staff:1", s.link.ID); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"This link was replaced"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, pay.Options{})
			address := s.open(s.link)
			form := s.form(s.ask("GET", address, nil))
			form.Set("confirmation_token", s.card("pm_card_visa"))
			tt.end(s)
			w := s.ask("GET", "/l/"+s.token(s.link), nil)
			s.see(w, http.StatusNotFound, append(tt.words, "Send me a fresh link", "Questions? Northwind Studio", "(503) 555-0142")...)
			s.hide(w, "INV-1042", "Maria", "keller", "1,000", "Brand")
			if len(w.Result().Cookies()) > 0 {
				t.Error("it still gives a cookie")
			}
			if name == "expired" {
				s.advance(-200 * 24 * time.Hour) // the cookie is over as well by then,
				s.link.ExpiresAt = s.now()       // so let the link end while it lives
				s.must(func(tx *store.Tx) error { return tx.UpdateLink(t.Context(), s.link) })
			}
			for _, path := range []string{"", "/invoice.pdf", "/forward"} {
				w := s.ask("GET", address+path, nil)
				s.see(w, http.StatusNotFound, tt.words[0])
				s.hide(w, "INV-1042", "Maria")
			}
			if w := s.ask("POST", address+"/payments", form); w.Code != http.StatusNotFound || s.charges() != 0 {
				t.Errorf("paid through it: %d, %d charges", w.Code, s.charges())
			}
		})
	}
}

func (s *site) must(f func(*store.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(s.t.Context(), f); err != nil {
		s.t.Fatal(err)
	}
}

// Without the cookie every page of a link answers the same, whether there is such a link or not.
func TestWithoutTheLinkThePagesAreClosed(t *testing.T) {
	s := newSite(t, pay.Options{})
	p := s.put(s.link, paylink.Unknown, 22500, nil)
	_, other := s.newInvoice(paylink.Invoice{}, 5000)
	s.open(other) // a visitor of another link
	forged := &http.Cookie{Name: "link_" + s.link.ID, Value: s.cookies["link_"+other.ID].Value}
	var first string
	for _, jar := range []map[string]*http.Cookie{{}, s.cookies, {"a": forged}} {
		s.cookies = jar
		for _, id := range []string{s.link.ID, "lnk_00000000000000000000000000"} {
			for _, path := range []string{"", "/quote", "/invoice.pdf", "/forward", "/payments/" + p.ID, "/payments/" + p.ID + "/receipt.pdf"} {
				w := s.ask("GET", "/pay/"+id+path, nil)
				s.see(w, http.StatusForbidden, "Open the link from the e-mail", "Send me a fresh link")
				s.hide(w, "INV-1042", "Maria")
				if body := strings.ReplaceAll(w.Body.String(), id, ""); first == "" {
					first = body
				} else if body != first {
					t.Errorf("%s%s answers something else", id, path)
				}
			}
			for _, path := range []string{"/payments", "/forward", "/payments/" + p.ID + "/check", "/payments/" + p.ID + "/action"} {
				if w := s.ask("POST", "/pay/"+id+path, url.Values{}, "Accept", "application/json"); w.Code != http.StatusForbidden {
					t.Errorf("%s: %d", path, w.Code)
				}
			}
		}
	}
	s.cookies = map[string]*http.Cookie{}
	s.open(s.link)
	s.advance(12 * time.Hour)
	s.see(s.ask("GET", "/pay/"+s.link.ID, nil), http.StatusForbidden)
	s.advance(-12 * time.Hour)
	s.see(s.ask("GET", "/pay/"+s.link.ID, nil), http.StatusOK)
	if err := s.link.SealToken(s.ring); err != nil { // another token: who came by the first one is out
		t.Fatal(err)
	}
	s.must(func(tx *store.Tx) error { return tx.UpdateLink(t.Context(), s.link) })
	s.see(s.ask("GET", "/pay/"+s.link.ID, nil), http.StatusForbidden)
}

// Whoever asks for a fresh link reads the same; only the right address gets one.
func TestAFreshLinkGoesToItsOwnMailboxAlone(t *testing.T) {
	s := newSite(t, pay.Options{})
	links := func() int {
		all, err := s.store.LinksOf(t.Context(), s.invoice.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	var first string
	for _, ask := range [][2]string{{s.link.ID, "somebody@else.example"}, {"lnk_x", "maria@keller.example"}, {s.link.ID, "maria@keller.example"}} {
		w := s.ask("POST", "/pay/"+ask[0]+"/fresh", url.Values{"email": {ask[1]}})
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%v: %d %s", ask, w.Code, readable(w))
		}
		page := s.ask("GET", w.Header().Get("Location"), nil)
		s.see(page, http.StatusOK, "Look in your mailbox", "If that address belongs to the invoice, a fresh link is on its way.")
		if body := strings.ReplaceAll(page.Body.String(), ask[0], ""); first == "" {
			first = body
		} else if body != first {
			t.Errorf("%v reads something else", ask)
		}
		want := 1
		if ask == [2]string{s.link.ID, "maria@keller.example"} {
			want = 2
		}
		if n := links(); n != want {
			t.Errorf("%v: %d links, want %d", ask, n, want)
		}
	}
	w := s.ask("POST", "/pay/"+s.link.ID+"/fresh", url.Values{"email": {"a@b,c@d"}})
	s.see(w, http.StatusUnprocessableEntity, "Type one e-mail address")
	if !strings.Contains(w.Body.String(), `value="a@b,c@d"`) || !strings.Contains(w.Body.String(), "<title>Error: ") {
		t.Error("what was typed is gone")
	}
}

func TestAColleagueGetsALinkOfTheirOwn(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	s.see(s.ask("GET", address+"/forward", nil), http.StatusOK, "Send it to a colleague", "They get a link of their own. Yours keeps working.")
	for _, email := range []string{"", "x", "a@b,c@d", "a@b.example\r\nBcc: c@d.example", "Ann <ann@keller.example>"} {
		w := s.ask("POST", address+"/forward", url.Values{"email": {email}, "note": {"Hello <b>"}})
		s.see(w, http.StatusUnprocessableEntity, "Type one e-mail address", "Hello <b>")
	}
	w := s.ask("POST", address+"/forward", url.Values{"email": {"ap@keller.example"}, "note": {"For you"}})
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, readable(w))
	}
	s.see(s.ask("GET", w.Header().Get("Location"), nil), http.StatusOK, "The link is on its way", "…@keller.example gets a link of their own.")
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	if err != nil || len(links) != 2 {
		t.Fatalf("%d links: %v", len(links), err)
	}
	for _, l := range links {
		s.see(s.ask("GET", s.open(l), nil), http.StatusOK, "$1,000.00")
	}
}

// Where a request says it went to is not believed: no address of ours is made from it.
func TestTheHostHeaderIsNotRepeated(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	for _, path := range []string{address, address + "/forward", "/l/" + s.token(s.link), "/nothing"} {
		r := s.request("GET", path, nil, "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.example")
		r.Host = "evil.example"
		w := s.answer(r)
		s.hide(w, "evil.example", "gopher")
		if strings.Contains(w.Header().Get("Location"), "evil") {
			t.Errorf("%s leads to %s", path, w.Header().Get("Location"))
		}
	}
}

// Another site cannot make a visitor's browser act.
func TestAnotherSiteCannotAct(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	form.Set("confirmation_token", s.card("pm_card_visa"))
	for _, path := range []string{"/payments", "/forward", "/fresh"} {
		if w := s.ask("POST", address+path, form, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if len(s.paymentsMade()) != 0 {
		t.Error("a payment was made")
	}
}

// Stripe's hosts are open to the pages that need them and to no other.
func TestEveryRouteHasItsPolicy(t *testing.T) {
	s := newSite(t, pay.Options{})
	action := s.pay(s.link, "100.00", "pm_card_authenticationRequired").Header().Get("Location")
	paid := s.pay(s.link, "225.00", "pm_card_visa").Header().Get("Location")
	address := s.open(s.link)
	form := s.form(s.ask("GET", address, nil))
	open := map[string]bool{address: true, action: true}
	for _, path := range []string{address, action, paid, paid + "/receipt.pdf", address + "/invoice.pdf", address + "/forward", address + "/fresh", "/l/" + s.token(s.link), "/l/x", "/v/x", "/pay/lnk_x"} {
		h := s.ask("GET", path, nil).Header()
		csp := h.Get("Content-Security-Policy")
		if got := strings.Contains(csp, s.box.URL()); got != open[path] {
			t.Errorf("%s opens to Stripe: %v: %s", path, got, csp)
		}
		if strings.Contains(csp, "unsafe-eval") || strings.Contains(csp, "*") || !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: %s", path, csp)
		}
		ancestors := "frame-ancestors 'none'"
		if strings.HasSuffix(path, ".pdf") {
			ancestors = "frame-ancestors 'self'"
		}
		referrer := "same-origin"
		if strings.HasPrefix(path, "/l/") {
			referrer = "no-referrer"
		}
		if !strings.Contains(csp, ancestors) || h.Get("Referrer-Policy") != referrer || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if csp := s.ask("POST", address+"/payments", form).Header().Get("Content-Security-Policy"); !strings.Contains(csp, s.box.URL()) {
		t.Errorf("the page shown again cannot load the card form: %s", csp)
	}
}

func FuzzLinkToken(f *testing.F) {
	for _, seed := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("_", 43), "%2e%2e", "é", "..", "A\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := paylink.ParseToken(text)
		if err != nil {
			if paylink.KindOf(err) != paylink.NotFound {
				t.Errorf("refused as %v", err)
			}
			return
		}
		if token.Reveal() != text || token.String() == text || len(token.Hash()) != 64 {
			t.Errorf("%q is read as another token", text)
		}
	})
}

// What another page left to be said is not taken for the address that an invoice was sent on to.
func TestForwardingTellsOfItselfAlone(t *testing.T) {
	s := newSite(t, pay.Options{NoLimits: true})
	address := s.open(s.link)
	visa := s.keep(visaCard)
	s.prove(address)
	s.see(s.ask("POST", address+"/methods/"+visa+"/remove", url.Values{}), http.StatusSeeOther)
	s.see(s.ask("GET", address+"/forward", nil), http.StatusOK, "Their e-mail address")
	s.see(s.ask("GET", address, nil), http.StatusOK, "Visa ••4242") // it is said where it belongs
	s.see(s.ask("POST", address+"/forward", url.Values{"email": {"ap@keller.example"}}), http.StatusSeeOther)
	s.hide(s.ask("GET", address, nil), "@keller.example")
	s.see(s.ask("GET", address+"/forward", nil), http.StatusOK, "The link is on its way", "@keller.example")
	s.see(s.ask("GET", address+"/forward", nil), http.StatusOK, "Their e-mail address")
}

// A receipt's mail opens that receipt, by the link it was paid through; whatever else is asked for leads to the invoice.
func TestALinkOpensTheReceiptOfItsOwnPayment(t *testing.T) {
	s := newSite(t, pay.Options{})
	at := s.pay(s.link, "225.00", "pm_card_visa").Header().Get("Location")
	_, other := s.newInvoice(paylink.Invoice{}, 100000)
	id := at[strings.LastIndex(at, "/")+1:]
	unpaid := s.put(s.link, paylink.Processing, 5000, nil).ID
	stranger := s.stranger()
	for ask, want := range map[string]string{
		id:                           at + "#receipt",
		unpaid:                       "/pay/" + s.link.ID,
		"pay_unknown":                "/pay/" + s.link.ID,
		"//elsewhere.example":        "/pay/" + s.link.ID,
		id + "/../../x":              "/pay/" + s.link.ID,
		"https://elsewhere.example/": "/pay/" + s.link.ID,
	} {
		w := stranger.ask("GET", "/l/"+s.token(s.link)+"?receipt="+url.QueryEscape(ask), nil)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || w.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d to %q, %q", ask, w.Code, w.Header().Get("Location"), w.Header().Get("Referrer-Policy"))
		}
	}
	if w := stranger.ask("GET", "/l/"+s.token(other)+"?receipt="+id, nil); w.Header().Get("Location") != "/pay/"+other.ID {
		t.Errorf("another link leads to %q", w.Header().Get("Location"))
	}
	s.see(stranger.ask("GET", at, nil), http.StatusOK, "Thank you, Maria.")
}

// Paper has the link's address and its code; nobody gets them who did not come by the link.
func TestTheLinkIsAPictureForPaper(t *testing.T) {
	s := newSite(t, pay.Options{})
	address := s.open(s.link)
	w := s.ask("GET", address+"/link.svg", nil)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Body.String(), s.token(s.link)) || !strings.Contains(w.Body.String(), "<path d=\"M0 0h1v1") {
		t.Errorf("%d %s: %.200s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if w := s.stranger().ask("GET", address+"/link.svg", nil); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), s.token(s.link)) {
		t.Errorf("a stranger gets %d", w.Code)
	}
	s.hide(s.ask("GET", address, nil), s.token(s.link))
}
