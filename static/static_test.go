package static_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"paylink/static"
)

func get(f *static.Files, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestAFileIsKeptForEverUnderItsOwnAddress(t *testing.T) {
	f := static.Load()
	for name, kind := range map[string]string{"pay.css": "text/css", "desk.css": "text/css", "pay.js": "text/javascript", "icon.svg": "image/svg+xml"} {
		url := f.URL(name)
		plain, small := get(f, url), get(f, url, "Accept-Encoding", "br, gzip")
		if plain.Code != 200 || !strings.HasPrefix(plain.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %d %v", url, plain.Code, plain.Header())
		}
		if got := plain.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s may be kept: %q", url, got)
		}
		if small.Header().Get("Content-Encoding") != "gzip" || small.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s is not compressed: %v", url, small.Header())
		}
		unzip, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(unzip); err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%s: what is compressed is something else: %v", url, err)
		}
	}
}

// An address with another hash is another file: a page of yesterday must not get today's script.
func TestAnotherAddressIsNotFound(t *testing.T) {
	f := static.Load()
	for _, path := range []string{"/static/pay.css", "/static/pay.000000000000.css", "/static/tokens.css", "/static/", "/static/static.go", f.URL("nothing.js"), f.URL("pay.js") + "/"} {
		if w := get(f, path); w.Code != 404 {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

// What customers load beside a page and Stripe's own script, compressed.
func TestCustomersLoadLittle(t *testing.T) {
	f := static.Load()
	sum := 0
	for _, name := range []string{"pay.css", "pay.js", "icon.svg"} {
		sum += get(f, f.URL(name), "Accept-Encoding", "gzip").Body.Len()
	}
	if sum > 12<<10 {
		t.Errorf("style, script and icon weigh %d bytes", sum)
	}
	if script := get(f, f.URL("pay.js"), "Accept-Encoding", "gzip").Body.Len(); script > 6<<10 {
		t.Errorf("the script weighs %d bytes", script)
	}
}
