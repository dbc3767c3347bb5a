package paylink

import (
	"strings"
	"time"

	"paylink/money"
)

// Method is a card or bank account that a customer linked or saved. What Stripe and Plaid hold is
// named here; a card or account number never is.
type Method struct {
	ID          string
	CustomerID  string
	Kind        MethodKind
	StripeID    string // pm_… or ba_…
	Fingerprint string // Stripe's, the same for the same card or account; linked once
	Card        Card
	Bank        Bank
	Owner       string    // the visitor who linked it; it is theirs alone until saved
	SavedAt     time.Time // with consent, for the customer; zero while it is not
	Consent     Consent   // to saving
	BlockedAt   time.Time // not offered again: returned, expired or detached
	Blocked     string    // why, a code in the catalogue below "method."
	RemovedAt   time.Time
	PlaidItem   string // the item at Plaid; removed with the method
	PlaidSealed string // Plaid's access token under the key ring, bound to this row
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Bank is what may be known of a bank account: enough to recognise it.
type Bank struct {
	Name    string `json:"name"` // "Chase"
	Last4   string `json:"last4"`
	Type    string `json:"type"` // checking or savings
	Holder  string `json:"holder"`
	Company bool   `json:"company"` // a business account: other rules of Nacha apply
}

// Label is "Chase ••6789", or "" when nothing is known.
func (b Bank) Label() string {
	if b.Last4 == "" {
		return ""
	}
	return strings.TrimSpace(b.Name + " ••" + b.Last4)
}

// Label is how people recognise the method: "Visa ••4242", "Chase ••6789".
func (m Method) Label() string {
	if m.Kind == MethodBank {
		return m.Bank.Label()
	}
	return m.Card.Label()
}

// Usable says whether the method may be offered: saved for the customer, or this visitor's own.
func (m Method) Usable(visitor string) bool {
	return m.RemovedAt.IsZero() && m.BlockedAt.IsZero() && (!m.SavedAt.IsZero() || m.Owner == visitor && visitor != "")
}

// Expired says whether a card is past its month; a bank account has none.
func (m Method) Expired(now time.Time) bool {
	if m.Kind != MethodCard || m.Card.ExpYear == 0 {
		return false
	}
	return !now.Before(time.Date(m.Card.ExpYear, time.Month(m.Card.ExpMonth)+1, 1, 0, 0, 0, 0, time.UTC))
}

// Consent is what somebody agreed to, and the proof of it.
type Consent struct {
	Text    string    `json:"text"`    // in full, as it was shown
	Version string    `json:"version"` // of the text
	At      time.Time `json:"at"`
	IP      string    `json:"ip"`
	Agent   string    `json:"agent"` // the browser, cut to 300 characters
}

// Mandate is a payer's permission to debit a bank account, kept for two years after it was revoked.
// Nacha wants it readable, revocable and provable: https://www.nacha.org/rules
type Mandate struct {
	ID        string
	MethodID  string
	PaymentID string // the debit it was given for
	Amount    money.Amount
	Last4     string
	Bank      string
	Consent   Consent
	Stripe    string // mandate_…, once Stripe made it
	RevokedAt time.Time
	CreatedAt time.Time
}

// Dispute is money that was taken back after it had arrived. Stripe tells a bank's return after
// success as a dispute too. https://docs.stripe.com/payments/ach-direct-debit#failures
type Dispute struct {
	ID        string
	PaymentID string
	StripeID  string // dp_… or du_…
	Kind      DisputeKind
	Amount    money.Amount
	Reason    string // Stripe's word
	Status    string // Stripe's word
	Withdrawn int64  // minor units that are gone from us now; 0 again once won
	OpenedAt  time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// DisputeKind tells what a payer did from what a bank could not do.
type DisputeKind string

// The kinds.
const (
	KindDispute DisputeKind = "dispute" // the payer objects
	KindReturn  DisputeKind = "return"  // the payer's bank sent the debit back
)
