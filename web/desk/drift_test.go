package desk_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/store"
)

// atStripe does what a person does in Stripe's dashboard, or another program, and gives the id of what
// it made.
func (s *site) atStripe(path string, form url.Values) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.box.URL()+path, strings.NewReader(form.Encode()))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(s.box.Env()["STRIPE_SECRET_KEY"], "")
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	must(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	var made struct {
		ID    string
		Error struct{ Message string }
	}
	must(s.t, json.NewDecoder(answer.Body).Decode(&made))
	if made.ID == "" {
		s.t.Fatalf("%s: %s", path, made.Error.Message)
	}
	return made.ID
}

// elsewhere has the customer pay at Stripe, past us, and has the two compared.
func (s *site) elsewhere(minor string) string {
	s.t.Helper()
	s.pay(5000)
	customer, err := s.store.Customer(s.t.Context(), s.customer.ID)
	must(s.t, err)
	intent := s.atStripe("/v1/payment_intents", url.Values{
		"amount": {minor}, "currency": {"usd"}, "customer": {customer.StripeCustomer}, "payment_method": {"pm_card_visa"}, "confirm": {"true"}, "payment_method_types[]": {"card"},
	})
	_, err = s.payments.Reconcile(s.t.Context(), nil)
	must(s.t, err)
	return intent
}

func TestNothingDiffers(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Viewer)
	says(t, s.get("/desk/drift"), 200, "Nothing differs", "Not checked yet")
	s.pay(5000)
	_, err := s.payments.Reconcile(t.Context(), nil)
	must(t, err)
	s.advance(4 * time.Minute)
	page := s.get("/desk/drift")
	says(t, page, 200, "Nothing differs", "Paylink and Stripe agree. Checked 4 minutes ago.")
	if strings.Contains(page.Body.String(), `class="count"`) || strings.Contains(page.Body.String(), "Check now") {
		t.Error("a count of nothing, or a button that is not theirs")
	}
}

func TestAPaymentMadeElsewhereIsAppliedToAnInvoice(t *testing.T) {
	s := newSite(t)
	intent := s.elsewhere("60000")
	s.as(paylink.Manager)
	at := "/desk/drift/foreign/" + intent
	says(t, s.get("/desk"), 200, `<span class="count">1</span>`, "1 difference to repair", "See drift")
	says(t, s.get("/desk/drift"), 200, "1 difference", "Not ours, Maria Keller", "nothing", "$600.00", "Best match: INV-1042, $950.00 open.", at)
	says(t, s.get(at), 200, "Apply $600.00 to an invoice", "INV-1042, Brand refresh: $950.00 open", "Nobody is charged.", "Leave it")
	other, err := s.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Somebody Else", Email: "else@keller.example"})
	must(t, err)
	mine := s.customer
	s.customer = other
	theirs := s.newInvoice(paylink.Invoice{Number: "INV-7"}, 60000)
	s.customer = mine
	for _, invoice := range []string{theirs.ID, "inv_x", ""} {
		says(t, s.post(at, url.Values{"invoice": {invoice}}), 422, "Choose an invoice of this customer.", "Nothing was booked.", `aria-invalid="true"`)
	}
	w := s.post(at, url.Values{"invoice": {s.invoice.ID}})
	page := s.leads(w, w.Header().Get("Location"))
	says(t, page, 200, "$600.00 is booked on INV-1042", "$600.00 from Maria Keller", ">Paid</span>", "applied to the invoice")
	balance, err := s.store.Balance(t.Context(), s.invoice.ID)
	must(t, err)
	if balance.Due() != 35000 {
		t.Errorf("still to pay: %d", balance.Due())
	}
	if tasks, err := s.store.Tasks(t.Context(), true); err != nil || len(tasks) != 0 {
		t.Errorf("tasks are open: %+v %v", tasks, err)
	}
	says(t, s.post(at, url.Values{"invoice": {s.invoice.ID}}), http.StatusConflict, "Manager has put this payment on INV-1042.", "Back to the differences")
	says(t, s.get("/desk/drift"), 200, "Nothing differs", "Repaired this week", "applied to the invoice", "Manager")
}

// Somebody said which invoice it is for and Stripe could not be told: it is that invoice, also when it was paid
// meanwhile, and nobody is left with a payment that can go nowhere.
func TestAPaymentThatWasSaidToBeForAnInvoiceCanBeFinished(t *testing.T) {
	s := newSite(t)
	intent := s.elsewhere("60000")
	s.as(paylink.Manager)
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.ClaimForeignPayment(t.Context(), intent, "pay_claimed", s.invoice.ID, "staff:1")
		return err
	}))
	s.pay(95000)
	at := "/desk/drift/foreign/" + intent
	says(t, s.get("/desk/drift"), 200, "Best match: INV-1042, $0.00 open.")
	says(t, s.get(at), 200, "INV-1042, Brand refresh: $0.00 open")
	w := s.post(at, url.Values{"invoice": {s.invoice.ID}})
	says(t, s.leads(w, w.Header().Get("Location")), 200, "$600.00 is booked on INV-1042")
	says(t, s.get("/desk/drift"), 200, "Nothing differs")
}

func TestARefundMadeAtStripeIsBookedByItsRepair(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	refund := s.atStripe("/v1/refunds", url.Values{"payment_intent": {p.PaymentIntent}, "amount": {"4000"}})
	id := paylink.NewID("dif", s.now())
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		return tx.PutDifference(t.Context(), store.Difference{ID: id, Kind: "refund_lost", Subject: refund, PaymentID: p.ID, Theirs: "40.00 USD succeeded", SeenAt: s.now()})
	}))
	s.as(paylink.Manager)
	says(t, s.get("/desk/drift"), 200, "INV-1042, Maria Keller", "A refund of a payment that has not arrived here", "$40.00", "succeeded", "Book the refund", "/desk/drift/"+id+"/repair")
	at := "/desk/drift/" + id + "/repair"
	says(t, s.leads(s.post(at, nil), "/desk/drift"), 200, "The refund is booked", "Nothing differs", "Refund of $40.00 booked as Stripe has it")
	if list := s.refunds(p); len(list) != 1 || list[0].Amount.Minor != 4000 {
		t.Errorf("refunds: %+v", list)
	}
	says(t, s.leads(s.post(at, nil), "/desk/drift"), 200, "The two agree by now")
	if list := s.refunds(p); len(list) != 1 {
		t.Errorf("booked twice: %+v", list)
	}
}

func TestADifferenceStandsUntilStripeAnswers(t *testing.T) {
	s := newSite(t)
	id := s.drifts()
	s.as(paylink.Manager)
	s.fault("GET /v1/refunds/*", "500_before", 0)
	says(t, s.post("/desk/drift/"+id+"/repair", nil), http.StatusServiceUnavailable, "Stripe does not answer right now. Nothing was changed.", "Back to the differences")
	d, err := s.store.Difference(t.Context(), id)
	must(t, err)
	if !d.ClosedAt.IsZero() {
		t.Error("it was closed")
	}
	says(t, s.post("/desk/drift/dif_x/repair", nil), http.StatusNotFound)
}

func TestOneComparisonIsAskedForAtATime(t *testing.T) {
	s := newSite(t)
	s.as(paylink.Manager)
	says(t, s.get("/desk/drift"), 200, "Check now")
	page := s.leads(s.post("/desk/drift/check", nil), "/desk/drift")
	says(t, page, 200, "Comparing with Stripe", "Payments", "waits", "You can leave this page.", `data-again="3"`, `http-equiv="refresh"`)
	if strings.Contains(page.Body.String(), "Check now") {
		t.Error("another is offered while one waits")
	}
	first, err := s.store.UnfinishedJob(t.Context(), "payment.reconcile")
	must(t, err)
	s.advance(time.Minute)
	s.leads(s.post("/desk/drift/check", nil), "/desk/drift")
	must(t, s.payments.ReconcileJob(t.Context(), first))
	says(t, s.get("/desk/drift"), 200, `<progress value="5" max="5"`, "0 seen")
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.FinishJob(t.Context(), first.ID, first.Attempts, s.now())
		return err
	}))
	if _, err := s.store.UnfinishedJob(t.Context(), "payment.reconcile"); paylink.KindOf(err) != paylink.NotFound {
		t.Errorf("another waits: %v", err)
	}
	says(t, s.get("/desk/drift"), 200, "Check now", "Checked just now")
}

func TestOnlyAManagerRepairs(t *testing.T) {
	s := newSite(t)
	id := s.drifts()
	s.as(paylink.Agent)
	page := s.get("/desk/drift")
	says(t, page, 200, "2 differences", "Book the refund", "Apply to an invoice…")
	if body := page.Body.String(); strings.Contains(body, "/repair") || strings.Contains(body, "/foreign/") || strings.Contains(body, "Check now") {
		t.Error("an agent is offered what they may not do")
	}
	for _, path := range []string{"/desk/drift/check", "/desk/drift/" + id + "/repair", "/desk/drift/foreign/pi_elsewhere"} {
		says(t, s.post(path, nil), http.StatusForbidden)
	}
}
