package templates

import (
	"html/template"
	"time"
)

// Frame is what every page of customers has around its content.
type Frame struct {
	Page
	Firm      FirmFoot
	Reference string    // the invoice's number; "" where it must not be said
	Until     time.Time // how long the link works
	StripeJS  string    // the address of Stripe.js, on pages that need it
	Script    bool      // the page has our script
	Again     int       // seconds after which a browser without script looks again; 0 is never
}

// Answer opens a page that says what became of something: the money first, then why.
type Answer struct {
	Colour  string // of the tokens
	Icon    string
	Heading template.HTML
	Lead    template.HTML
}

// Rest is what is still to pay, under the answer to a payment.
type Rest struct {
	Heading template.HTML
	Text    template.HTML
	Balance Balance
	Pay     string // where the rest is paid; "" when nothing is
	Label   template.HTML
	Weight  string // of the button: primary, or secondary where money is on its way
}

// Fact is one line of a list: "With", "Visa ••4242".
type Fact struct {
	Label  template.HTML
	Value  string
	Strong bool
}

// SoFar is an earlier payment of the invoice, without what tells the payer's card: a link may have
// been forwarded.
type SoFar struct {
	Kind    string
	Icon    string
	When    string
	Back    string // what went back of it, and how; "" when nothing did
	Amount  string // without what went back
	Status  string // where it stands
	Receipt string // the address of its PDF, when there is one
	Link    string // the address of its page, for its payer while it is not finished
}

// Fresh is the form that asks for a fresh link.
type Fresh struct {
	Action   string
	Email    string // as typed
	Problems Problems
}
