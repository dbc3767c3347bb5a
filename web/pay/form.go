package pay

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"

	"paylink"
	"paylink/money"
	"paylink/web/page"
)

// signed is what a pay form carries of its own: a nonce that makes two presses one payment, and the
// version of the invoice that the payer saw, signed together with the link and the currency. It is
// recorded nowhere until the form is posted.
type signed struct {
	nonce     string
	version   int
	signature string
}

// nonceLength is that of 128 random bits as base64url.
const nonceLength = 22

func (h *Handlers) sign(v visit) signed {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	s := signed{nonce: base64.RawURLEncoding.EncodeToString(b[:]), version: v.invoice.Version}
	s.signature = h.ring.Sign("pay-form", s.text(v))
	return s
}

func (s signed) text(v visit) string {
	return strings.Join([]string{s.nonce, strconv.Itoa(s.version), v.link.ID, v.invoice.ID, string(v.invoice.Currency)}, "|")
}

// readSigned believes only what this site wrote for this link.
func (h *Handlers) readSigned(form page.Form, v visit) (signed, error) {
	version, err := strconv.Atoi(form.Get("version"))
	s := signed{nonce: form.Get("nonce"), version: version, signature: form.Get("signature")}
	if err != nil || len(s.nonce) != nonceLength || strconv.Itoa(version) != form.Get("version") || !h.ring.Signed("pay-form", s.text(v), s.signature) {
		return signed{}, paylink.Fail(paylink.Conflict, "form.stale")
	}
	return s, nil
}

// readAmount reads what was typed, as people of the page's language write it.
func (v visit) readAmount(typed string) (money.Amount, error) {
	a, err := money.Parse(strings.TrimSpace(typed), v.invoice.Currency, v.words.Locale())
	if err != nil {
		return money.Amount{}, &paylink.Error{
			Kind: paylink.Invalid, Code: "invalid", Err: err,
			Fields: []paylink.FieldError{{Field: "amount", Code: "amount.syntax"}},
		}
	}
	return a, v.payable().Check(a)
}

// plain is a code without the blanks and hyphens that it was grouped by where it was copied.
func plain(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, code)
}
