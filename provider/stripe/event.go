package stripe

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// Event is a webhook whose signature was ours. It is a hint: the object it names is fetched.
type Event struct {
	ID     string
	Type   string
	Live   bool
	Object string // the id of the object it is about
	Kind   string // what that object is: payment_intent, charge, refund, dispute…
	Intent string // the PaymentIntent that is, or belongs to, the object; "" when there is none
	Setup  string // the SetupIntent that is the object
}

// SignatureAge is how old a signature may be. https://docs.stripe.com/webhooks#replay-attacks
const SignatureAge = 5 * time.Minute

// VerifyEvent checks the Stripe-Signature header against each active secret (two during a
// rotation) and reads the event.
func VerifyEvent(body []byte, header string, secrets []string) (Event, error) {
	err := fmt.Errorf("no webhook secret is set")
	for _, secret := range secrets {
		if err = webhook.ValidatePayloadWithTolerance(body, header, secret, SignatureAge); err == nil {
			return ParseEvent(body)
		}
	}
	return Event{}, fmt.Errorf("verify webhook: %w", err)
}

// ParseEvent reads an event that was verified when it was stored. The version of the event does
// not matter: the object is fetched in ours.
func ParseEvent(body []byte) (Event, error) {
	var e struct {
		ID       string `json:"id"`
		Type     string `json:"type"`
		Livemode bool   `json:"livemode"`
		Data     struct {
			Object struct {
				ID            string          `json:"id"`
				Object        string          `json:"object"`
				PaymentIntent json.RawMessage `json:"payment_intent"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	if e.ID == "" || e.Type == "" {
		return Event{}, fmt.Errorf("read event: no id or type")
	}
	event := Event{ID: e.ID, Type: e.Type, Live: e.Livemode, Object: e.Data.Object.ID, Kind: e.Data.Object.Object}
	switch e.Data.Object.Object {
	case "payment_intent":
		event.Intent = e.Data.Object.ID
		return event, nil
	case "setup_intent":
		event.Setup = e.Data.Object.ID
		return event, nil
	}
	var expanded struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(e.Data.Object.PaymentIntent, &event.Intent) != nil &&
		json.Unmarshal(e.Data.Object.PaymentIntent, &expanded) == nil {
		event.Intent = expanded.ID
	}
	return event, nil
}
