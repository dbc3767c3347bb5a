package paylink

import (
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"paylink/money"
)

// Customer is who owes: a person, at a company perhaps, with one mailbox.
type Customer struct {
	ID             string
	Name           string
	Company        string
	Email          string
	Phone          string
	Locale         money.Locale
	ExternalID     string // the id in the system it came from; unique when there is one
	StripeCustomer string // cus_…; made once and found again, never twice
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// FirstName is what a mail greets with.
func (c Customer) FirstName() string {
	first, _, _ := strings.Cut(strings.TrimSpace(c.Name), " ")
	return first
}

// Longest texts, in characters. They are what fits a page, a mail header and a PDF line or two.
const (
	MaxName  = 200
	MaxText  = 500
	MaxEmail = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets
)

// Check says everything that is wrong with a customer at once.
func (c Customer) Check() error {
	var wrong Fields
	checkLine(&wrong, "name", c.Name, true, MaxName)
	checkLine(&wrong, "company", c.Company, false, MaxName)
	checkLine(&wrong, "phone", c.Phone, false, 40)
	checkLine(&wrong, "external_id", c.ExternalID, false, MaxName)
	if _, err := ParseEmail(c.Email); err != nil {
		wrong.Add("email", "email")
	}
	return wrong.Err()
}

// checkLine wants one line of printable text.
func checkLine(wrong *Fields, field, s string, required bool, most int) {
	switch {
	case required && strings.TrimSpace(s) == "":
		wrong.Add(field, "required")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		wrong.Add(field, "one_line")
	case utf8.RuneCountInString(s) > most:
		wrong.Add(field, "too_long", "most", most)
	}
}

// CheckNote wants a few words, of several lines perhaps.
func CheckNote(wrong *Fields, field, s string) {
	if s != "" {
		checkText(wrong, field, s)
	}
}

// ParseEmail accepts one bare mailbox and gives it as written, without a name around it. A line
// break, a list, a comment or a name is refused, so that an address can stand in a mail's head.
func ParseEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	bad := Fail(Invalid, "email")
	if len(s) > MaxEmail || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`<>"(),;:\[]`, r)
	}) {
		return "", bad
	}
	if _, err := mail.ParseAddress(s); err != nil {
		return "", bad.Because(err)
	}
	if local, domain, _ := strings.Cut(s, "@"); len(local) > 64 || !strings.Contains(domain, ".") {
		return "", bad
	}
	return s, nil
}

// MaskEmail keeps the first and last letter of the name and the whole domain: "m…a@keller.studio".
// A name of one or two letters is hidden whole: "…@keller.studio".
func MaskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "…"
	}
	name := []rune(s[:at])
	if len(name) <= 2 {
		return "…" + s[at:]
	}
	return string(name[0]) + "…" + string(name[len(name)-1]) + s[at:]
}

// Code is what was mailed to a customer to prove their mailbox: six digits, of which the row holds no
// more than a keyed digest and, for the mail alone, a sealed form.
type Code struct {
	ID         string
	CustomerID string
	LinkID     string // whose page asked for it
	Address    string // where it went
	MAC        string
	Sealed     string // "" once the mail is out or the code ended
	Tries      int    // that were wrong
	CreatedAt  time.Time
	ExpiresAt  time.Time
	EndedAt    time.Time // used, guessed at too often, or followed by another
}

// Keep takes the digits in.
func (c *Code) Keep(ring KeyRing, digits string) (err error) {
	c.MAC = ring.Sign("code", c.ID+"/"+digits)
	c.Sealed, err = ring.Seal("code/"+c.ID, []byte(digits))
	return err
}

// Fits says whether digits that were typed are the code's, in the same time whatever they are.
func (c Code) Fits(ring KeyRing, typed string) bool {
	return ring.Signed("code", c.ID+"/"+typed, c.MAC)
}

// Digits is the code in clear, for its mail.
func (c Code) Digits(ring KeyRing) (string, error) {
	digits, err := ring.Open("code/"+c.ID, c.Sealed)
	return string(digits), err
}

// Ended says whether the code is good for nothing any more.
func (c Code) Ended(now time.Time) bool { return !c.EndedAt.IsZero() || !now.Before(c.ExpiresAt) }

// Device is a browser that proved a customer's mailbox, known by the hash of what its cookie holds.
type Device struct {
	Hash       string
	CustomerID string
	Address    string // that was proven
	CreatedAt  time.Time
	ExpiresAt  time.Time
}
