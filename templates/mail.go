package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"paylink/catalogue"
	"paylink/money"
)

// Letter is a mail: what it says, in this order, the same in HTML and in plain text. What is empty
// is left out.
type Letter struct {
	Words   catalogue.Words
	Firm    FirmFoot
	Address string // of the firm, in one line
	Subject string

	Greeting []catalogue.Part
	Lead     []catalogue.Part
	Note     []string // a few words from staff, line by line
	Amount   string   // the one number
	Says     []catalogue.Part
	Rows     []LetterRow
	Total    LetterRow // what the rows come to; under a line of its own
	Button   string
	URL      string             // where the button leads
	BareURL  []catalogue.Part   // what introduces the address in clear; empty to not show it
	Body     [][]catalogue.Part // paragraphs below the button
	Quote    []string           // a text given in full, paragraph by paragraph, below those
	Foot     [][]catalogue.Part // small print, line by line
}

// LetterRow is a line of figures.
type LetterRow struct {
	Label, Amount string
	Strong        bool
}

// Row is a line of figures with an amount.
func (l Letter) Row(label string, a money.Amount) LetterRow {
	return LetterRow{Label: label, Amount: l.Words.Amount(a)}
}

//go:embed mail/letter.html
var mailFiles embed.FS

var letter = template.Must(template.ParseFS(mailFiles, "mail/letter.html"))

// Letter writes a letter as most people see it: one table, every style inline, because mail programs
// know little else. https://www.caniemail.com
func (s *Set) Letter(l Letter) (string, error) {
	buf, _ := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if err := letter.Execute(buf, l); err != nil {
		return "", fmt.Errorf("write a letter: %w", err)
	}
	return buf.String(), nil
}

// Text is the letter in plain text.
func (l Letter) Text() string {
	var paragraphs []string
	add := func(lines ...string) {
		lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
		if len(lines) > 0 {
			paragraphs = append(paragraphs, strings.Join(lines, "\n"))
		}
	}
	add(plain(l.Greeting))
	add(plain(l.Lead))
	add(l.Note...)
	add(l.Amount, plain(l.Says))
	add(l.table()...)
	if l.URL != "" {
		add(l.Button, l.URL)
	}
	for _, paragraph := range l.Body {
		add(plain(paragraph))
	}
	for _, paragraph := range l.Quote {
		add(paragraph)
	}
	var foot []string
	for _, line := range l.Foot {
		foot = append(foot, plain(line))
	}
	add(foot...)
	add(l.Address, l.Firm.Phone, l.Firm.Email)
	var legal []string
	for _, part := range l.Legal() {
		if part.Link != "" {
			legal = append(legal, part.Text, part.Link)
		}
	}
	add(legal...)
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// table writes the figures in two columns.
func (l Letter) table() []string {
	rows := slices.Clone(l.Rows)
	if l.Total.Label != "" {
		rows = append(rows, l.Total)
	}
	var label, amount int
	for _, r := range rows {
		label = max(label, utf8.RuneCountInString(r.Label))
		amount = max(amount, utf8.RuneCountInString(r.Amount))
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%-*s  %*s", label, r.Label, amount, r.Amount))
	}
	return lines
}

// Lang is for <html lang>.
func (l Letter) Lang() string { return string(l.Words.Locale()) }

// Preheader is what a mailbox shows beside the subject: the first line that says something.
func (l Letter) Preheader() string {
	if len(l.Lead) > 0 {
		return plain(l.Lead)
	}
	return l.Amount + " " + plain(l.Says)
}

// Dial opens a call to the firm. Only digits and a plus are in it, so no other address can be.
func (l Letter) Dial() template.URL { return template.URL("tel:" + l.Firm.Dial()) } //nolint:gosec // see above

// Legal is the firm's legal notice and its privacy page, as far as it has them.
func (l Letter) Legal() []catalogue.Part {
	both := l.Firm.LegalURL != "" && l.Firm.PrivacyURL != ""
	switch {
	case both:
		return l.Words.Parts("mail.foot.legal_privacy", "legal", l.Firm.LegalURL, "privacy", l.Firm.PrivacyURL)
	case l.Firm.LegalURL != "":
		return l.Words.Parts("mail.foot.legal", "legal", l.Firm.LegalURL)
	case l.Firm.PrivacyURL != "":
		return l.Words.Parts("mail.foot.privacy", "privacy", l.Firm.PrivacyURL)
	}
	return nil
}

func plain(parts []catalogue.Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
