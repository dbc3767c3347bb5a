package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // makes message decode charsets other than UTF-8
	mailheader "github.com/emersion/go-message/mail"
)

const (
	// A message nested or split beyond these is shown up to there: real mail stays far below, and an endless one
	// must not exhaust the stack.
	maxPartDepth = 20
	maxParts     = 500
)

// mail is a message as the inbox shows it. What cannot be decoded is left out or shown as it came; no input is
// refused.
type mail struct {
	ID          string
	Envelope    envelope
	From        string // the From header, else the envelope's
	Subject     string
	Text        string
	HTML        string
	Attachments []attachment
	Size        int64

	message []byte // only when the inbox is in memory
}

// attachment is any part that is not the mail's text: files, and images that the HTML part shows.
type attachment struct {
	Name      string
	Type      string
	Size      int64
	ContentID string // without angle brackets; "" when the HTML part does not refer to it
}

// To gives the envelope's recipients, who are the ones that got the mail.
func (m *mail) To() string { return strings.Join(m.Envelope.To, ", ") }

// ReceivedAt is the sandbox's time of arrival.
func (m *mail) ReceivedAt() time.Time { return m.Envelope.At }

func (m *mail) matches(q string) bool {
	q = strings.ToLower(q)
	for _, s := range []string{m.To(), m.From, m.Subject} {
		if strings.Contains(strings.ToLower(s), q) {
			return true
		}
	}
	return false
}

func parseMail(env envelope, raw []byte) *mail {
	m := &mail{Envelope: env, From: clean(env.From), Size: int64(len(raw))}
	entity, err := message.Read(bytes.NewReader(raw))
	if entity == nil || unreadable(err) {
		m.Text = clean(string(raw))
		return m
	}
	if subject, _ := entity.Header.Text("Subject"); subject != "" {
		m.Subject = clean(subject)
	}
	if from := fromHeader(entity.Header); from != "" {
		m.From = from
	}
	walkParts(entity, func(p *part) bool {
		switch {
		case p.isText("text/plain"):
			m.Text = join(m.Text, clean(string(p.read())))
		case p.isText("text/html"):
			m.HTML = join(m.HTML, clean(string(p.read())))
		default:
			size, _ := io.Copy(io.Discard, p.entity.Body)
			m.Attachments = append(m.Attachments, attachment{Name: p.name, Type: p.mediaType, Size: size, ContentID: p.contentID})
		}
		return true
	})
	return m
}

// attachmentBody gives the decoded content of the n-th attachment, counted as parseMail does.
func attachmentBody(raw []byte, n int) ([]byte, error) {
	entity, err := message.Read(bytes.NewReader(raw))
	if entity == nil || unreadable(err) {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	var body []byte
	walkParts(entity, func(p *part) bool {
		if p.isText("text/plain") || p.isText("text/html") {
			return true
		}
		if n == 0 {
			body = p.read()
		}
		n--
		return n >= 0
	})
	if n >= 0 {
		return nil, errors.New("the mail has no such attachment")
	}
	return body, nil
}

// part is one leaf of the MIME tree.
type part struct {
	entity    *message.Entity
	mediaType string
	name      string // never empty for an attachment
	contentID string
	attached  bool
}

// isText says whether the part is the mail's own text of that type and not a file.
func (p *part) isText(mediaType string) bool { return p.mediaType == mediaType && !p.attached }

// read gives as much of the part as can be decoded.
func (p *part) read() []byte {
	body, _ := io.ReadAll(p.entity.Body)
	return body
}

// walkParts calls visit for each leaf in order until it returns false. It stops quietly where the MIME is broken.
func walkParts(root *message.Entity, visit func(*part) bool) {
	seen := 0
	var walk func(e *message.Entity, depth int) bool
	walk = func(e *message.Entity, depth int) bool {
		if seen++; seen > maxParts {
			return false
		}
		parts := e.MultipartReader()
		if parts == nil || depth == maxPartDepth {
			return visit(newPart(e, seen))
		}
		for {
			child, err := parts.NextPart()
			if child == nil || unreadable(err) {
				return true
			}
			if !walk(child, depth+1) {
				return false
			}
		}
	}
	walk(root, 0)
}

func newPart(e *message.Entity, number int) *part {
	p := &part{entity: e}
	mediaType, typeParams, _ := e.Header.ContentType()
	mediaType, _, _ = strings.Cut(mediaType, ";") // still there when a parameter is malformed
	p.mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if !mediaTypePattern.MatchString(p.mediaType) {
		p.mediaType = "application/octet-stream"
	}
	disposition, params, _ := e.Header.ContentDisposition()
	p.name = params["filename"]
	if p.name == "" {
		p.name = typeParams["name"]
	}
	p.attached = strings.EqualFold(disposition, "attachment") || p.name != ""
	p.contentID = clean(strings.Trim(strings.TrimSpace(e.Header.Get("Content-Id")), "<>"))
	p.name = fileName(p.name)
	if p.name == "" {
		p.name = fmt.Sprintf("part-%d", number)
	}
	return p
}

var mediaTypePattern = regexp.MustCompile(`^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+$`)

// fileName keeps the last element of a path and drops what has no place in a header.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return -1
		}
		return r
	}, clean(name)))
}

func fromHeader(h message.Header) string {
	addresses, err := (&mailheader.Header{Header: h}).AddressList("From")
	if err != nil || len(addresses) == 0 {
		raw, _ := h.Text("From")
		return clean(raw)
	}
	a := addresses[0]
	if a.Name == "" {
		return clean(a.Address)
	}
	return clean(a.Name + " <" + a.Address + ">")
}

// unreadable tells a broken message from one whose charset or encoding is merely unknown.
func unreadable(err error) bool {
	return err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// clean makes s valid UTF-8, as JSON and HTML need it.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
