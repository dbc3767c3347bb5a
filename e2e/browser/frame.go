package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed find.js
var findJS string

// Frame is a document: the page of a tab, or what an iframe in it shows. Its selectors are CSS, or "text=Pay" for the
// link, button or label that carries these words; of several matches the first visible one counts.
type Frame struct {
	tab    *Tab
	parent *Frame
	within string // the iframe's selector in parent
}

// In is the document inside the iframe. It need not be there yet.
func (f *Frame) In(iframe string) *Frame { return &Frame{tab: f.tab, parent: f, within: iframe} }

// errNotYet marks what waiting may cure.
var errNotYet = errors.New("not there yet")

// scope returns the execution context of the frame's document.
func (f *Frame) scope(ctx context.Context) (runtime.ExecutionContextID, error) {
	if f.parent == nil {
		return 0, nil // the page itself
	}
	outer, err := f.parent.scope(ctx)
	if err != nil {
		return 0, err
	}
	el, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](findJS+".find("+quote(f.within)+")", inScope(outer)))
	if err != nil {
		return 0, err
	}
	if el == nil || el.ObjectID == "" {
		return 0, fmt.Errorf("the frame %s: %w", f.within, errNotYet)
	}
	node, err := chromedp.Call(ctx, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: el.ObjectID})
	if err != nil {
		return 0, err
	}
	id, ok := f.tab.record.scope(node.Node.FrameID)
	if !ok {
		return 0, fmt.Errorf("the document of %s: %w", f.within, errNotYet)
	}
	return id, nil
}

func inScope(id runtime.ExecutionContextID) chromedp.EvaluateOption {
	return func(p *runtime.EvaluateParams) { p.ContextID = id }
}

func evaluate[T any](ctx context.Context, f *Frame, js string) (T, error) {
	id, err := f.scope(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[T](js, inScope(id), chromedp.EvalAwaitPromise))
}

// Eval returns the value of a JavaScript expression, awaited if it is a promise.
func Eval[T any](f *Frame, js string) T {
	f.tab.tb.Helper()
	ctx, cancel := f.tab.patience()
	defer cancel()
	v, err := evaluate[T](ctx, f, js)
	if err != nil {
		f.tab.fail("evaluating %s: %v", js, err)
	}
	return v
}

// Until waits for a JavaScript expression to be true, across reloads and redirects.
func (f *Frame) Until(js string) {
	f.tab.tb.Helper()
	f.wait("it never became true that "+js, "!!("+js+")")
}

// See waits for the words to be visible somewhere in the document. White space counts as one blank.
func (f *Frame) See(words string) {
	f.tab.tb.Helper()
	f.wait(fmt.Sprintf("%q was never seen", words),
		"(document.body?.innerText ?? '').replace(/\\s+/g, ' ').includes("+quote(words)+")")
}

// Wait waits for the element to be visible.
func (f *Frame) Wait(selector string) {
	f.tab.tb.Helper()
	f.wait(selector+" never became visible", "(h => { const el = h.find("+quote(selector)+"); return !!el && h.seen(el) })("+findJS+")")
}

// Gone waits for the element to be away or hidden.
func (f *Frame) Gone(selector string) {
	f.tab.tb.Helper()
	f.wait(selector+" never went away", "(h => { const el = h.find("+quote(selector)+"); return !el || !h.seen(el) })("+findJS+")")
}

// Has reports whether the element is visible now.
func (f *Frame) Has(selector string) bool {
	f.tab.tb.Helper()
	return Eval[bool](f, "(h => { const el = h.find("+quote(selector)+"); return !!el && h.seen(el) })("+findJS+")")
}

// Text waits for the element and returns the words on it.
func (f *Frame) Text(selector string) string {
	f.tab.tb.Helper()
	f.Wait(selector)
	return Eval[string](f, "(h => h.words(h.find("+quote(selector)+")))("+findJS+")")
}

// Attribute returns an attribute of the element, "" if it has none.
func (f *Frame) Attribute(selector, name string) string {
	f.tab.tb.Helper()
	f.Until("(h => !!h.find(" + quote(selector) + "))(" + findJS + ")")
	return Eval[string](f, "(h => h.find("+quote(selector)+").getAttribute("+quote(name)+") ?? '')("+findJS+")")
}

// point is a place in the viewport, or why there is none.
type point struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Why string  `json:"why"`
}

// locate returns where in the tab's viewport the element can be pressed.
func (f *Frame) locate(ctx context.Context, selector string) (point, error) {
	p, err := evaluate[point](ctx, f, findJS+".point("+quote(selector)+")")
	if err == nil && p.Why != "" {
		err = fmt.Errorf("%s %s: %w", selector, p.Why, errNotYet)
	}
	if err != nil {
		return point{}, err
	}
	for frame := f; frame.parent != nil; frame = frame.parent {
		o, err := evaluate[point](ctx, frame.parent, findJS+".offset("+quote(frame.within)+")")
		if err == nil && o.Why != "" {
			err = fmt.Errorf("%s %s: %w", frame.within, o.Why, errNotYet)
		}
		if err != nil {
			return point{}, err
		}
		p.X, p.Y = p.X+o.X, p.Y+o.Y
	}
	return p, nil
}

// Click waits until the element can be pressed and has come to rest, and presses it.
func (f *Frame) Click(selector string) {
	f.tab.tb.Helper()
	ctx, cancel := f.tab.patience()
	defer cancel()
	var last point
	err := f.tab.retry(ctx, func() error {
		p, err := f.locate(ctx, selector)
		if err != nil {
			return err
		}
		if p != last {
			last = p
			return fmt.Errorf("%s moves: %w", selector, errNotYet)
		}
		return nil
	})
	if err != nil {
		f.tab.fail("clicking %s: %v", selector, err)
	}
	if err := chromedp.Do(ctx, chromedp.MouseClickXY(last.X, last.Y)); err != nil {
		f.tab.fail("clicking %s: %v", selector, err)
	}
}

// Type clicks the field and types, key by key.
func (f *Frame) Type(selector, keys string) {
	f.tab.tb.Helper()
	f.Click(selector)
	f.tab.Press(keys)
}

// Fill replaces what is in the field by what it types.
func (f *Frame) Fill(selector, keys string) {
	f.tab.tb.Helper()
	f.Click(selector)
	ctx, cancel := f.tab.patience()
	defer cancel()
	if _, err := evaluate[bool](ctx, f, "(document.activeElement.select?.(), true)"); err != nil {
		f.tab.fail("selecting the text of %s: %v", selector, err)
	}
	if keys == "" {
		keys = "\b"
	}
	f.tab.Press(keys)
}

// Choose picks the option of a select element by its words.
func (f *Frame) Choose(selector, option string) {
	f.tab.tb.Helper()
	f.Wait(selector)
	// The list that opens is the system's, not the page's, so nobody can click in it here.
	found := Eval[bool](f, `(h => {
		const el = h.find(`+quote(selector)+`), o = [...el.options].find(o => o.text.trim() === `+quote(option)+`);
		if (!o) return false;
		el.focus(); el.value = o.value;
		el.dispatchEvent(new Event('input', {bubbles: true})); el.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})(`+findJS+`)`)
	if !found {
		f.tab.fail("%s has no option %q", selector, option)
	}
}

// wait polls an expression until it is true.
func (f *Frame) wait(failure, js string) {
	f.tab.tb.Helper()
	ctx, cancel := f.tab.patience()
	defer cancel()
	err := f.tab.retry(ctx, func() error {
		ok, err := evaluate[bool](ctx, f, js)
		if err != nil {
			return err
		}
		if !ok {
			return errNotYet
		}
		return nil
	})
	if errors.Is(err, errNotYet) {
		f.tab.fail("%s", failure)
	} else if err != nil {
		f.tab.fail("%s: %v", failure, err)
	}
}

// retry calls f until it succeeds, for as long as its error is one that waiting may cure.
func (t *Tab) retry(ctx context.Context, f func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := f()
		if err == nil {
			return nil
		}
		if !curable(err) {
			if ctx.Err() != nil && last != nil {
				return last
			}
			return err
		}
		last = err
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// curable tells a page that is not there yet, or is just being replaced, from a mistake in the expression.
func curable(err error) bool {
	var protocol *cdproto.Error // "Cannot find context with specified id" and its like
	return errors.Is(err, errNotYet) || errors.As(err, &protocol)
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}
