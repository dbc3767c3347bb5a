package sandbox

import (
	"html/template"
	"net/http"
	"strings"
	"time"
)

// controlRoutes mounts what tests and people use to look at the sandbox and to steer it.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /truth", s.serveTruth)
	mux.HandleFunc("GET /clock", s.serveClock)
	mux.HandleFunc("POST /clock", s.serveClock)
	mux.HandleFunc("GET /faults", s.serveFaults)
	mux.HandleFunc("POST /faults", s.serveFaults)
	mux.HandleFunc("DELETE /faults", s.serveFaults)
	mux.HandleFunc("POST /disputes", s.serveDisputes)
	mux.HandleFunc("POST /disputes/{id}", s.serveDisputes)
	mux.HandleFunc("GET /microdeposits/{secret}", s.serveMicrodeposits)
	mux.HandleFunc("POST /microdeposits/{secret}", s.serveMicrodeposits)
	mux.HandleFunc("POST /bank/returns", s.serveBankReturns)
	mux.HandleFunc("GET /receipts/{id}", s.serveReceipt)
	mux.HandleFunc("POST /plaid/keys", s.serveRotate)
	mux.HandleFunc("POST /plaid/logins", s.serveLogins)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = indexPage.Execute(w, s.url) // a client that went away has no use for the error
	})
}

// serveReceipt is what a charge's receipt_url leads to.
func (s *Server) serveReceipt(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ch, ok := get[charge](s.begin(nil), r.PathValue("id"))
	s.mu.Unlock()
	if !ok || ch.Status != "succeeded" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = receiptPage.Execute(w, map[string]string{ // a client that went away has no use for the error
		"Amount": decimal(ch.Amount-ch.AmountRefunded, ch.Currency) + " " + strings.ToUpper(ch.Currency),
		"ID":     ch.ID, "Day": time.Unix(ch.Created, 0).UTC().Format("2 January 2006"), "Description": text(ch.Description)})
}

var receiptPage = template.Must(template.New("receipt").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Receipt</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:3rem auto;padding:0 1rem;text-align:center}b{font-size:1.8rem}</style>
<p>Receipt from the sandbox<br><b>{{.Amount}}</b></p><p>{{.Description}}</p><p>{{.Day}}<br><code>{{.ID}}</code></p>
</html>
`))

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Sandbox</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}code{font-size:.9em}dt{margin-top:1rem}dd{margin:0;opacity:.8}</style>
<h1>Sandbox</h1>
<p>Stand-ins for Stripe, Plaid and a mail server. No money moves here, and no mail leaves.</p>
<dl>
<dt><a href="/inbox">/inbox</a></dt><dd>the mails received; <a href="/inbox.json">as JSON</a></dd>
<dt><a href="/truth">/truth</a></dt><dd>what moved money, in order</dd>
<dt><a href="/clock">/clock</a></dt><dd>the sandbox clock; move it on with <code>curl -d '{"advance":"96h"}' {{.}}/clock</code></dd>
<dt><a href="/faults">/faults</a></dt><dd>what shall go wrong: <code>curl -d '{"match":"POST /v1/payment_intents/*/confirm","mode":"500_after"}' {{.}}/faults</code>;
modes 500_before, 500_after, drop_before, drop_after, slow:30s, 429, bad_json; for a match such as <code>event payment_intent.*</code> lose, dup:3, delay:5s, reorder, bad_sig;
<code>curl -X DELETE {{.}}/faults</code> clears them</dd>
<dt><code>/disputes</code></dt><dd>a dispute of any paid charge: <code>curl -d '{"payment_intent":"pi_…","reason":"fraudulent"}' {{.}}/disputes</code>, and the bank's word on it:
<code>curl -d '{"status":"won"}' {{.}}/disputes/dp_…</code></dd>
<dt><code>/bank/returns</code></dt><dd>a bank debit comes back: <code>curl -d '{"payment_intent":"pi_…","reason":"insufficient_funds"}' {{.}}/bank/returns</code>; while it is processing the payment fails, after it settled
(96h on the clock) a dispute takes the money: insufficient_funds, incorrect_account_details, bank_cannot_process, debit_not_authorized, customer_initiated</dd>
<dt><code>/v1/…</code></dt><dd>Stripe's API, version 2023-10-16; test cards as on <a href="https://docs.stripe.com/testing">docs.stripe.com/testing</a>,
and <a href="https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment">test bank accounts</a>: routing number 110000000, account 000123456789 pays, micro-deposits are SM11AA or 32 and 45</dd>
<dt><a href="/js/stripe.js">/js/stripe.js</a></dt><dd>the stand-in for Stripe.js</dd>
<dt><code>/link/… /item/… /accounts/… /auth/… /processor/… /sandbox/…</code></dt><dd>Plaid's API, version 2020-09-14; its webhooks are matched as <code>event ITEM.*</code>;
<code>curl -X POST {{.}}/plaid/keys</code> makes a new key for their signatures,
<code>curl -X POST {{.}}/plaid/logins</code> has every bank ask for its logins again</dd>
<dt><a href="/js/plaid-link.js">/js/plaid-link.js</a></dt><dd>the stand-in for Plaid Link; any bank lets <code>user_good</code> / <code>pass_good</code> in</dd>
<dt><a href="/healthz">/healthz</a></dt><dd>whether it answers</dd>
</dl>
</html>
`))
