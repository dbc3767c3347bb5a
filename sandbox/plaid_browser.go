package sandbox

import (
	"embed"
	"io"
	"net/http"
	"path"
	"strings"
)

// What a browser loads instead of cdn.plaid.com: the script a page includes (link.js), the frame that Link happens in
// (frame), and the own page of a bank (bank).
//
//go:embed browser/plaidlink
var plaidFiles embed.FS

// plaidLinkRoutes adds the stand-in of Plaid Link. What its pages ask for is for this origin alone: no other site may
// read the answers.
func (s *Server) plaidLinkRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /js/plaid-link.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		serveFresh(w, r, "plaid-link.js", plaidFile("link.js"))
	})
	mux.HandleFunc("GET /js/plaid-link/frame", serveFramed("frame.html", plaidFile("frame.html")))
	mux.HandleFunc("GET /js/plaid-link/bank", serveFramed("bank.html", plaidFile("bank.html")))
	for _, file := range []string{"frame.js", "frame.css", "bank.js", "bank.css"} {
		content := plaidFile(file)
		mux.HandleFunc("GET /js/plaid-link/"+file, func(w http.ResponseWriter, r *http.Request) { serveFresh(w, r, file, content) })
	}
	for step, run := range map[string]func(*plaidCall) (any, error){
		"start": plaidRead(startSession), "login": plaidRead(logInSession), "leave": plaidRead(leaveSession),
		"answer": plaidRead(answerBank), "finish": plaidRead(finishSession),
	} {
		mux.HandleFunc("POST /js/plaid-link/"+step, func(w http.ResponseWriter, r *http.Request) { s.serveLinkStep(w, r, run) })
	}
}

func plaidFile(name string) []byte {
	content, err := plaidFiles.ReadFile(path.Join("browser/plaidlink", name))
	if err != nil {
		panic("embedded file: " + err.Error()) // the list above and the directory disagree
	}
	return content
}

// serveLinkStep carries out what Link's own pages ask for, which needs no key: the link token or session is one.
func (s *Server) serveLinkStep(w http.ResponseWriter, r *http.Request, run func(*plaidCall) (any, error)) {
	id := newPlaidRequestID()
	// A foreign page cannot send this type without asking first, and nobody answers that question.
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		answerPlaid(w, id, nil, plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_HEADERS", "Content-Type must be application/json"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerPlaid(w, id, nil, plaidBodyError(err))
		return
	}
	f := s.faults.take(r.Method + " " + r.URL.Path)
	switch f.verb() {
	case "500_before", "429":
		answerPlaid(w, id, nil, plaidInternal())
		return
	case "drop_before":
		cut(w)
		return
	}
	result, err := s.transact(r, func(t *tx) (any, error) { return run(&plaidCall{tx: t, body: body}) })
	f.wait(s.stopping)
	switch f.verb() {
	case "500_after", "bad_json":
		result, err = nil, plaidInternal()
	case "drop_after":
		cut(w)
		return
	}
	answerPlaid(w, id, result, err)
}
