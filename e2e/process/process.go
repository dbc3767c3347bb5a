// Package process runs the real binary: it builds ./cmd/paylink once a test run, starts its commands with an
// environment of their own, reads their first line, and ends them, softly or as a power cut would.
//
// It is imported by tests alone, and knows of Paylink what stands in its contract with scripts: commands, flags and
// the JSON they print. A binary built by a race-enabled test has the race detector in, and a race that it reports, like
// a panic, fails the test.
package process

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Limits on what the binary takes its time for. Under the race detector on a busy machine all is slow.
const (
	startLimit = 60 * time.Second
	stopLimit  = 30 * time.Second
)

var build = sync.OnceValues(func() (string, error) { return Build("paylink/cmd/paylink") })

// Build compiles the command of an import path or folder and returns where the binary is. Flags for the compiler come
// last: "-race=false" makes a quick binary for a race-enabled test.
func Build(command string, flags ...string) (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output() //nolint:noctx // as long as the compiler takes
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(mod))), ".cache", "e2e")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("building %s: %w", command, err)
	}
	name, args := filepath.Base(command), []string{"build", "-buildvcs=false"}
	if race {
		name, args = name+"-race", append(args, "-race")
	}
	if len(flags) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(flags, "\n")))
		name, args = name+"-"+hex.EncodeToString(sum[:4]), append(args, flags...)
	}
	// Other packages' tests may run the binary of that name right now, so it is replaced, not written over.
	fresh, err := os.MkdirTemp(dir, "build")
	if err != nil {
		return "", fmt.Errorf("building %s: %w", command, err)
	}
	defer os.RemoveAll(fresh)
	if out, err := exec.Command("go", append(args, "-o", filepath.Join(fresh, name), command)...).CombinedOutput(); err != nil { //nolint:noctx // as above
		return "", fmt.Errorf("building %s: %w\n%s", command, err, out)
	}
	binary := filepath.Join(dir, name)
	if err := os.Rename(filepath.Join(fresh, name), binary); err != nil {
		return "", fmt.Errorf("building %s: %w", command, err)
	}
	return binary, nil
}

// Binary is the path of the built paylink.
func Binary(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Process is a running command.
type Process struct {
	FirstLine []byte // what the command printed first

	tb     testing.TB
	cmd    *exec.Cmd
	log    *buffer
	gone   chan struct{} // closed when the process has ended
	err    error         // how, once it has
	killed bool
}

// Start runs paylink with these arguments, waits for the first line on its standard output and stops it when the test
// ends. env ("NAME=value") comes on top of an environment with nothing of Paylink in it.
func Start(tb testing.TB, env []string, args ...string) *Process {
	tb.Helper()
	return start(tb, Binary(tb), env, args...)
}

func start(tb testing.TB, binary string, env []string, args ...string) *Process {
	tb.Helper()
	p := &Process{tb: tb, log: &buffer{}, gone: make(chan struct{})}
	p.cmd = exec.Command(binary, args...) //nolint:noctx // it lives until it is stopped
	p.cmd.Env, p.cmd.Stderr = environment(env), p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatalf("starting paylink %s: %v", args[0], err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("starting paylink %s: %v", args[0], err)
	}
	tb.Cleanup(p.finish)

	first := make(chan []byte, 1)
	go func() {
		r := bufio.NewReader(stdout)
		if line, err := r.ReadBytes('\n'); err == nil {
			first <- line
		}
		_, _ = io.Copy(p.log, r)
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	select {
	case p.FirstLine = <-first:
	case <-p.gone:
		select {
		case p.FirstLine = <-first: // it printed, and ended
		default:
			tb.Fatalf("paylink %s ended without a word: %v\n%s", args[0], p.err, p.Log())
		}
	case <-time.After(startLimit):
		tb.Fatalf("paylink %s said nothing for %v\n%s", args[0], startLimit, p.Log())
	}
	return p
}

// environment is what a process has before env is added: where programs are, and no settings of the developer's.
func environment(env []string) []string {
	var base []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			base = append(base, name+"="+v)
		}
	}
	return append(base, env...)
}

// Log is what the process has written so far to its standard error, and to its standard output after the first line.
func (p *Process) Log() string { return p.log.String() }

// Kill ends the process at once, as kill -9 and a power cut do, and waits until it is gone.
func (p *Process) Kill() {
	p.tb.Helper()
	p.killed = true
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.tb.Fatalf("killing: %v", err)
	}
	<-p.gone
}

// Dies waits until the process has ended by its own hand, which is then expected of it, and says whether it has within
// the limit.
func (p *Process) Dies(limit time.Duration) bool {
	p.tb.Helper()
	p.killed = true
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.gone:
		return true
	case <-timer.C:
		p.killed = false
		return false
	}
}

// Stop asks the process to end and waits until it has. Its exit must be clean.
func (p *Process) Stop() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.tb.Fatalf("stopping: %v", err)
	}
	select {
	case <-p.gone:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
		select {
		case <-p.gone:
		case <-time.After(time.Second):
			p.Kill()
		}
		p.tb.Errorf("it did not stop within %v\n%s", stopLimit, p.tail())
		return
	}
	if p.err != nil && !p.killed {
		p.tb.Errorf("it ended badly: %v\n%s", p.err, p.tail())
	}
}

// finish is the end of the test.
func (p *Process) finish() {
	p.Stop()
	log := p.Log()
	for _, sign := range []string{"WARNING: DATA RACE", "\npanic: ", "fatal error: ", "panicked"} {
		if strings.Contains(log, sign) {
			p.tb.Errorf("the process wrote %q\n%s", strings.TrimSpace(sign), p.tail())
		}
	}
	if p.tb.Failed() && !p.killed { // who was killed on purpose has little to say, and may be one of hundreds
		p.tb.Logf("the end of its log:\n%s", p.tail())
	}
}

// tail is the end of the log, short enough to read.
func (p *Process) tail() string {
	lines := strings.Split(p.Log(), "\n")
	lines = lines[max(0, len(lines)-40):]
	for i, l := range lines {
		if len(l) > 600 {
			lines[i] = l[:600] + "…"
		}
	}
	return strings.Join(lines, "\n")
}

// Run runs a command of paylink to its end and returns its standard output and exit code.
func Run(tb testing.TB, env []string, args ...string) (stdout string, code int) {
	tb.Helper()
	return run(tb, Binary(tb), env, args...)
}

func run(tb testing.TB, binary string, env []string, args ...string) (string, int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var stderr bytes.Buffer
	cmd.Env, cmd.Stderr = environment(env), &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tb.Fatalf("running paylink %s: %v", args[0], err)
	}
	if stderr.Len() > 0 {
		tb.Logf("paylink %s: %s", args[0], &stderr)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// Demo is a running `paylink demo`: the application, and the sandbox it talks to.
type Demo struct {
	*Process
	BaseURL    string `json:"base_url"`
	SandboxURL string `json:"sandbox_url"`
	Staff      struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"staff"`
	APIKey    string `json:"api_key"`
	InvoiceID string `json:"invoice_id"` // empty with --empty
	PayURL    string `json:"pay_url"`
}

// StartDemo starts `paylink demo` on ports of its own, with its data in dir; args such as "--empty" are added.
func StartDemo(tb testing.TB, dir string, args ...string) *Demo {
	tb.Helper()
	d := &Demo{Process: Start(tb, nil, append([]string{"demo", "--addr", "127.0.0.1:0", "--data", dir, "--json"}, args...)...)}
	if err := json.Unmarshal(d.FirstLine, d); err != nil {
		tb.Fatalf("the first line of paylink demo: %v", err) // not the line: it holds a key
	}
	return d
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
