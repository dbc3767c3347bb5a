package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"time"
)

// What a browser loads instead of js.stripe.com: the script a page includes (stripejs), the frame that card numbers
// are typed into (frame), and the bank's page of 3-D Secure (bank).
//
//go:embed browser/stripejs browser/frame browser/bank
var browserFiles embed.FS

// stripeParts are joined in this order.
var stripeParts = []string{"api.js", "element.js", "elements.js", "challenge.js", "stripe.js"}

// browserRoutes adds the stand-in of Stripe.js to mux. Its pages call the API on the origin they came from; the bank's
// page, which no page of the merchant need stand around, does so with the account's publishable key.
func browserRoutes(mux *http.ServeMux, publishableKey string) {
	script := joinScript("browser/stripejs/", stripeParts)
	mux.HandleFunc("GET /js/stripe.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		serveFresh(w, r, "stripe.js", script)
	})
	for _, element := range []string{"payment", "card", "cardNumber", "cardExpiry", "cardCvc"} {
		mux.HandleFunc("GET /js/elements/"+element, serveFramed("frame.html", browserFile("browser/frame/frame.html")))
	}
	bank := bytes.ReplaceAll(browserFile("browser/bank/bank.html"), []byte("PUBLISHABLE_KEY"), []byte(template.HTMLEscapeString(publishableKey)))
	mux.HandleFunc("GET /js/3ds", serveFramed("bank.html", bank))
	for _, file := range []string{
		"frame/frame.js", "frame/frame.css", "frame/card.js", "frame/style.js", "frame/texts.js", "bank/bank.js", "bank/bank.css",
	} {
		content, name := browserFile("browser/"+file), path.Base(file)
		mux.HandleFunc("GET /js/"+name, func(w http.ResponseWriter, r *http.Request) { serveFresh(w, r, name, content) })
	}
}

// joinScript makes one strict function of its parts, so that they share names and leak none.
func joinScript(dir string, parts []string) []byte {
	var script bytes.Buffer
	script.WriteString("(() => {\n\"use strict\";\n")
	for _, part := range parts {
		script.Write(browserFile(dir + part))
	}
	script.WriteString("})();\n")
	return script.Bytes()
}

func browserFile(name string) []byte {
	content, err := browserFiles.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("embedded file: %v", err)) // the list above and the directory disagree
	}
	return content
}

// serveFresh serves content by name's type and lets nobody keep it: a newer sandbox may stand at the same address.
func serveFresh(w http.ResponseWriter, r *http.Request, name string, content []byte) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// serveFramed serves a page that any site may frame and that talks to its own origin only.
func serveFramed(name string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'")
		w.Header().Set("Referrer-Policy", "no-referrer")
		serveFresh(w, r, name, content)
	}
}
