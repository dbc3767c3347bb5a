package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// staticCommand is the argument by which this program becomes the static server.
const staticCommand = "serve-static"

// staticSize is the body that the yardstick answers with, in bytes: about what the payment page is.
const staticSize = 6 << 10

// serveStatic serves a fixed body by net/http and nothing else: the most that a Go server gives. Its address is the
// first line on w.
func serveStatic(w io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // for as long as the process lives
	if err != nil {
		return fmt.Errorf("serving a static page: %w", err)
	}
	body := []byte(strings.Repeat("<p>Static.</p>\n", staticSize/15+1))[:staticSize]
	if _, err := fmt.Fprintf(w, "http://%s/\n", l.Addr()); err != nil {
		return fmt.Errorf("serving a static page: %w", err)
	}
	s := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})}
	return s.Serve(l)
}

// startStatic starts the yardstick in a process of its own, as the server that it is compared with has one.
func startStatic(ctx context.Context) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("starting the static server: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, staticCommand)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("starting the static server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("starting the static server: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("starting the static server: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}
