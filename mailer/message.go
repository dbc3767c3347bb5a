package mailer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jordan-wright/email"
)

// message is one mail, before it has a form.
type message struct {
	ID        string // with its angle brackets
	Date      time.Time
	Firm      string // the name that the mail comes from
	From      string // a bare address of ours
	ReplyTo   string // the firm's address; "" for none
	To        string // a bare address
	Subject   string
	Text      string
	HTML      string
	Files     []file
	Automatic bool // nobody pressed a button for it: RFC 3834 keeps absence notes from answering
}

// file is an attachment. Its name holds letters, digits, dots and dashes alone.
type file struct {
	name, kind string
	content    []byte
}

// longest texts of a head, in characters; what is longer ends in "…".
const (
	longestName    = 80
	longestSubject = 200
)

// bytes writes the mail as it goes over the wire. Whatever the names and the subject hold, they
// become these fields and no others: line breaks are gone, and addresses are refused unless they are
// nothing but an address.
func (m message) bytes() ([]byte, error) {
	to, err := headAddress("", m.To)
	if err != nil {
		return nil, &bounce{key: "mail.bounce.address"}
	}
	from, err := headAddress(m.Firm, m.From)
	if err != nil {
		return nil, fmt.Errorf("sender of a mail: %w", err)
	}
	head := textproto.MIMEHeader{
		"Message-Id": {m.ID},
		"Date":       {m.Date.Format(time.RFC1123Z)},
	}
	if m.Automatic {
		head["Auto-Submitted"] = []string{"auto-generated"}
	}
	e := &email.Email{
		From:    from,
		To:      []string{to},
		Subject: oneLine(m.Subject, longestSubject),
		Text:    []byte(m.Text),
		HTML:    []byte(m.HTML),
		Headers: head,
	}
	// The library encodes this field as a whole where it is not ASCII, address and all. An address
	// that is not ASCII would only make the mail harder to deliver, and stands in the mail's foot.
	if reply, err := headAddress(m.Firm, m.ReplyTo); err == nil && isASCII(reply) {
		e.ReplyTo = []string{reply}
	}
	for _, f := range m.Files {
		if _, err := e.Attach(bytes.NewReader(f.content), f.name, f.kind); err != nil {
			return nil, fmt.Errorf("attach %s: %w", f.name, err)
		}
	}
	raw, err := e.Bytes()
	if err != nil {
		return nil, fmt.Errorf("write a mail: %w", err)
	}
	return foldWords(raw), nil
}

// headAddress writes a name and an address for the head of a mail. A name with a comma goes in as an
// encoded word, because the library cuts the field at commas before it reads it and writes the name.
func headAddress(name, address string) (string, error) {
	address, err := asciiDomain(address)
	if err != nil {
		return "", err
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" || strings.ContainsAny(address, "\",\r\n") {
		return "", errors.New("not one bare address")
	}
	name = oneLine(name, longestName)
	if name == "" {
		return parsed.String(), nil
	}
	if isASCII(name) && strings.Contains(name, ",") {
		return "=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?= " + parsed.String(), nil
	}
	return (&mail.Address{Name: name, Address: address}).String(), nil
}

// foldWords breaks the lines of the head between encoded words, which the library leaves on one line
// whatever its length. White space between encoded words is not part of the text (RFC 2047 §6.2).
func foldWords(raw []byte) []byte {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	head = bytes.ReplaceAll(head, []byte("?= =?"), []byte("?=\r\n =?"))
	return append(append(head, "\r\n\r\n"...), body...)
}

// oneLine makes text fit for the head of a mail: valid, not too long, and without control characters,
// nor anything that a reader would take for an encoded word and turn into one.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.ReplaceAll(s, "=?", "= ?")
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > most {
		s = strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
	}
	return s
}
