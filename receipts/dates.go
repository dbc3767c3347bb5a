package receipts

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"paylink"
)

// day writes a day in words with its year: "November 27, 2026".
func (w *words) day(d paylink.Date) string { return w.dayOf(w.date, d.Time(time.UTC)) }

// near writes a day without its year if that is the year of now: "November 27".
func (w *words) near(d paylink.Date, now time.Time) string {
	t := d.Time(time.UTC)
	if t.Year() == now.Year() {
		return w.dayOf(w.nearDate, t)
	}
	return w.dayOf(w.date, t)
}

// weekdayAnd writes a day with its weekday: "Friday, November 27, 2026".
func (w *words) weekdayAnd(d paylink.Date) string {
	t := d.Time(time.UTC)
	return say(w.weekday, "weekday", w.weekdays[t.Weekday()], "date", w.dayOf(w.date, t))
}

// moment writes a time in full, in its zone: "Monday, November 23, 2026 at 2:05 PM PST (UTC−8)".
func (w *words) moment(t time.Time) string {
	abbreviation, offset := zoneOf(t)
	zone := offset
	if abbreviation != "" {
		zone = abbreviation + " (" + offset + ")"
	}
	return say(w.fullMoment, "weekday", w.weekdays[t.Weekday()], "date", w.dayOf(w.date, t),
		"time", w.clock(t), "zone", zone)
}

// shortMoment writes a time for small print: "November 23, 2026, 2:05 PM PST".
func (w *words) shortMoment(t time.Time) string {
	zone, offset := zoneOf(t)
	if zone == "" {
		zone = offset
	}
	return say(w.issuedMoment, "date", w.dayOf(w.date, t), "time", w.clock(t), "zone", zone)
}

func (w *words) dayOf(form string, t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = w.firstOfMonth
	}
	date := say(form, "day", day, "month", w.months[t.Month()-1], "year", strconv.Itoa(t.Year()))
	return strings.ReplaceAll(date, " ", "\u00a0") // a date does not break
}

func (w *words) clock(t time.Time) string {
	if w.clock12 {
		return t.Format("3:04 PM")
	}
	return t.Format("15:04")
}

// zoneOf returns the zone's abbreviation, empty where it has none of letters, and how far it is
// from UTC: "PST", "UTC−8".
func zoneOf(t time.Time) (abbreviation, offset string) {
	name, seconds := t.Zone()
	if seconds == 0 {
		offset = "UTC"
	} else {
		sign := "+"
		if seconds < 0 {
			sign, seconds = "−", -seconds
		}
		offset = "UTC" + sign + strconv.Itoa(seconds/3600)
		if minutes := seconds / 60 % 60; minutes != 0 {
			offset += fmt.Sprintf(":%02d", minutes)
		}
	}
	if name == "UTC" || strings.ContainsFunc(name, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return "", offset
	}
	return name, offset
}

// dayOrNone is day, and nothing for no day.
func (w *words) dayOrNone(d paylink.Date) string {
	if d == "" {
		return ""
	}
	return w.day(d)
}
