package payments

import (
	"context"
	"errors"
	"time"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// unknownMethod is the error about a method that is not there, removed, another customer's or not for
// this browser. Which it was is not told: who guesses ids learns nothing.
func unknownMethod() error { return paylink.FailField("method", "method.unknown") }

// choose is the part of T1 that judges what is paid with, and notes it on the payment. A forwarded
// link never uses what its customer saved.
func (s *Service) choose(ctx context.Context, tx *store.Tx, p *paylink.Payment, link paylink.Link, press Press) error {
	if press.MethodID == "" {
		if press.Save != nil && link.ForwardedBy == "" {
			p.SaveConsent = *press.Save
		}
		return nil
	}
	// A method is not taken away between this look and the reservation that it is needed for.
	if err := tx.LockMethods(ctx, p.CustomerID); err != nil {
		return err
	}
	m, err := tx.Method(ctx, press.MethodID)
	if paylink.KindOf(err) == paylink.NotFound || err == nil && (m.CustomerID != p.CustomerID || !mayUse(m, link, press)) {
		return unknownMethod()
	}
	if err != nil {
		return err
	}
	judge := usable
	if press.Staff {
		judge = ForStaff
	}
	if refusal := judge(m, p.Amount.Currency, s.Now()); refusal != nil {
		return refusal
	}
	p.Method, p.MethodID, p.Means, p.Card, p.Bank = m.Kind, m.ID, m.StripeID, m.Card, m.Bank
	if m.Kind != paylink.MethodBank {
		return nil
	}
	if press.Mandate == nil || press.Mandate.Text == "" {
		return paylink.FailField("mandate", "mandate.missing")
	}
	p.Capture = paylink.CaptureAutomatic // a debit cannot be held
	if press.Save != nil && m.SavedAt.IsZero() && link.ForwardedBy == "" {
		p.SaveConsent = *press.Save
	}
	return nil
}

// mayUse says whether a press may know of a customer's method: staff of what is saved, a payer of what
// that browser may see.
func mayUse(m paylink.Method, link paylink.Link, press Press) bool {
	if press.Staff {
		return m.RemovedAt.IsZero() && !m.SavedAt.IsZero()
	}
	return m.SeenBy(press.Visitor, press.Proven && link.ForwardedBy == "")
}

// usable says why a payment in a currency may not be made by a method now.
func usable(m paylink.Method, currency money.Currency, now time.Time) error {
	switch {
	case m.Blocked == blockedDetached:
		return paylink.FailField("method", "method.detached")
	case !m.BlockedAt.IsZero():
		return paylink.FailField("method", "method.blocked")
	case m.Waits():
		return paylink.FailField("method", "method.waits")
	case m.Expired(now):
		return paylink.FailField("method", "method.expired")
	case m.Kind == paylink.MethodBank && currency != "USD":
		return paylink.FailField("method", "method.currency")
	}
	return nil
}

// ForStaff says why staff may not charge a saved method in a currency now; nil when they may.
func ForStaff(m paylink.Method, currency money.Currency, now time.Time) error {
	if err := usable(m, currency, now); err != nil {
		return err
	}
	if !m.ByPhone() {
		return paylink.FailField("method", "method.page_only")
	}
	return nil
}

// intentMeans are the options of a PaymentIntent that hang on what is paid with.
func intentMeans(p paylink.Payment, invoice paylink.Invoice) (types []string, futureUse string) {
	save := p.SaveConsent.Text != ""
	switch {
	case p.MethodID == "":
		elements := ElementsFor(invoice, p.Charged(), save)
		return elements.PaymentMethodTypes, elements.SetupFutureUsage
	case p.Method == paylink.MethodCard:
		return []string{"card"}, ""
	case save:
		return []string{"us_bank_account"}, "off_session"
	}
	return []string{"us_bank_account"}, ""
}

// statementSuffix is the invoice number as far as a card statement can show it: Latin capitals,
// digits, no < > \ ' " *, and with the prefix no more than 22 characters.
// https://docs.stripe.com/get-started/account/statement-descriptors
func statementSuffix(number string) string {
	var b []byte
	for _, r := range number {
		switch {
		case r >= 'a' && r <= 'z':
			b = append(b, byte(r-'a'+'A'))
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == ' ':
			b = append(b, byte(r))
		}
	}
	if len(b) > 10 {
		b = b[len(b)-10:]
	}
	for _, c := range b {
		if c >= 'A' { // Stripe wants a letter in it; small ones and what lies above are gone
			return string(b)
		}
	}
	if len(b) == 0 {
		return ""
	}
	if len(b) > 8 {
		b = b[len(b)-8:]
	}
	return "NO" + string(b)
}

// confirmRequest is the body of S2: what to pay with and, for a debit, the proof that its payer
// allowed it.
func confirmRequest(p paylink.Payment, press Press) stripe.ConfirmRequest {
	switch {
	case press.Staff:
		// A debit runs on the standing permission that Stripe has since the account was saved. What the
		// payer said on the phone is kept here: Nacha's rule of September 2021 lets each entry of a standing
		// authorization be asked for by telephone. https://www.nacha.org/rules/meaningful-modernization
		return stripe.ConfirmRequest{Method: p.Means, OffSession: true}
	case p.MethodID == "":
		return stripe.ConfirmRequest{ConfirmationToken: press.ConfirmationToken, ReturnURL: press.ReturnURL(p.ID)}
	case p.Method == paylink.MethodCard:
		return stripe.ConfirmRequest{Method: p.Means, ReturnURL: press.ReturnURL(p.ID)}
	}
	return stripe.ConfirmRequest{Method: p.Means, Mandate: mandateOf(*press.Mandate)}
}

func mandateOf(c paylink.Consent) *stripe.Mandate {
	return &stripe.Mandate{AcceptedAt: c.At.Unix(), IP: c.IP, Agent: c.Agent}
}

// permit writes the proof of a debit's permission, in T2: before the debit can be made.
func (s *Service) permit(ctx context.Context, tx *store.Tx, p paylink.Payment, press Press) error {
	if p.Method != paylink.MethodBank {
		return nil
	}
	now := s.Now()
	m := paylink.Mandate{
		ID: paylink.NewID("mdt", now), MethodID: p.MethodID, PaymentID: p.ID, Amount: p.Charged(),
		Last4: p.Bank.Last4, Bank: p.Bank.Name, Consent: *press.Mandate, CreatedAt: now,
	}
	if err := tx.InsertMandate(ctx, m); err != nil {
		return err
	}
	return tx.Audit(ctx, press.Actor, "mandate.given", p.ID, map[string]any{
		"method": m.MethodID, "amount": m.Amount, "version": m.Consent.Version, "at": m.Consent.At, "ip": m.Consent.IP,
	}, now)
}

// refused says why Stripe did not begin to charge, when that is certain: the payment is canceled. A
// method that Stripe will not take again is blocked.
func (s *Service) refused(ctx context.Context, p paylink.Payment, refusal *stripe.Refusal) error {
	if p.MethodID == "" {
		return paylink.FailField("card", "card.refused").Because(refusal)
	}
	err, block := paylink.FailField("method", "method.detached"), blockedDetached
	switch refusal.Code {
	case "resource_missing", "payment_method_unexpected_state", stripe.Detached:
	case stripe.NoMandate, "payment_intent_mandate_invalid":
		return paylink.FailField("method", "mandate.inactive").Because(refusal)
	case "bank_account_unusable", "bank_account_unverified":
		err, block = paylink.FailField("method", "method.blocked"), blockedRevoked
	case "payment_method_bank_account_blocked":
		err, block = paylink.FailField("method", "method.blocked"), blockedByStripe
	default:
		return paylink.FailField("method", "method.refused").Because(refusal)
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		return s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, block)
	}); err != nil {
		return errors.Join(err, refusal)
	}
	return err.Because(refusal)
}
