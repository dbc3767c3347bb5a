package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// cardAPI answers what the browser asks of the API and keeps it. It stands for the API where the test is about the
// browser's half.
type cardAPI struct {
	mu     sync.Mutex
	calls  []apiCall
	status string // of the PaymentIntent
	fault  string // an error's JSON to answer instead
}

type apiCall struct {
	Path string
	Form url.Values
}

func (a *cardAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = r.ParseForm()
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		a.calls = append(a.calls, apiCall{r.URL.Path, r.PostForm})
	}
	if a.fault != "" {
		w.WriteHeader(http.StatusPaymentRequired)
		_, _ = w.Write([]byte(a.fault))
		return
	}
	switch {
	case r.URL.Path == "/v1/confirmation_tokens":
		_, _ = w.Write([]byte(`{"id":"ctoken_1","object":"confirmation_token"}`))
		return
	case r.URL.Path == "/v1/payment_methods":
		_, _ = w.Write([]byte(`{"id":"pm_1","object":"payment_method"}`))
		return
	case strings.HasSuffix(r.URL.Path, "/sandbox_3ds"):
		a.status = map[string]string{"succeed": "succeeded", "fail": "requires_payment_method"}[r.PostForm.Get("outcome")]
	}
	intent := map[string]any{
		"id": "pi_1", "object": "payment_intent", "client_secret": "pi_1_secret_x", "amount": 77175, "currency": "usd",
		"status": a.status, "statement_descriptor_suffix": "INV-1042",
		"payment_method": map[string]any{"card": map[string]any{"brand": "visa", "last4": "3155"}},
	}
	switch a.status {
	case "requires_action":
		intent["next_action"] = map[string]any{"type": "use_stripe_sdk", "use_stripe_sdk": map[string]any{}}
	case "requires_payment_method":
		intent["last_payment_error"] = map[string]any{
			"type": "invalid_request_error", "code": "payment_intent_authentication_failure", "message": "authentication failed",
		}
	}
	_ = json.NewEncoder(w).Encode(intent)
}

func (a *cardAPI) set(status string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

func (a *cardAPI) last() apiCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.calls) == 0 {
		return apiCall{}
	}
	return a.calls[len(a.calls)-1]
}

// payPage is a tab with a page of another origin than the sandbox's, under a policy as strict as Paylink's.
type payPage struct {
	*testing.T
	ctx  context.Context
	api  *cardAPI // nil when the sandbox is a real one
	page string   // origin of the page

	stopSandbox func() // nil when the sandbox is a real one
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(390, 844),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, stopBrowser := chromedp.NewContext(allocator)
	t.Cleanup(stopBrowser)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return browser
}

// openPayPage opens the page of testdata with the stand-in's script and a stub of the API behind it.
func openPayPage(t *testing.T, browser context.Context, actions ...chromedp.Action[chromedp.Void]) payPage {
	t.Helper()
	api := &cardAPI{status: "requires_payment_method"}
	mux := http.NewServeMux()
	browserRoutes(mux, "pk_test_page")
	mux.Handle("/v1/", api)
	sandbox := httptest.NewServer(mux)
	t.Cleanup(sandbox.Close)
	p := openPage(t, browser, sandbox.URL, "pk_test_page", actions...)
	p.api, p.stopSandbox = api, sandbox.Close
	return p
}

// openPage opens the page of testdata as a customer of the sandbox at base.
func openPage(t *testing.T, browser context.Context, base, key string, actions ...chromedp.Action[chromedp.Void]) payPage {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" || name == "done" {
			name = "pay.html"
		}
		content, err := os.ReadFile(filepath.Join("browser/testdata", filepath.Base(name)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self' %[1]s; style-src 'self'; "+
			"frame-src %[1]s; connect-src 'self' %[1]s; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", base))
		serveFresh(w, r, name, []byte(strings.NewReplacer("SANDBOX", base, "PUBLISHABLE_KEY", key).Replace(string(content))))
	}))
	t.Cleanup(site.Close)

	tab, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	p := payPage{T: t, ctx: ctx, page: site.URL}
	p.run(actions...)
	p.run(chromedp.Navigate(p.page))
	return p
}

func (p payPage) run(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// do runs statements in the page and waits for nothing.
func (p payPage) do(statements string) {
	p.Helper()
	p.run(chromedp.Evaluate[chromedp.Void](statements + "; undefined"))
}

// eval gives the value of an expression in the page; a promise is awaited.
func (p payPage) eval(expression string) any {
	p.Helper()
	wrapped := "(async () => ({ value: await (" + expression + ") ?? null }))()"
	result, err := chromedp.Run(p.ctx, chromedp.Evaluate[map[string]any](wrapped, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return result["value"]
}

// text is eval for a string; anything else becomes JSON.
func (p payPage) text(expression string) string {
	p.Helper()
	value := p.eval(expression)
	if s, ok := value.(string); ok {
		return s
	}
	out, err := json.Marshal(value)
	if err != nil {
		p.Fatal(err)
	}
	return string(out)
}

// wait returns when the condition holds. (chromedp's own Poll needs a policy that allows eval.)
func (p payPage) wait(condition string) {
	p.Helper()
	p.eval("new Promise((hold) => { const look = () => ((" + condition + ") ? hold() : requestAnimationFrame(look)); look(); })")
}

// inFrame gives the value of an expression in the frame whose address contains part. It runs in a world of its own,
// which shares the document with the frame's script and nothing else.
func (p payPage) inFrame(part, expression string) any {
	p.Helper()
	result, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (any, error) {
		frame, err := findFrame(ctx, t, part)
		if err != nil {
			return nil, err
		}
		world, err := cdp.Call(ctx, t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame})
		if err != nil {
			return nil, err
		}
		return chromedp.Evaluate[any](expression, func(e *cdpruntime.EvaluateParams) { e.ContextID = world.ExecutionContextID })(ctx, t)
	})
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return result
}

// findFrame waits for a frame whose address contains part: a new frame has none until its page comes.
func findFrame(ctx context.Context, t *chromedp.Target, part string) (cdp.FrameID, error) {
	for ctx.Err() == nil {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return "", err
		}
		for _, child := range tree.FrameTree.ChildFrames {
			if strings.Contains(child.Frame.URL, part) {
				return child.Frame.ID, nil
			}
		}
	}
	return "", fmt.Errorf("no frame of %s: %w", part, ctx.Err())
}

func (p payPage) field(name string) string {
	p.Helper()
	return p.inFrame("/js/elements/", "document.getElementById('"+name+"').value").(string)
}

func (p payPage) errors() string {
	p.Helper()
	return p.inFrame("/js/elements/", "[...document.querySelectorAll('.Error:not([hidden])')].map((e) => e.textContent).join(' ')").(string)
}

func (p payPage) open(options string) {
	p.Helper()
	p.do("open(" + options + ")")
	p.wait("happened('ready')")
}

// typeCard types into the fields one key at a time, as a person does; the fields pass the focus on.
func (p payPage) typeCard(number string) {
	p.Helper()
	p.do("element.focus()")
	p.wait("happened('focus')")
	p.run(chromedp.KeyEvent(number + "1239" + "123"))
	p.wait("seen.events.findLast((e) => e.name === 'change')?.complete === true")
}

// clean fails when the page's policy was broken, its console spoke, or a card number came near the page.
func (p payPage) clean(number string) {
	p.Helper()
	if got := p.text("[...seen.violations, ...seen.errors].join('; ')"); got != "" {
		p.Errorf("the page saw violations or errors: %s", got)
	}
	visible := p.text("JSON.stringify(seen) + document.documentElement.outerHTML")
	for _, secret := range []string{number, number[len(number)-8:], "4242 4242"} {
		if strings.Contains(visible, secret) {
			p.Errorf("the page could see %q", secret)
		}
	}
}
