package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
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

func filledInvoice(salt int, customerID string) paylink.Invoice {
	i := filled[paylink.Invoice](salt)
	i.CustomerID, i.State = customerID, paylink.StateOpen
	return i
}

func TestInvoiceKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i, other := filledInvoice(1, "cus_1"), filledInvoice(2, "cus_1")
		s.update(t, func(tx *store.Tx) error {
			return errors.Join(tx.InsertCustomer(ctx, paylink.Customer{ID: "cus_1", CreatedAt: start}),
				tx.InsertInvoice(ctx, i), tx.InsertInvoice(ctx, other))
		})
		for _, read := range []func() (paylink.Invoice, error){
			func() (paylink.Invoice, error) { return s.Invoice(ctx, i.ID) },
			func() (paylink.Invoice, error) { return s.InvoiceByNumber(ctx, i.Number) },
			func() (paylink.Invoice, error) { return s.InvoiceByExternalID(ctx, i.ExternalID) },
		} {
			got, err := read()
			same(t, got, err, i)
		}

		changed := filledInvoice(3, "cus_1")
		changed.ID, changed.CreatedAt, changed.Version = i.ID, i.CreatedAt, i.Version
		changed.Lines = append(changed.Lines, paylink.Line{
			Description: "More", Quantity: 5000, UnitAmount: money.New(-3, "USD"), Amount: money.New(-2, "USD"),
		})
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, changed) })
		changed.Version++
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockInvoice(ctx, i.ID)
			same(t, got, err, changed)
			return err
		})

		for want, twin := range map[string]func(*paylink.Invoice){
			"invoice.number_taken":      func(i *paylink.Invoice) { i.Number = other.Number },
			"invoice.external_id_taken": func(i *paylink.Invoice) { i.ExternalID = other.ExternalID },
		} {
			fresh, old := filledInvoice(4, "cus_1"), changed
			twin(&fresh)
			twin(&old)
			wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.InsertInvoice(ctx, fresh) }), paylink.Conflict, want)
			wantCode(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, old) }), paylink.Conflict, want)
		}
		_, err := s.Invoice(ctx, "inv_none")
		unknown(t, err, "invoice")
		_, err = s.InvoiceByExternalID(ctx, "")
		unknown(t, err, "invoice")
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { _, err := tx.LockInvoice(ctx, "inv_none"); return err }), "invoice")
	})
}

func TestInvoiceThatChangedSinceIsNotOverwritten(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		i := s.books(t, "inv_1", 1000)
		i.Title = "First"
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(t.Context(), i) })
		i.Title = "Second, from the page of before"
		wantCode(t, s.Update(t.Context(), func(tx *store.Tx) error { return tx.UpdateInvoice(t.Context(), i) }),
			paylink.Conflict, "invoice.changed")
		got, err := s.Invoice(t.Context(), i.ID)
		same(t, got.Title, err, "First")
	})
}

func TestInvoiceNumbersSkipThoseTaken(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		s.exec(t, "update invoice set number = 'INV-1002'")
		var got []string
		for range 3 {
			s.update(t, func(tx *store.Tx) error {
				n, err := tx.NextInvoiceNumber(ctx)
				got = append(got, n)
				return err
			})
		}
		same(t, got, nil, []string{"INV-1001", "INV-1003", "INV-1004"})
	})
}

func TestLinkKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.books(t, "inv_1", 1000)
		l, later := filled[paylink.Link](1), filled[paylink.Link](2)
		l.InvoiceID, later.InvoiceID = "inv_1", "inv_1"
		s.update(t, func(tx *store.Tx) error { return errors.Join(tx.InsertLink(ctx, l), tx.InsertLink(ctx, later)) })
		got, err := s.Link(ctx, l.ID)
		same(t, got, err, l)
		got, err = s.LinkByTokenHash(ctx, l.TokenHash)
		same(t, got, err, l)
		list, err := s.LinksOf(ctx, "inv_1")
		same(t, list, err, []paylink.Link{later, l})

		changed := filled[paylink.Link](3)
		changed.ID, changed.InvoiceID, changed.CreatedAt = l.ID, l.InvoiceID, l.CreatedAt
		changed.CreatedBy, changed.ForwardedBy = l.CreatedBy, l.ForwardedBy
		s.update(t, func(tx *store.Tx) error { return tx.UpdateLink(ctx, changed) })
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockLink(ctx, l.ID)
			same(t, got, err, changed)
			return err
		})
		_, err = s.Link(ctx, "lnk_none")
		unknown(t, err, "link")
		_, err = s.LinkByTokenHash(ctx, "none")
		unknown(t, err, "link")
		unknown(t, s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateLink(ctx, filled[paylink.Link](9)) }), "link")
	})
}

func filledPayment(salt int, i paylink.Invoice, status paylink.PaymentStatus) paylink.Payment {
	p := filled[paylink.Payment](salt)
	p.InvoiceID, p.CustomerID, p.Status = i.ID, i.CustomerID, status
	return p
}

func TestPaymentKeepsEveryField(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1_000_000)
		p, later := filledPayment(1, i, paylink.Created), filledPayment(2, i, paylink.Failed)
		s.update(t, func(tx *store.Tx) error {
			for _, p := range []paylink.Payment{p, later} {
				fresh, err := tx.InsertPayment(ctx, p)
				same(t, fresh, err, true)
			}
			return nil
		})
		for _, read := range []func() (paylink.Payment, error){
			func() (paylink.Payment, error) { return s.Payment(ctx, p.ID) },
			func() (paylink.Payment, error) { return s.PaymentByNonce(ctx, p.Nonce) },
			func() (paylink.Payment, error) { return s.PaymentByIntent(ctx, p.PaymentIntent) },
		} {
			got, err := read()
			same(t, got, err, p)
		}
		list, err := s.PaymentsOf(ctx, i.ID)
		same(t, list, err, []paylink.Payment{later, p})

		changed := filledPayment(3, i, paylink.Unknown)
		changed.ID, changed.LinkID, changed.Nonce = p.ID, p.LinkID, p.Nonce
		changed.InvoiceVersion, changed.CreatedAt, changed.CheckedAt = p.InvoiceVersion, p.CreatedAt, p.CheckedAt
		s.update(t, func(tx *store.Tx) error { return tx.UpdatePayment(ctx, changed) })
		changed.CheckedAt = start.Add(time.Minute)
		s.update(t, func(tx *store.Tx) error { return tx.TouchPayment(ctx, p.ID, changed.CheckedAt) })
		s.update(t, func(tx *store.Tx) error {
			got, err := tx.LockPayment(ctx, p.ID)
			same(t, got, err, changed)
			return err
		})
		_, err = s.Payment(ctx, "pay_none")
		unknown(t, err, "payment")
		_, err = s.PaymentByIntent(ctx, "")
		unknown(t, err, "payment")
		_, err = s.PaymentByNonce(ctx, "none")
		unknown(t, err, "payment")
	})
}

func TestTwoPressesOfOneFormAreOnePayment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		first, second := payment("pay_1", i, 400), payment("pay_2", i, 400)
		second.Nonce = first.Nonce
		s.update(t, func(tx *store.Tx) error {
			fresh, err := tx.InsertPayment(ctx, first)
			same(t, fresh, err, true)
			fresh, err = tx.InsertPayment(ctx, second)
			same(t, fresh, err, false)
			return nil
		})
		list, err := s.PaymentsOf(ctx, i.ID)
		same(t, len(list), err, 1)
	})
}

func TestPaymentIntentServesOnePayment(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		one, two := payment("pay_1", i, 400), payment("pay_2", i, 400)
		one.PaymentIntent, two.PaymentIntent = "pi_1", "pi_1"
		s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, one); return err })
		if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, two); return err }); err == nil {
			t.Error("two payments share a PaymentIntent")
		}
	})
}

func TestPaymentOfTwoCurrenciesIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		p := payment("pay_1", i, 400)
		p.Fee = money.New(10, "EUR")
		if err := s.Update(ctx, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err }); err == nil {
			t.Error("a fee in euros on dollars was kept")
		}
	})
}

func TestUnfinishedPayments(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 100_000)
		var want []string
		for _, status := range []paylink.PaymentStatus{
			paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Processing,
			paylink.Authorized, paylink.Failed, paylink.Canceled, paylink.Succeeded,
		} {
			p := payment("pay_"+string(status), i, 10)
			p.Status = status
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			if status.Reserving() {
				want = append(want, p.ID)
			}
		}
		ids := func(list []paylink.Payment) (ids []string) {
			for _, p := range list {
				ids = append(ids, p.ID)
			}
			return ids
		}
		slices.Sort(want)
		list, err := s.UnfinishedPayments(ctx, "", 100)
		same(t, ids(list), err, want)
		list, err = s.UnfinishedPayments(ctx, want[1], 3)
		same(t, ids(list), err, want[2:5])
	})
}

func TestInboxKeepsAWebhookOnce(t *testing.T) {
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
