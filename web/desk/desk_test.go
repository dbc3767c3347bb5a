package desk_test

import (
	"crypto/sha256"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

var (
	newer = regexp.MustCompile(`rel="prev" href="([^"]+)"`)
	older = regexp.MustCompile(`rel="next" href="([^"]+)"`)
	row   = regexp.MustCompile(`<td class="main"><a class="go" href="([^"]+)"`)
)

// walk follows a link from page to page and gives the rows of each.
func (s *site) walk(path string, link *regexp.Regexp) (pages [][]string, last string) {
	for range 20 {
		body := s.get(path).Body.String()
		var rows []string
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			rows = append(rows, m[1])
		}
		pages, last = append(pages, rows), path
		m := link.FindStringSubmatch(body)
		if m == nil {
			return pages, last
		}
		path = html.UnescapeString(m[1])
	}
	s.t.Fatal("the list does not end")
	return nil, ""
}

// Every row is met once on the way to the oldest and once on the way back, also when rows are made
// meanwhile, and the filters go along.
func TestListsPageByKey(t *testing.T) {
	lists := map[string]struct {
		path string
		fill func(*site, int)
	}{
		"invoices": {"/desk/invoices?show=topay", func(s *site, n int) {
			s.newInvoice(paylink.Invoice{Number: fmt.Sprintf("T-%03d", n)}, 5000)
		}},
		"invoices found": {"/desk/invoices?q=part+of&show=all", func(s *site, n int) {
			s.newInvoice(paylink.Invoice{Number: fmt.Sprintf("T-%03d", n), Title: "Part of it"}, 5000)
			s.newInvoice(paylink.Invoice{Number: fmt.Sprintf("U-%03d", n), Title: "Something else"}, 5000)
		}},
		"customers": {"/desk/customers?q=person", func(s *site, n int) {
			_, err := s.invoicing.CreateCustomer(s.t.Context(), "system", paylink.Customer{Name: fmt.Sprintf("Person %d", n), Email: "p@keller.example"})
			must(s.t, err)
		}},
	}
	for name, list := range lists {
		t.Run(name, func(t *testing.T) {
			s := newSite(t).as(paylink.Viewer)
			const rows = 120 // three pages
			for n := range rows {
				if n%3 > 0 { // some of the same moment
					s.advance(time.Second)
				}
				list.fill(s, n)
			}
			down, last := s.walk(list.path, older)
			all := slices.Concat(down...)
			if len(down) != 3 || len(down[0]) != 50 || len(down[1]) != 50 {
				t.Fatalf("%d pages", len(down))
			}
			if unique := slices.Compact(slices.Sorted(slices.Values(all))); len(unique) != len(all) || len(all) < rows {
				t.Errorf("%d rows, %d of them different", len(all), len(unique))
			}
			s.advance(time.Second)
			list.fill(s, rows)
			up, _ := s.walk(last, newer)
			// One page back and down again is the last page.
			above := s.get(last).Body.String()
			below := s.get(html.UnescapeString(newer.FindStringSubmatch(above)[1])).Body.String()
			if again, _ := s.walk(html.UnescapeString(older.FindStringSubmatch(below)[1]), older); !slices.Equal(again[0], down[2]) {
				t.Error("back and down again is another page")
			}
			slices.Reverse(up)
			back := slices.Concat(up...)
			// The newest page is shown whole, so rows of the page below it may be met again.
			back = slices.Compact(back)
			if len(up[0]) != 50 || !slices.Contains(up[0], all[0]) {
				t.Errorf("the way back ends with %d rows", len(up[0]))
			}
			for _, path := range all {
				if !slices.Contains(back, path) {
					t.Errorf("%s is not met on the way back", path)
				}
			}
		})
	}
}

func TestListsRefuseWhatTheyDoNotKnow(t *testing.T) {
	s := newSite(t).as(paylink.Viewer)
	for _, path := range []string{
		"/desk/invoices?after=x", "/desk/invoices?before=%00", "/desk/invoices?show=x", "/desk/payments?show=x", "/desk/invoices?q=a&q=b",
		"/desk/invoices?q=%ff", "/desk/customers?after=AAAA", "/desk/invoices/inv_x", "/desk/customers/cus_x", "/desk/payments/pay_x", "/desk/nothing",
	} {
		if w := s.get(path); w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), "Sign out") {
			t.Errorf("%s: %d\n%s", path, w.Code, w.Body)
		}
	}
}

func TestSearchFindsPartsOfWhatPeopleKnow(t *testing.T) {
	s := newSite(t)
	p := s.pay(5000)
	s.as(paylink.Viewer)
	for path, want := range map[string]string{
		"/desk/invoices?show=all&q=1042": "INV-1042", "/desk/invoices?q=KELLER": "INV-1042", "/desk/invoices?q=brand": "INV-1042",
		"/desk/payments?q=4242": "Maria Keller", "/desk/payments?q=INV-1042": "Visa ••4242", "/desk/payments?q=" + p.ReceiptNumber: "Maria Keller",
		"/desk/payments?show=succeeded": "Visa ••4242", "/desk/customers?q=maria": "maria@keller.example",
	} {
		says(t, s.get(path), 200, want)
	}
	for _, path := range []string{"/desk/invoices?q=nobody", "/desk/payments?q=0000", "/desk/payments?show=failed", "/desk/customers?q=%25"} {
		says(t, s.get(path), 200, "Nothing matches", "Clear filters")
	}
}

func TestLinkIsCopiedResentReplacedAndWithdrawn(t *testing.T) {
	s := newSite(t)
	link := s.newLink()
	address, err := s.invoicing.URL(link)
	must(t, err)
	s.as(paylink.Agent)
	at, invoice := "/desk/links/"+link.ID, "/desk/invoices/"+s.invoice.ID
	says(t, s.get(at), 200, address, "Whoever has this address can see the invoice and pay it.")
	if strings.Contains(s.get(invoice).Body.String(), "/l/") {
		t.Error("the invoice's page tells the address of a link")
	}
	says(t, s.leads(s.post(at+"/resend", nil), invoice), 200, "Link sent again to maria@keller.example")
	if _, err := s.store.Job(t.Context(), "mail.link", link.ID+"/2"); err != nil {
		t.Error(err)
	}
	says(t, s.get(at+"/replace"), 200, "Replace this link?", "stops working at once")
	s.advance(time.Second)
	says(t, s.leads(s.post(at+"/replace", nil), invoice), 200, "A fresh link is on its way to maria@keller.example", "Withdrawn")
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	must(t, err)
	if len(links) != 2 || links[1].RevokedAt.IsZero() || links[0].Usable(s.now()) != nil {
		t.Fatalf("%+v", links)
	}
	says(t, s.get(at), http.StatusConflict, "This link has ended.")
	says(t, s.post(at+"/resend", nil), http.StatusConflict, "This link has ended.")
	fresh := "/desk/links/" + links[0].ID
	says(t, s.get(fresh+"/withdraw"), 200, "Withdraw this link?")
	says(t, s.leads(s.post(fresh+"/withdraw", nil), invoice), 200, "is withdrawn")
}

func TestLinkToCopyIsNotMailed(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	invoice := "/desk/invoices/" + s.invoice.ID
	w := s.post(invoice+"/send", url.Values{"to": {"maria@keller.example"}, "copy": {"on"}})
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	must(t, err)
	address, err := s.invoicing.URL(links[0])
	must(t, err)
	says(t, s.leads(w, "/desk/links/"+links[0].ID), 200, address)
	says(t, s.get(invoice), 200, "Not mailed", "Made to be copied")
	if _, err := s.store.Job(t.Context(), "mail.link", links[0].ID+"/1"); paylink.KindOf(err) != paylink.NotFound {
		t.Errorf("a mail is queued: %v", err)
	}
	if strings.Contains(s.log.String(), strings.TrimPrefix(address, base+"/l/")) {
		t.Error("the log has the token")
	}
}

func TestLinkLifeIsTold(t *testing.T) {
	s := newSite(t)
	link := s.newLink()
	s.as(paylink.Viewer)
	live := func(change func(*paylink.Link)) {
		must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
			l, err := tx.Link(t.Context(), link.ID)
			if err != nil {
				return err
			}
			change(&l)
			return tx.UpdateLink(t.Context(), l)
		}))
	}
	tell := func(state, news string, dots ...string) {
		t.Helper()
		w := s.get("/desk/invoices/" + s.invoice.ID)
		says(t, w, 200, ">"+state+"</strong>", news)
		if got := regexp.MustCompile(`<i(?: class="(\w+)")?>`).FindAllStringSubmatch(w.Body.String(), -1); len(got) == 4 {
			for n := range got {
				if got[n][1] != dots[n] {
					t.Errorf("%s: dot %d is %q", state, n, got[n][1])
				}
			}
		} else {
			t.Errorf("%d dots", len(got))
		}
	}
	tell("Queued", "Waits to be sent", "done", "", "", "")
	live(func(l *paylink.Link) { l.BouncedAt, l.Bounce = s.now(), "550 No such mailbox <b>" })
	tell("Bounced", "Bounced: 550 No such mailbox &lt;b&gt;", "done", "failed", "", "")
	live(func(l *paylink.Link) { l.BouncedAt, l.Bounce, l.SentAt = time.Time{}, "", s.now() })
	tell("Sent", "Sent today 12:00 PM, not opened yet", "done", "done", "", "")
	live(func(l *paylink.Link) { l.OpenedAt = s.now() })
	tell("Opened", "Opened by a person, today 12:00 PM", "done", "done", "done", "")
	live(func(l *paylink.Link) { l.PaidAt = s.now() })
	tell("Paid", "Paid today 12:00 PM", "done", "done", "done", "done")
	live(func(l *paylink.Link) { l.PaidAt, l.ExpiresAt = time.Time{}, s.now() })
	tell("Ended", "Ended November 23", "done", "done", "done", "")
}

func TestKeyIsShownOnce(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	w := s.post("/desk/settings/keys", url.Values{"name": {"bookkeeping"}})
	key := regexp.MustCompile(`plk_[\w-]{43}`).FindString(w.Body.String())
	says(t, w, 200, "The key of bookkeeping", "only time")
	if key == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%q %v", key, w.Header())
	}
	if known, err := s.access.Key(t.Context(), key); err != nil || known.Name != "bookkeeping" {
		t.Errorf("%+v %v", known, err)
	}
	list := s.get("/desk/settings/keys").Body.String()
	if strings.Contains(list, "plk_") || strings.Contains(s.log.String(), "plk_") {
		t.Error("the key is told again")
	}
	for _, c := range s.cookies {
		if strings.Contains(c.Value, "plk_") {
			t.Error("a cookie has the key")
		}
	}
	says(t, s.post("/desk/settings/keys", url.Values{"name": {"bookkeeping"}}), 409, `value="bookkeeping"`, "Nothing was saved.")
	says(t, s.post("/desk/settings/keys", url.Values{"name": {" "}}), 422, "This is needed.")
	keys, err := s.store.APIKeys(t.Context())
	must(t, err)
	at := "/desk/settings/keys/" + keys[0].ID + "/revoke"
	says(t, s.get(at), 200, "Revoke this key?")
	says(t, s.leads(s.post(at, nil), "/desk/settings/keys"), 200, "is revoked", "Revoked November 23")
	if _, err := s.access.Key(t.Context(), key); err == nil {
		t.Error("the key still opens")
	}
	says(t, s.get("/desk/settings/keys/key_x/revoke"), 404, "There is no page at this address.")
}

func TestStaffAreAddedWithARole(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	form := url.Values{"name": {"Ben Okri"}, "email": {"ben@northwind.example"}, "role": {"manager"}, "password": {"short"}}
	w := s.post("/desk/settings/staff", form)
	says(t, w, 422, `value="Ben Okri"`, `value="manager" selected`, "Nothing was saved.")
	if strings.Contains(w.Body.String(), `value="short"`) {
		t.Error("the page repeats the password")
	}
	form.Set("password", password)
	form.Set("role", "owner")
	says(t, s.post("/desk/settings/staff", form), 422, "Nothing was saved.")
	form.Set("role", "manager")
	says(t, s.leads(s.post("/desk/settings/staff", form), "/desk/settings/staff"), 200, "Ben Okri can sign in now", "ben@northwind.example", "Manager")
	says(t, s.post("/desk/settings/staff", form), 409, `href="#f-email"`)
	clear(s.cookies)
	s.leads(s.post("/desk/sign-in", url.Values{"email": {"BEN@northwind.example"}, "password": {password}}), "/desk")
}

// firm is the form of the settings, filled in well.
func firm(change url.Values) url.Values {
	form := url.Values{
		"name": {"Northwind Studio"}, "address": {"Northwind Studio LLC\r\n1420 SE Water Avenue"}, "email": {"billing@northwind.example"},
		"time_zone": {"Europe/Berlin"}, "paper": {"a4"}, "currency": {"EUR"}, "capture": {"manual"}, "partial.allowed": {"on"}, "partial.minimum": {"25.00"},
		"legal_url": {"https://northwind.example/legal"},
	}
	for name, value := range change {
		form[name] = value
	}
	return form
}

func TestSettingsAreSavedWhole(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	says(t, s.leads(s.post("/desk/settings", firm(nil)), "/desk/settings"), 200, "The settings are saved", "Europe/Berlin", `value="25.00"`)
	f, err := s.store.Firm(t.Context())
	must(t, err)
	if f.TimeZone != "Europe/Berlin" || f.Paper != "a4" || f.Currency != "EUR" || f.Capture != paylink.CaptureManual ||
		f.Partial.Minimum != 2500 || len(f.Address) != 2 || f.Locale != "en" {
		t.Errorf("%+v", f)
	}
	says(t, s.get("/desk/invoices/new"), 200, `value="EUR" selected`, `value="manual" selected`, `value="25.00"`)
}

func TestSettingsKeepWhatWasTyped(t *testing.T) {
	s := newSite(t).as(paylink.Admin)
	for name, wrong := range map[string]url.Values{
		"Name":          {"name": {""}},
		"E-mail":        {"email": {"billing"}},
		"Time zone":     {"time_zone": {"Portland"}},
		"Legal notice":  {"legal_url": {"http://northwind.example"}},
		"Currency":      {"currency": {"XXX"}},
		"Paper":         {"paper": {"napkin"}},
		"Smallest part": {"partial.minimum": {"some"}},
		"Address":       {"address": {"1\n2\n3\n4\n5\n6\n7"}},
	} {
		w := s.post("/desk/settings", firm(wrong))
		says(t, w, 422, name+": ", "Nothing was saved.")
		for _, typed := range wrong {
			if typed[0] != "" && name != "Currency" && name != "Paper" {
				says(t, w, 422, typed[0])
			}
		}
	}
	if f, _ := s.store.Firm(t.Context()); f.TimeZone != "America/Los_Angeles" {
		t.Errorf("%+v", f)
	}
}

func TestCustomerIsMadeAndChanged(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	says(t, s.post("/desk/customers", url.Values{"name": {"Zoë"}, "email": {"zoe@"}, "phone": {"1"}}), 422, `value="Zoë"`, `value="zoe@"`, "E-mail: ")
	w := s.post("/desk/customers", url.Values{"name": {"Zoë Łukasik"}, "company": {"Straße & Söhne"}, "email": {"zoe@strasse.example"}, "external_id": {"K-7"}})
	page := s.leads(w, w.Header().Get("Location"))
	says(t, page, 200, "Zoë Łukasik is saved", "Straße &amp; Söhne", "K-7", "No invoice yet.")
	says(t, s.post("/desk/customers", url.Values{"name": {"Other"}, "email": {"o@x.example"}, "external_id": {"K-7"}}), 409, `href="#f-external-id"`)
	at := "/desk/customers/" + s.customer.ID
	says(t, s.get(at+"/edit"), 200, `value="maria@keller.example"`)
	says(t, s.leads(s.post(at+"/edit", url.Values{"name": {"Maria Keller"}, "email": {"new@keller.example"}}), at), 200, "new@keller.example", "INV-1042", "Customer changed")
}

func TestReceiptIsSentToAnyMailbox(t *testing.T) {
	s := newSite(t)
	p := s.pay(5000)
	s.as(paylink.Agent)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at), 200, "$50.00 from Maria Keller", "Visa ••4242", p.PaymentIntent, "R-2026-000001", "What happened")
	says(t, s.get(at+"/receipt"), 200, "Resend receipt", `value="maria@keller.example"`)
	says(t, s.post(at+"/receipt", url.Values{"to": {"nobody"}}), 422, `value="nobody"`, "Nothing was sent.")
	s.advance(time.Second)
	for range 2 { // pressed twice
		s.leads(s.post(at+"/receipt", url.Values{"to": {"books@keller.example"}}), at)
	}
	mailbox := sha256.Sum256([]byte("books@keller.example"))
	key := fmt.Sprintf("%s/1/%x/", p.ReceiptID, mailbox[:6])
	job, err := s.store.Job(t.Context(), "mail.receipt", key+"1")
	must(t, err)
	if want := fmt.Sprintf(`{"receipt_id":%q,"revision":1,"to":"books@keller.example"}`, p.ReceiptID); string(job.Payload) != want {
		t.Errorf("%s", job.Payload)
	}
	if _, err := s.store.Job(t.Context(), "mail.receipt", key+"2"); err == nil {
		t.Error("two presses are two mails")
	}
	log, err := s.store.AuditOf(t.Context(), p.ID, 10)
	must(t, err)
	if !slices.ContainsFunc(log, func(r store.AuditRow) bool {
		return r.Action == "receipt.resent" && strings.HasPrefix(string(r.Actor), "staff:")
	}) {
		t.Errorf("%+v", log)
	}
	pdf := s.get(at + "/receipt.pdf")
	if !strings.HasPrefix(pdf.Body.String(), "%PDF-") || pdf.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("%d %v", pdf.Code, pdf.Header())
	}
	says(t, s.get(at+"/receipt.pdf?revision=7"), 404)
	says(t, s.get(at+"/receipt.pdf?revision=x"), 404)
}

func TestFirstPageTellsHowTheFirmStands(t *testing.T) {
	s := newSite(t)
	s.pay(5000)
	s.newInvoice(paylink.Invoice{Number: "INV-9", Due: "2026-11-01"}, 7500)
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertTask(t.Context(), "payment.excess", "pay_x", "task.overpaid", map[string]any{"excess": money.New(500, "USD"), "invoice": "INV-1042"}, s.now())
	}))
	s.as(paylink.Viewer)
	w := s.get("/desk")
	says(t, w, 200, "Monday, November 23", "Collected in November", "$50.00", "1 payment", "$1,025.00", "$75.00 overdue on 1 invoice",
		"$5.00 more than was still to pay arrived for INV-1042", "/desk/payments/pay_x", "$50.00 paid", "INV-1042, Maria Keller")
	if strings.Contains(w.Body.String(), "/desk/settings") || strings.Contains(w.Body.String(), "/desk/invoices/new") {
		t.Error("a viewer is offered what they may not do")
	}
	s.as(paylink.Agent)
	says(t, s.post("/desk/tasks/done", url.Values{"kind": {"payment.excess"}, "subject": {"pay_y"}}), 404)
	w = s.post("/desk/tasks/done", url.Values{"kind": {"payment.excess"}, "subject": {"pay_x"}})
	says(t, s.leads(w, "/desk"), 200, "That is done", "Nothing needs you.")
	says(t, s.post("/desk/tasks/done", url.Values{"kind": {"payment.excess"}, "subject": {"pay_x"}}), 404)
}
