package sandbox

// captureIntent takes the authorized money, all or a part; what is left is released
// (https://docs.stripe.com/api/payment_intents/capture).
func captureIntent(c *call) (any, error) {
	if _, err := c.intent(); err != nil {
		return nil, err
	}
	p := c.params
	pi, _ := edit[paymentIntent](c.tx, c.id)
	amount := p.number("amount_to_capture")
	p.flag("final_capture")
	if p.has("metadata") {
		pi.Metadata = p.metadata(pi.Metadata)
	}
	readDescriptors(p, pi)
	if err := p.problem(); err != nil {
		return nil, err
	}
	if pi.Status != statusRequiresCapture {
		if pi.Status == statusSucceeded {
			return nil, unexpectedState(pi, "This PaymentIntent could not be captured because it has already been captured.")
		}
		return nil, unexpectedState(pi, "This PaymentIntent could not be captured because it has a status of %s. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.", pi.Status)
	}
	switch {
	case amount == nil:
		amount = &pi.AmountCapturable
	case *amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount_to_capture", "This value must be greater than or equal to 1.")
	case *amount > pi.AmountCapturable:
		return nil, refused("amount_too_large", "amount_to_capture", "The amount_to_capture (%s) is greater than the authorized amount (%s) of this PaymentIntent.", decimal(*amount, pi.Currency), decimal(pi.AmountCapturable, pi.Currency))
	}
	taken := *amount
	ch, _ := edit[charge](c.tx, *pi.LatestCharge)
	ch.Captured, ch.AmountCaptured = true, taken
	ch.PaymentMethodDetails.Card.CaptureBefore = nil
	ch.StatementDescriptorSuffix = pi.StatementDescriptorSuffix
	bookCharge(c.tx, ch)
	pi.Status, pi.AmountCapturable, pi.AmountReceived = statusSucceeded, 0, taken
	c.emit("charge.captured", ch)
	if rest := ch.Amount - taken; rest > 0 {
		bookReversal(c.tx, ch, release(c.tx, ch, rest, ""))
	}
	c.emit("payment_intent.succeeded", pi)
	afterCapture(c.tx, ch)
	c.truth(ch)
	c.truth(pi)
	return pi, nil
}
