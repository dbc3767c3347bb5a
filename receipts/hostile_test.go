package receipts

import (
	"strings"
	"testing"
	"unicode/utf8"

	"paylink/money"
)

func TestNamesOfManyScriptsPrintRight(t *testing.T) {
	for _, name := range []string{
		"Łucja Żółć", "Jürgen Groß ẞ", "Çağrı Şen", "Nguyễn Thị Ánh", "Ελένη Παπαδοπούλου",
		"Сергій Їжакевич", "田中さくら", "株式会社キーオン", "王小明（上海）", "김민준", "Zoë ½ № 3 €",
	} {
		r := exampleReceipt()
		r.Payer, r.Company = name, ""
		if got := text(t, mustRender(t, r)); !strings.Contains(got, name) {
			t.Errorf("%q is not on the page:\n%s", name, got)
		}
	}
}

var hostile = []string{
	"", " ", "\x00", "a\x00b \r\n\t\v\f\u2028\u2029", "\xff\xfe\xfd a\xc3", string(rune(0xD800)) + "\ufeff\ufffe\uffff",
	"\u202eevil\u202c שלום עולם السلام عليكم ﷽", "😀👩‍👩‍👧‍👦🇪🇺 \U0010ffff\U00020000", strings.Repeat("e\u0301\u0301", 300),
	strings.Repeat("W", 10_000), strings.Repeat("漢", 10_000), strings.Repeat("a b ", 2_500), strings.Repeat(" ", 10_000),
	`((( ))) \\\ endstream endobj /JS (app.alert(1)) /OpenAction 1 0 R`,
	"{payer}{number}{moment} {nb} %s%d%!(EXTRA) <script>alert(1)</script> &amp;",
}

// filled is the sample with one text everywhere.
func filled(s string) (Receipt, Invoice) {
	r, i := exampleReceipt(), exampleInvoice()
	f := Firm{Name: s, Tagline: s, Address: []string{s, s}, TaxID: s, Email: s, Phone: s, Statement: s, Accent: s, LogoPNG: []byte(s), CheckHost: s}
	r.Firm, i.Firm = f, f
	r.Number, r.Payer, r.Company, r.Method, r.AuthorizationCode, r.Trace = s+"1", s, s, s, s, s
	r.Statement, r.Reference, r.InvoiceNumber, r.InvoiceTitle, r.FeeLabel, r.VerifyCode = s, s, s, s, s, s
	r.Taxes, r.Locale = []TaxLine{{s, true, r.Fee}, {s, false, r.Fee}}, money.Locale(s)
	i.Number, i.Title, i.Customer, i.Company, i.Address, i.TaxID = s+"1", s, s, s, []string{s, s}, s
	i.Lines = append(i.Lines, Line{s, 10000, i.Total, s, i.Total})
	i.Taxes, i.Locale = r.Taxes, r.Locale
	if len(s) <= MaxPayURL {
		i.PayURL = s
	}
	return r, i
}

func TestHostileTextStillMakesADocument(t *testing.T) {
	for _, s := range hostile {
		r, i := filled(s)
		for _, pdf := range [][]byte{mustRender(t, r), mustRenderInvoice(t, i)} {
			if got := text(t, pdf); !utf8.ValidString(got) || !strings.Contains(got, "1,000.00") {
				t.Errorf("with %.20q the document reads %.200q", s, got)
			}
		}
	}
}

func TestFault_E06PanicOfThePDFLibraryIsAnError(t *testing.T) {
	err := func() (err error) {
		defer guard(&err)
		newSheet(A4, about{}).run(0, 0, nil) // an impossible call
		return nil
	}()
	if err == nil {
		t.Error("a panic got through as success")
	}
}

// FuzzPDFText draws any text in every place and reads the document back: positions right, nothing in
// it that acts.
func FuzzPDFText(f *testing.F) {
	for _, s := range []string{"Maria", "/JS (app.alert(1)) /OpenAction 1 0 R", "endstream endobj", "\xff(\\", "漢😀\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4096 {
			s = s[:4096]
		}
		r, i := filled(s)
		for _, pdf := range [][]byte{mustRender(t, r), mustRenderInvoice(t, i)} {
			dicts, _, err := objects(pdf)
			if err != nil {
				t.Fatal(err)
			}
			for _, dict := range dicts {
				for _, active := range []string{"/JS", "/JavaScript", "/Launch", "/OpenAction", "/URI", "/AA", "/SubmitForm", "/Annot"} {
					if strings.Contains(dict, active) {
						t.Errorf("%s in %.200q", active, dict)
					}
				}
			}
		}
	})
}
