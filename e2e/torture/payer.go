package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"paylink/e2e/torture/auditor"
)

// Test cards by the names of Stripe's test payment methods. https://docs.stripe.com/testing
const (
	goodCard     = "pm_card_visa"
	declinedCard = "pm_card_visa_chargeDeclined"
	askingCard   = "pm_card_threeDSecure2Required"
)

// payer is a person with a link and a browser without a window: it keeps cookies, follows redirects and reads forms.
// When the server is away it tries again, as people do, and sometimes it gives up.
type payer struct {
	w       *world
	link    string
	browser *http.Client
	dice    *rand.Rand
	account string // the method that this browser linked last

	mu      sync.Mutex
	seen    map[string]string // payment → what its page said last
	pressed map[string]string // payment → the form's nonce
}

func (w *world) payer(link string, seed uint64) *payer {
	jar, _ := cookiejar.New(nil) // it has no error without options
	return &payer{
		w: w, link: link, dice: rand.New(rand.NewPCG(seed, 2)), seen: map[string]string{}, pressed: map[string]string{},
		browser: &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: w.transport},
	}
}

// errAway says that there was no answer.
var errAway = errors.New("no answer")

// ask sends one request and gives the status, the body, and where it ended.
func (p *payer) ask(ctx context.Context, method, address string, form url.Values, header ...string) (int, string, string, error) {
	kind := ""
	if form != nil {
		kind = "application/x-www-form-urlencoded"
	}
	return p.sendBody(ctx, method, address, kind, form.Encode(), header...)
}

// sendBody is ask with a body of any kind.
func (p *payer) sendBody(ctx context.Context, method, address, kind, content string, header ...string) (int, string, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return 0, "", "", err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if method == http.MethodPost {
		req.Header.Set("Origin", p.w.site.BaseURL)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.browser.Do(req)
	if err != nil {
		return 0, "", "", fmt.Errorf("%w: %w", errAway, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", "", fmt.Errorf("%w: %w", errAway, err)
	}
	return resp.StatusCode, string(body), resp.Request.URL.String(), nil
}

// patiently asks until there is an answer that is not of a server in trouble.
func (p *payer) patiently(ctx context.Context, method, address string, form url.Values, header ...string) (status int, body, at string, err error) {
	for {
		status, body, at, err = p.ask(ctx, method, address, form, header...)
		if err == nil && status < 500 && status != http.StatusTooManyRequests {
			return status, body, at, nil
		}
		if err := pause(ctx, 30*time.Millisecond); err != nil {
			return status, body, at, err
		}
	}
}

var field = regexp.MustCompile(`<input type="?hidden"? name="?(\w+)"? value="?([^">]*)"?`)

// whole is what the page proposes to pay: all of it.
var whole = regexp.MustCompile(`name="?amount"?[^>]* value="?([\d.,]+)`)

// form opens the link and gives the page's hidden fields; none when there is nothing to pay.
func (p *payer) form(ctx context.Context) (fields url.Values, page string, err error) {
	status, body, at, err := p.patiently(ctx, http.MethodGet, p.link, nil)
	if err != nil {
		return nil, "", err
	}
	if status != http.StatusOK || !strings.Contains(body, `name="nonce"`) && !strings.Contains(body, "name=nonce") {
		return nil, "", nil
	}
	fields = hidden(body)
	if m := whole.FindStringSubmatch(body); m != nil {
		fields.Set("amount", html.UnescapeString(m[1]))
	}
	return fields, at, nil
}

// hidden are the hidden fields of a page.
func hidden(body string) url.Values {
	fields := url.Values{}
	for _, m := range field.FindAllStringSubmatch(body, -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	return fields
}

// card has the browser's Stripe.js make a ConfirmationToken.
func (p *payer) card(ctx context.Context, method string) (string, error) {
	var token struct{ ID string }
	err := p.w.stripe(ctx, "/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {method}}, &token)
	return token.ID, err
}

// press is one form of a page, and where it is sent.
type press struct {
	page, to string
	form     url.Values
}

// payment is the press of an invoice's page.
func payment(page string, form url.Values) press { return press{page, page + "/payments", form} }

// fill opens the page and fills the form; a zero press means that there is nothing to pay.
func (p *payer) fill(ctx context.Context, card, amount string) (press, error) {
	fields, page, err := p.form(ctx)
	if err != nil || fields == nil {
		return press{}, err
	}
	token, err := p.card(ctx, card)
	if err != nil {
		return press{}, err
	}
	fields.Set("confirmation_token", token)
	fields.Set("method", "card")
	if amount != "" {
		fields.Set("amount", amount)
	}
	return payment(page, fields), nil
}

// send presses the button until the server says what became of it, or the payer has enough. It gives the payment's page,
// "" when there is none.
func (p *payer) send(ctx context.Context, what press, tries int) (string, error) {
	for range tries {
		status, _, at, err := p.ask(ctx, http.MethodPost, what.to, what.form)
		switch {
		case err == nil && status == http.StatusOK && strings.Contains(at, "/payments/"):
			p.note(path.Base(at), "")
			p.mu.Lock()
			p.pressed[path.Base(at)] = what.form.Get("nonce")
			p.mu.Unlock()
			return at, nil
		case err == nil && status < 500:
			return "", nil // refused: the amount, the invoice or the card
		}
		if err := pause(ctx, 30*time.Millisecond); err != nil {
			return "", err
		}
	}
	return "", nil
}

// follow waits on a payment's page as its script does, answers the bank if it asks, and leaves when it is over, on its
// way or held, or after so many looks.
func (p *payer) follow(ctx context.Context, page, answer string, looks int) (status string, err error) {
	for range looks {
		var said struct{ Status string }
		code, body, _, err := p.patiently(ctx, http.MethodPost, page+"/check", url.Values{}, "Accept", "application/json")
		if err != nil {
			return status, err
		}
		if code != http.StatusOK {
			return status, nil // the link ended
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			return status, fmt.Errorf("check of %s: %w", page, err)
		}
		status = said.Status
		p.note(path.Base(page), status)
		switch status {
		case "succeeded", "failed", "canceled", "processing", "authorized":
			return status, nil
		case "requires_action":
			if answer == "" {
				return status, nil
			}
			if err := p.answer(ctx, page, answer); err != nil {
				return status, err
			}
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return status, err
		}
	}
	return status, nil
}

// answer gives the bank its answer, if the server hands the client secret out.
func (p *payer) answer(ctx context.Context, page, outcome string) error {
	code, body, _, err := p.patiently(ctx, http.MethodPost, page+"/action", url.Values{}, "Accept", "application/json")
	if err != nil || code != http.StatusOK {
		return err
	}
	var said struct {
		ClientSecret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		return fmt.Errorf("action of %s: %w", page, err)
	}
	intent, _, _ := strings.Cut(said.ClientSecret, "_secret_")
	// It may be too late, or asked twice: what became of it shows on the page.
	err = p.w.stripe(ctx, "/v1/payment_intents/"+intent+"/sandbox_3ds", url.Values{
		"client_secret": {said.ClientSecret}, "key": {p.w.env["STRIPE_PUBLISHABLE_KEY"]}, "outcome": {outcome},
	}, nil)
	if errors.Is(err, errRefused) || errors.Is(err, errAway) {
		return nil
	}
	return err
}

func (p *payer) note(payment, status string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if status != "" || p.seen[payment] == "" {
		p.seen[payment] = status
	}
}

// sights is all that the payer was told.
func (p *payer) sights() (list []auditor.Seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, status := range p.seen {
		list = append(list, auditor.Seen{Payment: id, Status: status, Press: p.pressed[id]})
	}
	return list
}

// live pays parts of the invoice a few times, or until there is nothing left to pay, with every card, every account and
// bad habit.
func (p *payer) live(ctx context.Context) error {
	for range 8 {
		card := goodCard
		switch n := p.dice.IntN(10); {
		case n < 2:
			card = declinedCard
		case n < 4:
			card = askingCard
		}
		amount := somePart(p.dice)
		if p.dice.IntN(6) == 0 {
			amount = "" // all of it
		}
		var what press
		var err error
		if p.dice.IntN(4) == 0 || p.w.mostly == "debits" {
			what, err = p.fillBank(ctx, somebodysAccount(p.dice), amount)
		} else {
			what, err = p.fill(ctx, card, amount)
		}
		if err != nil {
			return err
		}
		if what.page == "" {
			return nil // it is paid, or somebody else is paying all of it
		}
		if p.dice.IntN(3) == 0 {
			saving(what.form)
		}
		if p.account != "" && p.dice.IntN(12) == 0 {
			if err := p.dropAccount(ctx, what.page); err != nil {
				return err
			}
		}
		if err := p.pay(ctx, what); err != nil {
			return err
		}
	}
	return nil
}

// somePart is a part of an invoice as people type it.
func somePart(dice *rand.Rand) string {
	return fmt.Sprintf("%d.%02d", 5+dice.IntN(120), dice.IntN(100))
}

// somebodysAccount is an account as people have them.
func somebodysAccount(dice *rand.Rand) string {
	return []string{goodAccount, goodAccount, goodAccount, goodAccount, poorAccount, closedAccount, angryAccount}[dice.IntN(7)]
}

// pay sends one form, often twice, and follows what came of it.
func (p *payer) pay(ctx context.Context, what press) error {
	presses, tries := 1, 1+p.dice.IntN(20)
	if p.dice.IntN(3) == 0 || p.w.mostly == "debits" {
		presses = 2
	}
	answer := []string{"succeed", "succeed", "fail", ""}[p.dice.IntN(4)]
	looks := p.dice.IntN(30)
	pages := make(chan string, presses)
	failed := make(chan error, presses)
	for range presses {
		go func() {
			page, err := p.send(ctx, what, tries)
			failed <- err
			pages <- page
		}()
	}
	for range presses {
		if err := <-failed; err != nil {
			return err
		}
		if page := <-pages; page != "" {
			if _, err := p.follow(ctx, page, answer, looks); err != nil {
				return err
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
