package payments

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"paylink"
	"paylink/provider/plaid"
	"paylink/store"
)

// PlaidEventJob handles jobs of kind plaid.event. What Plaid tells of an item cannot always be fetched
// again, so it moves no money: at most it keeps an account from being debited.
func (s *Service) PlaidEventJob(ctx context.Context, job store.Job) error {
	var what struct {
		Event string `json:"event"`
	}
	if err := json.Unmarshal(job.Payload, &what); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	stored, err := s.store.Event(ctx, "plaid", what.Event)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		note, err := s.plaidEvent(ctx, tx, stored.Body)
		if err != nil {
			return err
		}
		return tx.MarkEvent(ctx, "plaid", what.Event, s.Now(), note)
	})
}

// plaidEvent does what a webhook asks for and says in a few words why nothing came of it.
func (s *Service) plaidEvent(ctx context.Context, tx *store.Tx, body []byte) (note string, err error) {
	event, err := plaid.ParseWebhook(body)
	if err != nil {
		return "not read: " + err.Error(), nil //nolint:nilerr // it will not be read better later
	}
	if event.Type != "ITEM" {
		return "not about an item", nil
	}
	methods, err := tx.MethodsByItem(ctx, event.ItemID)
	if err != nil {
		return "", err
	}
	if len(methods) == 0 {
		return "no such item here", nil
	}
	code := event.Code
	if code == "ERROR" {
		code = event.Error.Code
	}
	for _, m := range methods {
		switch code {
		case "USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED":
			if event.AccountID == "" || event.AccountID == m.PlaidAccount {
				err = s.block(ctx, tx, plaidActor, m.CustomerID, m.ID, blockedRevoked)
			}
		case "ITEM_LOGIN_REQUIRED", "PENDING_EXPIRATION", "PENDING_DISCONNECT":
			err = s.wantLogin(ctx, tx, plaidActor, m, true)
		case "LOGIN_REPAIRED":
			err = s.wantLogin(ctx, tx, plaidActor, m, false)
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// wantLogin notes that a bank asks its customer to log in again, or no longer does. Debits go through
// all the same, since Stripe has the account; what may end is the connection that the account came by.
// https://plaid.com/docs/link/update-mode/
func (s *Service) wantLogin(ctx context.Context, tx *store.Tx, actor paylink.Actor, m paylink.Method, wanted bool) error {
	if err := tx.LockMethods(ctx, m.CustomerID); err != nil {
		return err
	}
	m, err := tx.Method(ctx, m.ID)
	if err != nil || m.LoginAt.IsZero() != wanted {
		return err
	}
	now, did := s.Now(), "method.login_renewed"
	m.LoginAt, m.UpdatedAt = time.Time{}, now
	if wanted {
		m.LoginAt, did = now, "method.login_required"
	}
	if err := tx.UpdateMethod(ctx, m); err != nil {
		return err
	}
	return tx.Audit(ctx, actor, did, m.ID, map[string]any{"customer": m.CustomerID, "label": m.Label()}, now)
}

const plaidActor paylink.Actor = "plaid"
