package sandbox

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// slowAnswer is how long a mail to slow@… waits for its 250; slow+N@… waits N seconds.
const slowAnswer = 10 * time.Second

func newSMTPServer(in *inbox) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &smtpSession{inbox: in}, nil
	}))
	s.Domain = "sandbox.localhost"
	s.MaxMessageBytes = maxMessageBytes
	s.MaxRecipients = 100
	s.EnableSMTPUTF8 = true
	s.AllowInsecureAuth = true // there is no TLS here, and every password is right
	s.ReadTimeout = 5 * time.Minute
	s.WriteTimeout = time.Minute
	return s
}

// smtpSession is one SMTP connection. Recipients decide how it behaves, by the local part before any "+tag":
// bounce is refused for good, greylist is put off once, slow hears 250 late.
type smtpSession struct {
	inbox *inbox
	env   envelope
	delay time.Duration
}

var _ smtp.AuthSession = (*smtpSession)(nil)

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(identity, username, password string) error { return nil }), nil
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.env.From = from
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	local, _, _ := strings.Cut(strings.ToLower(to), "@")
	kind, tag, _ := strings.Cut(local, "+")
	switch kind {
	case "bounce":
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	case "greylist":
		if s.inbox.greylist(strings.ToLower(to)) {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, come back later"}
		}
	case "slow":
		s.delay = slowAnswer
		if seconds, err := strconv.ParseUint(tag, 10, 10); err == nil {
			s.delay = time.Duration(seconds) * time.Second
		}
	}
	s.env.To = append(s.env.To, to)
	return nil
}

// Data keeps the mail, then answers: a slow answer is about a mail that has arrived.
func (s *smtpSession) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err // too large, or the sender went away
	}
	if err := s.inbox.keep(s.env, message); err != nil {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: err.Error()}
	}
	if s.delay > 0 {
		select {
		case <-time.After(s.delay):
		case <-s.inbox.done:
		}
	}
	return nil
}

func (s *smtpSession) Reset() { s.env, s.delay = envelope{}, 0 }

func (s *smtpSession) Logout() error { return nil }

// greylist says whether the address is to be put off: yes the first time, no from then on.
func (in *inbox) greylist(address string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	first := !in.greylisted[address]
	in.greylisted[address] = true
	return first
}
