package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Accounts of the sandbox's banks, by what becomes of a debit.
const (
	goodAccount   = "Checking, debits succeed"
	poorAccount   = "Checking, insufficient funds"
	closedAccount = "Checking, account closed"
	angryAccount  = "Checking, debit not authorized"
)

// bankDays is longer than a debit, and a refund of one, takes at the sandbox.
const bankDays = "126h"

// login is what Plaid Link gave the payer's browser.
type login struct{ token, account string }

// logIn goes through Plaid Link to an account of that name.
func (p *payer) logIn(ctx context.Context, name string) (login, error) {
	var linked struct {
		Token    string `json:"public_token"`
		Accounts []struct{ ID, Name string }
	}
	err := p.w.plaid(ctx, "/sandbox/public_token/create", map[string]any{
		"institution_id": "ins_56", "initial_products": []string{"auth"},
		"options": map[string]string{"webhook": p.w.site.BaseURL + "/webhooks/plaid"},
	}, &linked)
	if err != nil {
		return login{}, err
	}
	for _, a := range linked.Accounts {
		if a.Name == name {
			return login{linked.Token, a.ID}, nil
		}
	}
	return login{}, fmt.Errorf("no account %q in %v", name, linked.Accounts)
}

// plaid calls the sandbox as Plaid Link would.
func (w *world) plaid(ctx context.Context, route string, body map[string]any, into any) error {
	body["client_id"], body["secret"] = w.env["PLAID_CLIENT_ID"], w.env["PLAID_SECRET"]
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.site.SandboxURL+route, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return w.do(req, into)
}

// hand gives the site what Plaid Link gave, again while it is in trouble, and gives the method's id; "" when the site
// will not have it. spent says that only another login can help.
func (p *payer) hand(ctx context.Context, page string, l login, tries int) (method string, spent bool, err error) {
	text, err := json.Marshal(map[string]string{"public_token": l.token, "account_id": l.account})
	if err != nil {
		return "", false, err
	}
	for range tries {
		var kept struct{ Method struct{ ID string } }
		status, body, _, err := p.sendBody(ctx, http.MethodPost, page+"/bank", "application/json", string(text))
		switch {
		case err == nil && status == http.StatusOK:
			err := json.Unmarshal([]byte(body), &kept)
			return kept.Method.ID, false, err
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			return "", status == http.StatusConflict, nil
		}
		if err := pause(ctx, 30*time.Millisecond); err != nil {
			return "", false, err
		}
	}
	return "", true, nil
}

// connect links an account of that name: by another login when the first is spent, as people do.
func (p *payer) connect(ctx context.Context, page, name string) (method string, err error) {
	for range 3 {
		l, err := p.logIn(ctx, name)
		if err != nil {
			return "", err
		}
		method, spent, err := p.hand(ctx, page, l, 20)
		if err != nil || !spent {
			return method, err
		}
	}
	return "", nil
}

// permit fills the form to pay from an account, with the permission to debit it.
func permit(fields url.Values, method, amount string) url.Values {
	fields.Set("method", method)
	fields.Set("mandate", "on")
	if amount != "" {
		fields.Set("amount", amount)
	}
	return fields
}

// fillBank opens the page, links an account where the payer has none and fills the form. A zero press means that there
// is nothing to pay, or no account to pay it from.
func (p *payer) fillBank(ctx context.Context, name, amount string) (press, error) {
	fields, page, err := p.form(ctx)
	if err != nil || fields == nil {
		return press{}, err
	}
	if p.account == "" || p.dice.IntN(3) == 0 {
		if p.account, err = p.connect(ctx, page, name); err != nil || p.account == "" {
			return press{}, err
		}
	}
	if p.dice.IntN(4) == 0 {
		fields.Set("save", "on")
	}
	return payment(page, permit(fields, p.account, amount)), nil
}

// dropAccount has the site let go of the account, if it is not needed any more.
func (p *payer) dropAccount(ctx context.Context, link string) error {
	_, _, _, err := p.patiently(ctx, http.MethodPost, strings.TrimSuffix(link, "/")+"/methods/"+p.account+"/remove", url.Values{})
	p.account = ""
	return err
}
