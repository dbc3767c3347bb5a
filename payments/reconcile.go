package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"paylink"
	"paylink/money"
	"paylink/provider/stripe"
	"paylink/store"
)

const (
	// overlap is how far before the last whole pass a list is read again: an object may be listed late,
	// and two clocks differ.
	overlap = 2 * time.Hour
	// firstLook is how far back a list is read that was never read, and the balance every night: longer
	// than a month's closing, and than most bank returns take.
	firstLook = 35 * 24 * time.Hour
)

// Progress is told after each page of a list: which list, and how many objects of it were seen.
type Progress func(list string, seen int)

// Report is what a reconciliation found.
type Report struct {
	Seen      map[string]int // objects by list
	Rebuilt   int            // payments that our books had lost
	Canceled  int            // unconfirmed PaymentIntents of ours that nothing belongs to
	Foreign   int            // payments of our customers that were made elsewhere, new since the last time
	Different int            // differences that stand
}

// pass is one reconciliation under way.
type pass struct {
	*Service
	round    time.Time // when the first shift of it began: a list that was read whole since is done
	report   Report
	progress Progress
	late     func() bool // whether the shift is over; nil: there is none, and the pass reads everything
	read     bool        // something was read in this shift, so that the next one begins after it
}

// errShift says that the shift is over and that something is left.
var errShift = errors.New("the shift is over")

// over says whether the rest is for another shift.
func (p *pass) over() bool { return p.late != nil && p.late() }

// Reconcile compares our books with what Stripe has: PaymentIntents, charges, refunds, disputes and
// events by when they were made, from two hours before the last whole pass. What the books lack is
// added; an amount is never changed. What was read is applied before the place in its list is kept, so a
// pass that is cut off goes on there, and repeating one changes nothing. A list that fails does not
// keep the others from being read.
func (s *Service) Reconcile(ctx context.Context, progress Progress) (Report, error) {
	return s.reconcile(ctx, s.newPass(s.Now(), progress))
}

func (s *Service) reconcile(ctx context.Context, p *pass) (Report, error) {
	left := s.RecoverRefunds
	if p.late != nil { // a job of its own does that every minute
		left = func(context.Context) error { return nil }
	}
	err := errors.Join(
		walk(ctx, p, "payment_intents", sinceLast, s.stripe.Intents, p.intent),
		walk(ctx, p, "charges", sinceLast, s.stripe.Charges, p.charge),
		walk(ctx, p, "refunds", sinceLast, s.stripe.Refunds, p.refund),
		walk(ctx, p, "disputes", sinceLast, s.stripe.Disputes, p.dispute),
		walk(ctx, p, "events", sinceLast, s.stripe.Events, p.event),
		left(ctx),
	)
	return p.done(ctx, err)
}

// ReconcileJob handles jobs of kind payment.reconcile: it works for one shift and leaves the rest to a
// job of its own.
func (s *Service) ReconcileJob(ctx context.Context, job store.Job) error {
	return s.work(ctx, job, s.reconcile)
}

// roundJob is what a shift leaves to the next.
type roundJob struct {
	Round time.Time `json:"round,omitzero"`
}

func (s *Service) work(ctx context.Context, job store.Job, reconcile func(context.Context, *pass) (Report, error)) error {
	what := roundJob{}
	if err := json.Unmarshal(job.Payload, &what); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	if what.Round.IsZero() {
		what.Round = s.Now()
	}
	// One request is never cut off by the end of the shift: a slow one would begin anew in each.
	shift, stop := context.WithTimeout(ctx, s.Shift)
	defer stop()
	p := s.newPass(what.Round, nil)
	p.late = func() bool { return shift.Err() != nil }
	report, err := reconcile(ctx, p)
	if clockErr := s.watchClock(ctx); clockErr != nil {
		return errors.Join(err, clockErr)
	}
	if errors.Is(err, errShift) { // a list that failed is read again with the rest
		return s.store.Update(ctx, func(tx *store.Tx) error {
			return enqueue(ctx, tx, job.Kind, paylink.NewID("more", s.Now()), what, s.Now())
		})
	}
	if err != nil {
		return err
	}
	s.Log.Info("reconciled with stripe", "job", job.Kind, "seen", report.Seen, "rebuilt", report.Rebuilt,
		"canceled", report.Canceled, "foreign", report.Foreign, "different", report.Different)
	return nil
}

func (s *Service) newPass(round time.Time, progress Progress) *pass {
	if progress == nil {
		progress = func(string, int) {}
	}
	return &pass{Service: s, round: round, report: Report{Seen: map[string]int{}}, progress: progress}
}

func (p *pass) done(ctx context.Context, err error) (Report, error) {
	standing, countErr := p.store.Differences(ctx, differencesMost)
	p.report.Different = len(standing)
	if err := errors.Join(err, countErr); err != nil {
		return p.report, fmt.Errorf("reconcile: %w", err)
	}
	if len(standing) == 0 {
		return p.report, nil
	}
	// One mail for each difference that is new, and none while the same ones stand.
	return p.report, p.store.Update(ctx, func(tx *store.Tx) error {
		return enqueue(ctx, tx, "mail.drift", standing[0].ID, json.RawMessage("{}"), p.Now())
	})
}

// sinceLast is where a new pass over a list begins.
func sinceLast(c store.ListCursor, now time.Time) time.Time {
	if c.Since.IsZero() {
		return now.Add(-firstLook)
	}
	return c.Since.Add(-overlap)
}

// walk reads a list page by page and applies each object. Lists are newest first: what is made while we
// read comes before the first page and is found by the next pass.
func walk[T any](ctx context.Context, p *pass, list string, from func(store.ListCursor, time.Time) time.Time, fetch func(context.Context, stripe.Since) (stripe.Page[T], error), apply func(context.Context, T) error) error {
	cursor, err := p.store.ListCursor(ctx, list)
	if err != nil {
		return err
	}
	if cursor.Begun.IsZero() {
		if !cursor.Since.Before(p.round) {
			return nil // by an earlier shift of this round
		}
		now := p.Now()
		cursor = store.ListCursor{Since: cursor.Since, Begun: now, From: from(cursor, now)}
	}
	// keep remembers that n more objects were applied, and where to go on.
	keep := func(n int) error {
		if err := p.store.Update(ctx, func(tx *store.Tx) error { return tx.PutListCursor(ctx, list, cursor) }); err != nil {
			return err
		}
		p.read = true
		p.report.Seen[list] += n
		p.progress(list, p.report.Seen[list])
		return nil
	}
	for {
		if p.read && p.over() { // however slow Stripe is, each shift reads something
			return errShift
		}
		found, err := retry(ctx, p.Budget, func(ctx context.Context) (stripe.Page[T], error) {
			return fetch(ctx, stripe.Since{From: cursor.From, After: cursor.After})
		})
		if _, refused := errors.AsType[*stripe.Refusal](err); refused && cursor.After != "" {
			cursor.After = "" // the place is gone at Stripe: the pass begins again
			continue
		}
		if err != nil {
			return err
		}
		for n, object := range found.Items {
			if err := ctx.Err(); err != nil {
				return err
			}
			if n > 0 && p.over() { // the rest of the page is for the next shift
				cursor.After, cursor.Seen = found.IDs[n-1], cursor.Seen+n
				return errors.Join(keep(n), errShift)
			}
			if err := apply(ctx, object); err != nil {
				return fmt.Errorf("%s: %w", list, err)
			}
		}
		cursor.Pages, cursor.Seen = cursor.Pages+1, cursor.Seen+len(found.Items)
		if cursor.After = found.Next; found.Next == "" {
			cursor = store.ListCursor{Since: cursor.Begun, Pages: cursor.Pages, Seen: cursor.Seen}
		}
		if err := keep(len(found.Items)); err != nil || found.Next == "" {
			return err
		}
	}
}

// differ notes a difference.
func (s *Service) differ(ctx context.Context, d store.Difference) error {
	d.SeenAt = s.Now()
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.PutDifference(ctx, d) })
}

// intent brings a payment to what Stripe says of its PaymentIntent.
func (p *pass) intent(ctx context.Context, in stripe.Intent) error {
	if in.Install != p.Install || in.Payment == "" {
		return p.foreign(ctx, store.ForeignPayment{Intent: in.ID, Amount: money.New(in.Received, in.Amount.Currency), MadeAt: in.MadeAt}, in.Customer)
	}
	have, err := p.store.Payment(ctx, in.Payment)
	if paylink.KindOf(err) == paylink.NotFound {
		return p.unknown(ctx, in)
	}
	if err != nil {
		return err
	}
	if have.PaymentIntent != "" && have.PaymentIntent != in.ID { // made twice, and the other one is the payment's
		switch {
		case in.Status == stripe.StatusCanceled:
			return nil
		case confirmable(in):
			return p.cancel(ctx, in)
		}
	}
	after, err := p.Follow(ctx, in)
	if err != nil {
		return err
	}
	if after.Problem != "" {
		return p.differ(ctx, p.disbelieved(after, in))
	}
	if err := p.store.Update(ctx, func(tx *store.Tx) error { return p.agree(ctx, tx, in.ID, differsPayment, differsPaymentLost) }); err != nil {
		return err
	}
	if after.Status.Final() && confirmable(in) {
		return p.cancel(ctx, in) // given up here, and nobody shall be able to confirm it
	}
	return nil
}

// confirmable says whether a PaymentIntent has not moved money and still could.
func confirmable(in stripe.Intent) bool {
	switch in.Status {
	case stripe.NeedsMethod, stripe.NeedsConfirm, stripe.NeedsAction:
		return true
	case stripe.StatusMoving, stripe.StatusHeld, stripe.StatusDone, stripe.StatusCanceled:
	}
	return false
}

// cancel makes sure that a PaymentIntent of ours that no payment needs cannot move money. One that was
// confirmed a moment before is found by the next pass.
func (p *pass) cancel(ctx context.Context, in stripe.Intent) error {
	_, err := retry(ctx, p.Budget, func(ctx context.Context) (stripe.Intent, error) {
		return p.stripe.Cancel(ctx, in.ID, p.key(in.ID, paylink.NewID("cancel", p.Now())))
	})
	if _, refused := errors.AsType[*stripe.Refusal](err); refused {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cancel orphan: %w", err)
	}
	p.report.Canceled++
	return p.store.Update(ctx, func(tx *store.Tx) error {
		return tx.Audit(ctx, system, "payment.orphan_canceled", in.Payment, map[string]any{"payment_intent": in.ID, "amount": in.Amount}, p.Now())
	})
}

// unknown rebuilds the payment that a PaymentIntent names and that is not here; unless the PaymentIntent is
// another payment's, and was made to name this one at Stripe.
func (p *pass) unknown(ctx context.Context, in stripe.Intent) error {
	other, err := p.store.PaymentByIntent(ctx, in.ID)
	if paylink.KindOf(err) == paylink.NotFound {
		return p.rebuild(ctx, in)
	}
	if err != nil {
		return err
	}
	return p.differ(ctx, p.disbelieved(other, in))
}

// rebuild makes the row of a payment that our books lost, with a backup that was restored, from what is
// written on its PaymentIntent. One that nobody confirmed is canceled instead: its payer was never told
// of it by these books.
func (p *pass) rebuild(ctx context.Context, in stripe.Intent) error {
	switch {
	case in.Live != p.stripe.Live():
		return p.differ(ctx, store.Difference{Kind: differsMode, Subject: in.ID, Ours: mode(p.stripe.Live()), Theirs: mode(in.Live)})
	case in.Status == stripe.StatusCanceled:
		return nil
	case confirmable(in):
		return p.cancel(ctx, in)
	}
	made, err := p.adopt(ctx, system, in, "rebuilt")
	if paylink.KindOf(err) == paylink.NotFound {
		return p.differ(ctx, store.Difference{Kind: differsPaymentLost, Subject: in.ID, Theirs: said(in)})
	}
	if err != nil {
		return err
	}
	if made {
		p.report.Rebuilt++
	}
	if _, err = p.Follow(ctx, in); err != nil {
		return err
	}
	return p.store.Update(ctx, func(tx *store.Tx) error { return p.agree(ctx, tx, in.ID, differsPaymentLost, differsMode) })
}

// adopt writes the payment that a PaymentIntent names, reserving its amount until it is applied. The
// error is NotFound when its invoice is not here, or asks for another currency.
func (s *Service) adopt(ctx context.Context, actor paylink.Actor, in stripe.Intent, how string) (made bool, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		invoice, err := tx.LockInvoice(ctx, in.Invoice)
		if err != nil {
			return err
		}
		if in.Amount.Currency != invoice.Currency {
			return paylink.Fail(paylink.NotFound, "invoice.unknown")
		}
		customer, err := tx.Customer(ctx, invoice.CustomerID)
		if err != nil {
			return err
		}
		now := s.Now()
		p := paylink.Payment{
			ID: in.Payment, InvoiceID: invoice.ID, CustomerID: invoice.CustomerID, Nonce: "intent:" + in.ID, InvoiceVersion: invoice.Version,
			Method: paylink.MethodCard, Amount: in.Amount, Fee: money.New(0, invoice.Currency), Capture: in.Capture,
			Status: paylink.Confirming, PaymentIntent: in.ID, Boot: s.Boot, LeaseUntil: now.Add(lease), Locale: customer.Locale,
			CreatedAt: now, UpdatedAt: now,
		}
		if p.Capture != paylink.CaptureManual {
			p.Capture = paylink.CaptureAutomatic // also Stripe's automatic_async
		}
		if slices.Contains(in.Types, "us_bank_account") && len(in.Types) == 1 {
			p.Method = paylink.MethodBank
		}
		if err := madeBy(ctx, tx, &p, in.Method); err != nil {
			return err
		}
		if made, err = tx.InsertPayment(ctx, p); err != nil {
			return err
		}
		// From here on it is a payment of ours, whatever becomes of this server.
		if _, err := tx.CloseForeignPayment(ctx, in.ID, p.ID, now); err != nil || !made {
			return err
		}
		if err := tx.DoneTask(ctx, "payment.unmatched", in.ID, now); err != nil { // an event may have come before us
			return err
		}
		return tx.Audit(ctx, actor, "payment."+how, p.ID, map[string]any{
			"payment_intent": in.ID, "amount": p.Amount, "invoice": invoice.ID, "status": in.Status,
		}, now)
	})
	return made, err
}

// foreign notes money of a customer of ours that came another way, for staff to apply to an invoice.
// Nothing is booked from it. What was never paid, or by strangers, is nothing to us.
func (p *pass) foreign(ctx context.Context, f store.ForeignPayment, cus string) error {
	if f.Amount.Minor <= 0 {
		return nil
	}
	if _, err := p.store.PaymentByIntent(ctx, f.Intent); paylink.KindOf(err) != paylink.NotFound {
		return err // it was applied before its metadata could be written
	}
	customer, err := p.store.CustomerByStripe(ctx, cus)
	if paylink.KindOf(err) == paylink.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	fresh := false
	f.CustomerID, f.CreatedAt = customer.ID, p.Now()
	err = p.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if fresh, err = tx.InsertForeignPayment(ctx, f); err != nil || !fresh {
			return err
		}
		return tx.InsertTask(ctx, "payment.foreign", customer.ID, "task.payment_foreign", map[string]any{
			"amount": f.Amount, "customer": customer.Name,
		}, p.Now())
	})
	if fresh && err == nil {
		p.report.Foreign++
	}
	return err
}

// charge notes charges that belong to no PaymentIntent; all others are known by theirs.
func (p *pass) charge(ctx context.Context, c stripe.Charge) error {
	if c.Intent != "" || !c.Done {
		return nil
	}
	return p.foreign(ctx, store.ForeignPayment{Intent: c.ID, Amount: money.New(c.Captured, c.Amount.Currency), MadeAt: c.MadeAt}, c.Customer)
}

func (p *pass) refund(ctx context.Context, r stripe.Refund) error {
	_, err := p.ApplyRefund(ctx, r)
	return p.unsettled(ctx, err, store.Difference{Kind: differsRefundLost, Subject: r.ID, Theirs: r.Amount.String() + " " + string(r.Status)})
}

func (p *pass) dispute(ctx context.Context, d stripe.Dispute) error {
	_, err := p.ApplyDispute(ctx, d)
	return p.unsettled(ctx, err, store.Difference{Kind: differsDisputeLost, Subject: d.ID, Theirs: d.Amount.String() + " " + string(d.Status)})
}

// unsettled sorts the error of a refund or dispute whose payment is not in our books.
func (p *pass) unsettled(ctx context.Context, err error, d store.Difference) error {
	switch {
	case errors.Is(err, ErrForeign):
		return nil
	case errors.Is(err, errUnsettled), paylink.KindOf(err) == paylink.NotFound:
		return p.differ(ctx, d)
	}
	return err
}

// event takes in an event that no webhook brought, as if one had.
func (p *pass) event(ctx context.Context, e stripe.Happening) error {
	read, err := stripe.ParseEvent(e.Body)
	if err != nil {
		p.Log.Warn("listed event is not read", "event", e.ID, "type", e.Type)
		return nil //nolint:nilerr // the lists of objects tell what it would have
	}
	return p.store.Update(ctx, func(tx *store.Tx) error {
		now := p.Now()
		fresh, err := tx.InsertEvent(ctx, store.Event{Provider: "stripe", ID: e.ID, Type: e.Type, ObjectID: read.Object, Body: e.Body, ReceivedAt: now})
		if err != nil || !fresh {
			return err
		}
		return enqueue(ctx, tx, "stripe.event", e.ID, map[string]any{"event": e.ID}, now)
	})
}
