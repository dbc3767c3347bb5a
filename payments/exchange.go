package payments

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"paylink"
	"paylink/crash"
	"paylink/store"
)

// exchangeLife is how long an exchange may be under way: the calls it makes have a time limit each,
// and the browser may come again with the same token while it is good.
const exchangeLife = 45 * time.Minute

// methodRow and exchangeRow name the rows that a sealed access token is bound to.
func methodRow(id string) string   { return "method/" + id }
func exchangeRow(id string) string { return "exchange/" + id }

// beginExchange writes down that an item may be made at Plaid, or finds that it was.
func (s *Service) beginExchange(ctx context.Context, r BankLink) (x paylink.Exchange, fresh bool, err error) {
	sum := sha256.Sum256([]byte(r.PublicToken))
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		x = paylink.Exchange{
			ID: paylink.NewID("exc", now), CustomerID: r.CustomerID, Visitor: r.Visitor, TokenHash: hex.EncodeToString(sum[:]),
			Account: r.AccountID, CreatedAt: now,
		}
		var err error
		if fresh, err = tx.InsertExchange(ctx, x); err != nil {
			return err
		}
		if fresh {
			return tx.Audit(ctx, r.Actor, "bank.exchange_begun", x.ID, map[string]any{"customer": r.CustomerID}, now)
		}
		if x, err = tx.ExchangeByToken(ctx, x.TokenHash); err != nil {
			return err
		}
		ended := !x.EndedAt.IsZero() && x.MethodID == ""
		if ended || x.CustomerID != r.CustomerID || x.Visitor != r.Visitor || x.Account != r.AccountID {
			return paylink.Fail(paylink.Conflict, "bank.link_again")
		}
		return nil
	})
	return x, fresh, err
}

// exchange gives the access token of an exchange's item, made now or before. When Plaid refuses a
// token that was never sent before, nothing was made and the exchange ends; after any other failure it
// stays open, and a sweep tells staff of an item that may be there.
func (s *Service) exchange(ctx context.Context, x *paylink.Exchange, fresh bool, publicToken string) (access string, err error) {
	if x.Item != "" {
		text, err := s.Ring.Open(exchangeRow(x.ID), x.Sealed)
		if err != nil {
			return "", fmt.Errorf("open access token of %s: %w", x.ID, err)
		}
		return string(text), nil
	}
	crash.At("bank.exchange_written")
	item, err := s.Plaid.Exchange(ctx, publicToken)
	crash.At("bank.item_made")
	if err != nil {
		if refused, ok := errors.AsType[*paylink.Error](err); ok && fresh && refused.Kind == paylink.Conflict {
			if endErr := s.endExchange(ctx, *x, refused.Code); endErr != nil {
				return "", errors.Join(err, endErr)
			}
		}
		return "", err
	}
	sealed, err := s.Ring.Seal(exchangeRow(x.ID), []byte(item.AccessToken))
	if err != nil {
		return "", err
	}
	x.Item, x.Sealed = item.ID, sealed
	return item.AccessToken, s.store.Update(ctx, func(tx *store.Tx) error { return tx.UpdateExchange(ctx, *x) })
}

// endExchange notes that an exchange is over; its item, if it had one, is gone or a method's.
func (s *Service) endExchange(ctx context.Context, x paylink.Exchange, note string) error {
	x.Sealed, x.Note, x.EndedAt = "", note, s.Now()
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.UpdateExchange(ctx, x) })
}

// closeExchange ends an exchange that became no method, or whose method has a login already: the item
// is removed if we hold its token. If we do not, nobody here can, and staff are told (A01).
func (s *Service) closeExchange(ctx context.Context, x paylink.Exchange) error {
	if x.Item != "" {
		if err := s.removeItem(ctx, exchangeRow(x.ID), x.Sealed); err != nil {
			return err
		}
		return s.endExchange(ctx, x, "removed")
	}
	customer, err := s.store.Customer(ctx, x.CustomerID)
	if err != nil {
		return err
	}
	now := s.Now()
	x.Note, x.EndedAt = "lost", now
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.UpdateExchange(ctx, x); err != nil {
			return err
		}
		return tx.InsertTask(ctx, "bank.orphan", x.ID, "task.bank_orphan", map[string]any{
			"customer": customer.Name, "account": x.Account, "at": x.CreatedAt.Format(time.RFC3339),
		}, now)
	})
}

// removeItem ends a login at a bank by its sealed access token.
func (s *Service) removeItem(ctx context.Context, row, sealed string) error {
	if s.Plaid == nil {
		return errors.New("remove item: Plaid is not set up")
	}
	access, err := s.Ring.Open(row, sealed)
	if err != nil {
		return fmt.Errorf("open access token of %s: %w", row, err)
	}
	return s.Plaid.Remove(ctx, string(access))
}

// giveItem hands the item of an exchange to a method.
func (s *Service) giveItem(m *paylink.Method, x *paylink.Exchange, access string, now time.Time) error {
	sealed, err := s.Ring.Seal(methodRow(m.ID), []byte(access))
	if err != nil {
		return err
	}
	m.PlaidItem, m.PlaidAccount, m.PlaidSealed = x.Item, x.Account, sealed
	x.MethodID, x.Sealed, x.EndedAt = m.ID, "", now
	return nil
}
