package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/static"
	"paylink/store"
	"paylink/store/storetest"
	"paylink/templates"
	"paylink/web/api"
	"paylink/web/page"
)

type client struct {
	t     *testing.T
	store *store.Store
	site  http.Handler
	key   string
	log   *bytes.Buffer
}

func newClient(t *testing.T, s *store.Store) *client {
	t.Helper()
	c := &client{t: t, store: s, log: &bytes.Buffer{}}
	ring, _ := paylink.NewKeyRing("t")
	render := page.New(page.Options{
		Pages: templates.Load(), Files: static.Load(), Ring: ring, BaseURL: "http://127.0.0.1", Firm: s.Firm, Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(c.log, nil)),
	})
	keys := access.New(s, ring, time.Now)
	e := echo.New()
	render.Use(e)
	api.New(render, s, invoicing.New(s, ring, invoicing.Options{BaseURL: "http://127.0.0.1", Now: time.Now}), nil, keys).Register(e)
	c.site = e
	var err error
	if c.key, err = keys.AddKey(t.Context(), "system", "test"); err != nil {
		t.Fatal(err)
	}
	return c
}

// send makes a request and reads the answer as JSON.
func (c *client) send(method, path, body string, headers ...string) (int, map[string]any) {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+c.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n < len(headers); n += 2 {
		r.Header.Set(headers[n], headers[n+1])
	}
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%s %s: %d %q", method, path, w.Code, w.Body)
	}
	if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
		c.t.Errorf("%s %s: %d is answered as %s", method, path, w.Code, w.Header().Get("Content-Type"))
	}
	return w.Code, answer
}

func (c *client) make(path, body string, headers ...string) map[string]any {
	c.t.Helper()
	status, answer := c.send("POST", path, body, headers...)
	if status != http.StatusCreated {
		c.t.Fatalf("%s: %d %v", path, status, answer)
	}
	return answer
}

func (c *client) customer() string {
	c.t.Helper()
	id, _ := c.make("/api/v1/customers", `{"name":"Maria Keller","email":"maria@keller.example"}`)["id"].(string)
	return id
}

func each(t *testing.T, f func(t *testing.T, c *client)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newClient(t, s)) })
}

func TestInvoiceFromNothingToItsLink(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		customer := c.make("/api/v1/customers", `{"name":"Maria Keller","email":"maria@keller.example","external_id":"acc-7"}`)
		invoice := c.make("/api/v1/invoices", `{"customer_id":"`+customer["id"].(string)+`","currency":"usd","due_date":"2027-01-31","number":"A-1",
			"lines":[{"description":"Design","quantity":1.5,"unit_amount":3333},{"description":"Print","quantity":"0.3333","unit_amount":1000},{"description":"VAT 20%","quantity":1,"unit_amount":1067,"tax":true}],
			"partial":{"allowed":true,"minimum":500}}`)
		// 4999.5 rounds half up to 5000, 333.3 to 333: each line once, then the sum.
		for name, want := range map[string]any{"status": "open", "total": 6400.0, "paid": 0.0, "pending": 0.0, "due": 6400.0, "currency": "USD", "number": "A-1", "due_date": "2027-01-31"} {
			if invoice[name] != want {
				t.Errorf("%s is %v, want %v", name, invoice[name], want)
			}
		}
		id := invoice["id"].(string)
		link := c.make("/api/v1/invoices/"+id+"/links", `{"send":true}`)
		token, found := strings.CutPrefix(link["url"].(string), "http://127.0.0.1/l/")
		if _, err := paylink.ParseToken(token); !found || err != nil {
			t.Errorf("link %v", link["url"])
		}
		if strings.Contains(c.log.String(), token) {
			t.Error("the log has the token")
		}
		if status, again := c.send("GET", "/api/v1/invoices/"+id, ""); status != 200 || fmt.Sprint(again) != fmt.Sprint(invoice) {
			t.Errorf("read again: %d %v", status, again)
		}
		if status, list := c.send("GET", "/api/v1/payments?invoice_id="+id, ""); status != 200 || len(list["data"].([]any)) != 0 || list["next_cursor"] != nil {
			t.Errorf("payments: %d %v", status, list)
		}
	})
}

func TestBadBodiesAreRefusedByNameAndMakeNothing(t *testing.T) {
	c := newClient(t, storetest.SQLite(t))
	customer := c.customer()
	invoice := func(change string) string {
		return `{"customer_id":"` + customer + `","currency":"USD","lines":[{"description":"x","quantity":1,"unit_amount":1000` + change
	}
	for name, test := range map[string]struct {
		path, body, field, code string
		status                  int
	}{
		"unknown name":      {"customers", `{"name":"a","email":"a@b.example","admin":true}`, "admin", "json.unknown", 422},
		"nested unknown":    {"invoices", invoice(`,"amount":5}]}`), "lines[0].amount", "json.unknown", 422},
		"repeated name":     {"customers", `{"name":"a","name":"b","email":"a@b.example"}`, "name", "json.repeated", 422},
		"other case":        {"customers", `{"Name":"a","email":"a@b.example"}`, "Name", "json.unknown", 422},
		"float amount":      {"invoices", invoice(`.5}]}`), "lines[0].unit_amount", "json.type", 422},
		"amount 10.0":       {"invoices", strings.Replace(invoice(`}]}`), "1000", "10.0", 1), "lines[0].unit_amount", "json.type", 422},
		"amount as text":    {"invoices", strings.Replace(invoice(`}]}`), "1000", `"10"`, 1), "lines[0].unit_amount", "json.type", 422},
		"amount true":       {"invoices", strings.Replace(invoice(`}]}`), "1000", `true`, 1), "lines[0].unit_amount", "json.type", 422},
		"huge amount":       {"invoices", strings.Replace(invoice(`}]}`), "1000", `99999999999999999999`, 1), "lines[0].unit_amount", "json.type", 422},
		"five places":       {"invoices", strings.Replace(invoice(`}]}`), `"quantity":1`, `"quantity":1.00005`, 1), "lines[0].quantity", "json.type", 422},
		"no quantity":       {"invoices", strings.Replace(invoice(`}]}`), `"quantity":1,`, ``, 1), "lines[0].quantity", "required", 422},
		"zero quantity":     {"invoices", strings.Replace(invoice(`}]}`), `"quantity":1`, `"quantity":0`, 1), "lines[0].quantity", "json.type", 422},
		"no lines":          {"invoices", `{"customer_id":"` + customer + `","currency":"USD","lines":[]}`, "lines", "required", 422},
		"total of nothing":  {"invoices", strings.Replace(invoice(`}]}`), "1000", `0`, 1), "lines", "total_positive", 422},
		"overflow":          {"invoices", strings.Replace(invoice(`}]}`), "1000", `9000000000000000000`, 1), "lines", "too_large", 422},
		"currency":          {"invoices", strings.Replace(invoice(`}]}`), "USD", `XYZ`, 1), "currency", "currency", 422},
		"unknown customer":  {"invoices", strings.Replace(invoice(`}]}`), customer, `cus_x`, 1), "customer_id", "customer.unknown", 422},
		"date":              {"invoices", invoice(`}],"due_date":"31/01/2027"}`), "due_date", "date", 422},
		"capture":           {"invoices", invoice(`}],"capture":"later"}`), "capture", "choice", 422},
		"minimum too large": {"invoices", invoice(`}],"partial":{"allowed":true,"minimum":5000}}`), "partial.minimum", "over_total", 422},
		"address list":      {"customers", `{"name":"a","email":"a@b.example,c@d.example"}`, "email", "email", 422},
		"header injection":  {"customers", `{"name":"a","email":"a@b.example\r\nBcc: c@d.example"}`, "email", "email", 422},
		"line break":        {"customers", `{"name":"a\nb","email":"a@b.example"}`, "name", "one_line", 422},
		"long name":         {"customers", `{"name":"` + strings.Repeat("n", 10_000) + `","email":"a@b.example"}`, "name", "too_long", 422},
		"trailing data":     {"customers", `{"name":"a","email":"a@b.example"} {}`, "", "json.syntax", 422},
		"byte order mark":   {"customers", "\ufeff" + `{"name":"a","email":"a@b.example"}`, "", "json.syntax", 422},
		"invalid UTF-8":     {"customers", "{\"name\":\"a\xff\",\"email\":\"a@b.example\"}", "", "json.syntax", 422},
		"not closed":        {"customers", `{"name":"a"`, "", "json.syntax", 422},
		"an array":          {"customers", `[]`, "", "json.type", 422},
		"deep":              {"customers", strings.Repeat(`{"name":`, 20_000), "", "", 422},
		"too large":         {"customers", `{"name":"` + strings.Repeat("n", 300<<10) + `"}`, "", "", 413},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := c.send("POST", "/api/v1/"+test.path, test.body)
			if status != test.status {
				t.Fatalf("%d %v", status, answer)
			}
			code, field := answer["code"], ""
			if errors, _ := answer["errors"].([]any); len(errors) > 0 {
				first := errors[0].(map[string]any)
				code, field = first["code"], first["field"].(string)
				if detail := first["detail"].(string); detail == "" || strings.Contains(detail, "error.") {
					t.Errorf("said as %q", detail)
				}
			}
			if test.code != "" && (code != test.code || field != test.field) {
				t.Errorf("%v at %q, want %s at %q: %v", code, field, test.code, test.field, answer)
			}
		})
	}
	_, list := c.send("GET", "/api/v1/invoices", "")
	_, customers := c.send("GET", "/api/v1/customers", "")
	if len(list["data"].([]any)) != 0 || len(customers["data"].([]any)) != 1 {
		t.Errorf("something was made: %v %v", list, customers)
	}
}

func TestOnlyAKeyOpens(t *testing.T) {
	c := newClient(t, storetest.SQLite(t))
	for header, code := range map[string]string{
		"": "api.key_missing", "Bearer": "api.key_missing", "Bearer plk_wrong": "api.key_unknown", "Basic " + c.key: "api.key_missing", c.key: "api.key_missing",
	} {
		status, answer := c.send("GET", "/api/v1/invoices", "", "Authorization", header)
		if detail, _ := answer["detail"].(string); status != http.StatusUnauthorized || answer["code"] != code || !strings.Contains(detail, "API key") {
			t.Errorf("%q: %d %v", header, status, answer)
		}
	}
	w := c.ask("GET", "/api/v1/invoices", "Bearer plk_wrong")
	if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="paylink", error="invalid_token"` || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%q as %s", got, w.Header().Get("Content-Type"))
	}
	if status, _ := c.send("POST", "/api/v1/customers", `{}`, "Content-Type", "text/plain"); status != http.StatusUnsupportedMediaType {
		t.Errorf("text: %d", status)
	}
}

// ask sends a request without a body and gives the answer as it is.
func (c *client) ask(method, path, authorization string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequestWithContext(c.t.Context(), method, path, http.NoBody)
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	return w
}

func TestKnownAddressSaysWhatItTakes(t *testing.T) {
	c := newClient(t, storetest.SQLite(t))
	for path, want := range map[string][]string{
		"/api/v1/invoices/inv_1": {"GET"}, "/api/v1/invoices": {"GET", "POST"}, "/api/v1/payments/pay_1/refunds": {"POST"},
	} {
		w := c.ask("DELETE", path, "Bearer "+c.key)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, method := range want {
			if !strings.Contains(w.Header().Get("Allow"), method) {
				t.Errorf("%s allows %q, not %s", path, w.Header().Get("Allow"), method)
			}
		}
	}
	if w := c.ask("DELETE", "/api/v1/nothing", "Bearer "+c.key); w.Code != http.StatusNotFound {
		t.Errorf("no such address: %d", w.Code)
	}
}

func TestAllThatIsWrongWithAnInvoiceIsSaidAtOnce(t *testing.T) {
	c := newClient(t, storetest.SQLite(t))
	for body, want := range map[string]string{
		`{"customer_id":"nope","currency":"USD","lines":[]}`: "customer_id lines",
		`{"customer_id":"nope","currency":"USD","due_date":"x","lines":[{"description":"","unit_amount":5},{"description":"x","quantity":1,"unit_amount":5},{"description":""}]}`: "due_date lines[0].quantity lines[2].quantity customer_id lines[0].description lines[2].description",
		`{"customer_id":"","currency":"XYZ","lines":[]}`: "customer_id currency",
	} {
		_, answer := c.send("POST", "/api/v1/invoices", body)
		var fields []string
		list, _ := answer["errors"].([]any)
		for _, e := range list {
			fields = append(fields, e.(map[string]any)["field"].(string))
		}
		if got := strings.Join(fields, " "); got != want {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestIdempotencyKeyMakesOneObject(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		body := `{"name":"Maria","email":"maria@keller.example"}`
		ids := make([]any, 20)
		var group sync.WaitGroup
		for n := range ids {
			group.Go(func() { ids[n] = c.make("/api/v1/customers", body, "Idempotency-Key", "one")["id"] })
		}
		group.Wait()
		if len(slices.CompactFunc(ids, func(a, b any) bool { return a == b })) != 1 {
			t.Errorf("ids %v", ids)
		}
		if status, answer := c.send("POST", "/api/v1/customers", `{"name":"Other","email":"maria@keller.example"}`, "Idempotency-Key", "one"); status != http.StatusConflict || answer["code"] != "idempotency.other_request" {
			t.Errorf("another request: %d %v", status, answer)
		}
		if status, _ := c.send("POST", "/api/v1/customers", body, "Idempotency-Key", strings.Repeat("k", 256)); status != 422 {
			t.Errorf("long key: %d", status)
		}
		id, _ := c.make("/api/v1/invoices", `{"customer_id":"`+ids[0].(string)+`","currency":"USD","lines":[{"description":"x","quantity":1,"unit_amount":1000}]}`, "Idempotency-Key", "two")["id"].(string)
		first := c.make("/api/v1/invoices/"+id+"/links", `{"send":true}`, "Idempotency-Key", "three")
		again := c.make("/api/v1/invoices/"+id+"/links", `{"send":true}`, "Idempotency-Key", "three")
		if first["url"] != again["url"] {
			t.Error("two links of one key")
		}
		links, err := c.store.LinksOf(t.Context(), id)
		if err != nil || len(links) != 1 {
			t.Errorf("%d links, %v", len(links), err)
		}
	})
}

func TestTakenNamesAndUnknownThings(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		customer := c.customer()
		body := `{"customer_id":"` + customer + `","currency":"USD","number":"A-1","external_id":"e1","lines":[{"description":"x","quantity":1,"unit_amount":1000}]}`
		c.make("/api/v1/invoices", body)
		if status, answer := c.send("POST", "/api/v1/invoices", body); status != http.StatusConflict || strings.Contains(answer["detail"].(string), "error.") {
			t.Errorf("number twice: %d %v", status, answer)
		}
		for _, path := range []string{"invoices/inv_x", "customers/cus_x", "payments/pay_x", "payments/pay_x/receipt.pdf"} {
			if status, _ := c.send("GET", "/api/v1/"+path, ""); status != http.StatusNotFound {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, query := range []string{"limit=0", "limit=101", "limit=x", "status=paid", "cursor=zzz", "invoice=inv_x", "limit=1&limit=2"} {
			if status, answer := c.send("GET", "/api/v1/payments?"+query, ""); status != 422 {
				t.Errorf("%s: %d %v", query, status, answer)
			}
		}
	})
}

func TestListsPageByCursor(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for n := range 7 {
			c.make("/api/v1/customers", fmt.Sprintf(`{"name":"Customer %d","email":"c%d@keller.example"}`, n, n))
		}
		var names []string
		cursor := ""
		for {
			_, page := c.send("GET", "/api/v1/customers?limit=3&cursor="+cursor, "")
			for _, item := range page["data"].([]any) {
				names = append(names, item.(map[string]any)["name"].(string))
			}
			next, more := page["next_cursor"].(string)
			if !more {
				break
			}
			cursor = next
		}
		if got := strings.Join(names, ","); got != "Customer 6,Customer 5,Customer 4,Customer 3,Customer 2,Customer 1,Customer 0" {
			t.Error(got)
		}
	})
}

func TestVoidIsOnceAndOnlyBeforeMoney(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id, _ := c.make("/api/v1/invoices", `{"customer_id":"`+c.customer()+`","currency":"JPY","lines":[{"description":"x","quantity":1,"unit_amount":775}]}`)["id"].(string)
		for range 2 {
			if status, answer := c.send("POST", "/api/v1/invoices/"+id+"/void", ""); status != 200 || answer["status"] != "void" {
				t.Errorf("%d %v", status, answer)
			}
		}
		if status, _ := c.send("POST", "/api/v1/invoices/"+id+"/links", `{"send":true}`); status != http.StatusConflict {
			t.Errorf("a link to a void invoice: %d", status)
		}
	})
}

func TestEveryRouteIsDescribed(t *testing.T) {
	body, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, storetest.SQLite(t))
	e, _ := c.site.(*echo.Echo)
	described := 0
	for _, methods := range doc.Paths {
		described += len(methods)
	}
	served := 0
	for _, route := range e.Routes() {
		path, ours := strings.CutPrefix(route.Path, "/api/v1")
		if !ours || route.Method == echo.RouteNotFound {
			continue
		}
		served++
		if doc.Paths[strings.ReplaceAll(path, ":id", "{id}")][strings.ToLower(route.Method)] == nil {
			t.Errorf("%s %s is not described", route.Method, path)
		}
	}
	if served != described {
		t.Errorf("%d routes, %d described", served, described)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/openapi.json", nil)
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	if served, _ := io.ReadAll(w.Body); !bytes.Equal(served, body) {
		t.Error("the description is not served")
	}
}

func FuzzBody(f *testing.F) {
	f.Add(`{"name":"a","email":"a@b.example"}`)
	f.Add(`{"lines":[{"quantity":"1.5","unit_amount":1}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		api.Decode([]byte(body))
	})
}
