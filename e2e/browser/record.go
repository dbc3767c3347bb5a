package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// maxBody is the longest body that the browser tells with the request, in bytes.
const maxBody = 64 << 20

// Kind is a kind of problem.
type Kind string

// What can be wrong with a page that looks right.
const (
	Console   Kind = "error on the console"
	Exception Kind = "uncaught exception"
	CSP       Kind = "violation of the content security policy"
	Failed    Kind = "failed request"
)

// Problem is something wrong that a person would not see.
type Problem struct {
	Kind Kind
	Text string
	URL  string
}

// Request is what the page sent to some server.
type Request struct {
	Method, URL string
	Header      map[string]string
	Body        string
	id          network.RequestID
	partial     bool // the body is to be fetched
}

// record keeps what the events of a tab tell. Events arrive on the browser's goroutine.
type record struct {
	mu       sync.Mutex
	problems []Problem
	expected []*regexp.Regexp
	requests []*Request
	urls     map[network.RequestID]string
	scopes   map[cdp.FrameID]runtime.ExecutionContextID
}

func newRecord() *record {
	return &record{urls: map[network.RequestID]string{}, scopes: map[cdp.FrameID]runtime.ExecutionContextID{}}
}

func (r *record) event(ev any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExecutionContextCreated:
		r.enter(ev.Context)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			r.problem(Console, said(ev.Args), calledFrom(ev.StackTrace))
		}
	case *runtime.EventExceptionThrown:
		d := ev.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		r.problem(Exception, text, d.URL)
	case *log.EventEntryAdded:
		// Failed requests and violations are told better by the events below.
		if e := ev.Entry; e.Level == log.EntryLevelError && e.Source != log.EntrySourceNetwork && e.Source != log.EntrySourceSecurity {
			r.problem(Console, e.Text, e.URL)
		}
	case *audits.EventIssueAdded:
		if d := ev.Issue.Details; d != nil && d.ContentSecurityPolicyIssueDetails != nil {
			v := d.ContentSecurityPolicyIssueDetails
			where := ""
			if v.SourceCodeLocation != nil {
				where = v.SourceCodeLocation.URL
			}
			r.problem(CSP, fmt.Sprintf("%s refuses %s (%s)", v.ViolatedDirective, v.BlockedURL, v.ContentSecurityPolicyViolationType), where)
		}
	case *network.EventRequestWillBeSent:
		r.urls[ev.RequestID] = ev.Request.URL
		r.requests = append(r.requests, sent(ev))
	case *network.EventResponseReceived:
		// A document that says no is a page like any other.
		if ev.Response.Status >= 400 && ev.Type != network.ResourceTypeDocument {
			r.problem(Failed, fmt.Sprintf("answered %d", ev.Response.Status), ev.Response.URL)
		}
	case *network.EventLoadingFailed:
		// The reader moved on, the page took it back, or the policy forbade it and said so above.
		if !ev.Canceled && ev.ErrorText != "net::ERR_ABORTED" && ev.BlockedReason != network.BlockedReasonCsp {
			r.problem(Failed, ev.ErrorText+" "+string(ev.BlockedReason), r.urls[ev.RequestID])
		}
	}
}

func (r *record) problem(k Kind, text, at string) {
	r.problems = append(r.problems, Problem{Kind: k, Text: strings.TrimSpace(text), URL: at})
}

// enter notes the context that a frame's own scripts run in.
func (r *record) enter(c *runtime.ExecutionContextDescription) {
	var aux struct {
		FrameID   cdp.FrameID `json:"frameId"`
		IsDefault bool        `json:"isDefault"`
	}
	if json.Unmarshal(c.AuxData, &aux) == nil && aux.IsDefault {
		r.scopes[aux.FrameID] = c.ID
	}
}

func (r *record) scope(f cdp.FrameID) (runtime.ExecutionContextID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.scopes[f]
	return id, ok
}

func sent(ev *network.EventRequestWillBeSent) *Request {
	req := &Request{Method: ev.Request.Method, URL: ev.Request.URL, Header: map[string]string{}, id: ev.RequestID}
	for name, value := range ev.Request.Headers {
		req.Header[name] = fmt.Sprint(value)
	}
	var body strings.Builder
	for _, entry := range ev.Request.PostDataEntries {
		body.Write(entry.Bytes)
	}
	req.Body = body.String()
	// A script's blob is not told with the request; a form without fields has nothing to tell.
	req.partial = ev.Request.HasPostData && req.Body == "" && ev.Type != network.ResourceTypeDocument
	return req
}

func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		if a.Description != "" {
			words = append(words, a.Description)
		} else {
			words = append(words, strings.Trim(string(a.Value), `"`))
		}
	}
	return strings.Join(words, " ")
}

func calledFrom(s *runtime.StackTrace) string {
	if s == nil || len(s.CallFrames) == 0 {
		return ""
	}
	return s.CallFrames[0].URL
}

// Expect says that problems whose kind, text or address match the pattern belong to the test.
func (t *Tab) Expect(pattern string) {
	t.record.mu.Lock()
	defer t.record.mu.Unlock()
	t.record.expected = append(t.record.expected, regexp.MustCompile(pattern))
}

// Problems are those so far that were not expected.
func (t *Tab) Problems() []Problem {
	t.record.mu.Lock()
	defer t.record.mu.Unlock()
	var left []Problem
next:
	for _, p := range t.record.problems {
		for _, e := range t.record.expected {
			if e.MatchString(string(p.Kind) + ": " + p.Text + " " + p.URL) {
				continue next
			}
		}
		left = append(left, p)
	}
	return left
}

// Requests are all that the tab sent so far to the origin ("http://127.0.0.1:8080"), or to anybody if it is empty,
// frames included. A request that was redirected counts once for each place it went to.
func (t *Tab) Requests(origin string) []Request {
	t.tb.Helper()
	t.record.mu.Lock()
	all := append([]*Request(nil), t.record.requests...)
	t.record.mu.Unlock()

	ctx, cancel := t.patience()
	defer cancel()
	var out []Request
	for _, r := range all {
		if origin != "" && originOf(r.URL) != origin {
			continue
		}
		if r.partial {
			t.fetchBody(ctx, r)
		}
		out = append(out, *r)
	}
	return out
}

func (t *Tab) fetchBody(ctx context.Context, r *Request) {
	t.tb.Helper()
	got, err := chromedp.Call(ctx, network.GetRequestPostData, network.GetRequestPostDataParams{RequestID: r.id})
	if err != nil {
		t.fail("reading the body of %s %s: %v", r.Method, r.URL, err)
	}
	t.record.mu.Lock()
	defer t.record.mu.Unlock()
	r.Body, r.partial = string(got.PostData), false
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// NeverSent fails the test if the digits went to the origin (see Requests) in an address, a header or a body, in
// groups or not, percent-encoded or not. It does not say which digits.
func (t *Tab) NeverSent(origin, digits string) {
	t.tb.Helper()
	want := bare(digits)
	for _, r := range t.Requests(origin) {
		parts := map[string]string{"address": r.URL, "body": r.Body}
		for name, value := range r.Header {
			parts[name+" header"] = value
		}
		for what, text := range parts {
			decoded, err := url.QueryUnescape(text)
			if err != nil {
				decoded = text
			}
			if strings.Contains(bare(text), want) || strings.Contains(bare(decoded), want) {
				t.tb.Errorf("%s %s: its %s carries what must never leave the payment frame", r.Method, originOf(r.URL), what)
			}
		}
	}
}

// bare drops what people and encoders put between digits.
func bare(s string) string {
	return strings.NewReplacer(" ", "", "-", "", "+", "", "\u00a0", "", "\u202f", "").Replace(s)
}
