package sandbox

type onlineAcceptance struct {
	IPAddress *string `json:"ip_address"`
	UserAgent *string `json:"user_agent"`
}

type customerAcceptance struct {
	AcceptedAt *int64            `json:"accepted_at,omitempty"`
	Online     *onlineAcceptance `json:"online"`
	Type       string            `json:"type"`
}

// mandateData is the customer's consent as sent with a confirmation.
type mandateData struct {
	CustomerAcceptance customerAcceptance `json:"customer_acceptance"`
}

// readMandateData reads mandate_data, nil when absent. Online consent needs the address and the browser it came from.
func readMandateData(c *call, p *params) *mandateData {
	h := p.hash("mandate_data")
	if h == nil {
		return nil
	}
	acceptance := h.hash("customer_acceptance")
	if acceptance == nil {
		p.fail(h.absent("customer_acceptance"))
		return nil
	}
	d := &mandateData{CustomerAcceptance: customerAcceptance{AcceptedAt: acceptance.number("accepted_at"), Type: acceptance.choice("type", "online", "offline")}}
	if !acceptance.has("type") && !c.publishable {
		p.fail(acceptance.absent("type"))
	}
	acceptance.ignore("offline")
	if online := acceptance.hash("online"); online != nil {
		d.CustomerAcceptance.Online = &onlineAcceptance{}
		online.set("ip_address", &d.CustomerAcceptance.Online.IPAddress)
		online.set("user_agent", &d.CustomerAcceptance.Online.UserAgent)
		online.ignore("infer_from_client")
		if !c.publishable { // Stripe.js leaves it to Stripe to see where it is
			for _, k := range []string{"ip_address", "user_agent"} {
				if !online.has(k) {
					p.fail(online.absent(k))
				}
			}
		}
	} else if d.CustomerAcceptance.Type == "online" {
		p.fail(acceptance.absent("online"))
	}
	return d
}
