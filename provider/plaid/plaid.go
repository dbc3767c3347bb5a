// Package plaid asks Plaid, through plaid-go, to link a bank account and to turn it into a token
// that Stripe takes. It translates Plaid's errors into what a payer can do about them.
//
// It debits nothing: that is Stripe's. It keeps no state and never logs; an access token leaves it
// only to be sealed by the caller.
package plaid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	plaidgo "github.com/plaid/plaid-go/v20/plaid"

	"paylink"
)

// Config says which Plaid to talk to and as whom.
type Config struct {
	ClientID, Secret string
	BaseURL          string        // https://production.plaid.com, or the sandbox
	Timeout          time.Duration // of one call; 0 is 20 s
}

// Client is one account at Plaid.
type Client struct {
	api *plaidgo.PlaidApiService
}

// New makes a client. It makes no call.
func New(c Config) *Client {
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	config := plaidgo.NewConfiguration()
	config.AddDefaultHeader("PLAID-CLIENT-ID", c.ClientID)
	config.AddDefaultHeader("PLAID-SECRET", c.Secret)
	config.UseEnvironment(plaidgo.Environment(c.BaseURL))
	config.HTTPClient = &http.Client{ // the library's own has no time limit
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Client{api: plaidgo.NewAPIClient(config).PlaidApi}
}

// LinkRequest says for whom Link opens. User is an opaque id, never an address or a name.
type LinkRequest struct {
	User     string
	Firm     string // shown by Link, up to 30 characters
	Language string
	Webhook  string
	Redirect string // where banks with OAuth send the payer back to; "" leaves them out
	Update   string // the access token of an item whose login is to be repaired
}

// LinkToken makes the token that opens Link in the payer's browser. It lives four hours.
func (c *Client) LinkToken(ctx context.Context, r LinkRequest) (string, error) {
	firm := []rune(r.Firm)
	if len(firm) > 30 {
		firm = firm[:30]
	}
	req := plaidgo.NewLinkTokenCreateRequest(string(firm), r.Language, []plaidgo.CountryCode{plaidgo.COUNTRYCODE_US},
		*plaidgo.NewLinkTokenCreateRequestUser(r.User))
	if r.Webhook != "" {
		req.SetWebhook(r.Webhook)
	}
	if r.Redirect != "" {
		req.SetRedirectUri(r.Redirect)
	}
	if r.Update != "" { // update mode names no products
		req.SetAccessToken(r.Update)
	} else {
		req.SetProducts([]plaidgo.Products{plaidgo.PRODUCTS_AUTH})
		filters := plaidgo.NewLinkTokenAccountFilters()
		filters.SetDepository(*plaidgo.NewDepositoryFilter([]plaidgo.DepositoryAccountSubtype{
			plaidgo.DEPOSITORYACCOUNTSUBTYPE_CHECKING, plaidgo.DEPOSITORYACCOUNTSUBTYPE_SAVINGS,
		}))
		req.SetAccountFilters(*filters)
	}
	res, _, err := c.api.LinkTokenCreate(ctx).LinkTokenCreateRequest(*req).Execute()
	if err != nil {
		return "", translate("make link token", err)
	}
	return res.GetLinkToken(), nil
}

// Item is one login at a bank.
type Item struct {
	ID          string
	AccessToken string // a secret; seal it
}

// Exchange turns the public token that Link gave the browser into an item. A public token works
// once: when the outcome is unknown, the payer links again.
func (c *Client) Exchange(ctx context.Context, publicToken string) (Item, error) {
	res, _, err := c.api.ItemPublicTokenExchange(ctx).
		ItemPublicTokenExchangeRequest(*plaidgo.NewItemPublicTokenExchangeRequest(publicToken)).Execute()
	if err != nil {
		return Item{}, translate("exchange public token", err)
	}
	return Item{ID: res.GetItemId(), AccessToken: res.GetAccessToken()}, nil
}

// Account is one account of an item, as far as it may be shown.
type Account struct {
	ID, Name, Mask, Type string // Type is checking or savings
	Institution          string // the bank's id at Plaid
}

// Account finds one account of an item; the item's others are not kept.
func (c *Client) Account(ctx context.Context, accessToken, id string) (Account, error) {
	res, _, err := c.api.AccountsGet(ctx).AccountsGetRequest(*plaidgo.NewAccountsGetRequest(accessToken)).Execute()
	if err != nil {
		return Account{}, translate("read accounts", err)
	}
	for _, a := range res.GetAccounts() {
		if a.GetAccountId() == id && a.GetType() == plaidgo.ACCOUNTTYPE_DEPOSITORY {
			item := res.GetItem()
			return Account{
				ID: id, Name: a.GetName(), Mask: a.GetMask(), Type: string(a.GetSubtype()), Institution: item.GetInstitutionId(),
			}, nil
		}
	}
	return Account{}, paylink.FailField("account_id", "bank.account_unknown")
}

// StripeToken makes the token by which Stripe learns the account: btok_…, good once.
func (c *Client) StripeToken(ctx context.Context, accessToken, account string) (string, error) {
	res, _, err := c.api.ProcessorStripeBankAccountTokenCreate(ctx).ProcessorStripeBankAccountTokenCreateRequest(
		*plaidgo.NewProcessorStripeBankAccountTokenCreateRequest(accessToken, account)).Execute()
	if err != nil {
		return "", translate("make bank account token", err)
	}
	return res.GetStripeBankAccountToken(), nil
}

// Remove ends an item. Stripe's bank account that was made of it ends too, so not before its last
// debit settled.
func (c *Client) Remove(ctx context.Context, accessToken string) error {
	_, _, err := c.api.ItemRemove(ctx).ItemRemoveRequest(*plaidgo.NewItemRemoveRequest(accessToken)).Execute()
	if err == nil {
		return nil
	}
	err = translate("remove item", err)
	if e, ok := errors.AsType[*paylink.Error](err); ok && e.Code == "bank.gone" {
		return nil // it was removed before
	}
	return err
}

// translate says what a payer can do. Plaid's codes: https://plaid.com/docs/errors/
func translate(act string, err error) error {
	e, notPlaid := plaidgo.ToPlaidError(err)
	if notPlaid != nil {
		return paylink.Fail(paylink.Unavailable, "bank.unreachable").Because(fmt.Errorf("%s: %w", act, err))
	}
	cause := fmt.Errorf("%s: plaid %s %s (request %s)", act, e.GetErrorType(), e.GetErrorCode(), e.GetRequestId())
	switch e.GetErrorCode() {
	case "INVALID_PUBLIC_TOKEN":
		return paylink.Fail(paylink.Conflict, "bank.link_again").Because(cause)
	case "ITEM_LOGIN_REQUIRED", "PENDING_EXPIRATION", "ITEM_LOCKED", "USER_SETUP_REQUIRED":
		return paylink.Fail(paylink.Conflict, "bank.login_again").Because(cause)
	case "INVALID_ACCESS_TOKEN", "ITEM_NOT_FOUND":
		return paylink.Fail(paylink.Conflict, "bank.gone").Because(cause)
	case "PRODUCT_NOT_READY": // its numbers are being confirmed, which takes a bank day or two
		return paylink.Fail(paylink.Conflict, "bank.not_ready").Because(cause)
	case "USER_PERMISSION_REVOKED", "ACCESS_NOT_GRANTED":
		return paylink.Fail(paylink.Conflict, "bank.link_again").Because(cause)
	case "NO_AUTH_ACCOUNTS", "PRODUCTS_NOT_SUPPORTED", "INVALID_ACCOUNT_ID":
		return paylink.FailField("account_id", "bank.account_unknown").Because(cause)
	case "PLANNED_MAINTENANCE":
		return paylink.Fail(paylink.Unavailable, "bank.unreachable").Because(cause)
	}
	switch e.GetErrorType() { // codes that are not named above
	case plaidgo.PLAIDERRORTYPE_API_ERROR, plaidgo.PLAIDERRORTYPE_RATE_LIMIT_EXCEEDED, plaidgo.PLAIDERRORTYPE_INSTITUTION_ERROR:
		return paylink.Fail(paylink.Unavailable, "bank.unreachable").Because(cause)
	case plaidgo.PLAIDERRORTYPE_ITEM_ERROR:
		return paylink.Fail(paylink.Conflict, "bank.link_again").Because(cause)
	default:
		return cause
	}
}
