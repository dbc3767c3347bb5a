package payments_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink"
	"paylink/payments"
)

const (
	setupCall  = "POST /v1/setup_intents"
	verifyCall = "POST /v1/setup_intents/*/verify_microdeposits"
)

func TestAccountToProveIsNamedInFullBeforeStripeIsAsked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.check("000123456789")
		d.fault("GET /v1/payment_methods/*", "500_before", 0)
		for name, change := range map[string]func(*payments.BankCheck){
			"an endless id": func(r *payments.BankCheck) { r.PaymentMethod = "pm_" + strings.Repeat("x", 253) },
			"nobody's":      func(r *payments.BankCheck) { r.Visitor = "" },
		} {
			t.Log(name)
			asked := r
			change(&asked)
			_, err := d.payments.StartBankCheck(t.Context(), asked)
			wantCode(t, err, paylink.Invalid, "bank.account_unknown")
		}
		d.control("DELETE", "/faults", nil, nil)
		// The form that is sent again goes on with what Stripe has: there is one deposit.
		m, err := d.payments.StartBankCheck(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		d.fault(setupCall, "500_before", 0)
		if again, err := d.payments.StartBankCheck(t.Context(), r); err != nil || again.ID != m.ID {
			t.Errorf("sent again: %+v %v", again, err)
		}
	})
}

func TestAccountThatIsProvenIsItsCustomersAndNotRemoved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.check("000123456789")
		m, err := d.payments.StartBankCheck(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		theirs := r
		theirs.LinkID, theirs.CustomerID = "", d.stranger().ID
		_, err = d.payments.StartBankCheck(t.Context(), theirs)
		wantCode(t, err, paylink.Invalid, "bank.account_unknown")
		if err := d.payments.RemoveMethod(t.Context(), "payer:test", m.CustomerID, m.ID); err != nil {
			t.Fatal(err)
		}
		_, err = d.payments.StartBankCheck(t.Context(), r)
		wantCode(t, err, paylink.Invalid, "bank.account_unknown")
		wantCode(t, d.payments.VerifyBankCheck(t.Context(), m.CustomerID, m.ID, "SM11AA", [2]int64{}), paylink.NotFound, "method.unknown")
		if got := d.method(m.ID); !got.Waits() {
			t.Errorf("what was removed is proven: %+v", got)
		}
	})
}

// Who types an account in makes room for the proof, and takes away nothing but an earlier try that failed.
func TestAccountThatIsTypedInLeavesTheGoodOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		good := d.linked(goodAccount)
		failed := d.checked("000123456789")
		wantCode(t, d.payments.VerifyBankCheck(t.Context(), failed.CustomerID, failed.ID, "SM33CC", [2]int64{}), paylink.Conflict, "bank.code_spent")
		d.checked("000123456789")
		gone := d.method(failed.ID)
		if gone.RemovedAt.IsZero() {
			t.Error("the try that failed is still shown")
		}
		d.clock.advance(time.Minute)
		d.checked("000123456789")
		if got := d.method(failed.ID); got != gone {
			t.Errorf("it was removed %s, and again %s", gone.RemovedAt, got.RemovedAt)
		}
		if !d.method(good.ID).RemovedAt.IsZero() {
			t.Error("the account that was good is gone")
		}
		d.begin(d.debitPress("n1", 10000, good), paylink.Processing)
	})
}

// setupEvent has an event tell of a SetupIntent, of which Stripe then says so much.
func (d *desk) setupEvent(event, id, status, install, method string, live bool) (note string) {
	d.t.Helper()
	real := d.payments
	defer func() { d.payments = real }()
	d.payments = d.fronted(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/setup_intents/"+id {
			return false
		}
		_, _ = fmt.Fprintf(w, `{"id":%q,"object":"setup_intent","status":%q,"livemode":%t,"metadata":{"paylink_install":%q,"paylink_method":%q}}`,
			id, status, live, install, method)
		return true
	})
	d.hook("stripe", event, `{"id":"`+event+`","type":"setup_intent.succeeded","livemode":false,"data":{"object":{"id":"`+id+`","object":"setup_intent"}}}`)
	stored, err := d.store.Event(d.t.Context(), "stripe", event)
	if err != nil {
		d.t.Fatal(err)
	}
	return stored.LastError
}

func TestFault_W13_SetupIntentsOfNobodyHereProveNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.method(d.checked("000123456789").ID)
		own := m.AwaitsCode.SetupIntent
		for n, told := range []struct {
			id, install, method string
			live                bool
			note                string
		}{
			{own, "install2", m.ID, false, "another program's"},
			{own, "install1", "", false, "another program's"},
			{own, "install1", m.ID, true, "another program's"},
			{"seti_other", "install1", "mth_never_was", false, "no such method here"},
			{"seti_other", "install1", m.ID, false, ""}, // it names the method, and is not what proves it
		} {
			if note := d.setupEvent(fmt.Sprint("evt_", n), told.id, "succeeded", told.install, told.method, told.live); note != told.note {
				t.Errorf("%+v: note %q", told, note)
			}
			if got := d.method(m.ID); got != m {
				t.Fatalf("%+v changed it: %+v", told, got)
			}
		}
	})
}

// What Stripe says again, or said before, changes nothing and is not in the log.
func TestFault_W04_OlderNewsOfAProofChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.method(d.checked("000123456789").ID)
		own := m.AwaitsCode.SetupIntent
		d.setupEvent("evt_same", own, "requires_action", "install1", m.ID, false)
		if got := d.method(m.ID); got != m {
			t.Errorf("told again: %+v", got)
		}
		d.setupEvent("evt_done", own, "succeeded", "install1", m.ID, false)
		proven := d.method(m.ID)
		if proven.Waits() {
			t.Fatalf("not proven: %+v", proven)
		}
		for _, older := range []string{"requires_action", "canceled", "requires_payment_method"} {
			d.setupEvent("evt_"+older, own, older, "install1", m.ID, false)
			if got := d.method(m.ID); got != proven {
				t.Errorf("%s after it was proven: %+v", older, got)
			}
		}
		rows, err := d.store.AuditOf(t.Context(), m.ID, 20)
		if err != nil {
			t.Fatal(err)
		}
		did := []string{}
		for _, row := range rows {
			did = append(did, row.Action)
		}
		slices.Sort(did)
		if !slices.Equal(did, []string{"method.check_begun", "method.proven"}) {
			t.Errorf("in the log: %q", did)
		}
	})
}

// amounts has Stripe send two deposits instead of one with a code.
func (d *desk) amounts() {
	d.t.Helper()
	d.payments = d.fronted(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/setup_intents" {
			return false
		}
		through, err := http.NewRequestWithContext(r.Context(), r.Method, d.box.URL()+r.URL.Path, r.Body)
		if err != nil {
			return false
		}
		through.Header = r.Header
		answer, err := http.DefaultClient.Do(through)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(bytes.ReplaceAll(body, []byte(`"descriptor_code"`), []byte(`"amounts"`)))
		return true
	})
}

func TestAccountIsProvenByTwoAmounts(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.amounts()
		m := d.checked("000123456789")
		if m.AwaitsCode.Kind != paylink.CodeAmounts || m.AwaitsCode.Tries != 3 {
			t.Fatalf("waiting: %+v", m.AwaitsCode)
		}
		verify := func(one, two int64) error {
			return d.payments.VerifyBankCheck(t.Context(), m.CustomerID, m.ID, "SM11AA", [2]int64{one, two}) // a code is not asked for
		}
		for _, wrong := range [][2]int64{{0, 45}, {32, 0}, {100, 45}, {32, 100}} {
			wantCode(t, verify(wrong[0], wrong[1]), paylink.Invalid, "bank.amounts_form")
		}
		if d.method(m.ID).AwaitsCode.Tries != 3 {
			t.Error("what cannot be right cost a try")
		}
		wantCode(t, verify(1, 99), paylink.Invalid, "bank.code_wrong")
		honest := d.payments
		d.payments = d.answering("/verify_microdeposits", http.StatusBadRequest,
			`{"error":{"type":"invalid_request_error","code":"payment_method_microdeposit_verification_amounts_invalid"}}`)
		wantCode(t, verify(99, 1), paylink.Invalid, "bank.code_wrong")
		if left := d.method(m.ID).AwaitsCode.Tries; left != 1 {
			t.Errorf("%d tries are left", left)
		}
		d.payments = honest
		if err := verify(32, 45); err != nil || d.method(m.ID).Waits() {
			t.Errorf("the right amounts: %v", err)
		}
	})
}

func TestCodeThatCannotBeRightCostsNoTry(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		m := d.checked("000123456789")
		for _, code := range []string{"XX11AA", "SM11AAA", ""} {
			err := d.payments.VerifyBankCheck(t.Context(), m.CustomerID, m.ID, code, [2]int64{32, 45})
			wantCode(t, err, paylink.Invalid, "bank.code_form")
		}
		if left := d.method(m.ID).AwaitsCode.Tries; left != 10 {
			t.Errorf("%d tries are left", left)
		}
	})
}

// Nobody knows whether Stripe sends a deposit, or what it said of a code: the payer is told to come again.
func TestFault_A06_ProofWithoutAnAnswerIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		r := d.check("000123456789")
		d.fault(setupCall, "500_before", 0)
		if _, err := d.payments.StartBankCheck(t.Context(), r); paylink.KindOf(err) != paylink.Unavailable {
			t.Fatal(err)
		}
		d.control("DELETE", "/faults", nil, nil)
		list, err := d.payments.Methods(t.Context(), r.CustomerID, visitor, false)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		verify := func() error {
			return d.payments.VerifyBankCheck(t.Context(), r.CustomerID, list[0].ID, "SM11AA", [2]int64{})
		}
		honest := d.payments
		d.payments = d.fronted(func(_ http.ResponseWriter, r *http.Request) bool {
			t.Errorf("Stripe is asked: %s %s", r.Method, r.URL.Path)
			return false
		})
		wantCode(t, verify(), paylink.Unavailable, "stripe.unreachable")
		d.payments = honest
		m, err := d.payments.StartBankCheck(t.Context(), r)
		if err != nil || m.ID != list[0].ID {
			t.Fatalf("%+v %v", m, err)
		}
		d.fault(verifyCall, "drop_before", 0)
		wantCode(t, verify(), paylink.Unavailable, "stripe.unreachable")
		d.control("DELETE", "/faults", nil, nil)
		if left := d.method(m.ID).AwaitsCode.Tries; left != 10 {
			t.Errorf("%d tries are left", left)
		}
		// Another browser was faster, and its answer was not heard of: Stripe says that it is proven.
		d.stripe("POST", "/v1/setup_intents/"+m.AwaitsCode.SetupIntent+"/verify_microdeposits", url.Values{"descriptor_code": {"SM11AA"}}, nil)
		if err := verify(); err != nil || d.method(m.ID).Waits() {
			t.Errorf("proven by another: %v", err)
		}
	})
}
