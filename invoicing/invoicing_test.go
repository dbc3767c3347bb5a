package invoicing_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/ledger"
	"paylink/money"
	"paylink/store"
	"paylink/store/storetest"
)

const staff paylink.Actor = "staff:stf_1"

type desk struct {
	*invoicing.Service
	t     *testing.T
	store *store.Store
	now   time.Time
	maria paylink.Customer
}

func each(t *testing.T, f func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ring, _ := paylink.NewKeyRing("t")
		d := &desk{t: t, store: s, now: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)}
		d.Service = invoicing.New(s, ring, invoicing.Options{BaseURL: "https://pay.firm.example", Now: func() time.Time { return d.now }})
		var err error
		if d.maria, err = d.CreateCustomer(t.Context(), staff, paylink.Customer{Name: "Maria Keller", Email: "maria@keller.example"}); err != nil {
			t.Fatal(err)
		}
		f(t, d)
	})
}

func (d *desk) invoice(change func(*paylink.Invoice)) paylink.Invoice {
	d.t.Helper()
	one, _ := money.ParseQuantity("1")
	i := paylink.Invoice{
		CustomerID: d.maria.ID, Currency: "USD", Title: "Brand refresh", Due: "2026-11-27",
		Lines: []paylink.Line{{Description: "Design", Quantity: one, UnitAmount: money.New(100000, "USD")}},
	}
	if change != nil {
		change(&i)
	}
	made, err := d.CreateInvoice(d.t.Context(), staff, i)
	if err != nil {
		d.t.Fatal(err)
	}
	return made
}

// owed is what the ledger says, which an invoice's total must agree with.
func (d *desk) owed(i paylink.Invoice) int64 {
	d.t.Helper()
	owed, err := d.store.AccountBalance(d.t.Context(), ledger.Invoice(i.ID), i.Currency)
	if err != nil {
		d.t.Fatal(err)
	}
	return owed.Minor
}

func (d *desk) mails() []store.Job {
	d.t.Helper()
	var jobs []store.Job
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		var err error
		jobs, err = tx.ClaimJobs(d.t.Context(), "mail.link", d.now, time.Hour, 100)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return jobs
}

// pay books a payment, as payments would.
func (d *desk) pay(i paylink.Invoice, minor int64) {
	d.t.Helper()
	booked, err := ledger.Settle(ledger.Header{ID: paylink.NewID("ltx", d.now), SourceType: "payment", SourceID: "pay_1", At: d.now}, ledger.Split{
		Held: ledger.Stripe(i.Currency), Invoice: i.ID, Customer: i.CustomerID, Applied: money.New(minor, i.Currency),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.store.Update(d.t.Context(), func(tx *store.Tx) error { _, err := tx.Post(d.t.Context(), booked); return err }); err != nil {
		d.t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind paylink.Kind, code string) {
	t.Helper()
	if paylink.KindOf(err) != kind || err == nil || !strings.Contains(err.Error(), code) {
		t.Errorf("%v, want kind %d %s", err, kind, code)
	}
}

func TestInvoiceIsOwedFromTheMomentItIsOpen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		open := d.invoice(nil)
		if open.Number != "INV-1001" || open.State != paylink.StateOpen || open.IssuedOn != "2026-11-23" || d.owed(open) != 100000 {
			t.Errorf("%+v owed %d", open, d.owed(open))
		}
		draft := d.invoice(func(i *paylink.Invoice) { i.State = paylink.StateDraft })
		if draft.Number != "INV-1002" || d.owed(draft) != 0 {
			t.Errorf("%+v owed %d", draft, d.owed(draft))
		}
		if _, err := d.SendLinks(t.Context(), staff, draft.ID, invoicing.Send{Mail: true}); err != nil {
			t.Fatal(err)
		}
		if d.owed(draft) != 100000 {
			t.Error("a draft that was sent is not owed")
		}
	})
}

func TestEditingMovesWhatIsOwedUntilMoneyMoved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		i.Lines[0].UnitAmount = money.New(80000, "USD")
		edited, err := d.EditInvoice(t.Context(), staff, i)
		if err != nil || edited.Version != 2 || d.owed(i) != 80000 {
			t.Fatalf("%+v %v owed %d", edited, err, d.owed(i))
		}
		_, err = d.EditInvoice(t.Context(), staff, i)
		wantKind(t, err, paylink.Conflict, "invoice.changed")
		d.pay(i, 10000)
		_, err = d.EditInvoice(t.Context(), staff, edited)
		wantKind(t, err, paylink.Conflict, "invoice.money_moved")
		wantKind(t, d.VoidInvoice(t.Context(), staff, i.ID), paylink.Conflict, "invoice.money_moved")
		if d.owed(i) != 70000 {
			t.Errorf("owed %d", d.owed(i))
		}
	})
}

func TestVoidInvoiceIsOwedNoMoreAndSentNoMore(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		for range 2 {
			if err := d.VoidInvoice(t.Context(), staff, i.ID); err != nil {
				t.Fatal(err)
			}
		}
		if d.owed(i) != 0 {
			t.Errorf("owed %d", d.owed(i))
		}
		_, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{Mail: true})
		wantKind(t, err, paylink.Conflict, "payable.void")
		_, err = d.EditInvoice(t.Context(), staff, i)
		wantKind(t, err, paylink.Conflict, "payable.void")
	})
}

func TestSendingMakesALinkAndAMailForEachMailbox(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		links, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{
			To: []string{"maria@keller.example", " ap@keller.example", "MARIA@keller.example"}, Mail: true, Note: "Thank you",
		})
		if err != nil || len(links) != 2 {
			t.Fatalf("%d links %v", len(links), err)
		}
		if jobs := d.mails(); len(jobs) != 2 {
			t.Errorf("%d mails", len(jobs))
		}
		first, err := d.URL(links[0])
		second, _ := d.URL(links[1])
		if err != nil || first == second || links[0].ExpiresAt != time.Date(2026, 12, 28, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%v until %v", err, links[0].ExpiresAt)
		}
		for _, bad := range [][]string{{"maria"}, {"a@b.example\nBcc: c@d.example"}, {"a@b.example,c@d.example"}} {
			_, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{To: bad, Mail: true})
			wantKind(t, err, paylink.Invalid, "email")
		}
		if all, err := d.store.LinksOf(t.Context(), i.ID); err != nil || len(all) != 2 {
			t.Errorf("%d links %v", len(all), err)
		}
	})
}

func TestResendIsTheSameLinkAndReplaceAnother(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		links, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{Mail: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.ResendLink(t.Context(), staff, links[0].ID); err != nil {
			t.Fatal(err)
		}
		again, err := d.store.Link(t.Context(), links[0].ID)
		if err != nil || again.TokenHash != links[0].TokenHash || again.Version != 2 || len(d.mails()) != 2 {
			t.Errorf("%+v %v", again, err)
		}
		fresh, err := d.ReplaceLink(t.Context(), staff, links[0].ID)
		if err != nil || fresh.TokenHash == links[0].TokenHash || fresh.Recipient != links[0].Recipient {
			t.Fatalf("%+v %v", fresh, err)
		}
		old, err := d.store.Link(t.Context(), links[0].ID)
		if err != nil || old.State(d.now) != paylink.LinkRevoked {
			t.Errorf("%+v %v", old, err)
		}
		wantKind(t, d.ResendLink(t.Context(), staff, old.ID), paylink.Conflict, "link.ended")
	})
}

func TestFreshLinkGoesOnlyToTheMailboxItWasMadeForAndSaysNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		links, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{})
		if err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(60 * 24 * time.Hour)
		for _, try := range [][2]string{{links[0].ID, "other@keller.example"}, {links[0].ID, "not an address"}, {"lnk_unknown", "maria@keller.example"}} {
			if err := d.FreshLink(t.Context(), try[0], try[1]); err != nil || len(d.mails()) != 0 {
				t.Errorf("%v: %v", try, err)
			}
		}
		for range 5 {
			if err := d.FreshLink(t.Context(), links[0].ID, " Maria@Keller.example"); err != nil {
				t.Fatal(err)
			}
		}
		if jobs := d.mails(); len(jobs) != 3 {
			t.Errorf("%d mails within an hour, want 3", len(jobs))
		}
	})
}

func TestForwardMakesALinkOfItsOwnAndTheFirstKeepsWorking(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		links, err := d.SendLinks(t.Context(), staff, i.ID, invoicing.Send{})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Forward(t.Context(), links[0].ID, "ap@keller.example", "Yours"); err != nil {
			t.Fatal(err)
		}
		all, err := d.store.LinksOf(t.Context(), i.ID)
		if err != nil || len(all) != 2 || len(d.mails()) != 1 {
			t.Fatalf("%d links %v", len(all), err)
		}
		for _, link := range all {
			if link.Usable(d.now) != nil || link.ID != links[0].ID && link.ForwardedBy != links[0].ID {
				t.Errorf("%+v", link)
			}
		}
		wantKind(t, d.Forward(t.Context(), links[0].ID, "nobody", ""), paylink.Invalid, "email")
		for range 9 {
			if err := d.Forward(t.Context(), links[0].ID, "ap@keller.example", ""); err != nil {
				t.Fatal(err)
			}
		}
		wantKind(t, d.Forward(t.Context(), links[0].ID, "ap@keller.example", ""), paylink.Conflict, "link.forwarded_enough")
		if err := d.RevokeLink(t.Context(), staff, links[0].ID); err != nil {
			t.Fatal(err)
		}
		wantKind(t, d.Forward(t.Context(), links[0].ID, "ap@keller.example", ""), paylink.NotFound, "link.revoked")
	})
}

func TestOpenedIsTheFirstActOfAPerson(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		links, err := d.SendLinks(t.Context(), staff, d.invoice(nil).ID, invoicing.Send{})
		if err != nil {
			t.Fatal(err)
		}
		first := d.now
		for range 3 {
			if err := d.Opened(t.Context(), links[0].ID); err != nil {
				t.Fatal(err)
			}
			d.now = d.now.Add(time.Hour)
		}
		link, err := d.store.Link(t.Context(), links[0].ID)
		if err != nil || !link.OpenedAt.Equal(first) {
			t.Errorf("%v %v", link.OpenedAt, err)
		}
	})
}

func TestTwoWhoEditAtOnceDoNotUndoEachOther(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		i := d.invoice(nil)
		var group sync.WaitGroup
		won := make(chan int64, 2)
		for _, minor := range []int64{80000, 90000} {
			group.Go(func() {
				mine := i
				mine.Lines = []paylink.Line{{Description: "Design", Quantity: i.Lines[0].Quantity, UnitAmount: money.New(minor, "USD")}}
				if _, err := d.EditInvoice(t.Context(), staff, mine); err == nil {
					won <- minor
				}
			})
		}
		group.Wait()
		close(won)
		if len(won) != 1 {
			t.Fatalf("%d edits were taken", len(won))
		}
		if minor := <-won; d.owed(i) != minor {
			t.Errorf("owed %d, edited to %d", d.owed(i), minor)
		}
	})
}

func TestFirmIsCheckedWhole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		firm := paylink.NewFirm()
		firm.Name, firm.TimeZone = "Northwind Studio", "America/Los_Angeles"
		if err := d.SaveFirm(t.Context(), staff, firm); err != nil {
			t.Fatal(err)
		}
		for field, change := range map[string]func(*paylink.Firm){
			"name":      func(f *paylink.Firm) { f.Name = "" },
			"time_zone": func(f *paylink.Firm) { f.TimeZone = "Mars/Olympus" },
			"paper":     func(f *paylink.Firm) { f.Paper = "a5" },
			"email":     func(f *paylink.Firm) { f.Email = "x\r\nBcc: y@z.example" },
			"legal_url": func(f *paylink.Firm) { f.LegalURL = "javascript:alert(1)" },
			"currency":  func(f *paylink.Firm) { f.Currency = "XYZ" },
			"capture":   func(f *paylink.Firm) { f.Capture = "later" },
		} {
			bad := firm
			change(&bad)
			wantKind(t, d.SaveFirm(t.Context(), staff, bad), paylink.Invalid, field)
		}
		if kept, err := d.Firm(t.Context()); err != nil || kept.Name != "Northwind Studio" {
			t.Errorf("%+v %v", kept, err)
		}
	})
}
