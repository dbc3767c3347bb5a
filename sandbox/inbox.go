package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	// maxMessageBytes is the SIZE the SMTP server offers (RFC 1870).
	maxMessageBytes = 25 << 20
	// The inbox keeps the newest mails within both limits and drops the oldest beyond them.
	maxMails     = 5000
	maxMailBytes = 2 << 30
)

// inbox is a mail server that delivers everything to one place where tests and people can read it.
// Nothing is relayed. With a directory, a mail is on disk before its sender hears 250, so it is still there
// after a kill -9; a power cut may lose the last ones, because nothing is synced.
type inbox struct {
	dir  string // "" keeps mails in memory only
	now  func() time.Time
	smtp *smtp.Server
	done chan struct{} // closed by Close; lets slow answers end

	mu         sync.Mutex
	mails      []*mail // oldest first
	bytes      int64
	lastID     int64
	revision   int64
	greylisted map[string]bool // addresses that have been told to come back
	closed     bool
}

// newInbox opens the inbox kept in dir, or an empty one in memory when dir is "". now gives the time a mail is
// said to have arrived.
func newInbox(dir string, now func() time.Time) (*inbox, error) {
	in := &inbox{dir: dir, now: now, done: make(chan struct{}), greylisted: map[string]bool{}}
	in.revision = time.Now().UnixMicro() // an open page notices a restart
	in.smtp = newSMTPServer(in)
	if dir == "" {
		return in, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make inbox directory: %w", err)
	}
	if err := in.load(); err != nil {
		return nil, fmt.Errorf("load inbox: %w", err)
	}
	return in, nil
}

// Serve answers SMTP on l until Close; then it returns nil.
func (in *inbox) Serve(l net.Listener) error { return in.smtp.Serve(l) }

// Close stops SMTP and cuts open connections. A mail that was answered 250 is kept.
func (in *inbox) Close() error {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return nil
	}
	in.closed = true
	in.mu.Unlock()
	close(in.done)
	if err := in.smtp.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close inbox: %w", err)
	}
	return nil
}

// envelope is what the SMTP conversation said, which the message itself need not repeat.
type envelope struct {
	From string    `json:"from"` // "" for a delivery report
	To   []string  `json:"to"`
	At   time.Time `json:"at"`
}

// envelopeHeader starts the first line of a stored file; the message as received follows it unchanged.
const envelopeHeader = "X-Sandbox-Envelope: "

// keep stores one message. When it returns nil the mail will be found again.
func (in *inbox) keep(env envelope, message []byte) error {
	env.At = in.now().UTC()
	m := parseMail(env, message)

	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return errors.New("inbox is closed")
	}
	// Ids are microseconds of the real clock and never repeat, so they sort by arrival whatever now says.
	in.lastID = max(time.Now().UnixMicro(), in.lastID+1)
	m.ID = fmt.Sprintf("em_%016x", in.lastID)
	if in.dir == "" {
		m.message = message
	} else if err := in.write(m.ID, env, message); err != nil {
		return err
	}
	in.add(m)
	in.trim()
	in.revision++
	return nil
}

func (in *inbox) write(id string, env envelope, message []byte) error {
	head, err := json.Marshal(env)
	if err != nil {
		return fmt.Errorf("encode envelope: %w", err)
	}
	var file bytes.Buffer
	file.WriteString(envelopeHeader)
	file.Write(head)
	file.WriteString("\r\n")
	file.Write(message)
	temp := in.path(id) + ".tmp"
	if err := os.WriteFile(temp, file.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	if err := os.Rename(temp, in.path(id)); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return nil
}

func (in *inbox) path(id string) string { return filepath.Join(in.dir, id+".eml") }

// load reads the directory. A file cut short by a kill has still its .tmp name; it was never answered 250.
func (in *inbox) load() error {
	entries, err := os.ReadDir(in.dir) // sorted by name, so by arrival
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(in.dir, e.Name())
		if strings.HasSuffix(e.Name(), ".eml.tmp") {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		id, isMail := strings.CutSuffix(e.Name(), ".eml")
		var n int64
		if _, err := fmt.Sscanf(id, "em_%016x", &n); err != nil || !isMail {
			continue // not ours
		}
		env, message, err := readMail(path)
		if err != nil {
			return err
		}
		m := parseMail(env, message)
		m.ID = id
		in.lastID = n
		in.add(m)
	}
	in.trim()
	return nil
}

func readMail(path string) (envelope, []byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return envelope{}, nil, err
	}
	first, message, _ := bytes.Cut(file, []byte("\r\n"))
	head, ok := bytes.CutPrefix(first, []byte(envelopeHeader))
	var env envelope
	if !ok {
		return envelope{}, nil, fmt.Errorf("%s: no envelope in the first line", path)
	}
	if err := json.Unmarshal(head, &env); err != nil {
		return envelope{}, nil, fmt.Errorf("%s: envelope: %w", path, err)
	}
	return env, message, nil
}

func (in *inbox) add(m *mail) {
	in.mails = append(in.mails, m)
	in.bytes += m.Size
}

// trim drops the oldest mails beyond the limits. A file that cannot be removed is dropped from view all the same.
func (in *inbox) trim() {
	for len(in.mails) > maxMails || (in.bytes > maxMailBytes && len(in.mails) > 1) {
		oldest := in.mails[0]
		in.mails[0] = nil
		in.mails = in.mails[1:]
		in.bytes -= oldest.Size
		if in.dir != "" {
			_ = os.Remove(in.path(oldest.ID))
		}
	}
}

// clear deletes every mail and forgets who was greylisted; it says how many mails there were.
func (in *inbox) clear() (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := len(in.mails)
	for _, m := range in.mails {
		if in.dir == "" {
			break
		}
		if err := os.Remove(in.path(m.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, fmt.Errorf("delete mail: %w", err)
		}
	}
	in.mails, in.bytes = nil, 0
	in.greylisted = map[string]bool{}
	in.revision++
	return n, nil
}

// list gives the mails that match q (all for ""), newest first, and a number that changes with every change of
// the inbox.
func (in *inbox) list(q string) ([]*mail, int64) {
	in.mu.Lock()
	all, revision := slices.Clone(in.mails), in.revision
	in.mu.Unlock()
	slices.Reverse(all)
	if q != "" {
		all = slices.DeleteFunc(all, func(m *mail) bool { return !m.matches(q) })
	}
	return all, revision
}

func (in *inbox) find(id string) *mail {
	in.mu.Lock()
	defer in.mu.Unlock()
	i, ok := slices.BinarySearchFunc(in.mails, id, func(m *mail, id string) int { return strings.Compare(m.ID, id) })
	if !ok {
		return nil
	}
	return in.mails[i]
}

// messageOf gives the message as it was received.
func (in *inbox) messageOf(m *mail) ([]byte, error) {
	if in.dir == "" {
		return m.message, nil
	}
	_, message, err := readMail(in.path(m.ID))
	if err != nil {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	return message, nil
}
