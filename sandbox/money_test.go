package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

func manual(p *stripe.PaymentIntentParams) { p.CaptureMethod = stripe.String("manual") }

func chargeOf(t *testing.T, sc *client.API, pi *stripe.PaymentIntent) *stripe.Charge {
	t.Helper()
	p := &stripe.ChargeParams{}
	p.AddExpand("balance_transaction")
	p.AddExpand("refunds.data.balance_transaction")
	ch, err := sc.Charges.Get(pi.LatestCharge.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// balance is the sum of all balance transactions, net of fees, as a reconciler would add it up.
func balance(t *testing.T, sc *client.API) (net, fees int64) {
	t.Helper()
	it := sc.BalanceTransactions.List(&stripe.BalanceTransactionListParams{})
	for it.Next() {
		net, fees = net+it.BalanceTransaction().Net, fees+it.BalanceTransaction().Fee
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	return net, fees
}

func eventTypes(t *testing.T, sc *client.API) []string {
	t.Helper()
	var out []string
	it := sc.Events.List(&stripe.EventListParams{})
	for it.Next() {
		out = append(out, string(it.Event().Type))
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(out)
	return out
}

func TestCapture_AllOrAPart(t *testing.T) {
	for _, c := range []struct {
		capture  *int64
		received int64
		refunded int64
		fee      int64
	}{
		{nil, 1099, 0, 62},
		{stripe.Int64(400), 400, 699, 42},
	} {
		_, sc := setup(t)
		pi := mustPay(t, sc, "pm_card_visa", manual)
		if pi.Status != stripe.PaymentIntentStatusRequiresCapture || pi.AmountCapturable != 1099 || pi.AmountReceived != 0 {
			t.Fatalf("authorized: %+v", pi)
		}
		held := chargeOf(t, sc, pi)
		if held.Captured || held.BalanceTransaction != nil || held.PaymentMethodDetails.Card.CaptureBefore-held.Created != 7*24*3600 {
			t.Fatalf("held: %+v", held)
		}
		pi, err := sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: c.capture})
		if err != nil {
			t.Fatal(err)
		}
		ch := chargeOf(t, sc, pi)
		if pi.Status != stripe.PaymentIntentStatusSucceeded || pi.AmountReceived != c.received || pi.AmountCapturable != 0 {
			t.Errorf("captured: %+v", pi)
		}
		if !ch.Captured || ch.AmountCaptured != c.received || ch.AmountRefunded != c.refunded || ch.Refunded {
			t.Errorf("charge: captured %v %d, refunded %v %d", ch.Captured, ch.AmountCaptured, ch.Refunded, ch.AmountRefunded)
		}
		// The authorized amount is booked, and what was left booked back with its fee.
		if ch.BalanceTransaction.Amount != 1099 || ch.BalanceTransaction.Fee != 62 {
			t.Errorf("balance transaction: %+v", ch.BalanceTransaction)
		}
		if net, fees := balance(t, sc); net != c.received-c.fee || fees != c.fee {
			t.Errorf("balance is %d after fees of %d, want %d and %d", net, fees, c.received-c.fee, c.fee)
		}
		if c.refunded > 0 {
			r := ch.Refunds.Data[0]
			if r.Amount != c.refunded || r.DestinationDetails.Card.Type != "reversal" || len(r.Metadata) != 0 {
				t.Errorf("the reversal: %+v", r)
			}
		}
		if _, err := sc.PaymentIntents.Capture(pi.ID, nil); stripeError(t, err).Code != "payment_intent_unexpected_state" {
			t.Error(err)
		}
		// Only what was captured can be refunded.
		if _, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(c.received + 1)}); err == nil {
			t.Error("more was refunded than was captured")
		}
		if _, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID}); err != nil {
			t.Error(err)
		}
		if ch := chargeOf(t, sc, pi); !ch.Refunded || ch.AmountRefunded != 1099 {
			t.Errorf("after the refund: %v %d", ch.Refunded, ch.AmountRefunded)
		}
	}
}

func TestCapture_RefusesMoreThanAuthorized(t *testing.T) {
	_, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", manual)
	_, err := sc.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1100)})
	if e := stripeError(t, err); e.Param != "amount_to_capture" {
		t.Error(e)
	}
}

func TestCancel_ReleasesAnAuthorization(t *testing.T) {
	s, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", manual)
	if _, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID}); stripeError(t, err).Code != "charge_not_refundable" {
		t.Error(err)
	}
	if _, err := sc.PaymentIntents.Cancel(pi.ID, &stripe.PaymentIntentCancelParams{}); err != nil {
		t.Fatal(err)
	}
	ch := chargeOf(t, sc, pi)
	if !ch.Refunded || ch.Captured || ch.BalanceTransaction != nil || len(ch.Refunds.Data) != 1 || ch.Refunds.Data[0].BalanceTransaction != nil {
		t.Errorf("%+v", ch)
	}
	if net, _ := balance(t, sc); net != 0 {
		t.Errorf("balance is %d", net)
	}
	for _, e := range truthOf(t, s) {
		if e.Kind == "refund" || e.Status == "succeeded" && e.Kind == "charge" {
			t.Errorf("the truth says money moved: %+v", e)
		}
	}
}

func TestAuthorization_LapsesAtCaptureBefore(t *testing.T) {
	s, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", manual)
	control(t, s, "POST", "/clock", `{"advance":"167h"}`)
	if got, err := sc.PaymentIntents.Get(pi.ID, nil); err != nil || got.Status != stripe.PaymentIntentStatusRequiresCapture {
		t.Fatalf("an hour early: %v %v", got.Status, err)
	}
	control(t, s, "POST", "/clock", `{"advance":"2h"}`)
	got, err := sc.PaymentIntents.Get(pi.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	ch := chargeOf(t, sc, pi)
	if got.Status != stripe.PaymentIntentStatusCanceled || got.CancellationReason != "automatic" || got.CanceledAt != ch.Created+7*24*3600 {
		t.Errorf("%s %s at %d, want %d", got.Status, got.CancellationReason, got.CanceledAt, ch.Created+7*24*3600)
	}
	if ch.Refunds.Data[0].Reason != "expired_uncaptured_charge" {
		t.Errorf("%+v", ch.Refunds.Data[0])
	}
	taken := mustPay(t, sc, "pm_card_visa", manual)
	if _, err := sc.PaymentIntents.Capture(taken.ID, nil); err != nil {
		t.Fatal(err)
	}
	control(t, s, "POST", "/clock", `{"advance":"200h"}`)
	if got, err := sc.PaymentIntents.Get(taken.ID, nil); err != nil || got.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("what was captured lapsed: %s %v", got.Status, err)
	}
	if types := eventTypes(t, sc); !slices.Contains(types, "charge.expired") || !slices.Contains(types, "payment_intent.canceled") {
		t.Error(types)
	}
}

func TestAsyncCapture_BooksLater(t *testing.T) {
	s, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", func(p *stripe.PaymentIntentParams) { p.CaptureMethod = stripe.String("automatic_async") })
	if ch := chargeOf(t, sc, pi); pi.Status != stripe.PaymentIntentStatusSucceeded || ch.BalanceTransaction != nil {
		t.Fatalf("%s %+v", pi.Status, ch.BalanceTransaction)
	}
	control(t, s, "POST", "/clock", `{"advance":"1m"}`)
	if ch := chargeOf(t, sc, pi); ch.BalanceTransaction == nil {
		t.Error("the balance transaction never came")
	}
	if types := eventTypes(t, sc); !slices.Contains(types, "charge.updated") {
		t.Error(types)
	}
}

func TestRefund_PartsUntilNothingIsLeft(t *testing.T) {
	_, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", nil)
	p := &stripe.RefundParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(300), Reason: stripe.String("requested_by_customer"), Metadata: map[string]string{"paylink_payment": "pay_1"}}
	first, err := sc.Refunds.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if first.Status != "succeeded" || first.Charge.ID != pi.LatestCharge.ID || first.Metadata["paylink_payment"] != "pay_1" || first.Reason != "requested_by_customer" {
		t.Errorf("%+v", first)
	}
	_, err = sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(800)})
	if e := stripeError(t, err); e.Msg != "Refund amount ($8.00) is greater than unrefunded amount on charge ($7.99)" {
		t.Error(e.Msg)
	}
	second, err := sc.Refunds.New(&stripe.RefundParams{Charge: &pi.LatestCharge.ID})
	if err != nil {
		t.Fatal(err)
	}
	if second.Amount != 799 {
		t.Errorf("the rest is %d", second.Amount)
	}
	_, err = sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
	if e := stripeError(t, err); e.Code != stripe.ErrorCodeChargeAlreadyRefunded {
		t.Error(e)
	}
	if ch := chargeOf(t, sc, pi); !ch.Refunded || ch.AmountRefunded != 1099 || len(ch.Refunds.Data) != 2 {
		t.Errorf("%+v", ch)
	}
	if net, fees := balance(t, sc); net != -fees {
		t.Errorf("refunding gives the fee back: %d, %d", net, fees)
	}
	it := sc.Refunds.List(&stripe.RefundListParams{PaymentIntent: &pi.ID})
	var ids []string
	for it.Next() {
		ids = append(ids, it.Refund().ID)
	}
	if !slices.Equal(ids, []string{second.ID, first.ID}) {
		t.Errorf("listed %v", ids)
	}
}

func TestRefund_ThatIsNotInstant(t *testing.T) {
	for card, c := range map[string]struct {
		before, after stripe.RefundStatus
		refunded      int64
	}{
		"pm_card_pendingRefund": {"pending", "succeeded", 1099},
		"pm_card_refundFail":    {"succeeded", "failed", 0},
	} {
		s, sc := setup(t)
		pi := mustPay(t, sc, card, nil)
		r, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID})
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != c.before {
			t.Errorf("%s: at first %s", card, r.Status)
		}
		control(t, s, "POST", "/clock", `{"advance":"121h"}`)
		if r, err = sc.Refunds.Get(r.ID, nil); err != nil || r.Status != c.after {
			t.Errorf("%s: later %s %v", card, r.Status, err)
		}
		if ch := chargeOf(t, sc, pi); ch.AmountRefunded != c.refunded {
			t.Errorf("%s: %d refunded", card, ch.AmountRefunded)
		}
		if types := eventTypes(t, sc); !slices.Contains(types, "charge.refund.updated") {
			t.Error(types)
		}
		if net, fees := balance(t, sc); net != 1099-c.refunded-fees {
			t.Errorf("%s: balance %d after fees of %d", card, net, fees)
		}
	}
}

func TestDispute_WonLostOrOnlyAsked(t *testing.T) {
	for name, c := range map[string]struct {
		card, evidence string
		opened, closed stripe.DisputeStatus
		net            int64 // of the dispute's balance transactions
	}{
		"won":      {"pm_card_createDispute", "winning_evidence", "needs_response", "won", -1500},
		"lost":     {"pm_card_createDispute", "losing_evidence", "needs_response", "lost", -1099 - 1500},
		"ignored":  {"pm_card_createDispute", "", "needs_response", "lost", -1099 - 1500},
		"inquiry":  {"pm_card_createDisputeInquiry", "winning_evidence", "warning_needs_response", "warning_closed", 0},
		"reviewed": {"pm_card_createDispute", "we think not", "needs_response", "lost", -1099 - 1500},
	} {
		t.Run(name, func(t *testing.T) {
			s, sc := setup(t)
			pi := mustPay(t, sc, c.card, nil)
			control(t, s, "POST", "/clock", `{"advance":"2s"}`)
			it := sc.Disputes.List(&stripe.DisputeListParams{PaymentIntent: &pi.ID})
			if !it.Next() {
				t.Fatal("no dispute")
			}
			d := it.Dispute()
			if d.Status != c.opened || d.Amount != 1099 || d.Charge.ID != pi.LatestCharge.ID {
				t.Fatalf("opened: %+v", d)
			}
			if ch := chargeOf(t, sc, pi); !ch.Disputed {
				t.Error("the charge does not say it is disputed")
			}
			_, err := sc.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi.ID, Amount: stripe.Int64(100)})
			if wants := c.opened == "needs_response"; (err != nil) != wants || wants && stripeError(t, err).Code != "charge_disputed" {
				t.Errorf("refunding meanwhile: %v", err)
			}
			if c.evidence != "" {
				if _, err := sc.Disputes.Update(d.ID, &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: &c.evidence}}); err != nil {
					t.Fatal(err)
				}
			}
			if c.evidence == "we think not" { // answered in time, it outlives the day the answer was due
				control(t, s, "POST", "/clock", `{"advance":"200h"}`)
				if d, err = sc.Disputes.Get(d.ID, nil); err != nil || d.Status != "under_review" {
					t.Errorf("after the answer: %s %v", d.Status, err)
				}
			}
			control(t, s, "POST", "/clock", `{"advance":"2000h"}`)
			if d, err = sc.Disputes.Get(d.ID, nil); err != nil || d.Status != c.closed {
				t.Fatalf("closed: %s %v", d.Status, err)
			}
			var net int64
			for _, b := range d.BalanceTransactions {
				net += b.Net
			}
			if net != c.net {
				t.Errorf("it cost %d, want %d", -net, -c.net)
			}
		})
	}
}

func TestDispute_OnDemand(t *testing.T) {
	s, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", nil)
	d := control(t, s, "POST", "/disputes", fmt.Sprintf(`{"payment_intent":%q,"reason":"insufficient_funds","amount":500}`, pi.ID))
	if d["status"] != "needs_response" || d["amount"] != 500.0 || d["reason"] != "insufficient_funds" {
		t.Fatal(d)
	}
	d = control(t, s, "POST", "/disputes/"+d["id"].(string), `{"status":"won"}`)
	if d["status"] != "won" {
		t.Fatal(d)
	}
	types := eventTypes(t, sc)
	for _, want := range []string{"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed", "charge.dispute.funds_reinstated"} {
		if !slices.Contains(types, want) {
			t.Errorf("no %s in %v", want, types)
		}
	}
	resp, err := http.Post(s.URL()+"/disputes", "application/json", strings.NewReader(`{"payment_intent":"pi_none"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.StatusCode)
	}
}

func Test3DSecure_AsksThenChargesOrNot(t *testing.T) {
	for name, c := range map[string]struct {
		card, outcome string
		status        stripe.PaymentIntentStatus
		code          string
	}{
		"passes":            {"pm_card_authenticationRequired", "succeed", "succeeded", ""},
		"passes, 3DS2":      {"pm_card_threeDSecure2Required", "succeed", "succeeded", ""},
		"fails":             {"pm_card_threeDSecure2Required", "fail", "requires_payment_method", "payment_intent_authentication_failure"},
		"passes, no funds":  {"pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "succeed", "requires_payment_method", "card_declined"},
		"passes, declined":  {"pm_card_threeDSecureRequiredChargeDeclined", "succeed", "requires_payment_method", "card_declined"},
		"asked for, passes": {"pm_card_threeDSecureOptional", "succeed", "succeeded", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, sc := setup(t)
			pi := mustPay(t, sc, c.card, func(p *stripe.PaymentIntentParams) {
				p.UseStripeSDK = stripe.Bool(true)
				if c.card == "pm_card_threeDSecureOptional" {
					p.PaymentMethodOptions = &stripe.PaymentIntentPaymentMethodOptionsParams{Card: &stripe.PaymentIntentPaymentMethodOptionsCardParams{RequestThreeDSecure: stripe.String("any")}}
				}
			})
			if pi.Status != stripe.PaymentIntentStatusRequiresAction || pi.NextAction.Type != "use_stripe_sdk" || pi.LatestCharge != nil {
				t.Fatalf("%s %+v", pi.Status, pi.NextAction)
			}
			form := map[string][]string{"client_secret": {pi.ClientSecret}, "key": {s.Env()["STRIPE_PUBLISHABLE_KEY"]}, "outcome": {c.outcome}}
			if status, body, _ := post(t, s, "", "/v1/payment_intents/"+pi.ID+"/sandbox_3ds", form); status != 200 {
				t.Fatalf("%d %v", status, body)
			}
			got, err := sc.PaymentIntents.Get(pi.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != c.status || got.NextAction != nil {
				t.Errorf("%s", got.Status)
			}
			if c.code != "" && (got.LastPaymentError == nil || string(got.LastPaymentError.Code) != c.code) {
				t.Errorf("%+v", got.LastPaymentError)
			}
			if c.status == "succeeded" {
				if tds := chargeOf(t, sc, got).PaymentMethodDetails.Card.ThreeDSecure; tds == nil || tds.Result != "authenticated" {
					t.Errorf("%+v", tds)
				}
			}
			if status, _, _ := post(t, s, "", "/v1/payment_intents/"+pi.ID+"/sandbox_3ds", form); status != 400 {
				t.Errorf("a second answer was taken: %d", status)
			}
		})
	}
}

func Test3DSecure_WithoutTheCustomer(t *testing.T) {
	_, sc := setup(t)
	_, err := pay(t, sc, "pm_card_authenticationRequired", func(p *stripe.PaymentIntentParams) { p.OffSession = stripe.Bool(true) })
	if e := stripeError(t, err); e.Code != "authentication_required" || e.PaymentIntent.Status != "requires_payment_method" {
		t.Error(e)
	}
	_, err = pay(t, sc, "pm_card_authenticationRequired", func(p *stripe.PaymentIntentParams) { p.ErrorOnRequiresAction = stripe.Bool(true) })
	if e := stripeError(t, err); e.Code != "authentication_required" {
		t.Error(e)
	}
	pi := mustPay(t, sc, "pm_card_authenticationRequired", func(p *stripe.PaymentIntentParams) {
		p.PaymentMethodOptions = &stripe.PaymentIntentPaymentMethodOptionsParams{Card: &stripe.PaymentIntentPaymentMethodOptionsCardParams{MOTO: stripe.Bool(true)}}
	})
	if pi.Status != "succeeded" || !chargeOf(t, sc, pi).PaymentMethodDetails.Card.MOTO {
		t.Errorf("by phone: %+v", pi)
	}
	pi = mustPay(t, sc, "pm_card_authenticationRequired", func(p *stripe.PaymentIntentParams) { p.ReturnURL = stripe.String("https://shop.example/back?a=b") })
	if u := pi.NextAction.RedirectToURL; pi.NextAction.Type != "redirect_to_url" || u.ReturnURL != "https://shop.example/back?a=b" || !strings.Contains(u.URL, "/js/3ds?payment_intent="+pi.ID) {
		t.Errorf("%+v", pi.NextAction)
	}
}

func TestSavedCard_IsAttachedBySettingUpAndUsedAgain(t *testing.T) {
	_, sc := setup(t)
	cus, err := sc.Customers.New(&stripe.CustomerParams{Email: stripe.String("ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	pi := mustPay(t, sc, "pm_card_mastercard", func(p *stripe.PaymentIntentParams) {
		p.Customer, p.SetupFutureUsage = &cus.ID, stripe.String("off_session")
	})
	it := sc.Customers.ListPaymentMethods(&stripe.CustomerListPaymentMethodsParams{Customer: &cus.ID, Type: stripe.String("card")})
	if !it.Next() || it.PaymentMethod().ID != pi.PaymentMethod.ID || it.PaymentMethod().Card.Brand != "mastercard" {
		t.Fatal("the card was not saved")
	}
	again := mustPay(t, sc, pi.PaymentMethod.ID, func(p *stripe.PaymentIntentParams) {
		p.Customer, p.OffSession = &cus.ID, stripe.Bool(true)
	})
	if again.Status != "succeeded" {
		t.Error(again.Status)
	}
	if _, err := pay(t, sc, pi.PaymentMethod.ID, nil); stripeError(t, err).HTTPStatusCode != 400 {
		t.Errorf("a customer's card without the customer: %v", err)
	}
	other, err := sc.Customers.New(&stripe.CustomerParams{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pay(t, sc, pi.PaymentMethod.ID, func(p *stripe.PaymentIntentParams) { p.Customer = &other.ID }); err == nil {
		t.Error("a customer's card paid for another")
	}
	if _, err := sc.PaymentMethods.Detach(pi.PaymentMethod.ID, &stripe.PaymentMethodDetachParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := pay(t, sc, pi.PaymentMethod.ID, func(p *stripe.PaymentIntentParams) { p.Customer = &cus.ID }); err == nil {
		t.Error("a detached card paid")
	}
	// A card that was charged while it was nobody's is spent.
	once := mustPay(t, sc, "pm_card_visa", nil)
	if _, err := pay(t, sc, once.PaymentMethod.ID, nil); err == nil {
		t.Error("an unattached card paid twice")
	}
	types := eventTypes(t, sc)
	if !slices.Contains(types, "payment_method.attached") || !slices.Contains(types, "payment_method.detached") {
		t.Error(types)
	}
}

func TestAttach_VerifiesTheCard(t *testing.T) {
	_, sc := setup(t)
	cus, err := sc.Customers.New(&stripe.CustomerParams{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sc.PaymentMethods.Attach("pm_card_chargeDeclined", &stripe.PaymentMethodAttachParams{Customer: &cus.ID})
	if e := stripeError(t, err); e.Code != "card_declined" || e.HTTPStatusCode != 402 {
		t.Error(e)
	}
	m, err := sc.PaymentMethods.Attach("pm_card_chargeCustomerFail", &stripe.PaymentMethodAttachParams{Customer: &cus.ID})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pay(t, sc, m.ID, func(p *stripe.PaymentIntentParams) { p.Customer = &cus.ID })
	if e := stripeError(t, err); e.Code != "card_declined" {
		t.Error(e)
	}
}

func TestLists_PageNewestFirst(t *testing.T) {
	_, sc := setup(t)
	var made []string
	for i := range 7 {
		cus, err := sc.Customers.New(&stripe.CustomerParams{Email: stripe.String(fmt.Sprintf("c%d@example.com", i%2))})
		if err != nil {
			t.Fatal(err)
		}
		made = append([]string{cus.ID}, made...)
	}
	page := func(change func(*stripe.CustomerListParams)) ([]string, bool) {
		p := &stripe.CustomerListParams{}
		p.Limit, p.Single = stripe.Int64(3), true
		if change != nil {
			change(p)
		}
		it := sc.Customers.List(p)
		var ids []string
		for it.Next() {
			ids = append(ids, it.Customer().ID)
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		return ids, it.Meta().HasMore
	}
	if ids, more := page(nil); !slices.Equal(ids, made[:3]) || !more {
		t.Errorf("first page %v %v", ids, more)
	}
	if ids, more := page(func(p *stripe.CustomerListParams) { p.StartingAfter = &made[3] }); !slices.Equal(ids, made[4:7]) || more {
		t.Errorf("last page %v %v", ids, more)
	}
	if ids, more := page(func(p *stripe.CustomerListParams) { p.EndingBefore = &made[4] }); !slices.Equal(ids, []string{made[3], made[2], made[1]}) || !more { // Stripe's client turns such a page round
		t.Errorf("page before %v %v", ids, more)
	}
	if ids, more := page(func(p *stripe.CustomerListParams) { p.Email = stripe.String("c1@example.com") }); len(ids) != 3 || more {
		t.Errorf("by email %v %v", ids, more)
	}
	all := 0
	for it := sc.Customers.List(&stripe.CustomerListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(2)}}); it.Next(); {
		all++
	}
	if all != 7 {
		t.Errorf("the iterator saw %d of 7", all)
	}
	for _, bad := range []int64{0, 101} {
		p := &stripe.CustomerListParams{}
		p.Filters.AddFilter("limit", "", fmt.Sprint(bad))
		it := sc.Customers.List(p)
		it.Next()
		if stripeError(t, it.Err()).Param != "limit" {
			t.Errorf("limit %d: %v", bad, it.Err())
		}
	}
}

func TestExpand_FollowsPathsAndRefusesNonsense(t *testing.T) {
	_, sc := setup(t)
	cus, err := sc.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	mustPay(t, sc, "pm_card_visa", func(p *stripe.PaymentIntentParams) { p.Customer = &cus.ID })
	p := &stripe.PaymentIntentListParams{}
	p.AddExpand("data.customer")
	p.AddExpand("data.latest_charge.balance_transaction")
	it := sc.PaymentIntents.List(p)
	if !it.Next() {
		t.Fatal(it.Err())
	}
	if pi := it.PaymentIntent(); pi.Customer.Name != "Ada" || pi.LatestCharge.BalanceTransaction.Net != 1037 {
		t.Errorf("%+v", pi.Customer)
	}
	for _, bad := range []string{"amount", "nonsense", "customer.name", "latest_charge.balance_transaction.fee", "latest_charge.customer.a.b.c.d"} {
		q := &stripe.PaymentIntentParams{}
		q.AddExpand(bad)
		if _, err := sc.PaymentIntents.Get(it.PaymentIntent().ID, q); err == nil || !strings.Contains(stripeError(t, err).Msg, "cannot ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestEvents_KeepTheObjectAsItWas(t *testing.T) {
	s, sc := setup(t)
	pi := mustPay(t, sc, "pm_card_visa", nil)
	it := sc.Events.List(&stripe.EventListParams{Types: stripe.StringSlice([]string{"payment_intent.created", "payment_intent.succeeded"})})
	var statuses []string
	for it.Next() {
		e := it.Event()
		if e.APIVersion != stripe.APIVersion || e.Request == nil || e.Request.ID == "" || e.GetObjectValue("id") != pi.ID {
			t.Errorf("%+v", e)
		}
		statuses = append(statuses, e.GetObjectValue("status"))
	}
	if !slices.Equal(statuses, []string{"succeeded", "requires_payment_method"}) {
		t.Error(statuses)
	}
	control(t, s, "POST", "/clock", `{"advance":"721h"}`)
	if types := eventTypes(t, sc); len(types) > 0 {
		t.Errorf("after 30 days there are still %v", types)
	}
}

func TestUpdate_ChangesWhatMayBeChanged(t *testing.T) {
	_, sc := setup(t)
	p := intentParams()
	p.Metadata = map[string]string{"a": "1", "b": "2"}
	pi, err := sc.PaymentIntents.New(p)
	if err != nil {
		t.Fatal(err)
	}
	pi, err = sc.PaymentIntents.Update(pi.ID, &stripe.PaymentIntentParams{Amount: stripe.Int64(700), Metadata: map[string]string{"a": "", "c": "3"}})
	if err != nil {
		t.Fatal(err)
	}
	if pi.Amount != 700 || len(pi.Metadata) != 2 || pi.Metadata["b"] != "2" || pi.Metadata["c"] != "3" {
		t.Errorf("%d %v", pi.Amount, pi.Metadata)
	}
	paid := mustPay(t, sc, "pm_card_visa", nil)
	if _, err := sc.PaymentIntents.Update(paid.ID, &stripe.PaymentIntentParams{Amount: stripe.Int64(1)}); stripeError(t, err).Code != "payment_intent_unexpected_state" {
		t.Error(err)
	}
	if _, err := sc.PaymentIntents.Update(paid.ID, &stripe.PaymentIntentParams{Metadata: map[string]string{"late": "yes"}}); err != nil {
		t.Error(err)
	}
}

func TestCustomer_UpdateAndDelete(t *testing.T) {
	_, sc := setup(t)
	cus, err := sc.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada"), PaymentMethod: stripe.String("pm_card_visa")})
	if err != nil {
		t.Fatal(err)
	}
	if cus, err = sc.Customers.Update(cus.ID, &stripe.CustomerParams{Name: stripe.String("Ada L."), Phone: stripe.String("")}); err != nil || cus.Name != "Ada L." {
		t.Fatalf("%+v %v", cus, err)
	}
	if _, err := sc.Customers.Del(cus.ID, nil); err != nil {
		t.Fatal(err)
	}
	gone, err := sc.Customers.Get(cus.ID, nil)
	if err != nil || !gone.Deleted {
		t.Errorf("%+v %v", gone, err)
	}
	p := intentParams()
	p.Customer = &cus.ID
	if _, err := sc.PaymentIntents.New(p); stripeError(t, err).Code != "resource_missing" {
		t.Error(err)
	}
}
