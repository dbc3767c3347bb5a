package pay

import (
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/templates"
)

// Versions of the texts that people agree to. A text that changes gets another.
const (
	debitVersion = "debit-1"
	checkVersion = "check-1"
	saveVersion  = "save-1"
)

// contract is what somebody agrees to, in full. What is shown and what is kept are made of the same
// clauses.
type contract []templates.Clause

func (t contract) text(v visit) string {
	all := make([]string, len(t))
	for i, c := range t {
		all[i] = v.words.T(c.Key, c.Args...)
	}
	return strings.Join(all, "\n\n")
}

// parts is the text for our script, which sets the bold pieces.
func (t contract) parts(v visit) [][]quotePart {
	all := make([][]quotePart, len(t))
	for i, c := range t {
		for _, part := range v.words.Parts(c.Key, c.Args...) {
			all[i] = append(all[i], quotePart{part.Text, part.Bold, part.NoWrap})
		}
	}
	return all
}

// debit is the permission to debit an account once and, when it is to be saved, to keep it.
// https://docs.stripe.com/payments/ach-direct-debit#mandates
func (h *Handlers) debit(v visit, m paylink.Method, amount money.Amount, save bool) contract {
	t := contract{{Key: "pay.permission.debit", Args: append(h.parties(v),
		"amount", amount, "day", paylink.DateOf(h.pages.Now(), v.words.Zone()), "account", account(v, m.Bank))}}
	if save {
		t = append(t, templates.Clause{Key: "pay.permission.save", Args: h.parties(v)})
	}
	return t
}

// check is the permission to prove an account by small deposits, and to debit it later.
func (h *Handlers) check(v visit) contract {
	return contract{{Key: "pay.permission.check", Args: h.parties(v)}}
}

// saving is what somebody agrees to who saves a card or an account.
func (h *Handlers) saving(v visit, kind paylink.MethodKind) contract {
	if kind == paylink.MethodBank {
		return contract{{Key: "pay.bank.save"}, {Key: "pay.bank.save.detail"}, {Key: "pay.permission.save", Args: h.parties(v)}}
	}
	return contract{{Key: "pay.card.save"}, {Key: "pay.card.save.detail"}}
}

// parties are the firm, its name on a statement and how to tell it that a permission ends.
func (h *Handlers) parties(v visit) []any {
	contact := v.firm.Email
	if v.firm.Phone != "" && v.firm.Email != "" {
		contact = v.words.T("pay.permission.contact", "phone", v.firm.Phone, "email", v.firm.Email)
	} else if v.firm.Phone != "" {
		contact = v.firm.Phone
	}
	statement := v.firm.Descriptor
	if statement == "" {
		statement = strings.ToUpper(v.firm.Name)
	}
	return []any{"firm", v.firm.Name, "statement", statement, "contact", contact}
}

// agentMost is how much of a browser's name is kept.
const agentMost = 300

// consent is the proof that somebody agreed: the text as it was shown, when, and from where.
func (h *Handlers) consent(c echo.Context, v visit, t contract, version string) *paylink.Consent {
	agent := []rune(strings.ToValidUTF8(c.Request().UserAgent(), ""))
	proof := &paylink.Consent{Text: t.text(v), Version: version, At: h.pages.Now(), Agent: string(agent[:min(len(agent), agentMost)])}
	if at := h.pages.Client(c); at.IsValid() {
		proof.IP = at.String()
	}
	return proof
}
