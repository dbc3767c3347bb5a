package catalogue

import (
	"strconv"
	"strings"
	"time"
)

// styles are the ways to write a moment in a sentence: {due}, {due:short}, {at:moment}.
var styles = map[string]bool{"": true, "short": true, "full": true, "shortfull": true, "time": true, "moment": true, "stamp": true, "zone": true, "weekday": true, "monthname": true}

func (w Words) in(style string, t time.Time) string {
	t = t.In(w.Zone())
	if t.IsZero() {
		return "–"
	}
	switch style {
	case "short":
		return w.Short(t)
	case "full":
		return w.pattern("word.date.full", t)
	case "shortfull":
		return w.pattern("word.date.shortfull", t)
	case "time":
		return w.Clock(t)
	case "moment":
		return w.Moment(t)
	case "stamp":
		return w.Stamp(t)
	case "zone":
		return zoneName(t)
	case "weekday":
		return w.pattern("word.date.weekday", t)
	case "monthname":
		return w.pattern("word.date.month", t)
	}
	return w.Date(t)
}

// Date is a day with its weekday: "Friday, November 27"; with its year when that is not this one.
func (w Words) Date(t time.Time) string {
	if w.thisYear(t) {
		return w.pattern("word.date.day", t)
	}
	return w.pattern("word.date.full", t)
}

// Short is a day without weekday: "November 27"; with its year when that is not this one.
func (w Words) Short(t time.Time) string {
	if w.thisYear(t) {
		return w.pattern("word.date.short", t)
	}
	return w.pattern("word.date.shortfull", t)
}

// Clock is the time of day, "2:05 PM".
func (w Words) Clock(t time.Time) string { return w.pattern("word.date.time", t) }

// Stamp is a day and the time, "November 23, 2:05 PM", for lists.
func (w Words) Stamp(t time.Time) string {
	return w.T("word.date.stamp", "date", w.Short(t), "time", w.Clock(t))
}

// Moment is a day with its year, the time and the zone, for documents: "Monday, November 23, 2026,
// 2:05 PM PST".
func (w Words) Moment(t time.Time) string { return w.pattern("word.date.moment", t) }

// Days is how many midnights of the zone lie between now and a moment; negative for the past.
func (w Words) Days(t time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.In(w.Zone()).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(t).Sub(midnight(w.now)) / (24 * time.Hour))
}

func (w Words) thisYear(t time.Time) bool {
	return t.In(w.Zone()).Year() == w.now.In(w.Zone()).Year()
}

// pattern fills a text of the catalogue with the pieces of a moment.
func (w Words) pattern(key string, t time.Time) string {
	e, ok := w.find(key)
	if !ok {
		return key
	}
	t = t.In(w.Zone())
	var b strings.Builder
	for _, p := range e.sentence {
		if p.name == "" {
			b.WriteString(p.text)
		} else {
			b.WriteString(w.piece(p.name, t))
		}
	}
	return b.String()
}

// piece is what a pattern calls a part of a moment by.
func (w Words) piece(name string, t time.Time) string {
	switch name {
	case "weekday":
		return w.T("word.weekday." + strconv.Itoa(int(t.Weekday())))
	case "month":
		return w.T("word.month." + strconv.Itoa(int(t.Month())))
	case "day":
		return strconv.Itoa(t.Day())
	case "year":
		return strconv.Itoa(t.Year())
	case "hour":
		return t.Format("15")
	case "hour12":
		return t.Format("3")
	case "half":
		if t.Hour() < 12 {
			return w.T("word.half.am")
		}
		return w.T("word.half.pm")
	case "minute":
		return t.Format("04")
	case "zone":
		return zoneName(t)
	}
	return "{" + name + "}"
}

// zoneName is the zone's abbreviation, or its distance from UTC where it has none.
func zoneName(t time.Time) string {
	name, offset := t.Zone()
	if name != "" && !strings.HasPrefix(name, "+") && !strings.HasPrefix(name, "-") {
		return name
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	name = "UTC" + sign + strconv.Itoa(offset/3600)
	if minutes := offset % 3600 / 60; minutes != 0 {
		name += ":" + strconv.Itoa(minutes)
	}
	return name
}
