package invoicing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

// Send says whom payment links go to.
type Send struct {
	To     []string     // mailboxes; none is the customer's
	Note   string       // a few words above the amount in the mail
	Locale money.Locale // "" is the customer's
	Mail   bool         // false makes links to copy and sends nothing
}

// MaxRecipients is how many links one press of Send makes at most.
const MaxRecipients = 10

// What payers may make us mail: fresh links to one mailbox in a while, and colleagues for one invoice.
const (
	freshWindow = time.Hour
	freshMost   = 3
	forwardMost = 10
)

// SendLinks makes a link for each recipient and queues its mail, in one transaction. A draft becomes
// an open invoice by it.
func (s *Service) SendLinks(ctx context.Context, actor paylink.Actor, invoiceID string, send Send, o ...Once) ([]paylink.Link, error) {
	to, err := recipients(send)
	if err != nil {
		return nil, err
	}
	var links []paylink.Link
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		links = nil
		invoice, err := tx.LockInvoice(ctx, invoiceID)
		if err != nil {
			return err
		}
		customer, err := tx.Customer(ctx, invoice.CustomerID)
		if err != nil {
			return err
		}
		first := paylink.NewID("lnk", s.Now())
		existing, err := once(ctx, tx, o, "link", first, s.Now())
		if err != nil {
			return err
		}
		if existing != "" {
			link, err := tx.Link(ctx, existing)
			links = []paylink.Link{link}
			return err
		}
		if invoice, err = s.open(ctx, tx, invoice); err != nil {
			return err
		}
		mailboxes := to
		if len(mailboxes) == 0 {
			mailboxes = []string{customer.Email}
		}
		for n, mailbox := range mailboxes {
			id := first
			if n > 0 {
				id = paylink.NewID("lnk", s.Now())
			}
			link, err := s.makeLink(ctx, tx, actor, invoice, paylink.Link{
				ID: id, Recipient: mailbox, Note: strings.TrimSpace(send.Note), Locale: locale(send.Locale, customer.Locale),
			}, send.Mail)
			if err != nil {
				return err
			}
			links = append(links, link)
		}
		return nil
	})
	return links, err
}

func recipients(send Send) ([]string, error) {
	var wrong paylink.Fields
	var to []string
	seen := map[string]bool{}
	for n, text := range send.To {
		mailbox, err := paylink.ParseEmail(text)
		if err != nil {
			wrong.Add("to", "email_nth", "nth", n+1)
			continue
		}
		if key := strings.ToLower(mailbox); !seen[key] {
			seen[key] = true
			to = append(to, mailbox)
		}
	}
	if len(to) > MaxRecipients {
		wrong.Add("to", "too_many", "most", MaxRecipients)
	}
	paylink.CheckNote(&wrong, "note", send.Note)
	return to, wrong.Err()
}

func locale(first, second money.Locale) money.Locale {
	if first != "" {
		return first
	}
	return second
}

// open makes a draft an open invoice; a void or wholly paid one is not sent.
func (s *Service) open(ctx context.Context, tx *store.Tx, i paylink.Invoice) (paylink.Invoice, error) {
	switch i.State {
	case paylink.StateVoid:
		return i, paylink.Fail(paylink.Conflict, "payable.void")
	case paylink.StateOpen:
		return i, s.owed(ctx, tx, i)
	case paylink.StateDraft:
	}
	firm, err := tx.Firm(ctx)
	if err != nil {
		return i, err
	}
	i.State, i.IssuedOn, i.UpdatedAt = paylink.StateOpen, paylink.DateOf(s.Now(), firm.Location()), s.Now()
	if err := tx.UpdateInvoice(ctx, i); err != nil {
		return i, err
	}
	i.Version++
	return i, s.issue(ctx, tx, i)
}

// owed refuses an invoice of which nothing is left: its mail would ask for nothing.
func (s *Service) owed(ctx context.Context, tx *store.Tx, i paylink.Invoice) error {
	balance, err := tx.Balance(ctx, i.ID)
	if err == nil && paylink.PayableOf(i, balance).Why == "paid" {
		return paylink.Fail(paylink.Conflict, "payable.paid")
	}
	return err
}

// makeLink writes a link and, if it is to be mailed, its job.
func (s *Service) makeLink(ctx context.Context, tx *store.Tx, actor paylink.Actor, invoice paylink.Invoice, link paylink.Link, mail bool) (paylink.Link, error) {
	link, err := s.writeLink(ctx, tx, actor, invoice, link, mail)
	if err != nil || !mail {
		return link, err
	}
	return link, s.mailLink(ctx, tx, link)
}

// writeLink writes a link; mailed says whether some mail carries it.
func (s *Service) writeLink(ctx context.Context, tx *store.Tx, actor paylink.Actor, invoice paylink.Invoice, link paylink.Link, mailed bool) (paylink.Link, error) {
	firm, err := tx.Firm(ctx)
	if err != nil {
		return link, err
	}
	now := s.Now()
	link.InvoiceID, link.CreatedBy, link.CreatedAt, link.Version = invoice.ID, actor, now, 1
	link.ExpiresAt = paylink.LinkExpiry(now, invoice.Due.End(firm.Location()))
	if err := link.SealToken(s.ring); err != nil {
		return link, fmt.Errorf("make link: %w", err)
	}
	if err := tx.InsertLink(ctx, link); err != nil {
		return link, err
	}
	return link, tx.Audit(ctx, actor, "link.made", link.InvoiceID, map[string]any{
		"link": link.ID, "to": link.Recipient, "mailed": mailed, "forwarded_by": link.ForwardedBy,
	}, now)
}

// mailLink queues the mail of a link; each version of it is sent once.
func (s *Service) mailLink(ctx context.Context, tx *store.Tx, link paylink.Link) error {
	return enqueue(ctx, tx, "mail.link", fmt.Sprintf("%s/%d", link.ID, link.Version), map[string]any{
		"link_id": link.ID, "version": link.Version,
	}, s.Now())
}

// URL is the address of a link; it holds the secret.
func (s *Service) URL(link paylink.Link) (string, error) { return link.URL(s.ring, s.BaseURL) }

// ResendLink mails the same link again.
func (s *Service) ResendLink(ctx context.Context, actor paylink.Actor, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.LockLink(ctx, id)
		if err != nil {
			return err
		}
		if link.Usable(s.Now()) != nil {
			return paylink.Fail(paylink.Conflict, "link.ended")
		}
		link.Version++
		link.BouncedAt, link.Bounce = time.Time{}, ""
		if err := tx.UpdateLink(ctx, link); err != nil {
			return err
		}
		if err := s.mailLink(ctx, tx, link); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "link.resent", link.InvoiceID, map[string]any{"link": link.ID, "to": link.Recipient}, s.Now())
	})
}

// RevokeLink ends a link at once. A payment that was confirmed through it still settles.
func (s *Service) RevokeLink(ctx context.Context, actor paylink.Actor, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return s.revoke(ctx, tx, actor, id) })
}

func (s *Service) revoke(ctx context.Context, tx *store.Tx, actor paylink.Actor, id string) error {
	link, err := tx.LockLink(ctx, id)
	if err != nil || !link.RevokedAt.IsZero() {
		return err
	}
	link.RevokedAt = s.Now()
	if err := tx.UpdateLink(ctx, link); err != nil {
		return err
	}
	return tx.Audit(ctx, actor, "link.revoked", link.InvoiceID, map[string]any{"link": link.ID, "to": link.Recipient}, s.Now())
}

// ReplaceLink ends a link and mails its recipient a new one.
func (s *Service) ReplaceLink(ctx context.Context, actor paylink.Actor, id string) (paylink.Link, error) {
	var fresh paylink.Link
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		old, err := tx.Link(ctx, id)
		if err != nil {
			return err
		}
		invoice, err := tx.LockInvoice(ctx, old.InvoiceID)
		if err != nil {
			return err
		}
		if invoice, err = s.open(ctx, tx, invoice); err != nil {
			return err
		}
		if err := s.revoke(ctx, tx, actor, id); err != nil {
			return err
		}
		fresh, err = s.makeLink(ctx, tx, actor, invoice, paylink.Link{
			ID: paylink.NewID("lnk", s.Now()), Recipient: old.Recipient, Note: old.Note, Locale: old.Locale,
			ForwardedBy: old.ForwardedBy,
		}, true)
		return err
	})
	return fresh, err
}

// FreshLink mails a new link to the recipient of one that ended, if that is the address given. The
// caller learns nothing: the answer is the same for any address.
func (s *Service) FreshLink(ctx context.Context, id, email string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		old, err := tx.Link(ctx, id)
		if paylink.KindOf(err) == paylink.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if !strings.EqualFold(strings.TrimSpace(email), old.Recipient) {
			return nil
		}
		invoice, err := tx.LockInvoice(ctx, old.InvoiceID)
		if err != nil || invoice.State != paylink.StateOpen {
			return err
		}
		links, err := tx.LinksOf(ctx, invoice.ID)
		if err != nil {
			return err
		}
		recent := 0
		for _, link := range links {
			if link.Recipient == old.Recipient && s.Now().Sub(link.CreatedAt) < freshWindow {
				recent++
			}
		}
		if recent >= freshMost { // somebody presses again and again; the mailbox has enough
			return nil
		}
		_, err = s.makeLink(ctx, tx, paylink.Actor("payer:"+old.ID), invoice, paylink.Link{
			ID: paylink.NewID("lnk", s.Now()), Recipient: old.Recipient, Locale: old.Locale, ForwardedBy: old.ForwardedBy,
		}, true)
		return err
	})
}

// Forward mails a colleague a link of their own; the first one keeps working.
func (s *Service) Forward(ctx context.Context, id, email, note string) error {
	mailbox, err := paylink.ParseEmail(email)
	var wrong paylink.Fields
	if err != nil {
		wrong.Add("email", "email")
	}
	paylink.CheckNote(&wrong, "note", note)
	if err := wrong.Err(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.Link(ctx, id)
		if err != nil {
			return err
		}
		if err := link.Usable(s.Now()); err != nil {
			return err
		}
		invoice, err := tx.LockInvoice(ctx, link.InvoiceID)
		if err != nil {
			return err
		}
		if invoice.State != paylink.StateOpen {
			return paylink.Fail(paylink.Conflict, "payable.void")
		}
		if err := s.owed(ctx, tx, invoice); err != nil {
			return err
		}
		links, err := tx.LinksOf(ctx, invoice.ID)
		if err != nil {
			return err
		}
		forwarded := 0
		for _, other := range links {
			if other.ForwardedBy != "" { // by anybody: a link that was sent on may be sent on too
				forwarded++
			}
		}
		if forwarded >= forwardMost {
			return paylink.Fail(paylink.Conflict, "link.forwarded_enough", "most", forwardMost)
		}
		_, err = s.makeLink(ctx, tx, paylink.Actor("payer:"+link.ID), invoice, paylink.Link{
			ID: paylink.NewID("lnk", s.Now()), Recipient: mailbox, Note: strings.TrimSpace(note), Locale: link.Locale,
			ForwardedBy: link.ID,
		}, true)
		return err
	})
}

// Opened records that a person did something on the page of a link. A GET never does: mail scanners
// open links too.
func (s *Service) Opened(ctx context.Context, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.LockLink(ctx, id)
		if err != nil || !link.OpenedAt.IsZero() {
			return err
		}
		link.OpenedAt = s.Now()
		if err := tx.UpdateLink(ctx, link); err != nil {
			return err
		}
		return tx.Audit(ctx, paylink.Actor("payer:"+link.ID), "link.opened", link.InvoiceID, map[string]any{"link": link.ID}, s.Now())
	})
}
