package page

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// policy is a Content-Security-Policy: nothing but what it names, never anything inline.
type policy struct {
	scripts, frames, connects, images []string
	inlineStyles                      bool
}

func (p policy) String() string {
	list := func(directive string, sources ...string) string {
		return "; " + directive + " " + strings.Join(sources, " ")
	}
	styles := []string{"'self'"}
	if p.inlineStyles {
		styles = append(styles, "'unsafe-inline'")
	}
	s := "default-src 'none'" +
		list("script-src", append([]string{"'self'"}, p.scripts...)...) +
		list("style-src", styles...) +
		list("img-src", append([]string{"'self'", "data:"}, p.images...)...) +
		list("connect-src", append([]string{"'self'"}, p.connects...)...) +
		list("frame-src", append([]string{"'self'"}, p.frames...)...)
	return s + "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// AllowStripe lets the page that is about to be shown load Stripe's card field, and nothing else of
// the world. https://docs.stripe.com/security/guide#content-security-policy
func (r *Renderer) AllowStripe(c echo.Context) {
	c.Response().Header().Set("Content-Security-Policy", r.stripe)
}

func stripePolicy(scriptURL string) policy {
	u, err := url.Parse(scriptURL)
	if err != nil || u.Host == "" {
		return policy{}
	}
	if u.Host == "js.stripe.com" {
		return policy{
			scripts:  []string{"https://js.stripe.com", "https://*.js.stripe.com"},
			frames:   []string{"https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"},
			connects: []string{"https://api.stripe.com"},
			images:   []string{"https://*.stripe.com"},
		}
	}
	origin := []string{u.Scheme + "://" + u.Host}
	return policy{scripts: origin, frames: origin, connects: origin, images: origin}
}

// AllowPlaid lets the one page that is about to be shown open Plaid Link, and nothing else of the world.
func (r *Renderer) AllowPlaid(c echo.Context) {
	c.Response().Header().Set("Content-Security-Policy", r.plaid)
}

// plaidPolicy is what https://plaid.com/docs/link/web/#csp-directives asks for, without its inline
// scripts: Link's own script writes styles into the page, and no script.
func plaidPolicy(scriptURL string) policy {
	u, err := url.Parse(scriptURL)
	if err != nil || u.Host == "" {
		return policy{}
	}
	if u.Host == "cdn.plaid.com" {
		return policy{
			scripts: []string{scriptURL}, frames: []string{"https://cdn.plaid.com"},
			connects: []string{"https://production.plaid.com", "https://sandbox.plaid.com"}, inlineStyles: true,
		}
	}
	origin := []string{u.Scheme + "://" + u.Host}
	return policy{scripts: []string{scriptURL}, frames: origin, connects: origin}
}

// headers are set on every answer; a handler may change one before it writes.
func (r *Renderer) headers(next echo.HandlerFunc) echo.HandlerFunc {
	strict := policy{}.String()
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", strict)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups") // a bank's window may be opened by Stripe
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		// A link's address is a secret. Elsewhere the form's Origin must not be null.
		h.Set("Referrer-Policy", "same-origin")
		if strings.HasPrefix(c.Request().URL.Path, "/l/") {
			h.Set("Referrer-Policy", "no-referrer")
		}
		if r.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}
