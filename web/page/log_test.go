package page_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"paylink"
)

// Nothing that opens something is in the log: tokens in whatever spelling, codes, queries, forms.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	const secret = "Zm9vYmFyYmF6cXV1eGZvb2JhcmJhenF1dXhmb29iYXI"
	s := newSite(t, "http://127.0.0.1:8080")
	s.GET("/l/:token", func(c echo.Context) error {
		_, err := paylink.ParseToken(c.Param("token") + "x")
		return err
	})
	s.GET("/v/:code", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	s.POST("/pay/:link", func(c echo.Context) error { return echo.NewHTTPError(http.StatusBadRequest, secret) })
	for _, path := range []string{"/l/" + secret, "/l/" + secret + "/", "/L/" + secret, "//l/" + secret, "/" + secret, "/v/" + secret, "/static/" + secret, "/pay/lnk_1?payment_intent_client_secret=" + secret} {
		s.ask("GET", path, "", "Referer", "http://127.0.0.1/l/"+secret, "Cookie", "a="+secret)
		s.ask("POST", path, "token="+secret, "Content-Type", formType)
	}
	if strings.Contains(s.log.String(), secret) {
		t.Errorf("the log has it:\n%s", &s.log)
	}
	if !strings.Contains(s.log.String(), "path=/pay/lnk_1") || !strings.Contains(s.log.String(), "path=/l/:token") {
		t.Errorf("the log says too little:\n%s", &s.log)
	}
}

// A person who goes away is no fault of ours.
func TestAVisitorWhoLeavesIsNoError(t *testing.T) {
	s := newSite(t, "http://127.0.0.1:8080")
	s.GET("/x", func(c echo.Context) error {
		ctx, leave := context.WithCancel(c.Request().Context())
		leave()
		return ctx.Err()
	})
	s.ask("GET", "/x", "")
	if !strings.Contains(s.log.String(), "level=INFO") || !strings.Contains(s.log.String(), "status=499") {
		t.Error(s.log.String())
	}
}
