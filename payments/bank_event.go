package payments

import (
	"context"
	"encoding/json"
	"fmt"

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
	revoked := event.Code == "USER_PERMISSION_REVOKED" || event.Code == "USER_ACCOUNT_REVOKED" ||
		event.Code == "ERROR" && event.Error.Code == "USER_PERMISSION_REVOKED"
	for _, m := range methods {
		switch {
		case revoked && (event.AccountID == "" || event.AccountID == m.PlaidAccount):
			err = s.block(ctx, tx, plaidActor, m.CustomerID, m.ID, blockedRevoked)
		case event.Code == "ERROR" && event.Error.Code == "ITEM_LOGIN_REQUIRED":
			// A debit goes through all the same: Stripe has the account.
			err = tx.Audit(ctx, plaidActor, "method.login_required", m.ID, map[string]any{"customer": m.CustomerID}, s.Now())
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

const plaidActor paylink.Actor = "plaid"
