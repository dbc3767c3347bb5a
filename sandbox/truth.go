package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// truthEntry is one line of the log of what moved money or could have: logins at banks too. It is only ever added to.
type truthEntry struct {
	Seq           int               `json:"seq"`
	Kind          string            `json:"kind"`
	ID            string            `json:"id"`
	PaymentIntent string            `json:"payment_intent"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Status        string            `json:"status"`
	Metadata      map[string]string `json:"metadata"`
	At            time.Time         `json:"at"` // of the sandbox clock
}

func (*truthEntry) kind() string  { return "truth" }
func (e *truthEntry) key() string { return fmt.Sprintf("%012d", e.Seq) }

// truth adds o as it is now to the log.
func (t *tx) truth(o object) {
	e := &truthEntry{Seq: len(t.state.table("truth").order) + 1, Kind: o.kind(), ID: o.key(), At: t.now.UTC()}
	for k := range t.pending {
		if t.pending[k].kind() == "truth" {
			e.Seq++
		}
	}
	switch o := o.(type) {
	case *paymentIntent:
		e.PaymentIntent, e.Amount, e.Currency, e.Status, e.Metadata = o.ID, o.Amount, o.Currency, o.Status, o.Metadata
	case *charge:
		e.PaymentIntent, e.Amount, e.Currency, e.Status, e.Metadata = text(o.PaymentIntent), o.Amount, o.Currency, o.standing(), o.Metadata
		if o.Captured {
			e.Amount = o.AmountCaptured
		}
	case *refund:
		e.PaymentIntent, e.Amount, e.Currency, e.Status, e.Metadata = text(o.PaymentIntent), o.Amount, o.Currency, o.Status, o.Metadata
		if o.DestinationDetails.Card != nil && o.DestinationDetails.Card.Type == "reversal" {
			e.Kind = "release" // no money had been taken
		}
	case *dispute:
		e.PaymentIntent, e.Amount, e.Currency, e.Status, e.Metadata = text(o.PaymentIntent), o.Amount, o.Currency, o.Status, o.Metadata
	case *plaidItem:
		e.Status, e.Metadata = "linked", map[string]string{"accounts": strings.Join(o.accountIDs(), " ")}
		if o.Removed {
			e.Status = "removed"
		}
	default:
		panic("sandbox: no truth about " + o.kind())
	}
	t.put(e)
}

// standing is the charge's status for the truth log, where holding money and having taken it are told apart.
func (ch *charge) standing() string {
	switch {
	case ch.Status == "succeeded" && !ch.Captured && ch.Refunded:
		return "released"
	case ch.Status == "succeeded" && !ch.Captured:
		return "authorized"
	}
	return ch.Status
}

func (s *Server) serveTruth(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	entries := []*truthEntry{}
	for e := range all[truthEntry](s.begin(nil)) {
		entries = append(entries, e)
	}
	s.mu.Unlock()
	answerJSON(w, http.StatusOK, entries)
}
