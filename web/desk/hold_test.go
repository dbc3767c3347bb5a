package desk_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

// hold makes a payment of an invoice of its own that is held and not charged.
func (s *site) hold(minor int64) paylink.Payment {
	s.t.Helper()
	p := s.press(s.newInvoice(paylink.Invoice{Number: "INV-640", Capture: paylink.CaptureManual}, minor), minor)
	if p.Status != paylink.Authorized {
		s.t.Fatalf("the payment is %s", p.Status)
	}
	s.held = p.ID
	return p
}

// fault makes the sandbox fail calls; no times is every time.
func (s *site) fault(match, mode string, times int) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"match": match, "mode": mode, "times": times})
	must(s.t, err)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.box.URL()+"/faults", bytes.NewReader(body))
	must(s.t, err)
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	must(s.t, err)
	_ = answer.Body.Close()
	if answer.StatusCode >= 300 {
		s.t.Fatalf("fault: %d", answer.StatusCode)
	}
}

// stands fails unless the payment has the status and the amount.
func (s *site) stands(p paylink.Payment, status paylink.PaymentStatus, minor int64) {
	s.t.Helper()
	p, err := s.store.Payment(s.t.Context(), p.ID)
	must(s.t, err)
	if p.Status != status || p.Amount.Minor != minor {
		s.t.Errorf("the payment is %s %s, want %s %d", p.Status, p.Amount, status, minor)
	}
}

func TestPartOfAHoldIsCapturedAndTheRestLetGo(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at), 200, "Capture $640.00", `href="`+at+`/void"`)
	until := p.CaptureBefore.In(time.FixedZone("", -8*3600)).Format("January 2")
	says(t, s.get(at+"/capture"), 200, "Capture from Visa ••4242", `value="640.00"`, "Maria Keller is held until", until, "Keep holding it", "The rest is let go.")
	page := s.leads(s.post(at+"/capture", url.Values{"amount": {"400"}}), at)
	says(t, page, 200, "$400.00 is charged, $240.00 is let go", "Capture of $400.00 asked for", "Manager", "R-2026-000001")
	if strings.Contains(page.Body.String(), at+"/capture") || strings.Contains(page.Body.String(), at+"/void") {
		t.Error("what is charged is offered to be captured again")
	}
	s.stands(p, paylink.Succeeded, 40000)
	balance, err := s.store.Balance(t.Context(), p.InvoiceID)
	must(t, err)
	if balance.Due() != 24000 {
		t.Errorf("still to pay: %d", balance.Due())
	}
}

func TestCaptureTakesAllThatIsHeldUnlessToldOtherwise(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	page := s.leads(s.post(at+"/capture", url.Values{"amount": {"640.00"}}), at)
	says(t, page, 200, "$640.00 is charged")
	if strings.Contains(page.Body.String(), "is let go") {
		t.Error("something is let go")
	}
	s.stands(p, paylink.Succeeded, 64000)
}

func TestCaptureRefusesWhatIsNotHeldAndKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	for typed, want := range map[string]string{
		"640.01": "No more than $640.00 is held.", "99999999999999999999": "No more than $640.00 is held.", "0": "The smallest amount is $0.01.",
		"-5": "The smallest amount is $0.01.", "": "Type an amount, for example 640.00.", "all of it": "Type an amount", "6,40": "Type an amount",
	} {
		says(t, s.post("/desk/payments/"+p.ID+"/capture", url.Values{"amount": {typed}}), 422, `value="`+typed+`"`, "Amount: "+want, "Nothing was charged.", `aria-invalid="true"`)
	}
	s.stands(p, paylink.Authorized, 64000)
}

func TestVoidLetsAHoldGo(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at+"/void"), 200, "Let go of $640.00?", "Keep holding it", "Let go", "held until", "INV-640 can be paid again")
	says(t, s.leads(s.post(at+"/void", nil), at), 200, "$640.00 is let go", "Letting go of $640.00 asked for", "Canceled")
	s.stands(p, paylink.Canceled, 64000)
	log, err := s.store.AuditOf(t.Context(), p.ID, 20)
	must(t, err)
	if !slices.ContainsFunc(log, func(r store.AuditRow) bool {
		return r.Action == "payment.void_asked" && strings.HasPrefix(string(r.Actor), "staff:")
	}) {
		t.Errorf("nobody asked: %+v", log)
	}
}

func TestAHoldEndsOnce(t *testing.T) {
	for first, status := range map[string]paylink.PaymentStatus{"/capture": paylink.Succeeded, "/void": paylink.Canceled} {
		s := newSite(t)
		p := s.hold(64000)
		s.as(paylink.Manager)
		at, form := "/desk/payments/"+p.ID, url.Values{"amount": {"640.00"}}
		s.leads(s.post(at+first, form), at)
		for _, act := range []string{"/capture", "/void"} {
			says(t, s.post(at+act, form), http.StatusConflict, "This payment is not held")
			says(t, s.get(at+act), http.StatusConflict, "This payment is not held")
		}
		s.stands(p, status, 64000)
	}
}

func TestOnlyAManagerEndsAHold(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Agent)
	at := "/desk/payments/" + p.ID
	if page := s.get(at).Body.String(); strings.Contains(page, at+"/capture") || strings.Contains(page, at+"/void") {
		t.Error("an agent is offered what they may not do")
	}
	for _, act := range []string{"/capture", "/void"} {
		says(t, s.post(at+act, url.Values{"amount": {"640.00"}}), http.StatusForbidden, "Your role does not include this")
	}
	s.stands(p, paylink.Authorized, 64000)
}

func TestWhatStripeDidNotDoIsTold(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	s.fault("POST /v1/payment_intents/*/capture", "500_before", 0)
	s.fault("POST /v1/payment_intents/*/cancel", "500_before", 0)
	says(t, s.post(at+"/capture", url.Values{"amount": {"400"}}), http.StatusServiceUnavailable, "This did not work", "The amount is held as before", `value="400"`)
	says(t, s.post(at+"/void", nil), http.StatusServiceUnavailable, "Let go of $640.00?", "The amount is held as before")
	s.fault("GET /v1/payment_intents/*", "500_before", 0)
	says(t, s.post(at+"/capture", url.Values{"amount": {"400"}}), http.StatusServiceUnavailable, "What became of it is not known yet", `value="400"`)
	s.stands(p, paylink.Authorized, 64000)
}
