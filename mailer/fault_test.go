package mailer

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"paylink"
	"paylink/invoicing"
	"paylink/receipts"
	"paylink/store"
	"paylink/store/storetest"
)

func onDataRevoke(o *office, id string) func(*smtp.Conn, []byte) error {
	return func(*smtp.Conn, []byte) error {
		return o.invoicing.RevokeLink(context.Background(), "system", id)
	}
}

// The mail server is away for a day; the payment is what it was, and the mail arrives once, late.
func TestFault_E01_MailServerDownForADay(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	addr := o.server.addr
	o.must(o.server.Close())
	receipt, job := o.receipt(paylink.Link{}, nil)
	for range 5 {
		if err := o.ReceiptJob(t.Context(), job); err == nil {
			t.Fatal("nobody took the mail, and it counts as sent")
		}
		o.now = o.now.Add(5 * time.Hour)
	}
	if row := o.row(receipt.ID); row.State != store.MailDeferred || row.Attempts != 5 || row.LastError == "" {
		t.Errorf("%+v", row)
	}
	if p, err := o.store.Payment(t.Context(), receipt.PaymentID); err != nil || p.Status != paylink.Succeeded {
		t.Errorf("%+v %v", p, err)
	}
	o.server = listen(t, addr, nil)
	o.must(o.ReceiptJob(t.Context(), job))
	o.must(o.ReceiptJob(t.Context(), job))
	inOrder(t, "text", o.only().text, "Thank you, Maria.")
	if row := o.row(receipt.ID); row.State != store.MailSent || row.Attempts != 6 || row.LastError != "" {
		t.Errorf("%+v", row)
	}
}

func TestFault_E02_Greylisted(t *testing.T) {
	tries := 0
	o := open(t, storetest.SQLite(t), func(m *mailServer) {
		m.onRcpt = func(string) error {
			if tries++; tries == 1 {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "maria@keller.studio is greylisted, come back later"}
			}
			return nil
		}
	})
	link, job := o.link(invoicing.Send{})
	err := o.LinkJob(t.Context(), job)
	if err == nil || strings.Contains(err.Error(), "maria@") {
		t.Fatalf("got %v", err)
	}
	if row := o.row(link.ID); row.State != store.MailDeferred || !strings.Contains(row.LastError, "greylisted") {
		t.Errorf("%+v", row)
	}
	if stored, err := o.store.Link(t.Context(), link.ID); err != nil || !stored.SentAt.IsZero() || !stored.BouncedAt.IsZero() {
		t.Errorf("%+v %v", stored, err)
	}
	o.must(o.LinkJob(t.Context(), job))
	o.only()
	if row := o.row(link.ID); row.State != store.MailSent || row.Attempts != 2 {
		t.Errorf("%+v", row)
	}
}

// sluggish answers one connection line by line, as answer says.
func sluggish(t *testing.T, answer func(w io.Writer, line string)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn, "connected")
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					answer(conn, lines.Text())
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestFault_E03_SlowMailServer(t *testing.T) {
	polite := func(w io.Writer, line string) {
		say := map[string]string{"connected": "220 hello", "EHLO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on"}
		if verb, _, _ := strings.Cut(line, " "); say[verb] != "" {
			_, _ = io.WriteString(w, say[verb]+"\r\n")
		}
	}
	tests := map[string]func(w io.Writer, line string){
		"says nothing":     func(io.Writer, string) {},
		"stops after DATA": func(w io.Writer, line string) { polite(w, line) }, // never answers the final dot
		"one byte at a time": func(w io.Writer, _ string) {
			for {
				if _, err := io.WriteString(w, "2"); err != nil {
					return
				}
				<-time.After(20 * time.Millisecond)
			}
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			o := open(t, storetest.SQLite(t), nil)
			link, job := o.link(invoicing.Send{})
			addr := sluggish(t, answer)
			o.relay.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			}
			o.relay.timeout = 300 * time.Millisecond
			began := time.Now()
			if err := o.LinkJob(t.Context(), job); err == nil {
				t.Error("it counts as sent")
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("a worker was kept for %v", took)
			}
			if row := o.row(link.ID); row.State != store.MailDeferred || !strings.Contains(row.LastError, "too long") {
				t.Errorf("%+v", row)
			}
		})
	}
	t.Run("a caller who leaves", func(t *testing.T) {
		o := open(t, storetest.SQLite(t), nil)
		link, job := o.link(invoicing.Send{})
		ctx, leave := context.WithCancel(t.Context())
		addr := sluggish(t, func(w io.Writer, line string) {
			if strings.HasPrefix(line, "DATA") {
				leave()
			}
			polite(w, line)
		})
		o.relay.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}
		if err := o.LinkJob(ctx, job); err == nil {
			t.Error("it counts as sent")
		}
		if row := o.row(link.ID); row.State != store.MailDeferred {
			t.Errorf("the end of the process was not noted: %+v", row)
		}
	})
}

// The process ends after the server took the mail and before that is noted: the mail may come twice,
// as one mail.
func TestFault_E04_KilledAfterTheMailWasTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		o.server.onData = func(c *smtp.Conn, _ []byte) error { // it has the mail; the answer never arrives
			o.server.onData = nil
			return c.Conn().Close()
		}
		link, job := o.link(invoicing.Send{})
		if err := o.LinkJob(t.Context(), job); err == nil {
			t.Fatal("the answer never came, and it counts as sent")
		}
		o.must(o.LinkJob(t.Context(), job))
		o.must(o.LinkJob(t.Context(), job))
		mails := o.server.mails()
		if len(mails) != 2 || messageID(t, mails[0]) != messageID(t, mails[1]) {
			t.Errorf("%d mails", len(mails))
		}
		if row := o.row(link.ID); row.State != store.MailSent || row.Attempts != 2 || row.MessageID != "<"+messageID(t, mails[0])+">" {
			t.Errorf("%+v", row)
		}
	})
}

func TestFault_E05_Bounced(t *testing.T) {
	no := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	for name, change := range map[string]func(*mailServer){
		"recipient": func(m *mailServer) { m.onRcpt = func(string) error { return no } },
		"content":   func(m *mailServer) { m.onData = func(*smtp.Conn, []byte) error { return no } },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				o := open(t, s, change)
				link, job := o.link(invoicing.Send{})
				o.must(o.LinkJob(t.Context(), job)) // an answer is the end of the job, also this one
				stored, err := s.Link(t.Context(), link.ID)
				o.must(err)
				if stored.State(o.now) != paylink.LinkBounced || !strings.Contains(stored.Bounce, "No such user here") {
					t.Errorf("%+v", stored)
				}
				if row := o.row(link.ID); row.State != store.MailBounced || row.LastError != stored.Bounce {
					t.Errorf("%+v", row)
				}
				if task := o.tasks()["link.bounced"]; task.Subject != link.ID || !bytes.Contains(task.Args, []byte("INV-1042")) {
					t.Errorf("%+v", task)
				}
				before := len(o.server.mails())
				o.must(o.LinkJob(t.Context(), job))
				if len(o.server.mails()) != before {
					t.Error("it was tried again")
				}

				receipt, job := o.receipt(link, nil)
				o.must(o.ReceiptJob(t.Context(), job))
				if row := o.row(receipt.ID); row.State != store.MailBounced {
					t.Errorf("%+v", row)
				}
				if task := o.tasks()["receipt.bounced"]; task.Subject != receipt.ID {
					t.Errorf("%+v", task)
				}
				if pdf, err := s.ReceiptPDF(t.Context(), receipt.ID, 1); err != nil || len(pdf) == 0 {
					t.Errorf("the receipt cannot be downloaded: %v", err)
				}
			})
		})
	}
}

func TestALinkThatIsTakenAfterAllIsNotBounced(t *testing.T) {
	full := true
	o := open(t, storetest.SQLite(t), func(m *mailServer) {
		m.onRcpt = func(string) error {
			if full {
				return &smtp.SMTPError{Code: 552, Message: "Mailbox full"}
			}
			return nil
		}
	})
	link, job := o.link(invoicing.Send{})
	o.must(o.LinkJob(t.Context(), job))
	full = false
	o.must(o.invoicing.ResendLink(t.Context(), "system", link.ID))
	o.must(o.store.Update(t.Context(), func(tx *store.Tx) error { // the bounce of the first mail is noted late
		late, err := tx.LockLink(t.Context(), link.ID)
		if err != nil {
			return err
		}
		late.BouncedAt, late.Bounce = o.now, "Mailbox full"
		return tx.UpdateLink(t.Context(), late)
	}))
	o.must(o.LinkJob(t.Context(), o.job("mail.link", link.ID+"/2")))
	if stored, err := o.store.Link(t.Context(), link.ID); err != nil || stored.State(o.now) != paylink.LinkSent || stored.Bounce != "" {
		t.Errorf("%+v %v", stored, err)
	}
	if _, open := o.tasks()["link.bounced"]; open {
		t.Error("staff are still told that it bounced")
	}
}

// A receipt that cannot be drawn is mailed in words, and staff are told.
func TestFault_E06_ReceiptCannotBeDrawn(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	receipt, job := o.receipt(paylink.Link{}, func(r *paylink.Receipt) { r.Status = "unheard of" })
	o.must(o.ReceiptJob(t.Context(), job))
	l := o.only()
	inOrder(t, "text", l.text, "Thank you, Maria.", "$231.53", "Your card statement will say NORTHWIND STUDIO.")
	if len(l.files) != 0 || strings.Contains(l.text, "attached") {
		t.Errorf("it promises a file that is not there:\n%s", l.text)
	}
	if task := o.tasks()["receipt.pdf"]; task.Subject != receipt.ID {
		t.Error("nobody is told")
	}
	if row := o.row(receipt.ID); row.State != store.MailSent {
		t.Errorf("%+v", row)
	}
}

func TestFault_E06_InvoiceCannotBeDrawn(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	o.BaseURL = "https://" + strings.Repeat("a.", receipts.MaxPayURL/2) + "example"
	link, job := o.link(invoicing.Send{})
	o.must(o.LinkJob(t.Context(), job))
	l := o.only()
	inOrder(t, "text", l.text, "See and pay invoice INV-1042", "https://a.a.", "/l/", "only the Pay button does.", "This link was made for")
	if len(l.files) != 0 || strings.Contains(l.text, "attached") {
		t.Errorf("it promises a file that is not there:\n%s", l.text)
	}
	if task := o.tasks()["invoice.pdf"]; task.Subject != link.InvoiceID {
		t.Error("nobody is told")
	}
}

// What is downloaded later is what was mailed, also when a receipt would be drawn differently by then.
func TestFault_E07_SameReceiptAfterAnUpgrade(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	receipt, job := o.receipt(paylink.Link{}, nil)
	o.must(o.ReceiptJob(t.Context(), job))
	mailed := o.only().files["receipt-"+receipt.Number+".pdf"]
	later, err := o.store.PDF(t.Context(), receipt.ID, 1, func() ([]byte, error) {
		r := receipts.Of(receipt)
		r.Firm.Tagline = "drawn by another release"
		return receipts.Render(r)
	})
	o.must(err)
	if !bytes.Equal(mailed, later) {
		t.Error("two documents of one receipt")
	}
}

// A spam filter may quote the address that it dislikes, and with it the secret of the link.
func TestARelaysWordsNeverHoldTheToken(t *testing.T) {
	for _, code := range []int{451, 554} {
		o := open(t, storetest.SQLite(t), nil)
		link, job := o.link(invoicing.Send{})
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		o.server.onData = func(*smtp.Conn, []byte) error {
			return &smtp.SMTPError{Code: code, Message: "Blocked: " + url + " is on a list"}
		}
		failed := o.LinkJob(t.Context(), job)
		stored, err := o.store.Link(t.Context(), link.ID)
		o.must(err)
		row := o.row(link.ID)
		if !strings.Contains(row.LastError, "/l/[token] is on a list") {
			t.Errorf("%q", row.LastError)
		}
		token := url[len(o.BaseURL+"/l/"):]
		for where, text := range map[string]string{"link": stored.Bounce, "row": row.LastError, "log": o.log.String()} {
			if strings.Contains(text, token) {
				t.Errorf("%d: the token is in the %s: %s", code, where, text)
			}
		}
		if failed != nil && strings.Contains(failed.Error(), token) {
			t.Errorf("the token is in the error: %v", failed)
		}
	}
}

// A mail server that wants nothing from us is not the fault of a mailbox.
func TestAMailServerThatTurnsUsAwayIsForStaff(t *testing.T) {
	refuse := true
	o := open(t, storetest.SQLite(t), func(m *mailServer) {
		m.onMail = func() error {
			if refuse {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Sender not allowed"}
			}
			return nil
		}
	})
	link, job := o.link(invoicing.Send{})
	for range 2 {
		if err := o.LinkJob(t.Context(), job); err == nil {
			t.Fatal("it counts as sent")
		}
	}
	if row := o.row(link.ID); row.State != store.MailDeferred {
		t.Errorf("%+v", row)
	}
	if task, open := o.tasks()["mail.server"]; !open || !bytes.Contains(task.Args, []byte("Sender not allowed")) {
		t.Errorf("staff are not told: %+v", task)
	}
	refuse = false
	o.must(o.LinkJob(t.Context(), job))
	if _, open := o.tasks()["mail.server"]; open {
		t.Error("the task is still open")
	}
}

func TestAMailboxThatTheRelayCannotReachBouncesInWords(t *testing.T) {
	o := open(t, storetest.SQLite(t), func(m *mailServer) { m.EnableSMTPUTF8 = false })
	link, job := o.link(invoicing.Send{To: []string{"jürgen@keller.studio"}})
	o.must(o.LinkJob(t.Context(), job))
	stored, err := o.store.Link(t.Context(), link.ID)
	o.must(err)
	if stored.Bounce != "The mail server 127.0.0.1 cannot deliver to non-ASCII addresses." {
		t.Errorf("%q", stored.Bounce)
	}
}
