package pay

import (
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	qrcode "github.com/skip2/go-qrcode"
)

// showLink is the link's address with its QR code, as a picture for paper. Only a page that is printed
// loads it, and only for the browser that came by the link.
func (h *Handlers) showLink(c echo.Context, v visit) error {
	url, err := h.invoicing.URL(v.link)
	if err != nil {
		return err
	}
	code, err := qrcode.New(url, qrcode.Medium)
	if err != nil {
		return fmt.Errorf("make QR code: %w", err)
	}
	code.DisableBorder = true
	var path strings.Builder
	rows := code.Bitmap()
	for y, row := range rows {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	const size = 88.0
	// The token is a line of its own: together they are too long for a sheet.
	cut := strings.LastIndex(url, "/") + 1
	picture := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="480" height="%v" viewBox="0 0 480 %v">`+
		`<path d="%s" transform="scale(%f)" shape-rendering="crispEdges"/>`+
		`<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13"><text x="106" y="40">%s</text><text x="106" y="60">%s</text></g></svg>`,
		size, size, path.String(), size/float64(len(rows)), html.EscapeString(url[:cut]), html.EscapeString(url[cut:]))
	return c.Blob(http.StatusOK, "image/svg+xml", []byte(picture))
}
