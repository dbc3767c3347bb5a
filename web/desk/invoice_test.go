package desk_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

// typed is the form of a new invoice, filled in well.
func (s *site) typed(change url.Values) url.Values {
	form := url.Values{
		"who": {"known"}, "customer_id": {s.customer.ID}, "title": {"Brand refresh, phase 2"}, "number": {""}, "due": {"2026-12-18"},
		"currency": {"USD"}, "capture": {"automatic"}, "partial.allowed": {"on"}, "partial.minimum": {"50.00"},
		"lines[0].description": {"Concept"}, "lines[0].quantity": {"12.5"}, "lines[0].unit_amount": {"48.00"},
		"lines[1].description": {"Sales tax"}, "lines[1].quantity": {"1"}, "lines[1].unit_amount": {"51.00"}, "lines[1].tax": {"on"},
		"do": {"draft"},
	}
	maps.Copy(form, change)
	return form
}

func (s *site) newest() paylink.Invoice {
	s.t.Helper()
	rows, _, err := s.store.Invoices(s.t.Context(), store.InvoiceFilter{Page: store.Page{Limit: 1}})
	must(s.t, err)
	i, err := s.store.Invoice(s.t.Context(), rows[0].Invoice.ID)
	must(s.t, err)
	return i
}

func TestInvoiceIsMadeAsItWasTyped(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	s.advance(time.Second)
	w := s.post("/desk/invoices", s.typed(url.Values{
		"lines[5].description": {"Discount"}, "lines[5].quantity": {"1"}, "lines[5].unit_amount": {"−25.50"}, // after lines that were removed
		"partial.instalments[0].amount": {"250"}, "partial.instalments[0].due_date": {"2026-12-01"},
	}))
	i := s.newest()
	page := s.leads(w, "/desk/invoices/"+i.ID)
	says(t, page, 200, "Draft INV-1001 is saved", "12.5 × $48.00", "$600.00", "-$25.50", "$625.50", "Send Payment Link", "$250.00 by December 1")
	if i.State != paylink.StateDraft || i.Total != money.New(62550, "USD") || len(i.Lines) != 3 || !i.Lines[1].Tax || i.Lines[0].Tax ||
		i.Partial.Minimum != 5000 || i.Partial.Instalments[0] != (paylink.Instalment{Amount: 25000, Due: "2026-12-01"}) || i.Due != "2026-12-18" {
		t.Errorf("%+v", i)
	}
	if again := s.get("/desk/invoices/" + i.ID); strings.Contains(again.Body.String(), "is saved") {
		t.Error("the toast comes twice")
	}
	rows, err := s.store.AuditOf(t.Context(), i.ID, 1)
	must(t, err)
	if !strings.HasPrefix(string(rows[0].Actor), "staff:") {
		t.Errorf("made by %s", rows[0].Actor)
	}
}

func TestWhatWasTypedStaysInAFormThatWasNotTaken(t *testing.T) {
	tests := map[string]struct {
		change url.Values
		says   []string
	}{
		"no customer":       {url.Values{"customer_id": {""}}, []string{"Choose a customer."}},
		"unknown customer":  {url.Values{"customer_id": {"cus_x"}}, []string{"customer"}},
		"price":             {url.Values{"lines[0].unit_amount": {"4.8.0"}}, []string{`value="4.8.0"`, "Type an amount, for example 225.00.", `href="#f-lines-0--unit-amount"`, `id="f-lines-0--unit-amount"`}},
		"comma decimals":    {url.Values{"lines[0].unit_amount": {"48,5"}}, []string{`value="48,5"`, "Type an amount"}},
		"quantity":          {url.Values{"lines[0].quantity": {"a few"}}, []string{`value="a few"`, "Type a quantity, for example 1.5."}},
		"no description":    {url.Values{"lines[1].description": {""}}, []string{"Line 2: This is needed.", `value="51.00"`}},
		"no lines":          {url.Values{"lines[0].description": {""}, "lines[0].quantity": {""}, "lines[0].unit_amount": {""}, "lines[1].description": {""}, "lines[1].unit_amount": {""}}, []string{"This is needed.", `id="f-lines"`}},
		"nothing to pay":    {url.Values{"lines[1].unit_amount": {"-700.00"}}, []string{"The total must be more than zero.", `value="-700.00"`}},
		"too much":          {url.Values{"lines[0].unit_amount": {"99999999999999999"}}, []string{"This is larger than we can bill."}},
		"day":               {url.Values{"due": {"2026-02-31"}}, []string{"Type a day", `value="2026-02-31"`}},
		"currency":          {url.Values{"currency": {"XXX"}}, []string{"This currency is not known here.", `value="Concept"`}},
		"minimum":           {url.Values{"partial.minimum": {"lots"}}, []string{`value="lots"`, "Type an amount"}},
		"minimum over all":  {url.Values{"partial.minimum": {"9999.00"}}, []string{`value="9999.00"`, "This is more than the invoice."}},
		"instalment":        {url.Values{"partial.instalments[0].amount": {"x"}, "partial.instalments[0].due_date": {"2026-12-01"}}, []string{`value="x"`, `value="2026-12-01"`}},
		"number taken":      {url.Values{"number": {"INV-1042"}}, []string{`value="INV-1042"`, `href="#f-number"`}},
		"capture":           {url.Values{"capture": {"soon"}}, []string{"capture"}},
		"script in a field": {url.Values{"title": {`"><script>alert(1)</script>`}, "due": {"x"}}, []string{"&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"}},
		"no new customer":   {url.Values{"who": {"new"}, "new_name": {"Zoë"}, "new_email": {"zoe"}}, []string{`value="Zoë"`, `value="zoe"`, "Type an e-mail address", `href="#f-new-email"`}},
	}
	s := newSite(t).as(paylink.Agent)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := s.post("/desk/invoices", s.typed(tt.change))
			if w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusConflict {
				t.Errorf("status %d", w.Code)
			}
			says(t, w, w.Code, append(tt.says, "Nothing was saved.", `role="alert"`)...)
			if _, changed := tt.change["title"]; !changed {
				says(t, w, w.Code, `value="Brand refresh, phase 2"`)
			}
			if found := rawKey.FindString(w.Body.String()) + hole.FindString(w.Body.String()); found != "" {
				t.Errorf("shows %s", found)
			}
			if i := s.newest(); i.ID != s.invoice.ID {
				t.Errorf("%s was made", i.Number)
			}
			people, _, err := s.store.Customers(t.Context(), store.CustomerFilter{})
			must(t, err)
			if len(people) != 1 {
				t.Errorf("%d customers", len(people))
			}
		})
	}
}

func TestInvoiceBringsItsCustomer(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	fresh := url.Values{"who": {"new"}, "new_name": {"Jonas Berg"}, "new_company": {"Harbor Labs"}, "new_email": {"jonas@harbor.example"}, "number": {"INV-1042"}, "do": {"send"}}
	// The number is taken: the customer is made all the same, and only once.
	says(t, s.post("/desk/invoices", s.typed(fresh)), http.StatusConflict, "Jonas Berg, Harbor Labs", `id="who-known" name="who" value="known" checked`)
	people, _, err := s.store.Customers(t.Context(), store.CustomerFilter{})
	must(t, err)
	if len(people) != 2 || people[0].Email != "jonas@harbor.example" && people[1].Email != "jonas@harbor.example" {
		t.Fatalf("%+v", people)
	}
	s.advance(time.Second)
	fresh.Set("number", "INV-7")
	fresh.Set("new_email", "other@harbor.example")
	w := s.post("/desk/invoices", s.typed(fresh))
	i := s.newest()
	says(t, s.leads(w, "/desk/invoices/"+i.ID+"/send"), 200, "INV-7", `value="other@harbor.example"`)
}

func TestFormChangesWithoutScript(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	w := s.post("/desk/invoices", s.typed(url.Values{"do": {"add"}}))
	says(t, w, 200, `name="lines[2].description"`, `value="Concept"`, "$651.00")
	w = s.post("/desk/invoices", s.typed(url.Values{"do": {"remove-lines[0]"}}))
	says(t, w, 200, `name="lines[0].description" value="Sales tax"`, "$51.00")
	if strings.Contains(w.Body.String(), "Concept") {
		t.Error("the line is still there")
	}
	says(t, s.post("/desk/invoices", s.typed(url.Values{"do": {"find"}, "find": {"nobody"}})), 200, "Nothing matches", `value="nobody"`, `value="Concept"`)
	w = s.post("/desk/invoices/total", s.typed(nil))
	var sums struct {
		Total string
		Lines map[string]string
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &sums))
	if sums.Total != "$651.00" || sums.Lines["lines[0]"] != "$600.00" {
		t.Errorf("%+v", sums)
	}
	if i := s.newest(); i.ID != s.invoice.ID {
		t.Error("an invoice was made")
	}
}

var version = regexp.MustCompile(`name="version" value="(\d+)"`)

// form is the edit form as the page holds it.
func (s *site) form(path string) url.Values {
	s.t.Helper()
	body := s.get(path).Body.String()
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input [^>]*name="([^"]+)"[^>]* value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	form.Set("version", version.FindStringSubmatch(body)[1])
	form.Set("currency", "USD")
	form.Set("capture", "automatic")
	form.Set("do", "save")
	return form
}

func TestEditingKeepsWhatItDoesNotChange(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	path := "/desk/invoices/" + s.invoice.ID + "/edit"
	form := s.form(path)
	form.Set("title", "Brand refresh, phase 3")
	form.Set("partial.allowed", "on")
	says(t, s.leads(s.post(path, form), "/desk/invoices/"+s.invoice.ID), 200, "INV-1042 is saved", "Brand refresh, phase 3")
	now, err := s.store.Invoice(t.Context(), s.invoice.ID)
	must(t, err)
	want := s.invoice
	if now.Title != "Brand refresh, phase 3" || now.Total != want.Total || now.Due != want.Due || now.CustomerID != want.CustomerID ||
		now.Partial.Minimum != want.Partial.Minimum || now.State != want.State || now.IssuedOn != want.IssuedOn || now.Lines[0].Description != "Design" {
		t.Errorf("%+v", now)
	}
}

// Two people edit at once: the second is told, and pressing again does not undo the first.
func TestEditingDoesNotUndoSomebodyElse(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	path := "/desk/invoices/" + s.invoice.ID + "/edit"
	mine, theirs := s.form(path), s.form(path)
	theirs.Set("title", "Theirs")
	s.leads(s.post(path, theirs), "/desk/invoices/"+s.invoice.ID)
	mine.Set("title", "Mine")
	for range 2 {
		w := s.post(path, mine)
		says(t, w, http.StatusConflict, "Somebody changed the invoice", `value="Mine"`)
		mine.Set("version", version.FindStringSubmatch(w.Body.String())[1])
	}
	if now, _ := s.store.Invoice(t.Context(), s.invoice.ID); now.Title != "Theirs" {
		t.Errorf("the title is %q", now.Title)
	}
}

func TestInvoiceStaysAsItIsOnceMoneyMoved(t *testing.T) {
	s := newSite(t)
	s.pay(5000)
	s.as(paylink.Manager)
	page := s.get("/desk/invoices/" + s.invoice.ID)
	says(t, page, 200, "$950.00", "Visa ••4242", "R-2026-000001", "Partly paid")
	for _, act := range []string{"/edit", "/void"} {
		if strings.Contains(page.Body.String(), s.invoice.ID+act) {
			t.Errorf("the page offers %s", act)
		}
		says(t, s.get("/desk/invoices/"+s.invoice.ID+act), http.StatusConflict, "Money moved on this invoice")
		says(t, s.post("/desk/invoices/"+s.invoice.ID+act, url.Values{}), http.StatusConflict, "Money moved on this invoice")
	}
}

func TestVoidInvoiceAsksForNothing(t *testing.T) {
	s := newSite(t).as(paylink.Manager)
	path := "/desk/invoices/" + s.invoice.ID
	says(t, s.get(path+"/void"), 200, "Void INV-1042?", "This cannot be undone.", "Keep the invoice")
	page := s.leads(s.post(path+"/void", nil), path)
	says(t, page, 200, "INV-1042 is void", "Nobody can pay it.")
	if strings.Contains(page.Body.String(), path+"/send") {
		t.Error("its link can still be sent")
	}
	says(t, s.post(path+"/send", url.Values{"to": {"maria@keller.example"}}), http.StatusConflict, "The invoice is void.", "Nothing was sent.")
}

func TestSendMakesALinkForEachAddress(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	path := "/desk/invoices/" + s.invoice.ID
	says(t, s.get(path+"/send"), 200, `value="maria@keller.example"`, "$1,000.00 still to pay, due November 27", "December 27, 2026")
	w := s.post(path+"/send", url.Values{"to": {"maria@keller.example, ap@keller.example"}, "note": {"Hello <b>Maria</b>"}})
	says(t, s.leads(w, path), 200, "2 links sent", "maria@keller.example", "ap@keller.example", "by Agent, until December 27", "Queued")
	links, err := s.store.LinksOf(t.Context(), s.invoice.ID)
	must(t, err)
	if len(links) != 2 || links[0].Note != "Hello <b>Maria</b>" || !strings.HasPrefix(string(links[0].CreatedBy), "staff:") {
		t.Fatalf("%+v", links)
	}
	says(t, s.get(path), 200, "Link sent to ap@keller.example", "Agent, today 12:00 PM")
	for _, l := range links {
		if _, err := s.store.Job(t.Context(), "mail.link", l.ID+"/1"); err != nil {
			t.Errorf("no mail for %s: %v", l.Recipient, err)
		}
	}
}

func TestSendKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	for to, want := range map[string]string{
		"":                                 "Type an e-mail address",
		"maria@keller.example, ap@":        "Address 2 is not an e-mail address.",
		"a@b.example\nBcc: evil@x.example": "is not an e-mail address.",
		strings.Repeat("x@keller.example,y@keller.example,", 8) + manyMailboxes(): "Use 10 or fewer.",
	} {
		w := s.post("/desk/invoices/"+s.invoice.ID+"/send", url.Values{"to": {to}, "note": {"Thank you"}})
		says(t, w, http.StatusUnprocessableEntity, want, "Nothing was sent.", "Thank you</textarea>")
		if links, _ := s.store.LinksOf(t.Context(), s.invoice.ID); len(links) != 0 {
			t.Errorf("%q made %d links", to, len(links))
		}
	}
}

func manyMailboxes() string {
	var b strings.Builder
	for n := range 12 {
		fmt.Fprintf(&b, "p%d@keller.example ", n)
	}
	return b.String()
}

func TestSendingADraftOpensIt(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	draft := s.newInvoice(paylink.Invoice{State: paylink.StateDraft}, 5000)
	path := "/desk/invoices/" + draft.ID
	says(t, s.get(path), 200, "A draft.")
	says(t, s.leads(s.post(path+"/send", url.Values{"to": {"maria@keller.example"}}), path), 200, "Link sent to maria@keller.example", ">Open<")
}

// The firm's usual smallest part is $50.00. It is nothing that anybody typed, so it does not refuse a
// small invoice, nor one in another currency.
func TestSmallestPartThatNobodyTypedBendsToTheInvoice(t *testing.T) {
	one := url.Values{"who": {"known"}, "title": {"Stickers"}, "due": {"2026-12-18"}, "partial.allowed": {"on"}, "do": {"draft"},
		"lines[0].description": {"Stickers"}, "lines[0].quantity": {"1"}}
	tests := map[string]struct {
		currency, price, minimum string
		want                     int64
		says                     string
	}{
		"small":              {"USD", "12.00", "50.00", 1200, ""},
		"large":              {"USD", "120.00", "50.00", 5000, ""},
		"in yen":             {"JPY", "22500", "50.00", 0, ""},
		"in yen, one typed":  {"JPY", "22500", "5000", 5000, ""},
		"typed over all":     {"USD", "12.00", "13.00", 0, "Smallest part: This is more than the invoice."},
		"typed, no such yen": {"JPY", "22500", "50.25", 0, "Smallest part: Type an amount, for example 22500."},
	}
	s := newSite(t).as(paylink.Agent)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.advance(time.Second)
			form := s.form("/desk/invoices/new")
			maps.Copy(form, one)
			form.Set("customer_id", s.customer.ID)
			form.Set("currency", tt.currency)
			form.Set("lines[0].unit_amount", tt.price)
			if form.Get("partial.minimum") != "50.00" {
				t.Fatalf("the form offers %q", form.Get("partial.minimum"))
			}
			form.Set("partial.minimum", tt.minimum)
			w := s.post("/desk/invoices", form)
			if tt.says != "" {
				says(t, w, http.StatusUnprocessableEntity, tt.says, `value="`+tt.minimum+`"`)
				return
			}
			i := s.newest()
			s.leads(w, "/desk/invoices/"+i.ID)
			if string(i.Currency) != tt.currency || i.Partial.Minimum != tt.want || !i.Partial.Allowed {
				t.Errorf("%s %+v", i.Currency, i.Partial)
			}
		})
	}
	t.Run("edited", func(t *testing.T) {
		path := "/desk/invoices/" + s.invoice.ID
		form := s.form(path + "/edit")
		form.Set("lines[0].unit_amount", "12.00")
		s.leads(s.post(path+"/edit", form), path)
		if i, _ := s.store.Invoice(t.Context(), s.invoice.ID); i.Partial.Minimum != 1200 {
			t.Errorf("%+v", i.Partial)
		}
	})
	t.Run("after the form came back", func(t *testing.T) {
		form := s.form("/desk/invoices/new")
		maps.Copy(form, one)
		form.Set("currency", "EUR")
		form.Set("do", "add")
		w := s.post("/desk/invoices", form)
		says(t, w, 200, `name="partial.minimum" value=""`, `name="offered.currency" value="EUR"`, `name="offered.minimum" value=""`)
	})
}

// What a line has wrong says nothing of the rules, which depend on what the lines come to.
func TestMistakeInALineIsOneMistake(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	for field, value := range map[string]string{"quantity": "0", "unit_amount": "x"} {
		w := s.post("/desk/invoices", s.typed(url.Values{
			"lines[0]." + field: {value}, "lines[1].unit_amount": {"1.00"}, "partial.first_minimum": {"60.00"},
		}))
		if n := strings.Count(w.Body.String(), `aria-invalid="true"`); n != 1 || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d fields are wrong (%d)", field, n, w.Code)
		}
	}
}
