package receipts

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"paylink/money"
)

func TestInvoiceReadsAsAgreed(t *testing.T) {
	for _, l := range locales {
		i := exampleInvoice()
		i.Locale = l
		golden(t, "invoice-"+string(l)+".txt", text(t, mustRenderInvoice(t, i)))
	}
}

// manyInvoices are invoices that differ in everything that moves the layout.
func manyInvoices() map[string]Invoice {
	long := strings.Repeat("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk ", 4)
	all := map[string]Invoice{}
	for _, l := range locales {
		for _, paper := range []Paper{A4, Letter} {
			i := exampleInvoice()
			i.Locale, i.Paper = l, paper
			all[fmt.Sprintf("%s %s", l, paper)] = i
			i.Paid, i.OnItsWay, i.StillToPay = i.Total, money.Amount{}, money.Zero("USD")
			all[fmt.Sprintf("%s %s paid", l, paper)] = i
			i = exampleInvoice()
			i.Locale, i.Paper = l, paper
			i.Lines = nil
			for n := range 60 {
				i.Lines = append(i.Lines, Line{fmt.Sprintf("Line %d of many", n+1), 12345, money.New(1000, "USD"), "19%", money.New(1235, "USD")})
			}
			all[fmt.Sprintf("%s %s many", l, paper)] = i
			i = exampleInvoice()
			i.Locale, i.Paper = l, paper
			i.Firm.Name, i.Customer, i.Company, i.Title, i.Number, i.TaxID = long, long, long, long, long, long
			i.Address = []string{long, long, "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
			i.PayURL = "https://" + strings.Repeat("a-long-host.", 20) + "example/l/q3vYt0Jm8b7Xw1KcN5dRzE2hLpA9sUfG6iO"
			most := money.New(math.MaxInt64, "USD")
			i.Lines = []Line{{strings.Repeat(long, 5), math.MaxInt64, most, long, most}}
			i.Total, i.StillToPay, i.Subtotal = most, most, money.New(math.MinInt64, "USD")
			i.Taxes = []TaxLine{{long, true, most}, {long, false, most}}
			all[fmt.Sprintf("%s %s long", l, paper)] = i
			i = exampleInvoice()
			i.Locale, i.Paper = l, paper
			i.Title, i.PayURL, i.Date, i.DueDate, i.Customer, i.Company, i.Address, i.Lines = "", "", "", "", "", "", nil, nil
			i.Firm.Email, i.Firm.Phone, i.Subtotal = "", "", money.Amount{}
			all[fmt.Sprintf("%s %s short", l, paper)] = i
		}
	}
	return all
}

func TestLongInvoiceGoesOnOverleaf(t *testing.T) {
	pdf := mustRenderInvoice(t, manyInvoices()["en a4 many"])
	pages := strings.Split(strings.TrimSuffix(text(t, pdf), "\f"), "\f")
	if len(pages) < 3 {
		t.Fatalf("60 lines on %d pages", len(pages))
	}
	for n, page := range pages {
		if want := fmt.Sprintf("Page %d of %d", n+1, len(pages)); !strings.Contains(page, want) {
			t.Errorf("page %d does not say %q", n+1, want)
		}
		if strings.Contains(page, "of many") && !strings.Contains(page, "Description") {
			t.Errorf("page %d does not name its columns", n+1)
		}
		if last := n == len(pages)-1; strings.Contains(page, "Still to pay") != last {
			t.Errorf("page %d: totals on it %v", n+1, !last)
		}
	}
	all := strings.Join(pages, "")
	for n := range 60 {
		if strings.Count(all, fmt.Sprintf("Line %d of many", n+1)) != 1 {
			t.Errorf("line %d is not there once", n+1)
		}
	}
}

func TestLongDescriptionIsNeverCut(t *testing.T) {
	i := exampleInvoice()
	i.Lines[0].Description = strings.Repeat("word ", 1000) + "END\nnext line"
	got := text(t, mustRenderInvoice(t, i))
	if n := strings.Count(got, "word"); n != 1000 {
		t.Errorf("%d of 1000 words", n)
	}
	if !strings.Contains(got, "END") || !strings.Contains(got, "next line") {
		t.Error("the end is missing")
	}
}

func TestPayURLIsPrintedWholeOrRefused(t *testing.T) {
	i := exampleInvoice()
	i.PayURL = "https://pay.example/" + strings.Repeat("x", MaxPayURL-20)
	got := strings.Join(strings.Fields(text(t, mustRenderInvoice(t, i))), "")
	if !strings.Contains(got, i.PayURL) {
		t.Errorf("the address is cut:\n%s", got)
	}
	i.PayURL += "x"
	_, err := RenderInvoice(i)
	if err == nil {
		t.Error("an address longer than the code can hold was drawn")
	} else if strings.Contains(err.Error(), "xxx") {
		t.Error("the error tells the address, which is a secret")
	}
}

func TestPayURLStandsNowhereButOnThePage(t *testing.T) {
	dicts, _, err := objects(mustRenderInvoice(t, exampleInvoice()))
	if err != nil {
		t.Fatal(err)
	}
	for _, dict := range dicts {
		if strings.Contains(strings.ReplaceAll(dict, "\x00", ""), "pay.northwind") {
			t.Errorf("the link is in %.200q", dict)
		}
	}
}

func TestPaidInvoiceAsksForNothing(t *testing.T) {
	got := text(t, mustRenderInvoice(t, manyInvoices()["en a4 paid"]))
	if strings.Contains(got, "scan") || strings.Contains(got, "/l/") || strings.Contains(got, "Due Friday") {
		t.Errorf("it still asks:\n%s", got)
	}
	if !strings.Contains(got, "PAID") || !strings.Contains(got, "fully paid") {
		t.Errorf("it does not say that it is paid:\n%s", got)
	}
}
