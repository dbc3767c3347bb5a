package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// depositsTake is how long micro-deposits are on their way, one to two business days.
	depositsTake = 48 * time.Hour
	// depositsLive is how long an account can be verified with them
	// (https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#verify-with-microdeposits).
	depositsLive = 10 * 24 * time.Hour
	amountTries  = 3
	codeTries    = 10
)

type verifyDeposits struct {
	ArrivalDate           int64  `json:"arrival_date"`
	HostedVerificationURL string `json:"hosted_verification_url"`
	MicrodepositType      string `json:"microdeposit_type"`
}

// depositGuess is what the customer read on the statement: two amounts in cents, or a code.
type depositGuess struct {
	amounts []int64
	code    string
}

type depositVerdict int

const (
	depositsWrong depositVerdict = iota
	depositsRight
	depositsExceeded
	depositsTimeout
)

// verdict knows Stripe's test values (https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-microdeposit-amounts).
func (g depositGuess) verdict() depositVerdict {
	sorted := slices.Sorted(slices.Values(g.amounts))
	is := func(code string, amounts ...int64) bool {
		return strings.EqualFold(g.code, code) || slices.Equal(sorted, amounts)
	}
	switch {
	case is("SM11AA", 32, 45):
		return depositsRight
	case is("SM33CC", 10, 11):
		return depositsExceeded
	case is("SM44DD", 40, 41):
		return depositsTimeout
	}
	return depositsWrong
}

// readDeposits reads amounts, and the descriptor code where the call takes one by that name.
func readDeposits(p *params, codeParam string) depositGuess {
	var g depositGuess
	for _, word := range p.words("amounts") {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			p.fail(invalid("parameter_invalid_integer", "amounts", "Invalid integer: %s", word))
			return g
		}
		g.amounts = append(g.amounts, n)
	}
	if codeParam != "" {
		g.code = p.text(codeParam)
	}
	switch {
	case len(g.amounts) > 0 && g.code != "":
		p.fail(invalid("", "amounts", "You may only specify one of these parameters: amounts, descriptor_code."))
	case g.code != "":
	case !p.has("amounts") && codeParam != "":
		p.fail(invalid("parameter_missing", "", "You must provide either amounts or descriptor_code."))
	case len(g.amounts) != 2:
		p.fail(invalid("payment_method_microdeposit_verification_amounts_invalid", "amounts", "You must provide exactly two microdeposit amounts."))
	}
	return g
}

// depositState is how the verification of an account stands, kept with the intent that asked for it.
type depositState struct {
	Mandate string `json:"mandate"`
	Wrong   int    `json:"wrong"` // guesses so far
}

// sendDeposits starts a verification and tells where it can be finished.
func sendDeposits(t *tx, intentID, secret string) *verifyDeposits {
	t.schedule(t.now.Add(depositsLive), taskDepositsLapse, intentID)
	return &verifyDeposits{ArrivalDate: t.now.Add(depositsTake).Unix(), HostedVerificationURL: t.url + "/microdeposits/" + secret, MicrodepositType: "descriptor_code"}
}

var (
	errDepositsFailed   = withDoc(&apiError{Type: "invalid_request_error", Code: "payment_method_microdeposit_failed", Message: "Microdeposits failed. Please check the account and routing numbers provided."})
	errDepositsExceeded = withDoc(&apiError{Type: "invalid_request_error", Code: "payment_method_microdeposit_verification_attempts_exceeded", Message: "You have exceeded the number of allowed verification attempts."})
	errDepositsTimeout  = withDoc(&apiError{Type: "invalid_request_error", Code: "payment_method_microdeposit_verification_timeout", Message: "Microdeposit timeout. Customer hasn't verified their bank account within the required 10 day period."})
)

// judge takes a guess: nil when it is right; else what to answer, and whether that is the end of the verification.
func (d *depositState) judge(g depositGuess) (e *apiError, over bool) {
	tries, code, what := amountTries, "amounts_mismatch", "amounts provided do not match the amounts that were"
	if g.code != "" {
		tries, code, what = codeTries, "descriptor_code_mismatch", "verification code provided does not match the one"
	}
	ended := func(e *apiError) (*apiError, bool) {
		fresh := *e
		fresh.status, fresh.keep = 400, true
		return &fresh, true
	}
	switch g.verdict() {
	case depositsRight:
		return nil, false
	case depositsExceeded:
		return ended(errDepositsExceeded)
	case depositsTimeout:
		return ended(errDepositsTimeout)
	case depositsWrong:
	}
	d.Wrong++
	if d.Wrong >= tries {
		return ended(errDepositsExceeded)
	}
	e = refused("payment_method_microdeposit_verification_"+code, "", "The %s sent to the bank account. You have %d verification attempts remaining.", what, tries-d.Wrong)
	e.keep = true
	return e, false
}

// verified makes the account of the PaymentMethod good to debit, on the mandate that waited for it.
func (d *depositState) verified(t *tx, methodID string) *mandate {
	m, _ := edit[paymentMethod](t, methodID)
	m.Hidden.Bank.Verified = true
	setMandate(t, d.Mandate, mandateActive)
	given, _ := get[mandate](t, d.Mandate)
	return given
}

// lapseDeposits ends a verification that nobody finished in time.
func lapseDeposits(t *tx, intentID string) {
	if pi, ok := get[paymentIntent](t, intentID); ok && pi.Status == statusRequiresAction && pi.Hidden.Deposits != nil {
		pi, _ = edit[paymentIntent](t, intentID)
		_ = t.failDeposits(pi, errDepositsTimeout) // the answer to a call that nobody made
	}
	if si, ok := get[setupIntent](t, intentID); ok && si.Status == statusRequiresAction && si.Hidden.Deposits != nil {
		si, _ = edit[setupIntent](t, intentID)
		_ = t.failSetup(si, errDepositsTimeout)
	}
}
