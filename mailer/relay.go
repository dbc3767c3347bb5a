package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"paylink/catalogue"
)

// sendTime is how long one mail may take from the first packet to the relay's last word. It is less
// than the ten minutes that RFC 5321 §4.5.3.2.6 allows for that word: a mail that was taken so late
// is sent again, with the same Message-ID.
const sendTime = time.Minute

// relay is the mail server that takes our mails.
type relay struct {
	host, port     string
	implicit       bool // TLS from the first byte
	user, password string
	greeting       string // what we call ourselves
	timeout        time.Duration
	dial           func(ctx context.Context, network, address string) (net.Conn, error)
	roots          *x509.CertPool // nil for the system's
}

// bounce says that this mail will never reach its mailbox: in the words of the relay, or by a
// sentence of ours.
type bounce struct {
	words string
	key   string // in the catalogue; "" when the relay said words
	args  []any
}

func (b *bounce) Error() string { return "bounced: " + b.words + b.key }

func (b *bounce) say(w catalogue.Words) string {
	if b.key != "" {
		return w.T(b.key, b.args...)
	}
	return clip(b.words)
}

// turnedAway says that the relay wants nothing from us, or not in this way, whoever a mail is for:
// somebody has to look at the settings.
type turnedAway struct{ error }

func (t *turnedAway) Unwrap() error { return t.error }

// parseRelay reads smtp://user:password@host:587 and smtps://…. An error never repeats the text,
// which may hold a password.
func parseRelay(text, greeting string) (*relay, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("SMTP_URL is written smtp://user:password@host:587 or smtps://…, special characters percent-encoded")
	}
	r := &relay{host: u.Hostname(), port: u.Port(), greeting: greeting, timeout: sendTime, dial: (&net.Dialer{}).DialContext}
	switch u.Scheme {
	case "smtp":
		if r.port == "" {
			r.port = "587"
		}
	case "smtps":
		r.implicit = true
		if r.port == "" {
			r.port = "465"
		}
	default:
		return nil, errors.New("SMTP_URL begins with smtp:// or smtps://")
	}
	if u.User != nil {
		r.user = u.User.Username()
		r.password, _ = u.User.Password()
		if r.user == "" {
			return nil, errors.New("SMTP_URL has a password and no user")
		}
	}
	return r, nil
}

// deliver hands one message to the relay. It returns nil once the relay took it, a *bounce when it
// never will, and any other error when a later try may do better.
func (r *relay) deliver(ctx context.Context, from, to string, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	conn, err := r.dial(ctx, "tcp", net.JoinHostPort(r.host, r.port))
	if err != nil {
		return fmt.Errorf("connect to the mail server: %w", err)
	}
	defer conn.Close()
	// Neither the server's silence nor its slowness outlives ctx.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	c, err := r.open(conn)
	if err == nil {
		err = r.hand(c, from, to, message)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the mail server took too long: %w", context.Cause(ctx))
	}
	return err
}

// open greets, secures and signs in. A refusal here is about us and not about one mailbox, so it is
// never a *bounce.
func (r *relay) open(conn net.Conn) (*smtp.Client, error) {
	onHost := isOnHost(conn)
	secure := &tls.Config{
		ServerName: r.host,
		RootCAs:    r.roots,
		MinVersion: tls.VersionTLS12,
		// A relay on this host might speak plainly as well, and the usual one has a certificate
		// that it signed itself.
		InsecureSkipVerify: onHost, //nolint:gosec // only on this host, see above
	}
	if r.implicit {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, r.host)
	if err != nil {
		return nil, trouble("greet the mail server", err)
	}
	if err := c.Hello(r.greeting); err != nil {
		return nil, trouble("greet the mail server", err)
	}
	encrypted := r.implicit
	if offered, _ := c.Extension("STARTTLS"); offered && !encrypted {
		if err := c.StartTLS(secure); err != nil {
			return nil, trouble("encrypt the way to the mail server", err)
		}
		encrypted = true
	}
	if !encrypted && !onHost {
		return nil, &turnedAway{fmt.Errorf("mail server %s does not offer STARTTLS, and mail does not leave this host unencrypted", r.host)}
	}
	if r.user == "" {
		return c, nil
	}
	offered, mechanisms := c.Extension("AUTH")
	if !offered {
		return nil, &turnedAway{fmt.Errorf("mail server %s does not let anybody sign in, and SMTP_URL names a user", r.host)}
	}
	if err := c.Auth(signIn{r.user, r.password, strings.Fields(strings.ToUpper(mechanisms))}); err != nil {
		return nil, trouble("sign in at the mail server", err)
	}
	return c, nil
}

// hand gives one message to an open relay.
func (r *relay) hand(c *smtp.Client, from, to string, message []byte) error {
	to, err := asciiDomain(to)
	if err != nil {
		return &bounce{key: "mail.bounce.address"}
	}
	wide := !isASCII(to)
	if wide {
		if offered, _ := c.Extension("SMTPUTF8"); !offered {
			return &bounce{key: "mail.bounce.wide", args: []any{"server", r.host}}
		}
	}
	if err := mailFrom(c, from, wide); err != nil {
		return trouble("name the sender to the mail server", err)
	}
	if err := c.Rcpt(to); err != nil {
		return refused("name the recipient to the mail server", err)
	}
	body, err := c.Data()
	if err != nil {
		return refused("begin the mail", err)
	}
	if _, err := body.Write(message); err != nil {
		return fmt.Errorf("send the mail: %w", err)
	}
	if err := body.Close(); err != nil {
		return refused("send the mail", err)
	}
	_ = c.Quit() // the mail is theirs; how they say goodbye changes nothing
	return nil
}

// mailFrom begins a mail. Client.Mail would ask for SMTPUTF8 whenever it is offered, and a relay may
// then refuse to pass a plain mail on to a server that does not know it.
func mailFrom(c *smtp.Client, from string, wide bool) error {
	command := "MAIL FROM:<%s>"
	if wide {
		command += " SMTPUTF8"
	}
	id, err := c.Text.Cmd(command, from)
	if err != nil {
		return err
	}
	c.Text.StartResponse(id)
	defer c.Text.EndResponse(id)
	_, _, err = c.Text.ReadResponse(250)
	return err
}

// refused tells a no to this mail for good (5xx) from one for now.
func refused(doing string, err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok && answer.Code >= 500 {
		return &bounce{words: answer.Error()}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// trouble tells a no to us from one for now. A certificate that does not fit is a no as well.
func trouble(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	answer, answered := errors.AsType[*textproto.Error](err)
	_, forged := errors.AsType[*tls.CertificateVerificationError](err)
	_, refused := errors.AsType[signInError](err)
	if answered && answer.Code >= 500 || forged || refused {
		return &turnedAway{err}
	}
	return err
}

// isOnHost says whether the other end of a connection is this machine.
func isOnHost(conn net.Conn) bool {
	address, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// asciiDomain writes the domain of an address as DNS knows it: bücher.example is
// xn--bcher-kva.example. The name before the @ stays as it is.
func asciiDomain(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	name, domain := address[:at+1], address[at+1:]
	if isASCII(domain) {
		return address, nil
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("write a domain in ASCII: %w", err)
	}
	return name + domain, nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// signIn is SASL PLAIN (RFC 4616), or LOGIN where it is all that is offered, as at Microsoft 365.
// It is used on an encrypted connection or on this host; open sees to that.
type signIn struct {
	user, password string
	offered        []string
}

func (s signIn) Start(*smtp.ServerInfo) (string, []byte, error) {
	switch {
	case slices.Contains(s.offered, "PLAIN"):
		return "PLAIN", []byte("\x00" + s.user + "\x00" + s.password), nil
	case slices.Contains(s.offered, "LOGIN"):
		return "LOGIN", nil, nil
	}
	return "", nil, signInError("it offers neither PLAIN nor LOGIN")
}

func (s signIn) Next(question []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(question)), "user"):
		return []byte(s.user), nil
	case strings.HasPrefix(strings.ToLower(string(question)), "pass"):
		return []byte(s.password), nil
	}
	return nil, signInError("it asked for something else than user and password")
}

type signInError string

func (e signInError) Error() string { return string(e) }
