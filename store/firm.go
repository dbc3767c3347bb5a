package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"paylink"
)

const firmSetting = "firm"

// keptFirm is the firm as its settings were last read.
type keptFirm struct {
	text string
	firm paylink.Firm
}

// Firm is the business, as its settings say; before anybody set it up, a firm without a name that
// people would know. The settings are read each time, because any server may change them, and understood
// again only when they did.
func (r reads) Firm(ctx context.Context) (paylink.Firm, error) {
	text, err := r.Setting(ctx, firmSetting)
	if err != nil {
		return paylink.Firm{}, err
	}
	kept := r.firm.Load()
	if kept == nil || kept.text != text {
		kept = &keptFirm{text, paylink.NewFirm()}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &kept.firm); err != nil {
				return paylink.Firm{}, fmt.Errorf("read the firm's settings: %w", err)
			}
		}
		r.firm.Store(kept)
	}
	firm := kept.firm // the caller's own, also what it points to
	firm.Address = slices.Clone(firm.Address)
	firm.Partial.Instalments = slices.Clone(firm.Partial.Instalments)
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
