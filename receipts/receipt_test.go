package receipts

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"paylink/money"

	qrcode "github.com/skip2/go-qrcode"
)

var update = flag.Bool("update", false, "write the golden files")

func mustRender(t testing.TB, r Receipt) []byte {
	t.Helper()
	pdf, err := Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func mustRenderInvoice(t testing.TB, i Invoice) []byte {
	t.Helper()
	pdf, err := RenderInvoice(i)
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s reads differently; -update writes it anew. It reads:\n%s", name, got)
	}
}

func TestReceiptReadsAsAgreed(t *testing.T) {
	for _, l := range locales {
		r := exampleReceipt()
		r.Locale = l
		golden(t, "receipt-"+string(l)+".txt", text(t, mustRender(t, r)))
	}
}

// The places are those of the drawing that the layout was made from, to half a millimetre.
func TestReceiptStandsWhereItWasDrawn(t *testing.T) {
	for _, at := range []struct {
		paper        Paper
		text         string
		left, right  float64 // 0 does not matter
		line, within float64 // baseline
	}{
		{A4, "Studio", 0, 76.6, 22.7, 0.5}, {A4, "LLC", 0, 190, 21.3, 0.5},
		{A4, "84-1234567", 0, 190, 34.8, 0.5}, {A4, "PAID", 169.8, 180.3, 56.2, 0.6},
		{A4, "$231.53", 20.2, 57.5, 82.55, 0.5}, {A4, "Visa", 58, 0, 112.2, 0.5},
		{A4, "pi_3QX9kT2eZvKYlo2C0aB1xYzW", 58, 0, 130.2, 0.5}, {A4, "1,000.00", 0, 186, 165.5, 0.5},
		{A4, "6.53", 0, 186, 192.5, 0.5}, {A4, "$525.00", 0, 186, 221.2, 0.5},
		{A4, "425.00", 20, 0, 236.8, 0.5}, {A4, "Refunds", 20, 0, 257.3, 0.5},
		{A4, "pay.northwind.studio/v/7KQM-2D9F", 0, 99.9, 268.4, 0.5},
		{Letter, "LLC", 0, 195.9, 17.3, 0.5}, {Letter, "1,000.00", 0, 191.9, 161, 0.5},
		{Letter, "$525.00", 0, 191.9, 210.6, 0.5}, {Letter, "Refunds", 20, 0, 239.7, 0.5},
	} {
		r := exampleReceipt()
		r.Paper = at.paper
		found := false
		for _, w := range wordsOn(t, mustRender(t, r)) {
			if w.text != at.text {
				continue
			}
			// poppler's box is the face's: 1.069 above and 0.293 below the baseline, of 1.362.
			line := w.top + (w.bottom-w.top)*1.069/1.362
			far := math.Abs(line-at.line) > at.within || at.left != 0 && math.Abs(w.left-at.left) > 0.5 ||
				at.right != 0 && math.Abs(w.right-at.right) > 0.5
			if found = !far; found {
				break
			}
			t.Logf("%s: %q stands from %.1f to %.1f on %.1f", at.paper, w.text, w.left, w.right, line)
		}
		if !found {
			t.Errorf("%s: %q does not stand where it was drawn: from %.1f to %.1f on %.1f",
				at.paper, at.text, at.left, at.right, at.line)
		}
	}
}

// manyReceipts are receipts that differ in everything that moves the layout.
func manyReceipts() map[string]Receipt {
	long := strings.Repeat("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk ", 4)
	all := map[string]Receipt{}
	statuses := slices.Sorted(maps.Keys(english.status))
	for n, l := range locales {
		for m, paper := range []Paper{A4, Letter} {
			r := exampleReceipt()
			r.Locale, r.Paper, r.Status, r.Revision, r.Revisions = l, paper, statuses[(n+m)%len(statuses)], 3, 3
			all[fmt.Sprintf("%s %s", l, paper)] = r
			r = exampleReceipt()
			r.Locale, r.Paper = l, paper
			r.Firm.Name, r.Firm.Tagline, r.Payer, r.Company, r.Number = long, long, long, long, long
			r.Firm.Address = []string{long, long, "three", "four", "five", "six", "seven", "eight"}
			r.Firm.Email, r.Firm.CheckHost, r.VerifyCode = long, long, long
			r.Method, r.AuthorizationCode, r.Trace, r.Statement, r.Reference = long, long, long, long, long
			r.InvoiceNumber, r.InvoiceTitle, r.FeeLabel = long, long, long
			r.Credited = money.New(5000, "USD")
			r.Total, r.StillToPay = money.New(math.MaxInt64, "USD"), money.New(math.MaxInt64/2, "USD")
			r.Charged = r.Total
			for range 30 {
				r.Taxes = append(r.Taxes, TaxLine{long, len(r.Taxes)%2 == 0, r.Total})
			}
			all[fmt.Sprintf("%s %s long", l, paper)] = r
			r = exampleReceipt()
			r.Locale, r.Paper = l, paper
			r.Firm.Tagline, r.Firm.Address, r.Firm.TaxID, r.Company, r.Payer = "", nil, "", "", ""
			r.Method, r.AuthorizationCode, r.Statement, r.Reference = "", "", "", ""
			r.InvoiceTitle, r.InvoiceDate, r.DueDate, r.StillToPayBy = "", "", "", ""
			r.Fee, r.OnItsWay, r.Refunded, r.VerifyCode = money.Amount{}, money.Amount{}, money.Amount{}, ""
			all[fmt.Sprintf("%s %s short", l, paper)] = r
		}
	}
	return all
}

func TestNoTextRunsIntoAnotherOrOffThePaper(t *testing.T) {
	documents := map[string][]byte{}
	for name, r := range manyReceipts() {
		documents["receipt "+name] = mustRender(t, r)
	}
	for name, i := range manyInvoices() {
		documents["invoice "+name] = mustRenderInvoice(t, i)
	}
	for name, pdf := range documents {
		right, bottom := 190.5, 286.0
		if strings.Contains(name, string(Letter)) {
			right, bottom = 196.4, 268.5
		}
		all := wordsOn(t, pdf)
		for i, w := range all {
			if w.left < 19.5 || w.right > right || w.top < 12 || w.bottom > bottom {
				t.Errorf("%s: %.40q on page %d is off: %.1f–%.1f, %.1f–%.1f", name, w.text, w.page, w.left, w.right, w.top, w.bottom)
			}
			// Boxes hold room for accents, so only what is between them counts.
			height := w.bottom - w.top
			for _, o := range all[i+1:] {
				if w.page == o.page && w.left < o.right-0.2 && o.left < w.right-0.2 &&
					w.top+height*0.3 < o.bottom-(o.bottom-o.top)*0.3 && o.top+(o.bottom-o.top)*0.3 < w.bottom-height*0.3 {
					t.Errorf("%s: %.40q and %.40q of page %d overlap", name, w.text, o.text, w.page)
				}
			}
		}
	}
}

func TestAmountsOfEveryKindOfCurrency(t *testing.T) {
	codes := strings.Fields("USD EUR GBP JPY KRW VND CLP KWD BHD JOD OMR TND CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON ALL " +
		"TRY ILS INR IDR MYR PHP THB SGD HKD TWD CNY BRL MXN ARS COP PEN UYU PYG ZAR NGN KES EGP MAD AED SAR QAR " +
		"XAF XOF XPF ISK UGX RWF UAH KZT GEL")
	if len(codes) < 50 {
		t.Fatalf("only %d currencies", len(codes))
	}
	for n, code := range codes {
		c, err := money.ParseCurrency(code)
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		r := exampleReceipt()
		r.Locale = locales[n%len(locales)]
		r.Charged, r.Total, r.ThisPayment = money.New(123456789, c), money.New(223456789, c), money.New(123456789, c)
		r.PaidBefore, r.StillToPay, r.Refunded = money.New(1, c), money.New(99999988, c), money.New(0, c)
		r.Fee, r.OnItsWay = money.Amount{}, money.Amount{}
		page := strings.Join(strings.Fields(text(t, mustRender(t, r))), " ")
		for _, want := range []string{r.Charged.Format(r.Locale), r.Total.Number(r.Locale), r.PaidBefore.Number(r.Locale), r.StillToPay.Format(r.Locale)} {
			if want = strings.Join(strings.Fields(want), " "); !strings.Contains(page, want) {
				t.Errorf("%s in %s: %q is not on the page:\n%s", code, r.Locale, want, page)
			}
		}
	}
}

func TestDocumentSaysWhatItIs(t *testing.T) {
	r := exampleReceipt()
	r.Locale = money.German
	pdf := mustRender(t, r)
	dicts, _, err := objects(pdf)
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(dicts, "\n"); !strings.Contains(all, "/Lang (de)") || !strings.Contains(all, "/DisplayDocTitle true") {
		t.Error("no language, or no title to show")
	}
	r.Firm.Name = "Northwind \U0001F600\x00(Studio)"
	pdf = mustRender(t, r)
	info := poppler(t, "pdfinfo", "-isodates", save(t, pdf))
	for _, want := range []string{
		"Title:           Quittung R-2026-000318, Northwind \uFFFD (Studio)\n", "Author:          Northwind \uFFFD (Studio)\n",
		"CreationDate:    2026-11-23T22:05:00", "ModDate:         2026-11-23T22:05:00", "Pages:           1\n", "JavaScript:      no\n",
	} {
		if !strings.Contains(info, want) {
			t.Errorf("%q is missing in:\n%s", want, info)
		}
	}
}

func TestUnusableRecordIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Receipt){
		"no number":      func(r *Receipt) { r.Number = "" },
		"not paid":       func(r *Receipt) { r.PaidAt = time.Time{} },
		"not issued":     func(r *Receipt) { r.IssuedAt = time.Time{} }, // gofpdf would take the clock's
		"unknown status": func(r *Receipt) { r.Status = "fine" },
		"unknown zone":   func(r *Receipt) { r.TimeZone = "Mars/Olympus" },
		"no currency":    func(r *Receipt) { r.Charged = money.Amount{} },
		"two currencies": func(r *Receipt) { r.Fee = money.New(1, "EUR") },
		"other tax":      func(r *Receipt) { r.Taxes = []TaxLine{{Amount: money.New(1, "EUR")}} },
		"no day":         func(r *Receipt) { r.StillToPayBy = "tomorrow" },
	} {
		r := exampleReceipt()
		spoil(&r)
		if _, err := Render(r); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}

func TestRowsThatAFirmNeverUsesStayOut(t *testing.T) {
	r := exampleReceipt()
	r.Fee, r.OnItsWay = money.Zero("USD"), money.Zero("USD")
	if got := text(t, mustRender(t, r)); !strings.Contains(got, "Card fee") || !strings.Contains(got, "On its way from a bank ") {
		t.Errorf("rows of zero are missing:\n%s", got)
	}
	r.Fee, r.OnItsWay = money.Amount{}, money.Amount{}
	if got := text(t, mustRender(t, r)); strings.Contains(got, "Card fee") || strings.Contains(got, "On its way") {
		t.Errorf("unused rows are there:\n%s", got)
	}
}

// A part payment of 10 of 1000 once made a receipt elsewhere that said 1,000 paid.
func TestLargestAmountIsWhatWasCharged(t *testing.T) {
	r := exampleReceipt()
	r.Charged, r.ThisPayment, r.Fee = money.New(1000, "USD"), money.New(1000, "USD"), money.Amount{}
	largest := word{}
	for _, w := range wordsOn(t, mustRender(t, r)) {
		if w.bottom-w.top > largest.bottom-largest.top {
			largest = w
		}
	}
	if largest.text != "$10.00" {
		t.Errorf("the largest word is %q", largest.text)
	}
}

// The code is what the phone sees, so the picture of the page is compared with it.
func TestCodeOnThePageIsTheAddress(t *testing.T) {
	const dpi = 150
	i := exampleInvoice()
	for _, c := range []struct {
		pdf        []byte
		address    string
		x, y, size float64
	}{
		{mustRender(t, exampleReceipt()), "https://pay.northwind.studio/v/7KQM-2D9F", 168, 254, 22},
		{mustRenderInvoice(t, i), i.PayURL, 164, 70, 26},
	} {
		code, err := qrcode.New(c.address, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		code.DisableBorder = true
		page, rows := picture(t, c.pdf, dpi), code.Bitmap()
		for y, row := range rows {
			for x, dark := range row {
				at := func(from float64, n int) int {
					return int((from + (float64(n)+0.5)*c.size/float64(len(rows))) * dpi / 25.4)
				}
				red, _, _, _ := page.At(at(c.x, x), at(c.y, y)).RGBA()
				if (red < 0x8000) != dark {
					t.Fatalf("the code of %s is wrong at %d, %d", c.address, x, y)
				}
			}
		}
	}
}

func TestCheckAddressOpens(t *testing.T) {
	for host, want := range map[string]string{
		"pay.northwind.studio": "https://pay.northwind.studio/v/7KQM-2D9F", "127.0.0.1:8080": "http://127.0.0.1:8080/v/7KQM-2D9F",
		"localhost": "http://localhost/v/7KQM-2D9F", "http://pay.test/": "http://pay.test/v/7KQM-2D9F",
		"127.0.0.1.evil.example": "https://127.0.0.1.evil.example/v/7KQM-2D9F",
	} {
		if got, shown := checkAddress(host, "7KQM-2D9F"); got != want || strings.Contains(shown, "://") {
			t.Errorf("%s is checked at %s, shown as %s", host, got, shown)
		}
	}
}

func TestPaidNeverComesFromThePaymentsAlone(t *testing.T) {
	usd := func(n int64) money.Amount { return money.New(n, "USD") }
	for _, c := range []struct {
		b    balance
		want int64
	}{
		{balance{total: usd(1000), stillToPay: usd(600)}, 400},
		{balance{total: usd(1000), onItsWay: usd(100), stillToPay: usd(600)}, 300},
		{balance{total: usd(1000), credited: usd(250), stillToPay: usd(600)}, 150},
		{balance{total: usd(1000), stillToPay: usd(1200)}, 0},
	} {
		if got := c.b.paid(); got != usd(c.want) {
			t.Errorf("%+v: paid %s", c.b, got)
		}
	}
}

func TestReceiptSurvivesStorage(t *testing.T) {
	for name, r := range manyReceipts() {
		frozen, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var stored Receipt
		if err := json.Unmarshal(frozen, &stored); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(frozen, again) {
			t.Errorf("%s: stored as %s, read as %s", name, frozen, again)
		}
	}
}
