package mailer

import (
	"bytes"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func sample() message {
	return message{
		ID: "<link.abc@firm.example>", Date: time.Date(2026, 11, 23, 22, 5, 0, 0, time.UTC),
		Firm: "Northwind Studio", From: "billing@northwind.example", ReplyTo: "hello@northwind.example",
		To: "maria@keller.example", Subject: "Invoice INV-1042", Text: "Hello.\n", HTML: "<p>Hello.</p>",
		Files: []file{{"invoice-INV-1042.pdf", "application/pdf", []byte("%PDF-1.4 x")}},
	}
}

// heads reads the head of a mail as net/mail does, and fails on what RFC 5322 §2.1.1 forbids.
func heads(t testing.TB, raw []byte) *mail.Message {
	t.Helper()
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("a line of %d bytes, or with a control character: %.200q", len(line), line)
		}
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v\n%.2000q", err, raw)
	}
	return parsed
}

// fields are all that the head of a mail of ours may hold.
var fields = []string{"Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Reply-To", "Subject", "To"}

func checkHead(t testing.TB, m message, raw []byte) {
	t.Helper()
	head := heads(t, raw).Header
	for name, values := range head {
		if !slices.Contains(fields, name) || len(values) != 1 {
			t.Fatalf("field %q with %q", name, values)
		}
	}
	from, err := head.AddressList("From")
	if err != nil || len(from) != 1 || from[0].Address != m.From || from[0].Name != oneLine(m.Firm, longestName) {
		t.Fatalf("From %v, %v of %q", from, err, m.Firm)
	}
	to, err := head.AddressList("To")
	want, _ := asciiDomain(m.To)
	if err != nil || len(to) != 1 || to[0].Address != want || to[0].Name != "" {
		t.Fatalf("To %v, %v of %q", to, err, m.To)
	}
	subject, err := wordDecoder.DecodeHeader(head.Get("Subject"))
	if err != nil || subject != oneLine(m.Subject, longestSubject) {
		t.Fatalf("Subject %q, %v of %q", subject, err, m.Subject)
	}
	if strings.ContainsFunc(subject+from[0].Name, unicode.IsControl) {
		t.Fatalf("control characters in %q or %q", subject, from[0].Name)
	}
}

func TestTheHeadOfAMail(t *testing.T) {
	m := sample()
	m.Automatic = true
	raw, err := m.bytes()
	if err != nil {
		t.Fatal(err)
	}
	head := heads(t, raw).Header
	want := map[string]string{
		"From": `"Northwind Studio" <billing@northwind.example>`, "Reply-To": `"Northwind Studio" <hello@northwind.example>`,
		"To": "<maria@keller.example>", "Subject": "Invoice INV-1042", "Message-Id": "<link.abc@firm.example>",
		"Date": "Mon, 23 Nov 2026 22:05:00 +0000", "Auto-Submitted": "auto-generated", "Mime-Version": "1.0",
	}
	for name, value := range want {
		if got := head.Get(name); got != value {
			t.Errorf("%s: %q, not %q", name, got, value)
		}
	}
	l := read(t, raw)
	if l.text != "Hello.\r\n" || l.html != "<p>Hello.</p>" || string(l.files["invoice-INV-1042.pdf"]) != "%PDF-1.4 x" {
		t.Errorf("%+v", l)
	}
	if !slices.Equal(l.order, []string{"text/plain", "text/html", "application/pdf"}) {
		t.Errorf("parts %q", l.order)
	}
}

func TestNamesAndSubjectsCannotAddToTheHead(t *testing.T) {
	for _, text := range []string{
		"Smith, Jones & Co", "Smith\r\nBcc: thief@evil.example", "\nSubject: other", "Müller, Søn & Ça", `Quote "quote" \ back`, "a@b.example, c@d.example",
		"Firm <thief@evil.example>", strings.Repeat("Ä", 500), strings.Repeat("long word ", 60), "\x00\x7f\u2028\u2029\u0085", "\xff\xfe", "=?utf-8?q?=0D=0ABcc:_x?=", "  ",
		"株式会社ノースウィンド、スタジオ", "Nice ☕️ Café", ",", "(comment)", ":;<>",
	} {
		m := sample()
		m.Firm, m.Subject = text, "Invoice from "+text
		raw, err := m.bytes()
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		checkHead(t, m, raw)
	}
}

func TestAnAddressIsOnlyAnAddress(t *testing.T) {
	for _, to := range []string{
		"", "maria", "a@b.example,c@d.example", "a@b.example\r\nBcc: c@d.example", "Maria <a@b.example>", "a@b.example c@d.example", `"a,b"@c.example`,
		"a@b.example>", "a@b.example\n", "@b.example",
	} {
		m := sample()
		m.To = to
		if raw, err := m.bytes(); err == nil {
			t.Errorf("%q was written: %.300q", to, raw)
		}
	}
	for _, reply := range []string{"", "not an address", "a@b.example\r\nBcc: x@y.example", "jürgen@firm.example"} {
		m := sample()
		m.ReplyTo = reply
		raw, err := m.bytes()
		if err != nil {
			t.Errorf("%q: %v", reply, err)
		} else if got := heads(t, raw).Header.Get("Reply-To"); got != "" {
			t.Errorf("%q became Reply-To %q", reply, got)
		}
	}
}

func FuzzEmailHeader(f *testing.F) {
	f.Add("Northwind Studio", "Invoice INV-1042: $750.00", "maria@keller.example", "hello@northwind.example")
	f.Add("Smith, Jones\r\nBcc: x@y.example", "=?utf-8?q?a?= =?utf-8?q?b?=", "jürgen@bücher.example", "a@b, c@d")
	f.Add(strings.Repeat("é,", 300), "\x00\n\n", "a@b.example\r\nTo: c@d.example", "\"x\" <y@z>")
	f.Fuzz(func(t *testing.T, firm, subject, to, reply string) {
		m := sample()
		m.Firm, m.Subject, m.To, m.ReplyTo = firm, subject, to, reply
		raw, err := m.bytes()
		if err != nil {
			return
		}
		if !utf8.Valid(raw) {
			t.Fatal("not UTF-8")
		}
		checkHead(t, m, raw)
	})
}

var wordDecoder = new(mime.WordDecoder)
