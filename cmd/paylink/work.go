package main

import (
	"context"
	"fmt"
	"time"

	"paylink/jobs"
	"paylink/mailer"
	"paylink/store"
)

// work registers who does which job, and how often what is done.
func (a *app) work(post *mailer.Mailer) {
	a.jobs = jobs.New(a.store, a.log, time.Now)
	mails, calls, brisk := jobs.Patient(), jobs.Brisk(), jobs.Brisk()
	mails.Timeout = 90 * time.Second // a relay may take a minute, and there is a PDF to draw
	calls.Timeout = 3 * time.Minute  // a fence has its budget at Stripe twice
	codes := brisk                   // a code is good for ten minutes: its mail is tried in seconds
	codes.Timeout = mails.Timeout
	alone := brisk
	alone.Timeout, alone.Workers = 10*time.Minute, 1
	shift := alone // works for 20 s, ends the request that it is at, and leaves the rest to the next job
	shift.Timeout = calls.Timeout

	a.jobs.Register("mail.link", post.LinkJob, mails)
	a.jobs.Register("mail.receipt", post.ReceiptJob, mails)
	a.jobs.Register("mail.onway", post.OnWayJob, mails)
	a.jobs.Register("mail.failed", post.FailedJob, mails)
	a.jobs.Register("mail.returned", post.ReturnedJob, mails)
	a.jobs.Register("mail.returned_firm", post.ReturnedFirmJob, mails)
	a.jobs.Register("mail.drift", post.DriftJob, mails)
	a.jobs.Register("mail.code", post.CodeJob, codes)
	a.jobs.Register("link.reopen", a.invoicing.ReopenJob, brisk)
	a.jobs.Register("stripe.event", a.payments.EventJob, brisk)
	a.jobs.Register("plaid.event", a.payments.PlaidEventJob, brisk)
	a.jobs.Register("payment.fence", a.payments.FenceJob, calls)
	a.jobs.Register("method.detach", a.payments.DetachJob, calls)

	every := func(kind string, interval time.Duration, f jobs.Handler, s jobs.Schedule) {
		a.jobs.Register(kind, f, s)
		a.jobs.Every(kind, interval)
	}
	every(sealJob, 5*time.Second, a.seal, brisk)
	every("payment.recover", 30*time.Second, plain(a.payments.Recover), alone)
	every("payment.reconcile", 15*time.Minute, a.payments.ReconcileJob, shift)
	every("payment.sweep", day, a.payments.SweepJob, shift)
	every("refund.recover", time.Minute, plain(a.payments.RecoverRefunds), calls)
	every("method.sweep", time.Hour, plain(a.payments.SweepMethods), alone)
	every("limits.sweep", time.Hour, a.payments.SweepLimitsJob, brisk)
	every("books.verify", day, a.verify, alone)
}

const day = 24 * time.Hour

// plain is a job that needs nothing of its row.
func plain(f func(context.Context) error) jobs.Handler {
	return func(ctx context.Context, _ store.Job) error { return f(ctx) }
}

func (a *app) seal(ctx context.Context, _ store.Job) error {
	_, err := a.store.SealAudit(ctx, a.auditKey, time.Now())
	return err
}

// verify adds the books up and tells staff what does not hold. It repairs nothing.
func (a *app) verify(ctx context.Context, _ store.Job) error {
	violations, err := a.store.Verify(ctx, a.auditKey, time.Now())
	if err != nil || len(violations) == 0 {
		return err
	}
	for _, v := range violations {
		a.log.Error("the books do not hold", "code", v.Code, "subject", v.Subject, "detail", v.Detail)
	}
	return a.store.Update(ctx, func(tx *store.Tx) error {
		return tx.InsertTask(ctx, "books.broken", time.Now().UTC().Format(time.DateOnly), "task.books_broken",
			map[string]any{"n": len(violations)}, time.Now())
	})
}

// compare has a restored database learn from Stripe what it has forgotten, before anybody is served
// from it: a payment that the backup does not know must not be asked for again.
func (a *app) compare(ctx context.Context) error {
	restored, err := a.store.RestoredAt(ctx)
	if err != nil || restored == "" {
		return err
	}
	a.log.Info("comparing restored books with stripe", "restored_at", restored)
	if _, err := a.payments.Reconcile(ctx, nil); err != nil {
		return fmt.Errorf("restored books are not served before they are compared with stripe: %w", err)
	}
	if _, err := a.payments.SweepBalance(ctx, nil); err != nil {
		return fmt.Errorf("restored books are not served before they are compared with stripe: %w", err)
	}
	return a.store.Update(ctx, func(tx *store.Tx) error { return tx.Compared(ctx) })
}
