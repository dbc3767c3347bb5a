package money

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	locales = []Locale{English, Spanish, French, German}
	codes   = allCodes()

	anyMinor    = rapid.OneOf(rapid.Int64(), rapid.Int64Range(-100_000, 100_000), rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64}))
	anyCurrency = rapid.SampledFrom(codes)
	anyLocale   = rapid.SampledFrom(locales)
)

func allCodes() []Currency {
	var all []Currency
	for c := range currencies {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// agrees fails unless got is want, or an ErrOverflow where want does not fit into an int64.
func agrees(t *rapid.T, doing string, got Amount, err error, want *big.Int) {
	t.Helper()
	switch {
	case !want.IsInt64() && !errors.Is(err, ErrOverflow):
		t.Fatalf("%s is %v, %v; want ErrOverflow, for %s does not fit", doing, got, err, want)
	case want.IsInt64() && (err != nil || got.Minor != want.Int64()):
		t.Fatalf("%s is %v, %v; want %s", doing, got, err, want)
	}
}

// quotient is n ÷ d, rounded half away from zero, by another way than the package's.
func quotient(n, d *big.Int) *big.Int {
	q, rest := new(big.Int).QuoRem(n, d, new(big.Int))
	if rest.Abs(rest).Lsh(rest, 1).Cmp(d) >= 0 {
		q.Add(q, big.NewInt(int64(n.Sign())))
	}
	return q
}

func TestArithmeticIsExactOrAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCurrency.Draw(t, "currency")
		a, b := New(anyMinor.Draw(t, "a"), c), New(anyMinor.Draw(t, "b"), c)
		bigA, bigB := big.NewInt(a.Minor), big.NewInt(b.Minor)

		sum, err := a.Add(b)
		agrees(t, "a + b", sum, err, new(big.Int).Add(bigA, bigB))
		diff, err := a.Sub(b)
		agrees(t, "a − b", diff, err, new(big.Int).Sub(bigA, bigB))
		neg, err := a.Neg()
		agrees(t, "−a", neg, err, new(big.Int).Neg(bigA))
		product := new(big.Int).Mul(bigA, bigB)
		part, err := a.Percent(b.Minor)
		agrees(t, "b basis points of a", part, err, quotient(product, big.NewInt(10_000)))
		times, err := a.Times(Quantity(b.Minor))
		agrees(t, "a × b", times, err, quotient(product, big.NewInt(10_000)))
		step := big.NewInt(c.Step())
		round, err := a.Round()
		agrees(t, "a rounded", round, err, new(big.Int).Mul(quotient(bigA, step), step))

		order, err := a.Cmp(b)
		if err != nil || order != bigA.Cmp(bigB) {
			t.Fatalf("Cmp is %d, %v; want %d", order, err, bigA.Cmp(bigB))
		}
		least, err := Min(a, b)
		if err != nil || least.Minor != min(a.Minor, b.Minor) {
			t.Fatalf("Min is %v, %v", least, err)
		}
	})
}

func TestSubUndoesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCurrency.Draw(t, "currency")
		a, b := New(anyMinor.Draw(t, "a"), c), New(anyMinor.Draw(t, "b"), c)
		sum, err := a.Add(b)
		if err != nil {
			return
		}
		if back, err := sum.Sub(b); err != nil || back != a {
			t.Fatalf("(a + b) − b is %v, %v; want %v", back, err, a)
		}
	})
}

func TestCurrenciesNeverMeet(t *testing.T) {
	dollars := New(100, "USD")
	for _, other := range []Amount{New(100, "EUR"), {Minor: 100}, {}} {
		for doing, do := range map[string]func(a, b Amount) error{
			"Add": func(a, b Amount) error { _, err := a.Add(b); return err },
			"Sub": func(a, b Amount) error { _, err := a.Sub(b); return err },
			"Cmp": func(a, b Amount) error { _, err := a.Cmp(b); return err },
			"Min": func(a, b Amount) error { _, err := Min(a, b); return err },
			"Sum": func(a, b Amount) error { _, err := Sum("USD", a, b); return err },
		} {
			if err := do(dollars, other); !errors.Is(err, ErrCurrency) {
				t.Errorf("%s of %v and %v: %v, want ErrCurrency", doing, dollars, other, err)
			}
			if err := do(other, dollars); !errors.Is(err, ErrCurrency) {
				t.Errorf("%s of %v and %v: %v, want ErrCurrency", doing, other, dollars, err)
			}
		}
	}
	if _, err := (Amount{}).Add(Amount{}); !errors.Is(err, ErrCurrency) {
		t.Errorf("no money plus no money: %v, want ErrCurrency", err)
	}
}

func TestSum(t *testing.T) {
	if got, err := Sum("JPY"); err != nil || got != Zero("JPY") {
		t.Errorf("sum of none is %v, %v", got, err)
	}
	if got, err := Sum("USD", New(1, "USD"), New(2, "USD"), New(-5, "USD")); err != nil || got != New(-2, "USD") {
		t.Errorf("sum is %v, %v", got, err)
	}
}

func TestHalvesRoundAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		minor, basisPoints, want int64
	}{
		{100, 250, 3}, {-100, 250, -3}, {100, 249, 2}, {-100, 249, -2}, {100, -250, -3},
		{22_500, 290, 653}, {50, 100, 1}, {49, 100, 0}, {0, 290, 0}, {12_345, 10_000, 12_345},
	} {
		if got, err := New(c.minor, "USD").Percent(c.basisPoints); err != nil || got.Minor != c.want {
			t.Errorf("%d basis points of %d are %v, %v; want %d", c.basisPoints, c.minor, got.Minor, err, c.want)
		}
	}
	for _, c := range []struct {
		code        Currency
		minor, want int64
	}{
		{"KWD", 1234, 1230}, {"KWD", 1235, 1240}, {"KWD", -1235, -1240}, {"ISK", 149, 100}, {"UGX", 150, 200},
		{"USD", 149, 149}, {"JPY", 149, 149},
	} {
		if got, err := New(c.minor, c.code).Round(); err != nil || got.Minor != c.want {
			t.Errorf("%d %s rounds to %v, %v; want %d", c.minor, c.code, got.Minor, err, c.want)
		}
	}
}

// The product's upper 64 bits are exactly the divisor: one more than the division can take.
func TestProductAtTheEdgeOf128BitsIsAnError(t *testing.T) {
	if got, err := New(math.MinInt64, "USD").Percent(20_000); !errors.Is(err, ErrOverflow) {
		t.Errorf("twice the least amount is %v, %v; want ErrOverflow", got, err)
	}
}

func TestAmountTravelsAsJSON(t *testing.T) {
	data, err := json.Marshal(New(-1050, "USD"))
	if err != nil || string(data) != `{"minor":-1050,"currency":"USD"}` {
		t.Fatalf("written as %s, %v", data, err)
	}
	var back Amount
	if err := json.Unmarshal(data, &back); err != nil || back != New(-1050, "USD") {
		t.Fatalf("read back as %v, %v", back, err)
	}
	for _, bad := range []string{
		`{"minor":10.0,"currency":"USD"}`, `{"minor":1e3,"currency":"USD"}`, `{"minor":"10","currency":"USD"}`,
		`{"minor":9223372036854775808,"currency":"USD"}`, `{"minor":true,"currency":"USD"}`,
		`{"minor":10,"currency":"usd"}`, `{"minor":10,"currency":"XXX"}`, `{"minor":10,"currency":""}`,
		`{"minor":10}`, `{"currency":"USD"}`, `{"minor":null,"currency":"USD"}`, `{}`, `null`, `10`, `"10"`, `[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was read as %v", bad, back)
		}
	}
}

func TestExponentsAndStepsAreStripes(t *testing.T) {
	special := map[int]string{
		0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF",
		3: "BHD JOD KWD OMR TND",
	}
	for exponent, list := range special {
		for code := range strings.FieldsSeq(list) {
			if !Currency(code).Valid() || Currency(code).Exponent() != exponent {
				t.Errorf("%s: valid %t, exponent %d, want %d", code, Currency(code).Valid(), Currency(code).Exponent(), exponent)
			}
		}
	}
	for _, c := range codes {
		listed := strings.Contains(special[0]+special[3], string(c))
		if !listed && c.Exponent() != 2 {
			t.Errorf("%s has exponent %d, want 2", c, c.Exponent())
		}
		want := int64(1)
		switch {
		case c.Exponent() == 3:
			want = 10
		case c == "ISK" || c == "UGX":
			want = 100
		}
		if c.Step() != want {
			t.Errorf("%s has step %d, want %d", c, c.Step(), want)
		}
	}
}

func TestUnknownCurrencyIsRefused(t *testing.T) {
	for _, s := range []string{"usd", "USD", "uSd"} {
		if c, err := ParseCurrency(s); err != nil || c != "USD" {
			t.Errorf("%s is %q, %v", s, c, err)
		}
	}
	for _, s := range []string{"", "US", "USDT", "XXX", "LTL", "ꭓsd", "U D", "$", " USD", "ſgd", strings.Repeat("x", 1<<20)} {
		if c, err := ParseCurrency(s); !errors.Is(err, ErrCurrency) || c != "" {
			t.Errorf("%.8q is %q, %v; want ErrCurrency", s, c, err)
		}
	}
	if Currency("usd").Valid() || Currency("").Valid() {
		t.Error("a code not in capitals, or none, is valid")
	}
}

func TestNamesAreOfKnownCurrencies(t *testing.T) {
	for c, translations := range names {
		if !c.Valid() {
			t.Errorf("%s has a name but is unknown", c)
		}
		for i, name := range translations {
			if name == "" {
				t.Errorf("%s has no name in %s", c, locales[i])
			}
		}
	}
	for l, want := range map[Locale]string{"en": "US dollars", "es": "dólares estadounidenses", "fr": "dollars des États-Unis", "de": "US-Dollar", "": "US dollars"} {
		if got := Currency("USD").Name(l); got != want {
			t.Errorf("the dollar is %q in %q, want %q", got, l, want)
		}
	}
	if got := Currency("VUV").Name(French); got != "VUV" {
		t.Errorf("the vatu is %q, want its code", got)
	}
}

func TestLocaleIsFoundByLanguage(t *testing.T) {
	for tag, want := range map[string]Locale{
		"en": English, "en-US": English, "de": German, "de-AT": German, "DE_ch": German, "fr-CA": French,
		"es-419": Spanish, "ES": Spanish, "pl": English, "": English, "deu": English, "-de": English,
	} {
		if got := ParseLocale(tag); got != want {
			t.Errorf("%q is %s, want %s", tag, got, want)
		}
	}
}

func TestNothingIsAFloat(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if strings.Contains(strings.ToLower(n.Name), "float") {
					t.Errorf("%s: %s", file.Name(), n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					t.Errorf("%s: %s", file.Name(), n.Value)
				}
			}
			return true
		})
	}
}
