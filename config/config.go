// Package config reads the environment into a Config: every value validated, every mistake said at
// once and in words that tell what to do, every secret hidden when printed.
//
// It opens nothing and knows no package of ours: cmd hands the values on.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"
)

// Config is everything that the environment says. A secret may also be given as NAME_FILE, the path
// of a file that holds it.
type Config struct {
	Addr           string         `env:"PAYLINK_ADDR" default:"127.0.0.1:8080" help:"where to listen"`
	MetricsAddr    string         `env:"PAYLINK_METRICS_ADDR" help:"where /metrics listens; none by default"`
	BaseURL        string         `env:"PAYLINK_BASE_URL" default:"http://127.0.0.1:8080" help:"the address that customers see"`
	Database       string         `env:"PAYLINK_DATABASE" default:"sqlite:paylink.db" secret:"url" help:"sqlite:PATH or postgres://…"`
	SecretKeys     string         `env:"PAYLINK_SECRET_KEYS" required:"true" secret:"true" help:"key ring: id:64 hex digits, comma-separated; the first seals, all open"`
	Limits         string         `env:"PAYLINK_LIMITS" default:"strict" help:"strict, or off with test keys"`
	Migrate        string         `env:"PAYLINK_MIGRATE" default:"manual" help:"manual, or auto: each start brings the database up to date"`
	TimeZone       string         `env:"PAYLINK_TIMEZONE" default:"UTC" help:"the firm's time zone until its settings say another"`
	TrustedProxies []netip.Prefix `env:"PAYLINK_TRUSTED_PROXIES" help:"networks whose X-Forwarded-For counts, comma-separated"`

	StripeSecretKey      string `env:"STRIPE_SECRET_KEY" required:"true" secret:"true" help:"sk_… or rk_…"`
	StripePublishableKey string `env:"STRIPE_PUBLISHABLE_KEY" required:"true" help:"pk_…"`
	StripeWebhookSecret  string `env:"STRIPE_WEBHOOK_SECRET" required:"true" secret:"true" help:"whsec_…; two, comma-separated, during a rotation"`
	StripeAPIBase        string `env:"STRIPE_API_BASE" help:"another address of Stripe's API; for the sandbox"`
	StripeJSURL          string `env:"STRIPE_JS_URL" default:"https://js.stripe.com/v3/" help:"where Stripe.js comes from"`

	PlaidClientID string `env:"PLAID_CLIENT_ID" help:"Plaid's client id; without it nobody links a bank account by login"`
	PlaidSecret   string `env:"PLAID_SECRET" secret:"true" help:"Plaid's secret of the same environment"`
	PlaidAPIBase  string `env:"PLAID_API_BASE" default:"https://production.plaid.com" help:"Plaid's address; https://sandbox.plaid.com with test keys"`
	PlaidJSURL    string `env:"PLAID_JS_URL" default:"https://cdn.plaid.com/link/v2/stable/link-initialize.js" help:"where Plaid Link comes from"`
	PlaidACH      string `env:"PLAID_ACH" help:"on: bank accounts by Plaid (default with PLAID_CLIENT_ID); off: by number, proven with a small deposit"`

	SMTPURL  string `env:"SMTP_URL" required:"true" secret:"url" help:"smtp://user:pass@host:587 or smtps://…"`
	MailFrom string `env:"MAIL_FROM" required:"true" help:"the sender: Firm <billing@firm.example>"`
}

// FromEnv reads the environment. The error lists everything that is wrong, one line each.
func FromEnv(getenv func(string) string) (Config, error) {
	var c Config
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	value := reflect.ValueOf(&c).Elem()
	for n := range value.NumField() {
		field := value.Type().Field(n)
		name := field.Tag.Get("env")
		text, err := lookup(getenv, name, field.Tag.Get("secret") != "")
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if text == "" {
			text = field.Tag.Get("default")
		}
		if text == "" && field.Tag.Get("required") != "" {
			refuse("%s is not set: %s", name, field.Tag.Get("help"))
		}
		switch to := value.Field(n).Addr().Interface().(type) {
		case *string:
			*to = text
		case *[]netip.Prefix:
			for part := range strings.SplitSeq(text, ",") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				network, err := netip.ParsePrefix(part)
				if err != nil {
					refuse("%s: %q is not a network such as 10.0.0.0/8", name, part)
				}
				*to = append(*to, network)
			}
		}
	}
	c.check(refuse)
	return c, errors.Join(wrong...)
}

// Lookup reads one variable as FromEnv does: a secret perhaps from its file, else the default. It is
// for a program that needs little of the environment.
func Lookup(getenv func(string) string, name string) (string, error) {
	kind := reflect.TypeFor[Config]()
	for n := range kind.NumField() {
		if field := kind.Field(n); field.Tag.Get("env") == name {
			text, err := lookup(getenv, name, field.Tag.Get("secret") != "")
			if err == nil && text == "" {
				text = field.Tag.Get("default")
			}
			return text, err
		}
	}
	return "", fmt.Errorf("there is no variable %s", name)
}

// lookup gives NAME, or for a secret what the file of NAME_FILE holds.
func lookup(getenv func(string) string, name string, secret bool) (string, error) {
	text := strings.TrimSpace(getenv(name))
	path := getenv(name + "_FILE")
	if !secret || path == "" {
		return text, nil
	}
	if text != "" {
		return "", fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(body)), nil
}

// check says what the values must be to each other.
func (c Config) check(refuse func(string, ...any)) {
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		refuse("PAYLINK_BASE_URL must be like https://pay.firm.example")
	case base.User != nil || base.Path != "" || base.RawQuery != "" || base.Fragment != "":
		refuse("PAYLINK_BASE_URL must have no path, user or query: write %s://%s", base.Scheme, base.Host)
	case base.Scheme == "http" && !loopback(base.Hostname()):
		refuse("PAYLINK_BASE_URL must be https unless it is this machine: links are secrets")
	}
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		refuse("PAYLINK_ADDR must be like 127.0.0.1:8080")
	}
	if !strings.HasPrefix(c.Database, "sqlite:") && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		refuse("PAYLINK_DATABASE must be sqlite:PATH or postgres://…")
	}
	if c.Limits != "strict" && c.Limits != "off" {
		refuse("PAYLINK_LIMITS must be strict or off")
	}
	if c.Migrate != "manual" && c.Migrate != "auto" {
		refuse("PAYLINK_MIGRATE must be manual or auto")
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		refuse("PAYLINK_TIMEZONE: %q is not a time zone such as America/Los_Angeles", c.TimeZone)
	}
	c.checkStripe(refuse)
	c.checkPlaid(refuse)
	if c.SMTPURL != "" {
		relay, err := url.Parse(c.SMTPURL)
		if err != nil || relay.Host == "" || relay.Scheme != "smtp" && relay.Scheme != "smtps" {
			refuse("SMTP_URL must be like smtp://user:password@mail.firm.example:587")
		}
	}
}

func (c Config) checkStripe(refuse func(string, ...any)) {
	secret, publishable := mode(c.StripeSecretKey, "sk_", "rk_"), mode(c.StripePublishableKey, "pk_")
	if c.StripeSecretKey != "" && secret == "" {
		refuse("STRIPE_SECRET_KEY must begin with sk_test_, sk_live_, rk_test_ or rk_live_")
	}
	if c.StripePublishableKey != "" && publishable == "" {
		refuse("STRIPE_PUBLISHABLE_KEY must begin with pk_test_ or pk_live_")
	}
	if secret != "" && publishable != "" && secret != publishable {
		refuse("STRIPE_SECRET_KEY is %s and STRIPE_PUBLISHABLE_KEY is %s: use keys of one mode", secret, publishable)
	}
	for part := range strings.SplitSeq(c.StripeWebhookSecret, ",") {
		if c.StripeWebhookSecret != "" && !strings.HasPrefix(strings.TrimSpace(part), "whsec_") {
			refuse("STRIPE_WEBHOOK_SECRET must begin with whsec_")
		}
	}
	if secret != "live" {
		return
	}
	if c.Limits == "off" {
		refuse("PAYLINK_LIMITS=off is for test keys: with live keys the limits stay on")
	}
	for name, address := range map[string]string{"STRIPE_API_BASE": c.StripeAPIBase, "STRIPE_JS_URL": c.StripeJSURL} {
		if parsed, err := url.Parse(address); address != "" && (err != nil || parsed.Scheme != "https" || !strings.HasSuffix("."+parsed.Host, ".stripe.com")) {
			refuse("%s is not Stripe's, but the keys are live: remove it", name)
		}
	}
	if base, err := url.Parse(c.BaseURL); err == nil && base.Scheme != "https" {
		refuse("PAYLINK_BASE_URL must be https with live keys")
	}
}

func (c Config) checkPlaid(refuse func(string, ...any)) {
	switch {
	case c.PlaidACH != "" && c.PlaidACH != "on" && c.PlaidACH != "off":
		refuse("PLAID_ACH must be on or off")
	case c.PlaidACH == "on" && c.PlaidClientID == "":
		refuse("PLAID_ACH is on, but PLAID_CLIENT_ID is not set")
	}
	if (c.PlaidClientID == "") != (c.PlaidSecret == "") {
		refuse("PLAID_CLIENT_ID and PLAID_SECRET go together: set both or none")
	}
	if c.PlaidClientID == "" {
		return
	}
	base, err := url.Parse(c.PlaidAPIBase)
	switch {
	case err != nil || base.Host == "" || base.Path != "" || base.Scheme != "https" && !loopback(base.Hostname()):
		refuse("PLAID_API_BASE must be like https://production.plaid.com")
	case c.Live() && c.PlaidAPIBase != "https://production.plaid.com":
		refuse("PLAID_API_BASE is not Plaid's production, but Stripe's keys are live: remove it")
	case !c.Live() && base.Hostname() == "production.plaid.com":
		refuse("PLAID_API_BASE must be https://sandbox.plaid.com with Stripe's test keys")
	}
	if script, err := url.Parse(c.PlaidJSURL); c.Live() && (err != nil || script.Scheme != "https" || script.Host != "cdn.plaid.com") {
		refuse("PLAID_JS_URL is not Plaid's, but Stripe's keys are live: remove it")
	}
}

// Bank says how bank accounts become known: "plaid" by a login at the bank, "deposits" by number and
// a small deposit, "" not at all.
func (c Config) Bank() string {
	switch {
	case c.PlaidACH == "off":
		return "deposits"
	case c.PlaidClientID != "":
		return "plaid"
	}
	return ""
}

// mode is test or live by the prefix of a key; "" when it is no such key.
func mode(key string, prefixes ...string) string {
	for _, prefix := range prefixes {
		for _, mode := range []string{"test", "live"} {
			if strings.HasPrefix(key, prefix+mode+"_") {
				return mode
			}
		}
	}
	return ""
}

// Live says whether the keys move real money.
func (c Config) Live() bool { return mode(c.StripeSecretKey, "sk_", "rk_") == "live" }

// WebhookSecrets are the secrets that a webhook may be signed by: two during a rotation.
func (c Config) WebhookSecrets() []string {
	var secrets []string
	for part := range strings.SplitSeq(c.StripeWebhookSecret, ",") {
		if part = strings.TrimSpace(part); part != "" {
			secrets = append(secrets, part)
		}
	}
	return secrets
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// String prints the configuration as an environment without its secrets, for a log or a question.
func (c Config) String() string {
	var b strings.Builder
	value := reflect.ValueOf(c)
	for n := range value.NumField() {
		field := value.Type().Field(n)
		text := fmt.Sprint(value.Field(n).Interface())
		switch {
		case text == "" || text == "[]":
		case field.Tag.Get("secret") == "url":
			if parsed, err := url.Parse(text); err == nil {
				text = parsed.Redacted()
			} else {
				text = "[hidden]"
			}
		case field.Tag.Get("secret") != "":
			text = "[hidden]"
		}
		fmt.Fprintf(&b, "%s=%s\n", field.Tag.Get("env"), text)
	}
	return b.String()
}

// Describe lists every variable with its default and what it is for.
func Describe() string {
	var b strings.Builder
	kind := reflect.TypeFor[Config]()
	for n := range kind.NumField() {
		field := kind.Field(n)
		note := field.Tag.Get("help")
		switch {
		case field.Tag.Get("required") != "":
			note += " (required)"
		case field.Tag.Get("default") != "":
			note += " (default " + field.Tag.Get("default") + ")"
		}
		fmt.Fprintf(&b, "  %-24s %s\n", field.Tag.Get("env"), note)
	}
	return b.String()
}
