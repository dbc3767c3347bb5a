// Package static holds what browsers load beside a page: style sheets, scripts and the icon.
//
// Each file has its content's hash in its address, so that it may be kept for ever, and is
// compressed once at start. The package knows nothing of pages; a name it does not have is a
// mistake in the program and ends it at start or in a test.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed *.css *.js *.svg
var sources embed.FS

// bundles are the style sheets that pages name; each is made of several files, in this order.
var bundles = map[string][]string{
	"pay.css":  {"tokens.css", "parts.css", "pay.css"},
	"desk.css": {"tokens.css", "parts.css", "desk.css"},
}

// Prefix is where the files are served.
const Prefix = "/static/"

// Files are ready to be served.
type Files struct {
	urls   map[string]string // by name
	served map[string]file   // by address
}

type file struct {
	mediaType  string
	body, gzip []byte
}

// Load reads, bundles, hashes and compresses everything.
func Load() *Files {
	f := &Files{urls: map[string]string{}, served: map[string]file{}}
	all, err := sources.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, entry := range all {
		name := entry.Name()
		parts, bundled := bundles[name]
		if !bundled {
			parts = []string{name}
		}
		if path.Ext(name) == ".css" && !bundled {
			continue // a part of bundles
		}
		f.add(name, parts)
	}
	return f
}

func (f *Files) add(name string, parts []string) {
	var body []byte
	for _, part := range parts {
		source, err := sources.ReadFile(part)
		if err != nil {
			panic(fmt.Sprintf("static: %s needs %s: %v", name, part, err))
		}
		if path.Ext(part) == ".css" {
			source = squeeze(source)
		}
		body = append(body, source...)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:6])
	ext := path.Ext(name)
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hash + ext
	f.urls[name] = url
	f.served[url] = file{mediaType: mediaTypes[ext], body: body, gzip: compress(body)}
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}

// squeeze leaves out the comments and indentation of a style sheet.
func squeeze(css []byte) []byte {
	var out bytes.Buffer
	for {
		before, after, found := bytes.Cut(css, []byte("/*"))
		for line := range bytes.Lines(before) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				out.Write(line)
				out.WriteByte('\n')
			}
		}
		if !found {
			return out.Bytes()
		}
		_, css, _ = bytes.Cut(after, []byte("*/"))
	}
}

// URL is the address of a file by its name, "pay.css". A name that is not there is shown as an
// address that answers 404; a test walks the pages for such names.
func (f *Files) URL(name string) string {
	if url, ok := f.urls[name]; ok {
		return url
	}
	return Prefix + "missing/" + name
}

// ServeHTTP answers with a file, compressed where the browser takes it, to be kept for a year.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := f.served[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	body := file.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader went away
}
