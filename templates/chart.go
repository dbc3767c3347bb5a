package templates

import (
	"fmt"
	"html/template"
)

// DayChart is what arrived day by day, drawn once for a desk and once for a phone. Places along it are
// in percent, so that it takes any width and its words keep their size; heights are in pixels.
type DayChart struct {
	Narrow bool   // for a phone
	Says   string // the one sentence that it tells
	Bars   []DayBar
	Grid   []GridLine
	Marks  []DayMark
}

// DayBar is a day on which something arrived.
type DayBar struct {
	X, Width  string
	Y, Height int
	Title     string // the day, the amount and the payments
	Amount    string // above it, over its neighbours; "" for all but today
	AmountY   int
}

// GridLine is a line across, with what it stands for.
type GridLine struct {
	X       string // where it begins, right of its label
	Y, Text int
	Label   string
}

// DayMark is a day that is named under the chart.
type DayMark struct {
	X, Label string
	Today    bool
}

// DayRow is a day as text.
type DayRow struct {
	Day, Amount string
	Payments    int
}

// How a day chart is drawn, in pixels; the gutter and the days are in thousandths of its width.
const (
	chartTop, chartFoot, chartHeight = 22, 226, 254
	chartLines                       = 3
)

// ChartDay is a day of a chart, oldest first; the last is today.
type ChartDay struct {
	Label, Title string // what stands under it, and what its bar says
	Amount       string
	Minor        int64
}

// NewDayChart draws days. The label of an amount on the axis is scale's.
func NewDayChart(narrow bool, days []ChartDay, unit int64, scale func(minor int64) string) DayChart {
	gutter, most := int64(72), int64(0)
	if narrow {
		gutter = 130
	}
	for _, d := range days {
		most = max(most, d.Minor)
	}
	step := gridStep(most, unit)
	c := DayChart{Narrow: narrow}
	height := func(minor int64) int {
		return int(float64(minor) / float64(step*chartLines) * (chartFoot - chartTop))
	}
	for n := range int64(chartLines + 1) {
		y := chartFoot - height(step*n)
		line := GridLine{X: share(gutter * 10), Y: y, Text: y + 4}
		if n > 0 {
			line.Label = scale(step * n)
		}
		c.Grid = append(c.Grid, line)
	}
	slot := (1000 - gutter) * 10 / int64(len(days)) // in ten-thousandths
	for n, d := range days {
		from, today := gutter*10+slot*int64(n), n == len(days)-1
		middle := share(from + slot/2)
		if today {
			middle = "100%"
		}
		if d.Label != "" {
			c.Marks = append(c.Marks, DayMark{X: middle, Label: d.Label, Today: today})
		}
		if d.Minor <= 0 {
			continue
		}
		tall := max(2, height(d.Minor))
		bar := DayBar{X: share(from + slot*14/100), Width: share(slot * 72 / 100), Y: chartFoot - tall, Height: tall, Title: d.Title}
		if today {
			bar.Amount, bar.AmountY = d.Amount, bar.Y-7
		}
		c.Bars = append(c.Bars, bar)
	}
	return c
}

func share(n int64) string { return fmt.Sprintf("%d.%02d%%", n/100, n%100) }

// gridStep is what lies between two lines: 1, 2 or 5 with zeros behind, of whole units, so that three
// hold the most.
func gridStep(most, unit int64) int64 {
	step := max(1, unit)
	for _, times := range []int64{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000} {
		if step*chartLines >= most {
			break
		}
		step = max(1, unit) * times
	}
	for step*chartLines < most {
		step *= 10
	}
	return step
}

// RowBar is a row of a picture that is text too: a day or an age, a bar and an amount.
type RowBar struct {
	Label        string
	Link         string // the list behind it; "" for none
	Width        string // of the bar; "" for a row without
	Title        string
	Amount, Note string
	Instead      template.HTML // in place of a bar
}

// BarWidth is how long a bar is beside the longest; there is room for the amount behind it.
func BarWidth(minor, most int64) string {
	if minor <= 0 || most <= 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", max(2, minor*50/most))
}
