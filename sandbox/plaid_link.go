package sandbox

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// linkToken lets one browser open Link once (https://plaid.com/docs/api/link/#linktokencreate).
type linkToken struct {
	Token         string    `json:"token"`
	Expires       time.Time `json:"expires"` // sandbox clock
	ClientName    string    `json:"client_name"`
	Webhook       string    `json:"webhook"`
	RedirectURI   string    `json:"redirect_uri"`
	Subtypes      []string  `json:"subtypes"` // of accounts shown
	Update        string    `json:"update"`   // the item that is repaired; "" makes a new one
	SelectAccount bool      `json:"select_account"`
}

func (*linkToken) kind() string  { return "plaid_link_token" }
func (l *linkToken) key() string { return l.Token }

// How long tokens live: https://plaid.com/docs/api/link/#link-token-create-response-expiration and
// https://plaid.com/docs/api/items/#itempublic_tokenexchange.
const (
	linkTokenLives       = 4 * time.Hour
	updateLinkTokenLives = 30 * time.Minute
	publicTokenLives     = 30 * time.Minute
)

// plaidToken is a token in Plaid's form: kind, environment, identifier.
func plaidToken(kind string) string { return kind + "-sandbox-" + newUUID() }

// linkTokenRequest has the fields that matter here, and as raw JSON those of other products, which are taken and left.
type linkTokenRequest struct {
	plaidCredentials
	ClientName   string   `json:"client_name"`
	Language     string   `json:"language"`
	CountryCodes []string `json:"country_codes"`
	User         *struct {
		ClientUserID            string          `json:"client_user_id"`
		LegalName               string          `json:"legal_name"`
		Name                    json.RawMessage `json:"name"`
		PhoneNumber             string          `json:"phone_number"`
		PhoneNumberVerifiedTime json.RawMessage `json:"phone_number_verified_time"`
		EmailAddress            string          `json:"email_address"`
		EmailVerifiedTime       json.RawMessage `json:"email_address_verified_time"`
		SSN                     string          `json:"ssn"`
		DateOfBirth             json.RawMessage `json:"date_of_birth"`
		Address                 json.RawMessage `json:"address"`
		IDNumber                json.RawMessage `json:"id_number"`
	} `json:"user"`
	Products       []string `json:"products"`
	Webhook        string   `json:"webhook"`
	AccessToken    string   `json:"access_token"`
	RedirectURI    string   `json:"redirect_uri"`
	AccountFilters struct {
		Depository *struct {
			Subtypes []string `json:"account_subtypes"`
		} `json:"depository"`
		Credit     json.RawMessage `json:"credit"`
		Loan       json.RawMessage `json:"loan"`
		Investment json.RawMessage `json:"investment"`
		Other      json.RawMessage `json:"other"`
	} `json:"account_filters"`
	Update struct {
		AccountSelection bool `json:"account_selection_enabled"`
	} `json:"update"`

	OptionalProducts            []string        `json:"optional_products"`
	RequiredIfSupportedProducts []string        `json:"required_if_supported_products"`
	AdditionalConsentedProducts []string        `json:"additional_consented_products"`
	LinkCustomizationName       string          `json:"link_customization_name"`
	AndroidPackageName          string          `json:"android_package_name"`
	InstitutionData             json.RawMessage `json:"institution_data"`
	InstitutionID               string          `json:"institution_id"`
	Auth                        json.RawMessage `json:"auth"`
	UserToken                   string          `json:"user_token"`
	HostedLink                  json.RawMessage `json:"hosted_link"`
	Transactions                json.RawMessage `json:"transactions"`
}

func createLinkToken(c *plaidCall, in linkTokenRequest) (any, error) {
	user, products := "", first(in.Products)
	if in.User != nil {
		user = in.User.ClientUserID
	}
	if in.AccessToken != "" {
		products = "auth" // update mode names none
	}
	if err := plaidNeeds("client_name", in.ClientName, "language", in.Language, "country_codes", first(in.CountryCodes), "user.client_user_id", user, "products", products); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	l := &linkToken{Token: plaidToken("link"), Expires: c.now.Add(linkTokenLives), ClientName: in.ClientName, Webhook: in.Webhook, RedirectURI: in.RedirectURI,
		Subtypes: []string{"checking", "savings"}, SelectAccount: in.Update.AccountSelection}
	if f := in.AccountFilters.Depository; f != nil && !slices.Contains(f.Subtypes, "all") {
		l.Subtypes = f.Subtypes
	}
	if in.AccessToken != "" {
		item, err := c.brokenItem(in.AccessToken)
		if err != nil {
			return nil, err
		}
		l.Update, l.Expires = item.ID, c.now.Add(updateLinkTokenLives)
	}
	c.put(l)
	return map[string]any{"link_token": l.Token, "expiration": l.Expires.UTC().Format(time.RFC3339)}, nil
}

// maxClientName is Plaid's: "client_name must be 30 characters or less".
const maxClientName = 30

// check refuses what Plaid does, and what is not in this sandbox.
func (in *linkTokenRequest) check() error {
	if utf8.RuneCountInString(in.ClientName) > maxClientName {
		return plaidInvalidField("client_name must be %d characters or less", maxClientName)
	}
	if !slices.Equal(in.CountryCodes, []string{"US"}) {
		return plaidInvalidField(`country_codes must be ["US"] in this sandbox`)
	}
	if !slices.Contains(strings.Fields("da de en es et fr hi it lt lv nl no pl pt ro sv vi"), in.Language) {
		return plaidInvalidField("language must be one of the supported languages")
	}
	if in.AccessToken == "" && !slices.Equal(in.Products, []string{"auth"}) {
		return plaidInput("INVALID_PRODUCT", "client is not authorized to access the following products: %q", in.Products)
	}
	if f := in.AccountFilters.Depository; f != nil {
		known := strings.Fields("all checking savings hsa cd paypal prepaid ebt")
		for _, subtype := range f.Subtypes {
			if !slices.Contains(append(known, "money market", "cash management"), subtype) {
				return plaidInvalidField("account_filters.depository.account_subtypes: %s is not a subtype", subtype)
			}
		}
	}
	if !isWebhook(in.Webhook) {
		return plaidInvalidField("webhook must be a valid URL")
	}
	return checkRedirect(in.RedirectURI)
}

func isWebhook(address string) bool {
	u, err := url.Parse(address)
	return address == "" || err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// checkRedirect follows https://plaid.com/docs/link/oauth/#create-and-register-a-redirect-uri: https (or plain http on this
// machine), no query.
func checkRedirect(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return plaidInvalidField("OAuth redirect URI must be a valid URL")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return plaidInvalidField("OAuth redirect URI must not contain any query parameters")
	case u.Scheme == "https", u.Scheme == "http" && local:
		return nil
	}
	return plaidInvalidField("OAuth redirect URI must be HTTPS")
}

// openToken finds a link token that a browser may still use.
func openToken(t *tx, token string) (*linkToken, error) {
	l, ok := get[linkToken](t, token)
	if !ok || t.now.After(l.Expires) {
		return nil, plaidFault(http.StatusBadRequest, "INVALID_INPUT", "INVALID_LINK_TOKEN", "the provided link token is invalid or has expired. try again with a new link token")
	}
	return l, nil
}
