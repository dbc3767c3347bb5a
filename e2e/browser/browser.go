// Package browser drives a headless Chromium the way a person does: it finds things by what is visible, clicks where
// they are and types on the keyboard, in the page and in the frames inside it. While it does so it writes down what a
// person would not see: errors on the console, violations of the content security policy, requests that fail, and
// every request's body.
//
// It knows nothing of Paylink, and is imported by tests alone. It never sleeps: it waits for what it was asked to wait
// for, and fails the test with what it saw instead.
package browser

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser is one Chromium with a profile of its own. It reaches this machine and nothing else, so a page that asks for
// a stranger's script fails its test instead of depending on it.
type Browser struct {
	ctx   context.Context
	close context.CancelFunc
}

// Start starts a Chromium that lives as long as the test and its subtests.
func Start(tb testing.TB) *Browser {
	tb.Helper()
	b, err := Launch(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// Launch starts a Chromium; the caller closes it.
func Launch(ctx context.Context) (*Browser, error) {
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // its sandbox cannot be set up by root in a container
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Frames of another origin stay in the page's process, where one session reaches them all.
		chromedp.Flag("disable-site-isolation-trials", true),
		chromedp.Flag("disable-features", "IsolateOrigins,site-per-process,Translate,MediaRouter,OptimizationHints,AutofillServerCommunication"),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"),
		chromedp.Flag("hide-scrollbars", false), // a scrollbar that hides would hide a page too wide
		chromedp.Flag("lang", "en-US"),
	)
	ctx, stop := chromedp.NewExecAllocator(ctx, flags...)
	ctx, cancel := chromedp.NewContext(ctx)
	b := &Browser{ctx: ctx, close: func() { cancel(); stop() }}
	// The process lives as long as the context it is started with, so the limit is beside it, not in it.
	// On a busy machine the first start of Chromium takes its time.
	limit := time.AfterFunc(60*time.Second, cancel)
	defer limit.Stop()
	if err := chromedp.Do(ctx); err != nil {
		b.close()
		return nil, fmt.Errorf("starting chromium: %w", err)
	}
	return b, nil
}

// Close ends the Chromium.
func (b *Browser) Close() { b.close() }

// Options say who looks at a page and on what.
type Options struct {
	Width    int    // in CSS pixels; 390 if zero. Below 700 it is a phone with touch.
	Height   int    // 844 on a phone, 900 on a desk if zero
	Dark     bool   // prefers-color-scheme
	Language string // Accept-Language and navigator.language; "en-US" if empty
	NoScript bool   // the page's scripts do not run
	// Patience is how long a wait may take; 15 s if zero. A loaded machine is slow, a broken page is for ever.
	Patience time.Duration
}

// Widths are the ones every page is looked at: a small phone, a phone, a tablet, a desk.
var Widths = []int{320, 390, 768, 1280}

func (o Options) phone() bool { return o.Width < 700 }

func (o Options) withDefaults() Options {
	if o.Width == 0 {
		o.Width = 390
	}
	if o.Height == 0 {
		o.Height = 900
		if o.phone() {
			o.Height = 844
		}
	}
	if o.Language == "" {
		o.Language = "en-US"
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	return o
}

// shots is the folder that screenshots go to; empty for none.
func shots() string { return os.Getenv("E2E_SHOTS") }

// String names the options in the names of pictures: "390-dark".
func (o Options) String() string {
	s := strconv.Itoa(o.Width)
	if o.Dark {
		s += "-dark"
	}
	if o.Language != "en-US" {
		s += "-" + o.Language
	}
	if o.NoScript {
		s += "-noscript"
	}
	return s
}
