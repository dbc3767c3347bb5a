package payments

import (
	"context"
	"errors"
	"time"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

// refuseMethod is an error about the chosen card or account. Which of the reasons for "unknown" it
// was is not told: who guesses ids learns nothing.
func refuseMethod(code string) *paylink.Error {
	return &paylink.Error{Kind: paylink.Invalid, Code: "invalid", Fields: []paylink.FieldError{{Field: "method", Code: code}}}
}

// The codes of refuseMethod.
const (
	methodUnknown  = "method.unknown"   // not there, removed, another customer's, not for this browser
	methodBlocked  = "method.blocked"   // the bank sent debits back
	methodExpired  = "method.expired"   // a card past its month
	methodDetached = "method.detached"  // Stripe no longer knows it
	methodWaits    = "method.waits"     // its small deposit was not read yet
	methodCurrency = "method.currency"  // bank accounts pay in US dollars alone
	mandateGone    = "mandate.inactive" // Stripe wants the permission given anew
)

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
	if paylink.KindOf(err) == paylink.NotFound || err == nil && (m.CustomerID != p.CustomerID || !m.SeenBy(press.Visitor, press.Proven && link.ForwardedBy == "")) {
		return refuseMethod(methodUnknown)
	}
	if err != nil {
		return err
	}
	if refusal := usable(m, s.Now()); refusal != nil {
		return refusal
	}
	p.Method, p.MethodID, p.Means, p.Card, p.Bank = m.Kind, m.ID, m.StripeID, m.Card, m.Bank
	if m.Kind != paylink.MethodBank {
		return nil
	}
	switch {
	case p.Amount.Currency != "USD":
		return refuseMethod(methodCurrency)
	case press.Mandate == nil || press.Mandate.Text == "":
		return paylink.FailField("mandate", "mandate.missing")
	}
	p.Capture = paylink.CaptureAutomatic // a debit cannot be held
	if press.Save != nil && m.SavedAt.IsZero() && link.ForwardedBy == "" {
		p.SaveConsent = *press.Save
	}
	return nil
}

// usable says why a payment may not be made by a method now.
func usable(m paylink.Method, now time.Time) error {
	switch {
	case m.Blocked == blockedDetached:
		return refuseMethod(methodDetached)
	case !m.BlockedAt.IsZero():
		return refuseMethod(methodBlocked)
	case m.Waits():
		return refuseMethod(methodWaits)
	case m.Expired(now):
		return refuseMethod(methodExpired)
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
	case p.Method == paylink.MethodBank && save:
		return []string{"us_bank_account"}, "off_session"
	case p.Method == paylink.MethodBank:
		return []string{"us_bank_account"}, ""
	}
	return []string{"card"}, ""
}

// confirmRequest is the body of S2: what to pay with and, for a debit, the proof that its payer
// allowed it.
func confirmRequest(p paylink.Payment, press Press) stripe.ConfirmRequest {
	switch {
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
	code, block := methodDetached, blockedDetached
	switch refusal.Code {
	case "resource_missing", "payment_method_unexpected_state", stripe.Detached:
	case stripe.NoMandate, "payment_intent_mandate_invalid":
		return refuseMethod(mandateGone).Because(refusal)
	case "bank_account_unusable", "bank_account_unverified":
		code, block = methodBlocked, blockedRevoked
	case "payment_method_bank_account_blocked":
		code, block = methodBlocked, blockedByStripe
	default:
		return refuseMethod("method.refused").Because(refusal)
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		return s.block(ctx, tx, "stripe", p.CustomerID, p.MethodID, block)
	}); err != nil {
		return errors.Join(err, refusal)
	}
	return refuseMethod(code).Because(refusal)
}
