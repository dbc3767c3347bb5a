// Package contract checks the sandbox against what others say of Stripe's API: the OpenAPI description inside
// stripe-mock, and the public Node client. Its helpers run stripe-mock for the tests of adapters too, so that neither
// the sandbox nor an adapter is judged by our own reading alone.
//
// It is for tests. It never talks to Stripe, and stripe-mock keeps no state: what it accepts has the right names and
// types, no more.
package contract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Releases of stripe-mock, by the version of the API each describes.
const (
	Stripe20231016 = "v0.183.0" // 2023-10-16, the version of stripe-go v76; run with -strict-version-check
	StripeLatest   = "v0.203.0" // the one that knows ConfirmationTokens; any version of the API is let in
)

// sums pins what the module proxy gives for each release.
var sums = map[string]string{
	Stripe20231016: "h1:HO5y2E0IG465rtxva9TWuuceRl5GiXcmYG8L/kYFeJ0=",
	StripeLatest:   "h1:EzW7nb/fphqcAkgVRHAaC88OaAZo6SBWSl54cflDTio=",
}

const stripeMock = "github.com/stripe/stripe-mock"

// StartStripeMock runs that release of stripe-mock on loopback until the test ends, and gives its URL.
func StartStripeMock(t testing.TB, version string) string {
	t.Helper()
	binary, err := buildStripeMock(t.Context(), version)
	if err != nil {
		t.Fatalf("stripe-mock %s: %v", version, err)
	}
	// Without an address of its own for HTTPS every instance would want port 12112 on all interfaces.
	args := []string{"-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"}
	if version == Stripe20231016 {
		args = append(args, "-strict-version-check")
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // t.Context is over by then: it was killed
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), "Listening for HTTP at address: "); ok {
			go func() {
				for lines.Scan() { // it stops when nobody reads what it says
				}
			}()
			return "http://" + addr
		}
	}
	t.Fatalf("stripe-mock %s ended before it listened", version)
	return ""
}

// module is where the Go command keeps a release of stripe-mock, downloaded if need be and checked against its sum.
func module(ctx context.Context, version string) (dir string, err error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", stripeMock+"@"+version)
	cmd.Dir = os.TempDir() // outside of any module: this one's requirements have no say
	raw, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("download: %w", err)
	}
	var got struct{ Dir, Sum string }
	if err := json.Unmarshal(raw, &got); err != nil {
		return "", fmt.Errorf("download: %w", err)
	}
	if got.Sum != sums[version] {
		return "", fmt.Errorf("download: the module's sum is %s, expected %s", got.Sum, sums[version])
	}
	return got.Dir, nil
}

// buildStripeMock builds a release into the repository's cache, unless it is there.
func buildStripeMock(ctx context.Context, version string) (string, error) {
	if _, err := module(ctx, version); err != nil {
		return "", err
	}
	root, err := moduleRoot()
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	dir := filepath.Join(root, ".cache", "stripe-mock", version)
	binary := filepath.Join(dir, "stripe-mock")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	fresh, err := os.MkdirTemp(dir, "build")
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	defer os.RemoveAll(fresh)
	cmd := exec.CommandContext(ctx, "go", "install", stripeMock+"@"+version)
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOBIN="+fresh, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	// Tests of several packages may build at once: whoever renames last wins, and the files are the same.
	if err := os.Rename(filepath.Join(fresh, "stripe-mock"), binary); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	return binary, nil
}

// moduleRoot is the folder of go.mod, above the package under test.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the package under test")
		}
		dir = up
	}
}
