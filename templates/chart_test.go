package templates

import (
	"strconv"
	"strings"
	"testing"
)

func places(t *testing.T, percent string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(percent, "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every bar stands within the picture, right of the labels, beside the next, and is as tall as its amount.
func TestDayChartHoldsItsBars(t *testing.T) {
	for _, most := range []int64{1, 99, 12345, 600_000, 999_999_999_999} {
		for _, narrow := range []bool{false, true} {
			days := make([]ChartDay, 30)
			for n := range days {
				days[n].Minor = most * int64(n%4) / 3
			}
			days[29].Minor, days[29].Amount = most, "today's"
			c := NewDayChart(narrow, days, 100, func(int64) string { return "x" })
			if len(c.Grid) != 4 || len(c.Bars) == 0 {
				t.Fatalf("%d lines, %d bars", len(c.Grid), len(c.Bars))
			}
			edge := places(t, c.Grid[0].X)
			for _, b := range c.Bars {
				if from := places(t, b.X); from < edge || b.Y < chartTop || b.Y+b.Height != chartFoot || b.Height < 2 {
					t.Errorf("most %d: a bar at %s, from %d, %d high", most, b.X, b.Y, b.Height)
				}
				edge = places(t, b.X) + places(t, b.Width)
			}
			if edge > 100 {
				t.Errorf("bars reach to %v", edge)
			}
			if last := c.Bars[len(c.Bars)-1]; last.Amount != "today's" || last.AmountY >= last.Y || last.AmountY < 12 {
				t.Errorf("today's amount %q stands at %d, its bar begins at %d", last.Amount, last.AmountY, last.Y)
			}
		}
	}
}

func TestGridIsOfRoundAmounts(t *testing.T) {
	for most, want := range map[int64]int64{0: 100, 1: 100, 300: 100, 301: 200, 164_000: 100_000, 520_000: 200_000, 600_000: 200_000, 600_001: 500_000, 90_000_000_000_000: 50_000_000_000_000} {
		if got := gridStep(most, 100); got != want || got*chartLines < most {
			t.Errorf("up to %d the lines are %d apart, not %d", most, got, want)
		}
	}
}
