package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer in Stripe's error shape (https://docs.stripe.com/api/errors).
type apiError struct {
	Type              string `json:"type"`
	Code              string `json:"code,omitempty"`
	DeclineCode       string `json:"decline_code,omitempty"`
	DocURL            string `json:"doc_url,omitempty"`
	Message           string `json:"message"`
	Param             string `json:"param,omitempty"`
	Charge            string `json:"charge,omitempty"`
	PaymentIntent     any    `json:"payment_intent,omitempty"`
	PaymentMethod     any    `json:"payment_method,omitempty"`
	PaymentMethodType string `json:"payment_method_type,omitempty"`
	RequestLogURL     string `json:"request_log_url,omitempty"`
	SetupIntent       any    `json:"setup_intent,omitempty"`

	status int
	// invalid: the parameters never passed the door, so nothing ran and the idempotency layer keeps nothing.
	invalid bool
	// keep: what happened before the error (a declined charge) stays.
	keep bool
}

func (e *apiError) Error() string { return e.Message }

func withDoc(e *apiError) *apiError {
	if e.Code != "" {
		e.DocURL = "https://stripe.com/docs/error-codes/" + strings.ReplaceAll(e.Code, "_", "-")
	}
	return e
}

// invalid is a 400 about the parameters as sent.
func invalid(code, param, format string, args ...any) *apiError {
	return withDoc(&apiError{Type: "invalid_request_error", Code: code, Param: param,
		Message: fmt.Sprintf(format, args...), status: http.StatusBadRequest, invalid: true})
}

// refused is a 400 that depends on the state of the account: the request ran, so its answer is kept.
func refused(code, param, format string, args ...any) *apiError {
	e := invalid(code, param, format, args...)
	e.invalid = false
	return e
}

// missing is the 404 of an id in the path.
func missing(noun, id, param string) *apiError {
	e := invalid("resource_missing", param, "No such %s: '%s'", noun, id)
	e.status = http.StatusNotFound
	return e
}

// missingParam is the 400 of an id among the parameters.
func missingParam(noun, id, param string) *apiError {
	return invalid("resource_missing", param, "No such %s: '%s'", noun, id)
}

// unexpectedSetupState is unexpectedState of a SetupIntent.
func unexpectedSetupState(si *setupIntent, format string, args ...any) *apiError {
	e := refused("setup_intent_unexpected_state", "", format, args...)
	e.SetupIntent = render(si)
	return e
}

// unexpectedState is a request that the PaymentIntent's status does not allow; it shows the PaymentIntent.
func unexpectedState(pi *paymentIntent, format string, args ...any) *apiError {
	e := refused("payment_intent_unexpected_state", "", format, args...)
	e.PaymentIntent = render(pi)
	return e
}
