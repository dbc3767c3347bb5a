package browser

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is one tab, and through Frame the page in it. Its methods fail the test when what they wait for does not come,
// so they are called from the test's goroutine.
type Tab struct {
	Frame
	tb      testing.TB
	ctx     context.Context
	options Options
	record  *record
}

// Tab opens a tab as a person nobody has seen before: no cookies, nothing stored. When the test ends, it fails if the
// tab has problems that were not expected (see Expect).
func (b *Browser) Tab(tb testing.TB, o Options) *Tab {
	tb.Helper()
	return open(tb, b.ctx, o, chromedp.WithNewBrowserContext())
}

// Another opens a second tab of the same person.
func (t *Tab) Another(o Options) *Tab {
	t.tb.Helper()
	return open(t.tb, t.ctx, o)
}

// openLimit is how long a tab may take to open; what Patience bounds is the page in it.
const openLimit = time.Minute

func open(tb testing.TB, parent context.Context, o Options, how ...chromedp.ContextOption) *Tab {
	tb.Helper()
	o = o.withDefaults()
	ctx, cancel := chromedp.NewContext(parent, how...)
	tb.Cleanup(cancel)
	t := &Tab{tb: tb, ctx: ctx, options: o, record: newRecord()}
	t.Frame = Frame{tab: t}

	setup, done := context.WithTimeout(ctx, openLimit)
	defer done()
	if err := chromedp.Listen(ctx, t.record.event); err != nil {
		tb.Fatalf("opening a tab: %v", err)
	}
	if err := t.emulate(setup); err != nil {
		tb.Fatalf("opening a tab: %v", err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			t.Shot("failed")
		}
		for _, p := range t.Problems() {
			tb.Errorf("the page at %s: %s: %s", p.URL, p.Kind, p.Text)
		}
	})
	return t
}

// emulate makes the tab what its options say.
func (t *Tab) emulate(ctx context.Context) error {
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{MaxPostDataSize: new(int64(maxBody))}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{}); err != nil {
		return err
	}
	if err := t.dress(ctx); err != nil {
		return err
	}
	agent, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
	if err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: t.options.Language}); err != nil {
		return err
	}
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: t.options.NoScript})
	return err
}

// dress gives the tab its size and its colours, which may change while a page is open.
func (t *Tab) dress(ctx context.Context) error {
	o := t.options
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	scale := 1.0
	if o.phone() {
		scale = 2
	}
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(o.Width), Height: int64(o.Height), DeviceScaleFactor: scale, Mobile: o.phone(),
	}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: o.phone()}); err != nil {
		return err
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // what moves is not measured twice alike
	}})
	return err
}

func (t *Tab) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, t.options.Patience)
}

// fail ends the test with where the tab is and what it shows.
func (t *Tab) fail(format string, args ...any) {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		at = err.Error()
	}
	words, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body?.innerText ?? ''"))
	if err != nil {
		words = err.Error()
	}
	t.tb.Logf("at %s, which says:\n%.2000s", at, words)
	t.tb.Fatalf(format, args...)
}

// Open goes to the address and waits until the page has loaded.
func (t *Tab) Open(url string) {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.fail("opening %s: %v", url, err)
	}
}

// Reload loads the page again, as the reload button does.
func (t *Tab) Reload() {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Reload()); err != nil {
		t.fail("reloading: %v", err)
	}
}

// Back goes back, as the back button does: often to the page as it was left, which loads nothing.
func (t *Tab) Back() {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	history, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
	if err != nil || history.CurrentIndex == 0 {
		t.fail("going back: nowhere to go, %v", err)
	}
	before := history.Entries[history.CurrentIndex-1].ID
	if _, err := chromedp.Call(ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: before}); err != nil {
		t.fail("going back: %v", err)
	}
	err = t.retry(ctx, func() error {
		now, err := chromedp.Call(ctx, page.GetNavigationHistory, cdp.Empty{})
		if err == nil && now.Entries[now.CurrentIndex].ID != before {
			err = errNotYet
		}
		return err
	})
	if err != nil {
		t.fail("going back: %v", err)
	}
}

// Press types on the keyboard, wherever the focus is: "\t", "\r" and the keys of chromedp/kb work too.
func (t *Tab) Press(keys string) {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.fail("typing: %v", err) // never the keys: they may be a card's
	}
}

// URL is the address that the tab shows.
func (t *Tab) URL() string {
	t.tb.Helper()
	ctx, cancel := t.patience()
	defer cancel()
	var at string
	err := t.retry(ctx, func() (err error) {
		at, err = chromedp.Run(ctx, chromedp.Location())
		return err
	})
	if err != nil {
		t.fail("reading the address: %v", err)
	}
	return at
}

// At waits until the address contains the text and the page there has loaded.
func (t *Tab) At(part string) {
	t.tb.Helper()
	t.wait("the address never had "+part, "location.href.includes("+quote(part)+") && document.readyState === 'complete'")
}

// Shot writes a picture of the whole page to the folder that E2E_SHOTS names, as test.name.390-dark.png; without the
// variable it does nothing.
func (t *Tab) Shot(name string) {
	t.tb.Helper()
	if shots() == "" {
		return
	}
	ctx, cancel := t.patience()
	defer cancel()
	// Beyond the viewport, so that what is fixed to its edge is drawn once and where it belongs.
	png, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true)})
	if err != nil {
		t.tb.Errorf("taking a picture of the page: %v", err)
		return
	}
	if err := os.MkdirAll(shots(), 0o750); err != nil {
		t.tb.Errorf("taking a picture of the page: %v", err)
		return
	}
	file := strings.NewReplacer("/", ".", " ", "-").Replace(t.tb.Name() + "." + name + "." + t.options.String() + ".png")
	if err := os.WriteFile(filepath.Join(shots(), file), png.Data, 0o600); err != nil {
		t.tb.Errorf("taking a picture of the page: %v", err)
	}
}

// Fits fails the test if the page can be scrolled sideways.
func (t *Tab) Fits() {
	t.tb.Helper()
	if out := Eval[[]string](&t.Frame, findJS+".wide()"); len(out) > 0 {
		t.tb.Errorf("%s at %d px: %s", t.URL(), t.options.Width, strings.Join(out, "; "))
	}
}

// Everywhere looks at the open page on every width, light and dark: it fits, thumbs hit what is to press on a phone,
// and pictures of that name are taken. Then the tab is as it was.
func (t *Tab) Everywhere(name string) {
	t.tb.Helper()
	was := t.options
	look := func(o Options) {
		t.tb.Helper()
		ctx, cancel := t.patience()
		defer cancel()
		t.options = o
		if err := t.dress(ctx); err != nil {
			t.fail("looking at %d px: %v", o.Width, err)
		}
		// The page has been laid out anew once it draws again.
		Eval[bool](&t.Frame, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
	}
	for _, width := range Widths {
		for _, dark := range []bool{false, true} {
			look(Options{Width: width, Dark: dark, Language: was.Language, Patience: was.Patience}.withDefaults())
			t.Fits()
			if t.options.phone() {
				t.Thumbs()
			}
			t.Shot(name)
		}
	}
	look(was)
}

// thumb is the least height and width of what is pressed with a finger, in CSS pixels (WCAG 2.5.5).
const thumb = "44"

// Thumbs fails the test if something to press is smaller than a thumb needs. Links inside a line of text are exempt.
func (t *Tab) Thumbs() {
	t.tb.Helper()
	if out := Eval[[]string](&t.Frame, findJS+".small("+thumb+")"); len(out) > 0 {
		t.tb.Errorf("%s at %d px, too small to press: %s", t.URL(), t.options.Width, strings.Join(out, "; "))
	}
}
