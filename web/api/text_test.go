package api_test

import (
	"net/http"
	"testing"
)

// PostgreSQL takes no NUL and no broken UTF-8 as text; that is the caller's mistake, not a fault of ours.
func TestWhatIsNoTextIsTheCallersMistake(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for path, want := range map[string]int{
			"payments?invoice_id=%00": 422, "payments?invoice_id=%ff": 422, "payments?cursor=NS8A": 422, "payments?status=%00": 422,
			"invoices?search=%00": 422, "invoices?search=%ff": 422, "invoices?search=a%0ab": 422, "invoices?customer_id=%00": 422,
			"invoices?cursor=NS8A": 422, "customers?cursor=NS__": 422, "customers?%ff=1": 422,
			"payments/%00": 404, "payments/%ff": 404, "payments/%00/receipt.pdf": 404, "invoices/%00": 404, "customers/a%ff": 404,
			"invoices?search=%C3%84": 200,
		} {
			if status, answer := c.send("GET", "/api/v1/"+path, ""); status != want {
				t.Errorf("%s: %d %v", path, status, answer)
			}
		}
		body := `{"customer_id":"\u0000","currency":"USD","lines":[{"description":"x","quantity":1,"unit_amount":1000}]}`
		if status, answer := c.send("POST", "/api/v1/invoices", body); status != 422 {
			t.Errorf("a customer of NUL: %d %v", status, answer)
		}
	})
}

func TestVoidHonoursItsIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		customer := c.customer()
		invoice := func() string {
			id, _ := c.make("/api/v1/invoices", `{"customer_id":"`+customer+`","currency":"USD","lines":[{"description":"x","quantity":1,"unit_amount":1000}]}`)["id"].(string)
			return "/api/v1/invoices/" + id
		}
		first, other := invoice(), invoice()
		for range 2 {
			if status, answer := c.send("POST", first+"/void", "", "Idempotency-Key", "v"); status != 200 || answer["status"] != "void" {
				t.Errorf("void: %d %v", status, answer)
			}
		}
		if status, answer := c.send("POST", other+"/void", "", "Idempotency-Key", "v"); status != http.StatusConflict || answer["code"] != "idempotency.other_request" {
			t.Errorf("the key for another invoice: %d %v", status, answer)
		}
		if _, answer := c.send("GET", other, ""); answer["status"] != "open" {
			t.Errorf("the other invoice is %v", answer["status"])
		}
		if status, _ := c.send("POST", first+"/void", "", "Idempotency-Key", "v\x01"); status != 422 {
			t.Errorf("a key that is no text: %d", status)
		}
	})
}
