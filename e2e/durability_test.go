package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"paylink/e2e/browser"
	"paylink/e2e/process"
	"paylink/store/storetest"
)

// Before the first byte of the call that can move money, the PaymentIntent's id is on the disk: the system calls say so.
// kill -9 cannot show it, for what the kernel was given outlives the process (I-3).
func TestFault_D09_TheRowIsOnTheDiskBeforeTheConfirmCall(t *testing.T) {
	s := process.StartSite(t, storetest.SQLiteURL(t))
	_, link := newInvoice(t, s, 12345)
	s.Stop()
	trace := filepath.Join(t.TempDir(), "trace")
	// -xx would hide what is looked for; -s holds a page of the WAL and its header.
	server := traced(t, s, "strace", "-f", "-y", "-s", "4200", "-e", "trace=pwrite64,write,fdatasync,fsync", "-o", trace, process.Binary(t), "serve")
	tab := browser.Start(t).Tab(t, browser.Options{Width: 1280})
	await(t, "the server", func() bool { return s.Call(http.MethodGet, "/readyz", nil, nil) == http.StatusOK })
	tab.Expect("ERR_") // the server ends while the page may still load the receipt
	tab.Open(link)
	fillCard(tab, visa)
	tab.Click("#press")
	tab.See("is paid")
	server()

	order := readTrace(t, trace)
	confirm := -1
	var intent string
	for n, call := range order {
		if m := confirmCall.FindStringSubmatch(call.text); m != nil && call.name == "write" {
			confirm, intent = n, m[1]
			break
		}
	}
	if confirm < 0 {
		t.Fatal("no confirm call in the trace")
	}
	written, synced := -1, -1
	for n, call := range order[:confirm] {
		switch {
		case call.name == "pwrite64" && strings.Contains(call.file, "-wal") && strings.Contains(call.text, intent):
			written, synced = n, -1
		case strings.HasSuffix(call.name, "sync") && strings.Contains(call.file, "-wal") && call.done < order[confirm].begun && written >= 0:
			synced = n
		}
	}
	if written < 0 {
		t.Fatalf("%s is not written to the WAL before it is confirmed", intent)
	}
	if synced < 0 {
		t.Errorf("%s is written to the WAL and not on the disk when it is confirmed", intent)
	}
}

// traced starts a command with the site's settings and gives what ends it.
func traced(t *testing.T, s *process.Site, name string, args ...string) (stop func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, s.Env...)
	if err := cmd.Start(); err != nil {
		t.Fatalf("strace, which tools/setup installs: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return func() {
		// strace hands the signal that ends it on to nobody; the server has it from us.
		out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		if err != nil {
			t.Fatalf("the traced server: %v", err)
		}
		var pid int
		if _, err := fmt.Sscan(string(out), &pid); err != nil {
			t.Fatal(err)
		}
		server, err := os.FindProcess(pid)
		if err != nil {
			t.Fatal(err)
		}
		_ = server.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the traced server did not stop")
		}
	}
}

var confirmCall = regexp.MustCompile(`POST /v1/payment_intents/(pi_\w+)/confirm`)

// systemCall is a line of the trace; begun and done are lines, which differ where other threads came between.
type systemCall struct {
	name, file, text string
	begun, done      int
}

var begunCall = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(.*)`)

func readTrace(t *testing.T, path string) (calls []systemCall) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	open := map[string]int{} // thread → the call it is in
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		if m := begunCall.FindStringSubmatch(line); m != nil {
			calls = append(calls, systemCall{name: m[2], file: m[3], text: m[4], begun: n, done: n})
			if strings.HasSuffix(line, "<unfinished ...>") {
				calls[len(calls)-1].done = 1 << 60
				open[m[1]] = len(calls) - 1
			}
			continue
		}
		thread, rest, _ := strings.Cut(line, " ")
		if at, is := open[thread]; is && strings.Contains(rest, "resumed>") {
			calls[at].done = n
			delete(open, thread)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return calls
}
