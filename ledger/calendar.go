package ledger

import (
	"slices"
	"time"
)

// Length is how long a deadline is.
type Length struct {
	Days    int  `json:"days"`
	Working bool `json:"working,omitzero"` // working days; else calendar days
}

// Calendar counts days of Asia/Jakarta. Saturdays and Sundays are never working
// days; holidays are what the ledger was told of them. Its zero value knows of
// no holiday.
//
// The convention, which every deadline of the work list keeps:
//   - The day on which a period's first event falls does not count; the next day
//     is day 1. It is how the sources count that say "in force on the 15th working
//     day since" (PP 94/2021), and gives nobody less than a full day.
//   - The due moment is the end of the last day in Jakarta (UTC+7), whatever the
//     zone of who owes: one national list has one midnight.
//   - Working days are the days that are neither Saturday, Sunday nor published
//     as a holiday. Collective leave ("cuti bersama") counts as the publication
//     counts it: what it lists is off.
//   - A deadline in calendar days may end on a day off and is not moved. No source
//     says that it would be.
//   - Where a working day counted lies in a year whose holidays are not published,
//     the result is provisional: only weekends were left out, so the day may still
//     move to a later one.
type Calendar struct {
	years map[int]bool
	off   map[dayNumber]bool
}

// NewCalendar makes a calendar of what was published, in that order: a year that
// was published again has the holidays of its last publication.
func NewCalendar(published []Holidays) Calendar {
	c := Calendar{years: map[int]bool{}, off: map[dayNumber]bool{}}
	last := map[int]Holidays{}
	for _, h := range published {
		last[h.Year] = h
	}
	for year, h := range last {
		c.years[year] = true
		for _, d := range h.Days {
			if n, ok := numberOf(d); ok {
				c.off[n] = true
			}
		}
	}
	return c
}

// Published lists the years whose holidays the calendar knows.
func (c Calendar) Published() []int {
	out := make([]int, 0, len(c.years))
	for y := range c.years {
		out = append(out, y)
	}
	slices.Sort(out)
	return out
}

// Working reports whether a day is a working day, and whether its year's holidays
// are published; if not, only weekends are known.
func (c Calendar) Working(d Date) (working, known bool) {
	n, ok := numberOf(d)
	return ok && c.working(n), ok && c.years[n.year()]
}

func (c Calendar) working(n dayNumber) bool { return !n.weekend() && !c.off[n] }

// Due gives the last day of a period that began on a day; provisional says that
// later published holidays may still move it. An invalid day has no due day.
func (c Calendar) Due(began Date, l Length) (due Date, provisional bool) {
	first, ok := numberOf(began)
	if !ok {
		return "", false
	}
	if !l.Working {
		return (first + dayNumber(l.Days)).date(), false
	}
	n := first
	for left := l.Days; left > 0; {
		n++
		if c.working(n) {
			left--
		}
	}
	for y := (first + 1).year(); y <= n.year(); y++ {
		provisional = provisional || !c.years[y]
	}
	return n.date(), provisional && l.Days > 0
}

// DayOf is the day in Jakarta on which a moment falls.
func DayOf(t time.Time) Date { return Date(t.In(Jakarta).Format(time.DateOnly)) }

// DaysBetween counts the calendar days from one day to another, negative if that
// is earlier; 0 if one of them does not exist.
func DaysBetween(from, to Date) int {
	a, ok := numberOf(from)
	b, ok2 := numberOf(to)
	if !ok || !ok2 {
		return 0
	}
	return int(b - a)
}

// dayNumber counts days since 1 January 1970, a Thursday.
type dayNumber int

const secondsOfDay = 24 * 60 * 60

func numberOf(d Date) (dayNumber, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return 0, false
	}
	return dayNumber(t.Unix() / secondsOfDay), true // whole days, so also right before 1970
}

func (n dayNumber) time() time.Time { return time.Unix(int64(n)*secondsOfDay, 0).UTC() }
func (n dayNumber) date() Date      { return Date(n.time().Format(time.DateOnly)) }
func (n dayNumber) year() int       { return n.time().Year() }

func (n dayNumber) weekend() bool {
	w := n.time().Weekday()
	return w == time.Saturday || w == time.Sunday
}
