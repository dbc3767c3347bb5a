package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"paylink"
)

// What is previewed is what would be mailed, and nothing happens by looking at it.
func TestPreviewShowsTheMailAndSendsNothing(t *testing.T) {
	s := newSite(t).as(paylink.Agent)
	at := "/desk/invoices/" + s.invoice.ID
	says(t, s.get(at+"/send"), 200, `formaction="`+at+`/preview"`, "Preview e-mail")
	typed := url.Values{"to": {"ap@keller.example, maria@keller.example"}, "note": {"Thank you <b>Maria</b>"}}.Encode()
	page := s.get(at + "/preview?" + typed)
	says(t, page, 200, "Invoice INV-1042 from Northwind Studio: $1,000.00 due November 27", "ap@keller.example", `<iframe src="`+at+"/preview/mail?", " sandbox ",
		"http://desk.test/l/…", "Thank you &lt;b&gt;Maria&lt;/b&gt;", `name="to" value="ap@keller.example, maria@keller.example"`)
	if policy := page.Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") {
		t.Errorf("the desk's page allows %s", policy)
	}
	mail := s.get(at + "/preview/mail?" + typed)
	says(t, mail, 200, "See and pay invoice INV-1042", "$1,000.00", "http://desk.test/l/…", "Thank you &lt;b&gt;Maria&lt;/b&gt;", "ap@keller.example")
	policy := mail.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'self'", "; sandbox"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the mail's policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-scripts") {
		t.Errorf("the mail may run something: %s", policy)
	}
	says(t, s.get(at+"/send?"+typed), 200, `value="ap@keller.example, maria@keller.example"`, "Thank you &lt;b&gt;Maria&lt;/b&gt;</textarea>")
	if links, _ := s.store.LinksOf(t.Context(), s.invoice.ID); len(links) != 0 {
		t.Errorf("%d links were made", len(links))
	}
	draft := s.newInvoice(paylink.Invoice{State: paylink.StateDraft}, 5000)
	says(t, s.get("/desk/invoices/"+draft.ID+"/preview"), 200, "maria@keller.example", "$50.00", "See and pay invoice")
	if now, _ := s.store.Invoice(t.Context(), draft.ID); now.State != paylink.StateDraft {
		t.Errorf("the draft is %s", now.State)
	}
	says(t, s.as(paylink.Viewer).get(at+"/preview"), http.StatusForbidden)
}
