package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paylink/config"
)

func good() map[string]string {
	return map[string]string{
		"PAYLINK_BASE_URL":       "https://pay.firm.example",
		"PAYLINK_SECRET_KEYS":    "k1:" + strings.Repeat("ab", 32),
		"STRIPE_SECRET_KEY":      "sk_test_canary",
		"STRIPE_PUBLISHABLE_KEY": "pk_test_1",
		"STRIPE_WEBHOOK_SECRET":  "whsec_canary",
		"SMTP_URL":               "smtp://user:canary@mail.firm.example:587",
		"MAIL_FROM":              "Firm <billing@firm.example>",
	}
}

func with(changes map[string]string) func(string) string {
	env := good()
	maps.Copy(env, changes)
	return func(name string) string { return env[name] }
}

func TestGoodEnvironment(t *testing.T) {
	c, err := config.FromEnv(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Limits != "strict" || c.Live() {
		t.Errorf("defaults: %+v", c)
	}
}

func TestBadEnvironmentIsRefusedWithWhatToDo(t *testing.T) {
	live := map[string]string{"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_PUBLISHABLE_KEY": "pk_live_1"}
	and := func(more map[string]string) map[string]string {
		all := maps.Clone(live)
		maps.Copy(all, more)
		return all
	}
	for name, test := range map[string]struct {
		env  map[string]string
		says string
	}{
		"no keys":            {map[string]string{"PAYLINK_SECRET_KEYS": ""}, "PAYLINK_SECRET_KEYS is not set"},
		"plain http":         {map[string]string{"PAYLINK_BASE_URL": "http://pay.firm.example"}, "must be https"},
		"a path":             {map[string]string{"PAYLINK_BASE_URL": "https://firm.example/pay"}, "write https://firm.example"},
		"a user":             {map[string]string{"PAYLINK_BASE_URL": "https://a:b@firm.example"}, "no path, user or query"},
		"no port":            {map[string]string{"PAYLINK_ADDR": "8080"}, "PAYLINK_ADDR"},
		"other database":     {map[string]string{"PAYLINK_DATABASE": "mysql://x"}, "PAYLINK_DATABASE"},
		"publishable first":  {map[string]string{"STRIPE_SECRET_KEY": "pk_test_1"}, "must begin with sk_test_"},
		"modes mixed":        {map[string]string{"STRIPE_PUBLISHABLE_KEY": "pk_live_1"}, "use keys of one mode"},
		"webhook secret":     {map[string]string{"STRIPE_WEBHOOK_SECRET": "abc"}, "whsec_"},
		"limits":             {map[string]string{"PAYLINK_LIMITS": "no"}, "PAYLINK_LIMITS"},
		"limits off live":    {and(map[string]string{"PAYLINK_LIMITS": "off"}), "for test keys"},
		"sandbox live":       {and(map[string]string{"STRIPE_API_BASE": "http://127.0.0.1:9000"}), "keys are live"},
		"likeness live":      {and(map[string]string{"STRIPE_JS_URL": "https://js.evilstripe.com/v3/"}), "keys are live"},
		"smtp":               {map[string]string{"SMTP_URL": "mail.firm.example"}, "SMTP_URL"},
		"half of plaid":      {map[string]string{"PLAID_CLIENT_ID": "1"}, "set both or none"},
		"no plaid":           {map[string]string{"PLAID_ACH": "on"}, "PLAID_CLIENT_ID is not set"},
		"plaid or so":        {map[string]string{"PLAID_ACH": "perhaps"}, "on or off"},
		"plaid's path":       {map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary", "PLAID_API_BASE": "https://sandbox.plaid.com/v1"}, "PLAID_API_BASE"},
		"plaid in clear":     {map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary", "PLAID_API_BASE": "http://sandbox.plaid.com"}, "PLAID_API_BASE"},
		"plaid for real":     {map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary"}, "https://sandbox.plaid.com"},
		"plaid not for real": {and(map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary", "PLAID_API_BASE": "https://sandbox.plaid.com"}), "keys are live"},
		"another's link":     {and(map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary", "PLAID_JS_URL": "https://cdn.plaid.example/x.js"}), "PLAID_JS_URL"},
		"proxy":              {map[string]string{"PAYLINK_TRUSTED_PROXIES": "10.0.0.1"}, "not a network"},
		"missing file":       {map[string]string{"STRIPE_SECRET_KEY": "", "STRIPE_SECRET_KEY_FILE": "/nowhere"}, "STRIPE_SECRET_KEY_FILE"},
		"both":               {map[string]string{"STRIPE_SECRET_KEY_FILE": "/nowhere"}, "keep one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.FromEnv(with(test.env))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestBankAccountsBecomeKnownAsSaid(t *testing.T) {
	plaid := map[string]string{"PLAID_CLIENT_ID": "1", "PLAID_SECRET": "canary", "PLAID_API_BASE": "https://sandbox.plaid.com"}
	off := maps.Clone(plaid)
	off["PLAID_ACH"] = "off"
	for want, env := range map[string]map[string]string{"": nil, "plaid": plaid, "deposits": off} {
		c, err := config.FromEnv(with(env))
		if err != nil || c.Bank() != want || strings.Contains(c.String(), "canary") {
			t.Errorf("%q, want %q: %v\n%s", c.Bank(), want, err, c)
		}
	}
}

func TestEveryMistakeIsSaidAtOnce(t *testing.T) {
	_, err := config.FromEnv(func(string) string { return "" })
	for _, name := range []string{"PAYLINK_SECRET_KEYS", "STRIPE_SECRET_KEY", "SMTP_URL", "MAIL_FROM"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}

func TestSecretsComeFromFilesAndStayHidden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("sk_test_canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.FromEnv(with(map[string]string{"STRIPE_SECRET_KEY": "", "STRIPE_SECRET_KEY_FILE": path}))
	if err != nil || c.StripeSecretKey != "sk_test_canary" {
		t.Fatalf("key %q, %v", c.StripeSecretKey, err)
	}
	if printed := c.String(); strings.Contains(printed, "canary") || strings.Contains(printed, "abab") {
		t.Errorf("printed with a secret:\n%s", printed)
	}
	if !strings.Contains(config.Describe(), "PAYLINK_TRUSTED_PROXIES") {
		t.Error("a variable is not described")
	}
}
