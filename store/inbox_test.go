package store_test

import (
	"testing"

	"paylink/store"
)

// Whoever reads the database or a backup of it cannot act as a payer.
func TestClientSecretsOfEventsAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		s.update(t, func(tx *store.Tx) error {
			_, err := tx.InsertEvent(t.Context(), store.Event{
				Provider: "stripe", ID: "evt_1", Type: "payment_intent.created", ReceivedAt: start,
				Body: []byte(`{"data":{"object":{"client_secret": "pi_1_secret_x","amount":1,"client_secret" :"seti_1_secret_y","capture":"a"}}}`),
			})
			return err
		})
		e, err := s.Event(t.Context(), "stripe", "evt_1")
		want := `{"data":{"object":{"client_secret": "not kept","amount":1,"client_secret" :"not kept","capture":"a"}}}`
		if err != nil || string(e.Body) != want {
			t.Errorf("kept %s, %v", e.Body, err)
		}
	})
}
