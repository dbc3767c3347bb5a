package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"paylink"
	"paylink/ledger"
	"paylink/store"
)

// Pages of a list are the list: no row twice, none left out, also of those made in one moment and
// while new ones come in on top.
func TestPagesMakeTheWholeList(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		const count = 23
		var want []string
		for n := range count {
			i := s.books(t, fmt.Sprintf("inv_%02d", n), 1000)
			p := payment(fmt.Sprintf("pay_%02d", n), i, 100)
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			want = append(want, fmt.Sprintf("%02d", n))
		}
		at := start.Add(time.Hour).UnixMicro()
		for _, table := range []string{"customer", "invoice", "payment"} { // half of them in one moment
			s.exec(t, fmt.Sprintf("update %s set created_at = %d where id like '%%1%%'", table, at))
		}
		slices.SortFunc(want, func(a, b string) int {
			key := func(n string) string {
				if n[0] == '1' || n[1] == '1' {
					return "b" + n
				}
				return "a" + n
			}
			if key(a) > key(b) {
				return -1
			}
			return 1
		})
		lists := map[string]func(store.Page) ([]string, string, error){
			"customers": func(p store.Page) (ids []string, next string, err error) {
				list, next, err := s.Customers(ctx, store.CustomerFilter{Page: p})
				for _, c := range list {
					ids = append(ids, c.ID[len(c.ID)-2:])
				}
				return ids, next, err
			},
			"invoices": func(p store.Page) (ids []string, next string, err error) {
				list, next, err := s.Invoices(ctx, store.InvoiceFilter{Page: p})
				for _, r := range list {
					ids = append(ids, r.Invoice.ID[len(r.Invoice.ID)-2:])
				}
				return ids, next, err
			},
			"payments": func(p store.Page) (ids []string, next string, err error) {
				list, next, err := s.Payments(ctx, store.PaymentFilter{Page: p})
				for _, p := range list {
					ids = append(ids, p.ID[len(p.ID)-2:])
				}
				return ids, next, err
			},
		}
		for name, list := range lists {
			for _, limit := range []int{1, 7, count, 100} {
				var got []string
				page := store.Page{Limit: limit}
				for {
					ids, next, err := list(page)
					if err != nil {
						t.Fatal(name, err)
					}
					if len(ids) > limit {
						t.Fatalf("%s: a page of %d for a limit of %d", name, len(ids), limit)
					}
					got = append(got, ids...)
					if next == "" {
						break
					}
					page.Cursor = next
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s by %d:\n got %v\nwant %v", name, limit, got, want)
				}
				// And back again from the last row.
				back := []string{want[count-1]}
				prefix := map[string]string{"customers": "cus_inv_", "invoices": "inv_", "payments": "pay_"}[name]
				page = store.Page{Limit: limit, Cursor: store.Cursor(start, prefix+want[count-1]), Newer: true}
				for {
					ids, next, err := list(page)
					if err != nil {
						t.Fatal(name, err)
					}
					back = append(ids, back...)
					if next == "" {
						break
					}
					page.Cursor = next
				}
				if !slices.Equal(back, want) {
					t.Errorf("%s by %d, backwards:\n got %v\nwant %v", name, limit, back, want)
				}
			}
			for _, cursor := range []string{"x", "!!", "MTIz", "YS9i", "LzE", "MTIzLw", "NS8A", "NS__", "NS9hLWI"} {
				_, _, err := list(store.Page{Cursor: cursor})
				wantCode(t, err, paylink.Invalid, "cursor")
			}
		}
	})
}

func TestInvoicesShow(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		today := paylink.DateOf(start, time.UTC)
		yesterday, tomorrow := paylink.Date("2026-11-21"), paylink.Date("2026-11-23")
		set := func(i paylink.Invoice, change func(*paylink.Invoice)) paylink.Invoice {
			change(&i)
			s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, i) })
			i.Version++
			return i
		}
		pay := func(i paylink.Invoice, minor int64, settled bool) {
			p := payment("pay_"+i.ID+fmt.Sprint(minor), i, minor)
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			if settled {
				s.settle(t, p)
			}
		}
		s.books(t, "inv_open", 1000)
		set(s.books(t, "inv_late", 1000), func(i *paylink.Invoice) { i.Due = yesterday })
		set(s.books(t, "inv_today", 1000), func(i *paylink.Invoice) { i.Due = today })
		set(s.books(t, "inv_later", 1000), func(i *paylink.Invoice) { i.Due = tomorrow })
		pay(set(s.books(t, "inv_part_late", 1000), func(i *paylink.Invoice) { i.Due = yesterday }), 400, true)
		pay(set(s.books(t, "inv_reserved", 1000), func(i *paylink.Invoice) { i.Due = yesterday }), 1000, false)
		pay(s.books(t, "inv_half_reserved", 1000), 500, false)
		pay(set(s.books(t, "inv_paid", 1000), func(i *paylink.Invoice) { i.Due = yesterday }), 1000, true)
		set(s.books(t, "inv_draft", 1000), func(i *paylink.Invoice) { i.State = paylink.StateDraft })
		set(s.books(t, "inv_void", 1000), func(i *paylink.Invoice) { i.State = paylink.StateVoid })
		s.books(t, "inv_credited", 1000)
		s.update(t, func(tx *store.Tx) error {
			credit, err := ledger.CreditNote(header("credit_note", "cn_1"), "inv_credited", usd(1000))
			return post(ctx, tx, credit, err)
		})

		want := map[string][]string{
			"topay":   {"inv_half_reserved", "inv_late", "inv_later", "inv_open", "inv_part_late", "inv_today"},
			"overdue": {"inv_late", "inv_part_late"},
			"onway":   {"inv_half_reserved", "inv_reserved"},
			"paid":    {"inv_credited", "inv_paid"},
			"draft":   {"inv_draft"},
			"void":    {"inv_void"},
		}
		want["all"] = []string{"inv_credited", "inv_draft", "inv_half_reserved", "inv_late", "inv_later", "inv_open",
			"inv_paid", "inv_part_late", "inv_reserved", "inv_today", "inv_void"}
		counts, err := s.InvoiceCounts(ctx, today)
		if err != nil {
			t.Fatal(err)
		}
		for show, ids := range want {
			rows, _, err := s.Invoices(ctx, store.InvoiceFilter{Show: show, Today: today})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Invoice.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, ids) {
				t.Errorf("%s: got %v, want %v", show, got, ids)
			}
			if counts[show] != len(ids) {
				t.Errorf("%s: counted %d, want %d", show, counts[show], len(ids))
			}
		}
		same(t, len(counts), nil, len(want))
		_, _, err = s.Invoices(ctx, store.InvoiceFilter{Show: "everything"})
		wantCode(t, err, paylink.Invalid, "show")
		rows, _, err := s.Invoices(ctx, store.InvoiceFilter{CustomerID: "cus_inv_void"})
		if err != nil || len(rows) != 1 || rows[0].Invoice.ID != "inv_void" {
			t.Errorf("of one customer: %+v, %v", rows, err)
		}
	})
}

func TestInvoiceRowSaysWhatStandsBesideIt(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		i := s.books(t, "inv_1", 1000)
		s.books(t, "inv_2", 1000)
		old, newest := filled[paylink.Link](1), filled[paylink.Link](2)
		old.InvoiceID, newest.InvoiceID = i.ID, i.ID
		s.update(t, func(tx *store.Tx) error {
			if err := tx.InsertLink(ctx, newest); err != nil {
				return err
			}
			return tx.InsertLink(ctx, old)
		})
		rows, _, err := s.Invoices(ctx, store.InvoiceFilter{})
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		if rows[0].Link != nil || rows[1].Link == nil {
			t.Fatalf("links: %+v", rows)
		}
		same(t, *rows[1].Link, nil, newest)
		same(t, rows[1].Customer.Name, nil, "Ada Keller")
		i.Lines = nil
		same(t, rows[1].Invoice, nil, i)
	})
}

func TestFiguresAddUpEachCurrency(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		late := s.books(t, "inv_late", 1000)
		late.Due = "2026-11-21"
		s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, late) })
		s.books(t, "inv_open", 500)
		for _, p := range []paylink.Payment{payment("pay_1", late, 200), payment("pay_2", late, 300)} {
			p.Fee = usd(7)
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			if p.ID == "pay_1" {
				s.settle(t, p)
			}
		}
		s.update(t, func(tx *store.Tx) error {
			for n, status := range []paylink.RefundStatus{paylink.RefundSucceeded, paylink.RefundFailed} {
				if _, err := tx.InsertRefund(ctx, paylink.Refund{
					ID: fmt.Sprintf("rfd_%d", n), Key: fmt.Sprintf("key_%d", n), PaymentID: "pay_1", Amount: usd(40), Fee: usd(0),
					Status: status, Actor: "staff:1", MovedAt: start, CreatedAt: start, UpdatedAt: start,
				}); err != nil {
					return err
				}
			}
			return tx.PutDispute(ctx, paylink.Dispute{
				ID: "dsp_1", PaymentID: "pay_1", StripeID: "dp_1", Kind: paylink.KindDispute, Amount: usd(100), Withdrawn: 100,
				OpenedAt: start, CreatedAt: start, UpdatedAt: start.Add(90 * 24 * time.Hour), // when it was lost
			})
		})
		euros := s.books(t, "inv_eur", 1000)
		s.exec(t, "update invoice set currency = 'EUR' where id = '"+euros.ID+"'")
		want := []store.Figures{
			{Currency: "EUR", ToPay: 1000, ToPayInvoices: 1},
			{
				Currency: "USD", Collected: 207, Payments: 1, WentBack: 140, OnItsWay: 300, OnItsWayCount: 1,
				ToPay: 1000, ToPayInvoices: 2, Overdue: 500, OverdueInvoices: 1,
			},
		}
		got, err := s.Figures(ctx, start, "2026-11-22")
		same(t, got, err, want)
		want[1].Collected, want[1].Payments, want[1].WentBack = 0, 0, 0
		got, err = s.Figures(ctx, start.Add(time.Second), "2026-11-22")
		same(t, got, err, want)
	})
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		s.update(t, func(tx *store.Tx) error {
			for _, c := range []paylink.Customer{
				{ID: "cus_1", Name: "Jörg Ärmel", Company: "100% Wool_Ltd", Email: "JOERG@wool.example", CreatedAt: start},
				{ID: "cus_2", Name: "Ann Lee", Company: "1000 Wools", Email: "ann@lee.example", ExternalID: "SF-77", CreatedAt: start},
			} {
				if err := tx.InsertCustomer(ctx, c); err != nil {
					return err
				}
				i := paylink.Invoice{
					ID: "inv" + c.ID[3:], Number: "INV" + c.ID[3:], Title: "Winter coats", CustomerID: c.ID, Currency: "USD",
					Total: usd(100), State: paylink.StateOpen, Version: 1, CreatedAt: start,
				}
				if err := tx.InsertInvoice(ctx, i); err != nil {
					return err
				}
				p := payment("pay"+c.ID[3:], i, 50)
				p.PaymentIntent, p.Card.Last4, p.ReceiptNumber = "pi"+c.ID[3:], "424"+c.ID[4:], "R"+c.ID[3:]
				if _, err := tx.InsertPayment(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
		customers := func(search string) (ids []string) {
			list, _, err := s.Customers(ctx, store.CustomerFilter{Search: search})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				ids = append(ids, c.ID)
			}
			return ids
		}
		invoices := func(search string) (ids []string) {
			list, _, err := s.Invoices(ctx, store.InvoiceFilter{Search: search})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				ids = append(ids, r.Invoice.ID)
			}
			return ids
		}
		payments := func(search string) (ids []string) {
			list, _, err := s.Payments(ctx, store.PaymentFilter{Search: search})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list {
				ids = append(ids, p.ID)
			}
			return ids
		}
		for search, want := range map[string][]string{
			"ÄRMEL": {"cus_1"}, "wool": {"cus_2", "cus_1"}, "joerg@": {"cus_1"}, "100% w": {"cus_1"}, "l_l": {"cus_1"},
			" lee ": {"cus_2"}, "sf-77": {"cus_2"}, "nobody": nil, `\`: nil, "'": nil,
		} {
			same(t, customers(search), nil, want)
		}
		for search, want := range map[string][]string{
			"ärmel": {"inv_1"}, "INV_2": {"inv_2"}, "coats": {"inv_2", "inv_1"}, "none": nil,
		} {
			same(t, invoices(search), nil, want)
		}
		for search, want := range map[string][]string{
			"pay_1": {"pay_1"}, "pi_2": {"pay_2"}, "4241": {"pay_1"}, "R_2": {"pay_2"}, "ärmel": {"pay_1"}, "inv_2": {"pay_2"},
			"pay": nil, "coats": {"pay_2", "pay_1"},
		} {
			same(t, payments(search), nil, want)
		}
		list, _, err := s.Payments(ctx, store.PaymentFilter{InvoiceID: "inv_1", Status: paylink.Created, CustomerID: "cus_1"})
		same(t, len(list), err, 1)
		list, _, err = s.Payments(ctx, store.PaymentFilter{Status: paylink.Succeeded})
		same(t, len(list), err, 0)
	})
}

func TestPicturesAddUpOneCurrency(t *testing.T) {
	each(t, func(t *testing.T, s opened) {
		ctx := t.Context()
		for n, due := range []paylink.Date{"2026-11-21", "2026-11-15", "2026-11-14", "2026-10-23", "2026-01-01", "2026-11-22", ""} {
			i := s.books(t, fmt.Sprintf("inv_%d", n), int64(1000+n))
			i.Due = due
			s.update(t, func(tx *store.Tx) error { return tx.UpdateInvoice(ctx, i) })
		}
		old := s.books(t, "inv_old", 9000)
		for n, p := range []paylink.Payment{payment("pay_1", old, 200), payment("pay_2", old, 300), payment("pay_3", old, 400), payment("pay_4", old, 500)} {
			p.Fee = usd(7)
			if n > 1 {
				p.Method, p.Status, p.ExpectedOn = paylink.MethodBank, paylink.Processing, "2026-11-27"
			}
			s.update(t, func(tx *store.Tx) error { _, err := tx.InsertPayment(ctx, p); return err })
			if n < 2 {
				s.settle(t, p)
			}
		}
		s.exec(t, fmt.Sprintf("update payment set settled_at = %d where id = 'pay_2'", start.Add(20*time.Minute).UnixMicro()))
		quarter := start.Truncate(15 * time.Minute).UTC()
		arrived, err := s.Arrived(ctx, "USD", start)
		same(t, arrived, err, []store.Arrived{{From: quarter, Amount: 207, Payments: 1}, {From: start.Add(20 * time.Minute).Truncate(15 * time.Minute).UTC(), Amount: 307, Payments: 1}})
		arrived, err = s.Arrived(ctx, "EUR", start)
		same(t, len(arrived), err, 0)
		expected, err := s.Expected(ctx, "USD")
		same(t, expected, err, []store.Expected{{On: "2026-11-27", Amount: 900, Payments: 2}})
		overdue, err := s.OverdueByAge(ctx, "USD", "2026-11-22", [3]paylink.Date{"2026-11-15", "2026-10-23", "2026-09-23"})
		same(t, overdue, err, []store.Overdue{{Age: 0, Amount: 2001, Invoices: 2}, {Age: 1, Amount: 2005, Invoices: 2}, {Age: 3, Amount: 1004, Invoices: 1}})
	})
}
