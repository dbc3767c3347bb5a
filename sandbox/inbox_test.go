package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

var inboxTime = time.Date(2026, 11, 23, 20, 4, 5, 678000000, time.UTC)

type testInbox struct {
	*inbox
	smtpAddr string
	url      string
}

func startInbox(t *testing.T, dir string) testInbox {
	t.Helper()
	in, err := newInbox(dir, func() time.Time { return inboxTime })
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- in.Serve(l) }()
	mux := http.NewServeMux()
	in.routes(mux)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		web.Close()
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return testInbox{in, l.Addr().String(), web.URL}
}

func (in testInbox) client(t *testing.T) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(in.smtpAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (in testInbox) send(t *testing.T, from, to, message string) {
	t.Helper()
	if err := in.client(t).SendMail(from, []string{to}, strings.NewReader(crlf(message))); err != nil {
		t.Fatalf("send to %s: %v", to, err)
	}
}

func (in testInbox) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.Get(in.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

func (in testInbox) mailsJSON(t *testing.T, query string) []mailJSON {
	t.Helper()
	_, body := in.get(t, "/inbox.json"+query)
	var mails []mailJSON
	if err := json.Unmarshal([]byte(body), &mails); err != nil {
		t.Fatalf("inbox.json: %v in %s", err, body)
	}
	return mails
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// letter is what a mailer sends: two versions, an image the HTML shows, and a file with a name beyond ASCII.
const letter = `From: =?utf-8?q?Caf=C3=A9_Nord?= <billing@northwind.example>
To: maria@keller.studio
Subject: =?utf-8?q?Invoice_INV-1042:_=E2=82=AC750?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/related; boundary=related

--related
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe, see http://127.0.0.1:8080/l/abc.
--inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PCFkb2N0eXBlIGh0bWw+PGh0bWw+PGhlYWQ+PHRpdGxlPng8L3RpdGxlPjwvaGVhZD48Ym9keT48
YSBocmVmPSJodHRwOi8vMTI3LjAuMC4xOjgwODAvbC9hYmMiPlBheSDigqw3NTA8L2E+PGltZyBz
cmM9ImNpZDpxciI+PC9ib2R5PjwvaHRtbD4=
--inner--
--related
Content-Type: image/png
Content-Id: <qr>
Content-Disposition: inline
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--related--
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''Stra%C3%9Fe%20%E2%82%AC.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer--
`

func TestInboxJSONDecodesTheMailToUTF8(t *testing.T) {
	in := startInbox(t, "")
	in.send(t, "bounces+1@northwind.example", "maria@keller.studio", letter)
	mails := in.mailsJSON(t, "")
	if len(mails) != 1 {
		t.Fatalf("%d mails, want 1", len(mails))
	}
	m := mails[0]
	if want := "Café Nord <billing@northwind.example>"; m.From != want {
		t.Errorf("from %q, want %q", m.From, want)
	}
	if m.To != "maria@keller.studio" {
		t.Errorf("to %q", m.To)
	}
	if want := "Invoice INV-1042: €750"; m.Subject != want {
		t.Errorf("subject %q, want %q", m.Subject, want)
	}
	if want := "Grüße, see http://127.0.0.1:8080/l/abc."; strings.TrimSpace(m.Text) != want {
		t.Errorf("text %q, want %q", m.Text, want)
	}
	if !strings.Contains(m.HTML, `<a href="http://127.0.0.1:8080/l/abc">Pay €750</a>`) {
		t.Errorf("html %q", m.HTML)
	}
	if !m.ReceivedAt.Equal(inboxTime) {
		t.Errorf("received at %s, want %s", m.ReceivedAt, inboxTime)
	}
	if len(m.Attachments) != 2 {
		t.Fatalf("attachments %+v, want 2", m.Attachments)
	}
	pdf := m.Attachments[1]
	if pdf.Name != "Straße €.pdf" || pdf.Type != "application/pdf" || pdf.Size != 9 {
		t.Errorf("attachment %+v", pdf)
	}
	r, body := in.get(t, strings.TrimPrefix(pdf.URL, in.url))
	if body != "%PDF-1.4\n" || r.Header.Get("Content-Type") != "application/pdf" {
		t.Errorf("attachment is %q of type %q", body, r.Header.Get("Content-Type"))
	}
}

func TestInboxAcceptsInternationalAddressesAndRaw8Bit(t *testing.T) {
	in := startInbox(t, "")
	c := in.client(t)
	for _, extension := range []string{"SMTPUTF8", "8BITMIME", "PIPELINING"} {
		if ok, _ := c.Extension(extension); !ok {
			t.Errorf("%s is not offered", extension)
		}
	}
	if _, size := c.Extension("SIZE"); size != fmt.Sprint(maxMessageBytes) {
		t.Errorf("SIZE %q", size)
	}
	if err := c.Auth(sasl.NewPlainClient("", "user", "any")); err != nil {
		t.Errorf("auth: %v", err)
	}
	if err := c.Mail("büro@straße.example", &smtp.MailOptions{UTF8: true, Body: smtp.Body8BitMIME}); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("łukasz@δοκιμή.example", nil); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "Subject: Żółć\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n.日本\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := in.mailsJSON(t, "")[0]
	if m.To != "łukasz@δοκιμή.example" || m.From != "büro@straße.example" || m.Subject != "Żółć" || m.Text != ".日本\r\n" {
		t.Errorf("%+v", m)
	}
	_, raw := in.get(t, "/inbox/"+m.ID+"/raw")
	if want := "Return-Path: <büro@straße.example>\r\nDelivered-To: łukasz@δοκιμή.example\r\nSubject: Żółć\r\n"; !strings.HasPrefix(raw, want) {
		t.Errorf("raw %q, want it to start with %q", raw, want)
	}
}

func TestInboxRecipientsThatRefuse(t *testing.T) {
	in := startInbox(t, "")
	c := in.client(t)
	code := func(to string) int {
		t.Helper()
		if err := c.Mail("a@b.example", nil); err != nil {
			t.Fatal(err)
		}
		err := c.Rcpt(to, nil)
		if e := c.Reset(); e != nil {
			t.Fatal(e)
		}
		var refused *smtp.SMTPError
		if errors.As(err, &refused) {
			return refused.Code
		}
		if err != nil {
			t.Fatal(err)
		}
		return 250
	}
	for _, step := range []struct {
		to   string
		want int
	}{
		{"bounce@keller.studio", 550},
		{"Bounce+7@keller.studio", 550},
		{"bouncer@keller.studio", 250},
		{"greylist@keller.studio", 451},
		{"greylist@other.example", 451},
		{"greylist@keller.studio", 250},
		{"maria@keller.studio", 250},
	} {
		if got := code(step.to); got != step.want {
			t.Errorf("RCPT TO %s: %d, want %d", step.to, got, step.want)
		}
	}
}

func TestInboxKeepsASlowMailBeforeItAnswers(t *testing.T) {
	in := startInbox(t, "")
	sent := make(chan error, 1)
	c := in.client(t)
	go func() {
		sent <- c.SendMail("a@b.example", []string{"slow+600@keller.studio"}, strings.NewReader("Subject: x\r\n\r\ny\r\n"))
	}()
	for deadline := time.Now().Add(5 * time.Second); len(in.mailsJSON(t, "")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the mail did not arrive")
		}
	}
	select {
	case err := <-sent:
		t.Fatalf("answered at once: %v", err)
	default:
	}
	if err := in.Close(); err != nil { // does not wait for the slow answer
		t.Fatal(err)
	}
	<-sent
}

func TestInboxRefusesAMessageAboveTheSizeLimit(t *testing.T) {
	in := startInbox(t, "")
	huge := strings.Repeat(strings.Repeat("x", 998)+"\r\n", maxMessageBytes/1000+1)
	err := in.client(t).SendMail("a@b.example", []string{"c@d.example"}, strings.NewReader("\r\n"+huge))
	var refused *smtp.SMTPError
	if !errors.As(err, &refused) || refused.Code != 552 {
		t.Errorf("error %v, want 552", err)
	}
	if n := len(in.mailsJSON(t, "")); n != 0 {
		t.Errorf("%d mails kept", n)
	}
}

func TestInboxOnDiskIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	first := startInbox(t, dir)
	for i := range 3 {
		first.send(t, "a@b.example", fmt.Sprintf("user%d@keller.studio", i), letter)
	}
	before := first.mailsJSON(t, "")
	if files, _ := filepath.Glob(filepath.Join(dir, "*.eml")); len(files) != 3 { // there although nothing was closed
		t.Fatalf("files on disk: %v", files)
	}
	// What a kill in the middle of a write leaves behind.
	torn := filepath.Join(dir, "em_ffffffffffffffff.eml.tmp")
	if err := os.WriteFile(torn, []byte("X-Sandbox"), 0o600); err != nil {
		t.Fatal(err)
	}

	second := startInbox(t, dir)
	after := second.mailsJSON(t, "")
	if len(after) != 3 || after[0].To != "user2@keller.studio" {
		t.Fatalf("after the restart: %+v", after)
	}
	for i := range after {
		after[i].Attachments, before[i].Attachments = nil, nil // addresses differ in port
		if fmt.Sprint(after[i]) != fmt.Sprint(before[i]) {
			t.Errorf("mail %d changed\nfrom %v\nto   %v", i, before[i], after[i])
		}
	}
	if _, err := os.Stat(torn); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("torn file is still there: %v", err)
	}
	second.send(t, "a@b.example", "user3@keller.studio", letter)
	if mails := second.mailsJSON(t, ""); mails[0].To != "user3@keller.studio" || mails[0].ID <= mails[1].ID {
		t.Errorf("a new mail is not the newest: %s after %s", mails[0].ID, mails[1].ID)
	}
}

func TestInboxRefusesMailItCannotStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "inbox")
	in := startInbox(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	err := in.client(t).SendMail("a@b.example", []string{"c@d.example"}, strings.NewReader("Subject: x\r\n\r\ny\r\n"))
	var refused *smtp.SMTPError
	if !errors.As(err, &refused) || !refused.Temporary() {
		t.Errorf("error %v, want a temporary refusal", err)
	}
	if n := len(in.mailsJSON(t, "")); n != 0 {
		t.Errorf("%d mails shown that are not stored", n)
	}
}

func TestInboxDropsTheOldestBeyondTheLimit(t *testing.T) {
	in := startInbox(t, t.TempDir())
	for i := range maxMails + 2 {
		if err := in.keep(envelope{To: []string{fmt.Sprint(i)}}, []byte("\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	mails, _ := in.list("")
	if len(mails) != maxMails || mails[len(mails)-1].To() != "2" {
		t.Errorf("%d mails, the oldest to %s", len(mails), mails[len(mails)-1].To())
	}
	if files, _ := os.ReadDir(in.dir); len(files) != maxMails {
		t.Errorf("%d files", len(files))
	}
}

func TestInboxDeleteEmptiesIt(t *testing.T) {
	in := startInbox(t, t.TempDir())
	in.send(t, "a@b.example", "c@d.example", letter)
	request, _ := http.NewRequest(http.MethodDelete, in.url+"/inbox", nil)
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	if strings.TrimSpace(string(body)) != `{"deleted":1}` {
		t.Errorf("answer %s", body)
	}
	if _, body := in.get(t, "/inbox.json"); strings.TrimSpace(body) != "[]" {
		t.Errorf("inbox.json after: %s", body)
	}
	if files, _ := os.ReadDir(in.dir); len(files) != 0 {
		t.Errorf("files left: %v", files)
	}
}

func TestInboxPageShowsTheMailAndItsLinks(t *testing.T) {
	in := startInbox(t, "")
	in.send(t, "a@b.example", "maria@keller.studio", letter)
	in.send(t, "a@b.example", "otto@keller.studio", "Subject: <b>\n\nhttp://x.example/?a=1&b=2). <script>\n")
	mails := in.mailsJSON(t, "?q=MARIA")
	if len(mails) != 1 {
		t.Fatalf("search found %d mails", len(mails))
	}
	id := mails[0].ID

	_, page := in.get(t, "/inbox/"+id)
	for _, want := range []string{"Café Nord", "Straße €.pdf", `src="/inbox/` + id + `/html"`, "otto@keller.studio"} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	_, page = in.get(t, "/inbox/"+id+"?view=text")
	if want := `<a href="http://127.0.0.1:8080/l/abc" target="_blank" rel="noopener noreferrer">http://127.0.0.1:8080/l/abc</a>.`; !strings.Contains(page, want) {
		t.Errorf("text view lacks %s", want)
	}
	r, html := in.get(t, "/inbox/"+id+"/html")
	if !strings.HasPrefix(html, `<!doctype html><html><head><base target="_blank">`) {
		t.Errorf("html part begins %.60q", html)
	}
	if !strings.Contains(html, `<img src="/inbox/`+id+`/attachments/0">`) {
		t.Errorf("the image is not linked: %s", html)
	}
	if csp := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox ") || strings.Contains(csp, "script") {
		t.Errorf("html part may run scripts: %s", csp)
	}

	_, page = in.get(t, "/inbox") // the newest, which is plain text
	for _, want := range []string{"&lt;b&gt;", "&lt;script&gt;", `href="http://x.example/?a=1&amp;b=2"`} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	for _, path := range []string{"/inbox/em_none", "/inbox/em_none/raw", "/inbox/em_none/html", "/inbox/" + id + "/attachments/9", "/inbox/" + id + "/attachments/-1"} {
		if r, _ := in.get(t, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, r.StatusCode)
		}
	}
}

func TestInboxAttachmentsNeverRunInTheSandboxOrigin(t *testing.T) {
	in := startInbox(t, "")
	in.send(t, "a@b.example", "c@d.example", "Content-Type: text/html; name=\"../x\\\"y.html\"\n\n<script>alert(1)</script>\n")
	m := in.mailsJSON(t, "")[0]
	r, _ := in.get(t, "/inbox/"+m.ID+"/attachments/0")
	if got := r.Header.Get("Content-Disposition"); got != "attachment; filename=xy.html" {
		t.Errorf("Content-Disposition %q", got)
	}
	if r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("type may be sniffed")
	}
}

func TestInboxIDsGrowWhateverTheClockSays(t *testing.T) {
	dir := t.TempDir()
	early := startInbox(t, dir)
	early.send(t, "a@b.example", "first@x.example", letter)
	kept := filepath.Join(dir, early.mailsJSON(t, "")[0].ID+".eml")
	future := fmt.Sprintf("em_%016x.eml", time.Now().Add(time.Hour).UnixMicro())
	if err := os.Rename(kept, filepath.Join(dir, future)); err != nil { // as if the clock were set back since
		t.Fatal(err)
	}
	in := startInbox(t, dir)
	in.send(t, "a@b.example", "second@x.example", letter)
	mails := in.mailsJSON(t, "")
	if mails[0].To != "second@x.example" || mails[0].ID <= mails[1].ID || in.find(mails[1].ID) == nil {
		t.Errorf("%s to %s, then %s to %s", mails[1].ID, mails[1].To, mails[0].ID, mails[0].To)
	}
}
