package store

import (
	"context"
	"encoding/json"
	"fmt"

	"paylink"
)

const firmSetting = "firm"

// Firm is the business, as its settings say; before anybody set it up, a firm without a name that
// people would know.
func (r reads) Firm(ctx context.Context) (paylink.Firm, error) {
	text, err := r.Setting(ctx, firmSetting)
	if err != nil {
		return paylink.Firm{}, err
	}
	firm := paylink.NewFirm()
	if text == "" {
		return firm, nil
	}
	if err := json.Unmarshal([]byte(text), &firm); err != nil {
		return paylink.Firm{}, fmt.Errorf("read the firm's settings: %w", err)
	}
	return firm, nil
}

// PutFirm keeps the firm's settings.
func (t *Tx) PutFirm(ctx context.Context, firm paylink.Firm) error {
	text, err := json.Marshal(firm)
	if err != nil {
		return wrote("firm", err)
	}
	return t.PutSetting(ctx, firmSetting, string(text))
}

// OneServer says whether no other server can be at work on this database: then payments of an
// earlier run are nobody's.
func (s *Store) OneServer() bool { return s.dialect.oneServer }
