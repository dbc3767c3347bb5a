package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// bankToken is a Stripe bank account token (btok_…) made through Plaid, with what Stripe learns by it. Stripe's half reads
// it: a token serves once (Used), and once its item was removed (Revoked) neither the token nor an account made of it
// may be debited (https://plaid.com/docs/api/processors/#processorstripebank_account_tokencreate).
type bankToken struct {
	ID            string    `json:"id"`
	ItemID        string    `json:"item_id"`
	AccountID     string    `json:"account_id"` // Plaid's
	RoutingNumber string    `json:"routing_number"`
	AccountNumber string    `json:"account_number"`
	Last4         string    `json:"last4"`
	BankName      string    `json:"bank_name"`
	HolderName    string    `json:"holder_name"`
	HolderType    string    `json:"holder_type"`  // individual or company
	AccountType   string    `json:"account_type"` // checking or savings
	Used          bool      `json:"used"`
	Revoked       bool      `json:"revoked"`
	CreatedAt     time.Time `json:"created_at"` // sandbox clock
}

func (*bankToken) kind() string  { return "bank_token" }
func (b *bankToken) key() string { return b.ID }

type bankTokenRequest struct {
	plaidCredentials
	AccessToken string `json:"access_token"`
	AccountID   string `json:"account_id"`
}

func createBankToken(c *plaidCall, in bankTokenRequest) (any, error) {
	if err := plaidNeeds("access_token", in.AccessToken, "account_id", in.AccountID); err != nil {
		return nil, err
	}
	item, err := c.item(in.AccessToken)
	if err != nil {
		return nil, err
	}
	a, err := item.account(in.AccountID)
	if err != nil {
		return nil, err
	}
	if a.Verification == pendingVerification {
		return nil, plaidNotReady()
	}
	b, _ := bankByID(item.InstitutionID)
	token := &bankToken{ID: newID("btok"), ItemID: item.ID, AccountID: a.ID, RoutingNumber: b.Routing, AccountNumber: a.Number, Last4: a.mask(),
		BankName: b.Name, HolderName: "Alberta Bobbeth Charleson", HolderType: "individual", AccountType: a.Subtype, CreatedAt: c.now.UTC()}
	c.put(token)
	return map[string]any{"stripe_bank_account_token": token.ID}, nil
}

// plaidNotReady is the answer about an account whose micro-deposits are on their way.
func plaidNotReady() *plaidError {
	return plaidFault(http.StatusBadRequest, "ITEM_ERROR", "PRODUCT_NOT_READY", "the requested product is not yet ready. please provide a webhook or try the request again later")
}

// verifyAccount is the end of the micro-deposits.
func verifyAccount(t *tx, accountID string) {
	for item := range all[plaidItem](t) {
		if item.Removed || !slices.ContainsFunc(item.Accounts, func(a plaidAccount) bool { return a.ID == accountID }) {
			continue
		}
		item, _ = edit[plaidItem](t, item.ID)
		a, _ := item.account(accountID)
		a.Verification = "automatically_verified"
		t.itemWebhook(item, "AUTH", "AUTOMATICALLY_VERIFIED", map[string]any{"account_id": accountID})
		return
	}
}

type sandboxPublicTokenRequest struct {
	plaidCredentials
	InstitutionID   string   `json:"institution_id"`
	InitialProducts []string `json:"initial_products"`
	Options         struct {
		Webhook          string `json:"webhook"`
		OverrideUsername string `json:"override_username"`
		OverridePassword string `json:"override_password"`
	} `json:"options"`
	UserToken string `json:"user_token"`
}

// createSandboxPublicToken is a visit to Link without a browser. Its answer carries, beyond Plaid's, the accounts, as
// onSuccess would.
func createSandboxPublicToken(c *plaidCall, in sandboxPublicTokenRequest) (any, error) {
	if err := plaidNeeds("institution_id", in.InstitutionID, "initial_products", first(in.InitialProducts)); err != nil {
		return nil, err
	}
	b, ok := bankByID(in.InstitutionID)
	if !ok {
		return nil, plaidInput("INVALID_INSTITUTION", "invalid institution_id provided")
	}
	if !slices.Equal(in.InitialProducts, []string{"auth"}) {
		return nil, plaidInput("INVALID_PRODUCT", "client is not authorized to access the following products: %q", in.InitialProducts)
	}
	if !isWebhook(in.Options.Webhook) {
		return nil, plaidInvalidField("webhook must be a valid URL")
	}
	if err := b.logIn(orDefault(in.Options.OverrideUsername, goodUser), orDefault(in.Options.OverridePassword, goodPassword)); err != nil {
		return nil, err
	}
	item, err := newItem(c.tx, b, in.Options.Webhook, []string{"checking", "savings"})
	if err != nil {
		return nil, err
	}
	accounts := make([]any, len(item.Accounts))
	for i := range item.Accounts {
		accounts[i] = item.Accounts[i].linkView()
	}
	return map[string]any{"public_token": newPublicToken(c.tx, item).Token, "account_id": item.Accounts[0].ID, "accounts": accounts}, nil
}
