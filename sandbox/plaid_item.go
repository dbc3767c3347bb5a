package sandbox

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plaidAccount is an account of an item. Its id belongs to the item: the same account linked twice has two.
type plaidAccount struct {
	ID           string `json:"id"`
	Number       string `json:"number"`
	Name         string `json:"name"`
	Subtype      string `json:"subtype"`
	Balance      int    `json:"balance"`      // dollars
	Verification string `json:"verification"` // "" = at once; else Plaid's verification_status
}

func (a *plaidAccount) mask() string { return a.Number[len(a.Number)-4:] }

// pendingVerification is an account whose numbers wait for micro-deposits.
const pendingVerification = "pending_automatic_verification"

// plaidItem is one login at one bank (https://plaid.com/docs/api/items/).
type plaidItem struct {
	ID            string         `json:"id"`
	AccessToken   string         `json:"access_token"`
	InstitutionID string         `json:"institution_id"`
	Webhook       string         `json:"webhook"`
	Accounts      []plaidAccount `json:"accounts"`
	Error         *plaidError    `json:"error"`
	Status        int            `json:"status"`  // of Error
	Expires       *time.Time     `json:"expires"` // consent; sandbox clock
	Removed       bool           `json:"removed"`
	LastWebhook   string         `json:"last_webhook"`
	LastSent      time.Time      `json:"last_sent"`
}

func (*plaidItem) kind() string  { return "plaid_item" }
func (i *plaidItem) key() string { return i.ID }

// fail puts the item into the error that its calls answer from now on; nil ends it.
func (i *plaidItem) fail(e *plaidError) {
	i.Error, i.Status = nil, 0
	if e != nil {
		i.Error, i.Status = e, e.status
	}
}

// publicToken is what the browser brings home: good for one exchange.
type publicToken struct {
	Token   string    `json:"token"`
	Item    string    `json:"item"`
	Expires time.Time `json:"expires"` // sandbox clock
	Used    bool      `json:"used"`
}

func (*publicToken) kind() string  { return "plaid_public_token" }
func (p *publicToken) key() string { return p.Token }

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562 §5.4: version 4
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newPlaidID is 37 characters, as Plaid's ids of items and accounts are.
func newPlaidID() string { return randomText(37) }

// automaticVerificationTakes is how long the micro-deposits of an account take ("one to two business days",
// https://plaid.com/docs/auth/coverage/automated/).
const automaticVerificationTakes = 48 * time.Hour

// newItem links the accounts of a bank that one of the subtypes fits; keep narrows it to those chosen by position.
func newItem(t *tx, b bank, webhook string, subtypes []string, keep ...int) (*plaidItem, error) {
	item := &plaidItem{ID: newPlaidID(), AccessToken: plaidToken("access"), InstitutionID: b.ID, Webhook: webhook}
	for i, known := range testAccounts {
		if !slices.Contains(subtypes, known.Subtype) || len(keep) > 0 && !slices.Contains(keep, i) {
			continue
		}
		a := plaidAccount{ID: newPlaidID(), Number: known.Number, Name: known.Name, Subtype: known.Subtype, Balance: known.Balance}
		if b.Unverified {
			a.Verification = pendingVerification
			t.schedule(t.now.Add(automaticVerificationTakes), taskVerifyAccount, a.ID)
		}
		item.Accounts = append(item.Accounts, a)
	}
	if item.Accounts == nil {
		return nil, plaidNoAccounts()
	}
	t.put(item)
	return item, nil
}

func newPublicToken(t *tx, item *plaidItem) *publicToken {
	p := &publicToken{Token: plaidToken("public"), Item: item.ID, Expires: t.now.Add(publicTokenLives)}
	t.put(p)
	return p
}

type exchangeRequest struct {
	plaidCredentials
	PublicToken string `json:"public_token"`
}

func exchangePublicToken(c *plaidCall, in exchangeRequest) (any, error) {
	if err := plaidNeeds("public_token", in.PublicToken); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.PublicToken, "public-sandbox-") {
		return nil, plaidInput("INVALID_PUBLIC_TOKEN", "provided public token is in an invalid format. expected format: public-<environment>-<identifier>")
	}
	p, ok := edit[publicToken](c.tx, in.PublicToken)
	switch {
	case !ok || p.Used:
		return nil, plaidInput("INVALID_PUBLIC_TOKEN", "could not find matching public token")
	case c.now.After(p.Expires):
		return nil, plaidInput("INVALID_PUBLIC_TOKEN", "provided public token is expired. Public tokens expire 30 minutes after creation at which point they can no longer be exchanged")
	}
	p.Used = true
	item, _ := get[plaidItem](c.tx, p.Item)
	c.truth(item)
	return map[string]any{"access_token": item.AccessToken, "item_id": item.ID}, nil
}

// brokenItem finds the item of an access token, whatever state it is in, to be changed.
func (c *plaidCall) brokenItem(token string) (*plaidItem, error) {
	if err := plaidNeeds("access_token", token); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(token, "access-sandbox-") {
		return nil, plaidInput("INVALID_ACCESS_TOKEN", "provided access token is in an invalid format. expected format: access-<environment>-<identifier>")
	}
	for item := range all[plaidItem](c.tx) {
		switch {
		case item.AccessToken != token:
		case item.Removed:
			return nil, plaidItemNotFound()
		default:
			item, _ = edit[plaidItem](c.tx, item.ID)
			return item, nil
		}
	}
	return nil, plaidInput("INVALID_ACCESS_TOKEN", "could not find matching access token")
}

// item is brokenItem for the calls that need a working login.
func (c *plaidCall) item(token string) (*plaidItem, error) {
	item, err := c.brokenItem(token)
	if err != nil {
		return nil, err
	}
	if item.Error != nil {
		e := *item.Error
		e.status = item.Status
		return nil, &e
	}
	if b, ok := bankByID(item.InstitutionID); ok && b.Down {
		return nil, plaidBankDown()
	}
	return item, nil
}

// view is the item as the API shows it.
func (i *plaidItem) view() map[string]any {
	return map[string]any{"item_id": i.ID, "institution_id": i.InstitutionID, "webhook": i.Webhook, "error": i.Error, "available_products": []string{},
		"billed_products": []string{"auth"}, "products": []string{"auth"}, "consent_expiration_time": i.Expires, "update_type": "background"}
}

func (i *plaidItem) accountIDs() (ids []string) {
	for _, a := range i.Accounts {
		ids = append(ids, a.ID)
	}
	return ids
}

func (i *plaidItem) account(id string) (*plaidAccount, error) {
	for k := range i.Accounts {
		if i.Accounts[k].ID == id {
			return &i.Accounts[k], nil
		}
	}
	return nil, plaidInput("INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item")
}

// view is the account as the API shows it.
func (a *plaidAccount) view() map[string]any {
	out := map[string]any{"account_id": a.ID, "mask": a.mask(), "name": a.Name, "official_name": nil, "type": "depository", "subtype": a.Subtype,
		"balances": map[string]any{"available": a.Balance, "current": a.Balance, "limit": nil, "iso_currency_code": "USD", "unofficial_currency_code": nil}}
	if a.Verification != "" {
		out["verification_status"] = a.Verification
	}
	return out
}

type itemRequest struct {
	plaidCredentials
	AccessToken string `json:"access_token"`
}

func getItem(c *plaidCall, in itemRequest) (any, error) {
	item, err := c.brokenItem(in.AccessToken)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"item": item.view(), "status": nil}
	if item.LastWebhook != "" {
		out["status"] = map[string]any{"last_webhook": map[string]any{"sent_at": item.LastSent.UTC().Format(time.RFC3339), "code_sent": item.LastWebhook}}
	}
	return out, nil
}

// removeItem ends the login. "Revokes" what was made of it too: a Stripe bank account token made through it is dead
// (https://plaid.com/docs/api/items/#itemremove).
func removeItem(c *plaidCall, in itemRequest) (any, error) {
	item, err := c.brokenItem(in.AccessToken)
	if err != nil {
		return nil, err
	}
	item.Removed = true
	for b := range all[bankToken](c.tx) {
		if b.ItemID == item.ID {
			b, _ = edit[bankToken](c.tx, b.ID)
			b.Revoked = true
		}
	}
	c.truth(item)
	return map[string]any{}, nil
}

type itemWebhookRequest struct {
	plaidCredentials
	AccessToken string  `json:"access_token"`
	Webhook     *string `json:"webhook"`
}

func updateItemWebhook(c *plaidCall, in itemWebhookRequest) (any, error) {
	item, err := c.brokenItem(in.AccessToken)
	if err != nil {
		return nil, err
	}
	address := text(in.Webhook)
	if !isWebhook(address) {
		return nil, plaidInvalidField("webhook must be a valid URL")
	}
	item.Webhook = address
	c.itemWebhook(item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", map[string]any{"new_webhook_url": address})
	return map[string]any{"item": item.view()}, nil
}

type accountsRequest struct {
	plaidCredentials
	AccessToken string `json:"access_token"`
	Options     struct {
		AccountIDs []string `json:"account_ids"`
	} `json:"options"`
}

// chosen are the accounts asked for, all when none is named.
func (in *accountsRequest) chosen(c *plaidCall) (*plaidItem, []*plaidAccount, error) {
	item, err := c.item(in.AccessToken)
	if err != nil {
		return nil, nil, err
	}
	var out []*plaidAccount
	for i := range item.Accounts {
		if len(in.Options.AccountIDs) == 0 {
			out = append(out, &item.Accounts[i])
		}
	}
	for _, id := range in.Options.AccountIDs {
		a, err := item.account(id)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, a)
	}
	return item, out, nil
}

func accountViews(accounts []*plaidAccount) []any {
	views := make([]any, len(accounts))
	for i, a := range accounts {
		views[i] = a.view()
	}
	return views
}

func getAccounts(c *plaidCall, in accountsRequest) (any, error) {
	item, accounts, err := in.chosen(c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"accounts": accountViews(accounts), "item": item.view()}, nil
}

func getAuth(c *plaidCall, in accountsRequest) (any, error) {
	item, accounts, err := in.chosen(c)
	if err != nil {
		return nil, err
	}
	b, _ := bankByID(item.InstitutionID)
	ach := make([]any, len(accounts))
	for i, a := range accounts {
		if a.Verification == pendingVerification {
			return nil, plaidNotReady()
		}
		ach[i] = map[string]any{"account_id": a.ID, "account": a.Number, "routing": b.Routing, "wire_routing": nil}
	}
	none := []any{}
	return map[string]any{"accounts": accountViews(accounts), "item": item.view(),
		"numbers": map[string]any{"ach": ach, "eft": none, "international": none, "bacs": none}}, nil
}
