package desk_test

import (
	"net/http"
	"net/http/httptest"
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

// debit makes a payment of a bank account that is on its way, with its permission, and gives the account.
func (s *site) debit() (method, payment string) {
	s.t.Helper()
	now := s.now()
	consent := paylink.Consent{Text: "I allow **Northwind Studio** to debit $50.00.\n\nI can take this back.", Version: "debit-1", At: now, IP: "198.51.100.7", Agent: "Test browser"}
	m := paylink.Method{
		ID: paylink.NewID("mth", now), CustomerID: s.customer.ID, Kind: paylink.MethodBank, StripeID: paylink.NewID("ba", now), Fingerprint: "fp_1",
		Bank: paylink.Bank{Name: "Chase", Last4: "6789", Type: "checking", Holder: "Maria Keller"}, SavedAt: now, Consent: consent, CreatedAt: now, UpdatedAt: now,
	}
	p := paylink.Payment{
		ID: paylink.NewID("pay", now), InvoiceID: s.invoice.ID, CustomerID: s.customer.ID, Nonce: paylink.NewID("nonce", now), InvoiceVersion: s.invoice.Version,
		Method: paylink.MethodBank, Amount: money.New(5000, "USD"), Fee: money.New(0, "USD"), Capture: paylink.CaptureAutomatic, Status: paylink.Processing,
		PaymentIntent: paylink.NewID("pi", now), MethodID: m.ID, Bank: m.Bank, ExpectedOn: "2026-11-30", Locale: "en", CreatedAt: now, UpdatedAt: now,
	}
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		if _, err := tx.InsertMethod(s.t.Context(), m); err != nil {
			return err
		}
		if _, err := tx.InsertPayment(s.t.Context(), p); err != nil {
			return err
		}
		return tx.InsertMandate(s.t.Context(), paylink.Mandate{
			ID: paylink.NewID("mdt", now), MethodID: m.ID, PaymentID: p.ID, Amount: p.Amount, Last4: "6789", Bank: "Chase", Consent: consent, CreatedAt: now,
		})
	}))
	return m.ID, p.ID
}

// drifts notes a difference with Stripe and a payment that was made elsewhere, and gives the difference.
func (s *site) drifts() string {
	s.t.Helper()
	id := paylink.NewID("dif", s.now())
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		if err := tx.PutDifference(s.t.Context(), store.Difference{ID: id, Kind: "refund_lost", Subject: "re_" + id, Theirs: "40.00 USD succeeded", SeenAt: s.now()}); err != nil {
			return err
		}
		_, err := tx.InsertForeignPayment(s.t.Context(), store.ForeignPayment{
			Intent: "pi_elsewhere", CustomerID: s.customer.ID, Amount: money.New(60000, "USD"), MadeAt: s.now().Add(-time.Hour), CreatedAt: s.now(),
		})
		return err
	}))
	return id
}

// refunds gives the refunds of a payment.
func (s *site) refunds(p paylink.Payment) []paylink.Refund {
	s.t.Helper()
	list, err := s.store.RefundsOf(s.t.Context(), p.ID)
	must(s.t, err)
	return list
}

// form reads the hidden fields of the page's form and fills in the rest.
func form(t *testing.T, page string, fill url.Values) url.Values {
	t.Helper()
	all := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		all.Set(m[1], m[2])
	}
	if all.Get("nonce") == "" {
		t.Fatalf("the form has no nonce:\n%s", page)
	}
	for name, values := range fill {
		all[name] = values
	}
	return all
}

func TestAllOfAPaymentIsRefundedByOnePress(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at), 200, `href="`+at+`/refund"`)
	page := s.get(at + "/refund")
	says(t, page, 200, "Refund to Visa ••4242", "Maria Keller paid $225.00. Nothing was refunded yet.", `value="225.00"`, "Refund $225.00", "Keep the payment", "becomes revision 2, REFUNDED",
		"Revision 2 is e-mailed to maria@keller.example", "$225.00 of INV-1042 is credited. It stays at $775.00 still to pay.", "button danger")
	press := form(t, page.Body.String(), url.Values{"amount": {"225.00"}, "owed": {"no"}, "reason": {"Customer asked"}})
	says(t, s.leads(s.post(at+"/refund", press), at), 200, "$225.00 is refunded", ">Refunded</span>", "$225.00 to Visa ••4242", "Reason: Customer asked", "Credited: the customer does not owe it.", "Refund of $225.00 asked for")
	// The same press again is the same refund.
	s.leads(s.post(at+"/refund", press), at)
	if list := s.refunds(p); len(list) != 1 || list[0].Amount.Minor != 22500 || list[0].OwedAgain {
		t.Errorf("refunds: %+v", list)
	}
	if strings.Contains(s.get(at).Body.String(), at+"/refund") {
		t.Error("what went back is offered to go back again")
	}
	says(t, s.get(at+"/refund"), http.StatusConflict)
	says(t, s.get("/desk/payments"), 200, ">Refunded</span>")
	says(t, s.get("/desk/invoices/"+s.invoice.ID), 200, ">Refunded</span>", "$775.00", "$225.00 refunded")
}

func TestAPartGoesBackAndIsOwedAgain(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at+"/refund?amount=40&owed=again"), 200, "Refund $40.00", "INV-1042 goes from $775.00 to $815.00 still to pay.", "PARTLY REFUNDED")
	press := form(t, s.get(at+"/refund?amount=40&owed=again").Body.String(), url.Values{"amount": {"40"}, "owed": {"again"}})
	says(t, s.leads(s.post(at+"/refund", press), at), 200, "$40.00 is refunded", "Partly refunded", "The invoice asks for it again.", "<dt>Refunded</dt><dd>$40.00</dd>", "$185.00", "revision=2")
	says(t, s.get(at+"/refund"), 200, "Maria Keller paid $225.00. $40.00 of it went back already.", `value="185.00"`)
	balance, err := s.store.Balance(t.Context(), s.invoice.ID)
	must(t, err)
	if balance.Due() != 81500 || balance.Refunded != 4000 {
		t.Errorf("balance: %+v", balance)
	}
}

// Without a script the button cannot follow what is typed: it is shown once more before money moves.
func TestTheButtonSaysTheAmountThatGoesBack(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	press := form(t, s.get(at+"/refund").Body.String(), url.Values{"amount": {"12.50"}, "reason": {"Paid twice"}})
	again := s.post(at+"/refund", press)
	says(t, again, 200, "The button now says $12.50", "Refund $12.50", `value="12.50"`, `value="Paid twice"`, "Nothing was refunded yet.")
	if list := s.refunds(p); len(list) != 0 {
		t.Fatalf("refunds: %+v", list)
	}
	s.leads(s.post(at+"/refund", form(t, again.Body.String(), url.Values{"amount": {"12.50"}, "reason": {"Paid twice"}})), at)
	if list := s.refunds(p); len(list) != 1 || list[0].Amount.Minor != 1250 {
		t.Errorf("refunds: %+v", list)
	}
}

func TestRefundRefusesWhatIsNotThereAndKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	page := s.get(at + "/refund").Body.String()
	for _, typed := range []string{"225.01", "99999999999999999999", "0", "-5", "", "all of it", "6,40"} {
		press := form(t, page, url.Values{"amount": {typed}, "reason": {"Wrong amount"}, "owed": {"again"}})
		says(t, s.post(at+"/refund", press), 422, `value="`+typed+`"`, `value="Wrong amount"`, `<option value="again" selected>`, "Nothing was refunded.", `aria-invalid="true"`, `name="nonce" value="`+press.Get("nonce")+`"`)
	}
	press := form(t, page, url.Values{"amount": {"225.00"}, "reason": {strings.Repeat("a", 301)}})
	says(t, s.post(at+"/refund", press), 422, "Use 300 characters or fewer.")
	press.Set("nonce", "x")
	says(t, s.post(at+"/refund", press), 422)
	if list := s.refunds(p); len(list) != 0 {
		t.Errorf("refunds: %+v", list)
	}
}

func TestARefundThatNobodyAnsweredIsTold(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	press := form(t, s.get(at+"/refund").Body.String(), url.Values{"amount": {"225.00"}})
	s.fault("POST /v1/refunds", "500_before", 0)
	s.fault("GET /v1/refunds*", "500_before", 0)
	says(t, s.leads(s.post(at+"/refund", press), at), 200, "Stripe did not answer yet", "We are checking", "<dt>Refund asked for</dt><dd>$225.00</dd>", "Nobody knows yet")
	says(t, s.get(at+"/refund"), http.StatusConflict)
}

func TestOnlyAManagerRefunds(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Agent)
	at := "/desk/payments/" + p.ID
	if strings.Contains(s.get(at).Body.String(), at+"/refund") {
		t.Error("an agent is offered what they may not do")
	}
	says(t, s.post(at+"/refund", url.Values{"amount": {"1"}, "nonce": {"abcdefgh"}}), http.StatusForbidden)
	if list := s.refunds(p); len(list) != 0 {
		t.Errorf("refunds: %+v", list)
	}
}

// disputed has a dispute of a payment on the books.
func (s *site) disputed(p paylink.Payment, kind paylink.DisputeKind, status, reason string, withdrawn int64) {
	s.t.Helper()
	must(s.t, s.store.Update(s.t.Context(), func(tx *store.Tx) error {
		return tx.PutDispute(s.t.Context(), paylink.Dispute{
			ID: paylink.NewID("dsp", s.now()), PaymentID: p.ID, StripeID: "dp_" + p.ID + reason, Kind: kind, Amount: p.Charged(), Reason: reason,
			Status: status, Withdrawn: withdrawn, Moves: 1, OpenedAt: s.now(), CreatedAt: s.now(), UpdatedAt: s.now(),
		})
	}))
}

func TestADisputeIsToldAndKeepsMoneyFromGoingBackTwice(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.disputed(p, paylink.KindDispute, "needs_response", "fraudulent", 22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	page := s.get(at)
	says(t, page, 200, "Disputed", "$225.00 disputed: the cardholder did not make it", "Stripe took $225.00", "Answer with evidence in Stripe’s dashboard.", "Answer it", "Taken back")
	if strings.Contains(page.Body.String(), at+"/refund") {
		t.Error("a refund is offered of what was taken")
	}
	says(t, s.get(at+"/refund"), http.StatusConflict, "Back to the payment")
	for _, list := range []string{"/desk/payments", "/desk/invoices?show=all", "/desk/invoices/" + s.invoice.ID} {
		says(t, s.get(list), 200, ">Disputed</span>")
	}
}

func TestAReturnIsTold(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.disputed(p, paylink.KindReturn, "lost", "insufficient_funds", 22500)
	s.as(paylink.Viewer)
	says(t, s.get("/desk/payments/"+p.ID), 200, ">Returned</span>", "$225.00 returned: insufficient funds", "The bank took $225.00 back. The invoice asks for it again.")
	says(t, s.get("/desk/invoices?show=all"), 200, ">Returned</span>")
}

func TestADisputeThatWasWonLeavesThePaymentPaid(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.disputed(p, paylink.KindDispute, "won", "duplicate", 0)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at), 200, ">Paid</span>", ">Won</span>", "What was taken is back.", at+"/refund")
}

func TestAPaymentOnItsWayShowsItsBankAndPermission(t *testing.T) {
	s := newSite(t)
	_, id := s.debit()
	s.as(paylink.Viewer)
	at := "/desk/payments/" + id
	says(t, s.get(at), 200, "Chase ••6789", "Checking", "Monday, November 30", "Usually here by", "198.51.100.7", "Test browser", "debit-1", "I can take this back.", at+"/permission.pdf", "until then it is not paid")
	if w := s.get(at + "/permission.pdf"); w.Code != 200 || !strings.HasPrefix(w.Body.String(), "%PDF-") || w.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("permission: %d %.20s", w.Code, w.Body)
	}
	says(t, s.get("/desk/payments/"+s.pay(5000).ID+"/permission.pdf"), http.StatusNotFound)
}

func TestSavedMethodsAreShownRemovedAndForgotten(t *testing.T) {
	s := newSite(t)
	method, debit := s.debit()
	at := "/desk/customers/" + s.customer.ID
	s.as(paylink.Viewer)
	if page := s.get(at); strings.Contains(page.Body.String(), "/remove") || strings.Contains(page.Body.String(), "/forget") {
		t.Error("a viewer is offered what they may not do")
	}
	s.as(paylink.Agent)
	says(t, s.get(at), 200, "Chase ••6789", "Saved today", "What the customer agreed to", "I can take this back.", "198.51.100.7", at+"/methods/"+method+"/remove")
	says(t, s.get(at+"/methods/"+method+"/remove"), 200, "Remove Chase ••6789?", "Keep it")
	says(t, s.post(at+"/methods/"+method+"/remove", nil), http.StatusConflict, "on its way")
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Payment(t.Context(), debit)
		if err != nil {
			return err
		}
		p.Status = paylink.Failed
		return tx.UpdatePayment(t.Context(), p)
	}))
	page := s.leads(s.post(at+"/methods/"+method+"/remove", nil), at)
	says(t, page, 200, "Chase ••6789 is removed", "Nothing is saved or connected.", "Chase ••6789 removed")
	says(t, s.post(at+"/methods/"+method+"/remove", nil), http.StatusNotFound)
	says(t, s.get(at+"/forget"), 200, "Forget every device?", "maria@keller.example")
	says(t, s.leads(s.post(at+"/forget", nil), at), 200, "The devices of Maria Keller are forgotten", "Every browser has to prove the mailbox again")
}

func TestAnotherCustomersMethodIsNotThere(t *testing.T) {
	s := newSite(t)
	method, _ := s.debit()
	other, err := s.invoicing.CreateCustomer(t.Context(), "system", paylink.Customer{Name: "Somebody Else", Email: "else@keller.example"})
	must(t, err)
	s.as(paylink.Agent)
	says(t, s.get("/desk/customers/"+other.ID+"/methods/"+method+"/remove"), http.StatusNotFound)
	says(t, s.post("/desk/customers/"+other.ID+"/methods/"+method+"/remove", nil), http.StatusNotFound)
	m, err := s.store.Method(t.Context(), method)
	must(t, err)
	if !m.RemovedAt.IsZero() {
		t.Error("it was removed")
	}
}

func TestCaptureButtonSaysItsAmount(t *testing.T) {
	s := newSite(t)
	p := s.hold(64000)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID
	says(t, s.get(at+"/capture"), 200, "Capture $640.00", `name="said" value="640.00"`)
	says(t, s.get(at+"/capture?amount=400"), 200, "Capture $400.00", `name="said" value="400.00"`)
	says(t, s.post(at+"/capture", url.Values{"amount": {"400"}, "said": {"640.00"}}), 200, "The button now says what is captured", "Capture $400.00")
	s.stands(p, paylink.Authorized, 64000)
	s.leads(s.post(at+"/capture", url.Values{"amount": {"400"}, "said": {"400.00"}}), at)
	s.stands(p, paylink.Succeeded, 40000)
}

func TestTasksOfTakenMoneySayWhatToDo(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		args := map[string]any{"amount": p.Amount, "invoice": "INV-1042", "reason": "fraudulent", "means": "Visa ••4242"}
		if err := tx.InsertTask(t.Context(), "dispute.open", p.ID, "task.dispute_open", args, s.now()); err != nil {
			return err
		}
		return tx.InsertTask(t.Context(), "payment.foreign", s.customer.ID, "task.payment_foreign", map[string]any{"amount": p.Amount, "customer": "Maria Keller"}, s.now())
	}))
	s.as(paylink.Viewer)
	says(t, s.get("/desk"), 200, "Dispute over $225.00 of INV-1042: the cardholder did not make it", `href="/desk/payments/`+p.ID+`">Answer</a>`, `href="/desk/drift">See drift</a>`)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// Whatever mail a revision went out with is among the sends: that of a return is the payment's, not the receipt's.
func TestEverySendOfAReceiptIsListed(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	p, err := s.store.Payment(t.Context(), p.ID)
	must(t, err)
	must(t, s.store.Update(t.Context(), func(tx *store.Tx) error {
		for n, m := range []store.Mail{
			{Kind: "receipt", SubjectID: p.ReceiptID, Recipient: "first@keller.example", State: store.MailSent, SentAt: s.now()},
			{Kind: "returned", SubjectID: p.ID, Recipient: "returned@keller.example", State: store.MailSent, SentAt: s.now()},
			{Kind: "returned_firm", SubjectID: p.ID, Recipient: "office@northwind.example", State: store.MailSent, SentAt: s.now()},
			{Kind: "receipt", SubjectID: p.ReceiptID, Recipient: "again@keller.example", State: store.MailQueued},
		} {
			m.ID, m.CreatedAt = paylink.NewID("mai", s.now()), s.now().Add(time.Duration(n)*time.Minute)
			m.MessageID = "<" + m.ID + "@x>"
			if err := tx.InsertMail(t.Context(), m); err != nil {
				return err
			}
		}
		return nil
	}))
	body := s.as(paylink.Viewer).get("/desk/payments/" + p.ID).Body.String()
	_, card, _ := strings.Cut(body, ">"+p.ReceiptNumber+"<")
	var order []int
	for _, to := range []string{"again@keller.example", "returned@keller.example", "first@keller.example"} {
		order = append(order, strings.Index(card, to))
	}
	if !slices.IsSorted(order) || order[0] < 0 || strings.Contains(card, "office@") {
		t.Errorf("at %v of %s", order, card)
	}
}

// What cannot be refunded is not on the button.
func TestRefundButtonSaysAnAmountOrNothing(t *testing.T) {
	s := newSite(t)
	p := s.pay(22500)
	s.as(paylink.Manager)
	at := "/desk/payments/" + p.ID + "/refund"
	for _, typed := range []string{"1e3", "-5", "７", "", "0", "99999", "<b>"} {
		for _, w := range []*httptest.ResponseRecorder{
			s.get(at + "?amount=" + url.QueryEscape(typed)),
			s.post(at, form(t, s.get(at).Body.String(), url.Values{"amount": {typed}})),
		} {
			code, body := w.Code, w.Body.String()
			_, acts, _ := strings.Cut(body, `class="acts"`)
			if code >= http.StatusInternalServerError || !strings.Contains(acts, "<span>Refund</span></button>") {
				t.Errorf("%q: %d %s", typed, code, acts)
			}
		}
	}
}
