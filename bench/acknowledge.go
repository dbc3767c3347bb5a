package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// aSecond is how many webhooks arrive in one.
	aSecond = 50
	// payers pay one invoice after the other meanwhile, together ten a second if the machine is up to it.
	payers   = 4
	payEvery = payers * time.Second / 10
	// refused is what a webhook that is not taken counts as: it comes again no sooner.
	refused = time.Minute
)

// acknowledgements returns the milliseconds within which 99 of 100 webhooks were answered by an installed server, 50 a
// second, while people pay. Each is timed from when it was due, so that a server that holds them up is not asked less.
func acknowledgements(ctx context.Context, b bench) ([]contender, func(), error) {
	s, err := startSite(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	// Of nobody here, so that the job has to fetch it and leaves it at that.
	var intent struct{ ID string }
	if err := s.stripe(ctx, "/v1/payment_intents", url.Values{"amount": {"22500"}, "currency": {"usd"}}, &intent); err != nil {
		s.stop()
		return nil, nil, fmt.Errorf("making a payment intent: %w", err)
	}
	return []contender{{name: "99 of 100, while people pay", most: 500, run: func(ctx context.Context) (float64, error) {
		return s.acknowledged(ctx, intent.ID, max(b.time, 10*time.Second))
	}}}, s.stop, nil
}

func (s *site) acknowledged(ctx context.Context, intent string, d time.Duration) (float64, error) {
	paying, stop := context.WithCancel(ctx)
	defer stop()
	var paid atomic.Int64
	var crowd sync.WaitGroup
	payErrs := make([]error, payers)
	for n := range payErrs {
		crowd.Go(func() {
			tick := time.NewTicker(payEvery)
			defer tick.Stop()
			for payErrs[n] == nil && paying.Err() == nil {
				if payErrs[n] = s.payOne(paying); payErrs[n] == nil {
					paid.Add(1)
				}
				select {
				case <-tick.C:
				case <-paying.Done():
				}
			}
		})
	}
	took, errs := s.deliver(ctx, intent, int(d.Seconds()*aSecond))
	stop()
	crowd.Wait()
	for _, err := range append(payErrs, errs...) {
		if err != nil && !errors.Is(err, context.Canceled) {
			return 0, err
		}
	}
	if paid.Load() < int64(len(took)/aSecond) {
		return 0, fmt.Errorf("only %d payments were made meanwhile", paid.Load())
	}
	slices.Sort(took)
	return float64(took[len(took)*99/100].Microseconds()) / 1000, ctx.Err()
}

// deliver sends webhooks on time, whether or not those before are answered.
func (s *site) deliver(ctx context.Context, intent string, many int) ([]time.Duration, []error) {
	took, errs := make([]time.Duration, many), make([]error, many)
	sender := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: time.Minute}
	defer sender.CloseIdleConnections()
	secret := s.setting("STRIPE_WEBHOOK_SECRET")
	var group sync.WaitGroup
	begin := time.Now()
	for n := range many {
		due := begin.Add(time.Duration(n) * time.Second / aSecond)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			group.Wait()
			return nil, []error{ctx.Err()}
		}
		group.Go(func() {
			resp, err := sender.Do(webhookRequest(ctx, s.base+"/webhooks/stripe", secret, eventBody(fmt.Sprintf("evt_%d_%d", begin.UnixNano(), n), intent)))
			if err != nil {
				errs[n] = fmt.Errorf("sending a webhook: %w", err)
				return
			}
			_ = resp.Body.Close()
			took[n] = time.Since(due)
			if resp.StatusCode != http.StatusOK {
				took[n] = refused
			}
		})
	}
	group.Wait()
	return took, errs
}

var (
	hidden   = regexp.MustCompile(`<input type="?hidden"? name="?(\w+)"? value="?([^">]*)"?`)
	proposed = regexp.MustCompile(`name="?amount"?[^>]* value="?([\d.,]+)`)
)

// payOne makes an invoice and pays it as its customer does: the mailed link, the form, the page that follows.
func (s *site) payOne(ctx context.Context) error {
	link, err := s.invoice(ctx, s.key)
	if err != nil {
		return err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Transport: client.Transport, Timeout: time.Minute}
	ask := func(method, address string, form url.Values) (body, at string, err error) {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", "", err
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", s.base)
		}
		resp, err := browser.Do(req)
		if err != nil {
			return "", "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s answered %s", req.URL.Path, resp.Status)
		}
		return string(text), resp.Request.URL.String(), err
	}
	page, at, err := ask(http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	form := url.Values{"method": {"card"}}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	if m := proposed.FindStringSubmatch(page); m != nil {
		form.Set("amount", html.UnescapeString(m[1]))
	}
	var token struct{ ID string }
	if err := s.stripe(ctx, "/v1/test_helpers/confirmation_tokens", url.Values{"payment_method": {"pm_card_visa"}}, &token); err != nil {
		return err
	}
	form.Set("confirmation_token", token.ID)
	if _, at, err = ask(http.MethodPost, at+"/payments", form); err == nil && !strings.Contains(at, "/payments/") {
		err = fmt.Errorf("paying ended at %s", at)
	}
	return err
}

// stripe asks the sandbox.
func (s *site) stripe(ctx context.Context, path string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.setting("STRIPE_API_BASE")+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(s.setting("STRIPE_SECRET_KEY"), "")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sandbox answered %s to %s", resp.Status, path)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// setting is a value of the server's environment.
func (s *site) setting(name string) string {
	for _, line := range s.env {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}
