package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"paylink"
	"paylink/crash"
	"paylink/provider/plaid"
	"paylink/provider/stripe"
	"paylink/store"
)

// BankLink is what Plaid Link gave a browser when its user had chosen an account.
type BankLink struct {
	LinkID      string // the payment link it happened on; "" for staff
	CustomerID  string
	Visitor     string // whose the account is until it is saved
	PublicToken string
	AccountID   string // Plaid's
	Actor       paylink.Actor
}

// BankSessionRequest says for whom Plaid Link opens.
type BankSessionRequest struct {
	CustomerID, Visitor string
	Proven              bool   // the browser proved the customer's mailbox
	RedirectURI         string // where banks with OAuth send the payer back to; "" leaves those banks out
	WebhookURL          string
	Locale              string // Link's language; English where Plaid does not speak it
	MethodID            string // to repair the login of a linked account; "" links another
}

// ExpectedBy is the day by which a bank debit usually arrives.
// https://docs.stripe.com/payments/ach-direct-debit#timing
func ExpectedBy(now time.Time, zone *time.Location) paylink.Date {
	return paylink.BankDays(paylink.DateOf(now, zone), 4)
}

// BankSession makes the token that opens Plaid Link in the payer's browser.
func (s *Service) BankSession(ctx context.Context, r BankSessionRequest) (linkToken string, err error) {
	if s.Plaid == nil {
		return "", errNoPlaid()
	}
	firm, err := s.store.Firm(ctx)
	if err != nil {
		return "", err
	}
	request := plaid.LinkRequest{
		User: r.CustomerID, Firm: firm.Name, Language: linkLanguage(r.Locale), Webhook: r.WebhookURL, Redirect: r.RedirectURI,
	}
	if r.MethodID != "" {
		if _, request.Update, err = s.login(ctx, r); err != nil {
			return "", err
		}
	}
	return s.Plaid.LinkToken(ctx, request)
}

// login finds the account whose login a browser may renew, and the access token of its item.
func (s *Service) login(ctx context.Context, r BankSessionRequest) (m paylink.Method, access string, err error) {
	m, err = s.store.Method(ctx, r.MethodID)
	if paylink.KindOf(err) == paylink.NotFound || err == nil && (m.CustomerID != r.CustomerID || !m.SeenBy(r.Visitor, r.Proven) || m.PlaidSealed == "") {
		return m, "", unknownMethod()
	}
	if err != nil {
		return m, "", err
	}
	token, err := s.Ring.Open(methodRow(m.ID), m.PlaidSealed)
	if err != nil {
		return m, "", fmt.Errorf("open access token of %s: %w", m.ID, err)
	}
	return m, string(token), nil
}

// RenewLogin takes note that the payer logged in at their bank again. Plaid is asked whether it is so:
// the item and its access token stay what they were. https://plaid.com/docs/link/update-mode/
func (s *Service) RenewLogin(ctx context.Context, actor paylink.Actor, r BankSessionRequest) (paylink.Method, error) {
	if s.Plaid == nil {
		return paylink.Method{}, errNoPlaid()
	}
	m, access, err := s.login(ctx, r)
	if err != nil {
		return m, err
	}
	if _, err := s.Plaid.Account(ctx, access, m.PlaidAccount); err != nil {
		return m, err
	}
	return m, s.store.Update(ctx, func(tx *store.Tx) error {
		alike, err := tx.MethodsByItem(ctx, m.PlaidItem) // one login may stand behind several accounts
		if err != nil {
			return err
		}
		for _, one := range alike {
			if err := s.wantLogin(ctx, tx, actor, one, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// linkLanguage is the language of Plaid Link nearest to a locale.
// https://plaid.com/docs/api/link/#link-token-create-request-language
func linkLanguage(locale string) string {
	language, _, _ := strings.Cut(locale, "-")
	if slices.Contains(strings.Fields("da nl en et fr de hi it lv lt no pl pt ro es sv vi"), language) {
		return language
	}
	return "en"
}

func errNoPlaid() error { return paylink.Fail(paylink.Unavailable, "bank.unreachable") }

// LinkBank turns what Plaid Link gave into a method of the customer: the visitor's own until it is
// saved. The same account is one method however often it is linked, and the same public token makes
// one: a press that comes again goes on where the first one ended.
//
// Plaid knows no idempotency keys, so what is about to be made there is written down before.
func (s *Service) LinkBank(ctx context.Context, r BankLink) (paylink.Method, error) {
	switch {
	case s.Plaid == nil:
		return paylink.Method{}, errNoPlaid()
	case r.PublicToken == "" || r.AccountID == "" || r.Visitor == "":
		return paylink.Method{}, paylink.Fail(paylink.Conflict, "bank.link_again")
	}
	customer, err := s.payer(ctx, r.LinkID, r.CustomerID)
	if err != nil {
		return paylink.Method{}, err
	}
	x, fresh, err := s.beginExchange(ctx, r)
	switch {
	case err != nil:
		return paylink.Method{}, err
	case x.MethodID != "":
		return s.store.Method(ctx, x.MethodID)
	}
	// From here on it is brought to its end, whether or not the browser waits.
	ctx = context.WithoutCancel(ctx)
	access, err := s.exchange(ctx, &x, fresh, r.PublicToken)
	if err != nil {
		return paylink.Method{}, err
	}
	account, err := s.Plaid.Account(ctx, access, r.AccountID)
	if err != nil {
		return paylink.Method{}, err
	}
	token, err := s.Plaid.StripeToken(ctx, access, account.ID)
	if err != nil {
		return paylink.Method{}, err
	}
	crash.At("bank.token_made")
	bank, err := s.attachBank(ctx, customer, x, token)
	switch {
	case err != nil:
		return paylink.Method{}, err
	case !bank.Verified:
		return paylink.Method{}, paylink.Fail(paylink.Conflict, "bank.not_ready")
	}
	if bank.Bank.Type == "" {
		bank.Bank.Type = account.Type
	}
	crash.At("bank.attached")
	m, err := s.keepBank(ctx, r.Actor, x, bank, access)
	crash.At("bank.kept")
	if paylink.KindOf(err) == paylink.Invalid && !s.known(ctx, bank.ID) {
		// It came back before under another id: Stripe keeps none of it.
		if detachErr := s.stripe.Detach(ctx, s.key(x.ID, "refuse"), bank.Customer, bank.ID); detachErr != nil {
			return paylink.Method{}, errors.Join(err, detachErr)
		}
	}
	return m, err
}

// payer finds the customer whose account it is, by a link that is good and is theirs.
func (s *Service) payer(ctx context.Context, linkID, customerID string) (paylink.Customer, error) {
	customer, err := s.store.Customer(ctx, customerID)
	if err != nil || linkID == "" {
		return customer, err
	}
	link, err := s.store.Link(ctx, linkID)
	if err != nil {
		return customer, err
	}
	if err := link.Usable(s.Now()); err != nil {
		return customer, err
	}
	invoice, err := s.store.Invoice(ctx, link.InvoiceID)
	if err == nil && invoice.CustomerID != customerID {
		err = paylink.Fail(paylink.NotFound, "link.unknown")
	}
	return customer, err
}

// attachBank gives the account to the customer at Stripe, or finds that it is theirs. One that Stripe
// keeps from an access that ended is taken away first: no debit by it would go through.
func (s *Service) attachBank(ctx context.Context, customer paylink.Customer, x paylink.Exchange, token string) (stripe.Method, error) {
	for range 3 {
		cus, err := s.stripeCustomer(ctx, customer)
		if err != nil {
			return stripe.Method{}, bankFailure(err)
		}
		key := s.key(x.ID, paylink.NewID("attach", s.Now()))
		m, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Method, error) {
			return s.stripe.AttachBank(ctx, key, cus, token)
		})
		refusal, refused := errors.AsType[*stripe.Refusal](err)
		switch {
		case err == nil:
			return m, nil
		case refused && refusal.Code == "resource_missing" && refusal.Param == "customer":
			// Somebody deleted the customer at Stripe: it is let go, and another is made.
			if err := s.store.Update(ctx, func(tx *store.Tx) error {
				return tx.ForgetStripeCustomer(ctx, customer.ID, cus)
			}); err != nil {
				return stripe.Method{}, err
			}
			customer.StripeCustomer = ""
		case refused && refusal.Code == stripe.BankExists:
			found, stands, err := s.foundBank(ctx, cus, token)
			if err != nil || stands {
				return found, err
			}
			if err := s.stripe.Detach(ctx, s.key(x.ID, paylink.NewID("detach", s.Now())), cus, found.ID); err != nil {
				return stripe.Method{}, bankFailure(err)
			}
		default:
			return stripe.Method{}, bankFailure(err)
		}
	}
	return stripe.Method{}, paylink.Fail(paylink.Unavailable, "stripe.unreachable")
}

// foundBank finds the account that Stripe has already, and says whether it stands: whether a debit by
// it would be taken as far as anybody here knows.
func (s *Service) foundBank(ctx context.Context, cus, token string) (found stripe.Method, stands bool, err error) {
	if found, err = s.stripe.FindBank(ctx, cus, token); err != nil {
		return found, false, bankFailure(err)
	}
	ours, err := s.store.MethodByStripe(ctx, found.ID)
	switch {
	case paylink.KindOf(err) == paylink.NotFound:
		return found, true, nil // its linking was cut off after this
	case err != nil:
		return found, false, err
	case ours.RemovedAt.IsZero() && (ours.BlockedAt.IsZero() || returned(ours)):
		return found, true, nil
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		busy, err := busy(ctx, tx, ours.ID)
		if err == nil && busy {
			err = paylink.Fail(paylink.Conflict, "method.busy")
		}
		return err
	})
	return found, false, err
}

// returned says whether a method is blocked for what its bank said, which linking it again does not
// heal.
func returned(m paylink.Method) bool {
	switch m.Blocked {
	case blockedUnauthorized, blockedClosed, blockedFunds, blockedByStripe:
		return true
	}
	return false
}

func (s *Service) known(ctx context.Context, stripeID string) bool {
	_, err := s.store.MethodByStripe(ctx, stripeID)
	return paylink.KindOf(err) != paylink.NotFound
}

// bankFailure says what a payer can do about a failure at Stripe while an account is linked.
func bankFailure(err error) error {
	if errors.Is(err, stripe.ErrUnknown) {
		return paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(err)
	}
	if _, refused := errors.AsType[*stripe.Refusal](err); refused {
		return paylink.Fail(paylink.Conflict, "bank.refused").Because(err)
	}
	return err
}

// keepBank writes the method and closes the exchange. An account that the customer has already keeps
// the login it was made by, since removing that would end it; the new login is removed by a sweep.
func (s *Service) keepBank(ctx context.Context, actor paylink.Actor, x paylink.Exchange, bank stripe.Method, access string) (m paylink.Method, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		x, now := x, s.Now()
		if err := tx.LockMethods(ctx, x.CustomerID); err != nil {
			return err
		}
		alike, err := tx.MethodsAlike(ctx, x.CustomerID, bank.Fingerprint)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(alike, returned) {
			return paylink.FailField("account_id", "bank.blocked")
		}
		m, err = tx.MethodByStripe(ctx, bank.ID)
		switch {
		case err == nil && (m.CustomerID != x.CustomerID || !m.RemovedAt.IsZero()): // never another's, and not what was taken away a moment ago
			return paylink.Fail(paylink.Conflict, "bank.link_again")
		case err == nil:
			m.Owner, m.Bank, m.UpdatedAt = x.Visitor, bank.Bank, now
			if m.PlaidSealed != "" {
				x.MethodID = m.ID
				break
			}
			if err := s.giveItem(&m, &x, access, now); err != nil {
				return err
			}
		case paylink.KindOf(err) == paylink.NotFound:
			m = paylink.Method{
				ID: paylink.NewID("mth", now), CustomerID: x.CustomerID, Kind: paylink.MethodBank, StripeID: bank.ID,
				Fingerprint: bank.Fingerprint, Bank: bank.Bank, Owner: x.Visitor, CreatedAt: now, UpdatedAt: now,
			}
			for _, old := range alike { // saved for the customer it stays, whoever linked it again
				if old.RemovedAt.IsZero() && old.BlockedAt.IsZero() && !old.SavedAt.IsZero() {
					m.SavedAt, m.Consent = old.SavedAt, old.Consent
				}
			}
			if err := s.giveItem(&m, &x, access, now); err != nil {
				return err
			}
			if _, err := tx.InsertMethod(ctx, m); err != nil {
				return err
			}
			// The ones whose access ended make room; a debit by them may still come back.
			for _, old := range alike {
				if old.RemovedAt.IsZero() {
					if err := s.retire(ctx, tx, old, now.Add(idleFor)); err != nil {
						return err
					}
				}
			}
		default:
			return err
		}
		if err := tx.UpdateMethod(ctx, m); err != nil {
			return err
		}
		if err := tx.UpdateExchange(ctx, x); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "method.linked", m.ID, map[string]any{
			"customer": m.CustomerID, "label": m.Label(), "exchange": x.ID,
		}, now)
	})
	return m, err
}
