package payments

import (
	"context"
	"errors"
	"strings"

	"paylink"
	"paylink/provider/stripe"
	"paylink/store"
)

// BankCheck is an account whose numbers were typed into Stripe's own fields, to be proven by a small
// deposit.
type BankCheck struct {
	LinkID, CustomerID, Visitor string
	PaymentMethod               string           // pm_…, made by Stripe.js
	Consent                     paylink.Consent  // to the deposits, and to debits that are each allowed again
	Save                        *paylink.Consent // to keep it for every device of the customer; nil: this browser's own
	Actor                       paylink.Actor
}

const (
	codeTries   = 10 // https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#verify-with-microdeposits
	amountTries = 3

	codeBegun   = "begun"      // CodeWait.Kind until Stripe said what it sends
	blockedCode = "code_spent" // it was not proven in time, or not in so many tries
)

// StartBankCheck has Stripe send a small deposit to an account, which the payer reads on the statement
// and tells VerifyBankCheck. Until then no payment can be made by it and nothing is reserved.
func (s *Service) StartBankCheck(ctx context.Context, r BankCheck) (paylink.Method, error) {
	unknown := paylink.FailField("payment_method", "bank.account_unknown")
	switch {
	case !strings.HasPrefix(r.PaymentMethod, "pm_") || len(r.PaymentMethod) > 255 || r.Visitor == "":
		return paylink.Method{}, unknown
	case r.Consent.Text == "":
		return paylink.Method{}, paylink.FailField("mandate", "mandate.missing")
	}
	customer, err := s.payer(ctx, r.LinkID, r.CustomerID)
	if err != nil {
		return paylink.Method{}, err
	}
	bank, err := s.stripe.Method(ctx, r.PaymentMethod)
	if _, refused := errors.AsType[*stripe.Refusal](err); refused {
		return paylink.Method{}, unknown.Because(err)
	}
	if err != nil {
		return paylink.Method{}, bankFailure(err)
	}
	m, err := s.await(ctx, r, bank)
	if err != nil || m.AwaitsCode.Kind != codeBegun {
		return m, err
	}
	ctx = context.WithoutCancel(ctx)
	cus, err := s.stripeCustomer(ctx, customer)
	if err != nil {
		return paylink.Method{}, bankFailure(err)
	}
	request := stripe.SetupRequest{
		Customer: cus, PaymentMethod: bank.ID, Mandate: *mandateOf(r.Consent), Install: s.Install, Method: m.ID,
	}
	setup, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Setup, error) {
		return s.stripe.SetUpBank(ctx, s.key(m.ID, "setup"), request)
	})
	if refusal, refused := errors.AsType[*stripe.Refusal](err); refused {
		if err := s.giveCheckUp(ctx, m); err != nil {
			return paylink.Method{}, err
		}
		if refusal.Code == stripe.DepositsFail {
			return paylink.Method{}, paylink.FailField("payment_method", "bank.deposits_failed").Because(refusal)
		}
		return paylink.Method{}, bankFailure(refusal)
	}
	if err != nil {
		return paylink.Method{}, bankFailure(err)
	}
	return s.applySetup(ctx, setup)
}

// await writes the method before its SetupIntent is made, or finds it: the same account sent twice
// from one form is one.
func (s *Service) await(ctx context.Context, r BankCheck, bank stripe.Method) (m paylink.Method, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		if err := tx.LockMethods(ctx, r.CustomerID); err != nil {
			return err
		}
		var err error
		m, err = tx.MethodByStripe(ctx, bank.ID)
		if err == nil {
			if m.CustomerID != r.CustomerID || m.Owner != r.Visitor || !m.RemovedAt.IsZero() {
				return paylink.FailField("payment_method", "bank.account_unknown")
			}
			return nil
		}
		if paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		if bank.Kind != paylink.MethodBank || bank.Customer != "" { // one that is somebody's is not typed in a moment ago
			return paylink.FailField("payment_method", "bank.account_unknown")
		}
		alike, err := tx.MethodsAlike(ctx, r.CustomerID, bank.Fingerprint)
		if err != nil {
			return err
		}
		for _, old := range alike {
			if returned(old) {
				return paylink.FailField("payment_method", "bank.blocked")
			}
		}
		m = paylink.Method{
			ID: paylink.NewID("mth", now), CustomerID: r.CustomerID, Kind: paylink.MethodBank, StripeID: bank.ID,
			Fingerprint: bank.Fingerprint, Bank: bank.Bank, Owner: r.Visitor, AwaitsCode: paylink.CodeWait{Kind: codeBegun},
			CreatedAt: now, UpdatedAt: now,
		}
		if r.Save != nil {
			m.Consent = *r.Save
		}
		if _, err := tx.InsertMethod(ctx, m); err != nil {
			return err
		}
		for _, old := range alike { // an earlier try makes room
			if old.RemovedAt.IsZero() && old.Blocked == blockedCode {
				if err := s.retire(ctx, tx, old, now); err != nil {
					return err
				}
			}
		}
		return tx.Audit(ctx, r.Actor, "method.check_begun", m.ID, map[string]any{
			"customer": m.CustomerID, "label": m.Label(), "version": r.Consent.Version, "at": r.Consent.At, "ip": r.Consent.IP,
		}, now)
	})
	return m, err
}

// giveCheckUp takes away a method that Stripe would not even begin to prove.
func (s *Service) giveCheckUp(ctx context.Context, m paylink.Method) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
			return err
		}
		m, err := tx.Method(ctx, m.ID)
		if err != nil {
			return err
		}
		return s.retire(ctx, tx, m, s.Now())
	})
}

// applySetup moves a method to what Stripe says of its SetupIntent, however late and however often.
func (s *Service) applySetup(ctx context.Context, in stripe.Setup) (m paylink.Method, err error) {
	if in.Install != s.Install || in.Method == "" || in.Live != s.stripe.Live() {
		return m, ErrForeign
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if m, err = tx.Method(ctx, in.Method); err != nil {
			return err
		}
		if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
			return err
		}
		if m, err = tx.Method(ctx, in.Method); err != nil {
			return err
		}
		if !m.Waits() || m.AwaitsCode.SetupIntent != "" && m.AwaitsCode.SetupIntent != in.ID {
			return nil
		}
		before := m
		act := ""
		switch in.Status {
		case stripe.NeedsAction:
			if m.AwaitsCode.SetupIntent == "" {
				if m.AwaitsCode, err = s.codeWait(ctx, tx, in); err != nil {
					return err
				}
			}
		case stripe.StatusDone:
			m.AwaitsCode, act = paylink.CodeWait{}, "method.proven"
			if m.Consent.Text != "" {
				m.SavedAt = s.Now()
			}
		case stripe.NeedsMethod, stripe.StatusCanceled:
			m.AwaitsCode, m.BlockedAt, m.Blocked, act = paylink.CodeWait{}, s.Now(), blockedCode, "method.not_proven"
		case stripe.NeedsConfirm, stripe.StatusMoving, stripe.StatusHeld:
		}
		if m == before {
			return nil
		}
		m.UpdatedAt = s.Now()
		if err := tx.UpdateMethod(ctx, m); err != nil || act == "" {
			return err
		}
		return tx.Audit(ctx, "stripe", act, m.ID, map[string]any{
			"customer": m.CustomerID, "setup_intent": in.ID, "why": in.Problem,
		}, s.Now())
	})
	return m, err
}

func (s *Service) codeWait(ctx context.Context, tx *store.Tx, in stripe.Setup) (paylink.CodeWait, error) {
	firm, err := tx.Firm(ctx)
	if err != nil {
		return paylink.CodeWait{}, err
	}
	wait := paylink.CodeWait{SetupIntent: in.ID, Kind: paylink.CodeText, Tries: codeTries}
	if in.Kind == paylink.CodeAmounts {
		wait.Kind, wait.Tries = paylink.CodeAmounts, amountTries
	}
	if !in.ArrivesAt.IsZero() {
		wait.ArrivesOn = paylink.DateOf(in.ArrivesAt, firm.Location())
	}
	return wait, nil
}

// VerifyBankCheck takes what the payer read on the statement: a code, or with "" two amounts in cents.
// What cannot be right is told before it costs a try at Stripe.
func (s *Service) VerifyBankCheck(ctx context.Context, customerID, methodID, code string, amounts [2]int64) error {
	m, err := s.store.Method(ctx, methodID)
	switch {
	case err != nil:
		return err
	case m.CustomerID != customerID || !m.RemovedAt.IsZero():
		return paylink.Fail(paylink.NotFound, "method.unknown")
	case m.Blocked == blockedCode:
		return paylink.Fail(paylink.Conflict, "bank.code_spent")
	case !m.Waits():
		return nil // proven a moment ago
	case m.AwaitsCode.SetupIntent == "":
		return paylink.Fail(paylink.Unavailable, "stripe.unreachable")
	}
	code = strings.ToUpper(strings.TrimSpace(code))
	if m.AwaitsCode.Kind == paylink.CodeAmounts {
		code = ""
		if amounts[0] < 1 || amounts[0] > 99 || amounts[1] < 1 || amounts[1] > 99 {
			return paylink.FailField("code", "bank.amounts_form")
		}
	} else if len(code) != 6 || !strings.HasPrefix(code, "SM") {
		return paylink.FailField("code", "bank.code_form")
	}
	ctx = context.WithoutCancel(ctx)
	key := s.key(m.ID, paylink.NewID("verify", s.Now()))
	setup, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Setup, error) {
		return s.stripe.VerifyBank(ctx, m.AwaitsCode.SetupIntent, key, code, amounts)
	})
	refusal, refused := errors.AsType[*stripe.Refusal](err)
	switch {
	case err == nil:
		_, err = s.applySetup(ctx, setup)
		return err
	case !refused:
		return bankFailure(err)
	case refusal.Code == stripe.CodeWrong || refusal.Code == stripe.AmountsWrong || refusal.Code == stripe.AmountsBroken:
		left, err := s.wrongCode(ctx, m)
		if err != nil {
			return err
		}
		return paylink.FailField("code", "bank.code_wrong", "tries", left, "n", left).Because(refusal)
	}
	// Too many tries, too late, or another browser was faster: Stripe says how it stands.
	if setup, err = s.stripe.Setup(ctx, m.AwaitsCode.SetupIntent); err != nil {
		return bankFailure(errors.Join(refusal, err))
	}
	after, err := s.applySetup(ctx, setup)
	switch {
	case err != nil:
		return err
	case after.Usable(s.Now()):
		return nil
	}
	return paylink.Fail(paylink.Conflict, "bank.code_spent").Because(refusal)
}

// wrongCode counts a wrong try; Stripe counts for itself, and ends it.
func (s *Service) wrongCode(ctx context.Context, m paylink.Method) (left int, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
			return err
		}
		now, err := tx.Method(ctx, m.ID)
		if err != nil {
			return err
		}
		now.AwaitsCode.Tries = max(0, now.AwaitsCode.Tries-1)
		now.UpdatedAt = s.Now()
		left = now.AwaitsCode.Tries
		return tx.UpdateMethod(ctx, now)
	})
	return left, err
}

// setupEvent fetches the SetupIntent of an event and applies it; note says why nothing came of it.
func (s *Service) setupEvent(ctx context.Context, id string) (note string, err error) {
	in, err := s.stripe.Setup(ctx, id)
	if err != nil {
		return "", err
	}
	_, err = s.applySetup(ctx, in)
	switch {
	case errors.Is(err, ErrForeign):
		return "another program's", nil
	case paylink.KindOf(err) == paylink.NotFound:
		return "no such method here", nil
	}
	return "", err
}
