package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"paylink"
	"paylink/invoicing"
	"paylink/money"
	"paylink/payments"
	"paylink/sandbox"
)

// sample fills a demo with a firm, customers and invoices in several states. Every payment in it is
// made the way a customer's is, so that sandbox and books agree.
func sample(ctx context.Context, a *app, box *sandbox.Server, state *demoState) error {
	const staff paylink.Actor = "system"
	if err := a.invoicing.SaveFirm(ctx, staff, sampleFirm()); err != nil {
		return err
	}
	zone := sampleFirm().Location()
	day := func(days int) paylink.Date { return paylink.DateOf(time.Now().AddDate(0, 0, days), zone) }
	for n, s := range []struct {
		name, company, email, phone string
		number, title               string
		lines                       []paylink.Line
		due                         paylink.Date
		partial                     paylink.PartialRules
		state                       paylink.InvoiceState
		send                        bool
		pay                         []int64
		card                        string
		void                        bool
	}{
		{
			"Maria Keller", "Keller Studio GmbH", "maria@keller.example", "(503) 555-0177",
			"INV-1042", "Brand refresh, phase 2",
			[]paylink.Line{line("Concept and art direction", "12.5", 4800), line("Illustration set, six pieces", "6", 4500), line("Press-ready files", "1", 13000)},
			day(5), paylink.PartialRules{Allowed: true, Minimum: 5000}, paylink.StateOpen, true, []int64{20000}, "pm_card_visa", false,
		},
		{
			"Jonas Berg", "Harbor Labs", "jonas@harborlabs.example", "",
			"INV-1041", "Website care, October",
			[]paylink.Line{line("Care plan", "1", 49000), line("Extra hours", "3.25", 9600)},
			day(-9), paylink.PartialRules{Allowed: true, Minimum: 2500}, paylink.StateOpen, true, nil, "", false,
		},
		{
			"Ελένη Παππά", "", "eleni@pappa.example", "",
			"INV-1040", "Menu cards",
			[]paylink.Line{line("Design", "1", 36000), line("Printing, 200 cards", "200", 145), tax("Sales tax 8.5%", 5525)},
			day(14), paylink.PartialRules{}, paylink.StateOpen, true, []int64{70525}, "pm_card_mastercard", false,
		},
		{
			"Zoë Łukasik", "Straße & Söhne KG", "zoe@strasse.example", "",
			"INV-1039", "Trade fair stand",
			[]paylink.Line{line("Stand graphics", "4", 62500), line("Early-bird discount", "1", -25000)},
			day(21), paylink.PartialRules{Allowed: true, Minimum: 10000, FirstMinimum: 75000, Instalments: []paylink.Instalment{{Amount: 75000, Due: day(7)}, {Amount: 75000, Due: day(14)}, {Amount: 75000, Due: day(21)}}},
			paylink.StateOpen, true, nil, "", false,
		},
		{
			"Tom Okafor", "Okafor Woodworks", "tom@okafor.example", "",
			"INV-1043", "Product photos",
			[]paylink.Line{line("Half a day in the workshop", "0.5", 120000)},
			day(30), paylink.PartialRules{Allowed: true, Minimum: 5000}, paylink.StateDraft, false, nil, "", false,
		},
		{
			"Tom Okafor", "Okafor Woodworks", "tom@okafor.example", "",
			"INV-1038", "Logo usage rights",
			[]paylink.Line{line("License, one year", "1", 18000)},
			day(3), paylink.PartialRules{}, paylink.StateOpen, false, nil, "", true,
		},
	} {
		i, err := sampleInvoice(ctx, a, staff, n, s.name, s.company, s.email, s.phone, paylink.Invoice{
			Number: s.number, Title: s.title, Lines: s.lines, Due: s.due, Partial: s.partial, State: s.state, Currency: "USD",
		})
		if err != nil {
			return err
		}
		if s.send {
			links, err := a.invoicing.SendLinks(ctx, staff, i.ID, invoicing.Send{Mail: true})
			if err != nil {
				return err
			}
			if s.number == "INV-1042" {
				state.InvoiceID, state.LinkID = i.ID, links[0].ID
			}
			for _, minor := range s.pay {
				if err := samplePay(ctx, a, box, i, links[0], minor, s.card); err != nil {
					return err
				}
			}
		}
		if s.void {
			if err := a.invoicing.VoidInvoice(ctx, staff, i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func sampleFirm() paylink.Firm {
	firm := paylink.NewFirm()
	firm.Name, firm.Tagline = "Northwind Studio", "Design for small firms"
	firm.Address = []string{"Northwind Studio LLC", "1420 SE Water Avenue", "Portland, OR 97214, USA"}
	firm.TaxID, firm.Email, firm.Phone = "EIN 84-1234567", "billing@northwind.example", "(503) 555-0142"
	firm.Hours, firm.Descriptor, firm.TimeZone = "Monday to Friday, 9 to 5 Pacific", "NORTHWIND STUDIO", "America/Los_Angeles"
	firm.Partial = paylink.PartialRules{Allowed: true, Minimum: 5000}
	return firm
}

// sampleInvoice makes an invoice and, unless an earlier one made it, its customer. What a fill that
// was cut off made stays.
func sampleInvoice(ctx context.Context, a *app, staff paylink.Actor, n int, name, company, email, phone string, i paylink.Invoice) (paylink.Invoice, error) {
	if known, err := a.store.InvoiceByNumber(ctx, i.Number); err == nil {
		return known, nil
	}
	external := "demo-" + strings.ToLower(email)
	customer, err := a.store.CustomerByExternalID(ctx, external)
	if paylink.KindOf(err) == paylink.NotFound {
		customer, err = a.invoicing.CreateCustomer(ctx, staff, paylink.Customer{
			Name: name, Company: company, Email: email, Phone: phone, ExternalID: external,
		})
	}
	if err != nil {
		return i, fmt.Errorf("sample customer %d: %w", n, err)
	}
	i.CustomerID = customer.ID
	return a.invoicing.CreateInvoice(ctx, staff, i)
}

// samplePay pays a part of an invoice with a test card.
func samplePay(ctx context.Context, a *app, box *sandbox.Server, i paylink.Invoice, link paylink.Link, minor int64, card string) error {
	form := url.Values{"payment_method": {card}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, box.URL()+"/v1/test_helpers/confirmation_tokens", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(a.config.StripeSecretKey, "")
	res, err := http.DefaultClient.Do(r) //nolint:forbidigo // the demo's own sandbox, on this machine
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var token struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil || token.ID == "" {
		return fmt.Errorf("make a test card: %s %w", res.Status, err)
	}
	p, err := a.payments.Begin(ctx, payments.Press{
		LinkID: link.ID, InvoiceID: i.ID, Nonce: paylink.NewID("sample", time.Now()), Version: i.Version,
		Amount: money.New(minor, i.Currency), ConfirmationToken: token.ID, Locale: link.Locale,
		ReturnURL: func(string) string { return a.config.BaseURL }, Actor: paylink.Actor("payer:" + link.ID),
	})
	if err != nil {
		return err
	}
	if p.Status != paylink.Succeeded {
		return fmt.Errorf("sample payment is %s", p.Status)
	}
	return nil
}

// line is one row of a sample invoice; unit in cents.
func line(description, quantity string, unit int64) paylink.Line {
	q, err := money.ParseQuantity(quantity)
	if err != nil {
		panic("sample line: " + err.Error())
	}
	return paylink.Line{Description: description, Quantity: q, UnitAmount: money.New(unit, "USD")}
}

func tax(description string, amount int64) paylink.Line {
	l := line(description, "1", amount)
	l.Tax = true
	return l
}
