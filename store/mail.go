package store

import (
	"context"
	"time"
)

// Mail is one send of a mail, to be made or made. Its message id stays when a try is repeated.
type Mail struct {
	ID        string
	Kind      string // link, receipt, …
	SubjectID string // what it is about: a link, a receipt
	Recipient string
	MessageID string // unique
	State     MailState
	Attempts  int
	LastError string
	CreatedAt time.Time
	SentAt    time.Time // the relay took it
}

// MailState is where a mail is.
type MailState string

// A mail is queued until the relay takes it or refuses it for good, or until there is no more reason
// to send it.
const (
	MailQueued   MailState = "queued"
	MailDeferred MailState = "deferred" // refused for now; tried again
	MailSent     MailState = "sent"
	MailBounced  MailState = "bounced"
	MailDropped  MailState = "dropped" // LastError says why: link.revoked, link.expired, payable.paid, …
)

const mailColumns = "id, kind, subject_id, recipient, message_id, state, attempts, last_error, created_at, sent_at"

func scanMail(r row) (m Mail, err error) {
	err = r.Scan(&m.ID, &m.Kind, &m.SubjectID, &m.Recipient, &m.MessageID, &m.State, &m.Attempts, &m.LastError,
		moment{&m.CreatedAt}, moment{&m.SentAt})
	return m, err
}

// Mail finds a mail.
func (r reads) Mail(ctx context.Context, id string) (Mail, error) {
	m, err := one(ctx, r, scanMail, "select "+mailColumns+" from mail where id = $1", id)
	return m, found("mail", err)
}

// MailsOf lists every mail about a subject, newest first.
func (r reads) MailsOf(ctx context.Context, subjectID string) ([]Mail, error) {
	list, err := all(ctx, r, scanMail,
		"select "+mailColumns+" from mail where subject_id = $1 order by created_at desc, id desc", subjectID)
	return list, found("mail", err)
}

// InsertMail adds a mail.
func (t *Tx) InsertMail(ctx context.Context, m Mail) error {
	_, err := t.exec(ctx, "insert into mail ("+mailColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		m.ID, m.Kind, m.SubjectID, m.Recipient, m.MessageID, m.State, m.Attempts, m.LastError, micros(m.CreatedAt), micros(m.SentAt))
	return wrote("mail", err)
}

// UpdateMail changes where a mail is; whom it goes to and its message id stay.
func (t *Tx) UpdateMail(ctx context.Context, m Mail) error {
	n, err := t.exec(ctx, "update mail set state = $2, attempts = $3, last_error = $4, sent_at = $5 where id = $1",
		m.ID, m.State, m.Attempts, m.LastError, micros(m.SentAt))
	return changed("mail", n, err)
}
