package sandbox

import (
	"net"
)

type mandateAcceptance struct {
	AcceptedAt int64             `json:"accepted_at"`
	Offline    *struct{}         `json:"offline,omitempty"`
	Online     *onlineAcceptance `json:"online,omitempty"`
	Type       string            `json:"type"`
}

type mandateMethod struct {
	Card          *struct{} `json:"card,omitempty"`
	Type          string    `json:"type"`
	USBankAccount *struct{} `json:"us_bank_account,omitempty"`
}

type singleUse struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// mandate is a Mandate (https://docs.stripe.com/api/mandates/object): a customer's permission to debit an account.
type mandate struct {
	ID                   string            `json:"id"`
	Object               string            `json:"object"`
	CustomerAcceptance   mandateAcceptance `json:"customer_acceptance"`
	Livemode             bool              `json:"livemode"`
	MultiUse             *struct{}         `json:"multi_use,omitempty"`
	PaymentMethod        string            `json:"payment_method"`
	PaymentMethodDetails mandateMethod     `json:"payment_method_details"`
	SingleUse            *singleUse        `json:"single_use,omitempty"`
	Status               string            `json:"status"`
	Type                 string            `json:"type"`
}

func (*mandate) kind() string  { return "mandate" }
func (m *mandate) key() string { return m.ID }

const (
	mandateActive   = "active"
	mandateInactive = "inactive"
	mandatePending  = "pending" // until the account is verified
)

// newMandate records the consent sent with a call. once limits it to one payment; nil allows more.
func newMandate(c *call, m *paymentMethod, given *mandateData, once *singleUse) *mandate {
	a := given.CustomerAcceptance
	d := &mandate{ID: newID("mandate"), Object: "mandate", PaymentMethod: m.ID, Status: mandateActive, Type: "multi_use", SingleUse: once,
		CustomerAcceptance:   mandateAcceptance{AcceptedAt: c.unix(), Type: orDefault(a.Type, "online")},
		PaymentMethodDetails: mandateMethod{Type: m.Type, USBankAccount: &struct{}{}}}
	if a.AcceptedAt != nil {
		d.CustomerAcceptance.AcceptedAt = *a.AcceptedAt
	}
	if once != nil {
		d.Type = "single_use"
	} else {
		d.MultiUse = &struct{}{}
	}
	if !m.Hidden.Bank.Verified {
		d.Status = mandatePending
	}
	switch d.CustomerAcceptance.Type {
	case "offline":
		d.CustomerAcceptance.Offline = &struct{}{}
	default:
		seen := onlineAcceptance{}
		if a.Online != nil {
			seen = *a.Online
		}
		if seen.IPAddress == nil { // the browser called by itself
			host, _, err := net.SplitHostPort(c.r.RemoteAddr)
			if err == nil {
				seen.IPAddress = &host
			}
		}
		if agent := c.r.UserAgent(); seen.UserAgent == nil {
			seen.UserAgent = &agent
		}
		d.CustomerAcceptance.Online = &seen
	}
	c.put(d)
	return d
}

// standingMandate is the latest permission that lasts for more than one payment, nil when there is none.
func standingMandate(t *tx, methodID string) (found *mandate) {
	for d := range all[mandate](t) {
		if d.PaymentMethod == methodID && d.Status == mandateActive && d.Type == "multi_use" {
			found = d
		}
	}
	return found
}

// setMandate moves a mandate to another status, and says so.
func setMandate(t *tx, id, status string) {
	d, ok := edit[mandate](t, id)
	if !ok || d.Status == status {
		return
	}
	was := d.Status
	d.Status = status
	t.emitChange("mandate.updated", d, map[string]any{"status": was})
}

// revokeMandates ends every permission to debit the account.
func revokeMandates(t *tx, methodID string) {
	var ids []string
	for d := range all[mandate](t) {
		if d.PaymentMethod == methodID && d.Status != mandateInactive {
			ids = append(ids, d.ID)
		}
	}
	for _, id := range ids {
		setMandate(t, id, mandateInactive)
	}
}

// permission is the mandate a debit runs on: the one the call names, the one its mandate_data makes, or the standing one.
// noun is what is confirmed.
func (c *call) permission(noun string, m *paymentMethod, named string, given *mandateData, once *singleUse) (*mandate, *apiError) {
	switch {
	case named != "":
		d, ok := get[mandate](c.tx, named)
		if !ok {
			return nil, missingParam("mandate", named, "mandate")
		}
		if d.Status != mandateActive || d.PaymentMethod != m.ID || d.Type == "single_use" {
			return nil, refused("payment_intent_mandate_invalid", "mandate", "The provided mandate is invalid and can not be used for the payment intent.")
		}
		return d, nil
	case given != nil:
		return newMandate(c, m, given, once), nil
	}
	if d := standingMandate(c.tx, m.ID); d != nil {
		return d, nil
	}
	return nil, refused("", "", "This %s requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.", noun)
}

func retrieveMandate(c *call) (any, error) {
	if err := c.params.problem(); err != nil {
		return nil, err
	}
	d, ok := get[mandate](c.tx, c.id)
	if !ok {
		return nil, missing("mandate", c.id, "mandate")
	}
	return d, nil
}
