package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed browser/inbox
var inboxFiles embed.FS

var inboxTemplate = template.Must(template.New("inbox.html").Funcs(template.FuncMap{
	"clock":    func(t time.Time) string { return t.UTC().Format("Jan 2, 15:04") },
	"rfc3339":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"linkify":  linkify,
	"fileSize": fileSize,
}).ParseFS(inboxFiles, "browser/inbox/inbox.html"))

// maxListed is how many mails the page lists; inbox.json gives all.
const maxListed = 200

// routes adds the inbox to mux: pages for people, JSON for tests.
func (in *inbox) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /inbox.json", in.getJSON)
	mux.HandleFunc("GET /inbox", in.getPage)
	mux.HandleFunc("DELETE /inbox", in.deleteAll)
	mux.HandleFunc("GET /inbox/{id}", in.getPage)
	mux.HandleFunc("GET /inbox/{id}/html", in.getHTML)
	mux.HandleFunc("GET /inbox/{id}/raw", in.getRaw)
	mux.HandleFunc("GET /inbox/{id}/attachments/{n}", in.getAttachment)
	for _, name := range []string{"inbox.css", "inbox.js"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, inboxFiles, "browser/inbox/"+name)
		})
	}
}

type mailJSON struct {
	ID          string           `json:"id"`
	From        string           `json:"from"`
	To          string           `json:"to"` // the envelope's recipients, comma-separated
	Subject     string           `json:"subject"`
	Text        string           `json:"text"`
	HTML        string           `json:"html"`
	ReceivedAt  time.Time        `json:"received_at"`
	Attachments []attachmentJSON `json:"attachments"`
}

type attachmentJSON struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	URL  string `json:"url"`
}

// getJSON answers every mail, newest first, or those where q is part of recipient, sender or subject.
func (in *inbox) getJSON(w http.ResponseWriter, r *http.Request) {
	mails, _ := in.list(r.URL.Query().Get("q"))
	answer := make([]mailJSON, 0, len(mails))
	for _, m := range mails {
		j := mailJSON{
			ID: m.ID, From: m.From, To: m.To(), Subject: m.Subject, Text: m.Text, HTML: m.HTML,
			ReceivedAt: m.ReceivedAt(), Attachments: []attachmentJSON{},
		}
		for n, a := range m.Attachments {
			j.Attachments = append(j.Attachments, attachmentJSON{a.Name, a.Type, a.Size, "http://" + r.Host + attachmentPath(m, n)})
		}
		answer = append(answer, j)
	}
	writeInboxJSON(w, http.StatusOK, answer)
}

func (in *inbox) deleteAll(w http.ResponseWriter, r *http.Request) {
	n, err := in.clear()
	if err != nil {
		writeInboxJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	writeInboxJSON(w, http.StatusOK, map[string]int{"deleted": n})
}

func writeInboxJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the reader went away
}

func attachmentPath(m *mail, n int) string { return fmt.Sprintf("/inbox/%s/attachments/%d", m.ID, n) }

// inboxView is what the page shows: the list, and beside it one mail.
type inboxView struct {
	Mails    []*mail
	Total    int
	Query    string
	Revision int64
	Mail     *mail // nil when there is none to show
	Chosen   bool  // the address names this mail; otherwise it is the newest, shown where there is room
	View     string
}

// Files are the attachments with their addresses.
func (v inboxView) Files() []attachmentJSON {
	var files []attachmentJSON
	for n, a := range v.Mail.Attachments {
		files = append(files, attachmentJSON{a.Name, a.Type, a.Size, attachmentPath(v.Mail, n)})
	}
	return files
}

func (in *inbox) getPage(w http.ResponseWriter, r *http.Request) {
	v := inboxView{Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	v.Mails, v.Revision = in.list(v.Query)
	v.Total = len(v.Mails)
	status := http.StatusOK
	if id := r.PathValue("id"); id != "" {
		v.Chosen = true
		if v.Mail = in.find(id); v.Mail == nil {
			status = http.StatusNotFound
		}
	} else if v.Total > 0 {
		v.Mail = v.Mails[0]
	}
	if v.Mail != nil {
		v.View = view(v.Mail, r.URL.Query().Get("view"))
	}
	v.Mails = v.Mails[:min(len(v.Mails), maxListed)]

	var page bytes.Buffer
	if err := inboxTemplate.Execute(&page, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // a mail client sends none either
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

// view picks the part to show: the one asked for if the mail has it, else the richest.
func view(m *mail, asked string) string {
	switch {
	case asked == "text" && m.Text != "", m.HTML == "":
		return "text"
	default:
		return "html"
	}
}

// getHTML serves the HTML part to the page's frame. Scripts never run: neither the policy nor the frame lets them.
func (in *inbox) getHTML(w http.ResponseWriter, r *http.Request) {
	m := in.find(r.PathValue("id"))
	if m == nil {
		http.NotFound(w, r)
		return
	}
	body := m.HTML
	for n, a := range m.Attachments {
		if a.ContentID != "" {
			body = strings.ReplaceAll(body, "cid:"+a.ContentID, attachmentPath(m, n))
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; "+
		"default-src 'none'; img-src * data:; font-src * data:; style-src * 'unsafe-inline'; frame-ancestors 'self'")
	_, _ = w.Write([]byte(openLinksOutside(body)))
}

var headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>|<!doctype[^>]*>`)

// openLinksOutside makes links open in a tab of their own instead of the frame.
func openLinksOutside(page string) string {
	const base = `<base target="_blank">`
	at := 0
	for _, tag := range headTag.FindAllStringIndex(page, 2) { // after <head> if there is one, never before the doctype
		at = tag[1]
	}
	return page[:at] + base + page[at:]
}

// getRaw serves the message as a mailbox keeps it: the envelope on top (RFC 5321 §4.4, RFC 9228), then what was received.
func (in *inbox) getRaw(w http.ResponseWriter, r *http.Request) {
	m := in.find(r.PathValue("id"))
	if m == nil {
		http.NotFound(w, r)
		return
	}
	message, err := in.messageOf(m)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	fmt.Fprintf(w, "Return-Path: <%s>\r\n", m.Envelope.From)
	for _, to := range m.Envelope.To {
		fmt.Fprintf(w, "Delivered-To: %s\r\n", to)
	}
	_, _ = w.Write(message)
}

// shownInline are the types a browser shows without running anything of the sender's.
var shownInline = map[string]bool{
	"application/pdf": true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "text/plain": true,
}

func (in *inbox) getAttachment(w http.ResponseWriter, r *http.Request) {
	m := in.find(r.PathValue("id"))
	n, err := strconv.Atoi(r.PathValue("n"))
	if m == nil || err != nil || n < 0 || n >= len(m.Attachments) {
		http.NotFound(w, r)
		return
	}
	message, err := in.messageOf(m)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body, err := attachmentBody(message, n)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	a := m.Attachments[n]
	disposition := "attachment"
	if shownInline[a.Type] {
		disposition = "inline"
	}
	h := w.Header()
	contentType := a.Type
	if strings.HasPrefix(a.Type, "text/") {
		contentType += "; charset=utf-8" // decoded to that
	}
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": a.Name}))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

var urlPattern = regexp.MustCompile(`https?://[^\s<>"]+`)

// linkify makes the addresses in plain text links. Punctuation that ends the sentence stays outside.
func linkify(text string) template.HTML {
	var b strings.Builder
	rest := 0
	for _, at := range urlPattern.FindAllStringIndex(text, -1) {
		url := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)'")
		b.WriteString(template.HTMLEscapeString(text[rest:at[0]]))
		escaped := template.HTMLEscapeString(url)
		b.WriteString(`<a href="` + escaped + `" target="_blank" rel="noopener noreferrer">` + escaped + `</a>`)
		rest = at[0] + len(url)
	}
	b.WriteString(template.HTMLEscapeString(text[rest:]))
	return template.HTML(b.String()) //nolint:gosec // every part was escaped above
}

func fileSize(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
