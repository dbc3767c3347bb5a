package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

// What the pictures show is told in words too, and by the figures of the books.
func TestHomePicturesWhatCameInWhatComesAndWhatIsLate(t *testing.T) {
	s := newSite(t).as(paylink.Viewer)
	says(t, s.get("/desk"), 200, "Nothing came in over the last 30 days.", "No bank payment is on its way.", "Nothing is overdue.")
	p := s.pay(22500)
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Payment(t.Context(), p.ID)
		p.SettledAt = s.now() // the sandbox's clock is the real one
		return errors.Join(err, tx.UpdatePayment(t.Context(), p))
	}))
	s.debit()
	s.advance(7 * 24 * time.Hour) // the invoice was due on November 27
	s.as(paylink.Agent)
	page := s.get("/desk")
	says(t, page, 200, "Collected by day", `role="img" aria-label="$225.00 came in over the last 30 days, in 1 payment, on Monday, November 23."`,
		`aria-label="$225.00 came in over the last 14 days`, "<title>Monday, November 23: $225.00, 1 payment</title>", "See as table",
		`<td>Monday, November 23</td><td class="num">1</td><td class="num">$225.00</td>`, "Today",
		"Monday 30", "$50.00 is on its way from banks, in 1 payment, usually by Monday, November 30.",
		"Overdue by age", "$725.00 is overdue on 1 invoice.", "<title>1–7 days: $725.00 on 1 invoice</title>", `href="/desk/invoices?show=overdue">1–7 days</a>`)
	if body := page.Body.String(); strings.Contains(body, "style=") || rawKey.FindString(body)+hole.FindString(body) != "" {
		t.Errorf("a style of its own, or a hole: %s", rawKey.FindString(body)+hole.FindString(body))
	}
}
