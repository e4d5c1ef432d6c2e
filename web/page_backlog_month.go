package web

import (
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The calendar of the backlog: a month of due days.

// weekday is a day of the week as a calendar heads it.
type weekday struct{ Short, Long string }

var weekdays = map[lang][7]weekday{
	indonesian: {{"Sen", "Senin"}, {"Sel", "Selasa"}, {"Rab", "Rabu"}, {"Kam", "Kamis"}, {"Jum", "Jumat"}, {"Sab", "Sabtu"}, {"Min", "Minggu"}},
	english:    {{"Mon", "Monday"}, {"Tue", "Tuesday"}, {"Wed", "Wednesday"}, {"Thu", "Thursday"}, {"Fri", "Friday"}, {"Sat", "Saturday"}, {"Sun", "Sunday"}},
}

const monthForm = "2006-01"

func isMonth(v string) bool {
	t, err := time.Parse(monthForm, v)
	return err == nil && t.Format(monthForm) == v && t.Year() > 0
}

// monthView is a month as a table of weeks, Monday first.
type monthView struct {
	First          ledger.Date
	Name           text
	Weeks          [][]dayView
	Due            []dayView // days of the month on which something falls due
	Total, Overdue int
	Before, After  string // the months beside it
	Earlier, Later *monthLink
	Holidays       []holidayView // in the month
	Unknown        bool          // the year's holidays are not published
	Basis          string        // of the year's holidays
	Moved          bool          // as-of's month has nothing due; another is shown
	Asked          text          // that month
	Today          ledger.Date
	Nothing        bool // nothing is due on any day
	TotalHref      string
}

// monthLink leads to the nearest month with something due.
type monthLink struct {
	Name text
	N    int
	Href string
}

type holidayView struct{ Day ledger.Date }

// dayView is one day of a month.
type dayView struct {
	Day                     ledger.Date
	Number                  int // of the month
	Out                     bool
	Weekend, Holiday, Today bool
	Due                     count
	Overdue                 int
	Provisional             bool
	Items                   []dueItem
}

type dueItem struct {
	What text
	N    int
}

func (q *backlogQuestion) monthOf(b *projections.Backlog) monthView {
	today := ledger.DayOf(b.Query.AsOf)
	months := map[string]int{}
	var order []string
	for _, d := range b.Due {
		m := string(d.Day[:7])
		if months[m] == 0 {
			order = append(order, m)
		}
		months[m] += d.Pending
	}
	slices.Sort(order)
	asked := q.month
	m := monthView{Today: today, Nothing: len(order) == 0}
	if asked == "" {
		asked = string(today[:7])
		if months[asked] == 0 && len(order) > 0 {
			m.Moved, m.Asked = true, monthName(asked)
			asked = nearestMonth(order, asked)
		}
	}
	first, err := time.Parse(monthForm, asked)
	if err != nil {
		return m // was looked at
	}
	m.First, m.Name = ledger.Date(first.Format(time.DateOnly)), monthName(asked)
	m.weeks(q, b, first)
	m.Before, m.After = q.monthAddress(first.AddDate(0, -1, 0)), q.monthAddress(first.AddDate(0, 1, 0))
	m.TotalHref = q.listed("due-from", string(m.First), "due-to", first.AddDate(0, 1, -1).Format(time.DateOnly))
	for _, other := range order {
		link := &monthLink{monthName(other), months[other], q.address("month", other) + "#kalender"}
		if other < asked {
			m.Earlier = link
		} else if other > asked && m.Later == nil {
			m.Later = link
		}
	}
	m.Unknown = true
	for _, h := range b.Holidays {
		if h.Year == first.Year() {
			m.Unknown, m.Basis = false, h.Basis
			for _, d := range h.Days {
				if string(d[:min(7, len(d))]) == asked {
					m.Holidays = append(m.Holidays, holidayView{d})
				}
			}
		}
	}
	slices.SortFunc(m.Holidays, func(x, y holidayView) int { return slices.Compare([]ledger.Date{x.Day}, []ledger.Date{y.Day}) })
	return m
}

func (q *backlogQuestion) monthAddress(t time.Time) string {
	if t.Year() < 1 || t.Year() > 9999 {
		return ""
	}
	return q.address("month", t.Format(monthForm)) + "#kalender"
}

// nearestMonth is the last month before another, or the first after it.
func nearestMonth(order []string, to string) string {
	i, _ := slices.BinarySearch(order, to)
	return order[max(0, i-1)]
}

func monthName(m string) text {
	t, err := time.Parse(monthForm, m)
	if err != nil {
		return text{m, m}
	}
	return text{months[indonesian][t.Month()-1] + t.Format(" 2006"), months[english][t.Month()-1] + t.Format(" 2006")}
}

// weeks fills the table from the Monday before the first day on.
func (m *monthView) weeks(q *backlogQuestion, b *projections.Backlog, first time.Time) {
	due := map[ledger.Date][]projections.DueCount{}
	for _, d := range b.Due {
		due[d.Day] = append(due[d.Day], d)
	}
	off := map[ledger.Date]bool{}
	for _, h := range b.Holidays {
		for _, d := range h.Days {
			off[d] = true
		}
	}
	day := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
	for day.Before(first.AddDate(0, 1, 0)) {
		var week []dayView
		for range 7 {
			one := dayView{Day: ledger.Date(day.Format(time.DateOnly)), Number: day.Day(), Out: day.Month() != first.Month()}
			one.Weekend = day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
			one.Holiday, one.Today = off[one.Day] && !one.Out, one.Day == m.Today && !one.Out
			if !one.Out {
				one.fill(q, due[one.Day])
				m.Total, m.Overdue = m.Total+one.Due.N, m.Overdue+one.Overdue
				if one.Due.N > 0 {
					m.Due = append(m.Due, one)
				}
			}
			week = append(week, one)
			day = day.AddDate(0, 0, 1)
		}
		m.Weeks = append(m.Weeks, week)
	}
}

func (d *dayView) fill(q *backlogQuestion, due []projections.DueCount) {
	n := 0
	for _, c := range due {
		n += c.Pending
		d.Overdue += c.Overdue
		d.Provisional = d.Provisional || c.Provisional
		d.Items = append(d.Items, dueItem{word("deadline", c.Code), c.Pending})
	}
	d.Due = q.count(n, "due", string(d.Day))
}
