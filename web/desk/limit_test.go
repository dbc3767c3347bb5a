package desk_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
	"paylink/store"
)

// lock makes what declines and many payments make.
func (s *site) lock(link paylink.Link, place string) {
	s.t.Helper()
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		now := s.now()
		for range 60 {
			if _, err := tx.CountLimit(s.t.Context(), "press:"+place, now, time.Hour); err != nil {
				return err
			}
		}
		if _, err := tx.PutPayLock(s.t.Context(), store.PayLock{Subject: store.AllCards, Why: store.LockBreaker, Declines: 21, LockedAt: now, EndsAt: now.Add(time.Hour)}); err != nil {
			return err
		}
		if _, err := tx.PutPayLock(s.t.Context(), store.PayLock{Subject: link.ID, Why: store.LockDeclines, Declines: 8, LockedAt: now}); err != nil {
			return err
		}
		if err := tx.InsertTask(s.t.Context(), "limit.cards", store.AllCards, "task.cards_paused", map[string]any{"n": 21, "paid": 3}, now); err != nil {
			return err
		}
		return tx.InsertTask(s.t.Context(), "limit.link", link.ID, "task.link_locked", map[string]any{"invoice": s.invoice.Number, "invoice_id": s.invoice.ID, "n": 8}, now)
	}))
	s.advance(time.Minute)
}

// What is held back is told on the first page, shown on one of its own, and let through by whoever may.
func TestStaffSeeWhatIsHeldBackAndLetItThrough(t *testing.T) {
	s := newSite(t)
	link := s.newLink()
	s.lock(link, "192.0.2.7")
	brake := func(place string, want payments.Brake) {
		t.Helper()
		stop, err := s.payments.Judge(t.Context(), link, place, true)
		if err != nil || stop.Why != want {
			t.Errorf("brake %q, %v; want %q", stop.Why, err, want)
		}
	}
	home := s.as(paylink.Agent).get("/desk").Body.String()
	for _, want := range []string{"The link to INV-1042 is locked after", "Card payments take a pause", `href="/desk/limits"`} {
		if !strings.Contains(home, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	page := s.get("/desk/limits").Body.String()
	for _, want := range []string{"Paused because many cards were declined", "INV-1042", "maria@keller.example", "cards were declined; locked", "192.0.2.7", "payments within an hour, until"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "Take cards again") {
		t.Error("an agent is offered what a manager does")
	}
	brake("", payments.BrakeLocked)
	s.leads(s.post("/desk/limits/links", url.Values{"key": {link.ID}}), "/desk/limits")
	brake("", payments.BrakeCards)
	if w := s.post("/desk/limits/cards", nil); w.Code != http.StatusForbidden {
		t.Errorf("an agent took cards again: %d", w.Code)
	}
	s.as(paylink.Manager)
	s.leads(s.post("/desk/limits/cards", nil), "/desk/limits")
	brake("", payments.BrakeNone)
	brake("192.0.2.7", payments.BrakePlace)
	s.leads(s.post("/desk/limits/places", url.Values{"key": {"192.0.2.7"}}), "/desk/limits")
	brake("192.0.2.7", payments.BrakeNone)
	if open, err := s.store.Tasks(t.Context(), true); err != nil || len(open) != 0 {
		t.Errorf("tasks left: %v %v", open, err)
	}
	if w := s.post("/desk/limits/links", url.Values{"key": {link.ID}}); w.Code != http.StatusConflict {
		t.Errorf("unlocked twice: %d", w.Code)
	}
	page = s.get("/desk/limits").Body.String()
	for _, want := range []string{"Cards are taken.", "No link is locked.", "Nobody waits."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestAManagerPausesNewCards(t *testing.T) {
	s := newSite(t)
	link := s.newLink()
	if w := s.as(paylink.Agent).get("/desk/limits/pause"); w.Code != http.StatusForbidden {
		t.Errorf("an agent: %d", w.Code)
	}
	if body := s.as(paylink.Manager).get("/desk/limits/pause").Body.String(); !strings.Contains(body, "Pause new cards?") {
		t.Error(body)
	}
	s.leads(s.post("/desk/limits/pause", nil), "/desk/limits")
	s.advance(48 * time.Hour)
	if stop, err := s.payments.Judge(t.Context(), link, "", true); err != nil || stop.Why != payments.BrakeCards {
		t.Errorf("%+v %v", stop, err)
	}
	if body := s.as(paylink.Viewer).get("/desk/limits").Body.String(); !strings.Contains(body, "Paused by staff since") || strings.Contains(body, "<button class=\"button primary\">Take") {
		t.Error(body)
	}
}
