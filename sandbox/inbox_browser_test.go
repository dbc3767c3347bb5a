package sandbox

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

func TestInboxPageReadsMailSafelyAndStaysFresh(t *testing.T) {
	visits := make(chan *http.Request, 1)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/l/token" {
			visits <- r
		}
	}))
	t.Cleanup(shop.Close)
	in := startInbox(t, "")
	in.send(t, "a@b.example", "maria@keller.studio", "Subject: Invoice\nContent-Type: text/html; charset=utf-8\n\n"+
		"<html><head></head><body><script>top.document.title = 'run'</script><h1>Zahlen: 750 €</h1><p><a href=\""+shop.URL+"/l/token\">Pay</a>\n")

	tab, closeTab := chromedp.NewContext(startBrowser(t))
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	t.Cleanup(cancel)
	p := payPage{T: t, ctx: ctx}
	p.run(chromedp.Navigate(in.url + "/inbox"))
	p.wait("document.getElementById('html')?.contentDocument?.querySelector('h1')")
	mail := "document.getElementById('html').contentDocument"
	if got := p.text(mail + ".querySelector('h1').textContent + '|' + document.title"); got != "Zahlen: 750 €|Inbox" {
		t.Errorf("the mail reads %s", got)
	}
	p.do(mail + ".querySelector('a').click()")
	select {
	case r := <-visits:
		if r.Referer() != "" {
			t.Errorf("the link tells where it was clicked: %s", r.Referer())
		}
	case <-ctx.Done():
		t.Fatal("the link in the mail did not open")
	}
	if got := p.text("location.pathname"); got != "/inbox" {
		t.Errorf("the link left the inbox for %s", got)
	}

	p.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.BringToFront, cdp.Empty{})
		return err
	}))
	in.send(t, "a@b.example", "otto@keller.studio", "Subject: Second\n\nx\n")
	p.wait("document.querySelectorAll('#mails .to').length === 2")
	if got := p.text("[document.querySelector('#mails .to').textContent, document.getElementById('count').textContent].join('|')"); got != "otto@keller.studio|2 mails" {
		t.Errorf("the list begins with %s", got)
	}
}
