package sandbox

import "errors"

// authenticateIntent is what the bank's page of 3-D Secure calls when the customer has answered it. Stripe has
// no such endpoint: its banks do this out of sight.
func authenticateIntent(c *call) (any, error) {
	if _, err := c.intent(); err != nil {
		return nil, err
	}
	result := c.params.choice("outcome", "succeed", "fail")
	if !c.params.has("outcome") {
		c.params.fail(c.params.absent("outcome"))
	}
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	pi, _ := edit[paymentIntent](c.tx, c.id)
	if pi.Status != statusRequiresAction {
		return nil, unexpectedState(pi, "This PaymentIntent does not await authentication: it has a status of %s.", pi.Status)
	}
	m, ok := get[paymentMethod](c.tx, *pi.PaymentMethod)
	if !ok {
		return nil, missingParam("PaymentMethod", *pi.PaymentMethod, "payment_method")
	}
	if result == "fail" {
		failAuthentication(c.tx, pi, m)
		return pi, nil
	}
	if pi.ConfirmationMethod == "manual" {
		pi.Status, pi.NextAction, pi.Hidden.Authenticated = statusRequiresConfirmation, nil, true
		return pi, nil
	}
	answer, err := c.chargeIntent(pi, m, true)
	if declined := (*apiError)(nil); errors.As(err, &declined) && declined.keep {
		return pi, nil // the customer passed; what the bank then said stands in last_payment_error
	}
	return answer, err
}

// failAuthentication sends the PaymentIntent back for another method (https://docs.stripe.com/error-codes#payment-intent-authentication-failure).
func failAuthentication(t *tx, pi *paymentIntent, m *paymentMethod) {
	pi.LastPaymentError = withDoc(&apiError{Type: "invalid_request_error", Code: "payment_intent_authentication_failure",
		Message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.", PaymentMethod: render(m)})
	pi.Status, pi.PaymentMethod, pi.NextAction = statusRequiresMethod, nil, nil
	t.emit("payment_intent.payment_failed", pi)
	t.truth(pi)
}
