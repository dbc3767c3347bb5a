package desk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/access"
	"paylink/store"
)

// open is the least role of every route of the desk. A route that is not here fails the tests: who may
// do what is decided by somebody, never by leaving it out.
var open = map[string]paylink.Role{
	"GET /desk":             paylink.Viewer,
	"POST /desk/tasks/done": paylink.Agent,

	"GET /desk/invoices":                       paylink.Viewer,
	"GET /desk/invoices/new":                   paylink.Agent,
	"POST /desk/invoices":                      paylink.Agent,
	"POST /desk/invoices/total":                paylink.Agent,
	"GET /desk/invoices/:invoice":              paylink.Viewer,
	"GET /desk/invoices/:invoice/edit":         paylink.Agent,
	"POST /desk/invoices/:invoice/edit":        paylink.Agent,
	"GET /desk/invoices/:invoice/void":         paylink.Manager,
	"POST /desk/invoices/:invoice/void":        paylink.Manager,
	"GET /desk/invoices/:invoice/invoice.pdf":  paylink.Viewer,
	"GET /desk/invoices/:invoice/send":         paylink.Agent,
	"POST /desk/invoices/:invoice/send":        paylink.Agent,
	"GET /desk/invoices/:invoice/preview":      paylink.Agent,
	"GET /desk/invoices/:invoice/preview/mail": paylink.Agent,

	"GET /desk/links/:link":             paylink.Agent,
	"POST /desk/links/:link/resend":     paylink.Agent,
	"GET /desk/links/:link/replace":     paylink.Agent,
	"POST /desk/links/:link/replace":    paylink.Agent,
	"GET /desk/invoices/:invoice/take":  paylink.Agent,
	"POST /desk/invoices/:invoice/take": paylink.Agent,
	"GET /desk/links/:link/withdraw":    paylink.Agent,
	"POST /desk/links/:link/withdraw":   paylink.Agent,

	"GET /desk/customers":                 paylink.Viewer,
	"GET /desk/customers/new":             paylink.Agent,
	"POST /desk/customers":                paylink.Agent,
	"GET /desk/customers/:customer":       paylink.Viewer,
	"GET /desk/customers/:customer/edit":  paylink.Agent,
	"GET /desk/customers/:customer/take":  paylink.Agent,
	"POST /desk/customers/:customer/edit": paylink.Agent,

	"GET /desk/customers/:customer/methods/:method/remove":  paylink.Agent,
	"POST /desk/customers/:customer/methods/:method/remove": paylink.Agent,
	"GET /desk/customers/:customer/forget":                  paylink.Agent,
	"POST /desk/customers/:customer/forget":                 paylink.Agent,

	"GET /desk/payments":                         paylink.Viewer,
	"GET /desk/payments/:payment":                paylink.Viewer,
	"GET /desk/payments/:payment/receipt.pdf":    paylink.Viewer,
	"GET /desk/payments/:payment/receipt":        paylink.Agent,
	"POST /desk/payments/:payment/receipt":       paylink.Agent,
	"GET /desk/payments/:payment/permission.pdf": paylink.Viewer,
	"GET /desk/payments/:payment/refund":         paylink.Manager,
	"POST /desk/payments/:payment/refund":        paylink.Manager,
	"GET /desk/payments/:payment/capture":        paylink.Manager,
	"POST /desk/payments/:payment/capture":       paylink.Manager,
	"GET /desk/payments/:payment/void":           paylink.Manager,
	"POST /desk/payments/:payment/void":          paylink.Manager,

	"GET /desk/limits":         paylink.Viewer,
	"POST /desk/limits/links":  paylink.Agent,
	"POST /desk/limits/places": paylink.Agent,
	"POST /desk/limits/cards":  paylink.Manager,
	"GET /desk/limits/pause":   paylink.Manager,
	"POST /desk/limits/pause":  paylink.Manager,

	"GET /desk/drift":                     paylink.Viewer,
	"POST /desk/drift/check":              paylink.Manager,
	"POST /desk/drift/:difference/repair": paylink.Manager,
	"GET /desk/drift/foreign/:intent":     paylink.Manager,
	"POST /desk/drift/foreign/:intent":    paylink.Manager,

	"GET /desk/settings":                   paylink.Admin,
	"POST /desk/settings":                  paylink.Admin,
	"GET /desk/settings/staff":             paylink.Admin,
	"GET /desk/settings/staff/new":         paylink.Admin,
	"POST /desk/settings/staff":            paylink.Admin,
	"GET /desk/settings/keys":              paylink.Admin,
	"POST /desk/settings/keys":             paylink.Admin,
	"GET /desk/settings/keys/:key/revoke":  paylink.Admin,
	"POST /desk/settings/keys/:key/revoke": paylink.Admin,
}

// routes are the addresses of the desk, with what is there filled in.
func (s *site) routes(p paylink.Payment) map[string]string {
	s.t.Helper()
	link := s.newLink()
	if _, err := s.access.AddKey(s.t.Context(), "system", "bookkeeping"); err != nil {
		s.t.Fatal(err)
	}
	keys, err := s.store.APIKeys(s.t.Context())
	must(s.t, err)
	draft := s.newInvoice(paylink.Invoice{State: paylink.StateDraft}, 5000)
	method, debit := s.debit()
	difference := s.drifts()
	all := map[string]string{}
	for _, r := range s.Routes() {
		if !strings.HasPrefix(r.Path, "/desk") || r.Path == "/desk/sign-in" || r.Path == "/desk/sign-out" || r.Method == "echo_route_not_found" {
			continue
		}
		invoice := s.invoice.ID
		if strings.HasSuffix(r.Path, "/edit") || strings.HasSuffix(r.Path, "/void") || strings.HasSuffix(r.Path, "/invoice.pdf") {
			invoice = draft.ID // money moved on the other one
		}
		payment := p.ID
		if s.held != "" && (strings.HasSuffix(r.Path, "/:payment/capture") || strings.HasSuffix(r.Path, "/:payment/void")) {
			payment = s.held
		}
		if strings.HasSuffix(r.Path, "/permission.pdf") {
			payment = debit
		}
		all[r.Method+" "+r.Path] = strings.NewReplacer(":invoice", invoice, ":link", link.ID, ":customer", s.customer.ID,
			":payment", payment, ":key", keys[0].ID, ":method", method, ":intent", "pi_elsewhere", ":difference", difference).Replace(r.Path)
	}
	return all
}

func TestEveryRouteNamesItsRole(t *testing.T) {
	s := newSite(t)
	routes := s.routes(paylink.Payment{ID: "pay_x"})
	for route := range routes {
		if open[route] == "" {
			t.Errorf("%s is in no table", route)
		}
	}
	for route := range open {
		if routes[route] == "" {
			t.Errorf("%s is in the table and not at the desk", route)
		}
	}
}

func TestARoleOpensItsRoutesAndNoOthers(t *testing.T) {
	s := newSite(t)
	s.hold(64000)
	routes := s.routes(s.pay(5000))
	for _, role := range []paylink.Role{paylink.Viewer, paylink.Agent, paylink.Manager, paylink.Admin} {
		s.as(role)
		for route, path := range routes {
			method, _, _ := strings.Cut(route, " ")
			if method == http.MethodPost && role.Can(open[route]) {
				continue // what it does is tried elsewhere
			}
			w := s.ask(method, path, url.Values{})
			if role.Can(open[route]) && w.Code != http.StatusOK {
				t.Errorf("%s %s: %d\n%s", role, route, w.Code, w.Body)
			}
			if !role.Can(open[route]) && (w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "Your role does not include this")) {
				t.Errorf("%s %s: %d, want 403", role, route, w.Code)
			}
		}
	}
}

func TestNobodyGetsInWithoutSigningIn(t *testing.T) {
	s := newSite(t)
	for route, path := range s.routes(paylink.Payment{ID: "pay_x"}) {
		method, _, _ := strings.Cut(route, " ")
		w := s.ask(method, path, url.Values{})
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/desk/sign-in") {
			t.Errorf("%s: %d to %q", route, w.Code, to)
		}
		if w.Body.Len() > 0 {
			t.Errorf("%s says %q", route, w.Body)
		}
	}
}

// A GET shows and does nothing else, whoever makes a browser send it.
func TestLookingChangesNothing(t *testing.T) {
	s := newSite(t)
	s.hold(64000)
	routes := s.routes(s.pay(5000))
	s.as(paylink.Admin)
	count := func() [4]int {
		rows, err := s.store.AuditNewest(t.Context(), 10_000)
		must(t, err)
		links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
		must(t, err)
		keys, err := s.store.APIKeys(t.Context())
		must(t, err)
		counts, err := s.store.InvoiceCounts(t.Context(), "2026-11-23")
		must(t, err)
		return [4]int{len(rows), len(links), len(keys), counts["all"]}
	}
	before := count()
	for route, path := range routes {
		if method, _, _ := strings.Cut(route, " "); method == http.MethodGet {
			s.get(path)
		}
	}
	if after := count(); after != before {
		t.Errorf("audit, links, keys, invoices: %v, before %v", after, before)
	}
}

func TestAFormOfAnotherSiteIsRefused(t *testing.T) {
	s := newSite(t)
	routes := s.routes(paylink.Payment{ID: "pay_x"})
	s.as(paylink.Admin)
	for route, path := range routes {
		if method, _, _ := strings.Cut(route, " "); method != http.MethodPost {
			continue
		}
		if w := s.ask("POST", path, url.Values{}, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", route, w.Code)
		}
	}
}

var (
	rawKey = regexp.MustCompile(`>[^<]*\b(desk|error|word)\.[a-z_]+[a-z_.]*[^<]*<`)
	hole   = regexp.MustCompile(`>[^<]*\{[a-z]+\}[^<]*<`)
	inline = regexp.MustCompile(`style=|<style|<script>|<script [^>]*>[^<]|\son[a-z]+=`)
)

func TestEveryPageIsWhole(t *testing.T) {
	s := newSite(t)
	s.hold(64000)
	p := s.pay(5000)
	routes := s.routes(p)
	s.as(paylink.Admin)
	for route, path := range routes {
		if !strings.HasPrefix(route, "GET") || strings.HasSuffix(path, ".pdf") || strings.HasSuffix(path, "/preview/mail") {
			continue // no page of the desk
		}
		body := strings.ReplaceAll(s.get(path).Body.String(), base, "")
		if n := strings.Count(body, "<h1"); n != 1 {
			t.Errorf("%s has %d h1", path, n)
		}
		if n := strings.Count(body, "button primary"); n > 1 {
			t.Errorf("%s has %d primary buttons", path, n)
		}
		for what, pattern := range map[string]*regexp.Regexp{"a key": rawKey, "an empty place": hole, "inline code": inline} {
			if found := pattern.FindString(body); found != "" {
				t.Errorf("%s shows %s: %s", path, what, found)
			}
		}
		if !strings.Contains(body, "No real money moves") {
			t.Errorf("%s does not say that it is a test", path)
		}
	}
}

func TestWrongPasswordSaysNothingOfWho(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Agent)
	clear(s.cookies)
	known := s.post("/desk/sign-in", url.Values{"email": {"agent@northwind.example"}, "password": {"not this one, no"}})
	unknown := s.post("/desk/sign-in", url.Values{"email": {"nobody@northwind.example"}, "password": {"not this one, no"}})
	says(t, known, http.StatusUnprocessableEntity, "The address and the password do not fit together.", `value="agent@northwind.example"`)
	if strings.Contains(known.Body.String(), "not this one") {
		t.Error("the page repeats the password")
	}
	if known.Code != unknown.Code || strings.ReplaceAll(known.Body.String(), "agent@", "nobody@") != unknown.Body.String() {
		t.Error("the answer tells whether the address is somebody's")
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Agent)
	clear(s.cookies)
	guess := url.Values{"email": {"agent@northwind.example"}, "password": {"not this one, no"}}
	for range 5 {
		s.post("/desk/sign-in", guess)
	}
	// A header that anybody can write does not make it another place or another person.
	w := s.ask("POST", "/desk/sign-in", url.Values{"email": guess["email"], "password": {password}}, "X-Forwarded-For", "203.0.113.9")
	says(t, w, http.StatusServiceUnavailable, "There were many tries.")
	for n := range 30 {
		w = s.ask("POST", "/desk/sign-in", url.Values{"email": {fmt.Sprintf("p%d@northwind.example", n)}, "password": {"x"}}, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n))
	}
	says(t, w, http.StatusServiceUnavailable, "There were many tries.")
}

// Behind a trusted proxy, each client is a place of its own; what it writes itself makes it no other,
// and neither does another address of its IPv6 network.
func TestGuessesAreCountedByClientBehindAProxy(t *testing.T) {
	s := newSite(t)
	try := func(n int, forwarded string) int {
		form := url.Values{"email": {fmt.Sprintf("p%d@northwind.example", n)}, "password": {"x"}}
		r := httptest.NewRequestWithContext(t.Context(), "POST", base+"/desk/sign-in", strings.NewReader(form.Encode()))
		r.RemoteAddr = "10.0.0.1:4000"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", forwarded)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for n := range 30 {
		try(n, fmt.Sprintf("192.0.2.%d, 198.51.100.1", n))
		try(100+n, fmt.Sprintf("2001:db8::%d", n))
	}
	for forwarded, want := range map[string]int{
		"192.0.2.99, 198.51.100.1": http.StatusServiceUnavailable, "2001:db8::ffff": http.StatusServiceUnavailable,
		"198.51.100.2": http.StatusUnprocessableEntity, "2001:db8:0:1::1": http.StatusUnprocessableEntity,
	} {
		if got := try(999, forwarded); got != want {
			t.Errorf("%s: %d, want %d", forwarded, got, want)
		}
	}
}

// A session that somebody else holds is of no use once its owner was disabled or may do less: from the next request on.
func TestFault_X08_SessionCanDoWhatItsOwnerMayNow(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	person, err := s.store.StaffByEmail(t.Context(), "admin@northwind.example")
	must(t, err)
	becomes := func(change func(*paylink.Staff)) {
		t.Helper()
		change(&person)
		must(t, s.store.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateStaff(t.Context(), person) }))
	}
	pages := func() (codes [2]int) {
		return [2]int{s.get("/desk").Code, s.get("/desk/settings").Code}
	}
	if got := pages(); got != [2]int{http.StatusOK, http.StatusOK} {
		t.Fatal(got)
	}
	becomes(func(p *paylink.Staff) { p.Role = paylink.Viewer })
	if got := pages(); got != [2]int{http.StatusOK, http.StatusForbidden} {
		t.Errorf("a viewer now: %v", got)
	}
	becomes(func(p *paylink.Staff) { p.Role, p.DisabledAt = paylink.Admin, s.now() })
	if got := pages(); got != [2]int{http.StatusSeeOther, http.StatusSeeOther} {
		t.Errorf("disabled: %v", got)
	}
}

func TestSessionEnds(t *testing.T) {
	signedIn := func(s *site) bool { return s.get("/desk").Code == http.StatusOK }
	t.Run("by signing out", func(t *testing.T) {
		s := newSite(t).as(paylink.Agent)
		stolen := s.cookies["desk"]
		says(t, s.leads(s.post("/desk/sign-out", nil), "/desk/sign-in"), 200, "You are signed out.")
		s.cookies["desk"] = stolen
		if signedIn(s) {
			t.Error("the cookie still opens the desk")
		}
	})
	t.Run("when nobody is there", func(t *testing.T) {
		s := newSite(t).as(paylink.Agent)
		s.advance(access.SessionIdle - time.Minute)
		if !signedIn(s) {
			t.Error("it ended early")
		}
		s.advance(access.SessionIdle + time.Minute)
		if signedIn(s) {
			t.Error("it goes on")
		}
	})
	t.Run("after a day's work", func(t *testing.T) {
		s := newSite(t).as(paylink.Agent)
		for range 24 * 60 / 20 {
			s.advance(20 * time.Minute)
			s.get("/desk")
		}
		if signedIn(s) {
			t.Error("it goes on")
		}
	})
	t.Run("when the cookie is not ours", func(t *testing.T) {
		s := newSite(t).as(paylink.Agent)
		forged := *s.cookies["desk"]
		forged.Value = "x" + forged.Value[1:]
		s.cookies["desk"] = &forged
		if signedIn(s) {
			t.Error("a forged cookie opens the desk")
		}
	})
}

func TestSignInLeadsBackAndNowhereElse(t *testing.T) {
	tests := map[string]string{
		"/desk/invoices?show=paid": "/desk/invoices?show=paid", "": "/desk", "https://evil.example/desk": "/desk",
		"//evil.example/desk": "/desk", `/\evil.example`: "/desk", "/desk/../l/x": "/desk", "/deskevil": "/desk",
		"javascript:alert(1)": "/desk", "/pay/lnk_x": "/desk", "/desk\r\nSet-Cookie: a=b": "/desk",
	}
	s := newSite(t)
	s.as(paylink.Agent)
	for next, want := range tests {
		clear(s.cookies)
		w := s.post("/desk/sign-in", url.Values{"email": {"agent@northwind.example"}, "password": {password}, "next": {next}})
		if got := w.Header().Get("Location"); got != want && (w.Code != http.StatusUnprocessableEntity || got != "") {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
	}
	clear(s.cookies)
	if to := s.get("/desk/invoices?show=paid").Header().Get("Location"); to != "/desk/sign-in?next=%2Fdesk%2Finvoices%3Fshow%3Dpaid" {
		t.Errorf("asked to sign in at %q", to)
	}
}

func TestSessionCookieIsKeptFromScripts(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	if c := s.cookies["desk"]; !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != int(access.SessionLife/time.Second) {
		t.Errorf("%+v", c)
	}
	if strings.Contains(s.log.String(), s.cookies["desk"].Value[:20]) {
		t.Error("the log has the cookie")
	}
}
