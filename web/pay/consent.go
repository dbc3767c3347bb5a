package pay

import (
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/templates"
	"paylink/web/page"
)

// checkVersion is that of the text about small deposits.
const checkVersion = paylink.CheckVersion

// parts is a contract for our script, which sets the bold pieces.
func parts(v visit, t page.Contract) [][]quotePart {
	all := make([][]quotePart, len(t))
	for i, c := range t {
		for _, part := range v.words.Parts(c.Key, c.Args...) {
			all[i] = append(all[i], quotePart{part.Text, part.Bold, part.NoWrap})
		}
	}
	return all
}

// debit is the permission to debit an account once and, when it is to be saved, to keep it.
func (h *Handlers) debit(v visit, m paylink.Method, amount money.Amount, save bool) page.Contract {
	t := page.Contract{page.DebitOnce(v.words, v.firm, m.Bank, amount, paylink.DateOf(h.pages.Now(), v.words.Zone()))}
	if save {
		t = append(t, templates.Clause{Key: "pay.permission.save", Args: page.Parties(v.words, v.firm)})
	}
	return t
}

// check is the permission to prove an account by small deposits, and to debit it later.
func (h *Handlers) check(v visit) page.Contract {
	return page.Contract{{Key: "pay.permission.check", Args: page.Parties(v.words, v.firm)}}
}

// saving is what somebody agrees to who saves a card or an account. What it allows staff is for
// paylink.Method.ByPhone to say.
func (h *Handlers) saving(v visit, kind paylink.MethodKind) page.Contract {
	parties := page.Parties(v.words, v.firm)
	if kind == paylink.MethodBank {
		return page.Contract{{Key: "pay.bank.save"}, {Key: "pay.bank.save.detail", Args: parties}, {Key: "pay.permission.save", Args: parties}}
	}
	return page.Contract{{Key: "pay.card.save"}, {Key: "pay.card.save.detail", Args: parties}}
}

// agentMost is how much of a browser's name is kept.
const agentMost = 300

// consent is the proof that somebody agreed: the text as it was shown, when, and from where.
func (h *Handlers) consent(c echo.Context, v visit, t page.Contract, version string) *paylink.Consent {
	agent := []rune(strings.ToValidUTF8(c.Request().UserAgent(), ""))
	proof := &paylink.Consent{Text: t.Text(v.words), Version: version, At: h.pages.Now(), Agent: string(agent[:min(len(agent), agentMost)])}
	if at := h.pages.Client(c); at.IsValid() {
		proof.IP = at.String()
	}
	return proof
}
