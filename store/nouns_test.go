package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
)

// same compares a value that was read with the one that was written.
func same(t *testing.T, got any, err error, want any) {
	t.Helper()
	if err != nil {
		t.Error(err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("read back differs\n got %+v\nwant %+v", got, want)
	}
}

func unknown(t *testing.T, err error, noun string) {
	t.Helper()
	wantCode(t, err, paylink.NotFound, noun+".unknown")
}

func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		text, err := s.Setting(ctx, "epoch")
		same(t, text, err, "")
		s.update(t, func(tx *store.Tx) error {
			if err := tx.PutSetting(ctx, "epoch", "A"); err != nil {
				return err
			}
			if err := tx.PutSetting(ctx, "epoch", "B"); err != nil {
				return err
			}
			first, err := tx.PutSettingOnce(ctx, "install", "one")
			same(t, first, err, "one")
			second, err := tx.PutSettingOnce(ctx, "install", "two")
			same(t, second, err, "one")
			return nil
		})
		text, err = s.Setting(ctx, "epoch")
		same(t, text, err, "B")
	})
}

func TestStaffKeepEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		ada, bob := filled[paylink.Staff](1), filled[paylink.Staff](2)
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertStaff(ctx, ada), tx.InsertStaff(ctx, bob)) })
		got, err := s.StaffByID(ctx, ada.ID)
		same(t, got, err, ada)
		got, err = s.StaffByEmail(ctx, bob.Email)
		same(t, got, err, bob)
		list, err := s.StaffAll(ctx)
		same(t, list, err, []paylink.Staff{ada, bob})

		changed := filled[paylink.Staff](3)
		changed.ID, changed.CreatedAt = ada.ID, ada.CreatedAt
		s.update(t, func(tx *store.Tx) error { return tx.UpdateStaff(ctx, changed) })
		got, err = s.StaffByID(ctx, ada.ID)
		same(t, got, err, changed)

		twin := filled[paylink.Staff](4)
		twin.Email = bob.Email
		wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.InsertStaff(ctx, twin) }), paylink.Conflict, "staff.email_taken")
		changed.Email = bob.Email
		wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateStaff(ctx, changed) }), paylink.Conflict, "staff.email_taken")
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateStaff(ctx, filled[paylink.Staff](9)) }), "staff")
		_, err = s.StaffByEmail(ctx, "nobody")
		unknown(t, err, "staff")
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		staff := filled[paylink.Staff](1)
		one, two := filled[paylink.Session](2), filled[paylink.Session](3)
		one.StaffID, two.StaffID = staff.ID, staff.ID
		s.update(t, func(tx *store.Tx) error {
			return errors.Join(tx.InsertStaff(ctx, staff), tx.InsertSession(ctx, one), tx.InsertSession(ctx, two))
		})
		got, err := s.SessionByHash(ctx, one.Hash)
		same(t, got, err, one)
		one.SeenAt = start.Add(time.Hour)
		s.update(t, func(tx *store.Tx) error { return tx.TouchSession(ctx, one.Hash, one.SeenAt) })
		got, err = s.SessionByHash(ctx, one.Hash)
		same(t, got, err, one)
		s.update(t, func(tx *store.Tx) error { return tx.DeleteSession(ctx, one.Hash) })
		_, err = s.SessionByHash(ctx, one.Hash)
		unknown(t, err, "session")
		s.update(t, func(tx *store.Tx) error { return tx.DeleteSessionsOf(ctx, staff.ID) })
		_, err = s.SessionByHash(ctx, two.Hash)
		unknown(t, err, "session")
	})
}

func TestAPIKeys(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		key, other := filled[paylink.APIKey](1), filled[paylink.APIKey](2)
		key.RevokedAt = time.Time{}
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertAPIKey(ctx, key), tx.InsertAPIKey(ctx, other)) })
		got, err := s.APIKeyByHash(ctx, key.Hash)
		same(t, got, err, key)
		list, err := s.APIKeys(ctx)
		same(t, list, err, []paylink.APIKey{key, other})
		for n := range 2 { // the first time stands
			s.update(t, func(tx *store.Tx) error {
				return tx.RevokeAPIKey(ctx, key.ID, start.Add(time.Duration(n)*time.Hour))
			})
		}
		key.RevokedAt = start
		got, err = s.APIKeyByHash(ctx, key.Hash)
		same(t, got, err, key)
		twin := filled[paylink.APIKey](3)
		twin.Name = key.Name
		wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.InsertAPIKey(ctx, twin) }), paylink.Conflict, "api_key.name_taken")
		_, err = s.APIKeyByHash(ctx, "none")
		unknown(t, err, "api_key")
	})
}

func TestCustomerKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		c, other := filled[paylink.Customer](1), filled[paylink.Customer](2)
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertCustomer(ctx, c), tx.InsertCustomer(ctx, other)) })
		got, err := s.Customer(ctx, c.ID)
		same(t, got, err, c)
		got, err = s.CustomerByExternalID(ctx, c.ExternalID)
		same(t, got, err, c)

		changed := filled[paylink.Customer](3)
		changed.ID, changed.CreatedAt, changed.StripeCustomer = c.ID, c.CreatedAt, c.StripeCustomer
		s.update(t, func(tx *store.Tx) error { return tx.UpdateCustomer(ctx, changed) })
		got, err = s.Customer(ctx, c.ID)
		same(t, got, err, changed)

		twin := filled[paylink.Customer](4)
		twin.ExternalID = other.ExternalID
		wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.InsertCustomer(ctx, twin) }), paylink.Conflict, "customer.external_id_taken")
		changed.ExternalID = other.ExternalID
		wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateCustomer(ctx, changed) }), paylink.Conflict, "customer.external_id_taken")
		_, err = s.Customer(ctx, "cus_none")
		unknown(t, err, "customer")
		_, err = s.CustomerByExternalID(ctx, "")
		unknown(t, err, "customer")
	})
}

func TestStripeCustomerIsKeptOnce(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		one, two := paylink.Customer{ID: "cus_1", CreatedAt: start}, paylink.Customer{ID: "cus_2", CreatedAt: start}
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertCustomer(ctx, one), tx.InsertCustomer(ctx, two)) })
		for _, try := range []string{"cus_first", "cus_second"} {
			s.update(t, func(tx *store.Tx) error {
				stands, err := tx.SetStripeCustomer(ctx, "cus_1", try)
				same(t, stands, err, "cus_first")
				return err
			})
		}
		unknown(t, s.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.SetStripeCustomer(ctx, "cus_none", "cus_x")
			return err
		}), "customer")
	})
}

func TestInvariant_I15_InboxKeepsAWebhookOnce(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		e := filled[store.Event](1)
		e.Body = []byte{0, 1, 0xff} // as it came, not as text
		e.ProcessedAt, e.Attempts, e.LastError = time.Time{}, 0, ""
		insert := func() (isNew bool) {
			s.update(t, func(tx *store.Tx) (err error) { isNew, err = tx.InsertEvent(ctx, e); return err })
			return isNew
		}
		if !insert() || insert() {
			t.Error("a webhook that came twice is not new once")
		}
		got, err := s.Event(ctx, e.Provider, e.ID)
		same(t, got, err, e)

		s.update(t, func(tx *store.Tx) error {
			return tx.MarkEvent(ctx, e.Provider, e.ID, time.Time{}, "stripe is away")
		})
		open, err := s.OpenEvents(ctx, 10)
		e.Attempts, e.LastError = 1, "stripe is away"
		same(t, open, err, []store.Event{e})
		s.update(t, func(tx *store.Tx) error { return tx.MarkEvent(ctx, e.Provider, e.ID, start, "") })
		open, err = s.OpenEvents(ctx, 10)
		same(t, len(open), err, 0)
		e.Attempts, e.LastError, e.ProcessedAt = 2, "", start
		got, err = s.Event(ctx, e.Provider, e.ID)
		same(t, got, err, e)
		_, err = s.Event(ctx, "stripe", "evt_none")
		unknown(t, err, "event")
	})
}

func TestIdempotencyKeyStandsForItsFirstRequest(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		claim := func(scope, hash, object string) (c store.Claim) {
			s.update(t, func(tx *store.Tx) (err error) {
				c, err = tx.ClaimIdempotency(ctx, scope, "key", hash, "invoice", object, start)
				return err
			})
			return c
		}
		same(t, claim("a", "h1", "inv_1"), nil, store.Claim{})
		same(t, claim("a", "h1", "inv_2"), nil, store.Claim{Existing: true, Kind: "invoice", ObjectID: "inv_1"})
		same(t, claim("a", "h2", "inv_2"), nil, store.Claim{Existing: true, Kind: "invoice", ObjectID: "inv_1", HashDiffers: true})
		same(t, claim("b", "h2", "inv_2"), nil, store.Claim{})
	})
}

func TestMailKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		m, later := filled[store.Mail](1), filled[store.Mail](2)
		later.SubjectID = m.SubjectID
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertMail(ctx, m), tx.InsertMail(ctx, later)) })
		got, err := s.Mail(ctx, m.ID)
		same(t, got, err, m)
		list, err := s.MailsOf(ctx, m.SubjectID)
		same(t, list, err, []store.Mail{later, m})
		m.State, m.Attempts, m.LastError, m.SentAt = store.MailSent, 4, "", start
		s.update(t, func(tx *store.Tx) error { return tx.UpdateMail(ctx, m) })
		got, err = s.Mail(ctx, m.ID)
		same(t, got, err, m)
		_, err = s.Mail(ctx, "none")
		unknown(t, err, "mail")
	})
}

func TestOneOpenTaskOfAKindForASubject(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		add := func(kind string, at time.Time) {
			s.update(t, func(tx *store.Tx) error {
				return tx.InsertTask(ctx, kind, "pay_1", "task.overpaid", map[string]any{"excess": money.New(5, "USD")}, at)
			})
		}
		add("excess", start)
		add("excess", start)
		add("other", start.Add(time.Minute))
		open, err := s.Tasks(ctx, true)
		if err != nil || len(open) != 2 || open[0].Kind != "other" || open[1].Kind != "excess" {
			t.Fatalf("open tasks: %+v, %v", open, err)
		}
		same(t, string(open[1].Args), nil, `{"excess":{"minor":5,"currency":"USD"}}`)
		for range 2 { // closing what is closed is no error
			s.update(t, func(tx *store.Tx) error { return tx.DoneTask(ctx, "excess", "pay_1", start.Add(time.Hour)) })
		}
		done, err := s.Tasks(ctx, false)
		same(t, len(done), err, 1)
		same(t, done[0].DoneAt, nil, start.Add(time.Hour))
		add("excess", start.Add(2*time.Hour)) // it came up again
		open, err = s.Tasks(ctx, true)
		same(t, len(open), err, 2)
	})
}

func TestAuditOfASubject(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.update(t, func(tx *store.Tx) error {
			return errors.Join(
				tx.Audit(ctx, "staff:stf_1", "invoice.sent", "inv_1", map[string]string{"to": "a@b.example"}, start),
				tx.Audit(ctx, "stripe", "invoice.paid", "inv_1", nil, start.Add(time.Second)),
				tx.Audit(ctx, "stripe", "invoice.paid", "inv_2", nil, start))
		})
		rows, err := s.AuditOf(ctx, "inv_1", 10)
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		rows[0].ID, rows[1].ID = "", ""
		same(t, rows, nil, []store.AuditRow{
			{At: start.Add(time.Second), Actor: "stripe", Action: "invoice.paid", Subject: "inv_1", Data: json.RawMessage("{}")},
			{At: start, Actor: "staff:stf_1", Action: "invoice.sent", Subject: "inv_1", Data: json.RawMessage(`{"to":"a@b.example"}`)},
		})
		rows, err = s.AuditOf(ctx, "inv_1", 1)
		same(t, len(rows), err, 1)
	})
}

// A Tx answers the questions of a Store, with what it wrote itself.
func TestTxReadsWhatItWrote(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.update(t, func(tx *store.Tx) error {
			if err := tx.InsertCustomer(ctx, paylink.Customer{ID: "cus_1", Name: "Ada", CreatedAt: start}); err != nil {
				return err
			}
			if _, err := s.Customer(context.WithoutCancel(ctx), "cus_1"); paylink.KindOf(err) != paylink.NotFound {
				t.Errorf("others see what is not committed: %v", err)
			}
			c, err := tx.Customer(ctx, "cus_1")
			same(t, c.Name, err, "Ada")
			return err
		})
	})
}
