package payments

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"paylink"
	"paylink/crash"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

// Press is one press of the Pay button.
type Press struct {
	LinkID            string // the payment link it came through; "" of staff
	Staff             bool   // staff press for a payer who is not there: by a saved method alone
	InvoiceID         string
	Nonce             string           // of the form; the same nonce is the same payment
	Version           int              // of the invoice that the form showed
	Amount            money.Amount     // what the payer decided
	ConfirmationToken string           // ctoken_…, made by the payer's browser from a new card
	MethodID          string           // mth_… of a saved or linked method, instead of a new card
	Visitor           string           // this browser's random id, which owns what it linked; "" when it has none
	Proven            bool             // this browser proved the customer's mailbox: saved methods may be used
	Mandate           *paylink.Consent // to debit a bank account, as it was shown; a bank method needs it
	Save              *paylink.Consent // to keep the card or account for next time; nil: it is not kept
	Locale            money.Locale
	ReturnURL         func(paymentID string) string // where the bank sends the payer back to
	Actor             paylink.Actor
	Place             string // the network that the press came from, to bound how many come; "" is not counted
}

// Elements are the options that the card form in the browser is made with. Stripe refuses a
// ConfirmationToken whose options are not those of the PaymentIntent, so both come from here.
// https://docs.stripe.com/payments/accept-a-payment-deferred
type Elements struct {
	Mode               string   `json:"mode"`
	Amount             int64    `json:"amount"`
	Currency           string   `json:"currency"` // lower case, as Stripe writes it
	PaymentMethodTypes []string `json:"paymentMethodTypes"`
	CaptureMethod      string   `json:"captureMethod"`
	SetupFutureUsage   string   `json:"setupFutureUsage,omitempty"`
}

// ElementsFor gives the options for paying an amount of an invoice by a new card.
func ElementsFor(i paylink.Invoice, charged money.Amount, save bool) Elements {
	e := Elements{
		Mode: "payment", Amount: charged.Minor, Currency: lower(charged.Currency),
		PaymentMethodTypes: []string{"card"}, CaptureMethod: string(i.Capture),
	}
	if save {
		e.SetupFutureUsage = "off_session"
	}
	return e
}

// Begin makes one payment of one press, as far as it goes now: reserved (T1), made at Stripe (S1)
// and remembered (T2), said to be confirming (T2b), confirmed (S2) and applied (T3).
//
// Whatever state it reached comes back as a payment to show. An error means that nothing was
// charged and nothing is reserved. The same nonce again gives the payment it made first.
func (s *Service) Begin(ctx context.Context, press Press) (paylink.Payment, error) {
	switch {
	case press.Staff && press.MethodID == "":
		return paylink.Payment{}, paylink.FailField("method", "method")
	case press.ConfirmationToken == "" && press.MethodID == "":
		return paylink.Payment{}, paylink.FailField("card", "card.missing")
	}
	p, invoice, customer, made, err := s.reserve(ctx, press)
	switch {
	case err != nil:
		return paylink.Payment{}, err
	case !made:
		return p, nil
	}
	// From here on the payment is looked after to its end, whether or not the browser waits.
	ctx = context.WithoutCancel(ctx)
	crash.At("pay.T1.committed")

	intent, err := s.create(ctx, p, invoice, customer)
	if err != nil {
		return paylink.Payment{}, s.giveUp(ctx, p.ID, err)
	}
	crash.At("pay.S1.made")
	if p, err = s.remember(ctx, p.ID, intent.ID, press); err != nil {
		return paylink.Payment{}, err
	}
	crash.At("pay.T2.committed")
	request := confirmRequest(p, press)
	if p, err = s.confirming(ctx, p.ID, request); err != nil || p.Status != paylink.Confirming {
		return p, err
	}
	crash.At("pay.T2b.committed")
	return s.confirm(ctx, p, request)
}

// reserve is T1: one locked transaction in which the invoice, the link and the amount are judged
// and the payment's row, which is the reservation, is written.
func (s *Service) reserve(ctx context.Context, press Press) (p paylink.Payment, invoice paylink.Invoice, customer paylink.Customer, made bool, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		made = false
		now := s.Now()
		var err error
		if invoice, err = tx.LockInvoice(ctx, press.InvoiceID); err != nil {
			return err
		}
		if p, err = tx.PaymentByNonce(ctx, press.Nonce); err == nil {
			if p.LinkID != press.LinkID || p.InvoiceID != press.InvoiceID {
				return paylink.Fail(paylink.Conflict, "form.used")
			}
			return nil
		} else if paylink.KindOf(err) != paylink.NotFound {
			return err
		}
		link, err := through(ctx, tx, press, now)
		if err != nil {
			return err
		}
		balance, err := tx.Balance(ctx, invoice.ID)
		if err != nil {
			return err
		}
		// The version is asked before the amount: who saw another invoice is told so, and not
		// that the amount is wrong.
		if invoice.Version != press.Version && invoice.State == paylink.StateOpen {
			return paylink.Fail(paylink.Conflict, "invoice.changed")
		}
		if err := paylink.PayableOf(invoice, balance).Check(press.Amount); err != nil {
			return err
		}
		if err := s.within(ctx, tx, balance, press); err != nil {
			return err
		}
		if customer, err = tx.Customer(ctx, invoice.CustomerID); err != nil {
			return err
		}
		p = paylink.Payment{
			ID: paylink.NewID("pay", now), InvoiceID: invoice.ID, LinkID: link.ID, CustomerID: customer.ID,
			Nonce: press.Nonce, InvoiceVersion: invoice.Version, Method: paylink.MethodCard,
			Amount: press.Amount, Fee: money.New(0, invoice.Currency), Capture: invoice.Capture,
			Status: paylink.Created, Boot: s.Boot, LeaseUntil: now.Add(lease),
			Locale: press.Locale, CreatedAt: now, UpdatedAt: now,
		}
		if err := s.choose(ctx, tx, &p, link, press); err != nil {
			return err
		}
		if made, err = tx.InsertPayment(ctx, p); err != nil {
			return err
		}
		if !made { // in the same moment, on another invoice: this one is locked
			return paylink.Fail(paylink.Conflict, "form.used")
		}
		if err := s.count(ctx, tx, press); err != nil {
			return err
		}
		if !press.Staff && link.OpenedAt.IsZero() {
			link.OpenedAt = now
			if err := tx.UpdateLink(ctx, link); err != nil {
				return err
			}
		}
		crash.At("pay.T1.written")
		return s.note(ctx, tx, press.Actor, "", p)
	})
	return p, invoice, customer, made, err
}

// through is the link that a press came by, which must open the invoice; staff need none.
func through(ctx context.Context, tx *store.Tx, press Press, now time.Time) (paylink.Link, error) {
	if press.Staff {
		return paylink.Link{}, nil
	}
	link, err := tx.LockLink(ctx, press.LinkID)
	if err != nil {
		return link, err
	}
	if err := link.Usable(now); err != nil {
		return link, err
	}
	if link.InvoiceID != press.InvoiceID {
		return link, paylink.Fail(paylink.NotFound, "link.unknown")
	}
	return link, nil
}

// create is S1: the customer at Stripe, once, and the unconfirmed PaymentIntent.
func (s *Service) create(ctx context.Context, p paylink.Payment, invoice paylink.Invoice, customer paylink.Customer) (stripe.Intent, error) {
	in, err := s.createFor(ctx, p, invoice, customer, "create")
	refusal, ok := errors.AsType[*stripe.Refusal](err)
	if !ok || refusal.Code != "resource_missing" || refusal.Param != "customer" {
		return in, err
	}
	// Somebody deleted the customer at Stripe: it is let go, and another is made.
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		return tx.ForgetStripeCustomer(ctx, customer.ID, customer.StripeCustomer)
	}); err != nil {
		return in, err
	}
	customer.StripeCustomer = ""
	return s.createFor(ctx, p, invoice, customer, "create-again")
}

func (s *Service) createFor(ctx context.Context, p paylink.Payment, invoice paylink.Invoice, customer paylink.Customer, step string) (stripe.Intent, error) {
	cus, err := s.stripeCustomer(ctx, customer)
	if err != nil {
		return stripe.Intent{}, err
	}
	types, futureUse := intentMeans(p, invoice)
	statement, suffix := "", statementSuffix(invoice.Number)
	if p.Method == paylink.MethodBank { // the permission names what its statement will say
		firm, err := s.store.Firm(ctx)
		if err != nil {
			return stripe.Intent{}, err
		}
		statement, suffix = firm.DebitStatement(), ""
	}
	request := stripe.IntentRequest{
		Amount: p.Charged(), Customer: cus, MethodTypes: types,
		Capture: p.Capture, SetupFutureUsage: futureUse,
		Statement: statement, StatementSuffix: suffix, Description: "Invoice " + invoice.Number,
		Install: s.Install, Payment: p.ID, Invoice: invoice.ID,
	}
	return retry(ctx, s.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.CreateIntent(ctx, s.key(p.ID, step), request)
	})
}

// stripeCustomer finds or makes the one customer at Stripe for ours. The search by our id is what
// keeps it one; the key only covers the retries of this call, so that an address that changed, or an
// answer that Stripe keeps for a day, does not stand in the way.
func (s *Service) stripeCustomer(ctx context.Context, c paylink.Customer) (string, error) {
	if c.StripeCustomer != "" {
		return c.StripeCustomer, nil
	}
	key := s.key(c.ID, paylink.NewID("customer", s.Now()))
	made, err := retry(ctx, s.Budget, func(ctx context.Context) (string, error) {
		return s.stripe.EnsureCustomer(ctx, key, stripe.CustomerRequest{
			ID: c.ID, Install: s.Install, Name: c.Name, Email: c.Email,
		})
	})
	if err != nil {
		return "", err
	}
	crash.At("customer.made")
	var kept string
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		kept, err = tx.SetStripeCustomer(ctx, c.ID, made)
		return err
	})
	return kept, err
}

// remember is T2: the PaymentIntent's id, and the permission for a debit, are durable before anything
// may confirm it.
func (s *Service) remember(ctx context.Context, id, intent string, press Press) (paylink.Payment, error) {
	var p paylink.Payment
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if p, _, err = s.payment(ctx, tx, id); err != nil {
			return err
		}
		p.PaymentIntent, p.UpdatedAt = intent, s.Now()
		if err := tx.UpdatePayment(ctx, p); err != nil {
			return err
		}
		if p.Status == paylink.Canceled { // recovery gave it up meanwhile
			return s.orphaned(ctx, tx, p)
		}
		return s.permit(ctx, tx, p, press)
	})
	return p, err
}

// confirming is T2b: what will be sent is durable before it is sent. A payment that recovery
// closed meanwhile stays closed and is not confirmed.
func (s *Service) confirming(ctx context.Context, id string, request stripe.ConfirmRequest) (paylink.Payment, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return paylink.Payment{}, fmt.Errorf("hash confirm request: %w", err)
	}
	sum := sha256.Sum256(body)
	return s.change(ctx, id, func(p *paylink.Payment) bool {
		if p.Status != paylink.Created {
			return false
		}
		p.Status, p.Means, p.RequestHash = paylink.Confirming, request.ConfirmationToken+request.Method, hex.EncodeToString(sum[:])
		return true
	})
}

// confirm is S2 and T3. When nobody knows what the call did, Stripe is asked, and only what is still
// unconfirmed is fenced: the payer then reads a fact, and not a guess, and nothing that the bank
// already granted or asks about is thrown away.
func (s *Service) confirm(ctx context.Context, p paylink.Payment, request stripe.ConfirmRequest) (paylink.Payment, error) {
	intent, err := retry(ctx, s.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return s.stripe.Confirm(ctx, p.PaymentIntent, s.key(p.ID, "confirm"), request)
	})
	crash.At("pay.S2.answered")
	if err == nil {
		return s.applied(ctx, p, intent)
	}
	s.Log.Warn("confirm had no clear outcome", "payment_id", p.ID, "error", err.Error())
	found, findErr := s.find(ctx, p.ID)
	if findErr != nil {
		s.Log.Warn("payment stays unknown", "payment_id", p.ID, "error", findErr.Error())
		unknown, err := s.change(ctx, p.ID, func(p *paylink.Payment) bool {
			if p.Status != paylink.Confirming {
				return false
			}
			p.Status = paylink.Unknown
			return true
		})
		if err != nil { // the money may have moved all the same: nobody is told that it did not
			s.Log.Error("note that a payment is unknown", "payment_id", p.ID, "error", err.Error())
			p.Status = paylink.Unknown
			return p, nil
		}
		return unknown, nil
	}
	if refusal, ok := errors.AsType[*stripe.Refusal](err); ok && found.Status == paylink.Canceled {
		return paylink.Payment{}, s.refused(ctx, p, refusal)
	}
	return found, nil
}

// applied is T3 by the way of Begin. When the books cannot be written, the money may have moved:
// the payment is then shown as being checked, and recovery applies it.
func (s *Service) applied(ctx context.Context, p paylink.Payment, intent stripe.Intent) (paylink.Payment, error) {
	after, err := s.Follow(ctx, intent)
	if err != nil {
		s.Log.Error("apply after confirm", "payment_id", p.ID, "error", err.Error())
		p.Status = paylink.Unknown
		return p, nil
	}
	return after, nil
}

// giveUp releases a payment whose PaymentIntent could not be made: unconfirmed, it cannot move
// money, even if Stripe made it and the answer was lost.
func (s *Service) giveUp(ctx context.Context, id string, cause error) error {
	if _, err := s.change(ctx, id, func(p *paylink.Payment) bool {
		if p.Status != paylink.Created {
			return false
		}
		p.Status = paylink.Canceled
		return true
	}); err != nil {
		return fmt.Errorf("release payment: %w", errors.Join(err, cause))
	}
	crash.At("pay.released")
	refusal, refused := errors.AsType[*stripe.Refusal](cause)
	if !refused && !errors.Is(cause, stripe.ErrUnknown) {
		return fmt.Errorf("make payment at stripe: %w", cause)
	}
	if refused { // the payer cannot help it; staff can
		if err := s.store.Update(ctx, func(tx *store.Tx) error {
			return tx.InsertTask(ctx, "payment.refused", id, "task.payment_refused", map[string]any{"why": refusal.Code}, s.Now())
		}); err != nil {
			return fmt.Errorf("tell staff: %w", errors.Join(err, cause))
		}
	}
	return paylink.Fail(paylink.Unavailable, "stripe.unreachable").Because(cause)
}

// retry calls until the outcome is known, the key is spent or the budget is. The key in the call
// is the same each time, so that it has its effect once.
func retry[T any](ctx context.Context, budget time.Duration, call func(context.Context) (T, error)) (T, error) {
	deadline := time.Now().Add(budget) //nolint:forbidigo // a real wait, measured by the real clock
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for wait := 250 * time.Millisecond; ; wait *= 2 {
		answer, err := call(ctx)
		if err == nil || !errors.Is(err, stripe.ErrUnknown) {
			return answer, err
		}
		pause := wait
		if busy, ok := errors.AsType[*stripe.Busy](err); ok {
			if busy.Replayed {
				return answer, err
			}
			pause = max(pause, busy.After)
		}
		if _, stranger := errors.AsType[*tls.CertificateVerificationError](err); stranger {
			return answer, err // nothing was sent, and asking again would meet the same one
		}
		if time.Until(deadline) < pause { //nolint:forbidigo // as above
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(pause):
		}
	}
}
