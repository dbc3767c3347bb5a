package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/catalogue"
	"paylink/templates"
)

// StatusClientClosed is what the log says of a request whose sender went away; nobody reads it.
const StatusClientClosed = 499

// Problem is an error as told to a program. https://www.rfc-editor.org/rfc/rfc9457
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Errors    []ProblemField `json:"errors,omitempty"`
	RequestID string         `json:"request_id"`
}

// ProblemField is one thing to change.
type ProblemField struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

// Status is the one map from errors to answers.
func Status(err error) int {
	switch paylink.KindOf(err) {
	case paylink.NotFound:
		return http.StatusNotFound
	case paylink.Invalid:
		return http.StatusUnprocessableEntity
	case paylink.Conflict:
		return http.StatusConflict
	case paylink.Declined:
		return http.StatusPaymentRequired
	case paylink.Unavailable:
		return http.StatusServiceUnavailable
	case paylink.TooMany:
		return http.StatusTooManyRequests
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return e.Code
	}
	if errors.Is(err, context.Canceled) {
		return StatusClientClosed
	}
	return http.StatusInternalServerError
}

// known gives the error as one that there are words for: the domain's own, or a general one for the
// status. A cause that is our fault never gets further than the log.
func known(w catalogue.Words, err error, status int) *paylink.Error {
	if e, ok := errors.AsType[*paylink.Error](err); ok && w.Has("error."+e.Code) {
		return e
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return &paylink.Error{Code: "status." + strconv.Itoa(status)}
	}
	if status < http.StatusInternalServerError {
		return &paylink.Error{Code: "status.400"}
	}
	return &paylink.Error{Code: "status.500"}
}

// Fail answers an error: a page for a browser, a problem document for a program. It is Echo's
// HTTPErrorHandler; a page that can say it better answers for itself.
func (r *Renderer) Fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := Status(err)
	e := known(r.Words(c, r.Locale(c)), err, status)
	if e.After > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int((e.After+time.Second-1)/time.Second)))
	}
	retryAfter(c, status)
	var failed error
	switch {
	case c.Request().Method == http.MethodHead:
		failed = c.NoContent(status)
	case wantsProblem(c.Request()):
		failed = r.problem(c, status, e)
	default:
		failed = r.Show(c, status, r.errorPage(c, status, e))
	}
	if failed != nil && !c.Response().Committed {
		http.Error(c.Response(), http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// retryAfter says when to try again, where that is what helps and nobody said it better.
func retryAfter(c echo.Context, status int) {
	h := c.Response().Header()
	if (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "60")
	}
}

// wantsProblem tells programs from browsers: by where they ask, by what they take, by what they send.
func wantsProblem(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/webhooks/") {
		return true
	}
	if accept := r.Header.Get("Accept"); strings.Contains(accept, "json") {
		return !strings.Contains(accept, "text/html")
	}
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

func (r *Renderer) problem(c echo.Context, status int, e *paylink.Error) error {
	w := r.Words(c, r.Locale(c))
	p := Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: e.Code,
		Detail: w.Error(e.Code, e.Args), RequestID: RequestID(c),
	}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Field: f.Field, Code: f.Code, Detail: w.Error(f.Code, f.Args)})
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return c.Blob(status, "application/problem+json", body)
}

// errorPage tells what happened under a heading of its own, or of the status.
func (r *Renderer) errorPage(c echo.Context, status int, e *paylink.Error) templates.ErrorPage {
	w := r.Words(c, r.Locale(c))
	code, args := "error."+e.Code, e.Args
	if len(e.Fields) > 0 {
		code, args = "error."+e.Fields[0].Code, e.Fields[0].Args
	}
	heading := "error." + e.Code + ".title"
	if !w.Has(heading) {
		heading = "error.title." + strconv.Itoa(status)
	}
	if !w.Has(heading) {
		heading = "error.title.other"
	}
	v := templates.ErrorPage{Frame: r.Frame(c, r.Locale(c), heading)}
	v.Answer = templates.Answer{Colour: "mute", Icon: "info", Heading: v.T(heading), Lead: v.T(code, args...)}
	if status >= http.StatusInternalServerError {
		v.Answer.Colour, v.Answer.Icon = "warn", "triangle"
	}
	if status == http.StatusInternalServerError {
		v.ID = RequestID(c)
	}
	return v
}
