package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// linkPage is a merchant's page that opens Link, as Paylink's does: no inline script or style, and the link token
// fetched from its own server.
const linkPage = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<script src="/watch.js"></script><script src="SANDBOX/js/plaid-link.js"></script><script src="/link.js"></script></head>
<body><h1>Northwind Studio</h1><button type="button" id="open">Connect a bank account</button></body></html>`

const linkPageScript = `
const happened = (name) => seen.link.some(([what]) => what === name);
const eventNames = () => seen.link.filter(([what]) => what === "event").map(([, name]) => name);
const config = {
  token: "TOKEN",
  onLoad: () => seen.link.push(["load"]),
  onSuccess: (publicToken, metadata) => seen.link.push(["success", publicToken, metadata]),
  onExit: (error, metadata) => seen.link.push(["exit", error, metadata]),
  onEvent: (name, metadata) => seen.link.push(["event", name, metadata]),
};
seen.link = [];
if (location.search) config.receivedRedirectUri = location.href;
const handler = Plaid.create(config);
addEventListener("DOMContentLoaded", () => {
  document.getElementById("open").onclick = () => handler.open();
  if (location.search) handler.open();
});
`

// linkShop is a page that opens Link, and the sandbox behind it.
type linkShop struct {
	payPage
	sandbox *Server
}

// openLinkShop opens the page with a link token made of the body's changes.
func openLinkShop(t *testing.T, browser context.Context, s *Server, more fields, actions ...chromedp.Action[chromedp.Void]) linkShop {
	t.Helper()
	var token string
	watch, err := os.ReadFile("browser/testdata/watch.js")
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self' %[1]s/js/plaid-link.js; style-src 'self'; "+
			"frame-src %[1]s; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", s.URL()))
		switch r.URL.Path {
		case "/watch.js":
			serveFresh(w, r, "watch.js", watch)
		case "/link.js":
			serveFresh(w, r, "link.js", []byte(strings.ReplaceAll(linkPageScript, "TOKEN", token)))
		default:
			serveFresh(w, r, "link.html", []byte(strings.ReplaceAll(linkPage, "SANDBOX", s.URL())))
		}
	}))
	t.Cleanup(site.Close)
	body := linkTokenBody(fields{"redirect_uri": site.URL + "/plaid/oauth"})
	for k, v := range more {
		body[k] = v
	}
	token = plaidMust(t, s.Env(), "/link/token/create", body)["link_token"].(string)

	tab, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(tab, 90*time.Second)
	t.Cleanup(cancel)
	shop := linkShop{payPage{T: t, ctx: ctx, page: site.URL}, s}
	shop.run(actions...)
	shop.run(chromedp.Navigate(shop.page))
	shop.wait("happened('load')")
	return shop
}

// frame is an expression within Link.
func (l linkShop) frame(expression string) any { return l.inFrame("/js/plaid-link/frame", expression) }

// view waits until Link shows that view.
func (l linkShop) view(name string) {
	l.Helper()
	l.wait("eventNames().length && seen.link.findLast(([what, name]) => what === 'event' && name === 'TRANSITION_VIEW')?.[2].view_name === '" + name + "'")
}

func (l linkShop) openLink() {
	l.Helper()
	l.do("seen.link = seen.link.filter(([what]) => what !== 'event'); document.getElementById('open').focus(); document.getElementById('open').click()")
	l.view("SELECT_INSTITUTION")
}

// press clicks the button of that text within Link.
func (l linkShop) press(text string) {
	l.Helper()
	if l.frame("(() => { const b = [...document.querySelectorAll('button')].find((b) => b.textContent.includes("+quoted(text)+")); b?.click(); return !!b; })()") != true {
		l.Fatalf("Link has no button %q: %v", text, l.frame("document.body.innerText"))
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// keys types into what has the focus.
func (l linkShop) keys(text string) {
	l.Helper()
	l.run(chromedp.KeyEvent(text))
}

func (l linkShop) logIn(user, password string) {
	l.Helper()
	l.view("CREDENTIAL")
	l.keys(user + "\t" + password + kb.Enter)
}

func (l linkShop) chooseAccount(name string) {
	l.Helper()
	l.view("SELECT_ACCOUNT")
	if l.frame("(() => { const a = [...document.querySelectorAll('.account')].find((a) => a.textContent.includes("+quoted(name)+")); a?.click(); return !!a; })()") != true {
		l.Fatalf("Link has no account %q: %v", name, l.frame("document.body.innerText"))
	}
	l.press("Continue")
}

// exits waits for onExit and gives the error's code.
func (l linkShop) exits() string {
	l.Helper()
	l.wait("happened('exit')")
	return l.text("(seen.link.find(([what]) => what === 'exit')[1]?.error_code ?? 'none')")
}

// quiet fails when the page's policy was broken or its console spoke.
func (l linkShop) quiet() {
	l.Helper()
	if got := l.text("[...seen.violations, ...seen.errors].join('; ')"); got != "" {
		l.Errorf("the page saw violations or errors: %s", got)
	}
}

func TestPlaidLink(t *testing.T) {
	browser := startBrowser(t)
	s := start(t, Options{})
	for name, test := range map[string]func(*testing.T, context.Context, *Server){
		"ConnectsAnAccount":             testLinkConnects,
		"GoesOnAfterAWrongPassword":     testLinkWrongPassword,
		"TellsThatABankIsDown":          testLinkBankDown,
		"EscapeExitsAndFocusComesBack":  testLinkEscape,
		"KeepsTheFocus":                 testLinkKeepsFocus,
		"OAuthBankLeavesAndComesHome":   testLinkOAuth,
		"OAuthRefusalIsTold":            testLinkOAuthDenied,
		"UpdateModeAsksNoAccount":       testLinkUpdate,
		"TokenThatEndedIsTold":          testLinkTokenEnded,
		"DestroyedLinkIsSilent":         testLinkDestroyed,
		"MistakesOfThePageAreThrown":    testLinkMistakes,
		"FitsThePhoneInLightAndDark":    testLinkFits,
		"ListIsSearched":                testLinkSearch,
		"PageExitsAndOtherFramesCannot": testLinkPageExits,
	} {
		t.Run(name, func(t *testing.T) { test(t, browser, s) })
	}
}

func testLinkConnects(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.press("Chase")
	l.logIn("user_good", "pass_good")
	l.chooseAccount("Savings, debits succeed")
	l.view("CONNECTED")
	l.keys(kb.Enter) // Finish has the focus
	l.wait("happened('success')")
	metadata := l.eval("seen.link.find(([what]) => what === 'success')[2]").(map[string]any)
	account := metadata["accounts"].([]any)[0].(map[string]any)
	if account["name"] != "Savings, debits succeed" || account["mask"] != "6789" || account["type"] != "depository" || account["subtype"] != "savings" {
		t.Errorf("the account is %v", account)
	}
	for _, field := range []string{"verification_status", "class_type"} {
		if v, there := account[field]; !there || v != nil {
			t.Errorf("%s is %v", field, v)
		}
	}
	if institution := metadata["institution"].(map[string]any); institution["name"] != "Chase" || institution["institution_id"] != "ins_56" {
		t.Errorf("the institution is %v", institution)
	}
	if id, _ := metadata["link_session_id"].(string); len(id) != 36 {
		t.Errorf("link_session_id is %v", metadata["link_session_id"])
	}
	x := plaidMust(t, s.Env(), "/item/public_token/exchange", fields{"public_token": l.text("seen.link.find(([what]) => what === 'success')[1]")})
	got := plaidMust(t, s.Env(), "/accounts/get", fields{"access_token": x["access_token"]})["accounts"].([]any)
	if len(got) != 1 || got[0].(fields)["account_id"] != account["id"] {
		t.Errorf("Link gave %v, the API %v", account["id"], got)
	}
	if want, got := "OPEN TRANSITION_VIEW SELECT_INSTITUTION TRANSITION_VIEW SUBMIT_CREDENTIALS TRANSITION_VIEW TRANSITION_VIEW HANDOFF", l.text("eventNames().join(' ')"); got != want {
		t.Errorf("events are %s", got)
	}
	if l.eval("document.querySelectorAll('dialog, iframe').length") != float64(0) || l.eval("document.activeElement.id") != "open" {
		t.Error("Link left something behind, or the focus did not come back")
	}
	l.quiet()
}

func testLinkWrongPassword(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.press("Wells Fargo")
	l.logIn("user_bad", "pass_good")
	l.wait("eventNames().includes('ERROR')")
	if got := l.frame("document.querySelector('[role=alert]').textContent"); got != "The provided credentials were not correct. Please try again." {
		t.Errorf("Link says %v", got)
	}
	if l.frame("document.activeElement.id + document.activeElement.value") != "password" {
		t.Error("the password is not empty with the focus in it")
	}
	l.frame("document.getElementById('username').value = 'user_good'")
	l.keys("pass_good" + kb.Enter)
	l.view("SELECT_ACCOUNT")
	l.frame("document.getElementById('close').click()")
	if got := l.exits(); got != "none" { // what was mended is no error any more
		t.Errorf("exits with %s", got)
	}
	if got := l.text("seen.link.find(([what]) => what === 'exit')[2].status"); got != "requires_account_selection" {
		t.Errorf("status is %s", got)
	}
	l.quiet()
}

func testLinkBankDown(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.press("Unhealthy")
	l.logIn("user_good", "pass_good")
	l.view("ERROR")
	if got := l.frame("document.querySelector('h1').textContent"); got != "Unhealthy Platypus Bank - Down is not responding" {
		t.Errorf("Link says %v", got)
	}
	l.press("Choose another bank")
	l.view("SELECT_INSTITUTION")
	l.press("Unhealthy")
	l.logIn("user_good", "pass_good")
	l.view("ERROR")
	l.frame("[...document.querySelectorAll('#pane button')].at(-1).click()")
	if got := l.exits(); got != "INSTITUTION_DOWN" {
		t.Errorf("exits with %s", got)
	}
	exit := l.eval("seen.link.find(([what]) => what === 'exit')").([]any)
	if e := exit[1].(map[string]any); e["error_type"] != "INSTITUTION_ERROR" || e["error_message"] == "" || e["display_message"] == "" {
		t.Errorf("the error is %v", e)
	}
	if m := exit[2].(map[string]any); m["institution"].(map[string]any)["institution_id"] != "ins_132361" || m["link_session_id"] == "" || m["request_id"] == "" {
		t.Errorf("the metadata is %v", m)
	}
	l.quiet()
}

func testLinkEscape(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.keys(kb.Escape)
	if got := l.exits(); got != "none" {
		t.Errorf("exits with %s", got)
	}
	if l.eval("document.activeElement.id") != "open" {
		t.Error("the focus did not come back")
	}
	l.openLink() // again
	l.keys(kb.Escape)
	l.wait("seen.link.filter(([what]) => what === 'exit').length === 2")
	l.quiet()
}

func testLinkKeepsFocus(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	stops := int(l.frame("document.querySelectorAll('button:not([hidden]), input').length").(float64))
	seen := map[string]bool{}
	for range 2 * stops {
		l.keys("\t")
		if l.eval("document.activeElement.tagName") != "IFRAME" {
			t.Fatal("the focus left Link")
		}
		seen[l.frame("document.activeElement.id || document.activeElement.textContent").(string)] = true
	}
	if len(seen) != stops {
		t.Errorf("Tab reaches %d of %d: %v", len(seen), stops, seen)
	}
	l.quiet()
}

func testLinkOAuth(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.press("Platypus OAuth Bank")
	l.view("OAUTH")
	l.press("Go to the bank")
	l.waitForPage(s.URL() + "/js/plaid-link/bank")
	l.wait("!document.getElementById('allow').disabled")
	if got := l.text("document.getElementById('who').textContent"); !strings.HasPrefix(got, "Northwind Studio wants") {
		t.Errorf("the bank says %s", got)
	}
	l.do("document.getElementById('allow').click()")
	l.waitForPage(l.page + "/plaid/oauth?oauth_state_id=")
	l.chooseAccount("Checking, debits succeed")
	l.view("CONNECTED")
	l.press("Finish")
	l.wait("happened('success')")
	if got := l.text("eventNames()[0] + ' ' + eventNames()[1]"); got != "OPEN CLOSE_OAUTH" {
		t.Errorf("events begin with %s", got)
	}
	plaidMust(t, s.Env(), "/item/public_token/exchange", fields{"public_token": l.text("seen.link.find(([what]) => what === 'success')[1]")})
	l.quiet()
}

// waitForPage waits until the tab itself has gone to an address.
func (l linkShop) waitForPage(prefix string) {
	l.Helper()
	for {
		at, err := chromedp.Run(l.ctx, chromedp.Evaluate[string]("document.readyState === 'complete' ? location.href : ''"))
		if strings.HasPrefix(at, prefix) {
			return
		}
		if l.ctx.Err() != nil {
			l.Fatalf("waiting for %s: at %s (%v)", prefix, at, err)
		}
	}
}

func testLinkOAuthDenied(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.press("Platypus OAuth Bank")
	l.view("OAUTH")
	l.press("Go to the bank")
	l.waitForPage(s.URL() + "/js/plaid-link/bank")
	l.wait("!document.getElementById('deny').disabled")
	l.do("document.getElementById('deny').click()")
	l.waitForPage(l.page + "/plaid/oauth?oauth_state_id=")
	l.view("ERROR")
	l.press("Choose another bank")
	l.view("SELECT_INSTITUTION")
	l.press("Chase")
	l.logIn("user_good", "pass_good")
	l.view("SELECT_ACCOUNT")
	l.quiet()
}

func testLinkUpdate(t *testing.T, browser context.Context, s *Server) {
	access, account := linkedItem(t, s.Env(), "ins_56", "")
	plaidMust(t, s.Env(), "/sandbox/item/reset_login", fields{"access_token": access})
	l := openLinkShop(t, browser, s, fields{"access_token": access})
	l.do("document.getElementById('open').click()")
	l.logIn("user_good", "pass_good")
	l.view("CONNECTED")
	l.press("Finish")
	l.wait("happened('success')")
	if got := l.text("seen.link.find(([what]) => what === 'success')[2].accounts[0].id"); got != account {
		t.Errorf("account is %s, was %s", got, account)
	}
	plaidMust(t, s.Env(), "/accounts/get", fields{"access_token": access})
	l.quiet()
}

func testLinkTokenEnded(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.do("Plaid.create({ ...config, token: 'link-sandbox-ended' }).open()")
	l.view("ERROR")
	if got := l.frame("document.querySelector('h1').textContent"); got != "This took too long" {
		t.Errorf("Link says %v", got)
	}
	l.press("Close")
	if got := l.exits(); got != "INVALID_LINK_TOKEN" {
		t.Errorf("exits with %s", got)
	}
	l.quiet()
}

func testLinkDestroyed(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.do("handler.destroy(); handler.open(); handler.exit()")
	if l.eval("document.querySelectorAll('dialog').length") != float64(0) || l.eval("happened('exit')") == true {
		t.Error("a destroyed Link is there, or speaks")
	}
	l.quiet()
}

func testLinkMistakes(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	for options, want := range map[string]string{
		"{ onSuccess() {} }": "Missing Link parameter. Link requires a key or token to be provided.",
		"{ token: 'x' }":     "Invalid Link parameter: onSuccess must be a function.",
		"{ token: 'x', onSuccess() {}, receivedRedirectUri: 'https://shop.example/' }": "Invalid Link parameter: receivedRedirectUri has no oauth_state_id.",
	} {
		if got := l.text("(() => { try { Plaid.create(" + options + "); return 'nothing'; } catch (e) { return e.message; } })()"); got != want {
			t.Errorf("%s throws %q", options, got)
		}
	}
}

func testLinkSearch(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	l.frame("document.getElementById('search').focus()")
	l.keys("gingham")
	l.wait("eventNames().includes('SEARCH_INSTITUTION')")
	if got := l.frame("[...document.querySelectorAll('.bank > span:last-of-type')].map((b) => b.firstChild.textContent).join()"); got != "First Gingham Credit Union" {
		t.Errorf("found %v", got)
	}
	l.keys("x")
	if got := l.frame("[...document.querySelectorAll('.bank')].length + document.querySelector('ul + p').innerText"); got != "0No bank of that name is in this sandbox." {
		t.Errorf("found %v", got)
	}
}

func testLinkPageExits(t *testing.T, browser context.Context, s *Server) {
	l := openLinkShop(t, browser, s, nil)
	l.openLink()
	// Only Link's own frame is listened to.
	l.do("window.postMessage({ type: 'success', publicToken: 'forged', id: new URLSearchParams(new URL(document.querySelector('iframe').src).hash.slice(1)).get('id') }, '*')")
	l.eval("new Promise((done) => setTimeout(done))")
	if l.eval("happened('success')") == true {
		t.Fatal("the page's own message passes for Link's")
	}
	l.do("handler.exit()")
	if got := l.exits(); got != "none" {
		t.Errorf("exits with %s", got)
	}
	if l.eval("eventNames().at(-1)") != "EXIT" {
		t.Error("no EXIT event came first")
	}
	l.quiet()
}

// testLinkFits looks for what sticks out at the narrowest phone, in both colour schemes.
func testLinkFits(t *testing.T, browser context.Context, s *Server) {
	for _, scheme := range []string{"light", "dark"} {
		l := openLinkShop(t, browser, s, nil, chromedp.EmulateViewport(320, 568, chromedp.EmulateMobile), colours(scheme))
		fits := func(view string) {
			t.Helper()
			l.view(view)
			if l.frame("document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll('main *')].every((e) => e.getBoundingClientRect().right <= innerWidth)") != true {
				t.Errorf("%s, %s: something sticks out", view, scheme)
			}
			small := l.frame("[...document.querySelectorAll('button:not([hidden]), .account, input:not([type=radio])')].filter((e) => e.getBoundingClientRect().height < 44).length")
			if small != float64(0) {
				t.Errorf("%s, %s: %v targets lower than 44 px", view, scheme, small)
			}
			if got := l.frame("getComputedStyle(document.documentElement).backgroundColor"); got != "rgba(0, 0, 0, 0)" {
				t.Errorf("the frame is not see-through: %v", got)
			}
		}
		l.do("document.getElementById('open').click()")
		fits("SELECT_INSTITUTION")
		l.press("Houndstooth")
		fits("CREDENTIAL")
		l.logIn("user_good", "pass_good")
		fits("SELECT_ACCOUNT")
		l.chooseAccount("insufficient")
		fits("CONNECTED")
		l.quiet()
	}
}

// colours makes the browser prefer light or dark.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return chromedp.Void{}, err
	}
}
