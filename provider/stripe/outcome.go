package stripe

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
)

// ErrUnknown says that nobody knows whether the call had its effect: a timeout, a broken
// connection, an answer that makes no sense, 409, 429 or 5xx. The same call may be made again with
// the same idempotency key; what happened is for Stripe to say.
// https://docs.stripe.com/error-low-level
var ErrUnknown = errors.New("outcome unknown")

// Busy is an unknown outcome that says more: when to ask again, or that asking again with this key
// gives the same answer for ever.
type Busy struct {
	Status   int
	After    time.Duration // Retry-After; 0 when Stripe named none
	Replayed bool          // a stored 5xx: the key is spent, only a fetch can tell
	Err      error
}

func (b *Busy) Error() string { return fmt.Sprintf("stripe answered %d: %v", b.Status, b.Err) }
func (b *Busy) Unwrap() error { return b.Err }

// Is makes it an ErrUnknown.
func (b *Busy) Is(target error) bool { return target == ErrUnknown }

// What Stripe says in a sentence and not in a code.
const (
	NoMandate = "mandate_missing"         // the bank account has no permission that holds
	Detached  = "payment_method_detached" // the card or account was taken from its customer
)

// Refusal says that Stripe refused the call and that it had no effect.
type Refusal struct {
	Code  string // Stripe's, for example payment_intent_unexpected_state, or one of the above
	Param string
	Err   error
}

func (r *Refusal) Error() string { return "stripe refused: " + r.Code + " " + r.Param }
func (r *Refusal) Unwrap() error { return r.Err }

// outcome sorts an error of the library into what is known about the call's effect.
func outcome(act string, err error) error {
	e, ok := errors.AsType[*stripego.Error](err)
	if !ok {
		// Network trouble, or an answer that is not JSON: the call may have had its effect. The
		// address of the call may hold a customer's e-mail and stays out of the error.
		if network, ok := errors.AsType[*url.Error](err); ok {
			err = network.Err
		}
		return fmt.Errorf("%s: %w: %w", act, ErrUnknown, err)
	}
	brief := fmt.Errorf("%s %s (request %s)", e.Type, e.Code, e.RequestID) // never the message: it may quote input
	switch {
	case e.HTTPStatusCode == 409 || e.HTTPStatusCode == 429 || e.HTTPStatusCode >= 500 || e.HTTPStatusCode == 0:
		busy := &Busy{Status: e.HTTPStatusCode, Err: brief}
		if e.LastResponse != nil {
			busy.Replayed = e.LastResponse.Header.Get("Idempotent-Replayed") == "true" && e.HTTPStatusCode >= 500
			if seconds, err := strconv.Atoi(e.LastResponse.Header.Get("Retry-After")); err == nil {
				busy.After = time.Duration(seconds) * time.Second
			}
		}
		return fmt.Errorf("%s: %w", act, busy)
	case e.Type == stripego.ErrorTypeIdempotency:
		// Our own fault: a stored key went out with another body. Nothing happened by this call.
		return fmt.Errorf("%s: %w", act, &Refusal{Code: "idempotency_error", Err: brief})
	}
	code := string(e.Code)
	switch {
	case code != "":
	case strings.Contains(e.Msg, "requires a mandate"):
		code = NoMandate
	case strings.Contains(e.Msg, "It may not be used again"):
		code = Detached
	default:
		code = string(e.Type)
	}
	return fmt.Errorf("%s: %w", act, &Refusal{Code: code, Param: e.Param, Err: brief})
}
