package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// A refusal is what the issuer answers to a charge, in the words of https://docs.stripe.com/declines/codes.
type refusal struct {
	code, decline, message string
	blocked                bool // by Radar, before the network saw it
}

type authentication int

const (
	authNever       authentication = iota
	authOptional                   // when request_three_d_secure asks for it
	authUnlessSetUp                // until the card was saved for off-session use
	authAlways
)

// testCard is one of Stripe's test cards (https://docs.stripe.com/testing) and how its issuer behaves.
type testCard struct {
	number  string
	names   []string // pm_card_… that stand for it
	brand   string
	funding string // "" = credit
	country string // "" = US

	refusal   *refusal
	attaches  bool // a refusing card that can be saved all the same
	auth      authentication
	cvcFails  bool
	riskLevel string // "" = normal
	refund    string // refundPending, refundFails; "" = at once
	dispute   string // reason of the dispute opened after the charge
	inquiry   bool   // that dispute is only an inquiry
	settled   bool   // its money is available at once
}

const (
	refundPending = "pending"
	refundFails   = "fails"
)

var (
	declinedGeneric   = &refusal{code: "card_declined", decline: "generic_decline", message: "Your card was declined."}
	declinedFunds     = &refusal{code: "card_declined", decline: "insufficient_funds", message: "Your card has insufficient funds."}
	declinedLost      = &refusal{code: "card_declined", decline: "lost_card", message: "Your card was declined."}
	declinedStolen    = &refusal{code: "card_declined", decline: "stolen_card", message: "Your card was declined."}
	declinedExpired   = &refusal{code: "expired_card", decline: "expired_card", message: "Your card has expired."}
	declinedCVC       = &refusal{code: "incorrect_cvc", decline: "incorrect_cvc", message: "Your card's security code is incorrect."}
	declinedProcess   = &refusal{code: "processing_error", decline: "processing_error", message: "An error occurred while processing your card. Try again in a little bit."}
	declinedVelocity  = &refusal{code: "card_declined", decline: "card_velocity_exceeded", message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."}
	declinedFraud     = &refusal{code: "card_declined", decline: "fraudulent", message: "Your card was declined.", blocked: true}
	declinedAuth      = &refusal{code: "authentication_required", decline: "authentication_required", message: "Your card was declined. This transaction requires authentication."}
	declinedUnlisted  = &refusal{code: "card_declined", decline: "test_mode_live_card", message: "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing."}
	unlistedCard      = testCard{brand: "unknown", refusal: declinedUnlisted}
	testCards         = newTestCards()
	testCardsByNumber = indexCards(func(c testCard) []string { return []string{c.number} })
	testCardsByName   = indexCards(func(c testCard) []string { return c.names })
)

func newTestCards() []testCard {
	names := func(n ...string) []string { return n }
	return []testCard{
		{number: "4242424242424242", names: names("visa"), brand: "visa", auth: authOptional},
		{number: "4000056655665556", names: names("visa_debit"), brand: "visa", funding: "debit"},
		{number: "5555555555554444", names: names("mastercard"), brand: "mastercard"},
		{number: "2223003122003222", brand: "mastercard"},
		{number: "5200828282828210", names: names("mastercard_debit"), brand: "mastercard", funding: "debit"},
		{number: "5105105105105100", names: names("mastercard_prepaid"), brand: "mastercard", funding: "prepaid"},
		{number: "378282246310005", names: names("amex"), brand: "amex"},
		{number: "371449635398431", brand: "amex"},
		{number: "6011111111111117", names: names("discover"), brand: "discover"},
		{number: "6011000990139424", brand: "discover"},
		{number: "3056930009020004", names: names("diners"), brand: "diners"},
		{number: "36227206271667", brand: "diners"},
		{number: "3566002020360505", names: names("jcb"), brand: "jcb"},
		{number: "6200000000000005", names: names("unionpay"), brand: "unionpay"},
		{number: "4000000760000002", names: names("br"), brand: "visa", country: "BR"},
		{number: "4000001240000000", names: names("ca"), brand: "visa", country: "CA"},
		{number: "4000002760000016", names: names("de"), brand: "visa", country: "DE"},
		{number: "4000002500000003", names: names("fr"), brand: "visa", country: "FR"},
		{number: "4000008260000000", names: names("gb"), brand: "visa", country: "GB"},
		{number: "4000000000000077", names: names("bypassPending"), brand: "visa", settled: true},

		{number: "4000000000000002", names: names("chargeDeclined", "visa_chargeDeclined"), brand: "visa", refusal: declinedGeneric},
		{number: "4000000000009995", names: names("chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"), brand: "visa", refusal: declinedFunds},
		{number: "4000000000009987", names: names("chargeDeclinedLostCard", "visa_chargeDeclinedLostCard"), brand: "visa", refusal: declinedLost},
		{number: "4000000000009979", names: names("chargeDeclinedStolenCard", "visa_chargeDeclinedStolenCard"), brand: "visa", refusal: declinedStolen},
		{number: "4000000000000069", names: names("chargeDeclinedExpiredCard"), brand: "visa", refusal: declinedExpired},
		{number: "4000000000000127", names: names("chargeDeclinedIncorrectCvc"), brand: "visa", refusal: declinedCVC, cvcFails: true},
		{number: "4000000000000119", names: names("chargeDeclinedProcessingError"), brand: "visa", refusal: declinedProcess},
		{number: "4000000000006975", names: names("chargeDeclinedVelocityLimitExceeded", "visa_chargeDeclinedVelocityLimitExceeded"), brand: "visa", refusal: declinedVelocity},
		{number: "4000000000000341", names: names("chargeCustomerFail"), brand: "visa", refusal: declinedGeneric, attaches: true},
		{number: "4100000000000019", names: names("radarBlock"), brand: "visa", refusal: declinedFraud, attaches: true, riskLevel: "highest"},
		{number: "4000000000000101", names: names("cvcCheckFail"), brand: "visa", cvcFails: true},
		{number: "4000000000009235", names: names("riskLevelElevated"), brand: "visa", riskLevel: "elevated"},
		{number: "4000000000004954", names: names("riskLevelHighest"), brand: "visa", refusal: declinedFraud, attaches: true, riskLevel: "highest"},

		{number: "4000002500003155", names: names("authenticationRequiredOnSetup"), brand: "visa", auth: authUnlessSetUp},
		{number: "4000002760003184", names: names("authenticationRequired"), brand: "visa", auth: authAlways},
		{number: "4000008260003178", names: names("authenticationRequiredChargeDeclinedInsufficientFunds"), brand: "visa", auth: authAlways, refusal: declinedFunds, attaches: true},
		{number: "4000000000003220", names: names("threeDSecure2Required"), brand: "visa", auth: authAlways},
		{number: "4000000000003063", names: names("threeDSecureRequired"), brand: "visa", auth: authAlways},
		{number: "4000008400001629", names: names("threeDSecureRequiredChargeDeclined"), brand: "visa", auth: authAlways, refusal: declinedGeneric, attaches: true},
		{number: "4000000000003055", names: names("threeDSecureOptional"), brand: "visa", auth: authOptional},

		{number: "4000000000007726", names: names("pendingRefund"), brand: "visa", refund: refundPending},
		{number: "4000000000005126", names: names("refundFail"), brand: "visa", refund: refundFails},
		{number: "4000000000000259", names: names("createDispute"), brand: "visa", dispute: "fraudulent"},
		{number: "4000000000002685", names: names("createDisputeProductNotReceived"), brand: "visa", dispute: "product_not_received"},
		{number: "4000000000001976", names: names("createDisputeInquiry"), brand: "visa", dispute: "fraudulent", inquiry: true},
	}
}

func indexCards(keys func(testCard) []string) map[string]testCard {
	index := map[string]testCard{}
	for _, c := range testCards {
		for _, k := range keys(c) {
			index[k] = c
		}
	}
	return index
}

// cardByBehaviour finds the card a stored payment method stands for. Only the last characters that tell test cards
// apart are kept with it, never a number that is not Stripe's own.
func cardByBehaviour(b string) testCard {
	if c, ok := testCardsByNumber[b]; ok {
		return c
	}
	return unlistedCard
}

// fingerprint is the same for the same number, and does not give the number away.
func fingerprint(number string) string {
	sum := sha256.Sum256([]byte("card fingerprint " + number))
	return hex.EncodeToString(sum[:8])
}

func luhn(number string) bool {
	sum, double := 0, false
	for i := len(number) - 1; i >= 0; i-- {
		d := int(number[i] - '0')
		if d < 0 || d > 9 {
			return false
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return len(number) >= 12 && len(number) <= 19 && sum%10 == 0
}

func cardError(code, param, message string) *apiError {
	return withDoc(&apiError{Type: "card_error", Code: code, Param: param, Message: message, status: 402, invalid: true})
}

// readCard checks card[number|exp_month|exp_year|cvc] as the tokenizer does and gives the card and its behaviour.
func readCard(p *params, now time.Time) (*card, cardHidden) {
	number := strings.NewReplacer(" ", "", "-", "").Replace(p.must("number"))
	month, year := p.number("exp_month"), p.number("exp_year")
	cvc, hasCVC := p.scalar("cvc")
	p.ignore("networks")
	if *p.first != nil {
		return nil, cardHidden{}
	}
	known, listed := testCardsByNumber[number]
	if !listed {
		known = unlistedCard
		known.brand = brandOf(number)
	}
	cvcLen := 3
	if known.brand == "amex" {
		cvcLen = 4
	}
	switch {
	case !luhn(number):
		p.fail(cardError("incorrect_number", "number", "Your card number is incorrect."))
	case month == nil:
		p.fail(p.absent("exp_month"))
	case year == nil:
		p.fail(p.absent("exp_year"))
	case *month < 1 || *month > 12:
		p.fail(cardError("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."))
	case hasCVC && (len(cvc) < cvcLen || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != ""):
		p.fail(cardError("invalid_cvc", "cvc", "Your card's security code is invalid."))
	}
	if *p.first != nil {
		return nil, cardHidden{}
	}
	if *year < 100 {
		*year += 2000
	}
	if expired(*month, *year, now) || *year > int64(now.Year())+50 {
		p.fail(cardError("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid."))
		return nil, cardHidden{}
	}
	c := newCard(known, number, *month, *year)
	hidden := cardHidden{CVC: hasCVC}
	if listed {
		hidden.TestCard = number
	}
	return c, hidden
}

// expired tells whether the last day of the month is over.
func expired(month, year int64, now time.Time) bool {
	return !time.Date(int(year), time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC).After(now)
}

func brandOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "visa"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "amex"
	case strings.HasPrefix(number, "5"), strings.HasPrefix(number, "2"):
		return "mastercard"
	case strings.HasPrefix(number, "6"):
		return "discover"
	}
	return "unknown"
}
