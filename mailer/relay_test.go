package mailer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server that keeps what it took and fails as it is told.
type mailServer struct {
	addr string
	*smtp.Server
	certificate *x509.CertPool
	implicit    bool // TLS from the first byte

	onMail func() error
	onRcpt func(to string) error
	onData func(c *smtp.Conn, message []byte) error // after it was kept

	mu     sync.Mutex
	taken  []taken
	logins []string // mechanism, then "tls" or "plain"
	asked  []bool   // of each MAIL: SMTPUTF8
}

type taken struct {
	from, to  string
	encrypted bool
	message   []byte
}

// serve starts a server; change sees it before it listens.
func serve(t *testing.T, change func(*mailServer)) *mailServer {
	t.Helper()
	m := listen(t, "127.0.0.1:0", change)
	return m
}

func listen(t *testing.T, addr string, change func(*mailServer)) *mailServer {
	t.Helper()
	m := &mailServer{}
	m.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: m, conn: c}, nil
	}))
	m.Domain = "relay.example"
	m.EnableSMTPUTF8 = true
	m.AllowInsecureAuth = true
	if change != nil {
		change(m)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	m.addr = l.Addr().String()
	if m.implicit {
		l = tls.NewListener(l, m.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- m.Serve(l) }()
	t.Cleanup(func() {
		_ = m.Close()
		<-done
	})
	return m
}

func (m *mailServer) mails() []taken {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]taken(nil), m.taken...)
}

type session struct {
	server   *mailServer
	conn     *smtp.Conn
	from, to string
}

var _ smtp.AuthSession = (*session)(nil)

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	way := "plain"
	if _, ok := s.conn.TLSConnectionState(); ok {
		way = "tls"
	}
	s.server.logins = append(s.server.logins, mechanism+" "+way)
	check := func(user, password string) error {
		if user != "clerk" || password != "s p/%ß" {
			return smtp.ErrAuthFailed
		}
		return nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.from = from
	s.server.mu.Lock()
	s.server.asked = append(s.server.asked, o.UTF8)
	s.server.mu.Unlock()
	if s.server.onMail != nil {
		return s.server.onMail()
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if s.server.onRcpt != nil {
		return s.server.onRcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.server.mu.Lock()
	s.server.taken = append(s.server.taken, taken{s.from, s.to, encrypted, raw})
	s.server.mu.Unlock()
	if s.server.onData != nil {
		return s.server.onData(s.conn, raw)
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// withTLS gives the server a certificate for a name, signed by itself.
func withTLS(t *testing.T, name string) func(*mailServer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(m *mailServer) {
		m.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		m.certificate = x509.NewCertPool()
		m.certificate.AddCert(leaf)
	}
}

// elsewhere makes a connection look like one to another host.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 25), Port: 25} }

// to makes the relay of a URL whose host is the server's, on this host or seemingly on another.
func to(t *testing.T, m *mailServer, url string, remote bool) *relay {
	t.Helper()
	r, err := parseRelay(url, "firm.example")
	if err != nil {
		t.Fatal(err)
	}
	r.roots = m.certificate
	r.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.addr)
		if err == nil && remote {
			conn = elsewhere{conn}
		}
		return conn, err
	}
	return r
}

const plainMail = "Subject: x\r\n\r\nHello.\r\n"

func TestMailIsEncryptedWheneverTheServerCan(t *testing.T) {
	for _, remote := range []bool{false, true} {
		server := serve(t, withTLS(t, "relay.example"))
		if err := to(t, server, "smtp://relay.example", remote).deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail)); err != nil {
			t.Fatalf("remote %v: %v", remote, err)
		}
		if mails := server.mails(); len(mails) != 1 || !mails[0].encrypted || mails[0].from != "a@firm.example" || mails[0].to != "b@x.example" {
			t.Errorf("remote %v: %+v", remote, mails)
		}
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	server := serve(t, func(m *mailServer) {
		withTLS(t, "relay.example")(m)
		m.implicit = true
	})
	r := to(t, server, "smtps://clerk:s%20p%2F%25%C3%9F@relay.example", true)
	if r.port != "465" {
		t.Errorf("port %s", r.port)
	}
	if err := r.deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail)); err != nil {
		t.Fatal(err)
	}
	if len(server.mails()) != 1 || server.logins[0] != "PLAIN tls" {
		t.Errorf("%+v %q", server.mails(), server.logins)
	}
}

func TestMailLeavesThisHostOnlyEncrypted(t *testing.T) {
	server := serve(t, nil)
	err := to(t, server, "smtp://clerk:s%20p%2F%25%C3%9F@relay.example", true).deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail))
	if _, ok := errors.AsType[*turnedAway](err); !ok || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("got %v", err)
	}
	if len(server.mails()) != 0 || len(server.logins) != 0 {
		t.Errorf("it went out in clear: %+v, sign-ins %q", server.mails(), server.logins)
	}
}

func TestAnotherHostsCertificateIsRefused(t *testing.T) {
	server := serve(t, withTLS(t, "evil.example"))
	err := to(t, server, "smtp://clerk:x@relay.example", true).deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail))
	if _, ok := errors.AsType[*turnedAway](err); !ok || len(server.mails()) != 0 || len(server.logins) != 0 {
		t.Errorf("got %v, sign-ins %q", err, server.logins)
	}
}

func TestARelayOnThisHostNeedsNoEncryption(t *testing.T) {
	server := serve(t, nil)
	if err := to(t, server, "smtp://clerk:s%20p%2F%25%C3%9F@localhost:25", false).deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail)); err != nil {
		t.Fatal(err)
	}
	if len(server.mails()) != 1 || len(server.logins) != 1 || server.logins[0] != "PLAIN plain" {
		t.Errorf("%+v %q", server.mails(), server.logins)
	}
}

func TestAWrongPasswordIsTroubleAndNoBounce(t *testing.T) {
	server := serve(t, nil)
	err := to(t, server, "smtp://clerk:wrong@localhost", false).deliver(t.Context(), "a@firm.example", "b@x.example", []byte(plainMail))
	if _, ok := errors.AsType[*turnedAway](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestSignInByLogin(t *testing.T) {
	s := signIn{"clerk", "secret", []string{"LOGIN", "XOAUTH2"}}
	mechanism, _, err := s.Start(nil)
	if err != nil || mechanism != "LOGIN" {
		t.Fatal(mechanism, err)
	}
	user, err := s.Next([]byte("Username:"), true)
	if err != nil || string(user) != "clerk" {
		t.Error(string(user), err)
	}
	password, err := s.Next([]byte("Password:"), true)
	if err != nil || string(password) != "secret" {
		t.Error(string(password), err)
	}
	if _, err := s.Next([]byte("Mother's maiden name:"), true); err == nil {
		t.Error("it answered a question that LOGIN does not have")
	}
	if _, _, err := (signIn{offered: []string{"GSSAPI"}}).Start(nil); err == nil {
		t.Error("it signed in by a mechanism it does not know")
	}
}

func TestAddressesOutsideOfASCII(t *testing.T) {
	tests := map[string]struct {
		to       string
		wide     bool // the server knows SMTPUTF8
		want     string
		bounced  string // key of the sentence
		requests bool
	}{
		"plain, server knows":       {"maria@keller.example", true, "maria@keller.example", "", false},
		"domain, server does not":   {"maria@bücher.example", false, "maria@xn--bcher-kva.example", "", false},
		"mailbox, server knows":     {"jürgen@keller.example", true, "jürgen@keller.example", "", true},
		"both, server knows":        {"用户@例え.example", true, "用户@xn--r8jz45g.example", "", true},
		"mailbox, server does not":  {"jürgen@keller.example", false, "", "mail.bounce.wide", false},
		"domain that cannot be one": {"maria@bü_cher..example", true, "", "mail.bounce.address", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(m *mailServer) { m.EnableSMTPUTF8 = tt.wide })
			err := to(t, server, "smtp://localhost", false).deliver(t.Context(), "a@firm.example", tt.to, []byte(plainMail))
			if tt.bounced != "" {
				if b, ok := errors.AsType[*bounce](err); !ok || b.key != tt.bounced || len(server.mails()) != 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if mails := server.mails(); len(mails) != 1 || mails[0].to != tt.want || server.asked[0] != tt.requests {
				t.Errorf("%+v, SMTPUTF8 %v", mails, server.asked)
			}
		})
	}
}

func TestSMTPURLsThatCannotBeMeant(t *testing.T) {
	for _, text := range []string{
		"", "mail.example", "mail.example:587", "http://mail.example", "smtp://", "smtp://:canary@mail.example", "smtp:mail.example",
		"smtp://user:canary@mail.example/path", "smtp://user:canary@mail.example?x=1", "smtp://user:canary@mail.example:port", "smtp://u:canary%zz@h",
	} {
		if _, err := parseRelay(text, "x"); err == nil {
			t.Errorf("%q was taken", text)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	}
}

// letterOf parses a mail as a mail program does.
type letterOf struct {
	head       mail.Header
	text, html string
	files      map[string][]byte
	order      []string // content types of the leaves
}

func read(t testing.TB, raw []byte) letterOf {
	t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("read mail: %v\n%s", err, raw)
	}
	l := letterOf{head: r.Header, files: map[string][]byte{}}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil && !gomessage.IsUnknownCharset(err) {
			t.Fatalf("read mail: %v", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("read part: %v", err)
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, _, _ := h.ContentType()
			l.order = append(l.order, kind)
			if kind == "text/html" {
				l.html = string(body)
			} else {
				l.text = string(body)
			}
		case *mail.AttachmentHeader:
			kind, _, _ := h.ContentType()
			l.order = append(l.order, kind)
			name, err := h.Filename()
			if err != nil {
				t.Fatal(err)
			}
			l.files[name] = body
		}
	}
}
