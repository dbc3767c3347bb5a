package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// witness is a test that may fail: it keeps what it was told.
type witness struct {
	testing.TB
	errors  []string
	cleanup []func()
}

func (w *witness) Helper()                   {}
func (w *witness) Cleanup(f func())          { w.cleanup = append(w.cleanup, f) }
func (w *witness) Failed() bool              { return len(w.errors) > 0 }
func (w *witness) Logf(string, ...any)       {}
func (w *witness) Errorf(f string, a ...any) { w.errors = append(w.errors, fmt.Sprintf(f, a...)) }
func (w *witness) Fatalf(f string, a ...any) { w.Errorf(f, a...); runtime.Goexit() }
func (w *witness) mentions(words string) bool {
	return strings.Contains(strings.Join(w.errors, "\n"), words)
}

// watch runs f against a witness, to its end or its Fatalf, and then its clean-up.
func watch(t *testing.T, f func(testing.TB)) *witness {
	t.Helper()
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for i := len(w.cleanup) - 1; i >= 0; i-- {
				w.cleanup[i]()
			}
		}()
		f(w)
	}()
	<-done
	return w
}

// serve answers each path with a page.
func serve(t *testing.T, policy string, pages map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/favicon.ico" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html lang=en><meta name=viewport content='width=device-width, initial-scale=1'><title>%s</title><body>%s", r.URL.Path, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const digits = "4242424242424242"

func TestPerson(t *testing.T) {
	b := Start(t)

	t.Run("clicks, types and reads", func(t *testing.T) {
		at := serve(t, "", map[string]string{
			"/": `<form action=/paid method=post><label>Amount <input id=amount value=17></label>
				<label><input type=checkbox id=save style="opacity:0;width:0;height:0;position:absolute"> Keep it</label>
				<select id=how><option>Card<option>Bank</select><button>Pay   it</button></form>
				<script>setTimeout(() => document.body.append('ready'), 50)</script>`,
			"/paid": `<p>Paid.</p><a href=/>Again</a>`,
		})
		tab := b.Tab(t, Options{})
		tab.Open(at)
		tab.See("ready")
		tab.Fill("#amount", "1234.50")
		tab.Click("#save")
		tab.Choose("#how", "Bank")
		if got := Eval[string](&tab.Frame, "[amount.value, save.checked, how.value].join()"); got != "1234.50,true,Bank" {
			t.Errorf("the form holds %s", got)
		}
		tab.Click("text=Pay it")
		tab.At("/paid")
		tab.See("Paid.")
		if tab.Has("#amount") {
			t.Error("still sees the form")
		}
		tab.Back()
		tab.Wait("#amount")
		tab.Reload()
		tab.Click("text=Pay it")
		tab.Click("text=Again")
		tab.Wait("#amount")
		if got := tab.Requests(at)[0].Method; got != "GET" {
			t.Errorf("first request by %s", got)
		}
	})

	t.Run("waits for what is not ready and says why", func(t *testing.T) {
		at := serve(t, "", map[string]string{
			"/": `<button id=later disabled onclick="document.title='pressed'">Later</button>
				<script>setTimeout(() => later.disabled = false, 100)</script>`,
			"/covered": `<button>Under</button><div id=over style="position:fixed;inset:0"></div>`,
		})
		tab := b.Tab(t, Options{})
		tab.Open(at)
		tab.Click("#later")
		tab.Until("document.title === 'pressed'")

		for path, want := range map[string]string{"/covered": "is covered by div#over", "/": "text=Under is not there"} {
			w := watch(t, func(tb testing.TB) {
				tab := b.Tab(tb, Options{Patience: 2 * time.Second})
				tab.Open(at + path)
				tab.Click("text=Under")
			})
			if !w.mentions(want) {
				t.Errorf("%s: %q", path, w.errors)
			}
		}
		w := watch(t, func(tb testing.TB) {
			tab := b.Tab(tb, Options{Patience: 2 * time.Second})
			tab.Open(at)
			tab.See("Paid.")
		})
		if !w.mentions(`"Paid." was never seen`) {
			t.Errorf("%q", w.errors)
		}
	})

	t.Run("types into a stranger's frame, whose digits the page never has", func(t *testing.T) {
		frame := serve(t, "", map[string]string{
			"/":      `<div style="height:300px"></div><input id=number><button onclick="fetch('/token', {method:'POST', body: new URLSearchParams({number: number.value})}).then(() => parent.postMessage('tok_1', '*'))">Send</button>`,
			"/token": "{}",
		})
		page := serve(t, "", map[string]string{
			"/": `<div style="height:900px"></div><div style="padding:20px"><iframe id=card src="` + frame + `" style="border:3px solid;padding:7px;width:300px;height:150px"></iframe></div>
				<script>addEventListener('message', e => document.body.append('got ' + e.data))</script>`,
			"/leak": `<script>fetch('/log?card=4242+4242%204242-4242')</script>`,
			"/log":  "",
		})
		tab := b.Tab(t, Options{})
		tab.Open(page)
		card := tab.In("#card")
		card.Type("#number", digits)
		card.Click("text=Send")
		tab.See("got tok_1")
		tab.NeverSent(page, digits)
		if sent := tab.Requests(frame); !slices.ContainsFunc(sent, func(r Request) bool { return r.Body == "number="+digits }) {
			t.Errorf("the frame sent %+v", sent)
		}

		w := watch(t, func(tb testing.TB) { tabOf(tab, tb).NeverSent(frame, digits) })
		if !w.mentions("its body carries") || w.mentions(digits) {
			t.Errorf("%q", w.errors)
		}
		tab.Open(page + "/leak")
		tab.Until("performance.getEntriesByType('resource').some(e => e.name.includes('/log'))")
		w = watch(t, func(tb testing.TB) { tabOf(tab, tb).NeverSent("", digits) })
		if !w.mentions("its address carries") {
			t.Errorf("%q", w.errors)
		}
	})

	t.Run("is who the options say", func(t *testing.T) {
		at := serve(t, "", map[string]string{"/": `<noscript>no script</noscript><script>document.title = 'script'</script>`})
		const who = "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, navigator.language, navigator.maxTouchPoints > 0, document.title].join(' ')"
		for _, tt := range []struct {
			o    Options
			want string
		}{
			{Options{}, "390 false en-US true script"},
			{Options{Width: 1280, Dark: true, Language: "de"}, "1280 true de false script"},
			{Options{Width: 320, NoScript: true}, "320 false en-US true /"},
		} {
			tab := b.Tab(t, tt.o)
			tab.Open(at)
			if got := Eval[string](&tab.Frame, who); got != tt.want {
				t.Errorf("%v: %s, want %s", tt.o, got, tt.want)
			}
			if tt.o.NoScript {
				tab.See("no script")
			}
		}
	})

	t.Run("has cookies of one's own", func(t *testing.T) {
		at := serve(t, "", map[string]string{"/": `hello`})
		one := b.Tab(t, Options{})
		one.Open(at)
		Eval[string](&one.Frame, "document.cookie = 'who=me'")
		for want, tab := range map[string]*Tab{"who=me": one.Another(Options{}), "": b.Tab(t, Options{})} {
			tab.Open(at)
			if got := Eval[string](&tab.Frame, "document.cookie"); got != want {
				t.Errorf("cookie %q, want %q", got, want)
			}
		}
	})
}

func TestProblemsFailTheTest(t *testing.T) {
	b := Start(t)
	const strict = "default-src 'self'; script-src 'self'"
	for name, tt := range map[string]struct {
		policy, body, want string
	}{
		"an error on the console": {"", `<script>console.error('bad', {a: 1})</script>`, "error on the console: bad"},
		"an uncaught exception":   {"", `<script>throw new Error('lost')</script>`, "Error: lost"},
		"a rejected promise":      {"", `<script>Promise.reject(new Error('late'))</script>`, "Error: late"},
		"an inline script":        {strict, `<script>1</script>`, "violation of the content security policy: script-src-elem"},
		"an inline style":         {strict, `<p style="color:red">x`, "violation of the content security policy: style-src-attr"},
		"a stranger's image":      {"", `<img src="https://tracker.example/1.gif">`, "failed request: net::ERR_NAME_NOT_RESOLVED"},
		"a missing picture":       {"", `<img src=/missing.png>`, "failed request: answered 404"},
	} {
		t.Run(name, func(t *testing.T) {
			at := serve(t, tt.policy, map[string]string{"/": tt.body})
			tell := func(expect string) func(testing.TB) {
				return func(tb testing.TB) {
					tab := b.Tab(tb, Options{})
					if expect != "" {
						tab.Expect(expect)
					}
					tab.Open(at)
					// The browser tells of an issue some time after the page has loaded.
					for len(tab.record.all()) == 0 {
						Eval[bool](&tab.Frame, "new Promise(done => setTimeout(done, 10, true))")
					}
				}
			}
			if w := watch(t, tell("")); !w.mentions(tt.want) {
				t.Errorf("told %q, want %q", w.errors, tt.want)
			}
			if w := watch(t, tell(".")); len(w.errors) > 0 {
				t.Errorf("told what was expected: %q", w.errors)
			}
		})
	}

	t.Run("but a page that says no is a page", func(t *testing.T) {
		at := serve(t, "", nil)
		tab := b.Tab(t, Options{})
		tab.Open(at + "/gone")
		tab.See("404")
	})
}

func TestEveryBodyIsRead(t *testing.T) {
	at := serve(t, "", map[string]string{"/": "hello", "/log": "ok"})
	b := Start(t)
	for what, body := range map[string]string{
		"a long one":  "'x'.repeat(2 << 20) + '" + digits + "'",
		"a blob":      "new Blob(['card: " + digits + "'])",
		"a form":      "new URLSearchParams({card: '4242 4242 4242 4242'})",
		"bytes":       "new TextEncoder().encode('" + digits + "')",
		"form data":   "(f => (f.append('card', '" + digits + "'), f))(new FormData())",
		"JSON spaced": "JSON.stringify({card: '4242-4242-4242-4242'})",
	} {
		t.Run(what, func(t *testing.T) {
			tab := b.Tab(t, Options{})
			tab.Open(at)
			Eval[bool](&tab.Frame, "fetch('/log', {method: 'POST', body: "+body+"}).then(r => r.ok)")
			w := watch(t, func(tb testing.TB) { tabOf(tab, tb).NeverSent(at, digits) })
			if !w.mentions("its body carries") {
				t.Errorf("%q", w.errors)
			}
		})
	}
	t.Run("a beacon", func(t *testing.T) {
		tab := b.Tab(t, Options{})
		tab.Open(at)
		Eval[bool](&tab.Frame, "navigator.sendBeacon('/log', '"+digits+"')")
		tab.Until("performance.getEntriesByType('resource').some(e => e.name.includes('/log'))")
		w := watch(t, func(tb testing.TB) { tabOf(tab, tb).NeverSent(at, digits) })
		if !w.mentions("its body carries") {
			t.Errorf("%q", w.errors)
		}
	})
}

func TestMeasures(t *testing.T) {
	b := Start(t)
	at := serve(t, "", map[string]string{
		"/tidy": `<p>Read the <a href=/terms>terms</a> first.</p><button style="min-height:44px;min-width:44px">Pay</button>
			<label style="display:inline-block;padding:14px 40px"><input type=checkbox> Keep it</label>
			<a href=/skip style="position:absolute;left:-999px">Skip</a><input type=hidden><button disabled>x</button>
			<details><summary style="min-height:44px">More</summary><a href=/menu>Menu</a></details>
			<button style="position:absolute;clip-path:inset(50%)">Search</button>
			<div style="position:relative;height:50px"><a href=/row>Row</a><style>[href="/row"]::after{content:"";position:absolute;inset:0}</style></div>`,
		"/wide":  `<div id=table style="width:500px;height:1px">x</div>`,
		"/small": `<button id=x style="height:30px;width:90px">Close</button><p><a href=/a style="display:block">A line of its own</a></p>`,
	})
	tell := func(path string) func(testing.TB) {
		return func(tb testing.TB) {
			tab := b.Tab(tb, Options{Width: 320})
			tab.Open(at + path)
			tab.Fits()
			tab.Thumbs()
		}
	}
	if w := watch(t, tell("/tidy")); len(w.errors) > 0 {
		t.Errorf("tidy: %q", w.errors)
	}
	if w := watch(t, tell("/wide")); !w.mentions("div#table") || !w.mentions("in 320") {
		t.Errorf("wide: %q", w.errors)
	}
	if w := watch(t, tell("/small")); !w.mentions(`button#x "Close" is 90 × 30 px`) || !w.mentions(`a "A line of its own"`) {
		t.Errorf("small: %q", w.errors)
	}
}

func TestEverywhereFindsTheWidthThatBreaks(t *testing.T) {
	b := Start(t)
	at := serve(t, "", map[string]string{
		"/": `<style>
			@media (width: 768px) { #tablet { width: 900px } }
			@media (width: 320px) and (prefers-color-scheme: dark) { #night { width: 400px } }
			</style><div id=tablet>x</div><div id=night>x</div>`,
	})
	w := watch(t, func(tb testing.TB) {
		tab := b.Tab(tb, Options{})
		tab.Open(at)
		tab.Everywhere("page")
		if got := Eval[string](&tab.Frame, "innerWidth + ' ' + matchMedia('(prefers-color-scheme: dark)').matches"); got != "390 false" {
			tb.Errorf("the tab is left as %s", got)
		}
	})
	if len(w.errors) != 3 || !w.mentions("div#tablet") || !w.mentions("at 320 px") || w.mentions("left as") {
		t.Errorf("%q", w.errors)
	}
}

func TestShotIsWritten(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("E2E_SHOTS", dir)
	at := serve(t, "", map[string]string{"/": `<div style="height:2000px">tall</div>`})
	tab := Start(t).Tab(t, Options{Dark: true})
	tab.Open(at)
	tab.Shot("page")
	png, err := os.ReadFile(filepath.Join(dir, "TestShotIsWritten.page.390-dark.png"))
	if err != nil || len(png) < 1000 {
		t.Errorf("%d bytes, %v", len(png), err)
	}
}

// tabOf is the tab with another test to fail.
func tabOf(t *Tab, tb testing.TB) *Tab {
	c := *t
	c.tb, c.tab = tb, &c
	return &c
}

// all are the problems so far, expected or not.
func (r *record) all() []Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problems
}
