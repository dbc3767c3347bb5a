package paylink

import (
	"time"

	"paylink/money"
)

// Link lets one recipient see and pay one invoice. It may be used many times until it ends.
type Link struct {
	ID          string
	InvoiceID   string
	Recipient   string // the mailbox it was made for
	TokenHash   string // what the token is found by
	TokenSealed string // the token under the key ring, so that copy, resend and QR show the same link
	Locale      money.Locale
	Note        string // a few words from staff, shown in the mail
	CreatedBy   Actor
	ForwardedBy string // the link whose payer sent this one on
	CreatedAt   time.Time
	SentAt      time.Time // the relay took the mail
	BouncedAt   time.Time
	Bounce      string    // why, in the relay's words, cut short
	OpenedAt    time.Time // a person did something on the page; never set by a GET
	PaidAt      time.Time
	ExpiresAt   time.Time
	RevokedAt   time.Time
	Version     int // of the mail: a resend counts it up
}

// How long links live.
const (
	LinkLife    = 30 * 24 * time.Hour  // after the later of due date and sending
	LinkLongest = 120 * 24 * time.Hour // after sending, whatever the due date
	ReceiptLife = 90 * 24 * time.Hour  // after the invoice was paid, to show the receipts
)

// LinkExpiry is when a link sent now for an invoice due then ends.
func LinkExpiry(now, due time.Time) time.Time {
	from := now
	if due.After(now) {
		from = due
	}
	expiry := from.Add(LinkLife)
	if longest := now.Add(LinkLongest); expiry.After(longest) {
		return longest
	}
	return expiry
}

// LinkState is where a link is in its life.
type LinkState string

// From queued to paid; bounced, expired and revoked end it.
const (
	LinkQueued  LinkState = "queued"
	LinkSent    LinkState = "sent"
	LinkBounced LinkState = "bounced"
	LinkOpened  LinkState = "opened"
	LinkPaid    LinkState = "paid"
	LinkExpired LinkState = "expired"
	LinkRevoked LinkState = "revoked"
)

// State is where the link is now.
func (l Link) State(now time.Time) LinkState {
	switch {
	case !l.RevokedAt.IsZero():
		return LinkRevoked
	case !l.PaidAt.IsZero():
		return LinkPaid
	case l.Expired(now):
		return LinkExpired
	case !l.OpenedAt.IsZero():
		return LinkOpened
	case !l.BouncedAt.IsZero():
		return LinkBounced
	case !l.SentAt.IsZero():
		return LinkSent
	}
	return LinkQueued
}

// Expired says whether the link's time is over. A paid link shows its receipts for ReceiptLife.
func (l Link) Expired(now time.Time) bool {
	end := l.ExpiresAt
	if !l.PaidAt.IsZero() {
		end = l.PaidAt.Add(ReceiptLife)
	}
	return !now.Before(end)
}

// LastDay is a moment of the last day on which the link works: it ends as that day does.
func (l Link) LastDay() time.Time { return l.ExpiresAt.Add(-time.Second) }

// Usable is nil while the link may be seen; otherwise it says why not, without a word about the
// invoice behind it.
func (l Link) Usable(now time.Time) error {
	switch {
	case !l.RevokedAt.IsZero():
		return Fail(NotFound, "link.revoked")
	case l.Expired(now):
		return Fail(NotFound, "link.expired", "until", l.LastDay())
	}
	return nil
}

// Reopen lets a link that had come to show receipts alone ask for money again, for as long as one that is
// sent now; false when there is nothing to change. One that ended meanwhile stays ended.
func (l *Link) Reopen(now, due time.Time) bool {
	if l.PaidAt.IsZero() {
		return false
	}
	if again := LinkExpiry(now, due); !l.Expired(now) && l.ExpiresAt.Before(again) {
		l.ExpiresAt = again
	}
	l.PaidAt = time.Time{}
	return true
}

// SealToken makes the link's token and keeps its hash and its sealed form.
func (l *Link) SealToken(ring KeyRing) error {
	token := NewToken()
	sealed, err := ring.Seal("link/"+l.ID, []byte(token.Reveal()))
	if err != nil {
		return err
	}
	l.TokenHash, l.TokenSealed = token.Hash(), sealed
	return nil
}

// URL is the address that the recipient opens. It holds the secret: it goes into the mail, to staff
// who copy it and into the answer of the API, and nowhere else.
func (l Link) URL(ring KeyRing, base string) (string, error) {
	plain, err := ring.Open("link/"+l.ID, l.TokenSealed)
	if err != nil {
		return "", err
	}
	return base + "/l/" + string(plain), nil
}
