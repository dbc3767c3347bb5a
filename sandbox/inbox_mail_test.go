package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseMailShowsBrokenMailAsItCame(t *testing.T) {
	for name, c := range map[string]struct{ raw, text string }{
		"not a mail":       {"\x00\xff no header", "\x00\uFFFD no header"},
		"empty":            {"", ""},
		"unknown charset":  {"Content-Type: text/plain; charset=klingon\r\n\r\nqa\xff", "qa\uFFFD"},
		"unknown encoding": {"Content-Transfer-Encoding: morse\r\n\r\n...", "..."},
		"bad base64":       {"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=!!!!", "hello"},
		"bad parameter":    {"Content-Type: text/plain; charset\r\n\r\nhello", "hello"},
		"no boundary":      {"Content-Type: multipart/mixed\r\n\r\nhello", ""},
	} {
		m := parseMail(envelope{}, []byte(c.raw))
		if m.Text != c.text {
			t.Errorf("%s: text %q, want %q", name, m.Text, c.text)
		}
	}
}

func TestParseMailBoundsNestingAndParts(t *testing.T) {
	deep := ""
	for i := range maxPartDepth + 1 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%[1]d\r\n", i)
	}
	if m := parseMail(envelope{}, []byte(deep+"\r\ntoo deep")); m.Text != "" || len(m.Attachments) != 1 {
		t.Errorf("nested too deep: text %q, %d attachments", m.Text, len(m.Attachments))
	}
	wide := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\n\r\n", maxParts+100)
	if m := parseMail(envelope{}, []byte(wide)); len(m.Attachments) != maxParts-1 { // the whole counts as one
		t.Errorf("%d attachments, want %d", len(m.Attachments), maxParts-1)
	}
}

func FuzzParseMail(f *testing.F) {
	f.Add([]byte(crlf(letter)))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nx\r\n--a--"))
	f.Add([]byte("Subject: =?x?b?=\r\nFrom: <<>\r\nContent-Disposition: attachment; filename*0*=a''%\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := parseMail(envelope{}, raw)
		for _, s := range []string{m.From, m.Subject, m.Text, m.HTML} {
			if !utf8.ValidString(s) {
				t.Errorf("not UTF-8: %q", s)
			}
		}
		for n, a := range m.Attachments {
			body, err := attachmentBody(raw, n)
			if err != nil || int64(len(body)) != a.Size {
				t.Errorf("attachment %d: %d bytes (%v), listed with %d", n, len(body), err, a.Size)
			}
			if a.Name == "" || strings.ContainsAny(a.Name, "\r\n/\\\"") {
				t.Errorf("attachment name %q", a.Name)
			}
		}
		if _, err := attachmentBody(raw, len(m.Attachments)); err == nil && !bytes.Equal(raw, nil) {
			t.Error("an attachment more than listed")
		}
	})
}
