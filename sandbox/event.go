package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// APIVersion is the Stripe API version the sandbox speaks, which stripe-go v76 pins.
const APIVersion = "2023-10-16"

type eventRequest struct {
	ID             *string `json:"id"`
	IdempotencyKey *string `json:"idempotency_key"`
}

type eventData struct {
	Object             json.RawMessage `json:"object"`
	PreviousAttributes map[string]any  `json:"previous_attributes,omitempty"`
}

// event is an Event (https://docs.stripe.com/api/events/object) with its object as it was then.
type event struct {
	ID              string       `json:"id"`
	Object          string       `json:"object"`
	APIVersion      string       `json:"api_version"`
	Created         int64        `json:"created"`
	Data            eventData    `json:"data"`
	Livemode        bool         `json:"livemode"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`
}

func (*event) kind() string  { return "event" }
func (e *event) key() string { return e.ID }

// eventsKept is how long Stripe lists events (https://docs.stripe.com/api/events).
const eventsKept = 30 * 24 * time.Hour

// emit records that something happened to o, and queues its delivery when an endpoint listens.
func (t *tx) emit(kind string, o object) { t.emitChange(kind, o, nil) }

func (t *tx) emitChange(kind string, o object, previous map[string]any) {
	raw, err := json.Marshal(render(o))
	if err != nil {
		panic(fmt.Sprintf("sandbox: rendering %s: %v", o.key(), err)) // every kind is plain data
	}
	e := &event{ID: newID("evt"), Object: "event", APIVersion: APIVersion, Created: t.unix(), Type: kind,
		Data: eventData{Object: raw, PreviousAttributes: previous}, Request: t.request}
	if t.webhook {
		e.PendingWebhooks = 1
		t.put(&delivery{Event: e.ID, Type: kind, Next: t.now})
	}
	t.put(e)
}

func retrieveEvent(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	e, ok := get[event](c.tx, c.id)
	if !ok {
		return nil, missing("event", c.id, "id")
	}
	return e, nil
}

func listEvents(c *call) (any, error) {
	p := c.params
	kind, kinds := p.text("type"), p.words("types")
	created := p.timeRange("created")
	delivered, filtered := p.scalar("delivery_success")
	page := c.page()
	if len(kinds) > 20 {
		p.fail(invalid("", "types", "Invalid array: must have at most 20 items."))
	}
	if kind != "" && kinds != nil {
		p.fail(invalid("", "type", "You may only specify one of these parameters: type, types."))
	}
	if err := p.problem(); err != nil {
		return nil, err
	}
	if kind != "" {
		kinds = []string{kind}
	}
	return list(c, page, func(e *event) bool {
		return created(e.Created) && (kinds == nil || matchesAny(kinds, e.Type)) &&
			(!filtered || (delivered == "true") == (e.PendingWebhooks == 0))
	})
}

// matchesAny tells whether one of the patterns, such as charge.* or *, fits an event type.
func matchesAny(patterns []string, kind string) bool {
	for _, p := range patterns {
		if prefix, wild := strings.CutSuffix(p, "*"); p == kind || wild && strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}
