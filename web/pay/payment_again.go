package pay

import (
	"paylink"
	"paylink/templates"
)

// offerWays offers to pay what was declined in other ways: first one of another kind, last what the bank
// said no to.
func (h *Handlers) offerWays(v visit, p paylink.Payment, page *templates.PayDeclined) {
	words := v.words
	page.Heading, page.Base, page.Amount, page.Script = page.T("pay.declined.way", "amount", p.Amount), v.base(), p.Amount.FieldText(words.Locale()), true
	if !v.payable().Whole {
		page.Change = v.back(page.Amount, "") + "&other=1"
	}
	card := templates.Choice{Value: newCard, Name: words.T("pay.card"), Detail: cardDetail(v), Label: words.T("pay.declined.card")}
	bank := templates.Choice{Value: newBank, Name: words.T("pay.bank"), Detail: words.T("pay.bank.detail"), Label: words.T("pay.declined.bank")}
	all := []templates.Choice{card}
	switch {
	case p.Method == paylink.MethodBank && h.offersBank(v):
		bank.Name = words.T("pay.declined.account")
		all = append(all, bank)
	case h.offersBank(v):
		all = []templates.Choice{bank, card}
	}
	if last := len(all) - 1; p.Method != paylink.MethodBank {
		all[last].Name = words.T("pay.declined.another")
	}
	if label := p.Card.Label(); label != "" && p.Method != paylink.MethodBank {
		again := templates.Choice{Value: newCard, Name: words.T("pay.declined.same", "card", label), Detail: words.T("pay.declined.spoken"), Label: card.Label}
		if m, ok := h.method(v, p.MethodID); ok && m.Usable(h.pages.Now()) {
			again.Value, again.Label = m.ID, words.T("pay.declined.with", "card", label)
		}
		all = append(all, again)
	}
	all[0].Chosen = true
	for i := range all {
		all[i].Price = p.Amount
	}
	page.Choices = all
}
