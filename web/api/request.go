package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/invoicing"
	"paylink/store"
)

// read decodes the body strictly: one JSON value of UTF-8, no unknown and no repeated name, whole
// numbers where whole numbers belong. What is wrong is named by its place. It also gives what makes
// the request happen once, if the program asked for that.
func read(c echo.Context, into any) (invoicing.Once, error) {
	var once invoicing.Once
	if media, _, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); err != nil || media != echo.MIMEApplicationJSON {
		return once, echo.NewHTTPError(http.StatusUnsupportedMediaType)
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return once, err
	}
	if err := decode(body, into); err != nil {
		return once, err
	}
	return idempotency(c, body)
}

func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok {
		switch {
		case errors.Is(wrong.Err, json.ErrUnknownName):
			return paylink.FailField(place(wrong.JSONPointer), "json.unknown")
		case errors.Is(err, jsontext.ErrDuplicateName):
			return paylink.FailField(place(wrong.JSONPointer), "json.repeated")
		}
		return paylink.FailField(place(wrong.JSONPointer), "json.type")
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		return paylink.FailField(place(wrong.JSONPointer), "json.repeated")
	}
	return &paylink.Error{Kind: paylink.Invalid, Code: "json.syntax", Err: err}
}

// place writes a JSON pointer the way errors name fields: "/lines/0/quantity" is lines[0].quantity.
func place(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			fmt.Fprintf(&b, "[%s]", token)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if len(token) > 60 {
			token = token[:60] + "…"
		}
		b.WriteString(strings.ToValidUTF8(token, "�"))
	}
	return b.String()
}

// idempotency reads the Idempotency-Key. The hash is of what was asked and where: the same key for
// anything else is refused.
func idempotency(c echo.Context, body []byte) (invoicing.Once, error) {
	text := c.Request().Header.Get("Idempotency-Key")
	if text == "" {
		return invoicing.Once{}, nil
	}
	if len(text) > 255 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return invoicing.Once{}, paylink.FailField("Idempotency-Key", "idempotency.key")
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", c.Request().URL.Path)
	sum.Write(body)
	return invoicing.Once{Scope: key(c).ID, Key: text, Hash: hex.EncodeToString(sum.Sum(nil))}, nil
}

// mostPerPage is how many items one answer lists at most.
const mostPerPage = 100

// pageOf reads limit and cursor.
func pageOf(c echo.Context) (store.Page, error) {
	page := store.Page{Limit: 25, Cursor: c.QueryParam("cursor")}
	if text := c.QueryParam("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostPerPage {
			return page, paylink.FailField("limit", "api.limit", "most", mostPerPage)
		}
		page.Limit = n
	}
	return page, nil
}

// plain says whether a text is UTF-8 without control characters. PostgreSQL takes no other.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// only refuses query parameters that do not exist, so that a misspelt filter does not list
// everything, and those that are no text.
func only(c echo.Context, names ...string) error {
	var wrong paylink.Fields
	for name, values := range c.QueryParams() {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		switch {
		case !known:
			wrong.Add(name, "json.unknown")
		case len(values) > 1:
			wrong.Add(name, "json.repeated")
		case !plain(values[0]):
			wrong.Add(name, "one_line")
		}
	}
	return wrong.Err()
}
