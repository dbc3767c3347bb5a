package templates

import (
	"strconv"
	"strings"
	"testing"

	"paylink"
)

func length(t *testing.T, percent string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.NewReplacer(".", "", "%", "").Replace(percent))
	if err != nil {
		t.Fatalf("%q is no length", percent)
	}
	return n
}

// Whatever the balance, the bar is as long as its parts, and nothing that is there is too small to see.
func TestTheBarAddsUpAndShowsEverything(t *testing.T) {
	amounts := []int64{0, 1, 17, 999, 5000, 33333, 50000, 99999, 1_000_000, paylink.MaxTotal / 3}
	for _, paid := range amounts {
		for _, way := range amounts {
			for _, due := range amounts {
				b := BalanceOf(paylink.Balance{Total: paid + way + due, Paid: paid, Pending: way}, "USD")
				if b.Total.Minor != b.Paid.Minor+b.Way.Minor+b.Due.Minor {
					t.Fatalf("%+v does not add up", b)
				}
				end := 0
				for i, s := range []Segment{b.PaidBar(), b.WayBar()} {
					minor := []int64{paid, way}[i]
					if s.Nothing() != (minor == 0) {
						t.Fatalf("%d, %d, %d: segment %d is %+v", paid, way, due, i, s)
					}
					if s.Nothing() {
						continue
					}
					x := length(t, s.X)
					if x != end {
						t.Errorf("%d, %d, %d: segment %d begins at %d, not at %d", paid, way, due, i, x, end)
					}
					if w := length(t, s.Width); w < leastPermille {
						t.Errorf("%d, %d, %d: segment %d is %d wide", paid, way, due, i, w)
					}
					end = x + length(t, s.Width)
				}
				track := 1000 - end
				if due > 0 && track < leastPermille || due == 0 && b.Total.Minor > 0 && track != 0 {
					t.Errorf("%d, %d, %d: %d is left for what is still to pay", paid, way, due, track)
				}
			}
		}
	}
}

// What was credited is named beside the three numbers, so that all four are the total; the bar shows what is asked for.
func TestACreditAddsUp(t *testing.T) {
	b := BalanceOf(paylink.Balance{Total: 40000, Paid: 16500, Credited: 2500}, "USD")
	if b.Total.Minor != 40000 || b.Paid.Minor+b.Way.Minor+b.Due.Minor+b.Credited.Minor != b.Total.Minor || b.Due.Minor != 21000 {
		t.Errorf("%+v does not add up", b)
	}
	if b.PaidPercent() != 44 || b.PaidBar().Width != "44.0%" {
		t.Errorf("%d percent, drawn %s", b.PaidPercent(), b.PaidBar().Width)
	}
	if all := BalanceOf(paylink.Balance{Total: 40000, Paid: 37500, Credited: 2500}, "USD"); all.PaidBar().Width != "100.0%" {
		t.Errorf("an invoice that is paid is drawn %s", all.PaidBar().Width)
	}
}

func TestAGapStandsBetweenSegmentsAlone(t *testing.T) {
	tests := []struct {
		paid, way, due int64
		gap, end       string
	}{
		{0, 0, 100, "", ""}, {100, 0, 0, "", ""}, {0, 100, 0, "", ""},
		{20, 0, 80, "20.0%", ""}, {0, 20, 80, "", "20.0%"}, {20, 30, 50, "20.0%", "50.0%"}, {20, 80, 0, "20.0%", ""},
	}
	for _, tt := range tests {
		b := BalanceOf(paylink.Balance{Total: tt.paid + tt.way + tt.due, Paid: tt.paid, Pending: tt.way}, "USD")
		if b.Gap() != tt.gap || b.WayEnd() != tt.end {
			t.Errorf("%+v: gaps at %q and %q", tt, b.Gap(), b.WayEnd())
		}
	}
}
