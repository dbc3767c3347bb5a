package torture

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// desk is a member of staff with a browser, who charges what callers saved.
type desk struct {
	*payer
	email, password string
}

var shownOnce = regexp.MustCompile(`(?m)^Password, .*: (\S+)$`)

// openDesk adds a member of staff, whose sights the auditor will compare like a payer's, unless there is one.
func (w *world) openDesk(seed uint64) *desk {
	w.tb.Helper()
	if w.desk != nil {
		return w.desk
	}
	const email = "ana@northwind.example"
	out, code := w.site.Run("staff", "add", email)
	said := shownOnce.FindStringSubmatch(out)
	if code != 0 || said == nil {
		w.tb.Fatalf("paylink staff add: exit code %d", code) // not what it said: that may be a password
	}
	w.desk = &desk{payer: w.person("", seed), email: email, password: said[1]}
	return w.desk
}

// chosen is what is ticked when the page comes.
var chosen = regexp.MustCompile(`<input type="?radio"? name="?(\w+)"? value="?([^" >]+)"? checked`)

// fill opens the form of an invoice, signing in where that is asked for, and fills it: all that is due by what the
// customer saved last, or an amount. A zero press means that there is nothing to charge, or nothing to charge it to.
func (d *desk) fill(ctx context.Context, invoice, amount string) (press, error) {
	page := d.w.site.BaseURL + "/desk/invoices/" + invoice + "/take"
	status, body, at, err := d.patiently(ctx, http.MethodGet, page, nil)
	if err == nil && strings.Contains(at, "/desk/sign-in") {
		form := hidden(body)
		form.Set("email", d.email)
		form.Set("password", d.password)
		if status, _, at, err = d.patiently(ctx, http.MethodPost, at, form); err != nil {
			return press{}, err
		}
		if strings.Contains(at, "/desk/sign-in") {
			return press{}, fmt.Errorf("signing in ends at %s with %d", at, status)
		}
		status, body, _, err = d.patiently(ctx, http.MethodGet, page, nil)
	}
	if err != nil {
		return press{}, err
	}
	form := hidden(body)
	for _, m := range chosen.FindAllStringSubmatch(body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	if status != http.StatusOK || !form.Has("nonce") || !form.Has("method") {
		return press{}, nil
	}
	form.Set("mandate", "on")
	if amount != "" {
		form.Set("much", "other")
		form.Set("amount", amount)
		form.Del("said") // what the button would say: nobody looked
	}
	return press{page, page, form}, nil
}

// work takes call after call of people who paid lately: a part of what is left is charged to what they saved, often by
// two presses, until the loop is over.
func (d *desk) work(ctx context.Context) {
	for pause(ctx, time.Duration(20+d.dice.IntN(100))*time.Millisecond) == nil {
		lately := d.w.payments(ctx, "limit=20")
		if len(lately) == 0 {
			continue
		}
		what, err := d.fill(ctx, lately[d.dice.IntN(len(lately))].Invoice, somePart(d.dice))
		if err != nil && ctx.Err() == nil {
			d.w.tb.Errorf("at the desk: %v", err)
			return
		}
		if what.page == "" {
			continue
		}
		tries := 1 + d.dice.IntN(20)
		var group sync.WaitGroup
		for range 1 + d.dice.IntN(2) {
			group.Go(func() { _, _ = d.send(ctx, what, tries) }) // what became of it shows in the books
		}
		group.Wait()
	}
}

// saving is the same press by somebody who keeps the card or account for next time.
func saving(form url.Values) url.Values {
	form.Set("save", "on")
	return form
}
