// Package e2e drives the real binary as customers and staff do: in Chromium, over HTTP, with its processes killed
// under it. What it sees is what users see; it imports no code of Paylink's, so it cannot share a mistake with it.
package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"paylink/e2e/browser"
	"paylink/e2e/process"
)

// Test cards. https://docs.stripe.com/testing
const (
	visa         = "4242424242424242"
	noFunds      = "4000000000009995"
	askTheBank   = "4000002500003155"
	tomorrowCard = "1234" // December 2034
)

// demo starts Paylink with sample data and a browser to look at it.
func demo(t *testing.T) (*process.Demo, *browser.Browser) {
	t.Helper()
	return process.StartDemo(t, t.TempDir()), browser.Start(t)
}

// fillCard types a card into Stripe's frame.
func fillCard(tab *browser.Tab, number string) {
	card := tab.In("#card iframe")
	card.Type("[autocomplete=cc-number]", number)
	card.Type("[autocomplete=cc-exp]", tomorrowCard)
	card.Type("[autocomplete=cc-csc]", "123")
}

// mail is one mail in the sandbox's inbox.
type mail struct {
	ID, From, To, Subject, Text, HTML string
	Attachments                       []struct{ Name, Type, URL string }
}

// awaitMail waits for a mail to somebody whose subject has these words.
func awaitMail(t *testing.T, sandbox, to, subject string) mail {
	t.Helper()
	var found mail
	await(t, "a mail to "+to+" about "+subject, func() bool {
		var inbox []mail
		if err := json.Unmarshal(get(t, sandbox+"/inbox.json"), &inbox); err != nil {
			t.Fatalf("the inbox: %v", err)
		}
		i := slices.IndexFunc(inbox, func(m mail) bool { return strings.Contains(m.To, to) && strings.Contains(m.Subject, subject) })
		if i >= 0 {
			found = inbox[i]
		}
		return i >= 0
	})
	return found
}

// get returns what an address answers, which must be 200.
func get(t *testing.T, address string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s: %.300s", address, resp.Status, body)
	}
	return body
}

// invoice is what the API says of one.
type invoice struct {
	ID, Number, Status                  string
	Total, Paid, Pending, Refunded, Due int64
}

// api asks the demo's REST API.
func api(t *testing.T, d *process.Demo, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.BaseURL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.APIKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// moved adds up what Stripe says it moved for an invoice's payments, by its own log.
func moved(t *testing.T, sandbox, invoiceID string) (total int64) {
	t.Helper()
	var log []struct {
		Kind, ID, Status string
		Amount           int64
		Metadata         map[string]string
	}
	if err := json.Unmarshal(get(t, sandbox+"/truth"), &log); err != nil {
		t.Fatalf("the sandbox's log: %v", err)
	}
	counted := map[string]bool{}
	for _, e := range log {
		if e.Kind == "payment_intent" && e.Status == "succeeded" && e.Metadata["paylink_invoice"] == invoiceID && !counted[e.ID] {
			counted[e.ID] = true
			total += e.Amount
		}
	}
	return total
}

// path is an address without its origin.
func path(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}
