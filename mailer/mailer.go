// Package mailer writes the mails that Paylink sends and hands them to a mail server: payment links,
// receipts, what became of bank payments, and codes, in HTML and plain text, with their PDF.
//
// A try is noted before it is made and its outcome after, so a mail that the server took is not sent
// again, and one whose answer was lost is sent again under the same Message-ID. The package decides
// nothing about money or links: what a mail says of them is read when it is sent. It does not
// receive mail: delivery reports that come later go to the sender's mailbox.
package mailer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	"paylink"
	"paylink/catalogue"
	"paylink/crash"
	"paylink/store"
	"paylink/templates"
)

// Options are what a Mailer needs to know of its surroundings.
type Options struct {
	SMTPURL string // smtp://user:password@host:587, or smtps://…
	From    string // the sender's mailbox; a name beside it gives way to the firm's
	BaseURL string // where links lead: https://pay.northwind.studio
	Bank    bool   // bank accounts may pay too, what is asked for in US dollars
	Now     func() time.Time
	Log     *slog.Logger
}

// Mailer sends mails. It is safe for concurrent use.
type Mailer struct {
	store *store.Store
	ring  paylink.KeyRing
	pages *templates.Set
	relay *relay
	from  string // bare
	Options
}

// New makes a Mailer. It connects to nobody yet.
func New(s *store.Store, ring paylink.KeyRing, pages *templates.Set, o Options) (*Mailer, error) {
	sender, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, errors.New("MAIL_FROM is written billing@firm.example, or Firm <billing@firm.example>")
	}
	from, err := asciiDomain(sender.Address)
	if err != nil || !isASCII(from) {
		return nil, errors.New("MAIL_FROM holds letters before the @ that many mail servers refuse")
	}
	relay, err := parseRelay(o.SMTPURL, from[strings.LastIndexByte(from, '@')+1:])
	if err != nil {
		return nil, err
	}
	o.SMTPURL = "" // it holds a password, which only the relay needs
	return &Mailer{store: s, ring: ring, pages: pages, relay: relay, from: from, Options: o}, nil
}

// parcel is a mail that is to be sent, and what is noted of it beside its own row.
type parcel struct {
	kind      string // link, receipt
	subjectID string // the link or the receipt
	message   message
	words     catalogue.Words // of staff, for what they read about the mail
	hide      string          // what a mail server's words are never to be kept with; "" for nothing
	drop      string          // why it is not sent after all; "" to send it
	tasks     []task          // opened when it is sent
	taken     func(context.Context, *store.Tx) error
	refused   func(ctx context.Context, tx *store.Tx, why string) error
}

// without is what a mail server said, less the secret that it may quote from the mail.
func (p parcel) without(words string) string {
	if p.hide == "" {
		return words
	}
	spaced := p.hide[:len(p.hide)/2] + " " + p.hide[len(p.hide)/2:]
	return strings.NewReplacer(p.hide, "[code]", spaced, "[code]").Replace(words)
}

// task is something that staff have to look at.
type task struct {
	kind, subject, code string
	args                map[string]any
}

func (t task) open(ctx context.Context, tx *store.Tx, at time.Time) error {
	return tx.InsertTask(ctx, t.kind, t.subject, t.code, t.args, at)
}

// relayTask says that the mail server turned us away. There is one, and the next mail that is taken
// closes it.
const relayTask, relaySubject = "mail.server", "mail"

// send tries a mail once. nil is the end of it: it was taken, it bounced, or there was no more reason
// to send it, and which of them is on record. An error means again later.
func (m *Mailer) send(ctx context.Context, job store.Job, p parcel) error {
	row, err := m.begin(ctx, job, p)
	if err != nil {
		return fmt.Errorf("begin mail: %w", err)
	}
	if done(row.State) {
		return nil
	}
	crash.At("mail.begun")
	p.message.ID, p.message.From, p.message.Date = row.MessageID, m.from, m.Now()
	raw, err := p.message.bytes()
	if err == nil {
		err = m.relay.deliver(ctx, m.from, p.message.To, raw)
	}
	crash.At("mail.taken")
	// Whatever came of it has to be noted, also when the process is about to end.
	return m.note(context.WithoutCancel(ctx), row, p, err)
}

func done(s store.MailState) bool {
	return s == store.MailSent || s == store.MailBounced || s == store.MailDropped
}

// begin notes that the mail is about to be tried. One job is one mail: its key decides the mail's id
// and Message-ID, so a job that runs again finds what it did before.
func (m *Mailer) begin(ctx context.Context, job store.Job, p parcel) (store.Mail, error) {
	sum := sha256.Sum256([]byte(job.Kind + "\n" + job.Key))
	name := hex.EncodeToString(sum[:16])
	var row store.Mail
	err := m.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		row, err = tx.Mail(ctx, "mai_"+name)
		if paylink.KindOf(err) == paylink.NotFound {
			row = store.Mail{
				ID: "mai_" + name, Kind: p.kind, SubjectID: p.subjectID, Recipient: p.message.To,
				MessageID: "<" + p.kind + "." + name + "@" + m.relay.greeting + ">",
				State:     store.MailQueued, CreatedAt: m.Now(),
			}
			err = tx.InsertMail(ctx, row)
		}
		if err != nil || done(row.State) {
			return err
		}
		if p.drop != "" {
			row.State, row.LastError = store.MailDropped, p.drop
			return tx.UpdateMail(ctx, row)
		}
		row.Attempts++
		return tx.UpdateMail(ctx, row)
	})
	return row, err
}

// note records what came of a try.
func (m *Mailer) note(ctx context.Context, row store.Mail, p parcel, outcome error) error {
	now := m.Now()
	about := []any{"mail", row.ID, "kind", row.Kind, "subject", row.SubjectID, "attempt", row.Attempts}
	if outcome == nil {
		row.State, row.SentAt, row.LastError = store.MailSent, now, ""
		err := m.store.Update(ctx, func(tx *store.Tx) error {
			for _, t := range p.tasks {
				if err := t.open(ctx, tx, now); err != nil {
					return err
				}
			}
			if err := tx.DoneTask(ctx, relayTask, relaySubject, now); err != nil {
				return err
			}
			if err := p.taken(ctx, tx); err != nil {
				return err
			}
			return tx.UpdateMail(ctx, row)
		})
		if err != nil {
			return fmt.Errorf("note that a mail was taken: %w", err)
		}
		m.Log.Info("mail sent", about...)
		return nil
	}
	if b, ok := errors.AsType[*bounce](outcome); ok {
		row.State, row.LastError = store.MailBounced, p.without(b.say(p.words))
		err := m.store.Update(ctx, func(tx *store.Tx) error {
			if err := p.refused(ctx, tx, row.LastError); err != nil {
				return err
			}
			return tx.UpdateMail(ctx, row)
		})
		if err != nil {
			return fmt.Errorf("note that a mail bounced: %w", err)
		}
		m.Log.Info("mail bounced", about...)
		return nil
	}
	row.State, row.LastError = store.MailDeferred, p.without(clip(outcome.Error()))
	err := m.store.Update(ctx, func(tx *store.Tx) error {
		if _, turned := errors.AsType[*turnedAway](outcome); turned {
			t := task{relayTask, relaySubject, "task.mail_server", map[string]any{"server": m.relay.host, "why": row.LastError}}
			if err := t.open(ctx, tx, now); err != nil {
				return err
			}
		}
		return tx.UpdateMail(ctx, row)
	})
	return errors.Join(fmt.Errorf("mail %s was not taken on try %d: %w", row.ID, row.Attempts, loggable(outcome)), err)
}

// loggable keeps the words of a mail server out of the log, which they reach as an error: they often
// repeat the address. They stay in the mail's row.
func loggable(err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("the mail server answered %d", answer.Code)
	}
	return err
}

// secret is the token of a payment link: a spam filter may quote the address that it dislikes.
var secret = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)

// clip makes what a mail server said fit to be kept and shown.
func clip(words string) string { return secret.ReplaceAllString(oneLine(words, 300), "[token]") }
