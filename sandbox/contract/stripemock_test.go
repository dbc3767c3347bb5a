package contract

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

func clientOf(url, key string, httpClient *stripe.BackendConfig) *client.API {
	backend := func(kind stripe.SupportedBackend) stripe.Backend {
		c := *httpClient
		c.URL, c.MaxNetworkRetries, c.EnableTelemetry = stripe.String(url), stripe.Int64(0), stripe.Bool(false)
		c.LeveledLogger = &stripe.LeveledLogger{Level: stripe.LevelNull}
		return stripe.GetBackendWithConfig(kind, &c)
	}
	return client.New(key, &stripe.Backends{API: backend(stripe.APIBackend), Connect: backend(stripe.ConnectBackend), Uploads: backend(stripe.UploadsBackend)})
}

func TestStripeMock_RunsInBothVersions(t *testing.T) {
	for _, version := range []string{Stripe20231016, StripeLatest} {
		sc := clientOf(StartStripeMock(t, version), "sk_test_123", &stripe.BackendConfig{})
		if _, err := sc.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada")}); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		p := &stripe.CustomerParams{}
		p.AddExtra("nonsense", "1")
		if _, err := sc.Customers.New(p); err == nil {
			t.Errorf("%s accepts an unknown parameter", version)
		}
	}
}
