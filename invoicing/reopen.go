package invoicing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"paylink"
	"paylink/store"
)

// reopening is the work after money that had arrived was taken back: the job link.reopen.
type reopening struct {
	PaymentID string `json:"payment_id"`
	DisputeID string `json:"dispute_id"`
	Reason    string `json:"reason"`   // the provider's word
	Revision  int    `json:"revision"` // of the receipt, that says so
}

// key tells one taking back from the next: of one dispute there may be two, with a win between.
func (r reopening) key() string { return fmt.Sprintf("%s/%d", r.DisputeID, r.Revision) }

// ReopenJob lets a payer pay again what a bank took back: it opens the invoice's links that were done
// with, makes a fresh one for whoever paid, and queues the mails that tell the payer and the firm. Of
// each there is one, however often the job runs. Books and receipt changed before, in payments.
func (s *Service) ReopenJob(ctx context.Context, job store.Job) error {
	var r reopening
	if err := json.Unmarshal(job.Payload, &r); err != nil {
		return fmt.Errorf("read the job %s: %w", job.Kind, err)
	}
	if r.PaymentID == "" || r.DisputeID == "" {
		return fmt.Errorf("read the job %s: %w", job.Kind, errors.New("it names no payment or no dispute"))
	}
	now := s.Now()
	return s.store.Update(ctx, func(tx *store.Tx) error {
		payment, err := tx.Payment(ctx, r.PaymentID)
		if err != nil {
			return err
		}
		invoice, err := tx.LockInvoice(ctx, payment.InvoiceID)
		if err != nil {
			return err
		}
		fresh := paylink.NewID("lnk", now)
		claim, err := tx.ClaimIdempotency(ctx, "link.reopen", r.key(), "", "link", fresh, now)
		if err != nil || claim.Existing {
			return err
		}
		asked, err := s.asked(ctx, tx, invoice)
		if err != nil {
			return err
		}
		if !asked { // void, or covered by other money: they are told all the same
			return s.tell(ctx, tx, r, "", now)
		}
		if err := s.reopenLinks(ctx, tx, invoice, now); err != nil {
			return err
		}
		link, withdrawn, err := s.linkFor(ctx, tx, payment)
		if err != nil {
			return err
		}
		if withdrawn {
			return s.tell(ctx, tx, r, "", now)
		}
		link.ID = fresh
		if link, err = s.writeLink(ctx, tx, "system", invoice, link, true); err != nil {
			return err
		}
		return s.tell(ctx, tx, r, link.ID, now)
	})
}

// asked says whether something of the invoice is not paid. What is reserved may be asked for again.
func (s *Service) asked(ctx context.Context, tx *store.Tx, invoice paylink.Invoice) (bool, error) {
	balance, err := tx.Balance(ctx, invoice.ID)
	if err != nil {
		return false, err
	}
	switch invoice.Status(balance) {
	case paylink.InvoiceVoid, paylink.InvoiceDraft, paylink.InvoicePaid:
		return false, nil
	case paylink.InvoiceOpen, paylink.InvoicePartiallyPaid:
	}
	return true, nil
}

// reopenLinks lets the links of an invoice that was paid ask for money again.
func (s *Service) reopenLinks(ctx context.Context, tx *store.Tx, invoice paylink.Invoice, now time.Time) error {
	firm, err := tx.Firm(ctx)
	if err != nil {
		return err
	}
	links, err := tx.LinksOf(ctx, invoice.ID)
	if err != nil {
		return err
	}
	for _, listed := range links {
		link, err := tx.LockLink(ctx, listed.ID)
		if err != nil {
			return err
		}
		if !link.Reopen(now, invoice.Due.End(firm.Location())) {
			continue
		}
		if err := tx.UpdateLink(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

// linkFor is a link for whoever made a payment: the recipient of the link it came through, or the
// customer where staff took it. Staff may have withdrawn every link of that recipient; whether they get
// another is then theirs to say.
func (s *Service) linkFor(ctx context.Context, tx *store.Tx, p paylink.Payment) (link paylink.Link, withdrawn bool, err error) {
	if p.LinkID == "" {
		customer, err := tx.Customer(ctx, p.CustomerID)
		return paylink.Link{Recipient: customer.Email, Locale: locale(p.Locale, customer.Locale)}, false, err
	}
	links, err := tx.LinksOf(ctx, p.InvoiceID)
	if err != nil {
		return link, false, err
	}
	used := slices.IndexFunc(links, func(l paylink.Link) bool { return l.ID == p.LinkID })
	if used < 0 {
		return link, false, fmt.Errorf("reopen: payment %s came through a link of no such invoice", p.ID)
	}
	from := links[used]
	standing := slices.ContainsFunc(links, func(l paylink.Link) bool {
		return l.RevokedAt.IsZero() && strings.EqualFold(l.Recipient, from.Recipient)
	})
	return paylink.Link{Recipient: from.Recipient, Locale: locale(p.Locale, from.Locale), ForwardedBy: from.ForwardedBy}, !standing, nil
}

// tell queues the mails. Without a link the payer reads what happened and is asked for nothing.
func (s *Service) tell(ctx context.Context, tx *store.Tx, r reopening, linkID string, now time.Time) error {
	payload := map[string]any{
		"payment_id": r.PaymentID, "dispute_id": r.DisputeID, "link_id": linkID, "revision": r.Revision, "reason": r.Reason,
	}
	if err := enqueue(ctx, tx, "mail.returned", r.key(), payload, now); err != nil {
		return err
	}
	return enqueue(ctx, tx, "mail.returned_firm", r.key(), payload, now)
}
