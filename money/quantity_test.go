package money

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestQuantityIsReadExactly(t *testing.T) {
	for s, want := range map[string]Quantity{
		"1": 10000, "1.5": 15000, "0.3333": 3333, "0.0001": 1, "1.50": 15000, "12": 120000, "01": 10000,
		"922337203685477.5807": math.MaxInt64,
	} {
		if got, err := ParseQuantity(s); err != nil || got != want {
			t.Errorf("%s reads as %d, %v; want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]error{
		"": ErrEmpty, "0": ErrSyntax, "0.0": ErrSyntax, "-1": ErrSyntax, "+1": ErrSyntax, "1e3": ErrSyntax, ".5": ErrSyntax,
		"1.": ErrSyntax, "1,5": ErrSyntax, "1,000": ErrSyntax, " 1": ErrSyntax, "1\x00": ErrSyntax, "１": ErrSyntax, "NaN": ErrSyntax,
		"0x10": ErrSyntax, "1.2.3": ErrSyntax, "0.33333": ErrDecimals, "1.00000": ErrDecimals,
		"922337203685477.5808": ErrOverflow, "922337203685478": ErrOverflow, strings.Repeat("1", 33): ErrTooLong, strings.Repeat("1", 1<<20): ErrTooLong,
	} {
		if got, err := ParseQuantity(s); !errors.Is(err, want) || got != 0 {
			t.Errorf("%.40q reads as %d, %v; want %v", s, got, err, want)
		}
	}
}

func TestQuantityIsWrittenShort(t *testing.T) {
	for q, want := range map[Quantity]string{10000: "1", 15000: "1.5", 3333: "0.3333", 1: "0.0001", 100000: "10", 12345000: "1234.5"} {
		if got := q.String(); got != want {
			t.Errorf("%d is written %s, want %s", q, got, want)
		}
	}
	for l, want := range map[Locale]string{English: "1,234.5", German: "1.234,5", French: "1\u202f234,5", Spanish: "1.234,5"} {
		if got := Quantity(12345000).Format(l); got != want {
			t.Errorf("in %s it is written %s, want %s", l, got, want)
		}
	}
}

func TestQuantityTravelsAsJSON(t *testing.T) {
	if data, err := json.Marshal(Quantity(15000)); err != nil || string(data) != `"1.5"` {
		t.Errorf("written as %s, %v", data, err)
	}
	for data, want := range map[string]Quantity{`"1.5"`: 15000, `1.5`: 15000, `0.1`: 1000, `1`: 10000, `922337203685477.5807`: math.MaxInt64} {
		var got Quantity
		if err := json.Unmarshal([]byte(data), &got); err != nil || got != want {
			t.Errorf("%s reads as %d, %v; want %d", data, got, err, want)
		}
	}
	for _, data := range []string{`0`, `-1`, `1e3`, `1E0`, `0.33333`, `""`, `"1,5"`, `"-1"`, `null`, `true`, `{}`, `[1]`} {
		got := Quantity(7)
		if err := json.Unmarshal([]byte(data), &got); err == nil || got != 7 {
			t.Errorf("%s was read as %d, %v", data, got, err)
		}
	}
}

func TestLineTotalIsRoundedOnce(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		quantity string
		want     int64
	}{
		{1000, "1.5", 1500}, {999, "0.3333", 333}, {1, "0.5", 1}, {1, "0.4999", 0}, {-1, "0.5", -1}, {-3, "0.5", -2}, {100, "0.3333", 33},
	} {
		q, err := ParseQuantity(c.quantity)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := New(c.minor, "EUR").Times(q); err != nil || got.Minor != c.want {
			t.Errorf("%d × %s is %v, %v; want %d", c.minor, c.quantity, got.Minor, err, c.want)
		}
	}
	if _, err := New(math.MaxInt64, "EUR").Times(10001); !errors.Is(err, ErrOverflow) {
		t.Errorf("more than the largest amount: %v, want ErrOverflow", err)
	}
	if got, err := New(math.MinInt64, "EUR").Times(10000); err != nil || got.Minor != math.MinInt64 {
		t.Errorf("the least amount once is %v, %v", got, err)
	}
}

func TestQuantityRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quantity(rapid.Int64Range(1, math.MaxInt64).Draw(t, "quantity"))
		if back, err := ParseQuantity(q.String()); err != nil || back != q {
			t.Fatalf("%s reads as %d, %v; want %d", q, back, err, q)
		}
	})
}

func FuzzParseQuantity(f *testing.F) {
	for _, s := range []string{"", "1", "1.5", "0.3333", "0", "-1", "1e3", "01.10", "922337203685477.5808", "1.", ".1", "1,5", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuantity(s)
		if err != nil {
			if q != 0 || !isOneOf(err, ErrEmpty, ErrSyntax, ErrDecimals, ErrOverflow, ErrTooLong) {
				t.Fatalf("%q reads as %d, %v", s, q, err)
			}
			return
		}
		if back, err := ParseQuantity(q.String()); q <= 0 || err != nil || back != q {
			t.Fatalf("%q reads as %s, and that back as %s, %v", s, q, back, err)
		}
	})
}
