package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// group is what is compared with each other. The first contender is the yardstick of the others, unless each stands
// alone.
type group struct {
	name    string
	unit    string // of every figure; more is better, unless alone
	alone   bool
	once    bool // one round: it takes long and hardly varies
	prepare func(context.Context, bench) ([]contender, func(), error)
}

// contender is one thing measured. run does it for one round and returns the figure.
type contender struct {
	name  string
	least float64 // goal: this many times the yardstick; 0 for none
	most  float64 // goal: a figure of no more than this; 0 for none
	run   func(context.Context) (float64, error)
}

// row is a contender with its figures, one a round.
type row struct {
	contender
	figures []float64
	ratios  []float64 // to the yardstick in the same round
}

func (r row) reached() bool {
	return (r.least == 0 || median(r.ratios) >= r.least) && (r.most == 0 || median(r.figures) <= r.most)
}

// goal says what was promised and whether it came so.
func (r row) goal() string {
	var goal string
	switch {
	case r.least > 0:
		goal = fmt.Sprintf("≥ %.3g ×", r.least)
	case r.most > 0:
		goal = fmt.Sprintf("≤ %.4g", r.most)
	default:
		return ""
	}
	if !r.reached() {
		return goal + ", MISSED"
	}
	return goal + ", reached"
}

// measure lets the contenders take turns, in the other direction every second round, so that a machine that slows down
// slows all of them down.
func (g group) measure(ctx context.Context, b bench, rounds int) ([]row, error) {
	contenders, clean, err := g.prepare(ctx, b)
	if err != nil {
		return nil, err
	}
	defer clean()
	rows := make([]row, len(contenders))
	order := make([]int, len(contenders))
	for i, c := range contenders {
		rows[i].contender, order[i] = c, i
	}
	for range rounds {
		for _, i := range order {
			figure, err := rows[i].run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].name, err)
			}
			rows[i].figures = append(rows[i].figures, figure)
		}
		slices.Reverse(order)
	}
	for i := range rows {
		for n, f := range rows[i].figures {
			rows[i].ratios = append(rows[i].ratios, f/rows[0].figures[n])
		}
	}
	return rows, nil
}

// median of at least one figure.
func median(figures []float64) float64 {
	s := slices.Sorted(slices.Values(figures))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// table writes the rows for people to read.
func table(w io.Writer, g group, rows []row) {
	fmt.Fprintf(w, "\n%s, median [range] of %d rounds\n", g.name, len(rows[0].figures))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  what\t%s\t× yardstick\tgoal\t\n", g.unit)
	for i, r := range rows {
		ratio := spread(r.ratios)
		if g.alone {
			ratio = ""
		} else if i == 0 {
			ratio = "1 (yardstick)"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t\n", r.name, spread(r.figures), ratio, r.goal())
	}
	t.Flush()
}

func spread(figures []float64) string {
	return fmt.Sprintf("%s [%s–%s]", short(median(figures)), short(slices.Min(figures)), short(slices.Max(figures)))
}

// short writes three digits that count, and no exponent.
func short(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	default:
		return fmt.Sprintf("%.3f", f)
	}
}
