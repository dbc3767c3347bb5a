// Package invoicing makes and changes customers, invoices and payment links, and queues the mails
// that carry the links.
//
// It moves no money and asks no provider: what was paid is read from the ledger, and the mail itself
// is made and delivered by package mailer.
package invoicing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
)

// Options are what a Service needs to know of its surroundings.
type Options struct {
	BaseURL string // where links lead: https://pay.northwind.studio
	Now     func() time.Time
}

// Service makes customers, invoices and links.
type Service struct {
	store *store.Store
	ring  paylink.KeyRing
	Options
}

// New makes a Service.
func New(s *store.Store, ring paylink.KeyRing, o Options) *Service {
	return &Service{store: s, ring: ring, Options: o}
}

// Once makes a creation happen once for a key that a program chose: the same key again gives the
// object that was made first, and another request under it is refused.
type Once struct {
	Scope string // whose key it is
	Key   string
	Hash  string // of the request
}

// once claims the key in the transaction that makes the object. When the key was used before, it
// gives the id that was made then.
func once(ctx context.Context, tx *store.Tx, o []Once, kind, id string, at time.Time) (existing string, err error) {
	if len(o) == 0 || o[0].Key == "" {
		return "", nil
	}
	claim, err := tx.ClaimIdempotency(ctx, o[0].Scope, o[0].Key, o[0].Hash, kind, id, at)
	switch {
	case err != nil:
		return "", err
	case claim.HashDiffers || claim.Existing && claim.Kind != kind:
		return "", paylink.Fail(paylink.Conflict, "idempotency.other_request")
	case claim.Existing:
		return claim.ObjectID, nil
	}
	return "", nil
}

// Firm is the business, as its settings say.
func (s *Service) Firm(ctx context.Context) (paylink.Firm, error) { return s.store.Firm(ctx) }

// SaveFirm changes the settings. Documents that exist keep what they say.
func (s *Service) SaveFirm(ctx context.Context, actor paylink.Actor, firm paylink.Firm) error {
	if err := firm.Check(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutFirm(ctx, firm); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "firm.changed", "firm", firm, s.Now())
	})
}

// CreateCustomer makes a customer.
func (s *Service) CreateCustomer(ctx context.Context, actor paylink.Actor, c paylink.Customer, o ...Once) (paylink.Customer, error) {
	if c.Locale == "" {
		firm, err := s.store.Firm(ctx)
		if err != nil {
			return c, err
		}
		c.Locale = firm.Locale
	}
	if err := c.Check(); err != nil {
		return c, err
	}
	c.ID, c.CreatedAt, c.UpdatedAt = paylink.NewID("cus", s.Now()), s.Now(), s.Now()
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		existing, err := once(ctx, tx, o, "customer", c.ID, s.Now())
		if err != nil {
			return err
		}
		if existing != "" {
			c, err = tx.Customer(ctx, existing)
			return err
		}
		if err := tx.InsertCustomer(ctx, c); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "customer.created", c.ID, nil, s.Now())
	})
	return c, err
}

// UpdateCustomer changes who a customer is and where mail goes. Links keep their recipient.
func (s *Service) UpdateCustomer(ctx context.Context, actor paylink.Actor, c paylink.Customer) error {
	if err := c.Check(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		now, err := tx.Customer(ctx, c.ID)
		if err != nil {
			return err
		}
		now.Name, now.Company, now.Email, now.Phone = c.Name, c.Company, c.Email, c.Phone
		now.Locale, now.ExternalID, now.UpdatedAt = c.Locale, c.ExternalID, s.Now()
		if err := tx.UpdateCustomer(ctx, now); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "customer.changed", c.ID, nil, s.Now())
	})
}

// CreateInvoice makes an invoice, open unless it says draft. An empty number is the next one.
func (s *Service) CreateInvoice(ctx context.Context, actor paylink.Actor, i paylink.Invoice, o ...Once) (paylink.Invoice, error) {
	now := s.Now()
	i.ID, i.Version, i.CreatedAt, i.UpdatedAt = paylink.NewID("inv", now), 1, now, now
	if i.State != paylink.StateDraft {
		i.State = paylink.StateOpen
	}
	numbered := i.Number != ""
	if !numbered {
		i.Number = "INV-0" // judged like any other; the next one is given below
	}
	if err := i.Compute(); err != nil {
		return i, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		existing, err := once(ctx, tx, o, "invoice", i.ID, now)
		if err != nil {
			return err
		}
		if existing != "" {
			i, err = tx.Invoice(ctx, existing)
			return err
		}
		if _, err := tx.Customer(ctx, i.CustomerID); err != nil {
			if paylink.KindOf(err) == paylink.NotFound {
				return paylink.FailField("customer_id", "customer.unknown")
			}
			return err
		}
		firm, err := tx.Firm(ctx)
		if err != nil {
			return err
		}
		if i.Capture == "" {
			i.Capture = firm.Capture
		}
		if !numbered {
			if i.Number, err = tx.NextInvoiceNumber(ctx); err != nil {
				return err
			}
		}
		if i.State == paylink.StateOpen {
			i.IssuedOn = paylink.DateOf(now, firm.Location())
		}
		if err := tx.InsertInvoice(ctx, i); err != nil {
			return err
		}
		if i.State == paylink.StateOpen {
			if err := s.issue(ctx, tx, i); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, actor, "invoice.created", i.ID, map[string]any{"number": i.Number, "total": i.Total}, now)
	})
	return i, err
}

// issue books that the customer owes the invoice.
func (s *Service) issue(ctx context.Context, tx *store.Tx, i paylink.Invoice) error {
	now := s.Now()
	booked, err := ledger.Issue(ledger.Header{
		ID: paylink.NewID("ltx", now), SourceType: "invoice", SourceID: i.ID, At: now,
	}, i.ID, i.Total)
	if err != nil {
		return fmt.Errorf("book invoice: %w", err)
	}
	_, err = tx.Post(ctx, booked)
	return err
}

// EditInvoice changes what is asked for, until money moved. The version is the one that was shown:
// two people who edit at once do not undo each other.
func (s *Service) EditInvoice(ctx context.Context, actor paylink.Actor, edit paylink.Invoice) (paylink.Invoice, error) {
	if err := edit.Compute(); err != nil {
		return edit, err
	}
	var edited paylink.Invoice
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		i := edit // the function may run again
		stored, err := tx.LockInvoice(ctx, i.ID)
		if err != nil {
			return err
		}
		switch {
		case stored.State == paylink.StateVoid:
			return paylink.Fail(paylink.Conflict, "payable.void")
		case stored.Version != i.Version:
			return paylink.Fail(paylink.Conflict, "invoice.changed")
		}
		if err := s.untouched(ctx, tx, i.ID); err != nil {
			return err
		}
		now := s.Now()
		i.State, i.IssuedOn, i.CreatedAt, i.UpdatedAt = stored.State, stored.IssuedOn, stored.CreatedAt, now
		if stored.State == paylink.StateOpen && stored.Currency != i.Currency {
			return paylink.FailField("currency", "invoice.currency_fixed")
		}
		if err := tx.UpdateInvoice(ctx, i); err != nil {
			return err
		}
		i.Version++
		if difference := money.New(i.Total.Minor-stored.Total.Minor, i.Currency); stored.State == paylink.StateOpen && !difference.IsZero() {
			booked, err := ledger.Adjust(ledger.Header{
				ID: paylink.NewID("ltx", now), SourceType: "invoice", SourceID: fmt.Sprintf("%s/%d", i.ID, i.Version), At: now,
			}, i.ID, difference)
			if err != nil {
				return fmt.Errorf("book change: %w", err)
			}
			if _, err := tx.Post(ctx, booked); err != nil {
				return err
			}
		}
		edited = i
		return tx.Audit(ctx, actor, "invoice.changed", i.ID, map[string]any{"total": i.Total, "before": stored.Total}, now)
	})
	return edited, err
}

// untouched refuses when money of the invoice moved or is being moved.
func (s *Service) untouched(ctx context.Context, tx *store.Tx, id string) error {
	balance, err := tx.Balance(ctx, id)
	if err != nil {
		return err
	}
	if balance.Payments > 0 || balance.Pending > 0 || balance.Credited > 0 {
		return paylink.Fail(paylink.Conflict, "invoice.money_moved")
	}
	return nil
}

// VoidInvoice withdraws an invoice that nobody has paid anything of.
func (s *Service) VoidInvoice(ctx context.Context, actor paylink.Actor, id string, o ...Once) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		i, err := tx.LockInvoice(ctx, id)
		if err != nil {
			return err
		}
		existing, err := once(ctx, tx, o, "void", id, s.Now())
		if err != nil || existing != "" || i.State == paylink.StateVoid {
			return err
		}
		if err := s.untouched(ctx, tx, id); err != nil {
			return err
		}
		now := s.Now()
		if i.State == paylink.StateOpen {
			booked, err := ledger.Void(ledger.Header{
				ID: paylink.NewID("ltx", now), SourceType: "invoice", SourceID: i.ID, At: now,
			}, i.ID, i.Total)
			if err != nil {
				return fmt.Errorf("book void: %w", err)
			}
			if _, err := tx.Post(ctx, booked); err != nil {
				return err
			}
		}
		i.State, i.VoidedAt, i.UpdatedAt = paylink.StateVoid, now, now
		if err := tx.UpdateInvoice(ctx, i); err != nil {
			return err
		}
		return tx.Audit(ctx, actor, "invoice.voided", i.ID, map[string]any{"number": i.Number}, now)
	})
}

func enqueue(ctx context.Context, tx *store.Tx, kind, key string, payload any, at time.Time) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("queue %s: %w", kind, err)
	}
	_, err = tx.Enqueue(ctx, store.Job{Kind: kind, Key: key, Payload: body, RunAt: at})
	return err
}
