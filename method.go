package paylink

import (
	"strings"
	"time"

	"paylink/money"
)

// Method is a card or bank account that a customer linked or saved. What Stripe and Plaid hold is
// named here; a card or account number never is.
type Method struct {
	ID           string
	CustomerID   string
	Kind         MethodKind
	StripeID     string // pm_… or ba_…
	Fingerprint  string // Stripe's, the same for the same card or account; linked once
	Card         Card
	Bank         Bank
	Owner        string    // the visitor who linked it; it is theirs alone until saved
	SavedAt      time.Time // with consent, for the customer; zero while it is not
	Consent      Consent   // to saving
	BlockedAt    time.Time // not offered again: returned, expired or detached
	Blocked      string    // why, a code in the catalogue below "method."
	RemovedAt    time.Time
	AwaitsCode   CodeWait  // a bank account that is being proven; zero when it is, or needs no proof
	PlaidItem    string    // the item at Plaid; removed with the method
	PlaidAccount string    // the account's id within the item
	PlaidSealed  string    // Plaid's access token under the key ring, bound to this row
	LoginAt      time.Time // when its bank asked for the login again; zero while it does not. Debits go through all the same
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// CodeWait is the proof of a bank account by a small deposit, while it is awaited. No payment and no
// reservation hang on it.
type CodeWait struct {
	SetupIntent string `json:"setup_intent,omitempty"` // seti_…; "" until Stripe made it
	Kind        string `json:"kind,omitempty"`         // what the payer reads at the bank: CodeText or CodeAmounts
	ArrivesOn   Date   `json:"arrives_on,omitempty"`
	Tries       int    `json:"tries,omitempty"` // left
}

// What a payer reads on the statement, in Stripe's words.
const (
	CodeText    = "descriptor_code" // six characters beside one deposit
	CodeAmounts = "amounts"         // two deposits of some cents
)

// Exchange is a bank account on its way from Plaid Link to a method. It is written before Plaid is
// asked, so that no login at a bank is made and forgotten.
type Exchange struct {
	ID         string
	CustomerID string
	Visitor    string
	TokenHash  string // of the public token, which is good once: the same press again finds this row
	Account    string // Plaid's id
	Item       string // Plaid's id; "" until it is known
	Sealed     string // the item's access token under the key ring, bound to this row; "" once a method has it
	MethodID   string // what it became
	Note       string // why it became nothing
	EndedAt    time.Time
	CreatedAt  time.Time
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

// SeenBy says whether a browser may see and use the method: the visitor's own, or saved for the
// customer whose mailbox that browser proved.
func (m Method) SeenBy(visitor string, proven bool) bool {
	return m.RemovedAt.IsZero() && (proven && !m.SavedAt.IsZero() || m.Owner == visitor && visitor != "")
}

// Usable says whether a payment may be made by the method now.
func (m Method) Usable(now time.Time) bool {
	return m.RemovedAt.IsZero() && m.BlockedAt.IsZero() && !m.Waits() && !m.Expired(now)
}

// Waits says whether the account is not proven yet.
func (m Method) Waits() bool { return m.AwaitsCode != CodeWait{} }

// Expired says whether a card is past its month; a bank account has none.
func (m Method) Expired(now time.Time) bool {
	if m.Card.ExpYear == 0 {
		return false
	}
	return !now.Before(time.Date(m.Card.ExpYear, time.Month(m.Card.ExpMonth)+1, 1, 0, 0, 0, 0, time.UTC))
}

// ByPhone says whether staff may charge the method when its owner asks for it by telephone. Texts before
// save-2 spoke of the payment page alone, and who agreed to one of them agreed to nothing else.
// https://docs.stripe.com/payments/save-during-payment#compliance
func (m Method) ByPhone() bool {
	switch m.Consent.Version {
	case "save-2":
		return !m.SavedAt.IsZero()
	default:
		return false
	}
}

// Versions of the texts that people agree to. A text that changes gets another; what the new one of
// SaveVersion allows is for ByPhone to say.
const (
	DebitVersion = "debit-2" // to one debit, on the payment page
	PhoneVersion = "phone-1" // to one debit, told by telephone
	CheckVersion = "check-1" // to small deposits
	SaveVersion  = "save-2"  // to keep a card or an account
)

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
	Moves     int    // how often Stripe took or gave back money for it
	OpenedAt  time.Time
	AnswerBy  time.Time // when evidence is due; zero when none is asked for
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

// BankDays is the day that lies n bank days after a day: Saturdays, Sundays and the holidays of the
// US Federal Reserve do not count. https://www.frbservices.org/about/holiday-schedules
func BankDays(from Date, n int) Date {
	day := from.Time(time.UTC)
	if day.IsZero() {
		return ""
	}
	for n > 0 {
		if day = day.AddDate(0, 0, 1); bankOpen(day) {
			n--
		}
	}
	return DateOf(day, time.UTC)
}

// bankOpen says whether the Federal Reserve Banks work on a day. A holiday on a Sunday is kept on
// Monday; one on a Saturday is not made up for.
func bankOpen(day time.Time) bool {
	weekday, month := day.Weekday(), day.Month()
	nth := (day.Day()-1)/7 + 1
	last := day.AddDate(0, 0, 7).Month() != month
	if weekday == time.Saturday || weekday == time.Sunday || fixedHoliday(day) {
		return false
	}
	if weekday == time.Thursday {
		return month != time.November || nth != 4 // Thanksgiving
	}
	if weekday != time.Monday {
		return true
	}
	if fixedHoliday(day.AddDate(0, 0, -1)) {
		return false
	}
	switch month {
	case time.January, time.February: // Martin Luther King, Washington
		return nth != 3
	case time.May: // Memorial Day
		return !last
	case time.September: // Labor Day
		return nth != 1
	case time.October: // Columbus Day
		return nth != 2
	default:
		return true
	}
}

// fixedHoliday says whether a date is New Year, Juneteenth, Independence, Veterans or Christmas Day.
func fixedHoliday(day time.Time) bool {
	switch day.Format("01-02") {
	case "01-01", "06-19", "07-04", "11-11", "12-25":
		return true
	}
	return false
}
