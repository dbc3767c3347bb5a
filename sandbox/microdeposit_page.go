package sandbox

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// serveMicrodeposits is the page of hosted_verification_url, where a customer types what came with the micro-deposits.
func (s *Server) serveMicrodeposits(w http.ResponseWriter, r *http.Request) {
	secret := r.PathValue("secret")
	var guess *depositGuess
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		guess = &depositGuess{code: strings.TrimSpace(r.PostFormValue("code"))}
		for _, name := range []string{"first", "second"} {
			if n, err := strconv.ParseInt(r.PostFormValue(name), 10, 64); err == nil && guess.code == "" {
				guess.amounts = append(guess.amounts, n)
			}
		}
	}
	shown, err := s.transact(r, func(t *tx) (any, error) { return guessDeposits(t, secret, guess), nil })
	page, _ := shown.(*depositPage)
	if err != nil || page == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = microdepositPage.Execute(w, page) // a client that went away has no use for the error
}

type depositPage struct {
	Bank, Last4 string
	Asks        bool
	Message     string
}

// guessDeposits finds the intent of a client secret, tries the guess, and tells what to show; nil when there is none.
func guessDeposits(t *tx, secret string, guess *depositGuess) *depositPage {
	id, _, _ := strings.Cut(secret, "_secret_")
	pi, isPayment := get[paymentIntent](t, id)
	si, isSetup := get[setupIntent](t, id)
	var methodID *string
	switch {
	case isPayment && pi.ClientSecret == secret && pi.Hidden.Deposits != nil:
		methodID = pi.PaymentMethod
	case isSetup && si.ClientSecret == secret && si.Hidden.Deposits != nil:
		methodID = si.PaymentMethod
	case isPayment && pi.ClientSecret == secret, isSetup && si.ClientSecret == secret:
		return &depositPage{Message: "There is nothing left to verify here."}
	default:
		return nil
	}
	page := &depositPage{Asks: true}
	if m, ok := get[paymentMethod](t, text(methodID)); ok {
		page.Bank, page.Last4 = m.USBankAccount.BankName, m.USBankAccount.Last4
	}
	if guess == nil {
		return page
	}
	if guess.code == "" && len(guess.amounts) != 2 {
		page.Message = "Give the code, or both amounts in cents."
		return page
	}
	var wrong *apiError
	if isPayment {
		pi, _ = edit[paymentIntent](t, id)
		wrong = t.verifyDebit(pi, *guess)
		page.Asks = pi.Status == statusRequiresAction
	} else {
		si, _ = edit[setupIntent](t, id)
		wrong = t.verifySetup(si, *guess)
		page.Asks = si.Status == statusRequiresAction
	}
	page.Message = "Your bank account is verified."
	if wrong != nil {
		page.Message = wrong.Message
	}
	return page
}

var microdepositPage = template.Must(template.New("microdeposits").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Verify your bank account</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}h1{font-size:1.4rem}
label{display:block;margin-top:1rem}input{display:block;box-sizing:border-box;width:100%;min-height:44px;font:inherit;padding:0 .7rem}.two{display:grid;grid-template-columns:1fr 1fr;gap:.7rem}
button{margin-top:1.2rem;width:100%;min-height:48px;font:inherit;font-weight:600}[role=status]{border-left:4px solid;padding-left:.8rem}small{opacity:.8}</style>
<h1>Verify your bank account</h1>
{{with .Bank}}<p>{{.}} ••{{$.Last4}}</p>{{end}}
{{with .Message}}<p role="status">{{.}}</p>{{end}}
{{if .Asks}}<form method="post">
<label>Code of the 1 ¢ deposit<input name="code" autocomplete="off" maxlength="6" placeholder="SM11AA"></label>
<p><small>or, if two deposits came, their amounts in cents</small></p>
<div class="two"><label>First<input name="first" inputmode="numeric" placeholder="32"></label><label>Second<input name="second" inputmode="numeric" placeholder="45"></label></div>
<button>Verify</button></form>{{end}}
</html>
`))
