package mailer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"paylink"
	"paylink/access"
	"paylink/invoicing"
	"paylink/store"
	"paylink/store/storetest"
)

// code asks for a code and gives it with the job of its mail.
func (o *office) code(link paylink.Link) (paylink.Code, string, store.Job) {
	o.t.Helper()
	_, err := access.New(o.store, o.ring, o.Now).SendCode(o.t.Context(), o.customer.ID, link.ID, "192.0.2.1")
	o.must(err)
	codes, err := o.store.CodesOf(o.t.Context(), o.customer.ID, o.now.Add(-1))
	o.must(err)
	digits, err := codes[0].Digits(o.ring)
	o.must(err)
	return codes[0], digits, o.job("mail.code", codes[0].ID)
}

func TestACodeMailHoldsTheCodeAndNoLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		firm := northwind()
		firm.LegalURL, firm.PrivacyURL = "https://northwind.studio/legal", "https://northwind.studio/privacy"
		o.must(o.invoicing.SaveFirm(t.Context(), "system", firm))
		link, _ := o.link(invoicing.Send{To: []string{"ap@keller.studio"}})
		code, digits, job := o.code(link)
		o.must(o.CodeJob(t.Context(), job))
		l := o.only()
		keep(t, l)
		spaced := digits[:3] + " " + digits[3:]
		subjectIs(t, l, spaced+" is your code for Northwind Studio")
		inOrder(t, "text", l.text, spaced, "It works for 10 minutes. If you did not ask for it, do nothing.", "Northwind Studio LLC")
		inOrder(t, "html", visible(l.html), spaced, "It works for 10 minutes.")
		if strings.Contains(l.html, `href="http`) || strings.Contains(l.text, "http") {
			t.Error("there is a link in it")
		}
		if to := o.server.mails()[0].to; to != "maria@keller.studio" {
			t.Errorf("it went to %s, not to the customer", to)
		}
		if row := o.row(code.ID); row.State != store.MailSent || strings.Contains(row.MessageID, digits) {
			t.Errorf("%+v", row)
		}
		if now, err := s.Code(t.Context(), code.ID); err != nil || now.Sealed != "" || strings.Contains(o.log.String(), digits) {
			t.Errorf("the code is kept: %+v %v", now, err)
		}
		o.must(o.CodeJob(t.Context(), job))
		if len(o.server.mails()) != 1 {
			t.Error("mailed twice")
		}
	})
}

func TestACodeThatEndedIsNotMailed(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, _ := o.link(invoicing.Send{})
	first, _, job := o.code(link)
	o.now = o.now.Add(1e9)
	second, _, later := o.code(link)
	o.must(o.CodeJob(t.Context(), job))
	o.now = o.now.Add(access.CodeLife)
	o.must(o.CodeJob(t.Context(), later))
	for _, id := range []string{first.ID, second.ID} {
		if row := o.row(id); row.State != store.MailDropped || row.LastError != "code.ended" {
			t.Errorf("%+v", row)
		}
	}
	if len(o.server.mails()) != 0 {
		t.Error("mailed all the same")
	}
}

// A mail server may quote the mail that it refuses; the code is in its subject.
func TestACodeIsNotKeptWithTheWordsOfAMailServer(t *testing.T) {
	var quote string
	code := 451
	o := open(t, storetest.SQLite(t), func(m *mailServer) {
		m.onData = func(*smtp.Conn, []byte) error {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 7, 1}, Message: "spam: " + quote}
		}
	})
	link, _ := o.link(invoicing.Send{})
	kept, digits, job := o.code(link)
	quote = digits + ", " + digits[:3] + " " + digits[3:] + " is your code"
	if err := o.CodeJob(t.Context(), job); err == nil || strings.Contains(err.Error(), digits) {
		t.Errorf("refused for now: %v", err)
	}
	for _, want := range []store.MailState{store.MailDeferred, store.MailBounced} {
		row := o.row(kept.ID)
		if row.State != want || strings.Contains(row.LastError, digits) || strings.Contains(row.LastError, digits[3:]) || !strings.Contains(row.LastError, "[code]") {
			t.Errorf("%+v", row)
		}
		if want == store.MailDeferred {
			code = 550
			o.must(o.CodeJob(t.Context(), job))
		}
	}
	if task := o.tasks()["code.bounced"]; task.Subject != o.customer.ID || bytes.Contains(task.Args, []byte(digits)) {
		t.Errorf("%s", task.Args)
	}
}
