package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// linkSession is one opening of Link: what its frame asks of the sandbox, step by step.
type linkSession struct {
	ID            string `json:"id"`
	LinkToken     string `json:"link_token"`
	InstitutionID string `json:"institution_id"`
	LoggedIn      bool   `json:"logged_in"`
	OAuthState    string `json:"oauth_state"`
	Answer        string `json:"answer"`  // of the bank's own page: allow, deny
	Resumed       bool   `json:"resumed"` // the browser came back from there
	Finished      bool   `json:"finished"`
}

func (*linkSession) kind() string  { return "plaid_session" }
func (l *linkSession) key() string { return l.ID }

// The one user of every bank (https://plaid.com/docs/sandbox/test-credentials/).
const (
	goodUser     = "user_good"
	goodPassword = "pass_good"
)

// logIn answers as the bank does.
func (b bank) logIn(user, password string) error {
	switch {
	case b.Down:
		return plaidBankDown()
	case b.Locked || user != goodUser || password != goodPassword:
		return plaidWrongPassword()
	}
	return nil
}

// linkView is the institution as Link's callbacks show it.
func (b bank) linkView() map[string]any {
	return map[string]any{"institution_id": b.ID, "name": b.Name}
}

// linkView is the account as Link's callbacks show it.
func (a *plaidAccount) linkView() map[string]any {
	out := map[string]any{"id": a.ID, "name": a.Name, "mask": a.mask(), "type": "depository", "subtype": a.Subtype, "verification_status": nil, "class_type": nil}
	if a.Verification != "" {
		out["verification_status"] = a.Verification
	}
	return out
}

// listed is the institution in Link's list.
func (b bank) listed() map[string]any {
	return map[string]any{"institution_id": b.ID, "name": b.Name, "color": b.Color, "note": b.Note, "oauth": b.OAuth}
}

// session finds an open session with its link token, to be changed.
func (c *plaidCall) session(id string) (*linkSession, *linkToken, error) {
	l, ok := edit[linkSession](c.tx, id)
	if !ok || l.Finished {
		return nil, nil, plaidFault(http.StatusBadRequest, "INVALID_INPUT", "INVALID_LINK_TOKEN", "the link session is over. try again with a new link token")
	}
	token, err := openToken(c.tx, l.LinkToken)
	if err != nil {
		return nil, nil, err
	}
	return l, token, nil
}

type sessionStart struct {
	LinkToken  string `json:"link_token"`
	OAuthState string `json:"oauth_state_id"`
}

// startSession opens Link, or goes on where the customer left for the bank's page.
func startSession(c *plaidCall, in sessionStart) (any, error) {
	token, err := openToken(c.tx, in.LinkToken)
	if err != nil {
		return nil, err
	}
	l := &linkSession{ID: newUUID(), LinkToken: token.Token}
	if in.OAuthState != "" {
		if l, err = c.resume(in); err != nil {
			return nil, err
		}
	}
	out := map[string]any{"link_session_id": l.ID, "client_name": token.ClientName, "update": token.Update != ""}
	if token.Update != "" {
		item, _ := get[plaidItem](c.tx, token.Update)
		l.InstitutionID = item.InstitutionID
	}
	if b, known := bankByID(l.InstitutionID); known {
		out["institution"] = b.listed()
	}
	if l.LoggedIn {
		if out["accounts"], err = l.accounts(token); err != nil {
			return nil, err
		}
	}
	c.put(l)
	list := []any{}
	for _, b := range banks {
		if !b.OAuth || token.RedirectURI != "" { // there would be no way back
			list = append(list, b.listed())
		}
	}
	out["institutions"] = list
	if l.Answer == answerDeny { // told with the session, so that the customer can go on with another bank
		out["refusal"] = plaidAccessNotGranted()
	}
	return out, nil
}

// resume checks the state the bank's page sent home (https://plaid.com/docs/errors/oauth/).
func (c *plaidCall) resume(in sessionStart) (*linkSession, error) {
	for l := range all[linkSession](c.tx) {
		if l.OAuthState != in.OAuthState {
			continue
		}
		l, _ = edit[linkSession](c.tx, l.ID)
		switch {
		case l.LinkToken != in.LinkToken:
			return nil, plaidOAuth("INCORRECT_LINK_TOKEN", "link token does not match original link token")
		case l.Resumed || l.Finished:
			return nil, plaidOAuth("OAUTH_STATE_ID_ALREADY_PROCESSED", "the OAuth state has already been processed")
		case l.Answer == "":
			return nil, plaidOAuth("OAUTH_STATE_ID_NOT_FOUND", "the OAuth state id could not be found")
		}
		l.Resumed, l.LoggedIn = true, l.Answer == answerAllow
		return l, nil
	}
	return nil, plaidOAuth("OAUTH_STATE_ID_NOT_FOUND", "the OAuth state id could not be found")
}

// accounts are those the customer may choose of, by their position; none when the update leaves them as they are.
func (l *linkSession) accounts(token *linkToken) ([]any, error) {
	out := []any{}
	if token.Update != "" && !token.SelectAccount {
		return out, nil
	}
	for i, a := range testAccounts {
		if slices.Contains(token.Subtypes, a.Subtype) {
			out = append(out, map[string]any{"position": i, "name": a.Name, "mask": a.Number[len(a.Number)-4:], "subtype": a.Subtype, "balance": a.Balance})
		}
	}
	if len(out) == 0 {
		return nil, plaidNoAccounts()
	}
	return out, nil
}

type sessionLogin struct {
	Session       string `json:"link_session_id"`
	InstitutionID string `json:"institution_id"`
	Username      string `json:"username"`
	Password      string `json:"password"`
}

func logInSession(c *plaidCall, in sessionLogin) (any, error) {
	l, token, err := c.session(in.Session)
	if err != nil {
		return nil, err
	}
	b, ok := bankByID(in.InstitutionID)
	if !ok || b.OAuth || token.Update != "" && l.InstitutionID != b.ID {
		return nil, plaidInput("INVALID_INSTITUTION", "invalid institution_id provided")
	}
	if err := b.logIn(in.Username, in.Password); err != nil {
		return nil, err
	}
	l.InstitutionID, l.LoggedIn = b.ID, true
	accounts, err := l.accounts(token)
	return map[string]any{"accounts": accounts}, err
}

type sessionLeave struct {
	Session       string `json:"link_session_id"`
	InstitutionID string `json:"institution_id"`
}

// leaveSession gives the address of the bank's own page.
func leaveSession(c *plaidCall, in sessionLeave) (any, error) {
	l, token, err := c.session(in.Session)
	if err != nil {
		return nil, err
	}
	b, ok := bankByID(in.InstitutionID)
	if !ok || !b.OAuth || token.RedirectURI == "" || token.Update != "" && l.InstitutionID != b.ID {
		return nil, plaidInput("INVALID_INSTITUTION", "invalid institution_id provided")
	}
	l.InstitutionID, l.OAuthState, l.Answer, l.Resumed = b.ID, newUUID(), "", false
	return map[string]any{"url": c.url + "/js/plaid-link/bank?" + url.Values{"oauth_state_id": {l.OAuthState}}.Encode()}, nil
}

const (
	answerAllow = "allow"
	answerDeny  = "deny"
)

type bankAnswer struct {
	OAuthState string `json:"oauth_state_id"`
	Answer     string `json:"answer"` // "" asks who wants access
}

// answerBank is what the bank's own page asks and tells: who wants access, and where the customer goes home to.
func answerBank(c *plaidCall, in bankAnswer) (any, error) {
	for l := range all[linkSession](c.tx) {
		if in.OAuthState == "" || l.OAuthState != in.OAuthState {
			continue
		}
		l, token, err := c.session(l.ID)
		if err != nil {
			return nil, err
		}
		b, _ := bankByID(l.InstitutionID)
		out := map[string]any{"client_name": token.ClientName, "institution": b.listed()}
		if in.Answer == answerAllow || in.Answer == answerDeny {
			l.Answer = in.Answer
			out["return_to"] = token.RedirectURI + "?" + url.Values{"oauth_state_id": {l.OAuthState}}.Encode()
		}
		return out, nil
	}
	return nil, plaidOAuth("OAUTH_STATE_ID_NOT_FOUND", "the OAuth state id could not be found")
}

type sessionFinish struct {
	Session  string `json:"link_session_id"`
	Position *int   `json:"position"` // of the account chosen
}

// finishSession links the account, or repairs the item, and gives what onSuccess gets.
func finishSession(c *plaidCall, in sessionFinish) (any, error) {
	l, token, err := c.session(in.Session)
	if err != nil {
		return nil, err
	}
	if !l.LoggedIn {
		return nil, plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_BODY", "the customer has not logged in")
	}
	b, _ := bankByID(l.InstitutionID)
	var item *plaidItem
	if token.Update != "" {
		item, err = c.repair(token, b, in.Position)
	} else {
		if in.Position == nil {
			return nil, plaidInvalidField("position must be that of an account")
		}
		item, err = newItem(c.tx, b, token.Webhook, token.Subtypes, *in.Position)
	}
	if err != nil {
		return nil, err
	}
	l.Finished = true
	accounts := make([]any, len(item.Accounts))
	for i := range item.Accounts {
		accounts[i] = item.Accounts[i].linkView()
	}
	return map[string]any{"public_token": newPublicToken(c.tx, item).Token,
		"metadata": map[string]any{"institution": b.linkView(), "accounts": accounts, "link_session_id": l.ID, "transfer_status": nil}}, nil
}

// repair ends the error of an item (update mode), and adds the account chosen, if one was.
func (c *plaidCall) repair(token *linkToken, b bank, position *int) (*plaidItem, error) {
	item, _ := edit[plaidItem](c.tx, token.Update)
	if item.Removed {
		return nil, plaidItemNotFound()
	}
	item.fail(nil)
	item.Expires = nil
	if position == nil || !token.SelectAccount {
		return item, nil
	}
	extra, err := newItem(c.tx, b, "", token.Subtypes, *position)
	if err != nil {
		return nil, err
	}
	c.remove(extra) // only its account is wanted
	a := extra.Accounts[0]
	if !slices.ContainsFunc(item.Accounts, func(known plaidAccount) bool { return known.Name == a.Name }) {
		item.Accounts = append(item.Accounts, a)
	}
	return item, nil
}

// sessionsKept is how long a link session is remembered after its token ended.
const sessionsKept = 24 * time.Hour

// forgetLinks removes link tokens that ended, their sessions, and public tokens nobody may exchange any more.
func forgetLinks(t *tx) {
	var old []object
	ended := map[string]bool{}
	for l := range all[linkToken](t) {
		if t.now.Sub(l.Expires) > sessionsKept {
			ended[l.Token] = true
			old = append(old, l)
		}
	}
	for l := range all[linkSession](t) {
		if ended[l.LinkToken] {
			old = append(old, l)
		}
	}
	for p := range all[publicToken](t) {
		if t.now.Sub(p.Expires) > sessionsKept {
			old = append(old, p)
		}
	}
	for _, o := range old {
		t.remove(o)
	}
}
