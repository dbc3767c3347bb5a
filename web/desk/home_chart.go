package desk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"paylink"
	"paylink/money"
	"paylink/store"
	"paylink/templates"
)

// How many days the pictures of what came in show, on a desk and on a phone.
const deskDays, phoneDays = 30, 14

// charts are the pictures of the first page, in the firm's currency.
func (h *Handlers) charts(ctx context.Context, v visit, p *templates.DeskHome) error {
	first := v.today().Time(v.firm.Location()).AddDate(0, 0, 1-deskDays)
	arrived, err := h.store.Arrived(ctx, v.firm.Currency, first)
	if err != nil {
		return err
	}
	v.collected(arrived, first, p)
	back, err := h.store.WentBack(ctx, v.firm.Currency, first)
	if err != nil {
		return err
	}
	if back > 0 {
		p.Back = v.html("desk.chart.back", "amount", money.New(back, v.firm.Currency))
	}
	expected, err := h.store.Expected(ctx, v.firm.Currency)
	if err != nil {
		return err
	}
	v.onItsWay(expected, p)
	var since [3]paylink.Date
	for n, age := range ages[:3] {
		since[n] = paylink.DateOf(v.today().Time(v.firm.Location()).AddDate(0, 0, -age), v.firm.Location())
	}
	overdue, err := h.store.OverdueByAge(ctx, v.firm.Currency, v.today(), since)
	if err != nil {
		return err
	}
	v.overdue(overdue, p)
	return nil
}

// collected pictures what arrived by day.
func (v visit) collected(arrived []store.Arrived, first time.Time, p *templates.DeskHome) {
	zone, currency := v.firm.Location(), v.firm.Currency
	amounts, counts := map[paylink.Date]int64{}, map[paylink.Date]int{}
	for _, a := range arrived {
		day := paylink.DateOf(a.From, zone)
		amounts[day] += a.Amount
		counts[day] += a.Payments
	}
	days := make([]templates.ChartDay, deskDays)
	for n := range days {
		at := first.AddDate(0, 0, n)
		day := paylink.DateOf(at, zone)
		amount := v.words.Amount(money.New(amounts[day], currency))
		days[n] = templates.ChartDay{Minor: amounts[day], Amount: amount}
		if n == deskDays-1 {
			days[n].Label = v.words.T("desk.chart.today")
		} else if at.Weekday() == time.Monday && n < deskDays-3 { // nearer ones would touch "Today"
			days[n].Label = v.words.Short(at)
		}
		if counts[day] == 0 {
			continue
		}
		days[n].Title = v.words.Count("desk.chart.bar", counts[day], "day", at, "amount", money.New(amounts[day], currency))
		p.Days = append(p.Days, templates.DayRow{Day: v.words.Date(at), Amount: amount, Payments: counts[day]})
	}
	unit := int64(1)
	for range currency.Exponent() {
		unit *= 10
	}
	for _, count := range []int{deskDays, phoneDays} {
		shown := days[deskDays-count:]
		c := templates.NewDayChart(count == phoneDays, shown, unit, func(minor int64) string { return v.scale(minor / unit) })
		c.Says = v.chartSays(shown, counts, first, currency)
		p.Collected = append(p.Collected, c)
	}
}

// chartSays is the one sentence that a picture of days tells.
func (v visit) chartSays(days []templates.ChartDay, counts map[paylink.Date]int, first time.Time, c money.Currency) string {
	sum, most, best, n := int64(0), int64(0), time.Time{}, 0
	for k, d := range days {
		at := first.AddDate(0, 0, deskDays-len(days)+k)
		sum, n = sum+d.Minor, n+counts[paylink.DateOf(at, v.firm.Location())]
		if d.Minor > most {
			most, best = d.Minor, at
		}
	}
	if n == 0 {
		return v.words.T("desk.chart.nothing", "days", len(days))
	}
	return v.words.Count("desk.chart.says", n, "days", len(days), "amount", money.New(sum, c), "most", money.New(most, c), "day", best)
}

// scale writes an amount of whole units for an axis: $2k. A currency whose sign is long goes without.
func (v visit) scale(units int64) string {
	shown, end := float64(units), ""
	switch {
	case units >= 1_000_000:
		shown, end = shown/1_000_000, "m"
	case units >= 1_000:
		shown, end = shown/1_000, "k"
	}
	symbol := v.symbol(string(v.firm.Currency))
	if len([]rune(symbol)) > 2 {
		symbol = ""
	}
	return symbol + strconv.FormatFloat(shown, 'f', -1, 64) + end
}

// mostDays is how many days of what is on its way are pictured; the last one holds what comes later.
const mostDays = 6

// onItsWay pictures what banks bring, by the day it usually arrives on. A bank holiday between says so.
func (v visit) onItsWay(expected []store.Expected, p *templates.DeskHome) {
	zone, most := v.firm.Location(), int64(0)
	if len(expected) > mostDays {
		later := expected[mostDays-1:]
		for _, e := range later[1:] {
			later[0].Amount += e.Amount
			later[0].Payments += e.Payments
		}
		expected = expected[:mostDays]
	}
	sum, n := int64(0), 0
	for _, e := range expected {
		most, sum, n = max(most, e.Amount), sum+e.Amount, n+e.Payments
	}
	label := func(day time.Time) string {
		return v.words.T("desk.way.day", "weekday", day, "day", strconv.Itoa(day.Day()))
	}
	for k, e := range expected {
		day := e.On.Time(zone)
		if k > 0 {
			for between := expected[k-1].On.Time(zone).AddDate(0, 0, 1); between.Before(day) && len(p.Way) < 2*mostDays; between = between.AddDate(0, 0, 1) {
				if holiday(between, zone) {
					p.Way = append(p.Way, templates.RowBar{Label: label(between), Instead: v.html("desk.way.holiday")})
				}
			}
		}
		amount := money.New(e.Amount, v.firm.Currency)
		row := templates.RowBar{
			Label: label(day), Width: templates.BarWidth(e.Amount, most), Amount: v.words.Amount(amount),
			Title: v.words.Count("desk.chart.bar", e.Payments, "day", day, "amount", amount),
		}
		if k == mostDays-1 {
			row.Label = v.words.T("desk.way.later", "day", label(day))
		}
		p.Way = append(p.Way, row)
	}
	if len(expected) > 0 {
		p.WaySays = v.words.Count("desk.way.says", n, "amount", money.New(sum, v.firm.Currency), "day", expected[0].On.Time(zone))
	}
}

// holiday says whether banks rest on a day that is no Saturday and no Sunday.
func holiday(day time.Time, zone *time.Location) bool {
	if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		return false
	}
	return paylink.BankDays(paylink.DateOf(day.AddDate(0, 0, -1), zone), 1) != paylink.DateOf(day, zone)
}

// ages are how many days overdue the first three rows reach; the last holds what is older.
var ages = [...]int{7, 30, 60}

func (v visit) overdue(overdue []store.Overdue, p *templates.DeskHome) {
	var most, sum int64
	n := 0
	for _, o := range overdue {
		most, sum, n = max(most, o.Amount), sum+o.Amount, n+o.Invoices
	}
	if n == 0 {
		return
	}
	p.OverdueSays = v.words.Count("desk.overdue.says", n, "amount", money.New(sum, v.firm.Currency))
	rows := make([]templates.RowBar, len(ages)+1)
	for k := range rows {
		rows[k] = templates.RowBar{Label: v.words.T("desk.overdue.age." + strconv.Itoa(k)), Amount: v.words.Amount(money.Zero(v.firm.Currency)), Note: "0"}
	}
	for _, o := range overdue {
		amount := money.New(o.Amount, v.firm.Currency)
		row := &rows[o.Age]
		row.Width, row.Amount, row.Note, row.Link = templates.BarWidth(o.Amount, most), v.words.Amount(amount), fmt.Sprint(o.Invoices), invoicesPath+"?show=overdue"
		row.Title = v.words.Count("desk.overdue.bar", o.Invoices, "age", row.Label, "amount", amount)
	}
	p.Overdue = rows
}
