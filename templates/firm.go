package templates

import (
	"strings"
	"unicode"

	"paylink"
)

// FirmFoot is the firm as the head and foot of customer pages show it.
type FirmFoot struct {
	Name, Hours, Phone, Email string
	LegalURL, PrivacyURL      string
}

// FootOf takes what pages show from the firm.
func FootOf(f paylink.Firm) FirmFoot {
	return FirmFoot{Name: f.Name, Hours: f.Hours, Phone: f.Phone, Email: f.Email, LegalURL: f.LegalURL, PrivacyURL: f.PrivacyURL}
}

// Initial stands where a logo would be.
func (f FirmFoot) Initial() string {
	for _, r := range f.Name {
		return string(unicode.ToUpper(r))
	}
	return ""
}

// Dial is the phone number as a telephone takes it.
func (f FirmFoot) Dial() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, f.Phone)
}

// Tel is the address that calls the firm, for a link within a sentence.
func (f FirmFoot) Tel() string { return "tel:" + f.Dial() }
