package mailer

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"paylink"
	"paylink/invoicing"
	"paylink/store"
	"paylink/store/storetest"
)

func TestALinkMailSaysWhatIsAskedAndLeadsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, job := o.link(invoicing.Send{Note: "Thank you for the quick start.\nAnna"})
		o.must(o.LinkJob(t.Context(), job))
		l := o.only()
		url, err := link.URL(o.ring, o.BaseURL)
		o.must(err)
		if subject, _ := l.head.Subject(); subject != "Invoice INV-1042 from Northwind Studio: $750.00 due November 27" {
			t.Errorf("subject %q", subject)
		}
		if reply, _ := l.head.AddressList("Reply-To"); len(reply) != 1 || reply[0].Address != "billing@northwind.studio" {
			t.Errorf("reply to %v", reply)
		}
		if l.head.Has("List-Unsubscribe") || l.head.Has("Auto-Submitted") {
			t.Error("a link is one person's mail to another")
		}
		said := []string{
			"Hello Maria,", "INV-1042", "Brand refresh, phase 2", "is due on Friday, November 27.", "Thank you for the quick start.", "Anna",
			"$750.00", "still to pay", "Invoice total", "$1,000.00", "Paid", "$200.00", "On its way", "$50.00",
			"See and pay invoice INV-1042", url,
			"You can pay by card, all of it or a part. Opening the page charges nothing; only the Pay button does.",
			"The invoice is attached. Its QR code opens the same page.",
			"This link was made for maria@keller.studio and works until December 27, 2026.",
			"Northwind Studio LLC, 1420 SE Water Avenue, Portland, OR 97214", "(503) 555-0142", "billing@northwind.studio",
		}
		inOrder(t, "text", l.text, said...)
		inOrder(t, "html", visible(l.html), said...)
		if !strings.Contains(l.html, `<a href="`+url+`"`) || strings.Contains(l.html, "ZgotmplZ") {
			t.Error("the button leads nowhere")
		}
		if pdf := l.files["invoice-INV-1042.pdf"]; !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("no invoice attached: %.20q", pdf)
		}
		row := o.row(link.ID)
		if row.State != store.MailSent || row.Attempts != 1 || !row.SentAt.Equal(o.now) || row.Recipient != "maria@keller.studio" {
			t.Errorf("%+v", row)
		}
		stored, err := s.Link(t.Context(), link.ID)
		o.must(err)
		if !stored.SentAt.Equal(o.now) || stored.State(o.now) != paylink.LinkSent {
			t.Errorf("%+v", stored)
		}
		history, err := s.AuditOf(t.Context(), o.invoice.ID, 10)
		o.must(err)
		if !slices.ContainsFunc(history, func(a store.AuditRow) bool { return a.Action == "link.sent" }) {
			t.Errorf("the invoice's history says %+v", history)
		}
		o.must(o.LinkJob(t.Context(), job))
		if len(o.server.mails()) != 1 {
			t.Error("a job that ran again mailed again")
		}
		if token := url[len(o.BaseURL+"/l/"):]; strings.Contains(o.log.String(), token) || strings.Contains(o.log.String(), "maria@") {
			t.Errorf("the log tells too much: %s", o.log.String())
		}
	})
}

func TestALinkMailFitsWhatIsAsked(t *testing.T) {
	s := storetest.SQLite(t)
	o := open(t, s, nil)
	link := paylink.Link{Recipient: "ap@keller.studio", Locale: "en", InvoiceID: o.invoice.ID, ExpiresAt: o.now.Add(paylink.LinkLife)}
	base, err := o.ask(t.Context(), link)
	o.must(err)
	tests := map[string]struct {
		change        func(*asking)
		subject, lead string
		has, lacks    []string
	}{
		"to a colleague": {
			func(a *asking) { a.from = "maria@keller.studio" },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"Hello,\n", "maria@keller.studio sent this invoice on to you."}, []string{"Maria,"},
		},
		"late": {
			func(a *asking) { a.invoice.Due = "2026-11-20" },
			"Invoice INV-1042 from Northwind Studio: $750.00 was due November 20", "Invoice INV-1042 for Brand refresh, phase 2 was due on Friday, November 20.", nil, nil,
		},
		"late, no title": {
			func(a *asking) { a.invoice.Due, a.invoice.Title = "2025-11-20", "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 was due November 20, 2025", "Invoice INV-1042 was due on Thursday, November 20, 2025.", nil, nil,
		},
		"no day": {
			func(a *asking) { a.invoice.Due = "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 to pay", "Here is invoice INV-1042 for Brand refresh, phase 2.", nil, nil,
		},
		"neither day nor title": {
			func(a *asking) { a.invoice.Due, a.invoice.Title = "", "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 to pay", "Here is invoice INV-1042.", nil, nil,
		},
		"no title": {
			func(a *asking) { a.invoice.Title = "" },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 is due on Friday, November 27.", nil, nil,
		},
		"nothing paid yet": {
			func(a *asking) { a.balance = paylink.Balance{Total: 100000} },
			"Invoice INV-1042 from Northwind Studio: $1,000.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			nil, []string{"Invoice total", "Paid", "On its way"},
		},
		"a credit": {
			func(a *asking) { a.balance.Credited = 10000 },
			"Invoice INV-1042 from Northwind Studio: $650.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"Credited", "$100.00"}, nil,
		},
		"only the whole": {
			func(a *asking) { a.invoice.Partial.Allowed = false },
			"Invoice INV-1042 from Northwind Studio: $750.00 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"You can pay by card. Opening"}, []string{"a part"},
		},
		"all on its way": {
			func(a *asking) { a.balance.Pending = 80000 },
			"Invoice INV-1042 from Northwind Studio: $800.00 is on its way", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.",
			[]string{"$0.00\nstill to pay", "See invoice INV-1042", "The invoice is attached.\n"}, []string{"You can pay", "See and pay", "QR"},
		},
		"yen, in German": {
			func(a *asking) { a.invoice.Currency, a.link.Locale = "JPY", "de" },
			"Invoice INV-1042 from Northwind Studio: ¥75,000 due November 27", "Invoice INV-1042 for Brand refresh, phase 2 is due on Friday, November 27.", nil, nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := base
			tt.change(&a)
			l := a.letter("https://x/l/y", true)
			text := l.Text()
			if l.Subject != tt.subject || !strings.Contains(text, tt.lead+"\n") {
				t.Errorf("subject %q\n%s", l.Subject, text)
			}
			for _, want := range tt.has {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing:\n%s", want, text)
				}
			}
			for _, not := range tt.lacks {
				if strings.Contains(text, not) {
					t.Errorf("%q is there:\n%s", not, text)
				}
			}
		})
	}
}

func TestAPreviewIsNoWayToPay(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	p, err := o.Preview(t.Context(), paylink.Link{Recipient: "maria@keller.studio", Locale: "en", InvoiceID: o.invoice.ID, ExpiresAt: o.now.Add(paylink.LinkLife)})
	o.must(err)
	if !strings.Contains(p.Text, "https://pay.northwind.studio/l/…\n") || !strings.Contains(p.HTML, "Hello Maria,") || !strings.HasPrefix(p.Subject, "Invoice INV-1042") {
		t.Errorf("%+v", p)
	}
	if len(o.server.mails()) != 0 {
		t.Error("a preview was sent")
	}
}

func TestALinkIsNotMailedWhenThereIsNoMoreReason(t *testing.T) {
	tests := map[string]struct {
		happens func(o *office, l paylink.Link)
		why     string
	}{
		"withdrawn": {func(o *office, l paylink.Link) { o.must(o.invoicing.RevokeLink(o.t.Context(), "system", l.ID)) }, "link.revoked"},
		"over":      {func(o *office, _ paylink.Link) { o.now = o.now.AddDate(1, 0, 0) }, "link.expired"},
		"paid":      {func(o *office, _ paylink.Link) { o.payment(paylink.Succeeded, 80000) }, "payable.paid"},
		"resent":    {func(o *office, l paylink.Link) { o.must(o.invoicing.ResendLink(o.t.Context(), "system", l.ID)) }, "link.resent"},
		"marked paid": {func(o *office, l paylink.Link) {
			o.must(o.store.Update(o.t.Context(), func(tx *store.Tx) error {
				l.PaidAt = o.now
				return tx.UpdateLink(o.t.Context(), l)
			}))
		}, "payable.paid"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := open(t, storetest.SQLite(t), nil)
			link, job := o.link(invoicing.Send{})
			tt.happens(o, link)
			o.must(o.LinkJob(t.Context(), job))
			if len(o.server.mails()) != 0 {
				t.Error("it was mailed")
			}
			if row := o.row(link.ID); row.State != store.MailDropped || row.LastError != tt.why || row.Attempts != 0 {
				t.Errorf("%+v", row)
			}
		})
	}
}

func TestAResentLinkIsAnotherMail(t *testing.T) {
	o := open(t, storetest.SQLite(t), nil)
	link, job := o.link(invoicing.Send{})
	o.must(o.LinkJob(t.Context(), job))
	o.must(o.invoicing.ResendLink(t.Context(), "system", link.ID))
	o.must(o.LinkJob(t.Context(), o.job("mail.link", link.ID+"/2")))
	mails := o.server.mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails", len(mails))
	}
	if first, second := messageID(t, mails[0]), messageID(t, mails[1]); first == second || !strings.HasSuffix(first, "@northwind.example") {
		t.Errorf("%q and %q", first, second)
	}
}

func messageID(t *testing.T, m taken) string {
	t.Helper()
	l := read(t, m.message)
	id, err := l.head.MessageID()
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	return id
}

// Nothing that others change about a link while its mail is under way may be undone by the note that
// it was sent.
func TestALinkWithdrawnWhileItIsMailedStaysWithdrawn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		link, job := o.link(invoicing.Send{})
		o.server.onData = onDataRevoke(o, link.ID)
		o.must(o.LinkJob(t.Context(), job))
		stored, err := s.Link(t.Context(), link.ID)
		o.must(err)
		if stored.RevokedAt.IsZero() || stored.SentAt.IsZero() {
			t.Errorf("%+v", stored)
		}
	})
}
